//! Why an archive is not read.

use std::io;

use crate::base::ImagePath;
use crate::base::path::PathError;

use super::limits::{ENTRIES_MAX, EXTENDED_MAX_BYTES, SEGMENTS_MAX, SPARSE_MAX_BYTES, XATTR_MAX_BYTES};

/// An archive that is damaged, hostile, or of a kind that is not known.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes could not be had, or not be decompressed.
    #[error("cannot read the archive at byte {offset} of its tar")]
    Io {
        /// Bytes of the tar that were read before.
        offset: u64,
        /// Why.
        source: io::Error,
    },
    /// No end marker.
    #[error("the tar is truncated: it ends at byte {offset} without an end marker")]
    Truncated {
        /// Length of what is there.
        offset: u64,
    },
    /// A header that is damaged, or not one.
    #[error("the tar header at byte {offset} has a wrong checksum: expected {expected}, found {found}")]
    Checksum {
        /// Where the header begins.
        offset: u64,
        /// What its bytes sum up to.
        expected: u32,
        /// What it says.
        found: String,
    },
    /// A field that is not a number, or one that does not fit.
    #[error("the {field} of tar entry `{entry}` is not a number that can be: `{found}`")]
    Number {
        /// The entry's name, made readable.
        entry: String,
        /// Which field.
        field: &'static str,
        /// What stands there, made readable.
        found: String,
    },
    /// Something behind the end marker.
    #[error("the tar has data behind its end marker, at byte {offset}")]
    TrailingData {
        /// The first byte that is not zero is in the block that begins here.
        offset: u64,
    },
    /// More entries than [`ENTRIES_MAX`].
    #[error("the archive has more than {ENTRIES_MAX} entries")]
    TooManyEntries,
    /// More bytes of names and attributes than [`EXTENDED_MAX_BYTES`].
    #[error("the tar header at byte {offset} has {size_bytes} bytes of records, more than {EXTENDED_MAX_BYTES}")]
    ExtendedTooLarge {
        /// Where the header begins.
        offset: u64,
        /// How much it claims.
        size_bytes: u64,
    },
    /// A PAX header that is not one, or two headers of one kind for one entry.
    #[error("the tar has malformed records at byte {offset}: {reason}")]
    BadRecords {
        /// Where the header begins.
        offset: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// The same key twice: readers differ on which of them counts.
    #[error("the tar header at byte {offset} has two records `{key}`")]
    RepeatedRecord {
        /// Where the header begins.
        offset: u64,
        /// The key, made readable.
        key: String,
    },
    /// A record for all entries to come.
    #[error("the global tar header at byte {offset} sets `{key}` for every entry, which is not supported")]
    GlobalRecord {
        /// Where the header begins.
        offset: u64,
        /// The key, made readable.
        key: String,
    },
    /// Two sizes: readers differ on which of them counts.
    #[error("tar entry `{entry}` has the size {header} in its header and {pax} in its PAX record")]
    PaxSize {
        /// The entry's name, made readable.
        entry: String,
        /// In the header.
        header: u64,
        /// In the record.
        pax: u64,
    },
    /// An attribute that no file system could hold.
    #[error("extended attribute `{name}` of `{entry}` is too large: {size_bytes} bytes, at most {XATTR_MAX_BYTES}")]
    XattrTooLarge {
        /// The entry's name, made readable.
        entry: String,
        /// The attribute's name, made readable.
        name: String,
        /// Length of its value.
        size_bytes: usize,
    },
    /// An owner that Linux does not have.
    #[error("tar entry `{entry}` belongs to {field} {found}, expected a number below 2^32")]
    Owner {
        /// The entry's name, made readable.
        entry: String,
        /// `uid` or `gid`.
        field: &'static str,
        /// What it says.
        found: i128,
    },
    /// Not a file, link, directory, device or pipe.
    #[error("tar entry `{entry}` has the unknown type {found}")]
    EntryType {
        /// The entry's name, made readable.
        entry: String,
        /// The type's letter, made readable.
        found: String,
    },
    /// Data in an entry that has none: readers differ on whether to skip it.
    #[error("tar entry `{entry}` is not a regular file and has {size_bytes} bytes of data")]
    UnexpectedData {
        /// The entry's name, made readable.
        entry: String,
        /// How much.
        size_bytes: u64,
    },
    /// A map of a sparse file that contradicts itself.
    #[error("sparse tar entry `{entry}` has a map that cannot be: {reason}")]
    Sparse {
        /// The entry's name, made readable.
        entry: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// More than [`SPARSE_MAX_BYTES`] or [`SEGMENTS_MAX`].
    #[error(
        "sparse entry `{entry}` is too large: at most {SPARSE_MAX_BYTES} bytes in {SEGMENTS_MAX} segments are read"
    )]
    SparseTooLarge {
        /// The entry's name, made readable.
        entry: String,
    },
    /// A name that leaves the tree.
    #[error("archive entry `{entry}` contains `..`")]
    Parent {
        /// The entry's name, made readable.
        entry: String,
    },
    /// A name that no file system could hold.
    #[error("archive entry `{entry}` has a name that cannot be")]
    Path {
        /// The entry's name, made readable.
        entry: String,
        /// Why.
        source: PathError,
    },
    /// A hard link that points out of the layer.
    #[error("hard link `{path}` has the absolute target `{target}`")]
    AbsoluteLink {
        /// The link.
        path: ImagePath,
        /// Its target, made readable.
        target: String,
    },
    /// A hard link to nothing, or to something that comes later.
    #[error("hard link `{path}` points to `{target}`, which is not in the archive before it")]
    MissingTarget {
        /// The link.
        path: ImagePath,
        /// Its target.
        target: ImagePath,
    },
    /// A hard link to a directory.
    #[error("hard link `{path}` points to `{target}`, which is a directory")]
    LinkToDirectory {
        /// The link.
        path: ImagePath,
        /// Its target.
        target: ImagePath,
    },
    /// A symbolic link that cannot be: empty, too long or with a zero byte.
    #[error("symbolic link `{path}` has the impossible target `{target}`")]
    LinkTarget {
        /// The link.
        path: ImagePath,
        /// Its target, made readable.
        target: String,
    },
    /// It would be written through a link, or into a file.
    #[error("archive entry `{path}` lies below `{at}`, which is not a directory in the same archive")]
    BelowNonDirectory {
        /// The entry.
        path: ImagePath,
        /// What stands in the way.
        at: ImagePath,
    },
    /// One path twice in a layer.
    #[error("the layer has two different entries for `{path}`")]
    Duplicate {
        /// The path.
        path: ImagePath,
    },
    /// A whiteout of nothing.
    #[error("`{path}` is not a whiteout that can be")]
    BadWhiteout {
        /// The entry.
        path: ImagePath,
    },
    /// The root is something other than a directory.
    #[error("the root of the archive is not a directory")]
    Root,
    /// What receives the contents failed.
    #[error("cannot keep the content of `{path}`")]
    Sink {
        /// The entry.
        path: ImagePath,
        /// Why.
        source: io::Error,
    },
    /// Neither tar nor zip.
    #[error("this is not an archive: expected tar (plain, gzip, xz, zstd or bzip2) or zip")]
    NotAnArchive,
    /// A damaged zip, or one that uses what cannot be read.
    #[error("cannot read the zip archive")]
    Zip {
        /// Why.
        source: ::zip::result::ZipError,
    },
    /// A zip entry with a size that is not its content's.
    #[error("zip entry `{path}` should have {expected} bytes, found {found}")]
    ZipSize {
        /// The entry.
        path: ImagePath,
        /// What the directory of the archive says.
        expected: u64,
        /// What came out.
        found: u64,
    },
}

impl ReadError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Sink { .. } => return None,
            Self::Io { .. } | Self::Truncated { .. } | Self::Checksum { .. } => {
                "the file is damaged or was not copied whole: fetch it again"
            }
            Self::NotAnArchive => "use `copy` for a file that is to stay as it is",
            Self::Zip { .. } => "stored and deflated entries without a password are read; repack it as tar",
            Self::GlobalRecord { .. } | Self::EntryType { .. } => {
                "repack it with `tar --format=ustar` or `--format=pax`"
            }
            Self::TooManyEntries
            | Self::ExtendedTooLarge { .. }
            | Self::XattrTooLarge { .. }
            | Self::SparseTooLarge { .. } => "split the archive, or leave this entry out",
            _ => "unpack it where that is safe, look at the entry, and pack it again",
        };
        Some(text.to_owned())
    }
}
