//! Bringing what was built to where others find it, and never rewriting what is there.
//!
//! ```text
//! Shipment + Stock + names --push--> Place          Receipt { what was sent, mounted, there already; the names }
//!
//! shipment  manifests, from the images to the index, and what refers to them
//! stock     where their blobs are: store, layout, registry
//! place     what can be pushed to: a repository of a registry, an OCI layout, an archive
//! tags      what a repository has, for people
//! probe     what a registry can do, with throw-away content
//! part      one platform of it, where several machines build one each
//! push      the order: blobs, manifests, attachments, names
//! channel   tags that move forward by version, and the record of their moves
//! origin    what can be read whole: a repository, a layout, the store        collect   Origin + name -> Shipment
//! ```
//! - A name is given to nothing that is not there whole: blobs first, then manifests by digest, then what refers to them,
//!   then the name.
//! - A name that holds something else is never written over, and no option changes that ([`crate::registry::write`]).
//! - What is there already is not sent: a name that holds the digest proves everything, a manifest proves its blobs. Only a
//!   copy looks for what refers to it all the same, because that may have come later.
//!
//! Architecture Invariant: nothing here decides a byte of what is pushed, and nothing here builds.

pub mod archive;
pub mod channel;
pub mod collect;
pub mod destination;
pub mod error;
pub mod layout;
pub mod names;
pub mod origin;
pub mod part;
pub mod place;
pub mod probe;
pub mod push;
pub mod record;
pub mod registry;
pub mod shipment;
pub mod stock;
pub mod stored;
pub mod tags;
pub mod version;
#[cfg(test)]
mod tests;

pub use archive::ArchivePlace;
pub use channel::{Aims, ChannelError, ChannelName, Move};
pub use collect::collect;
pub use destination::{Destination, ParseDestinationError};
pub use error::PublishError;
pub use layout::LayoutPlace;
pub use names::Names;
pub use origin::Origin;
pub use place::{Naming, Place};
pub use push::{How, Receipt, copy, push};
pub use registry::RegistryPlace;
pub use shipment::{Attachment, Companion, Shipment};
pub use stock::Stock;
pub use stored::StoreStock;
