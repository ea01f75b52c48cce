//! `kiln test`

use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::base::Platform;
use crate::cli::args::Test;
use crate::cli::junit;
use crate::cli::opening::{Opened, Opening};
use crate::cli::report::{Failure, paint, print, print_json};
use crate::cli::session::Session;
use crate::cli::size;
use crate::pipeline::{Commands, Loaded, Outcome, Prepared, Subject};
use crate::template::Style;

/// A test that was tried.
#[derive(Debug)]
pub struct Tried {
    /// The image's platform.
    pub platform: Platform,
    /// The test's name.
    pub name: String,
    /// How long it took.
    pub took: Duration,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of all of them.
#[derive(Debug, Default)]
pub struct Results(pub Vec<Tried>);

/// Where the lines about tests go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// To stdout: they are the result.
    Result,
    /// To stderr: something else is.
    Note,
}

/// Evaluates the template as a build does, and tries its tests.
pub fn run(args: &Test, session: &Session) -> Result<ExitCode, Failure> {
    let opening = Opening::new(&args.template, &args.resolve, Some(&args.provision));
    opening.act(session, |loaded, opened| try_and_tell(args, loaded, opened, session))
}

fn try_and_tell(args: &Test, loaded: Loaded, opened: &Opened<'_>, session: &Session) -> Result<ExitCode, Failure> {
    let prepared = opened.prepare(loaded, Commands::Run)?;
    let lines = if args.json { Lines::Note } else { Lines::Result };
    let filter = args.filter.as_deref().unwrap_or_default();
    let results = try_all(&prepared, filter, opened, lines, session)?;
    if let Some(path) = &args.junit {
        let xml = junit::write(prepared.plan.name.as_deref().unwrap_or("image"), &results);
        std::fs::write(path, xml).map_err(|source| Failure::Write { what: format!("`{}`", path.display()), source })?;
    }
    if args.json {
        print_json(&as_json(&results))?;
    }
    results.verdict()?;
    Ok(ExitCode::SUCCESS)
}

/// Tries the tests that have `filter` in their name, in order, on each platform.
pub(super) fn try_all(
    prepared: &Prepared,
    filter: &str,
    opened: &Opened<'_>,
    lines: Lines,
    session: &Session,
) -> Result<Results, Failure> {
    let Opened { reach, terms, progress, .. } = *opened;
    let begin = Instant::now();
    let mut results = Results::default();
    let is_one = prepared.platforms.len() == 1;
    for platform in &prepared.platforms {
        let mut subject = Subject::new(prepared, platform, reach, terms);
        for test in platform.template.tests.iter().filter(|test| test.name.contains(filter)) {
            progress.stage(&format!("test {}", test.name));
            let began = Instant::now();
            let outcome = subject.run(test);
            let took = began.elapsed();
            progress.end();
            let tried = Tried { platform: platform.platform.clone(), name: test.name.clone(), took, outcome: outcome? };
            match (lines, &tried.outcome) {
                (Lines::Result, _) => print(&tried.as_text(is_one, session.results))?,
                (Lines::Note, Outcome::Failed(_)) => {
                    session.report.failed(tried.as_text(is_one, session.report.style).trim_end());
                }
                (Lines::Note, _) => session.report.note(tried.as_text(is_one, session.report.style).trim_end()),
            }
            results.0.push(tried);
        }
        subject.end();
    }
    if results.0.is_empty() {
        nothing(prepared, filter, session)?;
    } else {
        session.report.note(&format!("{}, {}", results.summary(), size::seconds(begin.elapsed())));
    }
    Ok(results)
}

/// Nothing was tried: there are no tests, or none has such a name, which is a mistake.
fn nothing(prepared: &Prepared, filter: &str, session: &Session) -> Result<(), Failure> {
    let tests = prepared.platforms.iter().flat_map(|platform| &platform.template.tests);
    let mut names: Vec<String> = tests.map(|test| format!("`{}`", test.name)).collect();
    names.dedup();
    if names.is_empty() {
        session.report.note("the template has no tests");
        return Ok(());
    }
    names.truncate(10);
    Err(Failure::Found {
        message: format!("no test has `{filter}` in its name"),
        hint: Some(format!("the template has {}", names.join(", "))),
    })
}

impl Results {
    fn count(&self, is: impl Fn(&Outcome) -> bool) -> usize {
        self.0.iter().filter(|tried| is(&tried.outcome)).count()
    }

    /// How many tests failed.
    pub fn failed(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Failed(_)))
    }

    /// How many were not tried.
    pub fn skipped(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Skipped(_)))
    }

    fn summary(&self) -> String {
        let (failed, skipped) = (self.failed(), self.skipped());
        let mut text = format!("{}: {} passed", size::count(self.0.len(), "test"), self.0.len() - failed - skipped);
        for (number, what) in [(failed, "failed"), (skipped, "skipped")] {
            if number > 0 {
                text.push_str(&format!(", {number} {what}"));
            }
        }
        text
    }

    /// A failure if any test failed.
    pub(super) fn verdict(&self) -> Result<(), Failure> {
        match self.failed() {
            0 => Ok(()),
            failed => Err(Failure::Found {
                message: format!("{failed} of {} failed", size::count(self.0.len(), "test")),
                hint: None,
            }),
        }
    }
}

impl Tried {
    /// One line, and below it what is wrong.
    fn as_text(&self, is_one_platform: bool, style: Style) -> String {
        let (code, word) = match &self.outcome {
            Outcome::Passed => ("32", "PASS"),
            Outcome::Failed(_) => ("31;1", "FAIL"),
            Outcome::Skipped(_) => ("33", "SKIP"),
        };
        let platform = if is_one_platform { String::new() } else { format!("{}  ", self.platform) };
        let end = match &self.outcome {
            Outcome::Skipped(why) => format!("({why})"),
            _ => size::seconds(self.took),
        };
        let mut text = format!("{}  {platform}{}  {end}\n", paint(style, code, word), self.name);
        for line in self.details() {
            text.push_str(&format!("      {line}\n"));
        }
        text
    }

    /// What is wrong, line by line.
    pub fn details(&self) -> Vec<String> {
        let Outcome::Failed(failed) = &self.outcome else { return Vec::new() };
        let mut lines = Vec::new();
        for complaint in &failed.complaints {
            lines.push(complaint.message.clone());
            lines.extend(complaint.lines.iter().map(|line| format!("  {line}")));
        }
        for (name, last) in &failed.printed {
            lines.push(format!("{name}:"));
            lines.extend(last.iter().map(|line| format!("  {line}")));
        }
        lines
    }
}

fn as_json(results: &Results) -> serde_json::Value {
    let test = |tried: &Tried| {
        let (outcome, complaints, printed, why) = match &tried.outcome {
            Outcome::Passed => ("passed", json!([]), json!({}), None),
            Outcome::Skipped(why) => ("skipped", json!([]), json!({}), Some(*why)),
            Outcome::Failed(failed) => {
                let printed = failed.printed.iter().map(|(name, lines)| ((*name).to_owned(), json!(lines)));
                ("failed", json!(failed.complaints), printed.collect::<serde_json::Map<_, _>>().into(), None)
            }
        };
        json!({
            "platform": tried.platform,
            "name": tried.name,
            "outcome": outcome,
            "why": why,
            "seconds": tried.took.as_secs_f64(),
            "complaints": complaints,
            "printed": printed,
        })
    };
    json!({
        "tests": results.0.len(),
        "failed": results.failed(),
        "skipped": results.skipped(),
        "results": results.0.iter().map(test).collect::<Vec<_>>(),
    })
}
