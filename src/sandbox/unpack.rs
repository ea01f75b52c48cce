//! Makes the files of a layer as an overlay wants them.

use std::fs::File;

use crate::output::rootfs::{Privilege, write_unsynced};
use crate::store::Spool;
use crate::tree::{Change, Kind, Node, Tree, dump};

use super::answer::Failure;
use super::mode::Mode;
use super::order::UnpackOrder;
use super::owners;
use super::spread::spread;

/// Makes them. In a namespace of one id all belong to it, and have a record of whose they are.
pub(super) fn unpack(order: UnpackOrder, spool: File, mode: Mode) -> Result<(), Failure> {
    let changes = dump::parse(&order.tree).map_err(|error| Failure::said("read a tree", error.to_string()))?;
    let tree: Tree = changes
        .iter()
        .map(|(path, change)| match change {
            Change::Node(node) => (path.clone(), node.clone()),
            // What an overlay takes for "not there" (overlayfs.rst, "whiteouts and opaque directories").
            Change::Whiteout => (path.clone(), Node::new(Kind::CharDevice { major: 0, minor: 0 }, 0)),
        })
        .collect();
    let spool = Spool::new(spool, order.places.into_iter().collect());
    let (tree, privilege) = match mode {
        Mode::OneId => (owners::recorded(&tree), Privilege::User),
        Mode::Root | Mode::SubordinateIds | Mode::Chroot => (tree, Privilege::Root),
    };
    let Some(first) = order.to.first() else { return Err(Failure::said("unpack a tree", "no directory is given")) };
    write_unsynced(&tree, &spool, first, privilege).map_err(|error| {
        let reason = std::error::Error::source(&error).map(ToString::to_string);
        Failure::said(error.to_string(), reason.unwrap_or_default())
    })?;
    spread(&tree, &order.to, &spool, privilege)
}
