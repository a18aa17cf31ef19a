//! Two ways to read another domain's pages: through a mapping that stays, or copied by Xen (`GRANT_COPY`).
//!
//! Whatever the machine's speed, the ratios within one run tell which to use. Every case does the same with the same
//! bytes, in turns, so that other load on the machine meets all of them; the medians are compared.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use shm_grant::xen::{CopyPiece, GrantDevice};
use shm_grant::{DomId, GrantRef, ImportedPages, PAGE_SIZE, Pages};

use crate::grants::{FULL_HD, HIGH_LIMIT};
use crate::remote::Remote;

/// Bytes of a row of 1920 pixels.
const STRIDE: usize = 1920 * 4;

/// Side of the small damage in pixels.
const SMALL: usize = 64;

/// How often each case is tried.
const ROUNDS: usize = 101;

pub fn run(domain: DomId) -> anyhow::Result<()> {
    let mut remote = Remote::connect(domain)?;
    remote.limit(HIGH_LIMIT)?;
    let window = remote.share(FULL_HD, "readonly")?;
    remote.ask(format!("fill {}", window.number))?;
    let device = GrantDevice::open()?;
    let bench = Bench {
        domain,
        mapped: device.map(domain, &window.refs)?,
        refs: window.refs.clone(),
        // Copied to before it is measured, so that all of it is there.
        to: Pages::anonymous(FULL_HD * PAGE_SIZE)?,
        device,
    };
    let full: Vec<Piece> = (0..FULL_HD).map(|page| Piece { at: page * PAGE_SIZE, len: PAGE_SIZE }).collect();
    let start = 500 * STRIDE + 900 * 4;
    let rows = (0..SMALL).map(|row| Piece { at: start + row * STRIDE, len: SMALL * 4 });
    let small: Vec<Piece> = rows.flat_map(Piece::within_pages).collect();

    let mut times = [const { Vec::new() }; 5];
    for _ in 0..ROUNDS {
        let round = [
            timed(|| bench.read(&full))?,
            timed(|| bench.copy(&full))?,
            timed(|| bench.map_and_read(&full))?,
            timed(|| bench.read(&small))?,
            timed(|| bench.copy(&small))?,
        ];
        for (times, time) in times.iter_mut().zip(round) {
            times.push(time);
        }
    }
    remote.free(&[window])?;
    let [read, copied, mapped, small_read, small_copied] = times.map(|mut times: Vec<Duration>| {
        times.sort_unstable();
        times.get(ROUNDS / 2).copied().unwrap_or_default().as_secs_f64()
    });
    ensure!(read > 0.0 && small_read > 0.0, "the clock stands still");
    println!(
        "{}",
        serde_json::json!({
            "rounds": ROUNDS,
            "full_1920x1080": {
                "bytes": FULL_HD * PAGE_SIZE,
                "mapped_ms": read * 1e3,
                "grant_copy_ms": copied * 1e3,
                "map_read_unmap_ms": mapped * 1e3,
                "grant_copy_to_mapped": copied / read,
                "map_read_unmap_to_mapped": mapped / read,
            },
            "damage_64x64": {
                "bytes": SMALL * SMALL * 4,
                "mapped_ms": small_read * 1e3,
                "grant_copy_ms": small_copied * 1e3,
                "grant_copy_to_mapped": small_copied / small_read,
            },
        })
    );
    Ok(())
}

/// Bytes of the window, which are copied to the same place of the copy.
#[derive(Clone, Copy)]
struct Piece {
    at: usize,
    len: usize,
}

impl Piece {
    /// The parts in each page, of which there are two at most.
    fn within_pages(self) -> impl Iterator<Item = Self> {
        let Self { at, len } = self;
        let first = len.min(PAGE_SIZE - at % PAGE_SIZE);
        [Self { at, len: first }, Self { at: at + first, len: len - first }]
            .into_iter()
            .filter(|piece| piece.len > 0)
    }
}

struct Bench {
    domain: DomId,
    device: GrantDevice,
    refs: Vec<GrantRef>,
    mapped: ImportedPages,
    to: Pages,
}

impl Bench {
    /// Copies through the mapping that stays.
    fn read(&self, pieces: &[Piece]) -> anyhow::Result<()> {
        read(&self.mapped, pieces, &self.to)
    }

    /// Lets Xen copy.
    fn copy(&self, pieces: &[Piece]) -> anyhow::Result<()> {
        let pieces = pieces.iter().map(|Piece { at, len }| {
            let reference = *self.refs.get(at / PAGE_SIZE).context("beyond the window")?;
            Ok(CopyPiece { reference, offset: at % PAGE_SIZE, len: *len, to: *at })
        });
        Ok(self.device.copy(self.domain, &pieces.collect::<anyhow::Result<Vec<_>>>()?, &self.to)?)
    }

    /// Copies through a mapping for this once.
    fn map_and_read(&self, pieces: &[Piece]) -> anyhow::Result<()> {
        read(&self.device.map(self.domain, &self.refs)?, pieces, &self.to)
    }
}

/// As drawing does it: from the mapping into private memory.
fn read(from: &ImportedPages, pieces: &[Piece], to: &Pages) -> anyhow::Result<()> {
    let mut buffer = [0; PAGE_SIZE];
    for Piece { at, len } in pieces {
        let buffer = buffer.get_mut(..*len).context("a piece beyond a page")?;
        from.copy_out(*at, buffer)?;
        to.copy_in(*at, buffer)?;
    }
    Ok(())
}

fn timed(case: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let started = Instant::now();
    case()?;
    Ok(started.elapsed())
}
