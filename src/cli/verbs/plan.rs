//! `kiln plan`

use std::process::ExitCode;

use serde_json::json;

use crate::base::path::readable;
use crate::cli::args::Plan;
use crate::cli::opening::{Opened, Opening};
use crate::cli::report::{Failure, print, print_json};
use crate::cli::session::Session;
use crate::cli::size;
use crate::layer::codec::unpack;
use crate::lock::{FetchPin, Pin};
use crate::pipeline::build::last_layer;
use crate::pipeline::fetch::{Fetch, fetches};
use crate::pipeline::gather::{Gathered, Gathering, Wanted, source_tree};
use crate::pipeline::prepare::PreparedPlatform;
use crate::pipeline::{Commands, Error, Loaded, Prepared, State};
use crate::plan::{LayerPlan, StepPlan, Why, explain};
use crate::store::{Shelf, Store};
use crate::tree::{Changeset, Kind, dump};

/// Shows what a build would make.
pub fn run(args: &Plan, session: &Session) -> Result<ExitCode, Failure> {
    let opening = Opening::new(&args.template, &args.resolve, Some(&args.provision));
    opening.act(session, |loaded, opened| {
        if let Some(source) = &args.files {
            return files(source, args, &loaded, opened);
        }
        let prepared = opened.prepare(loaded, Commands::Recalled)?;
        if args.json {
            print_json(&as_json(&prepared, opened.reach.store))?;
        } else {
            print(&as_text(&prepared, opened.reach.store))?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Why a layer is not in the store; `None` if it is.
fn why(prepared: &Prepared, platform: &PreparedPlatform, at: usize, plan: &LayerPlan, store: &Store) -> Option<Why> {
    let layer = &platform.layers[at];
    if matches!(layer.state, State::Cached(..)) {
        return None;
    }
    let old = prepared.last.as_ref().and_then(|last| last_layer(last, &platform.platform, &plan.name));
    let files = || {
        let packed = store.note_bytes(Shelf::Trees, &old?.made?.tree.hex())?;
        let text = String::from_utf8(unpack(&packed)?).ok()?;
        Some((dump::parse(&text).ok()?, (*layer.content.as_ref()?.changeset).clone()))
    };
    Some(explain(old, plan, files))
}

fn as_text(prepared: &Prepared, store: &Store) -> String {
    let plan = &prepared.plan;
    let name = plan.name.as_deref().unwrap_or("image");
    let version = plan.version.as_ref().map(|version| format!(":{version}")).unwrap_or_default();
    let mut text = format!("{name}{version}  plan {}\n", prepared.digest.short());
    text.push_str(&format!("epoch {}  created {}  profile {}\n", plan.epoch, plan.created, plan.profile));
    for (platform, of_plan) in prepared.platforms.iter().zip(&plan.platforms) {
        text.push_str(&format!("\n{}\n", of_plan.platform));
        if let Some(base) = &of_plan.base {
            text.push_str(&format!("  {}  base {}, {} layers\n", base.manifest.short(), base.image, base.layers.len()));
        }
        for fetch in fetches(&platform.template, &platform.platform) {
            let pin = fetched(prepared, &fetch).map(|pin| pin.tree.short()).unwrap_or_default();
            let lock = prepared.loaded.lock_path.display();
            text.push_str(&format!("  {pin}  source {}, fetched with network and pinned in {lock}\n", fetch.name));
            text.push_str(&format!("    {}\n", fetch.command));
        }
        for (at, layer) in of_plan.layers.iter().enumerate() {
            text.push_str(&format!("  {}  {}  ", layer.key.short(), layer.name));
            match &platform.layers[at].content {
                Some(content) => {
                    let (entries, bytes) = (content.made.entries, size::show(content.made.content_bytes));
                    text.push_str(&format!("{entries} entries, {bytes}  "));
                }
                None => text.push_str("not known before it ran  "),
            }
            match why(prepared, platform, at, layer, store) {
                None => text.push_str("cached\n"),
                // Paths can be long: a line of its own.
                Some(why) => text.push_str(&format!("to build\n    because: {why}\n")),
            }
            for (number, step) in layer.steps.iter().enumerate() {
                let main = step.settings.get(&step.action).cloned().unwrap_or_default();
                let rest = step.settings.iter().filter(|(key, value)| **key != step.action && !value.is_empty());
                let rest: Vec<String> = rest.map(|(key, value)| format!("{key}={value}")).collect();
                let line = format!("    {} {} {main}  {}", number + 1, step.action, rest.join(" "));
                text.push_str(line.trim_end());
                text.push('\n');
                if let Some(unpinned) = unpinned(step) {
                    text.push_str(&format!("      not named by the lock: {unpinned}\n"));
                }
            }
        }
    }
    if prepared.commands().next().is_some() {
        text.push_str(&residue());
    }
    text
}

/// What reaches a command that the lock does not name.
fn unpinned(step: &StepPlan) -> Option<String> {
    let network = step.settings.contains_key("network").then(|| "what it finds in the network".to_owned());
    let cache = step.settings.get("cache").map(|paths| format!("what earlier builds left in {paths}"));
    let ways: Vec<String> = network.into_iter().chain(cache).collect();
    (!ways.is_empty() && matches!(step.action.as_str(), "run" | "script")).then(|| ways.join(", "))
}

/// The rules that layers with commands are cleaned by, in lines of a readable length.
fn residue() -> String {
    const COLUMNS: usize = 100;
    let mut text = String::from(
        "\nwhat commands leave behind is cleaned by these rules (`keep` on a layer switches them off):\n ",
    );
    let mut width = 1;
    for rule in crate::residue::rules() {
        if width + rule.name.len() >= COLUMNS {
            text.push_str("\n ");
            width = 1;
        }
        text.push_str(&format!(" {}", rule.name));
        width += rule.name.len() + 1;
    }
    text.push('\n');
    text
}

/// What the lock says of a fetch.
fn fetched<'a>(prepared: &'a Prepared, fetch: &Fetch) -> Option<&'a FetchPin> {
    match prepared.loaded.lock.as_ref()?.inputs.get(&fetch.request)? {
        Pin::Fetch(pin) => Some(pin),
        _ => None,
    }
}

fn as_json(prepared: &Prepared, store: &Store) -> serde_json::Value {
    let (mut states, mut sources) = (Vec::new(), Vec::new());
    for (platform, plan) in prepared.platforms.iter().zip(&prepared.plan.platforms) {
        for fetch in fetches(&platform.template, &platform.platform) {
            let pin = fetched(prepared, &fetch);
            sources.push(json!({
                "platform": platform.platform,
                "source": fetch.name,
                "command": fetch.command,
                "network": true,
                "given": pin.map(|pin| pin.given),
                "tree": pin.map(|pin| pin.tree),
            }));
        }
        for (at, layer) in plan.layers.iter().enumerate() {
            let why = why(prepared, platform, at, layer, store);
            states.push(json!({
                "platform": platform.platform,
                "layer": layer.name,
                "key": layer.key,
                "cached": why.is_none(),
                "why": why.map(|why| why.to_string()),
            }));
        }
    }
    json!({ "digest": prepared.digest, "template": prepared.loaded.document.digest(), "plan": prepared.plan, "layers": states, "fetches": sources })
}

/// Lists the files of one source.
fn files(name: &str, args: &Plan, loaded: &Loaded, opened: &Opened<'_>) -> Result<ExitCode, Failure> {
    let Opened { request, never, reach, terms, .. } = *opened;
    let platform = &loaded.platforms[0];
    let (template, _) = loaded.document.template(platform, &request.set, request.version.as_deref());
    let source = template.sources.get(name).ok_or_else(|| {
        let found: Vec<&str> = template.sources.keys().map(String::as_str).collect();
        let found = if found.is_empty() { "none".to_owned() } else { format!("`{}`", found.join("`, `")) };
        Error::NoSuchSource { wanted: name.to_owned(), found }
    })?;
    let mut gathered = Gathered::default();
    let gathering = Gathering { loaded, never, reach, terms };
    gathering.take(&template, &[name], platform, Wanted::Everything, &mut gathered)?;
    let tree = source_tree(source, platform, &gathered).unwrap_or_default();
    let changeset: Changeset = tree.to_changeset();
    if args.json {
        let file = |(path, node): (&crate::base::ImagePath, &crate::tree::Node)| match &node.kind {
            Kind::File { content, .. } => Some(
                json!({ "path": readable(path.as_bytes()), "size_bytes": content.size_bytes, "digest": content.digest }),
            ),
            _ => None,
        };
        print_json(&changeset.nodes().filter_map(file).collect::<Vec<_>>())?;
    } else {
        print(&dump::write(&changeset))?;
    }
    Ok(ExitCode::SUCCESS)
}
