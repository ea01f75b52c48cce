//! Programs that keep credentials: `docker-credential-NAME get`, the registry on its standard input, JSON on its output.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;

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

/// What the helper keeps for `key`; nothing if it says that it has none. What it keeps is in no error.
pub(super) fn get(
    name: &str,
    key: &str,
    directories: &[PathBuf],
    limit: Duration,
) -> Result<Option<Credential>, RegistryError> {
    let helper = format!("docker-credential-{name}");
    let fail = |why: String| RegistryError::Helper { helper: helper.clone(), registry: key.to_owned(), why };
    let program = find(&helper, directories).ok_or_else(|| fail("there is no such program in PATH".to_owned()))?;
    let (status, output) = run(&program, key, limit).map_err(fail)?;
    if !status.success() {
        let said = String::from_utf8_lossy(&output);
        let said = said.trim();
        if said.contains("credentials not found") {
            return Ok(None);
        }
        let line: String = said.lines().next().unwrap_or_default().chars().take(200).collect();
        let shown = if line.is_empty() || line.starts_with('{') { String::new() } else { format!(": {line}") };
        return Err(fail(format!("it ended with {status}{shown}")));
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

/// A name from a file is not a path.
fn find(helper: &str, directories: &[PathBuf]) -> Option<PathBuf> {
    if helper.contains('/') {
        return None;
    }
    directories.iter().map(|directory| directory.join(helper)).find(|path| path.is_file())
}

/// Runs it in a process group of its own, so that nothing that it started outlives the limit.
fn run(program: &Path, key: &str, limit: Duration) -> Result<(ExitStatus, Vec<u8>), String> {
    let mut child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("it cannot be started: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read has its reasons.
        let _ = writeln!(stdin, "{key}");
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
