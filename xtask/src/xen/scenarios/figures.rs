//! What a frame costs: through Xen, and of a window of dom0's own on the same screen.
//!
//! The machine is emulated: its times mean nothing, the ratios between them within one run do.

use std::fs;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::xen::{
    desktop::SHOW_LIMIT,
    machine::{Log, Machine},
};

/// What each frame changes: all of a window of 640x480, or a square of it.
const CHANGES: [(&str, &str); 2] = [("full_640x480", ""), ("damage_64x64", " --damage 64")];

/// The time from commit to the word of the frame, and the bytes that the daemon copies to the screen for it.
pub fn frames_through_xen(machine: &mut Machine) -> anyhow::Result<()> {
    machine.daemon()?;
    let domain = machine.domain_with_applications("work")?;
    let mut figures = json!({});
    println!(
        "{:14} {:6} {:>10} {:>10} {:>14} {:>14}",
        "change", "from", "frame ms", "flip ms", "bytes changed", "bytes copied"
    );
    for (change, arguments) in CHANGES {
        let mut times = Vec::new();
        for (from, display) in [("dom0", "wayland-1"), ("xen", "wayland-0")] {
            let log = Log::from_now(machine.shared().join("daemon.log"));
            let script = format!(
                "XDG_RUNTIME_DIR=/run/user/1000 WAYLAND_DISPLAY={display} xen-probe frames --frames 100{arguments}"
            );
            let job = match from {
                "xen" => machine.start_in(&domain, &script)?,
                _ => machine.start_in_dom0(&script)?,
            };
            let output = machine.finish(&job, SHOW_LIMIT)?.success()?;
            let mut figure: Value = serde_json::from_str(output.lines().last().context("no figures")?)?;
            figure["bytes_copied"] = median_copied(&log).context("the daemon says nothing of frames")?.into();
            let milliseconds = |key| figure[key].as_f64().map_or("-".to_owned(), |time| format!("{time:.2}"));
            println!(
                "{change:14} {from:6} {:>10} {:>10} {:>14} {:>14}",
                milliseconds("frame_ms"),
                milliseconds("flip_ms"),
                figure["changed_bytes"],
                figure["bytes_copied"]
            );
            times.push(figure["frame_ms"].as_f64().context("no time")?);
            figures[change][from] = figure;
        }
        if let [here, there] = *times {
            figures[change]["xen_to_dom0"] = (there / here).into();
            println!("{change:14} xen / dom0 {:>6.2}", there / here);
        }
    }
    println!("{figures}");
    let file = crate::xen::folder()?.join("figures.json");
    fs::write(&file, format!("{figures}\n"))?;
    println!("{}", file.display());
    Ok(())
}

/// Of the frames since, the bytes that the daemon has copied to the screen for one of them.
fn median_copied(log: &Log) -> Option<u64> {
    let text = log.text();
    let copied = text.lines().filter_map(|line| line.split_once("bytes=")?.1.split(' ').next()?.parse().ok());
    let mut copied: Vec<u64> = copied.collect();
    copied.sort_unstable();
    copied.get(copied.len() / 2).copied()
}
