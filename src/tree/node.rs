//! One file of a tree: what it is, who owns it, when it was made.

use std::collections::BTreeMap;

use crate::base::ContentDigest;
use crate::base::glob::Is;

/// One file, directory, link or device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Permission bits with setuid, setgid and sticky: the low twelve bits of `st_mode`.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Modification time, seconds since 1970.
    pub mtime: i64,
    /// Extended attributes by full name (`security.capability`, `user.x`).
    pub xattrs: BTreeMap<Box<[u8]>, Box<[u8]>>,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file. Nodes of one tree with the same `links` are one file under several names.
    File {
        /// What is in it.
        content: Content,
        /// Which other names it has.
        links: Option<LinkGroup>,
    },
    /// A symbolic link and the text in it.
    Symlink {
        /// Where it points, any bytes but zero, never empty.
        target: Box<[u8]>,
    },
    /// A character device.
    CharDevice {
        /// Kind of device.
        major: u32,
        /// Which one of the kind.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// Kind of device.
        major: u32,
        /// Which one of the kind.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
}

/// The content of a regular file, by digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// SHA-256 of the bytes.
    pub digest: ContentDigest,
    /// How many there are.
    pub size_bytes: u64,
}

/// Names the hard links of one file within one tree; the number itself means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkGroup(pub u64);

impl Node {
    /// A node of root's, at time zero, without extended attributes.
    pub fn new(kind: Kind, mode: u16) -> Self {
        Self { kind, mode, uid: 0, gid: 0, mtime: 0, xattrs: BTreeMap::new() }
    }

    /// A directory as kiln makes a missing parent: 0755, root's.
    pub fn parent_directory(mtime: i64) -> Self {
        Self { mtime, ..Self::new(Kind::Directory, 0o755) }
    }

    /// The same, with the number of its hard links moved up: the links of two trees must not meet when they are put
    /// together.
    pub fn with_links_from(mut self, first: u64) -> Self {
        if let Kind::File { links: Some(LinkGroup(group)), .. } = &mut self.kind {
            *group += first;
        }
        self
    }

    /// What it is to a pattern.
    pub fn is(&self) -> Is {
        if matches!(self.kind, Kind::Directory) { Is::Directory } else { Is::Other }
    }

    /// Whether both are the same but for their times, and but for which number names their hard links.
    pub fn same_but_for_time(&self, other: &Self) -> bool {
        let same_kind = match (&self.kind, &other.kind) {
            (Kind::File { content: a, .. }, Kind::File { content: b, .. }) => a == b,
            (a, b) => a == b,
        };
        same_kind
            && self.mode == other.mode
            && (self.uid, self.gid) == (other.uid, other.gid)
            && self.xattrs == other.xattrs
    }
}
