//! `kiln push --part` and `kiln push --parts`: an image that several machines build.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use crate::cli::args::Push;
use crate::cli::opening::Opened;
use crate::cli::report::Failure;
use crate::cli::session::Session;
use crate::pipeline::Error;
use crate::pipeline::publish::{Address, join, keep_part, part_place, part_tags, send};
use crate::pipeline::{Built, Prepared};
use crate::publish::part::{Part, together};
use crate::publish::{Destination, PublishError};

use super::tell::{Pushed, result, write};

/// Keeps the one platform that was built where the whole will be, and writes the file that goes to whoever joins them.
pub(super) fn keep(
    args: &Push,
    file: &Path,
    (prepared, built): (&Prepared, &Built),
    addresses: &[Address],
    opened: &Opened<'_>,
    session: &Session,
) -> Result<ExitCode, Failure> {
    if let Some(address) = addresses.iter().find(|it| !matches!(it.destination, Destination::Registry(..))) {
        return Err(Failure::Usage {
            message: format!("a part cannot be kept in `{}`", address.destination),
            hint: "name a repository of a registry, which all machines reach".to_owned(),
        });
    }
    let places = addresses.iter().map(|address| part_place(address, &args.tags, &prepared.digest));
    let places = places.collect::<Result<_, _>>()?;
    let (part, sent) = keep_part(prepared, built, places, opened.reach, opened.terms)?;
    if sent.iter().all(Result::is_ok) {
        write(file, &format!("{}\n", serde_json::to_string_pretty(&part)?))?;
        session.report.note(&format!("wrote {}: the part for {}", file.display(), part.plan.platform));
    }
    let pushed = Pushed::of(prepared, built);
    result(args, &pushed, sent, session)
}

/// Puts the parts together and publishes the whole.
pub(super) fn join_all(args: &Push, session: &Session) -> Result<ExitCode, Failure> {
    if let Some(word) = args.words.first() {
        return Err(Failure::Usage {
            message: format!("`{word}`: the parts say what is pushed and where"),
            hint: "give destinations and tags to `kiln push --part`".to_owned(),
        });
    }
    let parts = args.parts.iter().map(|path| read(path)).collect::<Result<Vec<(PathBuf, Part)>, Error>>()?;
    let (common, parts) = together(&parts).map_err(Error::from)?;
    let store = session.store(&args.resolve.store)?;
    let network = session.network(&args.resolve.network)?;
    let progress = session.progress();
    let news = |news: crate::transport::News| progress.news(&news);
    let reach = network.reach(&store, PathBuf::new(), &news)?;
    let watch = |event: crate::pipeline::Event<'_>| progress.show(event);
    let terms = session.terms(&args.resolve, &watch);
    progress.stage("putting the parts together");
    let done = join(common, &parts, &reach).and_then(|(cargo, addresses)| {
        let sent = send(&cargo, &addresses, &cargo.stock(&reach), &reach, &terms)?;
        Ok((cargo, sent))
    });
    progress.end();
    let (cargo, sent) = done?;
    let mut left_over = Vec::new();
    // A part is needed until the whole is everywhere.
    if sent.iter().all(Result::is_ok) {
        for place in &common.places {
            left_over.extend(part_tags(&parts)?.iter().map(|tag| format!("{}:{tag}", place.repository)));
        }
        session.report.note(&format!("of no use any more: {}", left_over.join(", ")));
    }
    let platforms = parts.iter().map(|part| json!({ "platform": part.plan.platform, "digest": part.manifest }));
    let pushed = Pushed {
        name: common.head.name.clone(),
        version: common.head.version.clone(),
        plan: cargo.plan.map(|plan| plan.to_string()),
        platforms: platforms.collect(),
        left_over,
    };
    result(args, &pushed, sent, session)
}

fn read(path: &Path) -> Result<(PathBuf, Part), Error> {
    let bytes =
        std::fs::read(path).map_err(|source| PublishError::File { doing: "read", path: path.to_owned(), source })?;
    let part = Part::parse(path, &bytes)?;
    Ok((path.to_owned(), part))
}
