//! Packages without dpkg and without scripts, as distroless images have them.
//!
//! ```text
//! var/lib/dpkg/status.d/NAME            the package's control file
//! var/lib/dpkg/status.d/NAME.md5sums    sums of its files
//! ```
//! That is where scanners look for what such an image has.

use super::super::deb::Deb;
use super::Ground;
use super::database::{Database, DatabaseChange};
use super::error::InstallError;
use super::idle::needs_scripts;
use super::unpack::{Conffiles, Unpacking, unpack_with};

/// Unpacks packages into a root that has no dpkg: their files, conffiles at their own places, and what they are in
/// `/var/lib/dpkg/status.d`. Fails if some of them do not work without their scripts, with all of these at once.
pub fn refuse(debs: &[&Deb], ground: &Ground<'_>) -> Result<(Unpacking, DatabaseChange), InstallError> {
    let packages: Vec<_> = debs.iter().filter_map(|deb| needs_scripts(deb)).collect();
    if !packages.is_empty() {
        return Err(InstallError::NeedsScripts { packages });
    }
    let mut database = Database::read_parts(ground)?;
    let unpacking = unpack_with(debs, &mut database, ground, Conffiles::InPlace)?;
    Ok((unpacking, database.take_parts(debs)))
}
