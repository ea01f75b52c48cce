//! What can go wrong between a template and an image.

use std::io;
use std::path::PathBuf;

use crate::assemble::AssembleError;
use crate::base::{BlobDigest, Class, ImagePath};
use crate::image::IndexError;
use crate::input::InputError;
use crate::layer::read::ReadError;
use crate::lock::LockError;
use crate::output::OutputError;
use crate::publish::PublishError;
use crate::publish::part::PartError;
use crate::residue::ResidueError;
use crate::sandbox::SandboxError;
use crate::secret::SecretError;
use crate::source::image::ImageFileError;
use crate::source::path::ScanError;
use crate::store::StoreError;
use crate::template::{Files, Finding};
use crate::tree::ContentError;

/// A build, or a look at one, that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The template is not what it should be. The findings say where.
    #[error("the template `{template}` has errors", template = template.display())]
    Template {
        /// Which.
        template: PathBuf,
        /// What is wrong.
        findings: Vec<Finding>,
        /// The texts.
        files: Files,
    },
    /// There is no template.
    #[error("no template: `{path}` is not there", path = path.display())]
    NoTemplate {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The lock file cannot be used.
    #[error("`{path}`: {error}", path = path.display())]
    Lock {
        /// Which.
        path: PathBuf,
        /// Why.
        error: LockError,
    },
    /// The lock file would have to be written, and must not be.
    #[error("the lock file `{path}` lacks {missing}, and this build must not write it", path = path.display())]
    Locked {
        /// Which.
        path: PathBuf,
        /// What is missing.
        missing: String,
    },
    /// What a command fetched was fetched with something else given, and it must not run again.
    #[error("the lock file `{path}` has what the source `{name}` fetched when its command was given something else, and this build must not write it", path = path.display())]
    StaleFetch {
        /// Which lock file.
        path: PathBuf,
        /// The source.
        name: String,
    },
    /// A set of packages was found on something else, and it must not be found anew.
    #[error("the lock file `{path}` has a set for `{packages}` that was found with other repositories or on something else below, and this build must not write it", path = path.display())]
    StalePackages {
        /// Which lock file.
        path: PathBuf,
        /// What is asked for.
        packages: String,
    },
    /// Scripts of packages are to run where nothing runs them.
    #[error("{place}: the base of `{packages}` has no dpkg, which the scripts of packages need")]
    NoDpkg {
        /// File and line of the step.
        place: String,
        /// What is asked for.
        packages: String,
    },
    /// What a command fetches is asked for where nothing runs.
    #[error("what the source `{name}` fetches is not here: its command has not run")]
    NotFetched {
        /// The source.
        name: String,
    },
    /// A file beside the template cannot be read or written.
    #[error("cannot {doing} `{path}`", path = path.display())]
    File {
        /// Such as `read`.
        doing: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A platform was asked for that the template does not have.
    #[error("the template has no platform `{wanted}`; it has {found}")]
    NoSuchPlatform {
        /// What was asked for.
        wanted: String,
        /// What there is.
        found: String,
    },
    /// A platform was asked for that an image from elsewhere does not have.
    #[error("`{name}` has no image for `{wanted}`; it has {found}")]
    NoImageFor {
        /// The image.
        name: String,
        /// What was asked for.
        wanted: String,
        /// What there is.
        found: String,
    },
    /// A layout calls its image what something is called that was built here.
    #[error("`{name}` was built here and holds {held}; the layout calls {wanted} the same")]
    BuiltHere {
        /// The name in the store.
        name: String,
        /// What it holds.
        held: String,
        /// What it was to hold.
        wanted: BlobDigest,
    },
    /// A layout calls its image nothing.
    #[error("`{name}`, which the layout calls its image, is no name")]
    NotAName {
        /// What it is.
        name: String,
    },
    /// A source was asked for that the template does not have.
    #[error("the template has no source `{wanted}`; it has {found}")]
    NoSuchSource {
        /// What was asked for.
        wanted: String,
        /// What there is.
        found: String,
    },
    /// A source cannot be read.
    #[error("cannot read the source `{name}`")]
    Scan {
        /// Its name in the template.
        name: String,
        /// Why.
        source: ScanError,
    },
    /// Something from outside cannot be had.
    #[error("{place}: cannot get `{name}`")]
    Input {
        /// The name of the source or stage, or `base`.
        name: String,
        /// File and line of the template.
        place: String,
        /// Why.
        source: Box<InputError>,
    },
    /// Something that came from outside cannot be used.
    #[error(transparent)]
    Arrived(Box<InputError>),
    /// A layer cannot be made.
    #[error("cannot make the layer `{name}`")]
    Layer {
        /// Its name.
        name: String,
        /// Why.
        source: AssembleError,
    },
    /// A layer of an existing image cannot be read.
    #[error("cannot read the layer {digest}")]
    ReadLayer {
        /// Which.
        digest: String,
        /// Why.
        source: ReadError,
    },
    /// The images do not make an index.
    #[error("cannot put the platforms together")]
    Index(#[from] IndexError),
    /// The plan cannot be written down.
    #[error("cannot write the plan")]
    Plan(#[from] serde_json::Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An output.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// An image in a file.
    #[error(transparent)]
    ImageFile(#[from] ImageFileError),
    /// The image has several platforms and one must be chosen.
    #[error("the image has several platforms: {found}")]
    ChoosePlatform {
        /// What there is.
        found: String,
    },
    /// Steps cannot be run.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// A file of a layer has a secret in it.
    #[error("layer `{layer}`: `{path}` {finding}")]
    SecretLands {
        /// The layer's name.
        layer: String,
        /// The file in the image.
        path: ImagePath,
        /// Which secret, and how it is written there.
        finding: String,
    },
    /// A document that kiln writes would have a secret in it.
    #[error("the {what} would contain the secret `{id}`")]
    SecretInDocument {
        /// Such as `plan`.
        what: &'static str,
        /// Which.
        id: String,
    },
    /// A file of a layer is or has a private key.
    #[error("layer `{layer}`: `{path}` holds a whole private key ({kind})")]
    PrivateKey {
        /// The layer's name.
        layer: String,
        /// The file in the image.
        path: ImagePath,
        /// What kind of key.
        kind: String,
    },
    /// What must not land cannot be searched for.
    #[error(transparent)]
    Search(#[from] SecretError),
    /// The image's user is not in its account files.
    #[error("the image's user `{user}` is not known: {reason}")]
    ImageUser {
        /// As the config says it.
        user: String,
        /// Why.
        reason: String,
    },
    /// The image has no program.
    #[error("the image has neither an entrypoint nor a command")]
    NothingToRun,
    /// A layer was asked for that the image does not have.
    #[error("the image has no layer `{wanted}`; it has {found}")]
    NoSuchLayer {
        /// What was asked for.
        wanted: String,
        /// What there is.
        found: String,
    },
    /// A layer whose commands have not run is to be packed.
    #[error("the commands of the layer `{layer}` have not run")]
    NotRun {
        /// Its name.
        layer: String,
    },
    /// What a command left behind cannot be looked at.
    #[error(transparent)]
    Residue(#[from] ResidueError),
    /// A file's content is not where it should be.
    #[error("cannot read what `{path}` holds")]
    Content {
        /// The file in the image.
        path: ImagePath,
        /// Why.
        source: ContentError,
    },
    /// Something cannot be published, pulled or copied.
    #[error(transparent)]
    Publish(Box<PublishError>),
    /// A release is published, and one of its channels did not move.
    #[error("`{published}` is published, but its channel `{channel}` did not move")]
    Channel {
        /// `HOST/REPOSITORY:TAG`
        published: String,
        /// Its name.
        channel: String,
        /// Why.
        source: Box<PublishError>,
    },
    /// It is not said where to.
    #[error("it is not said where to push")]
    NoDestination,
    /// It is not said under which name.
    #[error("what goes to `{destination}` has no name there")]
    NoTag {
        /// Where it goes.
        destination: String,
    },
    /// Parts that do not make an image.
    #[error(transparent)]
    Part(Box<PartError>),
    /// A name that tools keep for themselves.
    #[error("the tag `{tag}` is of those that tools keep for themselves")]
    ToolsTag {
        /// Which.
        tag: String,
    },
    /// What is kept under a name was built for a part of its platforms.
    #[error("`{name}` was built with `--platform`, and lacks other platforms of its template")]
    Narrowed {
        /// In the store.
        name: String,
    },
    /// What is pushed was not built here from a template.
    #[error("`--tag plan` needs a template: what is pushed has no plan")]
    NoPlan,
    /// The user wanted to stop.
    #[error("interrupted")]
    Interrupted,
}

impl From<PartError> for Error {
    fn from(source: PartError) -> Self {
        Self::Part(Box::new(source))
    }
}

impl From<PublishError> for Error {
    fn from(source: PublishError) -> Self {
        Self::Publish(Box::new(source))
    }
}

impl From<InputError> for Error {
    fn from(source: InputError) -> Self {
        Self::Arrived(Box::new(source))
    }
}

impl Error {
    /// What it means to whoever called kiln.
    pub fn class(&self) -> Class {
        match self {
            Self::Store(StoreError::Frozen { .. }) | Self::BuiltHere { .. } => Class::Refused,
            Self::Output(error) if error.is_refusal() => Class::Refused,
            Self::Locked { .. }
            | Self::StaleFetch { .. }
            | Self::StalePackages { .. }
            | Self::Lock { error: LockError::Profile { .. }, .. } => Class::Mismatch,
            Self::Store(StoreError::Damaged { .. }) => Class::Mismatch,
            Self::Input { source, .. } | Self::Arrived(source) => source.class(),
            Self::Publish(source) | Self::Channel { source, .. } => source.class(),
            Self::Part(_) => Class::Mismatch,
            Self::Interrupted | Self::Sandbox(SandboxError::Interrupted) => Class::Interrupted,
            _ => Class::Failed,
        }
    }

    /// Whether a blob of the store was found damaged, and set aside, on the way to an output.
    pub fn is_damage(&self) -> bool {
        let Self::Output(OutputError::Blob { source, .. }) = self else { return false };
        let cause = source.get_ref().and_then(|cause| cause.downcast_ref::<StoreError>());
        matches!(cause, Some(StoreError::Damaged { .. } | StoreError::Missing { .. }))
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoTemplate { .. } => {
                Some("name a template or a directory with `kiln.toml`, or write one with `kiln init`".to_owned())
            }
            Self::Lock { error, .. } => error.hint(),
            Self::NoDpkg { .. } => {
                Some("unpack only, with `scripts = \"refuse\"`; or start from a base with dpkg, or from none".to_owned())
            }
            Self::Locked { .. } | Self::StaleFetch { .. } | Self::StalePackages { .. } => {
                Some("run `kiln lock`, review the file and commit it; or give `--no-locked`".to_owned())
            }
            Self::NotFetched { .. } => Some("`kiln lock` and `kiln build` run it".to_owned()),
            Self::Scan { source, .. } => source.hint(),
            Self::Input { source, .. } | Self::Arrived(source) => source.hint(),
            Self::ReadLayer { source, .. } => source.hint(),
            Self::Layer { source: AssembleError::Content(ContentError::Changed { .. }), .. } => {
                Some("build again when nothing writes to the source any more".to_owned())
            }
            Self::Layer { source: AssembleError::Content(ContentError::Read { .. }), .. } => {
                Some("build again: what was damaged in the store is fetched or unpacked anew".to_owned())
            }
            Self::Layer { source: AssembleError::Write(error), .. } if error.kind() == io::ErrorKind::StorageFull => {
                Some("free some space with `kiln store gc`, or use another disk with `--store DIR`".to_owned())
            }
            Self::Store(error) => error.hint(),
            Self::Sandbox(error) => error.hint(),
            Self::Residue(error) => error.hint(),
            Self::NothingToRun => Some(
                "give it one with `[config] entrypoint`, or run something of your own with `kiln shell TEMPLATE -- PROGRAM`"
                    .to_owned(),
            ),
            Self::Search(error) => error.hint(),
            Self::SecretLands { .. } => Some(
                "write it to `/tmp` or `/run`, which never become part of a layer, or remove it in the step that wrote it"
                    .to_owned(),
            ),
            Self::SecretInDocument { .. } => {
                Some("a secret belongs into `--secret` alone: take it out of the template and its variables".to_owned())
            }
            Self::PrivateKey { path, .. } => {
                Some(format!("if it is meant to be public, say so in the layer: allow-private-keys = [\"{path}\"]"))
            }
            Self::Publish(error) | Self::Channel { source: error, .. } => error.hint(),
            Self::Part(error) => error.hint(),
            Self::NoDestination => Some(
                "name one: `kiln push TEMPLATE HOST/REPOSITORY`; or write `registry` into `[publish]` of the template".to_owned(),
            ),
            Self::NoTag { .. } => Some(
                "give the image a version, in the template or with `--version`; or a tag: `--tag TAG`, or `--tag plan` for the plan's"
                    .to_owned(),
            ),
            Self::ToolsTag { .. } => Some(
                "name another one: `sha256-..`, `part-..`, `ch-..` and `kiln-probe-..` list what refers to an image, parts and moves"
                    .to_owned(),
            ),
            Self::NoPlan => Some("name the tag, or push the template".to_owned()),
            Self::Narrowed { .. } => Some(
                "build it without `--platform` first; or let each machine `kiln push --part --platform P`, and one `kiln push --parts FILES`"
                    .to_owned(),
            ),
            Self::Output(error) => error.hint(),
            Self::ImageFile(error) => error.hint(),
            Self::Index(error) => error.hint(),
            Self::BuiltHere { .. } | Self::NotAName { .. } => Some(
                "give it a name of its own, `kiln copy oci:DIR oci:OTHER:TAG`, and pull that".to_owned(),
            ),
            Self::ChoosePlatform { .. } | Self::NoSuchPlatform { .. } | Self::NoImageFor { .. } => {
                Some("choose one of them with `--platform`".to_owned())
            }
            _ => None,
        }
    }
}
