//! `just bench`: kiln and its peers side by side.
//!
//! Inputs are generated once below `--dir`, the same bytes on every machine; then each case runs every tool that is
//! found on PATH, interleaved, and a Markdown table of medians is printed. A tool that is missing, does not offer the
//! case, fails or takes too long is a line that says so.

mod base;
mod binary;
mod case;
mod content;
mod debian;
mod host;
mod layout;
mod mirror;
mod options;
mod packages;
mod process;
mod push;
mod random;
mod registry;
mod session;
mod steps;
mod table;
mod template;
mod text;
mod tool;
mod tree;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;

use case::{Base, Before, Case, Input};
use content::Material;
use debian::Debian;
use mirror::Mirror;
use options::Options;
use push::Target;
use registry::Registry;
use session::Bench;
use table::Commands;
use tool::Tool;
use tree::Planned;

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    fs::create_dir_all(&options.dir)?;
    let root = fs::canonicalize(&options.dir)?.join(options.scale().directory());
    fs::create_dir_all(&root)?;
    let kiln = std::path::absolute(&options.kiln)?;
    let material = Material::new();
    let cases = options.cases();
    let trees = generate(&root, &material, &options, &cases)?;
    if options.generate {
        return Ok(());
    }

    let registry = registry_with_bases(&root, &options, &cases);
    let debian = debian_with_templates(&root, &options, &cases);
    let mirror = mirror_with_container_file(&root, &kiln, &options, &cases);
    let target = push_target(&root, &kiln, &options, &cases);
    let (rounds, limit) = (options.rounds, options.limit());
    let bench = Bench { root: &root, kiln: &kiln, registry, debian, mirror, target, rounds, limit };
    let (mut lines, mut commands) = (table::head(), Commands::new());
    let mut all_kiln = true;
    for case in cases {
        let changed = changed_file(&root, &material, &trees, case)?;
        let rows = session::run(&bench, case, &options.tools(), changed.as_deref());
        lines += &table::lines(case, &rows);
        commands.add(case, &rows);
        all_kiln &= rows.iter().all(|row| row.tool != Tool::Kiln || row.result.is_ok());
        // The next case finds the tree as it was planned.
        changed_file(&root, &material, &trees, case)?;
    }
    println!("{lines}\n{}; rounds: {} (medians), page cache warm.\n", host::describe(), options.rounds);
    for tool in options.tools().into_iter().filter(|tool| options.cases().iter().any(|case| case.is_for(*tool))) {
        println!("- {}: {}", tool.name(), tool.version(&bench).unwrap_or_else(|| "not found".to_owned()));
    }
    if process::find("time").is_none() {
        println!("- GNU time is not installed: no CPU time, no memory");
    }
    println!(
        "\nThe commands, run in the directory of the inputs (bash -e -o pipefail):\n```sh\n{}```",
        commands.text()
    );
    if options.clean {
        fs::remove_dir_all(&root)?;
    }
    if all_kiln { Ok(()) } else { Err("kiln has no figures for every case".into()) }
}

/// What the trees consist of that cases change.
struct Trees {
    a: Vec<Planned>,
    on_base: Vec<Planned>,
}

/// Makes the inputs of the cases.
fn generate(root: &Path, material: &Material, options: &Options, cases: &[Case]) -> Result<Trees, Box<dyn Error>> {
    let needs = |input: Input| cases.iter().any(|case| case.input() == input);
    let trees = Trees { a: tree::plan_a(material, options.scale()), on_base: tree::plan_on_base(material) };
    if needs(Input::A) {
        tree::write(root, Input::A.name(), material, &trees.a)?;
    }
    if needs(Input::OnBase) {
        tree::write(root, Input::OnBase.name(), material, &trees.on_base)?;
    }
    // A run that was stopped in the middle may have left its lines.
    for case in cases {
        changed_file(root, material, &trees, *case)?;
    }
    if needs(Input::B) {
        tree::write(root, Input::B.name(), material, &tree::plan_b(options.scale()))?;
    }
    if needs(Input::Layers) {
        tree::write(root, Input::Layers.name(), material, &tree::plan_layers(material))?;
    }
    if needs(Input::Sources) {
        tree::write(root, Input::Sources.name(), material, &tree::plan_sources(material))?;
        template::write_sources(root)?;
    }
    for base in bases(cases) {
        let planned = match base {
            Base::Small => tree::plan_base(material, options.scale()),
            Base::Large => tree::plan_b(options.scale()),
        };
        base::write(root, base.name(), material, &planned)?;
    }
    template::write_all(root)?;
    Ok(trees)
}

/// The bases that the cases need, each once.
fn bases(cases: &[Case]) -> Vec<Base> {
    let needed = |base: &Base| cases.iter().any(|case| case.input().base() == Some(*base));
    [Base::Small, Base::Large].into_iter().filter(needed).collect()
}

/// A registry with the bases in it, and templates that name them there.
fn registry_with_bases(root: &Path, options: &Options, cases: &[Case]) -> Result<Registry, String> {
    let bases = bases(cases);
    if bases.is_empty() {
        return Err("no case needs it".to_owned());
    }
    let registry = Registry::start(root)?;
    for base in bases {
        registry.push(base, root, options.limit())?;
    }
    for input in cases.iter().map(|case| case.input()) {
        if let Some(base) = input.base() {
            template::write_based(root, input, &registry.name(base)).map_err(|error| error.to_string())?;
        }
    }
    Ok(registry)
}

/// The base of steps, and templates on it.
fn debian_with_templates(root: &Path, options: &Options, cases: &[Case]) -> Result<Debian, String> {
    let inputs: Vec<Input> = cases.iter().map(|case| case.input()).filter(|input| input.is_steps()).collect();
    if inputs.is_empty() {
        return Err("no case needs it".to_owned());
    }
    let debian = match &options.debian {
        Some(name) => Debian::given(name).map_err(|error| format!("{name}: {error}"))?,
        None => Debian::make(root, options.limit())?,
    };
    for input in inputs {
        steps::write(root, input, &debian).map_err(|error| error.to_string())?;
    }
    Ok(debian)
}

/// The mirror of packages, and what buildah makes of it.
fn mirror_with_container_file(root: &Path, kiln: &Path, options: &Options, cases: &[Case]) -> Result<Mirror, String> {
    if !cases.iter().any(|case| case.input() == Input::Packages) {
        return Err("no case needs it".to_owned());
    }
    let mirror = Mirror::make(root, kiln, options.limit())?;
    packages::write(root, &mirror).map_err(|error| error.to_string())?;
    Ok(mirror)
}

/// The images that are pushed, and where to.
fn push_target(root: &Path, kiln: &Path, options: &Options, cases: &[Case]) -> Result<Target, String> {
    if !cases.iter().any(|case| case.input().is_pushed()) {
        return Err("no case needs it".to_owned());
    }
    Target::make(root, kiln, cases, options.limit())
}

/// Writes the file that a case changes as it was planned, and names it.
fn changed_file(
    root: &Path,
    material: &Material,
    trees: &Trees,
    case: Case,
) -> Result<Option<PathBuf>, Box<dyn Error>> {
    let Before::Change(percentage) = case.before() else { return Ok(None) };
    let planned = if case.input() == Input::OnBase { &trees.on_base } else { &trees.a };
    let file = tree::file_at(planned, percentage).ok_or("no text file of ordinary size in the tree")?;
    tree::write_file(root, material, file)?;
    Ok(Some(root.join(&file.path)))
}
