//! Brings a build to the places that the user named.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::base::reference::Output;
use crate::output::place::real_path;
use crate::output::{Receipt, Recorded, Subject, write};
use crate::store::notes::path_name;
use crate::store::{Shelf, Store};

use super::build::Built;
use super::error::Error;
use super::prepare::Prepared;
use super::supply::BuildSupply;
use super::terms::Terms;

/// What the store remembers of an output: where it is, so that it never comes in again, and what was written.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct OutputNote {
    path: PathBuf,
    /// What is there, or what was going to be there when a run ended.
    recorded: Recorded,
    /// What was there before that, as long as it is not known to be gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Recorded>,
}

impl OutputNote {
    fn known(&self) -> Vec<&Recorded> {
        std::iter::once(&self.recorded).chain(&self.before).collect()
    }
}

/// Where this store's builds have written to.
pub fn known_outputs(store: &Store) -> Vec<PathBuf> {
    let notes = store.notes(Shelf::Outputs).into_iter();
    notes.filter_map(|name| store.note::<OutputNote>(Shelf::Outputs, &name)).map(|note| note.path).collect()
}

/// Writes every output, also if one of them fails. What was written is remembered at once, so that the next build may
/// replace it.
pub fn deliver(
    prepared: &Prepared,
    built: &Built,
    outputs: &[Output],
    store: &Store,
    terms: &Terms<'_>,
) -> Vec<Result<Receipt, Error>> {
    let supply = BuildSupply::new(prepared, built, store, terms);
    let subject = Subject {
        images: &built.images,
        index: built.index.as_ref(),
        name: prepared.plan.name.as_deref(),
        version: prepared.plan.version.as_deref(),
        supply: &supply,
    };
    outputs.iter().map(|output| deliver_one(&subject, output, store, terms)).collect()
}

fn deliver_one(subject: &Subject<'_>, output: &Output, store: &Store, terms: &Terms<'_>) -> Result<Receipt, Error> {
    if terms.is_interrupted() {
        return Err(Error::Interrupted);
    }
    let path = output.path().map(real_path);
    let name = path.as_deref().map(path_name);
    let last: Option<OutputNote> = name.as_ref().and_then(|name| store.note(Shelf::Outputs, name));
    let keep = |recorded: &Recorded, before: Option<Recorded>| -> Result<(), Error> {
        if let (Some(name), Some(path)) = (&name, &path) {
            let note = OutputNote { path: path.clone(), recorded: recorded.clone(), before };
            store.keep_note(Shelf::Outputs, name, &note)?;
        }
        Ok(())
    };
    let known = last.as_ref().map(OutputNote::known).unwrap_or_default();
    let receipt = write(subject, output, &known, |coming, held| keep(coming, held.cloned()))?;
    if let Some(recorded) = &receipt.recorded
        && last.as_ref().is_none_or(|last| last.recorded != *recorded || last.before.is_some())
    {
        keep(recorded, None)?;
    }
    Ok(receipt)
}
