//! Names of systemd's units, and where the units of an image are (systemd.unit(5)).

use std::fmt;

/// The directories of units in an image, the first that has one counts. What is in `/run` is gone when a system starts.
/// Where `/lib` is a link to `/usr/lib`, the last two are one.
pub const UNIT_DIRECTORIES: [&str; 4] =
    ["etc/systemd/system", "usr/local/lib/systemd/system", "lib/systemd/system", "usr/lib/systemd/system"];

const KINDS: [&str; 11] =
    ["service", "socket", "device", "mount", "automount", "swap", "target", "path", "timer", "slice", "scope"];

/// Longest name (systemd.unit(5)).
const NAME_MAX_BYTES: usize = 255;

/// The name of a unit: `PREFIX.KIND`, of a template `PREFIX@.KIND`, of an instance of one `PREFIX@INSTANCE.KIND`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnitName {
    prefix: String,
    /// Empty for a template.
    instance: Option<String>,
    kind: &'static str,
}

impl UnitName {
    /// Reads a whole name; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, kind) = text.rsplit_once('.')?;
        let kind = KINDS.iter().find(|known| **known == kind)?;
        let good = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b":-_.\\".contains(&b));
        let (prefix, instance) = match name.split_once('@') {
            Some((prefix, instance)) => (prefix, Some(instance)),
            None => (name, None),
        };
        let whole = text.len() <= NAME_MAX_BYTES && !prefix.is_empty() && good(prefix);
        let good_instance = instance.is_none_or(|instance| instance.split('@').all(good));
        (whole && good_instance).then(|| Self {
            prefix: prefix.to_owned(),
            instance: instance.map(str::to_owned),
            kind,
        })
    }

    /// What stands before the `@`, or before the kind.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What stands behind the `@`; empty for a template, `None` for a unit without one.
    pub fn instance(&self) -> Option<&str> {
        self.instance.as_deref()
    }

    /// Such as `service`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Whether it is a template, which needs an instance to run.
    pub fn is_template(&self) -> bool {
        self.instance() == Some("")
    }

    /// The template that it is an instance of, if it is one.
    pub fn template(&self) -> Option<Self> {
        let is_instance = self.instance().is_some_and(|instance| !instance.is_empty());
        is_instance.then(|| self.with_instance(""))
    }

    /// The same with another instance.
    pub fn with_instance(&self, instance: &str) -> Self {
        Self { instance: Some(instance.to_owned()), ..self.clone() }
    }
}

impl fmt::Display for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.instance {
            Some(instance) => write!(f, "{}@{instance}.{}", self.prefix, self.kind),
            None => write!(f, "{}.{}", self.prefix, self.kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read() {
        for good in
            ["nginx.service", "a-b.c.socket", "getty@tty1.service", "g@.service", r"dev-sda\x2d1.swap", "a@b@c.path"]
        {
            assert_eq!(UnitName::parse(good).map(|name| name.to_string()).as_deref(), Some(good));
        }
        let long = format!("{}.service", "x".repeat(250));
        for bad in ["", "nginx", ".service", "@x.service", "a b.service", "a/b.service", "a.conf", "é.service", &long]
        {
            assert_eq!(UnitName::parse(bad), None, "{bad}");
        }
        let instance = UnitName::parse("getty@tty1.service").expect("a name");
        assert_eq!(instance.template().map(|name| name.to_string()).as_deref(), Some("getty@.service"));
        assert!(instance.template().is_some_and(|name| name.is_template() && name.template().is_none()));
    }
}
