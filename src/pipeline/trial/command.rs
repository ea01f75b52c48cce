//! A command in the image, perhaps beside its service.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::pipeline::error::Error;
use crate::pipeline::provision::{HOSTNAME, PATH, hosts};
use crate::sandbox::{
    Ending, Outputs, Printed, RunOrder, Sandbox, SandboxError, ServiceOrder, Streams, Temporary, Transport, Watch, Work,
};
use crate::step::{Inline, Reader, StepError, Who};
use crate::template::{Command, Expected, Port, Protocol};

use super::complaint::{Complaint, of_output};
use super::text::last_lines;
use super::{Failed, Subject, signal, who};

/// How long a test may take that says nothing about it, in seconds: enough for what a program does when it starts.
const TIMEOUT_S: u64 = 60;

/// How long a service may take to listen if the test says nothing about time: what docker's own health checks wait.
const READY: Duration = Duration::from_secs(30);

/// How long a service may take to stop, beside the test's time; docker's default.
const STOP: Duration = Duration::from_secs(10);

/// How the command should end.
pub(super) struct Wanted<'t> {
    pub(super) exit: i32,
    pub(super) stdout: Option<&'t Expected>,
    pub(super) stderr: Option<&'t Expected>,
}

impl Subject<'_> {
    /// Runs it.
    pub(super) fn command(
        &mut self,
        command: &Command,
        service: Option<Port>,
        wanted: &Wanted<'_>,
        timeout_s: Option<u64>,
    ) -> Result<Failed, Error> {
        let who = match self.who()? {
            Ok(who) => who,
            Err(error) => {
                let user = self.execution.user.as_deref().unwrap_or("root");
                let message = format!("the image's user `{user}` is not known: {error}");
                let complaint = Complaint::said(message, format!("the user `{user}`"), error.to_string(), Vec::new());
                return Ok(Failed { complaints: vec![complaint], printed: Vec::new() });
            }
        };
        let order =
            RunOrder { service: service.map(|port| self.service(port, timeout_s)), ..self.order(argv(command), who) };
        let sandbox = self.terms.sandbox(self.reach.store)?;
        let lower = self.lower(sandbox)?;
        let work = sandbox.area().work()?;
        let outputs = Outputs::new()?;
        let limit = Duration::from_secs(timeout_s.unwrap_or(TIMEOUT_S));
        let limit = if service.is_some() { limit.saturating_add(STOP) } else { limit };
        let ended = self.in_copy(order, lower, (sandbox, &work), outputs.streams(), limit);
        sandbox.discard(work);
        let printed = outputs.finish();
        match ended {
            Ok(ending) => Ok(judge(&ending, &printed, wanted)),
            Err(SandboxError::Interrupted) => Err(Error::Interrupted),
            Err(error) => match self.complaint(&error, service, timeout_s) {
                Some(complaint) => Ok(Failed { complaints: vec![complaint], printed: rest(&printed, &[]) }),
                None => Err(error.into()),
            },
        }
    }

    /// A command as the image's config has it run.
    pub(super) fn order(&self, argv: Vec<String>, who: Who) -> RunOrder {
        RunOrder {
            argv,
            env: self.environment(&who),
            workdir: self.execution.workdir.clone().unwrap_or_else(|| "/".to_owned()),
            uid: who.ids.uid,
            gid: who.ids.gid,
            groups: who.groups,
            hostname: HOSTNAME.to_owned(),
            temporary: Temporary::OfImage,
            ..RunOrder::default()
        }
    }

    /// Lets it run on an upper directory that nobody keeps.
    pub(super) fn place(
        &self,
        order: &mut RunOrder,
        mut lower: Vec<PathBuf>,
        sandbox: &Sandbox,
        work: &Work,
    ) -> Result<(), SandboxError> {
        if lower.is_empty() {
            lower.push(work.root("nothing")?);
        }
        order.lower = lower;
        order.owners = sandbox.owners(&self.platform.root);
        order.upper = work.root("upper")?;
        order.work = work.directory("work")?;
        order.root = work.directory("root")?;
        order.binds = vec![hosts(work, HOSTNAME)?];
        Ok(())
    }

    /// Runs it on an upper directory that nobody keeps.
    fn in_copy(
        &self,
        mut order: RunOrder,
        lower: Vec<PathBuf>,
        (sandbox, work): (&Sandbox, &Work),
        streams: Streams,
        limit: Duration,
    ) -> Result<Ending, SandboxError> {
        self.place(&mut order, lower, sandbox, work)?;
        order.streams = Some(streams);
        let mut watch = Watch { output: &mut |_| {}, interrupted: self.terms.interrupted, timeout: Some(limit) };
        sandbox.run(order, &mut watch)
    }

    pub(super) fn who(&self) -> Result<Result<Who, StepError>, Error> {
        let mut inline = Inline::default();
        let user = self.execution.user.as_deref();
        self.with_contents(None, |contents| {
            who::of_image(user, &self.platform.root, &Reader::new(contents, &mut inline))
        })
    }

    /// What an engine sets, and over it what the config says.
    pub(super) fn environment(&self, who: &Who) -> Vec<(String, String)> {
        let of_engine = [("PATH".to_owned(), PATH.to_owned()), ("HOME".to_owned(), who.home.clone())];
        let mut env = BTreeMap::from(of_engine);
        env.extend(self.execution.env.clone());
        env.into_iter().collect()
    }

    fn service(&self, port: Port, timeout_s: Option<u64>) -> ServiceOrder {
        // Before the whole test is out of time, so that what is said is what is wrong.
        let of_test = timeout_s.map(|seconds| Duration::from_secs(seconds).mul_f64(0.9));
        ServiceOrder {
            argv: self.execution.argv.clone(),
            port: port.number,
            transport: match port.protocol {
                Protocol::Tcp => Transport::Tcp,
                Protocol::Udp => Transport::Udp,
            },
            ready: of_test.unwrap_or(READY),
            stop_signal: signal::number(self.execution.stop_signal.as_deref()),
            stop: STOP,
        }
    }

    /// What a failure of the sandbox says about the image; `None`: nothing.
    fn complaint(&self, error: &SandboxError, service: Option<Port>, timeout_s: Option<u64>) -> Option<Complaint> {
        let said = |expected: String, found: String| Some(Complaint::said(found.clone(), expected, found, Vec::new()));
        match error {
            SandboxError::TimedOut { .. } => {
                let seconds = timeout_s.unwrap_or(TIMEOUT_S);
                said(format!("an end within {seconds} s"), format!("it took longer than its `timeout` of {seconds} s"))
            }
            SandboxError::NotReady { ending } => {
                let at = service.map_or(String::new(), |port| match port.protocol {
                    Protocol::Tcp => format!("{}/tcp", port.number),
                    Protocol::Udp => format!("{}/udp", port.number),
                });
                let found = match ending {
                    Some(ending) => format!("the service ended before it listened at {at}: {ending}"),
                    None => format!("the service did not listen at {at} in time"),
                };
                said(format!("the service listens at {at}"), found)
            }
            SandboxError::NoProgram { program } => said(format!("`{program}` is in the image"), error.to_string()),
            SandboxError::Foreign { .. } => {
                let platform = &self.platform.platform;
                let found = format!(
                    "{error}; if it is a program of {platform}, `kiln doctor` says what lets this machine run it"
                );
                said(format!("this machine runs programs of {platform}"), found)
            }
            SandboxError::NoInterpreter { program } => said(format!("`{program}` is in the image"), error.to_string()),
            SandboxError::SecondId { who, mend } => {
                said(format!("the command runs as `{who}`"), format!("{error}: {mend}"))
            }
            SandboxError::Child { .. } => said("the command runs".to_owned(), error.to_string()),
            _ => None,
        }
    }
}

fn argv(command: &Command) -> Vec<String> {
    match command {
        Command::Shell { shell, text } => shell.iter().chain([text]).cloned().collect(),
        // The grammar of tests has no scripts.
        Command::Argv(words) | Command::Script { args: words, .. } => words.clone(),
    }
}

/// What of an ended command is not as it should be.
fn judge(ending: &Ending, printed: &Printed, wanted: &Wanted<'_>) -> Failed {
    let mut complaints = Vec::new();
    match ending.code {
        Some(code) if code == wanted.exit => {}
        Some(code) => complaints.push(Complaint::is("exit code", wanted.exit.to_string(), code.to_string())),
        None => complaints.push(Complaint::is("exit code", wanted.exit.to_string(), ending.to_string())),
    }
    let mut shown = Vec::new();
    for (name, expected, found) in
        [("stdout", wanted.stdout, &printed.stdout), ("stderr", wanted.stderr, &printed.stderr)]
    {
        if let Some(complaint) = of_output(name, expected, found) {
            complaints.push(complaint);
            shown.push(name);
        }
    }
    let printed = if complaints.is_empty() { Vec::new() } else { rest(printed, &shown) };
    Failed { complaints, printed }
}

/// The streams that are not shown yet and have something to say.
fn rest(printed: &Printed, shown: &[&str]) -> Vec<(&'static str, Vec<String>)> {
    let streams = [("stdout", &printed.stdout), ("stderr", &printed.stderr), ("service", &printed.service)];
    let left = streams.into_iter().filter(|(name, text)| !shown.contains(name) && !text.bytes.is_empty());
    left.map(|(name, text)| (name, last_lines(&text.bytes))).collect()
}
