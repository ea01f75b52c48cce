//! `kiln probe`

use std::process::ExitCode;

use serde_json::{Map, Value, json};

use crate::cli::args;
use crate::cli::report::{Failure, Report, print, print_json};
use crate::cli::session::Session;
use crate::pipeline::Error;
use crate::publish::probe::{Finding, Findings, Probe, Verdict};
use crate::registry::Repository;
use crate::registry::write::probe::ProbeTag;

use super::repository;

/// Says what will be written, tries what the registry does with it, and prints what was found out.
pub fn run(args: &args::Probe, session: &Session) -> Result<ExitCode, Failure> {
    let repository = repository::without_tag(&args.repository)?;
    let mount_from = args.mount_from.as_deref().map(repository::without_tag).transpose()?;
    check(&repository, mount_from.as_ref())?;
    let network = session.network(&args.network)?;
    let progress = session.progress();
    let news = |news: crate::transport::News| progress.news(&news);
    let client = network.client(&news).map_err(Error::from)?;
    let probe = Probe { repository: &repository, mount_from: mount_from.as_ref(), tag: ProbeTag::fresh() };
    for line in probe.announcement() {
        session.report.note(&line);
    }
    progress.stage("trying what the registry does");
    let watch = |event: crate::pipeline::Event<'_>| progress.show(event);
    let findings = probe.run(&client, session.plain_terms(&watch).interrupted);
    progress.end();
    let findings = findings.map_err(Error::from)?;
    if args.json {
        print_json(&as_json(&repository, &findings))?;
    } else {
        print(&as_text(&findings))?;
    }
    advise(&findings, &session.report);
    Ok(ExitCode::SUCCESS)
}

fn check(repository: &Repository, mount_from: Option<&Repository>) -> Result<(), Failure> {
    let fits = |from: &Repository| from.registry == repository.registry && from != repository;
    match mount_from {
        Some(from) if !fits(from) => Err(Failure::Usage {
            message: format!("nothing can be mounted from `{from}` into `{repository}`"),
            hint: format!("name another repository of `{}`", repository.registry),
        }),
        _ => Ok(()),
    }
}

fn as_text(findings: &Findings) -> String {
    let widest = findings.all.iter().map(|finding| finding.ability.name().len()).max().unwrap_or_default();
    let line = |finding: &Finding| {
        let Finding { ability, verdict, detail, .. } = finding;
        format!("{:widest$}  {:8}  {detail}\n", ability.name(), verdict.word())
    };
    findings.all.iter().map(line).collect()
}

/// What to do about it, and what is left.
fn advise(findings: &Findings, report: &Report) {
    for Finding { ability, advice, .. } in &findings.all {
        if let Some(advice) = advice {
            report.note(&format!("{}: {advice}", ability.name()));
        }
    }
    for left in &findings.left {
        report.note(&format!("left: the {} {}", left.kind, left.name));
    }
}

fn as_json(repository: &Repository, findings: &Findings) -> Value {
    let finding = |finding: &Finding| {
        let Finding { ability, verdict, detail, bytes, advice } = finding;
        let can = match verdict {
            Verdict::Yes => Some(true),
            Verdict::No => Some(false),
            Verdict::Partly | Verdict::Untested => None,
        };
        let value =
            json!({ "verdict": verdict.word(), "can": can, "detail": detail, "bytes": bytes, "advice": advice });
        (ability.word().to_owned(), value)
    };
    let left = findings.left.iter().map(|left| json!({ "kind": left.kind, "name": left.name, "why": left.why }));
    json!({
        "repository": repository.to_string(),
        "abilities": findings.all.iter().map(finding).collect::<Map<String, Value>>(),
        "left_over": left.collect::<Vec<_>>(),
    })
}
