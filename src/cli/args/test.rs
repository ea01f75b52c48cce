//! `kiln test`

use std::path::PathBuf;

use clap::Args;

use super::{ProvisionArgs, ResolveArgs, TemplateArgs};

/// `kiln test`
#[derive(Debug, Args)]
#[command(after_help = "\
Tests are the `[[test]]` tables of the template. A command runs as the image's
user, in its directory, with its environment, on a copy of the image that is
thrown away; a `file` is looked at and nothing runs. No test changes a digest.

Examples:
  kiln test                       run all tests of ./kiln.toml
  kiln test --filter answers      only those with this in their name
  kiln test --junit results.xml   and write what CI systems read
  kiln test --json                print what was expected and what was found
  kiln build --test -o oci:out    build, but write nothing if a test fails

Exit codes:
  0  all tests passed or were skipped
  1  one failed, or the image cannot be built")]
pub struct Test {
    /// Which template.
    #[command(flatten)]
    pub template: TemplateArgs,
    /// How it is resolved.
    #[command(flatten)]
    pub resolve: ResolveArgs,
    /// How its commands run.
    #[command(flatten)]
    pub provision: ProvisionArgs,
    /// Only tests that have this in their name
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Write the results as JUnit XML as well
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Print JSON instead of lines
    #[arg(long)]
    pub json: bool,
}
