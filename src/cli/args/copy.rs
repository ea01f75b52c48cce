//! `kiln copy`

use clap::Args;

use crate::publish::Destination;

use super::{NetworkArgs, StoreDir, parse};

/// `kiln copy`
#[derive(Debug, Args)]
#[command(after_help = "\
The copy has the same digest, and everything that refers to the image comes
along: signatures, attestations, what they refer to. Between registries nothing
touches the disk. A tag is created once: one that holds something else stays.

Without a tag the copy is called what the image is called; what was named by a
digest alone has no name then.

Examples:
  kiln copy staging.example.org/shop/api:1.8.2 registry.example.org/shop/api
  kiln copy registry.example.org/shop/api:1.8.2 oci:mirror
  kiln copy oci-archive:api.tar:1.8.2 localhost:5000/api localhost:5001/api

Exit codes:
  0  it is there; `NAME:TAG@DIGEST` of each copy is on stdout
  3  refused: the tag holds something else
  5  a registry cannot be reached or does not let us")]
pub struct Copy {
    /// `HOST/REPOSITORY[:TAG][@DIGEST]`, `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]` or `store:NAME[:VERSION]`
    #[arg(value_name = "IMAGE")]
    pub image: String,
    /// `HOST/REPOSITORY[:TAG]`, `oci:DIR[:TAG]` or `oci-archive:FILE[:TAG]`; several at once
    #[arg(value_name = "DESTINATION", required = true, value_parser = parse::<Destination>)]
    pub destinations: Vec<Destination>,
    /// Print JSON instead of names: digests, sizes, what was sent, mounted, there
    #[arg(long)]
    pub json: bool,
    /// How far images may be looked for.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Where the store is.
    #[command(flatten)]
    pub store: StoreDir,
}
