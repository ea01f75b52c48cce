//! One platform's share of an image that several machines build, as a file that each of them hands on.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::base::{BlobDigest, ContentDigest, PlanDigest, Platform, TemplateDigest};
use crate::plan::{PlanHead, PlanPart};
use crate::template::Order;

/// What the `format` of a part of this version says.
pub const FORMAT: &str = "kiln part 1";

/// A platform's image, which is in every place and has no name there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// [`FORMAT`]
    pub format: String,
    /// What all parts have to agree on.
    pub common: Common,
    /// The platform's plan.
    pub plan: PlanPart,
    /// The platform's manifest.
    pub manifest: BlobDigest,
}

/// What the parts of one image have in common.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Common {
    /// Of the template and its includes.
    pub template: TemplateDigest,
    /// Of the lock, if there is one.
    pub lock: Option<ContentDigest>,
    /// What the plans of all platforms share.
    pub head: PlanHead,
    /// All platforms, in order.
    pub platforms: Vec<Platform>,
    /// Where the parts are, and which names the whole gets there.
    pub places: Vec<PartPlace>,
    /// Names that move to it.
    pub channels: Vec<String>,
    /// How versions are compared for them.
    pub order: String,
}

/// A repository, and the names that the image gets there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartPlace {
    /// `HOST/REPOSITORY`
    pub repository: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Whether it gets the tag of its plan as well.
    pub plan_tag: bool,
}

/// Parts that do not make an image.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// A file that is not one.
    #[error("`{path}` is not a part that `kiln push --part` wrote", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Two parts were not made of the same.
    #[error("`{path}` is not of the same image as `{first}`: {what} differs", path = path.display(), first = first.display())]
    Differs {
        /// Which.
        path: PathBuf,
        /// The one that it is compared with.
        first: PathBuf,
        /// Such as `the template`.
        what: &'static str,
    },
    /// A platform twice.
    #[error("`{path}` and `{first}` are both for {platform}", path = path.display(), first = first.display())]
    Twice {
        /// The second.
        path: PathBuf,
        /// The first.
        first: PathBuf,
        /// For which.
        platform: Box<Platform>,
    },
    /// Platforms without a part.
    #[error("the image is for {all}, and no part is for {missing}")]
    Missing {
        /// Without a part.
        missing: String,
        /// All of them.
        all: String,
    },
    /// A part whose platform is none of the image's.
    #[error("`{path}` is for {platform}, which the image is not for", path = path.display())]
    Stranger {
        /// Which.
        path: PathBuf,
        /// For which.
        platform: Box<Platform>,
    },
    /// The image of a part is for another platform than the part says.
    #[error("the part for {wanted} is an image for {found}: {manifest}")]
    OfOther {
        /// Its manifest.
        manifest: BlobDigest,
        /// What the part says.
        wanted: Box<Platform>,
        /// What the image says.
        found: Box<Platform>,
    },
    /// Versions are to be compared in a way that kiln does not know.
    #[error("the parts compare versions by `{found}`, which is no order")]
    Order {
        /// As it is written there.
        found: String,
    },
    /// No parts.
    #[error("no part is named")]
    None,
}

impl PartError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::File { .. } => "name the files that the runners wrote: `part-*.json`".to_owned(),
            Self::Differs { .. } => {
                "build all parts from the same commit, with the same options and destinations".to_owned()
            }
            Self::Order { .. } => "join them with the kiln that built them".to_owned(),
            Self::OfOther { .. } => "build this part again".to_owned(),
            Self::Twice { .. } => "name one of them".to_owned(),
            Self::Missing { .. } => {
                "build it with `kiln push --part --platform P`, and name its file as well".to_owned()
            }
            Self::Stranger { .. } | Self::None => {
                "name the parts of one image, one for each of its platforms".to_owned()
            }
        })
    }
}

impl Part {
    /// Reads a part.
    pub fn parse(path: &std::path::Path, bytes: &[u8]) -> Result<Self, PartError> {
        let fail = |source| PartError::File { path: path.to_owned(), source };
        let part: Self = serde_json::from_slice(bytes).map_err(|error| fail(error.into()))?;
        if part.format == FORMAT {
            return Ok(part);
        }
        Err(fail(format!("expected the format `{FORMAT}`, found `{}`", part.format).into()))
    }
}

impl Part {
    /// Whether the image of a part is for what the part says.
    pub fn check(&self, found: &Platform) -> Result<(), PartError> {
        let wanted = &self.plan.platform;
        match found == wanted {
            true => Ok(()),
            false => {
                let (wanted, found) = (Box::new(wanted.clone()), Box::new(found.clone()));
                Err(PartError::OfOther { manifest: self.manifest, wanted, found })
            }
        }
    }
}

/// All parts of one image, in the order of its platforms.
pub fn together(parts: &[(PathBuf, Part)]) -> Result<(&Common, Vec<&Part>), PartError> {
    let Some((first_path, first)) = parts.first() else { return Err(PartError::None) };
    let common = &first.common;
    for (at, (path, part)) in parts.iter().enumerate() {
        if let Some(what) = difference(&part.common, common) {
            return Err(PartError::Differs { path: path.clone(), first: first_path.clone(), what });
        }
        let platform = &part.plan.platform;
        if let Some((earlier, _)) = parts[..at].iter().find(|(_, earlier)| earlier.plan.platform == *platform) {
            return Err(PartError::Twice {
                path: path.clone(),
                first: earlier.clone(),
                platform: Box::new(platform.clone()),
            });
        }
        if !common.platforms.contains(platform) {
            return Err(PartError::Stranger { path: path.clone(), platform: Box::new(platform.clone()) });
        }
    }
    let of = |platform: &Platform| parts.iter().map(|(_, part)| part).find(|part| part.plan.platform == *platform);
    let shown = |platforms: Vec<&Platform>| platforms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let missing: Vec<&Platform> = common.platforms.iter().filter(|platform| of(platform).is_none()).collect();
    if !missing.is_empty() {
        return Err(PartError::Missing { missing: shown(missing), all: shown(common.platforms.iter().collect()) });
    }
    Ok((common, common.platforms.iter().filter_map(of).collect()))
}

fn difference(a: &Common, b: &Common) -> Option<&'static str> {
    let checks = [
        (a.template == b.template, "the template"),
        (a.lock == b.lock, "the lock"),
        (a.head == b.head, "the plan: name, version, times, annotations or profile"),
        (a.platforms == b.platforms, "the list of platforms"),
        (a.places == b.places, "where it goes, or under which names"),
        (a.channels == b.channels && a.order == b.order, "the list of channels"),
    ];
    checks.into_iter().find(|(same, _)| !same).map(|(_, what)| what)
}

impl Common {
    /// How versions are compared.
    pub fn order(&self) -> Result<Order, PartError> {
        Order::named(&self.order).ok_or_else(|| PartError::Order { found: self.order.clone() })
    }

    /// The digest of the whole plan: the same as if one machine had built all platforms.
    pub fn plan(&self, parts: &[&Part]) -> serde_json::Result<PlanDigest> {
        let parts: Vec<PlanPart> = parts.iter().map(|part| part.plan.clone()).collect();
        self.head.digest(&parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Epoch;
    use crate::base::hash::digest_of;
    use std::collections::BTreeMap;

    fn part(platform: &str) -> Part {
        let time = Epoch::from_seconds(1_767_225_600).expect("a time");
        let head = PlanHead {
            profile: "1".to_owned(),
            name: Some("shop/api".to_owned()),
            version: Some("1".to_owned()),
            epoch: time,
            created: time,
            annotations: BTreeMap::new(),
        };
        let platforms = ["linux/amd64", "linux/arm64"].map(|platform| platform.parse().expect("a platform"));
        let place = PartPlace { repository: "r/x".to_owned(), tags: vec!["1".to_owned()], plan_tag: false };
        let common = Common {
            template: digest_of(b"template"),
            lock: None,
            head,
            platforms: platforms.to_vec(),
            places: vec![place],
            channels: Vec::new(),
            order: "semver".to_owned(),
        };
        let plan = PlanPart { platform: platform.parse().expect("a platform"), digest: digest_of(platform.as_bytes()) };
        Part { format: FORMAT.to_owned(), common, plan, manifest: digest_of(platform.as_bytes()) }
    }

    fn named(parts: Vec<Part>) -> Vec<(PathBuf, Part)> {
        parts.into_iter().enumerate().map(|(at, part)| (PathBuf::from(format!("part-{at}.json")), part)).collect()
    }

    #[test]
    fn parts_come_together_in_the_order_of_the_platforms() {
        let parts = named(vec![part("linux/arm64"), part("linux/amd64")]);
        let (common, sorted) = together(&parts).expect("both");
        let platforms: Vec<String> = sorted.iter().map(|part| part.plan.platform.to_string()).collect();
        assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
        let reversed = named(vec![part("linux/amd64"), part("linux/arm64")]);
        let again = together(&reversed).expect("both");
        assert_eq!(common.plan(&sorted).expect("a plan"), again.0.plan(&again.1).expect("a plan"));
        let text = serde_json::to_vec(&parts[0].1).expect("JSON");
        assert_eq!(Part::parse(std::path::Path::new("x"), &text).expect("a part"), parts[0].1);
    }

    #[test]
    fn parts_that_do_not_make_an_image_are_named() {
        let fails = |parts: Vec<Part>| {
            let parts = named(parts);
            let error = together(&parts).map(drop).expect_err("no image");
            assert!(error.hint().is_some());
            error
        };
        let (amd64, arm64) = (|| part("linux/amd64"), || part("linux/arm64"));
        let missing = fails(vec![amd64()]);
        assert!(matches!(&missing, PartError::Missing { missing, .. } if missing == "linux/arm64"), "{missing}");
        assert!(matches!(fails(vec![amd64(), amd64(), arm64()]), PartError::Twice { .. }));
        let all = fails(vec![amd64(), part("linux/s390x"), arm64()]);
        assert!(matches!(all, PartError::Stranger { .. }), "{all}");
        assert!(matches!(fails(Vec::new()), PartError::None));
        type Case = (fn(&mut Common), &'static str);
        let changes: [Case; 6] = [
            (|common| common.template = digest_of(b"other"), "template"),
            (|common| common.lock = Some(digest_of(b"lock")), "lock"),
            (|common| common.head.version = Some("2".to_owned()), "plan"),
            (|common| common.platforms.truncate(1), "platforms"),
            (|common| common.places[0].tags.clear(), "names"),
            (|common| common.channels.push("latest".to_owned()), "channels"),
        ];
        for (change, expected) in changes {
            let mut other = arm64();
            change(&mut other.common);
            let error = fails(vec![amd64(), other]);
            assert!(matches!(&error, PartError::Differs { what, .. } if what.contains(expected)), "{error}");
        }
        let unknown = Common { order: "alphabet".to_owned(), ..amd64().common };
        let error = unknown.order().expect_err("no order");
        assert!(matches!(&error, PartError::Order { .. }) && error.hint().is_some());
        assert_eq!(amd64().common.order().expect("an order"), Order::Semver);
        let error = amd64().check(&"linux/arm64".parse().expect("a platform")).expect_err("another");
        assert!(matches!(&error, PartError::OfOther { .. }) && error.hint().is_some(), "{error}");
        let path = std::path::Path::new("x");
        let later = serde_json::to_string(&amd64()).expect("JSON").replace(FORMAT, "kiln part 2");
        assert!(matches!(Part::parse(path, later.as_bytes()), Err(PartError::File { .. })));
        assert!(matches!(Part::parse(path, b"{}"), Err(PartError::File { .. })));
    }
}
