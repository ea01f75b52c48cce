//! Short ways to make sources in unit tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Scan, ScanError, ScanRequest, Selection, scan};
use crate::base::ImagePath;

/// A temporary directory with files in it.
pub(super) struct Source {
    directory: tempfile::TempDir,
}

impl Source {
    /// Writes the given files; a name that ends in a slash is a directory.
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let source = Self { directory: tempfile::tempdir().expect("a temporary directory") };
        for (name, text) in files {
            source.write(name, text);
        }
        source
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.at(name);
        let directory = if name.ends_with('/') { Some(path.as_path()) } else { path.parent() };
        std::fs::create_dir_all(directory.expect("a parent")).expect("a directory");
        if !name.ends_with('/') {
            std::fs::write(&path, text).expect("a file");
        }
    }

    /// Runs git in `directory`, without any configuration of this machine.
    pub(super) fn git(&self, directory: &str, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "protocol.file.allow=always"])
            .args(arguments)
            .current_dir(self.at(directory))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .output()
            .expect("git runs");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("names in UTF-8")
    }

    pub(super) fn request(&self) -> ScanRequest {
        request(self.path())
    }

    pub(super) fn scan(&self) -> Scan {
        scan(&self.request(), None, 2).expect("a scan")
    }

    pub(super) fn scan_everything(&self) -> Scan {
        let request = ScanRequest { selection: Selection::Everything, ..self.request() };
        scan(&request, None, 2).expect("a scan")
    }
}

/// A request for what git would commit of `root`.
pub(super) fn request(root: &Path) -> ScanRequest {
    ScanRequest {
        root: root.to_owned(),
        selection: Selection::Committed,
        include: Vec::new(),
        exclude: Vec::new(),
        never: Vec::new(),
    }
}

pub(super) fn image_path(text: &str) -> ImagePath {
    ImagePath::parse(text.as_bytes()).expect("a path")
}

/// Names of everything but directories.
pub(super) fn names(scan: &Scan) -> Vec<String> {
    let files = scan.tree.iter().filter(|(_, node)| !matches!(node.kind, crate::tree::Kind::Directory));
    files.map(|(path, _)| String::from_utf8_lossy(path.as_bytes()).into_owned()).collect()
}

/// The whole tree as text.
pub(super) fn dump(scan: &Scan) -> String {
    crate::tree::dump::write(&scan.tree.to_changeset())
}

pub(super) fn error(request: &ScanRequest) -> ScanError {
    scan(request, None, 2).expect_err("an error")
}
