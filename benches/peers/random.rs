//! Numbers that are the same on every machine: no float, no entropy of the host.

/// An xorshift generator (xorshift64*).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        // Neighbouring seeds must not give neighbouring sequences, and zero would stay zero.
        Random(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Below `limit`, which is not zero.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    pub(crate) fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    pub(crate) fn percent(&mut self, percentage: u64) -> bool {
        self.below(100) < percentage
    }

    /// Low indices often, high ones rarely, as words occur in a language (Zipf's law): uniform in the logarithm.
    pub(crate) fn zipf(&mut self, length: usize) -> usize {
        let bits = u64::from(length.ilog2());
        let reach = 1_u64 << (1 + self.below(bits));
        self.below(reach.min(length as u64)) as usize
    }

    /// A size around `median`, spread like a log-normal: `spread` is its standard deviation in hundredths of a
    /// doubling.
    pub(crate) fn log_normal(&mut self, median: u64, spread: u64) -> u64 {
        // The sum of twelve uniform numbers is nearly normal, with variance one; all in 1/65536.
        let normal = (0..12).map(|_| self.below(65536) as i64).sum::<i64>() - 6 * 65536;
        let doublings = normal * spread as i64 / 100;
        let (whole, fraction) = (doublings.div_euclid(65536), doublings.rem_euclid(65536) as u64);
        let scaled = median * (65536 + fraction) / 65536;
        if whole >= 0 { scaled << whole.min(24) } else { scaled >> (-whole).min(40) }
    }
}
