//! The fields of a paragraph of dpkg's database, as they are written.
//!
//! The reader of indexes gives lines without what they begin with, and a description would lose its lists. So the text
//! is cut here once more, after that reader found it good.

use super::super::error::IndexError;
use super::super::relation;

/// Fields in their order: name, and the value with its line breaks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fields(Vec<(String, String)>);

/// The order in which dpkg writes what it knows. Everything else follows in the order of the package.
const ORDER: &[&str] = &[
    "Package",
    "Essential",
    "Protected",
    "Status",
    "Priority",
    "Section",
    "Installed-Size",
    "Origin",
    "Maintainer",
    "Bugs",
    "Architecture",
    "Multi-Arch",
    "Source",
    "Version",
    "Config-Version",
    "Replaces",
    "Provides",
    "Depends",
    "Pre-Depends",
    "Recommends",
    "Suggests",
    "Breaks",
    "Conflicts",
    "Enhances",
    "Conffiles",
    "Description",
    "Triggers-Pending",
    "Triggers-Awaited",
];

/// Of these, those that name packages: dpkg writes them in its own spelling.
const RELATIONS: &[&str] =
    &["Replaces", "Provides", "Depends", "Pre-Depends", "Recommends", "Suggests", "Breaks", "Conflicts", "Enhances"];

/// What dpkg writes only if it is not the usual.
const USUAL: &[(&str, &str)] = &[("Essential", "no"), ("Protected", "no"), ("Multi-Arch", "no")];

/// What dpkg knows of an archive, or says itself, and never takes from a package.
const NEVER: &[&str] =
    &["Status", "Config-Version", "Conffiles", "Filename", "Size", "MD5sum", "Triggers-Pending", "Triggers-Awaited"];

impl Fields {
    /// Cuts the text of one paragraph.
    pub(super) fn cut(text: &str) -> Self {
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in text.lines() {
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = fields.last_mut() {
                    value.push('\n');
                    value.push_str(line);
                }
            } else if let Some((name, value)) = line.split_once(':').filter(|_| !line.starts_with('#')) {
                fields.push((name.to_owned(), value.trim_start().to_owned()));
            }
        }
        // Blanks at the end of a line are part of a text that goes on; dpkg drops those at its end.
        fields.iter_mut().for_each(|(_, value)| value.truncate(value.trim_end().len()));
        Self(fields)
    }

    /// The fields of a package's control file as dpkg would write them into its database.
    pub(super) fn of_control(text: &str, architecture: &str) -> Result<Self, IndexError> {
        let mut ordered: Vec<(String, String)> = Vec::new();
        let given = Self::cut(text).0;
        let place = |name: &str| ORDER.iter().position(|known| known.eq_ignore_ascii_case(name));
        for known in ORDER {
            let Some((_, value)) = given.iter().find(|(name, _)| name.eq_ignore_ascii_case(known)) else { continue };
            let is_usual = USUAL.contains(&(*known, value.as_str()));
            if is_usual || value.is_empty() || NEVER.contains(known) {
                continue;
            }
            let value = if RELATIONS.contains(known) { spelled(value, architecture)? } else { value.clone() };
            ordered.push(((*known).to_owned(), value));
        }
        let is_other = |name: &str| place(name).is_none() && !NEVER.iter().any(|no| no.eq_ignore_ascii_case(name));
        ordered.extend(given.into_iter().filter(|(name, _)| is_other(name)));
        Ok(Self(ordered))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Puts a field where dpkg writes it, in place of the one that is there. `None` takes it away.
    pub(super) fn put(&mut self, name: &str, value: Option<String>) {
        let place = |name: &str| ORDER.iter().position(|known| known.eq_ignore_ascii_case(name)).unwrap_or(ORDER.len());
        self.0.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        let Some(value) = value else { return };
        let at = self.0.iter().position(|(known, _)| place(known) > place(name)).unwrap_or(self.0.len());
        self.0.insert(at, (name.to_owned(), value));
    }

    /// Appends the paragraph with the empty line behind it.
    pub(super) fn write(&self, out: &mut String) {
        for (name, value) in &self.0 {
            out.push_str(name);
            out.push_str(if value.starts_with('\n') { ":" } else { ": " });
            out.push_str(value);
            out.push('\n');
        }
        out.push('\n');
    }
}

fn spelled(value: &str, architecture: &str) -> Result<String, IndexError> {
    let groups = relation::parse(value, architecture)?;
    Ok(groups.iter().map(|group| relation::shown(group)).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_file_becomes_a_paragraph_of_the_database() {
        let control = "Package: a\nversion: 1 \nDescription: one \n  * two\n .\n three\nX-Own: yes\nArchitecture: all\n\
                       Status: hold\nMulti-Arch: no\nEssential: yes\nDepends: c(>=1)|d ,\n e (< 2)\nHomepage: http://h\n";
        let mut text = String::new();
        let mut fields = Fields::of_control(control, "amd64").expect("a control file");
        fields.put("Status", Some("install ok unpacked".to_owned()));
        fields.put("Conffiles", Some("\n /etc/a newconffile".to_owned()));
        fields.write(&mut text);
        let expected = "Package: a\nEssential: yes\nStatus: install ok unpacked\nArchitecture: all\nVersion: 1\n\
                        Depends: c (>= 1) | d, e (<= 2)\nConffiles:\n /etc/a newconffile\n\
                        Description: one \n  * two\n .\n three\nX-Own: yes\nHomepage: http://h\n\n";
        assert_eq!(text, expected);
        assert_eq!(Fields::cut(text.trim_end()), fields);
        fields.put("conffiles", None);
        assert_eq!((fields.get("conffiles"), fields.get("VERSION")), (None, Some("1")));
        assert!(matches!(Fields::of_control("Depends: (\n", "amd64"), Err(IndexError::Relation { .. })));
    }
}
