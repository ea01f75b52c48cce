//! The `kiln` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    kiln::sandbox::child::main().unwrap_or_else(kiln::cli::main)
}
