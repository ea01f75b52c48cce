//! Everything that a lock names, in one place.

use crate::input::vendor::Writer;
use crate::input::{Asked, Reach, fetch, git, image, packages, url};
use crate::lock::Pin;

use super::asks::Asks;
use super::error::Error;
use super::load::Loaded;
use super::pin::input_error;
use super::terms::{Event, Terms};

/// Adds every input of the lock to a vendored layout.
pub fn vendor(loaded: &Loaded, writer: &mut Writer<'_>, reach: &Reach<'_>, terms: &Terms<'_>) -> Result<(), Error> {
    vendor_some(loaded, &loaded.asks, writer, reach, terms)
}

/// The same for some of them.
pub(super) fn vendor_some(
    loaded: &Loaded,
    asks: &Asks,
    writer: &mut Writer<'_>,
    reach: &Reach<'_>,
    terms: &Terms<'_>,
) -> Result<(), Error> {
    for (request, ask) in asks {
        if terms.is_interrupted() {
            return Err(Error::Interrupted);
        }
        let Some(pin) = loaded.lock.as_ref().and_then(|lock| lock.inputs.get(request)) else { continue };
        (terms.watch)(Event::Resolving { request });
        let added = match (&ask.asked, pin) {
            (Asked::Image(asked), Pin::Image(pin)) => {
                image::open(asked, pin, reach).and_then(|image| writer.image(&image, reach))
            }
            (Asked::Url(source), Pin::Url(of)) => {
                url::bring(source, of, reach).and_then(|_| writer.artifact(request, pin))
            }
            (Asked::Git(asked), Pin::Git(of)) => {
                git::bring(asked, of, reach).and_then(|_| writer.artifact(request, pin))
            }
            // What nobody asked to build may never have been fetched here.
            (Asked::Fetch(asked), Pin::Fetch(_)) if !loaded.platforms.contains(&asked.platform) => Ok(()),
            (Asked::Fetch(asked), Pin::Fetch(of)) => {
                fetch::bring(asked, of, reach).and_then(|_| writer.artifact(request, pin))
            }
            (Asked::Packages(_, repositories), Pin::Packages(of)) => {
                packages::bring(&of.set, &of.releases, repositories, reach).and_then(|_| writer.artifact(request, pin))
            }
            // Every request has a pin of its kind.
            _ => Ok(()),
        };
        added.map_err(|source| input_error(ask, loaded, source))?;
    }
    Ok(())
}
