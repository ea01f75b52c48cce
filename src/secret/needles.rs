//! What is searched for, and the search in one stream.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Read};

use aho_corasick::{AhoCorasick, Input, MatchKind};
use zeroize::Zeroizing;

use super::form::{Form, Spelling, spellings};
use super::hit::{Hit, Place};
use super::value::Secrets;
use super::window::Window;

/// Shortest value in bytes that is searched for: a shorter one is found by chance. Of random bytes, one in 2^64 places
/// looks like a value of eight.
pub const SHORTEST_BYTES: usize = 8;

/// Bytes of an anchor at most.
const ANCHOR_BYTES: usize = 16;
/// Shortest line that a text is broken into: `xxd -p` has 60 digits, PEM 64 characters, MIME 76. Two anchors are shorter, so
/// a line end can be in one of them only.
const LINE_BYTES: usize = 60;
/// Bytes of a line end with the indentation behind it.
const BREAK_BYTES: usize = 40;

/// All spellings of several secrets, ready to be searched for.
///
/// Every spelling is found by an anchor, a few bytes of it, and compared from there: a text that is broken into lines has
/// no more than its anchors in one piece. All anchors of a secret have one length, so that at one place there is one at
/// most; each secret is searched for by itself, so that none hides another that it contains.
#[derive(Clone, Default)]
pub struct Needles {
    needles: Vec<Needle>,
    too_short: Vec<String>,
    longest: usize,
}

#[derive(Clone)]
struct Needle {
    id: String,
    anchors: AhoCorasick,
    /// For each anchor, the spellings that have it.
    targets: Vec<Vec<Target>>,
}

#[derive(Clone)]
struct Target {
    form: Form,
    text: Zeroizing<Vec<u8>>,
    /// Where in the text the anchor begins.
    at: usize,
    /// How many bytes of line ends may be in it to either side of there.
    slack: usize,
}

/// The secrets of one stream by their place among the needles, each with the form it was found in first.
pub(super) type Found = BTreeMap<usize, Form>;

impl Needles {
    /// What to search for so that none of `secrets` lands.
    pub fn new(secrets: &Secrets) -> Self {
        let mut needles = Self::default();
        for secret in secrets.iter() {
            if !needles.add(secret.id(), secret.trimmed()) {
                needles.too_short.push(secret.id().to_owned());
            }
        }
        needles
    }

    /// The same for what is looked at line by line: each line of a value is searched for as well, without the blanks around
    /// it. Lines of less than [`SHORTEST_BYTES`] are not.
    pub fn with_lines(secrets: &Secrets) -> Self {
        let mut needles = Self::new(secrets);
        for secret in secrets.iter() {
            let value = secret.trimmed();
            let lines = value.split(|byte| matches!(byte, b'\n' | b'\r')).map(<[u8]>::trim_ascii);
            let lines: BTreeSet<&[u8]> = lines.filter(|line| *line != value).collect();
            for line in lines {
                needles.add(secret.id(), line);
            }
        }
        needles
    }

    /// Adds a value; false if it is too short.
    fn add(&mut self, id: &str, value: &[u8]) -> bool {
        let Some(needle) = Needle::new(id, value) else { return false };
        let extent = |target: &Target| target.text.len() + 2 * target.slack;
        let longest = needle.targets.iter().flatten().map(extent).max().unwrap_or(0);
        self.longest = self.longest.max(longest);
        self.needles.push(needle);
        true
    }

    /// Bytes of the longest spelling of a value: nothing that is found is longer.
    pub fn longest_bytes(&self) -> usize {
        self.longest
    }

    /// The ids of the secrets with a value of less than [`SHORTEST_BYTES`], which are not searched for.
    pub fn too_short(&self) -> &[String] {
        &self.too_short
    }

    /// Whether there is nothing to search for.
    pub fn is_empty(&self) -> bool {
        self.needles.is_empty()
    }

    /// The first secret in a stream, which is not unpacked. Memory is bounded by the longest value.
    ///
    /// Fails if the stream does.
    pub fn find(&self, mut bytes: impl Read) -> io::Result<Option<Hit>> {
        let (mut window, mut found) = (self.window(), Found::new());
        loop {
            let more = window.fill(&mut bytes)?;
            if more == 0 || window.is_full() {
                self.note(window.filled(), &mut found);
                window.advance();
            }
            if more == 0 || !found.is_empty() {
                return Ok(self.first(&found));
            }
        }
    }

    /// The first secret in a text.
    pub fn find_text(&self, text: &str) -> Option<Hit> {
        self.find_bytes(text.as_bytes())
    }

    /// The first secret in bytes that are at hand, which are not unpacked.
    pub fn find_bytes(&self, bytes: &[u8]) -> Option<Hit> {
        self.all(bytes, Place::Content).into_iter().next()
    }

    /// One hit for each secret in bytes that are at hand.
    pub(super) fn all(&self, bytes: &[u8], place: Place) -> Vec<Hit> {
        let mut found = Found::new();
        self.note(bytes, &mut found);
        found.iter().map(|(needle, form)| self.hit(*needle, *form, place)).collect()
    }

    fn first(&self, found: &Found) -> Option<Hit> {
        found.iter().next().map(|(needle, form)| self.hit(*needle, *form, Place::Content))
    }

    /// A hit of the secret with this place among the needles.
    pub(super) fn hit(&self, needle: usize, form: Form, place: Place) -> Hit {
        let id = self.needles.get(needle).map(|needle| needle.id.clone()).unwrap_or_default();
        Hit { id, form, place, inside: Vec::new() }
    }

    /// A window in which every spelling has room.
    pub(super) fn window(&self) -> Window {
        Window::new(self.longest)
    }

    /// Notes which secrets are in `window`; those that are known already are not searched for.
    pub(super) fn note(&self, window: &[u8], found: &mut Found) {
        for (index, needle) in self.needles.iter().enumerate() {
            if !found.contains_key(&index)
                && let Some(form) = needle.find(window)
            {
                found.insert(index, form);
            }
        }
    }
}

impl fmt::Debug for Needles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.needles.iter().map(|needle| &needle.id)).finish()
    }
}

impl Needle {
    /// `None` if the value is too short.
    fn new(id: &str, value: &[u8]) -> Option<Self> {
        if value.len() < SHORTEST_BYTES {
            return None;
        }
        let spellings = spellings(value);
        // Each text that may be broken into lines has room for two.
        let room = |spelling: &Spelling| match spelling.form.is_broken_into_lines() {
            true => spelling.text.len() / 2,
            false => spelling.text.len(),
        };
        let length = spellings.iter().map(room).min().unwrap_or(0).min(ANCHOR_BYTES);
        let mut targets: BTreeMap<Vec<u8>, Vec<Target>> = BTreeMap::new();
        for Spelling { form, text } in spellings {
            let (starts, slack) = match form.is_broken_into_lines() {
                true => (vec![0, length], (text.len() / LINE_BYTES + 1) * BREAK_BYTES),
                false => (vec![0], 0),
            };
            for at in starts {
                let anchor = text.get(at..at + length).unwrap_or_default().to_vec();
                targets.entry(anchor).or_default().push(Target { form, text: text.clone(), at, slack });
            }
        }
        let anchors = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(targets.keys()).ok()?;
        Some(Self { id: id.to_owned(), anchors, targets: targets.into_values().collect() })
    }

    fn find(&self, window: &[u8]) -> Option<Form> {
        let mut start = 0;
        loop {
            let anchor = self.anchors.find(Input::new(window).range(start..))?;
            let targets = self.targets.get(anchor.pattern().as_usize()).map(Vec::as_slice).unwrap_or_default();
            if let Some(target) = targets.iter().find(|target| target.is_at(window, anchor.start())) {
                return Some(target.form);
            }
            start = anchor.start() + 1;
        }
    }
}

impl Target {
    /// Whether the text is in `window`, with its anchor at `anchor`.
    fn is_at(&self, window: &[u8], anchor: usize) -> bool {
        let (Some((before, after)), Some((left, right))) =
            (self.text.split_at_checked(self.at), window.split_at_checked(anchor))
        else {
            return false;
        };
        follows(after.iter(), right.iter(), self.slack) && follows(before.iter().rev(), left.iter().rev(), self.slack)
    }
}

/// Whether `bytes` begin with `text`, with up to `slack` bytes of line ends and blanks in between.
fn follows<'a>(text: impl Iterator<Item = &'a u8>, mut bytes: impl Iterator<Item = &'a u8>, mut slack: usize) -> bool {
    for expected in text {
        loop {
            match bytes.next() {
                Some(found) if found == expected => break,
                Some(b'\n' | b'\r' | b' ' | b'\t') if slack > 0 => slack -= 1,
                _ => return false,
            }
        }
    }
    true
}
