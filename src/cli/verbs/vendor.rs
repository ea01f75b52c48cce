//! `kiln vendor`

use std::process::ExitCode;

use crate::cli::args::VendorInputs;
use crate::cli::report::Failure;
use crate::cli::session::{Session, template_request};
use crate::input::vendor::Writer;
use crate::pipeline::vendor::vendor;
use crate::pipeline::{Commands, LockMode, Terms, load, pin};

/// Writes every input that the lock names into a layout.
pub fn run(args: &VendorInputs, session: &Session) -> Result<ExitCode, Failure> {
    let store = session.store(&args.store)?;
    let progress = session.progress();
    let watch = |event: crate::pipeline::Event<'_>| progress.show(event);
    let provision = session.provision(&args.provision)?;
    let terms = Terms { provision: &provision, ..session.plain_terms(&watch) };
    let mut loaded = load(&template_request(&args.template), &terms)?;
    let network = session.network(&args.network)?;
    let news = |news: crate::transport::News| progress.news(&news);
    let reach = network.reach(&store, loaded.directory.clone(), &news)?;
    pin(&mut loaded, LockMode::Locked, Commands::Run, &session.never(&store), &reach, &terms)?;
    let mut writer = Writer::new(&args.directory, &store).map_err(crate::pipeline::Error::from)?;
    let written = vendor(&loaded, &mut writer, &reach, &terms).and_then(|()| Ok(writer.finish()?));
    progress.end();
    session.report.note(&format!("{}: {} inputs", args.directory.display(), written?));
    Ok(ExitCode::SUCCESS)
}
