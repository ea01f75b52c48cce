//! `[sources.NAME] fetch`: commands with a network whose results are pinned.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::harness::{Ended, Project, require_root};
use crate::system::with_shell;

/// Files over HTTP on the loopback, as long as the test runs.
#[derive(Clone)]
struct Server {
    address: SocketAddr,
    files: Arc<Mutex<BTreeMap<String, String>>>,
    asked: Arc<Mutex<usize>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let server = Self { address, files: Arc::default(), asked: Arc::default() };
        let own = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Whoever goes away in the middle is not waited for.
                own.answer(stream).ok();
            }
        });
        server
    }

    fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        let first = lines.next().transpose()?.unwrap_or_default();
        while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
        *self.asked.lock().expect("a count") += 1;
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        match self.files.lock().expect("the files").get(&path) {
            Some(body) => {
                write!(stream, "HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            }
            None => write!(stream, "HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        }
    }

    fn serve(&self, path: &str, body: &str) {
        self.files.lock().expect("the files").insert(path.to_owned(), body.to_owned());
    }

    /// How often anything was asked for since the last time.
    fn asked(&self) -> usize {
        std::mem::take(&mut *self.asked.lock().expect("a count"))
    }
}

const HEAD: &str = "[image]\nname = 'x'\nversion = '1'\nplatforms = ['linux/amd64']\n[base]\nstage = 'ground'\n\
    [sources.system]\npath = 'system'\nignored = true\n\
    [[stage.ground.layer]]\nname = 'system'\n[[stage.ground.layer.step]]\ncopy = 'system'\nto = '/'\n\
    [[stage.ground.layer.step]]\ndirectory = '/tmp'\nmode = '1777'\n";

const USE: &str = "[[layer]]\nname = 'files'\ncopy = 'files'\nto = '/files/'\n";

/// A project with a system of one file, and a server.
fn project() -> Option<(Project, Server)> {
    if !require_root() {
        return None;
    }
    Some((with_shell("")?, Server::start()))
}

/// A source that runs a shell script, with more keys.
fn fetching(script: &str, more: &str) -> String {
    format!("{HEAD}[sources.files]\nfetch = ['/bin/sh', '-ec', '''{script}''']\n{more}\n{USE}")
}

fn lock(project: &Project) -> String {
    String::from_utf8(project.read("kiln.lock")).expect("text")
}

#[test]
fn what_a_command_fetches_is_locked_normalised_and_not_fetched_again() {
    let Some((project, server)) = project() else { return };
    server.serve("/x", "one\n");
    let script = format!(
        "cd /out; wget -q http://{}/x; mkdir -m 700 d; cat /in/list > d/tool; chmod 4711 d/tool; chown 7:7 x; touch -d 2001-02-03 x\n\
         ln -s x link; ln x second; echo $SOURCE_DATE_EPOCH; echo outside > /elsewhere",
        server.address
    );
    project.write("app/list", "a list\n");
    let mounts = "mounts = [{ from = 'app:list', to = '/in/list' }]\n[sources.app]\npath = 'app'";
    project.write("kiln.toml", fetching(&script, mounts));
    let first = project.kiln(&["build"]).ok().expect_said("source files, with network: /bin/sh -ec 'cd /out;");
    assert_eq!(server.asked(), 1);
    let text = lock(&project);
    for expected in [
        "[[fetch]]\nfetch = [\"/bin/sh\", \"-ec\", ".to_owned(),
        "mounts = [{ from = \"app:/list\", to = \"/in/list\" }]".to_owned(),
        "[fetch.files]\n".to_owned(),
        "\"/d/tool\" = ".to_owned(),
    ] {
        assert!(text.contains(&expected), "{expected}: {text}");
    }
    project.kiln(&["build", "-o", "rootfs-tar:out.tar"]).ok();
    let list = project.kiln(&["inspect", "store:x:1", "--files"]).ok();
    let epoch = lock_epoch(&project);
    for expected in [
        format!("d 0755 0:0 {epoch} /files/d"),
        format!("f 0755 0:0 {epoch} /files/d/tool 7 "),
        format!("l 0777 0:0 {epoch} /files/link x"),
        format!("f 0644 0:0 {epoch} /files/second 4 "),
    ] {
        assert!(list.text().contains(&expected), "{expected}: {}", list.all());
    }
    assert!(!list.text().contains("elsewhere"), "only /out stays: {}", list.all());
    let again = project.kiln(&["build", "--no-cache", "--offline", "--locked"]).ok();
    assert_eq!(again.digest(), first.digest());
    project.kiln(&["store", "gc", "--keep-days", "0"]).ok();
    assert_eq!(project.kiln(&["build", "--offline", "--locked"]).ok().digest(), first.digest());
    // Neither a moved epoch nor a version nor another file beside the mounted one runs it again.
    project.write("app/other", "x");
    project.kiln(&["build", "--locked", "--epoch", "2020-01-01T00:00:00Z"]).ok();
    project.kiln(&["update", "epoch"]).env("SOURCE_DATE_EPOCH", "1700000000").ok();
    project.kiln(&["build", "--locked"]).ok();
    assert_eq!(server.asked(), 0);
    project
        .kiln(&["check"])
        .ok()
        .expect_said("runs with network when the lock is made; ./kiln.lock pins what it fetches");
    let plan = project.kiln(&["plan"]).ok();
    assert!(plan.text().contains("source files, fetched with network and pinned in ./kiln.lock"), "{}", plan.all());
    let plan = project.kiln(&["plan", "--json"]).ok().json();
    assert_eq!(plan["fetches"][0]["network"], true, "{plan}");
}

fn lock_epoch(project: &Project) -> i64 {
    let text = lock(project);
    let line = text.lines().find_map(|line| line.strip_prefix("epoch = \"")).expect("an epoch");
    let time: jiff::Timestamp = line.trim_end_matches('"').parse().expect("a time");
    time.as_second()
}

#[test]
fn a_fetch_that_was_given_something_else_runs_again_unless_the_lock_must_not_move() {
    let Some((project, server)) = project() else { return };
    server.serve("/a", "a\n");
    server.serve("/b", "b\n");
    let script = format!("wget -q -O /out/file http://{}/$(cat /in)", server.address);
    let of = |name: &str| format!("mounts = [{{ from = 'app', to = '/in' }}]\n[sources.app]\npath = '{name}'");
    project.write("list", "a");
    project.write("kiln.toml", fetching(&script, &of("list")));
    let locked = |ended: Ended| ended.expect_said("files").expect_said("kiln lock");
    // Error::NotFetched: to look at logs runs nothing.
    project.kiln(&["log"]).run().expect_code(1).expect_said("the source `files` fetches is not here");
    // Error::Locked: nothing was ever fetched.
    project.kiln(&["build", "--locked"]).run().expect_code(4).expect_said("fetch /bin/sh");
    project.build(&[]);
    project.write("list", "b");
    // Error::StaleFetch: it was fetched for another list.
    locked(project.kiln(&["build", "--locked"]).run().expect_code(4));
    assert_eq!(server.asked(), 1);
    project.kiln(&["lock"]).ok().expect_said("fetch /bin/sh");
    assert_eq!(server.asked(), 1);
    project.build(&["--locked", "-o", "rootfs:out"]);
    assert_eq!(project.read("out/files/file"), b"b\n");
    // What the stage is made from counts, too.
    let changed = fetching(&script, &of("list")).replace("mode = '1777'", "mode = '1755'");
    project.write("kiln.toml", &changed);
    locked(project.kiln(&["build", "--locked"]).run().expect_code(4));
    project.kiln(&["lock"]).ok();
    server.serve("/b", "other\n");
    let moved = project.kiln(&["update", "files", "--summary", "markdown"]).ok();
    assert!(moved.text().contains("fetch /bin/sh"), "{}", moved.all());
    project.build(&["--locked", "-o", "rootfs:out"]);
    assert_eq!(project.read("out/files/file"), b"other\n");
    project.write("kiln.toml", HEAD);
    project.kiln(&["lock"]).ok().expect_said("dropped");
    assert!(!lock(&project).contains("[[fetch]]"));
}

#[test]
fn vendored_fetches_are_not_run_and_others_must_give_the_same() {
    let Some((project, server)) = project() else { return };
    server.serve("/x", "one\n");
    server.serve("/y", "two\n");
    let script = format!("cd /out; wget -q http://{0}/x; wget -q http://{0}/y", server.address);
    project.write("kiln.toml", fetching(&script, ""));
    let first = project.build(&[]);
    project.kiln(&["vendor", "inputs"]).ok().expect_said("1 inputs");
    server.asked();
    let fresh = |name: &str, more: &[&str]| {
        let store = project.top().join(name);
        project.kiln(&["build", "--locked", "--store"]).args([store]).args(more)
    };
    assert_eq!(fresh("one", &["--offline", "--vendor", "inputs"]).ok().digest(), first);
    assert_eq!(server.asked(), 0);
    // InputError::NeedsNetwork
    fresh("two", &["--offline"]).run().expect_code(5).expect_said("`files`").expect_said("--vendor");
    assert_eq!(server.asked(), 0);
    assert_eq!(fresh("two", &[]).ok().digest(), first, "it gives the same");
    assert_eq!(server.asked(), 2);
    server.serve("/y", "three\n");
    // InputError::Refetched
    let ended = fresh("three", &[]).run().expect_code(4);
    let ended = ended.expect_said("kiln.toml:").expect_said("cannot get `files`").expect_said("kiln update");
    assert!(ended.stderr.contains("`/y` is another") && !ended.stderr.contains("`/x`"), "{}", ended.all());
    assert_eq!(project.build(&["--locked"]), first, "the store has what was locked");
}

#[test]
fn a_fetch_and_its_stage_may_use_what_another_one_fetched() {
    let Some((project, server)) = project() else { return };
    server.serve("/first", "second");
    server.serve("/second", "at last\n");
    let wget = |what: &str, url: &str| {
        format!("[sources.{what}]\nfetch = ['/bin/sh', '-ec', 'wget -q -O /out/got http://{}/{url}']\n", server.address)
    };
    let made = "[[stage.made.layer]]\nname = 'made'\nrun = 'cat /list > /name'\nmounts = [{ from = 'list:got', to = '/list' }]\n\
        [stage.made]\nbase.stage = 'ground'\n";
    let template = format!(
        "{HEAD}{}{}in = 'made'\nmounts = [{{ from = 'list:got', to = '/list' }}]\n{made}{USE}",
        wget("list", "first"),
        wget("files", "$(cat /name)")
    );
    project.write("kiln.toml", &template);
    project.build(&["-o", "rootfs:out"]);
    assert_eq!(project.read("out/files/got"), b"at last\n");
    assert_eq!(server.asked(), 2);
    let quiet = project.kiln(&["build", "--locked", "--no-cache"]).ok();
    assert!(!quiet.stderr.contains("step 1"), "the stage of a fetch that is there is not made: {}", quiet.all());
    // Both follow when the first of them moves.
    server.serve("/first", "third");
    server.serve("/third", "another\n");
    let moved = project.kiln(&["update", "list"]).ok();
    assert_eq!(moved.stderr.matches("fetch /bin/sh").count(), 2, "{}", moved.all());
    project.build(&["--locked", "-o", "rootfs:out"]);
    assert_eq!(project.read("out/files/got"), b"another\n");
}

#[test]
fn a_fetch_that_fails_says_how() {
    let Some((project, server)) = project() else { return };
    let fails = |script: &str| {
        project.write("kiln.toml", fetching(script, ""));
        project.kiln(&["build"]).run().expect_code(1).expect_said("source `files`: ").expect_said("kiln.toml:")
    };
    let missing = fails(&format!("wget http://{}/nothing -O /out/x", server.address));
    missing.expect_said("the step failed: exit code 1").expect_said("404");
    fails("echo nothing").expect_said("put nothing into `/out`");
    fails("mknod /out/pipe p").expect_said("`/out/pipe` is a pipe");
    fails("mknod /out/d c 0 0").expect_said("`/out/d` is a device");
    assert!(!project.path("kiln.lock").exists(), "nothing is locked");
}

#[test]
fn a_fetch_is_locked_for_each_platform_that_is_built_and_runs_once_if_it_is_given_the_same() {
    let Some((project, server)) = project() else { return };
    server.serve("/x", "one\n");
    let head =
        HEAD.replace("['linux/amd64']", "['linux/amd64', 'linux/arm64']").replace("[base]\nstage = 'ground'\n", "");
    let fetch = |arguments: &str| {
        format!(
            "[sources.files]\nfetch = ['/bin/wget', '-q', '-O', '/out/x{arguments}', 'http://{}/x']\nin = 'ground'\n{USE}",
            server.address
        )
    };
    let runs_on = "[stage.ground]\nruns-on = 'linux/amd64'\n";
    project.write("kiln.toml", format!("{head}{runs_on}{}", fetch("")));
    project.build(&[]);
    assert_eq!(server.asked(), 1, "nothing of the target is in it");
    assert_eq!(lock(&project).matches("[[fetch]]").count(), 2);
    project.write("kiln.toml", format!("{head}{runs_on}{}", fetch("-${platform.arch}")));
    project.build(&["--platform", "linux/amd64"]);
    project.build(&["--locked", "--platform", "linux/amd64"]);
    assert_eq!(server.asked(), 1);
    project.kiln(&["build", "--locked"]).run().expect_code(4).expect_said("(linux/arm64)");
    project.build(&[]);
    assert_eq!(server.asked(), 1);
    project.kiln(&["lock"]).ok().expect_said("dropped");
    let text = lock(&project);
    assert!(text.contains("\"/x-amd64\" = ") && text.contains("\"/x-arm64\" = "), "{text}");
}

#[test]
fn what_was_fetched_before_is_searched_as_well() {
    let Some((project, _server)) = project() else { return };
    project.write("kiln.toml", fetching("echo s3cr3t-\"\"value-of-it > /out/a", ""));
    project.build(&[]);
    let build = project.kiln(&["build", "--secret", "id=token,env=TOKEN"]).env("TOKEN", "s3cr3t-value-of-it");
    build.run().expect_code(1).expect_said("the secret `token`");
}
