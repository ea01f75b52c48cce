//! A system for commands to run in: one file, and links to it.

use std::fs;

use crate::harness::{Project, require};

/// The head of a template.
pub(crate) const HEAD: &str =
    "[image]\nname = 'steps'\nversion = '1'\nplatforms = ['linux/amd64']\nepoch = '2026-01-01T00:00:00Z'\n";

/// The layers of a system that is one file.
pub(crate) const SYSTEM: &str = "[sources.system]\npath = 'system'\nignored = true\n\
    [[layer]]\nname = 'system'\n[[layer.step]]\ncopy = 'system'\nto = '/'\n\
    [[layer.step]]\nwrite = '/etc/passwd'\ntext = \"root:x:0:0:root:/root:/bin/sh\\napp:x:1000:1000::/srv:/bin/sh\\n\"\n\
    [[layer.step]]\nwrite = '/etc/group'\ntext = \"root:x:0:\\napp:x:1000:\\nextra:x:1001:app\\n\"\n\
    [[layer.step]]\ndirectory = '/srv'\nowner = '1000:1000'\n\
    [[layer.step]]\ndirectory = '/tmp'\nmode = '1777'\n\
    [[layer.step]]\nwrite = '/old'\ntext = \"old\\n\"\n[[layer.step]]\nwrite = '/gone/x'\ntext = 'x'\n\
    [[layer.step]]\nwrite = '/anew/x'\ntext = 'x'\n";

const APPLETS: &[&str] = &[
    "sh", "cat", "echo", "id", "ls", "stat", "touch", "mkdir", "rm", "ln", "chmod", "chown", "hostname", "env",
    "mount", "sleep", "kill", "dd", "date", "mknod", "pwd", "nproc", "head", "ps", "wget", "grep", "true", "gzip",
    "mv", "cp", "sort", "tail", "httpd", "seq", "find", "od", "tr",
];

/// A project whose template has these steps on a system with a shell; `None`, said visibly, without one.
pub(crate) fn with_shell(steps: &str) -> Option<Project> {
    let busybox = require("busybox")?;
    let project = Project::empty();
    fs::create_dir_all(project.path("system/bin")).expect("a directory");
    fs::copy(busybox, project.path("system/bin/busybox")).expect("busybox can be copied");
    for applet in APPLETS {
        std::os::unix::fs::symlink("busybox", project.path(&format!("system/bin/{applet}"))).expect("a link");
    }
    project.write("kiln.toml", format!("{HEAD}{SYSTEM}{steps}"));
    Some(project)
}
