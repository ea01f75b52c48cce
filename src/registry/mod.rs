//! Reads images from OCI registries and writes them there (distribution-spec 1.1).
//!
//! ```text
//! "debian" --parse--> ImageName --Client::resolve--> Manifest (or index), verified
//!                     Repository + digest --Client::blob--> sink, verified
//!                     Repository + digest --stream--> Read, for what is sent on while it comes
//! ask    what is there: tags, blobs, what refers to something
//! write  blobs, manifests, attachments, tags that are created once
//!
//! challenge -> tokens <- credentials, helper       who we are          mirrors      where else it may be
//! Namespace + password --login--> taken? --keep, auth_file, helper--> where credentials are found next time
//! ```
//! - A name is what the user wrote; mirrors and moved registries change where it is asked for, and nothing else.
//! - Nothing is believed: bytes are held against the digest that was asked for and the one that the registry names.
//! - A 401 gets a new token at any time, also in the middle of a blob, which then goes on where it was.
//!
//! Architecture Invariant: files and directories come in as data, HTTP goes through [`crate::transport`], and only
//! [`write`] changes a registry.

pub mod ask;
pub mod challenge;
pub mod client;
pub mod credentials;
pub mod error;
pub mod keep;
pub mod login;
pub mod manifest;
pub mod mirrors;
pub mod name;
pub mod namespace;
pub mod stream;
pub mod tag;
pub mod write;

mod auth_file;
mod helper;
mod tokens;

#[cfg(test)]
mod tests;

pub use ask::{Listed, Referrers};
pub use client::{Client, Files};
pub use credentials::{Credential, CredentialFiles};
pub use error::{Doing, Given, Race, RegistryError};
pub use keep::{Keeper, Kept, Whose};
pub use login::Asked;
pub use manifest::Manifest;
pub use mirrors::{Firsts, Mirrors};
pub use name::{ImageName, Repository};
pub use namespace::Namespace;
pub use stream::RemoteBlob;
pub use tag::{Kind, Tag};
pub use write::blob::{Arrived, BlobSource, Damaged, Parcel};
pub use write::channel::Channel;
pub use write::manifest::Indexed;
pub use write::tag::Created;
