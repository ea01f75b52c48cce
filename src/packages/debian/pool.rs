//! All packages that there are: those that repositories offer and those that the system has.

use std::collections::BTreeMap;

use super::error::IndexError;
use super::index::{Held, Installed};
use super::package::{MultiArch, Package, Relates, Standing};
use super::relation::{Qualifier, Relation};
use super::version::compare;

/// What one suite offers.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// Its packages, of all components and architectures.
    pub packages: &'a [Package],
    /// Whether they come by themselves.
    pub automatic: Automatic,
}

/// Whether packages of a suite are taken for being newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Automatic {
    /// Only if their version is asked for, or if there is no other (`NotAutomatic` of a Release: backports).
    No,
    /// They are.
    Yes,
}

/// A package of one version for one architecture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) package: &'a Package,
    /// Of the system, if it has it.
    pub(super) held: Option<Held>,
    /// As it is offered, if it is.
    pub(super) offered: Option<&'a Package>,
    pub(super) automatic: Automatic,
}

impl Candidate<'_> {
    pub(super) fn is_installed(&self) -> bool {
        self.held.is_some()
    }
}

/// Number of a candidate.
pub(super) type Id = u32;

/// All candidates, by name and by what they provide.
#[derive(Debug)]
pub struct Pool<'a> {
    architecture: &'a str,
    candidates: Vec<Candidate<'a>>,
    /// By name: the installed one first, then the most wanted.
    names: BTreeMap<&'a str, Vec<Id>>,
    /// By provided name: who provides it, and in which version. In the order of names.
    providers: BTreeMap<&'a str, Vec<(Id, Option<&'a str>)>>,
}

impl<'a> Pool<'a> {
    /// Puts offers and a system together, for a system of `architecture` (`dpkg --print-architecture`).
    pub fn new(architecture: &'a str, offers: &[Offer<'a>], installed: &'a [Installed]) -> Result<Self, IndexError> {
        let mut pool =
            Self { architecture, candidates: Vec::new(), names: BTreeMap::new(), providers: BTreeMap::new() };
        for installed in installed {
            let (package, held) = (&installed.package, Some(installed.held));
            pool.put(Candidate { package, held, offered: None, automatic: Automatic::Yes });
        }
        for offer in offers {
            for package in offer.packages {
                let offered = Some(package);
                pool.put(Candidate { package, held: None, offered, automatic: offer.automatic });
            }
        }
        let Self { candidates, names, .. } = &mut pool;
        let get = |id: &Id| candidates.get(*id as usize);
        for ids in names.values_mut().filter(|ids| ids.len() > 1) {
            ids.sort_by(|left, right| match (get(left), get(right)) {
                (Some(left), Some(right)) => preference(left, right),
                _ => std::cmp::Ordering::Equal,
            });
        }
        pool.collect_providers()?;
        Ok(pool)
    }

    fn put(&mut self, candidate: Candidate<'a>) {
        let ids = self.names.entry(candidate.package.name()).or_default();
        for id in ids.iter() {
            let Some(known) = self.candidates.get_mut(*id as usize) else { continue };
            let same = known.package.architecture() == candidate.package.architecture()
                && known.package.version() == candidate.package.version();
            if same {
                known.offered = known.offered.or(candidate.offered);
                known.automatic = known.automatic.max(candidate.automatic);
                return;
            }
        }
        ids.push(Id::try_from(self.candidates.len()).unwrap_or(Id::MAX));
        self.candidates.push(candidate);
    }

    fn collect_providers(&mut self) -> Result<(), IndexError> {
        for ids in self.names.values() {
            for id in ids {
                let Some(candidate) = self.candidates.get(*id as usize) else { continue };
                let package: &'a Package = candidate.package;
                for provided in package.relations(Relates::Provides, self.architecture)?.into_iter().flatten() {
                    let version = provided.constraint.map(|constraint| constraint.version);
                    self.providers.entry(provided.name).or_default().push((*id, version));
                }
            }
        }
        Ok(())
    }

    /// How many candidates there are.
    pub fn len(&self) -> usize {
        self.candidates.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.candidates.is_empty()
    }

    pub(super) fn architecture(&self) -> &'a str {
        self.architecture
    }

    /// A candidate that this pool gave the number of.
    pub(super) fn candidate(&self, id: Id) -> &Candidate<'a> {
        &self.candidates[id as usize]
    }

    pub(super) fn package(&self, id: Id) -> &'a Package {
        self.candidate(id).package
    }

    /// `name version`, for people.
    pub(super) fn shown(&self, id: Id) -> String {
        let package = self.package(id);
        let foreign = package.architecture() != "all" && package.architecture() != self.architecture;
        let architecture = if foreign { format!(":{}", package.architecture()) } else { String::new() };
        format!("{}{architecture} {}", package.name(), package.version())
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = Id> + use<'a> {
        0..Id::try_from(self.candidates.len()).unwrap_or(Id::MAX)
    }

    /// All of a name, the most wanted first.
    pub(super) fn named(&self, name: &str) -> &[Id] {
        self.names.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.names.keys().copied()
    }

    /// All names with what is under them.
    pub(super) fn by_name(&self) -> impl Iterator<Item = &[Id]> {
        self.names.values().map(Vec::as_slice)
    }

    /// Of each name the most wanted for the system's architecture, if it comes by itself. In the order of names.
    pub(super) fn natives(&self) -> impl Iterator<Item = Id> {
        let first = |ids: &[Id]| ids.iter().copied().find(|id| self.native(self.package(*id)) == self.architecture);
        self.by_name().filter_map(first).filter(|id| self.candidate(*id).automatic == Automatic::Yes)
    }

    /// Who provides a name.
    pub(super) fn providers(&self, name: &str) -> impl Iterator<Item = Id> {
        self.providers.get(name).into_iter().flatten().map(|(id, _)| *id)
    }

    /// Who satisfies a relation that a package of an architecture has: packages of the name, then those that provide it.
    /// Of providers first those that the system has, then the more common,
    /// then those that need less.
    pub(super) fn satisfying(&self, relation: &Relation<'_>, asks: &Package) -> Vec<Id> {
        let real = self.named(relation.name).iter().copied().filter(|id| {
            let package = self.package(*id);
            self.is_of(package, relation.qualifier, asks)
                && relation.constraint.as_ref().is_none_or(|constraint| constraint.admits(package.version()))
        });
        let mut found: Vec<Id> = real.collect();
        let mut providers = self.providing(relation, |package| self.is_of(package, relation.qualifier, asks));
        providers.sort_by_key(|id| {
            let candidate = self.candidate(*id);
            let package = candidate.package;
            let is_plain = package.standing != Standing::Essential;
            (!candidate.is_installed(), is_plain, package.priority, package.needs())
        });
        providers.retain(|id| !found.contains(id));
        found.extend(providers);
        found
    }

    /// Whom a package excludes with a relation: of any architecture unless it says which, and never itself.
    pub(super) fn excluded(&self, relation: &Relation<'_>, by: Id) -> Vec<Id> {
        let own = self.package(by);
        let is_meant = |package: &Package| match relation.qualifier {
            Qualifier::Named(architecture) => self.native(package) == architecture,
            Qualifier::Own | Qualifier::Any => true,
        };
        let real = self.named(relation.name).iter().copied().filter(|id| {
            let package = self.package(*id);
            is_meant(package)
                && relation.constraint.as_ref().is_none_or(|constraint| constraint.admits(package.version()))
        });
        let mut found: Vec<Id> = real.collect();
        found.extend(self.providing(relation, is_meant));
        // Two versions of one package exclude each other anyway.
        found.retain(|id| self.package(*id).name() != own.name());
        found
    }

    /// A name without a version is provided in no version at all (Debian policy, 7.5).
    fn providing(&self, relation: &Relation<'_>, is_meant: impl Fn(&Package) -> bool) -> Vec<Id> {
        let all = self.providers.get(relation.name).into_iter().flatten();
        let fits = |version: &Option<&str>| match (&relation.constraint, version) {
            (None, _) => true,
            (Some(constraint), Some(version)) => constraint.admits(version),
            (Some(_), None) => false,
        };
        all.filter(|(id, version)| fits(version) && is_meant(self.package(*id))).map(|(id, _)| *id).collect()
    }

    /// Whether two packages of one name may be there together.
    pub(super) fn are_siblings(&self, left: Id, right: Id) -> bool {
        let (left, right) = (self.package(left), self.package(right));
        left.multi_arch == MultiArch::Same
            && right.multi_arch == MultiArch::Same
            && left.architecture() != right.architecture()
            && left.is_of_version(right.version())
    }

    /// The architecture of a package, where `all` is the system's.
    pub(super) fn native<'p>(&self, package: &'p Package) -> &'p str
    where
        'a: 'p,
    {
        match package.architecture() {
            "all" | "" => self.architecture,
            architecture => architecture,
        }
    }

    fn is_of(&self, package: &Package, qualifier: Qualifier<'_>, asks: &Package) -> bool {
        match qualifier {
            Qualifier::Own => package.multi_arch == MultiArch::Foreign || self.native(package) == self.native(asks),
            Qualifier::Any => matches!(package.multi_arch, MultiArch::Allowed | MultiArch::Foreign),
            Qualifier::Named(architecture) => self.native(package) == architecture,
        }
    }
}

/// What the system has first, then what comes by itself, then the newest.
fn preference(left: &Candidate<'_>, right: &Candidate<'_>) -> std::cmp::Ordering {
    right
        .is_installed()
        .cmp(&left.is_installed())
        .then_with(|| right.automatic.cmp(&left.automatic))
        .then_with(|| compare(right.package.version(), left.package.version()))
        .then_with(|| left.package.architecture().cmp(right.package.architecture()))
}
