//! The tags of a repository (distribution-spec, "Listing Tags").

use serde_json::json;

use super::State;
use super::call::encode;
use super::http::{Call, Reply};

/// `GET /v2/R/tags/list?n=&last=`
pub(super) fn answer(state: &State, call: &Call, repository: &str) -> Reply {
    if !state.store.manifests.keys().any(|(known, _)| known == repository) {
        return Reply::error(404, "NAME_UNKNOWN", "repository name not known to registry");
    }
    let last = call.query("last").unwrap_or_default();
    let mut tags = state.store.tags_of(repository);
    tags.retain(|tag| last.is_empty() || **tag > *last);
    let asked = call.query("n").and_then(|text| text.parse().ok()).unwrap_or(usize::MAX);
    let page = asked.min(state.settings.tags_page.unwrap_or(usize::MAX));
    let more = tags.len() > page;
    tags.truncate(page);
    let body = json!({ "name": repository, "tags": tags });
    let reply = Reply::new(200).body("application/json", body.to_string());
    match tags.last().filter(|_| more) {
        Some(last) => {
            let next = format!("/v2/{repository}/tags/list?n={page}&last={}", encode(last));
            reply.with("Link", format!("<{next}>; rel=\"next\""))
        }
        None => reply,
    }
}
