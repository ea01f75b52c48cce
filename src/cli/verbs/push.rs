//! `kiln push`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::base::reference::Reference;
use crate::cli::args::{Push, TemplateArgs};
use crate::cli::opening::{Opened, Opening};
use crate::cli::report::{Failure, print, print_json};
use crate::cli::session::Session;
use crate::cli::size;
use crate::pipeline::publish::addresses::About;
use crate::pipeline::publish::{Address, Cargo, Sent, addresses, published, send};
use crate::pipeline::{Commands, Error, Loaded, Prepared, State, build};
use crate::publish::{Destination, How};
use crate::registry::Created;
use crate::store::Name;

use super::test::{Lines, try_all};

/// What is pushed.
enum What {
    Template(PathBuf),
    Image(Reference),
}

/// Builds if it has to, publishes, prints the names.
pub fn run(args: &Push, session: &Session) -> Result<ExitCode, Failure> {
    let (what, destinations) = sort(&args.words)?;
    match what {
        What::Template(template) => {
            let template = TemplateArgs { template, set: args.set.clone(), version: args.version.clone() };
            let opening = Opening::new(&template, &args.resolve, Some(&args.provision));
            opening.act(session, |loaded, opened| push_template(args, &destinations, loaded, opened, session))
        }
        What::Image(reference) => push_image(args, &reference, &destinations, session),
    }
}

/// The first word is what is pushed, if it is no place in a registry; a layout alone is where to push.
fn sort(words: &[String]) -> Result<(What, Vec<Destination>), Failure> {
    let usage = |message: String| Failure::Usage { message, hint: "see `kiln push --help`".to_owned() };
    let here = || What::Template(PathBuf::from("."));
    let (what, destinations) = match words.split_first() {
        None => (here(), words),
        Some((first, rest)) if is_template(first) => (What::Template(PathBuf::from(first)), rest),
        Some((first, rest)) => match first.parse::<Reference>() {
            Ok(Reference::Registry(_)) => (here(), words),
            Ok(Reference::OciDirectory(_) | Reference::OciArchive(_)) if rest.is_empty() => (here(), words),
            Ok(reference) => (What::Image(reference), rest),
            Err(error) => return Err(usage(error.to_string())),
        },
    };
    let destinations = destinations.iter().map(|word| word.parse::<Destination>());
    let destinations = destinations.collect::<Result<_, _>>().map_err(|error| usage(error.to_string()))?;
    Ok((what, destinations))
}

/// A file that ends in `.toml`, or a directory with `kiln.toml`; what looks like a path is meant as one.
fn is_template(word: &str) -> bool {
    let path = Path::new(word);
    word.ends_with(".toml") || path.join("kiln.toml").is_file() || word == "." || word.starts_with("./")
}

fn push_template(
    args: &Push,
    destinations: &[Destination],
    loaded: Loaded,
    opened: &Opened<'_>,
    session: &Session,
) -> Result<ExitCode, Failure> {
    let Opened { reach, terms, progress, .. } = *opened;
    let publish = loaded.facts.publish.clone();
    let mut prepared = opened.evaluate(loaded, Commands::Recalled)?;
    let (name, version) = (prepared.plan.name.clone(), prepared.plan.version.clone());
    let about = |prepared: &Prepared| -> Result<Vec<Address>, Error> {
        let plan = Some(&prepared.digest);
        let about = About { name: name.as_deref(), version: version.as_deref(), plan, publish: Some(&publish) };
        addresses(destinations, &args.tags, &about)
    };
    let addresses = about(&prepared)?;
    progress.stage("asking what is published");
    let found = published(&prepared, &addresses, reach);
    progress.end();
    if let Some(found) = found? {
        session.report.prepared(&prepared);
        session.report.note("published already by the same plan: nothing is built");
        return result(args, Some(&prepared), found.into_iter().map(Ok).collect(), session);
    }
    let waits = |state: &State| *state == State::Unknown;
    if prepared.platforms.iter().flat_map(|platform| &platform.layers).any(|layer| waits(&layer.state)) {
        prepared = opened.evaluate(prepared.loaded, Commands::Run)?;
    }
    session.report.prepared(&prepared);
    if args.test {
        try_all(&prepared, "", opened, Lines::Note, session)?.verdict()?;
    }
    let built = build(&prepared, reach, terms);
    progress.end();
    let cargo = Cargo::of_build(&prepared, &built?)?;
    progress.stage("publishing");
    let sent = send(&cargo, &addresses, reach, terms);
    progress.end();
    result(args, Some(&prepared), sent?, session)
}

fn push_image(
    args: &Push,
    reference: &Reference,
    destinations: &[Destination],
    session: &Session,
) -> Result<ExitCode, Failure> {
    let store = session.store(&args.resolve.store)?;
    let network = session.network(&args.resolve.network)?;
    let progress = session.progress();
    let news = |news: crate::transport::News| progress.news(&news);
    let reach = network.reach(&store, PathBuf::new(), &news)?;
    let watch = |event: crate::pipeline::Event<'_>| progress.show(event);
    let terms = session.terms(&args.resolve, &watch);
    let cargo = match reference {
        Reference::Store { name, version } => {
            Cargo::of_store(&Name { name: name.clone(), version: version.clone() }, &store)?
        }
        _ => return Err(Error::NoDestination.into()),
    };
    let (name, version) = cargo.name.as_ref().map(|name| (name.name.as_str(), name.version.as_deref())).unzip();
    let version = args.version.as_deref().or(version.flatten());
    let about = About { name, version, plan: None, publish: None };
    let addresses = addresses(destinations, &args.tags, &about)?;
    progress.stage("publishing");
    let sent = send(&cargo, &addresses, &reach, &terms);
    progress.end();
    result(args, None, sent?, session)
}

/// Tells what became of each destination. Of several failures the one with the highest exit code ends the command.
fn result(
    args: &Push,
    prepared: Option<&Prepared>,
    results: Vec<Result<Sent, Error>>,
    session: &Session,
) -> Result<ExitCode, Failure> {
    let mut failures: Vec<Failure> = Vec::new();
    let mut all = Vec::new();
    for result in results {
        match result {
            Ok(sent) => {
                session.report.note(&told(&sent));
                all.push(sent);
            }
            Err(error) => failures.push(error.into()),
        }
    }
    let metadata = metadata(prepared, &all);
    if let Some(path) = &args.metadata_file {
        let text = format!("{}\n", serde_json::to_string_pretty(&metadata)?);
        write(path, &text)?;
    }
    if let (Some(path), Some(first)) = (&args.digest_file, all.first()) {
        write(path, &format!("{}\n", first.receipt.digest))?;
    }
    if args.json {
        print_json(&metadata)?;
    } else {
        let names: Vec<String> = all.iter().flat_map(Sent::full_names).map(|name| format!("{name}\n")).collect();
        print(&names.concat())?;
    }
    failures.sort_by_key(Failure::exit_code);
    match failures.pop() {
        None => Ok(ExitCode::SUCCESS),
        Some(worst) => {
            failures.iter().for_each(|failure| session.report.failure(failure));
            Err(worst)
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|source| Failure::Write { what: format!("`{}`", path.display()), source })
}

fn told(sent: &Sent) -> String {
    let receipt = &sent.receipt;
    if receipt.names.iter().all(|(_, created)| *created == Created::AlreadyThere) && receipt.manifests.is_empty() {
        return format!("{}: published before, nothing was sent", sent.place);
    }
    let sum = |wanted: fn(&How) -> bool| {
        let blobs = receipt.blobs.iter().filter(|(_, how)| wanted(how));
        blobs.fold((0, 0), |(count, bytes), (blob, _)| (count + 1, bytes + blob.size))
    };
    let (sent_count, sent_bytes) = sum(|how| *how == How::Sent);
    let (mounted, _) = sum(|how| matches!(how, How::Mounted(_)));
    let (there, _) = sum(|how| *how == How::There);
    format!(
        "{}: {} sent ({}), {mounted} mounted, {there} there already",
        sent.place,
        size::count(sent_count, "blob"),
        size::show(sent_bytes)
    )
}

fn metadata(prepared: Option<&Prepared>, all: &[Sent]) -> Value {
    let destination = |sent: &Sent| {
        let receipt = &sent.receipt;
        let blob = |(blob, how): &(crate::image::Descriptor, How)| {
            let from = match how {
                How::Mounted(from) => Some(from.to_string()),
                How::There | How::Sent => None,
            };
            json!({ "digest": blob.digest, "size_bytes": blob.size, "how": how.word(), "from": from })
        };
        let names = receipt.names.iter().zip(sent.full_names());
        let names = names.map(|((_, created), name)| json!({ "name": name, "created": *created == Created::Now }));
        json!({
            "place": sent.place,
            "digest": receipt.digest,
            "names": names.collect::<Vec<_>>(),
            "blobs": receipt.blobs.iter().map(blob).collect::<Vec<_>>(),
            "manifests": receipt.manifests,
            "attached": receipt.attached,
        })
    };
    json!({
        "digest": all.first().map(|sent| sent.receipt.digest),
        "name": prepared.and_then(|prepared| prepared.plan.name.clone()),
        "version": prepared.and_then(|prepared| prepared.plan.version.clone()),
        "plan": prepared.map(|prepared| prepared.digest),
        "destinations": all.iter().map(destination).collect::<Vec<_>>(),
    })
}
