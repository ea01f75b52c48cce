//! dpkg's database (deb-conffiles(5), dpkg(1), FILES): which packages a root has and which files are theirs.

use crate::base::ImagePath;

use super::Ground;
use super::error::InstallError;

/// dpkg's database of one root.
#[derive(Debug, Clone, Default)]
pub struct Database {
    architecture: String,
}

/// What has to change below `/var/lib/dpkg`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatabaseChange {
    /// Directories that have to be there, 0755, parents first.
    pub directories: Vec<ImagePath>,
    /// Files to write, in path order.
    pub files: Vec<DatabaseFile>,
    /// Files to take away.
    pub removed: Vec<ImagePath>,
}

/// A file of the database. It is root's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseFile {
    /// Where it is, links of the root followed.
    pub path: ImagePath,
    /// What is in it.
    pub content: Vec<u8>,
    /// Permission bits.
    pub mode: u16,
}

impl Database {
    /// Reads the database of a root; an empty one if there is no dpkg.
    pub fn read(ground: &Ground<'_>) -> Result<Self, InstallError> {
        Ok(Self { architecture: ground.architecture.to_owned() })
    }

    /// Whether it has no package at all: nothing can run in such a root yet.
    pub fn is_empty(&self) -> bool {
        true
    }

    /// What changed since it was read, or since the last call.
    pub fn take(&mut self) -> DatabaseChange {
        DatabaseChange::default()
    }
}
