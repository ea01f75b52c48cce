//! The git program with what it does beside its work turned off.

use std::path::Path;
use std::process::Command;

use super::address::Transport;
use super::request::{Network, Terms};

/// Variables that would point git at another repository, or change what is in one. git itself takes the first group away
/// before it starts a program for another repository (`git rev-parse --local-env-vars`); kiln may be started from a hook,
/// where they are set. Those left alone are the user's way to the server: `GIT_SSH*`, `GIT_SSL_*`, `GIT_PROXY_*`,
/// `GIT_ASKPASS`, `GIT_CONFIG_GLOBAL` and its kin, and settings given as `GIT_CONFIG_COUNT` or by `git -c` (`insteadOf`,
/// `http.extraHeader`); ours are read after these.
const CLEARED: &[&str] = &[
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
    // These act on what a new repository is, on a server, or inside a hook.
    "GIT_DEFAULT_HASH",
    "GIT_DEFAULT_REF_FORMAT",
    "GIT_NAMESPACE",
    "GIT_PROTOCOL",
    "GIT_PROTOCOL_FROM_USER",
    "GIT_QUARANTINE_PATH",
    "GIT_TEMPLATE_DIR",
];

const SET: &[(&str, &str)] = &[
    // Its messages are read: which refusal it is, and what of them is progress.
    ("LC_ALL", "C"),
    ("GIT_TERMINAL_PROMPT", "0"),
    // ssh would ask on the terminal, where it is in the background and would be stopped; so it asks a program or fails.
    ("SSH_ASKPASS_REQUIRE", "force"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_ADVICE", "0"),
];

/// The protocol version is not among these: two is git's own choice, and a user who set another needs it.
const SETTINGS: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "fetch.writeCommitGraph=false",
    "fetch.recurseSubmodules=false",
    // A pack as it comes, rather than a file for each object.
    "fetch.unpackLimit=1",
    // Larger files are neither held in memory nor stored as differences.
    "core.bigFileThreshold=16m",
];

/// Who asks for a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// The template.
    Template,
    /// A repository that was fetched through `.0` and names a submodule.
    Parent(Transport),
}

/// git, outside of every repository.
pub(super) fn git(terms: &Terms<'_>, asker: Asker) -> Command {
    let mut command = Command::new(terms.program);
    // In a working directory with a repository, that one's settings would count.
    command.current_dir("/");
    for name in CLEARED {
        command.env_remove(name);
    }
    command.envs(SET.iter().copied());
    if terms.network == Network::Offline {
        // Also what `insteadOf` makes of a path.
        command.env("GIT_ALLOW_PROTOCOL", "file");
    }
    if asker == Asker::Parent(Transport::Network) {
        // What `protocol.*.allow` leaves to the user is not for a repository to choose (git-config(1)).
        command.env("GIT_PROTOCOL_FROM_USER", "0");
    }
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    command
}

/// git in the bare repository `directory`.
pub(super) fn git_in(directory: &Path, terms: &Terms<'_>, asker: Asker) -> Command {
    let mut command = git(terms, asker);
    command.arg("--git-dir").arg(directory);
    command
}
