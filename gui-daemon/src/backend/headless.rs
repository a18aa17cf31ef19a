//! A virtual screen: nothing is shown, but frames are taken at the pace of a real one.

use std::{io, time::Duration};

use smithay::utils::{Physical, Size};

use super::{BackendError, clock::RefreshClock};
use crate::config::OutputConfig;

/// A virtual screen of a fixed size.
#[derive(Debug)]
pub struct Headless {
    size: Size<i32, Physical>,
    refresh_hz: u32,
    clock: RefreshClock,
}

impl Headless {
    pub(super) fn new(output: &OutputConfig) -> Result<Self, BackendError> {
        let interval = 1_000_000_000_u64.checked_div(output.refresh_hz.into()).unwrap_or(0);
        let clock = RefreshClock::new(Duration::from_nanos(interval)).map_err(BackendError::Clock)?;
        // The configuration's sides are far below the limit of i32.
        let side = |pixels| i32::try_from(pixels).unwrap_or(i32::MAX);
        Ok(Self {
            size: (side(output.width), side(output.height)).into(),
            refresh_hz: output.refresh_hz,
            clock,
        })
    }

    pub(super) fn size(&self) -> Size<i32, Physical> {
        self.size
    }

    pub(super) fn refresh_mhz(&self) -> i32 {
        i32::try_from(self.refresh_hz.saturating_mul(1000)).unwrap_or(i32::MAX)
    }

    pub(super) fn clock(&self) -> &RefreshClock {
        &self.clock
    }

    pub(super) fn schedule_frame(&self) -> io::Result<()> {
        self.clock.schedule()
    }
}
