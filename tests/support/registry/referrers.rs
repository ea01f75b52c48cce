//! What refers to a manifest (distribution-spec, "Listing Referrers").

use serde_json::{Value, json};

use super::State;
use super::call::encode;
use super::http::{Call, Reply};
use super::store::is_digest;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// `GET /v2/R/referrers/D[?artifactType=]`
pub(super) fn answer(state: &State, call: &Call, repository: &str, digest: &str) -> Reply {
    let settings = &state.settings;
    if !settings.has_referrers {
        // What Go's routers say to a path that they do not know.
        return Reply::new(404).body("text/plain; charset=utf-8", "404 page not found\n");
    }
    if !is_digest(digest) {
        return Reply::error(400, "DIGEST_INVALID", "not a digest");
    }
    let here = state.store.manifests.iter().filter(|((known, _), _)| known == repository);
    let mut all: Vec<Value> =
        here.filter_map(|((_, name), (media_type, bytes))| descriptor(digest, name, media_type, bytes)).collect();
    let wanted = call.query("artifactType").filter(|_| settings.filters_referrers);
    if let Some(wanted) = &wanted {
        all.retain(|descriptor| descriptor["artifactType"] == **wanted);
    }
    let from = call.query("next").and_then(|text| text.parse().ok()).unwrap_or(0);
    let page = settings.referrers_page.unwrap_or(usize::MAX);
    let more = all.len().saturating_sub(from) > page;
    let listed: Vec<Value> = all.into_iter().skip(from).take(page).collect();
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": listed });
    let mut reply = Reply::new(200).body(INDEX, index.to_string());
    if wanted.is_some() {
        reply = reply.with("OCI-Filters-Applied", "artifactType");
    }
    if more {
        let kept = call.query("artifactType").map(|kind| format!("artifactType={}&", encode(&kind)));
        let next = format!("/v2/{repository}/referrers/{digest}?{}next={}", kept.unwrap_or_default(), from + page);
        reply = reply.with("Link", format!("<{next}>; rel=\"next\""));
    }
    reply
}

/// The entry of a manifest that refers to `subject`.
fn descriptor(subject: &str, digest: &str, media_type: &str, bytes: &[u8]) -> Option<Value> {
    let manifest: Value = serde_json::from_slice(bytes).ok()?;
    if manifest["subject"]["digest"] != subject {
        return None;
    }
    let mut entry = json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() });
    let kind = manifest.get("artifactType").or_else(|| manifest["config"].get("mediaType"));
    for (name, value) in [("artifactType", kind), ("annotations", manifest.get("annotations"))] {
        if let Some(value) = value {
            entry[name] = value.clone();
        }
    }
    Some(entry)
}
