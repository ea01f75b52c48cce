//! Publishes what was built.
//!
//! ```text
//! Prepared + destinations --addresses--> where, and under which names
//!                         --published--> what is there already by the same plan: nothing is built then
//! Built                   --cargo-->     shipment, stock
//! cargo + addresses       --send-->      what became of each destination
//! ```

pub mod addresses;
pub mod cargo;
pub mod published;
pub mod send;

pub use addresses::{Address, TagWish, addresses};
pub use cargo::Cargo;
pub use published::published;
pub use send::{Sent, send};
