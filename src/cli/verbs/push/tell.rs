//! What a push tells: names on stdout, the rest on stderr and in files.

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::base::{BlobDigest, Platform};
use crate::cli::args::Push;
use crate::cli::report::{Failure, print, print_json};
use crate::cli::session::Session;
use crate::cli::size;
use crate::image::Image;
use crate::pipeline::publish::Sent;
use crate::pipeline::{Built, Error, Prepared};
use crate::publish::channel::{At, Outcome};
use crate::publish::{Destination, How, Move};
use crate::registry::Created;

/// What was pushed, for programs.
#[derive(Debug, Default)]
pub(super) struct Pushed {
    /// The image's name.
    pub(super) name: Option<String>,
    /// Its version.
    pub(super) version: Option<String>,
    /// What it was built by.
    pub(super) plan: Option<String>,
    /// Its platforms: each with its manifest and the bytes of its layers.
    pub(super) platforms: Vec<Value>,
    /// Tags that are of no use any more.
    pub(super) left_over: Vec<String>,
}

impl Pushed {
    /// Of what was built.
    pub(super) fn of(prepared: &Prepared, built: &Built) -> Self {
        let platform = |image: &Image| {
            let layers: u64 = image.layers.iter().map(|layer| layer.size_bytes).sum();
            json!({
                "platform": image.platform,
                "digest": image.manifest.digest,
                "config": image.config.digest,
                "size_bytes": layers,
            })
        };
        Self { platforms: built.images.iter().map(platform).collect(), ..Self::of_plan(prepared) }
    }

    /// With the platforms of what is published; one alone is the manifest itself.
    pub(super) fn found(&mut self, platforms: Vec<(Platform, BlobDigest)>, sent: &Sent, prepared: &Prepared) {
        let of_index = platforms.iter().map(|(platform, digest)| json!({ "platform": platform, "digest": digest }));
        self.platforms = of_index.collect();
        if let ([], [alone]) = (&self.platforms[..], &prepared.platforms[..]) {
            self.platforms = vec![json!({ "platform": alone.platform, "digest": sent.receipt.digest })];
        }
    }

    /// Of what would be built, and is published.
    pub(super) fn of_plan(prepared: &Prepared) -> Self {
        Self {
            name: prepared.plan.name.clone(),
            version: prepared.plan.version.clone(),
            plan: Some(prepared.digest.to_string()),
            ..Self::default()
        }
    }
}

/// Tells what became of each destination. Of several failures the one with the highest exit code ends the command.
pub(super) fn result(
    args: &Push,
    pushed: &Pushed,
    results: Vec<Result<Sent, Error>>,
    session: &Session,
) -> Result<ExitCode, Failure> {
    let mut failures: Vec<Failure> = Vec::new();
    let mut all = Vec::new();
    for result in results {
        match result {
            Ok(mut sent) => {
                session.report.note(&told(&sent));
                tell_left(&sent, session);
                sent.channels.iter().for_each(|moved| tell_move(moved, session));
                failures.extend(sent.stuck.drain(..).map(Failure::from));
                all.push(sent);
            }
            Err(error) => failures.push(error.into()),
        }
    }
    let metadata = metadata(pushed, &all);
    // What was published is told first, whatever becomes of the files.
    let printed = match args.json {
        true => print_json(&metadata),
        false => {
            let names: Vec<String> = all.iter().flat_map(Sent::full_names).map(|name| format!("{name}\n")).collect();
            print(&names.concat())
        }
    };
    failures.extend(printed.err());
    if let Some(path) = &args.metadata_file {
        let text = format!("{}\n", serde_json::to_string_pretty(&metadata)?);
        failures.extend(write(path, &text).err());
    }
    if let (Some(path), Some(first)) = (&args.digest_file, all.first()) {
        failures.extend(write(path, &format!("{}\n", first.receipt.digest)).err());
    }
    session.report.worst(failures)?;
    Ok(ExitCode::SUCCESS)
}

/// Says which tags of companions hold something else and stay.
pub(in crate::cli::verbs) fn tell_left(sent: &Sent, session: &Session) {
    for (tag, held) in &sent.receipt.left {
        let message = format!("`{}:{tag}` holds {held}, something else than where the image comes from", sent.place);
        let hint = "it stays as it is: what the other one has is not there".to_owned();
        session.report.warn(&message, Some(hint));
    }
}

pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|source| Failure::Write { what: format!("`{}`", path.display()), source })
}

/// What became of one place, for people.
pub(in crate::cli::verbs) fn told(sent: &Sent) -> String {
    let receipt = &sent.receipt;
    if receipt.names.iter().all(|(_, created)| *created == Created::AlreadyThere)
        && receipt.manifests.is_empty()
        && receipt.attached.is_empty()
    {
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

/// What became of one place, for programs.
pub(in crate::cli::verbs) fn destination(sent: &Sent) -> Value {
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
        "left_alone": receipt.left.iter().map(|(tag, held)| json!({ "tag": tag.to_string(), "holds": held })).collect::<Vec<_>>(),
        "channels": sent.channels.iter().map(channel).collect::<Vec<_>>(),
    })
}

/// What became of a channel, for people. That nothing had to be done is a detail.
pub(in crate::cli::verbs) fn tell_move(moved: &Move, session: &Session) {
    let is_quiet = moved.mended.is_none() && matches!(moved.outcome, Outcome::Holds(_));
    for line in moved.lines() {
        if is_quiet { session.report.detail(&line) } else { session.report.note(&line) }
    }
}

/// The same for programs.
pub(in crate::cli::verbs) fn channel(moved: &Move) -> Value {
    let at = |at: &At| json!({ "version": at.version, "digest": at.digest });
    let (number, from) = match &moved.outcome {
        Outcome::Moved { number, from, .. } => (Some(number), from.as_ref()),
        _ => (None, None),
    };
    json!({
        "channel": moved.channel,
        "outcome": moved.outcome.word(),
        "number": number,
        "from": from.map(at),
        "holds": moved.outcome.holds().map(at),
        "mended": moved.mended.as_ref().map(at),
    })
}

/// Why a place has none of the template's channels.
pub(super) fn without_channels(destination: &Destination) -> String {
    match destination {
        Destination::Registry(..) => {
            format!("`{destination}`: what goes there is not called by its version, so no channel moves")
        }
        _ => format!("`{destination}`: no channels, which only registries have"),
    }
}

fn metadata(pushed: &Pushed, all: &[Sent]) -> Value {
    json!({
        "digest": all.first().map(|sent| sent.receipt.digest),
        "name": pushed.name,
        "version": pushed.version,
        "plan": pushed.plan,
        "platforms": pushed.platforms,
        "left_over": pushed.left_over,
        "destinations": all.iter().map(destination).collect::<Vec<_>>(),
    })
}
