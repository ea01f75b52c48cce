//! Fills the directory of a command with the layers below it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::sandbox::answer::{Doing, Failure};
use crate::sandbox::order::RunOrder;

use super::copy::{self, Which};
use super::record::{For, Record, wait_for_clock};
use super::renew::renew;

/// Fills `order.upper`, if an earlier command did not.
pub(super) fn fill(order: &RunOrder) -> Result<(), Failure> {
    let root = &order.upper;
    if Record::is_beside(root) {
        return Ok(());
    }
    let own = order.upper.parent();
    let is_own = |lower: &PathBuf| own.is_some_and(|own| lower.starts_with(own));
    let shared = order.lower.iter().position(is_own).unwrap_or(order.lower.len());
    let (shared, mut rest) = order.lower.split_at(shared);
    match rest {
        // What earlier commands of the same layer left is nobody else's and not needed any more.
        [first, others @ ..] if shared.is_empty() && Record::is_beside(first) => {
            take_over(first, root)?;
            rest = others;
        }
        _ => {
            let done = renewed(order, shared)?;
            lay(&shared[done..], root)?;
            Record::take(root, shared)?.keep(root, For::Renewal)?;
            wait_for_clock();
        }
    }
    lay(rest, root)?;
    Record::take(root, &order.lower)?.keep(root, For::Session)?;
    wait_for_clock();
    Ok(())
}

fn lay(lower: &[PathBuf], root: &Path) -> Result<(), Failure> {
    let to = copy::opened(root)?;
    lower.iter().try_for_each(|lower| copy::directory(&copy::opened(lower)?, &to, Which::Layer))
}

/// How many of the layers are in the root already, because it is one that was used before.
fn renewed(order: &RunOrder, shared: &[PathBuf]) -> Result<usize, Failure> {
    let Some(spare) = &order.spare else { return Ok(0) };
    match Record::read(spare, For::Renewal)? {
        Some(record) if shared.starts_with(&record.lower) => {
            renew(spare, &record)?;
            fs::rename(spare, &order.upper).doing("use a root once more")?;
            Ok(record.lower.len())
        }
        _ => Ok(0),
    }
}

/// Makes `from` the root, with what it was filled with.
fn take_over(from: &Path, root: &Path) -> Result<(), Failure> {
    const DOING: &str = "take over what earlier commands left";
    fs::rename(from, root).doing(DOING)?;
    // What they left is a layer for the next.
    copy::split_names(&copy::opened(root)?).doing(DOING)?;
    fs::rename(For::Renewal.beside(from), For::Renewal.beside(root)).doing(DOING)?;
    fs::remove_file(For::Session.beside(from)).doing(DOING)
}
