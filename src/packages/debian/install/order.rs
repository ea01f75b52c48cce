//! The order of a package's files in dpkg's list.
//!
//! dpkg lists files as they come in the archive, and `dpkg-deb` puts each directory before what is in it, names in order,
//! and all links at the end. Trees do not remember the order of an archive; this one is that of nearly every package.

use crate::base::ImagePath;
use crate::tree::{Changeset, Kind, Node};

/// The files of a package, without its root, in the order of its list.
pub(super) fn in_order(files: &Changeset) -> Vec<(&ImagePath, &Node)> {
    let mut all: Vec<(&ImagePath, &Node)> = files.nodes().filter(|(path, _)| !path.is_root()).collect();
    all.sort_by(|(left, left_node), (right, right_node)| {
        let is_link = |node: &Node| matches!(node.kind, Kind::Symlink { .. });
        is_link(left_node).cmp(&is_link(right_node)).then_with(|| left.parts().cmp(right.parts()))
    });
    all
}
