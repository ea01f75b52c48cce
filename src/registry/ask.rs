//! What a registry says about what it holds. Only the registry itself is asked, never a mirror: who pushes has to know
//! what is there.

use crate::base::BlobDigest;
use crate::base::hash::digest_of;
use crate::image::checks::DOCUMENT_MAX_BYTES;
use crate::image::{Descriptor, Links};
use crate::transport::{Answer, Document, Method, Request, Url};

use super::client::{Client, Subject};
use super::error::{Doing, RegistryError};
use super::manifest::{self, Manifest};
use super::name::{ImageName, Repository};
use super::tag::Tag;

/// Pages of a list that are read: one that goes on for ever is no list. Registries give 50 to 1,000 entries a page.
const PAGES_MAX: usize = 10_000;

/// Bytes of all pages of a list: half a million tags of the greatest length.
const LIST_MAX_BYTES: usize = 64 * 1024 * 1024;

/// What refers to something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referrers {
    /// Each of them.
    pub entries: Vec<Descriptor>,
    /// Who keeps the list.
    pub listed: Listed,
}

/// How a registry keeps what refers to something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// It does it itself (distribution-spec 1.1).
    Api,
    /// Clients do, under a tag.
    Tag,
}

impl Client<'_> {
    /// The digest that a tag or a digest has in a repository; nothing if it is not there.
    pub fn standing(&self, repository: &Repository, wanted: &str) -> Result<Option<BlobDigest>, RegistryError> {
        let name = shown(repository, wanted);
        let subject = Subject { doing: Doing::Read, what: "the tag", image: &name };
        let path = format!("manifests/{wanted}");
        let answer = match self.ask(repository, subject, Method::Head, &path) {
            Err(RegistryError::NotFound { .. }) => return Ok(None),
            answer => answer?,
        };
        let said = answer.headers.get("docker-content-digest").and_then(|said| said.parse().ok());
        let expected = wanted.parse::<BlobDigest>().ok();
        match said {
            // Another one under a digest is not the thing that was asked for.
            Some(found) if expected.is_some_and(|expected| expected != found) => {
                let registry = repository.registry.clone();
                Err(RegistryError::Digest { registry, image: name, expected: wanted.to_owned(), found })
            }
            Some(digest) => Ok(Some(digest)),
            // It need not be said; then the bytes say it.
            None => Ok(self.held(repository, wanted)?.map(|manifest| manifest.digest)),
        }
    }

    /// The manifest or index that a tag or a digest names; nothing if it is not there.
    pub fn held(&self, repository: &Repository, wanted: &str) -> Result<Option<Manifest>, RegistryError> {
        let name = shown(repository, wanted);
        let subject = Subject { doing: Doing::Read, what: "the image", image: &name };
        let path = format!("manifests/{wanted}");
        match self.fetch(repository, subject, &path) {
            Err(RegistryError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
            Ok(Document { headers, bytes, .. }) => {
                let digest = wanted.parse().ok();
                manifest::check(&repository.registry, &name, digest, &headers, bytes).map(Some)
            }
        }
    }

    /// Whether a repository has a blob of this length.
    pub fn has_blob(
        &self,
        repository: &Repository,
        digest: &BlobDigest,
        size_bytes: u64,
    ) -> Result<bool, RegistryError> {
        let name = shown(repository, &digest.to_string());
        let subject = Subject { doing: Doing::Read, what: "the blob", image: &name };
        match self.ask(repository, subject, Method::Head, &format!("blobs/{digest}")) {
            Err(RegistryError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
            // Whatever has another length under this digest is not it.
            Ok(answer) => Ok(answer.headers.number("content-length").is_none_or(|found| found == size_bytes)),
        }
    }

    /// All tags of a repository, in the registry's order; nothing if there is no such repository.
    pub fn tags(&self, repository: &Repository) -> Result<Option<Vec<String>>, RegistryError> {
        #[derive(serde::Deserialize)]
        struct List {
            tags: Option<Vec<String>>,
        }
        let name = repository.to_string();
        let subject = Subject { doing: Doing::Read, what: "the tags of", image: &name };
        let mut tags = Vec::new();
        for document in self.pages(repository, subject, "tags", "tags/list") {
            match document {
                Err(RegistryError::NotFound { .. }) if tags.is_empty() => return Ok(None),
                Err(error) => return Err(error),
                Ok(bytes) => {
                    let list: List = serde_json::from_slice(&bytes).map_err(|_| not_a_list(repository, "tags"))?;
                    tags.extend(list.tags.unwrap_or_default());
                }
            }
        }
        Ok(Some(tags))
    }

    /// What refers to a manifest, by the registry's own word or by the fallback tag.
    pub fn referrers(&self, repository: &Repository, to: &BlobDigest) -> Result<Referrers, RegistryError> {
        let name = shown(repository, &to.to_string());
        let subject = Subject { doing: Doing::Read, what: "what refers to", image: &name };
        let mut entries = Vec::new();
        for document in self.pages(repository, subject, "referrers", &format!("referrers/{to}")) {
            match document {
                Err(RegistryError::NotFound { .. }) if entries.is_empty() => {
                    let index = self.fallback(repository, to)?;
                    let entries = index.map(|(_, links)| links.manifests).unwrap_or_default();
                    return Ok(Referrers { entries, listed: Listed::Tag });
                }
                Err(error) => return Err(error),
                Ok(bytes) => {
                    let links = Links::of(&bytes).map_err(|_| not_a_list(repository, "referrers"))?;
                    entries.extend(links.manifests);
                }
            }
        }
        Ok(Referrers { entries, listed: Listed::Api })
    }

    /// What is under the fallback tag of something.
    pub(super) fn fallback(
        &self,
        repository: &Repository,
        to: &BlobDigest,
    ) -> Result<Option<(Manifest, Links)>, RegistryError> {
        let tag = Tag::fallback(to);
        let Some(found) = self.held(repository, tag.as_str())? else { return Ok(None) };
        match Links::of(&found.bytes) {
            Ok(links) if crate::image::checks::is_index(&found.media_type) => Ok(Some((found, links))),
            _ => Err(RegistryError::NotAFallback { repository: repository.to_string(), tag: tag.to_string() }),
        }
    }

    /// The whole bytes of a manifest of whatever kind, by digest.
    pub fn document_of(&self, repository: &Repository, digest: &BlobDigest) -> Result<Manifest, RegistryError> {
        let image = ImageName { repository: repository.clone(), tag: None, digest: Some(*digest) };
        let found = self.held(repository, &image.wanted())?;
        found.filter(|found| digest_of::<BlobDigest>(&found.bytes) == *digest).ok_or_else(|| RegistryError::NotFound {
            registry: repository.registry.clone(),
            what: "the image",
            image: image.to_string(),
            said: None,
        })
    }

    /// Asks for a path of a repository.
    pub(super) fn ask(
        &self,
        repository: &Repository,
        subject: Subject<'_>,
        method: Method,
        path: &str,
    ) -> Result<Answer, RegistryError> {
        self.authorized(repository, subject, &|| 0, &mut |header| {
            let request = Request::new(method, self.url(repository, path)?).authorized(header);
            let request = request.with("accept", manifest::ACCEPT);
            self.transport.send(&request, self.watch)?.success()
        })
    }

    fn fetch(&self, repository: &Repository, subject: Subject<'_>, path: &str) -> Result<Document, RegistryError> {
        self.authorized(repository, subject, &|| 0, &mut |header| self.document_at(self.url(repository, path)?, header))
    }

    fn document_at(
        &self,
        url: Url,
        header: Option<crate::transport::Secret>,
    ) -> Result<Document, crate::transport::TransportError> {
        let request = Request::get(url).authorized(header).with("accept", manifest::ACCEPT);
        self.transport.document(&request, DOCUMENT_MAX_BYTES, self.watch)
    }

    /// The pages of a list, one after the other, as `Link` leads (RFC 8288; distribution-spec, "Listing Tags"). A list that
    /// does not end is an error, never a part of a list.
    fn pages<'b>(
        &'b self,
        repository: &'b Repository,
        subject: Subject<'b>,
        what: &'static str,
        path: &'b str,
    ) -> impl Iterator<Item = Result<Vec<u8>, RegistryError>> + 'b {
        let mut next: Option<Option<Url>> = Some(None);
        let mut read = Read::default();
        std::iter::from_fn(move || {
            let at = next.take()?;
            let page = self.authorized(repository, subject, &|| 0, &mut |header| {
                let first = self.url(repository, path)?;
                let url = at.clone().unwrap_or(first.clone());
                let header = header.filter(|_| url.has_origin_of(&first));
                self.document_at(url, header)
            });
            Some(page.and_then(|document| {
                let link = link(&document);
                if read.ends(document.bytes.len(), link.as_ref()) == Ends::Never {
                    return Err(RegistryError::Endless { repository: repository.to_string(), what });
                }
                next = link.map(Some);
                Ok(document.bytes)
            }))
        })
    }
}

/// What was read of a list.
#[derive(Default)]
struct Read {
    bytes: usize,
    /// Where further pages were said to be.
    links: Vec<Url>,
}

/// Whether a list has an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// As far as can be seen.
    Perhaps,
    /// It leads in a circle, or is longer than any list is.
    Never,
}

impl Read {
    /// After one more page, which leads there.
    fn ends(&mut self, bytes: usize, link: Option<&Url>) -> Ends {
        self.bytes = self.bytes.saturating_add(bytes);
        let is_circle = link.is_some_and(|link| self.links.contains(link));
        self.links.extend(link.cloned());
        match is_circle || self.bytes > LIST_MAX_BYTES || self.links.len() >= PAGES_MAX {
            true => Ends::Never,
            false => Ends::Perhaps,
        }
    }
}

/// `HOST/REPO:TAG` or `HOST/REPO@DIGEST`
pub(super) fn shown(repository: &Repository, wanted: &str) -> String {
    let between = if wanted.contains(':') { '@' } else { ':' };
    format!("{repository}{between}{wanted}")
}

fn not_a_list(repository: &Repository, what: &'static str) -> RegistryError {
    RegistryError::NotAList { repository: repository.to_string(), what }
}

/// Where the next page is.
fn link(document: &Document) -> Option<Url> {
    let (target, parameters) = document.headers.get("link")?.trim().strip_prefix('<')?.split_once('>')?;
    let is_next = parameters.split(';').any(|one| matches!(one.trim(), "rel=next" | "rel=\"next\""));
    is_next.then(|| document.url.join(target).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_an_end() {
        let at = |page: usize| Url::parse(&format!("https://r.example.org/{page}")).expect("an address");
        let mut read = Read::default();
        let quarter = LIST_MAX_BYTES / 4;
        assert!((0..4).all(|page| read.ends(quarter, Some(&at(page))) == Ends::Perhaps));
        assert_eq!(read.ends(1, None), Ends::Never);
        let mut read = Read::default();
        assert!((1..PAGES_MAX).all(|page| read.ends(1, Some(&at(page))) == Ends::Perhaps));
        assert_eq!(read.ends(1, Some(&at(PAGES_MAX))), Ends::Never);
    }
}
