//! The sets of packages that steps ask for: found when the lock is made, and never again.
//!
//! ```text
//! sets    template              -> the steps that ask, unit by unit from the bottom up, and what each stands on
//! given   what a set stands on  -> digest       of no time and no machine
//! base    an image              -> dpkg's database in it
//! ```
//! For each set: if the lock has none, or one that was found on something else, it is found anew and the entry moves.
//!
//! What a set stands on is told by the lock alone: the base by its manifest, the sets below by the digests of their packages.
//! So a build that has its lock needs neither the base nor an index to know what to install.

mod base;
mod given;
mod sets;
mod split;

use crate::base::ContentDigest;
use crate::input::packages::{self as input, Unpacked};
use crate::input::{Asked, Reach};
use crate::lock::{ImageRequest, Lock, PackagePin, PackagesPin, PackagesRequest, Pin, ReleasePin, Request, put};
use crate::packages::debian::Foundation;
use crate::source::debian::architecture;
use crate::template::{Action, Layer, Packages, Scripts, Template};

use super::asks::Ask;
use super::error::Error;
use super::evaluate::Around;
use super::gather::{Gathered, Gathering, Wanted};
use super::load::{Loaded, LockMode};
use super::pin::{input_error, write};
use super::provision::packages::Parcel;
use super::provision::turns::Doing;
use super::terms::{Event, Terms};
use super::units::Units;

pub(super) use sets::{Standing, request, sets};
pub(super) use split::{part_key, parts};

/// How far it goes.
#[derive(Clone, Copy)]
pub(super) struct Wish<'a> {
    /// Whether the lock may be written.
    pub(super) mode: LockMode,
    /// The sets that are found anew whatever the lock says.
    pub(super) anew: &'a [Request],
    /// Files that must not come in.
    pub(super) never: &'a [std::path::PathBuf],
}

/// Sees to it that the lock has every set of packages, on all platforms of the template.
pub(super) fn pin(loaded: &mut Loaded, wish: Wish<'_>, reach: &Reach<'_>, terms: &Terms<'_>) -> Result<(), Error> {
    if !loaded.asks.keys().any(|request| matches!(request, Request::Packages(_))) {
        return Ok(());
    }
    let mut gathered = Gathered::default();
    for platform in loaded.settled.platforms.clone() {
        let (template, _) = loaded.document.template(&platform, &loaded.set, loaded.version.as_deref());
        for set in sets(&template, &platform) {
            let asked = Request::Packages(set.request.clone());
            let Some(ask) = loaded.asks.get(&asked).cloned() else { continue };
            let lock = loaded.lock.as_ref().ok_or_else(|| unlocked(loaded))?;
            let given = given::digest(&set, &template, lock)?;
            let good = matches!(lock.inputs.get(&asked), Some(Pin::Packages(pin)) if pin.given == given);
            if good && !wish.anew.contains(&asked) {
                continue;
            }
            if wish.mode == LockMode::Locked {
                let path = loaded.lock_path.clone();
                return Err(Error::StalePackages { path, packages: set.request.shown() });
            }
            if terms.is_interrupted() {
                return Err(Error::Interrupted);
            }
            (terms.watch)(Event::Resolving { request: &asked });
            let finding = Finding { loaded, wish, reach, terms };
            let pin = finding.find(&set, &ask, given, &template, &mut gathered)?;
            let mut lock = loaded.lock.clone().ok_or_else(|| unlocked(loaded))?;
            let changes = put(&mut lock, &asked, Pin::Packages(pin));
            write(loaded, lock, changes)?;
        }
    }
    Ok(())
}

/// Every template with inputs has a lock by now.
fn unlocked(loaded: &Loaded) -> Error {
    Error::Locked { path: loaded.lock_path.clone(), missing: "everything".to_owned() }
}

/// The set that the lock has for a step.
pub(super) fn pinned<'a>(lock: Option<&'a Lock>, request: &PackagesRequest) -> Option<&'a PackagesPin> {
    match lock?.inputs.get(&Request::Packages(request.clone())) {
        Some(Pin::Packages(pin)) => Some(pin),
        _ => None,
    }
}

impl<'a> Units<'a> {
    /// The steps of a layer that ask for packages, with what the lock has for them.
    pub(super) fn sets<'l>(
        &self,
        layer: &'l Layer,
        around: &Around<'_>,
    ) -> impl Iterator<Item = (&'l Packages, PackagesRequest, &'a PackagesPin)> {
        let lock = self.loaded.lock.as_ref();
        let asked = layer.steps.iter().filter_map(|step| match &step.action {
            Action::Packages(packages) => Some((packages, request(packages, around.stage, around.platform))),
            _ => None,
        });
        asked.filter_map(move |(packages, request)| {
            let pin = pinned(lock, &request)?;
            Some((packages, request, pin))
        })
    }

    /// The packages of a step, out of the store or from where they are.
    pub(super) fn packages(&self, packages: &Packages, around: &Around<'_>) -> Result<Parcel, Error> {
        let request = Request::Packages(request(packages, around.stage, around.platform));
        let Loaded { lock, asks, .. } = self.loaded;
        let pin = lock.as_ref().and_then(|lock| lock.inputs.get(&request));
        match (asks.get(&request), pin) {
            (Some(ask @ Ask { asked: Asked::Packages(asked, repositories), .. }), Some(Pin::Packages(pin))) => {
                // Another unit may be downloading the same packages.
                let _turn = self.terms.provision.turns.wait(Doing::Packages);
                let unpacked = input::bring(&pin.set, &pin.releases, repositories, self.reach);
                let unpacked = unpacked.map_err(|error| input_error(ask, self.loaded, error))?;
                let debs = unpacked.into_iter().map(|Unpacked { deb, spool, .. }| (deb, spool)).collect();
                Ok(Parcel {
                    architecture: architecture(&asked.platform)
                        .map_err(|error| input_error(ask, self.loaded, error.into()))?,
                    debs,
                })
            }
            _ => Err(unlocked(self.loaded)),
        }
    }
}

struct Finding<'a> {
    loaded: &'a Loaded,
    wish: Wish<'a>,
    reach: &'a Reach<'a>,
    terms: &'a Terms<'a>,
}

impl Finding<'_> {
    fn find(
        &self,
        set: &sets::Set<'_>,
        ask: &Ask,
        given: ContentDigest,
        template: &Template,
        gathered: &mut Gathered,
    ) -> Result<PackagesPin, Error> {
        let database = match &set.standing.base {
            Some(base) => self.database(base, set, template, gathered)?,
            None => None,
        };
        if set.packages.scripts == Scripts::Run && database.is_none() && set.standing.base.is_some() {
            return Err(Error::NoDpkg { place: self.loaded.place(ask.span), packages: set.request.shown() });
        }
        let lock = self.loaded.lock.as_ref();
        let repositories = set.packages.repositories.iter();
        let repositories = repositories
            .filter_map(|name| template.repositories.get_key_value(name))
            .map(|(name, of)| (name.as_str(), of));
        let known: Vec<ReleasePin> = lock.into_iter().flat_map(releases).cloned().collect();
        let asked = input::Asked {
            repositories: repositories.collect(),
            requests: &set.packages.requests,
            recommends: set.packages.recommends,
            platform: set.platform,
            standing: input::Standing {
                status: database.as_deref(),
                earlier: set.standing.pins(lock).collect::<Vec<&PackagePin>>(),
                foundation: foundation(&set.standing, set.packages),
            },
            known: &known,
            now: self.terms.now,
        };
        let found = input::resolve(&asked, self.reach).map_err(|error| input_error(ask, self.loaded, error))?;
        Ok(PackagesPin { given, releases: found.releases, set: found.set })
    }

    fn database(
        &self,
        base: &ImageRequest,
        set: &sets::Set<'_>,
        template: &Template,
        gathered: &mut Gathered,
    ) -> Result<Option<Vec<u8>>, Error> {
        let Self { loaded, wish, reach, terms } = *self;
        let gathering = Gathering { loaded, never: wish.never, reach, terms };
        let names: Vec<&str> = set.needs.clone();
        gathering.take(template, &names, set.target, Wanted::Everything, gathered)?;
        match gathered.images.get(base) {
            Some(foreign) => base::database(foreign, reach),
            None => Ok(None),
        }
    }
}

/// What a system gets that nobody asks for.
pub(super) fn foundation(standing: &Standing, packages: &Packages) -> Foundation {
    if packages.scripts == Scripts::Run && standing.base.is_none() && standing.sets.is_empty() {
        Foundation::Essential
    } else {
        Foundation::Nothing
    }
}

fn releases(lock: &Lock) -> impl Iterator<Item = &ReleasePin> {
    let pins = lock.inputs.values().filter_map(|pin| match pin {
        Pin::Packages(pin) => Some(&pin.releases),
        _ => None,
    });
    pins.flatten()
}
