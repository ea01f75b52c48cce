//! The links of a merged `/usr` in a root that has nothing yet, as debootstrap makes them.

use crate::tree::{Kind, Node};

use super::super::deb::Deb;

/// Directories that are links into `/usr` on every architecture.
const EVERYWHERE: &[&str] = &["bin", "sbin", "lib"];

/// Those for libraries of other word sizes, by architecture (debootstrap, `setup_merged_usr`).
const LIBRARIES: &[(&str, &[&str])] = &[
    ("amd64", &["lib32", "lib64", "libx32"]),
    ("i386", &["lib64", "libx32"]),
    ("loong64", &["lib64"]),
    ("mips64el", &["lib32", "lib64", "libo32"]),
    ("mipsel", &["lib32", "lib64"]),
    ("powerpc", &["lib64"]),
    ("ppc64", &["lib32", "lib64"]),
    ("ppc64el", &["lib64"]),
    ("s390x", &["lib32"]),
    ("x32", &["lib32", "lib64", "libx32"]),
];

/// The links of an empty root of an architecture; none if one of the packages brings them itself, as `base-files` does from
/// Debian 13 on.
pub(super) fn links(debs: &[&Deb], architecture: &str) -> Vec<&'static str> {
    let brings_them = |deb: &&Deb| {
        deb.files.nodes().any(|(path, node)| path.as_bytes() == b"bin" && matches!(node.kind, Kind::Symlink { .. }))
    };
    if debs.iter().any(brings_them) {
        return Vec::new();
    }
    let own = LIBRARIES.iter().find(|(name, _)| *name == architecture).map_or(&[][..], |(_, own)| own);
    EVERYWHERE.iter().chain(own).copied().collect()
}

/// A link into `/usr`.
pub(super) fn link(name: &str, epoch: i64) -> Node {
    let target = format!("usr/{name}").into_bytes().into_boxed_slice();
    Node { mtime: epoch, ..Node::new(Kind::Symlink { target }, 0o777) }
}
