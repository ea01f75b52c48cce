//! What was expected and what was found instead.

use serde::Serialize;

use crate::sandbox::Text;
use crate::template::Expected;

use super::text::{difference, last_lines, shown};

/// One thing that is not as a test says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Complaint {
    /// What is wrong, in one line.
    pub message: String,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// More, for people.
    #[serde(skip)]
    pub lines: Vec<String>,
}

impl Complaint {
    /// `what` is `found` and not `expected`.
    pub(super) fn is(what: &str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        let (expected, found) = (expected.into(), found.into());
        let message = format!("{what}: expected {expected}, found {found}");
        Self { message, expected, found, lines: Vec::new() }
    }

    /// The same with words of its own.
    pub(super) fn said(
        message: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
        lines: Vec<String>,
    ) -> Self {
        Self { message: message.into(), expected: expected.into(), found: found.into(), lines }
    }
}

/// What is wrong with an output, if anything is.
pub(super) fn of_output(name: &str, expected: Option<&Expected>, found: &Text) -> Option<Complaint> {
    let expected = expected?;
    // Of an output that was cut, nobody knows whether it is exactly this.
    let exact = matches!(expected, Expected::Exact(_));
    if expected.matches(&found.bytes) && !(exact && found.is_cut) {
        return None;
    }
    let where_to = match (found.is_cut, found.bytes.is_empty()) {
        (true, _) => ", as far as it was kept",
        (false, true) => ": it is empty",
        (false, false) => "",
    };
    let (message, wanted, lines) = match expected {
        Expected::Exact(text) => (
            format!("{name} is not what was expected (-: expected, +: found)"),
            text,
            difference(text, &String::from_utf8_lossy(&found.bytes)),
        ),
        Expected::Contains(text) => {
            (format!("{name} does not contain `{}`{where_to}", shown(text)), text, last_lines(&found.bytes))
        }
        Expected::Regex(pattern) => {
            (format!("{name} does not match `{}`{where_to}", shown(pattern)), pattern, last_lines(&found.bytes))
        }
    };
    Some(Complaint::said(message, wanted, excerpt(&found.bytes), lines))
}

/// The beginning of an output, for programs: nobody compares more than that by eye.
fn excerpt(bytes: &[u8]) -> String {
    const MOST_BYTES: usize = 64 * 1024;
    String::from_utf8_lossy(&bytes[..bytes.len().min(MOST_BYTES)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_that_was_cut_is_never_exactly_something() {
        let found = Text { bytes: b"abc".to_vec(), is_cut: true };
        let is_fine = |expected: Expected| of_output("stdout", Some(&expected), &found).is_none();
        assert!(is_fine(Expected::Contains("b".to_owned())) && is_fine(Expected::Regex("^a".to_owned())));
        assert!(!is_fine(Expected::Exact("abc".to_owned())) && of_output("stdout", None, &found).is_none());
        let missing = of_output("stdout", Some(&Expected::Contains("x\ny".to_owned())), &found).expect("a complaint");
        assert_eq!(missing.message, r"stdout does not contain `x\ny`, as far as it was kept");
        let empty = of_output("stderr", Some(&Expected::Regex("x".to_owned())), &Text::default()).expect("a complaint");
        assert_eq!(empty.message, "stderr does not match `x`: it is empty");
    }
}
