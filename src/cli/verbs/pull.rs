//! `kiln pull`

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use crate::base::reference::{Output, Reference};
use crate::cli::args::Pull;
use crate::cli::report::{Failure, print, print_json};
use crate::cli::session::Session;
use crate::cli::size;
use crate::output::{Receipt, Written, check_outputs};
use crate::pipeline::{Event, Pulled, find, pull};
use crate::transport::News;

use super::build::{receipts, usage};

/// Brings an image here, writes the outputs, prints the digest.
pub fn run(args: &Pull, session: &Session) -> Result<ExitCode, Failure> {
    let to_stdout = args.outputs.iter().any(|output| matches!(output, Output::DockerArchiveStdout));
    if to_stdout && args.json {
        return Err(Failure::Usage {
            message: "`docker-archive:-` and `--json` both want stdout".to_owned(),
            hint: "write the archive to a file".to_owned(),
        });
    }
    let reference = reference(&args.image)?;
    check_outputs(&args.outputs, &[]).map_err(usage)?;
    let store = session.store(&args.store)?;
    let network = session.network(&args.network)?;
    let progress = session.progress();
    let news = |news: News| progress.news(&news);
    let reach = network.reach(&store, PathBuf::new(), &news)?;
    let watch = |event: Event<'_>| progress.show(event);
    let terms = session.plain_terms(&watch);
    progress.stage("looking up the image");
    let pulled = find(&reference, &reach).and_then(|whole| {
        let whole = match &args.platform {
            Some(platform) => whole.only(platform)?,
            None => whole,
        };
        progress.stage("fetching");
        pull(&whole, &args.outputs, &reach, &terms)
    });
    progress.end();
    let mut pulled = pulled?;
    session.report.note(&told(&pulled));
    let receipts = receipts(&args.outputs, std::mem::take(&mut pulled.outputs), session)?;
    if args.json {
        print_json(&as_json(args, &pulled, &receipts))?;
    } else if !to_stdout {
        print(&format!("{}\n", pulled.digest))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn reference(text: &str) -> Result<Reference, Failure> {
    let usage = |message: String, hint: &str| Failure::Usage { message, hint: hint.to_owned() };
    match text.parse::<Reference>() {
        Ok(Reference::Store { name, .. }) => Err(usage(
            format!("`{name}` is a name of the store, where pulled images go"),
            "write the registry too, such as `docker.io/library/debian:12`",
        )),
        Ok(reference) => Ok(reference),
        Err(error) => Err(usage(error.to_string(), "see `kiln pull --help`")),
    }
}

fn told(pulled: &Pulled) -> String {
    let bytes: u64 = pulled.fetched.iter().map(|blob| blob.size).sum();
    let refers = match pulled.attached {
        0 => String::new(),
        count => format!(", {count} that refer to it"),
    };
    format!(
        "store:{}: {} fetched ({}), {} there already{refers}",
        pulled.name,
        size::count(pulled.fetched.len(), "blob"),
        size::show(bytes),
        pulled.there
    )
}

fn as_json(args: &Pull, pulled: &Pulled, receipts: &[Receipt]) -> serde_json::Value {
    let output = |(output, receipt): (&Output, &Receipt)| json!({ "output": output.to_string(), "written": receipt.written != Written::AlreadyThere });
    let blob = |blob: &crate::image::Descriptor| json!({ "digest": blob.digest, "size_bytes": blob.size });
    json!({
        "digest": pulled.digest,
        "name": format!("store:{}", pulled.name),
        "fetched": pulled.fetched.iter().map(blob).collect::<Vec<_>>(),
        "there": pulled.there,
        "attached": pulled.attached,
        "outputs": args.outputs.iter().zip(receipts).map(output).collect::<Vec<_>>(),
    })
}
