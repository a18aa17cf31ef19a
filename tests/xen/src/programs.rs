//! Programs that a check runs beside itself, here or in another domain. All lie in one folder.

use std::collections::BTreeMap;
use std::env;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};
use rustix::pipe::{PipeFlags, pipe_with};

/// Those that were started and not waited for.
#[derive(Debug, Default)]
pub struct Programs {
    running: BTreeMap<u32, Program>,
    next: u32,
}

#[derive(Debug)]
struct Program {
    child: Child,
    output: BufReader<File>,
}

impl Programs {
    /// Starts a program with its arguments, and gives it a number.
    pub fn start(&mut self, program: &str, arguments: &[&str]) -> anyhow::Result<u32> {
        let folder = env::current_exe()?.parent().context("no folder")?.to_path_buf();
        let (output, input) = pipe_with(PipeFlags::CLOEXEC)?;
        let child = Command::new(folder.join(program))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(input.try_clone()?)
            .stderr(input)
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        self.next += 1;
        self.running.insert(self.next, Program { child, output: BufReader::new(output.into()) });
        Ok(self.next)
    }

    /// Waits for the next line that a program prints; empty at its end.
    pub fn line(&mut self, number: u32) -> anyhow::Result<String> {
        let mut line = String::new();
        self.program(number)?.output.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    /// Kills a program and forgets it.
    pub fn kill(&mut self, number: u32) -> anyhow::Result<()> {
        let mut program = self.running.remove(&number).context("no such program")?;
        program.child.kill()?;
        program.child.wait()?;
        Ok(())
    }

    /// Waits for a program, which must not fail, and returns what it printed that was not read.
    pub fn end(&mut self, number: u32) -> anyhow::Result<String> {
        let mut program = self.running.remove(&number).context("no such program")?;
        let mut rest = String::new();
        program.output.read_to_string(&mut rest)?;
        let status = program.child.wait()?;
        ensure!(status.success(), "{status}: {}", rest.trim_end());
        Ok(rest.trim_end().to_owned())
    }

    fn program(&mut self, number: u32) -> anyhow::Result<&mut Program> {
        self.running.get_mut(&number).context("no such program")
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        for program in self.running.values_mut() {
            // It may have ended by itself.
            let _ = program.child.kill();
            let _ = program.child.wait();
        }
    }
}
