//! Words that every other module uses: digests, paths, times, platforms, references, canonical JSON.
//!
//! Architecture Invariant: nothing here reads a file, a clock or the environment, and nothing here imports another
//! module of kiln.

pub mod class;
pub mod digest;
pub mod epoch;
pub mod glob;
pub mod hash;
pub mod json;
pub mod natural;
pub mod path;
pub mod platform;
pub mod reference;
pub mod repository;
pub mod shell;

pub use class::Class;
pub use digest::{
    BlobDigest, ConfigDigest, ContentDigest, DiffId, IndexDigest, LayerDigest, LayerKey, ManifestDigest, PlanDigest,
    TemplateDigest, TreeDigest,
};
pub use epoch::Epoch;
pub use hash::Hasher;
pub use natural::natural;
pub use path::ImagePath;
pub use platform::Platform;
