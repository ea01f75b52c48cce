//! What one command works with.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::pipeline::provision::Terminal;
use crate::pipeline::terms::Cache;
use crate::pipeline::{Event, LockMode, Provision, Request, Terms, known_outputs};
use crate::secret::{SHORTEST_BYTES, Secret, Secrets};
use crate::store::Store;
use crate::template::Style;

use super::args::{Cli, Command, ProvisionArgs, ResolveArgs, StoreDir, TemplateArgs, TemplateFlags};
use super::configuration::Configuration;
use super::environment::Environment;
use super::network::{Network, NetworkArgs};
use super::progress::Progress;
use super::prompt::Prompt;
use super::report::{Failure, Loudness, Report};

/// The surroundings and how to speak.
#[derive(Debug)]
pub struct Session {
    /// The surroundings.
    pub environment: Environment,
    /// How to speak.
    pub report: Report,
    /// How results are written to stdout.
    pub results: Style,
    configuration: Configuration,
    interrupted: Arc<AtomicBool>,
    /// For verbs that run no commands.
    provision: Provision,
}

impl Session {
    /// Puts the surroundings and the command line together.
    pub fn new(environment: Environment, cli: &Cli) -> Self {
        let loudness = match (cli.quiet, cli.verbose) {
            (true, _) => Loudness::Quiet,
            (false, true) => Loudness::Verbose,
            (false, false) => Loudness::Normal,
        };
        let style = if environment.color(cli.color) { Style::Color } else { Style::Plain };
        let results = if environment.colors_results(cli.color) { Style::Color } else { Style::Plain };
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // The second signal ends the process at once; the first lets it clean up. If neither can be set up, the
            // signal ends the process at once, which loses nothing either.
            let _ = flag::register_conditional_shutdown(signal, 130, Arc::clone(&interrupted));
            let _ = flag::register(signal, Arc::clone(&interrupted));
        }
        Self {
            environment,
            report: Report { loudness, style },
            results,
            configuration: Configuration::default(),
            interrupted,
            provision: Provision::default(),
        }
    }

    /// Adds what the files say that configure this command.
    pub fn configure(&mut self, command: &Command) -> Result<(), Failure> {
        self.configuration = Configuration::of(command, &self.environment)?;
        Ok(())
    }

    /// The terms of a run.
    pub fn terms<'a>(&'a self, resolve: &ResolveArgs, watch: &'a (dyn Fn(Event<'_>) + Sync)) -> Terms<'a> {
        Terms {
            jobs: self.jobs(resolve.jobs),
            cache: if resolve.no_cache { Cache::Ignored } else { Cache::Used },
            ..self.plain_terms(watch)
        }
    }

    /// The terms of a run that no flag changes.
    pub fn plain_terms<'a>(&'a self, watch: &'a (dyn Fn(Event<'_>) + Sync)) -> Terms<'a> {
        Terms {
            now: self.environment.now,
            lock_time: self.environment.lock_time(),
            machine: self.environment.machine.clone(),
            jobs: self.jobs(None),
            cache: Cache::Used,
            provision: &self.provision,
            interrupted: &self.interrupted,
            watch,
        }
    }

    fn jobs(&self, given: Option<NonZeroUsize>) -> NonZeroUsize {
        given.or(self.configuration.config.jobs).unwrap_or(self.environment.processors)
    }

    /// What is to be built.
    pub fn request(&self, template: &TemplateArgs, resolve: &ResolveArgs) -> Request {
        let locked = if resolve.locked || resolve.no_locked { resolve.locked } else { self.environment.is_ci };
        Request {
            platforms: resolve.platforms.clone(),
            epoch: resolve.epoch,
            created: resolve.created,
            lock: if locked { LockMode::Locked } else { LockMode::Complete },
            ..plain_request(template)
        }
    }

    /// What leads out of this machine.
    pub fn network(&self, args: &NetworkArgs) -> Result<Network, Failure> {
        let variable = |name: &str| self.environment.variable(name);
        let network =
            Network::new(args, &self.configuration.config, &variable, &self.environment.network, &self.interrupted);
        Ok(network.map_err(crate::pipeline::Error::from)?)
    }

    /// How commands run.
    pub fn provision(&self, args: &ProvisionArgs) -> Result<Provision, Failure> {
        let secrets = args.secrets.iter().map(|secret| Ok(Secret::new(secret.id.clone(), secret.read()?)));
        let secrets = secrets.collect::<Result<Secrets, Failure>>()?;
        let provision = Provision::new(args.sandbox, self.environment.user.clone(), secrets);
        for id in provision.needles().too_short() {
            let message =
                format!("the secret `{id}` is shorter than {SHORTEST_BYTES} bytes: files are not searched for it");
            self.report.warn(&message, None);
        }
        Ok(provision)
    }

    /// The terminal that a person sits at; `what` needs it.
    pub fn terminal(&self, what: &str) -> Result<Terminal, Failure> {
        let open = std::fs::File::options().read(true).write(true).open("/dev/tty");
        let file = open.map_err(|_| Failure::Usage {
            message: format!("`{what}` needs a terminal, and there is none"),
            hint: "run it in a terminal; in CI, `kiln log` shows what commands printed".to_owned(),
        })?;
        Ok(Terminal { file, kind: self.environment.terminal.clone() })
    }

    /// Who sits at the terminal, if somebody does.
    pub fn prompt(&self) -> Option<Prompt<'_>> {
        Prompt::open(&self.interrupted)
    }

    /// Shows what goes on.
    pub fn progress(&self) -> Progress {
        Progress::new(self.report, self.environment.live)
    }

    /// Opens the store.
    pub fn store(&self, given: &StoreDir) -> Result<Store, Failure> {
        Ok(Store::open(&self.store_path(given)?)?)
    }

    /// Where the store is.
    pub fn store_path(&self, given: &StoreDir) -> Result<PathBuf, Failure> {
        let said = given.store.as_ref().or(self.configuration.config.store.as_ref());
        Ok(said.map_or_else(|| self.environment.store(), |store| Ok(store.clone()))?)
    }

    /// Files that come into no image: what kiln wrote, and what configures it.
    pub fn never(&self, store: &Store) -> Vec<PathBuf> {
        known_outputs(store).into_iter().chain(self.configuration.project_file.clone()).collect()
    }
}

/// A request that no flag changes.
pub fn plain_request(template: &TemplateArgs) -> Request {
    Request { version: template.version.clone(), ..bare_request(&template.template, &template.set) }
}

/// The same for verbs that have the template as a flag.
pub fn template_request(template: &TemplateFlags) -> Request {
    bare_request(&template.template, &template.set)
}

fn bare_request(template: &std::path::Path, set: &[(String, String)]) -> Request {
    Request {
        template: template.to_owned(),
        set: set.iter().cloned().collect(),
        version: None,
        platforms: Vec::new(),
        epoch: None,
        created: None,
        lock: LockMode::Complete,
    }
}
