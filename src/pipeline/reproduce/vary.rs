//! Which values each run has.

use std::num::NonZeroUsize;

use crate::pipeline::provision::{Attribution, Provision, Variation};
use crate::pipeline::terms::Terms;
use crate::sandbox::{Area, Layout, Mode, Sandbox, processors};

use super::report::{Held, Varying};
use super::runs::Run;

/// The values of one run.
#[derive(Debug, Clone)]
pub(super) struct Values {
    /// What steps see.
    pub(super) steps: Variation,
    /// The sandbox; `None`: as it was asked for.
    pub(super) mode: Option<Mode>,
    /// Threads of kiln itself.
    pub(super) jobs: NonZeroUsize,
    /// Processors that a step sees which does not say how many it wants.
    pub(super) processors: u32,
}

/// A host name that no template has by chance.
const OTHER_HOSTNAME: &str = "elsewhere";
/// Where process numbers begin, in place of 2: less than the smallest limit that Linux has (proc_sys_kernel(5), `pid_max`).
const OTHER_FIRST_PID: u32 = 20_011;

/// The values of a run, counted from 1.
pub(super) fn values(number: usize, first: Option<&Run>, terms: &Terms<'_>) -> Values {
    let all = processors();
    let usual = Variation { attribution: Attribution::Remembered, ..Variation::default() };
    if number == 1 {
        return Values { steps: usual, mode: None, jobs: terms.jobs, processors: all };
    }
    let fewer = (all > 1).then(|| all.div_ceil(2));
    let steps = match first.and_then(Run::sandbox) {
        Some(Mode::Chroot) => Variation { cpus: fewer, ..usual },
        _ => Variation {
            hostname: OTHER_HOSTNAME.to_owned(),
            cpus: fewer,
            first_pid: Some(OTHER_FIRST_PID),
            layout: Layout::Spread,
            ..usual
        },
    };
    let jobs = if terms.jobs == NonZeroUsize::MIN { NonZeroUsize::MIN.saturating_add(1) } else { NonZeroUsize::MIN };
    Values { steps, mode: other_mode(first, terms.provision), jobs, processors: fewer.unwrap_or(all) }
}

/// Another sandbox that works here, unless one was asked for. In one with a single id files have other owners, so that
/// is never chosen.
fn other_mode(first: Option<&Run>, provision: &Provision) -> Option<Mode> {
    let first = first.filter(|_| provision.mode.is_none())?;
    let (used, area) = (first.sandbox()?, Area::open(first.store.root()).ok()?);
    let mut others = [Mode::Root, Mode::SubordinateIds].into_iter().filter(|mode| *mode != used);
    others.find(|mode| Sandbox::open(area.clone(), Some(*mode), provision.user.as_deref()).is_ok())
}

/// What differed between two runs, for people.
pub(super) fn varied(a: &Run, b: &Run) -> Vec<Varying> {
    let mut varied = Vec::new();
    let mut put = |what: &'static str, first: String, second: String| {
        if first != second {
            varied.push(Varying { what, first, second });
        }
    };
    let steps = |run: &Run| run.values.steps.clone();
    put("directory of the store", a.store.root().display().to_string(), b.store.root().display().to_string());
    put("threads of kiln", a.values.jobs.to_string(), b.values.jobs.to_string());
    if a.has_commands() {
        put("host name", steps(a).hostname, steps(b).hostname);
        put("processors", a.values.processors.to_string(), b.values.processors.to_string());
        let order = |run: &Run| match run.values.steps.layout {
            Layout::Plain => "as the file system has it".to_owned(),
            Layout::Spread => "rotated".to_owned(),
        };
        put("order of directories", order(a), order(b));
        let pid = |run: &Run| run.values.steps.first_pid.map_or("2".to_owned(), |pid| pid.to_string());
        put("first process number", pid(a), pid(b));
        let sandbox = |run: &Run| run.sandbox().map_or("none".to_owned(), |mode| mode.to_string());
        put("sandbox", sandbox(a), sandbox(b));
    }
    varied
}

/// What of the machine every run sees.
const OF_THE_MACHINE: [&str; 4] = ["boot id", "kernel release", "memory size", "processor model"];

/// What was the same in both and might matter, and why. `asked` is the sandbox that was asked for.
pub(super) fn held(a: &Run, b: &Run, asked: Option<Mode>) -> Vec<Held> {
    if !a.has_commands() {
        return Vec::new();
    }
    let passed = b.began.seconds() - a.began.seconds();
    let mut held = vec![Held {
        what: "clock",
        why: format!(
            "the sandbox cannot move it: {passed} s passed between the runs, so a date without a time of day was not varied"
        ),
    }];
    if a.values.processors == b.values.processors {
        held.push(Held { what: "processors", why: "this process may use only one".to_owned() });
    }
    if let Some(mode @ Mode::Chroot) = b.sandbox() {
        let why = || format!("`{mode}` cannot change it");
        let kept = ["host name", "first process number", "order of directories"];
        held.extend(kept.map(|what| Held { what, why: why() }));
    }
    if a.sandbox() == b.sandbox() {
        let mode = a.sandbox().map_or("none".to_owned(), |mode| mode.to_string());
        let why = match asked {
            Some(_) => format!("`{mode}` was asked for"),
            None => format!("beside `{mode}` none works here that gives files the same owners"),
        };
        held.push(Held { what: "sandbox", why });
    }
    let why = "a step sees this machine's: a run on another machine tells";
    held.extend(OF_THE_MACHINE.map(|what| Held { what, why: why.to_owned() }));
    held
}
