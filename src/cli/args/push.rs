//! `kiln push`

use std::path::PathBuf;

use clap::Args;

use crate::pipeline::publish::TagWish;

use super::{ProvisionArgs, ResolveArgs, parse_setting};

/// `kiln push`
#[derive(Debug, Args)]
#[command(override_usage = "kiln push [OPTIONS] [WHAT] [DESTINATION]...")]
#[command(after_help = "\
What is pushed: a template (the default is `.`), which is built unless it is
published already; or what exists: `store:NAME[:VERSION]`, `oci:DIR[:TAG]`,
`oci-archive:FILE[:TAG]`.

Where to: `HOST/REPOSITORY[:TAG]`, `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`,
several at once; without one, where `[publish]` of the template says. The tag
is the destination's, else the image's version, and each `--tag`.

A tag is created once. If it holds the same digest, nothing is sent and the
push succeeds; if it holds another, the push is refused and nothing changes it.

Examples:
  kiln push                                         as `[publish]` says
  kiln push . registry.example.org/acme/shop        under its version
  kiln push store:shop/api:1.8.2 localhost:5000/x   what was built before
  kiln push . registry.example.org/x --tag plan     without a version
  kiln push --part=part-arm64.json --platform linux/arm64
                                                    one platform of several, on
                                                    the machine that builds it
  kiln push --parts part-*.json                     all of them become the image

Exit codes:
  0  published, now or before; `HOST/REPOSITORY:TAG@DIGEST` is on stdout
  3  refused: the tag holds something else
  5  the registry cannot be reached or does not let us")]
pub struct Push {
    /// What is pushed, and where to; see below
    #[arg(value_name = "WHAT DESTINATION")]
    pub words: Vec<String>,
    /// Another tag; `plan`: `p-` and the first 12 digits of the plan's digest; may be given several times
    #[arg(long = "tag", value_name = "TAG", value_parser = tag_wish)]
    pub tags: Vec<TagWish>,
    /// Bring one platform's part there without the names, and write what `--parts` needs to know of it to a file
    /// [default: part.json]
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "part.json")]
    pub part: Option<PathBuf>,
    /// Put the parts of several machines together and publish the whole
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "part")]
    pub parts: Vec<PathBuf>,
    /// Set a variable of the template
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = parse_setting)]
    pub set: Vec<(String, String)>,
    /// The image's version, in place of the template's
    #[arg(long, value_name = "VERSION")]
    pub version: Option<String>,
    /// How a template is resolved.
    #[command(flatten)]
    pub resolve: ResolveArgs,
    /// How its commands run.
    #[command(flatten)]
    pub provision: ProvisionArgs,
    /// Run the tests of the template first, and push nothing if one fails
    #[arg(long)]
    pub test: bool,
    /// Write the digest to a file as well
    #[arg(long, value_name = "FILE")]
    pub digest_file: Option<PathBuf>,
    /// Write what was published to a file as JSON: digests, sizes, what was sent, mounted, there
    #[arg(long, value_name = "FILE")]
    pub metadata_file: Option<PathBuf>,
    /// Print the same instead of names
    #[arg(long)]
    pub json: bool,
}

fn tag_wish(text: &str) -> Result<TagWish, String> {
    match text {
        "plan" => Ok(TagWish::Plan),
        text => text.parse().map(TagWish::Tag).map_err(|error: crate::registry::RegistryError| error.to_string()),
    }
}
