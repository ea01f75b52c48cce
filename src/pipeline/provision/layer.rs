//! One layer with commands, from its first step to its last.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use crate::base::glob::Globs;
use crate::base::{ContentDigest, Epoch, LayerKey};
use crate::pipeline::error::Error;
use crate::pipeline::evaluate::Stop;
use crate::pipeline::landing::{self, Key};
use crate::pipeline::terms::{Event, Terms};
use crate::residue::clean;
use crate::sandbox::{Ending, Layout, RunOrder, Sandbox, SandboxError, Talk, Watch, Work};
use crate::step::{Draft, Inline, Inputs, SourceTree, StepWarning, When, apply, with_parents};
use crate::store::{Spool, Store};
use crate::template::{Action, Layer, Packages, Run, Step};
use crate::tree::diff::diff;
use crate::tree::{Change, Changeset, Contents, Node, Tree};

use super::advice::Memory;
use super::contents::{Everywhere, Small};
use super::fetch::Making;
use super::kept::{self, content_of};
use super::log::Log;
use super::packages::Parcel;
use super::session::Session;
use super::spilled::caches;
use super::telling::{describe, not_given};
use super::variation::Files;
use super::{Attribution, Ground, Provision, Touched, times};

/// Takes contents out of somebody else's images: those that it finds, and out of the set.
pub(crate) type TakeOut<'a> = dyn Fn(&mut BTreeSet<ContentDigest>) -> Result<Vec<Spool>, Error> + 'a;

/// Brings the packages of a step.
pub(crate) type Bring<'a> = dyn Fn(&Packages) -> Result<Parcel, Error> + 'a;

/// A layer, and what it is run with.
pub(crate) struct LayerRun<'a, 'b> {
    pub(crate) layer: &'a Layer,
    pub(crate) key: LayerKey,
    pub(crate) epoch: Epoch,
    pub(crate) ground: &'a Ground,
    /// From base and stage.
    pub(crate) env: &'a BTreeMap<String, String>,
    pub(crate) sources: &'a BTreeMap<String, SourceTree<'b>>,
    pub(crate) inputs: &'a Inputs<'b>,
    pub(crate) take_out: &'a TakeOut<'a>,
    pub(crate) packages: &'a Bring<'a>,
    pub(crate) provision: &'a Provision,
    pub(crate) store: &'a Store,
    pub(crate) terms: &'a Terms<'a>,
    /// Names the caches of this template on this platform.
    pub(crate) cache_scope: Vec<u8>,
    /// Lets nothing else say anything; false if something else has failed.
    pub(crate) silence: &'a dyn Fn() -> bool,
}

/// What a layer became.
pub(crate) struct Provisioned {
    pub(crate) changes: Changeset,
    pub(crate) spool: Spool,
    pub(crate) warnings: Vec<StepWarning>,
    pub(crate) touched: Touched,
}

/// A layer while its steps run.
pub(super) struct Running<'r, 'a, 'b> {
    pub(super) given: &'r LayerRun<'a, 'b>,
    pub(super) sandbox: &'r Sandbox,
    pub(super) work: &'r Work,
    pub(super) inline: &'r mut Inline,
    /// What it makes.
    pub(super) making: Making,
    pub(super) draft: Draft<'r>,
    /// Which step it is, from 1.
    pub(super) number: usize,
    /// How many directories have a number so far.
    numbered: Cell<usize>,
    pub(super) step: Option<&'a Step>,
    /// The directories that the next command stands on.
    pub(super) lower: Vec<PathBuf>,
    /// The tree that they hold.
    synced: Tree,
    session: Option<Session>,
    /// The cache of the command that runs now, if it knows times of what is mounted.
    pub(super) cache: Option<PathBuf>,
    pub(super) log: Log<'r>,
    /// What commands wrote.
    pub(super) written: Vec<Spool>,
    touched: Touched,
    /// The private keys that commands wrote.
    keys: Vec<Key>,
}

/// A failure of the sandbox.
pub(super) fn fail(error: SandboxError) -> Stop {
    error.into()
}

fn other(error: impl Into<Error>) -> Stop {
    Stop::Other(Box::new(error.into()))
}

impl LayerRun<'_, '_> {
    /// All places where contents are.
    pub(super) fn everywhere<'c>(
        &'c self,
        written: &'c [Spool],
        taken: &'c [Spool],
        inline: &'c Inline,
    ) -> Everywhere<'c> {
        Everywhere { inputs: self.inputs.contents, written, taken, inline }
    }

    /// Runs all steps on top of `below`.
    pub(crate) fn run(&self, below: &Tree, inline: &mut Inline) -> Result<Provisioned, Stop> {
        let _caches = self.take_caches()?;
        self.with(Making::Layer, below, inline, |running| running.run())
    }

    /// Sets up what steps need, lets `act` use it, and takes it away again.
    pub(super) fn with<T>(
        &self,
        making: Making,
        below: &Tree,
        inline: &mut Inline,
        act: impl FnOnce(Running<'_, '_, '_>) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let sandbox = self.terms.sandbox(self.store).map_err(fail)?;
        let work = sandbox.area().work().map_err(fail)?;
        let watch = self.terms.watch;
        let show = |line: &str| watch(Event::StepPrints { layer: &self.layer.name, line });
        let mut root = below.clone();
        let running = Running {
            given: self,
            sandbox,
            work: &work,
            inline,
            making,
            draft: Draft::new(&mut root, self.epoch.seconds()),
            number: 0,
            numbered: Cell::new(0),
            step: None,
            lower: Vec::new(),
            synced: below.clone(),
            session: None,
            cache: None,
            log: Log::new(&show, self.provision.line_needles()),
            written: Vec::new(),
            touched: Touched::default(),
            keys: Vec::new(),
        };
        let made = act(running);
        sandbox.discard(work);
        made
    }
}

impl<'a> Running<'_, 'a, '_> {
    fn run(mut self) -> Result<Provisioned, Stop> {
        let layer: &'a Layer = self.given.layer;
        let ran = self.stand().and_then(|()| {
            for (at, step) in layer.steps.iter().enumerate() {
                self.number = at + 1;
                self.step = Some(step);
                match &step.action {
                    Action::Run(run) => self.command(run, When::new(self.given.epoch, step.mtime))?,
                    Action::Packages(packages) => self.packages(packages, step)?,
                    _ => self.function(step)?,
                }
            }
            self.capture()
        });
        let saved = self.log.save(&self.given.key, self.given.store).map_err(other);
        // What the step has to say comes first: on a full disk neither works.
        ran?;
        saved?;
        let Self { given, inline, draft, written, touched, keys, .. } = self;
        let (changes, warnings) = draft.finish();
        let taken = taken(given, &changes, &written, inline)?;
        let contents = given.everywhere(&written, &taken, inline);
        landing::secrets(&given.layer.name, &changes, &contents, given.provision.needles()).map_err(other)?;
        let spool = kept::keep(&given.key, &changes, &keys, &contents, given.store).map_err(other)?;
        Ok(Provisioned { changes, spool, warnings, touched })
    }

    /// Unpacks what the layer stands on.
    pub(super) fn stand(&mut self) -> Result<(), Stop> {
        for layer in self.given.ground.layers.iter().filter(|layer| !layer.changes().is_empty()) {
            let (changes, digest) = (layer.changes(), layer.digest());
            let _turn = self.given.provision.turns.unpack(layer);
            let spool = || self.spool(changes).map_err(as_sandbox);
            self.lower.extend(self.sandbox.lower(changes, &digest, self.layout(), spool).map_err(fail)?);
        }
        if self.lower.is_empty() {
            self.lower.push(self.work.root("nothing").map_err(fail)?);
        }
        Ok(())
    }

    /// How trees lie that commands stand on.
    pub(super) fn layout(&self) -> Layout {
        /// The kernel allows 500 directories below one overlay, and a tree may take five.
        const SPREAD_MOST: usize = 64;
        let layers = self.given.ground.layers.len() + self.given.layer.steps.len();
        if layers > SPREAD_MOST { Layout::Plain } else { self.given.provision.variation.layout }
    }

    /// Directories of this layer's own with the files of `changes`.
    pub(super) fn own(&self, changes: &Changeset, layout: Layout, name: &str) -> Result<Vec<PathBuf>, Stop> {
        let directories = layout.parts(&self.work.directory(name).map_err(fail)?);
        self.sandbox.unpack(changes, &self.spool(changes)?, &directories).map_err(fail)?;
        Ok(directories)
    }

    /// A name for a directory that no other has.
    pub(super) fn fresh(&self, what: &str) -> String {
        self.numbered.set(self.numbered.get() + 1);
        format!("{what}-{}", self.numbered.get())
    }

    /// A step that is a function on trees.
    fn function(&mut self, step: &Step) -> Result<(), Stop> {
        self.capture()?;
        // What earlier commands of this layer wrote is not among the inputs, and no such step reads anything but accounts.
        let nothing = Inline::default();
        let contents = self.given.everywhere(&self.written, &[], &nothing);
        let inputs = Inputs {
            sources: self.given.sources.clone(),
            archives: self.given.inputs.archives.clone(),
            contents: &contents,
        };
        let applied = apply(step, &mut self.draft, &inputs, self.inline, self.given.epoch);
        applied.map_err(|error| self.step_failure(error))
    }

    /// A command.
    fn command(&mut self, run: &Run, when: When) -> Result<(), Stop> {
        if run.user.is_some() {
            // An earlier command of this layer may have made the user.
            self.capture()?;
        }
        self.begin(when)?;
        let order = self.order(run)?;
        self.perform(order, run, when, &describe(&run.command))
    }

    /// Sees to it that there is a session, on top of everything so far.
    pub(super) fn begin(&mut self, when: When) -> Result<(), Stop> {
        if self.session.is_none() {
            self.stand_on_functions()?;
            let upper = self.work.root(&self.fresh("upper")).map_err(fail)?;
            let owners = self.sandbox.owners(&self.synced);
            self.session = Some(Session { upper, when, files: Files::new(), owners });
        }
        Ok(())
    }

    /// Carries out an order for a command in the session.
    pub(super) fn perform(&mut self, mut order: RunOrder, run: &Run, when: When, said: &str) -> Result<(), Stop> {
        let work = self.work.directory(&self.fresh("work")).map_err(fail)?;
        let Some(session) = &mut self.session else { return Ok(()) };
        session.when = when;
        order.lower.clone_from(&self.lower);
        order.upper.clone_from(&session.upper);
        order.owners.clone_from(&session.owners);
        order.work = work;
        order.root = self.work.directory("root").map_err(fail)?;
        let watch = self.given.terms.watch;
        watch(Event::StepBegins { layer: &self.given.layer.name, step: self.number, command: said });
        self.log.heading(&format!("step {}: {said}", self.number));
        let caches = caches(&order, run);
        // Made just now, on the file system that the caches are on.
        let since = std::fs::metadata(&order.work).map_or(0, |made| made.ctime());
        let ended = self.execute(order, run);
        self.warn_of_spilled(&caches, since);
        let ending = ended?;
        if let Some(session) = &mut self.session {
            session.owners = ending.owners;
        }
        self.attribute()
    }

    /// Runs a command to its end, which is a good one.
    pub(super) fn execute(&mut self, order: RunOrder, run: &Run) -> Result<Ending, Stop> {
        let log = &mut self.log;
        let again = self.given.provision.debug.is_some().then(|| order.clone());
        let ended = self.sandbox.run(
            order,
            &mut Watch {
                output: &mut |bytes| log.bytes(bytes),
                interrupted: self.given.terms.interrupted,
                timeout: run.timeout_s.map(Duration::from_secs),
            },
        );
        self.log.end_line();
        if let Some(cache) = &self.cache {
            times::used(cache);
        }
        if let Some(order) = again
            && !matches!(ended, Ok(Ending { code: Some(0), .. }) | Err(SandboxError::Interrupted))
        {
            self.look_around(order);
        }
        match ended {
            Ok(ending @ Ending { code: Some(0), .. }) => {
                if !ending.refused.is_empty() {
                    let line = format!("(the step {}: elsewhere it may do something else)", not_given(&ending.refused));
                    let layer = &self.given.layer.name;
                    (self.given.terms.watch)(Event::StepPrints { layer, line: &line });
                }
                Ok(ending)
            }
            Ok(ending) if !ending.refused.is_empty() => {
                let message = format!("the step failed: {ending}; it {}", not_given(&ending.refused));
                Err(self.failure(message, Some(self.sandbox.mend(&ending.refused))))
            }
            Ok(ending) => {
                let memory = if ending.reached_memory { Memory::Reached } else { Memory::Limited };
                Err(self.failure(format!("the step failed: {ending}"), Some(self.advice(run, memory))))
            }
            Err(error @ (SandboxError::SecondId { .. } | SandboxError::SecretOnDisk)) => {
                Err(self.failure(format!("the step cannot run: {error}"), error.hint()))
            }
            Err(SandboxError::Interrupted) => Err(other(Error::Interrupted)),
            Err(
                error @ (SandboxError::TimedOut { .. }
                | SandboxError::NoProgram { .. }
                | SandboxError::NoInterpreter { .. }
                | SandboxError::Foreign { .. }
                | SandboxError::OutOfMemory { .. }
                | SandboxError::Silent { .. }
                | SandboxError::Child { .. }),
            ) => {
                let hint = error.hint().unwrap_or_else(|| self.advice(run, Memory::Limited));
                Err(self.failure(format!("the step failed: {error}"), Some(hint)))
            }
            Err(error) => Err(fail(error)),
        }
    }

    /// Remembers which files the command that has just ended touched.
    fn attribute(&mut self) -> Result<(), Stop> {
        let Some(session) = &mut self.session else { return Ok(()) };
        if self.given.provision.variation.attribution == Attribution::Remembered {
            let files = self.sandbox.census(&session.upper).map_err(fail)?.into_iter().collect();
            self.touched.put(self.number, &session.files, &files);
            session.files = files;
        }
        Ok(())
    }

    /// A shell for a person, where a command has failed.
    fn look_around(&self, mut order: RunOrder) {
        let Some(terminal) = self.given.provision.debug.as_ref().filter(|_| (self.given.silence)()) else { return };
        let Ok(work) = self.work.directory(&format!("work-{}-debug", self.number)) else { return };
        (self.given.terms.watch)(Event::ShellBegins { layer: &self.given.layer.name, step: self.number });
        order.work = work;
        // Job control needs a process group that the terminal knows, which this process namespace does not have.
        order.argv = vec!["/bin/sh".to_owned(), "-i".to_owned(), "+m".to_owned()];
        order.env.extend(terminal.kind.iter().map(|kind| ("TERM".to_owned(), kind.clone())));
        // The build has failed already, however the shell ends.
        let file = &terminal.file;
        let talk = Talk { stdin: file, stdout: file, stderr: file, is_terminal: true };
        let _ = self.sandbox.run_on(order, &talk, self.given.terms.interrupted);
    }

    /// What functions changed since the last command becomes a directory that the next one stands on.
    fn stand_on_functions(&mut self) -> Result<(), Stop> {
        let changes = diff(&self.synced, self.draft.root());
        if changes.is_empty() {
            return Ok(());
        }
        let changes = with_parents(changes, self.draft.root());
        let directories = self.own(&changes, self.layout(), &self.fresh("functions"))?;
        self.lower.extend(directories);
        self.synced = self.draft.root().clone();
        Ok(())
    }

    /// Takes over what the commands so far changed.
    pub(super) fn capture(&mut self) -> Result<(), Stop> {
        let Some(session) = self.session.take() else { return Ok(()) };
        let file = self.given.store.scratch().map_err(other)?;
        let copy = file.try_clone().map_err(|source| other(self.given.store.write_failed(source)))?;
        let captured = self.sandbox.capture(&session.upper, &copy, &self.synced, session.owners).map_err(fail)?;
        self.written.push(Spool::new(file, captured.places));
        if !captured.sockets.is_empty() {
            (self.given.terms.watch)(Event::StepPrints {
                layer: &self.given.layer.name,
                line: "(sockets are left out: no layer can hold one)",
            });
        }
        let mut after = self.synced.clone();
        after.apply(&captured.changes.with_links_from(self.synced.free_link_group()));
        let changes = diff(&self.synced, &after);
        let timed = changes.iter().map(|(path, change)| {
            let change = match change {
                Change::Node(node) => Change::Node(Node { mtime: session.when.of(&node.kind), ..node.clone() }),
                Change::Whiteout => Change::Whiteout,
            };
            (path.clone(), change)
        });
        let mut changes: Changeset = timed.collect();
        self.clean(&mut changes)?;
        let (layer, allowed) = (&self.given.layer.name, &self.given.layer.allow_private_keys);
        // What was cleaned has its new content inline.
        let keys = landing::found_keys(&changes, &self.contents(&[])).map_err(other)?;
        landing::private_keys(layer, &keys, allowed).map_err(other)?;
        self.keys.extend(keys);
        self.draft.absorb(&changes).map_err(|error| self.step_failure(error))?;
        self.sandbox.stack(session.upper, &mut self.lower);
        self.synced = self.draft.root().clone();
        Ok(())
    }

    /// Takes out what would differ in the next run.
    fn clean(&mut self, changes: &mut Changeset) -> Result<(), Stop> {
        // The globs were checked when the template was read.
        let keep: Vec<&str> = self.given.layer.keep.iter().map(String::as_str).collect();
        let keep = Globs::new(&keep).unwrap_or_default();
        let nothing = Inline::default();
        let contents = self.given.everywhere(&self.written, &[], &nothing);
        let mut files = Small { contents: &contents, inline: self.inline };
        let cleaned = clean(changes, &self.synced, &mut files, self.given.epoch, &keep).map_err(other)?;
        for removed in &cleaned {
            (self.given.terms.watch)(Event::Residue { layer: &self.given.layer.name, removed });
        }
        Ok(())
    }

    /// Contents that are at hand, and `taken`.
    pub(super) fn contents<'c>(&'c self, taken: &'c [Spool]) -> Everywhere<'c> {
        self.given.everywhere(&self.written, taken, self.inline)
    }

    /// The contents of `changes` that are not at hand.
    pub(super) fn take(&self, changes: &Changeset) -> Result<Vec<Spool>, Stop> {
        taken(self.given, changes, &self.written, self.inline)
    }

    /// The contents of `changes` in one file.
    pub(super) fn spool(&self, changes: &Changeset) -> Result<Spool, Stop> {
        let mut taken = self.take(changes)?;
        let has_all = |spool: &Spool| {
            let mut contents = changes.nodes().filter_map(|(_, node)| content_of(node));
            contents.all(|content| spool.places().contains_key(&content.digest))
        };
        // A base comes out of its layers in one piece.
        if taken.len() == 1
            && has_all(&taken[0])
            && let Some(spool) = taken.pop()
        {
            return Ok(spool);
        }
        kept::spool(changes, &self.contents(&taken), self.given.store).map_err(other)
    }
}

/// Contents that only somebody else's images have, taken out of them.
fn taken(
    given: &LayerRun<'_, '_>,
    changes: &Changeset,
    written: &[Spool],
    inline: &Inline,
) -> Result<Vec<Spool>, Stop> {
    let at_hand = given.everywhere(written, &[], inline);
    let contents = changes.nodes().filter_map(|(_, node)| content_of(node));
    let missing = contents.filter(|content| at_hand.read_at(content, 0, &mut []).is_err());
    let mut missing: BTreeSet<ContentDigest> = missing.map(|content| content.digest).collect();
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    (given.take_out)(&mut missing).map_err(other)
}

/// A failure on the way to an unpacked tree.
pub(super) fn as_sandbox(stop: Stop) -> SandboxError {
    SandboxError::Child { doing: "collect the files of a layer".to_owned(), reason: stop.describe() }
}
