//! Tags that move: channels.

use crate::registry::ask::shown;
use crate::registry::client::{Client, Subject};
use crate::registry::error::{Doing, RegistryError};
use crate::registry::manifest::Manifest;
use crate::registry::name::Repository;
use crate::registry::tag::Tag;
use crate::transport::{Method, Request};

use super::again;

/// A tag that was declared to move. Whoever makes one keeps the record of its moves (`crate::publish::channel`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Channel(Tag);

impl Channel {
    /// Declares it.
    pub fn declared(tag: Tag) -> Self {
        Self(tag)
    }

    /// Its tag.
    pub fn tag(&self) -> &Tag {
        &self.0
    }
}

impl Client<'_> {
    /// Makes a channel hold a manifest or index, whatever it held. Before the PUT is repeated it is looked whether the
    /// first one arrived. Others may have moved the channel in the meantime: whoever calls looks at the record afterwards.
    pub fn move_channel(
        &self,
        repository: &Repository,
        channel: &Channel,
        manifest: &Manifest,
    ) -> Result<(), RegistryError> {
        let mut patience = self.transport.patience(self.watch);
        while let Err(error) = self.put_channel(repository, channel, manifest) {
            again::wait(&mut patience, error)?;
            if self.standing(repository, channel.0.as_str())? == Some(manifest.digest) {
                break;
            }
        }
        Ok(())
    }

    /// One PUT, which is not repeated.
    fn put_channel(
        &self,
        repository: &Repository,
        channel: &Channel,
        manifest: &Manifest,
    ) -> Result<(), RegistryError> {
        let name = shown(repository, channel.0.as_str());
        let subject = Subject { doing: Doing::Write, what: "the channel", image: &name };
        self.authorized(repository, subject, &|| 0, &mut |header| {
            let request = Request::new(Method::Put, self.url(repository, &format!("manifests/{}", channel.0))?);
            let request = request.authorized(header).with_body(manifest.media_type.as_ref(), manifest.bytes.clone());
            self.transport.send_once(&request)?.success().map(drop)
        })
    }
}
