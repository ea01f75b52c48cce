//! Blobs that are read and deleted (distribution-spec, "Pulling blobs" and "Deleting Blobs").

use super::State;
use super::http::{Call, Reply};
use super::store::{digest_of, key};

pub(super) fn answer(state: &mut State, call: &Call, repository: &str, digest: &str) -> Reply {
    let unknown = || Reply::error(404, "BLOB_UNKNOWN", "blob unknown to registry");
    if call.method == "DELETE" {
        if state.settings.refuses_deletion {
            return Reply::error(405, "UNSUPPORTED", "the operation is unsupported");
        }
        let here = state.store.blobs.remove(&key(repository, digest)).is_some();
        let everywhere = state.store.everywhere.remove(digest).is_some();
        return if here || everywhere { Reply::new(202) } else { unknown() };
    }
    let Some(blob) = state.store.blob(repository, digest) else { return unknown() };
    let reply = Reply::new(200).with("Docker-Content-Digest", digest).with("Content-Type", "application/octet-stream");
    match &blob.bytes {
        Some(bytes) => part(call, reply, bytes, &digest[..20]),
        None if call.method == "HEAD" => Reply { length: Some(blob.size), ..reply },
        None => Reply::error(500, "UNKNOWN", "the blob was too long to be kept"),
    }
}

/// A file that belongs to no repository.
pub(super) fn file(call: &Call, bytes: &[u8]) -> Reply {
    part(call, Reply::new(200).with("Content-Type", "application/octet-stream"), bytes, &digest_of(bytes)[..20])
}

/// The part that was asked for, if `If-Range` allows it.
fn part(call: &Call, reply: Reply, bytes: &[u8], tag: &str) -> Reply {
    let tag = format!("\"{tag}\"");
    let reply = reply.with("ETag", tag.clone());
    let asked =
        call.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let Some(first) = asked.filter(|_| call.header("if-range").is_none_or(|given| given == tag)) else {
        return Reply { body: bytes.to_owned(), ..reply };
    };
    let total = bytes.len();
    if first >= total {
        return Reply::new(416).with("Content-Range", format!("bytes */{total}"));
    }
    let reply = Reply { status: 206, body: bytes[first..].to_owned(), ..reply };
    reply.with("Content-Range", format!("bytes {first}-{}/{total}", total - 1))
}
