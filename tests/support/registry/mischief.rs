//! What the registry does wrong, and when.

use std::time::Duration;

use super::State;
use super::http::{Call, Reply};
use super::routes;

/// One thing to do wrong.
#[derive(Debug, Clone)]
pub(crate) enum Mischief {
    /// Another answer altogether.
    Answer(Reply),
    /// To another address.
    Redirect { status: u16, to: String },
    /// Ends the connection after so many bytes of the body.
    Cut { after: usize },
    /// Does not say how long the body is, and ends the connection after so many bytes of it.
    NoLength { after: usize },
    /// Ends the connection without an answer.
    Vanish,
    /// Never answers.
    Hang,
    /// Something that is not HTTP.
    Garbage,
    /// Says nothing for a while after so many bytes of the body.
    Slow { after: usize, silence: Duration },
    /// One other byte, the same length.
    Flip,
    /// A body with bytes missing at its end, and a length that agrees.
    Shorter { by: usize },
    /// A body with bytes too many, and a length that agrees.
    Longer { by: usize },
    /// The whole when a part was asked for.
    NoRange,
    /// Another part than the one asked for.
    WrongRange,
    /// Another header than the right one.
    Header { name: String, value: String },
    /// No token that was given out is good any more.
    ExpireTokens,
}

/// A mischief, and the requests that it is done to.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    part: String,
    mischief: Mischief,
    skip: usize,
    times: usize,
    seen: usize,
}

impl Rule {
    /// For each request whose target holds `part`.
    pub(crate) fn on(part: &str, mischief: Mischief) -> Self {
        Self { part: part.to_owned(), mischief, skip: 0, times: usize::MAX, seen: 0 }
    }

    /// Not for the first ones.
    pub(crate) fn after(mut self, skip: usize) -> Self {
        self.skip = skip;
        self
    }

    /// Only so often.
    pub(crate) fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Counts a request that fits, and says whether it is one of those.
    fn fits(&mut self, call: &Call) -> bool {
        if !call.target.contains(&self.part) {
            return false;
        }
        self.seen += 1;
        self.seen > self.skip && self.seen - self.skip <= self.times
    }
}

/// What is answered, and what goes wrong while it is sent.
pub(crate) fn answer(state: &mut State, call: &Call) -> (Reply, Option<Mischief>) {
    let mischief = state.rules.iter_mut().find_map(|rule| rule.fits(call).then(|| rule.mischief.clone()));
    let reply = match &mischief {
        Some(Mischief::Answer(reply)) => reply.clone(),
        Some(Mischief::Redirect { status, to }) => Reply::new(*status).with("Location", to.clone()),
        Some(Mischief::ExpireTokens) => {
            state.access.expire();
            routes::answer(state, call)
        }
        Some(Mischief::NoRange) => routes::answer(state, &without_range(call)),
        Some(Mischief::WrongRange) => {
            let mut reply = routes::answer(state, &without_range(call));
            let total = reply.body.len();
            reply.status = 206;
            reply.body.drain(..1);
            reply.with("Content-Range", format!("bytes 1-{}/{total}", total - 1))
        }
        Some(mischief) => spoiled(routes::answer(state, call), mischief),
        None => routes::answer(state, call),
    };
    (reply, mischief)
}

fn spoiled(mut reply: Reply, mischief: &Mischief) -> Reply {
    match mischief {
        Mischief::Flip => {
            let middle = reply.body.len() / 2;
            if let Some(byte) = reply.body.get_mut(middle) {
                *byte ^= 1;
            }
        }
        Mischief::Shorter { by } => reply.body.truncate(reply.body.len().saturating_sub(*by)),
        Mischief::Longer { by } => reply.body.extend(std::iter::repeat_n(b'x', *by)),
        Mischief::Header { name, value } => return reply.with(name, value.clone()),
        _ => {}
    }
    reply
}

fn without_range(call: &Call) -> Call {
    let mut call = call.clone();
    call.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("range"));
    call
}
