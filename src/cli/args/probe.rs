//! `kiln probe`

use clap::Args;

use crate::cli::network::NetworkArgs;

/// `kiln probe`
#[derive(Debug, Args)]
#[command(after_help = "\
It writes: a tag `kiln-probe-..`, which it also tries to move, a few images and
blobs of no use, 4 and 10 MiB at most. In the end it removes them as far as the
registry lets it, and names what is left. It touches nothing else. Better ask a
repository that is not used for anything; what is found out about tags goes for
one with the same settings.

Examples:
  kiln probe registry.example.org/acme/scratch
  kiln probe registry.example.org/acme/scratch --json
  kiln probe r.example.org/scratch --mount-from r.example.org/other

Exit codes:
  0  found out, whatever it was
  5  the registry cannot be reached, or does not let us write there")]
pub struct Probe {
    /// `HOST/REPOSITORY`
    #[arg(value_name = "REPOSITORY")]
    pub repository: String,
    /// Another repository of the same registry: a blob is written there, and mounted from there
    #[arg(long, value_name = "REPOSITORY")]
    pub mount_from: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// How far registries may be looked for.
    #[command(flatten)]
    pub network: NetworkArgs,
}
