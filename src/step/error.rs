//! Steps that cannot be done, and those that can but look wrong.

use crate::base::ImagePath;
use crate::base::glob::GlobError;
use crate::template::Span;
use crate::tree::ContentError;
use crate::tree::resolve::ResolveError;

use super::enable::UnitError;

/// A step that cannot be done, with its place in the template.
#[derive(Debug, thiserror::Error)]
#[error("layer `{layer}`: {error}")]
pub struct StepFailure {
    /// Name of the layer.
    pub layer: String,
    /// Where the step stands.
    pub span: Span,
    /// Why. It is shown as part of this error, so it is not its source.
    pub error: StepError,
}

/// Why a step cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The source has no such file, or it was left out.
    #[error("source `{source_name}` has no `{path}`")]
    NotInSource {
        /// Name of the source.
        source_name: String,
        /// What was asked of it.
        path: ImagePath,
    },
    /// Nothing is left to copy.
    #[error("nothing of source `{source_name}` is selected by `include` and `exclude`")]
    NothingSelected {
        /// Name of the source.
        source_name: String,
    },
    /// A path cannot be resolved.
    #[error("cannot find the place of a target: {0}")]
    Resolve(ResolveError),
    /// A file or link is to go where a directory is.
    #[error("`{path}` is a directory; a {kind} cannot take its place")]
    DirectoryInTheWay {
        /// Where.
        path: ImagePath,
        /// What was to go there.
        kind: &'static str,
    },
    /// A name that means the removal of another one to everybody who reads layers.
    #[error("`{path}`: a file whose name begins with `.wh.` would remove another one from the image")]
    WhiteoutName {
        /// Where.
        path: ImagePath,
    },
    /// A directory is to go where something else is.
    #[error("`{path}` is not a directory; a directory cannot take its place")]
    NotADirectory {
        /// Where.
        path: ImagePath,
    },
    /// No such user in `/etc/passwd`.
    #[error("no user `{name}` in the image's /etc/passwd at this step")]
    UnknownUser {
        /// The name.
        name: String,
        /// The one that looks most like it.
        nearest: Option<String>,
    },
    /// No such group in `/etc/group`.
    #[error("no group `{name}` in the image's /etc/group at this step")]
    UnknownGroup {
        /// The name.
        name: String,
        /// The one that looks most like it.
        nearest: Option<String>,
    },
    /// The user or group is there already.
    #[error("the image already has a {what} `{name}`")]
    AccountExists {
        /// `user` or `group`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The number belongs to somebody else.
    #[error("the number {id} of `{name}` already belongs to {what} `{holder}`")]
    IdTaken {
        /// Who was to get it.
        name: String,
        /// The number.
        id: u32,
        /// `user` or `group`.
        what: &'static str,
        /// Who has it.
        holder: String,
    },
    /// All numbers of the range are given away.
    #[error("no number is free for `{name}`")]
    NoFreeId {
        /// Who was to get one.
        name: String,
    },
    /// A text that would break the account file apart.
    #[error("`{value}` cannot stand in an account file: it has a `:` or a line break")]
    BadField {
        /// The text.
        value: String,
    },
    /// An account file that cannot be read as one.
    #[error("line {line} of the image's `{path}` is not an entry of that file")]
    DamagedAccounts {
        /// Which file.
        path: ImagePath,
        /// Counted from 1.
        line: usize,
    },
    /// A command, where only the functions on trees are at hand.
    #[error("this step runs a command, which needs the sandbox")]
    NeedsSandbox,
    /// A glob is none.
    #[error(transparent)]
    Glob(#[from] GlobError),
    /// A unit cannot be enabled.
    #[error(transparent)]
    Unit(Box<UnitError>),
    /// The content of an account file or a unit cannot be read.
    #[error("cannot read a file of the image: {0}")]
    Content(ContentError),
}

impl From<ResolveError> for StepError {
    fn from(error: ResolveError) -> Self {
        Self::Resolve(error)
    }
}

impl From<ContentError> for StepError {
    fn from(error: ContentError) -> Self {
        Self::Content(error)
    }
}

impl From<UnitError> for StepError {
    fn from(error: UnitError) -> Self {
        Self::Unit(Box::new(error))
    }
}

impl StepError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotInSource { source_name, .. } => {
                Some(format!("see what the source holds with `kiln plan --files {source_name}`"))
            }
            Self::NothingSelected { source_name } => Some(format!(
                "patterns are relative to what is copied; see what there is with `kiln plan --files {source_name}`"
            )),
            Self::UnknownUser { name, nearest } | Self::UnknownGroup { name, nearest } => Some(match nearest {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!("make it in an earlier step with `adduser = \"{name}\"`, or use a number"),
            }),
            Self::AccountExists { what: "group", name } => {
                Some(format!("to put a user into the existing group, write `group = \"{name}\"`"))
            }
            Self::AccountExists { .. } => Some("remove the step, or choose another name".to_owned()),
            Self::IdTaken { .. } | Self::NoFreeId { .. } => Some("give another number, or none".to_owned()),
            Self::DirectoryInTheWay { path, .. } => {
                Some(format!("remove it in an earlier step with `remove = \"{path}\"`, or put a `/` behind the target"))
            }
            Self::NotADirectory { path } => Some(format!("remove it in an earlier step with `remove = \"{path}\"`")),
            Self::WhiteoutName { .. } => Some("rename it, or leave it out with `exclude = [\".wh.*\"]`".to_owned()),
            Self::DamagedAccounts { .. } => Some("mend the file where it comes from".to_owned()),
            Self::Unit(error) => error.hint(),
            Self::NeedsSandbox => Some("this is a fault in kiln: please report it with the template".to_owned()),
            Self::Resolve(_) | Self::BadField { .. } | Self::Glob(_) | Self::Content(_) => None,
        }
    }
}

/// A step that can be done but looks wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepWarning {
    /// Two steps of one layer write the same file; the later one wins.
    WrittenTwice {
        /// Where.
        path: ImagePath,
        /// The step that wins.
        span: Span,
    },
    /// A glob that matches nothing.
    RemovedNothing {
        /// The glob.
        glob: String,
        /// The step.
        span: Span,
    },
    /// A unit whose `[Install]` section is missing or empty.
    NothingToEnable {
        /// Its name.
        unit: String,
        /// The step.
        span: Span,
    },
    /// A unit that another one names in `Also`, and that is masked or not there.
    CompanionMissing {
        /// Its name.
        unit: String,
        /// The step.
        span: Span,
    },
}

impl StepWarning {
    /// Where the step stands.
    pub fn span(&self) -> Span {
        match self {
            Self::WrittenTwice { span, .. }
            | Self::RemovedNothing { span, .. }
            | Self::NothingToEnable { span, .. }
            | Self::CompanionMissing { span, .. } => *span,
        }
    }
}

impl std::fmt::Display for StepWarning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::WrittenTwice { path, .. } => write!(f, "`{path}` is written twice in this layer; this step wins"),
            Self::RemovedNothing { glob, .. } => write!(f, "`{glob}` matches nothing in the image"),
            Self::NothingToEnable { unit, .. } => {
                write!(f, "the unit `{unit}` says nothing in `[Install]`: enabling it changes nothing")
            }
            Self::CompanionMissing { unit, .. } => {
                write!(f, "the unit `{unit}`, which another one enables with it, is masked or not there")
            }
        }
    }
}
