//! The end-to-end bench: one client through a real agent and a real headless daemon, as fast as frame callbacks come.
//!
//! For each case it prints the frames per second that the client was let draw and the daemon drew, the CPU time each process
//! spent on one, and the time of a memcpy of the same pixels in this run: a yardstick that moves with the machine. The
//! client changes no pixel between frames (it alternates between two prepared buffers), so its own share is the
//! protocol's. Then everything is left alone, with a window in each of several domains, and wake-ups are counted.

#![forbid(unsafe_code)]

mod client;
mod process;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use clap::Parser;

use client::{Case, Client};
use process::{Process, cpu_time};

/// Measures frames through agent and daemon.
#[derive(Parser)]
struct Options {
    /// Folder with the programs gui-daemon and gui-agent.
    #[arg(long, value_name = "DIR", default_value = "target/release")]
    programs: PathBuf,
    /// Seconds that each case runs.
    #[arg(long, value_name = "N", default_value_t = 5)]
    seconds: u64,
    /// How agent and daemon exchange bytes: socket or ring.
    #[arg(long, default_value = "socket")]
    transport: String,
}

/// Domains with a window each while nothing happens. The first is the one measured.
const DOMAINS: [&str; 3] = ["personal", "work", "untrusted"];

/// A case runs this long before it is measured.
const WARM_UP: Duration = Duration::from_millis(500);

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let time = Duration::from_secs(options.seconds);
    let directory = tempfile::tempdir()?;
    let mut desktop = Desktop::start(&options, directory.path())?;

    println!(
        "{:<11} {:>9} {:>9} {:>10} {:>10} {:>10} {:>10} {:>12} {:>13}",
        "",
        "frames/s",
        "drawn/s",
        "client µs",
        "agent µs",
        "daemon µs",
        "memcpy µs",
        "agent/memcpy",
        "daemon/memcpy"
    );
    for case in Case::ALL {
        let figures = desktop.measure(case, time)?;
        let memcpy = memcpy_micros(case);
        println!(
            "{:<11} {:>9.0} {:>9.0} {:>10.1} {:>10.1} {:>10.1} {:>10.1} {:>12.2} {:>13.2}",
            case.name(),
            figures.frames_per_second,
            figures.drawn_per_second,
            figures.client_micros,
            figures.agent_micros,
            figures.daemon_micros,
            memcpy,
            figures.agent_micros / memcpy,
            figures.daemon_micros / memcpy,
        );
    }
    println!("µs are CPU time: client and agent per frame committed, daemon per frame drawn");

    let (daemon, agents) = desktop.wake_ups_idle(time)?;
    println!(
        "idle for {} s with a window in each of {} domains: {daemon} wake-ups of the daemon, {agents} of all agents",
        time.as_secs(),
        DOMAINS.len()
    );
    Ok(())
}

/// A daemon and its agents.
struct Desktop {
    // the agents end first, so that the daemon sees links close and not break
    agents: Vec<(Process, PathBuf)>,
    daemon: Process,
    control: PathBuf,
}

/// Of one case.
struct Figures {
    frames_per_second: f64,
    drawn_per_second: f64,
    client_micros: f64,
    agent_micros: f64,
    daemon_micros: f64,
}

impl Desktop {
    fn start(options: &Options, directory: &Path) -> anyhow::Result<Self> {
        let config = directory.join("config.toml");
        // larger than a window with its frame, so that every pixel is shown
        let mut text = "[output]\nwidth = 2048\nheight = 1200\nrefresh_hz = 0\n".to_owned();
        for (number, name) in (1..).zip(DOMAINS) {
            let transport = &options.transport;
            text += &format!(
                "[[domain]]\nname = \"{name}\"\nlabel = \"blue\"\ntransport = \"{transport}:{number}\"\n"
            );
        }
        fs::write(&config, text)?;
        let control = directory.join("control.sock");
        let mut daemon = Process::start("gui-daemon", &options.programs, directory, |command| {
            command.args(["--backend", "headless", "--config"]).arg(&config).arg("--socket").arg(&control);
        })?;
        daemon.wait_for(&control)?;
        let mut agents = Vec::new();
        for (number, name) in (1_u32..).zip(DOMAINS) {
            let mut agent = Process::start("gui-agent", &options.programs, directory, |command| {
                command.args(["--transport", &options.transport, "--refresh", "0", "--socket-name", name]);
                command.args(["--domain", &number.to_string()]);
            })?;
            let socket = directory.join(name);
            agent.wait_for(&socket)?;
            agents.push((agent, socket));
        }
        Ok(Self { agents, daemon, control })
    }

    fn measure(&self, case: Case, time: Duration) -> anyhow::Result<Figures> {
        let (agent, socket) = self.agents.first().context("no agent")?;
        let mut client = Client::connect(socket, case)?;
        client.run_for(WARM_UP)?;
        let spent =
            || anyhow::Ok([cpu_time(std::process::id())?, agent.cpu_time()?, self.daemon.cpu_time()?]);
        let (drawn_before, before, started) = (self.frames_drawn()?, spent()?, Instant::now());
        let frames = client.run_for(time)?;
        let (elapsed, after) = (started.elapsed(), spent()?);
        let drawn = self.frames_drawn()? - drawn_before;
        if frames == 0 || drawn == 0 {
            bail!("{}: no frame was shown", case.name());
        }
        let [client_time, agent_time, daemon_time] =
            [0, 1, 2].map(|process| after[process].saturating_sub(before[process]).as_secs_f64() * 1e6);
        Ok(Figures {
            frames_per_second: frames as f64 / elapsed.as_secs_f64(),
            drawn_per_second: drawn as f64 / elapsed.as_secs_f64(),
            client_micros: client_time / frames as f64,
            agent_micros: agent_time / frames as f64,
            daemon_micros: daemon_time / drawn as f64,
        })
    }

    /// How often the daemon and all agents were scheduled while no client did anything.
    fn wake_ups_idle(&mut self, time: Duration) -> anyhow::Result<(u64, u64)> {
        let clients = self.agents.iter().map(|(_, socket)| Client::connect(socket, Case::Full));
        let mut clients = clients.collect::<anyhow::Result<Vec<_>>>()?;
        for client in &mut clients {
            client.wait_until_shown()?;
        }
        self.request("sync")?;
        // the last callbacks and acknowledgements are on their way; nothing says when all have arrived
        std::thread::sleep(WARM_UP);
        let count = || {
            let agents = self.agents.iter().map(|(agent, _)| agent.wake_ups());
            anyhow::Ok((self.daemon.wake_ups()?, agents.sum::<anyhow::Result<u64>>()?))
        };
        let before = count()?;
        std::thread::sleep(time);
        let after = count()?;
        Ok((after.0 - before.0, after.1 - before.1))
    }

    fn frames_drawn(&self) -> anyhow::Result<u64> {
        let reply = self.request("frames")?;
        reply.get("frames").and_then(serde_json::Value::as_u64).with_context(|| reply.to_string())
    }

    /// Asks the daemon for something over its control socket.
    fn request(&self, request: &str) -> anyhow::Result<serde_json::Value> {
        let mut stream = UnixStream::connect(&self.control)?;
        writeln!(stream, "{{\"request\":\"{request}\"}}")?;
        let mut reply = String::new();
        BufReader::new(stream).read_line(&mut reply)?;
        Ok(serde_json::from_str(&reply)?)
    }
}

/// Median time of copying the pixels that a case changes, row by row between images, in microseconds.
fn memcpy_micros(case: Case) -> f64 {
    let (from, mut to) = (vec![0x5a_u8; Case::IMAGE_BYTES], vec![0_u8; Case::IMAGE_BYTES]);
    let mut copy = || {
        let started = Instant::now();
        for row in case.damaged_rows() {
            to[row.clone()].copy_from_slice(std::hint::black_box(&from[row]));
        }
        std::hint::black_box(&mut to);
        started.elapsed().as_secs_f64() * 1e6
    };
    let mut times: Vec<_> = (0..101).map(|_| copy()).collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
