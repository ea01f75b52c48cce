//! How long to wait, how often to try, and telling the user so.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::fmt::rfc2822;

use super::error::TransportError;
use super::settings::Retries;
use super::wait::STEP;

/// What a request tells the user while it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// It is tried again.
    Retry(Notice),
    /// Something that a person wants to know.
    Said(String),
    /// Bytes begin to go.
    Sends {
        /// To which `HOST` or `HOST:PORT`.
        host: String,
        /// How many are to go.
        bytes: u64,
    },
    /// Bytes begin to come.
    Begins {
        /// From which `HOST` or `HOST:PORT`.
        host: String,
        /// How many are still missing, if that is known.
        bytes: Option<u64>,
    },
    /// So many came, or went.
    Bytes(u64),
    /// So many of those that came are of no use: they come again.
    Lost(u64),
    /// No more come or go, for good or ill.
    Ends,
}

/// What the user is told while kiln waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What went wrong, in one line.
    pub reason: String,
    /// Before the next attempt.
    pub wait: Duration,
    /// The number of the next attempt, from 2.
    pub attempt: u32,
    /// How many there will be at most.
    pub attempts: u32,
    /// Where the next attempt starts.
    pub from_byte: u64,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, wait, attempt, attempts, from_byte } = self;
        write!(f, "{reason}; trying again in {:.1} s ({attempt} of {attempts})", wait.as_secs_f64())?;
        if *from_byte > 0 { write!(f, " from byte {from_byte}") } else { Ok(()) }
    }
}

/// Who is told of it.
pub type Watch<'a> = &'a (dyn Fn(News) + Sync);

/// What is left of the attempts of one request.
pub struct Patience<'a> {
    retries: &'a Retries,
    interrupted: &'a AtomicBool,
    watch: Watch<'a>,
    /// Failed attempts since the last progress.
    failed: u32,
}

impl<'a> Patience<'a> {
    pub(super) fn new(retries: &'a Retries, interrupted: &'a AtomicBool, watch: Watch<'a>) -> Self {
        Self { retries, interrupted, watch, failed: 0 }
    }

    /// Something was gained: counts from the start again.
    pub fn progress(&mut self) {
        self.failed = 0;
    }

    /// Tells the user something.
    pub fn tell(&self, news: News) {
        (self.watch)(news);
    }

    /// Waits before the next attempt; gives `error` back if there is none.
    pub fn wait(&mut self, error: TransportError, from_byte: u64) -> Result<(), TransportError> {
        self.failed += 1;
        let requested = match &error {
            TransportError::Refused { retry_after, .. } => *retry_after,
            _ => None,
        };
        if self.failed >= self.retries.attempts || requested.is_some_and(|wait| wait > self.retries.longest_requested) {
            return Err(error);
        }
        let wait = requested.unwrap_or_else(|| delay(self.retries, self.failed, chance()));
        let notice = Notice {
            reason: in_one_line(&error),
            wait,
            attempt: self.failed + 1,
            attempts: self.retries.attempts,
            from_byte,
        };
        (self.watch)(News::Retry(notice));
        pause(wait, self.interrupted)
    }
}

fn in_one_line(error: &TransportError) -> String {
    let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    format!("{error}{source}")
}

/// Sleeps in steps, so that Ctrl-C ends it.
fn pause(wait: Duration, interrupted: &AtomicBool) -> Result<(), TransportError> {
    let mut left = wait;
    loop {
        if interrupted.load(Ordering::Relaxed) {
            return Err(TransportError::Interrupted);
        }
        if left.is_zero() {
            return Ok(());
        }
        let step = left.min(STEP);
        std::thread::sleep(step);
        left -= step;
    }
}

/// Doubles with each failure, and differs by up to half between clients that failed together. `chance` is in 0..=255.
fn delay(retries: &Retries, failed: u32, chance: u8) -> Duration {
    let doubled = retries.base_delay.saturating_mul(1 << failed.saturating_sub(1).min(16));
    let longest = doubled.min(retries.longest_delay);
    longest / 2 + longest / 2 * u32::from(chance) / 255
}

/// Different in each call; it decides when something is sent, never what.
fn chance() -> u8 {
    RandomState::new().build_hasher().finish().to_le_bytes()[0]
}

/// What a `Retry-After` asks for (RFC 9110, section 10.2.3): seconds, or a date, which is compared with the `Date` of the
/// same answer, so that the clock of this machine does not matter.
pub(super) fn retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let seconds = |text: &str| rfc2822::parse(text.trim()).ok().map(|time| time.timestamp().as_second());
    let wait = seconds(value)?.checked_sub(seconds(date?)?)?;
    Some(Duration::from_secs(u64::try_from(wait).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_limit_and_differ() {
        let retries = Retries::default();
        let delays: Vec<_> = (1..9).map(|failed| delay(&retries, failed, 255).as_millis()).collect();
        assert_eq!(delays, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        assert_eq!(delay(&retries, 1, 0), Duration::from_millis(250));
        assert_eq!(delay(&retries, u32::MAX, 255), Duration::from_secs(30));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(retry_after(" 7 ", None), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:50:37 GMT", date), Some(Duration::from_secs(60)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:48:37 GMT", date), Some(Duration::ZERO));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:50:37 GMT", None), None);
        assert_eq!(retry_after("soon", date), None);
    }

    #[test]
    fn an_interrupt_ends_a_wait() {
        let stop = AtomicBool::new(true);
        assert!(matches!(pause(Duration::from_secs(1000), &stop), Err(TransportError::Interrupted)));
    }
}
