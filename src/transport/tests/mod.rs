//! Attacks on the client, by a server that misbehaves.

mod downloads;
mod policy;
mod retries;
mod secure;
mod sends;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::testing::Registry;
use super::{News, Notice, Request, Retries, Settings, Timeouts, Transport, Url};

/// Short waits.
pub(super) fn settings() -> Settings {
    Settings {
        retries: Retries {
            attempts: 4,
            base_delay: Duration::from_millis(1),
            longest_delay: Duration::from_millis(4),
            longest_requested: Duration::from_secs(2),
        },
        timeouts: Timeouts { connect: Duration::from_secs(10), stall: Duration::from_secs(10) },
        ..Settings::default()
    }
}

pub(super) fn client(settings: Settings) -> Transport {
    Transport::new(settings, Arc::new(AtomicBool::new(false))).expect("a client")
}

pub(super) fn get(registry: &Registry, path: &str) -> Request {
    Request::get(Url::parse(&registry.url(path)).expect("an address"))
}

pub(super) fn quiet(_: News) {}

/// Remembers what the user would be told.
#[derive(Default)]
pub(super) struct Told(Mutex<Vec<Notice>>);

impl Told {
    pub(super) fn tell(&self, news: News) {
        if let News::Retry(notice) = news {
            self.0.lock().expect("not poisoned").push(notice);
        }
    }

    pub(super) fn all(&self) -> Vec<Notice> {
        self.0.lock().expect("not poisoned").clone()
    }
}

/// Bytes that are different everywhere.
pub(super) fn content(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(length).collect()
}
