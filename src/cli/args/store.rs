//! `kiln store`

use clap::{Args, Subcommand};

use super::StoreDir;

/// `kiln store`
#[derive(Debug, Args)]
pub struct StoreArgs {
    /// What about it.
    #[command(subcommand)]
    pub command: StoreCommand,
}

/// What can be done with the store.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// List the images in the store
    Ls {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Where the store is.
        #[command(flatten)]
        store: StoreDir,
    },
    /// Show what a name held, the newest first
    Log {
        /// `NAME` or `NAME:VERSION`
        #[arg(value_name = "NAME[:VERSION]")]
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Where the store is.
        #[command(flatten)]
        store: StoreDir,
    },
    /// Read every blob and compare it with its digest; damaged ones are set aside
    Check {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Where the store is.
        #[command(flatten)]
        store: StoreDir,
    },
    /// Remove what nothing needs any more
    Gc {
        /// Keep what was built or used in the last N days
        #[arg(long, value_name = "N", default_value_t = 14)]
        keep_days: u32,
        /// Remove more, the least recently used first, until the store is no larger (such as 20G)
        #[arg(long, value_name = "SIZE", value_parser = crate::cli::size::parse)]
        max_size: Option<u64>,
        /// Say what would be removed, remove nothing
        #[arg(long)]
        dry_run: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Where the store is.
        #[command(flatten)]
        store: StoreDir,
    },
}
