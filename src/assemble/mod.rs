//! Assembles a layer: its blocks are read and compressed on several threads and put together in order.
//!
//! ```text
//! worker 1   read block 0 | compress 0 | read 2 | ...          any worker, any order
//! worker 2   read block 1 | compress 1 | read 3 | ...
//!                   |            |
//! raw lane   digest 0, 1, 2 .. of the tar   = diff ID          strictly in order, by whichever worker
//! blob lane  write and digest 0, 1, 2 ..    = layer digest     brings the next block ([`lane`])
//! ```
//! There are no threads but the workers, so two cores are always busy with the most useful thing, and no more than a
//! window of blocks is in memory, so it does not grow with the layer.
//!
//! Architecture Invariant: the bytes do not depend on the number of workers. What they are is [`crate::layer`]'s; this
//! module only decides when.

mod lane;
mod pool;
mod window;
mod work;

pub use work::{AssembleError, Assembled, Order, Previous, assemble};
