//! Links between dom0 and another domain, by `xen-probe` and libxenvchan at either end.

use std::time::Duration;

use super::grants::{counterpart, probe, start_counterpart};
use crate::xen::machine::{COMMAND_LIMIT, Machine};

/// For all that is tried of links: some 100 of them, and 40 MB each way. A minute on an idle host.
const LINKS_LIMIT: Duration = Duration::from_secs(1200);

/// Bytes arrive in their places over rings of all sizes, whatever is at the other end, and ends are noticed however they
/// come; what lies is refused.
pub fn links(machine: &mut Machine) -> anyhow::Result<()> {
    let domain = counterpart(machine, "work")?;
    probe(machine, &format!("vchan {}", domain.id), LINKS_LIMIT).map(drop)
}

/// Links to a domain that is destroyed end with that for a reason.
pub fn a_destroyed_domain_is_noticed(machine: &mut Machine) -> anyhow::Result<()> {
    let domain = machine.create("doomed", "")?;
    machine.forget(&domain);
    start_counterpart(machine, &domain)?;
    probe(machine, &format!("destroy {}", domain.id), COMMAND_LIMIT).map(drop)
}
