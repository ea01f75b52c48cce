//! What can go wrong around a step, as opposed to in it.

use std::io;
use std::path::PathBuf;

use crate::store::StoreError;

use super::answer::Ending;
use super::mode::{Mode, Modes};

/// A sandbox that does not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// No way of making one works.
    #[error("steps cannot run on this machine: {reasons}", reasons = reasons(.modes))]
    NoMode {
        /// Each way, and why it does not work.
        modes: Modes,
    },
    /// The way that was asked for does not work.
    #[error("steps cannot run as `{mode}` on this machine: {reason}")]
    ModeUnavailable {
        /// Which.
        mode: Mode,
        /// Why.
        reason: String,
        /// What to do.
        mend: String,
    },
    /// Something that the child was asked to do.
    #[error("cannot {doing}: {reason}")]
    Child {
        /// What, in the infinitive.
        doing: String,
        /// Why.
        reason: String,
    },
    /// The child could not be started, or stopped without an answer.
    #[error("the sandbox did not start")]
    Start {
        /// Why.
        source: io::Error,
    },
    /// The child stopped without an answer.
    #[error("the sandbox stopped without an answer: {status}")]
    Silent {
        /// How it ended.
        status: String,
    },
    /// The program of a step is not there.
    #[error("`{program}` is not in the image")]
    NoProgram {
        /// Which.
        program: String,
    },
    /// The program that a script asks for is not there.
    #[error("`{program}`, which the first line of the script names, is not in the image")]
    NoInterpreter {
        /// Which.
        program: String,
    },
    /// A program of another processor, or a file that is none.
    #[error("this machine cannot run `{program}`: it is no program, or one for another processor")]
    Foreign {
        /// Which.
        program: String,
    },
    /// The step wanted more memory than it may have, and was killed.
    #[error("it was killed because it used more than its `memory` of {memory}", memory = memory(*.limit_bytes))]
    OutOfMemory {
        /// How much it may have.
        limit_bytes: u64,
    },
    /// A step that needs more ids than there are.
    #[error("it runs as `{who}`, and `{mode}` has no id but root's", mode = Mode::OneId)]
    SecondId {
        /// Whom: `UID:GID`.
        who: String,
        /// What to do.
        mend: String,
    },
    /// A secret that could be kept nowhere but on a disk.
    #[error("it has secrets, and `{mode}` can only put them on a disk here", mode = Mode::Chroot)]
    SecretOnDisk,
    /// A directory for the sandbox cannot be made.
    #[error("cannot make `{path}`", path = path.display())]
    Area {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The step took longer than it may.
    #[error("it took longer than its `timeout` of {seconds} s")]
    TimedOut {
        /// How long it may take.
        seconds: u64,
    },
    /// The service beside a command was not there in time.
    #[error("{}", not_ready(.ending.as_ref()))]
    NotReady {
        /// How it ended, if it did.
        ending: Option<Ending>,
    },
    /// The user wants to stop.
    #[error("interrupted")]
    Interrupted,
    /// No space is left where steps write.
    #[error("no space is left in `{at}`, where steps write", at = at.display())]
    Full {
        /// Where.
        at: PathBuf,
    },
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn reasons(modes: &Modes) -> String {
    let reasons = modes.0.iter().filter_map(|(mode, works)| Some(format!("{mode}: {}", works.as_ref().err()?.reason)));
    reasons.collect::<Vec<_>>().join("; ")
}

/// What to do about a step that its memory does not suffice for.
pub const MORE_MEMORY: &str = "give the step a larger `memory`, or let it do less at once";

/// A number of bytes as templates write it.
fn memory(bytes: u64) -> String {
    let units = [(30, "G"), (20, "M"), (10, "K")];
    let whole = units.into_iter().find(|(shift, _)| bytes >> shift > 0 && bytes.trailing_zeros() >= *shift);
    whole.map_or_else(|| format!("{bytes} bytes"), |(shift, unit)| format!("{}{unit}", bytes >> shift))
}

fn not_ready(ending: Option<&Ending>) -> String {
    match ending {
        Some(ending) => format!("the service ended before it listened: {ending}"),
        None => "the service did not listen in time".to_owned(),
    }
}

impl SandboxError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoMode { .. } | Self::Start { .. } | Self::Silent { .. } => {
                Some("`kiln doctor` says what works here and what mends the rest".to_owned())
            }
            Self::ModeUnavailable { mend, .. } | Self::SecondId { mend, .. } => Some(mend.clone()),
            Self::SecretOnDisk => Some(
                "put the store in memory, where programs may run: `docker run --tmpfs /kiln:exec,size=4g` and `--store /kiln`; \
                 or build where namespaces can be had (`kiln doctor`)"
                    .to_owned(),
            ),
            Self::NoProgram { program } if program.ends_with("/sh") => Some(
                "run a program directly (`run = [\"/app\", \"--flag\"]`), or start from a base that has a shell"
                    .to_owned(),
            ),
            Self::NoInterpreter { .. } => {
                Some("add a layer that brings it, or name another program in the script's first line".to_owned())
            }
            Self::Foreign { .. } => Some(
                "steps of another platform need an emulator (`kiln doctor` looks for one), and packages that are only \
                 unpacked need none (`scripts = \"refuse\"`)"
                    .to_owned(),
            ),
            Self::OutOfMemory { .. } => Some(MORE_MEMORY.to_owned()),
            Self::NoProgram { .. } => Some("add a layer that brings it, or name its whole path".to_owned()),
            Self::TimedOut { .. } => Some("give the step a larger `timeout`".to_owned()),
            Self::Full { .. } => Some(
                "free space, or put the store elsewhere with `--store DIR`; `kiln store gc` removes what nothing needs"
                    .to_owned(),
            ),
            Self::Store(error) => error.hint(),
            Self::NotReady { .. } | Self::Child { .. } | Self::Area { .. } | Self::Interrupted => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_and_mended() {
        let error = SandboxError::OutOfMemory { limit_bytes: 60 << 20 };
        assert_eq!(error.to_string(), "it was killed because it used more than its `memory` of 60M");
        assert_eq!(error.hint().as_deref(), Some(MORE_MEMORY));
        assert_eq!([memory(2 << 30), memory(1536 << 20), memory(1000)], ["2G", "1536M", "1000 bytes"]);
        let error = SandboxError::NoInterpreter { program: "/bin/bash".to_owned() };
        assert!(error.to_string().starts_with("`/bin/bash`"), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("first line")));
    }

    #[test]
    fn a_service_that_is_not_ready_says_how_it_ended() {
        let ending = Ending { code: Some(3), ..Ending::default() };
        let ended = SandboxError::NotReady { ending: Some(ending) };
        assert_eq!(ended.to_string(), "the service ended before it listened: exit code 3");
        assert_eq!(SandboxError::NotReady { ending: None }.to_string(), "the service did not listen in time");
    }
}
