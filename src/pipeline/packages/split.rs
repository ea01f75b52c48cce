//! A layer of packages, spread over several.
//!
//! The parts are known from the lock, before anything is installed. What belongs to a package goes into its part; what
//! packages have together (dpkg's status, caches, what their scripts made) stays in the layer itself, which comes last.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Hasher, ImagePath, LayerKey};
use crate::packages::debian::paragraph::Paragraphs;
use crate::packages::debian::{Package, installed};
use crate::packages::split::Group;
use crate::pipeline::error::Error;
use crate::tree::contents::read_all;
use crate::tree::resolve::resolve_parents;
use crate::tree::{Change, Changeset, Content, ContentError, Contents, Kind, Tree};

const STATUS: &[u8] = b"var/lib/dpkg/status";
const INFO: &[u8] = b"var/lib/dpkg/info/";
/// Where images without dpkg have an entry and sums for each package.
const ENTRIES: &[u8] = b"var/lib/dpkg/status.d/";

const SUMS: &[u8] = b".md5sums";
/// A sum and two blanks stand before each name.
const SUM_WIDTH: usize = 34;

/// The key of a part of a layer.
pub(in crate::pipeline) fn part_key(layer: &LayerKey, group: &Group) -> LayerKey {
    let mut hasher = Hasher::new();
    hasher.field(b"kiln part");
    hasher.field(layer.as_bytes());
    hasher.field(group.name.as_bytes());
    hasher.finish()
}

/// What each group has of `changes`, in their order, and what is left. `root` is what they lead to.
pub(in crate::pipeline) fn parts(
    changes: &Changeset,
    root: &Tree,
    groups: &[Group],
    contents: &dyn Contents,
) -> Result<(Vec<Changeset>, Changeset), Error> {
    let owners = owners(changes, root, groups, contents)?;
    let mut parts: Vec<Changeset> = groups.iter().map(|_| Changeset::new()).collect();
    let mut rest = Changeset::new();
    for (path, change) in changes.iter() {
        let part = owners.get(path).and_then(|at| parts.get_mut((*at)?)).unwrap_or(&mut rest);
        match change {
            // Directories belong to everybody: each part gets those that it needs.
            Change::Node(node) if node.kind == Kind::Directory => {}
            Change::Node(node) => drop(part.put(path.clone(), node.clone())),
            Change::Whiteout => rest.white_out(path.clone()),
        }
    }
    let parts: Vec<Changeset> = parts.into_iter().map(|part| crate::step::with_parents(part, root)).collect();
    // Those that are in no part, because they are empty or new to what is below.
    let placed: BTreeSet<&ImagePath> = parts.iter().flat_map(|part| part.iter().map(|(path, _)| path)).collect();
    for (path, change) in changes.iter() {
        if let Change::Node(node) = change
            && node.kind == Kind::Directory
            && !placed.contains(path)
        {
            rest.put(path.clone(), node.clone());
        }
    }
    Ok((parts, crate::step::with_parents(rest, root)))
}

/// The group of each file that a package has; `None` if several have it.
fn owners(
    changes: &Changeset,
    root: &Tree,
    groups: &[Group],
    contents: &dyn Contents,
) -> Result<BTreeMap<ImagePath, Option<usize>>, Error> {
    let group_of_source = |source: &str| groups.iter().position(|group| group.sources.contains(source));
    let read = |path: &ImagePath, content: &Content| {
        read_all(contents, content).map_err(|source: ContentError| Error::Content { path: path.clone(), source })
    };
    let files = || {
        changes.nodes().filter_map(|(path, node)| match &node.kind {
            Kind::File { content, .. } => Some((path, content)),
            _ => None,
        })
    };
    let mut of_package: BTreeMap<String, usize> = BTreeMap::new();
    if let Some((path, content)) = files().find(|(path, _)| path.as_bytes() == STATUS) {
        // dpkg wrote it: if it cannot be read, nothing is spread.
        for package in installed(&read(path, content)?).unwrap_or_default() {
            if let Some(at) = group_of_source(package.package.source()) {
                of_package.insert(package.package.name().to_owned(), at);
            }
        }
    }
    for (path, content) in files() {
        let entry = path.as_bytes().strip_prefix(ENTRIES).filter(|name| !name.ends_with(SUMS));
        let Some(name) = entry.and_then(|name| std::str::from_utf8(name).ok()) else { continue };
        let paragraph = read(path, content)?;
        let package = Paragraphs::only(&paragraph).and_then(|paragraph| Package::read(&paragraph));
        if let Some(at) = package.ok().and_then(|package| group_of_source(package.source())) {
            of_package.insert(name.to_owned(), at);
        }
    }
    let mut owners = BTreeMap::new();
    for (path, content) in files() {
        if let Some(name) = path.as_bytes().strip_prefix(ENTRIES) {
            let package = name.strip_suffix(SUMS).unwrap_or(name);
            let Some(at) = std::str::from_utf8(package).ok().and_then(|name| of_package.get(name)) else { continue };
            owners.insert(path.clone(), Some(*at));
            if name.ends_with(SUMS) {
                let text = read(path, content)?;
                let named = text.split(|byte| *byte == b'\n').filter_map(|line| line.get(SUM_WIDTH..));
                own(named, *at, root, &mut owners);
            }
            continue;
        }
        let Some(name) = path.as_bytes().strip_prefix(INFO) else { continue };
        let Some((package, kind)) = std::str::from_utf8(name).ok().and_then(|name| name.rsplit_once('.')) else {
            continue;
        };
        let package = package.split_once(':').map_or(package, |(package, _)| package);
        let Some(at) = of_package.get(package) else { continue };
        owners.insert(path.clone(), Some(*at));
        if kind != "list" {
            continue;
        }
        own(read(path, content)?.split(|byte| *byte == b'\n'), *at, root, &mut owners);
    }
    Ok(owners)
}

/// Gives a package the files that it names.
fn own<'n>(
    named: impl Iterator<Item = &'n [u8]>,
    at: usize,
    root: &Tree,
    owners: &mut BTreeMap<ImagePath, Option<usize>>,
) {
    for name in named.filter(|name| !name.is_empty()) {
        let place = ImagePath::parse(name).ok().and_then(|path| resolve_parents(root, &path).ok());
        if let Some(place) = place {
            // What is a directory for several packages may be a link here, which is nobody's.
            let owner = owners.entry(place).or_insert(Some(at));
            *owner = owner.filter(|other| *other == at);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::step::Inline;
    use crate::tree::Node;
    use crate::tree::diff::diff;
    use crate::tree::testing::{directory, path, symlink};

    fn file(inline: &mut Inline, text: &str) -> Node {
        Node::new(Kind::File { content: inline.keep(text.as_bytes().to_vec()), links: None }, 0o644)
    }

    fn group(name: &str) -> Group {
        Group { name: name.to_owned(), sources: BTreeSet::from([name.to_owned()]) }
    }

    /// Two packages on a merged `/usr`, and what belongs to none.
    fn installed_root(inline: &mut Inline) -> Tree {
        let entry = |name: &str, source: &str| {
            format!(
                "Package: {name}\nSource: {source}\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n\n"
            )
        };
        let status = entry("liba", "a") + &entry("b", "b");
        let mut tree = Tree::new();
        for at in
            ["usr", "usr/lib", "usr/share", "usr/share/doc", "var", "var/lib", "var/lib/dpkg", "var/lib/dpkg/info"]
        {
            tree.insert(path(at), directory());
        }
        tree.insert(path("lib"), symlink("usr/lib"));
        for (at, text) in [
            ("usr/lib/liba.so", "a"),
            ("usr/share/doc/b", "b"),
            ("usr/share/cache", "of all"),
            ("var/lib/dpkg/status", status.as_str()),
            ("var/lib/dpkg/info/liba:amd64.list", "/.\n/lib\n/lib/liba.so\n"),
            ("var/lib/dpkg/info/b.list", "/.\n/lib\n/usr/share/doc/b\n/usr/share/gone\n"),
        ] {
            tree.insert(path(at), file(inline, text));
        }
        tree
    }

    #[test]
    fn files_go_where_their_package_goes_and_nothing_is_lost() {
        let mut inline = Inline::default();
        let root = installed_root(&mut inline);
        let mut below = Tree::new();
        below.insert(path("old"), directory());
        let changes = diff(&below, &root);
        let groups = [group("a"), group("b")];
        let (parts, rest) = parts(&changes, &root, &groups, &inline).expect("readable");
        let has = |part: &Changeset, at: &str| part.get(&path(at)).is_some();
        assert!(has(&parts[0], "usr/lib/liba.so") && has(&parts[0], "var/lib/dpkg/info/liba:amd64.list"));
        assert!(has(&parts[1], "usr/share/doc/b") && !has(&parts[1], "usr/lib/liba.so"));
        assert!(
            has(&rest, "usr/share/cache")
                && has(&rest, "var/lib/dpkg/status")
                && has(&rest, "old")
                && has(&rest, "lib")
        );
        let mut together = below;
        parts.iter().chain([&rest]).for_each(|part| together.apply(part));
        assert_eq!(together, root);
    }

    #[test]
    fn without_dpkg_the_sums_say_whose_a_file_is() {
        let mut inline = Inline::default();
        let mut root = Tree::new();
        for at in ["usr", "usr/lib", "var", "var/lib", "var/lib/dpkg", "var/lib/dpkg/status.d"] {
            root.insert(path(at), directory());
        }
        let entry = "Package: liba\nSource: a (1)\nVersion: 1\nArchitecture: amd64\n";
        let sums = format!("{}  usr/lib/liba.so\n", "0".repeat(32));
        for (at, text) in [
            ("usr/lib/liba.so", "a"),
            ("usr/lib/other", "other"),
            ("var/lib/dpkg/status.d/liba", entry),
            ("var/lib/dpkg/status.d/liba.md5sums", sums.as_str()),
        ] {
            root.insert(path(at), file(&mut inline, text));
        }
        let changes = root.to_changeset();
        let (parts, rest) = parts(&changes, &root, &[group("a")], &inline).expect("readable");
        for at in ["usr/lib/liba.so", "var/lib/dpkg/status.d/liba", "var/lib/dpkg/status.d/liba.md5sums"] {
            assert!(parts[0].get(&path(at)).is_some() && rest.get(&path(at)).is_none(), "{at}");
        }
        assert!(rest.get(&path("usr/lib/other")).is_some());
    }

    #[test]
    fn what_dpkg_did_not_write_is_spread_over_nothing() {
        let mut inline = Inline::default();
        let mut root = installed_root(&mut inline);
        root.insert(path("var/lib/dpkg/status"), file(&mut inline, "no database"));
        let changes = root.to_changeset();
        let (parts, rest) = parts(&changes, &root, &[group("a")], &inline).expect("readable");
        assert!(parts[0].is_empty());
        assert_eq!(rest, changes);
    }
}
