//! Pushes into an empty registry, and once more.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::case::{Before, Case, Codec, Input};
use crate::process;
use crate::random::Random;
use crate::registry::Registry;
use crate::template;
use crate::tool::{Between, Offer, Output, Tool, Work, first_missing};

/// Layers of the small image, and the bytes of each: together what a service on a small base has, 66 MB.
const LAYERS: usize = 11;
const LAYER_BYTES: usize = 6_000_000;

/// The one layer of the large image.
const LARGE_BYTES: usize = 2_000_000_000;

/// A registry of its own, which is emptied before each push into an empty one.
pub(crate) struct Target {
    registry: Registry,
    root: PathBuf,
}

impl Target {
    /// Makes the images that the cases push, and starts the registry.
    pub(crate) fn make(root: &Path, kiln: &Path, cases: &[Case], limit: Duration) -> Result<Self, String> {
        for input in [Input::Push, Input::PushLarge] {
            if cases.iter().any(|case| case.input() == input) {
                image(root, kiln, input, limit)?;
            }
        }
        let below = root.join("push-target");
        fs::create_dir_all(&below).map_err(|error| error.to_string())?;
        Ok(Self { registry: Registry::start(&below)?, root: below })
    }

    fn name(&self, tool: Tool) -> String {
        format!("{}/bench/{}:1", self.registry.place(), tool.name())
    }

    /// Empties the registry.
    fn empty(&self) -> String {
        format!("rm -rf {}", self.root.join("registry/docker").display())
    }
}

/// What a tool pushes.
pub(crate) fn offer(tool: Tool, case: Case, kiln: &Path, target: &Target) -> Offer {
    let (layout, name) = (layout(case.input()), target.name(tool));
    let (shown, command) = match tool {
        Tool::Kiln => {
            let arguments = format!("push oci:{layout}:1 {name} --store kiln/store");
            (format!("kiln {arguments}"), format!("{} {arguments}", kiln.display()))
        }
        Tool::Skopeo => {
            if let Some(missing) = first_missing(&["skopeo"]) {
                return Offer::Nothing(missing);
            }
            let line =
                format!("skopeo --insecure-policy copy -q --dest-tls-verify=false oci:{layout}:1 docker://{name}");
            (line.clone(), line)
        }
        _ => return Offer::Nothing("it pushes nothing".to_owned()),
    };
    let is_cold = case.before() == Before::Clean;
    Offer::Run(Work {
        command: command.split(' ').map(str::to_owned).collect(),
        first: None,
        shown,
        release: is_cold.then(|| target.empty()),
        output: Output::Internal,
        between: Between::Cache,
        less: None,
        remark: "",
    })
}

fn layout(input: Input) -> String {
    format!("{}-image", input.name())
}

/// The layout of an image whose layers cannot be compressed, made by kiln, unless it is there.
fn image(root: &Path, kiln: &Path, input: Input, limit: Duration) -> Result<(), String> {
    let directory = root.join(layout(input));
    if directory.join("index.json").is_file() {
        return Ok(());
    }
    let (layers, bytes) = if input == Input::Push { (LAYERS, LAYER_BYTES) } else { (1, LARGE_BYTES) };
    let mut text = template::head(input, Codec::Gzip);
    for layer in 0..layers {
        let source = format!("{}-files/{layer:02}", input.name());
        write_random(&root.join(&source), layer as u64, bytes).map_err(|error| format!("{source}: {error}"))?;
        text += &format!("\n[sources.s{layer}]\npath = \"{source}\"\nignored = true\n");
    }
    for layer in 0..layers {
        text += &format!("\n[[layer]]\nname = \"l{layer}\"\ncopy = \"s{layer}\"\nto = \"/{layer}/\"\n");
    }
    let file = template::kiln_file(input, Codec::Gzip);
    template::write_file_anew(&root.join(&file), &text).map_err(|error| error.to_string())?;
    let output = format!("oci:{}:1", layout(input));
    let store = format!("{}-store", input.name());
    let build = [&*kiln.to_string_lossy(), "build", &file, "-o", &output, "--store", &store].map(str::to_owned);
    process::run(&build, root, limit).map(|_| ())?;
    for left in [root.join(format!("{}-files", input.name())), root.join(store)] {
        fs::remove_dir_all(&left).map_err(|error| format!("{}: {error}", left.display()))?;
    }
    Ok(())
}

fn write_random(directory: &Path, seed: u64, bytes: usize) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let mut out = BufWriter::new(fs::File::create(directory.join("data"))?);
    let random = &mut Random::new(1000 + seed);
    for _ in 0..bytes / 8 {
        out.write_all(&random.next().to_le_bytes())?;
    }
    out.flush()
}
