//! `kiln schema`, `kiln completions`, `kiln man`: all from the same tables that the commands themselves come from.

use std::process::ExitCode;

use clap::CommandFactory;

use crate::cli::args::{Cli, Completions, Man, Schema};
use crate::cli::report::{Failure, print, print_json};
use crate::cli::session::Session;

/// Prints the JSON schema of templates, or the same as a text for people.
pub fn schema(args: &Schema) -> Result<ExitCode, Failure> {
    if args.reference {
        print(&crate::template::reference())?;
    } else {
        print_json(&crate::template::schema())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a completion script.
pub fn completions(args: &Completions) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "kiln", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the manual page, or writes one for each command.
pub fn man(args: &Man, session: &Session) -> Result<ExitCode, Failure> {
    let Some(directory) = &args.directory else {
        let mut page = Vec::new();
        let fail = |source| Failure::Write { what: "the manual page".to_owned(), source };
        clap_mangen::Man::new(Cli::command()).render(&mut page).map_err(fail)?;
        print(&String::from_utf8_lossy(&page))?;
        return Ok(ExitCode::SUCCESS);
    };
    let fail = |source| Failure::Write { what: format!("pages into `{}`", directory.display()), source };
    std::fs::create_dir_all(directory).map_err(fail)?;
    clap_mangen::generate_to(Cli::command(), directory).map_err(fail)?;
    session.report.note(&format!("wrote the manual pages into {}", directory.display()));
    Ok(ExitCode::SUCCESS)
}
