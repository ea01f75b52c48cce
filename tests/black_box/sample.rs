//! The image that the tests build: every kind of step in several layers for two platforms.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use crate::harness::Project;

/// The files of the source: path, content, whether it is a program. The last has the first one's content.
pub(crate) const FILES: [(&str, &str, Executable); 6] = [
    ("README", "the same words\n", Executable::No),
    ("bin/run", "#!/bin/sh\necho run\n", Executable::Yes),
    ("data/a.txt", "a\n", Executable::No),
    ("data/empty", "", Executable::No),
    ("data/sub/grüße", "not ASCII\n", Executable::No),
    ("data/twin", "the same words\n", Executable::No),
];

/// Whether a file may be run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Executable {
    Yes,
    No,
}

const TEMPLATE: &str = r#"
[image]
name = "test/sample"
version = "1.0"
platforms = ["linux/amd64", "linux/arm64"]
epoch = "2026-01-01T00:00:00Z"
created = "2026-02-01T00:00:00Z"
compression = "CODEC"

[sources.app]
path = "app"
[sources.tool]
path = "tool.tar"

[[layer]]
name = "system"
[[layer.step]]
directory = "/tmp"
mode = "1777"
[[layer.step]]
addgroup = "web"
gid = 500
[[layer.step]]
adduser = "app"
groups = ["web"]
[[layer.step]]
write = "/etc/hostname"
text = "sample\n"
mode = "0600"
[[layer.step]]
write = "/etc/removed"
text = "not there in the end\n"

[[layer]]
name = "app"
[[layer.step]]
copy = "app"
to = "/srv/app/"
owner = "app:web"
[[layer.step]]
symlink = "/srv/current"
target = "app/bin"
[[layer.step]]
write = "/etc/machine"
text = "${platform.machine}\n"

[[layer]]
name = "tool"
mtime = "content"
[[layer.step]]
extract = "tool"
to = "/opt"
strip = 1
owner = "keep"
[[layer.step]]
remove = "/etc/removed"
[[layer.step]]
write = "/tmp/note"
text = "in a lower layer's directory\n"

[config]
entrypoint = ["/srv/current/run"]
user = "app"
env = { LANG = "C.UTF-8" }
labels = { team = "tests" }
"#;

/// What the template of the sample says.
pub(crate) fn template(codec: &str) -> String {
    TEMPLATE.replace("CODEC", codec)
}

/// A project that builds it.
pub(crate) fn project(codec: &str) -> Project {
    let project = Project::new(&template(codec));
    for (path, content, executable) in FILES {
        project.write(&format!("app/{path}"), content);
        set_mode(&project.path("app").join(path), if executable == Executable::Yes { 0o755 } else { 0o644 });
    }
    project.write("tool.tar", tool_tar());
    project
}

/// Sets a file's mode.
pub(crate) fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("the mode can be set");
}

/// The permission bits of a file.
pub(crate) fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).mode() & 0o7777
}

/// `cap_net_bind_service=ep` as the kernel stores it (the form of version 2).
pub(crate) const CAPABILITY: &[u8] = b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// An archive with owners, times, a set-user-ID file, a hard link, extended attributes and a long name.
fn tool_tar() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |path: &str, kind: tar::EntryType, mode: u32, owner: u64, link: &str, content: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(owner);
        header.set_gid(owner + 1);
        header.set_mtime(1_700_000_000);
        header.set_size(content.len() as u64);
        if kind == tar::EntryType::Regular && path.ends_with("serve") {
            let attributes = [("SCHILY.xattr.security.capability", CAPABILITY), ("SCHILY.xattr.user.note", b"hi")];
            tar.append_pax_extensions(attributes).expect("written to memory");
        }
        if link.is_empty() {
            tar.append_data(&mut header, path, content).expect("written to memory");
        } else {
            tar.append_link(&mut header, path, link).expect("written to memory");
        }
    };
    let (file, directory) = (tar::EntryType::Regular, tar::EntryType::Directory);
    add("tool-1/", directory, 0o755, 0, "", b"");
    add("tool-1/bin/", directory, 0o750, 12, "", b"");
    add("tool-1/bin/serve", file, 0o755, 0, "", b"a program\n");
    add("tool-1/bin/su", file, 0o4755, 0, "", b"another program\n");
    add("tool-1/bin/su-link", tar::EntryType::Link, 0o4755, 0, "tool-1/bin/su", b"");
    add("tool-1/latest", tar::EntryType::Symlink, 0o777, 34, "bin/serve", b"");
    add(&format!("tool-1/{}", "long/".repeat(60)), directory, 0o755, 0, "", b"");
    add(&format!("tool-1/{}file", "long/".repeat(60)), file, 0o640, 3_000_000, "", b"deep\n");
    tar.into_inner().expect("written to memory")
}
