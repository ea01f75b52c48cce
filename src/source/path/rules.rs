//! `.gitignore` and `.dockerignore`: which line has the last word on a path.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::globs::Is;
use super::left_out::Rule;

/// One `.gitignore`, and those of the directories above it.
#[derive(Debug)]
pub(super) struct IgnoreFile {
    above: Option<Arc<Self>>,
    /// How many bytes of a path in the repository lead to the directory of this file, its slash included.
    base_bytes: usize,
    file: String,
    matcher: Gitignore,
    /// Line number, what the matcher was given, what is written.
    lines: Vec<(usize, String, String)>,
}

impl IgnoreFile {
    /// Reads the text of `DIRECTORY/.gitignore`, where `directory` is relative to the repository. Lines that are not
    /// patterns are given back; git skips them too.
    pub(super) fn parse(text: &[u8], directory: &[u8], above: Option<Arc<Self>>) -> (Option<Arc<Self>>, Vec<Rule>) {
        let prefix = if directory.is_empty() { Vec::new() } else { [directory, b"/"].concat() };
        let file = format!("{}.gitignore", String::from_utf8_lossy(&prefix));
        let mut builder = GitignoreBuilder::new("");
        let mut lines = Vec::new();
        let mut bad = Vec::new();
        for (line, pattern) in text_lines(text) {
            // git has no alternatives: a brace is a brace.
            let given = literal_braces(&pattern);
            match builder.add_line(None, &given) {
                Ok(_) => lines.push((line, given, pattern)),
                Err(_) => bad.push(Rule { file: file.clone(), line, pattern }),
            }
        }
        match builder.build() {
            Ok(matcher) if !matcher.is_empty() => {
                let base_bytes = prefix.len();
                (Some(Arc::new(Self { above, base_bytes, file, matcher, lines })), bad)
            }
            _ => (above, bad),
        }
    }

    /// The rule that ignores `path` (in the repository) itself; that a directory above is ignored is not looked at. The
    /// nearest file with an opinion decides.
    pub(super) fn ignores(&self, path: &[u8], is: Is) -> Option<Rule> {
        let mut at = Some(self);
        while let Some(ignore) = at {
            let below = path.get(ignore.base_bytes..).unwrap_or_default();
            match ignore.matcher.matched(Path::new(OsStr::from_bytes(below)), is == Is::Directory) {
                ignore::Match::None => at = ignore.above.as_deref(),
                ignore::Match::Whitelist(_) => return None,
                ignore::Match::Ignore(glob) => return Some(ignore.rule(glob.original())),
            }
        }
        None
    }

    /// Of equal lines git takes the last one.
    fn rule(&self, original: &str) -> Rule {
        let mut lines = self.lines.iter().rev();
        let found = lines.find(|(_, given, _)| given == original || given.trim_end() == original);
        let (line, pattern) = found.map_or((0, original), |(line, _, written)| (*line, written.as_str()));
        Rule { file: self.file.clone(), line, pattern: pattern.to_owned() }
    }
}

/// Numbered lines without their ends; an unreadable byte becomes a character that matches nothing.
fn text_lines(text: &[u8]) -> impl Iterator<Item = (usize, String)> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let lines = text.split(|b| *b == b'\n').enumerate();
    lines.map(|(i, line)| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        (i + 1, String::from_utf8_lossy(line).into_owned())
    })
}

/// The pattern with its braces made literal: the matcher knows `{a,b}`, git and docker do not.
pub(super) fn literal_braces(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                text.push(c);
                text.extend(chars.next());
            }
            '[' => {
                text.push(c);
                // A `]` that comes first, even after the negation, is one of the characters.
                text.extend(chars.next_if(|c| matches!(c, '!' | '^')));
                text.extend(chars.next_if_eq(&']'));
                for c in chars.by_ref() {
                    text.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            '{' => text.push_str("[{]"),
            '}' => text.push_str("[}]"),
            c => text.push(c),
        }
    }
    text
}

/// The `.dockerignore` at a source's root. Patterns start at the root, a match holds for everything below, and the last
/// line that matches a path or a directory above it decides, so a `!` line takes back from inside a left-out directory.
#[derive(Debug)]
pub(super) struct DockerIgnore {
    set: GlobSet,
    rules: Vec<(Effect, Rule)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    LeavesOut,
    TakesBack,
}

/// Number of the last line that matches a directory or one above it; a later one is greater.
pub(super) type DockerLine = Option<usize>;

impl DockerIgnore {
    pub(super) fn parse(text: &[u8]) -> (Option<Self>, Vec<Rule>) {
        let mut set = GlobSetBuilder::new();
        let mut rules = Vec::new();
        let mut bad = Vec::new();
        for (line, written) in text_lines(text) {
            let pattern = written.trim();
            if written.starts_with('#') || pattern.is_empty() {
                continue;
            }
            let (effect, pattern) = match pattern.strip_prefix('!') {
                Some(rest) => (Effect::TakesBack, rest.trim()),
                None => (Effect::LeavesOut, pattern),
            };
            let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
            if parts.is_empty() {
                continue;
            }
            let glob = literal_braces(&parts.join("/"));
            let rule = Rule { file: ".dockerignore".to_owned(), line, pattern: written.clone() };
            match GlobBuilder::new(&glob).literal_separator(true).backslash_escape(true).build() {
                Ok(glob) => {
                    set.add(glob);
                    rules.push((effect, rule));
                }
                Err(_) => bad.push(rule),
            }
        }
        match set.build() {
            Ok(set) if !rules.is_empty() => (Some(Self { set, rules }), bad),
            _ => (None, bad),
        }
    }

    /// The last line that matches `path` or, as `above` says, a directory above it.
    pub(super) fn last_line(&self, path: &[u8], above: DockerLine) -> DockerLine {
        let own = self.set.matches_candidate(&Candidate::new(OsStr::from_bytes(path))).into_iter().max();
        own.max(above)
    }

    /// The rule that leaves out what `line` decides on.
    pub(super) fn leaves_out(&self, line: DockerLine) -> Option<&Rule> {
        let (effect, rule) = &self.rules[line?];
        (*effect == Effect::LeavesOut).then_some(rule)
    }

    /// Whether a left-out directory has to be entered all the same.
    pub(super) fn may_take_back(&self, line: DockerLine) -> bool {
        line.is_some_and(|line| self.rules[line..].iter().any(|(effect, _)| *effect == Effect::TakesBack))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(rules: &IgnoreFile, path: &str, is: Is) -> Option<usize> {
        rules.ignores(path.as_bytes(), is).map(|rule| rule.line)
    }

    #[test]
    fn the_nearest_gitignore_and_in_it_the_last_line_decides() {
        let (top, bad) = IgnoreFile::parse(b"# c\n*.log\nout/\n!keep.log\r\n/x.{js,ts}\n", b"", None);
        assert_eq!(bad, []);
        let top = top.expect("rules");
        assert_eq!(line(&top, "a/b.log", Is::Other), Some(2));
        assert_eq!(line(&top, "a/keep.log", Is::Other), None);
        assert_eq!((line(&top, "a/out", Is::Directory), line(&top, "a/out", Is::Other)), (Some(3), None));
        assert_eq!((line(&top, "x.js", Is::Other), line(&top, "x.{js,ts}", Is::Other)), (None, Some(5)));
        let (inner, _) = IgnoreFile::parse(b"!*.log\n/only\n", b"a", Some(top));
        let inner = inner.expect("rules");
        assert_eq!(line(&inner, "a/b.log", Is::Other), None);
        assert_eq!((line(&inner, "a/only", Is::Other), line(&inner, "a/b/only", Is::Other)), (Some(2), None));
        let rule = inner.ignores(b"a/only", Is::Other).expect("a rule");
        assert_eq!(rule.to_string(), "`/only` in a/.gitignore:2");
    }

    #[test]
    fn dockerignore_starts_at_the_root_and_takes_back() {
        let (docker, _) = DockerIgnore::parse(b"# c\n*.md\n/build/\n!build/keep\n**/tmp\n");
        let docker = docker.expect("rules");
        let verdict = |path: &[u8], above| docker.leaves_out(docker.last_line(path, above)).map(|rule| rule.line);
        assert_eq!((verdict(b"a.md", None), verdict(b"x/a.md", None)), (Some(2), None));
        assert_eq!((verdict(b"tmp", None), verdict(b"x/tmp", None)), (Some(5), Some(5)));
        let build = docker.last_line(b"build", None);
        assert_eq!((verdict(b"build/x", build), verdict(b"build/keep", build)), (Some(3), None));
        assert!(docker.may_take_back(build) && !docker.may_take_back(docker.last_line(b"tmp", None)));
    }
}
