//! The links that enable a unit.

use crate::base::ImagePath;
use crate::step::error::StepError;
use crate::template::UnitName;

use super::child;
use super::error::UnitError;
use super::find::{CONFIGURATION, Unit, Units};
use super::install::{name, refuse};

/// A link to a unit file.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) at: ImagePath,
    pub(super) to: ImagePath,
    /// Another name of the unit, which a link to another one keeps.
    pub(super) is_alias: bool,
}

/// The links that `unit`, found as `found`, asks for.
pub(super) fn links(unit: &UnitName, found: &Unit, units: &Units<'_>) -> Result<Vec<Link>, StepError> {
    let directory = ImagePath::parse(CONFIGURATION.as_bytes()).unwrap_or_default();
    let install = &found.install;
    let instance = install.instance_of(unit)?;
    let mut links = Vec::new();
    for word in &install.alias {
        let alias = alias(word, &name("Alias", word, &instance)?, unit)?;
        if alias != *unit {
            links.push(Link { at: child(&directory, &alias.to_string())?, to: found.path.clone(), is_alias: true });
        }
    }
    let dependents = [
        ("WantedBy", "wants", &install.wanted_by),
        ("RequiredBy", "requires", &install.required_by),
        ("UpheldBy", "upholds", &install.upheld_by),
    ];
    for (setting, kind, words) in dependents {
        for word in words {
            let dependent = name(setting, word, &instance)?;
            if instance.is_template() && dependent.instance().is_none() {
                return Err(UnitError::NeedsInstance { unit: unit.to_string() }.into());
            }
            let parent = child(&directory, &format!("{dependent}.{kind}"))?;
            links.push(Link { at: child(&parent, &instance.to_string())?, to: found.path.clone(), is_alias: false });
        }
    }
    // A unit from elsewhere is found by nobody unless a directory of units has a link to it.
    if !units.has(&found.path) {
        links.push(Link { at: child(&directory, &file_name(found))?, to: found.path.clone(), is_alias: false });
    }
    Ok(links)
}

/// The name that an alias gives to `unit`: of a template it is a template, of an instance an instance of the same name.
fn alias(word: &str, alias: &UnitName, unit: &UnitName) -> Result<UnitName, UnitError> {
    if alias.kind() != unit.kind() {
        return Err(refuse("Alias", word, unit, "is a unit of another kind"));
    }
    let instance = unit.instance();
    match alias.instance() {
        None if instance.is_none() => Ok(alias.clone()),
        Some("") if instance.is_some() => Ok(alias.with_instance(instance.unwrap_or_default())),
        Some(of_alias) if unit.is_template() || instance == Some(of_alias) => Ok(alias.clone()),
        _ => Err(refuse("Alias", word, unit, "is for another instance")),
    }
}

fn file_name(unit: &Unit) -> String {
    String::from_utf8_lossy(unit.path.name()).into_owned()
}
