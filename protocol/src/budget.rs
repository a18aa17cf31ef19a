//! How fast a peer may send.

use core::num::NonZeroU32;
use core::time::Duration;

/// A token bucket, kept as the one instant at which it would be full again.
///
/// Invariant: `full_at - now` is the time the spent tokens take to come back. Spending is always possible (what has
/// arrived has to be handled) and runs into debt; the owner stops reading while [`Budget::is_spent`].
#[derive(Debug)]
pub(crate) struct Budget {
    /// Time in which one token comes back.
    interval: Duration,
    /// Time in which all come back.
    window: Duration,
    full_at: Duration,
}

impl Budget {
    pub(crate) fn new(per_second: NonZeroU32, burst: u32) -> Budget {
        let nanos = 1_000_000_000_u64.checked_div(u64::from(per_second.get())).unwrap_or_default();
        let interval = Duration::from_nanos(nanos);
        Budget { interval, window: interval.saturating_mul(burst), full_at: Duration::ZERO }
    }

    pub(crate) fn spend(&mut self, tokens: u32, now: Duration) {
        self.full_at = self.full_at.max(now).saturating_add(self.interval.saturating_mul(tokens));
    }

    /// Whether there is not one token left.
    pub(crate) fn is_spent(&self, now: Duration) -> bool {
        now < self.refills_at()
    }

    /// When a token is there again.
    pub(crate) fn refills_at(&self) -> Duration {
        self.full_at.saturating_add(self.interval).saturating_sub(self.window)
    }
}
