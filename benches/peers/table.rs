//! The report: Markdown, with absolute values and with ratios against kiln.

use std::fmt::Write;
use std::time::Duration;

use crate::case::Case;
use crate::process::Finished;
use crate::session::Row;
use crate::tool::Tool;

/// The middle run by each measure; memory is the highest of all runs.
struct Summary {
    wall: f64,
    cpu: Option<f64>,
    peak_bytes: Option<u64>,
    size: Option<u64>,
}

/// Heads of the columns.
pub(crate) fn head() -> String {
    "| case | tool | wall, s | CPU, s | peak memory, MiB | layers, MB | wall / kiln's | CPU / kiln's | layers / kiln's | |\n\
     |--|--|--:|--:|--:|--:|--:|--:|--:|--|\n"
        .to_owned()
}

/// The lines of one case.
pub(crate) fn lines(case: Case, rows: &[Row]) -> String {
    let kiln = rows.iter().find(|row| row.tool == Tool::Kiln).and_then(summary);
    let mut lines = String::new();
    for row in rows {
        let start = format!("| {} | {} |", case.title(), row.tool.name());
        let line = match (summary(row), &row.result) {
            (Some(found), _) => {
                let ratio = |of: &dyn Fn(&Summary) -> Option<f64>| {
                    let value = of(&found).zip(kiln.as_ref().and_then(of)).map(|(one, base)| one / base);
                    shown(value.filter(|ratio| ratio.is_finite()), 2)
                };
                format!(
                    "{start} {} | {} | {} | {} | {} | {} | {} | {} |",
                    seconds(Some(found.wall), 3),
                    seconds(found.cpu, 2),
                    shown(found.peak_bytes.map(|bytes| bytes as f64 / f64::from(1 << 20)), 0),
                    shown(found.size.map(|bytes| bytes as f64 / 1e6), 1),
                    ratio(&|summary| Some(summary.wall)),
                    ratio(&|summary| summary.cpu),
                    ratio(&|summary| summary.size.map(|bytes| bytes as f64)),
                    row.remark,
                )
            }
            (None, Err(why)) => format!("{start} - | - | - | - | - | - | - | {} |", why.replace('|', "\\|")),
            (None, Ok(_)) => format!("{start} - | - | - | - | - | - | - | not run |"),
        };
        let _ = writeln!(lines, "{line}");
    }
    lines
}

/// The exact commands, each once with the cases that ran it.
pub(crate) struct Commands(Vec<(String, String)>);

impl Commands {
    pub(crate) fn new() -> Commands {
        Commands(Vec::new())
    }

    pub(crate) fn add(&mut self, case: Case, rows: &[Row]) {
        for row in rows.iter().filter(|row| !row.shown.is_empty()) {
            match self.0.iter_mut().find(|(_, command)| *command == row.shown) {
                Some((cases, _)) => *cases += &format!("; {}", case.title()),
                None => self.0.push((format!("{}: {}", row.tool.name(), case.title()), row.shown.clone())),
            }
        }
    }

    pub(crate) fn text(&self) -> String {
        self.0.iter().fold(String::new(), |text, (cases, command)| text + &format!("# {cases}\n{command}\n"))
    }
}

fn summary(row: &Row) -> Option<Summary> {
    let (runs, size) = row.result.as_ref().ok()?;
    let all = |of: fn(&Finished) -> Option<Duration>| {
        median(runs.iter().filter_map(of).map(|duration| duration.as_secs_f64()).collect())
    };
    Some(Summary {
        wall: all(|run| Some(run.wall))?,
        cpu: all(|run| run.cpu),
        peak_bytes: runs.iter().filter_map(|run| run.peak_bytes).max(),
        size: *size,
    })
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some((lower + upper) / 2.0)
}

/// One digit more for what takes less than a tenth of a second.
fn seconds(value: Option<f64>, digits: usize) -> String {
    shown(value, digits + usize::from(value.is_some_and(|value| value < 0.1)))
}

fn shown(value: Option<f64>, digits: usize) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
}
