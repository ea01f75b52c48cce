//! Why two builds differ: the causes that are known, and how each is recognised.
//!
//! ```text
//! line        two lines that differ -> the causes that explain it, none if there is a rest
//!   clock     dates and times near the clock of the run       zone           the same instant in two zones
//!   random    UUIDs, long hexadecimal numbers, checksums      surroundings   host name, directory, user ...
//! order       the same lines or members in another order
//! binary      two stretches of bytes: the strings in them, numbers near the clock, noise
//! ```

pub(super) mod binary;
pub(super) mod clock;
pub(super) mod line;
pub(super) mod order;
mod random;
mod reasons;
mod surroundings;
mod zone;

pub(super) use reasons::Reasons;

use std::collections::BTreeSet;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::Varied;
use super::difference::Run;

/// Why something differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// The cause.
    pub known: Known,
    /// How much of the difference it explains.
    pub covers: Covers,
}

/// How much of a difference a cause explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Covers {
    /// All that was looked at.
    All,
    /// A part; the rest has another cause, or one that is not known.
    Part,
}

/// The causes that are known by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Known {
    /// A date or a time near the clock of the run.
    Clock,
    /// The modification time of a file of the layer is near the clock of the run.
    FileTime,
    /// The times of members of an archive.
    ArchiveTime,
    /// The time in the header of a gzip.
    GzipTime,
    /// The time of the source in compiled Python.
    PycTime,
    /// Random bytes, a UUID, or a hash that no file of the layer has.
    Random,
    /// The checksum of another file that differs.
    Checksum,
    /// The same lines or members in another order.
    Order,
    /// The same lines, those of several jobs mixed otherwise.
    ParallelLog,
    /// The host name.
    Hostname,
    /// The number of processors.
    Processors,
    /// The time zone.
    TimeZone,
    /// The locale, by name or by how it sorts.
    Locale,
    /// Number or name of the user.
    User,
    /// The directory of the build.
    Directory,
    /// The build ID of an ELF file, and nothing else.
    BuildId,
}

impl Known {
    /// What happened, as part of a sentence.
    pub fn what(self) -> &'static str {
        match self {
            Self::Clock => "the clock is written into the file",
            Self::FileTime => "the file has the time when it was written",
            Self::ArchiveTime => "members of the archive have the time when they were written",
            Self::GzipTime => "gzip puts a time into its header",
            Self::PycTime => "compiled Python holds the time of its source",
            Self::Random => "a random number or UUID, or a hash of something that differs",
            Self::Checksum => "the checksum of another file that differs",
            Self::Order => "the same parts in another order, as a directory or a hash table lists them",
            Self::ParallelLog => "lines of jobs that ran at the same time are mixed",
            Self::Hostname => "the host name is written into the file",
            Self::Processors => "the number of processors is written into the file",
            Self::TimeZone => "the time zone has an influence",
            Self::Locale => "the locale has an influence",
            Self::User => "the user who built it shows",
            Self::Directory => "the build directory is written into the file",
            Self::BuildId => "only the build ID differs",
        }
    }

    /// The change to the template that would mend it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Clock => "use SOURCE_DATE_EPOCH, or `date -u -d @$SOURCE_DATE_EPOCH`",
            Self::FileTime => "end the step with `touch -h -d @$SOURCE_DATE_EPOCH FILE`",
            Self::ArchiveTime => {
                "tar: `--mtime=@$SOURCE_DATE_EPOCH`; ar: `D`, as in `ar Drcs`; zip: `touch` the files first, and `zip -X`"
            }
            Self::GzipTime => "use `gzip -n`",
            Self::PycTime => {
                "use `python3 -m compileall --invalidation-mode unchecked-hash`, or PYTHONDONTWRITEBYTECODE=1 and no \
                 `__pycache__`"
            }
            Self::Random => "give a fixed seed or value, or delete the file and let it be made when the image runs",
            Self::Checksum => "mend the file that it is the checksum of; this one follows",
            Self::Order => {
                "sort: `LC_ALL=C sort`, `tar --sort=name`, `sorted(os.listdir(...))`; for Python's sets PYTHONHASHSEED=0"
            }
            Self::ParallelLog => "leave the log out of the layer, or use `make -Otarget` or `-j1`",
            Self::Hostname => "do not write it; most build tools take a setting or a variable such as HOSTNAME for it",
            Self::Processors => "give a fixed number, as in `-j4`, and do not write what `nproc` says",
            Self::TimeZone => "set TZ=UTC0 in the step, and write times with `date -u`",
            Self::Locale => "set LC_ALL=C.UTF-8 in the step",
            Self::User => {
                "do not write it; in tar use `--owner=0 --group=0 --numeric-owner`, and `chown` what is installed"
            }
            Self::Directory => {
                "compile with `-ffile-prefix-map=$PWD=.`, in Rust `--remap-path-prefix`, in Go `-trimpath`"
            }
            Self::BuildId => {
                "what it is made of differs and was stripped: use `-ffile-prefix-map=$PWD=.`, or link with \
                 `-Wl,--build-id=none`"
            }
        }
    }
}

impl Serialize for Cause {
    /// With the texts for people.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Cause", 4)?;
        fields.serialize_field("name", &self.known)?;
        fields.serialize_field("covers", &self.covers)?;
        fields.serialize_field("text", self.known.what())?;
        fields.serialize_field("advice", self.known.advice())?;
        fields.end()
    }
}

/// What the recognisers go by.
pub(super) struct Facts<'a> {
    /// What was varied.
    pub(super) varied: &'a Varied,
    /// SHA-256 in hexadecimal digits of the contents that differ, of each run.
    digests: [BTreeSet<String>; 2],
}

impl<'a> Facts<'a> {
    pub(super) fn new(varied: &'a Varied, digests: [BTreeSet<String>; 2]) -> Self {
        Self { varied, digests }
    }

    /// The clock of a run, seconds since 1970.
    pub(super) fn clock(&self, run: Run) -> i64 {
        pick(run, &self.varied.seconds.0, &self.varied.seconds.1).to_owned()
    }

    fn digests(&self, run: Run) -> &BTreeSet<String> {
        let [first, second] = &self.digests;
        pick(run, first, second)
    }
}

/// The value of one run out of two.
fn pick<'a, T: ?Sized>(run: Run, first: &'a T, second: &'a T) -> &'a T {
    match run {
        Run::First => first,
        Run::Second => second,
    }
}
