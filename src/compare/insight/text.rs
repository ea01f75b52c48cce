//! Text: the lines that differ, as a unified diff without context.

use std::ops::Range;

use imara_diff::{Algorithm, Diff, Hunk, InternedInput, Token};
use serde::Serialize;

use crate::base::path::readable;
use crate::compare::cause::line::explain;
use crate::compare::cause::{Facts, Known, Reasons, order};

use super::{Insight, Place, Seen};

/// Lines that are shown.
const LINES_MAX: usize = 10;
/// Bytes of a line that are shown.
const SHOWN_BYTES: usize = 160;
/// Bytes of a line that are shown before the first difference.
const BEFORE_BYTES: usize = 60;
/// Lines that are looked at as a whole, to see whether they only stand in another order.
const ORDERED_MAX: usize = 200_000;
/// Bytes of lines whose cause is searched, and lines; beyond them there is a rest.
const EXPLAINED_MAX_BYTES: usize = 256 * 1024;
const EXPLAINED_MAX: usize = 1000;

/// Lines that differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Text {
    /// `-` and a line of the first run, `+` and one of the second, `@@ -LINE +LINE @@` before each group of them.
    pub lines: Vec<String>,
    /// How many more lines differ.
    pub left_out: usize,
}

/// The lines of one hunk.
struct Group<'a> {
    hunk: Hunk,
    before: Vec<&'a [u8]>,
    after: Vec<&'a [u8]>,
}

/// The lines that differ, if both are text.
pub(super) fn look(a: &[u8], b: &[u8], place: &Place<'_>, facts: &Facts<'_>) -> Seen {
    if !(is_text(a) && is_text(b)) {
        return None;
    }
    let input = InternedInput::new(a, b);
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let lines = |tokens: &[Token], range: &Range<u32>| -> Vec<&[u8]> {
        let tokens = tokens.get(range.start as usize..range.end as usize).unwrap_or_default();
        tokens.iter().map(|token| input.interner[*token]).collect()
    };
    let groups: Vec<Group<'_>> = diff
        .hunks()
        .map(|hunk| Group { before: lines(&input.before, &hunk.before), after: lines(&input.after, &hunk.after), hunk })
        .collect();
    let reach = |side: fn(&Hunk) -> &Range<u32>| {
        let start = groups.iter().map(|group| side(&group.hunk).start).min().unwrap_or(0);
        start..groups.iter().map(|group| side(&group.hunk).end).max().unwrap_or(0)
    };
    // From the first line that differs to the last: a line that moved differs twice, and those between stayed.
    let before = lines(&input.before, &reach(|hunk| &hunk.before));
    let after = lines(&input.after, &reach(|hunk| &hunk.after));
    let of_order = if before.len().max(after.len()) > ORDERED_MAX {
        None
    } else {
        order::of_lines(&before, &after, place.name, facts)
    };
    Some((Insight::Text(show(&groups)), reasons(&groups, of_order, facts)))
}

/// No zero, and no control characters but those that text has: line ends, tabs, form feeds, backspaces, colours.
fn is_text(bytes: &[u8]) -> bool {
    !bytes.iter().any(|b| matches!(b, 0..=7 | 11 | 14..=26 | 28..=31 | 127))
}

fn show(groups: &[Group<'_>]) -> Text {
    let mut lines = Vec::new();
    let mut left_out = 0;
    let is_all = matches!(groups, [only] if only.hunk.before.start == 0 && only.hunk.after.start == 0);
    for group in groups {
        let number = group.before.len() + group.after.len();
        if lines.len() >= LINES_MAX {
            left_out += number;
            continue;
        }
        if !is_all {
            lines.push(format!("@@ -{} +{} @@", start(&group.hunk.before), start(&group.hunk.after)));
        }
        // A long group shows something of both sides.
        let room = LINES_MAX.saturating_sub(lines.len()).max(2);
        let of_after = group.after.len().min((room / 2).max(room.saturating_sub(group.before.len())));
        let of_before = group.before.len().min(room - of_after);
        for index in 0..of_before {
            lines.push(format!("-{}", cut(group.before.get(index), group.after.get(index))));
        }
        for index in 0..of_after {
            lines.push(format!("+{}", cut(group.after.get(index), group.before.get(index))));
        }
        left_out += number - of_before - of_after;
    }
    Text { lines, left_out }
}

/// The number of the first line, or of the line before if there is none (POSIX, diff, "Diff -u Output Format").
fn start(range: &Range<u32>) -> u32 {
    if range.is_empty() { range.start } else { range.start + 1 }
}

/// A line, readable; of a long one the part where it begins to differ from its counterpart.
fn cut(line: Option<&&[u8]>, other: Option<&&[u8]>) -> String {
    let bare = |line: Option<&&[u8]>| -> Vec<u8> {
        let line = line.copied().unwrap_or_default();
        line.strip_suffix(b"\n").unwrap_or(line).to_vec()
    };
    let (bytes, other) = (bare(line), bare(other));
    if bytes.len() <= SHOWN_BYTES {
        return readable(&bytes);
    }
    let common = bytes.iter().zip(&other).take_while(|(one, other)| one == other).count();
    let start = common.saturating_sub(BEFORE_BYTES).min(bytes.len() - SHOWN_BYTES);
    let shown = readable(bytes.get(start..start + SHOWN_BYTES).unwrap_or_default());
    let (before, after) =
        (if start > 0 { "..." } else { "" }, if start + SHOWN_BYTES < bytes.len() { "..." } else { "" });
    format!("{before}{shown}{after}")
}

/// The reasons, where `of_order` is what explains the lines if they are another order of the same.
fn reasons(groups: &[Group<'_>], of_order: Option<Vec<Known>>, facts: &Facts<'_>) -> Reasons {
    // Lines that only change places have their reason there, and what differs in each pair of them is no other one.
    if let Some([known]) = of_order.as_deref() {
        return Reasons::one(*known);
    }
    let of_pairs = pairs(groups, facts);
    match of_order {
        Some(known) if !of_pairs.is_complete() => {
            let mut reasons = Reasons::default();
            reasons.put_all(&known);
            reasons
        }
        _ => of_pairs,
    }
}

/// The reasons of lines that stand in the place of one another.
fn pairs(groups: &[Group<'_>], facts: &Facts<'_>) -> Reasons {
    let mut reasons = Reasons::default();
    let (mut lines, mut bytes) = (EXPLAINED_MAX, EXPLAINED_MAX_BYTES);
    for group in groups {
        if group.before.len() != group.after.len() {
            reasons.put_rest();
            continue;
        }
        for (a, b) in group.before.iter().zip(&group.after).filter(|(a, b)| a != b) {
            let Some((fewer, less)) = lines.checked_sub(1).zip(bytes.checked_sub(a.len() + b.len())) else {
                reasons.put_rest();
                return reasons;
            };
            (lines, bytes) = (fewer, less);
            reasons.put_all(&explain(a, b, facts));
        }
    }
    reasons
}

#[cfg(test)]
mod tests {
    use crate::compare::testing::shown;

    #[test]
    fn a_short_file_is_shown_with_its_cause() {
        let text = shown("usr/share/app/build.txt", "built 2026-11-25 08:00:01\n", "built 2026-11-26 09:00:01\n");
        let expected = "/usr/share/app/build.txt: content\n  \
             -built 2026-11-25 08:00:01\n  \
             +built 2026-11-26 09:00:01\n  \
             cause: the clock is written into the file\n  \
             mend: use SOURCE_DATE_EPOCH, or `date -u -d @$SOURCE_DATE_EPOCH`\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn groups_have_their_line_numbers() {
        let text = shown("a", "1\n2\n3\n4\n", "1\n2b\n3\n4\n5\n");
        assert_eq!(text, "/a: content\n  @@ -2 +2 @@\n  -2\n  +2b\n  @@ -4 +5 @@\n  +5\n");
    }

    #[test]
    fn many_lines_and_long_lines_are_cut() {
        let lines = |with: &str| (0..50).map(|line| format!("{line}{with}\n")).collect::<String>();
        let text = shown("a", lines("x"), lines("y"));
        assert!(text.contains("  -4x\n  +0y\n") && text.contains("  ... and 90 more lines\n"), "{text}");
        let long = |with: &str| format!("{}{with}{}", "a".repeat(500), "b".repeat(500));
        let text = shown("a", long("1"), long("2"));
        let expected = format!("  -...{}1{}...\n", "a".repeat(60), "b".repeat(99));
        assert!(text.contains(&expected), "{text}");
    }

    #[test]
    fn control_characters_are_made_visible() {
        let text = shown("a", "\x1b[31mred\n", "\x1b[32mred\n");
        assert!(text.contains("  -\\x1b[31mred\n"), "{text}");
    }

    #[test]
    fn reordered_hashes_are_an_order_and_not_random() {
        let (a, b) = ("3f2a9c0d1e4b5a67 x\n9c2a9c0d1e4b5a11 y\n", "9c2a9c0d1e4b5a11 y\n3f2a9c0d1e4b5a67 x\n");
        let text = shown("a", a, b);
        assert!(text.contains("cause: the same parts in another order"), "{text}");
    }

    #[test]
    fn one_line_without_a_cause_makes_it_a_part() {
        let text = shown("a", "on alpha-host\nx 1\n", "on omega-host\nx 2\n");
        assert!(
            text.contains("  cause: the host name is written into the file (not all of the difference)\n"),
            "{text}"
        );
    }

    #[test]
    fn thousands_of_lines_are_explained_in_part() {
        let lines = |host: &str| (0..2000).map(|line| format!("{line} {host}\nsame {line}\n")).collect::<String>();
        let text = shown("a", lines("alpha-host"), lines("omega-host"));
        assert!(text.contains("cause: the host name is written into the file (not all"), "{text}");
    }
}
