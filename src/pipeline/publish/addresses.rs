//! Where something goes, and under which names.

use crate::base::PlanDigest;
use crate::pipeline::error::Error;
use crate::publish::{Destination, Names, PublishError};
use crate::registry::{Repository, Tag};
use crate::template::Publish;

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
    if names.is_empty() {
        return Err(Error::NoTag { destination: destination.to_string() });
    }
    Ok(Address { destination: destination.clone(), names: Names::new(names) })
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
    fn what_has_no_name_or_no_place_is_told() {
        let x: [Destination; 1] = ["r.example.org/x".parse().expect("a destination")];
        assert!(matches!(addresses(&x, &[], &about(None, None, None)), Err(Error::NoTag { .. })));
        assert!(matches!(addresses(&x, &[TagWish::Plan], &about(None, None, None)), Err(Error::NoPlan)));
        assert!(matches!(addresses(&[], &[], &about(Some("1"), None, None)), Err(Error::NoDestination)));
    }
}
