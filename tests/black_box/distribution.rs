//! Debian trees as bases, made by mmdebstrap of the packages that this machine's apt knows.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::harness::{Program, require, require_root};

/// What the tests of commands need beside the smallest Debian.
const TOOLS: &[&str] = &["gcc", "libc6-dev", "make", "libcap2-bin", "python3", "python3-pip"];

/// The search path of the machine's tools.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Makes the OCI layout `debian:12` in `directory`, of the smallest Debian and `packages`. `None`, said visibly, where that
/// cannot be done.
pub(crate) fn make_layout(directory: &Path, packages: &[&str]) -> Option<()> {
    let (mmdebstrap, umoci) = (require("mmdebstrap")?, require("umoci")?);
    if !require_root() {
        return None;
    }
    let sources = Path::new("/etc/apt/sources.list.d/debian.sources");
    let sources = if sources.exists() { sources } else { Path::new("/etc/apt/sources.list") };
    let tool = |program: &Path, args: &[&str]| {
        Program::new(program).args(args).env("PATH", PATH).env("HOME", directory).cwd(directory).ok();
    };
    let include = format!("--include={}", packages.join(","));
    let include: &[&str] = if packages.is_empty() { &[] } else { &[&include] };
    let suite = ["bookworm", "root.tar", sources.to_str().expect("text")];
    tool(&mmdebstrap, &[&["--quiet", "--variant=minbase"], include, &suite].concat());
    tool(&umoci, &["init", "--layout", "debian"]);
    tool(&umoci, &["new", "--image", "debian:12"]);
    tool(&umoci, &["raw", "add-layer", "--image", "debian:12", "root.tar"]);
    fs::remove_file(directory.join("root.tar")).expect("our own file");
    Some(())
}

/// A Debian with tools, and stores that know it: it is read and unpacked once for all tests.
pub(crate) struct Yard {
    directory: PathBuf,
    /// Removes the directory when this process has ended, however it ended.
    _janitor: Child,
}

impl Yard {
    /// The layout, as a base.
    pub(crate) fn base(&self) -> String {
        format!("oci:{}:12", self.directory.join("debian").display())
    }

    /// The store of this name.
    pub(crate) fn store(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// The yard of this process, with stores and who they belong to. `None`, said visibly, where it cannot be made.
pub(crate) fn yard(stores: &[(&str, &str)]) -> Option<&'static Yard> {
    static YARD: OnceLock<Option<Yard>> = OnceLock::new();
    YARD.get_or_init(|| {
        let directory = tempfile::Builder::new().prefix("kiln-yard-").tempdir().expect("a directory").keep();
        let janitor = Command::new("/bin/sh")
            .args(["-c", "cat; rm -rf -- \"$0\""])
            .arg(&directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let yard = Yard { directory, _janitor: janitor };
        let directory = &yard.directory;
        make_layout(directory, TOOLS)?;
        for (name, user) in stores {
            fs::create_dir(directory.join(name)).expect("a store");
            Program::new("/bin/chown").args([user]).args([directory.join(name)]).ok();
        }
        // umoci keeps its files to itself, and users read them here.
        Program::new("/bin/chmod").args(["-R", "a+rX"]).args([directory.join("debian")]).ok();
        fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).expect("a mode");
        Some(yard)
    })
    .as_ref()
}
