//! The end-to-end bench: one client through a real agent and a real headless daemon, as fast as frame callbacks come.
//!
//! For each case it prints frames per second, the CPU time that each process spent per frame, and the same frames' bytes
//! copied once by memcpy in this run: a yardstick that moves with the machine. The client changes no pixel between frames (it
//! alternates between two prepared buffers), so its own share is the protocol's.

#![forbid(unsafe_code)]

mod client;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use clap::Parser;

use client::{Case, Client};

/// Measures frames through agent and daemon.
#[derive(Parser)]
struct Options {
    /// Folder with the programs gui-daemon and gui-agent.
    #[arg(long, value_name = "DIR", default_value = "target/release")]
    programs: PathBuf,
    /// Seconds that each case runs.
    #[arg(long, value_name = "N", default_value_t = 3)]
    seconds: u64,
}

/// The screen is larger than the window with its frame, so that every pixel is shown.
const CONFIG: &str = r#"
[output]
width = 2048
height = 1200
refresh_hz = 0

[[domain]]
name = "bench"
label = "blue"
transport = "socket:1"
"#;

/// How long a process may take to open its socket.
const START: Duration = Duration::from_secs(20);

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let directory = tempfile::tempdir()?;
    let config = directory.path().join("config.toml");
    fs::write(&config, CONFIG)?;

    let control = directory.path().join("control.sock");
    let mut daemon = Process::start("gui-daemon", &options.programs, directory.path(), |command| {
        command.args(["--backend", "headless", "--config"]).arg(&config).arg("--socket").arg(&control);
    })?;
    daemon.wait_for(&control)?;
    let mut agent = Process::start("gui-agent", &options.programs, directory.path(), |command| {
        command.args(["--transport", "socket", "--domain", "1", "--refresh", "0", "--socket-name", "bench"]);
    })?;
    let wayland = directory.path().join("bench");
    agent.wait_for(&wayland)?;

    println!(
        "{:<12} {:>10} {:>14} {:>14} {:>14} {:>14}",
        "case", "frames/s", "client µs/f", "agent µs/f", "daemon µs/f", "memcpy µs"
    );
    for case in Case::ALL {
        let mut client = Client::connect(&wayland, case)?;
        client.run_for(Duration::from_millis(500))?;
        let before = (cpu_time(std::process::id())?, agent.cpu_time()?, daemon.cpu_time()?);
        let started = Instant::now();
        let frames = client.run_for(Duration::from_secs(options.seconds))?;
        let elapsed = started.elapsed();
        let after = (cpu_time(std::process::id())?, agent.cpu_time()?, daemon.cpu_time()?);
        if frames == 0 {
            bail!("{}: no frame was shown", case.name());
        }
        let per_frame = |spent: Duration| spent.as_secs_f64() * 1e6 / frames as f64;
        println!(
            "{:<12} {:>10.0} {:>14.1} {:>14.1} {:>14.1} {:>14.1}",
            case.name(),
            frames as f64 / elapsed.as_secs_f64(),
            per_frame(after.0.saturating_sub(before.0)),
            per_frame(after.1.saturating_sub(before.1)),
            per_frame(after.2.saturating_sub(before.2)),
            memcpy_micros(case.damage_bytes()),
        );
    }
    Ok(())
}

/// A program of ours, killed when it goes out of scope.
struct Process {
    name: &'static str,
    child: Child,
}

impl Process {
    fn start(
        name: &'static str,
        programs: &Path,
        directory: &Path,
        arguments: impl FnOnce(&mut Command),
    ) -> anyhow::Result<Self> {
        let program = programs.join(name);
        let mut command = Command::new(&program);
        command.env("XDG_RUNTIME_DIR", directory).env("VCHAN_SOCKET_DIR", directory).env("RUST_LOG", "warn");
        command.stdin(Stdio::null());
        arguments(&mut command);
        let child = command.spawn().with_context(|| {
            format!("{}: build it with `cargo build --release`, or name its folder with --programs", program.display())
        })?;
        Ok(Self { name, child })
    }

    /// Waits until the process has made a file.
    fn wait_for(&mut self, path: &Path) -> anyhow::Result<()> {
        let started = Instant::now();
        while !path.exists() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status} at its start", self.name);
            }
            if started.elapsed() > START {
                bail!("{} did not make {} within {START:?}", self.name, path.display());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn cpu_time(&self) -> anyhow::Result<Duration> {
        cpu_time(self.child.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The time all threads of a process have spent on a CPU, from the scheduler's own nanoseconds.
fn cpu_time(process: u32) -> anyhow::Result<Duration> {
    let mut total = 0;
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        let schedstat = fs::read_to_string(task?.path().join("schedstat"))?;
        let on_cpu = schedstat.split_whitespace().next().context("empty schedstat")?;
        total += on_cpu.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(total))
}

/// Median time of copying that many bytes, in microseconds.
fn memcpy_micros(bytes: usize) -> f64 {
    let from = vec![0x5au8; bytes];
    let mut to = vec![0u8; bytes];
    let mut times: Vec<_> = (0..21)
        .map(|_| {
            let started = Instant::now();
            to.copy_from_slice(std::hint::black_box(&from));
            std::hint::black_box(&mut to);
            started.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
