//! A template as most verbs work with it: read, with a complete lock, and with all that leads to its inputs.

use std::path::PathBuf;

use crate::base::reference::Output;
use crate::input::Reach;
use crate::pipeline::{Commands, Error, Event, Loaded, Prepared, Request, Terms, load, pin, prepare};

use super::args::{ProvisionArgs, ResolveArgs, TemplateArgs};
use super::progress::{Platforms, Progress};
use super::report::Failure;
use super::session::Session;

/// What a verb opens, and what for.
pub struct Opening<'a> {
    /// Which template.
    pub template: &'a TemplateArgs,
    /// With which settings.
    pub resolve: &'a ResolveArgs,
    /// How its commands run; `None`: they do not.
    pub provision: Option<&'a ProvisionArgs>,
    /// What is written of it.
    pub outputs: &'a [Output],
    /// Whether a person gets a shell where a command fails.
    pub debug: bool,
}

/// What a verb has while a template is open.
pub struct Opened<'a> {
    /// What was asked for.
    pub request: &'a Request,
    /// Files that must not come in.
    pub never: &'a [PathBuf],
    /// Where inputs come from.
    pub reach: &'a Reach<'a>,
    /// What the world decides.
    pub terms: &'a Terms<'a>,
    /// Shows what goes on.
    pub progress: &'a Progress,
    session: &'a Session,
}

impl<'a> Opening<'a> {
    /// A template of which nothing is written.
    pub fn new(template: &'a TemplateArgs, resolve: &'a ResolveArgs, provision: Option<&'a ProvisionArgs>) -> Self {
        Self { template, resolve, provision, outputs: &[], debug: false }
    }

    /// Reads the template, completes its lock and says so, and acts.
    pub fn act<T>(
        &self,
        session: &Session,
        act: impl FnOnce(Loaded, &Opened<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.check_and_act(session, |_| Ok(()), act)
    }

    /// The same, with a look at the template before anything is fetched or written.
    pub fn check_and_act<T>(
        &self,
        session: &Session,
        check: impl FnOnce(&Loaded) -> Result<(), Failure>,
        act: impl FnOnce(Loaded, &Opened<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let store = session.store(&self.resolve.store)?;
        let request = session.request(self.template, self.resolve);
        let network = session.network(&self.resolve.network)?;
        let mut loaded = load(&request, &session.terms(self.resolve, &|_| {}))?;
        check(&loaded)?;
        let platforms = if loaded.platforms.len() > 1 { Platforms::Several } else { Platforms::One };
        let progress = Progress::new(session.report, session.environment.live).platforms(platforms);
        let watch = |event: Event<'_>| progress.show(event);
        let provision = self.provision.map(|args| session.provision(args)).transpose()?;
        let mut provision = provision.unwrap_or_default();
        if self.debug {
            provision = provision.with_debug(session.terminal("--debug")?);
        }
        let terms = Terms { provision: &provision, ..session.terms(self.resolve, &watch) };
        let news = |news: crate::transport::News| progress.news(&news);
        let reach = network.reach(&store, loaded.directory.clone(), &news)?;
        let outputs = self.outputs.iter().filter_map(|output| output.path().map(PathBuf::from));
        let never: Vec<PathBuf> = outputs.chain(session.never(&store)).collect();
        let commands = if self.provision.is_some() { Commands::Run } else { Commands::Recalled };
        let pinned = pin(&mut loaded, request.lock, commands, &never, &reach, &terms);
        progress.end();
        pinned?;
        say_lock(&loaded, session);
        let progress = &progress;
        act(loaded, &Opened { request: &request, never: &never, reach: &reach, terms: &terms, progress, session })
    }
}

impl Opened<'_> {
    /// Evaluates the template and says what looks wrong.
    pub fn prepare(&self, loaded: Loaded, commands: Commands) -> Result<Prepared, Error> {
        let prepared = self.evaluate(loaded, commands)?;
        self.session.report.prepared(&prepared);
        Ok(prepared)
    }

    /// Evaluates the template; what looks wrong is the caller's to say.
    pub fn evaluate(&self, loaded: Loaded, commands: Commands) -> Result<Prepared, Error> {
        self.progress.stage("reading the sources");
        let prepared = prepare(loaded, self.never, self.reach, self.terms, self.request, commands);
        self.progress.end();
        prepared
    }
}

/// Says what was written into the lock.
fn say_lock(loaded: &Loaded, session: &Session) {
    if !loaded.locked.is_empty() {
        session.report.note(&format!("wrote {}", loaded.lock_path.display()));
    }
    for change in &loaded.locked {
        session.report.note(&format!("  {change}"));
    }
    let variable = session.environment.source_date_epoch.as_deref();
    if let Some(text) = variable
        && loaded.locked.is_empty()
        && text.parse() != Ok(loaded.settled.epoch)
    {
        session.report.note(&format!(
            "SOURCE_DATE_EPOCH={text} is not used: the epoch is {} (`kiln update epoch` moves it)",
            loaded.settled.epoch
        ));
    }
}
