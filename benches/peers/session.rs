//! One case, measured: every tool prepared, then all of them in turn, round after round.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use crate::case::{Before, Case};
use crate::debian::Debian;
use crate::layout;
use crate::mirror::Mirror;
use crate::process::{self, Finished};
use crate::push::Target;
use crate::registry::Registry;
use crate::tool::{Between, Offer, Output, Tool, Work};

/// Where and how a session runs.
pub(crate) struct Bench<'a> {
    /// The directory of the inputs, absolute.
    pub(crate) root: &'a Path,
    /// The kiln to measure, absolute.
    pub(crate) kiln: &'a Path,
    /// The registry with the bases, or why there is none.
    pub(crate) registry: Result<Registry, String>,
    /// What steps run on, or why there is nothing.
    pub(crate) debian: Result<Debian, String>,
    /// Where packages are from, or why there is nothing.
    pub(crate) mirror: Result<Mirror, String>,
    /// Where images are pushed to, or why there is nothing.
    pub(crate) target: Result<Target, String>,
    pub(crate) rounds: u32,
    pub(crate) limit: Duration,
}

/// What came of one tool in one case.
pub(crate) struct Row {
    pub(crate) tool: Tool,
    /// What it ran, if there was something.
    pub(crate) shown: String,
    pub(crate) remark: &'static str,
    /// Its runs and the size of all layers in bytes, or why there are none.
    pub(crate) result: Result<(Vec<Finished>, Option<u64>), String>,
}

/// Runs a case; `changed` is the file that gets a line if the case changes one.
pub(crate) fn run(bench: &Bench, case: Case, tools: &[Tool], changed: Option<&Path>) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut works = Vec::new();
    for &tool in tools.iter().filter(|tool| case.is_for(**tool)) {
        let (shown, remark, result, work) = match tool.offer(case, bench) {
            Offer::Run(work) => {
                let prepared = prepare(bench, case, tool, &work);
                (work.shown.clone(), work.remark, prepared.map(|()| (Vec::new(), None)), Some(work))
            }
            Offer::Nothing(why) => (String::new(), "", Err(why), None),
        };
        rows.push(Row { tool, shown, remark, result });
        works.push(work);
    }
    // What comes from a registry is warm once the registry has it.
    let input = match &bench.debian {
        Ok(debian) if case.input().is_steps() => debian.layout().to_owned(),
        _ => bench.root.join(case.input().base().map_or(case.input().name(), |_| "registry")),
    };
    if let Err(error) = warm(&input) {
        eprintln!("{}: {error}", input.display());
    }
    for round in 1..=bench.rounds {
        if let (Before::Change(_), Some(file)) = (case.before(), changed)
            && let Err(error) = append_line(file, round)
        {
            eprintln!("{}: {error}", file.display());
        }
        for (row, work) in rows.iter_mut().zip(&works) {
            if let (Ok((runs, size)), Some(work)) = (&mut row.result, work) {
                eprintln!("{}: {}, round {round} of {}", case.title(), row.tool.name(), bench.rounds);
                match measure(bench, case, row.tool, work, runs.last()) {
                    Ok((finished, bytes)) => {
                        runs.push(finished);
                        *size = bytes;
                    }
                    Err(why) => row.result = Err(why),
                }
            }
        }
    }
    for (row, work) in rows.iter().zip(&works) {
        if let Some(work) = work {
            report(clear(bench, row.tool, work));
        }
    }
    rows
}

/// Brings the tool to where its first run starts.
fn prepare(bench: &Bench, case: Case, tool: Tool, work: &Work) -> Result<(), String> {
    clear(bench, tool, work)?;
    if case.before() == Before::Clean || work.between == Between::Nothing {
        return Ok(());
    }
    eprintln!("{}: {}, the build before", case.title(), tool.name());
    let command = work.first.as_ref().unwrap_or(&work.command);
    process::run(command, bench.root, bench.limit).map(|_| ())
}

/// One run and the size of its layers, checked against the run before.
fn measure(
    bench: &Bench,
    case: Case,
    tool: Tool,
    work: &Work,
    last: Option<&Finished>,
) -> Result<(Finished, Option<u64>), String> {
    if case.before() == Before::Clean || work.between == Between::Nothing {
        clear(bench, tool, work)?;
    }
    // What is still to be written out from before must not be on the next one's account.
    rustix::fs::sync();
    let mut finished = process::run(&work.command, bench.root, bench.limit)?;
    if let Some(less) = &work.less {
        finished = finished.less(&process::run(&less.command, bench.root, bench.limit)?, less.count);
    }
    if let (Tool::Kiln, Some(last)) = (tool, last) {
        let same = last.stdout == finished.stdout;
        if same == matches!(case.before(), Before::Change(_)) {
            return Err(format!("digest {} after {}", finished.stdout.trim(), last.stdout.trim()));
        }
    }
    let size =
        layer_bytes(&bench.root.join(tool.name()), work.output).map_err(|error| format!("its output: {error}"))?;
    Ok((finished, size))
}

/// Removes everything the tool has kept and makes its directory.
fn clear(bench: &Bench, tool: Tool, work: &Work) -> Result<(), String> {
    let directory = bench.root.join(tool.name());
    if directory.exists() {
        if let Some(release) = &work.release {
            report(process::shell(release, bench.root, bench.limit).map(|_| ()));
        }
        fs::remove_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    }
    fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))
}

fn report(result: Result<(), String>) {
    if let Err(error) = result {
        eprintln!("{error}");
    }
}

/// Reads every file once, so that no tool pays for the disk on behalf of the next.
fn warm(directory: &Path) -> io::Result<()> {
    let mut sink = vec![0; 1 << 20];
    for entry in walkdir::WalkDir::new(directory) {
        let entry = entry?;
        if entry.file_type().is_file() {
            let mut file = fs::File::open(entry.path())?;
            while file.read(&mut sink)? > 0 {}
        }
    }
    Ok(())
}

fn append_line(file: &Path, round: u32) -> io::Result<()> {
    writeln!(fs::OpenOptions::new().append(true).open(file)?, "changed in round {round}")
}

/// Bytes of all compressed layers.
fn layer_bytes(directory: &Path, output: Output) -> io::Result<Option<u64>> {
    match output {
        Output::Internal => Ok(None),
        Output::Blobs(name) => {
            let sizes = fs::read_dir(directory.join(name))?.map(|entry| Ok(entry?.metadata()?.len()));
            sizes.sum::<io::Result<u64>>().map(Some)
        }
        Output::Layout(name) => {
            let layers = layout::layers(&directory.join(name), None)?;
            Ok(Some(layers.into_iter().map(|(_, bytes)| bytes).sum()))
        }
    }
}
