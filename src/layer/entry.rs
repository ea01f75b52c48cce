//! The entries of a layer's tar, in their order.

use std::collections::BTreeMap;

use crate::base::ImagePath;
use crate::tree::{Change, Changeset, Content, Kind, LinkGroup, Node};

/// One entry of a layer's tar.
#[derive(Debug, Clone, Copy)]
pub enum Entry<'a> {
    /// A node, with its content if it is the first name of a file.
    Node(&'a ImagePath, &'a Node),
    /// One more name of a file that came before.
    HardLink(&'a ImagePath, &'a Node, &'a ImagePath),
    /// What a lower layer has here is gone.
    Whiteout(&'a ImagePath),
}

impl Entry<'_> {
    /// What follows the header, if anything does.
    pub fn content(&self) -> Option<&Content> {
        match self {
            Self::Node(_, Node { kind: Kind::File { content, .. }, .. }) if content.size_bytes > 0 => Some(content),
            _ => None,
        }
    }

    /// Where it is.
    pub fn path(&self) -> &ImagePath {
        match self {
            Self::Node(path, _) | Self::HardLink(path, ..) | Self::Whiteout(path) => path,
        }
    }
}

/// The entries in the one order that a layer has: bytewise by path, and the whiteouts of a directory before everything
/// else in it (image-spec, layer.md, "Whiteouts": they only apply to lower layers, and readers that extract in one pass
/// want them first).
pub fn entries(changeset: &Changeset) -> Vec<Entry<'_>> {
    let mut whiteouts: BTreeMap<ImagePath, Vec<&ImagePath>> = BTreeMap::new();
    for (path, change) in changeset.iter() {
        if let (Change::Whiteout, Some(parent)) = (change, path.parent()) {
            whiteouts.entry(parent).or_default().push(path);
        }
    }
    let mut entries = Vec::with_capacity(changeset.len());
    let mut first_names: BTreeMap<LinkGroup, &ImagePath> = BTreeMap::new();
    let of_root = whiteouts.remove(&ImagePath::root()).unwrap_or_default();
    entries.extend(of_root.into_iter().map(Entry::Whiteout));
    for (path, node) in changeset.nodes() {
        let first = match &node.kind {
            Kind::File { links: Some(group), .. } => Some(*first_names.entry(*group).or_insert(path)),
            _ => None,
        };
        entries.push(match first {
            Some(first) if first != path => Entry::HardLink(path, node, first),
            _ => Entry::Node(path, node),
        });
        if !whiteouts.is_empty() {
            let of_directory = whiteouts.remove(path).unwrap_or_default();
            entries.extend(of_directory.into_iter().map(Entry::Whiteout));
        }
    }
    // Whiteouts in directories that have no entry of their own; changesets that kiln makes have none such.
    entries.extend(whiteouts.into_values().flatten().map(Entry::Whiteout));
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::testing::*;

    #[test]
    fn whiteouts_come_before_what_is_in_their_directory() {
        let mut changeset = tree(&[("a", directory()), ("a/!first", file("")), ("b", file(""))]).to_changeset();
        changeset.white_out(path("a/z"));
        changeset.white_out(path("c"));
        let order: Vec<String> = entries(&changeset).iter().map(|entry| entry.path().to_string()).collect();
        assert_eq!(order, ["/c", "/a", "/a/z", "/a/!first", "/b"]);
    }

    #[test]
    fn the_first_name_of_a_file_carries_the_content() {
        let mut linked = file("x");
        if let Kind::File { links, .. } = &mut linked.kind {
            *links = Some(LinkGroup(7));
        }
        let changeset = tree(&[("b", linked.clone()), ("a", linked)]).to_changeset();
        let entries = entries(&changeset);
        assert!(matches!(entries[0], Entry::Node(at, _) if *at == path("a")));
        assert!(matches!(entries[1], Entry::HardLink(at, _, first) if *at == path("b") && *first == path("a")));
    }
}
