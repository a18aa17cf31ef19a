//! The programs that are measured, and what the kernel says of them.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

/// How long a process may take to open its socket.
const START: Duration = Duration::from_secs(20);

/// A program of ours, killed when it goes out of scope.
pub struct Process {
    name: &'static str,
    child: Child,
}

impl Process {
    /// Starts a program out of the folder `programs`, with its sockets in `directory`.
    pub fn start(
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
            format!(
                "{}: build it with `cargo build --release`, or name its folder with --programs",
                program.display()
            )
        })?;
        Ok(Self { name, child })
    }

    /// Waits until the process has made a file.
    pub fn wait_for(&mut self, path: &Path) -> anyhow::Result<()> {
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

    /// See [`cpu_time`].
    pub fn cpu_time(&self) -> anyhow::Result<Duration> {
        cpu_time(self.child.id())
    }

    /// How often its threads have waited for something and got it.
    pub fn wake_ups(&self) -> anyhow::Result<u64> {
        let mut total = 0;
        for task in tasks(self.child.id())? {
            let status = fs::read_to_string(task?.path().join("status"))?;
            let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            total += count.context("no count of context switches")?.trim().parse::<u64>()?;
        }
        Ok(total)
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
pub fn cpu_time(process: u32) -> anyhow::Result<Duration> {
    let mut total = 0;
    for task in tasks(process)? {
        let schedstat = fs::read_to_string(task?.path().join("schedstat"))?;
        let on_cpu = schedstat.split_whitespace().next().context("empty schedstat")?;
        total += on_cpu.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(total))
}

fn tasks(process: u32) -> anyhow::Result<fs::ReadDir> {
    Ok(fs::read_dir(format!("/proc/{process}/task"))?)
}
