//! Blobs that are written (distribution-spec, "Pushing blobs").
//!
//! Each answer names another `Location`. Once it is sent, it is the only one that is good: what was said last holds. An
//! answer that is lost on purpose makes no other one bad, because nobody heard it.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::State;
use super::body::Body;
use super::http::{Call, Reply};
use super::settings::{Broken, Right, Settings};
use super::store::{Blob, is_digest, key, shown};

/// The field of the query that tells one `Location` from another.
const STATE: &str = "_state";

/// All that have begun.
#[derive(Default)]
pub(crate) struct Uploads {
    open: BTreeMap<String, Upload>,
    started: usize,
    locations: u64,
}

struct Upload {
    repository: String,
    length: u64,
    /// Nothing if there are too many.
    bytes: Option<Vec<u8>>,
    hasher: Sha256,
    /// The states that may be asked for.
    good: Vec<u64>,
    /// The last chunk was shorter than chunks are: nothing may follow.
    is_short: bool,
}

impl Uploads {
    /// How many have begun and did not end.
    pub(crate) fn open(&self) -> usize {
        self.open.len()
    }

    /// All that have begun are gone.
    pub(crate) fn forget(&mut self) {
        self.open.clear();
    }

    /// Where an upload is, and the digest of it, for the body that goes on there.
    pub(super) fn before(&self, call: &Call, repository: &str, id: &str) -> Option<(u64, Sha256)> {
        let upload = self.open.get(id).filter(|upload| upload.is_meant(call, repository))?;
        Some((upload.length, upload.hasher.clone()))
    }

    /// An answer is sent: of its upload, what it says is the only place from now on.
    pub(super) fn settle(&mut self, location: &str) {
        let said = location.rsplit_once("/blobs/uploads/").and_then(|(_, rest)| rest.split_once(&format!("?{STATE}=")));
        let Some((id, Ok(state))) = said.map(|(id, state)| (id, state.parse())) else { return };
        if let Some(upload) = self.open.get_mut(id).filter(|upload| upload.good.contains(&state)) {
            upload.good = vec![state];
        }
    }

    fn start(&mut self, repository: &str) -> String {
        self.started += 1;
        let id = format!("upload-{}", self.started);
        let upload = Upload {
            repository: repository.to_owned(),
            length: 0,
            bytes: Some(Vec::new()),
            hasher: Sha256::new(),
            good: Vec::new(),
            is_short: false,
        };
        self.open.insert(id.clone(), upload);
        id
    }
}

impl Upload {
    fn is_meant(&self, call: &Call, repository: &str) -> bool {
        let state = call.query(STATE).and_then(|state| state.parse().ok());
        self.repository == repository && state.is_some_and(|state| self.good.contains(&state))
    }

    /// The last byte, as `0-N`. Nothing looks like one byte, as everywhere.
    fn range(&self) -> String {
        format!("0-{}", self.length.saturating_sub(1))
    }

    fn add(&mut self, body: &mut Body, kept_max_bytes: u64) -> Result<(), Wrong> {
        let hasher = match &body.continued {
            _ if self.length == 0 => &body.hasher,
            Some((from, hasher)) if *from == self.length => hasher,
            // Somebody else was faster.
            _ => return Err(Wrong::Place),
        };
        self.hasher = hasher.clone();
        self.length += body.length;
        self.bytes = match (self.bytes.take(), body.bytes.take()) {
            (Some(old), Some(new)) if old.is_empty() => Some(new),
            (Some(mut old), Some(new)) if self.length <= kept_max_bytes => {
                old.extend_from_slice(&new);
                Some(old)
            }
            _ => None,
        };
        Ok(())
    }
}

/// What is wrong with a chunk.
enum Wrong {
    /// 416: it does not begin where the upload is, or nothing may follow.
    Place,
    /// 400: it is not as long as it says.
    Length,
}

/// `POST /v2/R/blobs/uploads/`
pub(super) fn start(state: &mut State, call: &Call, repository: &str) -> Reply {
    if let Some(digest) = call.query("mount") {
        match call.query("from") {
            Some(from) => {
                if let Some(blob) = mountable(state, &digest, &from) {
                    state.store.blobs.insert(key(repository, &digest), blob);
                    return created(state, repository, &digest);
                }
            }
            None => state.offence(call, "`mount` without `from`"),
        }
    }
    let id = state.store.uploads.start(repository);
    let mut reply = progress(state, &id, 202);
    if let Some(bytes) = state.settings.chunk_min_bytes {
        reply = reply.with("OCI-Chunk-Min-Length", bytes.to_string());
    }
    reply
}

/// What may be mounted: what is there, for somebody who may read it there.
fn mountable(state: &State, digest: &str, from: &str) -> Option<Blob> {
    if state.settings.never_mounts || state.settings.right(from) < Right::Read {
        return None;
    }
    state.store.blob(from, digest).cloned()
}

/// `/v2/R/blobs/uploads/ID`
pub(super) fn answer(state: &mut State, call: &Call, repository: &str, id: &str, body: &mut Body) -> Reply {
    let settings = state.settings.clone();
    let Some(upload) = state.store.uploads.open.get_mut(id).filter(|upload| upload.is_meant(call, repository)) else {
        if state.store.uploads.open.contains_key(id) {
            state.offence(call, "an old Location");
        }
        return Reply::error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
    };
    match call.method.as_str() {
        "GET" => progress(state, id, 204),
        "PATCH" => {
            let added = chunk(upload, call, body, &settings);
            upload.is_short = added.is_ok() && settings.chunk_min_bytes.is_some_and(|least| body.length < least);
            match added {
                Ok(()) => progress(state, id, 202),
                Err(wrong) => refusal(state, id, wrong),
            }
        }
        "PUT" => {
            let Some(digest) = call.query("digest") else {
                return Reply::error(400, "DIGEST_INVALID", "digest missing");
            };
            let added = if body.length > 0 { chunk(upload, call, body, &settings) } else { Ok(()) };
            match added {
                Ok(()) => finish(state, repository, id, &digest),
                Err(wrong) => refusal(state, id, wrong),
            }
        }
        "DELETE" => {
            state.store.uploads.open.remove(id);
            Reply::new(204)
        }
        _ => Reply::error(405, "UNSUPPORTED", "the operation is unsupported"),
    }
}

/// What came before the connection broke.
pub(super) fn broken(state: &mut State, call: &Call, repository: &str, id: &str, body: &mut Body) {
    let settings = &state.settings;
    let Some(upload) = state.store.uploads.open.get_mut(id).filter(|upload| upload.is_meant(call, repository)) else {
        return;
    };
    match settings.broken {
        // Whoever sends it to the wrong place gets nothing of it kept.
        Broken::Keep if place(upload, call, settings).is_ok() => drop(upload.add(body, settings.kept_max_bytes)),
        Broken::Keep => {}
        Broken::Forget => drop(state.store.uploads.open.remove(id)),
    }
}

fn chunk(upload: &mut Upload, call: &Call, body: &mut Body, settings: &Settings) -> Result<(), Wrong> {
    if upload.is_short && body.length > 0 {
        return Err(Wrong::Place);
    }
    if let Some((first, last)) = place(upload, call, settings)?
        && last.checked_sub(first).map(|more| more + 1) != Some(body.length)
    {
        return Err(Wrong::Length);
    }
    upload.add(body, settings.kept_max_bytes)
}

/// The first and the last byte that a chunk says to have, if it says so: `FIRST-LAST`, without a unit.
fn place(upload: &Upload, call: &Call, settings: &Settings) -> Result<Option<(u64, u64)>, Wrong> {
    let Some(said) = call.header("content-range").filter(|_| !settings.ignores_content_range) else { return Ok(None) };
    let number = |text: &str| text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    let range = said.split_once('-').and_then(|(first, last)| Some((number(first)?, number(last)?)));
    match range {
        Some((first, last)) if first == upload.length => Ok(Some((first, last))),
        _ => Err(Wrong::Place),
    }
}

fn finish(state: &mut State, repository: &str, id: &str, digest: &str) -> Reply {
    let Some(upload) = state.store.uploads.open.remove(id) else {
        return Reply::error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
    };
    if !is_digest(digest) || shown(&upload.hasher) != digest {
        return Reply::error(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
    }
    let bytes = upload.bytes.filter(|bytes| bytes.len() as u64 == upload.length).map(Arc::new);
    state.store.blobs.insert(key(repository, digest), Blob { size: upload.length, bytes });
    created(state, repository, digest)
}

fn created(state: &State, repository: &str, digest: &str) -> Reply {
    let location = state.location(&format!("/v2/{repository}/blobs/{digest}"));
    Reply::new(201).with("Location", location).with("Docker-Content-Digest", digest)
}

fn refusal(state: &mut State, id: &str, wrong: Wrong) -> Reply {
    match wrong {
        Wrong::Place => progress(state, id, 416),
        Wrong::Length => Reply::error(400, "SIZE_INVALID", "provided length did not match content length"),
    }
}

/// Where the upload is and goes on.
fn progress(state: &mut State, id: &str, status: u16) -> Reply {
    let uploads = &mut state.store.uploads;
    uploads.locations += 1;
    let Some(upload) = uploads.open.get_mut(id) else { return Reply::new(status) };
    upload.good.push(uploads.locations);
    let (path, range) = (format!("/v2/{}/blobs/uploads/{id}", upload.repository), upload.range());
    let location = format!("{path}?{STATE}={}", uploads.locations);
    let reply = Reply::new(status).with("Location", state.location(&location));
    reply.with("Range", range).with("Docker-Upload-UUID", id)
}
