//! How many files of the store may be open at once.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lets this process have as many files open as its administrator allows. A set of packages is an open file for each of
/// them, and what is allowed at first, 1024 nearly everywhere, is for programs that use select(2). Commands of steps get
/// limits of their own.
pub fn allow_open_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Without it only large sets fail, and say that too many files are open.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allowed_is_taken() {
        let limit = |current| Rlimit { current: Some(current), ..getrlimit(Resource::Nofile) };
        setrlimit(Resource::Nofile, limit(512)).expect("less is always allowed");
        allow_open_files();
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!(current, maximum);
        assert!(current != Some(512));
    }
}
