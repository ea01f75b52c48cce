//! Files of packages on their way into a root.

use crate::base::ImagePath;
use crate::tree::Node;

use super::super::deb::Deb;
use super::Ground;
use super::database::Database;
use super::error::InstallError;

/// What unpacking changes in a root, without dpkg's database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unpacking {
    /// What goes first, with all below it.
    pub removed: Vec<ImagePath>,
    /// What comes then, in path order, parents first; links of the root are followed already.
    pub entries: Vec<(ImagePath, Node)>,
}

/// Unpacks packages together, as the rounds say.
pub fn unpack(_debs: &[&Deb], _database: &mut Database, _ground: &Ground<'_>) -> Result<Unpacking, InstallError> {
    Ok(Unpacking::default())
}
