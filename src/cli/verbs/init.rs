//! `kiln init`

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use crate::cli::args::Init;
use crate::cli::report::Failure;
use crate::cli::session::Session;
use crate::template::{INIT_FILES, schema};

const SCHEMA_NAME: &str = "kiln.schema.json";

/// Writes a template that works, and what it needs. Files that are there are never touched.
pub fn run(args: &Init, session: &Session) -> Result<ExitCode, Failure> {
    let mut schema = serde_json::to_string_pretty(&schema())?;
    schema.push('\n');
    let files: Vec<(&str, &str)> = INIT_FILES.iter().copied().chain([(SCHEMA_NAME, schema.as_str())]).collect();
    let there = files.iter().find(|(name, _)| args.directory.join(name).exists());
    if let Some((name, _)) = there {
        return Err(Failure::Refused {
            message: format!("`{}` is there already", args.directory.join(name).display()),
            hint: "name an empty directory: `kiln init DIR`".to_owned(),
        });
    }
    for (name, text) in &files {
        let path = args.directory.join(name);
        write_new(&path, text).map_err(|source| Failure::Write { what: format!("`{}`", path.display()), source })?;
        session.report.note(&format!("wrote {}", path.display()));
    }
    let directory = args.directory.display();
    session.report.note(&format!("\nbuild it with\n  kiln build {directory} -o oci:out"));
    Ok(ExitCode::SUCCESS)
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::File::create_new(path)?.write_all(text.as_bytes())
}
