//! What the bench was asked to do.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::case::Case;
use crate::tool::Tool;
use crate::tree::Scale;

/// Measures kiln and its peers side by side, over inputs that are the same on every machine.
#[derive(Parser)]
#[command(name = "peers")]
pub(crate) struct Options {
    /// Where inputs are generated (once) and images are built; needs about 20 GB, or 2 GB with --quick
    #[arg(long, default_value = "target/bench")]
    pub(crate) dir: PathBuf,
    /// The kiln to measure
    #[arg(long, default_value = env!("CARGO_BIN_EXE_kiln"), hide_default_value = true)]
    pub(crate) kiln: PathBuf,
    /// Runs only this case; may be given several times
    #[arg(long = "case", value_enum)]
    cases: Vec<Case>,
    /// Runs only this tool; may be given several times
    #[arg(long = "tool", value_enum)]
    tools: Vec<Tool>,
    /// Leaves kiln out
    #[arg(long)]
    only_peers: bool,
    /// An OCI layout with Debian for the cases of steps; without it mmdebstrap makes one, once
    #[arg(long, value_name = "DIR[:TAG]")]
    pub(crate) debian: Option<String>,
    /// Uses inputs of a tenth of the size
    #[arg(long)]
    quick: bool,
    /// Times that each command runs; the median is reported
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Seconds after which a command is ended and counts as failed
    #[arg(long, default_value_t = 900)]
    limit: u64,
    /// Only generates the inputs
    #[arg(long)]
    pub(crate) generate: bool,
    /// Removes inputs and images afterwards
    #[arg(long)]
    pub(crate) clean: bool,
    // Cargo gives this to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    pub(crate) fn cases(&self) -> Vec<Case> {
        if self.cases.is_empty() { Case::ALL.to_vec() } else { self.cases.clone() }
    }

    pub(crate) fn tools(&self) -> Vec<Tool> {
        let mut tools = if self.tools.is_empty() { Tool::ALL.to_vec() } else { self.tools.clone() };
        tools.retain(|tool| !(self.only_peers && *tool == Tool::Kiln));
        tools
    }

    pub(crate) fn scale(&self) -> Scale {
        if self.quick { Scale::Quick } else { Scale::Full }
    }

    pub(crate) fn limit(&self) -> Duration {
        Duration::from_secs(self.limit)
    }
}
