//! What a registry can do, found out with throw-away content, and only when somebody asks for it.
//!
//! ```text
//! Probe --run--> Findings { one for each ability; what is there still }
//! ```
//! The first image has to arrive, or nothing can be found out; after that, each ability is tried by itself, and one that
//! fails in an unexpected way is no reason to leave the others out. Whatever happens, what was written is removed in the
//! end, as far as the registry lets us.

mod content;
mod report;
#[cfg(test)]
mod tests;
mod tags;
mod uploads;

use std::sync::atomic::{AtomicBool, Ordering};

use crate::registry::write::probe::{ProbeTag, Prober, Removed};
use crate::registry::{Client, Listed, Manifest, RegistryError, Repository};
use crate::transport::TransportError;

use content::Content;
pub use report::{Ability, Finding, Findings, Verdict};

use super::error::PublishError;

/// Bytes of a chunk that is tried: what a registry might take, what its storage behind might want, what S3 wants
/// (Amazon S3, "Multipart upload limits").
const CHUNKS_BYTES: [usize; 3] = [64 * 1024, 1024 * 1024, 5 * 1024 * 1024];

/// Longer chunks are not tried, whatever the registry asks for.
const CHUNK_MAX_BYTES: u64 = 32 * 1024 * 1024;

/// Bytes of the blob whose upload is cut in the middle.
const CUT_BYTES: usize = 2 * 1024 * 1024;

/// Bytes of manifests that are tried, until one is taken. 4 MiB are what registries have to take (distribution-spec,
/// "Pushing Manifests"); each is a KiB less, because some count what they add.
const MANIFESTS_BYTES: [usize; 5] = [4 * MIB - KIB, 3 * MIB - KIB, 2 * MIB - KIB, MIB - KIB, MIB / 4 - KIB];
const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// What is to be found out, and where.
#[derive(Debug)]
pub struct Probe<'a> {
    /// Where throw-away content may be written.
    pub repository: &'a Repository,
    /// Another repository of the registry, where a blob is written that is then mounted.
    pub mount_from: Option<&'a Repository>,
    /// The tag that is created, moved and removed.
    pub tag: ProbeTag,
}

impl Probe<'_> {
    /// What will be written, for the person who asked for it.
    pub fn announcement(&self) -> Vec<String> {
        let Self { repository, tag, .. } = self;
        let mut lines = vec![format!(
            "writing into {repository}: the tag `{tag}`, images of up to 4 MiB and blobs of up to 10 MiB, or twice its \
             smallest chunk, without any use; they are removed afterwards as far as the registry lets us"
        )];
        if let Some(from) = self.mount_from {
            lines.push(format!("writing into {from}: a blob of 64 KiB, which is removed too"));
        }
        lines
    }

    /// Finds everything out.
    pub fn run(&self, client: &Client<'_>, interrupted: &AtomicBool) -> Result<Findings, PublishError> {
        let mut prober = Prober::new(client, self.repository, self.tag.clone());
        let found = self.find_out(client, &mut prober, interrupted);
        let removed = prober.remove_all();
        match found {
            Ok(mut all) => {
                all.push(deletion(&removed));
                Ok(Findings { all, left: removed.left })
            }
            Err(error) if removed.left.is_empty() => Err(error),
            Err(error) => Err(PublishError::Abandoned {
                left: removed.left.into_iter().map(|left| left.name).collect(),
                source: Box::new(error),
            }),
        }
    }

    fn find_out(
        &self,
        client: &Client<'_>,
        prober: &mut Prober<'_>,
        interrupted: &AtomicBool,
    ) -> Result<Vec<Finding>, PublishError> {
        let content = Content::new(self.tag.as_str());
        let first = content.image("first");
        prober.blob(&content.config())?;
        prober.blob(&content.layer())?;
        let told = prober.manifest(&first)?;
        if !told.is_taken() {
            return Err(PublishError::NotTaken { repository: self.repository.to_string(), told: told.to_string() });
        }
        let mut all = Vec::new();
        let mut add = |ability: Ability, found: Result<Vec<Finding>, RegistryError>| {
            match found {
                Ok(found) => all.extend(found),
                Err(error) if error.is_interrupt() => return Err(PublishError::Interrupted),
                Err(error) => all.push(Finding::new(ability, Verdict::Untested, in_one_line(&error))),
            }
            if interrupted.load(Ordering::Relaxed) { Err(PublishError::Interrupted) } else { Ok(()) }
        };
        let one = |found: Result<Finding, RegistryError>| found.map(|found| vec![found]);
        add(Ability::Mount, one(uploads::mount(prober, &content, self.mount_from)))?;
        add(Ability::Chunks, one(uploads::chunks(prober, &content)))?;
        add(Ability::Resume, one(uploads::resume(prober, &content)))?;
        add(Ability::Referrers, one(self.referrers(client, prober, &content, &first)))?;
        add(Ability::ImmutableTags, tags::tags(prober, &content, &first))?;
        add(Ability::ManifestSize, one(manifest_size(prober, &content)))?;
        Ok(all)
    }

    fn referrers(
        &self,
        client: &Client<'_>,
        prober: &mut Prober<'_>,
        content: &Content,
        first: &Manifest,
    ) -> Result<Finding, RegistryError> {
        let finding = |verdict, detail: String| Finding::new(Ability::Referrers, verdict, detail);
        let artifact = content.referrer(first);
        let told = prober.manifest(&artifact)?;
        if !told.is_taken() {
            let refused = finding(Verdict::No, format!("a manifest with a subject is refused with {told}"));
            return Ok(refused.advising("attestations and records cannot be kept beside an image here"));
        }
        let referrers = client.referrers(self.repository, &first.digest)?;
        let is_listed = referrers.entries.iter().any(|entry| entry.digest == artifact.digest);
        Ok(match (referrers.listed, is_listed, told.lists_subject) {
            (Listed::Api, true, true) => finding(Verdict::Yes, "what refers to an image is listed".to_owned()),
            (Listed::Api, true, false) => {
                finding(Verdict::Partly, "what refers to an image is listed, but a push is not told so".to_owned())
                    .advising(
                        "kiln keeps the list under a tag `sha256-..` as well, because nothing says that it need not",
                    )
            }
            (Listed::Api, false, _) => {
                finding(Verdict::No, "there is a list, and what was pushed is not in it".to_owned())
            }
            (Listed::Tag, ..) => finding(Verdict::No, "there is no list".to_owned()).advising(
                "kiln keeps the list under a tag `sha256-..`, which moves: where tags are immutable, exempt `sha256-*`",
            ),
        })
    }
}

fn manifest_size(prober: &mut Prober<'_>, content: &Content) -> Result<Finding, RegistryError> {
    let mut refused = String::new();
    for size_bytes in MANIFESTS_BYTES {
        let Some(image) = content.image_of(size_bytes) else { continue };
        let shown = size(size_bytes);
        match prober.manifest(&image) {
            Ok(told) if told.is_taken() => {
                let verdict = if size_bytes == MANIFESTS_BYTES[0] { Verdict::Yes } else { Verdict::No };
                let detail = format!("{shown} are taken{refused}");
                return Ok(Finding::new(Ability::ManifestSize, verdict, detail).with_bytes(size_bytes));
            }
            Ok(told) => refused = format!("; {shown} are refused with {told}"),
            // A proxy that has had enough does not wait for the rest.
            Err(RegistryError::Transport { source, .. }) if matches!(*source, TransportError::Unreachable { .. }) => {
                refused = format!("; the connection is cut on {shown}");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Finding::new(Ability::ManifestSize, Verdict::No, refused.trim_start_matches("; ")))
}

fn deletion(removed: &Removed) -> Finding {
    let finding = |verdict, detail: String| Finding::new(Ability::Deletion, verdict, detail);
    let advice = "what is left is named below; whoever runs the registry can remove it";
    match (removed.gone, removed.left.first()) {
        (_, None) => finding(Verdict::Yes, "all that was written is gone".to_owned()),
        (0, Some(first)) => finding(Verdict::No, format!("refused: {}", first.why)).advising(advice),
        (gone, Some(first)) => {
            let (left, why) = (removed.left.len(), &first.why);
            finding(Verdict::Partly, format!("{gone} things are gone, {left} are left: {why}")).advising(advice)
        }
    }
}

/// Such as `64 KiB`; `4 MiB` for a KiB less.
fn size(bytes: usize) -> String {
    match bytes.next_multiple_of(KIB) {
        kib if kib < MIB - KIB => format!("{} KiB", kib.next_multiple_of(64 * KIB) / KIB),
        mib => format!("{} MiB", mib.next_multiple_of(MIB) / MIB),
    }
}

fn in_one_line(error: &RegistryError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text.push_str(&format!(": {inner}"));
        source = inner.source();
    }
    text
}
