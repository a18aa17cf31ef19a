//! The end-to-end bench: one client's frames through agent and daemon, beside other ways from a client to a screen.
//!
//! Every way is measured in every case, in several rounds that take turns, so that what else the machine does hits all
//! alike. What is printed is the median of the rounds, and ratios between ways measured in the same run: only these
//! mean something on another machine. See docs/benchmarks.md.

#![forbid(unsafe_code)]

mod bound;
mod measure;
mod process;
mod report;
mod route;

use std::{fs, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context as _;
use clap::{Parser, ValueEnum as _};
use transom_benches::content::Case;

use bound::Bound;
use measure::{Figures, measure, median};
use report::{Domains, Report, Row};
use route::{Route, Setup};

/// Measures frames from a client to a framebuffer.
#[derive(Parser)]
struct Options {
    /// Folder with the programs gui-agent, bench-client and bench-sink.
    #[arg(long, value_name = "DIR", default_value = "target/release")]
    programs: PathBuf,
    /// Seconds that each case runs on each path in each round.
    #[arg(long, value_name = "N", default_value_t = 2.0)]
    seconds: f64,
    /// How often each case runs on each path.
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: usize,
    /// Only this case; may be given several times. None leaves out the measurement with many domains as well.
    #[arg(long, value_enum)]
    case: Vec<Case>,
    /// Only this path; may be given several times.
    #[arg(long, value_enum)]
    path: Vec<Route>,
    /// How agent and daemon exchange bytes: socket or ring.
    #[arg(long, default_value = "socket")]
    transport: String,
    /// Writes what was measured to a file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Domains with a window each, in the measurement with many.
const DOMAINS: usize = 64;
/// Clients while nothing happens, and the windows of each.
const IDLE: (usize, usize) = (20, 5);

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("end-to-end: {err:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> anyhow::Result<()> {
    let wanted = |route: &Route| options.path.is_empty() || options.path.contains(route);
    let (there, missing): (Vec<Route>, Vec<Route>) =
        Route::value_variants().iter().copied().filter(wanted).partition(|route| route.missing().is_none());
    let all = options.case.is_empty();
    let cases = Case::value_variants().iter().copied().filter(|case| all || options.case.contains(case));

    let mut report = Report::default();
    for case in cases {
        if case != Case::Idle {
            report.bounds.push(Bound::measure(case)?);
        }
        options.measure_case(case, &there, &mut report)?;
    }
    if all && there.contains(&Route::Transom) {
        report.domains = Some(options.measure_domains()?);
    }

    for (route, program) in missing.iter().filter_map(|route| Some((route, route.missing()?))) {
        report.notes.push(format!("missing: {}, which takes Debian's package {program}", route.name()));
    }
    report.notes.push("missing: xpra, which forwards X11 windows and takes no Wayland client".into());
    report.print();
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(&report.json())? + "\n";
        fs::write(path, text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

impl Options {
    /// Measures a case on all paths, in turns. A peer that fails is left out; that ours fails ends it all.
    fn measure_case(&self, case: Case, routes: &[Route], report: &mut Report) -> anyhow::Result<()> {
        let mut rounds: Vec<_> = routes.iter().map(|&route| (route, Vec::new())).collect();
        for _ in 0..self.rounds {
            let mut failed = Vec::new();
            for (route, figures) in &mut rounds {
                let (clients, windows) = match case {
                    Case::Idle if route.has_channels() => IDLE,
                    Case::Idle => (1, IDLE.1),
                    _ => (1, 1),
                };
                match self.measure(*route, case, clients - 1, windows) {
                    Ok(measured) => figures.push(measured),
                    Err(err) if route.is_peer() => {
                        report.notes.push(format!("left out: {err:#}"));
                        failed.push(*route);
                    }
                    Err(err) => return Err(err),
                }
            }
            rounds.retain(|(route, _)| !failed.contains(route));
        }
        let row = |(route, figures): (Route, Vec<Figures>)| Row { case, route, figures: median(&figures) };
        report.rows.extend(rounds.into_iter().map(row));
        Ok(())
    }

    fn measure_domains(&self) -> anyhow::Result<Domains> {
        let (mut one, mut many) = (Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            one.push(self.measure(Route::Transom, Case::Small, 0, 1)?);
            many.push(self.measure(Route::Transom, Case::Small, DOMAINS - 1, 1)?);
        }
        Ok(Domains { count: DOMAINS, one: median(&one), many: median(&many) })
    }

    /// One measurement.
    fn measure(
        &self,
        route: Route,
        case: Case,
        bystanders: usize,
        windows: usize,
    ) -> anyhow::Result<Figures> {
        let (programs, transport) = (self.programs.as_path(), self.transport.as_str());
        let setup = Setup { programs, transport, route, case, bystanders, windows };
        let name = || format!("{}, {}", case.name(), route.name());
        measure(&setup, Duration::try_from_secs_f64(self.seconds)?).with_context(name)
    }
}
