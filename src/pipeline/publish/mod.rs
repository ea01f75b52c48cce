//! Publishes what was built.
//!
//! ```text
//! Prepared + destinations --addresses--> where, and under which names
//!                         --published--> what is there already by the same plan: nothing is built then
//! Built                   --cargo-->     shipment, stock
//! cargo + addresses       --send-->      what became of each destination
//! Part..                  --parts-->     cargo, where several machines build one platform each
//! ```

pub mod addresses;
pub mod cargo;
pub mod parts;
pub mod published;
pub mod send;

pub use addresses::{Address, TagWish, addresses};
pub use cargo::Cargo;
pub use parts::{join, keep_part, part_place, part_tags};
pub use published::{platforms, published};
pub use send::{Sent, send};
