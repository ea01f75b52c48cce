//! Why a layer is built again: the first thing that changed since it was built last.

use std::fmt;

use crate::base::ImagePath;
use crate::tree::{Change, Changeset, Kind, Node};

use super::model::{LayerPlan, StepPlan};

/// The reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// This store has never built a layer of this name for this template and platform.
    New,
    /// A setting is another one.
    Setting {
        /// Which step, counted from 1; `None` for the layer itself.
        step: Option<usize>,
        /// The step's action, or the layer's field.
        field: String,
        /// What it was; empty if it was not there.
        old: String,
        /// What it is.
        new: String,
    },
    /// Steps came or went.
    Steps {
        /// How many there were.
        old: usize,
        /// How many there are.
        new: usize,
    },
    /// The settings are the same, but a file that they bring in is not.
    File {
        /// The first that differs.
        path: ImagePath,
        /// How.
        how: &'static str,
        /// How many others differ.
        others: usize,
    },
    /// Something that came in differs, but what the last build had is no longer known.
    Input,
    /// Nothing changed; the blob is not in the store any more.
    Gone,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => f.write_str("not built here before"),
            Self::Setting { step, field, old, new } => {
                if let Some(step) = step {
                    write!(f, "step {step}: ")?;
                }
                match (old.as_str(), new.as_str()) {
                    ("", new) => write!(f, "`{field}` is now `{new}`"),
                    (old, "") => write!(f, "`{field}` was `{old}` and is left out now"),
                    (old, new) => write!(f, "`{field}` was `{old}` and is `{new}`"),
                }
            }
            Self::Steps { old, new } => write!(f, "it had {old} steps and has {new}"),
            Self::File { path, how, others: 0 } => write!(f, "`{path}`: {how}"),
            Self::File { path, how, others } => write!(f, "`{path}`: {how}, and {others} more"),
            Self::Input => f.write_str("its input changed"),
            Self::Gone => f.write_str("its blob is not in the store any more"),
        }
    }
}

/// Compares a layer with the one that was built last under its name. `files` gives both changesets, if they are known.
pub fn explain(
    old: Option<&LayerPlan>,
    new: &LayerPlan,
    files: impl FnOnce() -> Option<(Changeset, Changeset)>,
) -> Why {
    let Some(old) = old else { return Why::New };
    if old.codec != new.codec {
        return setting(None, "compression", &old.codec, &new.codec);
    }
    if old.steps.len() != new.steps.len() {
        return Why::Steps { old: old.steps.len(), new: new.steps.len() };
    }
    let steps = old.steps.iter().zip(&new.steps).enumerate();
    if let Some(why) = steps.filter_map(|(at, (old, new))| explain_step(at + 1, old, new)).next() {
        return why;
    }
    if old.key == new.key {
        return Why::Gone;
    }
    files().and_then(|(old, new)| first_difference(&old, &new)).unwrap_or(Why::Input)
}

fn setting(step: Option<usize>, field: &str, old: &str, new: &str) -> Why {
    Why::Setting { step, field: field.to_owned(), old: old.to_owned(), new: new.to_owned() }
}

fn explain_step(at: usize, old: &StepPlan, new: &StepPlan) -> Option<Why> {
    if old.action != new.action {
        return Some(setting(Some(at), "action", &old.action, &new.action));
    }
    let names = old.settings.keys().chain(new.settings.keys());
    let mut changed: Vec<&String> = names.filter(|name| old.settings.get(*name) != new.settings.get(*name)).collect();
    changed.sort();
    let name = changed.first()?;
    let value = |plan: &StepPlan| plan.settings.get(*name).cloned().unwrap_or_default();
    Some(setting(Some(at), name, &value(old), &value(new)))
}

fn first_difference(old: &Changeset, new: &Changeset) -> Option<Why> {
    let mut differences: Vec<(&ImagePath, &'static str)> = Vec::new();
    for (path, change) in new.iter() {
        match old.get(path) {
            None => differences.push((path, "new")),
            Some(before) if before != change => differences.push((path, how(before, change))),
            Some(_) => {}
        }
    }
    differences.extend(old.iter().filter(|(path, _)| new.get(path).is_none()).map(|(path, _)| (path, "gone")));
    // A directory that only got another time is the least telling of all.
    differences.sort_by_key(|(path, how)| (*how == "time", *path));
    let (path, how) = differences.first()?;
    Some(Why::File { path: (*path).clone(), how, others: differences.len() - 1 })
}

fn how(old: &Change, new: &Change) -> &'static str {
    let (Change::Node(old), Change::Node(new)) = (old, new) else { return "removed or back again" };
    match (&old.kind, &new.kind) {
        (Kind::File { content: a, .. }, Kind::File { content: b, .. }) if a != b => "content",
        (a, b) if std::mem::discriminant(a) != std::mem::discriminant(b) => "type",
        (a, b) if !matches!(a, Kind::File { .. }) && a != b => "target or device",
        _ => attribute(old, new),
    }
}

fn attribute(old: &Node, new: &Node) -> &'static str {
    if old.mode != new.mode {
        "mode"
    } else if (old.uid, old.gid) != (new.uid, new.gid) {
        "owner"
    } else if old.xattrs != new.xattrs {
        "extended attributes"
    } else if old.mtime != new.mtime {
        "time"
    } else {
        "hard links"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::LayerKey;
    use crate::tree::testing::*;
    use std::collections::BTreeMap;

    fn plan(key: u8, settings: &[(&str, &str)]) -> LayerPlan {
        let settings: BTreeMap<String, String> =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        LayerPlan {
            name: "app".to_owned(),
            key: LayerKey::from([key; 32]),
            made: None,
            codec: "none".to_owned(),
            steps: vec![StepPlan { action: "copy".to_owned(), settings }],
        }
    }

    fn text(old: Option<&LayerPlan>, new: &LayerPlan) -> String {
        explain(old, new, || None).to_string()
    }

    #[test]
    fn the_first_setting_that_changed_is_named() {
        let old = plan(1, &[("to", "/a"), ("owner", "app")]);
        assert_eq!(text(None, &old), "not built here before");
        assert_eq!(text(Some(&old), &plan(2, &[("to", "/a")])), "step 1: `owner` was `app` and is left out now");
        assert_eq!(text(Some(&old), &plan(2, &[("to", "/b"), ("owner", "app")])), "step 1: `to` was `/a` and is `/b`");
        assert_eq!(text(Some(&old), &old), "its blob is not in the store any more");
        assert_eq!(text(Some(&old), &plan(2, &[("to", "/a"), ("owner", "app")])), "its input changed");
        let zstd = LayerPlan { codec: "zstd".to_owned(), ..old.clone() };
        assert_eq!(text(Some(&old), &zstd), "`compression` was `none` and is `zstd`");
        let none = LayerPlan { steps: Vec::new(), ..old.clone() };
        assert_eq!(text(Some(&old), &none), "it had 1 steps and has 0");
    }

    #[test]
    fn the_first_file_that_changed_is_named() {
        let old = tree(&[("a", file("1")), ("b", file("2")), ("c", directory())]).to_changeset();
        let new = tree(&[("a", file("1")), ("b", file("3")), ("d", directory())]).to_changeset();
        let (a, b) = (plan(1, &[]), plan(2, &[]));
        let why = explain(Some(&a), &b, || Some((old, new)));
        assert_eq!(why.to_string(), "`/b`: content, and 2 more");
    }
}
