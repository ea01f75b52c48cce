//! The tags of a repository, in the order in which people look for them.

use super::channel::name::is_entry;
use crate::base::{BlobDigest, natural};
use crate::input::each;
use crate::registry::write::probe::ProbeTag;
use crate::registry::{Client, RegistryError, Repository, Tag};

/// Questions that are asked at once.
const QUESTIONS_AT_ONCE: usize = 8;

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    All,
    /// Not what tools keep for themselves: [`is_of_tools`].
    Releases,
}

/// The tags of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// In natural order, each once.
    pub tags: Vec<Tag>,
    /// How many are left out as those of tools.
    pub left_out: usize,
    /// How many names the registry gave that are no tags; nothing can be under them.
    pub odd: usize,
}

/// All tags of a repository, however many pages they are.
pub fn list(client: &Client<'_>, repository: &Repository, scope: Scope) -> Result<Listed, RegistryError> {
    let names = client.tags(repository)?.ok_or_else(|| RegistryError::NotFound {
        registry: repository.registry.clone(),
        what: "the repository",
        image: repository.to_string(),
        said: None,
    })?;
    let count = names.len();
    let mut tags: Vec<Tag> = names.iter().filter_map(|name| name.parse().ok()).collect();
    let odd = count - tags.len();
    tags.sort_by(|a, b| natural(a.as_str(), b.as_str()));
    tags.dedup();
    let all = tags.len();
    tags.retain(|tag| scope == Scope::All || !is_of_tools(tag.as_str()));
    Ok(Listed { left_out: all - tags.len(), tags, odd })
}

/// What each tag holds; nothing where it went meanwhile.
pub fn digests(
    client: &Client<'_>,
    repository: &Repository,
    tags: &[Tag],
) -> Result<Vec<Option<BlobDigest>>, RegistryError> {
    each(tags, QUESTIONS_AT_ONCE, |tag| client.standing(repository, tag.as_str()))
}

/// Whether tools keep something under a tag for themselves:
///
/// ```text
/// sha256-<64 hex>, sha256-<64 hex>.sig   what refers to an image (distribution-spec, "Referrers Tag Schema"; cosign)
/// part-<12 hex>                          one platform of an image whose other parts are still built
/// ch-<name>-<6 digits>                   the record of a channel's moves
/// kiln-probe-..                          what `kiln probe` could not remove
/// ```
pub fn is_of_tools(tag: &str) -> bool {
    let is_hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    if let Some(rest) = tag.strip_prefix("sha256-") {
        let (hex, ending) = rest.split_once('.').unwrap_or((rest, "sig"));
        return is_hex(hex, 64) && !ending.is_empty();
    }
    if let Some(hex) = tag.strip_prefix("part-") {
        return is_hex(hex, 12);
    }
    is_entry(tag) || tag.starts_with(ProbeTag::PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Files;
    use crate::transport::testing::{Mischief, Registry, Reply, Rule};
    use crate::transport::{Settings, Transport};

    const INDEX: &str = "application/vnd.oci.image.index.v1+json";

    fn put(registry: &Registry, tags: &[&str]) {
        let index = format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[]}}"#);
        registry.store(|store| {
            for tag in tags {
                store.put_manifest("a/b", tag, INDEX, index.as_bytes());
            }
        });
    }

    fn with_client<T>(registry: &Registry, act: impl FnOnce(&Client<'_>, &Repository) -> T) -> T {
        let transport = Transport::new(Settings::default(), std::sync::Arc::default()).expect("a client");
        let client = Client::new(&transport, &Files::default(), &|_| {}).expect("a client");
        act(&client, &Repository { registry: registry.place(), name: "a/b".to_owned() })
    }

    #[test]
    fn tags_of_tools_are_known_by_their_whole_shape() {
        let hex = "0a".repeat(32);
        for own in [&format!("sha256-{hex}"), &format!("sha256-{hex}.sig"), "part-0123456789ab", "ch-1.2-000007"] {
            assert!(is_of_tools(own), "{own}");
        }
        assert!(is_of_tools(ProbeTag::fresh().as_str()));
        for release in ["1.0", "sha256-1", "part-1", "part-0123456789AB", "ch-1", "ch-1-12", "ch--000001", "kiln-probe"]
        {
            assert!(!is_of_tools(release), "{release}");
        }
    }

    #[test]
    fn all_pages_come_in_natural_order() {
        let registry = Registry::start();
        registry.configure(|settings| settings.tags_page = Some(2));
        put(&registry, &["1.10", "1.9", "latest", "part-0123456789ab", "1.2"]);
        with_client(&registry, |client, repository| {
            let listed = list(client, repository, Scope::Releases).expect("a list");
            assert_eq!(listed.tags.iter().map(Tag::as_str).collect::<Vec<_>>(), ["1.2", "1.9", "1.10", "latest"]);
            assert_eq!((listed.left_out, listed.odd), (1, 0));
            assert_eq!(list(client, repository, Scope::All).expect("a list").tags.len(), 5);
            let digests = digests(client, repository, &listed.tags).expect("answers");
            assert!(digests.iter().all(Option::is_some) && digests.len() == 4, "{digests:?}");
        });
    }

    #[test]
    fn what_is_no_tag_is_counted_and_not_shown() {
        let registry = Registry::start();
        let body = "{\"tags\":[\"1\",\"\\u001b[2J\",\"a b\",\"1\",\"\"]}";
        let reply = Reply::new(200).body("application/json", body);
        registry.misbehave(Rule::on("tags/list", Mischief::Answer(reply)));
        with_client(&registry, |client, repository| {
            let listed = list(client, repository, Scope::All).expect("a list");
            assert_eq!((listed.tags.len(), listed.odd), (1, 3));
        });
    }

    #[test]
    fn a_repository_that_is_not_there_is_named() {
        let registry = Registry::start();
        with_client(&registry, |client, repository| {
            let error = list(client, repository, Scope::All).expect_err("no such repository");
            assert!(error.is_unavailable() && error.to_string().contains("the repository"), "{error}");
            assert!(error.hint().is_some_and(|hint| hint.contains("name")));
        });
    }
}
