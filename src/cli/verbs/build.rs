//! `kiln build`

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Instant;

use serde_json::json;

use crate::base::Platform;
use crate::base::reference::Output;
use crate::cli::args::Build;
use crate::cli::opening::{Opened, Opening};
use crate::cli::report::{Failure, print, print_json};
use crate::cli::session::Session;
use crate::cli::size;
use crate::output::{OutputError, Receipt, Written, check_outputs};
use crate::pipeline::{Built, Commands, Error, Loaded, Prepared, build, deliver};

use super::test::{Lines, try_all};

/// Builds, writes the outputs, prints the digest.
pub fn run(args: &Build, session: &Session) -> Result<ExitCode, Failure> {
    let begin = Instant::now();
    let to_stdout = args.outputs.iter().any(|output| matches!(output, Output::DockerArchiveStdout));
    if to_stdout && args.json {
        return Err(Failure::Usage {
            message: "`docker-archive:-` and `--json` both want stdout".to_owned(),
            hint: "write the archive to a file, or take the digest from `--digest-file`".to_owned(),
        });
    }
    check_outputs(&args.outputs, &distinct(&args.resolve.platforms)).map_err(usage)?;
    let opening = Opening {
        template: &args.template,
        resolve: &args.resolve,
        provision: Some(&args.provision),
        outputs: &args.outputs,
        debug: args.debug,
    };
    let check = |loaded: &Loaded| check_outputs(&args.outputs, &loaded.platforms).map_err(usage);
    let stdout = if to_stdout { Stdout::Archive } else { Stdout::Digest };
    opening.check_and_act(session, check, |loaded, opened| make(args, loaded, opened, begin, stdout, session))
}

fn make(
    args: &Build,
    loaded: Loaded,
    opened: &Opened<'_>,
    begin: Instant,
    stdout: Stdout,
    session: &Session,
) -> Result<ExitCode, Failure> {
    let Opened { reach, terms, progress, .. } = *opened;
    let report = session.report;
    let prepared = opened.prepare(loaded, Commands::Run)?;
    if args.test {
        // Before anything gets a name, here or elsewhere.
        try_all(&prepared, "", opened, Lines::Note, session)?.verdict()?;
    }
    let mut built = build(&prepared, reach, terms);
    let mut results = Vec::new();
    if let Ok(image) = &built {
        progress.stage("writing the outputs");
        results = deliver(&prepared, image, &args.outputs, reach, terms)?;
        if results.iter().any(|result| result.as_ref().is_err_and(Error::is_damage)) {
            progress.end();
            // The damaged layer was set aside when it was found; it is made anew, once.
            report.warn("a layer in the store was damaged; it is built again", None);
            built = build(&prepared, reach, terms);
            if let Ok(image) = &built {
                results = deliver(&prepared, image, &args.outputs, reach, terms)?;
            }
        }
    }
    progress.end();
    let built = built?;
    let receipts = receipts(&args.outputs, results, session)?;
    let made = built.layers.iter().filter(|layer| !layer.cached).count();
    let name = name(&prepared);
    report.note(&format!(
        "{name}: {}, {made} built, {} cached, {}",
        size::count(built.layers.len(), "layer"),
        built.layers.len() - made,
        size::seconds(begin.elapsed())
    ));
    result(args, &prepared, &built, &receipts, stdout)
}

/// Where the digest goes when it is not asked for as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stdout {
    /// There.
    Digest,
    /// Nowhere: an archive is there.
    Archive,
}

/// Outputs that do not go together, or not with what is built, are a matter of the command line.
pub(super) fn usage(error: OutputError) -> Failure {
    Failure::Usage { message: error.to_string(), hint: error.hint().unwrap_or_default() }
}

fn distinct(platforms: &[Platform]) -> Vec<Platform> {
    let platforms: BTreeSet<&Platform> = platforms.iter().collect();
    platforms.into_iter().cloned().collect()
}

fn name(prepared: &Prepared) -> String {
    let name = prepared.plan.name.as_deref().unwrap_or("image");
    prepared.plan.version.as_ref().map_or(name.to_owned(), |version| format!("{name}:{version}"))
}

/// Says what became of each output. Of several failures the one with the highest exit code ends the command; the others
/// are said before it.
pub(super) fn receipts(
    outputs: &[Output],
    results: Vec<Result<Receipt, Error>>,
    session: &Session,
) -> Result<Vec<Receipt>, Failure> {
    let mut receipts = Vec::new();
    let mut failures: Vec<Failure> = Vec::new();
    for (output, result) in outputs.iter().zip(results) {
        match result {
            Ok(receipt) => {
                say_receipt(output, &receipt, session);
                receipts.push(receipt);
            }
            Err(error) => failures.push(error.into()),
        }
    }
    session.report.worst(failures)?;
    Ok(receipts)
}

fn say_receipt(output: &Output, receipt: &Receipt, session: &Session) {
    let what = match receipt.written {
        Written::AlreadyThere => "is up to date",
        Written::New => "written",
        Written::Replaced => "replaced",
    };
    session.report.note(&format!("{output}: {what}"));
    if let Some(said) = &receipt.said {
        session.report.note(said.trim_end());
    }
    if let Some(lost) = receipt.lost.describe() {
        session.report.warn(&format!("{output}: {lost}"), Some("run as root to keep them".to_owned()));
    }
}

fn result(
    args: &Build,
    prepared: &Prepared,
    built: &Built,
    receipts: &[Receipt],
    stdout: Stdout,
) -> Result<ExitCode, Failure> {
    let digest = built.digest();
    if let Some(path) = &args.digest_file {
        std::fs::write(path, format!("{digest}\n"))
            .map_err(|source| Failure::Write { what: format!("`{}`", path.display()), source })?;
    }
    if args.json {
        print_json(&as_json(args, prepared, built, receipts))?;
    } else if stdout == Stdout::Digest {
        print(&format!("{digest}\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(args: &Build, prepared: &Prepared, built: &Built, receipts: &[Receipt]) -> serde_json::Value {
    let layer = |layer: &crate::pipeline::BuiltLayer| {
        json!({
            "platform": layer.platform,
            "name": layer.name,
            "diff_id": layer.descriptor.diff_id,
            "digest": layer.descriptor.digest,
            "size_bytes": layer.descriptor.size_bytes,
            "uncompressed_bytes": layer.raw_bytes,
            "media_type": layer.descriptor.media_type.to_string(),
            "cached": layer.cached,
        })
    };
    let image = |image: &crate::image::Image| json!({ "platform": image.platform, "digest": image.manifest.digest, "config": image.config.digest });
    let output = |(output, receipt): (&Output, &Receipt)| json!({ "output": output.to_string(), "written": receipt.written != Written::AlreadyThere });
    json!({
        "digest": built.digest(),
        "name": prepared.plan.name,
        "version": prepared.plan.version,
        "plan": prepared.digest,
        "images": built.images.iter().map(image).collect::<Vec<_>>(),
        "layers": built.layers.iter().map(layer).collect::<Vec<_>>(),
        "outputs": args.outputs.iter().zip(receipts).map(output).collect::<Vec<_>>(),
    })
}
