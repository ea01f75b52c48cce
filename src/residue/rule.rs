//! One row of the table.

/// What happens to the paths that a rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Regular files are dropped. Links and devices are the same in each run and stay.
    Delete,
    /// Everything that was put there is dropped, directories too; removals stay.
    Sweep,
    /// Whatever was done there is undone, removals too.
    Restore,
    /// Where the tree below has the path, it stays as it was there; else the file is made empty.
    Empty,
    /// Regular files are made over if they are of the format.
    Rewrite(Format),
}

/// A kind of file with something in it that differs from run to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// shadow(5).
    Shadow,
    /// Compiled Python (PEP 552).
    Pyc,
    /// gzip (RFC 1952).
    Gzip,
    /// A Java keystore of the kind `JKS`.
    Keystore,
    /// The tar in which apk keeps the scripts of packages.
    Scripts,
    /// Where a Python package was installed from (PEP 610).
    DirectUrl,
    /// The files of an installed Python package with their digests (PyPA specification "Recording installed projects").
    Record,
}

impl Format {
    /// Bytes of the largest file that is looked into; a larger one is left alone. Each is held in memory once or twice.
    pub fn most_bytes(self) -> u64 {
        match self {
            // A line has about a hundred bytes, and no image has ten thousand accounts.
            Self::Shadow => 1 << 20,
            // The largest modules that people install are tables of a few MiB.
            Self::Pyc => 32 << 20,
            // Archives that a step makes can be large, and these four bytes are all that differs in them.
            Self::Gzip => 256 << 20,
            // All public authorities together are 200 KiB.
            Self::Keystore => 16 << 20,
            // Scripts are some KiB each, and few packages have any.
            Self::Scripts => 64 << 20,
            Self::DirectUrl => 1 << 20,
            // The largest packages list ten thousand files in 1.5 MiB.
            Self::Record => 32 << 20,
        }
    }
}

/// Which paths are residue, why, and what is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// A short name, for people.
    pub name: &'static str,
    /// Globs from the image's root ([`crate::base::glob`]).
    pub globs: &'static [&'static str],
    /// What differs between two runs, in one sentence.
    pub why: &'static str,
    /// What happens.
    pub action: Action,
}

impl Rule {
    /// What is done, in a few words, for people.
    pub fn done(&self) -> &'static str {
        match self.action {
            Action::Delete => "deleted",
            Action::Sweep => "deleted with everything below",
            Action::Restore => "as in the layers below",
            Action::Empty => "made empty, unless a layer below has it",
            Action::Rewrite(Format::Shadow) => "days set to the epoch's where an account is new or changed",
            Action::Rewrite(Format::Pyc) => "time set to the one that the source has in the image",
            Action::Rewrite(Format::Gzip) => "time in the header set to 0",
            Action::Rewrite(Format::Keystore) => "times of entries set to the epoch, entries sorted",
            Action::Rewrite(Format::Scripts) => "times of entries set to the epoch",
            Action::Rewrite(Format::DirectUrl) => "deleted if it names a directory or file",
            Action::Rewrite(Format::Record) => "brought up to date where other rules changed a listed file",
        }
    }
}
