//! `kiln doctor`

use std::process::ExitCode;

use serde_json::json;

use crate::cli::args::Doctor;
use crate::cli::report::{Failure, print, print_json};
use crate::cli::session::Session;
use crate::sandbox::{Area, Mode, Sandbox, machine};

/// Says which ways of running steps work here, and what mends the others.
pub fn run(args: &Doctor, session: &Session) -> Result<ExitCode, Failure> {
    let store = session.store(&args.store)?;
    let area = Area::open(store.root()).map_err(crate::pipeline::Error::from)?;
    let modes = Sandbox::modes(&area, session.environment.user.as_deref());
    let findings = machine::findings();
    let best = modes.best();
    if args.json {
        let mode = |(mode, works): &(_, Result<(), _>)| {
            json!({
                "mode": mode,
                "works": works.is_ok(),
                "trouble": works.as_ref().err(),
                "shares": Mode::shares(*mode),
            })
        };
        print_json(&json!({
            "best": best,
            "modes": modes.0.iter().map(mode).collect::<Vec<_>>(),
            "machine": findings,
        }))?;
    } else {
        let mut text = String::from("how steps can be given a root of their own:\n");
        for (mode, works) in &modes.0 {
            match works {
                Ok(()) => {
                    let used = if Some(*mode) == best { "  (used by default)" } else { "" };
                    text.push_str(&format!("  {mode}: works{used}\n"));
                    if !mode.shares().is_empty() {
                        let shared = mode.shares().join(", ");
                        text.push_str(&format!(
                            "    nothing is isolated, and steps share with this machine: {shared}\n"
                        ));
                    }
                }
                Err(trouble) => {
                    text.push_str(&format!("  {mode}: does not work: {}\n    {}\n", trouble.reason, trouble.mend));
                }
            }
        }
        for finding in &findings {
            text.push_str(&format!("{}: {}\n", finding.what, finding.found));
            finding.mend.iter().for_each(|mend| text.push_str(&format!("    {mend}\n")));
        }
        print(&text)?;
    }
    Ok(if best.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
