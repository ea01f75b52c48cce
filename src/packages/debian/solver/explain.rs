//! A collision as a chain of requirements, from what was asked for to where they cannot be met.

use std::collections::BTreeSet;

use super::super::pool::{Id, Pool};
use super::note::Note;

/// Lines of one explanation: more is not read.
const LINES_MAX: usize = 30;

/// The requirements that collide, each after those that lead to it.
pub(super) fn explain(pool: &Pool<'_>, mut notes: Vec<Note<'_>>) -> Vec<String> {
    let mut reached: BTreeSet<Id> = BTreeSet::new();
    let mut lines: Vec<String> = Vec::new();
    while !notes.is_empty() {
        // Those that start from what is known by now; if there are none, whatever is left.
        let is_next = |note: &Note<'_>| note.starts().iter().all(|id| reached.contains(id));
        let (mut next, mut rest): (Vec<_>, Vec<_>) = notes.into_iter().partition(is_next);
        if next.is_empty() {
            next.append(&mut rest);
        }
        for note in &next {
            reached.extend(note.leads_to(pool));
            let line = note.shown(pool);
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        notes = rest;
    }
    if lines.len() > LINES_MAX {
        let more = lines.len() - LINES_MAX;
        lines.truncate(LINES_MAX);
        lines.push(format!("and {more} requirements more"));
    }
    lines
}
