//! `kiln check`

use std::collections::BTreeSet;
use std::process::ExitCode;

use crate::cli::args::Check;
use crate::cli::report::Failure;
use crate::cli::session::Session;
use crate::cli::size;
use crate::pipeline::Error;
use crate::pipeline::fetch::fetches;
use crate::pipeline::load::{lock_path, read_template, template_path};
use crate::template::Severity;

/// Reads the template for each of its platforms and reports everything that is wrong with it.
pub fn run(args: &Check, session: &Session) -> Result<ExitCode, Failure> {
    let path = template_path(&args.template.template)?;
    let set = args.template.set.iter().cloned().collect();
    let (document, files, mut findings) = read_template(&path)?;
    let version = args.template.version.as_deref();
    let (facts, more) = document.facts(&set, version);
    findings.extend(more);
    let platforms =
        if facts.platforms.is_empty() { vec![session.environment.machine.clone()] } else { facts.platforms.clone() };
    let mut fetched = BTreeSet::new();
    for platform in &platforms {
        let (template, found) = document.template(platform, &set, version);
        findings.extend(found);
        fetched.extend(fetches(&template, platform).into_iter().map(|fetch| (fetch.name, fetch.command)));
    }
    crate::template::finding::sort(&mut findings);
    let errors = findings.iter().filter(|finding| finding.severity() == Severity::Error).count();
    let warnings = findings.len() - errors;
    if errors > 0 {
        return Err(Error::Template { template: path, findings, files }.into());
    }
    session.report.findings(&findings, &files);
    if args.strict && warnings > 0 {
        return Err(Failure::Found {
            message: format!("{}; with `--strict` this is an error", size::count(warnings, "warning")),
            hint: None,
        });
    }
    for (name, command) in fetched {
        let lock = lock_path(&path);
        session.report.note(&format!(
            "source {name}: `{command}` runs with network when the lock is made; {} pins what it fetches",
            lock.display()
        ));
    }
    let shown: Vec<String> = platforms.iter().map(ToString::to_string).collect();
    session.report.note(&format!(
        "{}: no errors, {} ({})",
        path.display(),
        size::count(warnings, "warning"),
        shown.join(", ")
    ));
    Ok(ExitCode::SUCCESS)
}
