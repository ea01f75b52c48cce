//! One request from its head to its answer.
//!
//! The head decides what goes wrong and whether the request may be made at all, as with real servers: who may not push is
//! told so before the bytes come, if the client waits for that (`Expect: 100-continue`).

use std::io::{BufReader, Read, Write};

use super::body::{self, Body, End, Reading};
use super::call::RECORDED_MAX_BYTES;
use super::http::{self, Call, Reply};
use super::mischief::{self, Mischief};
use super::routes::{self, Route};
use super::{Shared, State, rule, uploads};

/// How much of a body that nobody wants is read before the connection ends, so that the answer is heard: Go's servers.
const UNWANTED_MAX_BYTES: u64 = 256 * 1024;

/// What is known of a request once its head came.
struct Visit {
    call: Call,
    /// How often all was forgotten before it came.
    resets: usize,
    mischief: Option<Mischief>,
    /// What it lacks.
    refusal: Option<Reply>,
    reading: Reading,
}

/// Answers one request; nothing if the connection has to end.
pub(super) fn serve<S: Read + Write>(stream: &mut BufReader<S>, shared: &Shared) -> Option<()> {
    let call = http::head(stream, shared)?;
    let mut visit = arrive(&mut shared.state(), call);
    let waits = visit.call.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue"));
    let early = match &visit.mischief {
        Some(Mischief::AnswerEarly(reply)) => Some(reply.clone()),
        _ => visit.refusal.clone().filter(|_| waits),
    };
    if let Some(reply) = early {
        {
            let mut state = shared.state();
            state.tell(&visit.call);
            visit.record(&mut state, Some(&reply));
        }
        http::write(stream.get_mut(), &visit.call, &reply.with("Connection", "close"), None, shared);
        if !waits {
            let reading = Reading { stop_after: Some(UNWANTED_MAX_BYTES), ..Reading::default() };
            body::read(stream, &visit.call, reading, shared);
        }
        return None;
    }
    if waits {
        stream.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    let mut body = body::read(stream, &visit.call, std::mem::take(&mut visit.reading), shared);
    let reply = conclude(&mut shared.state(), &mut visit, &mut body);
    let mischief = visit.mischief.as_ref();
    if let Some(reply) = reply {
        return http::write(stream.get_mut(), &visit.call, &reply, mischief, shared);
    }
    match mischief {
        Some(Mischief::Hang | Mischief::ActThenHang | Mischief::StallRequest { .. }) => http::hang(shared),
        Some(Mischief::Garbage) => stream.get_mut().write_all(b"this is not HTTP\r\n\r\n").ok()?,
        _ => {}
    }
    None
}

/// The head came.
fn arrive(state: &mut State, mut call: Call) -> Visit {
    call.number = state.calls.len() + 1;
    state.calls.push(call.clone());
    let mischief = rule::pick(&mut state.rules, &call);
    if matches!(mischief, Some(Mischief::ExpireTokens)) {
        state.access.expire();
    }
    let acts = mischief.as_ref().is_none_or(Mischief::acts);
    let refusal = if acts { routes::refusal(state, &call) } else { None };
    let before = match routes::route(state, &call) {
        Route::Upload(repository, id) => state.store.uploads.before(&call, repository, id),
        _ => None,
    };
    let reading = Reading {
        kept_max_bytes: state.settings.kept_max_bytes.max(RECORDED_MAX_BYTES as u64),
        stop_after: mischief.as_ref().and_then(Mischief::stop_after),
        before: before.filter(|(length, _)| *length > 0),
    };
    Visit { call, resets: state.resets, mischief, refusal, reading }
}

/// All came that will. Nothing if there is no answer.
fn conclude(state: &mut State, visit: &mut Visit, body: &mut Body) -> Option<Reply> {
    visit.call.length = body.length;
    if body.length > 0 {
        visit.call.digest = Some(body.digest());
    }
    if let Some(bytes) = body.bytes.as_ref().filter(|bytes| bytes.len() <= RECORDED_MAX_BYTES) {
        visit.call.body.clone_from(bytes);
    }
    state.tell(&visit.call);
    let acts = visit.mischief.as_ref().is_none_or(Mischief::acts);
    let refusal = visit.refusal.take();
    let reply = if body.end == End::Whole {
        mischief::answer(state, &visit.call, body, refusal, visit.mischief.as_ref())
    } else {
        let call = visit.call.clone();
        let writes = matches!(call.method.as_str(), "PATCH" | "PUT");
        if let (true, None, Route::Upload(repository, id)) = (acts && writes, refusal, routes::route(state, &call)) {
            uploads::broken(state, &call, repository, id, body);
        }
        None
    };
    if let Some(location) = reply.as_ref().and_then(|reply| reply.header("location")) {
        state.store.uploads.settle(location);
    }
    visit.record(state, reply.as_ref());
    reply
}

impl Visit {
    /// Completes the record of the call.
    fn record(&mut self, state: &mut State, reply: Option<&Reply>) {
        self.call.status = reply.map(|reply| reply.status);
        let place = self.call.number.checked_sub(1).filter(|_| self.resets == state.resets);
        if let Some(kept) = place.and_then(|at| state.calls.get_mut(at)) {
            *kept = self.call.clone();
        }
    }
}
