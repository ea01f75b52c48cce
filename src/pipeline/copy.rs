//! Brings an image from one place to others, with all that belongs to it, and without a change.

use crate::input::Reach;
use crate::publish::{Destination, Names, PublishError, collect, copy as publish};
use crate::registry::Tag;

use super::error::Error;
use super::publish::Sent;
use super::publish::addresses::free_of_tools;
use super::terms::Terms;
use super::whole::Whole;

/// Copies `whole` to every destination, also if one of them fails. Without a tag it is called there what it is called
/// where it comes from; what has no name there gets none.
pub fn copy(
    whole: &Whole<'_>,
    destinations: &[Destination],
    reach: &Reach<'_>,
    terms: &Terms<'_>,
) -> Result<Vec<Result<Sent, Error>>, Error> {
    // A name that is no tag is an error before anything is asked for.
    let names = destinations.iter().map(|destination| names(whole, destination)).collect::<Result<Vec<_>, _>>()?;
    let shipment = collect(&*whole.origin, whole.top.clone())?;
    let one = |(destination, names): (&Destination, &Names)| -> Result<Sent, Error> {
        let place = destination.open(&reach.remote.registry)?;
        let receipt = publish(&shipment, &*place, names, &*whole.origin, terms.interrupted)?;
        Ok(Sent::new(&*place, receipt))
    };
    Ok(destinations.iter().zip(&names).map(one).collect())
}

fn names(whole: &Whole<'_>, destination: &Destination) -> Result<Names, Error> {
    let own = destination.tag().map_err(PublishError::from)?;
    let called = || whole.called.as_deref().map(|name| tag_of(name).parse::<Tag>()).transpose();
    let tag = match own {
        Some(own) => Some(own),
        None => called().map_err(PublishError::from)?,
    };
    let tags: Vec<Tag> = tag.into_iter().collect();
    free_of_tools(&tags)?;
    Ok(Names::new(tags))
}

/// The tag in what a layout calls an image: some tools write the whole name there.
fn tag_of(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((_, tag)) if !tag.contains('/') => tag,
        _ => name,
    }
}
