//! kiln as a user without privileges.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::harness::{Program, Project, kiln_binary, require, skip};

/// The user, made by `tests/setup`.
pub(crate) const USER: &str = "kiln-test-a";

/// A build of `project` into `store`, which belongs to the user, with steps in the sandbox `mode`. `None`, said visibly,
/// where that is not possible.
pub(crate) fn build(project: &Project, mode: &str, store: &Path) -> Option<Program> {
    run(project, &["build", "--locked", "--sandbox", mode], store)
}

/// The same with other arguments.
pub(crate) fn run(project: &Project, args: &[&str], store: &Path) -> Option<Program> {
    let passwd = fs::read_to_string("/etc/passwd").expect("the users");
    if !passwd.lines().any(|line| line.split(':').next() == Some(USER)) || require("newuidmap").is_none() {
        skip("there is no user kiln-test-a, or no newuidmap");
        return None;
    }
    let setpriv = require("setpriv")?;
    fs::set_permissions(project.top(), fs::Permissions::from_mode(0o755)).expect("a mode");
    let binary = project.top().join("kiln");
    if !binary.exists() {
        fs::copy(kiln_binary(), &binary).expect("a copy that everybody may run");
    }
    let store = store.to_str().expect("a path");
    let (user, group) = (format!("--reuid={USER}"), format!("--regid={USER}"));
    let build = project
        .kiln_at(&binary, args)
        .args(["--store", store])
        .env("USER", USER)
        .env("PATH", "/usr/bin:/bin")
        .under(setpriv, &[&user, &group, "--init-groups"]);
    Some(build)
}
