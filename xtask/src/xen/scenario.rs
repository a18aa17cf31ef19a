//! Scenarios: what is tried on the machine, printed like tests.

use std::{path::Path, time::Instant};

use anyhow::ensure;

use super::machine::Machine;
use crate::process::Interrupted;

/// One thing that must hold on real Xen.
pub struct Scenario {
    /// As printed, and as chosen on the command line.
    pub name: &'static str,
    /// Fails with what did not hold.
    pub run: fn(&mut Machine) -> anyhow::Result<()>,
}

/// Runs all whose names contain one of `filters`, or all if there is none, on one machine, in their order. Where one
/// fails, a picture of the display stays in `folder`.
///
/// # Errors
/// When one has failed, after all have run. [`Interrupted`] at once.
pub fn run_all(
    scenarios: &[Scenario],
    filters: &[String],
    machine: &mut Machine,
    folder: &Path,
) -> anyhow::Result<()> {
    let (mut passed, mut failed) = (0, 0);
    let chosen = |scenario: &&Scenario| {
        filters.is_empty() || filters.iter().any(|filter| scenario.name.contains(filter.as_str()))
    };
    for scenario in scenarios.iter().filter(chosen) {
        let start = Instant::now();
        let result = (scenario.run)(machine);
        let seconds = start.elapsed().as_secs_f64();
        match result {
            Ok(()) => {
                passed += 1;
                println!("test xen::{} ... ok ({seconds:.1} s)", scenario.name);
            }
            Err(error) if error.is::<Interrupted>() => return Err(error),
            Err(error) => {
                failed += 1;
                println!("test xen::{} ... FAILED ({seconds:.1} s)\n{error:#}", scenario.name);
                let picture = folder.join(format!("{}-failed.png", scenario.name));
                match machine.save_picture(&picture) {
                    Ok(()) => println!("the display then: {}\n", picture.display()),
                    Err(error) => println!("no picture of the display: {error:#}\n"),
                }
            }
        }
    }
    println!(
        "\ntest result: {}. {passed} passed; {failed} failed",
        if failed == 0 { "ok" } else { "FAILED" }
    );
    ensure!(failed == 0, "{failed} of the scenarios failed");
    ensure!(passed > 0, "no scenario has any of {filters:?} in its name");
    Ok(())
}
