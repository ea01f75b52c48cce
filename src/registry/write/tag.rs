//! Tags of releases: created once.
//!
//! ```text
//! HEAD --absent--> PUT --done?--> HEAD --ours--> Created
//!   |                |              \--another's--> TagHeld, a race was lost
//!   |                \--refused (400, 403, 409, 412)--> HEAD --ours--> AlreadyThere; another's--> TagHeld; absent--> TagRefused, or the error
//!   |--ours--> AlreadyThere, nothing was sent
//!   \--another's--> TagHeld
//! ```
//! Rationale: no registry is known to create a tag only if it is absent, unless its tags are immutable; `If-None-Match` is
//! sent for the one that will. What is left of the race is one round trip, and it is looked at afterwards.

use crate::base::BlobDigest;
use crate::registry::ask::shown;
use crate::registry::client::{Client, Subject};
use crate::registry::error::{Doing, Race, RegistryError};
use crate::registry::manifest::Manifest;
use crate::registry::name::Repository;
use crate::registry::tag::Tag;
use crate::transport::{Method, Request, TransportError};

use super::again;

/// What became of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It was not there.
    Now,
    /// It had this digest already.
    AlreadyThere,
}

impl Client<'_> {
    /// Gives a manifest or index, which is in the repository with all that it leads to, a tag that is not there yet. The
    /// only function that writes the tag of a release.
    pub fn create_tag(
        &self,
        repository: &Repository,
        tag: &Tag,
        manifest: &Manifest,
    ) -> Result<Created, RegistryError> {
        let mut patience = self.transport.patience(self.watch);
        let mut race = Race::None;
        loop {
            if let Some(held) = self.standing(repository, tag.as_str())? {
                if held != manifest.digest {
                    return Err(held_by(repository, tag, held, manifest, race));
                }
                // An answer that was lost is no reason to say that somebody else was here.
                return Ok(if race == Race::None { Created::AlreadyThere } else { Created::Now });
            }
            race = Race::Lost;
            let error = match self.put_new(repository, tag, manifest) {
                Ok(()) => return self.look_again(repository, tag, manifest),
                Err(error) => error,
            };
            match status_of(&error) {
                Some(_) => return self.refused(repository, tag, manifest, error),
                None => again::wait(&mut patience, error)?,
            }
        }
    }

    /// One PUT, which is not repeated: between two of them somebody has to look.
    fn put_new(&self, repository: &Repository, tag: &Tag, manifest: &Manifest) -> Result<(), RegistryError> {
        let name = shown(repository, tag.as_str());
        let subject = Subject { doing: Doing::Write, what: "the tag", image: &name };
        self.authorized(repository, subject, &|| 0, &mut |header| {
            let request = Request::new(Method::Put, self.url(repository, &format!("manifests/{tag}"))?);
            let request = request.authorized(header).with("if-none-match", "*");
            let request = request.with_body(manifest.media_type.as_ref(), manifest.bytes.clone());
            self.transport.send_once(&request)?.success().map(drop)
        })
    }

    fn look_again(&self, repository: &Repository, tag: &Tag, manifest: &Manifest) -> Result<Created, RegistryError> {
        match self.standing(repository, tag.as_str())? {
            Some(held) if held == manifest.digest => Ok(Created::Now),
            Some(held) => Err(held_by(repository, tag, held, manifest, Race::Lost)),
            None => Err(RegistryError::TagVanished { tag: shown(repository, tag.as_str()) }),
        }
    }

    /// The registry did not take a tag that was absent: because it is there now, or for a reason of its own.
    fn refused(
        &self,
        repository: &Repository,
        tag: &Tag,
        manifest: &Manifest,
        error: RegistryError,
    ) -> Result<Created, RegistryError> {
        match self.standing(repository, tag.as_str())? {
            Some(held) if held == manifest.digest => Ok(Created::AlreadyThere),
            Some(held) => Err(held_by(repository, tag, held, manifest, Race::Lost)),
            None => Err(match status_of(&error) {
                // A 400 can be about anything, such as the manifest.
                Some((status, said)) if status != 400 || said.is_some_and(is_about_tag) => {
                    let said = said.map(str::to_owned);
                    RegistryError::TagRefused { tag: shown(repository, tag.as_str()), status, said }
                }
                _ => error,
            }),
        }
    }
}

fn held_by(repository: &Repository, tag: &Tag, held: BlobDigest, manifest: &Manifest, race: Race) -> RegistryError {
    RegistryError::TagHeld { tag: shown(repository, tag.as_str()), held, wanted: manifest.digest, race }
}

/// What a registry answers that does not want a tag, and what it said: that is what immutable tags look like.
fn status_of(error: &RegistryError) -> Option<(u16, Option<&str>)> {
    match error {
        RegistryError::Unauthorized { status: 403, said, .. } => Some((403, said.as_deref())),
        RegistryError::Transport { source, .. } => match &**source {
            TransportError::Refused { status: status @ (400 | 409 | 412), said, .. } => {
                Some((*status, said.as_deref()))
            }
            _ => None,
        },
        _ => None,
    }
}

/// Whether what a registry said is about the tag: `TAG_INVALID`, `TAG_ALREADY_EXISTS`, or in words.
fn is_about_tag(said: &str) -> bool {
    let mut words = said.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| ["tag", "tags", "immutable"].iter().any(|about| word.eq_ignore_ascii_case(about)))
}
