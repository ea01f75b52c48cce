//! What differs between two layers that should be the same, and why.
//!
//! ```text
//! Side a, Side b --compare()--> Comparison
//!                                  Difference   one path
//!                                     Detail    what differs of it: type, mode, owner, time, content ...
//!                                        Insight   a content looked into by its format, again for what is inside
//!                                     Cause     why, if it is one that is known, and what to change in the template
//! ```
//! The two sides come from two runs of the same steps with everything varied on purpose. [`Varied`] holds the values of
//! both runs, so a cause is not guessed: a text is taken for a date only if it is near the clock of its own run, on both
//! sides. A cause is named only if putting the same word for it into both sides makes them equal.
//!
//! Architecture Invariant: pure. Contents come through [`crate::tree::Contents`], of each no more than a bounded amount,
//! and nothing that is read here is believed: any bytes give some answer.

pub mod cause;
mod content;
pub mod difference;
pub mod insight;
mod nodes;
#[cfg(test)]
mod properties;
mod show;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use cause::{Cause, Covers, Known};
pub use difference::{Both, Comparison, Detail, Difference, Run};
pub use insight::Insight;

use crate::tree::{Changeset, Contents};

use cause::Facts;

/// Paths that are looked into; of what is beyond, only the number is told. A layer that differs in more places differs
/// for few reasons, and each path may cost two contents.
pub const DIFFERENCES_MAX: usize = 200;

/// One of the two layers.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// What it changes.
    pub changes: &'a Changeset,
    /// Where its contents are.
    pub contents: &'a dyn Contents,
}

/// What was different on purpose between the two runs: the values of the first and of the second. Two equal values mean
/// that it was not varied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Varied {
    /// Host name inside the step.
    pub hostname: (String, String),
    /// Processors that the step saw.
    pub cpus: (u32, u32),
    /// Clock when the step began, seconds since 1970.
    pub seconds: (i64, i64),
    /// `TZ`: a name, or a rule as POSIX has it.
    pub timezone: (String, String),
    /// `LC_ALL`.
    pub locale: (String, String),
    /// Who ran the step.
    pub uid: (u32, u32),
    /// Where it ran.
    pub directory: (String, String),
}

/// What differs between two layers, in path order. Of a directory that only one of them has, what is below is counted
/// and not listed.
pub fn compare(a: &Side<'_>, b: &Side<'_>, varied: &Varied) -> Comparison {
    let mut candidates = nodes::candidates(a.changes, b.changes);
    let facts = Facts::new(varied, nodes::digests(&candidates));
    let left_out = candidates.len().saturating_sub(DIFFERENCES_MAX);
    candidates.truncate(DIFFERENCES_MAX);
    let mut differences: Vec<Difference> =
        candidates.iter().map(|candidate| candidate.difference(a, b, &facts)).collect();
    nodes::explain_names(&mut differences, &facts);
    Comparison { differences, left_out }
}
