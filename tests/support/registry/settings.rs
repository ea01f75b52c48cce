//! What kind of registry it is. All of these are found among registries that people use.

use std::collections::BTreeMap;

/// The settings; see each.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// What becomes of an upload whose connection breaks in the middle of a body.
    pub(crate) broken: Broken,
    /// Appends whatever comes, as docker-registry 2.8 does.
    pub(crate) ignores_content_range: bool,
    /// Chunks that are not the last have at least so many bytes.
    pub(crate) chunk_min_bytes: Option<u64>,
    /// Locations have scheme and host, as docker-registry writes them.
    pub(crate) absolute_locations: bool,
    /// Mounts nothing: each attempt gets an upload.
    pub(crate) never_mounts: bool,
    /// A manifest says itself what it is. It need not (image-spec, "mediaType": SHOULD), and those of umoci do not.
    pub(crate) wants_media_type: bool,
    /// Longer manifests are refused.
    pub(crate) manifest_max_bytes: u64,
    /// Of longer blobs only digest and size are known: they cannot be read back.
    pub(crate) kept_max_bytes: u64,
    /// Nothing can be deleted.
    pub(crate) refuses_deletion: bool,
    /// There is a referrers API.
    pub(crate) has_referrers: bool,
    /// It leaves out what has another artifact type than the one asked for.
    pub(crate) filters_referrers: bool,
    /// Referrers in one answer.
    pub(crate) referrers_page: Option<usize>,
    /// Tags in one answer, whatever was asked for.
    pub(crate) tags_page: Option<usize>,
    /// What a tag that exists may become.
    pub(crate) tag_rule: TagRule,
    /// Tags that begin with one of these always move.
    pub(crate) movable: Vec<String>,
    /// `If-None-Match: *` is heard when a tag is written.
    pub(crate) honours_if_none_match: bool,
    /// What may be done to a repository, if not everything.
    pub(crate) rights: BTreeMap<String, Right>,
}

/// What becomes of a body that did not come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// What came belongs to the upload.
    Keep,
    /// There is no such upload any more: docker-registry 2.8.
    Forget,
}

/// What a tag that exists may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TagRule {
    Movable,
    Immutable { refusal: Refusal, same: Same },
}

/// How an immutable tag is defended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// 400 `TAG_INVALID`.
    TagInvalid,
    /// 403 `DENIED`.
    Denied,
    /// 409 `CONFLICT`.
    Conflict,
    /// 409 `TAG_ALREADY_EXISTS`.
    AlreadyExists,
    /// 412.
    PreconditionFailed,
}

/// What becomes of the digest that an immutable tag already has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Same {
    Accepted,
    Refused,
}

/// What may be done to a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Right {
    Nothing,
    Read,
    Write,
}

impl TagRule {
    /// Another digest is refused in this way, the same one is accepted.
    pub(crate) fn immutable(refusal: Refusal) -> Self {
        Self::Immutable { refusal, same: Same::Accepted }
    }
}

impl Settings {
    /// What may be done to a repository.
    pub(crate) fn right(&self, repository: &str) -> Right {
        self.rights.get(repository).copied().unwrap_or(Right::Write)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            broken: Broken::Keep,
            ignores_content_range: false,
            chunk_min_bytes: None,
            absolute_locations: false,
            never_mounts: false,
            wants_media_type: true,
            manifest_max_bytes: 4 << 20,
            kept_max_bytes: 256 << 20,
            refuses_deletion: false,
            has_referrers: true,
            filters_referrers: true,
            referrers_page: None,
            tags_page: None,
            tag_rule: TagRule::Movable,
            movable: Vec::new(),
            honours_if_none_match: false,
            rights: BTreeMap::new(),
        }
    }
}
