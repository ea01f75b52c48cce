//! Why packages cannot be unpacked.

use crate::base::ImagePath;

/// Packages that cannot be unpacked, or a database that is damaged.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// A file of dpkg's database that cannot be read as one.
    #[error("line {line} of `{path}` is damaged: {reason}")]
    Damaged {
        /// Which file.
        path: ImagePath,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        reason: &'static str,
    },
}

impl InstallError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some("mend the file where it comes from".to_owned())
    }
}

/// A package that does not work without its scripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeedsScripts {
    /// Its name.
    pub package: String,
    /// Which scripts, for people.
    pub scripts: Vec<&'static str>,
}
