//! What a frame costs: through Xen, and of a window of dom0's own on the same screen.
//!
//! The bytes are those that the programs count themselves: the agent, of pixels it writes into the pages it shares
//! (`drawn`), and the daemon, of pixels it writes into the screen's memory (`copied`).
//!
//! The machine is emulated: its times mean nothing, the ratios between them within one run do.

use std::fs;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::xen::{
    desktop::SHOW_LIMIT,
    machine::{Domain, Log, Machine},
};

/// What each frame changes: all of a window of 640x480, or a square of it.
const CHANGES: [(&str, &str); 2] = [("full_640x480", ""), ("damage_64x64", " --damage 64")];

/// Frames that are counted of each.
const FRAMES: u32 = 100;

/// The time from commit to the word of the frame, and the bytes that agent and daemon move for it: no more than changed.
pub fn frames_through_xen(machine: &mut Machine) -> anyhow::Result<()> {
    machine.daemon()?;
    let domain = machine.domain_with_applications("work")?;
    let mut figures = serde_json::Map::new();
    let head =
        ["frame ms", "flip ms", "changed", "drawn", "copied"].map(|cell| format!("{cell:>10}")).concat();
    println!("{:18} {head}", "");
    for (change, arguments) in CHANGES {
        let here = Frame::measure(machine, None, arguments)?;
        let there = Frame::measure(machine, Some(&domain), arguments)?;
        println!(
            "{:18} {}\n{:18} {}",
            format!("{change} dom0"),
            here.cells(),
            format!("{change} xen"),
            there.cells()
        );
        // No agent draws what a window of dom0 shows.
        let moved = [Some(here.copied), Some(there.copied), here.drawn, there.drawn];
        let right = [Some(here.changed), Some(there.changed), None, Some(there.changed)];
        ensure!(moved == right, "{change}: {moved:?} bytes were moved, not {right:?}");
        let ratio = there.frame_ms / here.frame_ms;
        println!("{change}: xen / dom0 {ratio:.2}");
        figures.insert(
            change.to_owned(),
            json!({ "dom0": here.json(), "xen": there.json(), "xen_to_dom0": ratio }),
        );
    }
    let file = crate::xen::folder()?.join("figures.json");
    fs::write(&file, format!("{}\n", Value::Object(figures)))?;
    println!("{}", file.display());
    Ok(())
}

/// What the median frame took.
struct Frame {
    /// From the commit to the word that the next frame may be drawn.
    frame_ms: f64,
    /// From the commit to the page flip, where the compositor tells.
    flip_ms: Option<f64>,
    /// Bytes of the pixels that changed.
    changed: u64,
    /// Bytes that the agent wrote.
    drawn: Option<u64>,
    /// Bytes that the daemon wrote.
    copied: u64,
}

impl Frame {
    /// Of a window in a domain, or in dom0.
    fn measure(machine: &mut Machine, domain: Option<&Domain>, arguments: &str) -> anyhow::Result<Self> {
        let display = if domain.is_some() { "wayland-0" } else { "wayland-1" };
        let script = format!(
            "XDG_RUNTIME_DIR=/run/user/1000 WAYLAND_DISPLAY={display} xen-probe frames --frames {FRAMES}{arguments}"
        );
        let daemon = Log::from_now(machine.shared().join("daemon.log"));
        let console = domain.map(|domain| machine.console(&domain.name));
        let job = match domain {
            Some(domain) => machine.start_in(domain, &script)?,
            None => machine.start_in_dom0(&script)?,
        };
        let output = machine.finish(&job, SHOW_LIMIT)?.success()?;
        let told: Value = serde_json::from_str(output.lines().last().context("no figures")?)?;
        let number = |key| told.get(key).and_then(Value::as_f64);
        Ok(Self {
            frame_ms: number("frame_ms").context("no time")?,
            flip_ms: number("flip_ms"),
            changed: told.get("changed_bytes").and_then(Value::as_u64).context("no size")?,
            drawn: console.and_then(|console| median_bytes(&console, "frame drawn")),
            copied: median_bytes(&daemon, "frame copied").context("the daemon tells of no frame")?,
        })
    }

    fn cells(&self) -> String {
        let Self { frame_ms, flip_ms, changed, drawn, copied } = self;
        let flip = flip_ms.map_or("-".to_owned(), |time| format!("{time:.2}"));
        let drawn = drawn.map_or("-".to_owned(), |bytes| bytes.to_string());
        format!("{frame_ms:>10.2}{flip:>10}{changed:>10}{drawn:>10}{copied:>10}")
    }

    fn json(&self) -> Value {
        let Self { frame_ms, flip_ms, changed, drawn, copied } = self;
        json!({
            "frame_ms": frame_ms, "flip_ms": flip_ms,
            "bytes_changed": changed, "bytes_drawn": drawn, "bytes_copied": copied,
        })
    }
}

/// Of the frames that a log tells of with this message, the bytes moved for the median one.
fn median_bytes(log: &Log, message: &str) -> Option<u64> {
    let text = log.text();
    let frames = text.lines().filter(|line| line.contains(message));
    let mut moved: Vec<u64> =
        frames.filter_map(|line| line.split_once("bytes=")?.1.split(' ').next()?.parse().ok()).collect();
    moved.sort_unstable();
    moved.get(moved.len() / 2).copied()
}
