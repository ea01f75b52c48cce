//! Which mirrors this machine's own apt uses (sources.list(5)): `sources.list` and `*.list` with a source in each line,
//! `*.sources` with paragraphs of fields.
//!
//! It is a help, and never needed: what cannot be read or understood here is passed over, and apt will complain of it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::packages::debian::paragraph::{Paragraph, Paragraphs};

/// Addresses and the suites that they have.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    uris: Vec<String>,
    suites: Vec<String>,
}

/// The addresses that apt takes a suite from, in the order of its files. `directory` is apt's, such as `/etc/apt`.
pub(super) fn mirrors(directory: &Path, suite: &str) -> Vec<String> {
    let sources = files(directory).into_iter().flat_map(|path| match fs::read_to_string(&path) {
        Ok(text) if path.extension().is_some_and(|extension| extension == "sources") => of_paragraphs(&text),
        Ok(text) => text.lines().filter_map(of_line).collect(),
        Err(_) => Vec::new(),
    });
    let mut found = Vec::new();
    for source in sources.filter(|source| source.suites.iter().any(|own| own == suite)) {
        for address in source.uris.iter().flat_map(|uri| addresses(uri)) {
            if !found.contains(&address) {
                found.push(address);
            }
        }
    }
    found
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory.join("sources.list.d")).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "list" || extension == "sources"));
    files.sort();
    files.insert(0, directory.join("sources.list"));
    files
}

/// `deb [ option=value .. ] URI SUITE [COMPONENT ..]`
fn of_line(line: &str) -> Option<Source> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let rest = line.strip_prefix("deb").filter(|rest| rest.starts_with([' ', '\t', '[']))?.trim_start();
    let rest = match rest.strip_prefix('[') {
        Some(options) => options.split_once(']')?.1,
        None => rest,
    };
    let mut words = rest.split_whitespace();
    let (uri, suite) = (words.next()?, words.next()?);
    Some(Source { uris: vec![uri.to_owned()], suites: vec![suite.to_owned()] })
}

fn of_paragraphs(text: &str) -> Vec<Source> {
    let Ok(paragraphs) = Paragraphs::new(text.as_bytes()) else { return Vec::new() };
    paragraphs.flatten().filter_map(|paragraph| of_paragraph(&paragraph)).collect()
}

fn of_paragraph(paragraph: &Paragraph<'_>) -> Option<Source> {
    let words = |name: &str| -> Vec<String> {
        paragraph.lines(name).iter().flat_map(|line| line.split_whitespace()).map(str::to_owned).collect()
    };
    let is_off = paragraph.line("Enabled").is_some_and(|enabled| matches!(enabled, "no" | "false" | "0" | "off"));
    let is_binary = words("Types").iter().any(|word| word == "deb");
    (is_binary && !is_off).then(|| Source { uris: words("URIs"), suites: words("Suites") })
}

/// What can be fetched from: the address, or those in the file that a `mirror+file:` names (apt-transport-mirror(1)).
fn addresses(uri: &str) -> Vec<String> {
    if let Some(path) = uri.strip_prefix("mirror+file:") {
        let text = fs::read_to_string(path.strip_prefix("//").unwrap_or(path)).unwrap_or_default();
        return text.lines().filter_map(|line| line.split_whitespace().next()).flat_map(plain).collect();
    }
    plain(uri).into_iter().collect()
}

/// An address of a kind that kiln can fetch from.
fn plain(uri: &str) -> Option<String> {
    let known = ["http://", "https://", "file:"].iter().any(|scheme| uri.starts_with(scheme));
    known.then(|| uri.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_of_both_kinds_are_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, text).expect("written");
        };
        let mirrors_of = |suite: &str| mirrors(directory.path(), suite);
        assert!(mirrors_of("bookworm").is_empty());
        write(
            "sources.list",
            "# deb http://no.example/debian bookworm main\ndeb-src http://no.example/debian bookworm main\n\
             deb [ arch=amd64 signed-by=/x ] http://a.example/debian/ bookworm main # really\n\
             deb http://s.example/debian-security bookworm-security main\ndeb ftp://f.example/ bookworm main\ndeb x\n\
             debian http://no.example/debian bookworm\n",
        );
        write(
            "sources.list.d/b.sources",
            "# a comment\nTypes: deb deb-src\nURIs: https://b.example/debian\n http://a.example/debian\n\
             Suites: bookworm bookworm-updates\nComponents: main\n\nTypes: deb\nEnabled: no\n\
             URIs: http://no.example/debian\nSuites: bookworm\n\nTypes: deb-src\nURIs: http://no.example/debian\n\
             Suites: bookworm\n",
        );
        write("sources.list.d/c.list.save", "deb http://no.example/debian bookworm main\n");
        write("sources.list.d/d.sources", "this is nothing");
        let list = directory.path().join("list");
        write("list", "https://m.example/debian/\tpriority:1\n\n# none\nfile:/srv/debian\n");
        write("sources.list.d/e.list", &format!("deb mirror+file:{} bookworm main\n", list.display()));
        let expected =
            ["http://a.example/debian", "https://b.example/debian", "https://m.example/debian", "file:/srv/debian"];
        assert_eq!(mirrors_of("bookworm"), expected);
        assert_eq!(mirrors_of("bookworm-updates"), ["https://b.example/debian", "http://a.example/debian"]);
        assert_eq!(mirrors_of("bookworm-security"), ["http://s.example/debian-security"]);
    }
}
