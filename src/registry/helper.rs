//! Programs that keep credentials: `docker-credential-NAME get`, the registry on its standard input, JSON on its output;
//! `store` with JSON on its standard input, `erase` with the registry, and `list`.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

use crate::transport::Secret;

use super::credentials::Credential;
use super::error::RegistryError;

/// Bytes of an answer that are read.
const ANSWER_MAX_BYTES: u64 = 1024 * 1024;

/// How often we look whether it ended.
const STEP: Duration = Duration::from_millis(10);

/// The user name that says that the secret is an identity token.
const TOKEN_USER: &str = "<token>";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Order<'a> {
    #[serde(rename = "ServerURL")]
    server_url: &'a str,
    username: &'a str,
    secret: &'a str,
}

/// One of these programs. What it keeps is in no error and in no argument.
pub(super) struct Helper<'a> {
    /// `docker-credential-NAME`.
    program: String,
    directories: &'a [PathBuf],
    limit: Duration,
}

impl<'a> Helper<'a> {
    /// The one of this name, which is in one of these directories and may take so long.
    pub(super) fn new(name: &str, directories: &'a [PathBuf], limit: Duration) -> Self {
        Self { program: format!("docker-credential-{name}"), directories, limit }
    }

    /// What it keeps for `key`; nothing if it says that it has none.
    pub(super) fn get(&self, key: &str) -> Result<Option<Credential>, RegistryError> {
        let fail = |why: String| RegistryError::Helper { helper: self.program.clone(), registry: key.to_owned(), why };
        let (status, output) = self.run("get", key).map_err(fail)?;
        if !status.success() {
            return if has_none(&output) { Ok(None) } else { Err(fail(ended(status, &output, None))) };
        }
        let answer: Answer =
            serde_json::from_slice(&output).map_err(|_| fail("its answer is not what helpers answer".to_owned()))?;
        let secret = Secret::new(answer.secret);
        Ok(match answer.username.as_str() {
            TOKEN_USER => Some(Credential::Refresh(secret)),
            "" if secret.reveal().is_empty() => None,
            _ => Some(Credential::Password(answer.username, secret)),
        })
    }

    /// Gives it something to keep, in place of what it has for `key`.
    pub(super) fn store(&self, key: &str, user: &str, password: &Secret) -> Result<(), RegistryError> {
        let order = Order { server_url: key, username: user, secret: password.reveal() };
        let order = serde_json::to_string(&order).map_err(|error| self.fail("store", error.to_string()))?;
        let kept = self.act("store", &order, Some(password))?;
        // To have nothing afterwards is no way to keep something.
        kept.map(drop).ok_or_else(|| self.fail("store", "it says that it has no such credentials".to_owned()))
    }

    /// Makes it forget what it has for `key`. That it has nothing is no failure.
    pub(super) fn erase(&self, key: &str) -> Result<(), RegistryError> {
        self.act("erase", key, None).map(drop)
    }

    /// The keys that it has something for.
    pub(super) fn list(&self) -> Result<Vec<String>, RegistryError> {
        let Some(output) = self.act("list", "", None)? else { return Ok(Vec::new()) };
        let users: Option<BTreeMap<String, String>> = serde_json::from_slice(&output).ok();
        let users = users.ok_or_else(|| self.fail("list", "its answer is not what helpers answer".to_owned()))?;
        Ok(users.into_keys().collect())
    }

    /// Refuses one that is not there, before somebody types a password for it.
    pub(super) fn check(&self) -> Result<(), RegistryError> {
        self.find().map(drop).map_err(|why| self.fail("store", why))
    }

    /// What it answers; nothing if it says that it has none.
    fn act(
        &self,
        action: &'static str,
        input: &str,
        secret: Option<&Secret>,
    ) -> Result<Option<Vec<u8>>, RegistryError> {
        let (status, output) = self.run(action, input).map_err(|why| self.fail(action, why))?;
        match status.success() {
            true => Ok(Some(output)),
            false if has_none(&output) => Ok(None),
            false => Err(self.fail(action, ended(status, &output, secret))),
        }
    }

    fn fail(&self, action: &'static str, why: String) -> RegistryError {
        RegistryError::HelperAction { helper: self.program.clone(), action, why }
    }

    fn run(&self, action: &str, input: &str) -> Result<(ExitStatus, Vec<u8>), String> {
        run(&self.find()?, action, input, self.limit)
    }

    /// A name from a file is not a path.
    fn find(&self) -> Result<PathBuf, String> {
        let found = self.directories.iter().map(|directory| directory.join(&self.program)).find(|path| path.is_file());
        let found = found.filter(|_| !self.program.contains('/'));
        found.ok_or_else(|| "there is no such program in PATH".to_owned())
    }
}

/// What helpers say where they keep nothing: it is part of their protocol.
fn has_none(output: &[u8]) -> bool {
    String::from_utf8_lossy(output).contains("credentials not found")
}

/// How it ended and the first line of what it said, unless that is an answer or repeats the secret.
fn ended(status: ExitStatus, output: &[u8], secret: Option<&Secret>) -> String {
    let said = String::from_utf8_lossy(output);
    let told = secret.is_some_and(|secret| said.contains(secret.reveal()));
    let line: String = said.trim().lines().next().unwrap_or_default().chars().take(200).collect();
    let shown = if line.is_empty() || line.starts_with('{') || told { String::new() } else { format!(": {line}") };
    format!("it ended with {status}{shown}")
}

/// Runs it in a process group of its own, so that nothing that it started outlives the limit.
fn run(program: &Path, action: &str, input: &str, limit: Duration) -> Result<(ExitStatus, Vec<u8>), String> {
    let mut child = Command::new(program)
        .arg(action)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("it cannot be started: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read has its reasons.
        let _ = writeln!(stdin, "{input}");
    }
    let stdout = child.stdout.take();
    std::thread::scope(|scope| {
        let reading = scope.spawn(move || {
            let mut output = Vec::new();
            // What could not be read is missing in the answer, which then is none.
            let _ = stdout.map(|stdout| stdout.take(ANSWER_MAX_BYTES).read_to_end(&mut output));
            output
        });
        let status = wait(&mut child, limit, &|| reading.is_finished());
        if status.is_err() {
            end(&mut child);
        }
        let output = reading.join().map_err(|_| "its answer cannot be read".to_owned())?;
        status.map(|status| (status, output))
    })
}

/// Until it ended and everything that it wrote was read.
fn wait(child: &mut Child, limit: Duration, is_read: &dyn Fn() -> bool) -> Result<ExitStatus, String> {
    let mut waited = Duration::ZERO;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if is_read() => return Ok(status),
            Ok(_) if waited >= limit => return Err(format!("it took longer than {limit:?}")),
            Ok(_) => {}
            Err(error) => return Err(format!("it cannot be waited for: {error}")),
        }
        std::thread::sleep(STEP);
        waited += STEP;
    }
}

fn end(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended by itself in the meantime.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
}
