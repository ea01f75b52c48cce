//! kiln's side of a sandbox.

use std::fs::{DirBuilder, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::base::TreeDigest;
use crate::store::Spool;
use crate::tree::{Changeset, Tree, dump};

use super::answer::{Answer, Ending, Failure};
use super::area::{Area, Work};
use super::capture::{Captured, capture, without_opaque};
use super::census::Stamp;
use super::cgroup::Group;
use super::child::{NAME, remove};
use super::chroot::{self, Record};
use super::error::SandboxError;
use super::mode::{Mode, Trouble};
use super::order::{CaptureOrder, Order, RunOrder, TalkFiles, UnpackOrder};
use super::owners::{self, Owner, Refusal};
use super::program;
use super::spread::Layout;
use super::subids::{self, SubordinateIds};

/// The name of a root in a directory that it is kept in.
const SPARE: &str = "spare";

/// A working way to run steps.
#[derive(Debug)]
pub struct Sandbox {
    pub(super) mode: Mode,
    pub(super) area: Area,
    pub(super) subordinate: Option<SubordinateIds>,
    pub(super) user: Option<String>,
    /// The root of the last command, for the next one: where it is a copy, most of it is still right.
    pub(super) spare: Mutex<Option<Work>>,
    /// The better way that was not taken, and why, if steps can do less in this one.
    pub(super) passed_over: Option<(Mode, Trouble)>,
}

/// What a running step is watched by.
pub struct Watch<'a> {
    /// Gets what it prints, as it comes.
    pub output: &'a mut (dyn FnMut(&[u8]) + Send),
    /// Set when the user wants to stop.
    pub interrupted: &'a AtomicBool,
    /// How long it may take.
    pub timeout: Option<Duration>,
}

/// What a command talks to.
pub struct Talk<'a> {
    /// What it reads.
    pub stdin: &'a File,
    /// Where its results go.
    pub stdout: &'a File,
    /// Where everything else goes.
    pub stderr: &'a File,
    /// Whether a person sits there.
    pub is_terminal: bool,
}

impl Sandbox {
    /// Which way it is.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The way with more ids that was not taken because it does not work, and why; `None`: nothing was passed over.
    pub fn passed_over(&self) -> Option<&(Mode, Trouble)> {
        self.passed_over.as_ref()
    }

    /// Where things are.
    pub fn area(&self) -> &Area {
        &self.area
    }

    /// Directories with the files of `changes`, whose digest is `digest`, the lowest first; unpacked if they are not there
    /// yet. Whiteouts are an overlay's. `spool` is asked for the contents only if they are needed.
    pub fn lower(
        &self,
        changes: &Changeset,
        digest: &TreeDigest,
        layout: Layout,
        spool: impl FnOnce() -> Result<Spool, SandboxError>,
    ) -> Result<Vec<PathBuf>, SandboxError> {
        // A copy lists its files as the file system does, in however many directories they were.
        let layout = if self.mode.copies_layers() { Layout::Plain } else { layout };
        let place = self.area.tree(self.mode, layout, digest);
        let parts = layout.parts(&place);
        if place.exists() {
            // Whoever removes the least recently used looks at this time.
            let _ = File::open(&place).and_then(|place| place.set_modified(std::time::SystemTime::now()));
            return Ok(parts);
        }
        let work = self.area.work()?;
        let new = work.directory("tree")?;
        self.unpack(changes, &spool()?, &layout.parts(&new))?;
        let parent = place.parent().unwrap_or(Path::new("/"));
        let fail = |source| SandboxError::Area { path: place.clone(), source };
        std::fs::create_dir_all(parent).map_err(fail)?;
        match std::fs::rename(&new, &place) {
            // Another build was faster.
            Err(_) if place.exists() => {}
            renamed => renamed.map_err(fail)?,
        }
        self.discard(work);
        Ok(parts)
    }

    /// The owners in `tree` that are not written on its files once it is unpacked.
    pub fn owners(&self, tree: &Tree) -> Vec<(String, Owner)> {
        if self.mode == Mode::OneId { owners::special(tree) } else { Vec::new() }
    }

    /// Makes the files of `changes` in the new directories `to`, which are one tree together, the lowest first.
    pub fn unpack(&self, changes: &Changeset, spool: &Spool, to: &[PathBuf]) -> Result<(), SandboxError> {
        for path in to {
            DirBuilder::new()
                .mode(0o700)
                .create(path)
                .map_err(|source| SandboxError::Area { path: path.clone(), source })?;
        }
        let file = Inherited::new(spool.file())?;
        let order = Order::Unpack(UnpackOrder {
            tree: dump::write(changes),
            spool: file.0.as_raw_fd(),
            places: spool.places().iter().map(|(digest, start)| (*digest, *start)).collect(),
            to: to.to_owned(),
        });
        match self.call(&order)? {
            Answer::Done => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// Which files lie in `upper`, by their paths as people read them.
    pub fn census(&self, upper: &Path) -> Result<Vec<(String, Stamp)>, SandboxError> {
        match self.call(&Order::Census(upper.to_owned()))? {
            Answer::Counted(files) => Ok(files),
            other => Err(unexpected(&other)),
        }
    }

    /// What lies in `upper`, whose contents go to `spool`. `lower` is what was below it.
    /// `owners` is what the last command that ran on it left.
    pub fn capture(
        &self,
        upper: &Path,
        spool: &File,
        lower: &Tree,
        owners: Vec<(String, Owner)>,
    ) -> Result<Captured, SandboxError> {
        if !Record::is_beside(upper) && std::fs::read_dir(upper).is_ok_and(|mut entries| entries.next().is_none()) {
            // Many commands change nothing, and a child costs more than this look.
            return Ok(Captured::nothing());
        }
        let said = |failure| self.error_of(failure, None);
        let mut captured = if self.mode.has_user_namespace() {
            let file = Inherited::new(spool)?;
            let order = Order::Capture(CaptureOrder { upper: upper.to_owned(), spool: file.0.as_raw_fd(), owners });
            match self.call(&order)? {
                Answer::Captured(answer) => answer.read().map_err(said)?,
                other => return Err(unexpected(&other)),
            }
        } else {
            // Root can read everything, here as well as in a child.
            let spool = spool.try_clone().map_err(|source| SandboxError::Start { source })?;
            capture(upper, spool, owners, self.mode).map_err(said)?
        };
        captured.changes = without_opaque(captured.changes, lower);
        Ok(captured)
    }

    /// Puts `upper`, on which commands ran, onto the layers that they stood on.
    pub fn stack(&self, upper: PathBuf, lower: &mut Vec<PathBuf>) {
        if Record::is_beside(&upper) {
            // It has everything, and not only what was changed.
            lower.clear();
        }
        lower.push(upper);
    }

    /// What to do for a step that was refused this.
    pub fn mend(&self, refused: &[Refusal]) -> String {
        if refused.iter().any(|refusal| matches!(refusal, Refusal::Device(..))) {
            return "build as root of the machine: nobody else makes devices".to_owned();
        }
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        match (&self.passed_over, SubordinateIds::of(uid, gid, self.user.as_deref())) {
            (Some((_, trouble)), _) => trouble.mend.clone(),
            (None, Ok(_)) => format!("this user has more ids: `--sandbox {}`", Mode::SubordinateIds),
            (None, Err(_)) => subids::mend(self.user.as_deref()),
        }
    }

    /// Runs a command until it ends.
    pub fn run(&self, mut order: RunOrder, watch: &mut Watch<'_>) -> Result<Ending, SandboxError> {
        if self.mode == Mode::OneId {
            only_root(&mut order, || self.mend(&[]))?;
        }
        if self.mode == Mode::Chroot {
            chroot::check(&order)?;
        }
        let spare = if Record::is_beside(&order.upper) { None } else { self.take_spare() };
        order.spare = spare.as_ref().map(|work| work.path().join(SPARE));
        let ended = self.run_in(order, watch);
        if let Some(work) = spare {
            let _ = self.remove(vec![work.path().to_owned()]);
        }
        ended
    }

    fn run_in(&self, order: RunOrder, watch: &mut Watch<'_>) -> Result<Ending, SandboxError> {
        let group = Group::new(order.limits);
        let interactive = order.talk.is_some_and(|talk| talk.is_terminal);
        let memory_bytes = order.limits.memory_bytes;
        let mut child = self.start(interactive)?;
        let stderr = child.0.stderr.take();
        let began = Instant::now();
        let stopped = AtomicBool::new(false);
        let pid = child.0.id();
        let answer = std::thread::scope(|scope| {
            let (interrupted, timeout, stopped) = (watch.interrupted, watch.timeout, &stopped);
            let mode = self.mode;
            let (done, wait) = std::sync::mpsc::channel::<()>();
            scope.spawn(move || {
                /// A person does not notice less.
                const LOOK: Duration = Duration::from_millis(50);
                while wait.recv_timeout(LOOK) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                    let late = timeout.is_some_and(|timeout| began.elapsed() >= timeout);
                    if late || (interrupted.load(Ordering::Relaxed) && !interactive) {
                        stopped.store(true, Ordering::Relaxed);
                        if mode == Mode::Chroot {
                            // Killed, it would leave the command running: it ends that itself, and what it was given.
                            chroot::stop(pid);
                            continue;
                        }
                        kill(pid);
                        return;
                    }
                }
            });
            let output = &mut *watch.output;
            scope.spawn(move || pass_on(stderr, output));
            let answer = self.converse(&mut child.0, &Order::Run(Box::new(order), group.files()));
            drop(done);
            answer
        });
        if stopped.load(Ordering::Relaxed) {
            return Err(match watch.timeout {
                Some(timeout) if !watch.interrupted.load(Ordering::Relaxed) => {
                    SandboxError::TimedOut { seconds: timeout.as_secs() }
                }
                _ => SandboxError::Interrupted,
            });
        }
        let out_of_memory = || memory_bytes.filter(|_| group.ran_out_of_memory());
        match answer {
            Err(SandboxError::Silent { status }) => Err(match out_of_memory() {
                Some(limit_bytes) => SandboxError::OutOfMemory { limit_bytes },
                None => SandboxError::Silent { status },
            }),
            Err(error) => Err(error),
            Ok(Answer::Ended(ending)) => match out_of_memory() {
                Some(limit_bytes) if ending.signal == Some(libc::SIGKILL) => {
                    Err(SandboxError::OutOfMemory { limit_bytes })
                }
                _ => Ok(Ending { reached_memory: memory_bytes.is_some() && group.reached_memory(), ..ending }),
            },
            Ok(Answer::NotReady(ending)) => Err(SandboxError::NotReady { ending }),
            Ok(other) => Err(unexpected(&other)),
        }
    }

    /// Runs a command that talks to somebody.
    pub fn run_on(
        &self,
        mut order: RunOrder,
        talk: &Talk<'_>,
        interrupted: &AtomicBool,
    ) -> Result<Ending, SandboxError> {
        let files = [Inherited::new(talk.stdin)?, Inherited::new(talk.stdout)?, Inherited::new(talk.stderr)?];
        let [stdin, stdout, stderr] = [0, 1, 2].map(|at: usize| files[at].0.as_raw_fd());
        order.talk = Some(TalkFiles { stdin, stdout, stderr, is_terminal: talk.is_terminal });
        self.run(order, &mut Watch { output: &mut |_| {}, interrupted, timeout: None })
    }

    /// Removes a directory of one's own. What cannot be removed now is removed by the next build.
    pub fn discard(&self, work: Work) {
        if let Some(root) = self.mode.copies_layers().then(|| chroot::renewable(work.path())).flatten()
            && let Ok(other) = self.area.work()
        {
            // One that cannot be moved is only missed.
            chroot::keep(&root, &other.path().join(SPARE));
            self.rest();
            *self.spare.lock().unwrap_or_else(PoisonError::into_inner) = Some(other);
        }
        let _ = self.remove(vec![work.path().to_owned()]);
    }

    /// Removes what was only kept for another command.
    pub fn rest(&self) {
        if let Some(work) = self.take_spare() {
            let _ = self.remove(vec![work.path().to_owned()]);
        }
    }

    fn take_spare(&self) -> Option<Work> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Removes what killed builds left.
    pub fn sweep(&self) {
        super::cgroup::sweep();
        let leftovers = self.area.leftovers();
        if !leftovers.is_empty() {
            // What belongs to another mode is not in reach of this one, and stays.
            let _ = self.remove(leftovers);
        }
    }

    /// Removes directories, whoever their files belong to.
    pub fn remove(&self, paths: Vec<PathBuf>) -> Result<(), SandboxError> {
        // A child is only needed for what belongs to ids that this process does not have.
        let left: Vec<PathBuf> = paths.into_iter().filter(|path| remove(path).is_err()).collect();
        if left.is_empty() {
            return Ok(());
        }
        self.call(&Order::Remove(left)).map(drop)
    }

    /// Starts a child, tells it what to do, and waits for the answer.
    pub(super) fn call(&self, order: &Order) -> Result<Answer, SandboxError> {
        let mut child = self.start(false)?;
        let stderr = child.0.stderr.take();
        std::thread::scope(|scope| {
            // Nothing is expected there; a full pipe would stop the child.
            scope.spawn(move || pass_on(stderr, &mut |_| {}));
            self.converse(&mut child.0, order)
        })
    }

    fn start(&self, interactive: bool) -> Result<Killed, SandboxError> {
        let mut command = Command::new(program::path());
        command.arg0(NAME).arg(self.mode.name()).env_clear();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if !interactive {
            // Ctrl-C is kiln's to hear.
            command.process_group(0);
        }
        let child = command.spawn().map_err(|source| SandboxError::Start { source })?;
        Ok(Killed(child))
    }

    fn converse(&self, child: &mut Child, order: &Order) -> Result<Answer, SandboxError> {
        let start = |source| SandboxError::Start { source };
        let mut stdout = BufReader::new(child.stdout.take().ok_or_else(|| start(io::ErrorKind::BrokenPipe.into()))?);
        let mut stdin = child.stdin.take().ok_or_else(|| start(io::ErrorKind::BrokenPipe.into()))?;
        if let Some(subordinate) = &self.subordinate {
            match read_answer(&mut stdout, child)? {
                Answer::Ready => {}
                Answer::Failed(failure) => return Err(self.error_of(failure, None)),
                other => return Err(unexpected(&other)),
            }
            subordinate
                .give_to(child.id())
                .map_err(|reason| SandboxError::Child { doing: "give the sandbox its ids".to_owned(), reason })?;
        }
        let mut line = serde_json::to_vec(order).map_err(|error| start(error.into()))?;
        line.push(b'\n');
        // One that is gone already says why in its answer.
        let _ = stdin.write_all(&line);
        drop(stdin);
        match read_answer(&mut stdout, child)? {
            Answer::Failed(failure) => Err(self.error_of(failure, Some(order))),
            answer => Ok(answer),
        }
    }

    /// What went wrong behind, as an error here.
    fn error_of(&self, failure: Failure, order: Option<&Order>) -> SandboxError {
        match failure.errno {
            Some(libc::ENOSPC | libc::EDQUOT) => SandboxError::Full { at: self.area.path().to_owned() },
            Some(libc::ENOENT) if matches!(order, Some(Order::Run(..))) => {
                let run = failure.doing.strip_prefix("run `").and_then(|rest| rest.split_once('`'));
                match run {
                    Some((program, "")) => SandboxError::NoProgram { program: program.to_owned() },
                    Some((program, _)) => SandboxError::NoInterpreter { program: program.to_owned() },
                    None => SandboxError::Child { doing: failure.doing, reason: failure.reason },
                }
            }
            Some(libc::ENOEXEC) if matches!(order, Some(Order::Run(..))) => {
                let program = failure.doing.trim_start_matches("run `").trim_end_matches('`').to_owned();
                SandboxError::Foreign { program }
            }
            _ => SandboxError::Child { doing: failure.doing, reason: failure.reason },
        }
    }
}

/// Refuses a command that runs as somebody else. Root's further groups give it nothing that it has not.
fn only_root(order: &mut RunOrder, mend: impl FnOnce() -> String) -> Result<(), SandboxError> {
    order.groups.clear();
    match (order.uid, order.gid) {
        (0, 0) => Ok(()),
        (uid, gid) => Err(SandboxError::SecondId { who: format!("{uid}:{gid}"), mend: mend() }),
    }
}

fn read_answer(stdout: &mut impl BufRead, child: &mut Child) -> Result<Answer, SandboxError> {
    let mut line = Vec::new();
    stdout.read_until(b'\n', &mut line).map_err(|source| SandboxError::Start { source })?;
    serde_json::from_slice(&line).map_err(|_| {
        let status = child.wait().map(|status| status.to_string());
        SandboxError::Silent { status: status.unwrap_or_else(|error| error.to_string()) }
    })
}

fn unexpected(answer: &Answer) -> SandboxError {
    SandboxError::Child { doing: "understand the sandbox".to_owned(), reason: format!("it answered {answer:?}") }
}

/// Passes on what comes until the pipe ends.
fn pass_on(pipe: Option<ChildStderr>, output: &mut (dyn FnMut(&[u8]) + Send)) {
    let Some(mut pipe) = pipe else { return };
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length) = pipe.read(&mut buffer) {
        if length == 0 {
            return;
        }
        output(&buffer[..length]);
    }
}

fn kill(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
        // The child is not waited for before the answer is there, so the number is still its own.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

/// A child that does not outlive its owner.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A file that the next child inherits. Children that other threads start meanwhile have it too; none of them passes it on
/// to a step ([`super::child`]).
struct Inherited(OwnedFd);

impl Inherited {
    fn new(file: &File) -> Result<Self, SandboxError> {
        let copy = file.as_fd().try_clone_to_owned().map_err(|source| SandboxError::Start { source })?;
        rustix::io::fcntl_setfd(&copy, rustix::io::FdFlags::empty())
            .map_err(|error| SandboxError::Start { source: error.into() })?;
        Ok(Self(copy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_one_id_a_step_runs_as_root_or_not_at_all() {
        let mend = || "get more".to_owned();
        let mut order = RunOrder { groups: vec![4, 27], ..RunOrder::default() };
        assert!(only_root(&mut order, mend).is_ok());
        assert!(order.groups.is_empty());
        for (uid, gid) in [(33, 33), (0, 33), (33, 0)] {
            match only_root(&mut RunOrder { uid, gid, ..RunOrder::default() }, mend) {
                Err(error @ SandboxError::SecondId { .. }) => {
                    assert!(error.to_string().contains(&format!("`{uid}:{gid}`")), "{error}");
                    assert_eq!(error.hint().as_deref(), Some("get more"));
                }
                other => panic!("expected a refusal, found {other:?}"),
            }
        }
    }
}
