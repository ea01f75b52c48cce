//! What is said of a step: which it is, and why it failed.

use crate::base::shell::quoted;
use crate::pipeline::evaluate::Stop;
use crate::sandbox::{Mode, Refusal};
use crate::step::{StepError, StepFailure};
use crate::template::{Command, Run};

use super::advice::{Memory, Network, advice};
use super::fetch::Making;
use super::layer::Running;

impl Running<'_, '_, '_> {
    /// A failure of the step that runs now.
    pub(super) fn step_failure(&self, error: StepError) -> Stop {
        let span = self.step.map_or(self.given.layer.span, |step| step.span);
        Stop::Step(StepFailure { layer: self.given.layer.name.clone(), span, error })
    }

    /// The same in words.
    pub(super) fn failure(&self, message: String, hint: Option<String>) -> Stop {
        let span = self.step.map_or(self.given.layer.span, |step| step.span);
        let noun = match self.making {
            Making::Layer => "layer",
            Making::Source => "source",
        };
        Stop::Command { span, message: format!("{noun} `{}`: {message}", self.given.layer.name), hint }
    }

    pub(super) fn advice(&self, run: &Run, memory: Memory) -> String {
        let network = if run.network { Network::Shared } else { Network::Alone };
        let memory = if run.memory_bytes.is_some() { memory } else { Memory::Unlimited };
        advice(self.making, &self.log.tail(), network, memory, self.given.store.root())
    }
}

/// A command, for people.
pub(crate) fn describe(command: &Command) -> String {
    match command {
        Command::Shell { text, .. } => text.trim().to_owned(),
        Command::Argv(words) => quoted(words),
        Command::Script { from, args } => {
            format!("{}:{} {}", from.source, from.path, quoted(args)).trim_end().to_owned()
        }
    }
}

/// What a step asked for that there are not enough ids for.
pub(super) fn not_given(refused: &[Refusal]) -> String {
    let asked: Vec<String> = refused.iter().map(ToString::to_string).collect();
    format!("asked {}, which `{}` cannot give", asked.join(" and "), Mode::OneId)
}
