//! A template as one platform sees it: variables filled in, `when` decided, included layers in place.

use std::collections::BTreeMap;

use crate::base::{ContentDigest, Epoch, ImagePath, Platform};

use super::span::Span;

pub mod expect;
pub mod packages;
pub mod provision;
pub mod publish;

pub use expect::{Check, Expected, Form, Port, Protocol, Test};
pub use packages::{Distribution, Keyring, Packages, Repository, Scripts, Split};
pub use provision::{Command, FetchSource, Mount, Run};
pub use publish::{CHANNEL_PARTS, Order, Publish};

/// A whole template for one platform.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// `image.name`: the repository path, without a registry.
    pub name: Option<String>,
    /// `image.version`, or `--version`.
    pub version: Option<String>,
    /// `image.epoch`: the time of files.
    pub epoch: Option<Epoch>,
    /// `image.created`: the time in the config and the annotations.
    pub created: Option<Epoch>,
    /// `image.compression`.
    pub compression: Compression,
    /// `image.annotations`.
    pub annotations: BTreeMap<String, String>,
    /// What it starts from; `None`: from nothing.
    pub base: Option<Base>,
    /// `sources` by name; only those that a layer of this platform uses need to be read.
    pub sources: BTreeMap<String, Source>,
    /// `stage` by name; no name is a source's too. Only those that something uses need to be made.
    pub stages: BTreeMap<String, Stage>,
    /// `repositories` by name.
    pub repositories: BTreeMap<String, Repository>,
    /// Layers from the bottom up.
    pub layers: Vec<Layer>,
    /// `config`.
    pub config: Config,
    /// `test`, in order.
    pub tests: Vec<Test>,
}

/// How layers are compressed, as it was written; the pinned codec behind it is the layer module's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// `"gzip"`, with a level from 0 to 12 if one is given.
    #[default]
    Gzip,
    /// `{ codec = "gzip", level = 6 }`
    GzipLevel(u8),
    /// `"zstd"`
    Zstd,
    /// `{ codec = "zstd", level = 9 }`
    ZstdLevel(u8),
    /// `"none"`
    None,
}

/// `base`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// Where it was named.
    pub span: Span,
    /// What it is.
    pub from: BaseFrom,
}

/// What an image or a stage starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaseFrom {
    /// An image that exists: in a registry, a file or the store. Relative paths are from the main template's directory.
    Image(String),
    /// A stage of the template.
    Stage(String),
}

/// `stage.NAME`: an image that is made on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Where it was named.
    pub span: Span,
    /// What it starts from; `None`: from nothing.
    pub base: Option<Base>,
    /// The platform of its base, which its steps run on; `None`: the one that the image is built for.
    pub runs_on: Option<Platform>,
    /// Layers from the bottom up.
    pub layers: Vec<Layer>,
    /// The environment of its commands; a step's own goes over it.
    pub env: BTreeMap<String, String>,
}

/// `sources.NAME`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Where it was named.
    pub span: Span,
    /// Where its files come from.
    pub from: SourceFrom,
    /// Globs of what is taken; empty: everything.
    pub include: Vec<String>,
    /// Globs of what is not taken.
    pub exclude: Vec<String>,
}

/// Where the files of a source come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceFrom {
    /// `path`
    Path(PathSource),
    /// `url`
    Url(UrlSource),
    /// `git`
    Git(GitSource),
    /// `image`: the root of an image, named as in `base.image`.
    Image(String),
    /// `fetch`
    Fetch(FetchSource),
}

/// A download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlSource {
    /// The address that the lock knows it by.
    pub url: String,
    /// What its digest has to be, if the template says.
    pub sha256: Option<ContentDigest>,
    /// Other addresses of the same bytes.
    pub mirrors: Vec<String>,
}

/// A commit of a git repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitSource {
    /// The address.
    pub url: String,
    /// Branch, tag or commit; `None`: the repository's HEAD.
    pub rev: Option<String>,
    /// Only this directory.
    pub subdir: Option<String>,
    /// Takes its submodules too.
    pub submodules: bool,
}

/// A directory or file beside the template.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathSource {
    /// Relative to the directory of the file that names it, or absolute; `directory` is that file's, as it was reached.
    pub path: String,
    /// Directory of the template or include that names it, as a path from the main template's directory ("" if the same).
    pub directory: String,
    /// Takes all files, not only those that git would commit.
    pub ignored: bool,
}

/// One layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Unique within the template.
    pub name: String,
    /// Where its name, or else its header, stands.
    pub span: Span,
    /// What it does, in order.
    pub steps: Vec<Step>,
    /// Globs of residue that stays (`keep`).
    pub keep: Vec<String>,
    /// Globs of the private keys that it may hold (`allow-private-keys`).
    pub allow_private_keys: Vec<String>,
    /// How its packages are spread over several layers (`split`); `None`: it is one. Only steps with `packages` are in one
    /// that is spread.
    pub split: Option<Split>,
}

impl Layer {
    /// Whether programs run when it is made.
    pub fn has_commands(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.action, Action::Run(_) | Action::Packages(_)))
    }
}

/// One action of a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Where its action stands.
    pub span: Span,
    /// The times of what it makes: the step's, else the layer's. `None`: what comes from git, an image or a stage keeps its
    /// own, everything else gets the epoch.
    pub mtime: Option<Mtime>,
    /// What it does.
    pub action: Action,
}

/// The time of the files that a step makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mtime {
    /// The lock's epoch.
    Epoch,
    /// The epoch less the first 25 bits of the content's SHA-256 in seconds: changes exactly when the content does.
    Content,
    /// A time given in the template.
    At(Epoch),
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// `copy`
    Copy(Copy),
    /// `write`
    Write(Write),
    /// `directory`
    Directory {
        /// Which.
        path: ImagePath,
        /// Default 0:0.
        owner: Option<Owner>,
        /// Default 0755.
        mode: Option<u16>,
    },
    /// `symlink`
    Symlink {
        /// The link.
        path: ImagePath,
        /// What it points to, as it is.
        target: String,
        /// Default 0:0.
        owner: Option<Owner>,
    },
    /// `extract`
    Extract(Extract),
    /// `adduser`
    Adduser(Adduser),
    /// `addgroup`
    Addgroup(Account),
    /// `remove`: a glob over paths of the image, such as `/usr/share/doc/**`.
    Remove {
        /// The glob, with or without a leading slash.
        glob: String,
    },
    /// `packages`
    Packages(Packages),
    /// `run` and `script`
    Run(Box<Run>),
    /// `enable`: units of systemd, each under its whole name.
    Enable {
        /// Their names, at least one.
        units: Vec<String>,
    },
}

/// `copy`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// What.
    pub from: SourceRef,
    /// Where to.
    pub to: Target,
    /// Default 0:0.
    pub owner: Option<Owner>,
    /// Of files; directories get the same with x where there is r. Default: as the source says.
    pub mode: Option<u16>,
    /// Globs of what is taken, relative to what is copied; empty: everything.
    pub include: Vec<String>,
    /// Globs of what is not.
    pub exclude: Vec<String>,
}

/// `write`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The file.
    pub path: ImagePath,
    /// From `text` or `base64`.
    pub content: Vec<u8>,
    /// Default 0:0.
    pub owner: Option<Owner>,
    /// Default 0644.
    pub mode: Option<u16>,
}

/// `extract`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extract {
    /// The archive: one file of a source.
    pub from: SourceRef,
    /// The directory its content goes to.
    pub to: ImagePath,
    /// How many leading parts of each name are dropped.
    pub strip: u32,
    /// `None`: everything is 0:0.
    pub owner: Option<ExtractOwner>,
    /// Globs of what is taken, after stripping; empty: everything.
    pub include: Vec<String>,
    /// Globs of what is not.
    pub exclude: Vec<String>,
}

/// Who owns what comes out of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExtractOwner {
    /// `"keep"`: the numbers in the archive.
    Keep,
    /// One owner for all.
    Given(Owner),
}

/// `adduser`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adduser {
    /// The name, and the number if it is fixed.
    pub account: Account,
    /// Its group, if it is not one of the same name and number.
    pub group: Option<GroupName>,
    /// Default `/nonexistent` for system users, `/home/NAME` else; the directory is not made.
    pub home: Option<String>,
    /// Default `/usr/sbin/nologin`.
    pub shell: Option<String>,
    /// Further groups.
    pub groups: Vec<GroupName>,
    /// The GECOS field.
    pub comment: String,
}

/// A user or group to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its number; `None`: the first that is free.
    pub id: Option<u32>,
    /// Free numbers are looked for from 999 down instead of from 1000 up.
    pub system: bool,
}

/// A group as a user's entry names it: by name or number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupName(pub Id);

/// `NAME:PATH`, or a whole source or stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRef {
    /// Name of the source or stage.
    pub source: String,
    /// What of it; the root is all.
    pub path: ImagePath,
    /// Where it was named.
    pub span: Span,
}

/// Where a copy goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The path.
    pub path: ImagePath,
    /// It ended in a slash: a file goes into it rather than becomes it.
    pub is_directory: bool,
}

/// `user[:group]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub user: Id,
    /// The group; by default the user's own if it was named, the same number if it was a number.
    pub group: Option<Id>,
}

/// A user or group by name or number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Id {
    /// Resolved against the tree as it is before the step.
    Name(String),
    /// As it is.
    Number(u32),
}

/// `config`: what the image says about how to run it. `None`: the base's, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// The program that is run.
    pub entrypoint: Option<Vec<String>>,
    /// Its arguments.
    pub cmd: Option<Vec<String>>,
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// Who runs it.
    pub user: Option<String>,
    /// Where it runs.
    pub workdir: Option<String>,
    /// Such as `8000/tcp`.
    pub ports: Vec<String>,
    /// Paths.
    pub volumes: Vec<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Such as `SIGQUIT`.
    pub stop_signal: Option<String>,
    /// How to see whether it is well (docker's extension of the config).
    pub healthcheck: Option<Healthcheck>,
}

/// `config.healthcheck`; times in nanoseconds, as docker's config has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Healthcheck {
    /// Such as `["CMD", "app", "ping"]`.
    pub test: Vec<String>,
    /// Between two checks.
    pub interval_ns: Option<u64>,
    /// For one check.
    pub timeout_ns: Option<u64>,
    /// Grace at the start.
    pub start_period_ns: Option<u64>,
    /// Failures before it is unwell.
    pub retries: Option<u32>,
}
