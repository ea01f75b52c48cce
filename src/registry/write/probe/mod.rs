//! Throw-away content, written to find out what a registry does with it.
//!
//! ```text
//! Prober   --blob, manifest, tag_it, in_chunks, cut, mount-->   what the registry answered; each is remembered
//!          --remove_all-->                                      what of it is left
//! ```
//! What a registry refuses is an answer here, not a failure.
//!
//! Architecture Invariant: nothing else writes without looking at what is there, and nothing else removes. So no name of a
//! release can come in: all tags are [`ProbeTag`]s, and only what was written here is removed. Nothing but
//! `src/publish/probe/` names a [`Prober`] (`tests/tidy` looks).

mod remove;
mod upload;

use std::fmt;
use std::hash::{BuildHasher, RandomState};

use crate::base::digest::hex;
use crate::base::{BlobDigest, hash::digest_of};
use crate::registry::ask::shown;
use crate::registry::client::{Client, Subject};
use crate::registry::error::{Doing, RegistryError};
use crate::registry::manifest::Manifest;
use crate::registry::name::Repository;
use crate::transport::{Answer, Method, Request, TransportError};

pub use remove::{Left, Removed};
pub use upload::{Chunks, Mounted, Resumed};

use super::blob::{BlobSource, Parcel};

/// A tag that is thrown away: `kiln-probe-` and 16 hexadecimal digits that are different each time. It can be no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeTag(String);

impl ProbeTag {
    /// What all of them begin with.
    pub const PREFIX: &str = "kiln-probe-";

    /// One that nobody has.
    pub fn fresh() -> Self {
        let chance = RandomState::new().hash_one(std::process::id());
        Self(format!("{}{}", Self::PREFIX, hex(&chance.to_be_bytes())))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProbeTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a registry answered to something that it may refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// `201` and the like.
    pub status: u16,
    /// The beginning of what it said, if it refused.
    pub said: Option<String>,
    /// Whether it says that it lists the manifest as a referrer (`OCI-Subject`).
    pub lists_subject: bool,
}

impl Told {
    /// Whether it did what was asked.
    pub fn is_taken(&self) -> bool {
        matches!(self.status, 200..=299)
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        self.said.as_ref().map_or(Ok(()), |said| write!(f, ": {said}"))
    }
}

/// On what condition a tag is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// On none.
    None,
    /// Only if it is not there (`If-None-Match: *`, RFC 9110, section 13.1.2).
    Absent,
}

/// Something that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Written {
    Tag(ProbeTag),
    Manifest(BlobDigest),
    Blob(Repository, BlobDigest, u64),
}

/// Writes throw-away content, and remembers it.
pub struct Prober<'a> {
    client: &'a Client<'a>,
    repository: &'a Repository,
    tag: ProbeTag,
    written: Vec<Written>,
}

/// Small content.
struct Bytes<'a>(&'a [u8]);

impl BlobSource for Bytes<'_> {
    fn open(&self) -> std::io::Result<Box<dyn std::io::Read + '_>> {
        Ok(Box::new(self.0))
    }
}

impl<'a> Prober<'a> {
    /// Nothing is written yet.
    pub fn new(client: &'a Client<'a>, repository: &'a Repository, tag: ProbeTag) -> Self {
        Self { client, repository, tag, written: Vec::new() }
    }

    /// Writes a blob as a push does it.
    pub fn blob(&mut self, bytes: &[u8]) -> Result<BlobDigest, RegistryError> {
        self.blob_in(self.repository, bytes)
    }

    fn blob_in(&mut self, repository: &Repository, bytes: &[u8]) -> Result<BlobDigest, RegistryError> {
        let digest = digest_of(bytes);
        self.remember(Written::Blob(repository.clone(), digest, bytes.len() as u64));
        let parcel = Parcel { digest, size_bytes: bytes.len() as u64, source: &Bytes(bytes) };
        self.client.push_blob(repository, &parcel, &[]).map(|_| digest)
    }

    /// Writes a manifest by digest.
    pub fn manifest(&mut self, manifest: &Manifest) -> Result<Told, RegistryError> {
        self.remember(Written::Manifest(manifest.digest));
        self.put(&manifest.digest.to_string(), manifest, Condition::None)
    }

    /// Makes the throw-away tag hold a manifest.
    pub fn tag_it(&mut self, manifest: &Manifest, condition: Condition) -> Result<Told, RegistryError> {
        self.remember(Written::Tag(self.tag.clone()));
        self.remember(Written::Manifest(manifest.digest));
        self.put(self.tag.as_str(), manifest, condition)
    }

    /// What the throw-away tag holds.
    pub fn holds(&self) -> Result<Option<BlobDigest>, RegistryError> {
        self.client.standing(self.repository, self.tag.as_str())
    }

    fn put(&self, name: &str, manifest: &Manifest, condition: Condition) -> Result<Told, RegistryError> {
        let name_shown = shown(self.repository, name);
        let subject = Subject { doing: Doing::Write, what: "the manifest", image: &name_shown };
        self.client.authorized(self.repository, subject, &|| 0, &mut |header| {
            let url = self.client.url(self.repository, &format!("manifests/{name}"))?;
            let mut request = Request::new(Method::Put, url).authorized(header);
            if condition == Condition::Absent {
                request = request.with("if-none-match", "*");
            }
            let request = request.with_body(manifest.media_type.as_ref(), manifest.bytes.clone());
            told(self.client.transport.send_once(&request)?)
        })
    }

    /// Before it is written: what became of it may never be known.
    fn remember(&mut self, written: Written) {
        if !self.written.contains(&written) {
            self.written.push(written);
        }
    }
}

/// Any answer, but for one that wants to know who asks.
fn told(answer: Answer) -> Result<Told, TransportError> {
    let (status, lists_subject) = (answer.status, answer.headers.get("oci-subject").is_some());
    if matches!(status, 200..=299) {
        return Ok(Told { status, said: None, lists_subject });
    }
    match answer.refusal() {
        TransportError::Refused { said, .. } if status != 401 => Ok(Told { status, said, lists_subject }),
        other => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throw_away_tag_is_a_tag_and_never_the_same() {
        let (one, other) = (ProbeTag::fresh(), ProbeTag::fresh());
        assert_ne!(one, other);
        assert!(one.as_str().parse::<crate::registry::Tag>().is_ok() && one.as_str().len() == 27, "{one}");
    }
}
