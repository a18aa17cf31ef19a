//! Ways to draw from another domain's pages: through a mapping that stays, through one for this once, or from a copy
//! that Xen has made (`GRANT_COPY`).
//!
//! Whatever the machine's speed, the ratios within one run tell which to use. All cases draw the same bytes into the same
//! frame, in turns, so that other load on the machine meets each of them; the medians are compared.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use shm_grant::xen::{CopyPiece, GrantDevice};
use shm_grant::{DomId, GrantRef, ImportedPages, OutOfBounds, PAGE_SIZE, Pages};

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
    let mut bench = Bench {
        domain,
        mapped: device.map(domain, &window.refs)?,
        refs: window.refs.clone(),
        copy: Pages::anonymous(FULL_HD * PAGE_SIZE)?,
        frame: vec![0; FULL_HD * PAGE_SIZE],
        device,
    };
    let full: Vec<Piece> = (0..FULL_HD).map(|page| Piece { at: page * PAGE_SIZE, len: PAGE_SIZE }).collect();
    let start = 500 * STRIDE + 900 * 4;
    let rows = (0..SMALL).map(|row| Piece { at: start + row * STRIDE, len: SMALL * 4 });
    let small: Vec<Piece> = rows.flat_map(Piece::within_pages).collect();

    let mut times = [const { Vec::new() }; 6];
    for _ in 0..ROUNDS {
        let round = [
            timed(|| bench.draw_mapped(&full))?,
            timed(|| bench.draw_copied(&full))?,
            timed(|| bench.map_and_draw(&full))?,
            timed(|| bench.draw_mapped(&small))?,
            timed(|| bench.draw_copied(&small))?,
            timed(|| bench.map_and_draw(&small))?,
        ];
        for (times, time) in times.iter_mut().zip(round) {
            times.push(time);
        }
    }
    remote.free(&[window])?;
    let medians = times.map(|mut times: Vec<Duration>| {
        times.sort_unstable();
        times.get(ROUNDS / 2).copied().unwrap_or_default().as_secs_f64()
    });
    let [full @ .., small_mapped, small_copied, small_once] = medians;
    println!(
        "{}",
        serde_json::json!({
            "rounds": ROUNDS,
            "full_1920x1080": figures(full),
            "damage_64x64": figures([small_mapped, small_copied, small_once]),
        })
    );
    Ok(())
}

fn figures([mapped, copied, once]: [f64; 3]) -> serde_json::Value {
    serde_json::json!({
        "mapped_ms": mapped * 1e3,
        "grant_copy_ms": copied * 1e3,
        "map_once_ms": once * 1e3,
        "grant_copy_to_mapped": copied / mapped,
        "map_once_to_mapped": once / mapped,
    })
}

/// Bytes of the window, which are drawn to the same place of the frame.
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
    copy: Pages,
    frame: Vec<u8>,
}

impl Bench {
    fn draw_mapped(&mut self, pieces: &[Piece]) -> anyhow::Result<()> {
        draw(&mut self.frame, pieces, |at, to| self.mapped.copy_out(at, to))
    }

    fn draw_copied(&mut self, pieces: &[Piece]) -> anyhow::Result<()> {
        let copies = pieces.iter().map(|Piece { at, len }| {
            let reference = *self.refs.get(at / PAGE_SIZE).context("beyond the window")?;
            Ok(CopyPiece { reference, offset: at % PAGE_SIZE, len: *len, to: *at })
        });
        self.device.copy(self.domain, &copies.collect::<anyhow::Result<Vec<_>>>()?, &self.copy)?;
        draw(&mut self.frame, pieces, |at, to| self.copy.copy_out(at, to))
    }

    /// Maps the pages of the pieces, which are in their order, and unmaps them.
    fn map_and_draw(&mut self, pieces: &[Piece]) -> anyhow::Result<()> {
        let page = |piece: Option<&Piece>| piece.map_or(0, |Piece { at, .. }| at / PAGE_SIZE);
        let first = page(pieces.first());
        let refs = self.refs.get(first..=page(pieces.last())).context("beyond the window")?;
        let mapped = self.device.map(self.domain, refs)?;
        draw(&mut self.frame, pieces, |at, to| mapped.copy_out(at - first * PAGE_SIZE, to))
    }
}

fn draw(
    frame: &mut [u8],
    pieces: &[Piece],
    source: impl Fn(usize, &mut [u8]) -> Result<(), OutOfBounds>,
) -> anyhow::Result<()> {
    for Piece { at, len } in pieces {
        source(*at, frame.get_mut(*at..at + len).context("beyond the frame")?)?;
    }
    Ok(())
}

fn timed(case: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let started = Instant::now();
    case()?;
    Ok(started.elapsed())
}
