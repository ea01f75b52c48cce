//! Images that somebody wrote down with a digest, and whether their registry still has them so.
//!
//! ```text
//! text --scan--> Pin.. with their places, and digests whose name cannot be read
//! Pin + what the registry says --> State          state + basis --> Grade
//! ```
//! Pure: `pipeline::drift` reads and asks.

pub mod pin;
pub mod scan;
pub mod state;

pub use pin::{Basis, Pin, Pinned, Place};
pub use scan::{Scan, Spot, Unread, scan};
pub use state::{Grade, State, Strictness};
