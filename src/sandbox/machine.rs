//! What this machine offers to steps, for `kiln doctor`.

use std::fs;
use std::path::Path;

use serde::Serialize;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What.
    pub what: &'static str,
    /// What was found.
    pub found: String,
    /// What would make more possible; `None` if nothing is missing.
    pub mend: Option<String>,
}

/// Looks at limits, emulators and restrictions.
pub fn findings() -> Vec<Finding> {
    vec![limits(), emulators(), restrictions()]
}

fn limits() -> Finding {
    let group = super::cgroup::Group::new(super::Limits { memory_bytes: Some(1 << 30), cpus: None });
    let what = "limits";
    match (group.controllers(), rustix::process::geteuid().is_root()) {
        (0, true) => Finding {
            what,
            found: "no control group can be made: steps of root have no limit of processes".to_owned(),
            mend: Some("mount the `pids` and `memory` control groups writable for this process".to_owned()),
        },
        (0, false) => Finding {
            what,
            found: "no control group was delegated: limits are those of each process (setrlimit)".to_owned(),
            mend: Some("run kiln in a delegated group: systemd-run --user --scope -p Delegate=yes kiln ...".to_owned()),
        },
        _ => Finding { what, found: "control groups limit processes and memory".to_owned(), mend: None },
    }
}

fn emulators() -> Finding {
    let directory = Path::new("/proc/sys/fs/binfmt_misc");
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        // Without F the kernel looks for the emulator inside of the image.
        let is_fixed = text.lines().any(|line| line.starts_with("flags:") && line.contains('F'));
        if name.starts_with("qemu-") && text.starts_with("enabled") && is_fixed {
            found.push(name.trim_start_matches("qemu-").to_owned());
        }
    }
    found.sort();
    Finding {
        what: "other processors",
        mend: found.is_empty().then(|| "for steps of other platforms: apt install qemu-user-static".to_owned()),
        found: if found.is_empty() { "none: steps run for this machine's only".to_owned() } else { found.join(", ") },
    }
}

fn restrictions() -> Finding {
    let is_on = |file: &str| fs::read_to_string(file).is_ok_and(|text| text.trim() != "0");
    let what = "restrictions";
    if is_on("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") {
        return Finding {
            what,
            found: "AppArmor restricts user namespaces of unprivileged programs".to_owned(),
            mend: Some("as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0".to_owned()),
        };
    }
    if fs::read_to_string("/proc/sys/user/max_user_namespaces").is_ok_and(|text| text.trim() == "0") {
        return Finding {
            what,
            found: "user namespaces are switched off".to_owned(),
            mend: Some("as root: sysctl -w user.max_user_namespaces=16384".to_owned()),
        };
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if status.lines().any(|line| line.split_whitespace().eq(["Seccomp:", "2"])) {
        return Finding {
            what,
            found: "a filter of system calls is in force here, as in a container".to_owned(),
            mend: Some("if namespaces are refused: --security-opt seccomp=unconfined (docker, podman)".to_owned()),
        };
    }
    Finding { what, found: "none".to_owned(), mend: None }
}
