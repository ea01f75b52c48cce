//! Which packages work without their scripts, in a root that has neither a shell nor a history.

use crate::base::ImagePath;

use super::super::deb::{Deb, Script};
use super::error::NeedsScripts;

/// Packages whose scripts do something that a program in a container can do without, and what that is. Looked at in
/// Debian 12. `ca-certificates` is not one of them: its script makes the bundle that programs read.
const SAFE: &[(&str, &str)] = &[
    ("base-files", "copies profiles for people who log in, makes directories for what is installed by hand, and logs"),
    (
        "libc-bin",
        "copies a default nsswitch.conf, without which the C library has the same one, and makes a cache of libraries",
    ),
    ("debconf", "fetches nothing and asks nothing where no script runs"),
    ("libc6", "looks at the kernel's version, and at services that run during an upgrade"),
    ("mawk", "makes `awk` its other name, for scripts"),
    ("netbase", "makes /etc/hosts, which the engine writes, and /etc/networks"),
    ("openssl", "makes a link that the package itself has"),
    ("tzdata", "sets the zone to UTC, which is what it is when nothing is set"),
];

/// Where the dynamic linker looks without being told (ld.so(8)).
const LINKER_SETTINGS: &[u8] = b"etc/ld.so.conf.d";

/// What a package needs that only scripts would do; `None` if it works without.
pub(super) fn needs_scripts(deb: &Deb) -> Option<NeedsScripts> {
    let package = deb.control.package.name();
    if SAFE.iter().any(|(name, _)| *name == package) {
        return None;
    }
    let scripts = [Script::PreInst, Script::PostInst].into_iter();
    let busy = scripts.filter(|script| deb.control.script(*script).is_some_and(|text| !is_idle(text)));
    let mut needs: Vec<&'static str> = busy.map(Script::name).collect();
    let settings = ImagePath::parse(LINKER_SETTINGS).unwrap_or_default();
    if deb.files.nodes().any(|(path, _)| path.parent().as_ref() == Some(&settings)) {
        needs.push("a cache of libraries");
    }
    (!needs.is_empty()).then(|| NeedsScripts { package: package.to_owned(), needs })
}

/// Whether a shell script does nothing where a package is new. `dpkg-maintscript-helper` mends what older versions left.
fn is_idle(script: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(script) else { return false };
    let is_shell = text.lines().next().is_some_and(|line| line.starts_with("#!") && line.contains("sh"));
    let is_nothing = |line: &str| {
        let is_word = matches!(line, "" | ":" | "true" | "exit 0" | "set -e" | "set -eu" | "set -u");
        is_word || line.starts_with('#') || is_mending(line)
    };
    is_shell && text.lines().map(str::trim).all(is_nothing)
}

/// Whether a line is a call of the helper as debhelper writes it, with the arguments of the script at the end.
fn is_mending(line: &str) -> bool {
    let words = line.strip_prefix("dpkg-maintscript-helper ").and_then(|rest| rest.strip_suffix(" -- \"$@\""));
    // A backslash only before a tilde, which the shell would read otherwise.
    words.is_some_and(|words| !words.replace("\\~", "").contains([';', '&', '|', '`', '$', '\\', '(', '<', '>']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_that_do_nothing_are_told_from_others() {
        for idle in [
            "#!/bin/sh\nset -e\n\n# Automatically added\nexit 0\n",
            "#! /bin/sh -e\ndpkg-maintscript-helper dir_to_symlink /usr/a ../b 1-1\\~ -- \"$@\"\n",
        ] {
            assert!(is_idle(idle.as_bytes()), "{idle}");
        }
        for busy in [
            "#!/bin/sh\nldconfig\n",
            "#!/usr/bin/perl\n# nothing\n",
            "",
            "\u{7f}ELF",
            "#!/bin/sh\ndpkg-maintscript-helper rm_conffile /a 1 -- \"$@\"; rm /b\n",
            "#!/bin/sh\ndpkg-maintscript-helper rm_conffile $(rm /b) -- \"$@\"\n",
        ] {
            assert!(!is_idle(busy.as_bytes()), "{busy}");
        }
        assert!(!is_idle(b"#!/bin/sh\n\xff"));
    }
}
