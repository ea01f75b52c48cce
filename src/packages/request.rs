//! What a template asks for: `name`, `name=1.2*`, `name:arch`, `name-`, `?priority(required)`.

use std::fmt;

/// One word of `packages`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// The package; empty if all of a priority are asked for.
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
    /// All packages of this priority, and of those that are more important, are to be there.
    Priority(Priority),
}

/// How much a system needs a package, as the distribution sees it (Debian policy, 2.5): the most important first. The less
/// important ones are no set that anyone installs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Without it, a system does not work.
    Required,
    /// A person expects it on any system.
    Important,
    /// A small system with text only has it.
    Standard,
}

/// A word that asks for nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
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
        let words = "`name`, `name=1.2*` for a version, `name-` to leave it out";
        Some(format!("write {words}, or `?priority(required)` for all packages of that priority"))
    }
}

impl Request {
    /// Parses a word.
    pub fn parse(text: &str) -> Result<Self, RequestError> {
        let fail = |reason| RequestError { found: text.to_owned(), reason };
        if text.starts_with('?') {
            let priority =
                Priority::ALL.into_iter().find(|priority| priority.to_string() == text).ok_or_else(|| {
                    fail("expected `?priority(required)`, `?priority(important)` or `?priority(standard)` alone")
                })?;
            return Ok(Self { name: String::new(), architecture: None, wish: Wish::Priority(priority) });
        }
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
        if !is_word(name) || !architecture.as_deref().is_none_or(is_word) {
            return Err(fail("expected the name of a package"));
        }
        Ok(Self { name: name.to_owned(), architecture, wish })
    }

    /// Whether a version is one of those that are asked for.
    pub fn admits(&self, version: &str) -> bool {
        match &self.wish {
            Wish::Version(pattern) => fits(pattern, version),
            Wish::Any | Wish::LeaveOut | Wish::Priority(_) => true,
        }
    }
}

/// Whether a text may be the name of a package or of an architecture, whatever the distribution.
pub(super) fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && !b"=:*,|()[]<>/".contains(&b))
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
            Wish::Priority(priority) => write!(f, "{priority}"),
        }
    }
}

impl Priority {
    const ALL: [Self; 3] = [Self::Required, Self::Important, Self::Standard];
}

impl fmt::Display for Priority {
    /// As a template asks for it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Required => "required",
            Self::Important => "important",
            Self::Standard => "standard",
        };
        write!(f, "?priority({name})")
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
        assert_eq!(request("?priority(standard)").wish, Wish::Priority(Priority::Standard));
        for bad in ["", "-", "a=", "=1", "a:", "a b", "a|b", "a*", "\u{e9}", "a/b"] {
            assert!(matches!(Request::parse(bad), Err(RequestError { .. })), "{bad}");
        }
        let priority = "?priority(required)";
        for bad in [
            "?",
            "?priority",
            "?priority()",
            "?priority(optional)",
            "?priority(Required)",
            "?name(x)",
            "a?priority(required)",
        ] {
            assert!(Request::parse(bad).is_err(), "{bad}");
        }
        for behind in [":i386", "=1", "-", " "] {
            assert!(Request::parse(&format!("{priority}{behind}")).is_err(), "{behind}");
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
        fn what_is_shown_is_read_again(text in "[a=:*.1-]{0,8}|\\?priority\\((required|important|standard)\\)[:=a-]{0,2}") {
            if let Ok(request) = Request::parse(&text) {
                prop_assert_eq!(request.to_string(), text);
            }
        }
    }
}
