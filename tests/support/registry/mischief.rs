//! What the registry does wrong.

use std::time::Duration;

use super::State;
use super::body::Body;
use super::http::{Call, Reply};
use super::routes;
use super::store::digest_of;

/// One thing to do wrong. To *act* is to do what was asked: what a write asks for is then there.
#[derive(Debug, Clone)]
pub(crate) enum Mischief {
    /// Another answer altogether; does not act.
    Answer(Reply),
    /// The same before the body of the request is read, and then ends the connection.
    AnswerEarly(Reply),
    /// To another address; does not act.
    Redirect { status: u16, to: String },
    /// Acts, and ends the connection after so many bytes of the answer's body.
    Cut { after: usize },
    /// Ends the connection after so many bytes of the request's body were read; what an upload keeps of them is a setting.
    CutRequest { after: u64 },
    /// Reads so many bytes of the request's body and no more, as if the network stood still.
    StallRequest { after: u64 },
    /// Does not say how long the body is, and ends the connection after so many bytes of it.
    NoLength { after: usize },
    /// Ends the connection without an answer; does not act.
    Vanish,
    /// Never answers; does not act.
    Hang,
    /// Something that is not HTTP; does not act.
    Garbage,
    /// Acts, and ends the connection without an answer.
    ActThenVanish,
    /// Acts, and never answers.
    ActThenHang,
    /// Acts, and gives another answer.
    ActThenAnswer(Reply),
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
    /// A header less.
    Without { name: String },
    /// No token that was given out is good any more.
    ExpireTokens,
}

impl Mischief {
    /// The digest of something else.
    pub(crate) fn wrong_digest() -> Self {
        Self::Header { name: "Docker-Content-Digest".to_owned(), value: digest_of(b"something else") }
    }

    /// An upload that goes on at another address.
    pub(crate) fn lying_location(to: &str) -> Self {
        Self::Header { name: "Location".to_owned(), value: to.to_owned() }
    }

    /// A registry that has the referrers API and does not say so.
    pub(crate) fn silent_subject() -> Self {
        Self::Without { name: "OCI-Subject".to_owned() }
    }

    /// Asks to come again after so many seconds.
    pub(crate) fn busy(seconds: u32) -> Self {
        let reply = Reply::error(429, "TOOMANYREQUESTS", "too many requests");
        Self::Answer(reply.with("Retry-After", seconds.to_string()))
    }

    /// Whether what was asked is done, or begun.
    pub(super) fn acts(&self) -> bool {
        !matches!(
            self,
            Self::Answer(_) | Self::AnswerEarly(_) | Self::Redirect { .. } | Self::Vanish | Self::Hang | Self::Garbage
        )
    }

    /// After how many bytes of its body the request is given up.
    pub(super) fn stop_after(&self) -> Option<u64> {
        match self {
            Self::CutRequest { after } | Self::StallRequest { after } => Some(*after),
            _ => None,
        }
    }
}

/// What is answered, with what goes wrong in it; nothing if there is no answer. `refusal` is what lacks.
pub(super) fn answer(
    state: &mut State,
    call: &Call,
    body: &mut Body,
    refusal: Option<Reply>,
    mischief: Option<&Mischief>,
) -> Option<Reply> {
    let mut act = |call: &Call| match refusal.clone() {
        Some(refusal) => refusal,
        None => routes::answer(state, call, body),
    };
    Some(match mischief {
        Some(Mischief::Answer(reply) | Mischief::AnswerEarly(reply)) => reply.clone(),
        Some(Mischief::Redirect { status, to }) => Reply::new(*status).with("Location", to.clone()),
        Some(Mischief::Vanish | Mischief::Hang | Mischief::Garbage) => return None,
        Some(Mischief::ActThenVanish | Mischief::ActThenHang) => {
            act(call);
            return None;
        }
        Some(Mischief::ActThenAnswer(reply)) => {
            act(call);
            reply.clone()
        }
        Some(Mischief::NoRange) => act(&without_range(call)),
        Some(Mischief::WrongRange) => {
            let mut reply = act(&without_range(call));
            let total = reply.body.len();
            reply.status = 206;
            reply.body.drain(..1);
            reply.with("Content-Range", format!("bytes 1-{}/{total}", total - 1))
        }
        Some(mischief) => spoiled(act(call), mischief),
        None => act(call),
    })
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
        Mischief::Without { name } => return reply.without(name),
        _ => {}
    }
    reply
}

fn without_range(call: &Call) -> Call {
    let mut call = call.clone();
    call.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("range"));
    call
}
