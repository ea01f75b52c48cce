//! The paths of a registry (distribution-spec, "Endpoints").

use super::State;
use super::access::{self, Action, Scope};
use super::body::Body;
use super::http::{Call, Reply};
use super::{blobs, manifests, referrers, tags, uploads};

/// What a path means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// Where the tokens are.
    Token,
    /// What is no registry.
    File,
    Ping,
    Manifest(&'a str, &'a str),
    Blob(&'a str, &'a str),
    Uploads(&'a str),
    Upload(&'a str, &'a str),
    Referrers(&'a str, &'a str),
    Tags(&'a str),
    Nowhere,
}

/// What the path of a request means.
pub(super) fn route<'a>(state: &State, call: &'a Call) -> Route<'a> {
    let path = call.path();
    if path == access::TOKEN_PATH {
        return Route::Token;
    }
    if state.store.files.contains_key(path) {
        return Route::File;
    }
    let Some(path) = path.strip_prefix("/v2/") else { return Route::Nowhere };
    if path.is_empty() {
        return Route::Ping;
    }
    let mut parts = path.rsplitn(3, '/');
    let (Some(last), Some(kind), Some(repository)) = (parts.next(), parts.next(), parts.next()) else {
        return Route::Nowhere;
    };
    match (kind, last) {
        ("uploads", last) => match (repository.strip_suffix("/blobs"), last) {
            (Some(repository), "") => Route::Uploads(repository),
            (Some(repository), id) => Route::Upload(repository, id),
            (None, _) => Route::Nowhere,
        },
        ("manifests", name) if !name.is_empty() => Route::Manifest(repository, name),
        ("blobs", digest) if !digest.is_empty() => Route::Blob(repository, digest),
        ("referrers", digest) => Route::Referrers(repository, digest),
        ("tags", "list") => Route::Tags(repository),
        _ => Route::Nowhere,
    }
}

impl<'a> Route<'a> {
    /// The repository that it is about.
    pub(super) fn repository(self) -> Option<&'a str> {
        match self {
            Self::Manifest(repository, _) | Self::Blob(repository, _) | Self::Upload(repository, _) => Some(repository),
            Self::Referrers(repository, _) | Self::Uploads(repository) | Self::Tags(repository) => Some(repository),
            Self::Token | Self::File | Self::Ping | Self::Nowhere => None,
        }
    }

    /// What a request there needs; nothing if anybody may do it.
    fn needs(self, call: &Call) -> Option<Vec<Scope>> {
        if self == Self::Ping {
            return Some(Vec::new());
        }
        let repository = self.repository()?;
        let mut needs = vec![Scope::new(repository, Action::Pull)];
        if !call.reads() {
            needs.push(Scope::new(repository, Action::Push));
        }
        if let (Self::Uploads(_), Some(_), Some(from)) = (self, call.query("mount"), call.query("from")) {
            needs.push(Scope::new(&from, Action::Pull));
        }
        Some(needs)
    }
}

/// The answer to a request that lacks what it takes. A token is used by it.
pub(super) fn refusal(state: &mut State, call: &Call) -> Option<Reply> {
    let route = route(state, call);
    let needs = route.needs(call)?;
    if let Some(refusal) = state.access.refusal(call, &state.base, &needs) {
        return Some(refusal);
    }
    let repository = route.repository().unwrap_or_default();
    let mine = needs.iter().filter(|scope| scope.repository == repository);
    let denied = mine.into_iter().any(|scope| state.settings.right(&scope.repository) < scope.action.right());
    if denied {
        return Some(Reply::error(403, "DENIED", "requested access to the resource is denied"));
    }
    let named = call.reads() || repository.is_empty() || is_name(repository);
    (!named).then(|| Reply::error(400, "NAME_INVALID", "invalid repository name"))
}

/// What a registry that behaves answers to somebody who may ask.
pub(super) fn answer(state: &mut State, call: &Call, body: &mut Body) -> Reply {
    let unsupported = || Reply::error(405, "UNSUPPORTED", "the operation is unsupported");
    match route(state, call) {
        Route::Token => state.access.token(call),
        Route::File => state.store.files.get(call.path()).map_or(Reply::new(404), |bytes| blobs::file(call, bytes)),
        Route::Ping => Reply::new(200).body("application/json", "{}"),
        Route::Manifest(repository, name) => manifests::answer(state, call, repository, name, body),
        Route::Blob(repository, digest) if call.reads() || call.method == "DELETE" => {
            blobs::answer(state, call, repository, digest)
        }
        Route::Uploads(repository) if call.method == "POST" => uploads::start(state, call, repository),
        Route::Upload(repository, id) => uploads::answer(state, call, repository, id, body),
        Route::Referrers(repository, digest) if call.reads() => referrers::answer(state, call, repository, digest),
        Route::Tags(repository) if call.reads() => tags::answer(state, call, repository),
        Route::Nowhere => Reply::error(404, "NOT_FOUND", "no such path"),
        _ => unsupported(),
    }
}

/// Whether each part of it is written as names of repositories are.
fn is_name(name: &str) -> bool {
    let edge = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.split('/').all(|part| {
        let bytes = part.as_bytes();
        bytes.first().is_some_and(|byte| edge(*byte))
            && bytes.last().is_some_and(|byte| edge(*byte))
            && bytes.iter().all(|byte| edge(*byte) || b"._-".contains(byte))
    })
}
