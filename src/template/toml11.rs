//! Finds what only TOML 1.1 has. The parser takes it, editors and other tools refuse it.
//!
//! A scan over text that is known to be valid, so that it need not understand more than strings, comments and brackets.

use super::finding::{Finding, Kind};
use super::span::{FileId, Span};

/// Warnings for line breaks and trailing commas in inline tables and for `\e` and `\x` in strings.
pub(super) fn scan(file: FileId, text: &str) -> Vec<Finding> {
    let bytes = text.as_bytes();
    let mut findings = Vec::new();
    let mut warn = |start: usize, what: &'static str| {
        let span = Span { file, start, end: start + 1 };
        findings.push(Finding::new(span, Kind::Toml11 { what }));
    };
    // What is open, and whether this inline table was reported already: one warning for each is enough.
    let mut open: Vec<(u8, bool)> = Vec::new();
    let mut comma = None;
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        match byte {
            b'#' => at += bytes[at..].iter().position(|b| *b == b'\n').unwrap_or(bytes.len() - at) - 1,
            b'"' | b'\'' => at = end_of_string(bytes, at, &mut warn),
            b'[' | b'{' => open.push((byte, false)),
            b']' => drop(open.pop()),
            b'}' => {
                if let (Some(comma), Some((b'{', false))) = (comma, open.last()) {
                    warn(comma, "a comma behind the last entry of an inline table");
                }
                open.pop();
            }
            b'\n' => {
                if let Some((b'{', reported @ false)) = open.last_mut() {
                    *reported = true;
                    warn(at, "a line break in an inline table");
                }
            }
            _ => {}
        }
        comma = match byte {
            b',' => Some(at),
            b' ' | b'\t' | b'\r' | b'\n' => comma,
            _ => None,
        };
        at += 1;
    }
    findings
}

/// Index of the last byte of the string that starts at `start`.
fn end_of_string(bytes: &[u8], start: usize, warn: &mut dyn FnMut(usize, &'static str)) -> usize {
    let quote = bytes[start];
    let is_long = bytes[start..].starts_with(&[quote; 3]);
    let mut at = start + if is_long { 3 } else { 1 };
    while at < bytes.len() {
        if bytes[at] == b'\\' && quote == b'"' {
            if let Some(b'e' | b'x') = bytes.get(at + 1) {
                warn(at, "`\\e` or `\\x` in a string");
            }
            at += 2;
        } else if !is_long && bytes[at] == quote {
            return at;
        } else if is_long && bytes[at..].starts_with(&[quote; 3]) {
            // Up to two quotes may stand before the closing three.
            let quotes = bytes[at..].iter().take(5).take_while(|b| **b == quote).count();
            return at + quotes - 1;
        } else {
            at += 1;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(usize, &'static str)> {
        let what = |finding: &Finding| match finding.kind {
            Kind::Toml11 { what } => (finding.span.map_or(0, |span| span.start), what),
            _ => (0, ""),
        };
        scan(FileId(0), text).iter().map(what).collect()
    }

    #[test]
    fn only_what_is_new_is_found() {
        for fine in [
            "a = { b = [\n1,\n] }\n",
            "a = \"\"\"\n{\n\"\"\"\"\"\nb = '{'#{\n[[x]]\n",
            "a = '\\e' # ,}\nb = [1,]\n",
            "#",
        ] {
            assert_eq!(found(fine), [], "{fine}");
        }
        assert_eq!(found("a = {\n\nb = 1 }"), [(5, "a line break in an inline table")]);
        assert_eq!(found("a = { b = 1, }"), [(11, "a comma behind the last entry of an inline table")]);
        assert_eq!(found("a = \"\\e\""), [(5, "`\\e` or `\\x` in a string")]);
    }
}
