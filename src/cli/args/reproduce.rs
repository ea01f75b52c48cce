//! `kiln reproduce`

use std::path::PathBuf;

use clap::Args;

use super::{ProvisionArgs, ResolveArgs, TemplateArgs};

/// `kiln reproduce`
#[derive(Debug, Args)]
#[command(after_help = "\
The first run is a build like every other. Later ones have another host name,
fewer processors, directories in another order, other process numbers and
paths, and empty caches. Inputs are those of the lock, taken from the store.

Exit codes:
  0  every run gave the same image; the digest is on stdout
  4  they differ; the first layer that does, and why, is on stdout")]
pub struct Reproduce {
    /// Which template.
    #[command(flatten)]
    pub template: TemplateArgs,
    /// How it is resolved.
    #[command(flatten)]
    pub resolve: ResolveArgs,
    /// How its commands run.
    #[command(flatten)]
    pub provision: ProvisionArgs,
    /// Build so many times, at least twice
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(2..))]
    pub times: u16,
    /// Keep the images as OCI layouts `run-1`, `run-2` ... in this directory
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
