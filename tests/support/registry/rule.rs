//! When something goes wrong.

use super::call::Call;
use super::mischief::Mischief;

/// A mischief, and the requests that it is done to.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    which: Which,
    mischief: Mischief,
    skip: usize,
    times: usize,
    seen: usize,
}

#[derive(Debug, Clone)]
enum Which {
    /// Those of this method, if it is not empty, whose target holds the part.
    Like { method: String, part: String },
    /// All, also those that another rule fits.
    All,
}

impl Rule {
    /// For each request whose target holds `part`.
    pub(crate) fn on(part: &str, mischief: Mischief) -> Self {
        Self::to("", part, mischief)
    }

    /// For each request of this method whose target holds `part`.
    pub(crate) fn to(method: &str, part: &str, mischief: Mischief) -> Self {
        Self::new(Which::Like { method: method.to_owned(), part: part.to_owned() }, mischief)
    }

    /// For the request number `k` of all that come once the rule holds, from 1, whatever it asks.
    pub(crate) fn nth(k: usize, mischief: Mischief) -> Self {
        Self::new(Which::All, mischief).after(k.saturating_sub(1)).times(1)
    }

    fn new(which: Which, mischief: Mischief) -> Self {
        Self { which, mischief, skip: 0, times: usize::MAX, seen: 0 }
    }

    /// Not for the first ones.
    pub(crate) fn after(mut self, skip: usize) -> Self {
        self.skip = skip;
        self
    }

    /// Only so often.
    pub(crate) fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Counts a request that fits, and says whether it is one of those.
    fn fits(&mut self, call: &Call) -> bool {
        if let Which::Like { method, part } = &self.which
            && !((method.is_empty() || *method == call.method) && call.target.contains(part))
        {
            return false;
        }
        self.seen += 1;
        self.seen > self.skip && self.seen - self.skip <= self.times
    }
}

/// What goes wrong with a request: of several rules that fit the first one wins, and the later ones do not count it.
pub(super) fn pick(rules: &mut [Rule], call: &Call) -> Option<Mischief> {
    let mut picked = None;
    for rule in rules {
        let counts = picked.is_none() || matches!(rule.which, Which::All);
        if counts && rule.fits(call) && picked.is_none() {
            picked = Some(rule.mischief.clone());
        }
    }
    picked
}
