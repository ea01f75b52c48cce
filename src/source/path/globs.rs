//! `include` and `exclude`: globs relative to the source's root, read as everywhere in a template ([`crate::base::glob`]).

use std::path::Path;

pub(super) use crate::base::glob::{Globs, Is};

use super::error::ScanError;

/// Compiles the patterns of the source at `root`.
pub(super) fn globs(globs: &[String], root: &Path) -> Result<Globs, ScanError> {
    Globs::new(globs).map_err(|source| ScanError::Glob { root: root.to_owned(), source })
}
