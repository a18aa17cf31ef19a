//! What was tried, and whether it held.

use std::process::ExitCode;

/// The checks of one command.
#[derive(Debug, Default)]
pub struct Report {
    failed: usize,
}

impl Report {
    /// Tries a promise and prints whether it held. What it is about goes into the name, what was seen into the error.
    pub fn check<T>(&mut self, name: &str, promise: impl FnOnce() -> anyhow::Result<T>) -> Option<T> {
        match promise() {
            Ok(value) => {
                println!("ok {name}");
                Some(value)
            }
            Err(error) => {
                self.failed += 1;
                println!("FAILED {name}: {error:#}");
                None
            }
        }
    }

    /// Whether every promise held.
    pub fn exit_status(&self) -> ExitCode {
        if self.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
