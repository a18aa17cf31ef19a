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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spends_the_burst_and_refills_at_the_rate() {
        let at = Duration::from_millis;
        let mut budget = Budget::new(NonZeroU32::new(10).unwrap(), 3);
        budget.spend(2, at(0));
        assert!(!budget.is_spent(at(0)));
        budget.spend(1, at(0));
        assert!(budget.is_spent(at(0)));
        assert_eq!(budget.refills_at(), at(100));
        assert!(budget.is_spent(at(99)));
        assert!(!budget.is_spent(at(100)));
        // Debt is paid back first, and rest does not save up more than the burst.
        budget.spend(4, at(100));
        assert_eq!(budget.refills_at(), at(500));
        budget.spend(3, at(10_000));
        assert!(budget.is_spent(at(10_000)));
        assert_eq!(budget.refills_at(), at(10_100));
    }

    #[test]
    fn extremes_do_not_overflow() {
        let mut budget = Budget::new(NonZeroU32::MIN, u32::MAX);
        budget.spend(u32::MAX, Duration::MAX);
        assert!(!budget.is_spent(Duration::MAX));
        let mut budget = Budget::new(NonZeroU32::MAX, 0);
        budget.spend(u32::MAX, Duration::ZERO);
        assert!(!budget.is_spent(Duration::from_secs(10)));
    }
}
