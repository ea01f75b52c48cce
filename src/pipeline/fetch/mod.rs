//! What commands fetch with a network (`[sources.NAME] fetch`).
//!
//! ```text
//! given   what a command is given                        -> digest       of no time and no machine
//! run     base or stage + command, in the sandbox        -> Fetched      its `/out`, normalised
//! list    a tree                                         -> digests of some of its paths, for people
//! ```
//! For each fetch: if the lock has no entry, or was made with something else given, the command runs and the entry moves.
//! If the entry is good and the files are in the store or vendored, nothing runs. Else the command runs again, and has to
//! give the same.
//!
//! Rationale: what is given is told without evaluating the stage, by what its layers are made from. So a build that has the
//! files needs neither the stage's base nor a sandbox, and the times of the lock may move.

mod given;
mod list;
mod run;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::base::{ContentDigest, Platform};
use crate::input::{Arrival, Asked, InputError, Reach, fetch as input};
use crate::lock::{FetchPin, FetchRequest, Lock, Pin, Request, put};
use crate::template::{FetchSource, SourceFrom, Template};

use super::asks::{Ask, asked, sources};
use super::error::Error;
use super::gather::{Gathered, Gathering, Wanted, name_file, only_files};
use super::landing;
use super::load::{Loaded, LockMode};
use super::pin::{input_error, write};
use super::provision::Commands;
use super::terms::Terms;

use given::Givens;

/// A command that fetches, for people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fetch {
    /// The source.
    pub name: String,
    /// What runs, in short.
    pub command: String,
    /// The key of its entry in the lock.
    pub request: Request,
}

/// The commands that fetch something that an image needs.
pub fn fetches(template: &Template, platform: &Platform) -> Vec<Fetch> {
    let needed = template.needed();
    let found = sources(template, &needed).filter_map(|(name, source)| match asked(source, platform)? {
        Asked::Fetch(request) => {
            Some(Fetch { name: name.to_owned(), command: request.shown(), request: Request::Fetch(request) })
        }
        _ => None,
    });
    found.collect()
}

/// How far it goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish<'a> {
    /// Whether the lock may be written.
    pub(super) mode: LockMode,
    /// Whether anything may run.
    pub(super) commands: Commands,
    /// Those that run whatever the lock says.
    pub(super) anew: &'a [Request],
    /// Files that must not come in.
    pub(super) never: &'a [PathBuf],
}

/// Sees to it that the lock says what every command fetches on the platforms that are built, and that it is in the store.
pub(super) fn fetch(loaded: &mut Loaded, wish: &Wish<'_>, reach: &Reach<'_>, terms: &Terms<'_>) -> Result<(), Error> {
    if !loaded.asks.keys().any(|request| matches!(request, Request::Fetch(_))) {
        return Ok(());
    }
    let platforms = loaded.platforms.clone();
    let (gathered, made) = (Gathered::default(), BTreeMap::new());
    let mut fetching = Fetching { loaded, wish: *wish, reach, terms, gathered, made };
    for platform in &platforms {
        let of = fetching.loaded.document.template(platform, &fetching.loaded.set, fetching.loaded.version.as_deref());
        let template = of.0;
        for name in template.needed() {
            if let Some(SourceFrom::Fetch(fetch)) = template.sources.get(name).map(|source| &source.from) {
                fetching.source(name, fetch, &template, platform)?;
            }
        }
    }
    Ok(())
}

struct Fetching<'a> {
    loaded: &'a mut Loaded,
    wish: Wish<'a>,
    reach: &'a Reach<'a>,
    terms: &'a Terms<'a>,
    /// What came in so far: what was fetched may be given to the next command.
    gathered: Gathered,
    /// What ran so far, by what it was given: what is the same for two platforms runs once.
    made: BTreeMap<ContentDigest, FetchPin>,
}

impl Fetching<'_> {
    fn source(
        &mut self,
        name: &str,
        fetch: &FetchSource,
        template: &Template,
        platform: &Platform,
    ) -> Result<(), Error> {
        let asked = template.sources.get(name).and_then(|source| asked(source, platform));
        let Some(Asked::Fetch(of)) = asked else { return Ok(()) };
        let request = Request::Fetch(of.clone());
        let Some(ask) = self.loaded.asks.get(&request).cloned() else { return Ok(()) };
        if self.gathered.arrivals.contains_key(&request) {
            return Ok(());
        }
        let mut needed = template.needed_by(name);
        needed.retain(|other| *other != name);
        self.gather(template, &needed, platform, Wanted::NoImages)?;
        let files = only_files(template, &self.gathered);
        let (mut named, mut fetch) = (template.clone(), fetch.clone());
        named.each_reference(|reference| name_file(reference, &files));
        fetch.mounts.iter_mut().for_each(|mount| name_file(&mut mount.from, &files));
        let run = run::Asked { name, span: ask.span, fetch: &fetch, needed: &needed, template: &named, platform };
        let lock = self.lock()?;
        let given = Givens { run: &run, lock, gathered: &self.gathered }.digest()?;
        let is_good = |pin: &&Pin| matches!(pin, Pin::Fetch(pin) if pin.given == given);
        let good = lock.inputs.get(&request).filter(is_good);
        // What another request was fetched with the same for is the same.
        let twin = lock.inputs.values().find(is_good);
        let is_anew = self.wish.anew.contains(&request);
        let pin = match (good, twin) {
            (Some(Pin::Fetch(pin)), _) if !is_anew => pin.clone(),
            _ if self.wish.mode == LockMode::Locked => {
                return Err(Error::StaleFetch { path: self.loaded.lock_path.clone(), name: name.to_owned() });
            }
            (_, Some(Pin::Fetch(pin))) if !is_anew => pin.clone(),
            _ => self.make(&run, &ask, given)?,
        };
        let arrival = match input::bring(&of, &pin, self.reach).map_err(|error| self.fail(&ask, error))? {
            Some(arrival) => arrival,
            None => self.make_again(&run, &ask, &of, &pin)?,
        };
        let needles = self.terms.provision.needles();
        if self.wish.commands == Commands::Run && !needles.is_empty() {
            // It may have been fetched when other secrets were given.
            landing::secrets(name, &arrival.tree.to_changeset(), &arrival.spool, needles)?;
        }
        let mut lock = self.lock()?.clone();
        let changes = put(&mut lock, &request, Pin::Fetch(pin));
        write(self.loaded, lock, changes)?;
        self.gathered.arrivals.insert(request, arrival);
        Ok(())
    }

    /// The lock, which every template with inputs has by now.
    fn lock(&self) -> Result<&Lock, Error> {
        let missing = || Error::Locked { path: self.loaded.lock_path.clone(), missing: "everything".to_owned() };
        self.loaded.lock.as_ref().ok_or_else(missing)
    }

    fn gather(
        &mut self,
        template: &Template,
        names: &[&str],
        platform: &Platform,
        wanted: Wanted,
    ) -> Result<(), Error> {
        let gathering = Gathering { loaded: self.loaded, never: self.wish.never, reach: self.reach, terms: self.terms };
        gathering.take(template, names, platform, wanted, &mut self.gathered)
    }

    fn fail(&self, ask: &Ask, error: InputError) -> Error {
        input_error(ask, self.loaded, error)
    }

    /// What the lock names has to come out again.
    fn make_again(
        &mut self,
        run: &run::Asked<'_>,
        ask: &Ask,
        of: &FetchRequest,
        pin: &FetchPin,
    ) -> Result<Arrival, Error> {
        let found = self.make(run, ask, pin.given)?;
        let arrival = input::bring(of, &found, self.reach).map_err(|error| self.fail(ask, error))?;
        let input = Request::Fetch(of.clone()).to_string();
        match arrival {
            Some(arrival) if found.tree == pin.tree => Ok(arrival),
            Some(arrival) => {
                let differences = list::differences(&pin.files, &arrival.tree);
                let (expected, found) = (pin.tree.to_string(), found.tree.to_string());
                Err(self.fail(ask, InputError::Refetched { input, expected, found, differences }))
            }
            None => Err(self.fail(ask, InputError::Gone { input, digest: found.tree.to_string() })),
        }
    }

    /// Runs a command and keeps what it fetched.
    fn make(&mut self, run: &run::Asked<'_>, ask: &Ask, given: ContentDigest) -> Result<FetchPin, Error> {
        if let Some(pin) = self.made.get(&given) {
            return Ok(pin.clone());
        }
        if self.wish.commands == Commands::Recalled {
            return Err(Error::NotFetched { name: run.name.to_owned() });
        }
        if self.reach.remote.is_offline() {
            let input = ask.asked.request().to_string();
            return Err(self.fail(ask, InputError::NeedsNetwork { input }));
        }
        self.gather(run.template, run.needed, run.platform, Wanted::Everything)?;
        let fetched = run::run(run, self.loaded, &self.gathered, self.reach, self.terms)?;
        let tree = input::keep(&fetched.tree, &fetched, self.reach.store)?;
        let pin = FetchPin { given, tree, files: list::list(&fetched.tree) };
        self.made.insert(given, pin.clone());
        Ok(pin)
    }
}
