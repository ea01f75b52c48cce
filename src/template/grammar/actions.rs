//! What a step can do, and which keys go with it.

/// One action and its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    /// The key that asks for it.
    pub name: &'static str,
    /// The other keys that a step with it may have.
    pub modifiers: &'static [&'static str],
    /// Of each of these, exactly one has to be there.
    pub needs: &'static [&'static [&'static str]],
}

impl Action {
    /// Whether a step with this action may have that key.
    pub fn takes(&self, key: &str) -> bool {
        self.modifiers.contains(&key)
    }
}

/// The action of that name.
pub fn action(name: &str) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.name == name)
}

const fn row(
    name: &'static str,
    needs: &'static [&'static [&'static str]],
    modifiers: &'static [&'static str],
) -> Action {
    Action { name, modifiers, needs }
}

/// All actions, in the order in which the reference lists them.
pub const ACTIONS: &[Action] = &[
    row("copy", &[&["to"]], &["to", "owner", "mode", "mtime", "include", "exclude", "when"]),
    row("write", &[&["text", "base64"]], &["text", "base64", "owner", "mode", "mtime", "when"]),
    row("directory", &[], &["owner", "mode", "when"]),
    row("symlink", &[&["target"]], &["target", "owner", "when"]),
    row("extract", &[&["to"]], &["to", "strip", "owner", "include", "exclude", "when"]),
    row("adduser", &[], &["uid", "group", "system", "home", "shell", "groups", "comment", "when"]),
    row("addgroup", &[], &["gid", "system", "when"]),
    row("remove", &[], &["when"]),
    row("packages", &[], &["repository", "recommends", "scripts", "when"]),
    row("run", &[], RUN),
    row("script", &[], SCRIPT),
    row("enable", &[], &["when"]),
];

const RUN: &[&str] =
    &["shell", "env", "workdir", "user", "network", "mounts", "cache", "secrets", "timeout", "memory", "cpus", "when"];
/// No `shell`: the script's first line says what runs it.
const SCRIPT: &[&str] =
    &["args", "env", "workdir", "user", "network", "mounts", "cache", "secrets", "timeout", "memory", "cpus", "when"];

/// What a test can look at, each with the keys that go with it.
pub const CHECKS: &[(&str, &[&str])] =
    &[("run", &["service", "exit", "stdout", "stderr"]), ("file", &["exists", "mode", "owner", "contains", "sha256"])];

/// Where a source can come from, each with the keys that go with it.
pub const ORIGINS: &[(&str, &[&str])] = &[
    ("path", &["ignored", "include", "exclude"]),
    ("url", &["sha256", "mirrors"]),
    ("git", &["rev", "subdir", "submodules", "include", "exclude"]),
    ("image", &["include", "exclude"]),
    ("fetch", &["in", "mounts", "include", "exclude"]),
];
