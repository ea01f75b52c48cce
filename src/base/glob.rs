//! Which paths a list of globs takes, by the rules that people know from `.gitignore` (gitignore(5), "PATTERN FORMAT").
//!
//! A pattern without a slash matches a name at any depth; one with a slash (a trailing one aside) is anchored at the root.
//! `*` and `?` stop at slashes, `**` does not. A directory that matches takes everything below it along.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::ImagePath;

/// A pattern that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is not a glob: {reason}")]
pub struct GlobError {
    /// As it was written.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: String,
}

/// A list of patterns.
#[derive(Debug, Clone, Default)]
pub struct Globs {
    set: GlobSet,
}

impl Globs {
    /// Compiles `patterns`.
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Result<Self, GlobError> {
        let mut set = GlobSetBuilder::new();
        for pattern in patterns {
            let pattern = pattern.as_ref();
            let fail =
                |error: globset::Error| GlobError { pattern: pattern.to_owned(), reason: error.kind().to_string() };
            let body = pattern.trim_end_matches('/');
            let anchored = match body.strip_prefix('/') {
                Some(rest) => rest.to_owned(),
                None if body.contains('/') => body.to_owned(),
                None => format!("**/{body}"),
            };
            let mut glob = GlobBuilder::new(&anchored);
            set.add(glob.literal_separator(true).backslash_escape(true).build().map_err(fail)?);
        }
        let set = set.build().map_err(|error| GlobError { pattern: String::new(), reason: error.to_string() })?;
        Ok(Self { set })
    }

    /// Whether there are no patterns.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// Whether a pattern matches `path` itself.
    pub fn matches(&self, path: &ImagePath) -> bool {
        !self.is_empty() && self.set.is_match(Path::new(OsStr::from_bytes(path.as_bytes())))
    }

    /// Whether a pattern matches `path` or a directory above it.
    pub fn covers(&self, path: &ImagePath) -> bool {
        if self.is_empty() {
            return false;
        }
        let bytes = path.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at);
        ends.chain([bytes.len()]).any(|end| self.set.is_match(Path::new(OsStr::from_bytes(&bytes[..end]))))
    }
}

/// What is taken: everything that `include` covers, or everything if it is empty, but for what `exclude` covers.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    include: Globs,
    exclude: Globs,
}

impl Selection {
    /// Compiles both lists.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, GlobError> {
        Ok(Self { include: Globs::new(include)?, exclude: Globs::new(exclude)? })
    }

    /// Whether it takes everything.
    pub fn is_everything(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// Whether `path` is taken. Directories on the way to something taken are the caller's to keep.
    pub fn takes(&self, path: &ImagePath) -> bool {
        (self.include.is_empty() || self.include.covers(path)) && !self.exclude.covers(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(include: &[&str], exclude: &[&str], path: &str) -> bool {
        let own = |list: &[&str]| list.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        let selection = Selection::new(&own(include), &own(exclude)).expect("globs");
        selection.takes(&ImagePath::parse(path.as_bytes()).expect("a path"))
    }

    #[test]
    fn patterns_mean_what_they_mean_to_git() {
        assert!(taken(&[], &[], "a/b"));
        assert!(taken(&["*.html"], &[], "a/b.html") && !taken(&["*.html"], &[], "a/b.css"));
        assert!(taken(&["a/*.css"], &[], "a/b.css") && !taken(&["a/*.css"], &[], "a/c/b.css"));
        assert!(taken(&["/a"], &[], "a/b/c") && !taken(&["/a"], &[], "b/a"));
        assert!(!taken(&[], &["node_modules/"], "x/node_modules/y/z"));
        assert!(!taken(&["**"], &["a/**/z"], "a/b/c/z"));
    }

    #[test]
    fn a_pattern_that_is_none_is_named() {
        assert!(matches!(Globs::new(&["a[b"]), Err(GlobError { pattern, .. }) if pattern == "a[b"));
    }
}
