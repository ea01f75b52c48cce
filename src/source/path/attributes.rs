//! `.gitattributes`, as far as it says that git converts line ends.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::left_out::Rule;
use super::repository::Repository;
use super::rules::literal_braces;

/// What a line says about line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Conversion {
    ToLf,
    No,
}

struct Line {
    matcher: Gitignore,
    conversion: Conversion,
    rule: Rule,
}

/// The attribute files of a repository, read when they are first asked for.
pub(super) struct Attributes {
    top: PathBuf,
    /// From the repository's root to the source.
    above: PathBuf,
    files: BTreeMap<PathBuf, Vec<Line>>,
}

impl Attributes {
    /// Those of the repository around `directory`; without a repository nothing is converted.
    pub(super) fn around(directory: &Path) -> Option<Self> {
        let (_, top) = Repository::around(directory)?;
        let above = directory.strip_prefix(&top).ok()?.to_owned();
        Some(Self { top, above, files: BTreeMap::new() })
    }

    /// The rule by which git would commit the file at `path` of the source with LF. The nearest file, and in it the last
    /// line, with an opinion decides (gitattributes(5)).
    pub(super) fn converts(&mut self, path: &[u8]) -> Option<Rule> {
        let path = self.above.join(OsStr::from_bytes(path));
        for directory in path.ancestors().skip(1) {
            let top = &self.top;
            let lines = self.files.entry(directory.to_owned()).or_insert_with(|| read(top, directory));
            let below = path.strip_prefix(directory).unwrap_or(&path);
            if let Some(line) = lines.iter().rev().find(|line| line.matcher.matched(below, false).is_ignore()) {
                return (line.conversion == Conversion::ToLf).then(|| line.rule.clone());
            }
        }
        None
    }
}

/// The lines about line ends in `DIRECTORY/.gitattributes`. What cannot be read gives no warnings; git will complain.
fn read(top: &Path, directory: &Path) -> Vec<Line> {
    let file = directory.join(".gitattributes");
    let text = std::fs::read(top.join(&file)).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let file = file.display().to_string();
    text.lines().enumerate().filter_map(|(i, line)| parse(line, i + 1, &file)).collect()
}

fn parse(line: &str, number: usize, file: &str) -> Option<Line> {
    let mut words = line.split_ascii_whitespace();
    let pattern = words.next().filter(|pattern| !pattern.starts_with(['#', '!', '[', '"']))?;
    let conversion = words.filter_map(conversion).next_back()?;
    let mut builder = GitignoreBuilder::new("");
    builder.add_line(None, &literal_braces(pattern)).ok()?;
    let rule = Rule { file: file.to_owned(), line: number, pattern: line.trim().to_owned() };
    Some(Line { matcher: builder.build().ok()?, conversion, rule })
}

fn conversion(attribute: &str) -> Option<Conversion> {
    match attribute {
        "text" | "text=auto" | "eol=lf" | "eol=crlf" => Some(Conversion::ToLf),
        "-text" | "binary" => Some(Conversion::No),
        _ => None,
    }
}
