//! The record of the plan that an image was built by: a manifest that refers to the image.
//!
//! A machine that has nothing but the template finds by it that what it would build is published already.

use serde_json::{Value, json};

use crate::base::json::bytes_of;
use crate::base::{BlobDigest, PlanDigest, hash::digest_of};
use crate::image::{Descriptor, MediaType};
use crate::registry::Manifest;

use super::shipment::Attachment;

/// What kind of artifact it is.
const PLAN_TYPE: &str = "application/vnd.kiln.plan.v1";

/// The annotation with the plan's digest.
const PLAN: &str = "dev.kiln.plan";

/// The media type of [`EMPTY`] (image-spec, manifest.md, "Guidance for an Empty Descriptor").
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";

/// The blob of artifacts that have none.
pub const EMPTY: &[u8] = b"{}";

/// How manifests name [`EMPTY`].
pub(super) fn empty() -> Value {
    json!({
        "mediaType": EMPTY_TYPE,
        "digest": digest_of::<BlobDigest>(EMPTY).to_string(),
        "size": EMPTY.len(),
    })
}

/// The record of a plan for what was built by it.
pub fn attachment(top: &Manifest, plan: &PlanDigest) -> Attachment {
    let bytes = bytes_of(&json!({
        "schemaVersion": 2,
        "mediaType": MediaType::ImageManifest.as_ref(),
        "artifactType": PLAN_TYPE,
        "config": empty(),
        "layers": [empty()],
        "subject": {
            "mediaType": top.media_type.as_ref(),
            "digest": top.digest.to_string(),
            "size": top.bytes.len(),
        },
        "annotations": { PLAN: plan.to_string() },
    }));
    let manifest = Manifest { digest: digest_of(&bytes), media_type: MediaType::ImageManifest, bytes };
    Attachment { subject: top.digest, manifest }
}

/// Whether one of what refers to an image says that it was built by a plan.
pub fn names_plan(referrers: &[Descriptor], plan: &PlanDigest) -> bool {
    let is_it = |entry: &&Descriptor| entry.artifact_type.as_deref() == Some(PLAN_TYPE);
    referrers.iter().filter(is_it).any(|entry| entry.annotations.get(PLAN) == Some(&plan.to_string()))
}

/// Whether one of what refers to an image says that it was built by a plan, whichever.
pub fn names_a_plan(referrers: &[Descriptor]) -> bool {
    referrers.iter().any(|entry| entry.artifact_type.as_deref() == Some(PLAN_TYPE))
}

/// Whether a tag is that of a plan.
pub fn is_of_plan(tag: &str) -> bool {
    let is_hex = |text: &str| text.len() == 12 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    tag.strip_prefix("p-").is_some_and(is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Links;

    #[test]
    fn a_record_is_found_by_what_lists_it() {
        let bytes = b"{}".to_vec();
        let top = Manifest { digest: digest_of(&bytes), media_type: MediaType::ImageIndex, bytes };
        let (plan, other) = (digest_of::<PlanDigest>(b"plan"), digest_of::<PlanDigest>(b"other"));
        let made = attachment(&top, &plan);
        assert_eq!(made, attachment(&top, &plan));
        let entry = crate::registry::write::attach::descriptor(&made.manifest);
        assert!(names_plan(std::slice::from_ref(&entry), &plan));
        assert!(names_a_plan(std::slice::from_ref(&entry)) && !names_a_plan(&[]));
        assert!(is_of_plan("p-0123456789ab") && !is_of_plan("p-0123") && !is_of_plan("latest"));
        assert!(!names_plan(&[entry], &other) && !names_plan(&[], &plan));
        let subject = Links::of(&made.manifest.bytes).expect("a manifest").subject.expect("a subject");
        assert_eq!(subject.digest, top.digest);
    }
}
