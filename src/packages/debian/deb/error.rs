//! Why a package's file is not read.

use std::io;

use crate::base::ImagePath;
use crate::layer::read::ReadError;

use super::super::error::IndexError;

/// A file that is damaged, hostile, or no package.
#[derive(Debug, thiserror::Error)]
pub enum DebError {
    /// It does not begin as one.
    #[error("this is not a Debian package")]
    NotAPackage,
    /// The bytes could not be had.
    #[error("cannot read the package")]
    Io {
        /// Why.
        source: io::Error,
    },
    /// It ends too early.
    #[error("the package is truncated in {member}")]
    Truncated {
        /// Where.
        member: String,
    },
    /// A header of a member that is damaged.
    #[error("the package has a damaged header: `{found}`")]
    Header {
        /// What is there, made readable.
        found: String,
    },
    /// A format that is not known.
    #[error("the package is of format `{found}`, expected 2.0")]
    Format {
        /// What it says, made readable.
        found: String,
    },
    /// Another member than the format has there.
    #[error("expected the member {expected}, found {found}")]
    Member {
        /// What should be there.
        expected: &'static str,
        /// What is.
        found: String,
    },
    /// A member that is compressed in another way than its name says.
    #[error("the member `{member}` is not compressed as its name says")]
    Compression {
        /// Its name.
        member: String,
    },
    /// Something behind the compressed data of a member.
    #[error("the member `{member}` has {size_bytes} bytes behind its end")]
    Trailing {
        /// Its name.
        member: String,
        /// How many.
        size_bytes: u64,
    },
    /// The archive in a member.
    #[error("cannot read the member `{member}`")]
    Archive {
        /// Its name.
        member: String,
        /// Why.
        source: ReadError,
    },
    /// The control archive has something that is no file, or one below a directory.
    #[error("the control archive has `{path}`, expected files and no directories")]
    ControlEntry {
        /// What it is.
        path: ImagePath,
    },
    /// A control file of a size that none has.
    #[error("the control archive is larger than {limit_bytes} bytes")]
    ControlTooLarge {
        /// What is read at most.
        limit_bytes: u64,
    },
    /// What says which package it is.
    #[error("the package has no control file")]
    NoControl,
    /// What says which package it is, and does not.
    #[error("cannot read the control file")]
    Control {
        /// Why.
        #[from]
        source: IndexError,
    },
    /// A line that names no conffile.
    #[error("`{line}` in `conffiles` names no file")]
    Conffile {
        /// The line, made readable.
        line: String,
    },
    /// A line that is no sum.
    #[error("`{line}` in `md5sums` is no digest and path")]
    Md5sums {
        /// The line, made readable.
        line: String,
    },
    /// A name that means something else in a layer.
    #[error("the package has `{path}`, which no layer can hold: its name is that of a whiteout")]
    Whiteout {
        /// What it would hide.
        path: ImagePath,
    },
}

impl DebError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Io { .. } => "try again; if it happens again, check the disk".to_owned(),
            Self::Whiteout { .. } => "leave the package out with `name-`".to_owned(),
            _ => "its bytes are those that the lock names: tell those who made the package, or leave it out".to_owned(),
        })
    }
}
