//! `kiln pull`

use clap::Args;

use crate::base::Platform;
use crate::base::reference::Output;

use super::{NetworkArgs, StoreDir, parse};

/// `kiln pull`
#[derive(Debug, Args)]
#[command(after_help = "\
Everything that belongs to the image comes into the store: all platforms, and
what refers to it. Its name there is the one it has in the registry; it moves
like the name of a build, unless it was published from here.

Examples:
  kiln pull registry.example.org/shop/api:1.8.2        into the store
  kiln pull docker.io/library/debian:12 -o rootfs:root  and its files
  kiln pull registry.example.org/x:1 -o oci:out        and an OCI layout
  kiln pull oci:dir:1.0                                what somebody else built

Exit codes:
  0  it is here; its digest is on stdout
  3  refused: an output holds something that kiln did not write
  4  the registry gives something else than what it says
  5  the registry cannot be reached or does not let us")]
pub struct Pull {
    /// `HOST/REPOSITORY[:TAG][@DIGEST]`, `oci:DIR[:TAG]` or `oci-archive:FILE[:TAG]`
    #[arg(value_name = "IMAGE")]
    pub image: String,
    /// Where the image goes besides the store, as for `kiln build`; may be given several times
    #[arg(short, long = "output", value_name = "OUTPUT", value_parser = parse::<Output>)]
    pub outputs: Vec<Output>,
    /// Only the image for this platform; its digest is that of its manifest
    #[arg(long, value_name = "OS/ARCH", value_parser = parse::<Platform>)]
    pub platform: Option<Platform>,
    /// Print JSON instead of the digest
    #[arg(long)]
    pub json: bool,
    /// How far images may be looked for.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Where the store is.
    #[command(flatten)]
    pub store: StoreDir,
}
