//! `kiln drift`

use clap::Args;

use crate::cli::network::NetworkArgs;

use super::StoreDir;

/// `kiln drift`
#[derive(Debug, Args)]
#[command(after_help = "\
What can be named, several at once:
  kiln.lock, NAME.kiln.lock   the images in it that come from registries
  any other file              every `NAME:TAG@sha256:..` and `NAME@sha256:..`:
                              Dockerfiles, compose files, charts, what
                              `kiln push --metadata-file` wrote
  HOST/REPOSITORY[:TAG]       what was published there from this store

Each image is asked for once, in its registry and not in a mirror. A line on
stdout for each that is not as it was:
  moved      the tag holds another digest now
  vanished   the tag is gone, or the digest

A lock goes by digests. That the tag of a base moves on is usual: it is told as
news that `kiln update` takes, unless `--strict` is given. A digest that is
gone is never usual: the next machine cannot build.

Examples:
  kiln drift kiln.lock deploy/*.yaml
  kiln drift registry.example.org/acme/shop
  kiln drift -q kiln.lock || mail -s drift me   in cron: silent when all is well

Exit codes, the highest of those that apply:
  0  all as pinned
  1  nothing was checked
  4  something moved or vanished
  5  something could not be asked")]
pub struct Drift {
    /// Files and repositories; see below
    #[arg(value_name = "WHAT", required = true)]
    pub what: Vec<String>,
    /// That a tag moved is wrong for a lock too
    #[arg(long)]
    pub strict: bool,
    /// Print all as JSON, also what is as pinned
    #[arg(long)]
    pub json: bool,
    /// How far registries may be looked for.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Where the store is.
    #[command(flatten)]
    pub store: StoreDir,
}
