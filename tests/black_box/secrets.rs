//! Secrets and private keys: what steps are given never lands.

use std::fs;

use crate::harness::{Project, require, require_root};
use crate::system::{HEAD, SYSTEM, with_shell};

const VALUE: &str = "s3cr3t-value-of-the-token";

/// Every file of the store and the project that has the value in it, but for those that were told to have it.
fn holders(project: &Project) -> Vec<String> {
    let files = walkdir::WalkDir::new(project.top()).into_iter().flatten().filter(|entry| entry.file_type().is_file());
    let has = |bytes: &[u8]| bytes.windows(VALUE.len()).any(|window| window == VALUE.as_bytes());
    files
        .filter(|entry| fs::read(entry.path()).is_ok_and(|bytes| has(&bytes)))
        .map(|entry| entry.path().display().to_string())
        .collect()
}

#[test]
fn a_secret_is_seen_by_its_step_alone_and_lands_nowhere() {
    if !require_root() {
        return;
    }
    let steps = "[[layer]]\nname = 'uses'\n[[layer.step]]\nrun = '''\n\
        cat /run/secrets/token > /tmp/copy; stat -c '%a %u' /run/secrets/token; echo said: $(cat /run/secrets/token)\n\
        dd if=/run/secrets/token bs=1 count=3 2>/dev/null > /part\n'''\nsecrets = ['token']\n\
        [[layer.step]]\nrun = 'test ! -e /run/secrets/token'\n";
    let Some(project) = with_shell(steps) else { return };
    let ended = project.kiln(&["build", "--secret", "id=token,env=TOKEN", "-o", "oci:out"]).env("TOKEN", VALUE).ok();
    assert!(
        ended.stderr.contains("| 400 0") && ended.stderr.contains("(a line with the secret `token` is left out)"),
        "{}",
        ended.all()
    );
    assert!(!ended.stderr.contains(VALUE) && !ended.text().contains(VALUE), "{}", ended.all());
    assert_eq!(holders(&project), Vec::<String>::new());
    let log = project.kiln(&["log"]).ok();
    assert!(log.text().contains("left out") && !log.text().contains(VALUE), "{}", log.all());
    let again = project.kiln(&["build", "--secret", "id=token,env=TOKEN"]).env("TOKEN", "another-value-of-it").ok();
    assert!(!again.stderr.contains("step 1"), "the value is no part of the key: {}", again.all());
}

#[test]
fn a_secret_of_several_lines_or_in_a_long_line_is_not_printed() {
    if !require_root() {
        return;
    }
    let lines = ["-----BEGIN-TOKEN-----", "first-half-of-the-token", "-----END-TOKEN-----"];
    // What is printed without a line end is shown in pieces of 16 KiB.
    let steps = "[[layer]]\nname = 'prints'\nrun = '''\ncat /run/secrets/key; tail -n 2 /run/secrets/key\n\
        for n in 16374 16380 16390 33000; do head -c $n /dev/zero | tr '\\0' x; cat /run/secrets/token; echo; done\n\
        echo the end\n'''\nsecrets = ['key', 'token']\n";
    let Some(project) = with_shell(steps) else { return };
    project.write("key", lines.join("\n") + "\n");
    let secrets = ["--secret", "id=key,file=key", "--secret", "id=token,env=TOKEN"];
    let ended = project.kiln(&["build"]).args(secrets).env("TOKEN", VALUE).ok().expect_said("| the end");
    let log = project.kiln(&["log"]).ok();
    for part in lines.iter().chain(&["s3cr3t", "-token\n"]) {
        assert!(!ended.stderr.contains(part) && !log.text().contains(part), "{part}: {}", ended.all());
    }
}

#[test]
fn a_secret_that_is_missing_is_told_before_anything_runs() {
    if !require_root() {
        return;
    }
    let steps = "[[layer]]\nname = 'first'\nrun = 'echo first; sort /etc/group'\n\
        [[layer]]\nname = 'uses'\nrun = 'true'\nsecrets = ['token', 'other']\n\
        [[layer]]\nname = 'from-stage'\ncopy = 'side:/etc/passwd'\nto = '/side'\n\
        [stage.side]\n[[stage.side.layer]]\nname = 'system'\ncopy = 'system'\nto = '/'\n\
        [[stage.side.layer]]\nname = 'work'\nrun = 'mkdir -p /etc; echo x > /etc/passwd'\nsecrets = ['third']\n";
    let Some(project) = with_shell(steps) else { return };
    let ended = project.kiln(&["build", "--secret", "id=token,env=TOKEN"]).env("TOKEN", VALUE).run().expect_code(1);
    for said in
        ["layer `uses`: the secret `other` was not given", "layer `work`: the secret `third`", "kiln.toml:", "^^"]
    {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.all());
    }
    assert!(!ended.stderr.contains("step 1") && !ended.stderr.contains("`token`"), "{}", ended.all());
    let secrets = ["token", "other", "third"].map(|id| ["--secret".to_owned(), format!("id={id},env=TOKEN")]).concat();
    let digest = project.kiln(&["build"]).args(secrets).env("TOKEN", VALUE).ok().digest();
    assert_eq!(project.build(&[]), digest, "what is recalled needs no secret");
    project.kiln(&["build", "--no-cache"]).run().expect_code(1).expect_said("the secret `token` was not given");
}

#[test]
fn a_secret_that_stays_in_a_cache_is_told() {
    if !require_root() {
        return;
    }
    let steps = "[[layer]]\nname = 'keeps'\ncache = ['/cache']\nsecrets = ['token']\n\
        run = 'mkdir -p /cache/a; cp /run/secrets/token /cache/a/config; echo x > /cache/b'\n";
    let Some(project) = with_shell(steps) else { return };
    let ended = project.kiln(&["build", "--secret", "id=token,env=TOKEN"]).env("TOKEN", VALUE).ok();
    let said = "warning: layer `keeps`: `/cache/a/config` in a cache holds the secret `token`";
    assert_eq!(ended.stderr.matches(said).count(), 1, "{}", ended.all());
    assert!(!ended.stderr.contains("/cache/b`") && !ended.stderr.contains(VALUE), "{}", ended.all());
}

/// Produces `Error::SecretLands`.
#[test]
fn a_secret_in_a_file_stops_the_build_in_every_form() {
    if !require_root() {
        return;
    }
    let Some(project) = with_shell("") else { return };
    project.write("token", VALUE);
    let ways = [
        ("cp /run/secrets/token /srv/t", "/srv/t"),
        ("cat /run/secrets/token | base64 > /srv/b", "base64"),
        ("cat /run/secrets/token | gzip > /srv/z.gz", "/srv/z.gz"),
        ("cp /run/secrets/token /tmp/t; tar -C /tmp -czf /srv/a.tar.gz t", "/srv/a.tar.gz"),
        ("ln -s $(cat /run/secrets/token) /srv/link", "/srv/link"),
        ("touch /srv/$(cat /run/secrets/token)", "/srv"),
    ];
    for (run, said) in ways {
        let run =
            run.replace("base64", "busybox base64").replace("gzip", "busybox gzip").replace("tar -C", "busybox tar -C");
        let layer = format!("[[layer]]\nname = 'lands'\nrun = '{run}'\nsecrets = ['token']\n");
        project.write("kiln.toml", format!("{HEAD}{SYSTEM}{layer}"));
        let ended = project.kiln(&["build", "--secret", "id=token,file=token"]).run().expect_code(1);
        assert!(ended.stderr.contains(said) && ended.stderr.contains("`token`"), "{run}: {}", ended.all());
        assert!(!ended.stderr.contains(VALUE) && !ended.text().contains(VALUE), "{run}: {}", ended.all());
    }
}

/// Produces `Error::SecretInDocument`.
#[test]
fn a_secret_in_the_template_stops_the_build() {
    if !require_root() {
        return;
    }
    let steps = format!(
        "[[layer]]\nname = 'uses'\nrun = 'true'\nsecrets = ['token']\n[config]\nenv = {{ TOKEN = '{VALUE}' }}\n"
    );
    let Some(project) = with_shell(&steps) else { return };
    let ended = project.kiln(&["build", "--secret", "id=token,env=TOKEN"]).env("TOKEN", VALUE).run().expect_code(1);
    assert!(ended.stderr.contains("the plan would contain the secret `token`"), "{}", ended.all());
    assert!(!ended.stderr.contains(VALUE) && !ended.text().contains(VALUE), "{}", ended.all());
    project.kiln(&["build", "--secret", "token=x"]).run().expect_code(2).expect_said("id=ID,env=VARIABLE");
    project.kiln(&["build", "--secret", "id=token,env=NOT_SET"]).run().expect_code(2).expect_said("NOT_SET");
}

/// Produces `Error::PrivateKey`.
#[test]
fn a_private_key_needs_a_word() {
    let Some(openssl) = require("openssl") else { return };
    let project = Project::new(&format!(
        "{HEAD}[sources.app]\npath = 'app'\n[[layer]]\nname = 'app'\ncopy = 'app'\nto = '/etc/app/'\n"
    ));
    project.write("app/README", "how to make a key: -----BEGIN PRIVATE KEY-----\n");
    project.build(&[]);
    let key = project.path("app/key.pem");
    let arguments = ["genpkey", "-algorithm", "ed25519", "-out", key.to_str().expect("a path")];
    crate::harness::Program::new(openssl).args(arguments).ok();
    let ended = project.kiln(&["build"]).run().expect_code(1);
    assert!(
        ended.stderr.contains("/etc/app/key.pem")
            && ended.stderr.contains("allow-private-keys = [\"/etc/app/key.pem\"]"),
        "{}",
        ended.all()
    );
    let template = String::from_utf8(project.read("kiln.toml")).expect("text");
    project.write(
        "kiln.toml",
        template.replace("name = 'app'\ncopy", "name = 'app'\nallow-private-keys = [\"/etc/app/key.pem\"]\ncopy"),
    );
    project.build(&[]);
    project.write("kiln.toml", template);
    project.kiln(&["build"]).run().expect_code(1).expect_said("/etc/app/key.pem");
}

#[test]
fn a_layer_that_is_recalled_is_searched_as_well() {
    if !require_root() {
        return;
    }
    let Some(openssl) = require("openssl") else { return };
    // In two pieces, because the template itself must not have it.
    let (first, last) = VALUE.split_at(9);
    let lands = format!("[[layer]]\nname = 'lands'\nrun = 'echo {first}\"\"{last} > /srv/t'\n");
    let Some(project) = with_shell(&lands) else { return };
    project.build(&[]);
    let build = || project.kiln(&["build", "--secret", "id=token,env=TOKEN"]).env("TOKEN", VALUE).run();
    for ended in [build(), build()] {
        let ended = ended.expect_code(1).expect_said("/srv/t");
        assert!(ended.stderr.contains("`token`") && !ended.stderr.contains(VALUE), "{}", ended.all());
    }
    project.build(&[]);
    let key = project.path("system/key.pem");
    let arguments = ["genpkey", "-algorithm", "ed25519", "-out", key.to_str().expect("a path")];
    crate::harness::Program::new(openssl).args(arguments).ok();
    let text = fs::read_to_string(&key).expect("a key");
    fs::remove_file(&key).expect("a file of our own");
    let lines: Vec<&str> = text.lines().collect();
    let print = format!("for line in \"{}\"; do echo \"$line\"; done > /srv/key.pem", lines.join("\" \""));
    let allowed = "allow-private-keys = ['/srv/*.pem']\n";
    let layer = format!("[[layer]]\nname = 'key'\n{allowed}run = '{print}'\n");
    project.write("kiln.toml", format!("{HEAD}{SYSTEM}{layer}"));
    let digest = project.build(&[]);
    assert!(project.kiln(&["build"]).ok().stderr.contains("0 built"));
    project.write("kiln.toml", format!("{HEAD}{SYSTEM}{}", layer.replace(allowed, "")));
    let ended = project.kiln(&["build"]).run().expect_code(1).expect_said("`/srv/key.pem`");
    assert!(ended.stderr.contains("allow-private-keys") && !ended.stderr.contains("step 1"), "{}", ended.all());
    // What is looked at builds nothing and stops nothing.
    project.kiln(&["plan"]).ok();
    project.write("kiln.toml", format!("{HEAD}{SYSTEM}{layer}"));
    assert_eq!(project.build(&[]), digest);
}

#[test]
fn a_private_key_from_outside_is_told() {
    let Some(openssl) = require("openssl") else { return };
    let project = Project::empty();
    let key = project.path("key.pem");
    let arguments = ["genpkey", "-algorithm", "ed25519", "-out", key.to_str().expect("a path")];
    crate::harness::Program::new(openssl).args(arguments).ok();
    let url = format!("file:{}", key.display());
    project.write(
        "kiln.toml",
        format!("{HEAD}[sources.key]\nurl = '{url}'\n[[layer]]\nname = 'key'\ncopy = 'key'\nto = '/etc/key.pem'\n"),
    );
    let ended = project.kiln(&["build", "-o", "oci:out"]).run().expect_code(0);
    let said = "holds a whole private key (a private key (PKCS #8))\n";
    assert!(ended.stderr.contains(&format!("note: layer `key`: `/etc/key.pem` {said}")), "{}", ended.all());
    let again = project.kiln(&["build"]).run().expect_code(0);
    assert!(again.stderr.contains(&format!("note: layer `key`: `/etc/key.pem` {said}")), "{}", again.all());
    // A layer above takes it away, and whoever has the image still has it.
    project.write(
        "above/kiln.toml",
        format!("{HEAD}[base]\nimage = 'oci:../out'\n[[layer]]\nname = 'gone'\nremove = '/etc/key.pem'\n"),
    );
    let above = project.kiln(&["build", "above", "-o", "oci:above/out"]).run().expect_code(0);
    assert!(above.stderr.contains(&format!("note: base `oci:../out`: `/etc/key.pem` {said}")), "{}", above.all());
}
