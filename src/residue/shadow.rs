//! The days in `/etc/shadow` (shadow(5)).

use std::collections::BTreeSet;

use crate::base::Epoch;

const SECONDS_PER_DAY: i64 = 86_400;
/// Fields of a line.
const FIELDS: usize = 9;
/// The field with the day of the last change of the password, counted from 1970.
const LAST_CHANGE: usize = 2;

/// The file with the epoch's day in every line that `before`, the file of the tree below, does not have; `None` if it stays
/// as it is. An empty day and the day 0 are no times: the first means that passwords do not age, the second that the
/// password has to be changed at the next login.
pub(super) fn rewrite(bytes: &[u8], before: &[u8], epoch: Epoch) -> Option<Vec<u8>> {
    let known: BTreeSet<&[u8]> = before.split(|b| *b == b'\n').collect();
    let day = epoch.seconds().div_euclid(SECONDS_PER_DAY).to_string();
    let lines: Vec<Vec<u8>> = bytes
        .split(|b| *b == b'\n')
        .map(|line| if known.contains(line) { line.to_vec() } else { dated(line, day.as_bytes()) })
        .collect();
    let dated = lines.join(&b'\n');
    (dated != bytes).then_some(dated)
}

/// A line with `day` as the day of the last change, if it has one.
fn dated(line: &[u8], day: &[u8]) -> Vec<u8> {
    let mut fields: Vec<&[u8]> = line.split(|b| *b == b':').collect();
    let is_entry = fields.len() == FIELDS;
    let is_day = |field: &[u8]| field.iter().all(u8::is_ascii_digit) && field.iter().any(|b| *b != b'0');
    match fields.get_mut(LAST_CHANGE) {
        Some(field) if is_entry && is_day(field) => *field = day,
        _ => {}
    }
    fields.join(&b':')
}
