//! What a template asks for from outside.

use std::collections::{BTreeMap, BTreeSet};

use super::packages::sets;
use crate::base::Platform;
use crate::input::Asked;
use crate::lock::{FetchMount, FetchRequest, GitRequest, ImageRequest, Request, Submodules};
use crate::template::{Base, BaseFrom, FetchSource, Source, SourceFrom, SourceRef, Span, Template};

/// One thing that is asked for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// What a user calls it: the name of the source, the stage or the repository, or `base`.
    pub name: String,
    /// Where it is asked for.
    pub span: Span,
    /// What it is.
    pub asked: Asked,
}

/// Between the names of repositories that are asked together.
const TOGETHER: &str = "+";

impl Ask {
    /// The names that a user may call it by.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.name.split(TOGETHER)
    }
}

/// What is asked for, by the key of its entry in the lock: what several ask for is there once.
pub type Asks = BTreeMap<Request, Ask>;

/// Adds what the template of one platform asks for: the bases, sources and packages of what is built of it.
pub fn add(template: &Template, platform: &Platform, asks: &mut Asks) {
    add_named(template, &template.needed(), platform, asks);
    for set in sets(template, platform) {
        let (name, span) = (set.request.repositories.join(TOGETHER), set.span);
        let named = set.request.repositories.iter().filter_map(|name| template.repositories.get_key_value(name));
        let repositories = named.map(|(name, repository)| (name.clone(), repository.clone())).collect();
        let ask = Ask { name, span, asked: Asked::Packages(set.request, repositories) };
        asks.entry(ask.asked.request()).or_insert(ask);
    }
}

/// Adds what the base of the image and these sources and stages ask for.
pub fn add_named(template: &Template, names: &[&str], platform: &Platform, asks: &mut Asks) {
    let mut put = |name: &str, span: Span, asked: Asked| {
        asks.entry(asked.request()).or_insert_with(|| Ask { name: name.to_owned(), span, asked });
    };
    if let Some((span, asked)) = base_image(template.base.as_ref(), platform) {
        put("base", span, Asked::Image(asked));
    }
    for name in names {
        let Some(stage) = template.stages.get(*name) else { continue };
        let runs_on = stage.runs_on.as_ref().unwrap_or(platform);
        if let Some((span, asked)) = base_image(stage.base.as_ref(), runs_on) {
            put(name, span, Asked::Image(asked));
        }
    }
    for (name, source) in sources(template, names) {
        if let Some(asked) = asked(source, platform) {
            put(name, source.span, asked);
        }
    }
}

/// The image that something starts from, if it is one.
pub fn base_image(base: Option<&Base>, platform: &Platform) -> Option<(Span, ImageRequest)> {
    match base {
        Some(Base { span, from: BaseFrom::Image(image) }) => {
            Some((*span, ImageRequest { image: image.clone(), platform: platform.clone() }))
        }
        _ => None,
    }
}

/// The sources among `names`, sorted.
pub fn sources<'a>(template: &'a Template, names: &[&'a str]) -> impl Iterator<Item = (&'a str, &'a Source)> {
    let names: BTreeSet<&str> = names.iter().copied().collect();
    names.into_iter().filter_map(|name| Some((name, template.sources.get(name)?)))
}

/// What a source asks for; nothing if it is beside the template.
pub fn asked(source: &Source, platform: &Platform) -> Option<Asked> {
    Some(match &source.from {
        SourceFrom::Path(_) => return None,
        SourceFrom::Url(url) => Asked::Url(url.clone()),
        SourceFrom::Git(git) => Asked::Git(GitRequest {
            url: git.url.clone(),
            rev: git.rev.clone(),
            subdir: git.subdir.clone(),
            submodules: if git.submodules { Submodules::Take } else { Submodules::Skip },
        }),
        SourceFrom::Image(image) => Asked::Image(ImageRequest { image: image.clone(), platform: platform.clone() }),
        SourceFrom::Fetch(fetch) => Asked::Fetch(fetch_request(fetch, platform)),
    })
}

fn fetch_request(fetch: &FetchSource, platform: &Platform) -> FetchRequest {
    let text = |from: &SourceRef| {
        if from.path.is_root() { from.source.clone() } else { format!("{}:{}", from.source, from.path) }
    };
    let mounts = fetch.mounts.iter().map(|mount| FetchMount {
        from: text(&mount.from),
        to: mount.to.to_string(),
        writable: mount.writable,
    });
    FetchRequest {
        command: fetch.command.clone(),
        stage: fetch.in_stage.clone(),
        mounts: mounts.collect(),
        platform: platform.clone(),
    }
}
