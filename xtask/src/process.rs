//! Child processes that never outlive this one.
//!
//! [`Processes`] starts each child in a process group of its own, so that Ctrl-C in the terminal reaches only this
//! process, which then ends the children in order. It makes this process the reaper of its orphaned descendants:
//! whatever a child starts, and however that detaches itself, stays below us in the process tree. Dropping it ends
//! and reaps every descendant, and then nothing is left but this process.
//!
//! It reaps children it does not know, so nothing else in the program may be waiting for a child at the same time.

use std::{
    collections::{HashMap, VecDeque},
    fmt, fs, io,
    os::unix::{net::UnixStream, process::CommandExt},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, set_child_subreaper, wait},
};
use signal_hook::{
    SigId,
    consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM},
};

/// How long descendants may take to end by themselves once asked, before they are killed.
const GRACE: Duration = Duration::from_secs(2);
/// How long killed descendants may take to go. Only one that the kernel cannot kill, or that runs as another user,
/// takes longer; then they are named and left.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// This process was asked to end: Ctrl-C, SIGTERM, or its terminal went away.
#[derive(Debug)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// How a child ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended(WaitStatus);

impl Ended {
    /// Whether it ended by itself with status 0.
    pub fn success(self) -> bool {
        self.0.exit_status() == Some(0)
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.exit_status(), self.0.terminating_signal()) {
            (Some(code), _) => write!(formatter, "ended with status {code}"),
            (None, Some(signal)) => write!(formatter, "was ended by signal {signal}"),
            (None, None) => formatter.write_str("ended"),
        }
    }
}

/// Why [`Processes::wait`] returned.
pub enum Wake {
    /// The child of this name is gone.
    Ended(String, Ended),
    /// The deadline passed.
    TimedOut,
}

/// Every process started on behalf of one command.
pub struct Processes {
    /// Becomes readable at every signal that may matter.
    signals: UnixStream,
    stop: Arc<AtomicBool>,
    handlers: Vec<SigId>,
    /// Running, or ended and not reported yet.
    children: HashMap<Pid, String>,
    unreported: VecDeque<(Pid, Ended)>,
}

impl Processes {
    /// Takes over SIGINT, SIGTERM, SIGHUP and SIGCHLD of this process.
    pub fn new() -> anyhow::Result<Self> {
        set_child_subreaper(Some(rustix::process::getpid())).context("cannot adopt orphaned processes")?;
        let (signals, writer) = UnixStream::pair()?;
        signals.set_nonblocking(true)?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut handlers = Vec::new();
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // Before the pipe's: whoever is woken by the pipe must find the flag set.
            handlers.push(signal_hook::flag::register(signal, Arc::clone(&stop))?);
        }
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGCHLD] {
            handlers.push(signal_hook::low_level::pipe::register(signal, writer.try_clone()?)?);
        }
        Ok(Self { signals, stop, handlers, children: HashMap::new(), unreported: VecDeque::new() })
    }

    /// Starts a child; `name` is what [`Wake::Ended`] will call it.
    pub fn spawn(&mut self, name: &str, command: &mut Command) -> anyhow::Result<Pid> {
        let child = command
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("impossible process id")?;
        self.children.insert(pid, name.to_owned());
        Ok(pid)
    }

    /// Waits for a child to end or for `deadline`, forever without one.
    ///
    /// # Errors
    /// [`Interrupted`] once this process has been asked to end.
    pub fn wait(&mut self, deadline: Option<Instant>) -> anyhow::Result<Wake> {
        loop {
            let ended = match self.unreported.pop_front() {
                Some(ended) => Some(ended),
                None => self.wait_for_any(deadline)?,
            };
            let Some((pid, how)) = ended else { return Ok(Wake::TimedOut) };
            if let Some(name) = self.children.remove(&pid) {
                return Ok(Wake::Ended(name, how));
            }
        }
    }

    /// Waits for any process to end that is ours to reap, orphans included; none by `deadline`.
    fn wait_for_any(&self, deadline: Option<Instant>) -> anyhow::Result<Option<(Pid, Ended)>> {
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Interrupted.into());
            }
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => return Ok(Some((pid, Ended(status)))),
                Ok(None) | Err(Errno::CHILD | Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(None);
            }
            self.sleep(left)?;
        }
    }

    /// Starts a child and waits for it to end. Children that end meanwhile are reported by a later
    /// [`Self::wait`].
    ///
    /// # Errors
    /// When it has not ended by `deadline`; it is then killed with the others. [`Interrupted`] as of [`Self::wait`].
    pub fn run(
        &mut self,
        name: &str,
        command: &mut Command,
        deadline: Option<Instant>,
    ) -> anyhow::Result<Ended> {
        let pid = self.spawn(name, command)?;
        loop {
            match self.wait_for_any(deadline)? {
                Some((ended, how)) if ended == pid => {
                    self.children.remove(&pid);
                    return Ok(how);
                }
                Some(other) => self.unreported.push_back(other),
                None => bail!("{name} does not end"),
            }
        }
    }

    /// Ends and reaps every descendant: asks first, then kills. Does nothing the second time.
    pub fn stop_all(&mut self) {
        self.children.clear();
        signal_descendants(Signal::TERM);
        if self.reap_all(GRACE, None) || self.reap_all(KILL_LIMIT, Some(Signal::KILL)) {
            return;
        }
        for (pid, name) in descendants() {
            eprintln!("warning: process {} ({name}) could not be ended", pid.as_raw_nonzero());
        }
    }

    /// Reaps until no child is left; says whether that came within `limit`. With a signal, sends it to every
    /// descendant in each round, because the dead leave orphans and the living may still fork.
    fn reap_all(&mut self, limit: Duration, signal: Option<Signal>) -> bool {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(signal) = signal {
                signal_descendants(signal);
            }
            loop {
                match wait(WaitOptions::NOHANG) {
                    Err(Errno::CHILD) => return true,
                    Err(Errno::INTR) | Ok(Some(_)) => {}
                    Err(_) | Ok(None) => break,
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.sleep(Some(left)).is_err() {
                return false;
            }
        }
    }

    /// Sleeps until a signal comes, or for `limit`.
    fn sleep(&self, limit: Option<Duration>) -> io::Result<()> {
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        match poll(&mut [PollFd::new(&self.signals, PollFlags::IN)], limit.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut bytes = [0; 64];
        while io::Read::read(&mut &self.signals, &mut bytes).is_ok_and(|read| read > 0) {}
        Ok(())
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.stop_all();
        for handler in self.handlers.drain(..) {
            signal_hook::low_level::unregister(handler);
        }
    }
}

fn signal_descendants(signal: Signal) {
    for (pid, _) in descendants() {
        // One that has just ended needs no signal; one that may not be signalled is named at the end.
        let _ = kill_process(pid, signal);
    }
}

/// Whether a process of this name is below this one.
pub fn is_running(name: &str) -> bool {
    descendants().iter().any(|(_, running)| running == name)
}

/// Every process below this one, with its name.
fn descendants() -> Vec<(Pid, String)> {
    let mut by_parent: HashMap<i32, Vec<(i32, String)>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        // Most entries are no processes, and a process may be gone since it was listed.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        if let Some((pid, parent, name)) = parse_stat(&stat) {
            by_parent.entry(parent).or_default().push((pid, name.to_owned()));
        }
    }
    let mut found = Vec::new();
    let mut parents = vec![rustix::process::getpid().as_raw_nonzero().get()];
    while let Some(parent) = parents.pop() {
        for (pid, name) in by_parent.remove(&parent).into_iter().flatten() {
            parents.push(pid);
            found.extend(Pid::from_raw(pid).map(|pid| (pid, name)));
        }
    }
    found
}

/// Process id, parent and name out of a line of `/proc/PID/stat`. The name may itself contain blanks and brackets.
fn parse_stat(stat: &str) -> Option<(i32, i32, &str)> {
    let (pid, rest) = stat.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let parent = rest.split_whitespace().nth(1)?;
    Some((pid.parse().ok()?, parent.parse().ok()?, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_lines_with_awkward_names_are_read() {
        assert_eq!(parse_stat("12 (sh) S 7 12 0"), Some((12, 7, "sh")));
        assert_eq!(parse_stat("12 (a) R 1 (b) S 7 12 0"), Some((12, 7, "a) R 1 (b")));
        assert_eq!(parse_stat("garbage"), None);
    }
}
