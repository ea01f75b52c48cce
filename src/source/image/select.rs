//! Which of the images in a layout is meant.

use serde::Deserialize;

use crate::base::Platform;
use crate::base::digest::DIGEST_BYTES;
use crate::base::reference::Located;
use crate::image::{IndexEntry, annotations};

use super::error::ImageFileError;
use super::files::Files;

/// What a tag, or no tag, selects.
pub enum Selected {
    /// One image, or an index of several platforms.
    One(IndexEntry),
    /// Images without names, each for a platform of its own: together one image.
    All(Vec<IndexEntry>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layout {
    image_layout_version: String,
}

/// Checks the file that says that this is a layout.
pub fn check_version(files: &Files) -> Result<(), ImageFileError> {
    let path = || files.path().to_owned();
    let bytes = match files.small("oci-layout") {
        Err(ImageFileError::Missing { .. }) => {
            return Err(ImageFileError::NotALayout { path: path(), found: "no `oci-layout`".to_owned() });
        }
        bytes => bytes?,
    };
    let found = match serde_json::from_slice::<Layout>(&bytes) {
        Ok(layout) if layout.image_layout_version == "1.0.0" => return Ok(()),
        Ok(layout) => format!("version `{}`", layout.image_layout_version.escape_default()),
        Err(_) => "an `oci-layout` that is not one".to_owned(),
    };
    Err(ImageFileError::NotALayout { path: path(), found })
}

/// The entry that `at` names by its tag; without a tag the only one.
pub fn select(entries: Vec<IndexEntry>, at: &Located) -> Result<Selected, ImageFileError> {
    let name = |entry: &IndexEntry| entry.annotations.get(annotations::REF_NAME).cloned();
    let found: Vec<String> = entries.iter().filter_map(name).collect();
    let matching: Vec<&IndexEntry> = match &at.tag {
        Some(tag) => entries.iter().filter(|entry| name(entry).as_ref() == Some(tag)).collect(),
        None => without_attachments(&entries),
    };
    let path = || at.path.clone();
    match (matching[..].as_ref(), &at.tag) {
        ([only], _) => Ok(Selected::One((*only).clone())),
        ([], Some(tag)) => Err(ImageFileError::NoSuchTag { path: path(), tag: tag.clone(), found: list(&found) }),
        ([], None) => Err(ImageFileError::NotALayout { path: path(), found: "no image in it".to_owned() }),
        (several, None) if found.is_empty() && several.iter().all(|entry| entry.platform.is_some()) => {
            Ok(Selected::All(several.iter().map(|entry| (*entry).clone()).collect()))
        }
        _ => Err(ImageFileError::Ambiguous { path: path(), found: list(&found) }),
    }
}

/// Without what belongs to one of the others: that has no name and says that it is something else than an image, or its
/// name is made of a digest. An image with several names counts once.
fn without_attachments(entries: &[IndexEntry]) -> Vec<&IndexEntry> {
    let is_attached = |entry: &&IndexEntry| match entry.annotations.get(annotations::REF_NAME) {
        Some(name) => is_of_digest(name),
        None => entry.artifact_type.is_some(),
    };
    let images: Vec<&IndexEntry> = entries.iter().filter(|entry| !is_attached(entry)).collect();
    let images = if images.is_empty() { entries.iter().collect() } else { images };
    match images.split_first() {
        Some((first, rest)) if rest.iter().all(|entry| entry.digest == first.digest) => vec![first],
        _ => images,
    }
}

/// `sha256-HEX`, `sha256-HEX.sig`: where lists of what refers to something and cosign's signatures are kept.
fn is_of_digest(name: &str) -> bool {
    let hex = name.strip_prefix("sha256-").and_then(|rest| rest.get(..2 * DIGEST_BYTES));
    hex.is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The entry for `wanted`; without a wish the only one.
pub(super) fn platform<'a>(
    entries: &'a [IndexEntry],
    wanted: Option<&Platform>,
) -> Result<&'a IndexEntry, ImageFileError> {
    let matching: Vec<&IndexEntry> = match wanted {
        Some(wanted) => entries.iter().filter(|entry| entry.platform.as_ref() == Some(wanted)).collect(),
        None => entries.iter().collect(),
    };
    let found: Vec<String> =
        entries.iter().filter_map(|entry| entry.platform.as_ref().map(Platform::to_string)).collect();
    match (&matching[..], wanted) {
        // Of several for one platform the first counts, as in containerd.
        ([first, ..], Some(_)) | ([first], None) => Ok(first),
        ([], Some(wanted)) => Err(ImageFileError::NoSuchPlatform { wanted: wanted.clone(), found: found.join(", ") }),
        (_, None) => Err(ImageFileError::NeedsPlatform { found: found.join(", ") }),
    }
}

/// Names for a message.
pub(super) fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none that has a name".to_owned();
    }
    names.iter().map(|name| format!("`{}`", name.escape_default())).collect::<Vec<_>>().join(", ")
}
