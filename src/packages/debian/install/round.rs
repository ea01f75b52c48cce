//! What is unpacked together, and what has to be configured before the next can be unpacked.
//!
//! A package whose `Pre-Depends` are configured can be unpacked; nothing else is in the way of unpacking. So each round
//! takes all packages that can be, and configures what the rest waits for. Where a system is built from nothing there is
//! no dpkg to configure anything with: the first round then is all that is essential with all that it needs, `Pre-Depends`
//! or not, as debootstrap does it.

use std::collections::BTreeSet;

use super::super::package::{MultiArch, Package, Relates, Standing};
use super::super::relation::{Alternatives, Qualifier, Relation};
use super::database::Database;
use super::error::InstallError;
use super::record::{replaces, stem};

/// Packages that are unpacked together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Which, as places in the list that was given, in the order of unpacking.
    pub unpack: Vec<usize>,
    /// When the jobs of [`super::before()`] run.
    pub preinst: PreInst,
    /// The runs of dpkg after it.
    pub configure: Vec<Configure>,
}

/// When scripts run that should run before their package is unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreInst {
    /// Before.
    Before,
    /// After: there is no shell before that.
    After,
}

/// A run of `dpkg --configure`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Configure {
    /// These, whether what they depend on is configured or not.
    Forced(Vec<String>),
    /// These.
    These(Vec<String>),
    /// All that are unpacked, and all triggers.
    Pending,
}

/// What has to be configured before everything else of a new system, because scripts need accounts and files of it and
/// do not say so.
const FIRST: &[&str] = &["base-passwd", "base-files"];

impl Configure {
    /// The arguments of dpkg.
    pub fn arguments(&self) -> Vec<String> {
        let (options, names): (&[&str], &[String]) = match self {
            Self::Forced(names) => (&["--force-depends", "--configure"], names),
            Self::These(names) => (&["--configure"], names),
            Self::Pending => (&["--configure", "--pending"], &[]),
        };
        options.iter().map(|option| (*option).to_owned()).chain(names.iter().cloned()).collect()
    }
}

/// Divides packages into as few rounds as their `Pre-Depends` allow.
pub fn rounds(packages: &[&Package], database: &Database) -> Result<Vec<Round>, InstallError> {
    let mut set = Set::new(packages, database)?;
    let mut rounds = Vec::new();
    if database.is_empty() {
        let essential: Vec<usize> = set
            .waiting()
            .filter(|index| packages.get(*index).is_some_and(|p| p.standing == Standing::Essential))
            .collect();
        if !essential.is_empty() {
            rounds.push(bootstrap(&mut set, &essential));
        }
    }
    while set.waiting().next().is_some() {
        let mut unpack: Vec<usize> = set.waiting().filter(|index| set.may_be_unpacked(*index)).collect();
        if unpack.is_empty() {
            // Packages that wait for each other: dpkg configures them all the same once they are all there.
            unpack = set.waiting().collect();
        }
        unpack.iter().for_each(|index| set.put(*index, Stage::Unpacked));
        let needed = set.needed_by_waiting();
        let configure = if set.waiting().next().is_none() {
            Configure::Pending
        } else {
            needed.iter().for_each(|index| set.put(*index, Stage::Configured));
            Configure::These(set.names(&needed))
        };
        let configure = vec![configure].into_iter().filter(|run| *run != Configure::These(Vec::new())).collect();
        rounds.push(Round { unpack, preinst: PreInst::Before, configure });
    }
    Ok(rounds)
}

/// The first round of a new system.
fn bootstrap(set: &mut Set<'_>, essential: &[usize]) -> Round {
    let all = set.closure(essential, |_| true);
    all.iter().for_each(|index| set.put(*index, Stage::Configured));
    let named = |name: &str| all.iter().copied().filter(|index| set.is_named(*index, name)).collect::<Vec<_>>();
    let first: Vec<Vec<usize>> = FIRST.iter().map(|name| named(name)).filter(|found| !found.is_empty()).collect();
    let mut unpack: Vec<usize> = first.concat();
    unpack.extend(all.iter().filter(|index| !first.concat().contains(index)));
    let mut configure: Vec<Configure> = first.iter().map(|found| Configure::Forced(set.names(found))).collect();
    configure.push(Configure::Pending);
    Round { unpack, preinst: PreInst::After, configure }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Unpacked,
    Configured,
}

/// The packages and how far they are.
struct Set<'a> {
    packages: &'a [&'a Package],
    stages: Vec<Stage>,
    /// What each needs to be unpacked.
    before: Vec<Vec<Alternatives<'a>>>,
    /// What each needs to be configured.
    needs: Vec<Vec<Alternatives<'a>>>,
    database: &'a Database,
    /// By name, their own and those that they provide: places in `packages`.
    names: std::collections::BTreeMap<&'a str, Vec<usize>>,
}

impl<'a> Set<'a> {
    fn new(packages: &'a [&'a Package], database: &'a Database) -> Result<Self, InstallError> {
        let mut set = Self {
            packages,
            stages: vec![Stage::Waiting; packages.len()],
            before: Vec::new(),
            needs: Vec::new(),
            database,
            names: Default::default(),
        };
        for (index, package) in packages.iter().enumerate() {
            let relations = |field| {
                let control = |source| InstallError::Control { package: package.name().to_owned(), source };
                package.relations(field, &database.architecture).map_err(control)
            };
            let before = relations(Relates::PreDepends)?;
            let mut needs = relations(Relates::Depends)?;
            needs.extend(before.iter().cloned());
            set.before.push(before);
            set.needs.push(needs);
            set.names.entry(package.name()).or_default().push(index);
            for provided in relations(Relates::Provides)?.into_iter().flatten() {
                set.names.entry(provided.name).or_default().push(index);
            }
        }
        Ok(set)
    }

    fn put(&mut self, index: usize, stage: Stage) {
        if let Some(place) = self.stages.get_mut(index) {
            *place = stage;
        }
    }

    fn stage(&self, index: usize) -> Stage {
        self.stages.get(index).copied().unwrap_or(Stage::Waiting)
    }

    fn waiting(&self) -> impl Iterator<Item = usize> {
        (0..self.packages.len()).filter(|index| self.stage(*index) == Stage::Waiting)
    }

    fn is_named(&self, index: usize, name: &str) -> bool {
        self.packages.get(index).is_some_and(|package| package.name() == name)
    }

    fn names(&self, indexes: &[usize]) -> Vec<String> {
        indexes.iter().filter_map(|index| self.packages.get(*index)).map(|package| stem(package)).collect()
    }

    /// Whether all that a package needs before it is unpacked is configured. What the root has counts in its old version,
    /// also while the new one waits to be configured; dpkg sees it so too.
    fn may_be_unpacked(&self, index: usize) -> bool {
        let before = self.before.get(index).into_iter().flatten();
        before.into_iter().all(|group| {
            let in_set = self.satisfying(group, index).into_iter().any(|other| self.stage(other) == Stage::Configured);
            in_set || group.iter().any(|relation| self.root_has(relation, index))
        })
    }

    /// Who of the packages satisfies one of the alternatives, the preferred first.
    fn satisfying(&self, group: &Alternatives<'_>, asks: usize) -> Vec<usize> {
        let of = |relation: &Relation<'_>| {
            let named = self.names.get(relation.name).into_iter().flatten().copied();
            named.filter(|index| self.satisfies(*index, relation, asks)).collect::<Vec<_>>()
        };
        group.iter().flat_map(of).collect()
    }

    fn satisfies(&self, index: usize, relation: &Relation<'_>, asks: usize) -> bool {
        let (Some(package), Some(asks)) = (self.packages.get(index), self.packages.get(asks)) else { return false };
        fits(package, relation, asks, &self.database.architecture)
    }

    /// Whether a configured package of the root satisfies a relation, and so does what replaces it.
    fn root_has(&self, relation: &Relation<'_>, asks: usize) -> bool {
        let Some(asks) = self.packages.get(asks) else { return false };
        let architecture = &self.database.architecture;
        self.database.records.iter().filter(|record| record.is_configured()).any(|record| {
            let new = self.packages.iter().find(|new| replaces(new, &record.package));
            fits(&record.package, relation, asks, architecture)
                && new.is_none_or(|new| fits(new, relation, asks, architecture))
        })
    }

    /// What the packages that wait need to be configured: whoever satisfies their `Pre-Depends`, with all that these need.
    fn needed_by_waiting(&self) -> Vec<usize> {
        let groups = self.waiting().filter_map(|index| Some((index, self.before.get(index)?)));
        let mut seeds = Vec::new();
        for (index, groups) in groups {
            let unmet = groups.iter().filter(|group| !group.iter().any(|relation| self.root_has(relation, index)));
            for group in unmet {
                let all = self.satisfying(group, index);
                let is_met = all.iter().any(|other| self.stage(*other) == Stage::Configured);
                let ready = all.into_iter().find(|other| self.stage(*other) == Stage::Unpacked);
                seeds.extend(ready.filter(|_| !is_met));
            }
        }
        // What needs a package that is not there yet cannot be configured.
        let ready = |index: usize| self.stage(index) == Stage::Unpacked;
        let whole = |seed: &usize| {
            let all = self.closure(&[*seed], |index| self.stage(index) != Stage::Configured);
            all.iter().all(|index| ready(*index))
        };
        let seeds: Vec<usize> = seeds.into_iter().filter(whole).collect();
        self.closure(&seeds, |index| self.stage(index) != Stage::Configured)
    }

    /// Packages with all that they need of those that are `wanted`, in the order of the list.
    fn closure(&self, seeds: &[usize], wanted: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut found: BTreeSet<usize> = BTreeSet::new();
        let mut todo: Vec<usize> = seeds.to_vec();
        while let Some(index) = todo.pop() {
            if !found.insert(index) {
                continue;
            }
            for group in self.needs.get(index).into_iter().flatten() {
                let all = self.satisfying(group, index);
                // One that is there already is as good as the preferred one.
                let is_met = all.iter().any(|other| !wanted(*other) || found.contains(other));
                let next = all.into_iter().find(|_| !is_met);
                todo.extend(next);
            }
        }
        found.into_iter().collect()
    }
}

/// Whether a package satisfies a relation that another one has, by its name or by one that it provides.
fn fits(package: &Package, relation: &Relation<'_>, asks: &Package, architecture: &str) -> bool {
    let native = |package: &'_ Package| match package.architecture() {
        "all" | "" => architecture.to_owned(),
        own => own.to_owned(),
    };
    let is_of = match relation.qualifier {
        Qualifier::Own => package.multi_arch == MultiArch::Foreign || native(package) == native(asks),
        Qualifier::Any => matches!(package.multi_arch, MultiArch::Allowed | MultiArch::Foreign),
        Qualifier::Named(named) => native(package) == named,
    };
    let admits = |version: &str| relation.constraint.as_ref().is_none_or(|constraint| constraint.admits(version));
    if !is_of || (package.name() == relation.name && admits(package.version())) {
        return is_of;
    }
    // What it provides was read before; a field that cannot be read provides nothing.
    let provided = package.relations(Relates::Provides, architecture).unwrap_or_default();
    provided.iter().flatten().any(|provided| {
        provided.name == relation.name
            && match (&relation.constraint, &provided.constraint) {
                (None, _) => true,
                (Some(wanted), Some(version)) => wanted.admits(version.version),
                (Some(_), None) => false,
            }
    })
}
