//! What two layers say of each path, without looking into contents.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::ImagePath;
use crate::tree::{Change, Changeset, Content, Kind, LinkGroup, Node};

use super::Side;
use super::cause::clock::is_near_clock;
use super::cause::line::explain;
use super::cause::{Facts, Known, Reasons};
use super::content;
use super::difference::{Both, Detail, Difference, Run, Xattr};
use super::insight::short;

/// Extended attributes of one path that are shown.
const XATTRS_MAX: usize = 10;

/// A path of which the two layers say different things.
pub(super) struct Candidate<'a> {
    path: &'a ImagePath,
    a: Said<'a>,
    b: Said<'a>,
    below: usize,
}

/// What one layer says of a path.
#[derive(Clone, Default, PartialEq, Eq)]
struct Said<'a> {
    change: Option<&'a Change>,
    is_opaque: bool,
    /// The first name of the same file, if this is a later one.
    first_name: Option<&'a ImagePath>,
}

impl Said<'_> {
    fn is_nothing(&self) -> bool {
        self.change.is_none() && !self.is_opaque
    }

    fn content(&self) -> Option<&Content> {
        match self.change {
            Some(Change::Node(Node { kind: Kind::File { content, .. }, .. })) => Some(content),
            _ => None,
        }
    }
}

/// The paths that differ, in path order. What is below a directory that only one layer has is counted there.
pub(super) fn candidates<'a>(a: &'a Changeset, b: &'a Changeset) -> Vec<Candidate<'a>> {
    let (of_a, of_b) = (said(a), said(b));
    let paths: BTreeSet<&ImagePath> = of_a.keys().chain(of_b.keys()).copied().collect();
    let mut found: Vec<Candidate<'a>> = Vec::new();
    // For each path that only one layer has, where the topmost directory of it is in `found`.
    let mut tops: BTreeMap<&ImagePath, (Run, usize)> = BTreeMap::new();
    for path in paths {
        let of = |side: &BTreeMap<&'a ImagePath, Said<'a>>| side.get(path).cloned().unwrap_or_default();
        let (one, other) = (of(&of_a), of(&of_b));
        if is_same(&one, &other) {
            continue;
        }
        let run = match (one.is_nothing(), other.is_nothing()) {
            (false, true) => Some(Run::First),
            (true, false) => Some(Run::Second),
            _ => None,
        };
        if let Some(run) = run {
            let above = path.parent().and_then(|parent| tops.get(&parent).copied()).filter(|(of, _)| *of == run);
            if let Some((_, top)) = above {
                tops.insert(path, (run, top));
                if let Some(candidate) = found.get_mut(top) {
                    candidate.below += 1;
                }
                continue;
            }
            tops.insert(path, (run, found.len()));
        }
        found.push(Candidate { path, a: one, b: other, below: 0 });
    }
    found
}

fn said(changes: &Changeset) -> BTreeMap<&ImagePath, Said<'_>> {
    let mut said: BTreeMap<&ImagePath, Said<'_>> = BTreeMap::new();
    let mut first_names: BTreeMap<LinkGroup, &ImagePath> = BTreeMap::new();
    for (path, change) in changes.iter() {
        let group = match change {
            Change::Node(Node { kind: Kind::File { links, .. }, .. }) => *links,
            _ => None,
        };
        let first_name = group.map(|group| *first_names.entry(group).or_insert(path)).filter(|first| *first != path);
        said.insert(path, Said { change: Some(change), is_opaque: false, first_name });
    }
    changes.opaque().for_each(|path| said.entry(path).or_default().is_opaque = true);
    said
}

/// Whether both are the same; the numbers of hard links mean nothing.
fn is_same(a: &Said<'_>, b: &Said<'_>) -> bool {
    let same_change = match (a.change, b.change) {
        (Some(Change::Node(one)), Some(Change::Node(other))) => {
            one.same_but_for_time(other) && one.mtime == other.mtime
        }
        (one, other) => one == other,
    };
    same_change && a.is_opaque == b.is_opaque && a.first_name == b.first_name
}

/// The digests of the contents that differ, of each side, in hexadecimal digits.
pub(super) fn digests(candidates: &[Candidate<'_>]) -> [BTreeSet<String>; 2] {
    let of = |said: fn(&Candidate<'_>) -> Option<Content>| {
        candidates.iter().filter_map(said).map(|it| it.digest.hex()).collect()
    };
    [of(|it| it.a.content().copied()), of(|it| it.b.content().copied())]
}

impl Candidate<'_> {
    /// What differs, with the contents looked into.
    pub(super) fn difference(&self, a: &Side<'_>, b: &Side<'_>, facts: &Facts<'_>) -> Difference {
        let mut found = Found { details: Vec::new(), reasons: Reasons::default() };
        match (self.a.is_nothing(), self.b.is_nothing()) {
            (false, true) => found.put_rest(Detail::Only { run: Run::First, below: self.below }),
            (true, false) => found.put_rest(Detail::Only { run: Run::Second, below: self.below }),
            _ => self.both(a, b, &mut found, facts),
        }
        Difference { path: self.path.clone(), cause: found.reasons.cause(), details: found.details }
    }

    fn both(&self, a: &Side<'_>, b: &Side<'_>, found: &mut Found, facts: &Facts<'_>) {
        if self.a.is_opaque != self.b.is_opaque {
            found.put_rest(Detail::Opaque { run: if self.a.is_opaque { Run::First } else { Run::Second } });
        }
        if let Some(names) = Both::unequal(type_of(self.a.change), type_of(self.b.change)) {
            found.put_rest(Detail::Type { names });
        }
        let (Some(Change::Node(one)), Some(Change::Node(other))) = (self.a.change, self.b.change) else { return };
        if let (Some(of_a), Some(of_b)) = (self.a.content(), self.b.content())
            && of_a != of_b
        {
            let (insight, reasons) = content::look((a, of_a), (b, of_b), self.path.as_bytes(), facts);
            let insight = Box::new(insight);
            found.details.push(Detail::Content { size_bytes: Both::new(of_a.size_bytes, of_b.size_bytes), insight });
            found.reasons.merge(reasons);
        }
        target(one, other, found, facts);
        if let Some(octal) = Both::unequal(format!("{:04o}", one.mode), format!("{:04o}", other.mode)) {
            found.put_rest(Detail::Mode { octal });
        }
        owner(one, other, found, facts);
        xattrs(one, other, found, facts);
        if let Some(seconds) = Both::unequal(one.mtime, other.mtime) {
            let is_clock = is_near_clock(seconds.a, Run::First, facts) && is_near_clock(seconds.b, Run::Second, facts);
            found.put(Detail::Time { seconds }, if is_clock { &[Known::FileTime] } else { &[] });
        }
        let name = |said: &Said<'_>| said.first_name.map(ToString::to_string);
        if let Some(first) = Both::unequal(name(&self.a), name(&self.b)) {
            found.put_rest(Detail::Links { first });
        }
    }
}

/// Details and reasons in the making.
struct Found {
    details: Vec<Detail>,
    reasons: Reasons,
}

impl Found {
    fn put(&mut self, detail: Detail, known: &[Known]) {
        self.details.push(detail);
        self.reasons.put_all(known);
    }

    fn put_rest(&mut self, detail: Detail) {
        self.put(detail, &[]);
    }
}

fn type_of(change: Option<&Change>) -> &'static str {
    match change {
        None => "nothing",
        Some(Change::Whiteout) => "whiteout",
        Some(Change::Node(node)) => match node.kind {
            Kind::Directory => "directory",
            Kind::File { .. } => "file",
            Kind::Symlink { .. } => "link",
            Kind::CharDevice { .. } => "character device",
            Kind::BlockDevice { .. } => "block device",
            Kind::Fifo => "named pipe",
        },
    }
}

fn target(a: &Node, b: &Node, found: &mut Found, facts: &Facts<'_>) {
    match (&a.kind, &b.kind) {
        (Kind::Symlink { target: one }, Kind::Symlink { target: other }) if one != other => {
            found.put(Detail::Target { text: Both::new(short(one), short(other)) }, &explain(one, other, facts));
        }
        (Kind::CharDevice { major: major_a, minor: minor_a }, Kind::CharDevice { major: major_b, minor: minor_b })
        | (
            Kind::BlockDevice { major: major_a, minor: minor_a },
            Kind::BlockDevice { major: major_b, minor: minor_b },
        ) => {
            let number = Both::unequal(format!("{major_a},{minor_a}"), format!("{major_b},{minor_b}"));
            number.into_iter().for_each(|number| found.put_rest(Detail::Device { number }));
        }
        _ => {}
    }
}

fn owner(a: &Node, b: &Node, found: &mut Found, facts: &Facts<'_>) {
    if (a.uid, a.gid) != (b.uid, b.gid) {
        let is_user = a.uid != b.uid && (a.uid, b.uid) == facts.varied.uid;
        let detail = Detail::Owner { uid: Both::new(a.uid, b.uid), gid: Both::new(a.gid, b.gid) };
        found.put(detail, if is_user { &[Known::User] } else { &[] });
    }
}

fn xattrs(a: &Node, b: &Node, found: &mut Found, facts: &Facts<'_>) {
    let names: BTreeSet<&[u8]> = a.xattrs.keys().chain(b.xattrs.keys()).map(|name| &**name).collect();
    let mut differ = Vec::new();
    let mut known = Vec::new();
    let mut is_explained = true;
    for name in names {
        let (one, other) = (a.xattrs.get(name), b.xattrs.get(name));
        if one == other {
            continue;
        }
        let of_value = one.zip(other).map(|(one, other)| explain(one, other, facts)).unwrap_or_default();
        is_explained &= !of_value.is_empty();
        known.extend(of_value);
        let value = Both::new(one.map(|value| short(value)), other.map(|value| short(value)));
        differ.push(Xattr { name: short(name), value });
    }
    if !differ.is_empty() {
        let left_out = differ.len().saturating_sub(XATTRS_MAX);
        differ.truncate(XATTRS_MAX);
        found.put(Detail::Xattrs { differ, left_out }, if is_explained { &known } else { &[] });
    }
}

/// Finds the cause of names that differ: as many new names in the one layer as in the other, in one directory, each of
/// which is explained by its counterpart.
pub(super) fn explain_names(differences: &mut [Difference], facts: &Facts<'_>) {
    let mut directories: BTreeMap<ImagePath, Both<Vec<usize>>> = BTreeMap::new();
    for (index, difference) in differences.iter().enumerate() {
        let [Detail::Only { run, .. }] = difference.details.as_slice() else { continue };
        let parent = difference.path.parent().unwrap_or_default();
        let of = directories.entry(parent).or_insert_with(|| Both::new(Vec::new(), Vec::new()));
        match run {
            Run::First => of.a.push(index),
            Run::Second => of.b.push(index),
        }
    }
    for Both { a, b } in directories.into_values().filter(|of| of.a.len() == of.b.len()) {
        for (one, other) in a.into_iter().zip(b) {
            let (Some(first), Some(second)) = (differences.get(one), differences.get(other)) else { continue };
            let mut reasons = Reasons::default();
            reasons.put_all(&explain(first.path.name(), second.path.name(), facts));
            for index in [one, other] {
                if let Some(difference) = differences.get_mut(index) {
                    difference.cause = reasons.cause();
                }
            }
        }
    }
}
