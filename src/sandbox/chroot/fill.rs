//! Fills the directory of a command with the layers below it.

use std::path::PathBuf;

use crate::sandbox::answer::{Doing, Failure};
use crate::sandbox::order::RunOrder;

use super::copy;
use super::record::Record;

/// Fills `order.upper`, if an earlier command did not.
pub(super) fn fill(order: &RunOrder) -> Result<(), Failure> {
    if Record::is_beside(&order.upper) {
        return Ok(());
    }
    for lower in taken_over(order)? {
        let from = copy::opened(lower)?;
        copy::directory(&from, &copy::opened(&order.upper)?, copy::Whiteouts::Applied)?;
    }
    Record::take(&order.upper)?.keep(&order.upper)
}

/// What is left to copy if the lowest is what earlier commands of the same layer left: nobody else's and not needed any
/// more, so it is moved.
fn taken_over(order: &RunOrder) -> Result<&[PathBuf], Failure> {
    match order.lower.as_slice() {
        [first, rest @ ..] if first.parent() == order.upper.parent() && Record::is_beside(first) => {
            std::fs::rename(first, &order.upper).doing("take over what earlier commands left")?;
            Ok(rest)
        }
        all => Ok(all),
    }
}
