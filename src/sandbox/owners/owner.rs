//! Who a file belongs to, and how that is written down.

use serde::{Deserialize, Serialize};

use crate::base::ImagePath;
use crate::base::path::readable;
use crate::tree::{Kind, Node, Tree};

/// The attribute that it is written down in.
pub(in crate::sandbox) const ATTRIBUTE: &str = "user.kiln.owner";

/// User and group of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Owner {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

impl Owner {
    /// Root, who files without a record belong to.
    pub const ROOT: Self = Self { uid: 0, gid: 0 };

    /// Of a node.
    fn of(node: &Node) -> Self {
        Self { uid: node.uid, gid: node.gid }
    }

    /// After chown(2), where the largest number leaves what is there.
    pub(super) fn changed(self, uid: u32, gid: u32) -> Self {
        let or = |new, old| if new == u32::MAX { old } else { new };
        Self { uid: or(uid, self.uid), gid: or(gid, self.gid) }
    }

    /// As the attribute has it: `UID:GID`.
    pub(super) fn attribute(self) -> String {
        format!("{}:{}", self.uid, self.gid)
    }
}

/// What the attribute says.
pub(in crate::sandbox) fn from_attribute(value: &[u8]) -> Option<Owner> {
    let (uid, gid) = std::str::from_utf8(value).ok()?.split_once(':')?;
    Some(Owner { uid: uid.parse().ok()?, gid: gid.parse().ok()? })
}

/// The same tree, in which every file and directory that needs a record has it as an attribute.
pub(in crate::sandbox) fn recorded(tree: &Tree) -> Tree {
    let with_record = |(path, node): (&ImagePath, &Node)| {
        let mut node = node.clone();
        if !is_special(&node) && needs_record(tree, path, &node) {
            node.xattrs.insert(ATTRIBUTE.as_bytes().into(), Owner::of(&node).attribute().into_bytes().into());
        }
        (path.clone(), node)
    };
    tree.iter().map(with_record).collect()
}

/// The owners of what cannot have attributes, by path as [`readable`] writes it.
pub(in crate::sandbox) fn special(tree: &Tree) -> Vec<(String, Owner)> {
    let special = tree.iter().filter(|(path, node)| is_special(node) && needs_record(tree, path, node));
    special.map(|(path, node)| (readable(path.as_bytes()), Owner::of(node))).collect()
}

fn is_special(node: &Node) -> bool {
    !matches!(node.kind, Kind::Directory | Kind::File { .. })
}

/// Whether it is not enough to say nothing: a file without a record is root's and the group's of its directory.
fn needs_record(tree: &Tree, path: &ImagePath, node: &Node) -> bool {
    let parent = path.parent().and_then(|parent| tree.get(&parent));
    let group = parent.map_or(0, |parent| inherited(u32::from(parent.mode), parent.gid));
    Owner::of(node) != Owner::ROOT || group != 0
}

/// The group of a new file in a directory of the group `gid` with `mode` (inode(7), "the set-group-ID bit").
pub(in crate::sandbox) fn inherited(mode: u32, gid: u32) -> u32 {
    if mode & libc::S_ISGID == 0 { 0 } else { gid }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::base::ContentDigest;
    use crate::tree::Content;

    fn node(kind: Kind, mode: u16, uid: u32, gid: u32) -> Node {
        Node { uid, gid, ..Node::new(kind, mode) }
    }

    fn file(uid: u32, gid: u32) -> Node {
        let content = Content { digest: ContentDigest::from([0; 32]), size_bytes: 0 };
        node(Kind::File { content, links: None }, 0o644, uid, gid)
    }

    fn tree(nodes: &[(&str, Node)]) -> Tree {
        let path = |text: &str| ImagePath::parse(text.as_bytes()).expect("a path");
        nodes.iter().map(|(at, node)| (path(at), node.clone())).collect()
    }

    #[test]
    fn what_is_written_down_is_read_back() {
        let owner = Owner { uid: 33, gid: u32::MAX - 1 };
        assert_eq!(from_attribute(owner.attribute().as_bytes()), Some(owner));
        for wrong in ["", "33", "33:", "a:b", "33:44:", "-1:0", "4294967296:0"] {
            assert_eq!(from_attribute(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn chown_leaves_what_it_was_not_told() {
        let owner = Owner { uid: 1, gid: 2 };
        assert_eq!(owner.changed(u32::MAX, u32::MAX), owner);
        assert_eq!(owner.changed(0, u32::MAX), Owner { uid: 0, gid: 2 });
        assert_eq!(owner.changed(u32::MAX, 7), Owner { uid: 1, gid: 7 });
    }

    #[test]
    fn what_would_be_somebody_elses_without_a_record_has_one() {
        let link = Kind::Symlink { target: b"a"[..].into() };
        let tree = tree(&[
            ("mail", node(Kind::Directory, 0o2775, 0, 8)),
            ("mail/app", file(1000, 8)),
            ("mail/link", node(link.clone(), 0o777, 0, 0)),
            ("mail/root", file(0, 0)),
            ("plain", file(0, 0)),
            ("shadow", file(0, 42)),
            ("to", node(link, 0o777, 1000, 1000)),
        ]);
        let tree_with = recorded(&tree);
        let records: BTreeMap<String, String> = tree_with
            .iter()
            .filter_map(|(path, node)| {
                let value = node.xattrs.get(ATTRIBUTE.as_bytes())?;
                Some((path.to_string(), String::from_utf8_lossy(value).into_owned()))
            })
            .collect();
        let expected = [("/mail", "0:8"), ("/mail/app", "1000:8"), ("/mail/root", "0:0"), ("/shadow", "0:42")];
        assert_eq!(records, expected.map(|(path, value)| (path.to_owned(), value.to_owned())).into());
        let links = [("mail/link", Owner::ROOT), ("to", Owner { uid: 1000, gid: 1000 })];
        assert_eq!(special(&tree), links.map(|(path, owner)| (path.to_owned(), owner)));
    }
}
