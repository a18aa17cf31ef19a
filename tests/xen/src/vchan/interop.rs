//! Links with this workspace at one end, and the same or libxenvchan at the other.

use std::fmt;

use anyhow::{Context as _, ensure};
use shm_grant::DomId;

use crate::programs::Programs;
use crate::remote::Remote;
use crate::report::Report;

/// The rings that are tried: left and right, as powers of 2. Every size each way; the small ones, which lie in the control
/// page, with each other and beside large ones.
const RINGS: &[(u32, u32)] = &[
    (10, 11),
    (11, 20),
    (12, 12),
    (13, 10),
    (14, 19),
    (15, 18),
    (16, 17),
    (17, 16),
    (18, 15),
    (19, 14),
    (20, 13),
    (20, 20),
];

const PORT: u32 = 6001;

/// A program that makes links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ours,
    Libxenvchan,
}

/// Who serves whom.
#[derive(Clone, Copy, Debug)]
struct Pairing {
    server: Kind,
    client: Kind,
    /// Whether the server is in the other domain.
    serves_there: bool,
}

const PAIRINGS: &[Pairing] = &[
    Pairing { server: Kind::Ours, client: Kind::Ours, serves_there: true },
    Pairing { server: Kind::Ours, client: Kind::Libxenvchan, serves_there: true },
    Pairing { server: Kind::Libxenvchan, client: Kind::Ours, serves_there: true },
    Pairing { server: Kind::Ours, client: Kind::Libxenvchan, serves_there: false },
    Pairing { server: Kind::Libxenvchan, client: Kind::Ours, serves_there: false },
];

/// A program that runs at one end.
#[derive(Clone, Copy, Debug)]
struct Running {
    there: bool,
    number: u32,
}

/// A link's two programs.
struct Link {
    server: Running,
    client: Running,
}

pub fn run(report: &mut Report, remote: &mut Remote, filter: &str) {
    let mut bench = Bench { remote, programs: Programs::default() };
    for pairing in PAIRINGS {
        let mut check = |what: &str, promise: fn(&mut Bench<'_>, Pairing) -> anyhow::Result<()>| {
            let name = format!("{what} ({pairing})");
            if name.contains(filter) {
                report.check(&name, || promise(&mut bench, *pairing));
            }
        };
        check("rings of all sizes carry every byte in its place", rings_of_all_sizes);
        check("no event is lost in 2000 echoes", echoes);
        check("twenty links one after the other", twenty_links);
        check("the death of the server is seen", death_of_server);
        check("the death of the client is seen, and another served", death_of_client);
    }
}

fn rings_of_all_sizes(bench: &mut Bench<'_>, pairing: Pairing) -> anyhow::Result<()> {
    for (left, right) in RINGS {
        // Every ring is gone round more than once, and a small one many times.
        let bytes = (1u32 << left.max(right)) + 50_001;
        let action = format!("exchange:{bytes}");
        let link = bench.start(pairing, (*left, *right), 1, &action)?;
        bench.end(link).with_context(|| format!("rings of 2^{left} and 2^{right} bytes"))?;
    }
    Ok(())
}

fn echoes(bench: &mut Bench<'_>, pairing: Pairing) -> anyhow::Result<()> {
    let link = bench.start(pairing, (12, 12), 1, "ping:2000")?;
    bench.end(link)
}

fn twenty_links(bench: &mut Bench<'_>, pairing: Pairing) -> anyhow::Result<()> {
    let link = bench.start(pairing, (12, 12), 20, "ping:3")?;
    bench.end(link)
}

fn death_of_server(bench: &mut Bench<'_>, pairing: Pairing) -> anyhow::Result<()> {
    let Link { server, client } = bench.start(pairing, (12, 12), 1, "hold")?;
    bench.line(server, "connected")?;
    bench.line(client, "connected")?;
    bench.kill(server)?;
    bench.line(client, "lost")?;
    bench.end_one(client)
}

fn death_of_client(bench: &mut Bench<'_>, pairing: Pairing) -> anyhow::Result<()> {
    let Link { server, client } = bench.start(pairing, (12, 12), 2, "hold")?;
    bench.line(server, "connected")?;
    bench.line(client, "connected")?;
    bench.kill(client)?;
    bench.line(server, "lost")?;
    let client = bench.start_client(pairing, 1, "hold")?;
    bench.line(client, "connected")?;
    bench.line(server, "connected")?;
    bench.kill(client)?;
    bench.line(server, "lost")?;
    bench.end_one(server)
}

/// Where programs run.
struct Bench<'a> {
    remote: &'a mut Remote,
    programs: Programs,
}

impl Bench<'_> {
    fn start(
        &mut self,
        pairing: Pairing,
        (left, right): (u32, u32),
        links: u32,
        action: &str,
    ) -> anyhow::Result<Link> {
        let [left, right] = [left, right].map(|order| 1 << order);
        let arguments = format!("server {{}} {PORT} {left} {right} {links} {action}");
        let server = self.start_one(pairing.server, pairing.serves_there, &arguments)?;
        Ok(Link { server, client: self.start_client(pairing, links, action)? })
    }

    fn start_client(&mut self, pairing: Pairing, links: u32, action: &str) -> anyhow::Result<Running> {
        let arguments = format!("client {{}} {PORT} 0 0 {links} {action}");
        self.start_one(pairing.client, !pairing.serves_there, &arguments)
    }

    /// Where the braces are in the arguments comes the number of the other domain.
    fn start_one(&mut self, kind: Kind, there: bool, arguments: &str) -> anyhow::Result<Running> {
        let DomId(other) = if there { DomId(0) } else { self.remote.domain };
        let arguments = arguments.replace("{}", &other.to_string());
        let command = match kind {
            Kind::Ours => format!("xen-probe vchan-end {arguments}"),
            Kind::Libxenvchan => format!("vchan-peer {arguments}"),
        };
        let number = if there {
            self.remote.ask(format!("start {command}"))?.parse()?
        } else {
            let words: Vec<&str> = command.split(' ').collect();
            let (program, arguments) = words.split_first().context("no program")?;
            self.programs.start(program, arguments)?
        };
        Ok(Running { there, number })
    }

    /// Waits for both ends.
    fn end(&mut self, link: Link) -> anyhow::Result<()> {
        // The one that hangs says why, and it must be told.
        let server = self.end_one(link.server).context("the server");
        let client = self.end_one(link.client).context("the client");
        match (server, client) {
            (Err(server), Err(client)) => anyhow::bail!("{server:#}; {client:#}"),
            (server, client) => server.and(client),
        }
    }

    fn end_one(&mut self, Running { there, number }: Running) -> anyhow::Result<()> {
        let ended = if there { self.remote.ask(format!("end {number}")) } else { self.programs.end(number) };
        ended.map(drop)
    }

    fn kill(&mut self, Running { there, number }: Running) -> anyhow::Result<()> {
        if there { self.remote.ask(format!("kill {number}")).map(drop) } else { self.programs.kill(number) }
    }

    /// Waits for a program's next line, which must begin like that.
    fn line(&mut self, Running { there, number }: Running, start: &str) -> anyhow::Result<()> {
        let line =
            if there { self.remote.ask(format!("line {number}"))? } else { self.programs.line(number)? };
        ensure!(line.starts_with(start), "{line:?} is not {start:?}");
        Ok(())
    }
}

impl fmt::Display for Pairing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.serves_there { "there" } else { "here" };
        let name = |kind| match kind {
            Kind::Ours => "ours",
            Kind::Libxenvchan => "libxenvchan",
        };
        write!(f, "{} serves {place}, {} is its client", name(self.server), name(self.client))
    }
}
