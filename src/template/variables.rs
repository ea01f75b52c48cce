//! `${name}` in strings.

use std::collections::BTreeMap;

use crate::base::Platform;

use super::value::{Node, Table, Value};

/// How long a string may become when its variables are filled in: more than any text that belongs into a template, and a
/// stop for variables that double each other.
pub(super) const EXPANDED_MAX_BYTES: usize = 1 << 20;

/// The variables that are always there.
pub(super) const BUILT_IN: [&str; 4] = ["platform.os", "platform.arch", "platform.variant", "platform.machine"];

/// A piece of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// As it is.
    Literal(&'a str),
    /// `${name}`
    Variable(&'a str),
    /// `${` and no name and `}` behind it.
    Open,
}

/// Takes a string apart.
pub(super) fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, tail) = (&rest[..start], &rest[start + 2..]);
        if let Some(before) = before.strip_suffix('$') {
            parts.extend([Part::Literal(before), Part::Literal("${")]);
            rest = tail;
            continue;
        }
        parts.push(Part::Literal(before));
        let is_name =
            |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        match tail.split_once('}') {
            Some((name, after)) if is_name(name) => {
                parts.push(Part::Variable(name));
                rest = after;
            }
            _ => {
                parts.push(Part::Open);
                rest = tail;
            }
        }
    }
    parts.push(Part::Literal(rest));
    parts
}

/// The names of the variables in a string.
pub(super) fn names(text: &str) -> impl Iterator<Item = &str> {
    parts(text).into_iter().filter_map(|part| if let Part::Variable(name) = part { Some(name) } else { None })
}

/// All strings that a variable may stand for.
pub(super) fn values(node: &Node) -> Vec<&str> {
    let mut values = Vec::new();
    node.each_string(&mut |text, _| values.push(text));
    values
}

/// Why a string cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// This variable has no value for the platform.
    NoValue(String),
    /// This variable differs from platform to platform, and the string is for all of them.
    DependsOnPlatform(String),
    /// It becomes too long.
    TooLong,
    /// It was found when the template was parsed: an unknown variable, a cycle, a wrong type.
    Known,
}

/// The values of all variables, for one platform or for what all platforms share.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope(BTreeMap<String, Result<String, Trouble>>);

impl Scope {
    /// `set` overrides; its values are taken as they are.
    pub(super) fn new(variables: Option<&Table>, set: &BTreeMap<String, String>, platform: Option<&Platform>) -> Self {
        let mut scope = Self(built_in(platform));
        let entries = variables.map_or(&[][..], |table| &table.entries);
        let mut open: Vec<(&str, &str)> = Vec::new();
        for entry in entries {
            let name = entry.key.text.as_str();
            let value = match set.get(name) {
                Some(value) => Err(Ok(value.clone())),
                None => raw(&entry.node, name, platform).map_err(Err),
            };
            match value {
                Ok(text) => open.push((name, text)),
                Err(settled) => drop(scope.0.insert(name.to_owned(), settled)),
            }
        }
        scope.settle(open);
        scope
    }

    /// Fills in the variables that are made of settled ones until none is left; the rest are cycles.
    fn settle(&mut self, mut open: Vec<(&str, &str)>) {
        loop {
            let before = open.len();
            let still_open = open.clone();
            let waits = |text: &str| names(text).any(|name| still_open.iter().any(|(other, _)| *other == name));
            open.retain(|(name, text)| {
                let waits = waits(text);
                if !waits {
                    let value = self.expand(text);
                    self.0.insert((*name).to_owned(), value);
                }
                waits
            });
            if open.len() == before {
                break;
            }
        }
        for (name, _) in open {
            self.0.insert(name.to_owned(), Err(Trouble::Known));
        }
    }

    /// `text` with its variables filled in.
    pub(super) fn expand(&self, text: &str) -> Result<String, Trouble> {
        let mut expanded = String::with_capacity(text.len());
        for part in parts(text) {
            match part {
                Part::Literal(literal) => expanded.push_str(literal),
                Part::Variable(name) => match self.0.get(name) {
                    Some(value) => expanded.push_str(value.as_ref().map_err(Clone::clone)?),
                    None => return Err(Trouble::Known),
                },
                Part::Open => return Err(Trouble::Known),
            }
            if expanded.len() > EXPANDED_MAX_BYTES.max(text.len()) {
                return Err(Trouble::TooLong);
            }
        }
        Ok(expanded)
    }
}

fn built_in(platform: Option<&Platform>) -> BTreeMap<String, Result<String, Trouble>> {
    let value = |name: &str| {
        let platform = platform.ok_or_else(|| Trouble::DependsOnPlatform(name.to_owned()))?;
        Ok(match name {
            "platform.os" => platform.os.clone(),
            "platform.arch" => platform.architecture.clone(),
            "platform.variant" => platform.variant.clone().unwrap_or_default(),
            _ => platform.machine().to_owned(),
        })
    };
    BUILT_IN.iter().map(|name| ((*name).to_owned(), value(name))).collect()
}

/// The text of a variable before its own variables are filled in.
fn raw<'a>(node: &'a Node, name: &str, platform: Option<&Platform>) -> Result<&'a str, Trouble> {
    match &node.value {
        Value::String(text) => Ok(text),
        Value::Table(table) => {
            let platform = platform.ok_or_else(|| Trouble::DependsOnPlatform(name.to_owned()))?;
            let mut entries = table.entries.iter();
            let entry = entries.find(|entry| entry.key.text.parse::<Platform>().as_ref() == Ok(platform));
            entry.ok_or_else(|| Trouble::NoValue(name.to_owned()))?.node.as_str().ok_or(Trouble::Known)
        }
        _ => Err(Trouble::Known),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::span::FileId;

    fn scope(variables: &str, platform: Option<&str>) -> Scope {
        let table = crate::template::value::parse(FileId(0), variables, &mut Vec::new()).expect("TOML");
        let platform = platform.map(|text| text.parse::<Platform>().expect("a platform"));
        Scope::new(Some(&table), &BTreeMap::from([("set".to_owned(), "${raw}".to_owned())]), platform.as_ref())
    }

    #[test]
    fn strings_are_taken_apart() {
        assert_eq!(parts("a${b}c"), [Part::Literal("a"), Part::Variable("b"), Part::Literal("c")]);
        assert_eq!(names("${a}${b.c}$${d} ${-x} ${e:-f} ${").collect::<Vec<_>>(), ["a", "b.c", "-x"]);
        assert!(parts("${VAR:-x}").contains(&Part::Open) && parts("${").contains(&Part::Open));
    }

    #[test]
    fn variables_are_made_of_variables() {
        let toml = "a = '${b}/x'\nb = '${t}'\nt.'linux/amd64' = 'amd'\nset = ''\nc = '${d}'\nd = '${c}'";
        let both = scope(toml, Some("linux/amd64"));
        assert_eq!(both.expand("${a} $${a} ${platform.machine} ${set}"), Ok("amd/x ${a} x86_64 ${raw}".to_owned()));
        assert_eq!(both.expand("${c}"), Err(Trouble::Known));
        assert_eq!(both.expand("${nothing}"), Err(Trouble::Known));
        assert_eq!(scope(toml, Some("linux/arm64")).expand("${a}"), Err(Trouble::NoValue("t".to_owned())));
        assert_eq!(scope(toml, None).expand("${a}"), Err(Trouble::DependsOnPlatform("t".to_owned())));
        assert_eq!(
            scope(toml, None).expand("${platform.os}"),
            Err(Trouble::DependsOnPlatform("platform.os".to_owned()))
        );
    }

    #[test]
    fn variables_that_double_each_other_are_stopped() {
        let double = |index: usize| format!("v{} = '${{v{index}}}${{v{index}}}'\n", index + 1);
        let toml = "v0 = 'xxxxxxxx'\n".to_owned() + &(0..60).map(double).collect::<String>();
        assert_eq!(scope(&toml, None).expand("${v60}"), Err(Trouble::TooLong));
    }
}
