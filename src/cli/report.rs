//! Errors, warnings and hints as people read them.

use std::error::Error as _;
use std::io::{self, Write};

use crate::base::Class;
use crate::pipeline::{Error, Prepared};
use crate::source::path::Warning;
use crate::template::{Files, Finding, Style, render};

use super::environment::NoStore;

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A stage failed.
    #[error(transparent)]
    Pipeline(Box<Error>),
    /// The surroundings lack something.
    #[error(transparent)]
    NoStore(#[from] NoStore),
    /// A file that configures kiln says something that means nothing.
    #[error("the configuration cannot be used")]
    Configuration {
        /// What, and where.
        findings: Vec<Finding>,
        /// The texts.
        files: Files,
    },
    /// The command line is not right in a way that its grammar cannot say.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do next.
        hint: String,
    },
    /// What was compared differs.
    #[error("{message}")]
    Mismatch {
        /// What.
        message: String,
    },
    /// Something was found that should not be.
    #[error("{message}")]
    Found {
        /// What.
        message: String,
        /// What to do next.
        hint: Option<String>,
    },
    /// What was to be made is there already.
    #[error("{message}")]
    Refused {
        /// What.
        message: String,
        /// What to do next.
        hint: String,
    },
    /// The result cannot be written.
    #[error("cannot write {what}")]
    Write {
        /// What.
        what: String,
        /// Why.
        source: io::Error,
    },
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Pipeline(Box::new(error))
    }
}

impl From<crate::store::StoreError> for Failure {
    fn from(error: crate::store::StoreError) -> Self {
        Error::from(error).into()
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Error::from(error).into()
    }
}

impl Failure {
    /// The exit code (DESIGN, exit codes).
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Pipeline(error) => code(error.class()),
            Self::NoStore(_) | Self::Configuration { .. } | Self::Found { .. } | Self::Write { .. } => 1,
            Self::Usage { .. } => 2,
            Self::Refused { .. } => 3,
            Self::Mismatch { .. } => 4,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Pipeline(error) => error.hint(),
            Self::NoStore(_) => Some("set HOME, or give `--store DIR`".to_owned()),
            Self::Usage { hint, .. } | Self::Refused { hint, .. } => Some(hint.clone()),
            Self::Found { hint, .. } => hint.clone(),
            Self::Configuration { .. } | Self::Mismatch { .. } | Self::Write { .. } => None,
        }
    }
}

/// The exit code of a class.
pub fn code(class: Class) -> u8 {
    match class {
        Class::Failed => 1,
        Class::Refused => 3,
        Class::Mismatch => 4,
        Class::Unavailable => 5,
        Class::Interrupted => 130,
    }
}

/// How much is said on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loudness {
    /// Failures alone.
    Quiet,
    /// What matters.
    Normal,
    /// Everything.
    Verbose,
}

/// Writes to stderr.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    /// How much is said.
    pub loudness: Loudness,
    /// With colors or without.
    pub style: Style,
}

impl Report {
    /// Says a failure: what, why, what to do next.
    pub fn failure(&self, failure: &Failure) {
        if let Failure::Pipeline(error) = failure
            && let Error::Template { findings, files, .. } = &**error
        {
            self.stderr(&render(findings, files, self.style));
            return;
        }
        if let Failure::Configuration { findings, files } = failure {
            self.stderr(&render(findings, files, self.style));
            return;
        }
        let mut text = format!("{} {}\n", self.paint("31;1", "error:"), shown(&failure.to_string()));
        let mut source = failure.source();
        while let Some(cause) = source {
            text.push_str(&format!("  because: {}\n", shown(&cause.to_string())));
            source = cause.source();
        }
        if let Some(hint) = failure.hint() {
            text.push_str(&format!("  {} {}\n", self.paint("36", "help:"), shown(&hint)));
        }
        self.stderr(&text);
    }

    /// Of several failures, says all but the one with the highest exit code, which ends the command.
    pub fn worst(&self, mut failures: Vec<Failure>) -> Result<(), Failure> {
        failures.sort_by_key(Failure::exit_code);
        let Some(worst) = failures.pop() else { return Ok(()) };
        failures.iter().for_each(|failure| self.failure(failure));
        Err(worst)
    }

    /// Says what looks wrong in a template.
    pub fn findings(&self, findings: &[Finding], files: &Files) {
        if self.loudness > Loudness::Quiet && !findings.is_empty() {
            self.stderr(&render(findings, files, self.style));
        }
    }

    /// Says what looks wrong in a build that was prepared: in its template, and in its sources.
    pub fn prepared(&self, prepared: &Prepared) {
        self.findings(&prepared.warnings, &prepared.loaded.files);
        for (source, warning) in prepared.gathered.warnings() {
            self.source_warning(source, warning);
        }
    }

    /// Says what looks wrong in a source.
    fn source_warning(&self, source: &str, warning: &Warning) {
        self.warn(&format!("source `{source}`: {warning}"), warning.hint());
    }

    /// Says that something looks wrong.
    pub fn warn(&self, message: &str, hint: Option<String>) {
        if self.loudness == Loudness::Quiet {
            return;
        }
        let mut text = format!("{} {}\n", self.paint("33;1", "warning:"), shown(message));
        if let Some(hint) = hint {
            text.push_str(&format!("  {} {}\n", self.paint("36", "help:"), shown(&hint)));
        }
        self.stderr(&text);
    }

    /// Says what failed, however quiet it is to be.
    pub fn failed(&self, message: &str) {
        self.stderr(&format!("{message}\n"));
    }

    /// Says what was done.
    pub fn note(&self, message: &str) {
        if self.loudness > Loudness::Quiet {
            self.stderr(&format!("{message}\n"));
        }
    }

    /// Says a detail.
    pub fn detail(&self, message: &str) {
        if self.loudness == Loudness::Verbose {
            self.stderr(&format!("{message}\n"));
        }
    }

    /// `text` in a color, if colors are used.
    pub fn paint(&self, code: &str, text: &str) -> String {
        paint(self.style, code, text)
    }

    fn stderr(&self, text: &str) {
        // Nobody is left to tell if stderr is closed.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}

/// A text that others may have written, without anything that a terminal would obey.
fn shown(text: &str) -> String {
    let obeyed = |c: char| c.is_control() && c != '\n' && c != '\t';
    text.chars().map(|c| if obeyed(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// `text` in a color, if `style` has colors.
pub fn paint(style: Style, code: &str, text: &str) -> String {
    match style {
        Style::Plain => text.to_owned(),
        Style::Color => format!("\x1b[{code}m{text}\x1b[0m"),
    }
}

/// Writes a result to stdout. A reader that has gone away, such as `head`, is no failure.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Write { what: "the result".to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Writes a result as JSON.
pub fn print_json<T: serde::Serialize>(value: &T) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    print(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_that_others_wrote() {
        assert_eq!(shown("made \u{1b}[2Jyesterday\u{7}\nline\ttwo ü"), "made \\u{1b}[2Jyesterday\\u{7}\nline\ttwo ü");
    }
}
