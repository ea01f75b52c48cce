//! What a template asks for: `name`, `name=1.2*`, `name:arch`, `name-`.

use std::fmt;

/// One word of `packages`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// The package.
    pub name: String,
    /// Of which architecture, as the distribution calls it; `None`: the system's.
    pub architecture: Option<String>,
    /// What is to happen with it.
    pub wish: Wish,
}

/// What is to happen with a package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wish {
    /// It is to be there, in the version that the distribution offers.
    Any,
    /// It is to be there, in a version that fits: `*` stands for any text, everything else for itself.
    Version(String),
    /// It is not to be there.
    LeaveOut,
}

/// A word that asks for nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` does not ask for a package: {reason}")]
pub struct RequestError {
    /// The word as it was given.
    pub found: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl RequestError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some("write `name`, `name=1.2*` for a version, or `name-` to leave it out".to_owned())
    }
}

impl Request {
    /// Parses a word.
    pub fn parse(text: &str) -> Result<Self, RequestError> {
        let fail = |reason| RequestError { found: text.to_owned(), reason };
        let (package, wish) = match (text.split_once('='), text.strip_suffix('-')) {
            (Some((_, "")), _) => return Err(fail("expected a version behind the equals sign")),
            (Some((package, version)), _) => (package, Wish::Version(version.to_owned())),
            (None, Some(package)) => (package, Wish::LeaveOut),
            (None, None) => (text, Wish::Any),
        };
        let (name, architecture) = match package.split_once(':') {
            Some((_, "")) => return Err(fail("expected an architecture behind the colon")),
            Some((name, architecture)) => (name, Some(architecture.to_owned())),
            None => (package, None),
        };
        let is_word = |word: &str| word.bytes().all(|b| b.is_ascii_graphic() && !b"=:*,|()[]<>/".contains(&b));
        if name.is_empty() || !is_word(name) || !architecture.as_deref().is_none_or(is_word) {
            return Err(fail("expected the name of a package"));
        }
        Ok(Self { name: name.to_owned(), architecture, wish })
    }

    /// Whether a version is one of those that are asked for.
    pub fn admits(&self, version: &str) -> bool {
        match &self.wish {
            Wish::Version(pattern) => fits(pattern, version),
            Wish::Any | Wish::LeaveOut => true,
        }
    }
}

/// Whether a text fits a pattern in which `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let parts: Vec<&str> = rest.split('*').collect();
    let Some((last, middle)) = parts.split_last() else { return true };
    // The first place of each is the best: it leaves most for the others.
    for part in middle {
        let Some(at) = text.find(part) else { return false };
        text = text.get(at + part.len()..).unwrap_or_default();
    }
    text.ends_with(last)
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.architecture.as_ref().map_or(Ok(()), |architecture| write!(f, ":{architecture}"))?;
        match &self.wish {
            Wish::Any => Ok(()),
            Wish::Version(version) => write!(f, "={version}"),
            Wish::LeaveOut => f.write_str("-"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_read() {
        let request = |text: &str| Request::parse(text).expect("a request");
        assert_eq!(request("g++").wish, Wish::Any);
        assert_eq!(request("curl=7.88*").wish, Wish::Version("7.88*".to_owned()));
        assert_eq!(request("libc6-").wish, Wish::LeaveOut);
        assert_eq!(request("libc6:i386").architecture.as_deref(), Some("i386"));
        for bad in ["", "-", "a=", "=1", "a:", "a b", "a|b", "a*", "\u{e9}", "a/b"] {
            assert!(matches!(Request::parse(bad), Err(RequestError { .. })), "{bad}");
        }
    }

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, text, expected) in [
            ("1.0", "1.0", true),
            ("1.0", "1.0-1", false),
            ("1.*", "1.", true),
            ("1.*", "2.1.", false),
            ("*-1", "1-1-1", true),
            ("1*2*3", "1x2y23", true),
            ("1*2*3", "13", false),
            ("*", "", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_again(text in "[a=:*.1-]{0,8}") {
            if let Ok(request) = Request::parse(&text) {
                prop_assert_eq!(request.to_string(), text);
            }
        }
    }
}
