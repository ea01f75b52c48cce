//! Requests as values.

use super::headers::Headers;
use super::secret::Secret;
use super::url::Url;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The thing.
    Get,
    /// What there is to know about it.
    Head,
    /// A new one below it.
    Post,
    /// Make it this.
    Put,
    /// Add to it.
    Patch,
    /// Remove it.
    Delete,
}

/// Whether a request may be sent again when nobody knows whether the first one arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// The second one changes nothing.
    Safe,
    /// Only if the first one surely did not arrive.
    Unsafe,
}

/// What proves that an answer is what was wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The connection: TLS, or a host that the user named.
    Connection,
    /// The content: whoever asks compares it with a digest, or checks who signed it. Nobody on the way can change it
    /// unseen, so plain HTTP is good enough, which mirrors of distributions speak. Nothing secret goes along.
    Content,
}

/// One request. Its `Debug` shows no secret, and not the body.
#[derive(Clone)]
pub struct Request {
    /// What is asked for.
    pub method: Method,
    /// Where.
    pub url: Url,
    /// Beside those that every request has.
    pub headers: Headers,
    /// All of it; for small bodies.
    pub body: Option<Vec<u8>>,
    /// What in the body is secret: an answer that repeats it is not shown with it.
    pub(super) hidden: Vec<Secret>,
    /// Whether it may be sent again.
    pub repeat: Repeat,
    /// What proves the answer.
    pub proof: Proof,
}

impl Request {
    /// A request without body and headers.
    pub fn new(method: Method, url: Url) -> Self {
        let repeat = match method {
            Method::Get | Method::Head | Method::Put | Method::Delete => Repeat::Safe,
            Method::Post | Method::Patch => Repeat::Unsafe,
        };
        Self {
            method,
            url,
            headers: Headers::default(),
            body: None,
            hidden: Vec::new(),
            repeat,
            proof: Proof::Connection,
        }
    }

    /// `GET`.
    pub fn get(url: Url) -> Self {
        Self::new(Method::Get, url)
    }

    /// With a header.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.set(name, value);
        self
    }

    /// With the value of an `Authorization` header; see [`Secret::basic`] and [`Secret::bearer`].
    pub fn authorized(mut self, value: Option<Secret>) -> Self {
        if let Some(value) = value {
            self.headers.set_secret("authorization", value);
        }
        self
    }

    /// With a body.
    pub fn with_body(mut self, media_type: &str, body: Vec<u8>) -> Self {
        self.headers.set("content-type", media_type);
        self.body = Some(body);
        self
    }

    /// With a secret that stands in its body.
    pub fn hiding(mut self, secret: Secret) -> Self {
        self.hidden.push(secret);
        self
    }

    /// With something else that proves the answer.
    pub fn proven(mut self, proof: Proof) -> Self {
        self.proof = proof;
        self
    }

    /// Whether it may go over plain HTTP to a host that the user did not name.
    pub(super) fn is_fit_for_plain(&self) -> bool {
        let has_secrets = self.url.user().is_some() || !self.headers.secrets().is_empty() || !self.hidden.is_empty();
        self.proof == Proof::Content && !has_secrets
    }

    /// May be sent again, whatever its method says: the server gives the same answer twice.
    pub fn repeatable(mut self) -> Self {
        self.repeat = Repeat::Safe;
        self
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("headers", &self.headers)
            .field("body_bytes", &self.body.as_ref().map(Vec::len))
            .finish_non_exhaustive()
    }
}
