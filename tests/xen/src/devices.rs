//! Whether every device of Xen that is used can be opened; where not, what the error says to do.

use shm_grant::xen::{EventChannels, GrantAllocator, GrantDevice};

use crate::report::Report;

pub fn run(report: &mut Report) {
    report.check("pages can be shared", || Ok(GrantAllocator::open()?));
    report.check("pages can be mapped", || Ok(GrantDevice::open()?));
    report.check("event channels can be bound", || Ok(EventChannels::open()?));
}
