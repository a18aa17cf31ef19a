//! Whether every page of very many windows is given back, by the numbers of the kernels and of Xen.

use std::time::Instant;

use anyhow::ensure;
use shm_grant::DomId;
use shm_grant::xen::GrantDevice;

use crate::grants::{FULL_HD, HIGH_LIMIT, OTHERS};
use crate::numbers::{Counts, Free};
use crate::remote::Remote;
use crate::report::Report;

/// Windows that are there at a time.
const TURN: usize = 10;

/// Their pages, most of the time.
const SMALL: [usize; TURN] = [1, 2, 3, 5, 8, 12, 20, 45, 90, 180];

/// Their pages every so often, up to a whole screen.
const LARGE: [usize; TURN] = [1, 2, 3, 8, 20, 45, 90, 180, 600, FULL_HD];

/// How often that is.
const LARGE_EVERY: usize = 10;

pub fn run(report: &mut Report, domain: DomId, windows: usize) -> anyhow::Result<()> {
    let mut remote = Remote::connect(domain)?;
    remote.limit(HIGH_LIMIT)?;
    report.check("Xen counts what is mapped", || counted(&mut remote));
    report.check(&format!("{windows} windows leave nothing behind"), || churn(&mut remote, windows));
    Ok(())
}

/// The numbers show what is there while it is there, so that they would show what stayed.
fn counted(remote: &mut Remote) -> anyhow::Result<()> {
    let before = Counts::take(remote)?;
    let window = remote.share(7, "readonly")?;
    let mapped = GrantDevice::open()?.map(remote.domain, &window.refs)?;
    let during = Counts::take(remote)?;
    let expected = Counts {
        mapped: before.mapped + 7,
        shared: before.shared + 7,
        mappings: before.mappings + 1,
        ..before
    };
    ensure!(during == expected, "{during} instead of {expected}");
    drop(mapped);
    remote.free(&[window])?;
    let after = Counts::take(remote)?;
    ensure!(after == before, "{after} instead of {before}");
    Ok(())
}

fn churn(remote: &mut Remote, windows: usize) -> anyhow::Result<()> {
    let device = GrantDevice::open()?;
    // The first time, tables grow and pools fill, which stay for the next.
    for _ in 0..2 {
        once(remote, &device, &LARGE)?;
    }
    let (before, free_before) = (Counts::take(remote)?, Free::take(remote)?);
    // No page more than that: one that is not back at once is missed at a later turn.
    remote.limit(before.shared + LARGE.iter().sum::<usize>())?;
    let started = Instant::now();
    let mut pages = 0;
    let turns = windows.div_ceil(TURN);
    for turn in 1..=turns {
        let sizes = if turn % LARGE_EVERY == 0 { &LARGE } else { &SMALL };
        once(remote, &device, sizes)?;
        pages += sizes.iter().sum::<usize>();
    }
    let took = started.elapsed();
    let (after, free_after) = (Counts::take(remote)?, Free::take(remote)?);
    println!("before: {before}\nafter:  {after}");
    println!("free memory, KiB: before {free_before:?}, after {free_after:?}");
    println!("{pages} pages in {} windows, {:.1} s", turns * TURN, took.as_secs_f64());
    ensure!(after == before, "the numbers differ");
    for (name, before, after) in
        [("there", free_before.there, free_after.there), ("here", free_before.here, free_after.here)]
    {
        let lost = before.saturating_sub(after);
        ensure!(lost <= OTHERS, "{lost} KiB are missing {name}");
    }
    Ok(())
}

/// One window of every size is shared, mapped and unmapped, and taken back.
fn once(remote: &mut Remote, device: &GrantDevice, sizes: &[usize]) -> anyhow::Result<()> {
    let windows = remote.share_with(DomId(0), sizes, "readonly")?;
    for window in &windows {
        drop(device.map(remote.domain, &window.refs)?);
    }
    remote.free(&windows)
}
