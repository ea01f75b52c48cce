//! `dists/SUITE/InRelease`: fetched, and checked before anything of it is believed.

use std::io;

use crate::base::Epoch;
use crate::packages::debian::{Release, Wanted};
use crate::source::url::{Fetcher, Request, UrlError};
use crate::transport::{Proof, Sink};

use super::error::DebianError;
use super::mirror::Mirror;
use super::{Trust, address};

/// What is taken of one at most. Debian's largest has 200 kB.
const MAX_BYTES: usize = 16 << 20;

/// A suite as a repository names it.
#[derive(Debug, Clone)]
pub struct Suite<'a> {
    /// Suite or codename.
    pub name: &'a str,
    /// Components that it should have.
    pub components: &'a [String],
    /// Debian's names of architectures that it should have.
    pub architectures: &'a [&'a str],
    /// Whose signature counts.
    pub trust: &'a Trust,
    /// The time at which release and keys should count.
    pub at: Epoch,
    /// When the last release was made that was seen, if any: none may be older.
    pub not_before: Option<Epoch>,
}

/// Where a mirror has the release of a suite.
pub fn place(mirror: &Mirror, suite: &str) -> String {
    address(mirror, &format!("dists/{suite}/InRelease"))
}

/// Fetches a release from one mirror.
pub fn fetch(fetcher: &Fetcher<'_>, url: &str, suite: &str) -> Result<Vec<u8>, DebianError> {
    let request = Request { url: url.to_owned(), mirrors: Vec::new(), sha256: None, proof: Proof::Content };
    let mut sink = Limited(Vec::new());
    let fetched = fetcher.fetch(&request, None, &mut sink);
    fetched.map_err(|source| DebianError::Fetch { suite: suite.to_owned(), source: Box::new(source) })?;
    Ok(sink.0)
}

/// Checks who signed a release, and that it is what was asked for. `url` is where it is from, for messages.
pub fn check(bytes: &[u8], url: &str, suite: &Suite<'_>) -> Result<Release, DebianError> {
    let signed = suite.trust.verify(bytes, suite.at);
    let signed = signed.map_err(|source| DebianError::Signature { url: url.to_owned(), source })?;
    let refused = |source| DebianError::Release { url: url.to_owned(), source };
    let release = Release::parse(&signed.text).map_err(refused)?;
    for architecture in suite.architectures {
        let wanted = Wanted {
            suite: suite.name,
            components: suite.components,
            architecture,
            origin: suite.trust.origin,
            at: suite.at,
            not_before: suite.not_before,
        };
        release.check(&wanted).map_err(refused)?;
    }
    Ok(release)
}

/// Bytes in memory, not more than a release may have.
struct Limited(Vec<u8>);

impl Sink for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.0.len() + bytes.len() > MAX_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.write(bytes)
    }

    fn restart(&mut self) -> io::Result<()> {
        self.0.restart()
    }
}

impl DebianError {
    /// Whether another mirror may do better: this one has nothing, or is behind. Who changed something is not asked for
    /// help.
    pub fn is_of_the_mirror(&self) -> bool {
        use crate::packages::debian::{ReleaseError, SignatureError};
        match self {
            Self::Fetch { source, .. } => !source.is_interrupt() && !matches!(**source, UrlError::Sink { .. }),
            Self::Signature { source, .. } => matches!(source, SignatureError::Over { .. }),
            Self::Release { source, .. } => {
                matches!(source, ReleaseError::Expired { .. } | ReleaseError::Older { .. })
            }
            _ => false,
        }
    }
}
