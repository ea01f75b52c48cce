//! The only place where the stages meet.
//!
//! ```text
//! load     template + lock                         -> Loaded     what was written, settled
//! asks     template                                -> Asks       what comes from outside
//! pin      Loaded + Asks                           -> Loaded     every one of them with an entry in the lock
//! packages Loaded                                  -> Loaded     which packages of a distribution, once
//! fetch    Loaded                                  -> Loaded     what commands download, in store and lock, once
//! gather   sources and inputs                      -> Gathered   trees, and where their contents are
//! units    the stages and images of a build        -> which need which, several at once
//! evaluate one of them                             -> changesets
//! provision a layer with commands                  -> changeset, in the sandbox, once
//! withheld secrets that nobody gave                -> findings, before anything runs
//! prepare  Loaded + Gathered                       -> Prepared   changesets, plan, keys
//! trial    Prepared                                -> Outcome    whether its tests pass
//! build    Prepared + Store                        -> Built      blobs, images, index
//! keys     private keys in it                      -> refused, or told
//! deliver  Built + outputs                         -> receipts
//! drift    what was pinned                  -> what moved or vanished
//! publish  Built + destinations                -> registries and layouts, each name once
//! reproduce several builds from nothing, varied   -> what differs, and why
//! look     a reference                             -> Seen       an image that exists, for people
//! whole    a reference                             -> Whole      the same with all that belongs to it
//! pull     Whole + outputs                         -> store, receipts
//! copy     Whole + destinations                    -> registries and layouts, nothing changed
//! ```
//! Everything that the world decides comes in through [`Terms`]: the clock, the machine, how many threads.

pub mod asks;
pub mod build;
pub mod contents;
pub mod copy;
pub mod deliver;
pub mod drift;
pub mod error;
mod evaluate;
pub mod fetch;
pub mod gather;
mod keys;
mod landing;
pub mod load;
pub mod look;
mod packages;
pub mod pin;
pub mod prepare;
pub mod provision;
pub mod publish;
pub mod pull;
pub mod reproduce;
pub mod supply;
pub mod terms;
pub mod trial;
mod units;
pub mod vendor;
pub mod whole;
mod withheld;

pub use build::{Built, BuiltLayer, build};
pub use copy::copy;
pub use deliver::{deliver, known_outputs};
pub use error::Error;
pub use gather::{Gathered, gather};
pub use load::{Loaded, LockMode, Request, load};
pub use look::{Seen, SeenLayer, look_at_file, look_in_registry, look_in_store};
pub use pin::pin;
pub use prepare::{Prepared, PreparedLayer, State, prepare};
pub use provision::{Commands, Provision};
pub use pull::{Pulled, pull};
pub use reproduce::{Reproduction, reproduce};
pub use terms::{Event, Terms};
pub use trial::{Outcome, Seat, Subject, Wish};
pub use whole::{Whole, find};
