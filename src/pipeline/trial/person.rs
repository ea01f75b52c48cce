//! A person inside of an image: a shell on one of its layers, or the program that it is for.

use std::fs::File;
use std::path::PathBuf;

use crate::pipeline::error::Error;
use crate::pipeline::provision::{HOSTNAME, PATH};
use crate::sandbox::{Bind, BindKind, Ending, RunOrder, Talk, Temporary};

use super::Subject;

/// What a person wants to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Something of their own, as root, on the layers up to one; on all of them without a name.
    Shell {
        /// The uppermost layer.
        layer: Option<String>,
        /// The program and its arguments; a shell if it is empty.
        argv: Vec<String>,
    },
    /// The image's own program, as the image says.
    Program {
        /// Other arguments than the image's.
        arguments: Option<Vec<String>>,
        /// It listens where the machine does.
        network: bool,
    },
}

/// What a person, or whoever is at the other end of kiln's pipes, sits at.
#[derive(Debug)]
pub struct Seat {
    /// What is read.
    pub stdin: File,
    /// Where results go.
    pub stdout: File,
    /// Where everything else goes.
    pub stderr: File,
    /// Whether it is a terminal: then Ctrl-C goes to the program.
    pub is_terminal: bool,
    /// What kind of terminal: TERM.
    pub kind: Option<String>,
}

impl Subject<'_> {
    /// Runs it on a copy that is thrown away, with kiln's own input and output.
    pub fn serve(&mut self, wish: &Wish, seat: &Seat) -> Result<Ending, Error> {
        let mut order = match wish {
            Wish::Shell { argv, .. } => self.shell(argv),
            Wish::Program { arguments, network } => self.program(arguments.as_deref(), *network)?,
        };
        if seat.is_terminal {
            order.env.extend(seat.kind.iter().map(|kind| ("TERM".to_owned(), kind.clone())));
        }
        let sandbox = self.terms.sandbox(self.reach.store)?;
        let mut lower = self.lower(sandbox)?;
        if let Wish::Shell { layer: Some(name), .. } = wish {
            self.cut(&mut lower, name)?;
        }
        let work = sandbox.area().work()?;
        self.place(&mut order, lower, sandbox, &work)?;
        let resolver = PathBuf::from("/etc/resolv.conf");
        if order.network && resolver.exists() {
            order.binds.push(Bind {
                from: vec![resolver],
                to: "/etc/resolv.conf".to_owned(),
                kind: BindKind::ReadOnly,
            });
        }
        let talk =
            Talk { stdin: &seat.stdin, stdout: &seat.stdout, stderr: &seat.stderr, is_terminal: seat.is_terminal };
        let ended = sandbox.run_on(order, &talk, self.terms.interrupted);
        sandbox.discard(work);
        sandbox.rest();
        Ok(ended?)
    }

    fn shell(&self, argv: &[String]) -> RunOrder {
        let shell = || vec!["/bin/sh".to_owned(), "-i".to_owned(), "+m".to_owned()];
        let env = [("PATH", PATH), ("HOME", "/root"), ("USER", "root"), ("TZ", "UTC"), ("LC_ALL", "C.UTF-8")];
        RunOrder {
            argv: if argv.is_empty() { shell() } else { argv.to_vec() },
            env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            workdir: "/".to_owned(),
            hostname: HOSTNAME.to_owned(),
            temporary: Temporary::OfImage,
            groups: vec![0],
            ..RunOrder::default()
        }
    }

    fn program(&self, arguments: Option<&[String]>, network: bool) -> Result<RunOrder, Error> {
        let who = self.who()?.map_err(|error| Error::ImageUser {
            user: self.execution.user.clone().unwrap_or_default(),
            reason: error.to_string(),
        })?;
        let argv = match arguments {
            Some(arguments) => self.execution.entrypoint.iter().chain(arguments).cloned().collect(),
            None => self.execution.argv.clone(),
        };
        if argv.is_empty() {
            return Err(Error::NothingToRun);
        }
        Ok(RunOrder { network, ..self.order(argv, who) })
    }

    /// Leaves out what is above the layer `name`.
    fn cut(&self, lower: &mut Vec<PathBuf>, name: &str) -> Result<(), Error> {
        let layers = &self.platform.layers;
        let at = layers.iter().position(|layer| layer.plan.name == name).ok_or_else(|| Error::NoSuchLayer {
            wanted: name.to_owned(),
            found: layers.iter().map(|layer| layer.plan.name.clone()).collect::<Vec<_>>().join(", "),
        })?;
        // An empty layer has no directory, and the last may be the one that an engine adds to.
        let kept = self.platform.ground.layers.len() - (layers.len() - at - 1);
        let kept = self.platform.ground.layers[..kept].iter().filter(|layer| !layer.changes().is_empty()).count();
        lower.truncate(kept);
        Ok(())
    }
}
