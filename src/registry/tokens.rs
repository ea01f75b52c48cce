//! From a 401 to the value of an `Authorization` header.
//!
//! ```text
//! 401 --challenge--> Basic:  credential ------------------------------------> header
//!                    Bearer: credential --GET realm (or POST oauth2)--> token --> header
//! ```
//! Headers are kept by host and repository until the registry refuses them. The token server's address is the registry's
//! word; it is held to the rules of every address: https, this machine, or a host that the user named.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Deserialize;

use crate::transport::{Method, Request, Secret, Transport, TransportError, Url, Watch};

use super::challenge::{self, Challenge};
use super::client::Subject;
use super::credentials::{Credential, CredentialFiles};
use super::error::{Doing, Given, RegistryError};
use super::name::Repository;

/// Bytes of a token server's answer.
pub(super) const TOKEN_MAX_BYTES: usize = 1024 * 1024;

/// The headers that the registries gave or accepted.
#[derive(Default)]
pub(super) struct Tokens {
    held: Mutex<BTreeMap<Repository, Held>>,
    /// Held by the thread that asks for one: two that ask at once would take each other's rights.
    asking: Mutex<()>,
}

/// Who got another header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renewed {
    /// This thread.
    Here,
    /// Another one, for a reason of its own: what this one needs may lack.
    Elsewhere,
}

/// What is sent to a repository.
struct Held {
    header: Secret,
    /// All that was ever asked for there: two threads that mount from two repositories must not take each other's rights.
    scopes: BTreeSet<String>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

/// What is needed to get one.
pub(super) struct Asking<'a> {
    pub(super) transport: &'a Transport,
    pub(super) files: &'a CredentialFiles,
    pub(super) watch: Watch<'a>,
    /// What it is for.
    pub(super) subject: Subject<'a>,
}

impl Tokens {
    fn all(&self) -> MutexGuard<'_, BTreeMap<Repository, Held>> {
        // Each write is one insert: the map is whole whatever happened to a thread.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What to send to a repository, as far as it is known.
    pub(super) fn get(&self, repository: &Repository) -> Option<Secret> {
        self.all().get(repository).map(|held| held.header.clone())
    }

    /// Gets another header after `used` was refused with `challenges`, unless another thread was faster.
    pub(super) fn renew(
        &self,
        repository: &Repository,
        used: Option<&Secret>,
        challenges: &[String],
        asking: &Asking<'_>,
    ) -> Result<Renewed, RegistryError> {
        let _alone = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        if self.get(repository).as_ref() != used {
            return Ok(Renewed::Elsewhere);
        }
        let challenges = challenge::parse(challenges.iter().map(String::as_str));
        let mut scopes = self.all().get(repository).map(|held| held.scopes.clone()).unwrap_or_default();
        scopes.extend(scopes_of(repository, &challenges, asking.subject.doing));
        let header = asking.answer(repository, &challenges, &scopes)?;
        self.all().insert(repository.clone(), Held { header, scopes });
        Ok(Renewed::Here)
    }
}

impl Asking<'_> {
    fn answer(
        &self,
        repository: &Repository,
        challenges: &[Challenge],
        scopes: &BTreeSet<String>,
    ) -> Result<Secret, RegistryError> {
        let bearer = bearer(challenges).and_then(|it| it.parameters.get("realm").map(|realm| (it, realm)));
        if bearer.is_none() && !challenges.iter().any(|challenge| challenge.scheme == "basic") {
            let found = challenges.iter().map(|challenge| challenge.scheme.clone()).collect();
            return Err(RegistryError::UnknownChallenge { registry: repository.registry.clone(), found });
        }
        let credential = self.files.find(repository)?;
        match (bearer, credential) {
            (Some((challenge, realm)), credential) => {
                let service = challenge.parameters.get("service").map(String::as_str);
                self.token(repository, (service, scopes), realm, credential)
            }
            (None, Some(Credential::Password(user, password))) => Ok(Secret::basic(&user, &password)),
            (None, _) => Err(self.unauthorized(repository, (401, None), Given::No)),
        }
    }

    fn token(
        &self,
        repository: &Repository,
        wanted: Wanted<'_>,
        realm: &str,
        credential: Option<Credential>,
    ) -> Result<Secret, RegistryError> {
        let given = if credential.is_some() { Given::Yes } else { Given::No };
        let request = token_request(wanted, realm, credential);
        let request = request.map_err(|source| self.on_the_way(repository, source))?;
        let document = self.transport.document(&request, TOKEN_MAX_BYTES, self.watch).map_err(|error| match error {
            TransportError::Refused { status: status @ (400 | 401 | 403), said, .. } => {
                self.unauthorized(repository, (status, said), given)
            }
            source => self.on_the_way(repository, source),
        })?;
        header_of(&document.bytes).ok_or_else(|| RegistryError::NoToken { registry: repository.registry.clone() })
    }

    fn on_the_way(&self, repository: &Repository, source: TransportError) -> RegistryError {
        RegistryError::Transport {
            registry: repository.registry.clone(),
            doing: self.subject.doing,
            what: "a token for",
            image: self.subject.image.to_owned(),
            source: Box::new(source),
        }
    }

    /// The error of somebody who may not read.
    pub(super) fn unauthorized(
        &self,
        repository: &Repository,
        (status, said): (u16, Option<String>),
        credentials: Given,
    ) -> RegistryError {
        RegistryError::Unauthorized {
            registry: repository.registry.clone(),
            doing: self.subject.doing,
            image: self.subject.image.to_owned(),
            status,
            said,
            credentials,
            looked_at: self.files.in_order(),
        }
    }
}

fn bearer(challenges: &[Challenge]) -> Option<&Challenge> {
    challenges.iter().find(|challenge| challenge.scheme == "bearer")
}

/// What a challenge asks for, or what it has to mean if it does not say so; a mount asks for two repositories, with a blank between.
fn scopes_of(repository: &Repository, challenges: &[Challenge], doing: Doing) -> Vec<String> {
    let scope = bearer(challenges).and_then(|challenge| challenge.parameters.get("scope"));
    let scopes: Vec<String> = scope.into_iter().flat_map(|scope| scope.split_whitespace()).map(str::to_owned).collect();
    let actions = match doing {
        Doing::Write => "pull,push",
        Doing::Read | Doing::Remove => "pull",
    };
    if scopes.is_empty() { vec![format!("repository:{}:{actions}", repository.name)] } else { scopes }
}

/// The service, as the registry calls itself, and the scopes.
type Wanted<'a> = (Option<&'a str>, &'a BTreeSet<String>);

/// The header that a token server's answer gives.
pub(super) fn header_of(answer: &[u8]) -> Option<Secret> {
    let answer: TokenAnswer = serde_json::from_slice(answer).ok()?;
    let token = answer.token.or(answer.access_token).filter(|token| !token.is_empty())?;
    Some(Secret::bearer(&Secret::new(token)))
}

/// A GET repeats the scope; the form of OAuth 2 has one, with blanks in it (RFC 6749, section 3.3).
fn token_request(
    (service, scopes): Wanted<'_>,
    realm: &str,
    credential: Option<Credential>,
) -> Result<Request, TransportError> {
    let url = Url::parse(realm)?;
    let service = service.map(|service| ("service", service));
    let fields: Vec<(&str, &str)> =
        service.into_iter().chain(scopes.iter().map(|scope| ("scope", scope.as_str()))).collect();
    Ok(match credential {
        None => Request::get(url.with_query(&fields)),
        Some(Credential::Password(user, password)) => {
            Request::get(url.with_query(&fields)).authorized(Some(Secret::basic(&user, &password)))
        }
        Some(Credential::Refresh(token)) => {
            let own = [("grant_type", "refresh_token"), ("client_id", "kiln"), ("refresh_token", token.reveal())];
            let scope = scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
            let all = service.into_iter().chain([("scope", scope.as_str())]).chain(own);
            let encode = crate::transport::url::encode;
            let form: Vec<String> = all.map(|(name, value)| format!("{name}={}", encode(value))).collect();
            let body = form.join("&").into_bytes();
            // Asking twice gives two tokens, which harms nobody.
            let request = Request::new(Method::Post, url).with_body("application/x-www-form-urlencoded", body);
            // As it is, and as it stands in the form.
            let encoded = Secret::new(encode(token.reveal()));
            request.hiding(encoded).hiding(token).repeatable()
        }
    })
}
