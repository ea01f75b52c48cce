//! Why an index, dpkg's database or a control file is not read.

use super::version::VersionError;

/// A file of paragraphs that is damaged, or not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// Every such file is UTF-8.
    #[error("byte {offset} is not UTF-8")]
    NotText {
        /// The first byte that is not.
        offset: usize,
    },
    /// Not fields with values.
    #[error("expected fields with values: {reason}")]
    Syntax {
        /// What is wrong.
        reason: String,
    },
    /// One paragraph is expected.
    #[error("expected one paragraph, found {found}")]
    Count {
        /// How many there are.
        found: usize,
    },
    /// Readers differ on which of them counts.
    #[error("the field `{field}` is there twice")]
    Twice {
        /// Its name.
        field: String,
    },
    /// A paragraph does not say what it is about.
    #[error("a paragraph has no field `Package`")]
    Nameless,
    /// A package lacks a field that is needed.
    #[error("package `{package}` has no field `{field}`")]
    Missing {
        /// Its name.
        package: String,
        /// What is missing.
        field: &'static str,
    },
    /// A field holds something else than it should.
    #[error("field `{field}` of package `{package}` is `{found}`, expected {expected}")]
    Field {
        /// Its name.
        package: String,
        /// Which field.
        field: &'static str,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// A version that is none.
    #[error("package `{package}` has no good version")]
    Version {
        /// Its name.
        package: String,
        /// What is wrong.
        source: VersionError,
    },
    /// Something that should name packages.
    #[error("`{found}` does not name a package: {reason}")]
    Relation {
        /// What is there.
        found: String,
        /// What is wrong.
        reason: &'static str,
    },
}

impl IndexError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some("this is the file's own mistake: tell those who made it, or take the package from elsewhere".to_owned())
    }
}
