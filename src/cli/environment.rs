//! What the surroundings say: read once, here and nowhere else.

use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::base::{Epoch, Platform};
use crate::sandbox::subids::name_of_caller;

use super::args::ColorChoice;
use super::network::Surroundings;

/// The environment variables, the clock and the terminal.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Where CI is set to anything but empty, `0` or `false`.
    pub is_ci: bool,
    /// SOURCE_DATE_EPOCH as it is, whatever is in it.
    pub source_date_epoch: Option<String>,
    /// The time.
    pub now: Epoch,
    /// This machine's platform.
    pub machine: Platform,
    /// How many threads can run at once.
    pub processors: NonZeroUsize,
    /// Whether stderr is a terminal that can redraw a line.
    pub live: bool,
    /// What is said about the network.
    pub network: Surroundings,
    /// Whether stdin and stdout are a terminal, so that somebody can be talked to.
    pub interactive: bool,
    /// Whether stdin is a terminal, which shows what is typed.
    pub stdin_is_terminal: bool,
    /// What kind of terminal it is.
    pub terminal: Option<String>,
    /// The caller's name, as subuid(5) may know it.
    pub user: Option<String>,
    /// Whether stdout is a terminal.
    stdout_is_terminal: bool,
    color: bool,
    data_home: Option<PathBuf>,
    config_home: Option<PathBuf>,
}

/// A variable that the command line names.
pub fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name)
}

/// There is no place for a store.
#[derive(Debug, thiserror::Error)]
#[error("no place for the store: neither XDG_DATA_HOME nor HOME is set")]
pub struct NoStore;

impl Environment {
    /// Reads it.
    pub fn read() -> Self {
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let home = || std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        // A relative one is to be ignored (XDG Base Directory Specification).
        let xdg = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let terminal = std::io::stderr().is_terminal();
        let dumb = text("TERM").is_none_or(|term| term == "dumb");
        Self {
            is_ci: text("CI").is_some_and(|ci| ci != "0" && ci != "false"),
            source_date_epoch: text("SOURCE_DATE_EPOCH"),
            now: now(),
            machine: Platform::linux_on(std::env::consts::ARCH),
            processors: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            live: terminal && !dumb,
            network: Surroundings::new(&|name| std::env::var_os(name)),
            interactive: std::io::stdin().is_terminal() && std::io::stdout().is_terminal(),
            stdin_is_terminal: std::io::stdin().is_terminal(),
            terminal: text("TERM"),
            user: name_of_caller(text("USER").or_else(|| text("LOGNAME"))),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            color: terminal && !dumb && text("NO_COLOR").is_none(),
            data_home: xdg("XDG_DATA_HOME").or_else(|| home().map(|home| home.join(".local/share"))),
            config_home: xdg("XDG_CONFIG_HOME").or_else(|| home().map(|home| home.join(".config"))),
        }
    }

    /// The time that a new lock gets. A SOURCE_DATE_EPOCH that is no time counts as not set; the verbs that make locks
    /// say so.
    pub fn lock_time(&self) -> Epoch {
        self.source_date_epoch.as_deref().and_then(|text| text.parse().ok()).unwrap_or(self.now)
    }

    /// Refuses a SOURCE_DATE_EPOCH that is no time.
    pub fn check_source_date_epoch(&self) -> Result<(), super::report::Failure> {
        let Some(text) = &self.source_date_epoch else { return Ok(()) };
        text.parse::<Epoch>().map(drop).map_err(|error| super::report::Failure::Usage {
            message: format!("SOURCE_DATE_EPOCH: {error}"),
            hint: "unset it, or give it seconds since 1970".to_owned(),
        })
    }

    /// Whether to write colors.
    pub fn color(&self, choice: ColorChoice) -> bool {
        match choice {
            ColorChoice::Auto => self.color,
            ColorChoice::Always => true,
            ColorChoice::Never => false,
        }
    }

    /// Whether results are written in colors: not into a file or a pipe, unless they are asked for.
    pub fn colors_results(&self, choice: ColorChoice) -> bool {
        self.color(choice) && (self.stdout_is_terminal || choice == ColorChoice::Always)
    }

    /// Where the store is if nobody says it.
    pub fn store(&self) -> Result<PathBuf, NoStore> {
        self.data_home.as_ref().map(|home| home.join("kiln/store")).ok_or(NoStore)
    }

    /// Where the user's configuration is, if there is one.
    pub fn config_file(&self) -> Option<PathBuf> {
        self.config_home.as_ref().map(|home| home.join("kiln/config.toml"))
    }

    /// A variable that a configuration names.
    pub fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }
}

/// The time; a clock that stands before 1980 counts as 1980.
pub fn now() -> Epoch {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    Epoch::from_seconds(seconds).unwrap_or(crate::base::epoch::EARLIEST)
}
