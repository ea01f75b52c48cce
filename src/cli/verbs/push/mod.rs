//! `kiln push`

mod parts;
pub(super) mod tell;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::base::hash::digest_of;
use crate::base::reference::Reference;
use crate::cli::args::{Push, TemplateArgs};
use crate::cli::opening::{Opened, Opening};
use crate::cli::report::Failure;
use crate::cli::session::Session;
use crate::pipeline::publish::addresses::About;
use crate::pipeline::publish::{Address, Cargo, addresses, platforms, published, send};
use crate::pipeline::{Commands, Error, Loaded, Prepared, State, build};
use crate::publish::origin::FileOrigin;
use crate::publish::{Destination, Stock};
use crate::store::Name;

use super::test::{Lines, try_all};
use tell::{Pushed, result};

/// What is pushed.
enum What {
    Template(PathBuf),
    Image(Reference),
}

/// Builds if it has to, publishes, prints the names.
pub fn run(args: &Push, session: &Session) -> Result<ExitCode, Failure> {
    if !args.parts.is_empty() {
        return parts::join_all(args, session);
    }
    let (what, destinations) = sort(&args.words)?;
    match what {
        What::Template(template) => {
            let template = TemplateArgs { template, set: args.set.clone(), version: args.version.clone() };
            let opening = Opening::new(&template, &args.resolve, Some(&args.provision));
            // Where it goes has to be known before anything is fetched or written; the plan is not, and gives but one name.
            let check = |loaded: &Loaded| {
                let facts = &loaded.facts;
                let plan = digest_of(b"");
                let about = About {
                    name: facts.name.as_deref(),
                    version: facts.version.as_deref(),
                    plan: Some(&plan),
                    publish: Some(&facts.publish),
                };
                whole(args, loaded)?;
                Ok(addresses(&destinations, &args.tags, &about).map(drop)?)
            };
            opening.check_and_act(session, check, |loaded, opened| {
                push_template(args, &destinations, loaded, opened, session)
            })
        }
        What::Image(reference) => {
            only_for_templates(args, &reference)?;
            push_image(args, &reference, &destinations, session)
        }
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
    let has_channels = !publish.channels.is_empty() && args.part.is_none();
    for address in addresses.iter().filter(|address| has_channels && address.channels.is_none()) {
        session.report.detail(&tell::without_channels(&address.destination));
    }
    progress.stage("asking what is published");
    let found = if args.part.is_none() { published(&prepared, &addresses, reach, terms) } else { Ok(None) };
    progress.end();
    if let Some(found) = found? {
        session.report.prepared(&prepared);
        session.report.note("published already by the same plan: nothing is built");
        let mut pushed = Pushed::of_plan(&prepared);
        if let (true, Some(sent), Some(address)) = (wants_metadata(args), found.first(), addresses.first()) {
            pushed.found(platforms(sent, address, reach)?, sent, &prepared);
        }
        return result(args, &pushed, found.into_iter().map(Ok).collect(), session);
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
    let built = built?;
    if let Some(file) = &args.part {
        return parts::keep(args, file, (&prepared, &built), &addresses, opened, session);
    }
    let cargo = Cargo::of_build(&prepared, &built)?;
    progress.stage("publishing");
    let sent = send(&cargo, &addresses, &cargo.stock(reach), reach, terms);
    progress.end();
    result(args, &Pushed::of(&prepared, &built), sent?, session)
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
    let file = match reference {
        Reference::OciDirectory(at) | Reference::OciArchive(at) => {
            Some((at, FileOrigin::open(reference).map_err(Error::from)?))
        }
        _ => None,
    };
    let (cargo, version) = match (&file, reference) {
        (Some((at, origin)), _) => Cargo::of_file(at, origin)?,
        (None, Reference::Store { name, version }) => {
            let cargo = Cargo::of_store(&Name { name: name.clone(), version: version.clone() }, &store)?;
            let version = cargo.name.as_ref().and_then(|name| name.version.clone());
            (cargo, version)
        }
        (None, reference) => {
            return Err(Failure::Usage {
                message: format!("`{reference}` is no template, nothing of the store and no OCI layout"),
                hint: "see `kiln push --help`".to_owned(),
            });
        }
    };
    let name = cargo.name.as_ref().map(|name| name.name.as_str());
    let version = args.version.as_deref().or(version.as_deref());
    let about = About { name, version, plan: None, publish: None };
    let addresses = addresses(destinations, &args.tags, &about)?;
    let stored = cargo.stock(&reach);
    let stock: &dyn Stock = file.as_ref().map_or(&stored, |(_, origin)| origin);
    progress.stage("publishing");
    let sent = send(&cargo, &addresses, stock, &reach, &terms);
    progress.end();
    result(args, &Pushed::default(), sent?, session)
}

/// A tag is never rewritten: one that holds a part of the platforms could never hold the rest.
fn whole(args: &Push, loaded: &Loaded) -> Result<(), Failure> {
    let (built, all) = (loaded.platforms.len(), loaded.settled.platforms.len());
    if args.part.is_some() && built != 1 {
        return Err(Failure::Usage {
            message: format!("a part is one platform's, and {built} are to be built"),
            hint: "choose it with `--platform`".to_owned(),
        });
    }
    if args.part.is_none() && built < all {
        return Err(Failure::Usage {
            message: format!("only {built} of the image's {all} platforms would be published, and the tag can never hold the rest"),
            hint: "leave `--platform` away; or let each machine `kiln push --part --platform P`, and one `kiln push --parts FILES`".to_owned(),
        });
    }
    Ok(())
}

/// Whether a program reads what was published.
fn wants_metadata(args: &Push) -> bool {
    args.json || args.metadata_file.is_some()
}

/// What decides how something is built means nothing for what exists.
fn only_for_templates(args: &Push, reference: &Reference) -> Result<(), Failure> {
    let given = [
        ("--platform", !args.resolve.platforms.is_empty()),
        ("--part", args.part.is_some()),
        ("--set", !args.set.is_empty()),
        ("--epoch", args.resolve.epoch.is_some()),
        ("--created", args.resolve.created.is_some()),
        ("--test", args.test),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((option, _)) => Err(Failure::Usage {
            message: format!("`{option}` needs a template: `{reference}` is built already"),
            hint: "push the template, or leave the option away".to_owned(),
        }),
        None => Ok(()),
    }
}
