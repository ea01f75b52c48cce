//! What came out, as data.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::base::Epoch;
use crate::compare::Comparison;

/// What several builds of one template showed.
#[derive(Debug, Serialize)]
pub struct Reproduction {
    /// Whether all of them gave the same image.
    pub is_same: bool,
    /// The builds, in order.
    pub runs: Vec<RunReport>,
    /// What differed between the first and the last on purpose.
    pub varied: Vec<Varying>,
    /// What did not and might matter.
    pub held: Vec<Held>,
    /// Where the images begin to differ. `None` with different images: every layer has the same files.
    pub different: Option<Different>,
    /// A layer of a stage that differs without an effect on the image.
    pub aside: Option<Different>,
}

/// One build.
#[derive(Debug, Serialize)]
pub struct RunReport {
    /// Of the manifest, or of the index of several platforms.
    pub digest: String,
    /// When it began.
    pub began: Epoch,
    /// Where it was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<PathBuf>,
}

/// Something that was varied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Varying {
    /// What.
    pub what: &'static str,
    /// In the first build.
    pub first: String,
    /// In the last.
    pub second: String,
}

/// Something that was not varied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// What.
    pub what: &'static str,
    /// Why.
    pub why: String,
}

/// The first layer that differs.
#[derive(Debug, Serialize)]
pub struct Different {
    /// Of which image.
    pub platform: String,
    /// Its name; `STAGE/LAYER` for one of a stage.
    pub layer: String,
    /// File and line of the template.
    pub place: String,
    /// The steps that touched what differs; all commands of the layer if that is not known.
    pub steps: Vec<DifferentStep>,
    /// What differs, and why.
    pub comparison: Comparison,
    /// The steps that touched each path that differs, counted from 1, where there are several commands.
    pub touched: BTreeMap<String, Vec<usize>>,
    /// Later layers that differ too, perhaps because of this one.
    pub others: Vec<String>,
    /// What else in the template lets it differ.
    pub notes: Vec<String>,
}

/// A step of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DifferentStep {
    /// Which one, from 1.
    pub number: usize,
    /// File and line of the template.
    pub place: String,
    /// The command, for people.
    pub command: String,
}
