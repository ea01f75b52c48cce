//! From a request to an answer: what may be sent where, redirects, retries.
//!
//! ```text
//! Request --policy--> one exchange --redirect?--> next exchange .. --passing trouble?--> wait, again .. --> Answer
//! ```

use std::io::Read;

use super::Transport;
use super::answer::{Answer, Document};
use super::error::{TransportError, is_passing};
use super::request::{Method, Repeat, Request};
use super::retry::{Patience, Watch};
use super::settings::Network;
use super::url::{Scheme, Url};

/// How many redirects are followed: what curl and browsers follow is 20 to 50, what registries need is two.
const REDIRECTS_MAX: usize = 10;

impl Transport {
    /// Sends a request until there is an answer that trying again does not change, or the attempts are used up. An answer
    /// of any status is an answer: see [`Answer::success`].
    pub fn send(&self, request: &Request, watch: Watch<'_>) -> Result<Answer, TransportError> {
        let mut patience = self.patience(watch);
        loop {
            let error = match self.follow(request) {
                Ok(answer) if !is_passing(answer.status) => return Ok(answer),
                Ok(answer) => answer.refusal(),
                Err(error) => error,
            };
            let again = request.repeat == Repeat::Safe || error.is_harmless();
            if !again || !error.is_passing() {
                return Err(error);
            }
            patience.wait(error, 0)?;
        }
    }

    /// Sends a request and follows where it leads, without trying again: for questions whose failure is an answer.
    pub fn send_once(&self, request: &Request) -> Result<Answer, TransportError> {
        self.follow(request)
    }

    /// All of a document that succeeds, which must not be longer than `limit_bytes`. If the connection is cut, it is
    /// asked for again.
    pub fn document(
        &self,
        request: &Request,
        limit_bytes: usize,
        watch: Watch<'_>,
    ) -> Result<Document, TransportError> {
        let mut patience = self.patience(watch);
        loop {
            let read = self.follow(request).and_then(Answer::success).and_then(|answer| {
                let Answer { headers, url, body, .. } = answer;
                Ok(Document { headers, url, bytes: body.rest(limit_bytes)? })
            });
            match read {
                Err(error) if error.is_passing() && (request.repeat == Repeat::Safe || error.is_harmless()) => {
                    patience.wait(error, 0)?;
                }
                other => return other,
            }
        }
    }

    /// The attempts of something that takes several requests.
    pub fn patience<'a>(&'a self, watch: Watch<'a>) -> Patience<'a> {
        Patience::new(&self.settings.retries, &self.agents.interrupted, watch)
    }

    /// Sends a request once, and where the answer leads.
    pub(super) fn follow(&self, request: &Request) -> Result<Answer, TransportError> {
        let mut answer = self.once(request)?;
        let mut current: Option<Request> = None;
        for _ in 0..REDIRECTS_MAX {
            let now = current.as_ref().unwrap_or(request);
            let Some(next) = redirected(now, &answer)? else { return Ok(answer) };
            answer = self.once(&next)?;
            current = Some(next);
        }
        match redirected(current.as_ref().unwrap_or(request), &answer)? {
            None => Ok(answer),
            Some(_) => Err(TransportError::TooManyRedirects { url: request.url.to_string(), limit: REDIRECTS_MAX }),
        }
    }

    fn once(&self, request: &Request) -> Result<Answer, TransportError> {
        self.once_with(request, None)
    }

    /// The same with a body that is read while it is sent.
    pub(super) fn once_with(&self, request: &Request, body: Option<&mut dyn Read>) -> Result<Answer, TransportError> {
        let url = &request.url;
        if self.settings.network == Network::Offline {
            return Err(TransportError::Offline { url: url.to_string() });
        }
        if url.scheme() == Scheme::Http && !self.settings.allows_plain(url) && !request.is_fit_for_plain() {
            return Err(TransportError::PlainHttp { url: url.to_string(), host: url.place() });
        }
        self.agents.exchange(request, body, self.settings.proxies.between(url))
    }
}

/// The request that an answer leads to. To another host go neither credentials nor cookies, and not what was posted, which
/// may be a credential itself.
fn redirected(request: &Request, answer: &Answer) -> Result<Option<Request>, TransportError> {
    let reads = matches!(request.method, Method::Get | Method::Head);
    let follows = match answer.status {
        301..=303 => reads,
        307 | 308 => true,
        _ => false,
    };
    let Some(location) = answer.headers.get("location").filter(|_| follows) else { return Ok(None) };
    let from = &request.url;
    let to = from.join(location).map_err(|_| TransportError::BadRedirect { url: from.to_string() })?;
    if from.scheme() == Scheme::Https && to.scheme() == Scheme::Http && !to.is_loopback() {
        return Err(TransportError::Downgrade { from: from.to_string(), to: to.to_string() });
    }
    if request.method == Method::Post && !to.has_origin_of(from) {
        return Ok(None);
    }
    Ok(Some(moved(request, to)))
}

fn moved(request: &Request, to: Url) -> Request {
    let mut next = Request { url: to, ..request.clone() };
    if !next.url.has_origin_of(&request.url) {
        next.headers.drop_credentials();
    }
    next
}
