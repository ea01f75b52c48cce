//! The only place where the stages meet.
//!
//! ```text
//! load     template + lock                         -> Loaded     what was written, settled
//! gather   sources and archives                    -> Gathered   trees, and where their contents are
//! prepare  Loaded + Gathered                       -> Prepared   changesets, plan, keys
//! build    Prepared + Store                        -> Built      blobs, images, index
//! deliver  Built + outputs                         -> receipts
//! look     a reference                             -> Seen       an image that exists, for people
//! ```
//! Everything that the world decides comes in through [`Terms`]: the clock, the machine, how many threads.

pub mod build;
pub mod contents;
pub mod deliver;
pub mod error;
pub mod gather;
pub mod load;
pub mod look;
pub mod prepare;
pub mod spool;
pub mod supply;
pub mod terms;

pub use build::{Built, BuiltLayer, build};
pub use deliver::{deliver, known_outputs};
pub use error::{Class, Error};
pub use gather::{Gathered, gather};
pub use load::{Loaded, LockMode, Request, load};
pub use look::{Seen, SeenLayer, look_at_file, look_in_store};
pub use prepare::{Prepared, PreparedLayer, State, prepare};
pub use terms::{Event, Terms};
