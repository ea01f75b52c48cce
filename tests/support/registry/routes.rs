//! The paths of a registry (distribution-spec, "Endpoints").

use super::State;
use super::access;
use super::http::{Call, Reply};
use super::store::{Store, digest_of};

/// What a registry that behaves answers.
pub(crate) fn answer(state: &mut State, call: &Call) -> Reply {
    let place = state.place.clone();
    if call.path() == access::TOKEN_PATH {
        return state.access.token(call);
    }
    if let Some(bytes) = state.store.files.get(call.path()) {
        return part(call, Reply::new(200).body("application/octet-stream", bytes.clone()), true);
    }
    let Some(path) = call.path().strip_prefix("/v2/") else {
        return Reply::error(404, "NOT_FOUND", "no such path");
    };
    let (repository, kind, last) = split(path);
    if let Some(refusal) = state.access.refusal(call, &place, repository) {
        return refusal;
    }
    match kind {
        "" => Reply::new(200).body("application/json", "{}"),
        "manifests" => manifest(&state.store, repository, last),
        "blobs" => match state.store.blobs.get(last) {
            Some(bytes) => part(call, Reply::new(200).body("application/octet-stream", bytes.clone()), true)
                .with("Docker-Content-Digest", last),
            None => Reply::error(404, "BLOB_UNKNOWN", "blob unknown to registry"),
        },
        _ => Reply::error(404, "NOT_FOUND", "no such path"),
    }
}

/// `REPOSITORY/KIND/LAST`
fn split(path: &str) -> (&str, &str, &str) {
    let mut parts = path.rsplitn(3, '/');
    let (last, kind, repository) = (parts.next(), parts.next(), parts.next());
    (repository.unwrap_or_default(), kind.unwrap_or_default(), last.unwrap_or_default())
}

fn manifest(store: &Store, repository: &str, name: &str) -> Reply {
    let tag = store.tags.get(&(repository.to_owned(), name.to_owned()));
    let digest = tag.cloned().unwrap_or_else(|| name.to_owned());
    match store.manifests.get(&(repository.to_owned(), digest.clone())) {
        Some((media_type, bytes)) => {
            Reply::new(200).body(media_type, bytes.clone()).with("Docker-Content-Digest", digest)
        }
        None => Reply::error(404, "MANIFEST_UNKNOWN", "manifest unknown"),
    }
}

/// The part that was asked for, if `If-Range` allows it.
fn part(call: &Call, mut reply: Reply, tagged: bool) -> Reply {
    let tag = format!("\"{}\"", &digest_of(&reply.body)[..20]);
    if tagged {
        reply = reply.with("ETag", tag.clone());
    }
    let asked =
        call.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let Some(first) = asked.filter(|_| call.header("if-range").is_none_or(|given| given == tag)) else { return reply };
    let total = reply.body.len();
    if first >= total {
        return Reply::new(416).with("Content-Range", format!("bytes */{total}"));
    }
    reply.status = 206;
    reply.body.drain(..first);
    reply.with("Content-Range", format!("bytes {first}-{}/{total}", total - 1))
}
