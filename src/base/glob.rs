//! Which paths a list of globs takes, by the rules that people know from `.gitignore` (gitignore(5), "PATTERN FORMAT").
//!
//! A pattern without a slash (but for one at its end) matches at any depth; with one it starts at the root. A slash at the
//! end matches directories only. What matches a directory holds for everything in it. `*` and `?` do not match a slash,
//! `**` does; unlike in a `.gitignore`, `{a,b}` is a choice, and `!` and `#` are letters.

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

/// What an entry is, as far as patterns care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Is {
    /// A directory.
    Directory,
    /// Anything else.
    Other,
}

/// A list of patterns.
#[derive(Debug, Clone, Default)]
pub struct Globs {
    set: GlobSet,
    /// As it was written, and whether it matches directories only.
    globs: Vec<(String, Option<Is>)>,
}

impl Globs {
    /// Compiles `patterns`.
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Result<Self, GlobError> {
        let mut set = GlobSetBuilder::new();
        let mut globs = Vec::with_capacity(patterns.len());
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
            globs.push((pattern.to_owned(), (body.len() < pattern.len()).then_some(Is::Directory)));
        }
        let set = set.build().map_err(|error| GlobError { pattern: String::new(), reason: error.to_string() })?;
        Ok(Self { set, globs })
    }

    /// Whether there are no patterns.
    pub fn is_empty(&self) -> bool {
        self.globs.is_empty()
    }

    /// The first pattern that matches `path` itself.
    pub fn matching(&self, path: &[u8], is: Is) -> Option<&str> {
        if self.is_empty() {
            return None;
        }
        let matches = self.set.matches(Path::new(OsStr::from_bytes(path)));
        let mut globs = matches.iter().map(|at| &self.globs[*at]);
        globs.find(|(_, only)| only.is_none_or(|only| only == is)).map(|(glob, _)| glob.as_str())
    }

    /// Whether a pattern matches `path` or a directory above it.
    pub fn covers(&self, path: &ImagePath, is: Is) -> bool {
        if self.is_empty() {
            return false;
        }
        let bytes = path.as_bytes();
        let mut above = bytes.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at);
        above.any(|end| self.matching(&bytes[..end], Is::Directory).is_some()) || self.matching(bytes, is).is_some()
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
    pub fn takes(&self, path: &ImagePath, is: Is) -> bool {
        (self.include.is_empty() || self.include.covers(path, is)) && !self.exclude.covers(path, is)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(include: &[&str], exclude: &[&str], path: &str) -> bool {
        let own = |list: &[&str]| list.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        let selection = Selection::new(&own(include), &own(exclude)).expect("globs");
        selection.takes(&ImagePath::parse(path.as_bytes()).expect("a path"), Is::Other)
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
    fn patterns_match_as_in_a_gitignore() {
        let matches =
            |glob: &str, path: &str, is| Globs::new(&[glob]).expect("a glob").matching(path.as_bytes(), is).is_some();
        assert!(matches("*.o", "a/b/c.o", Is::Other) && matches("**", "a/b", Is::Other));
        assert!(matches("*.{o,a}", "c.a", Is::Other));
        assert!(matches("/c.o", "c.o", Is::Other) && !matches("/c.o", "a/c.o", Is::Other));
        assert!(matches("a/*.o", "a/c.o", Is::Other) && !matches("a/*.o", "x/a/c.o", Is::Other));
        assert!(!matches("a/*.o", "a/b/c.o", Is::Other) && matches("a/**/*.o", "a/b/c.o", Is::Other));
        assert!(matches("out/", "x/out", Is::Directory) && !matches("out/", "x/out", Is::Other));
        assert!(taken(&[], &["out/"], "x/out") && !taken(&[], &["out/"], "x/out/y"));
        let two = Globs::new(&["a", "b/"]).expect("globs");
        assert_eq!((two.matching(b"x/b", Is::Directory), two.matching(b"x/b", Is::Other)), (Some("b/"), None));
    }

    #[test]
    fn a_pattern_that_is_none_is_named() {
        assert!(matches!(Globs::new(&["a[b"]), Err(GlobError { pattern, .. }) if pattern == "a[b"));
    }
}
