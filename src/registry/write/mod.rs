//! What is written to registries (distribution-spec, "Push").
//!
//! ```text
//! blob       Parcel      --mount | send-->      in the repository        resumed where it was cut
//! manifest   Manifest    --PUT by digest-->     in the repository
//! attach     Manifest..  --PUT by digest-->     in the list of what refers to their subject
//! tag        Tag         --HEAD, PUT, HEAD-->   created, once and for all
//! channel    Channel     --PUT-->               moved
//! probe      throw-away content                 what the registry does with it; removed again
//! ```
//! Architecture Invariant: a tag of a release is written by [`tag`] alone, which never writes over one. The tags that do
//! move have functions of their own, [`channel`] and [`attach`], whose names cannot be those of a release, nor can those of
//! [`probe`], which throws away what it wrote. Nothing else sends a PUT to `manifests/` (`tests/tidy` looks). Whether one
//! of a tag is repeated is decided in `again`.

mod again;
pub mod attach;
pub mod blob;
pub mod channel;
pub mod manifest;
pub mod probe;
mod proven;
mod session;
pub mod tag;
