//! The table, the file, and what was to be reached.

use serde_json::{Value, json};
use transom_benches::content::Case;

use super::{
    bound::Bound,
    measure::{Figures, Latency},
    route::Route,
};

/// What one way did in one case.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The case.
    pub case: Case,
    /// The way.
    pub route: Route,
    /// Medians over all rounds.
    pub figures: Figures,
}

/// The daemon with one domain and with many, in the case of small changes.
#[derive(Debug, Clone, Copy)]
pub struct Domains {
    /// How many are many.
    pub count: usize,
    /// With one.
    pub one: Figures,
    /// With many.
    pub many: Figures,
}

/// All that was measured.
#[derive(Debug, Default)]
pub struct Report {
    /// One row for each case and way.
    pub rows: Vec<Row>,
    /// With many domains, if that was asked for.
    pub domains: Option<Domains>,
    /// The bounds of the cases.
    pub bounds: Vec<Bound>,
    /// What was not measured, and why.
    pub notes: Vec<String>,
}

/// A frame of full damage, against the client on our own compositor: frames per second at least, CPU time at most.
const FULL_FPS: f64 = 0.8;
const FULL_CPU: f64 = 1.5;
/// Frames per second at least, against two copies and one composition.
const BOUND_FPS: f64 = 0.6;
/// CPU time for a small frame at most, microseconds more than that client's.
const SMALL_CPU_US: f64 = 40.0;
/// Median latency at most, milliseconds more than that client's and one memcpy.
const LATENCY_MS: f64 = 0.15;
/// The slowest of a hundred frames, against the median.
const P99: f64 = 2.0;
/// One refresh at 60 Hz, milliseconds.
const REFRESH_MS: f64 = 1000.0 / 60.0;
/// A composition with many domains, against one: as far apart as two rounds of the same may be.
const DOMAINS_CPU: f64 = 1.1;
/// Memory for an idle domain at most, KiB.
const DOMAIN_KIB: f64 = 2048.0;

impl Report {
    /// Prints it all.
    pub fn print(&self) {
        self.print_rows();
        self.print_bounds();
        self.print_domains();
        self.print_targets();
    }

    fn print_rows(&self) {
        println!(
            "{:<13}{:<15}{:>9}{:>8}{:>9}{:>9}{:>9}{:>10}{:>8}{:>9}{:>9}{:>6}{:>6}{:>9}",
            "case",
            "path",
            "frames/s",
            "/direct",
            "p50 ms",
            "p99 ms",
            "max ms",
            "CPU µs",
            "/direct",
            "peak MiB",
            "wakes/s",
            "lost",
            "torn",
            "others",
        );
        for Row { case, route, figures } in &self.rows {
            let direct = self.figures(*case, Route::Direct).unwrap_or_default();
            let latency = |part: fn(Latency) -> f64| figures.latency.map(part);
            let ratio = |own: Option<f64>, direct: Option<f64>| Some(own? / direct?);
            println!(
                "{:<13}{:<15}{:>9}{:>8}{:>9}{:>9}{:>9}{:>10}{:>8}{:>9}{:>9}{:>6}{:>6}{:>9}",
                case.name(),
                route.name(),
                number(figures.fps, 0),
                number(ratio(figures.fps, direct.fps), 2),
                number(latency(|latency| latency.p50), 3),
                number(latency(|latency| latency.p99), 3),
                number(latency(|latency| latency.max), 3),
                number(figures.cpu_us, 1),
                number(ratio(figures.cpu_us, direct.cpu_us), 2),
                number(figures.peak_rss_kib.map(|kib| kib / 1024.0), 1),
                number(figures.wakeups, 1),
                number(figures.lost, 0),
                number(figures.torn, 0),
                number(figures.outside, 2),
            );
        }
        println!("CPU µs: for a frame, of all processes; others: CPUs that were busy with anything else");
        for note in &self.notes {
            println!("{note}");
        }
        println!();
    }

    fn print_bounds(&self) {
        println!(
            "{:<13}{:>11}{:>15}{:>9}{:>22}",
            "bound, µs", "memcpy", "composition", "drawing", "frames/s of 2+1"
        );
        for bound in &self.bounds {
            let Bound { case, memcpy_us, composition_us, draw_us } = bound;
            let fps = bound.fps();
            println!("{:<13}{memcpy_us:>11.1}{composition_us:>15.1}{draw_us:>9.1}{fps:>22.0}", case.name());
        }
        println!();
    }

    fn print_domains(&self) {
        if let Some(Domains { count, one, many }) = self.domains {
            for (domains, figures) in [(1, one), (count, many)] {
                println!(
                    "{domains:>3} domains, 64x64: {} frames/s, daemon {} µs for a frame and {} MiB of its own",
                    number(figures.fps, 0),
                    number(figures.compositor_us, 1),
                    number(figures.compositor_own_kib.map(|kib| kib / 1024.0), 1),
                );
            }
            println!();
        }
    }

    /// What was to be reached and whether it was.
    fn print_targets(&self) {
        for Target { text, value, limit, least, digits } in self.targets() {
            let reached = if least { value >= limit } else { value <= limit };
            let (verdict, relation) =
                (if reached { "reached" } else { "NOT reached" }, if least { "at least" } else { "at most" });
            println!("{verdict:<12}{text}: {value:.digits$}, {relation} {limit:.digits$}");
        }
    }

    /// What was measured, for programs.
    pub fn json(&self) -> Value {
        let row = |case: &str, route: Route, figures: &Figures| {
            json!({
                "case": case,
                "path": route.name(),
                "fps": figures.fps,
                "latency_ms": figures.latency.map(|latency| json!({"p50": latency.p50, "p99": latency.p99})),
                "cpu_us_per_frame": figures.cpu_us,
                "peak_rss_kib": figures.peak_rss_kib,
                "wakeups_per_s": figures.wakeups,
            })
        };
        let rows = self.rows.iter().map(|Row { case, route, figures }| row(case.name(), *route, figures));
        let domains = self.domains.iter().flat_map(|Domains { count, one, many }| {
            [(1, one), (*count, many)]
                .map(|(count, figures)| row(&format!("64x64-domains-{count}"), Route::Transom, figures))
        });
        let rows: Vec<Value> = rows.chain(domains).collect();
        let bound = self.bounds.iter().map(|bound| (bound.case.name().to_owned(), bound.json()));
        json!({ "rows": rows, "bound": bound.collect::<serde_json::Map<_, _>>() })
    }

    fn figures(&self, case: Case, route: Route) -> Option<Figures> {
        self.rows.iter().find(|row| row.case == case && row.route == route).map(|row| row.figures)
    }

    fn targets(&self) -> Vec<Target> {
        let mut targets = Targets::default();
        for row in self.rows.iter().filter(|row| row.route == Route::Transom) {
            self.add_case(&mut targets, row.case, &row.figures);
            for peer in self.rows.iter().filter(|peer| peer.case == row.case && peer.route.is_peer()) {
                targets.add_peer(row, peer);
            }
        }
        if let Some(Domains { count, one, many }) = self.domains {
            let ratio = many.compositor_us.zip(one.compositor_us).map(|(many, one)| many / one);
            targets.at_most(
                format!("{count} domains, daemon's CPU for a frame / with one"),
                ratio,
                DOMAINS_CPU,
                2,
            );
            let grown = many.compositor_own_kib.zip(one.compositor_own_kib);
            let each = grown.map(|(many, one)| (many - one) / (count - 1) as f64);
            targets.at_most("memory for an idle domain, KiB".into(), each, DOMAIN_KIB, 0);
        }
        targets.0
    }

    /// Against the client on our own compositor, and the bound.
    fn add_case(&self, targets: &mut Targets, case: Case, transom: &Figures) {
        let name = case.name();
        if case == Case::Idle {
            targets.at_most(format!("{name}: wake-ups per second"), transom.wakeups, 0.0, 1);
            return;
        }
        let direct = self.figures(case, Route::Direct).unwrap_or_default();
        let bound = self.bounds.iter().find(|bound| bound.case == case);
        let fps = transom.fps.zip(direct.fps).map(|(own, direct)| own / direct);
        let cpu = transom.cpu_us.zip(direct.cpu_us);
        match case {
            Case::Full => {
                targets.at_least(format!("{name}: frames/s / direct"), fps, FULL_FPS, 2);
                let of_bound = transom.fps.zip(bound).map(|(own, bound)| own / bound.fps());
                targets.at_least(format!("{name}: frames/s / bound"), of_bound, BOUND_FPS, 2);
                let ratio = cpu.map(|(own, direct)| own / direct);
                targets.at_most(format!("{name}: CPU / direct"), ratio, FULL_CPU, 2);
            }
            Case::Small | Case::SmallInLarge => {
                let more = cpu.map(|(own, direct)| own - direct);
                targets.at_most(format!("{name}: CPU over direct, µs"), more, SMALL_CPU_US, 1);
            }
            Case::Scroll | Case::Full60 | Case::Idle => {}
        }
        let Some(latency) = transom.latency else { return };
        if case == Case::Full60 {
            targets.at_most(
                format!("{name}: slowest frame, ms (one refresh)"),
                Some(latency.max),
                REFRESH_MS,
                2,
            );
            // what is committed just after a refresh is composed at the next one
            let limit = REFRESH_MS + bound.map_or(0.0, |bound| bound.composition_us / 1e3);
            let text = format!("{name}: slowest frame, ms (one refresh, one composition)");
            targets.at_most(text, Some(latency.max), limit, 2);
            return;
        }
        if let Some((direct, bound)) = direct.latency.zip(bound) {
            let limit = direct.p50 + bound.memcpy_us / 1e3 + LATENCY_MS;
            targets.at_most(format!("{name}: median latency, ms"), Some(latency.p50), limit, 3);
        }
        targets.at_most(format!("{name}: p99 / median latency"), Some(latency.p99 / latency.p50), P99, 2);
    }
}

/// Something to reach.
struct Target {
    text: String,
    value: f64,
    limit: f64,
    least: bool,
    digits: usize,
}

#[derive(Default)]
struct Targets(Vec<Target>);

impl Targets {
    fn at_least(&mut self, text: String, value: Option<f64>, limit: f64, digits: usize) {
        self.0.extend(value.map(|value| Target { text, value, limit, least: true, digits }));
    }

    fn at_most(&mut self, text: String, value: Option<f64>, limit: f64, digits: usize) {
        self.0.extend(value.map(|value| Target { text, value, limit, least: false, digits }));
    }

    /// To be ahead of a peer.
    fn add_peer(&mut self, own: &Row, peer: &Row) {
        let (name, figures, other) = (own.case.name(), &own.figures, &peer.figures);
        let text = |what: &str| format!("{name}: {what} / {}", peer.route.name());
        // at a fixed pace, none is faster or sooner
        if own.case != Case::Full60 {
            let fps = figures.fps.zip(other.fps).map(|(own, other)| own / other);
            self.at_least(text("frames/s"), fps, 1.0, 2);
            let latency = figures.latency.zip(other.latency).map(|(own, other)| own.p50 / other.p50);
            self.at_most(text("median latency"), latency, 1.0, 2);
        }
        let cpu = figures.cpu_us.zip(other.cpu_us).map(|(own, other)| own / other);
        self.at_most(text("CPU"), cpu, 1.0, 2);
    }
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".into(), |value| format!("{value:.digits$}"))
}
