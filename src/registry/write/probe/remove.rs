//! Removing what a probe wrote, and nothing else.

use crate::registry::ask::shown;
use crate::registry::client::Subject;
use crate::registry::error::{Doing, RegistryError};
use crate::registry::name::Repository;
use crate::transport::{Method, Request};

use super::{Prober, Told, Written, told};

/// What became of the content that was written.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Removed {
    /// How many things are gone.
    pub gone: usize,
    /// Those that are there still.
    pub left: Vec<Left>,
}

/// Something that is there still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// `tag`, `manifest`, `blob`
    pub kind: &'static str,
    /// `REPOSITORY:TAG`, `REPOSITORY@DIGEST`
    pub name: String,
    /// Why, as far as it is known.
    pub why: String,
}

impl Prober<'_> {
    /// Removes everything that was written: tags first, then manifests, then blobs, so that nothing is in the way of the
    /// next. What cannot be removed, or asked for, is left.
    pub fn remove_all(mut self) -> Removed {
        let written = std::mem::take(&mut self.written);
        let rank = |written: &Written| match written {
            Written::Tag(_) => 0,
            Written::Manifest(_) => 1,
            Written::Blob(..) => 2,
        };
        let mut answers = Vec::new();
        for kind in 0..=2 {
            for written in written.iter().filter(|written| rank(written) == kind) {
                answers.push((written, self.remove(written)));
            }
        }
        let mut removed = Removed::default();
        for (written, answer) in answers {
            match self.is_left(written) {
                Ok(false) => removed.gone += 1,
                Ok(true) => removed.left.push(self.left(written, reason(answer))),
                Err(error) => removed.left.push(self.left(written, error.to_string())),
            }
        }
        removed
    }

    fn remove(&self, written: &Written) -> Result<Told, RegistryError> {
        let (repository, path) = self.place(written);
        let (_, name) = self.named(written);
        let subject = Subject { doing: Doing::Remove, what: "the throw-away content", image: &name };
        self.client.authorized(repository, subject, &|| 0, &mut |header| {
            let request = Request::new(Method::Delete, self.client.url(repository, &path)?).authorized(header);
            told(self.client.transport.send(&request, self.client.watch)?)
        })
    }

    /// A registry may say that it removed something, and keep it; or say that it cannot, and what held it is gone.
    fn is_left(&self, written: &Written) -> Result<bool, RegistryError> {
        match written {
            Written::Tag(tag) => self.client.standing(self.repository, tag.as_str()).map(|held| held.is_some()),
            Written::Manifest(digest) => {
                self.client.standing(self.repository, &digest.to_string()).map(|held| held.is_some())
            }
            Written::Blob(repository, digest, size_bytes) => self.client.has_blob(repository, digest, *size_bytes),
        }
    }

    fn place<'b>(&'b self, written: &'b Written) -> (&'b Repository, String) {
        match written {
            Written::Tag(tag) => (self.repository, format!("manifests/{tag}")),
            Written::Manifest(digest) => (self.repository, format!("manifests/{digest}")),
            Written::Blob(repository, digest, _) => (repository, format!("blobs/{digest}")),
        }
    }

    fn named(&self, written: &Written) -> (&'static str, String) {
        match written {
            Written::Tag(tag) => ("tag", shown(self.repository, tag.as_str())),
            Written::Manifest(digest) => ("manifest", shown(self.repository, &digest.to_string())),
            Written::Blob(repository, digest, _) => ("blob", shown(repository, &digest.to_string())),
        }
    }

    fn left(&self, written: &Written, why: String) -> Left {
        let (kind, name) = self.named(written);
        Left { kind, name, why }
    }
}

fn reason(answer: Result<Told, RegistryError>) -> String {
    match answer {
        Ok(told) if told.is_taken() => format!("the registry answers {told} and keeps it"),
        Ok(told) => told.to_string(),
        Err(error) => error.to_string(),
    }
}
