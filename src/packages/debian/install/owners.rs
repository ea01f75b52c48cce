//! Whose files those of a root are, and whether another package may have them (Debian policy, 7.6).

use std::collections::BTreeMap;

use crate::base::ImagePath;
use crate::tree::Kind;

use super::super::package::{MultiArch, Package, Relates};
use super::error::InstallError;
use super::record::Record;

/// The packages that have each path, as numbers of records.
pub(super) struct Owners {
    by_path: BTreeMap<ImagePath, Vec<usize>>,
}

/// A package that wants a path.
pub(super) struct Claim<'a> {
    pub(super) package: &'a Package,
    pub(super) path: &'a ImagePath,
    /// Whether it is a conffile of it.
    pub(super) is_conffile: bool,
    /// What it puts there.
    pub(super) kind: &'a Kind,
    /// What is there.
    pub(super) found: Option<&'a Kind>,
}

/// What a package gets that wants a path that others have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It, and these lose it.
    Take(Vec<usize>),
    /// It, with what is there: another architecture of the package has the same.
    Share,
    /// Not it: this stays the file of somebody who replaces it.
    Leave,
}

impl Owners {
    /// Of all records that are `counted`.
    pub(super) fn new(records: &[Record], counted: impl Fn(&Record) -> bool) -> Self {
        let mut owners = Self { by_path: BTreeMap::new() };
        for (index, record) in records.iter().enumerate().filter(|(_, record)| counted(record)) {
            record.files.iter().for_each(|path| owners.add(path, index));
        }
        owners
    }

    /// Adds an owner of a path.
    pub(super) fn add(&mut self, path: &ImagePath, index: usize) {
        self.by_path.entry(path.clone()).or_default().push(index);
    }

    /// Takes a path away from an owner.
    pub(super) fn remove(&mut self, path: &ImagePath, index: usize) {
        if let Some(owners) = self.by_path.get_mut(path) {
            owners.retain(|owner| *owner != index);
        }
    }

    /// Who has a path.
    pub(super) fn of(&self, path: &ImagePath) -> &[usize] {
        self.by_path.get(path).map_or(&[], Vec::as_slice)
    }

    /// All paths, and who has them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&ImagePath, &[usize])> {
        self.by_path.iter().map(|(path, owners)| (path, owners.as_slice()))
    }

    /// Decides about a path. `parts` says whether one of two packages diverts it from the other.
    pub(super) fn decide(
        &self,
        claim: &Claim<'_>,
        records: &[Record],
        architecture: &str,
        parts: impl Fn(&str, &str) -> bool,
    ) -> Result<Verdict, InstallError> {
        let package = claim.package;
        let mut losers = Vec::new();
        let mut is_shared = false;
        for index in self.of(claim.path) {
            let Some(other) = records.get(*index) else { continue };
            let are_siblings = other.package.name() == package.name()
                && other.package.multi_arch == MultiArch::Same
                && package.multi_arch == MultiArch::Same;
            if are_siblings {
                is_shared |= claim.found.is_some() && package.is_of_version(other.package.version());
                continue;
            }
            if parts(package.name(), other.package.name()) {
                continue;
            }
            // What is not there any more was a directory.
            let was_directory = claim.found.is_none() && *claim.kind == Kind::Directory;
            if was_directory {
                continue;
            }
            let is_given_up = other.conffiles.iter().any(|kept| kept.is_obsolete && kept.path == *claim.path);
            let is_free = !other.is_there() || (claim.is_conffile && is_given_up);
            if is_free || may_replace(package, &other.package, architecture)? {
                losers.push(*index);
            } else if may_replace(&other.package, package, architecture)? {
                return Ok(Verdict::Leave);
            } else {
                return Err(InstallError::Conflict {
                    path: claim.path.clone(),
                    package: package.name().to_owned(),
                    other: other.package.name().to_owned(),
                });
            }
        }
        if is_shared && !claim.is_conffile {
            let is_same = match (claim.kind, claim.found) {
                (Kind::File { content, .. }, Some(Kind::File { content: found, .. })) => content == found,
                (kind, found) => found == Some(kind),
            };
            return match is_same {
                true => Ok(Verdict::Share),
                false => Err(InstallError::Unequal { path: claim.path.clone(), package: package.name().to_owned() }),
            };
        }
        Ok(Verdict::Take(losers))
    }
}

/// Whether `new` says that it replaces files of `old`.
fn may_replace(new: &Package, old: &Package, architecture: &str) -> Result<bool, InstallError> {
    let control = |source| InstallError::Control { package: new.name().to_owned(), source };
    let named = new.relations(Relates::Replaces, architecture).map_err(control)?;
    Ok(named.iter().flatten().any(|relation| {
        relation.name == old.name()
            && relation.constraint.as_ref().is_none_or(|constraint| constraint.admits(old.version()))
    }))
}
