//! `kiln reproduce`

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::base::Class;
use crate::cli::args::Reproduce;
use crate::cli::environment::now;
use crate::cli::opening::{Opened, Opening};
use crate::cli::report::{Failure, print, print_json};
use crate::cli::session::Session;
use crate::cli::size;
use crate::pipeline::reproduce::{Different, Wanted};
use crate::pipeline::{Event, Loaded, Reproduction, Terms, reproduce};

/// Builds several times and says whether that gives the same image, and if not, why.
pub fn run(args: &Reproduce, session: &Session) -> Result<ExitCode, Failure> {
    let begin = Instant::now();
    let opening = Opening::new(&args.template, &args.resolve, Some(&args.provision));
    opening.act(session, |loaded, opened| compare(args, &loaded, opened, begin, session))
}

fn compare(
    args: &Reproduce,
    loaded: &Loaded,
    opened: &Opened<'_>,
    begin: Instant,
    session: &Session,
) -> Result<ExitCode, Failure> {
    let begun = AtomicUsize::new(0);
    let watch = |event: Event<'_>| {
        if let Event::RunBegins { run, .. } = event {
            begun.store(run, Ordering::Relaxed);
        }
        (opened.terms.watch)(event);
    };
    let terms = Terms { watch: &watch, machine: opened.terms.machine.clone(), ..*opened.terms };
    let wanted = Wanted {
        request: opened.request,
        times: usize::from(args.times),
        keep: args.keep.as_deref(),
        never: opened.never,
        clock: &now,
    };
    let reproduced = reproduce(loaded, &wanted, opened.reach, &terms);
    opened.progress.end();
    let begun = begun.into_inner();
    let reproduction = match reproduced {
        Err(error) if begun > 1 && error.class() == Class::Failed => {
            let hint = "what fails depends on what is varied: `kiln reproduce --help`".to_owned();
            session.report.warn(&format!("run {begun} fails where run 1 did not"), Some(hint));
            return Err(error.into());
        }
        reproduced => reproduced?,
    };
    if args.json {
        print_json(&reproduction)?;
    }
    say(&reproduction, session);
    session.report.note(&format!("{} runs, {}", reproduction.runs.len(), size::seconds(begin.elapsed())));
    let first = reproduction.runs.first().map(|run| run.digest.as_str()).unwrap_or_default();
    if reproduction.is_same {
        if !args.json {
            print(&format!("{first}\n"))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if !args.json {
        print(&difference(&reproduction))?;
    }
    let last = reproduction.runs.last().map(|run| run.digest.as_str()).unwrap_or_default();
    Err(Failure::Mismatch {
        message: format!("run {} gave another image than run 1: {last}, not {first}", reproduction.runs.len()),
    })
}

/// Says what was varied, what was not, and what is worth a look although the images are the same.
fn say(reproduction: &Reproduction, session: &Session) {
    let report = session.report;
    for varying in &reproduction.varied {
        report.note(&format!("varied: {} ({}; {})", varying.what, varying.first, varying.second));
    }
    for held in &reproduction.held {
        report.note(&format!("not varied: {}: {}", held.what, held.why));
    }
    for run in &reproduction.runs {
        if let Some(kept) = &run.kept {
            report.note(&format!("kept: {}", kept.display()));
        }
    }
    if let Some(aside) = &reproduction.aside {
        report.warn(
            &format!("the layer `{}` differs from run to run, without an effect on the image", aside.layer),
            Some("`--json` shows what differs in it".to_owned()),
        );
    }
}

fn difference(reproduction: &Reproduction) -> String {
    match &reproduction.different {
        Some(different) => layer(different),
        None => "every layer has the same files, and they are packed otherwise: please report this as a bug of kiln\n"
            .to_owned(),
    }
}

fn layer(different: &Different) -> String {
    let mut text = format!("{}: layer `{}` differs ({})\n", different.place, different.layer, different.platform);
    for step in &different.steps {
        let command = step.command.lines().next().unwrap_or_default();
        text.push_str(&format!("{}: step {}: {command}\n", step.place, step.number));
    }
    text.push('\n');
    for difference in &different.comparison.differences {
        text.push_str(&difference.to_string());
        if let Some(steps) = different.touched.get(&difference.path.to_string()) {
            let steps: Vec<String> = steps.iter().map(usize::to_string).collect();
            text.push_str(&format!("  written by: step {}\n", steps.join(", step ")));
        }
    }
    if different.comparison.left_out > 0 {
        text.push_str(&format!("and {} more\n", size::count(different.comparison.left_out, "path")));
    }
    for note in &different.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    if !different.others.is_empty() {
        text.push_str(&format!("these differ too, perhaps because of it: {}\n", different.others.join(", ")));
    }
    text
}
