//! Everything that speaks HTTP goes through here.
//!
//! ```text
//! Settings --> Transport        Request --send-->      Answer { status, headers, body as it comes }
//!                               Request --document-->  Document { bytes }
//!                               Request --download-->  sink + Received { digest, size }
//!                               Request + source --send_body-->  Answer
//! ```
//! - Plain HTTP is for this machine, for hosts that the user named ([`Settings::allows_plain`]), and for content that is
//!   proven by a digest or a signature ([`Proof`]).
//! - Credentials go to the scheme, host and port that they were set for, and into no message ([`Secret`], [`Url`]).
//! - Connections that are cut, servers that are busy and waits are bounded, told ([`News`]) and ended by Ctrl-C.
//! - What is downloaded is checked while it passes, and taken up again where it was cut ([`download`]).
//!
//! Architecture Invariant: only this module names the HTTP library. It reads no environment and no clock: what users can
//! say comes in as [`Settings`].

pub mod answer;
pub mod download;
pub mod error;
pub mod headers;
pub mod request;
pub mod retry;
pub mod secret;
pub mod send;
pub mod settings;
pub mod url;

mod agents;
mod exchange;
mod proxy;
mod said;
mod tls;
mod wait;

#[cfg(test)]
#[path = "../../tests/support/registry/mod.rs"]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use answer::{Answer, Body, Document};
pub use download::{Download, Expected, Received, Sink};
pub use error::{Fault, TransportError};
pub use headers::Headers;
pub use request::{Method, Proof, Repeat, Request};
pub use retry::{News, Notice, Patience, Watch};
pub use secret::Secret;
pub use send::Outgoing;
pub use settings::{Identity, Network, Proxies, Retries, Settings, Timeouts};
pub use url::{Scheme, Url};

/// The client. It can be used by several threads at once, which share its connections.
pub struct Transport {
    settings: Settings,
    agents: agents::Agents,
}

impl Transport {
    /// Reads the certificates and keys that the settings name. `interrupted` ends every wait.
    pub fn new(settings: Settings, interrupted: Arc<AtomicBool>) -> Result<Self, TransportError> {
        let agents = agents::Agents::new(&settings, interrupted)?;
        Ok(Self { settings, agents })
    }

    /// How to reach others.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Fetches the content of one address into a sink that is empty.
    pub fn download(
        &self,
        request: &Request,
        expected: Expected,
        sink: &mut dyn Sink,
        watch: Watch<'_>,
    ) -> Result<Received, TransportError> {
        Download::new(expected).run(self, request, sink, watch)
    }
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport").field("settings", &self.settings).finish_non_exhaustive()
    }
}
