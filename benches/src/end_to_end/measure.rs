//! One measurement: a way is opened, runs for a while, and is closed.

use std::{
    collections::HashMap,
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{bail, ensure};
use transom_benches::{
    content::Case,
    record::{Entry, What, now},
};

use super::{
    process::{anonymous_kib, cpu_time, descendants, machine_time, peak_rss_kib, wake_ups},
    route::{Session, Setup},
};

/// A client runs this long before it is measured.
const WARM_UP: Duration = Duration::from_millis(400);
/// With no wake-up for this long, all that was started has come to rest.
const REST: Duration = Duration::from_millis(300);
/// That does not take longer than this; what still wakes up then does so by itself.
const AT_REST: Duration = Duration::from_secs(5);

/// What came of it. `None` is not measured.
#[derive(Debug, Clone, Copy, Default)]
pub struct Figures {
    /// Different frames that came to the framebuffer, per second.
    pub fps: Option<f64>,
    /// From commit to framebuffer, milliseconds.
    pub latency: Option<Latency>,
    /// CPU time of all processes for a frame, microseconds.
    pub cpu_us: Option<f64>,
    /// Of it, the compositor's.
    pub compositor_us: Option<f64>,
    /// Sum of the most memory each process ever had.
    pub peak_rss_kib: Option<f64>,
    /// Memory of the compositor that it shares with nobody.
    pub compositor_own_kib: Option<f64>,
    /// Wake-ups of all processes per second.
    pub wakeups: Option<f64>,
    /// Frames committed that were never seen.
    pub lost: Option<f64>,
    /// Compositions that showed parts of two frames.
    pub torn: Option<f64>,
    /// CPUs that others kept busy.
    pub outside: Option<f64>,
}

/// How long frames were on their way, milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Latency {
    /// Half of the frames were faster.
    pub p50: f64,
    /// All but one in a hundred were.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
}

/// Measures one way for that long.
///
/// # Errors
/// When a program ends, no frame comes through, or one comes with wrong pixels.
pub fn measure(setup: &Setup<'_>, time: Duration) -> anyhow::Result<Figures> {
    let mut session = Session::start(setup)?;
    let figures = match setup.case {
        Case::Idle => rest(&session, time),
        _ => run(&session, setup, time),
    }?;
    session.check()?;
    Ok(figures)
}

fn rest(session: &Session, time: Duration) -> anyhow::Result<Figures> {
    let processes = descendants(&session.processes())?;
    wait_for_rest(&processes)?;
    let load = Load::start(&processes)?;
    let before = wake_ups(&processes)?;
    sleep(time);
    let after = wake_ups(&processes)?;
    let (_, outside) = load.end(&processes)?;
    Ok(Figures {
        peak_rss_kib: Some(peak_rss_kib(&processes)? as f64),
        compositor_own_kib: Some(anonymous_kib(&[session.compositor()])? as f64),
        wakeups: Some((after - before) as f64 / time.as_secs_f64()),
        outside: Some(outside),
        ..Figures::default()
    })
}

fn wait_for_rest(processes: &[u32]) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut before = None;
    loop {
        let now = Some(wake_ups(processes)?);
        if now == before || started.elapsed() > AT_REST {
            return Ok(());
        }
        before = now;
        sleep(REST);
    }
}

fn run(session: &Session, setup: &Setup<'_>, time: Duration) -> anyhow::Result<Figures> {
    sleep(WARM_UP);
    let processes = descendants(&session.processes())?;
    let compositor = [session.compositor()];
    let (load, compositor_before) = (Load::start(&processes)?, cpu_time(&compositor)?);
    let from = now();
    sleep(time);
    let to = now();
    let compositor_time = cpu_time(&compositor)? - compositor_before;
    let (spent, outside) = load.end(&processes)?;

    let elapsed = (to - from).as_secs_f64();
    let within = |entry: &&Entry| (from..to).contains(&entry.at);
    // in this order: what was seen has been committed
    let seen = session.seen()?;
    let committed = session.committed()?;
    let mut figures = Figures { outside: Some(outside), ..Figures::default() };
    let frames = if setup.route.ends_in_sink() {
        if let Some(at) = seen.iter().position(|entry| entry.what == What::Wrong) {
            bail!("composition {at} has pixels of no frame, after frame {}", seen[at].number);
        }
        let torn = seen.iter().filter(|entry| entry.what == What::Torn).count();
        let frames = arrivals(&committed, &seen)?;
        let missing = missing(&committed, &frames);
        if !setup.route.is_live() {
            ensure!(torn == 0, "{torn} compositions with parts of two frames");
            ensure!(missing == 0, "{missing} frames were never seen");
        }
        let measured: Vec<_> = frames.iter().filter(|frame| within(&&frame.seen)).collect();
        figures.latency = latency(measured.iter().map(|frame| frame.latency).collect());
        figures.torn = Some(torn as f64);
        figures.lost = Some(missing as f64);
        measured.len()
    } else {
        // Weston's framebuffer is its own, but each of its frame callbacks follows a composition
        committed.iter().filter(within).count()
    };
    ensure!(frames > 0, "no frame came through");
    figures.fps = Some(frames as f64 / elapsed);
    figures.cpu_us = Some(spent.as_secs_f64() * 1e6 / frames as f64);
    figures.compositor_us = Some(compositor_time.as_secs_f64() * 1e6 / frames as f64);
    figures.peak_rss_kib = Some(peak_rss_kib(&processes)? as f64);
    figures.compositor_own_kib = Some(anonymous_kib(&compositor)? as f64);
    Ok(figures)
}

/// A frame that was seen, and how long after its commit.
struct Arrival {
    seen: Entry,
    latency: Duration,
}

fn arrivals(committed: &[Entry], seen: &[Entry]) -> anyhow::Result<Vec<Arrival>> {
    let commits: HashMap<u32, Duration> = committed.iter().map(|entry| (entry.number, entry.at)).collect();
    let mut frames = Vec::with_capacity(seen.len());
    for &seen in seen.iter().filter(|entry| entry.what == What::Seen) {
        let Some(latency) = commits.get(&seen.number).and_then(|&commit| seen.at.checked_sub(commit)) else {
            bail!("frame {} was seen before it was committed", seen.number);
        };
        frames.push(Arrival { seen, latency });
    }
    ensure!(
        frames.windows(2).all(|pair| pair[0].seen.number < pair[1].seen.number),
        "a frame was seen after a later one"
    );
    Ok(frames)
}

/// How many frames were committed before the last one that was seen, and were not seen.
fn missing(committed: &[Entry], frames: &[Arrival]) -> usize {
    let Some(last) = frames.last() else { return committed.len() };
    committed.iter().filter(|entry| entry.number <= last.seen.number).count() - frames.len()
}

fn latency(mut times: Vec<Duration>) -> Option<Latency> {
    times.sort_unstable();
    let millis = |part: usize| Some(times.get(times.len() * part / 100)?.as_secs_f64() * 1e3);
    Some(Latency { p50: millis(50)?, p99: millis(99)?, max: times.last()?.as_secs_f64() * 1e3 })
}

/// The machine's time, and the part of it that is ours.
struct Load {
    at: Instant,
    machine: Duration,
    ours: Duration,
}

impl Load {
    fn start(processes: &[u32]) -> anyhow::Result<Self> {
        Ok(Self { machine: machine_time()?, ours: cpu_time(processes)?, at: Instant::now() })
    }

    /// The CPU time that is ours, and how many CPUs others kept busy.
    fn end(&self, processes: &[u32]) -> anyhow::Result<(Duration, f64)> {
        let elapsed = self.at.elapsed();
        let ours = cpu_time(processes)?.saturating_sub(self.ours);
        let others = machine_time()?.saturating_sub(self.machine).saturating_sub(ours);
        Ok((ours, others.as_secs_f64() / elapsed.as_secs_f64()))
    }
}

/// The middle of what several rounds gave, figure by figure.
pub fn median(rounds: &[Figures]) -> Figures {
    let middle = |figure: &dyn Fn(&Figures) -> Option<f64>| {
        let mut values: Vec<f64> = rounds.iter().filter_map(figure).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    let latency = |part: fn(&Latency) -> f64| middle(&move |figures| figures.latency.as_ref().map(part));
    Figures {
        fps: middle(&|figures| figures.fps),
        latency: latency(|latency| latency.p50)
            .zip(latency(|latency| latency.p99))
            .zip(latency(|latency| latency.max))
            .map(|((p50, p99), max)| Latency { p50, p99, max }),
        cpu_us: middle(&|figures| figures.cpu_us),
        compositor_us: middle(&|figures| figures.compositor_us),
        peak_rss_kib: middle(&|figures| figures.peak_rss_kib),
        compositor_own_kib: middle(&|figures| figures.compositor_own_kib),
        wakeups: middle(&|figures| figures.wakeups),
        lost: middle(&|figures| figures.lost),
        torn: middle(&|figures| figures.torn),
        outside: middle(&|figures| figures.outside),
    }
}
