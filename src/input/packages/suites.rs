//! What the suites of some repositories offer now. Releases and indexes stay in the store: what has not changed is not
//! fetched twice, and without a network those that were seen last count.

use serde::{Deserialize, Serialize};

use crate::base::hash::digest_of;
use crate::base::{ContentDigest, Epoch};
use crate::input::remote::BlobSink;
use crate::input::{InputError, Reach, each};
use crate::packages::debian::{Automatic, Package, Release};
use crate::source::debian::index::{self, Index};
use crate::source::debian::release::{self, Suite};
use crate::source::debian::{DebianError, Mirror, NamedBy, Trust};
use crate::source::url::Request;
use crate::store::notes::note_name;
use crate::store::{Shelf, Store};
use crate::template::Repository;
use crate::transport::Proof;
use crate::transport::url::shown;

use super::Asked;

/// Requests that are under way at once: as many as a mirror answers without complaint.
const AT_ONCE: usize = 8;

/// What one suite offers.
pub(super) struct Offered {
    pub(super) repository: String,
    pub(super) suite: String,
    /// When its release was made.
    pub(super) date: Epoch,
    pub(super) automatic: Automatic,
    pub(super) packages: Vec<Package>,
}

/// What is read of a suite.
struct Wanted<'a> {
    repository: &'a str,
    definition: &'a Repository,
    trust: &'a Trust,
    suite: &'a str,
    mirror: Mirror,
    /// Those that are asked where it does not help.
    others: Vec<Mirror>,
    at: Epoch,
    not_before: Option<Epoch>,
}

/// A release, and the mirror that has it.
struct Found {
    release: Release,
    mirror: Mirror,
    indexes: Vec<Index>,
}

/// The suites of all repositories, in their order, with packages for these architectures.
pub(super) fn offered(
    asked: &Asked<'_>,
    architectures: &[&str],
    reach: &Reach<'_>,
) -> Result<Vec<Offered>, InputError> {
    let trusts = asked.repositories.iter().map(|(_, definition)| trust(definition, reach));
    let trusts = trusts.collect::<Result<Vec<Trust>, DebianError>>()?;
    let mut wanted = Vec::new();
    for ((repository, definition), trust) in asked.repositories.iter().zip(&trusts) {
        for suite in &definition.suites {
            wanted.push(want(asked, repository, definition, suite, trust, reach));
        }
    }
    let found = each(&wanted, AT_ONCE, |wanted| find(wanted, architectures, reach))?;
    let pairs: Vec<(&Wanted<'_>, &Found)> = wanted.iter().zip(&found).collect();
    let indexes: Vec<(&Wanted<'_>, &Found, &Index)> =
        pairs.iter().flat_map(|(wanted, found)| found.indexes.iter().map(|index| (*wanted, *found, index))).collect();
    let read = each(&indexes, AT_ONCE, |(wanted, found, index)| packages(wanted, found, index, reach))?;
    let mut read = read.into_iter();
    let offered = pairs.into_iter().map(|(wanted, found)| Offered {
        repository: wanted.repository.to_owned(),
        suite: wanted.suite.to_owned(),
        date: found.release.date,
        automatic: found.release.automatic,
        packages: read.by_ref().take(found.indexes.len()).flatten().collect(),
    });
    Ok(offered.collect())
}

fn trust(definition: &Repository, reach: &Reach<'_>) -> Result<Trust, DebianError> {
    match &definition.keyring {
        Some(keyring) => Trust::of_file(&reach.directory.join(&keyring.directory).join(&keyring.path)),
        None => Trust::debian(&reach.remote.debian.keyrings),
    }
}

fn want<'a>(
    asked: &Asked<'_>,
    repository: &'a str,
    definition: &'a Repository,
    suite: &'a str,
    trust: &'a Trust,
    reach: &Reach<'_>,
) -> Wanted<'a> {
    let hosts = reach.remote.debian;
    let at = definition.snapshot.unwrap_or(asked.now);
    let mirrors = match definition.snapshot {
        // What this machine's mirrors have is not what there was then.
        Some(_) if definition.mirrors.is_empty() => Vec::new(),
        _ => hosts.mirrors(&definition.mirrors, suite),
    };
    let mut mirrors = mirrors.into_iter();
    let mirror = mirrors.next().unwrap_or_else(|| hosts.snapshot(suite, at));
    let others = mirrors.collect();
    let known = asked.known.iter().filter(|known| known.repository == repository && known.suite == suite);
    let known = known.map(|known| known.date).max();
    // Who names a time wants what there was then, also if the lock has seen something newer.
    let not_before = known.filter(|known| definition.snapshot.is_none_or(|snapshot| *known <= snapshot));
    Wanted { repository, definition, trust, suite, mirror, others, at, not_before }
}

/// The release of a suite from the first mirror that has one that counts.
fn find(wanted: &Wanted<'_>, architectures: &[&str], reach: &Reach<'_>) -> Result<Found, InputError> {
    let suite = Suite {
        name: wanted.suite,
        components: &wanted.definition.components,
        architectures,
        trust: wanted.trust,
        at: wanted.at,
        not_before: wanted.not_before,
    };
    let ask = |mirror: &Mirror| {
        let url = release::place(mirror, wanted.suite);
        match from(mirror, &url, &suite, reach) {
            Ok(release) => {
                let indexes = index::indexes(&release, suite.components, architectures, &shown(&url))?;
                Ok(Ok(Found { release, mirror: mirror.clone(), indexes }))
            }
            Err(InputError::Debian(refusal)) if refusal.is_of_the_mirror() => Ok(Err(*refusal)),
            Err(error) => Err(error),
        }
    };
    let mut refused = match ask(&wanted.mirror)? {
        Ok(found) => return Ok(found),
        Err(refusal) => refusal,
    };
    for mirror in &wanted.others {
        match ask(mirror)? {
            Ok(found) => return Ok(found),
            Err(refusal) => refused = refused.and(wanted.suite, refusal),
        }
    }
    Err(refused.into())
}

/// What the store remembers of a release.
#[derive(Serialize, Deserialize)]
struct ReleaseNote {
    /// The `InRelease`.
    blob: String,
    blob_bytes: u64,
}

fn from(mirror: &Mirror, url: &str, suite: &Suite<'_>, reach: &Reach<'_>) -> Result<Release, InputError> {
    let name = note_name(&[b"release", url.as_bytes()]);
    let shown = shown(url);
    // What a snapshot has does not change; without a network, nothing does.
    if mirror.by == NamedBy::Snapshot || reach.remote.is_offline() {
        let kept = kept(&name, reach.store).and_then(|bytes| release::check(&bytes, &shown, suite).ok());
        if let Some(release) = kept {
            return Ok(release);
        }
    }
    let bytes = release::fetch(&reach.remote.web, url, suite.name)?;
    let release = release::check(&bytes, &shown, suite)?;
    let blob = digest_of::<ContentDigest>(&bytes).to_string();
    reach.store.put_bytes(&blob, &bytes)?;
    let note = ReleaseNote { blob, blob_bytes: bytes.len() as u64 };
    reach.store.keep_note(Shelf::Releases, &name, &note)?;
    Ok(release)
}

fn kept(name: &str, store: &Store) -> Option<Vec<u8>> {
    let note: ReleaseNote = store.note(Shelf::Releases, name)?;
    store.read_blob(&note.blob).ok()
}

/// The packages that an index lists.
fn packages(wanted: &Wanted<'_>, found: &Found, index: &Index, reach: &Reach<'_>) -> Result<Vec<Package>, InputError> {
    let digest = index.file.sha256.to_string();
    if !reach.store.has_blob(&digest, index.file.size_bytes) {
        let others = std::iter::once(&wanted.mirror).chain(&wanted.others).filter(|mirror| **mirror != found.mirror);
        let mirrors = std::iter::once(&found.mirror).chain(others);
        let by_hash = found.release.by_hash;
        let mut places = mirrors.flat_map(|mirror| index::places(mirror, wanted.suite, index, by_hash));
        let url = places.next().unwrap_or_default();
        let request = Request { url, mirrors: places.collect(), sha256: None, proof: Proof::Content };
        let mut sink = BlobSink(reach.store.writer()?);
        reach.remote.web.fetch(&request, Some((index.file.sha256, index.file.size_bytes)), &mut sink)?;
        sink.0.commit(&digest)?;
    }
    let bytes = reach.store.read_blob(&digest)?;
    Ok(index::read(bytes.as_slice(), &format!("{} of {}", index.path, wanted.suite))?)
}
