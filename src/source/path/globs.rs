//! `include` and `exclude`: globs relative to the source's root, read as a `.gitignore` at the root would be.
//!
//! A pattern without a slash (but for one at its end) matches at any depth; with one it starts at the root. A slash at
//! the end matches directories only. What matches a directory holds for everything in it. `*` and `?` do not match a
//! slash, `**` does; unlike in a `.gitignore`, `{a,b}` is a choice, and `!` and `#` are letters.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

use super::error::ScanError;

/// What an entry is, as far as patterns care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Is {
    Directory,
    Other,
}

/// Patterns of `include` or `exclude`.
#[derive(Debug)]
pub(super) struct Globs {
    set: GlobSet,
    /// As it was written, and whether it matches directories only.
    globs: Vec<(String, Option<Is>)>,
}

impl Globs {
    pub(super) fn new(globs: &[String], root: &Path) -> Result<Self, ScanError> {
        let mut set = GlobSetBuilder::new();
        let mut kept = Vec::with_capacity(globs.len());
        for glob in globs {
            let fail = |source| ScanError::Glob { root: root.to_owned(), glob: glob.clone(), source };
            let body = glob.trim_end_matches('/');
            let only = (body.len() < glob.len()).then_some(Is::Directory);
            set.add(anchored(body).map_err(fail)?);
            kept.push((glob.clone(), only));
        }
        let fail = |source| ScanError::Glob { root: root.to_owned(), glob: globs.join(" "), source };
        Ok(Self { set: set.build().map_err(fail)?, globs: kept })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.globs.is_empty()
    }

    /// The first pattern that matches `path` itself.
    pub(super) fn matching(&self, path: &[u8], is: Is) -> Option<&str> {
        if self.globs.is_empty() {
            return None;
        }
        let matches = self.set.matches(OsStr::from_bytes(path));
        let mut globs = matches.iter().map(|i| &self.globs[*i]);
        globs.find(|(_, only)| only.is_none_or(|only| only == is)).map(|(glob, _)| glob.as_str())
    }
}

fn anchored(body: &str) -> Result<Glob, globset::Error> {
    let text = match body.strip_prefix('/') {
        Some(rest) => rest.to_owned(),
        None if body.contains('/') || body == "**" => body.to_owned(),
        None => format!("**/{body}"),
    };
    GlobBuilder::new(&text).literal_separator(true).backslash_escape(true).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_read_as_in_a_gitignore() -> Result<(), ScanError> {
        let matches = |glob: &str, path: &str, is| -> Result<bool, ScanError> {
            Ok(Globs::new(&[glob.to_owned()], Path::new("x"))?.matching(path.as_bytes(), is).is_some())
        };
        assert!(matches("*.o", "a/b/c.o", Is::Other)?);
        assert!(matches("*.{o,a}", "c.a", Is::Other)?);
        assert!(matches("/c.o", "c.o", Is::Other)? && !matches("/c.o", "a/c.o", Is::Other)?);
        assert!(matches("a/*.o", "a/c.o", Is::Other)? && !matches("a/*.o", "x/a/c.o", Is::Other)?);
        assert!(!matches("a/*.o", "a/b/c.o", Is::Other)? && matches("a/**/*.o", "a/b/c.o", Is::Other)?);
        assert!(matches("out/", "x/out", Is::Directory)? && !matches("out/", "x/out", Is::Other)?);
        assert!(matches!(matches("a[", "a", Is::Other), Err(ScanError::Glob { glob, .. }) if glob == "a["));
        Ok(())
    }
}
