//! A path of the process that asked -> one that means the same to the supervisor.
//!
//! The supervisor stands in the machine's `/proc`, and has the step's root for its own. So an absolute path is itself, and
//! a relative one goes through the links of `/proc` that stand for the directories and files that a process has open
//! (proc(5), `/proc/pid/cwd`, `/proc/pid/fd`). Nothing has to be opened for that, and the kernel resolves the rest as it does
//! for the step.
//!
//! Only whole paths of the form `/proc/self/fd/N` are read here: they would mean the supervisor's own files.

use super::call::Base;

/// What the supervisor says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// The path.
    pub(super) path: Vec<u8>,
    /// Whether a link at its end is followed.
    pub(super) follow: bool,
    /// Whether it is a link in `/proc` to what is meant.
    pub(super) is_base: bool,
}

impl Name {
    /// An open file itself, or the directory that the process is in.
    pub(super) fn of_base(pid: u32, base: Base) -> Self {
        // The link of `/proc` is always followed; what it leads to is not.
        Self { path: start(pid, base).into_bytes(), follow: true, is_base: true }
    }

    /// A path that is not empty.
    pub(super) fn of_path(pid: u32, base: Base, path: &[u8], follow: bool) -> Self {
        match path {
            [b'/', ..] if follow && let Some(fd) = descriptor(path) => {
                Self { path: format!("{pid}/fd/{fd}").into_bytes(), follow, is_base: true }
            }
            [b'/', ..] => Self { path: path.to_owned(), follow, is_base: false },
            _ => {
                let mut whole = start(pid, base).into_bytes();
                whole.push(b'/');
                whole.extend_from_slice(path);
                Self { path: whole, follow, is_base: false }
            }
        }
    }
}

/// The directory in which the last name of a path is looked up; `None` if that is not the one that the file is in, because
/// the path ends with a slash or with dots.
pub(super) fn directory(path: &[u8]) -> Option<&[u8]> {
    let end = path.iter().rposition(|byte| *byte == b'/')?;
    let is_name = !matches!(&path[end + 1..], b"" | b"." | b"..");
    is_name.then(|| &path[..end.max(1)])
}

fn start(pid: u32, base: Base) -> String {
    match base {
        Base::Cwd => format!("{pid}/cwd"),
        Base::Fd(fd) => format!("{pid}/fd/{fd}"),
    }
}

/// The number in a path that names an open file of the process itself.
fn descriptor(path: &[u8]) -> Option<u32> {
    const STANDARD: [&[u8]; 3] = [b"/dev/stdin", b"/dev/stdout", b"/dev/stderr"];
    const DIRECTORIES: [&[u8]; 3] = [b"/proc/self/fd/", b"/proc/thread-self/fd/", b"/dev/fd/"];
    if let Some(number) = (0..).zip(STANDARD).find_map(|(number, name)| (name == path).then_some(number)) {
        return Some(number);
    }
    let number = DIRECTORIES.iter().find_map(|directory| path.strip_prefix(*directory))?;
    let is_number = !number.is_empty() && number.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(number).ok().filter(|_| is_number)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(base: Base, path: &str, follow: bool) -> String {
        String::from_utf8(Name::of_path(7, base, path.as_bytes(), follow).path).expect("it was text")
    }

    #[test]
    fn relative_paths_go_through_what_the_process_has_open() {
        assert_eq!(named(Base::Cwd, "a/b", true), "7/cwd/a/b");
        assert_eq!(named(Base::Fd(3), "../a", false), "7/fd/3/../a");
        assert_eq!(named(Base::Fd(3), "/a", true), "/a");
        assert_eq!(Name::of_base(7, Base::Fd(3)), Name { path: b"7/fd/3".to_vec(), follow: true, is_base: true });
    }

    #[test]
    fn an_open_file_of_the_process_is_not_the_supervisors() {
        assert_eq!(named(Base::Cwd, "/proc/self/fd/12", true), "7/fd/12");
        assert_eq!(named(Base::Cwd, "/dev/fd/12", true), "7/fd/12");
        assert_eq!(named(Base::Cwd, "/dev/stdout", true), "7/fd/1");
        // The link itself.
        assert_eq!(named(Base::Cwd, "/dev/stdout", false), "/dev/stdout");
    }

    #[test]
    fn a_path_names_the_directory_of_a_file_or_not() {
        assert_eq!(directory(b"/a/b"), Some(&b"/a"[..]));
        assert_eq!(directory(b"/a"), Some(&b"/"[..]));
        assert_eq!(directory(b"7/cwd/a"), Some(&b"7/cwd"[..]));
        for path in ["/", "/a/", "/a/.", "/a/.."] {
            assert_eq!(directory(path.as_bytes()), None, "{path}");
        }
    }

    #[test]
    fn no_path_leads_into_the_machines_own_directory() {
        for path in ["/proc/self/fd/12/../../../etc", "/proc/self/fd/../../x", "/proc/self/fd/", "/proc/self/fd/+1"] {
            assert_eq!(named(Base::Cwd, path, true), path);
        }
    }
}
