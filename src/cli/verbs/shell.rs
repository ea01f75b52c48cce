//! `kiln shell` and `kiln run`

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::ExitCode;

use crate::cli::args::{ProvisionArgs, ResolveArgs, Run, Shell, TemplateArgs};
use crate::cli::opening::Opening;
use crate::cli::report::Failure;
use crate::cli::session::Session;
use crate::pipeline::prepare::PreparedPlatform;
use crate::pipeline::{Commands, Seat, Subject, Wish};
use crate::sandbox::Ending;

/// A shell, or a command, on the finished layers.
pub fn shell(args: &Shell, session: &Session) -> Result<ExitCode, Failure> {
    let wish = Wish::Shell { layer: args.layer.clone(), argv: args.command.clone() };
    serve(&args.template, &args.resolve, &args.provision, &wish, session)
}

/// The image's own program.
pub fn run(args: &Run, session: &Session) -> Result<ExitCode, Failure> {
    for port in &args.ports {
        // Somebody else's answer on that port would be taken for the image's.
        std::net::TcpListener::bind(("127.0.0.1", *port)).map_err(|error| Failure::Found {
            message: format!("port {port} of this machine cannot be listened on: {error}"),
            hint: Some("stop what listens there".to_owned()),
        })?;
    }
    let arguments = (!args.arguments.is_empty()).then(|| args.arguments.clone());
    let wish = Wish::Program { arguments, network: !args.ports.is_empty() };
    serve(&args.template, &args.resolve, &args.provision, &wish, session)
}

fn serve(
    template: &TemplateArgs,
    resolve: &ResolveArgs,
    provision: &ProvisionArgs,
    wish: &Wish,
    session: &Session,
) -> Result<ExitCode, Failure> {
    let opening = Opening::new(template, resolve, Some(provision));
    let ending = opening.act(session, |loaded, opened| {
        let prepared = opened.prepare(loaded, Commands::Run)?;
        let own = |platform: &&PreparedPlatform| platform.platform == session.environment.machine;
        let platform = prepared.platforms.iter().find(own).or(prepared.platforms.first());
        let Some(platform) = platform else { return Ok(None) };
        let seat = seat(session)?;
        Ok(Some(Subject::new(&prepared, platform, opened.reach, opened.terms).serve(wish, &seat)?))
    })?;
    Ok(ending.map_or(ExitCode::FAILURE, |ending| ExitCode::from(code(&ending))))
}

/// kiln's own input and output.
fn seat(session: &Session) -> Result<Seat, Failure> {
    let copy = |fd: BorrowedFd<'_>| {
        let copied = fd.try_clone_to_owned().map(File::from);
        copied.map_err(|source| Failure::Write { what: "to the command".to_owned(), source })
    };
    Ok(Seat {
        stdin: copy(std::io::stdin().as_fd())?,
        stdout: copy(std::io::stdout().as_fd())?,
        stderr: copy(std::io::stderr().as_fd())?,
        is_terminal: session.environment.interactive,
        kind: session.environment.terminal.clone(),
    })
}

/// The command's exit code; 128 and the signal's number if one ended it, as shells have it.
fn code(ending: &Ending) -> u8 {
    let code = ending.code.unwrap_or_else(|| 128 + ending.signal.unwrap_or_default());
    u8::try_from(code).unwrap_or(u8::MAX)
}
