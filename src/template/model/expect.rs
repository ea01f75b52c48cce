//! What has to hold for the finished image: `[[test]]`.

use std::collections::BTreeMap;

use regex::bytes::{Regex, RegexBuilder};

use crate::base::{ContentDigest, ImagePath};
use crate::template::span::Span;

use super::{Command, Owner};

/// One `[[test]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// Unique in the template; made of what is tested if it is not given.
    pub name: String,
    /// Where its name, or else its header, stands.
    pub span: Span,
    /// The form of the image that it is for (`in`); `None`: every form that the template makes.
    pub form: Option<Form>,
    /// How long it may take, in seconds; at least one.
    pub timeout_s: Option<u64>,
    /// What is tested.
    pub check: Check,
}

/// What an image becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A container.
    Container,
    /// The disk of a machine.
    Machine,
}

/// What is tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// `run`: a command in the image.
    Run {
        /// Never a script.
        command: Command,
        /// The entrypoint is started beside it, and this port is waited for.
        service: Option<Port>,
        /// The exit code that it has to have, from 0 to 255.
        exit: i32,
        /// What it has to print.
        stdout: Option<Expected>,
        /// And to the other stream.
        stderr: Option<Expected>,
    },
    /// `file`: what is at a path of the image.
    File {
        /// Where.
        path: ImagePath,
        /// Whether something has to be there; if not, nothing else is asked.
        exists: bool,
        /// Its permission bits.
        mode: Option<u16>,
        /// Its owner, by the image's own accounts.
        owner: Option<Owner>,
        /// Text that is in it.
        contains: Option<String>,
        /// The digest of its content.
        sha256: Option<ContentDigest>,
    },
}

/// A port of the service that is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port {
    /// Never 0.
    pub number: u16,
    /// TCP or UDP.
    pub protocol: Protocol,
}

/// What is spoken at a port that can be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// TCP
    Tcp,
    /// UDP
    Udp,
}

/// What an output has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// This, byte for byte.
    Exact(String),
    /// This occurs in it.
    Contains(String),
    /// This matches somewhere in it; `^` and `$` match at the ends of lines. It was compiled once when the template was
    /// read.
    Regex(String),
}

impl Expected {
    /// Whether `output` is as expected.
    pub fn matches(&self, output: &[u8]) -> bool {
        match self {
            Self::Exact(text) => output == text.as_bytes(),
            Self::Contains(text) => text.is_empty() || output.windows(text.len()).any(|part| part == text.as_bytes()),
            Self::Regex(pattern) => regex(pattern).is_ok_and(|regex| regex.is_match(output)),
        }
    }
}

/// A pattern as it is used; the reason if it is none.
pub(in crate::template) fn regex(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).multi_line(true).build().map_err(|error| {
        // The lines before the last draw the pattern again.
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default();
        last.trim().trim_start_matches("error: ").to_owned()
    })
}

/// Gives each test that was given no name one of its own, in order.
pub(in crate::template) fn number_names(tests: &mut [Test]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for test in tests {
        let count = seen.entry(test.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            test.name = format!("{} ({count})", test.name);
        }
    }
}
