//! Waits for the network in short steps, so that Ctrl-C ends a wait and a silent server is noticed.
//!
//! ```text
//! socks --> connect proxy --> tcp --> [this] --> tls
//! ```
//! It stands below TLS, where each wait for bytes passes: also those for the head of an answer and during a handshake.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ureq::unversioned::transport::time::Duration as Wait;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};
use ureq::{Error, Timeout};

/// How long Ctrl-C may go unnoticed.
pub(super) const STEP: Duration = Duration::from_millis(100);

/// Makes connections wait in steps.
#[derive(Debug)]
pub(super) struct Stepwise {
    pub(super) stall: Duration,
    pub(super) interrupted: Arc<AtomicBool>,
}

pub(super) struct Steps<In> {
    inner: In,
    stall: Duration,
    interrupted: Arc<AtomicBool>,
}

impl<In: Transport> Connector<In> for Stepwise {
    type Out = Steps<In>;

    fn connect(&self, _: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(|inner| Steps { inner, stall: self.stall, interrupted: Arc::clone(&self.interrupted) }))
    }
}

impl<In: Transport> Transport for Steps<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.inner.transmit_output(amount, timeout)
    }

    /// Counts the steps instead of asking a clock: a step that ends early has ended the wait.
    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let (limit, reason) = match timeout.after {
            Wait::Exact(after) if after < self.stall => (after, timeout.reason),
            _ => (self.stall, Timeout::PerRead),
        };
        let mut waited = Duration::ZERO;
        loop {
            if self.interrupted.load(Ordering::Relaxed) {
                return Err(Error::Timeout(reason));
            }
            let step = STEP.min(limit.saturating_sub(waited));
            if step.is_zero() {
                return Err(Error::Timeout(reason));
            }
            match self.inner.await_input(NextTimeout { after: Wait::Exact(step), ..timeout }) {
                Err(Error::Timeout(_)) => waited += step,
                other => return other,
            }
        }
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

impl<In> fmt::Debug for Steps<In> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Steps").finish_non_exhaustive()
    }
}
