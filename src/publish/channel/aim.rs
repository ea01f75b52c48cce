//! Which channels a version moves, by what the template says alone.

use crate::publish::version::{Unexpanded, Version, expand, has_part};
use crate::registry::Tag;
use crate::template::Order;

use super::error::ChannelError;
use super::moved::{Move, Outcome};
use super::name::ChannelName;

/// The channel that everybody expects to be a release.
const LATEST: &str = "latest";

/// The channels of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aims {
    /// Its version.
    pub version: Version,
    /// How versions are compared.
    pub order: Order,
    /// Those that may move to it.
    pub moving: Vec<ChannelName>,
    /// Those that stay, whatever they hold.
    pub staying: Vec<Move>,
}

impl Aims {
    /// Of the patterns of a template. Pre-releases move neither `latest` nor what is named by a version.
    pub fn new(patterns: &[String], order: Order, version: &str) -> Result<Self, ChannelError> {
        let version = Version::parse(version, order)?;
        let (mut moving, mut staying): (Vec<ChannelName>, Vec<Move>) = (Vec::new(), Vec::new());
        for pattern in patterns {
            let stay = |outcome| Move { channel: pattern.clone(), outcome, mended: None };
            let name = match expand(pattern, &version) {
                Ok(tag) => ChannelName::new(tag)?,
                Err(Unexpanded::Missing(part)) => {
                    staying.push(stay(Outcome::NoPart { part, version: version.to_string() }));
                    continue;
                }
                Err(Unexpanded::NoTag(found)) => {
                    return Err(ChannelError::Name { found, why: "it is no tag".to_owned() });
                }
            };
            if version.is_prerelease() && (pattern == LATEST || has_part(pattern)) {
                staying.push(stay(Outcome::PreRelease { version: version.to_string() }));
            } else if !moving.contains(&name) {
                moving.push(name);
            }
        }
        Ok(Self { version, order, moving, staying })
    }

    /// Refuses names of releases that are channels: one of the two would be written over by the other.
    pub fn check(patterns: &[String], names: &[Tag], aims: Option<&Self>) -> Result<(), ChannelError> {
        let moves = |tag: &Tag| aims.is_some_and(|aims| aims.moving.iter().any(|name| name.tag() == tag));
        match names.iter().find(|tag| moves(tag) || patterns.iter().any(|pattern| pattern == tag.as_str())) {
            Some(tag) => Err(ChannelError::Release { tag: tag.clone() }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aims(patterns: &[&str], order: Order, version: &str) -> Result<Aims, ChannelError> {
        let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        Aims::new(&patterns, order, version)
    }

    fn moving(patterns: &[&str], version: &str) -> Vec<String> {
        let aims = aims(patterns, Order::Semver, version).expect("aims");
        aims.moving.iter().map(ChannelName::to_string).collect()
    }

    #[test]
    fn a_prerelease_moves_what_is_plain_and_not_latest() {
        let patterns = ["{major}.{minor}", "latest", "edge", "v{major}", "edge"];
        assert_eq!(moving(&patterns, "1.8.2"), ["1.8", "latest", "edge", "v1"]);
        assert_eq!(moving(&patterns, "1.9.0-rc.1"), ["edge"]);
        let staying = aims(&patterns, Order::Semver, "1.9.0-rc.1").expect("aims").staying;
        let lines: Vec<String> = staying.iter().flat_map(Move::lines).collect();
        assert_eq!(lines[0], "`{major}.{minor}` stays: 1.9.0-rc.1 is a pre-release");
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn what_has_no_name_is_told() {
        let found = aims(&["{year}", "latest"], Order::Semver, "1.8.2").expect("aims");
        assert_eq!(found.staying[0].lines(), ["`{year}` names no channel: 1.8.2 has no year"]);
        assert_eq!(found.moving.len(), 1);
        let long = format!("{}{{major}}", "x".repeat(120));
        for pattern in [long.as_str(), "ch-{major}-000001", "-{major}"] {
            assert!(matches!(aims(&[pattern], Order::Semver, "1.8.2"), Err(ChannelError::Name { .. })), "{pattern}");
        }
        assert!(matches!(aims(&["latest"], Order::Semver, "nightly"), Err(ChannelError::Version(_))));
    }

    #[test]
    fn no_release_is_called_like_a_channel() {
        let patterns = ["{major}.{minor}".to_owned(), "latest".to_owned()];
        let tag = |text: &str| text.parse::<Tag>().expect("a tag");
        let check = |version: &str, names: &[Tag]| {
            let aims = Aims::new(&patterns, Order::Debian, version).expect("aims");
            Aims::check(&patterns, names, Some(&aims))
        };
        assert!(check("1.9.2", &[tag("1.9.2"), tag("p-0")]).is_ok());
        let error = check("1.9", &[tag("1.9")]).expect_err("the version is the channel");
        assert!(matches!(&error, ChannelError::Release { .. }) && error.hint().is_some());
        assert!(matches!(check("1.9~rc1", &[tag("latest")]), Err(ChannelError::Release { .. })));
        assert!(matches!(Aims::check(&patterns, &[tag("latest")], None), Err(ChannelError::Release { .. })));
    }
}
