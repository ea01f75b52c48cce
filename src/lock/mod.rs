//! The lock file: what kiln resolved, reviewed in git, read by everything else.
//!
//! ```text
//! # kiln.lock: ...
//! version = 1
//! profile = "1"
//! epoch = "2026-01-01T00:00:00Z"         the time of files
//! created = "2026-11-01T00:00:00Z"       the time in config and annotations
//! platforms = ["linux/amd64"]            only if the template names none
//!
//! [[image]]                              one entry for each thing that comes from outside, sorted; the first keys
//! image = "debian:bookworm"              are the request as the template makes it, the others what it was resolved to
//! platform = "linux/amd64"
//! digest = "sha256:.."
//! manifest = "sha256:.."
//! ```
//! What a command fetched has an entry for each platform, with the digest of what it was given and of what it made, and
//! the list of that, as far as it is short:
//!
//! ```text
//! [[fetch]]
//! fetch = ["pip", "download", "-r", "/in/requirements.txt", "-d", "/out"]
//! in = "build"                           left out: the base of the image
//! mounts = [{ from = "app:/requirements.txt", to = "/in/requirements.txt" }]
//! platform = "linux/amd64"
//! given = "sha256:.."                    command, mounts and what it runs on; no time of the lock is in it
//! tree = "sha256:.."
//! [fetch.files]
//! "/six-1.16.0-py2.py3-none-any.whl" = "sha256:.."
//! ```
//! Packages of a distribution have an entry for each step, stage and platform, with all that the step adds to what is below
//! it, one line for each package:
//!
//! ```text
//! [[packages]]
//! packages = ["nginx-light"]
//! repositories = ["debian"]
//! recommends = true                      left out: false
//! in = "build"                           left out: the image
//! platform = "linux/amd64"
//! given = "sha256:.."                    the repositories' definitions and what is below; no time of the lock is in it
//! releases = [
//!   { repository = "debian", suite = "bookworm", date = "2026-11-01T00:00:00Z" },
//! ]
//! set = [
//!   { name = "nginx-light", version = "1.22.1-9", architecture = "amd64", source = "nginx", repository = "debian", .. },
//! ]
//! ```
//! An entry is missing if a request has none, and stale if its request no longer occurs, or if what a
//! command was given is another. Files beside the template have none: they are pinned by git. There is no checksum over
//! the whole, so that two branches that change different entries, or different packages of one, merge. No mirror, user name
//! or path of a machine is in it.
//!
//! Architecture Invariant: pure. The clock and SOURCE_DATE_EPOCH come in as values, and only where a lock is made.

pub mod file;
pub mod input;
mod packages;
mod raw;
pub mod settle;

pub use file::{Accept, Lock, LockError, PROFILE};
pub use input::{
    FetchMount, FetchPin, FetchRequest, GitPin, GitRequest, ImagePin, ImageRequest, PackagesPin, PackagesRequest, Pin,
    ReleasePin, Request, Submodules, UrlPin,
};
pub use settle::{Asked, Change, Inputs, Move, Settled, complete, drop_stale, missing, move_entry, put, settle};
