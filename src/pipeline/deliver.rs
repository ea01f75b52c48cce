//! Brings a build to the places that the user named.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::base::reference::Output;
use crate::input::image::wanted;
use crate::input::{Reach, Spool};
use crate::output::place::real_path;
use crate::output::{Receipt, Recorded, Subject, write};
use crate::store::notes::path_name;
use crate::store::{Shelf, Store};

use super::build::{Built, take_out};
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

/// Lets `to` know what `from` knows of an output.
pub(super) fn pass_on(output: &std::path::Path, from: &Store, to: &Store) -> Result<(), Error> {
    let name = path_name(&real_path(output));
    match from.note_bytes(Shelf::Outputs, &name) {
        Some(note) => Ok(to.keep_note_bytes(Shelf::Outputs, &name, &note)?),
        None => Ok(()),
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
    reach: &Reach<'_>,
    terms: &Terms<'_>,
) -> Result<Vec<Result<Receipt, Error>>, Error> {
    let taken = bring(prepared, outputs, reach)?;
    let store = reach.store;
    let supply = BuildSupply::new(prepared, built, &taken, store, terms);
    let subject = Subject {
        images: &built.images,
        index: built.index.as_ref(),
        others: &[],
        name: prepared.plan.name.as_deref(),
        version: prepared.plan.version.as_deref(),
        supply: &supply,
    };
    Ok(outputs.iter().map(|output| deliver_one(&subject, output, store, terms)).collect())
}

/// Brings here what outputs need of bases: their blobs, or the contents of their files.
fn bring(prepared: &Prepared, outputs: &[Output], reach: &Reach<'_>) -> Result<Vec<Spool>, Error> {
    let is_tree = |output: &&Output| matches!(output, Output::RootfsDirectory(_) | Output::RootfsTar(_));
    let (trees, images): (Vec<&Output>, Vec<&Output>) = outputs.iter().partition(is_tree);
    let bases = prepared.platforms.iter().filter_map(|platform| platform.base.as_ref());
    if !images.is_empty() {
        for foreign in bases.filter_map(|request| prepared.gathered.images.get(request)) {
            foreign.image.bring_blobs(reach)?;
        }
    }
    if trees.is_empty() {
        return Ok(Vec::new());
    }
    let nodes = prepared.platforms.iter().flat_map(|platform| platform.root.iter()).map(|(_, node)| node);
    take_out(prepared, &wanted(nodes), reach)
}

pub(super) fn deliver_one(
    subject: &Subject<'_>,
    output: &Output,
    store: &Store,
    terms: &Terms<'_>,
) -> Result<Receipt, Error> {
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
