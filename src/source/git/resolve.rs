//! From a branch, tag or commit id to the commit.

use std::collections::{BTreeMap, BTreeSet};

use super::address;
use super::address::Transport;
use super::child::run;
use super::error::GitError;
use super::id::ObjectId;
use super::mask::ShownUrl;
use super::program::{Asker, git};
use super::request::{GitRequest, Network, Terms};

const BRANCHES: &str = "refs/heads/";
const TAGS: &str = "refs/tags/";
/// Behind the name of a tag: what the tag leads to.
const PEELED: &str = "^{}";

/// The refs of a remote by full name.
type Refs = BTreeMap<String, ObjectId>;

/// The commit that `request` means now. A full commit id means itself, and nobody is asked.
///
/// A name is a branch or a tag; that of both is an error unless they are at the same commit, because git's own tools
/// choose in different ways. A whole ref (`refs/tags/v1`) is neither. An annotated tag means the commit it leads to.
pub fn resolve(request: &GitRequest, terms: &Terms<'_>) -> Result<ObjectId, GitError> {
    let url = || ShownUrl::of(&request.url);
    let transport = address::check(&request.url).map_err(|source| GitError::Address { url: url(), source })?;
    let rev = request.rev.as_deref().unwrap_or("HEAD");
    if let Ok(commit) = rev.parse() {
        return Ok(commit);
    }
    if terms.network == Network::Offline && transport == Transport::Network {
        return Err(GitError::Offline { url: url(), what: rev.to_owned() });
    }
    if rev == "HEAD" {
        let refs = list(request, &[], &["HEAD"], terms)?;
        return refs.get("HEAD").copied().ok_or_else(|| GitError::NoHead { url: url() });
    }
    if rev.starts_with("refs/") {
        let refs = list(request, &[], &[rev, &format!("{rev}{PEELED}")], terms)?;
        let missing = || GitError::NoSuchRev { url: url(), rev: rev.to_owned(), nearest: Vec::new() };
        return peeled(&refs, rev).ok_or_else(missing);
    }
    // Servers with very many refs are asked for those of the two kinds only.
    let refs = list(request, &["--heads", "--tags"], &[], terms)?;
    match (peeled(&refs, &format!("{BRANCHES}{rev}")), peeled(&refs, &format!("{TAGS}{rev}"))) {
        (Some(branch), Some(tag)) if branch != tag => {
            Err(GitError::Ambiguous { url: url(), rev: rev.to_owned(), branch, tag })
        }
        (Some(commit), _) | (None, Some(commit)) => Ok(commit),
        (None, None) => Err(missing(request, rev, &refs)),
    }
}

fn peeled(refs: &Refs, name: &str) -> Option<ObjectId> {
    refs.get(&format!("{name}{PEELED}")).or_else(|| refs.get(name)).copied()
}

fn list(request: &GitRequest, kinds: &[&str], names: &[&str], terms: &Terms<'_>) -> Result<Refs, GitError> {
    let url = &request.url;
    let mut command = git(terms, Asker::Template);
    command.arg("ls-remote").args(kinds).args(["--", url]).args(names);
    let finished = run(command, url, terms)?;
    if !finished.success {
        return Err(GitError::Unreachable { url: ShownUrl::of(url), said: finished.said(url) });
    }
    let mut refs = Refs::new();
    for line in finished.out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let text = String::from_utf8_lossy(line);
        let found = text.split_once('\t').and_then(|(id, name)| Some((name, id.parse().ok()?)));
        let Some((name, id)) = found else {
            let found = format!("`{}`", crate::base::path::readable(&line[..line.len().min(100)]));
            return Err(GitError::Answer { url: ShownUrl::of(url), found });
        };
        refs.insert(name.to_owned(), id);
    }
    Ok(refs)
}

/// Why there is no `rev`.
fn missing(request: &GitRequest, rev: &str, refs: &Refs) -> GitError {
    /// Shorter ones are more often names than ids; git itself shows no shorter ones.
    const SHORTEST_DIGITS: usize = 7;
    let url = ShownUrl::of(&request.url);
    let rev = rev.to_owned();
    if rev.len() >= SHORTEST_DIGITS && rev.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let start = rev.to_ascii_lowercase();
        let full: BTreeSet<ObjectId> = refs
            .keys()
            .filter_map(|name| peeled(refs, name.trim_end_matches(PEELED)))
            .filter(|id| id.to_string().starts_with(&start))
            .collect();
        let full = full.first().copied().filter(|_| full.len() == 1);
        return GitError::Abbreviated { url, rev, full };
    }
    let names = refs.keys().filter(|name| !name.ends_with(PEELED));
    let short = names.filter_map(|name| name.strip_prefix(BRANCHES).or_else(|| name.strip_prefix(TAGS)));
    let nearest = nearest(&rev, short.collect::<BTreeSet<_>>()).into_iter().map(str::to_owned).collect();
    GitError::NoSuchRev { url, rev, nearest }
}

/// Those of `names` that are most like `word`.
pub(super) fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    /// Names that are less alike are no help (as in the store).
    const ALIKE: f64 = 0.8;
    const SHOWN: usize = 3;
    let mut scored: Vec<(f64, &str)> = names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(word, name), name))
        .filter(|(score, _)| *score > ALIKE)
        .collect();
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    scored.into_iter().take(SHOWN).map(|(_, name)| name).collect()
}
