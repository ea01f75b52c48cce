//! Brings a build to the places that the user named.

use crate::base::reference::Output;
use crate::output::{Receipt, Recorded, Subject, check_distinct, write};
use crate::store::notes::path_name;
use crate::store::{Shelf, Store};

use super::build::Built;
use super::error::Error;
use super::prepare::Prepared;
use super::supply::BuildSupply;
use super::terms::Terms;

/// Writes every output. What was written is remembered at once, so that the next build may replace it.
pub fn deliver(
    prepared: &Prepared,
    built: &Built,
    outputs: &[Output],
    store: &Store,
    terms: &Terms<'_>,
) -> Result<Vec<Receipt>, Error> {
    check_distinct(outputs)?;
    let supply = BuildSupply::new(prepared, built, store, terms);
    let subject = Subject {
        images: &built.images,
        index: built.index.as_ref(),
        name: prepared.plan.name.as_deref(),
        version: prepared.plan.version.as_deref(),
        supply: &supply,
    };
    let mut receipts = Vec::new();
    for output in outputs {
        if terms.is_interrupted() {
            return Err(Error::Interrupted);
        }
        let note = output.path().map(|path| path_name(&crate::output::place::real_path(path)));
        let last: Option<Recorded> = note.as_ref().and_then(|note| store.note(Shelf::Outputs, note));
        let receipt = write(&subject, output, last.as_ref())?;
        if let (Some(note), Some(recorded)) = (&note, &receipt.recorded)
            && last.as_ref() != Some(recorded)
        {
            store.keep_note(Shelf::Outputs, note, recorded)?;
        }
        receipts.push(receipt);
    }
    Ok(receipts)
}
