//! The reasons of one difference while they are collected.

use std::collections::BTreeMap;

use super::{Cause, Covers, Known};

/// How often each cause was found, and whether there is a rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reasons {
    known: BTreeMap<Known, usize>,
    rest: bool,
}

impl Reasons {
    /// Nothing but a rest.
    pub(crate) fn unknown() -> Self {
        Self { known: BTreeMap::new(), rest: true }
    }

    /// One cause.
    pub(crate) fn one(known: Known) -> Self {
        let mut reasons = Self::default();
        reasons.put(known);
        reasons
    }

    /// One more cause.
    pub(crate) fn put(&mut self, known: Known) {
        *self.known.entry(known).or_default() += 1;
    }

    /// Something that nothing known explains.
    pub(crate) fn put_rest(&mut self) {
        self.rest = true;
    }

    /// What explains one part; an empty list explains nothing.
    pub(crate) fn put_all(&mut self, known: &[Known]) {
        self.rest |= known.is_empty();
        known.iter().for_each(|known| self.put(*known));
    }

    /// The reasons of something inside.
    pub(crate) fn merge(&mut self, inner: Self) {
        self.rest |= inner.rest;
        for (known, count) in inner.known {
            *self.known.entry(known).or_default() += count;
        }
    }

    /// Whether all is explained.
    pub(crate) fn is_complete(&self) -> bool {
        !self.rest && !self.known.is_empty()
    }

    /// The cause that was found most often; of several the first of [`Known`].
    pub(crate) fn cause(&self) -> Option<Cause> {
        let most = *self.known.values().max()?;
        let (known, _) = self.known.iter().find(|(_, count)| **count == most)?;
        let covers = if self.rest || self.known.len() > 1 { Covers::Part } else { Covers::All };
        Some(Cause { known: *known, covers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_cause_is_named_and_a_rest_is_admitted() {
        let mut reasons = Reasons::default();
        assert_eq!(reasons.cause(), None);
        reasons.put(Known::Clock);
        assert_eq!(reasons.cause(), Some(Cause { known: Known::Clock, covers: Covers::All }));
        reasons.put_all(&[Known::Directory, Known::Directory]);
        assert_eq!(reasons.cause(), Some(Cause { known: Known::Directory, covers: Covers::Part }));
        assert_eq!(Reasons::unknown().cause(), None);
        let mut partly = Reasons::one(Known::Random);
        partly.put_all(&[]);
        assert_eq!(partly.cause(), Some(Cause { known: Known::Random, covers: Covers::Part }));
    }
}
