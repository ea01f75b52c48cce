//! The HTTP library: one request, one answer.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ureq::config::RedirectAuthHeaders;
use ureq::http::{Method as HttpMethod, Request as HttpRequest, header::HeaderValue};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, RustlsConnector, SocksConnector, TcpConnector};
use ureq::{Agent, Error, SendBody, Timeout};

use super::answer::{Answer, Body};
use super::error::{Fault, TransportError};
use super::headers::Headers;
use super::request::{Method, Request};
use super::secret::Secret;
use super::settings::{Identity, Settings, Timeouts};
use super::tls;
use super::url::Url;
use super::wait::Stepwise;

/// What every request says it comes from. It has no version: servers must not answer one kiln differently from another.
const USER_AGENT: &str = "kiln";

/// Connections that are kept for the next request to the same host.
const IDLE_CONNECTIONS: usize = 16;

/// An agent keeps connections, so there is one for each way: through each proxy, with each client certificate.
pub(super) struct Agents {
    usual: Ways,
    /// By `HOST` or `HOST:PORT`: for those with a client certificate of their own.
    own: BTreeMap<String, Ways>,
    pub(super) interrupted: Arc<AtomicBool>,
    timeouts: Timeouts,
}

/// One agent for each proxy, and one without.
struct Ways {
    direct: Agent,
    proxied: Vec<(Secret, Option<Agent>)>,
}

impl Ways {
    fn new(
        settings: &Settings,
        shown: Option<&Identity>,
        interrupted: &Arc<AtomicBool>,
    ) -> Result<Self, TransportError> {
        let tls = tls::config(settings, shown)?;
        let make = |proxy: Option<ureq::Proxy>| {
            let config = Agent::config_builder()
                .tls_config(tls.clone())
                .proxy(proxy)
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .redirect_auth_headers(RedirectAuthHeaders::Never)
                .user_agent(USER_AGENT)
                // Digests are of what the server keeps, not of what it makes of it for us.
                .accept_encoding("identity")
                .max_idle_connections(IDLE_CONNECTIONS)
                .max_idle_connections_per_host(IDLE_CONNECTIONS)
                .timeout_connect(Some(settings.timeouts.connect))
                .timeout_resolve(Some(settings.timeouts.connect))
                .timeout_per_write(Some(settings.timeouts.stall))
                .build();
            let stepwise = Stepwise { stall: settings.timeouts.stall, interrupted: Arc::clone(interrupted) };
            let connector =
                ().chain(SocksConnector::default())
                    .chain(ConnectProxyConnector::default())
                    .chain(TcpConnector::default())
                    .chain(stepwise)
                    .chain(RustlsConnector::default());
            Agent::with_parts(config, connector, DefaultResolver::default())
        };
        let through = |proxy: &Secret| ureq::Proxy::new(proxy.reveal()).ok().map(|proxy| make(Some(proxy)));
        let proxied = settings.proxies.all_set().into_iter().map(|proxy| (proxy.clone(), through(proxy))).collect();
        Ok(Self { direct: make(None), proxied })
    }

    fn agent(&self, proxy: Option<&Secret>) -> Option<&Agent> {
        let Some(proxy) = proxy else { return Some(&self.direct) };
        self.proxied.iter().find_map(|(known, agent)| (known == proxy).then_some(agent.as_ref()).flatten())
    }
}

impl Agents {
    pub(super) fn new(settings: &Settings, interrupted: Arc<AtomicBool>) -> Result<Self, TransportError> {
        let usual = Ways::new(settings, settings.identity.as_ref(), &interrupted)?;
        let own = settings.identities.iter().filter(|_| settings.identity.is_none());
        let own = own.map(|(host, shown)| Ok((host.clone(), Ways::new(settings, Some(shown), &interrupted)?)));
        let own = own.collect::<Result<_, TransportError>>()?;
        Ok(Self { usual, own, interrupted, timeouts: settings.timeouts.clone() })
    }

    /// Sends one request, through a proxy perhaps, with `body` in place of the request's own. Any answer is an answer,
    /// whatever its status.
    pub(super) fn exchange(
        &self,
        request: &Request,
        body: Option<&mut dyn Read>,
        proxy: Option<&Secret>,
    ) -> Result<Answer, TransportError> {
        let url = &request.url;
        let full = format!("{}:{}", url.host(), url.port());
        let ways = self.own.get(&full).or_else(|| self.own.get(url.host()));
        let agent = ways.unwrap_or(&self.usual).agent(proxy);
        let agent = agent.ok_or_else(|| TransportError::BadProxy { url: url.to_string() })?;
        let (head, secrets) = head(request)?;
        let sent = match (body, &request.body) {
            (Some(reader), _) => agent.run(head.body(SendBody::from_reader(reader)).map_err(|_| bad_header(url))?),
            (None, Some(body)) => agent.run(head.body(body.as_slice()).map_err(|_| bad_header(url))?),
            (None, None) => agent.run(head.body(()).map_err(|_| bad_header(url))?),
        };
        let answer = sent.map_err(|error| self.failure(url, error))?;
        let (parts, body) = answer.into_parts();
        let mut headers = Headers::default();
        for (name, value) in &parts.headers {
            headers.add(name.as_str(), String::from_utf8_lossy(value.as_bytes()));
        }
        let body = Body::new(body.into_reader(), url.clone(), Arc::clone(&self.interrupted), self.timeouts.clone());
        Ok(Answer { status: parts.status.as_u16(), headers, url: url.clone(), body, secrets })
    }

    fn failure(&self, url: &Url, error: Error) -> TransportError {
        failure(url, error, &self.interrupted, &self.timeouts)
    }
}

/// The head of a request, and what in it is secret.
fn head(request: &Request) -> Result<(ureq::http::request::Builder, Vec<Secret>), TransportError> {
    let url = &request.url;
    let method = match request.method {
        Method::Get => HttpMethod::GET,
        Method::Head => HttpMethod::HEAD,
        Method::Post => HttpMethod::POST,
        Method::Put => HttpMethod::PUT,
        Method::Patch => HttpMethod::PATCH,
        Method::Delete => HttpMethod::DELETE,
    };
    let mut headers = request.headers.clone();
    if let (Some((user, password)), None) = (url.user(), headers.get("authorization")) {
        headers.set_secret("authorization", Secret::basic(user, password));
    }
    let mut head = HttpRequest::builder().method(method).uri(url.sent());
    for (name, value) in headers.iter() {
        let value = HeaderValue::from_str(value).map_err(|_| bad_header(url))?;
        head = head.header(name, value);
    }
    Ok((head, headers.secrets().into_iter().chain(request.hidden.iter().cloned()).collect()))
}

fn bad_header(url: &Url) -> TransportError {
    TransportError::Url { found: url.to_string(), why: "it or a header for it holds a character that cannot be sent" }
}

/// What an error of the library means.
pub(super) fn failure(url: &Url, error: Error, interrupted: &AtomicBool, timeouts: &Timeouts) -> TransportError {
    if interrupted.load(Ordering::Relaxed) {
        return TransportError::Interrupted;
    }
    let fault = match error {
        Error::HostNotFound => Fault::NoSuchHost,
        Error::Timeout(Timeout::Connect | Timeout::Resolve) => Fault::ConnectTimeout(timeouts.connect),
        Error::Timeout(_) => Fault::Stall(timeouts.stall),
        Error::Io(error) => match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => Fault::Cut,
            // What rustls does not accept comes as this when it is found while reading.
            io::ErrorKind::InvalidData => return tls_failure(url, error),
            _ => Fault::Io(error),
        },
        Error::ConnectionFailed => Fault::Io(io::ErrorKind::ConnectionRefused.into()),
        Error::ConnectProxyFailed(said) => Fault::Proxy(said),
        Error::InvalidProxyUrl => return TransportError::BadProxy { url: url.to_string() },
        error @ (Error::Rustls(_) | Error::Tls(_) | Error::Pem(_) | Error::TlsRequired) => {
            return tls_failure(url, error);
        }
        Error::BadUri(_) => return TransportError::Url { found: url.to_string(), why: "it cannot be sent" },
        // The library's texts of these name addresses with their queries.
        Error::Http(_) | Error::RequireHttpsOnly(_) => Fault::Protocol("it cannot be read".to_owned()),
        other => Fault::Protocol(other.to_string()),
    };
    TransportError::Unreachable { url: url.to_string(), host: url.place(), source: fault }
}

fn tls_failure(url: &Url, error: impl std::error::Error + Send + Sync + 'static) -> TransportError {
    TransportError::Tls { url: url.to_string(), host: url.place(), source: Box::new(error) }
}
