//! What packages say about other packages (Debian policy, 7.1; deb-control(5)).
//!
//! ```text
//! mail-transport-agent | exim4 (>= 4.92), python3:any, foo [amd64] <!nocheck>
//! ---- alternatives ----------------     --qualifier     only there, only so
//! ```

use std::cmp::Ordering;
use std::fmt;

use super::error::IndexError;
use super::version::{Version, compare};

/// Alternatives, the preferred one first; never empty.
pub type Alternatives<'a> = Vec<Relation<'a>>;

/// One package that another one names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation<'a> {
    /// Its name, or one that another package provides.
    pub name: &'a str,
    /// For which architecture.
    pub qualifier: Qualifier<'a>,
    /// Which versions; `None`: any.
    pub constraint: Option<Constraint<'a>>,
}

/// Of which architecture a package has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qualifier<'a> {
    /// Nothing is said: of the architecture of the package that says it.
    Own,
    /// `:any`.
    Any,
    /// A named one.
    Named(&'a str),
}

/// A bound for versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint<'a> {
    /// On which side of it they are.
    pub operator: Operator,
    /// The bound.
    pub version: &'a str,
}

/// How a version has to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `<<`
    Earlier,
    /// `<=`
    EarlierOrEqual,
    /// `=`
    Equal,
    /// `>=`
    LaterOrEqual,
    /// `>>`
    Later,
}

impl Constraint<'_> {
    /// Whether a version is one of these.
    pub fn admits(&self, version: &str) -> bool {
        let order = compare(version, self.version);
        match self.operator {
            Operator::Earlier => order == Ordering::Less,
            Operator::EarlierOrEqual => order != Ordering::Greater,
            Operator::Equal => order == Ordering::Equal,
            Operator::LaterOrEqual => order != Ordering::Less,
            Operator::Later => order == Ordering::Greater,
        }
    }
}

impl fmt::Display for Relation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        match self.qualifier {
            Qualifier::Own => {}
            Qualifier::Any => f.write_str(":any")?,
            Qualifier::Named(architecture) => write!(f, ":{architecture}")?,
        }
        let Some(constraint) = &self.constraint else { return Ok(()) };
        let operator = match constraint.operator {
            Operator::Earlier => "<<",
            Operator::EarlierOrEqual => "<=",
            Operator::Equal => "=",
            Operator::LaterOrEqual => ">=",
            Operator::Later => ">>",
        };
        write!(f, " ({operator} {})", constraint.version)
    }
}

/// Alternatives as they are written.
pub fn shown(alternatives: &[Relation<'_>]) -> String {
    alternatives.iter().map(Relation::to_string).collect::<Vec<_>>().join(" | ")
}

/// Parses the value of a field that names packages. What is not for `architecture`, or for a build profile, is left out.
pub fn parse<'a>(text: &'a str, architecture: &str) -> Result<Vec<Alternatives<'a>>, IndexError> {
    let mut groups = Vec::new();
    // A comma at the end, and two commas, are tolerated by dpkg and do occur.
    for group in text.split(',').filter(|group| !group.trim().is_empty()) {
        let mut alternatives = Vec::new();
        for part in group.split('|') {
            let fail = |reason| IndexError::Relation { found: part.trim().to_owned(), reason };
            let mut words = Words { rest: part.trim() };
            let relation = words.relation().map_err(fail)?;
            if words.applies(architecture).map_err(fail)? {
                alternatives.push(relation);
            }
        }
        if !alternatives.is_empty() {
            groups.push(alternatives);
        }
    }
    Ok(groups)
}

/// One alternative from its beginning on.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn relation(&mut self) -> Result<Relation<'a>, &'static str> {
        let word = self.word();
        let (name, qualifier) = match word.split_once(':') {
            None => (word, Qualifier::Own),
            Some((name, "any")) => (name, Qualifier::Any),
            Some((name, architecture)) if is_architecture(architecture) => (name, Qualifier::Named(architecture)),
            Some(_) => return Err("expected an architecture behind the colon"),
        };
        if !is_name(name) {
            return Err("expected the name of a package");
        }
        let constraint = match self.enclosed('(', ')')? {
            None => None,
            Some(text) => Some(constraint(text)?),
        };
        Ok(Relation { name, qualifier, constraint })
    }

    /// Whether what follows, lists of architectures and profiles, admits a binary package of `architecture`.
    fn applies(&mut self, architecture: &str) -> Result<bool, &'static str> {
        let mut applies = true;
        if let Some(list) = self.enclosed('[', ']')? {
            let names = |negated: bool| {
                list.split_whitespace()
                    .filter(move |word| word.starts_with('!') == negated)
                    .any(|word| is_matched(word.trim_start_matches('!'), architecture))
            };
            let has_positive = list.split_whitespace().any(|word| !word.starts_with('!'));
            applies = !names(true) && (!has_positive || names(false));
        }
        // Profiles are for building. None is active here: any list of which all profiles are negated will do.
        let mut profiles = None;
        while let Some(list) = self.enclosed('<', '>')? {
            let holds = list.split_whitespace().all(|word| word.starts_with('!'));
            profiles = Some(profiles.unwrap_or(false) || holds);
        }
        if !self.rest.trim().is_empty() {
            return Err("expected nothing behind it");
        }
        Ok(applies && profiles.unwrap_or(true))
    }

    fn word(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| c.is_whitespace() || "([<".contains(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        word
    }

    fn enclosed(&mut self, open: char, close: char) -> Result<Option<&'a str>, &'static str> {
        let Some(rest) = self.rest.strip_prefix(open) else { return Ok(None) };
        let (inside, rest) = rest.split_once(close).ok_or("a bracket is not closed")?;
        self.rest = rest.trim_start();
        Ok(Some(inside.trim()))
    }
}

fn constraint(text: &str) -> Result<Constraint<'_>, &'static str> {
    const OPERATORS: &[(&str, Operator)] = &[
        ("<<", Operator::Earlier),
        ("<=", Operator::EarlierOrEqual),
        (">=", Operator::LaterOrEqual),
        (">>", Operator::Later),
        ("=", Operator::Equal),
        // Deprecated, and read by dpkg as if they had an equals sign.
        ("<", Operator::EarlierOrEqual),
        (">", Operator::LaterOrEqual),
    ];
    let found = OPERATORS.iter().find_map(|(sign, operator)| Some((*operator, text.strip_prefix(sign)?.trim())));
    // Without an operator dpkg reads an equals sign.
    let (operator, version) = found.unwrap_or((Operator::Equal, text));
    match Version::parse(version) {
        Ok(_) => Ok(Constraint { operator, version }),
        Err(error) => Err(error.reason),
    }
}

/// Whether a text can be the name of a package. Policy wants lower case and two characters; dpkg reads more.
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-._".contains(&b))
}

/// Whether a text can be the name of an architecture.
pub fn is_architecture(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('-') && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Whether a word of an architecture list, which may be a wildcard, means `architecture` of Linux.
fn is_matched(word: &str, architecture: &str) -> bool {
    match word.split_once('-') {
        _ if word == architecture || matches!(word, "any" | "linux-any") => true,
        Some(("any", cpu)) => cpu == architecture,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(text: &str) -> Vec<String> {
        parse(text, "amd64").expect("relations").iter().map(|group| shown(group)).collect()
    }

    #[test]
    fn relations_are_read() {
        let text = "libc6 (>= 2.36),perl:any(>>5)|b:i386 , c(=1-1),, d (1), e (< 2) ,";
        assert_eq!(texts(text), ["libc6 (>= 2.36)", "perl:any (>> 5) | b:i386", "c (= 1-1)", "d (= 1)", "e (<= 2)"]);
        assert_eq!(texts(""), [""; 0]);
    }

    #[test]
    fn architectures_and_profiles_are_looked_at() {
        let text = "a [amd64 i386], b [!amd64], c [linux-any] | d [arm64], e <!nocheck>, f <nocheck>, \
                    g <x> <!y !z>, h [any-amd64] <!stage1>, i [hurd-any]";
        assert_eq!(texts(text), ["a", "c", "e", "g", "h"]);
    }

    #[test]
    fn operators_admit_what_they_say() {
        for (text, expected) in
            [("<< 2", "1"), ("<= 2", "1 2"), ("= 2", "2"), (">= 2", "2 3"), (">> 2", "3"), ("= 0:2-0", "2")]
        {
            let text = format!("x ({text})");
            let groups = parse(&text, "amd64").expect("a relation");
            let constraint = groups[0][0].constraint.as_ref().expect("a constraint");
            let admitted: Vec<&str> = ["1", "2", "3"].into_iter().filter(|v| constraint.admits(v)).collect();
            assert_eq!(admitted.join(" "), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_relation_is_refused() {
        for bad in ["a b", "(>= 1)", "a (>= )", "a (>= 1", "a |", "a:", "a:-x", "\u{e9}", "a (>= 1) x", "a [b"] {
            assert!(matches!(parse(bad, "amd64"), Err(IndexError::Relation { .. })), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[ab(),|:<>=\\[\\]! 1.\u{e9}-]{0,30}") {
            let _ = parse(&text, "amd64");
        }

        #[test]
        fn what_is_shown_is_read_again(text in "[ab]{1,3}(:any|:i386)?( \\((=|>=|<<) [1-9][.~a]?\\))?") {
            prop_assert_eq!(texts(&text), [text]);
        }
    }
}
