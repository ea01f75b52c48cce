//! `kiln tags`

use clap::Args;

use crate::cli::network::NetworkArgs;

/// `kiln tags`
#[derive(Debug, Args)]
#[command(after_help = "\
One tag on each line, numbers in them in the order of numbers: `1.10` after
`1.9`. What tools keep for themselves is left out and counted: `sha256-..`,
`part-..`, `ch-..`, `kiln-probe-..`.

Examples:
  kiln tags registry.example.org/acme/shop
  kiln tags registry.example.org/acme/shop | tail -n 1
  kiln tags docker.io/library/debian --digests

Exit codes:
  5  no such repository, or the registry cannot be reached or does not let us")]
pub struct Tags {
    /// `HOST/REPOSITORY`; on Docker Hub `docker.io/library/NAME` and `docker.io/USER/NAME`
    #[arg(value_name = "REPOSITORY")]
    pub repository: String,
    /// Ask what each tag holds, and print it behind the tag
    #[arg(long)]
    pub digests: bool,
    /// Also what tools keep for themselves
    #[arg(long)]
    pub all: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// How far registries may be looked for.
    #[command(flatten)]
    pub network: NetworkArgs,
}
