//! Proof that a template gives the same image: it is built several times from nothing, with everything varied that steps
//! see and nothing promises, and compared.
//!
//! ```text
//! vary      which values each run has, and what cannot be varied
//! runs      a store of its own, the inputs of the user's, those values -> Run          a whole build
//! find      Run, Run          -> the layers that differ, in the order in which they are made
//! why       the first of them -> Different: files, causes, steps, and what else in the template lets it differ
//! report    all of it, as data
//! ```
//! # What is varied, and what is not
//!
//! The first run is a build like every other. The others differ from it in what a step can see:
//!
//! | what | how | why |
//! |--|--|--|
//! | host name | another one | a build always has `kiln`, so nothing else would show that it is written down |
//! | processors | half of them, unless the step says `cpus` | machines differ |
//! | order of directories | base, layers, sources and mounts lie otherwise ([`crate::sandbox::Layout`]) | file systems differ |
//! | process numbers | begin elsewhere | they depend on what ran before |
//! | store and work directories | another path of another length | `/proc/self/mountinfo` shows a part of it |
//! | inode and device numbers, change times, sizes and link counts of directories | as they come | the same |
//! | caches of steps | empty in all runs | a build on another machine has none |
//! | sandbox | subordinate ids in place of root, or the other way, where both work | both are promised to be the same |
//! | threads of kiln | one, or two where the first run has one | the same |
//! | clock | at least a second later; the sandbox cannot move it | a date without a time of day is found on another day only |
//!
//! Not varied is what belongs to the machine and its kernel, of which there is one: boot id, kernel release, memory size and
//! processor model. That is said in the report.
//!
//! Nor is what the sandbox fixes for every step on every machine, because no step can see another value of it:
//! `TZ`, `LC_ALL`, umask, `HOME`, `USER`, user and group numbers, `SOURCE_DATE_EPOCH`. Nor are the times of files that a step
//! stands on or is given: they are part of the inputs. Beside a cache the times of mounted files come from the clock, which
//! is another one in each run. Addresses in memory are random in every process as it is. In a user namespace, mounts that
//! may be written keep their order.

mod find;
mod report;
mod runs;
mod vary;
mod why;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::Epoch;
use crate::input::Reach;

use super::error::Error;
use super::load::{Loaded, Request};
use super::terms::Terms;

pub use report::{Different, DifferentStep, Held, Reproduction, RunReport, Varying};

use runs::{Arena, Run};

/// What is asked for.
pub struct Wanted<'a> {
    /// The template.
    pub request: &'a Request,
    /// How often it is built; once says nothing, so that counts as twice.
    pub times: usize,
    /// Where the images go as OCI layouts, `run-1` and so on, for a look by hand.
    pub keep: Option<&'a Path>,
    /// Files that must not come in: kiln's own outputs.
    pub never: &'a [PathBuf],
    /// The clock.
    pub clock: &'a (dyn Fn() -> Epoch + Sync),
}

/// How long nothing is done between two runs: a clock that is read to the second is another one then.
const PAUSE: Duration = Duration::from_secs(1);

/// Builds a template several times and compares. Later runs are not made once one differs.
///
/// `loaded` has an entry in its lock for everything. What the lock names is brought into the user's store once, and every
/// run takes it from there.
pub fn reproduce(
    loaded: &Loaded,
    wanted: &Wanted<'_>,
    reach: &Reach<'_>,
    terms: &Terms<'_>,
) -> Result<Reproduction, Error> {
    let arena = Arena::new(reach.store)?;
    let reproduced = run_all(&arena, loaded, wanted, reach, terms);
    arena.remove(terms.provision, reach.store);
    reproduced
}

fn run_all(
    arena: &Arena,
    loaded: &Loaded,
    wanted: &Wanted<'_>,
    reach: &Reach<'_>,
    terms: &Terms<'_>,
) -> Result<Reproduction, Error> {
    let layout = arena.inputs(loaded, wanted.request, reach, terms)?;
    let first = Run::make(1, vary::values(1, None, terms), arena, &layout, wanted, reach, terms)?;
    let mut runs = vec![first.report()];
    if first.has_commands() {
        std::thread::sleep(PAUSE);
    }
    loop {
        let number = runs.len() + 1;
        let values = vary::values(number, Some(&first), terms);
        let run = Run::make(number, values, arena, &layout, wanted, reach, terms)?;
        runs.push(run.report());
        let is_same = first.built.digest() == run.built.digest();
        let found = find::differences(&first.prepared, &run.prepared);
        if is_same && found.is_empty() && number < wanted.times {
            continue;
        }
        let found =
            found.split_first().map(|found| why::explain(found, &first, &run, &layout, reach, terms)).transpose()?;
        let (different, aside) = if is_same { (None, found) } else { (found, None) };
        let (varied, held) = (vary::varied(&first, &run), vary::held(&first, &run, terms.provision.mode));
        return Ok(Reproduction { is_same, runs, varied, held, different, aside });
    }
}
