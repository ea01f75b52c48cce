//! What of a text a person is shown.

use crate::pipeline::provision::plain;

/// Lines of an output that say enough of how it ended.
const LAST_LINES: usize = 15;

/// Lines of a difference that a person reads.
const DIFFERENT_LINES: usize = 40;

/// Equal lines that are shown around different ones.
const AROUND: usize = 2;

/// A text in one line.
pub(super) fn shown(text: &str) -> String {
    text.escape_debug().to_string()
}

/// The last lines of an output, without what a terminal would obey.
pub(super) fn last_lines(bytes: &[u8]) -> Vec<String> {
    /// Of one line: a line of megabytes would push everything else away.
    const MOST_CHARS: usize = 500;
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().collect();
    let (before, last) = lines.split_at(lines.len().saturating_sub(LAST_LINES));
    let note = (!before.is_empty()).then(|| format!("({} lines before)", before.len()));
    let cut = |line: &&str| plain(line).chars().take(MOST_CHARS).collect();
    note.into_iter().chain(last.iter().map(cut)).collect()
}

/// How `found` differs from `expected`, as lines that begin with `-`, `+` or a blank. What both begin and end with is left
/// out but for the nearest lines; between that, everything expected stands before everything found.
pub(super) fn difference(expected: &str, found: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (expected.split_inclusive('\n').collect(), found.split_inclusive('\n').collect());
    let first = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let (old_rest, new_rest) = (&old[first..], &new[first..]);
    let last = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(old, new)| old == new).count();
    let (gone, end) = old_rest.split_at(old_rest.len() - last);
    let come = &new_rest[..new_rest.len() - last];
    let start = &old[first.saturating_sub(AROUND)..first];
    let mut lines = Vec::new();
    put(' ', start, &mut lines);
    put('-', gone, &mut lines);
    put('+', come, &mut lines);
    put(' ', &end[..end.len().min(AROUND)], &mut lines);
    lines
}

fn put(sign: char, from: &[&str], lines: &mut Vec<String>) {
    for line in from.iter().take(DIFFERENT_LINES) {
        let end = if line.ends_with('\n') { "" } else { " (without a line end)" };
        lines.push(format!("{sign} {}{end}", plain(line)));
    }
    if from.len() > DIFFERENT_LINES {
        lines.push(format!("{sign} ({} more lines)", from.len() - DIFFERENT_LINES));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_what_changed_and_little_around_it() {
        let old = "1\n2\n3\nold\n4\n5\n6\n";
        let new = "1\n2\n3\nnew\x1b[31m\nmore\n4\n5\n6\n";
        assert_eq!(difference(old, new), ["  2", "  3", "- old", "+ new", "+ more", "  4", "  5"]);
        assert_eq!(difference("ok\n", "ok"), ["- ok", "+ ok (without a line end)"]);
        assert_eq!(difference("", "x\n"), ["+ x"]);
        assert_eq!(difference("a\na\n", "a\n"), ["  a", "- a"]);
    }

    #[test]
    fn an_output_is_shown_from_its_end() {
        let many: String = (0..20).map(|number| format!("{number}\n")).collect();
        let lines = last_lines(many.as_bytes());
        assert_eq!((lines.len(), lines[0].as_str(), lines[15].as_str()), (16, "(5 lines before)", "19"));
        assert_eq!(last_lines(b"\xff\x1b[1mx"), ["\u{fffd}x"]);
        assert!(last_lines(b"").is_empty());
    }
}
