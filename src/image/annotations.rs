//! Annotations that are there without being written in the template (image-spec, annotations.md).

use std::collections::BTreeMap;

use oci_spec::image::{ANNOTATION_CREATED, ANNOTATION_TITLE, ANNOTATION_VERSION};

pub use oci_spec::image::ANNOTATION_REF_NAME as REF_NAME;
pub use oci_spec::image::{ANNOTATION_BASE_IMAGE_DIGEST, ANNOTATION_BASE_IMAGE_NAME};

use crate::base::Epoch;

/// `created`, `title` (the last part of the name) and `version`, and over them what the template says. Nothing of the
/// version control: each commit would be a new digest. That belongs in the provenance.
pub fn annotations(
    created: Epoch,
    name: Option<&str>,
    version: Option<&str>,
    given: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let title = name.and_then(|name| name.rsplit('/').next());
    let created = created.to_string();
    let defaults =
        [(ANNOTATION_CREATED, Some(created.as_str())), (ANNOTATION_TITLE, title), (ANNOTATION_VERSION, version)];
    let mut all: BTreeMap<String, String> =
        defaults.iter().filter_map(|(key, value)| value.map(|value| ((*key).to_owned(), value.to_owned()))).collect();
    all.extend(given.clone());
    all
}
