//! One build from nothing: a store of its own, and the inputs of the user's store.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::base::Epoch;
use crate::base::reference::{Located, Output};
use crate::input::Reach;
use crate::input::vendor::{Vendor, Writer};
use crate::pipeline::asks::{self, Asks};
use crate::pipeline::build::{Built, build};
use crate::pipeline::deliver::{deliver, pass_on};
use crate::pipeline::error::Error;
use crate::pipeline::load::{Loaded, LockMode, Request, load};
use crate::pipeline::prepare::{Prepared, prepare};
use crate::pipeline::provision::{Commands, Provision};
use crate::pipeline::terms::{Cache, Event, Terms};
use crate::pipeline::units::own;
use crate::pipeline::vendor::vendor_some;
use crate::sandbox::{Area, Mode, Work};
use crate::store::Store;

use super::Wanted;
use super::report::RunReport;
use super::vary::Values;

/// Where the runs work. It is in the sandbox's part of the user's store: overlays are known to work on that file system,
/// blobs can be linked, and what a killed process leaves there is removed by the next one, whoever its files belong to.
pub(super) struct Arena {
    work: Work,
}

impl Arena {
    pub(super) fn new(store: &Store) -> Result<Self, Error> {
        Ok(Self { work: Area::open(store.root())?.work()? })
    }

    /// A layout with everything that the chosen platforms need from outside.
    pub(super) fn inputs(
        &self,
        loaded: &Loaded,
        request: &Request,
        reach: &Reach<'_>,
        terms: &Terms<'_>,
    ) -> Result<Vendor, Error> {
        let mut asks = Asks::new();
        for platform in &loaded.platforms {
            let (template, _) = loaded.document.template(platform, &request.set, request.version.as_deref());
            asks::add(&template, platform, &mut asks);
        }
        let place = self.work.path().join("inputs");
        let mut writer = Writer::new(&place, reach.store)?;
        vendor_some(loaded, &asks, &mut writer, reach, terms)?;
        writer.finish()?;
        Ok(Vendor::open_layout(&place)?)
    }

    /// The store of a run. The first has a shorter path than the others.
    fn store(&self, number: usize) -> Result<Store, Error> {
        let place = match number {
            1 => "store".to_owned(),
            _ => format!("another/place/to/build/in/run-{number}"),
        };
        Ok(Store::open(&self.work.path().join(place))?)
    }

    /// Removes everything. What cannot be removed now is removed by the next build.
    pub(super) fn remove(self, provision: &Provision, store: &Store) {
        // Files of subordinate ids are in reach of a sandbox only.
        if fs::remove_dir_all(self.work.path()).is_err()
            && let Ok((sandbox, _)) = provision.sandbox(store)
        {
            sandbox.discard(self.work);
        }
    }
}

/// A build that was made.
pub(super) struct Run {
    pub(super) prepared: Prepared,
    pub(super) built: Built,
    pub(super) store: Store,
    pub(super) values: Values,
    /// When it began.
    pub(super) began: Epoch,
    provision: Provision,
    /// When the first command of each layer began, seconds since 1970.
    steps_began: BTreeMap<String, i64>,
    kept: Option<PathBuf>,
}

impl Run {
    /// Builds.
    pub(super) fn make(
        number: usize,
        values: Values,
        arena: &Arena,
        layout: &Vendor,
        wanted: &Wanted<'_>,
        reach: &Reach<'_>,
        terms: &Terms<'_>,
    ) -> Result<Self, Error> {
        (terms.watch)(Event::RunBegins { run: number, of: wanted.times.max(2) });
        let store = arena.store(number)?;
        let provision = terms.provision.varied(values.mode.or(terms.provision.mode), values.steps.clone());
        let began = (wanted.clock)();
        let steps_began = Mutex::new(BTreeMap::new());
        let watch = |event: Event<'_>| {
            if let Event::StepBegins { layer, .. } = event {
                let mut steps = steps_began.lock().unwrap_or_else(PoisonError::into_inner);
                steps.entry(own(layer).to_owned()).or_insert_with(|| (wanted.clock)().seconds());
            }
            (terms.watch)(event);
        };
        let machine = terms.machine.clone();
        let own = Terms {
            now: began,
            machine,
            jobs: values.jobs,
            cache: Cache::Used,
            provision: &provision,
            watch: &watch,
            ..*terms
        };
        let request = Request { lock: LockMode::Locked, ..wanted.request.clone() };
        let keep = wanted.keep.map(|keep| keep.join(format!("run-{number}")));
        let never: Vec<PathBuf> = wanted
            .never
            .iter()
            .cloned()
            .chain(wanted.keep.map(PathBuf::from))
            .chain([reach.store.root().to_owned()])
            .collect();
        let (prepared, built) = {
            let reach = reach.from_layout(&store, layout);
            let prepared = prepare(load(&request, &own)?, &never, &reach, &own, &request, Commands::Run)?;
            let built = build(&prepared, &reach, &own)?;
            (prepared, built)
        };
        if let Some(path) = &keep {
            let output = Output::OciDirectory(Located { path: path.clone(), tag: None });
            pass_on(path, reach.store, &store)?;
            let from_run = reach.from_layout(&store, layout);
            deliver(&prepared, &built, &[output], &from_run, &own)?.into_iter().collect::<Result<Vec<_>, Error>>()?;
            pass_on(path, &store, reach.store)?;
        }
        let steps_began = steps_began.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Self { prepared, built, store, values, began, provision, steps_began, kept: keep })
    }

    /// The sandbox that its commands ran in, if it has any.
    pub(super) fn sandbox(&self) -> Option<Mode> {
        self.provision.made_sandbox().map(crate::sandbox::Sandbox::mode)
    }

    pub(super) fn has_commands(&self) -> bool {
        self.prepared.commands().next().is_some()
    }

    /// The clock when the first command of a layer began, seconds since 1970.
    pub(super) fn clock_of(&self, layer: &str) -> i64 {
        self.steps_began.get(layer).copied().unwrap_or(self.began.seconds())
    }

    /// What is told of it.
    pub(super) fn report(&self) -> RunReport {
        RunReport { digest: self.built.digest(), began: self.began, kept: self.kept.clone() }
    }
}
