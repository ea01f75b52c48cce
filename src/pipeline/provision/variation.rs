//! What steps may not depend on, and which values of it a build gives them.
//!
//! The values of the default are every build's. Others are given to find out what depends on them.

use std::collections::{BTreeMap, BTreeSet};

use crate::sandbox::{Layout, Stamp};

/// The host name that steps see.
const HOSTNAME: &str = "kiln";

/// The values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variation {
    /// Host name.
    pub hostname: String,
    /// Processors of steps that do not say how many they want; `None`: all.
    pub cpus: Option<u32>,
    /// Number of the first process; `None`: the smallest.
    pub first_pid: Option<u32>,
    /// How the trees lie that a step stands on and is given, which decides the order of directories.
    pub layout: Layout,
    /// Whether it is remembered which step touched which file.
    pub attribution: Attribution,
}

/// Whether it is remembered which step touched which file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribution {
    /// It is not.
    Forgotten,
    /// It is; this takes a look at all that a layer has changed after each of its commands.
    Remembered,
}

impl Default for Variation {
    fn default() -> Self {
        Self {
            hostname: HOSTNAME.to_owned(),
            cpus: None,
            first_pid: None,
            layout: Layout::Plain,
            attribution: Attribution::Forgotten,
        }
    }
}

/// Which steps of a layer touched which file: paths as people read them, steps from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched(BTreeMap<String, BTreeSet<usize>>);

impl Touched {
    /// The steps that touched a file.
    pub fn steps(&self, path: &str) -> impl Iterator<Item = usize> {
        self.0.get(path).into_iter().flatten().copied()
    }

    /// Adds what a command did to the files of an upper directory.
    pub(super) fn put(&mut self, step: usize, before: &Files, after: &Files) {
        let is_changed = |(path, stamp): &(&String, &Stamp)| before.get(*path) != Some(*stamp);
        let gone = before.keys().filter(|path| !after.contains_key(*path));
        for path in after.iter().filter(is_changed).map(|(path, _)| path).chain(gone) {
            self.0.entry(path.clone()).or_default().insert(step);
        }
    }
}

/// The files of an upper directory.
pub(super) type Files = BTreeMap<String, Stamp>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_steps_that_touched_it() {
        let files = |list: &[(&str, u64)]| -> Files {
            list.iter().map(|(path, inode)| ((*path).to_owned(), (*inode, 0))).collect()
        };
        let mut touched = Touched::default();
        touched.put(1, &files(&[]), &files(&[("/a", 1), ("/b", 2)]));
        touched.put(3, &files(&[("/a", 1), ("/b", 2)]), &files(&[("/a", 9), ("/c", 3)]));
        let steps = |path: &str| touched.steps(path).collect::<Vec<_>>();
        assert_eq!((steps("/a"), steps("/b"), steps("/c")), (vec![1, 3], vec![1, 3], vec![3]));
        assert!(steps("/d").is_empty());
    }
}
