//! The owners of files that cannot have attributes.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use super::Owner;

/// Which file it is, among all that are there at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity {
    /// Its file system, major and minor number.
    pub(super) device: (u32, u32),
    /// Its number there.
    pub(super) inode: u64,
}

/// An owner for each of some files.
#[derive(Debug, Default)]
pub(super) struct Table(BTreeMap<Identity, Record>);

#[derive(Debug)]
struct Record {
    owner: Owner,
    /// As long as it is open, no other file gets its number.
    _open: OwnedFd,
}

impl Table {
    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Who a file belongs to, if that was said.
    pub(super) fn get(&self, file: Identity) -> Option<Owner> {
        self.0.get(&file).map(|record| record.owner)
    }

    /// Says who a file belongs to; `open` is that file.
    pub(super) fn put(&mut self, file: Identity, owner: Owner, open: OwnedFd) {
        self.0.insert(file, Record { owner, _open: open });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_counts() {
        let open = || OwnedFd::from(tempfile::tempfile().expect("a file"));
        let (file, other) = (Identity { device: (0, 1), inode: 2 }, Identity { device: (0, 2), inode: 2 });
        let mut table = Table::default();
        assert!(table.is_empty() && table.get(file).is_none());
        table.put(file, Owner { uid: 1, gid: 2 }, open());
        table.put(file, Owner::ROOT, open());
        assert_eq!((table.get(file), table.get(other)), (Some(Owner::ROOT), None));
    }
}
