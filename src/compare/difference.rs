//! What differs at one path, as data.

use serde::{Serialize, Serializer};

use crate::base::ImagePath;

use super::cause::Cause;
use super::insight::Insight;

/// All that differs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// One a path, in path order.
    pub differences: Vec<Difference>,
    /// How many more there are.
    pub left_out: usize,
}

/// What differs at one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Where.
    #[serde(serialize_with = "as_text")]
    pub path: ImagePath,
    /// What, never empty.
    pub details: Vec<Detail>,
    /// Why, if it is known.
    pub cause: Option<Cause>,
}

/// A value of the first run and one of the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Both<T> {
    /// Of the first run.
    pub a: T,
    /// Of the second run.
    pub b: T,
}

impl<T> Both<T> {
    /// Two values.
    pub(super) fn new(a: T, b: T) -> Self {
        Self { a, b }
    }
}

impl<T: PartialEq> Both<T> {
    /// Two values, if they differ.
    pub(super) fn unequal(a: T, b: T) -> Option<Self> {
        (a != b).then_some(Self { a, b })
    }
}

/// One of the two runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Run {
    /// The one whose values come first.
    First,
    /// The other.
    Second,
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Detail {
    /// Only one run has it.
    Only {
        /// Which.
        run: Run,
        /// How many paths below it go with it.
        below: usize,
    },
    /// It is an opaque directory in one run only.
    Opaque {
        /// In which.
        run: Run,
    },
    /// It is a file in one and a directory in the other, for instance; `whiteout` is what removes something below.
    Type {
        /// The types.
        names: Both<&'static str>,
    },
    /// Permission bits, in octal digits.
    Mode {
        /// The bits.
        octal: Both<String>,
    },
    /// Owner or group.
    Owner {
        /// Users.
        uid: Both<u32>,
        /// Groups.
        gid: Both<u32>,
    },
    /// Extended attributes.
    Xattrs {
        /// Those that differ, by name.
        differ: Vec<Xattr>,
        /// How many more there are.
        left_out: usize,
    },
    /// Modification time.
    Time {
        /// Seconds since 1970.
        seconds: Both<i64>,
    },
    /// Target of a symbolic link.
    Target {
        /// The targets, made readable.
        text: Both<String>,
    },
    /// Device numbers.
    Device {
        /// Major and minor, with a comma between.
        number: Both<String>,
    },
    /// It is one file with other names.
    Links {
        /// The first name of the same file, if it is another one.
        first: Both<Option<String>>,
    },
    /// Content of a regular file.
    Content {
        /// How long it is.
        size_bytes: Both<u64>,
        /// What differs inside.
        insight: Box<Insight>,
    },
}

/// An extended attribute that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Xattr {
    /// Its full name, made readable.
    pub name: String,
    /// Its values, made readable and shortened; `None` where it is missing.
    pub value: Both<Option<String>>,
}

fn as_text<S: Serializer>(path: &ImagePath, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(path)
}
