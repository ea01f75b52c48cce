//! Where something goes, and under which names.

use crate::base::PlanDigest;
use crate::pipeline::error::Error;
use crate::publish::tags::is_of_tools;
use crate::publish::{Aims, Destination, Names, PublishError};
use crate::registry::{Repository, Tag};
use crate::template::{Order, Publish};

/// A name that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagWish {
    /// The one that a plan has: `p-` and the first twelve digits of its digest.
    Plan,
    /// This one.
    Tag(Tag),
}

/// A place and the names that something gets there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The place; its own tag is among the names.
    pub destination: Destination,
    /// In the order in which they are created; none where something is only kept.
    pub names: Names,
    /// What moves to it afterwards; nothing where it is not called by its version, or what is no registry.
    pub channels: Option<Aims>,
}

/// What is known of what goes.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The image's name.
    pub name: Option<&'a str>,
    /// Its version.
    pub version: Option<&'a str>,
    /// What it was built by.
    pub plan: Option<&'a PlanDigest>,
    /// What its template says.
    pub publish: Option<&'a Publish>,
}

/// Where something goes: to the destinations that were given, else to where its template says. Its names are the
/// destination's own tag, else the version; and all that were asked for.
pub fn addresses(given: &[Destination], tags: &[TagWish], about: &About<'_>) -> Result<Vec<Address>, Error> {
    let own;
    let destinations = match given {
        [] => {
            own = [usual(about)?];
            &own[..]
        }
        given => given,
    };
    destinations.iter().map(|destination| address(destination, tags, about)).collect()
}

/// Names that tools keep for themselves move or are counted: none of them may be a release's.
pub(in crate::pipeline) fn free_of_tools(names: &[Tag]) -> Result<(), Error> {
    match names.iter().find(|tag| is_of_tools(tag.as_str())) {
        Some(tag) => Err(Error::ToolsTag { tag: tag.to_string() }),
        None => Ok(()),
    }
}

/// The tag that a plan has.
pub(super) fn plan_tag(plan: &PlanDigest) -> Result<Tag, Error> {
    Ok(format!("p-{}", plan.short()).parse().map_err(PublishError::from)?)
}

fn usual(about: &About<'_>) -> Result<Destination, Error> {
    let registry = about.publish.and_then(|publish| publish.registry.as_deref());
    let (Some(registry), Some(name)) = (registry, about.name) else { return Err(Error::NoDestination) };
    let repository = match registry.split_once('/') {
        Some((host, path)) => Repository { registry: host.to_owned(), name: format!("{path}/{name}") },
        None => Repository { registry: registry.to_owned(), name: name.to_owned() },
    };
    Ok(Destination::Registry(repository, None))
}

fn address(destination: &Destination, tags: &[TagWish], about: &About<'_>) -> Result<Address, Error> {
    let own = destination.tag().map_err(PublishError::from)?;
    let version = about.version.map(str::parse).transpose().map_err(PublishError::from)?;
    let mut names: Vec<Tag> = own.or(version).into_iter().collect();
    for wish in tags {
        names.push(match wish {
            TagWish::Tag(tag) => tag.clone(),
            TagWish::Plan => plan_tag(about.plan.ok_or(Error::NoPlan)?)?,
        });
    }
    free_of_tools(&names)?;
    if names.is_empty() {
        return Err(Error::NoTag { destination: destination.to_string() });
    }
    let names = Names::new(names);
    let channels = match (destination, about.publish) {
        (Destination::Registry(..), Some(publish)) => {
            channels(&names, &publish.channels, publish.order, about.version)?
        }
        _ => None,
    };
    Ok(Address { destination: destination.clone(), names, channels })
}

/// The channels of what goes to a registry under its version.
pub(super) fn channels(
    names: &Names,
    patterns: &[String],
    order: Order,
    version: Option<&str>,
) -> Result<Option<Aims>, Error> {
    let is_named = |version: &&str| names.tags().iter().any(|tag| tag.as_str() == *version);
    let version = version.filter(is_named).filter(|_| !patterns.is_empty());
    let aims = version.map(|version| Aims::new(patterns, order, version)).transpose().map_err(PublishError::from)?;
    Aims::check(patterns, names.tags(), aims.as_ref()).map_err(PublishError::from)?;
    Ok(aims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::hash::digest_of;

    fn about<'a>(version: Option<&'a str>, publish: Option<&'a Publish>, plan: Option<&'a PlanDigest>) -> About<'a> {
        About { name: Some("shop/api"), version, plan, publish }
    }

    fn shown(given: &[&str], tags: &[TagWish], about: &About<'_>) -> Vec<String> {
        let given: Vec<Destination> = given.iter().map(|text| text.parse().expect("a destination")).collect();
        let found = addresses(&given, tags, about).expect("addresses");
        let names = |address: &Address| address.names.tags().iter().map(Tag::to_string).collect::<Vec<_>>().join(",");
        found.iter().map(|address| format!("{} {}", address.destination, names(address))).collect()
    }

    #[test]
    fn names_are_the_destinations_or_the_version_and_those_asked_for() {
        let publish = Publish { registry: Some("r.example.org/acme".to_owned()), ..Publish::default() };
        let tag = |text: &str| TagWish::Tag(text.parse().expect("a tag"));
        let usual = about(Some("1.8.2"), Some(&publish), None);
        assert_eq!(shown(&[], &[], &usual), ["r.example.org/acme/shop/api 1.8.2"]);
        assert_eq!(shown(&["r.example.org/x:1"], &[tag("a"), tag("1")], &usual), ["r.example.org/x:1 1,a"]);
        let plan: PlanDigest = digest_of(b"plan");
        let without = about(None, Some(&publish), Some(&plan));
        assert_eq!(shown(&["oci:d"], &[TagWish::Plan], &without), [format!("oci:d p-{}", plan.short())]);
    }

    #[test]
    fn channels_move_to_what_a_registry_has_under_its_version() {
        let publish = Publish { channels: vec!["{major}".to_owned(), "latest".to_owned()], ..Publish::default() };
        let moving = |given: &str, tags: &[TagWish], version| {
            let given = [given.parse().expect("a destination")];
            let found = addresses(&given, tags, &about(version, Some(&publish), None))?;
            let aims = found.into_iter().filter_map(|address| address.channels);
            Ok::<_, Error>(aims.flat_map(|aims| aims.moving).map(|name| name.to_string()).collect::<Vec<_>>())
        };
        let tag = |text: &str| [TagWish::Tag(text.parse().expect("a tag"))];
        let place = "r.example.org/x";
        assert_eq!(moving(place, &[], Some("1.8.2")).expect("channels"), ["1", "latest"]);
        let own = "r.example.org/x:own";
        assert_eq!(moving(own, &tag("1.8.2"), Some("1.8.2")).expect("channels"), ["1", "latest"]);
        assert_eq!(moving(own, &[], Some("1.8.2")).expect("nothing"), [""; 0]);
        assert_eq!(moving(own, &[], Some("nightly")).expect("nothing"), [""; 0]);
        assert_eq!(moving("oci:d", &[], Some("1.8.2")).expect("nothing"), [""; 0]);
        for (tags, version) in [(&tag("latest"), "1.8.2"), (&tag("1"), "1.8.2"), (&tag("x"), "latest")] {
            let error = moving(place, tags, Some(version)).expect_err("refused");
            assert!(matches!(&error, Error::Publish(_)) && error.hint().is_some(), "{error}");
        }
    }

    #[test]
    fn what_has_no_name_or_no_place_is_told() {
        let x: [Destination; 1] = ["r.example.org/x".parse().expect("a destination")];
        assert!(matches!(addresses(&x, &[], &about(None, None, None)), Err(Error::NoTag { .. })));
        assert!(matches!(addresses(&x, &[TagWish::Plan], &about(None, None, None)), Err(Error::NoPlan)));
        assert!(matches!(addresses(&[], &[], &about(Some("1"), None, None)), Err(Error::NoDestination)));
        for own in
            ["ch-latest-000001".to_owned(), "part-0123456789ab".to_owned(), format!("sha256-{}", "0a".repeat(32))]
        {
            let wish = [TagWish::Tag(own.parse().expect("a tag"))];
            assert!(
                matches!(addresses(&x, &wish, &about(Some("1"), None, None)), Err(Error::ToolsTag { .. })),
                "{own}"
            );
        }
    }
}
