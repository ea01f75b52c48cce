//! `kiln channel`

use std::process::ExitCode;

use serde_json::json;

use crate::base::BlobDigest;
use crate::cli::args::ChannelCommand;
use crate::cli::network::NetworkArgs;
use crate::cli::report::{Failure, print, print_json};
use crate::cli::session::Session;
use crate::pipeline::Error;
use crate::publish::channel::{Kept, Setting, log, set};
use crate::publish::{ChannelError, ChannelName, Destination, PublishError, RegistryPlace};
use crate::registry::Repository;
use crate::transport::News;

use super::push::tell;

/// Shows or sets a channel.
pub fn run(command: &ChannelCommand, session: &Session) -> Result<ExitCode, Failure> {
    match command {
        ChannelCommand::Log { channel, json, network } => {
            let (repository, name) = sort(channel)?;
            let entries = at(repository, network, session, |place| log(place, &name))?;
            if *json {
                print_json(&entries.iter().rev().map(as_json).collect::<Vec<_>>())?;
            } else {
                print(&entries.iter().rev().map(as_line).collect::<String>())?;
            }
        }
        ChannelCommand::Set { channel, digest, reason, version, json, network } => {
            let (repository, name) = sort(channel)?;
            let when = session.environment.now;
            let setting = Setting { digest, version: version.as_deref(), reason, when };
            let full_name = format!("{repository}:{name}@{digest}\n");
            let moved = at(repository, network, session, |place| set(place, &name, &setting))?;
            tell::tell_move(&moved, session);
            if *json {
                print_json(&tell::channel(&moved))?;
            } else {
                print(&full_name)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The repository and the channel in `HOST/REPOSITORY:CHANNEL`.
fn sort(channel: &str) -> Result<(Repository, ChannelName), Failure> {
    let usage = |message: String| Failure::Usage { message, hint: "name it as `HOST/REPOSITORY:CHANNEL`".to_owned() };
    match channel.parse::<Destination>() {
        Ok(Destination::Registry(repository, Some(tag))) => Ok((repository, ChannelName::new(tag).map_err(failure)?)),
        Ok(_) => Err(usage(format!("`{channel}` names no channel of a registry"))),
        Err(error) => Err(usage(error.to_string())),
    }
}

fn at<T>(
    repository: Repository,
    network: &NetworkArgs,
    session: &Session,
    work: impl FnOnce(&RegistryPlace<'_>) -> Result<T, ChannelError>,
) -> Result<T, Failure> {
    let network = session.network(network)?;
    let progress = session.progress();
    let news = |news: News| progress.news(&news);
    let client = network.client(&news).map_err(Error::from)?;
    progress.stage("asking the registry");
    let done = work(&RegistryPlace { client: &client, repository });
    progress.end();
    done.map_err(failure)
}

fn failure(error: ChannelError) -> Failure {
    Error::from(PublishError::from(error)).into()
}

fn held(digest: Option<BlobDigest>) -> String {
    digest.map_or_else(|| "nothing".to_owned(), |digest| digest.to_string())
}

fn as_line(kept: &Kept) -> String {
    let entry = &kept.entry;
    let (number, when, version, reason) = (entry.number, entry.when, &entry.version, &entry.reason);
    format!("{number}  {when}  {version}  {} -> {}  {reason}\n", held(entry.from), entry.to)
}

fn as_json(kept: &Kept) -> serde_json::Value {
    let entry = &kept.entry;
    json!({
        "number": entry.number,
        "when": entry.when,
        "version": entry.version,
        "from": entry.from,
        "to": entry.to,
        "reason": entry.reason,
        "entry": kept.digest,
    })
}
