//! The lock file: what kiln resolved, reviewed in git, read by everything else.
//!
//! ```text
//! # kiln.lock: ...
//! version = 1
//! profile = "1"
//! epoch = "2026-01-01T00:00:00Z"         the time of files
//! created = "2026-11-01T00:00:00Z"       the time in config and annotations
//! platforms = ["linux/amd64"]            only if the template names none
//! ```
//! Inputs that are not beside the template will have an entry each; files beside it are pinned by git. There is no
//! checksum over the whole, so that two branches that change different entries merge.
//!
//! Architecture Invariant: pure. The clock and SOURCE_DATE_EPOCH come in as values, and only where a lock is made.

pub mod file;
pub mod settle;

pub use file::{Accept, Lock, LockError, PROFILE};
pub use settle::{Asked, Change, Move, Settled, complete, move_entry, settle};
