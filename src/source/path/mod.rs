//! Path sources: a directory or a file beside the template, as a value.
//!
//! ```text
//! ScanRequest --walk--> Found --digest--> Scan { tree, origins, warnings, left_out, known }
//!   probe     what time it is on the source's file system (see "Racy files")
//!   walk      directories, spread over threads; rules decide what is taken
//!   rules     .gitignore, .dockerignore, include and exclude, git's index
//!   content   the digests of files that are not known yet
//!   known     what was digested last time, for files whose stat is the same
//!   origins   reads the bytes again when a layer is written, and notices if they changed
//! ```
//! **What is taken.** [`Selection::Committed`]: what git would commit, that is tracked files, and untracked files that no
//! `.gitignore` between the repository's root and the file ignores; then `.dockerignore` at the source's root. Empty
//! directories are dropped. Without a repository the same rules hold with the `.gitignore` files below the source's root.
//! A submodule is taken as its own repository would commit it; other nested repositories are left out, as git does.
//! [`Selection::Everything`]: all but `.git`.
//!
//! **Racy files**, as in git's index: a file's stat proves that it is unchanged only if the clock moved on between its
//! last change and the moment it was read. A probe file made on the same file system says what time it is there. What is
//! not older than the probe is neither trusted nor remembered.
//!
//! Architecture Invariant: the result depends on names, modes, link targets and contents, and on nothing else of the
//! machine: not on times, owners, umask, hard links, order of creation or the number of threads.
//!
//! Architecture Invariant: nothing that git reads from outside of the repository (global excludes, `info/exclude`,
//! `core.*`) has a say here, because it differs from machine to machine.

mod attributes;
mod content;
mod error;
mod files;
mod globs;
mod known;
mod left_out;
mod open;
mod origins;
mod probe;
mod repository;
mod rules;
mod scan;
mod stat;
mod walk;
mod warning;
mod xattrs;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests_cache;
#[cfg(test)]
mod tests_selection;

pub use error::ScanError;
pub use known::KnownFiles;
pub use left_out::{LeftOut, Reason, Rule, Special};
pub use origins::Origins;
pub use scan::{Form, KnownChange, Scan, ScanRequest, Selection, scan};
pub use warning::Warning;
