//! A strict registry on a free loopback port that misbehaves on purpose and remembers what it was asked.
//!
//! ```text
//! connection --http--> Call --visit--> rule? --access?--> body --hook--> routes --> Reply, spoiled? --http--> connection
//!                                                                          |
//!                                  blobs, uploads, manifests, referrers, tags: what distribution-spec 1.1 says, on Store
//! ```
//! Strict: what the specification lets a registry refuse is refused, and what differs between registries is a setting
//! ([`Settings`]). Each request is done under one lock, so nothing is seen half done, and writes of one tag take turns.
//! Written by hand on std, so that it can do what no server library lets one do. It stops when it is dropped.

// Each binary that uses this uses a part of it.
#![allow(dead_code, unused_imports)]

pub(crate) mod access;
pub(crate) mod body;
pub(crate) mod call;
pub(crate) mod http;
pub(crate) mod manifests;
pub(crate) mod mischief;
pub(crate) mod proxy;
pub(crate) mod rule;
pub(crate) mod settings;
pub(crate) mod store;
pub(crate) mod tls;
pub(crate) mod uploads;

mod blobs;
mod referrers;
mod routes;
mod tags;
mod visit;

use std::io::{BufReader, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

pub(crate) use access::Access;
pub(crate) use call::Call;
pub(crate) use http::Reply;
pub(crate) use mischief::Mischief;
pub(crate) use rule::Rule;
pub(crate) use settings::{Broken, Refusal, Right, Same, Settings, TagRule};
pub(crate) use store::Store;

/// What is done before a request is answered.
pub(crate) type Hook = Box<dyn FnMut(&Call, &mut Store) + Send>;

/// How often a waiting thread looks whether it should stop.
pub(crate) const STEP: Duration = Duration::from_millis(20);

/// The running server.
pub(crate) struct Registry {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

/// What the threads of the connections share.
pub(crate) struct Shared {
    pub(crate) stop: AtomicBool,
    state: Mutex<State>,
    tls: Option<Arc<rustls::ServerConfig>>,
}

/// All that the server is.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) settings: Settings,
    pub(crate) access: Access,
    pub(crate) rules: Vec<Rule>,
    pub(crate) calls: Vec<Call>,
    pub(crate) offences: Vec<String>,
    pub(crate) hook: Option<Hook>,
    /// How often the calls were forgotten.
    pub(crate) resets: usize,
    /// `http://127.0.0.1:PORT`
    pub(crate) base: String,
}

impl State {
    /// How answers name a path.
    fn location(&self, path: &str) -> String {
        let base = if self.settings.absolute_locations { self.base.as_str() } else { "" };
        format!("{base}{path}")
    }

    /// Lets the hook do what it does.
    fn tell(&mut self, call: &Call) {
        if let Some(hook) = &mut self.hook {
            hook(call, &mut self.store);
        }
    }

    fn offence(&mut self, call: &Call, what: &str) {
        self.offences.push(format!("{} {}: {what}", call.method, call.target));
    }
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread of the server panicked")
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl Registry {
    /// An empty one that anybody may read.
    pub(crate) fn start() -> Self {
        Self::start_with(None)
    }

    /// The same over TLS, with a certificate of an authority that nobody knows ([`tls::authority`]).
    pub(crate) fn start_secure() -> Self {
        Self::start_with(Some(tls::config(tls::Clients::Anybody)))
    }

    /// The same, for clients that show a certificate of that authority.
    pub(crate) fn start_for_known() -> Self {
        Self::start_with(Some(tls::config(tls::Clients::Known)))
    }

    /// An empty one at `[::1]`; `None` where this machine has no IPv6.
    pub(crate) fn start_on_ipv6() -> Option<Self> {
        Some(Self::start_at(TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).ok()?, None))
    }

    fn start_with(tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        Self::start_at(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"), tls)
    }

    fn start_at(listener: TcpListener, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let address = listener.local_addr().expect("its address");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let state = State { base: format!("{scheme}://{address}"), ..State::default() };
        let shared = Arc::new(Shared { stop: AtomicBool::new(false), state: Mutex::new(state), tls });
        let in_thread = Arc::clone(&shared);
        let listener = std::thread::spawn(move || listen(&listener, &in_thread));
        Self { address, shared, listener: Some(listener) }
    }

    /// `127.0.0.1:PORT` or `[::1]:PORT`.
    pub(crate) fn place(&self) -> String {
        self.address.to_string()
    }

    /// The port.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.shared.state().base)
    }

    /// Who may read and write from now on.
    pub(crate) fn require(&self, access: Access) {
        self.shared.state().access = access;
    }

    /// Does `rule` from now on; of several rules that fit the first one wins.
    pub(crate) fn misbehave(&self, rule: Rule) {
        self.shared.state().rules.push(rule);
    }

    /// Does `hook` with each request once all of it came that will, before it is done and answered. Nothing else is done meanwhile:
    /// the hook changes the store that it is given, and must not ask the registry.
    pub(crate) fn on_call(&self, hook: impl FnMut(&Call, &mut Store) + Send + 'static) {
        self.shared.state().hook = Some(Box::new(hook));
    }

    /// Behaves from now on, and forgets what it was asked and what to do then.
    pub(crate) fn reset(&self) {
        let mut state = self.shared.state();
        state.rules.clear();
        state.calls.clear();
        state.offences.clear();
        state.hook = None;
        state.resets += 1;
    }

    /// Changes what kind of registry it is.
    pub(crate) fn configure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.shared.state().settings);
    }

    /// Changes what it holds.
    pub(crate) fn store<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        change(&mut self.shared.state().store)
    }

    /// What it was asked, in order.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.shared.state().calls.clone()
    }

    /// What it was asked about paths that hold `part`.
    pub(crate) fn calls_of(&self, part: &str) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.target.contains(part)).collect()
    }

    /// What it was asked and answered, in order: `PUT /v2/r/manifests/1.0 -> 201`.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.shared.state().calls.iter().map(Call::to_string).collect()
    }

    /// What no client should do and registries put up with.
    pub(crate) fn offences(&self) -> Vec<String> {
        self.shared.state().offences.clone()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // The listener waits for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut connections = Vec::new();
    for stream in listener.incoming() {
        if shared.is_stopped() {
            break;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        connections.push(std::thread::spawn(move || serve(stream, &shared)));
    }
    for connection in connections {
        let _ = connection.join();
    }
}

/// Answers the requests of one connection until either side ends it.
fn serve(stream: TcpStream, shared: &Shared) {
    if stream.set_read_timeout(Some(STEP)).and_then(|()| stream.set_nodelay(true)).is_err() {
        return;
    }
    if shared.tls.is_none() && speaks_tls(&stream, shared) {
        // What Go's servers say to that.
        let _ =
            (&stream).write_all(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTPS request to an HTTP server.\n");
        return;
    }
    match &shared.tls {
        Some(tls) => drop(tls::accept(tls, &stream).map(|stream| talk(BufReader::new(stream), shared))),
        None => talk(BufReader::new(&stream), shared),
    }
    let _ = stream.shutdown(std::net::Shutdown::Both);
}

fn talk<S: Read + Write>(mut stream: BufReader<S>, shared: &Shared) {
    while visit::serve(&mut stream, shared).is_some() {}
}

/// Whether the first byte is that of a TLS handshake (RFC 8446, section 5.1).
fn speaks_tls(stream: &TcpStream, shared: &Shared) -> bool {
    let mut first = [0];
    while !shared.is_stopped() {
        match stream.peek(&mut first) {
            Err(error) if http::is_wait(&error) => {}
            found => return found.is_ok_and(|found| found == 1) && first == [0x16],
        }
    }
    false
}
