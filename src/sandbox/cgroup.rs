//! Limits by control group, where this process may make one: v2 if a group was delegated, v1 as root
//! (Documentation/admin-guide/cgroup-v2.rst). Elsewhere the limits of [`super::confine`] have to do.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::order::{Limits, most_processes};

/// Where the hierarchies are.
const BASE: &str = "/sys/fs/cgroup";

/// The controllers of v1, and the file of each that a limit is written to.
const CONTROLLERS: [(&str, &str); 2] = [("pids", "pids.max"), ("memory", "memory.limit_in_bytes")];

/// A group for one step, in as many hierarchies as hold it.
///
/// Rationale: to move a process from outside, the kernel waits until nobody is between two steps of a fork, which takes 7
/// to 20 ms. In v1 a thread that moves itself is not waited for, and the child has one thread: so it does that. v2 moves
/// whole processes only. What joins is process 1 of the step and nothing outside of it: the kernel kills whom it likes of
/// a group that has no memory left, and who is killed cannot tell why.
#[derive(Debug, Default)]
pub(super) struct Group {
    v1: Vec<PathBuf>,
    v2: Option<PathBuf>,
}

impl Group {
    /// Makes one. What cannot be limited here is not.
    pub(super) fn new(limits: Limits) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("kiln-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let text = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let mut group = Self::default();
        for (controller, file) in CONTROLLERS {
            let value = match (controller, limits.memory_bytes) {
                ("pids", _) => most_processes().to_string(),
                (_, Some(bytes)) => bytes.to_string(),
                (_, None) => continue,
            };
            let Some(parent) = parent(&text, controller) else { continue };
            let directory = parent.join(&name);
            if make(&directory, &[(file, value)]) {
                group.v1.push(directory);
            }
        }
        if group.v1.is_empty()
            && let Some(parent) = parent(&text, "")
        {
            let mut settings = vec![("pids.max", most_processes().to_string())];
            if let Some(bytes) = limits.memory_bytes {
                settings.extend([("memory.max", bytes.to_string()), ("memory.swap.max", "0".to_owned())]);
            }
            let at_top = rustix::process::geteuid().is_root().then(|| Path::new(BASE).join(&name));
            group.v2 = std::iter::once(parent.join(&name)).chain(at_top).find(|directory| make(directory, &settings));
        }
        group
    }

    /// In how many hierarchies it is.
    pub(super) fn controllers(&self) -> usize {
        self.directories().count()
    }

    fn directories(&self) -> impl Iterator<Item = &PathBuf> {
        self.v1.iter().chain(&self.v2)
    }

    /// The files that the step's process joins it by.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let v1 = self.v1.iter().map(|directory| directory.join("tasks"));
        v1.chain(self.v2.iter().map(|directory| directory.join("cgroup.procs"))).collect()
    }

    /// Whether something in it was killed because it had no memory left.
    pub(super) fn ran_out_of_memory(&self) -> bool {
        self.counts("memory.events", "oom_kill ") || self.counts("memory.oom_control", "oom_kill ")
    }

    /// Whether it wanted more memory than it may have, whatever came of it.
    pub(super) fn reached_memory(&self) -> bool {
        self.counts("memory.events", "max ") || self.counts("memory.failcnt", "")
    }

    /// Whether a file has a line with this name and a count.
    fn counts(&self, file: &str, name: &str) -> bool {
        self.directories().any(|directory| {
            let text = fs::read_to_string(directory.join(file)).unwrap_or_default();
            text.lines().any(|line| line.strip_prefix(name).is_some_and(|count| count != "0"))
        })
    }

    /// Ends whoever is still in it.
    fn kill(&self) {
        for directory in self.directories() {
            // Only v2 has this file, and not every kernel.
            if fs::write(directory.join("cgroup.kill"), "1").is_ok() {
                continue;
            }
            let text = fs::read_to_string(directory.join("cgroup.procs")).unwrap_or_default();
            let found = text.lines().filter_map(|line| rustix::process::Pid::from_raw(line.parse().ok()?));
            for pid in found {
                // Who ended meanwhile needs none.
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        /// Thousands of processes, which a step may have, are some seconds on their way out.
        const TRIES: u32 = 500;
        let is_left = |directory: &PathBuf| {
            fs::remove_dir(directory).is_err_and(|error| error.kind() == std::io::ErrorKind::ResourceBusy)
        };
        let mut left: Vec<&PathBuf> = self.directories().filter(|directory| is_left(directory)).collect();
        for _ in 0..TRIES {
            if left.is_empty() {
                return;
            }
            self.kill();
            std::thread::sleep(Duration::from_millis(10));
            left.retain(|directory| is_left(directory));
        }
    }
}

/// Removes the groups of processes that are gone. The kernel keeps one that still has somebody in it.
pub(super) fn sweep() {
    let text = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let controllers = CONTROLLERS.iter().map(|(controller, _)| *controller).chain([""]);
    let parents = controllers.filter_map(|controller| parent(&text, controller)).chain([PathBuf::from(BASE)]);
    for entry in parents.filter_map(|parent| fs::read_dir(parent).ok()).flatten().flatten() {
        let owner = entry.file_name().to_str().and_then(owner);
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

/// The process that made the group `kiln-PID-NUMBER`.
fn owner(name: &str) -> Option<u32> {
    let (pid, number) = name.strip_prefix("kiln-")?.split_once('-')?;
    number.parse::<usize>().ok()?;
    pid.parse().ok()
}

/// The group of this process in the hierarchy of a controller; "" is v2's.
fn parent(text: &str, controller: &str) -> Option<PathBuf> {
    let own = own_path(text, controller)?;
    Some(Path::new(BASE).join(controller).join(own.trim_start_matches('/')))
}

/// Opens the files that a group is joined by, which are out of reach in a root of one's own.
pub(super) fn open(files: &[PathBuf]) -> Vec<File> {
    // Where it cannot be joined, nothing is limited.
    files.iter().filter_map(|file| OpenOptions::new().write(true).open(file).ok()).collect()
}

/// Puts this process, which has one thread, into the groups behind these files.
pub(super) fn join(files: Vec<File>) {
    for mut file in files {
        let _ = file.write_all(b"0");
    }
}

/// Whether a group could be made and limited.
fn make(directory: &Path, settings: &[(&str, String)]) -> bool {
    if fs::create_dir(directory).is_err() {
        return false;
    }
    let set = settings.iter().all(|(file, value)| fs::write(directory.join(file), value).is_ok());
    if !set {
        let _ = fs::remove_dir(directory);
    }
    set
}

/// The path of this process in the hierarchy of a controller; "" is v2's.
fn own_path<'a>(text: &'a str, controller: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        controllers.split(',').any(|name| name == controller).then_some(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_path_is_found_in_both_versions() {
        let hybrid = "9:name=systemd:/\n8:pids:/a\n4:memory,x:/b\n0::/c\n";
        assert_eq!(own_path(hybrid, "pids"), Some("/a"));
        assert_eq!(own_path(hybrid, "memory"), Some("/b"));
        assert_eq!(own_path(hybrid, ""), Some("/c"));
        assert_eq!(own_path(hybrid, "cpu"), None);
        assert_eq!(parent(hybrid, "pids"), Some(PathBuf::from("/sys/fs/cgroup/pids/a")));
        assert_eq!(parent(hybrid, ""), Some(PathBuf::from("/sys/fs/cgroup/c")));
    }

    #[test]
    fn who_is_left_in_a_group_is_ended_with_it() {
        let group = Group::new(Limits::default());
        let directories: Vec<PathBuf> = group.directories().cloned().collect();
        if directories.is_empty() {
            // Nobody can make one here.
            return;
        }
        let mut left = std::process::Command::new("sleep").arg("60").spawn().expect("a process");
        for directory in &directories {
            fs::write(directory.join("cgroup.procs"), left.id().to_string()).expect("it joins");
        }
        let ended = std::thread::spawn(move || left.wait());
        drop(group);
        assert!(directories.iter().all(|directory| !directory.exists()), "{directories:?}");
        assert!(!ended.join().expect("a thread").expect("it ended").success(), "it did not end by itself");
    }

    #[test]
    fn a_group_tells_who_made_it() {
        assert_eq!(owner("kiln-12-3"), Some(12));
        for other in ["kiln-12", "kiln-a-3", "kiln-12-b", "user-12-3"] {
            assert_eq!(owner(other), None, "{other}");
        }
    }
}
