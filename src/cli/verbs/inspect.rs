//! `kiln inspect`

use std::process::ExitCode;

use serde_json::json;

use crate::base::reference::Reference;
use crate::cli::args::{Inspect, StoreDir};
use crate::cli::network::NetworkArgs;
use crate::cli::report::{Failure, print, print_json};
use crate::cli::session::Session;
use crate::cli::size;
use crate::pipeline::look::{Depth, SeenImage, SeenLayer};
use crate::pipeline::{Error, Seen, look_at_file, look_in_registry, look_in_store};
use crate::store::Name;
use crate::tree::dump;

/// Shows an image.
pub fn run(args: &Inspect, session: &Session) -> Result<ExitCode, Failure> {
    let reference = parse(&args.image, "inspect")?;
    let depth = if args.files { Depth::Files } else { Depth::Documents };
    let seen = see(&reference, args.platform.as_ref(), depth, (&args.store, &args.network), session)?;
    if args.json {
        print_json(&as_json(&seen))?;
    } else {
        print(&as_text(&seen))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A reference as it was typed after `verb`.
pub(super) fn parse(text: &str, verb: &str) -> Result<Reference, Failure> {
    text.parse::<Reference>()
        .map_err(|error| Failure::Usage { message: error.to_string(), hint: format!("see `kiln {verb} --help`") })
}

/// Reads an image; the store is opened only where the reference needs it.
pub(super) fn see(
    reference: &Reference,
    platform: Option<&crate::base::Platform>,
    depth: Depth,
    given: (&StoreDir, &NetworkArgs),
    session: &Session,
) -> Result<Seen, Failure> {
    Ok(match reference {
        Reference::Store { name, version } => {
            let name = Name { name: name.clone(), version: version.clone() };
            look_in_store(&name, platform, depth, &session.store(given.0)?)?
        }
        Reference::Registry(name) => {
            let store = session.store(given.0)?;
            let network = session.network(given.1)?;
            let progress = session.progress();
            let news = |news: crate::transport::News| progress.news(&news);
            let reach = network.reach(&store, std::path::PathBuf::new(), &news)?;
            look_in_registry(name, platform, &session.environment.machine, depth, &reach)?
        }
        _ => look_at_file(reference, platform, depth)?,
    })
}

fn as_text(seen: &Seen) -> String {
    let mut text = format!("{}\n", seen.digest);
    for image in &seen.images {
        let total: u64 = image.layers.iter().map(|layer| layer.descriptor.size_bytes).sum();
        text.push_str(&format!(
            "\n{}  {} layers, {}\n  manifest {}\n  config   {}\n",
            image.image.platform,
            image.layers.len(),
            size::show(total),
            image.image.manifest.digest,
            image.image.config.digest
        ));
        for (name, value) in image.annotations.as_object().into_iter().flatten() {
            text.push_str(&format!("  {name}: {}\n", plain(value)));
        }
        for (name, value) in image.config["config"].as_object().into_iter().flatten() {
            text.push_str(&format!("  {name}: {}\n", plain(value)));
        }
        for (at, layer) in image.layers.iter().enumerate() {
            push_layer(at, layer, &mut text);
        }
    }
    text
}

fn push_layer(at: usize, layer: &SeenLayer, text: &mut String) {
    let descriptor = &layer.descriptor;
    text.push_str(&format!(
        "  layer {}  {}  {}\n    diff ID {}\n    blob    {}  {}\n",
        at + 1,
        layer.created_by,
        size::show(descriptor.size_bytes),
        descriptor.diff_id,
        descriptor.digest,
        descriptor.media_type
    ));
    if let Some(changeset) = &layer.changeset {
        for line in dump::write(changeset).lines() {
            text.push_str(&format!("      {line}\n"));
        }
    }
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn as_json(seen: &Seen) -> serde_json::Value {
    let layer = |layer: &SeenLayer| {
        let files = layer
            .changeset
            .as_ref()
            .map(|changeset| dump::write(changeset).lines().map(str::to_owned).collect::<Vec<_>>());
        json!({
            "created_by": layer.created_by,
            "diff_id": layer.descriptor.diff_id,
            "digest": layer.descriptor.digest,
            "size_bytes": layer.descriptor.size_bytes,
            "media_type": layer.descriptor.media_type.to_string(),
            "files": files,
        })
    };
    let image = |image: &SeenImage| {
        json!({
            "platform": image.image.platform,
            "manifest": image.image.manifest.digest,
            "annotations": image.annotations,
            "config": image.config,
            "layers": image.layers.iter().map(layer).collect::<Vec<_>>(),
        })
    };
    json!({ "digest": seen.digest, "images": seen.images.iter().map(image).collect::<Vec<_>>() })
}

/// The one image to compare.
pub(super) fn only(seen: &Seen) -> Result<&SeenImage, Failure> {
    match &seen.images[..] {
        [image] => Ok(image),
        images => {
            let found = images.iter().map(|image| image.image.platform.to_string()).collect::<Vec<_>>().join(", ");
            Err(Error::ChoosePlatform { found }.into())
        }
    }
}
