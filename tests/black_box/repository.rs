//! Packages of a small repository that is signed by a key for tests: the same bytes for ever, each lie refused by name, and
//! what packages do on a Debian that is there.

use std::fs;
use std::path::{Path, PathBuf};

use crate::distribution::yard;
use crate::harness::{Ended, Program, Project, require};

/// A project beside a copy of the repository.
struct Beside {
    project: Project,
}

impl Beside {
    fn new(template: &str) -> Self {
        let beside = Self { project: Project::empty() };
        let copy = require("cp").expect("coreutils");
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/debian/repository");
        fs::create_dir_all(beside.project.path("")).expect("a project");
        Program::new(copy).args(["-r"]).args([fixtures, beside.mirror()]).ok();
        beside.write(template);
        beside
    }

    fn mirror(&self) -> PathBuf {
        self.project.top().join("mirror")
    }

    fn write(&self, template: &str) {
        let head = format!(
            "[image]\nname = 'small'\nversion = '1'\nepoch = '2026-02-01T00:00:00Z'\n\
             platforms = ['linux/amd64']\n[repositories.small]\nkind = 'debian'\nsuite = ['test', 'test-backports']\n\
             mirror = 'file://{}'\nkeyring = '../mirror/keyring.pgp'\n",
            self.mirror().display()
        );
        self.project.write("kiln.toml", head + template);
    }

    /// Puts another file of the repository in the place of one.
    fn swap(&self, file: &str, for_file: &str) {
        fs::copy(self.mirror().join(file), self.mirror().join(for_file)).expect("a file");
    }

    fn lock(&self) -> Ended {
        self.project.kiln(&["lock"]).run()
    }
}

const REFUSED: &str = "[[layer]]\nname = 'files'\npackages = ['words', 'config', 'libshared0']\nscripts = 'refuse'\n";

#[test]
fn files_alone_are_these_bytes() {
    let beside = Beside::new(REFUSED);
    let text = fs::read_to_string(beside.project.path("kiln.toml")).expect("our own file");
    let both = text.replace("['linux/amd64']", "['linux/amd64', 'linux/arm64']");
    beside.project.write("kiln.toml", &both);
    let digest = beside.project.build(&["-o", "oci:out"]);
    let files = beside.project.kiln(&["inspect", "oci:out", "--files"]).ok();
    for path in [
        "/etc/config.conf",
        "/usr/share/words/english",
        "/usr/lib/x86_64-linux-gnu/libshared.so.0",
        "/usr/lib/aarch64-linux-gnu/libshared.so.0",
        "/var/lib/dpkg/status.d/config",
        "/var/lib/dpkg/status.d/words.md5sums",
    ] {
        assert!(files.text().contains(path), "{path}: {}", files.all());
    }
    assert_eq!(digest, "sha256:28515e9a48c9d80e6cf496aa5fa793e8795b2fa28892b4d92ded123e598af543");
    assert_eq!(beside.project.build(&["--no-cache", "--locked"]), digest);
}

#[test]
fn packages_that_need_their_scripts_are_named() {
    let beside = Beside::new("[[layer]]\nname = 'files'\npackages = ['account', 'scripts']\nscripts = 'refuse'\n");
    let ended = beside.project.kiln(&["build"]).run().expect_code(1);
    ended.expect_said("account").expect_said("scripts").expect_said("postinst");
}

#[test]
fn a_release_that_lies_is_refused_by_name() {
    for (lie, words) in [
        ("refused/tampered", "signature"),
        ("refused/expired", "2026-01-02"),
        ("refused/stranger", "key"),
        ("dists/test-backports/InRelease", "test"),
    ] {
        let beside = Beside::new(REFUSED);
        beside.swap(lie, "dists/test/InRelease");
        let ended = beside.lock().expect_code(4).expect_said(words);
        assert!(!beside.project.path("kiln.lock").exists(), "{lie}: {}", ended.all());
    }
    // One that is older than what was seen.
    let beside = Beside::new(REFUSED);
    beside.lock().expect_code(0);
    beside.swap("refused/older", "dists/test/InRelease");
    beside.project.kiln(&["update"]).run().expect_code(4).expect_said("2025-12-31").expect_said("2026-01-01");
}

#[test]
fn an_index_or_a_package_that_is_another_is_refused_by_name() {
    let beside = Beside::new(REFUSED);
    let index = beside.mirror().join("dists/test/main/binary-amd64");
    for file in fs::read_dir(index.join("by-hash/SHA256")).expect("a directory") {
        fs::write(file.expect("a file").path(), "Package: words\n").expect("ours");
    }
    for file in ["Packages", "Packages.xz"] {
        fs::write(index.join(file), "Package: words\n").expect("ours");
    }
    beside.lock().expect_code(4).expect_said("main/binary-amd64/Packages");
    // The bytes of the second are what the index says: its maker is to blame.
    for (package, code, words) in [("impostor", 4, "config 1.0"), ("truncated", 1, "truncated in data.tar")] {
        let beside = Beside::new(&REFUSED.replace("'words'", &format!("'{package}'")));
        beside.project.kiln(&["build"]).run().expect_code(code).expect_said(package).expect_said(words);
    }
}

#[test]
fn what_is_locked_needs_no_release_and_says_what_is_gone() {
    let beside = Beside::new(REFUSED);
    let digest = beside.project.build(&[]);
    fs::remove_dir_all(beside.mirror().join("dists")).expect("ours");
    let elsewhere = beside.project.top().join("elsewhere");
    let build = |store: &Path| beside.project.kiln(&["build", "--locked", "--store"]).args([store]).run();
    assert_eq!(build(&elsewhere).expect_code(0).digest(), digest);
    // It changed on the mirror, and then is not there any more.
    let words = beside.mirror().join("pool/main/w/words/words_1.0_all.deb");
    let bytes = fs::read(&words).expect("a package");
    fs::write(&words, &bytes[..bytes.len() - 1]).expect("ours");
    build(&beside.project.top().join("changed")).expect_code(4).expect_said("words_1.0_all.deb");
    fs::remove_file(&words).expect("ours");
    let gone = build(&beside.project.top().join("gone"));
    gone.expect_code(5).expect_said("words 1.0").expect_said("kiln update");
}

#[test]
fn a_request_that_cannot_be_fulfilled_explains_itself() {
    let beside = Beside::new(&REFUSED.replace("'words'", "'needy'"));
    beside.lock().expect_code(1).expect_said("needy").expect_said("config (>= 3)");
    let beside = Beside::new(&REFUSED.replace("'words'", "'wrds'"));
    beside.lock().expect_code(1).expect_said("`wrds`").expect_said("`words`");
}

/// On a Debian that is there: only what is missing is added, and its scripts do what they do.
const ON_DEBIAN: &str = r#"
[[layer]]
name = 'added'
packages = ['scripts', 'watcher', 'account', 'config=1.*', 'python3']
[[layer]]
name = 'noticed'
packages = ['words']
[[layer]]
name = 'look'
run = '''
cat /var/lib/scripts/log /var/lib/watcher/seen
cat /usr/share/config/diverted; dpkg-divert --list scripts
tool; getent passwd fixture; stat -c %u /usr/share/account/readme
dpkg --verify && dpkg --audit && echo sound
stat -c %Y /etc/config.conf
'''
[[layer]]
name = 'newer'
packages = ['config=2.*']
[[layer]]
name = 'look-again'
run = 'cat /etc/config.conf; dpkg-query -W config; dpkg --audit; dpkg --verify && echo still sound'
"#;

#[test]
fn on_a_debian_only_what_is_missing_is_added() {
    let Some(yard) = yard(crate::debian::STORES) else { return };
    let beside = Beside::new("");
    beside.write(&format!("[base]\nimage = '{}'\n{ON_DEBIAN}", yard.base()));
    let build = |args: &[&str]| {
        let store = yard.store("root");
        beside.project.kiln(&["build", "-v", "--sandbox", "root"]).args(args).args(["--store"]).args([&store])
    };
    let first = build(&[]).ok();
    for word in [
        "look | preinst install",
        "look | postinst configure",
        "look | english",
        "look | of scripts",
        "look | diversion of /usr/share/config/diverted to /usr/share/config/diverted.old by scripts",
        "look | tool",
        "look | fixture:x:990:990",
        "look | 990",
        "look | sound",
        "look | 1767225600",
        "look-again | answer = 43",
        "look-again | config\t2.0~bpo1",
        "look-again | still sound",
    ] {
        assert!(first.stderr.contains(word), "{word}: {}", first.all());
    }
    // Python is there already.
    let lock = fs::read_to_string(beside.project.path("kiln.lock")).expect("a lock");
    assert!(!lock.contains("name = \"python3") && !lock.contains("name = \"essential\""), "{lock}");
    assert_eq!(build(&["--no-cache", "--locked"]).ok().digest(), first.digest());
}

#[test]
fn a_set_that_was_found_on_something_else_is_found_anew_or_refused() {
    let beside = Beside::new(REFUSED);
    beside.lock().expect_code(0);
    let text = String::from_utf8(beside.project.read("kiln.toml")).expect("text");
    beside.project.write("kiln.toml", text.replace("['test', 'test-backports']", "'test'"));
    // Error::StalePackages: other repositories would give another set.
    let locked = beside.project.kiln(&["build", "--locked"]).run().expect_code(4);
    locked.expect_said("was found with other repositories").expect_said("kiln lock");
    beside.lock().expect_code(0).expect_said("packages words config libshared0");
    beside.project.build(&["--locked"]);
    // One that moves is told with its versions.
    let text = String::from_utf8(beside.project.read("kiln.lock")).expect("text");
    let older = text.replace("name = \"words\", version = \"1.0\"", "name = \"words\", version = \"0.9\"");
    assert!(older != text, "{text}");
    beside.project.write("kiln.lock", older);
    beside.project.kiln(&["update", "small"]).ok().expect_said("(linux/amd64): words: 0.9 -> 1.0");
}

#[test]
fn scripts_need_a_base_with_dpkg() {
    let base = Beside::new("[[layer]]\nname = 'file'\nwrite = '/file'\ntext = 'text'\n");
    base.project.build(&["-o", "oci:base"]);
    let text = String::from_utf8(base.project.read("kiln.toml")).expect("text");
    let (head, _) = text.split_once("[[layer]]").expect("a layer");
    base.project.write(
        "kiln.toml",
        format!("{head}[base]\nimage = 'oci:base'\n{}", REFUSED.replace("scripts = 'refuse'\n", "")),
    );
    // Error::NoDpkg: it is said before anything is downloaded.
    base.lock().expect_code(1).expect_said("has no dpkg").expect_said("scripts = \"refuse\"");
    base.project.write("kiln.toml", format!("{head}[base]\nimage = 'oci:base'\n{REFUSED}"));
    base.project.build(&[]);
}

#[test]
fn files_alone_can_be_spread_too() {
    let beside = Beside::new(&REFUSED.replace("packages =", "split = 'origin'\npackages ="));
    beside.project.build(&["-o", "oci:out", "-o", "rootfs:spread"]);
    let image = beside.project.kiln(&["inspect", "oci:out", "--json"]).ok().json();
    let layers = image["images"][0]["layers"].as_array().expect("layers").clone();
    assert!(layers.len() > 2, "{layers:?}");
    // An empty one is a few bytes.
    assert!(layers[..layers.len() - 1].iter().all(|layer| layer["size_bytes"].as_u64() > Some(200)), "{layers:?}");
    beside.write(REFUSED);
    beside.project.build(&["-o", "rootfs:whole"]);
    let compare = require("diff").expect("diffutils");
    let (spread, whole) = (beside.project.path("spread"), beside.project.path("whole"));
    Program::new(compare).args(["-r", "--no-dereference"]).args([spread, whole]).ok();
}
