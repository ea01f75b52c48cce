//! `just bench`: kiln and its peers side by side.
//!
//! Inputs are generated once below `--dir`, the same bytes on every machine; then each case runs every tool that is
//! found on PATH, interleaved, and a Markdown table of medians is printed. A tool that is missing, does not offer the
//! case, fails or takes too long is a line that says so.

mod binary;
mod case;
mod content;
mod host;
mod options;
mod process;
mod random;
mod session;
mod table;
mod template;
mod text;
mod tool;
mod tree;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;

use case::{Before, Case, Input};
use content::Material;
use options::Options;
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
    let tree_a = generate(&root, &material, &options, &cases)?;
    if options.generate {
        return Ok(());
    }

    let bench = Bench { root: &root, kiln: &kiln, rounds: options.rounds, limit: options.limit() };
    let (mut lines, mut commands) = (table::head(), Commands::new());
    let mut all_kiln = true;
    for case in cases {
        let changed = changed_file(&root, &material, &tree_a, case)?;
        let rows = session::run(&bench, case, &options.tools(), changed.as_deref());
        lines += &table::lines(case, &rows);
        commands.add(case, &rows);
        all_kiln &= rows.iter().all(|row| row.tool != Tool::Kiln || row.result.is_ok());
        // The next case finds the tree as it was planned.
        changed_file(&root, &material, &tree_a, case)?;
    }
    println!("{lines}\n{}; rounds: {} (medians), page cache warm.\n", host::describe(), options.rounds);
    for tool in options.tools() {
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

/// Makes the inputs of the cases and says what tree A consists of.
fn generate(
    root: &Path,
    material: &Material,
    options: &Options,
    cases: &[Case],
) -> Result<Vec<Planned>, Box<dyn Error>> {
    let needs = |input: Input| cases.iter().any(|case| case.input() == input);
    let tree_a = tree::plan_a(material, options.scale());
    if needs(Input::A) {
        tree::write(root, Input::A.name(), material, &tree_a)?;
        // A run that was stopped in the middle may have left its lines.
        for case in Case::ALL {
            changed_file(root, material, &tree_a, case)?;
        }
    }
    if needs(Input::B) {
        tree::write(root, Input::B.name(), material, &tree::plan_b(options.scale()))?;
    }
    if needs(Input::Layers) {
        tree::write(root, Input::Layers.name(), material, &tree::plan_layers(material))?;
    }
    template::write_all(root)?;
    Ok(tree_a)
}

/// Writes the file that a case changes as it was planned, and names it.
fn changed_file(
    root: &Path,
    material: &Material,
    planned: &[Planned],
    case: Case,
) -> Result<Option<PathBuf>, Box<dyn Error>> {
    let Before::Change(percentage) = case.before() else { return Ok(None) };
    let file = tree::file_at(planned, percentage).ok_or("tree A has no text file of ordinary size")?;
    tree::write_file(root, material, file)?;
    Ok(Some(root.join(&file.path)))
}
