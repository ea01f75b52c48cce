//! Manifests and indexes (distribution-spec, "Pushing Manifests", "Deleting Manifests").

use serde_json::Value;

use super::State;
use super::body::Body;
use super::http::{Call, Reply};
use super::settings::{Refusal, Same, TagRule};
use super::store::{Store, digest_of, is_digest, key};

/// What a manifest stands on.
pub(crate) struct Wanted {
    pub(crate) digest: String,
    pub(crate) size: Option<u64>,
    pub(crate) is_manifest: bool,
}

pub(super) fn answer(state: &mut State, call: &Call, repository: &str, name: &str, body: &Body) -> Reply {
    match call.method.as_str() {
        "PUT" => put(state, call, repository, name, body).unwrap_or_else(|refusal| refusal),
        "DELETE" => delete(state, repository, name),
        "GET" | "HEAD" => read(&state.store, repository, name),
        _ => Reply::error(405, "UNSUPPORTED", "the operation is unsupported"),
    }
}

fn read(store: &Store, repository: &str, name: &str) -> Reply {
    match store.manifest(repository, name) {
        Some((digest, (media_type, bytes))) => {
            Reply::new(200).body(media_type, bytes.clone()).with("Docker-Content-Digest", digest)
        }
        None => Reply::error(404, "MANIFEST_UNKNOWN", "manifest unknown"),
    }
}

fn put(state: &mut State, call: &Call, repository: &str, name: &str, body: &Body) -> Result<Reply, Reply> {
    let invalid = |why: &str| Reply::error(400, "MANIFEST_INVALID", why);
    if body.length > state.settings.manifest_max_bytes {
        return Err(Reply::error(413, "SIZE_INVALID", "manifest too large"));
    }
    let bytes = body.bytes.as_deref().ok_or_else(|| invalid("not kept"))?;
    let digest = digest_of(bytes);
    let tag = (!name.contains(':')).then_some(name);
    if tag.is_none() && name != digest {
        return Err(Reply::error(400, "DIGEST_INVALID", "provided digest did not match uploaded content"));
    }
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Err(Reply::error(400, "NAME_INVALID", "invalid tag"));
    }
    let json: Value = serde_json::from_slice(bytes).map_err(|_| invalid("no JSON"))?;
    let media_type = call.header("content-type").unwrap_or_default();
    let is_left_out = json.get("mediaType").is_none() && !state.settings.wants_media_type;
    if !(is_left_out || json["mediaType"] == media_type) || json["schemaVersion"] != 2 {
        return Err(invalid("the mediaType is not the Content-Type, or the schema is not 2"));
    }
    for wanted in wanted(bytes).ok_or_else(|| invalid("neither an image nor an index"))? {
        wanted.check(&state.store, repository)?;
    }
    if let Some(tag) = tag {
        allow(state, call, repository, tag, &digest)?;
    }
    state.store.put_manifest(repository, tag.unwrap_or_default(), media_type, bytes);
    let location = state.location(&format!("/v2/{repository}/manifests/{digest}"));
    let reply = Reply::new(201).with("Location", location).with("Docker-Content-Digest", digest);
    Ok(match json["subject"]["digest"].as_str().filter(|_| state.settings.has_referrers) {
        Some(subject) => reply.with("OCI-Subject", subject),
        None => reply,
    })
}

impl Wanted {
    fn check(&self, store: &Store, repository: &str) -> Result<(), Reply> {
        let size = if self.is_manifest {
            let found = store.manifests.get(&key(repository, &self.digest));
            let unknown = || Reply::error(400, "MANIFEST_UNKNOWN", &format!("manifest unknown: {}", self.digest));
            found.ok_or_else(unknown)?.1.len() as u64
        } else {
            let unknown = || Reply::error(400, "MANIFEST_BLOB_UNKNOWN", &format!("blob unknown: {}", self.digest));
            store.blob(repository, &self.digest).ok_or_else(unknown)?.size
        };
        if self.size == Some(size) {
            return Ok(());
        }
        Err(Reply::error(400, "MANIFEST_INVALID", &format!("{} has {size} bytes, not {:?}", self.digest, self.size)))
    }
}

/// What a manifest or an index stands on; nothing if it is neither. A `subject` may come later.
pub(crate) fn wanted(bytes: &[u8]) -> Option<Vec<Wanted>> {
    let json: Value = serde_json::from_slice(bytes).ok()?;
    let is_manifest = json.get("manifests").is_some();
    let descriptors: Vec<&Value> = if is_manifest {
        json["manifests"].as_array()?.iter().collect()
    } else {
        [json.get("config")?].into_iter().chain(json["layers"].as_array()?).collect()
    };
    let wanted = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str()?.to_owned();
        Some(Wanted { digest, size: descriptor["size"].as_u64(), is_manifest })
    };
    descriptors.into_iter().map(wanted).collect()
}

/// Whether a tag may become this digest.
fn allow(state: &State, call: &Call, repository: &str, tag: &str, digest: &str) -> Result<(), Reply> {
    let settings = &state.settings;
    let Some(old) = state.store.tag(repository, tag) else { return Ok(()) };
    if settings.honours_if_none_match && call.header("if-none-match") == Some("*") {
        return Err(Reply::error(412, "PRECONDITION_FAILED", "the tag exists"));
    }
    let TagRule::Immutable { refusal, same } = settings.tag_rule else { return Ok(()) };
    let is_same = old == digest && same == Same::Accepted;
    if is_same || settings.movable.iter().any(|beginning| tag.starts_with(beginning)) {
        return Ok(());
    }
    let said = format!("the tag `{tag}` exists in `{repository}` and is immutable");
    Err(match refusal {
        Refusal::TagInvalid => Reply::error(400, "TAG_INVALID", &said),
        Refusal::Denied => Reply::error(403, "DENIED", &said),
        Refusal::Conflict => Reply::error(409, "CONFLICT", &said),
        Refusal::AlreadyExists => Reply::error(409, "TAG_ALREADY_EXISTS", &said),
        Refusal::PreconditionFailed => Reply::error(412, "PRECONDITION", &said),
    })
}

fn delete(state: &mut State, repository: &str, name: &str) -> Reply {
    if state.settings.refuses_deletion {
        return Reply::error(405, "UNSUPPORTED", "the operation is unsupported");
    }
    let store = &mut state.store;
    let found = if is_digest(name) {
        store.tags.retain(|(known, _), digest| known != repository || digest != name);
        store.manifests.remove(&key(repository, name)).is_some()
    } else {
        store.tags.remove(&key(repository, name)).is_some()
    };
    if found { Reply::new(202) } else { Reply::error(404, "MANIFEST_UNKNOWN", "manifest unknown") }
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`
fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= 128
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|byte| word(byte) || b".-".contains(&byte))
}
