//! The command line: arguments in, text and an exit code out.
//!
//! ```text
//! args           what was typed
//! environment    what the surroundings say: variables, clock, terminal
//! configuration  what the files say that configure a machine or a project
//! session        all put together: what one command works with
//! opening        a template as most verbs work with it
//! junit          results of tests as CI systems read them
//! report         errors, warnings and hints as people read them
//! progress       what is going on, on stderr
//! prompt         questions to who sits at the terminal
//! verbs/         one file for each verb
//! ```
//! The result goes to stdout, everything else to stderr. Nothing below this module prints, reads the environment or asks
//! for the time.

pub mod args;
mod args_steps;
pub mod configuration;
pub mod environment;
pub mod junit;
pub mod network;
pub mod opening;
pub mod progress;
pub mod prompt;
pub mod report;
pub mod secret;
pub mod session;
pub mod size;
pub mod verbs;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use environment::Environment;
use report::Failure;
use session::Session;

/// Runs what the command line says.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    crate::store::allow_open_files();
    let mut session = Session::new(Environment::read(), &cli);
    match session.configure(&cli.command).and_then(|()| run(&cli, &session)) {
        Ok(code) => code,
        Err(failure) => {
            session.report.failure(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(cli: &Cli, session: &Session) -> Result<ExitCode, Failure> {
    match &cli.command {
        Command::Init(args) => verbs::init::run(args, session),
        Command::Check(args) => verbs::check::run(args, session),
        Command::Plan(args) => verbs::plan::run(args, session),
        Command::Lock(args) => verbs::lock::run(args, session),
        Command::Update(args) => verbs::update::run(args, session),
        Command::Vendor(args) => verbs::vendor::run(args, session),
        Command::Build(args) => verbs::build::run(args, session),
        Command::Test(args) => verbs::test::run(args, session),
        Command::Shell(args) => verbs::shell::shell(args, session),
        Command::Run(args) => verbs::shell::run(args, session),
        Command::Reproduce(args) => verbs::reproduce::run(args, session),
        Command::Log(args) => verbs::log::run(args, session),
        Command::Doctor(args) => verbs::doctor::run(args, session),
        Command::Inspect(args) => verbs::inspect::run(args, session),
        Command::Diff(args) => verbs::diff::run(args, session),
        Command::Pull(args) => verbs::pull::run(args, session),
        Command::Copy(args) => verbs::copy::run(args, session),
        Command::Push(args) => verbs::push::run(args, session),
        Command::Tags(args) => verbs::tags::run(args, session),
        Command::Drift(args) => verbs::drift::run(args, session),
        Command::Probe(args) => verbs::probe::run(args, session),
        Command::Channel(args) => verbs::channel::run(&args.command, session),
        Command::Login(args) => verbs::login::login(args, session),
        Command::Logout(args) => verbs::login::logout(args, session),
        Command::Schema(args) => verbs::manual::schema(args),
        Command::Store(args) => verbs::store::run(&args.command, session),
        Command::Completions(args) => verbs::manual::completions(args),
        Command::Man(args) => verbs::manual::man(args, session),
    }
}
