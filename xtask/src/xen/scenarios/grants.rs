//! Pages and events between dom0 and another domain, by `xen-probe` at both ends.

use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::xen::{
    machine::{COMMAND_LIMIT, Domain, Machine},
    scenarios::DOMAINS,
};

/// For ten thousand windows: 50 s on an idle host.
const LEAK_LIMIT: Duration = Duration::from_secs(1800);

/// Events arrive, and from nowhere else than they should.
pub fn events(machine: &mut Machine) -> anyhow::Result<()> {
    let domain = counterpart(machine, "work")?;
    probe(machine, &format!("events {}", domain.id), COMMAND_LIMIT).map(drop)
}

/// What is shared is mapped and copied, what is not is refused, and ends are noticed on either side.
pub fn grants(machine: &mut Machine) -> anyhow::Result<()> {
    let [first, second] = DOMAINS;
    let (domain, stranger) = (counterpart(machine, first)?, machine.domain(second)?);
    probe(machine, &format!("grants {} --stranger {}", domain.id, stranger.id), 3 * COMMAND_LIMIT).map(drop)
}

/// Ten thousand windows leave the numbers of Xen and of both kernels as they were.
pub fn nothing_leaks(machine: &mut Machine) -> anyhow::Result<()> {
    let domain = counterpart(machine, "work")?;
    let output = probe(machine, &format!("leak {}", domain.id), LEAK_LIMIT)?;
    println!("{}", output.trim_end());
    Ok(())
}

/// Drawing through a mapping against drawing from Xen's copy.
pub fn mapping_beats_copying(machine: &mut Machine) -> anyhow::Result<()> {
    let domain = counterpart(machine, "work")?;
    let output = probe(machine, &format!("copying {}", domain.id), 3 * COMMAND_LIMIT)?;
    println!("{}", output.trim_end());
    let figures: serde_json::Value = serde_json::from_str(&output)?;
    for case in ["full_1920x1080", "damage_64x64"] {
        let ratio = figures.pointer(&format!("/{case}/grant_copy_to_mapped"));
        let ratio = ratio.and_then(serde_json::Value::as_f64).context("no ratio")?;
        ensure!(ratio > 1.0, "{case}: copying takes {ratio} of what mapping takes");
    }
    Ok(())
}

/// A domain with a counterpart to what dom0 probes, which is started again whenever it ends.
pub(super) fn counterpart(machine: &mut Machine, name: &str) -> anyhow::Result<Domain> {
    let domain = machine.domain(name)?;
    start_counterpart(machine, &domain)?;
    Ok(domain)
}

/// Starts a counterpart in a domain, unless there is one.
pub(super) fn start_counterpart(machine: &mut Machine, domain: &Domain) -> anyhow::Result<()> {
    let start = "mkdir /run/counterpart 2>/dev/null || exit 0\n\
                 setsid sh -c 'while :; do xen-probe counterpart; sleep 0.1; done' >/run/counterpart/log 2>&1 &";
    machine.run_in(domain, start)?.success().map(drop)
}

pub(super) fn probe(machine: &mut Machine, arguments: &str, limit: Duration) -> anyhow::Result<String> {
    let job = machine.start_in_dom0(&format!("xen-probe {arguments}"))?;
    machine.finish(&job, limit)?.success()
}
