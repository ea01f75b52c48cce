//! Whether a registry takes a user name and a password, which is asked before they are kept.
//!
//! ```text
//! GET /v2/ --2xx--> it asks for nothing
//!          --401--> Basic:  the password ---------------------> GET /v2/ --2xx--> taken
//!                   Bearer: the password --GET realm--> token --> GET /v2/ --2xx--> taken
//! ```
//! `/v2/` is the one address that says nothing about any repository (distribution-spec, "Determining Support"). Mirrors are
//! not asked: they have credentials of their own.

use crate::transport::{Request, Secret, TransportError, Url};

use super::challenge::{self, Challenge};
use super::client::Client;
use super::error::RegistryError;
use super::namespace::Namespace;
use super::tokens::{TOKEN_MAX_BYTES, header_of};

/// What a registry asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Credentials, and it took these.
    Credentials,
    /// Nothing, so that nobody knows whether these are any good.
    Nothing,
}

impl Client<'_> {
    /// Tries a user name and a password. Refused ones are [`RegistryError::WrongPassword`].
    pub fn login(&self, namespace: &Namespace, user: &str, password: &Secret) -> Result<Asked, RegistryError> {
        let registry = namespace.registry();
        let failed = |error: TransportError| failure(registry, user, error);
        let host = namespace.host();
        let scheme = self.scheme(&host).map_err(failed)?;
        let base = Url::parse(&format!("{}://{host}/v2/", scheme.name())).map_err(failed)?;
        let ask = |header: Option<Secret>| {
            let request = Request::get(base.clone()).authorized(header);
            self.transport.send(&request, self.watch)?.success().map(drop)
        };
        let challenges = match ask(None) {
            Ok(()) => return Ok(Asked::Nothing),
            // What another host wants to know, to which the registry only led, it is not told.
            Err(TransportError::Refused { status: 401, challenges, url, .. })
                if Url::parse(&url).is_ok_and(|url| url.has_origin_of(&base)) =>
            {
                challenges
            }
            Err(error) => return Err(on_the_way(registry, error)),
        };
        let challenges = challenge::parse(challenges.iter().map(String::as_str));
        let offers = |scheme: &str| challenges.iter().find(|challenge| challenge.scheme == scheme);
        let bearer = offers("bearer").and_then(|it| it.parameters.get("realm").map(|realm| (it, realm)));
        let header = match (bearer, offers("basic")) {
            (Some((challenge, realm)), _) => {
                let request = token_request(challenge, realm, user, password).map_err(failed)?;
                let answer = self.transport.document(&request, TOKEN_MAX_BYTES, self.watch);
                let answer = answer.map_err(|error| match error {
                    // What OAuth servers say to a wrong password (RFC 6749, section 5.2).
                    TransportError::Refused { status: 400, said, .. } => wrong(registry, user, said),
                    error => failed(error),
                })?;
                let none = || RegistryError::NoToken { registry: registry.to_owned() };
                header_of(&answer.bytes).ok_or_else(none)?
            }
            (None, Some(_)) => Secret::basic(user, password),
            (None, None) => {
                let found = challenges.iter().map(|challenge| challenge.scheme.clone()).collect();
                return Err(RegistryError::UnknownChallenge { registry: registry.to_owned(), found });
            }
        };
        ask(Some(header)).map_err(failed)?;
        Ok(Asked::Credentials)
    }
}

/// A token that opens what the challenge says; mostly that is nothing, and only who asks is checked.
fn token_request(challenge: &Challenge, realm: &str, user: &str, password: &Secret) -> Result<Request, TransportError> {
    let field = |name: &'static str| {
        let value = challenge.parameters.get(name).map(String::as_str).filter(|value| !value.is_empty());
        value.map(|value| (name, value))
    };
    let fields: Vec<(&str, &str)> = ["service", "scope"].into_iter().filter_map(field).collect();
    let url = Url::parse(realm)?;
    let url = if fields.is_empty() { url } else { url.with_query(&fields) };
    Ok(Request::get(url).authorized(Some(Secret::basic(user, password))))
}

fn failure(registry: &str, user: &str, error: TransportError) -> RegistryError {
    match error {
        TransportError::Refused { status: 401 | 403, said, .. } => wrong(registry, user, said),
        error => on_the_way(registry, error),
    }
}

fn wrong(registry: &str, user: &str, said: Option<String>) -> RegistryError {
    RegistryError::WrongPassword { registry: registry.to_owned(), user: user.to_owned(), said }
}

fn on_the_way(registry: &str, source: TransportError) -> RegistryError {
    RegistryError::Login { registry: registry.to_owned(), source: Box::new(source) }
}
