//! What can be typed, as it is typed. What it means is each verb's.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::base::reference::Output;
use crate::base::{Epoch, Platform};

pub use super::args_steps::{Doctor, Log, ProvisionArgs, Run, Shell};

mod channel;
mod login;
mod copy;
mod pull;
mod store;
mod test;

pub use channel::{ChannelArgs, ChannelCommand};
pub use copy::Copy;
pub use login::{Login, Logout};
pub use pull::Pull;
pub use store::{StoreArgs, StoreCommand};
pub use test::Test;

use super::network::NetworkArgs;

mod drift;
mod probe;
mod push;
mod reproduce;
mod tags;

pub use drift::Drift;
pub use probe::Probe;
pub use push::Push;
pub use reproduce::Reproduce;
pub use tags::Tags;

/// Builds container images that are the same bytes everywhere and never change once they exist.
#[derive(Debug, Parser)]
#[command(name = "kiln", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "\
Begin with:
  kiln init mysite && cd mysite     write a small template that works
  kiln build -o oci:out             build it; the digest is the last line
  kiln inspect store:example/hello  look at what was built

Configuration, which changes no digest:
  kiln.config.toml                  the project's, beside the template or above
  ~/.config/kiln/config.toml        yours; the project's goes over it
  KILN_STORE, KILN_CA and others    over both; flags go over all

Exit codes:
  0  done                   3  refused: it would rewrite
  1  failed                 4  mismatch: lock, digest
  2  wrong command line     5  unavailable: network
  130  after Ctrl-C")]
pub struct Cli {
    /// The verb.
    #[command(subcommand)]
    pub command: Command,
    /// Say more: each input, each layer
    #[arg(short, long, global = true, display_order = GLOBAL)]
    pub verbose: bool,
    /// Say only what failed; the result still goes to stdout
    #[arg(short, long, global = true, conflicts_with = "verbose", display_order = GLOBAL)]
    pub quiet: bool,
    /// Colors; auto: on a terminal where NO_COLOR is not set
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN", display_order = GLOBAL)]
    pub color: ColorChoice,
}

/// Behind the options of the verb itself.
const GLOBAL: usize = 900;

/// When colors are used.
// A text for each of the three would stand in the help of every verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs)]
pub enum ColorChoice {
    Auto,
    Always,
    Never,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a commented template that works
    Init(Init),
    /// Read a template and report everything that is wrong with it
    Check(Check),
    /// Show what a build would make, what is cached, and why the rest is not
    Plan(Plan),
    /// Write or complete the lock file of a template
    Lock(Lock),
    /// Move entries of the lock file, and say from what to what
    Update(Update),
    /// Write every locked input into a directory, for machines without a network
    Vendor(VendorInputs),
    /// Build an image
    Build(Build),
    /// Build an image and run the tests of its template
    Test(Test),
    /// Open a shell on the finished layers, on a copy that is thrown away
    Shell(Shell),
    /// Run the program of an image, on a copy that is thrown away
    Run(Run),
    /// Build an image several times from nothing, with other surroundings each time, and show what differs and why
    Reproduce(Reproduce),
    /// Show what the commands of a template printed when they ran last
    Log(Log),
    /// Show how steps can run on this machine, and what mends what does not work
    Doctor(Doctor),
    /// Show an image: config, layers, sizes, files
    Inspect(Inspect),
    /// Show what differs between two images: files, config, sizes
    Diff(Diff),
    /// Bring an image from a registry into the store, with everything that belongs to it
    Pull(Pull),
    /// Copy an image from one place to others, with everything that refers to it
    Copy(Copy),
    /// Publish an image: to registries, OCI layouts and archives; a tag is created once and never rewritten
    Push(Push),
    /// List the tags of a repository
    Tags(Tags),
    /// Ask whether pinned and published images are what they were
    Drift(Drift),
    /// Find out what a registry can do, with throw-away content
    Probe(Probe),
    /// Show where a channel has been, or set it to something else, with a reason
    Channel(ChannelArgs),
    /// Try a user name and a password on a registry, and keep them for kiln, docker and podman
    Login(Login),
    /// Forget what was kept for a registry
    Logout(Logout),
    /// Print the JSON schema of templates, for editors, or the reference of all keys
    Schema(Schema),
    /// List, check and clean the local store
    Store(StoreArgs),
    /// Print a completion script for a shell
    Completions(Completions),
    /// Print the manual page, or write one for each command
    Man(Man),
}

/// A template and what decides how it is read.
#[derive(Debug, Args)]
pub struct TemplateArgs {
    /// A template file, or a directory with `kiln.toml`
    #[arg(default_value = ".", value_name = "TEMPLATE")]
    pub template: PathBuf,
    /// Set a variable of the template
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = parse_setting)]
    pub set: Vec<(String, String)>,
    /// The image's version, in place of the template's
    #[arg(long, value_name = "VERSION")]
    pub version: Option<String>,
}

pub(super) fn parse_setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// What decides how a template is resolved.
#[derive(Debug, Args)]
pub struct ResolveArgs {
    /// Build only this platform; may be given several times
    #[arg(long = "platform", value_name = "OS/ARCH", value_parser = parse::<Platform>)]
    pub platforms: Vec<Platform>,
    /// The time of files: RFC 3339 or seconds since 1970
    #[arg(long, value_name = "TIME", value_parser = parse::<Epoch>)]
    pub epoch: Option<Epoch>,
    /// The time in the config and the annotations
    #[arg(long, value_name = "TIME", value_parser = parse::<Epoch>)]
    pub created: Option<Epoch>,
    /// Fail if the lock file would have to be written (the default where CI is set)
    #[arg(long, overrides_with = "no_locked")]
    pub locked: bool,
    /// Write what the lock file lacks, also where CI is set
    #[arg(long, overrides_with = "locked")]
    pub no_locked: bool,
    /// How far inputs may be looked for.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Read and make everything again
    #[arg(long)]
    pub no_cache: bool,
    /// Threads to use, and steps to run at once [default: all processors]
    #[arg(long, value_name = "N", env = "KILN_JOBS", hide_env_values = true)]
    pub jobs: Option<NonZeroUsize>,
    /// Where the store is
    #[command(flatten)]
    pub store: StoreDir,
}

/// Where the store is.
#[derive(Debug, Args)]
pub struct StoreDir {
    /// The local store [default: $XDG_DATA_HOME/kiln/store or ~/.local/share/kiln/store]
    #[arg(long, value_name = "DIR", env = "KILN_STORE", hide_env_values = true)]
    pub store: Option<PathBuf>,
}

pub(super) fn parse<T: std::str::FromStr>(text: &str) -> Result<T, String>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// `kiln init`
#[derive(Debug, Args)]
pub struct Init {
    /// Where; made if it is not there
    #[arg(default_value = ".", value_name = "DIR")]
    pub directory: PathBuf,
}

/// `kiln check`
#[derive(Debug, Args)]
pub struct Check {
    /// Which template.
    #[command(flatten)]
    pub template: TemplateArgs,
    /// Warnings are errors
    #[arg(long)]
    pub strict: bool,
}

/// `kiln plan`
#[derive(Debug, Args)]
pub struct Plan {
    /// Which template.
    #[command(flatten)]
    pub template: TemplateArgs,
    /// How it is resolved.
    #[command(flatten)]
    pub resolve: ResolveArgs,
    /// How commands run.
    #[command(flatten)]
    pub provision: ProvisionArgs,
    /// List the files of one source instead
    #[arg(long, value_name = "SOURCE")]
    pub files: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `kiln lock`
#[derive(Debug, Args)]
pub struct Lock {
    /// Which template.
    #[command(flatten)]
    pub template: TemplateArgs,
    /// The time of files, if the lock file does not have it yet
    #[arg(long, value_name = "TIME", value_parser = parse::<Epoch>)]
    pub epoch: Option<Epoch>,
    /// The time in the config and the annotations, if the lock file does not have it yet
    #[arg(long, value_name = "TIME", value_parser = parse::<Epoch>)]
    pub created: Option<Epoch>,
    /// How far inputs may be looked for.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// How commands run.
    #[command(flatten)]
    pub provision: ProvisionArgs,
    /// Where the store is.
    #[command(flatten)]
    pub store: StoreDir,
}

/// `kiln vendor`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kiln vendor inputs                      everything that kiln.lock names
  kiln build --offline --vendor inputs    on a machine without a network")]
pub struct VendorInputs {
    /// Where to; an OCI layout that is completed, whatever it holds already
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// Which template.
    #[command(flatten)]
    pub template: TemplateFlags,
    /// How far inputs may be looked for.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// How commands run.
    #[command(flatten)]
    pub provision: ProvisionArgs,
    /// Where the store is.
    #[command(flatten)]
    pub store: StoreDir,
}

/// A template where another argument comes first.
#[derive(Debug, Args)]
pub struct TemplateFlags {
    /// A template file, or a directory with `kiln.toml`
    #[arg(long, default_value = ".", value_name = "TEMPLATE")]
    pub template: PathBuf,
    /// Set a variable of the template
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = parse_setting)]
    pub set: Vec<(String, String)>,
}

/// `kiln update`
#[derive(Debug, Args)]
#[command(after_help = "\
What can be named: `base`, stages and sources of the template; `epoch`,
`created`, `profile`, `platforms`. Without a name every input moves, and no
time but `created`.

Examples:
  kiln update                      look up every input again
  kiln update base tool            only these two
  kiln update --summary markdown   what moved, for a pull request
  kiln update epoch created        move both times: every layer becomes another
  SOURCE_DATE_EPOCH=1767225600 kiln update epoch")]
pub struct Update {
    /// Which entries; none: every input
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Which template.
    #[command(flatten)]
    pub template: TemplateFlags,
    /// Print what moved to stdout in this form
    #[arg(long, value_enum, value_name = "FORM")]
    pub summary: Option<Summary>,
    /// How far inputs may be looked for.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// How commands run.
    #[command(flatten)]
    pub provision: ProvisionArgs,
    /// Where the store is.
    #[command(flatten)]
    pub store: StoreDir,
}

/// A form for programs and bots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Summary {
    /// A table for a pull request
    Markdown,
    /// A list of what was and what is
    Json,
}

/// `kiln build`
#[derive(Debug, Args)]
#[command(after_help = "\
Outputs (-o, several at once):
  oci:DIR[:TAG]               a directory that skopeo, umoci, crane, podman read
  oci-archive:FILE[:TAG]      the same as one tar
  docker-archive:FILE[:TAG]   what `docker load` reads
  docker-archive:-            the same on stdout
  docker, podman              loaded into the engine that runs here
  rootfs:DIR                  the root tree as files
  rootfs-tar:FILE             the root tree as one tar

Examples:
  kiln build                                    build ./kiln.toml into the store
  kiln build templates/site -o oci:out          and write an OCI layout
  kiln build --set root=/var/www --version 1.2  with a variable and a version
  kiln build --platform linux/arm64 -o docker-archive:- | ssh host docker load
                                                into the engine of another host")]
pub struct Build {
    /// Which template.
    #[command(flatten)]
    pub template: TemplateArgs,
    /// How it is resolved.
    #[command(flatten)]
    pub resolve: ResolveArgs,
    /// How its commands run.
    #[command(flatten)]
    pub provision: ProvisionArgs,
    /// Where the image goes besides the store: see below; may be given several times
    #[arg(short, long = "output", value_name = "OUTPUT", value_parser = parse::<Output>)]
    pub outputs: Vec<Output>,
    /// Run the tests of the template first, and stop if one fails
    #[arg(long)]
    pub test: bool,
    /// Write the digest to a file as well
    #[arg(long, value_name = "FILE")]
    pub digest_file: Option<PathBuf>,
    /// Print JSON instead of the digest
    #[arg(long)]
    pub json: bool,
    /// Open a shell where a command failed, in its sandbox
    #[arg(long)]
    pub debug: bool,
}

/// `kiln inspect`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kiln inspect store:site            what was built last under this name
  kiln inspect oci:out --files       every file of every layer
  kiln inspect docker-archive:x.tar --json")]
pub struct Inspect {
    /// `store:NAME[:VERSION]`, `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:TAG]` or
    /// `HOST/NAME[:TAG][@DIGEST]`
    #[arg(value_name = "IMAGE")]
    pub image: String,
    /// List the files of each layer
    #[arg(long)]
    pub files: bool,
    /// Only this platform
    #[arg(long, value_name = "OS/ARCH", value_parser = parse::<Platform>)]
    pub platform: Option<Platform>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// How far images may be looked for.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Where the store is.
    #[command(flatten)]
    pub store: StoreDir,
}

/// `kiln diff`
#[derive(Debug, Args)]
pub struct Diff {
    /// The image before: what `kiln inspect` takes
    #[arg(value_name = "A")]
    pub before: String,
    /// The image after
    #[arg(value_name = "B")]
    pub after: String,
    /// The platform to compare, if the images have several
    #[arg(long, value_name = "OS/ARCH", value_parser = parse::<Platform>)]
    pub platform: Option<Platform>,
    /// Exit with 4 if anything differs
    #[arg(long)]
    pub check: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// How far images may be looked for.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Where the store is.
    #[command(flatten)]
    pub store: StoreDir,
}

/// `kiln schema`
#[derive(Debug, Args)]
pub struct Schema {
    /// Print the reference of all keys in Markdown, for people
    #[arg(long)]
    pub reference: bool,
}

/// `kiln completions`
#[derive(Debug, Args)]
pub struct Completions {
    /// For which shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// `kiln man`
#[derive(Debug, Args)]
pub struct Man {
    /// Write a page for each command into this directory
    #[arg(value_name = "DIR")]
    pub directory: Option<PathBuf>,
}
