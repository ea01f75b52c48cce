//! What a build will make, as plain data.
//!
//! ```text
//! Template + Lock + evaluated layers --> Plan --canonical JSON--> PlanDigest
//! Plan + what is remembered of the last build --explain()--> why a layer is built again
//! ```
//! A plan says everything that can influence the digest of the image and nothing else, so two machines with the same plan
//! build the same image; [`crate`] has the table of what enters which digest.
//!
//! Architecture Invariant: pure, and serialisable: `kiln plan --json` prints these types.

pub mod describe;
pub mod explain;
pub mod model;

pub use describe::describe;
pub use explain::{Why, explain};
pub use model::{BasePlan, LayerPlan, Made, Plan, PlanHead, PlanPart, PlatformPlan, StepPlan, layer_key};
