//! Why something that exists in a path source is not taken.

use std::fmt;

use crate::base::ImagePath;

/// Something that was not taken. Of a directory that was not entered, only the directory is listed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// Where.
    pub path: ImagePath,
    /// Why.
    pub reason: Reason,
}

/// One line of an ignore file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// The file, relative to the repository's root (or the source's, if there is no repository).
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// The line as it is written.
    pub pattern: String,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` in {}:{}", self.pattern, self.file, self.line)
    }
}

/// A kind of file that has no content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Special {
    /// A named pipe.
    Fifo,
    /// A character or block device.
    Device,
    /// A socket.
    Socket,
}

impl fmt::Display for Special {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fifo => "a named pipe",
            Self::Device => "a device",
            Self::Socket => "a socket",
        })
    }
}

/// Why something was not taken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// A `.gitignore` ignores it, and it is not tracked.
    GitIgnored(Rule),
    /// `.dockerignore` ignores it.
    DockerIgnored(Rule),
    /// The source's `exclude`.
    Excluded {
        /// The pattern.
        glob: String,
    },
    /// The source has `include`, and no pattern of it matches.
    NotIncluded,
    /// `.git` never enters.
    GitDirectory,
    /// A repository that is not a submodule.
    NestedRepository,
    /// git has no empty directories.
    EmptyDirectory,
    /// It has no content.
    Special(Special),
    /// kiln itself writes there: an output, a lock or the store.
    Own,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GitIgnored(rule) => write!(f, "git ignores it ({rule})"),
            Self::DockerIgnored(rule) => write!(f, "the .dockerignore leaves it out ({rule})"),
            Self::Excluded { glob } => write!(f, "the source's `exclude` has `{glob}`"),
            Self::NotIncluded => f.write_str("no pattern of the source's `include` matches it"),
            Self::GitDirectory => f.write_str("`.git` never enters an image"),
            Self::NestedRepository => f.write_str("it is in a git repository that is not a submodule"),
            Self::EmptyDirectory => f.write_str("it is a directory without files, which git does not commit"),
            Self::Special(special) => write!(f, "it is {special}"),
            Self::Own => f.write_str("kiln itself writes there"),
        }
    }
}
