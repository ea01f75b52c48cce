//! Commits and trees, as their bytes say (git's Documentation/user-manual, "The Object Database").

use crate::base::Epoch;
use crate::base::epoch::LATEST;
use crate::base::path::PathError;

use super::id::{Format, ObjectId};

/// Bytes of one commit, which is held in memory; its message has no limit of its own.
pub(super) const COMMIT_MAX_BYTES: u64 = 16 << 20;
/// Bytes of one tree, which is held in memory: a directory of a million files.
pub(super) const TREE_MAX_BYTES: u64 = 64 << 20;

/// Why an object is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectFlaw {
    /// Something leads to it.
    #[error("it is missing from what was fetched")]
    Missing,
    /// Its bytes are other ones.
    #[error("its bytes have another hash")]
    Hash,
    /// What leads to it says that it is something else.
    #[error("expected a {expected}, found a {found}")]
    Kind {
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// Larger than anything of its kind.
    #[error("it has {size_bytes} bytes, at most {most_bytes} are read")]
    TooLarge {
        /// Its size.
        size_bytes: u64,
        /// The limit.
        most_bytes: u64,
    },
    /// Not in the form of its kind.
    #[error("{0}")]
    Form(&'static str),
}

/// Why a name in a tree is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameFlaw {
    /// It would mean another place.
    #[error("a name may not be empty, `.` or `..`, or have a slash in it")]
    Place,
    /// git never checks such files out.
    #[error("`.git` is git's own")]
    GitDirectory,
    /// Two entries of one name.
    #[error("it is there twice")]
    Twice,
    /// No image can hold it.
    #[error(transparent)]
    Path(#[from] PathError),
}

/// What is taken from a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Commit {
    pub(super) tree: ObjectId,
    /// The committer's, seconds since 1970.
    pub(super) time: i64,
}

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: EntryKind,
    pub(super) name: Vec<u8>,
    pub(super) id: ObjectId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    Directory,
    /// With the mode that it gets: 0644 or 0755.
    File(u16),
    Symlink,
    /// A commit of another repository.
    Submodule,
}

impl EntryKind {
    /// What it is, for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::File(_) => "file",
            Self::Symlink => "symbolic link",
            Self::Submodule => "submodule",
        }
    }
}

/// Parses a commit. A time that no image can have becomes the nearest that one can.
pub(super) fn commit(bytes: &[u8], format: Format) -> Result<Commit, ObjectFlaw> {
    let header = |name: &str| {
        let lines = bytes.split(|byte| *byte == b'\n').take_while(|line| !line.is_empty());
        lines.into_iter().find_map(|line| line.strip_prefix(name.as_bytes()))
    };
    let text = |bytes| std::str::from_utf8(bytes).ok();
    let tree = header("tree ").and_then(text).and_then(|id| id.parse::<ObjectId>().ok());
    let tree = tree.filter(|id| id.format() == format).ok_or(ObjectFlaw::Form("it names no tree"))?;
    // `committer NAME <MAIL> SECONDS ZONE`, where the name is in any encoding.
    let when = header("committer ").and_then(|line| line.rsplit(|byte| *byte == b' ').nth(1)).and_then(text);
    let time = when.and_then(|seconds| seconds.parse::<i64>().ok()).ok_or(ObjectFlaw::Form("it has no time"))?;
    Ok(Commit { tree, time: time.clamp(0, Epoch::seconds(LATEST)) })
}

/// Parses a tree: `MODE SP NAME NUL ID`, over and over.
pub(super) fn tree(bytes: &[u8], format: Format) -> Result<Vec<Entry>, ObjectFlaw> {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (mode, after) = split_at_byte(rest, b' ').ok_or(ObjectFlaw::Form("an entry has no mode"))?;
        let (name, after) = split_at_byte(after, 0).ok_or(ObjectFlaw::Form("an entry has no name"))?;
        let (id, after) = after.split_at_checked(format.id_bytes()).ok_or(ObjectFlaw::Form("an entry has no id"))?;
        let id = format.id(id).ok_or(ObjectFlaw::Form("an entry has no id"))?;
        entries.push(Entry { kind: entry_kind(mode)?, name: name.to_vec(), id });
        rest = after;
    }
    Ok(entries)
}

fn split_at_byte(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = bytes.iter().position(|byte| *byte == at)?;
    Some((&bytes[..place], &bytes[place + 1..]))
}

/// The kinds of files that git knows, in octal and perhaps with leading zeros. Of the permissions it means only the
/// owner's executable bit.
fn entry_kind(mode: &[u8]) -> Result<EntryKind, ObjectFlaw> {
    let text = std::str::from_utf8(mode).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let mode = text.and_then(|text| u32::from_str_radix(text, 8).ok());
    match mode.map(|mode| (mode >> 12, mode & 0o100)) {
        Some((0o04, _)) => Ok(EntryKind::Directory),
        Some((0o10, 0)) => Ok(EntryKind::File(0o644)),
        Some((0o10, _)) => Ok(EntryKind::File(0o755)),
        Some((0o12, _)) => Ok(EntryKind::Symlink),
        Some((0o16, _)) => Ok(EntryKind::Submodule),
        _ => Err(ObjectFlaw::Form("an entry is of no kind that git knows")),
    }
}

/// Whether an entry may have this name.
pub(super) fn check_name(name: &[u8]) -> Result<(), NameFlaw> {
    if name.is_empty() || name == b"." || name == b".." || name.contains(&b'/') {
        return Err(NameFlaw::Place);
    }
    // On some file systems the case does not count, so git refuses it in any.
    if name.eq_ignore_ascii_case(b".git") { Err(NameFlaw::GitDirectory) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0101010101010101010101010101010101010101";

    fn read(text: &str) -> Result<Commit, ObjectFlaw> {
        commit(text.as_bytes(), Format::Sha1)
    }

    #[test]
    fn the_time_of_a_commit_is_the_committers() {
        let of =
            |when: &str| read(&format!("tree {ID}\nauthor A <a> 1 +0000\ncommitter B <b> {when} +0200\n\ncommitter"));
        assert_eq!(
            of("1700000000").map(|commit| (commit.tree.to_string(), commit.time)),
            Ok((ID.into(), 1_700_000_000))
        );
        assert_eq!(of("9000000000000000000").map(|commit| commit.time), Ok(LATEST.seconds()));
        assert_eq!(of("-5").map(|commit| commit.time), Ok(0));
        assert_eq!(of("now"), Err(ObjectFlaw::Form("it has no time")));
        assert_eq!(read(&format!("\ntree {ID}\n")), Err(ObjectFlaw::Form("it names no tree")));
        assert_eq!(read(&format!("tree {}\n", "01".repeat(32))), Err(ObjectFlaw::Form("it names no tree")));
    }

    #[test]
    fn trees_have_five_kinds_of_entries() {
        let id = [1; 20];
        let mut bytes = Vec::new();
        let modes = ["40000", "040000", "100644", "100664", "100755", "120000", "160000"];
        modes.iter().for_each(|mode| bytes.extend([mode.as_bytes(), b" n\0", &id].concat()));
        let kinds = tree(&bytes, Format::Sha1).map(|all| all.iter().map(|entry| entry.kind.name()).collect::<Vec<_>>());
        let names = ["directory", "directory", "file", "file", "file", "symbolic link", "submodule"];
        assert_eq!(kinds, Ok(names.to_vec()));
        assert_eq!(tree(b"", Format::Sha1), Ok(Vec::new()));
    }

    #[test]
    fn broken_trees_are_refused() {
        for broken in [
            &b"100644"[..],
            b"100644 n",
            b"100644 n\0short",
            b"10064x n\x000123456789012345678x",
            b"20000 n\x0001234567890123456789",
        ] {
            assert!(matches!(tree(broken, Format::Sha1), Err(ObjectFlaw::Form(_))));
        }
    }

    #[test]
    fn names_that_mean_another_place_are_refused() {
        for name in ["", ".", "..", "a/b"] {
            assert_eq!(check_name(name.as_bytes()), Err(NameFlaw::Place));
        }
        assert_eq!(check_name(b".gIT"), Err(NameFlaw::GitDirectory));
        assert_eq!(check_name(b".gitmodules"), Ok(()));
    }
}
