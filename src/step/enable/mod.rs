//! `enable`: the links that start units of systemd, as `systemctl --root=/ enable` makes them (systemctl(1),
//! systemd.unit(5), "[INSTALL] SECTION OPTIONS").
//!
//! ```text
//! names --find()--> unit files --Install--> Link { at, to } --write()--> /etc/systemd/system
//! ```
//! Two things differ, because an image is not a machine that runs: what depends on the machine (`%H`, `%m` and the like) is
//! refused, and a unit in `/run` is not looked for.

mod error;
mod find;
mod install;
mod link;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};

use crate::base::ImagePath;
use crate::template::{Span, UnitName};
use crate::tree::resolve::{resolve_fully, resolve_parents};
use crate::tree::{Kind, Node, Tree};

use super::draft::{Draft, Overwrite};
use super::error::{StepError, StepWarning};
use super::evaluate::{Reader, When};

pub use error::UnitError;
use find::{Found, Units};
use link::{Link, links};

/// How a unit came to be enabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// By the template.
    Named,
    /// By another unit (`Also`).
    Also,
}

/// Enables `units` and those that they name in `Also`.
pub fn enable(
    units: &[String],
    draft: &mut Draft<'_>,
    reader: &Reader<'_>,
    when: &When,
    span: Span,
) -> Result<(), StepError> {
    let mut links = Vec::new();
    let mut warnings = Vec::new();
    for unit in units {
        let name =
            UnitName::parse(unit).ok_or_else(|| UnitError::Unknown { unit: unit.clone(), nearest: Vec::new() })?;
        follow(name, draft.root(), reader, span, &mut links, &mut warnings)?;
    }
    warnings.into_iter().for_each(|warning| draft.warn(warning));
    links.iter().try_for_each(|link| write(link, draft, when, span))
}

/// Adds the links of one unit and of all that it brings along.
fn follow(
    name: UnitName,
    root: &Tree,
    reader: &Reader<'_>,
    span: Span,
    into: &mut Vec<Link>,
    warnings: &mut Vec<StepWarning>,
) -> Result<(), StepError> {
    let units = Units::new(root);
    let mut seen = BTreeSet::new();
    let mut todo = VecDeque::from([(name, Asked::Named)]);
    while let Some((name, asked)) = todo.pop_front() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let unit = match (units.find(&name, reader)?, asked) {
            (Some(Found::Unit(unit)), _) => unit,
            (Some(Found::OtherName(real)), _) => {
                todo.push_back((real, asked));
                continue;
            }
            (Some(Found::Masked(path)), Asked::Named) => {
                return Err(UnitError::Masked { unit: name.to_string(), path }.into());
            }
            (None, Asked::Named) => {
                return Err(UnitError::Unknown { unit: name.to_string(), nearest: units.nearest(&name) }.into());
            }
            // Units name companions that another package may or may not bring.
            (Some(Found::Masked(_)) | None, Asked::Also) => {
                warnings.push(StepWarning::CompanionMissing { unit: name.to_string(), span });
                continue;
            }
        };
        if unit.install.is_empty() && asked == Asked::Named {
            warnings.push(StepWarning::NothingToEnable { unit: name.to_string(), span });
        }
        into.extend(links(&name, &unit, &units)?);
        todo.extend(unit.install.also(&name)?.into_iter().map(|name| (name, Asked::Also)));
    }
    Ok(())
}

/// Makes a link. One that leads to the same file stays as it is.
fn write(link: &Link, draft: &mut Draft<'_>, when: &When, span: Span) -> Result<(), StepError> {
    let root = draft.root();
    let place = resolve_parents(root, &link.at)?;
    match root.get(&place).map(|node| &node.kind) {
        None => {}
        Some(Kind::Symlink { target }) => {
            let leads_to = resolve_fully(root, &link.at)?;
            if leads_to == resolve_fully(root, &link.to)? {
                return Ok(());
            }
            if link.is_alias && root.get(&leads_to).is_some() {
                let target = crate::base::path::readable(target);
                return Err(UnitError::Taken { path: link.at.clone(), by: format!("a link to `{target}`") }.into());
            }
        }
        Some(_) => return Err(UnitError::Taken { path: link.at.clone(), by: "no link".to_owned() }.into()),
    }
    let target = [b"/", link.to.as_bytes()].concat();
    let kind = Kind::Symlink { target: target.into() };
    let mtime = when.of(&kind);
    draft.put(&link.at, Node { mtime, ..Node::new(kind, 0o777) }, span, Overwrite::Edit)
}

/// A name of a file in a directory.
fn child(directory: &ImagePath, name: &str) -> Result<ImagePath, StepError> {
    directory
        .child(name.as_bytes())
        .map_err(|_| UnitError::Unknown { unit: name.to_owned(), nearest: Vec::new() }.into())
}
