//! `kiln tags`

use std::process::ExitCode;

use serde_json::json;

use crate::base::BlobDigest;
use crate::cli::args::Tags;
use crate::cli::report::{Failure, print, print_json};
use crate::cli::session::Session;
use crate::cli::size;
use crate::pipeline::Error;
use crate::publish::tags::{Scope, digests, list};
use crate::registry::Tag;

use super::repository;

/// Prints the tags of a repository.
pub fn run(args: &Tags, session: &Session) -> Result<ExitCode, Failure> {
    let repository = repository::without_tag(&args.repository)?;
    let network = session.network(&args.network)?;
    let progress = session.progress();
    let news = |news: crate::transport::News| progress.news(&news);
    let client = network.client(&news).map_err(Error::from)?;
    progress.stage("asking for the tags");
    let scope = if args.all { Scope::All } else { Scope::Releases };
    let found = list(&client, &repository, scope).and_then(|listed| {
        let digests = if args.digests { digests(&client, &repository, &listed.tags)? } else { Vec::new() };
        Ok((listed, digests))
    });
    progress.end();
    let (listed, digests) = found.map_err(repository::failure)?;
    if args.json {
        let mut held = digests.iter();
        let tag = |tag: &Tag| match args.digests {
            true => json!({ "tag": tag.as_str(), "digest": held.next().copied().flatten() }),
            false => json!({ "tag": tag.as_str() }),
        };
        print_json(&json!({
            "repository": repository.to_string(),
            "tags": listed.tags.iter().map(tag).collect::<Vec<_>>(),
            "left_out": listed.left_out,
        }))?;
    } else {
        print(&as_text(&listed.tags, &digests))?;
    }
    if listed.left_out > 0 {
        let tags = size::count(listed.left_out, "tag");
        session.report.note(&format!("{tags} of tools left out; `--all` shows them"));
    }
    if listed.odd > 0 {
        session.report.warn(&format!("{} of the registry cannot be tags", size::count(listed.odd, "name")), None);
    }
    Ok(ExitCode::SUCCESS)
}

/// Without digests there are none; one that went meanwhile is a dash.
fn as_text(tags: &[Tag], digests: &[Option<BlobDigest>]) -> String {
    let mut text = String::new();
    let mut digests = digests.iter();
    for tag in tags {
        text.push_str(tag.as_str());
        match digests.next() {
            Some(Some(digest)) => text.push_str(&format!("  {digest}")),
            Some(None) => text.push_str("  -"),
            None => {}
        }
        text.push('\n');
    }
    text
}
