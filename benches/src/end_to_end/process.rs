//! The programs that are measured, and what the kernel says of them.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    process::{Child, Command},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take to be there.
const START: Duration = Duration::from_secs(20);
/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(5);

/// A program, killed with all it has started when it goes out of scope.
pub struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// Starts a program.
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name, child })
    }

    /// Waits until the process has brought something about.
    ///
    /// # Errors
    /// When it ends, or takes too long.
    pub fn wait_until(&mut self, what: &str, mut there: impl FnMut() -> bool) -> anyhow::Result<()> {
        let started = Instant::now();
        while !there() {
            self.check()?;
            if started.elapsed() > START {
                bail!("{}: no {what} within {START:?}", self.name);
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Waits until somebody can connect to the socket that the process makes.
    pub fn wait_for_socket(&mut self, path: &Path) -> anyhow::Result<()> {
        self.wait_until(&path.display().to_string(), || listens(path))
    }

    /// # Errors
    /// When it has ended.
    pub fn check(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("{} ended: {status}", self.name),
            None => Ok(()),
        }
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let all = descendants(&[self.id()]).unwrap_or_default();
        for process in all.into_iter().filter_map(|id| Pid::from_raw(id.cast_signed())) {
            // It may have ended by itself; then there is nothing to kill.
            let _ = kill_process(process, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// Whether a socket of this path takes connections. The file is there a moment before it does, and to try would be to
/// connect.
fn listens(path: &Path) -> bool {
    /// Of sockets that listen: SO_ACCEPTCON, as /proc/net/unix shows it.
    const LISTENING: &str = "00010000";
    let sockets = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    let listening = sockets.lines().filter_map(|line| {
        let mut columns = line.split_whitespace();
        columns.nth(3).filter(|&flags| flags == LISTENING).and(columns.nth(3))
    });
    // some go to the folder first and name the file alone
    path.exists()
        && listening.map(Path::new).any(|name| path == name || path.file_name() == Some(name.as_os_str()))
}

/// These processes and all they have started.
pub fn descendants(of: &[u32]) -> anyhow::Result<Vec<u32>> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // one that ends meanwhile is none
        let Ok(stat) = fs::read_to_string(format!("/proc/{id}/stat")) else { continue };
        // the name, in brackets, may hold anything
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1));
        if let Some(parent) = parent.and_then(|parent| parent.parse().ok()) {
            children.entry(parent).or_default().push(id);
        }
    }
    let mut all = of.to_vec();
    let mut at = 0;
    while let Some(id) = all.get(at) {
        all.extend(children.remove(id).unwrap_or_default());
        at += 1;
    }
    Ok(all)
}

/// The time all threads of these processes have spent on a CPU, from the scheduler's own nanoseconds.
pub fn cpu_time(processes: &[u32]) -> anyhow::Result<Duration> {
    let nanos = sum_over_threads(processes, "schedstat", |text| text.split_whitespace().next())?;
    Ok(Duration::from_nanos(nanos))
}

/// How often the threads of these processes have waited for something and got it.
pub fn wake_ups(processes: &[u32]) -> anyhow::Result<u64> {
    sum_over_threads(processes, "status", |text| field(text, "voluntary_ctxt_switches:"))
}

/// The sum of the most memory each of these processes ever had, in KiB.
pub fn peak_rss_kib(processes: &[u32]) -> anyhow::Result<u64> {
    sum_of_status(processes, "VmHWM:")
}

/// The sum of the memory of these processes that is no file's and shared with nobody, in KiB.
pub fn anonymous_kib(processes: &[u32]) -> anyhow::Result<u64> {
    sum_of_status(processes, "RssAnon:")
}

/// The time that all CPUs together were busy since the machine started.
pub fn machine_time() -> anyhow::Result<Duration> {
    /// Of /proc/stat, fixed for programs to see.
    const TICKS_PER_SECOND: u64 = 100;
    /// user nice system idle iowait irq softirq steal
    const BUSY: [usize; 6] = [0, 1, 2, 5, 6, 7];
    let stat = fs::read_to_string("/proc/stat")?;
    let line =
        stat.lines().next().and_then(|line| line.strip_prefix("cpu ")).context("no CPU in /proc/stat")?;
    let ticks = line.split_whitespace().map(str::parse).collect::<Result<Vec<u64>, _>>()?;
    let busy: u64 = BUSY.iter().filter_map(|&column| ticks.get(column)).sum();
    Ok(Duration::from_millis(busy * 1000 / TICKS_PER_SECOND))
}

fn sum_of_status(processes: &[u32], name: &str) -> anyhow::Result<u64> {
    let mut total = 0;
    for process in processes {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        total += field(&status, name).context("no such line of status")?.parse::<u64>()?;
    }
    Ok(total)
}

fn sum_over_threads(
    processes: &[u32],
    file: &str,
    find: impl Fn(&str) -> Option<&str>,
) -> anyhow::Result<u64> {
    let mut total = 0;
    for process in processes {
        for task in fs::read_dir(format!("/proc/{process}/task"))? {
            // a thread that ends meanwhile is no longer counted
            let Ok(text) = fs::read_to_string(task?.path().join(file)) else { continue };
            total += find(&text).with_context(|| format!("{file} without the number"))?.parse::<u64>()?;
        }
    }
    Ok(total)
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()
}
