//! What people do to a Debian in an image: compilers, accounts, libraries, Python, packages, services. As root, as root
//! once more, and as a user with subordinate ids and with one id: the same digest.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use crate::distribution::{Yard, yard};
use crate::harness::{Ended, Program, Project};
use crate::rootless;

/// The stores, each of which belongs to who builds there.
const ROOT: &str = "root";
const SUBORDINATE: &str = "subordinate";
const ONE: &str = "one";
pub(crate) const STORES: &[(&str, &str)] = &[(ROOT, "root"), (SUBORDINATE, rootless::USER), (ONE, rootless::USER)];

/// Layers on a Debian with tools.
struct OnDebian {
    project: Project,
    yard: &'static Yard,
    name: &'static str,
}

impl OnDebian {
    /// A project with a template. `@BASE` in it is the Debian. `None`, said visibly, where there is none.
    fn new(name: &'static str, template: &str) -> Option<Self> {
        let on = Self { project: Project::empty(), yard: yard(STORES)?, name };
        on.write(template);
        Some(on)
    }

    fn write(&self, template: &str) {
        let head = format!(
            "[image]\nname = '{}'\nversion = '1'\nplatforms = ['linux/amd64']\nepoch = '2026-01-01T00:00:00Z'\n\
             [base]\nimage = '@BASE'\n",
            self.name
        );
        self.project.write("kiln.toml", (head + template).replace("@BASE", &self.yard.base()));
    }

    /// Writes a file that is older than one of a smaller `age`.
    fn write_of_age(&self, age: usize, file: &str, text: &str) {
        self.project.write(file, text);
        let file = fs::File::options().write(true).open(self.project.path(file)).expect("a file");
        file.set_modified(UNIX_EPOCH + Duration::from_secs(1_000_000 - age as u64)).expect("a time");
    }

    /// A build as root.
    fn build(&self, more: &[&str]) -> Ended {
        let build = self.project.kiln(&["build", "--sandbox", "root", "--store"]);
        build.args([self.store()]).args(more).run()
    }

    fn store(&self) -> PathBuf {
        self.yard.store(ROOT)
    }

    /// Builds in every way. Gives what the first build said.
    #[track_caller]
    fn build_everywhere(&self) -> Ended {
        let first = self.build(&["-v"]).expect_code(0);
        let again = self.build(&["--no-cache"]).expect_code(0);
        assert_eq!(again.digest(), first.digest(), "the same once more: {}", again.all());
        for (mode, store) in [("subordinate-ids", SUBORDINATE), ("one-id", ONE)] {
            if let Some(build) = rootless::build(&self.project, mode, &self.yard.store(store)) {
                let rootless = build.ok();
                assert_eq!(rootless.digest(), first.digest(), "the same with {mode}: {}", rootless.all());
            }
        }
        first
    }

    /// What is in a layer.
    fn layer(&self, layer: &str) -> String {
        let image = format!("store:{}:1", self.name);
        let ended = self.project.kiln(&["inspect", &image, "--files", "--store"]).args([self.store()]).ok();
        let (_, from) =
            ended.text().split_once(&format!("kiln: {layer}  ")).unwrap_or_else(|| panic!("{}", ended.all()));
        from.split("\n  layer ").next().unwrap_or_default().to_owned()
    }
}

/// Whether a layer has an entry of this path.
fn has(layer: &str, path: &str) -> bool {
    layer.lines().any(|line| line.split(' ').any(|word| word == path))
}

const COMPILED: &str = r#"
[sources.src]
path = 'src'
[stage.build]
base.image = '@BASE'
[[stage.build.layer]]
name = 'compile'
run = '''
mkdir /out
gcc -g -O2 -shared -fPIC -Wl,-soname,libanswer.so.1 -o /out/libanswer.so.1 answer.c
gcc -g -O2 -o /out/ask ask.c /out/libanswer.so.1
'''
workdir = '/src'
mounts = [{ from = 'src', to = '/src' }]
[[layer]]
name = 'library'
[[layer.step]]
copy = 'build:out/libanswer.so.1'
to = '/usr/local/lib/'
[[layer.step]]
run = 'ldconfig; test -e /var/cache/ldconfig/aux-cache'
[[layer]]
name = 'program'
[[layer.step]]
copy = 'build:out/ask'
to = '/usr/local/bin/'
[[layer.step]]
run = 'ask > /answer; setcap cap_net_bind_service=+ep /usr/local/bin/ask'
[[layer]]
name = 'look'
run = 'cat /answer; getcap /usr/local/bin/ask; cp --preserve=all /usr/local/bin/ask /copied; ldconfig -p | grep answer'
"#;

#[test]
fn a_stage_compiles_a_library_and_a_program_that_gets_a_capability() {
    let Some(on) = OnDebian::new("compiled", COMPILED) else { return };
    on.project.write("src/answer.c", "int answer(void) { return 42; }\n");
    on.project.write(
        "src/ask.c",
        "#include <stdio.h>\nint answer(void);\nint main(void) { printf(\"%d from %s\\n\", answer(), __FILE__); return 0; }\n",
    );
    let ended = on.build_everywhere();
    for said in [
        "look | 42 from ask.c",
        "look | /usr/local/bin/ask cap_net_bind_service=ep",
        "libanswer.so.1 (libc6,x86-64) => /usr/local/lib/libanswer.so.1",
        "layer library: /var/cache/ldconfig/aux-cache deleted (ldconfig)",
    ] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.all());
    }
    let library = on.layer("library");
    assert!(has(&library, "/etc/ld.so.cache") && !library.contains("aux-cache"), "{library}");
    // Version 2 with the effective bit, and bit 10 of what is permitted (linux/capability.h, vfs_cap_data).
    let capability =
        r"security.capability=\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
    assert!(on.layer("program").contains(capability), "{}", on.layer("program"));
    assert!(on.layer("look").contains(capability), "a copy has it too: {}", on.layer("look"));
}

const ACCOUNTS: &str = r#"
[[layer]]
name = 'accounts'
[[layer.step]]
run = '''
groupadd --gid 1500 team
useradd --create-home --home-dir /srv/worker --uid 1500 --gid team worker
echo 'worker:$6$salt$hash' | chpasswd --encrypted
passwd --lock worker
ls /etc/*- >/dev/null
'''
[[layer.step]]
adduser = 'between'
[[layer.step]]
run = 'useradd after; passwd -l after'
[[layer]]
name = 'look'
run = 'grep -e worker -e between -e after /etc/shadow; id worker; pwck -qr; grpck -qr'
"#;

#[test]
fn accounts_have_the_day_of_the_epoch_and_no_backups() {
    let Some(on) = OnDebian::new("accounts", ACCOUNTS) else { return };
    let ended = on.build_everywhere();
    for said in [
        "look | worker:!$6$salt$hash:20454:0:99999:7:::",
        "look | between:!:20454:",
        "look | after:!:20454:",
        "look | uid=1500(worker) gid=1500(team)",
    ] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.all());
    }
    let accounts = on.layer("accounts");
    assert!(has(&accounts, "/etc/shadow") && has(&accounts, "/srv/worker/.profile"), "{accounts}");
    for backup in ["passwd-", "shadow-", "group-", "gshadow-", "subuid-", "subgid-"] {
        assert!(!has(&accounts, &format!("/etc/{backup}")), "{backup}: {accounts}");
    }
}

const PYTHON: &str = r#"
[sources.tools]
path = 'tools'
[sources.wheels]
fetch = ['python3', '/tools/wheel.py', '/out']
mounts = [{ from = 'tools', to = '/tools' }]
[[layer]]
name = 'installed'
run = '''
pip install --no-index --break-system-packages /wheels/*.whl
python3 -c 'import part; print("part says", part.answer())'
'''
mounts = [{ from = 'wheels', to = '/wheels' }]
[[layer]]
name = 'own'
run = '''
mkdir -p /srv/imported /srv/compiled
echo 'x = 1' > /srv/imported/inner.py
echo 'import inner' > /srv/imported/outer.py
cp /srv/imported/*.py /srv/compiled
cd /srv/imported
python3 -c 'import outer'
python3 -m compileall -q /srv/compiled
'''
[[layer]]
name = 'look'
run = '''
pip check
python3 /tools/record.py
for place in /srv/imported /srv/compiled; do cd $place; python3 -v -c 'import outer' 2>&1 | grep matches; done
part
'''
mounts = [{ from = 'tools', to = '/tools' }]
"#;

/// Makes a wheel (PyPA specifications, "Binary distribution format").
const WHEEL: &str = r#"
import base64, hashlib, sys, zipfile
info = 'part-1.0.dist-info/'
files = {
    'part/__init__.py': 'from part.inner import answer\n',
    'part/inner.py': 'def answer():\n    return 42\ndef main():\n    print("run:", answer())\n',
    info + 'METADATA': 'Metadata-Version: 2.1\nName: part\nVersion: 1.0\n',
    info + 'WHEEL': 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    info + 'entry_points.txt': '[console_scripts]\npart = part.inner:main\n',
}
record = ''
with zipfile.ZipFile(sys.argv[1] + '/part-1.0-py3-none-any.whl', 'w') as wheel:
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()
        record += f'{name},sha256={digest},{len(text)}\n'
        wheel.writestr(zipfile.ZipInfo(name), text)
    wheel.writestr(zipfile.ZipInfo(info + 'RECORD'), record + info + 'RECORD,,\n')
"#;

/// Checks every file that a package lists.
const RECORD: &str = r#"
import base64, hashlib, importlib.metadata
checked = 0
for file in importlib.metadata.distribution('part').files:
    content = file.locate().read_bytes()
    if file.hash:
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b'=').decode()
        assert (digest, len(content)) == (file.hash.value, file.size), file
        checked += 1
print('checked', checked)
"#;

#[test]
fn a_python_package_is_installed_imported_and_compiled() {
    let Some(on) = OnDebian::new("python", PYTHON) else { return };
    on.project.write("tools/wheel.py", WHEEL);
    on.project.write("tools/record.py", RECORD);
    let ended = on.build_everywhere();
    for said in [
        "installed | part says 42",
        "look | No broken requirements found.",
        "look | checked 8",
        "look | run: 42",
        "layer own: /srv/imported/__pycache__/inner.cpython-311.pyc rewritten (python-times)",
    ] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.all());
    }
    for place in ["imported", "compiled"] {
        let matches = format!("/srv/{place}/__pycache__/inner.cpython-311.pyc matches /srv/{place}/inner.py");
        assert!(ended.stderr.contains(&matches), "{matches}: {}", ended.all());
    }
    let installed = on.layer("installed");
    assert!(installed.contains("/part-1.0.dist-info/RECORD") && !installed.contains("direct_url.json"), "{installed}");
    assert!(!on.layer("look").contains(".pyc"), "what is compiled is used: {}", on.layer("look"));
}

const PACKAGE: &str = r#"
[sources.deb]
path = 'deb'
[stage.pack]
base.image = '@BASE'
[[stage.pack.layer]]
name = 'deb'
run = 'chmod 755 /deb/DEBIAN/postinst; dpkg-deb --root-owner-group --build /deb /part.deb'
mounts = [{ from = 'deb', to = '/deb', writable = true }]
[[layer]]
name = 'installed'
run = 'dpkg -i /part.deb; test -e /var/lib/dpkg/status-old; test -e /var/log/dpkg.log'
mounts = [{ from = 'pack:part.deb', to = '/part.deb' }]
[[layer]]
name = 'look'
run = 'dpkg --verify part; dpkg -s part; stat -c "%n %U:%G" /usr/share/part/*; update-alternatives --display part'
"#;

#[test]
fn a_package_is_installed_without_its_logs_and_backups() {
    let Some(on) = OnDebian::new("package", PACKAGE) else { return };
    on.project.write(
        "deb/DEBIAN/control",
        "Package: part\nVersion: 1.0\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDescription: a part\n",
    );
    on.project.write("deb/DEBIAN/conffiles", "/etc/part.conf\n");
    on.project.write(
        "deb/DEBIAN/postinst",
        "#!/bin/sh\nset -e\nadduser --system --group --no-create-home part\nchown -R part:part /usr/share/part\n\
         update-alternatives --install /usr/bin/part part /usr/share/part/part 10\n",
    );
    on.project.write("deb/usr/share/part/part", "#!/bin/sh\necho part\n");
    on.project.write("deb/etc/part.conf", "a = 1\n");
    let ended = on.build_everywhere();
    for said in ["Status: install ok installed", "look | /usr/share/part/part part:part", "link best version is"] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.all());
    }
    let installed = on.layer("installed");
    for path in ["/etc/part.conf", "/etc/alternatives/part", "/var/lib/dpkg/status", "/var/lib/dpkg/info/part.list"] {
        assert!(has(&installed, path), "{path}: {installed}");
    }
    for line in installed.lines() {
        assert!(!line.contains(".log") && !line.contains("-old ") && !line.contains("/etc/shadow- "), "{line}");
    }
}

const SERVICE: &str = r#"
[[layer]]
name = 'service'
run = '''
mkdir /srv/www
echo a page > /srv/www/index.html
python3 -m http.server --bind 127.0.0.1 --directory /srv/www 8000 2>/dev/null &
python3 - <<'END'
import time, urllib.request
for attempt in range(600):
    try:
        print('served:', urllib.request.urlopen('http://localhost:8000/').read().decode())
        break
    except OSError:
        time.sleep(0.05)
END
getent hosts kiln
! getent hosts example.org
'''
"#;

#[test]
fn a_service_is_asked_within_its_step_and_nothing_else_is_in_reach() {
    let Some(on) = OnDebian::new("service", SERVICE) else { return };
    let ended = on.build_everywhere();
    assert!(ended.stderr.contains("service | served: a page"), "{}", ended.all());
    assert!(ended.stderr.lines().any(|line| line.starts_with("service | 127.0.0.1")), "{}", ended.all());
    for (ask, said) in [
        ("socket.create_connection(('192.0.2.1', 80), 5)", "Network is unreachable"),
        ("socket.getaddrinfo('example.org', 80)", "Temporary failure in name resolution"),
    ] {
        on.write(&format!("[[layer]]\nname = 'asks'\nrun = \"python3 -c \\\"import socket; {ask}\\\"\"\n"));
        let ended = on.build(&[]).expect_code(1);
        for said in [said, "the step has no network", "`network = true`", "layer `asks`"] {
            assert!(ended.stderr.contains(said), "{said}: {}", ended.all());
        }
    }
}

const MADE: &str = r#"
[sources.app]
path = 'app'
[[layer]]
name = 'made'
run = 'make -C /src; cp /cache/say /say; /say'
cache = ['/cache']
mounts = [{ from = 'app', to = '/src' }]
"#;

/// What a source says from build to build. Each is older than the one before it, and the builds follow one another at once.
const WORDS: [&str; 3] = ["first", "second", "first"];

#[test]
fn make_takes_no_stale_result_from_a_cache() {
    let Some(on) = OnDebian::new("made", MADE) else { return };
    on.project.write(
        "app/Makefile",
        "/cache/say: /cache/main.o /cache/word.o\n\tgcc -o $@ $^\n/cache/%.o: %.c\n\tgcc -c -o $@ $<\n",
    );
    on.project.write(
        "app/main.c",
        "#include <stdio.h>\nconst char *word(void);\nint main(void) { puts(word()); return 0; }\n",
    );
    for (age, word) in WORDS.iter().enumerate() {
        on.write_of_age(age, "app/word.c", &format!("const char *word(void) {{ return \"{word}\"; }}\n"));
        let ended = on.build(&["--no-cache"]).expect_code(0);
        assert!(ended.stderr.contains(&format!("made | {word}")), "{}", ended.all());
        assert_eq!(
            ended.stderr.contains("-o /cache/main.o"),
            age == 0,
            "what stays is not made again: {}",
            ended.all()
        );
    }
}

const CARGO: &str = r#"
[sources.toolchain]
path = 'toolchain'
ignored = true
[sources.app]
path = 'app'
[[layer]]
name = 'built'
run = '/toolchain/bin/cargo build --offline --locked --lib && cp /cache/debug/libapp.rlib /'
workdir = '/src'
cache = ['/cache']
env = { CARGO_TARGET_DIR = '/cache', CARGO_HOME = '/tmp/cargo', RUSTC = '/toolchain/bin/rustc' }
mounts = [{ from = 'app', to = '/src' }, { from = 'toolchain', to = '/toolchain' }]
[[layer]]
name = 'look'
run = 'grep -ao "a word: [a-z]*" /libapp.rlib'
"#;

#[test]
fn cargo_takes_no_stale_result_from_a_cache() {
    let Some(on) = OnDebian::new("cargo", CARGO) else { return };
    // The parts of the toolchain that make a library.
    let toolchain = Path::new(env!("CARGO")).ancestors().nth(2).expect("the directory above bin");
    for part in ["bin/cargo", "bin/rustc", "lib/*.so*", "lib/rustlib/*-linux-gnu/lib"] {
        let copy = format!("mkdir -p \"$(dirname \"$1/{part}\")\" && cd \"$0\" && cp -r --parents {part} \"$1\"");
        Program::new("/bin/sh").args(["-ec", &copy]).args([toolchain, &on.project.path("toolchain")]).ok();
    }
    on.project.write("app/Cargo.toml", "[package]\nname = 'app'\nedition = '2021'\n[lib]\npath = 'lib.rs'\n");
    on.project.write("app/Cargo.lock", "version = 4\n[[package]]\nname = 'app'\nversion = '0.0.0'\n");
    on.project.write("app/lib.rs", "pub mod word;\n");
    for (age, word) in WORDS.iter().enumerate() {
        on.write_of_age(age, "app/word.rs", &format!("pub static WORD: &str = \"a word: {word}\";\n"));
        let ended = on.build(&["--no-cache"]).expect_code(0);
        assert!(ended.stderr.contains(&format!("look | a word: {word}")), "{}", ended.all());
    }
    let again = on.build(&["--no-cache"]).expect_code(0);
    assert!(!again.stderr.contains("Compiling app"), "what stays is not made again: {}", again.all());
}
