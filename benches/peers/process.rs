//! Running a command of somebody else: with a time limit, and with its CPU time and memory seen.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// Limit for commands that only say something about themselves.
pub(crate) const SHORT: Duration = Duration::from_secs(30);

/// What a command took and said.
pub(crate) struct Finished {
    pub(crate) wall: Duration,
    /// User and system time of all its processes; `None` without GNU time.
    pub(crate) cpu: Option<Duration>,
    /// Resident memory of its largest process; `None` without GNU time.
    pub(crate) peak_bytes: Option<u64>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// What each of `count` parts took that this one has and `fewer` has not.
    pub(crate) fn less(self, fewer: &Finished, count: u32) -> Finished {
        let cpu = self.cpu.zip(fewer.cpu).map(|(all, few)| all.saturating_sub(few) / count);
        Finished { wall: self.wall.saturating_sub(fewer.wall) / count, cpu, ..self }
    }
}

/// Runs a command in `directory`; anything but success within the limit is an error, in words for the table.
pub(crate) fn run(command: &[String], directory: &Path, limit: Duration) -> Result<Finished, String> {
    let scratch = directory.join("tmp");
    let said = |name: &str| scratch.join(name);
    let prepare = || -> io::Result<(File, File)> {
        fs::create_dir_all(&scratch)?;
        Ok((File::create(said("stdout"))?, File::create(said("stderr"))?))
    };
    let (stdout, stderr) = prepare().map_err(|error| format!("{}: {error}", scratch.display()))?;
    let mut process = metered(command, &said("usage"));
    process.current_dir(directory).stdin(Stdio::null()).stdout(stdout).stderr(stderr).process_group(0);
    process.env_clear().env("HOME", directory).env("TMPDIR", &scratch).env("LC_ALL", "C");
    for kept in ["PATH", "XDG_RUNTIME_DIR"] {
        process.envs(std::env::var_os(kept).map(|value| (kept, value)));
    }
    let start = Instant::now();
    let status = wait_within(&mut process, limit).map_err(|error| format!("`{}`: {error}", command[0]))?;
    let wall = start.elapsed();
    let (cpu, peak_bytes) = read_usage(&said("usage"));
    let read = |name: &str| String::from_utf8_lossy(&fs::read(said(name)).unwrap_or_default()).into_owned();
    let finished = Finished { wall, cpu, peak_bytes, stdout: read("stdout"), stderr: read("stderr") };
    match status {
        Some(status) if status.success() => Ok(finished),
        Some(status) => Err(format!("{status}: {}", last_line(&finished.stderr))),
        None => Err(format!("ended after {} s", limit.as_secs())),
    }
}

/// Runs a shell script.
pub(crate) fn shell(script: &str, directory: &Path, limit: Duration) -> Result<Finished, String> {
    run(&["bash", "-c", script].map(str::to_owned), directory, limit)
}

/// Where a program is found on PATH.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|directory| directory.join(program)).find(|file| file.is_file())
}

fn metered(command: &[String], usage: &Path) -> Command {
    let _ = fs::remove_file(usage);
    let Some(time) = find("time") else {
        let mut process = Command::new(&command[0]);
        process.args(&command[1..]);
        return process;
    };
    let mut process = Command::new(time);
    process.args(["-f", "%U %S %M", "-o"]).arg(usage).args(command);
    process
}

/// `None` if the limit was reached. The command has a process group of its own, so that all of it can be ended.
fn wait_within(process: &mut Command, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let mut child = process.spawn()?;
    let group = Pid::from_child(&child);
    let (done, ended) = mpsc::channel::<()>();
    let watcher = thread::spawn(move || {
        let too_long = ended.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout);
        if too_long {
            let _ = kill_process_group(group, Signal::KILL);
        }
        too_long
    });
    let status = child.wait();
    drop(done);
    let too_long = watcher.join().unwrap_or(false);
    Ok(if too_long { None } else { Some(status?) })
}

fn read_usage(usage: &Path) -> (Option<Duration>, Option<u64>) {
    let text = fs::read_to_string(usage).unwrap_or_default();
    let numbers: Vec<f64> =
        text.lines().last().unwrap_or_default().split(' ').filter_map(|field| field.parse().ok()).collect();
    match numbers[..] {
        [user, system, peak_kib] => (Some(Duration::from_secs_f64(user + system)), Some(peak_kib as u64 * 1024)),
        _ => (None, None),
    }
}

fn last_line(text: &str) -> &str {
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").trim()
}
