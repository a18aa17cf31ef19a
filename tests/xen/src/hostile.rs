//! An agent in the hands of an attacker: everything that one domain can do to the daemon, one after the other.
//!
//! It serves the daemon as agents do, and says here what comes of it for the agent: either the link ends, or what it did is
//! of no consequence and the daemon answers all the same. What the daemon, its log and the other domains make of it is seen
//! in dom0.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use gui_protocol::framing::Framer;
use gui_protocol::message::{AgentMessage, DaemonMessage, Message as _};
use gui_protocol::{BufferId, GrantRef, Limits, Rect, Version, WindowId};
use shm_grant::xen::store::Store;
use shm_grant::xen::{EventChannels, GrantAllocator, GrantedPages};
use shm_grant::{Address, Backend, DomId, Event, Export, LinkError, Server};

use crate::counterpart::{next_event, wait_readable};
use crate::report::Report;
use crate::vchan::{CLIENT_LIVE, ORDERS, RIGHT_PROD};

/// Where agents serve the daemon.
const GUI_PORT: u32 = 6000;

/// Bytes of the daemon's greeting.
const GREETING: usize = 20;

/// How long the daemon has to do its part. It waits up to half a minute before it connects again to an agent that breaks
/// rules.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long each flood lasts, and each silence.
const LASTS: Duration = Duration::from_secs(5);

/// The window that all is about, its side, and the pages of a buffer of it.
const WINDOW: u32 = 7;
const SIDE: u32 = 64;
const PAGES: usize = 4;

/// A reference that is beyond every grant table.
const NOWHERE: u32 = 4_000_000;

#[derive(clap::Args)]
pub struct Options {
    /// The number of one more domain, with which pages are shared that dom0 must not see
    stranger: u16,
    /// A reference under which that domain shares a page with dom0
    foreign: u32,
}

pub fn run(report: &mut Report, options: &Options) -> anyhow::Result<()> {
    let own = Store::connect()?.own_domain()?.context("xenstore does not say which domain this is")?;
    report.check("an index that lies ends the link", lying_index);

    let mut agent = Agent::new(own)?;
    let mut bears = |name: &str, act: fn(&mut Agent) -> anyhow::Result<()>| {
        report.check(name, || agent.bears(act));
    };
    bears("pages taken back after they were mapped are drawn from", taken_back_late);
    bears("half a message and silence are waited out", half_a_message);
    bears("a flood of messages is only slowed down", flood_of_messages);
    bears("a flood of windows is only slowed down", flood_of_windows);
    bears("a flood of commits is only slowed down", flood_of_commits);

    let stranger = DomId(options.stranger);
    let allocator = GrantAllocator::open()?;
    let theirs = allocator.allocate(stranger, PAGES, false)?;
    let theirs: Vec<u32> = theirs.refs().iter().map(|reference| reference.0).collect();
    let foreign = options.foreign;
    let mut refuses = |name: &str, act: &mut dyn FnMut(&mut Agent) -> anyhow::Result<()>| {
        report.check(name, || agent.is_refused(act));
    };
    refuses("references of nothing end the link", &mut |agent| agent.name_buffer(&[NOWHERE; PAGES]));
    refuses("references taken back before they are mapped end the link", &mut |agent| {
        let refs = references(&agent.share()?);
        agent.name_buffer(&refs)
    });
    refuses("references shared with another domain end the link", &mut |agent| agent.name_buffer(&theirs));
    refuses("references of another domain end the link", &mut |agent| agent.name_buffer(&[foreign; PAGES]));
    refuses("a length that lies ends the link", &mut |agent| agent.send(&header(132, WINDOW, 4)));
    refuses("a message that is none ends the link", &mut |agent| agent.send(&header(200, WINDOW, 0)));
    refuses("more windows than may be end the link", &mut |agent| {
        let most = u32::try_from(Limits::default().windows)?;
        (0..most).try_for_each(|window| agent.create(100 + window))
    });
    report.check("a version of another time ends the link", || {
        agent.until_connected()?;
        agent.send(&(2u32 << 16).to_le_bytes())?;
        agent.until_refused()
    });
    Ok(())
}

fn taken_back_late(agent: &mut Agent) -> anyhow::Result<()> {
    let export = agent.share()?;
    agent.name_buffer(&references(&export))?;
    agent.sync()?;
    drop(export);
    agent.commit(1)?;
    agent.sync()
}

fn half_a_message(agent: &mut Agent) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    buffer(&[NOWHERE; PAGES]).encode(WindowId(WINDOW), Version::NEWEST, &mut bytes);
    agent.send(bytes.get(..bytes.len() / 2).unwrap_or_default())?;
    agent.wait_a_while()
}

fn flood_of_messages(agent: &mut Agent) -> anyhow::Result<()> {
    agent.for_a_while(|agent, round| {
        let side = 1 + round % 500;
        agent.say(
            WINDOW,
            &AgentMessage::WindowHints {
                flags: 16,
                min_width: side,
                min_height: side,
                max_width: 0,
                max_height: 0,
                width_increment: 0,
                height_increment: 0,
                base_width: 0,
                base_height: 0,
            },
        )
    })?;
    agent.sync()
}

fn flood_of_windows(agent: &mut Agent) -> anyhow::Result<()> {
    agent.for_a_while(|agent, _| {
        agent.create(8)?;
        agent.map(8)?;
        agent.say(8, &AgentMessage::Destroy {})
    })?;
    agent.sync()
}

fn flood_of_commits(agent: &mut Agent) -> anyhow::Result<()> {
    let export = agent.share()?;
    agent.name_buffer(&references(&export))?;
    agent.for_a_while(|agent, round| agent.commit(round))?;
    agent.sync()
}

/// A server whose index claims more bytes than its ring has, made of Xen's devices alone. Both rings lie in the control page.
fn lying_index() -> anyhow::Result<()> {
    let control = GrantAllocator::open()?.allocate(DomId(0), 1, true)?;
    let events = EventChannels::open()?;
    let port = events.bind_unbound(DomId(0))?;
    let pages = control.pages();
    pages.copy_in(ORDERS, &[10, 0, 11, 0])?;
    pages.copy_in(CLIENT_LIVE, &[2, 1, 1, 0])?;
    let mut store = Store::connect()?;
    let keys = format!("data/vchan/0/{GUI_PORT}");
    let reference = control.refs().first().context("no reference")?.0;
    store.transaction(|store| {
        store.write(&format!("{keys}/ring-ref"), reference.to_string().as_bytes())?;
        store.write(&format!("{keys}/event-channel"), port.0.to_string().as_bytes())
    })?;
    until_client_is(&control, &events, 1)?;
    pages.copy_in(RIGHT_PROD, &2049u32.to_ne_bytes())?;
    events.notify(port)?;
    until_client_is(&control, &events, 0)?;
    Ok(store.remove(&keys)?)
}

fn until_client_is(control: &GrantedPages, events: &EventChannels, wanted: u8) -> anyhow::Result<()> {
    let mut live = [2];
    while live != [wanted] {
        next_event(events)?;
        control.pages().copy_out(CLIENT_LIVE, &mut live)?;
    }
    Ok(())
}

struct Agent {
    server: Server,
    framer: Framer<DaemonMessage>,
    unread: Vec<u8>,
    greeted: bool,
    /// The last barrier that was asked for, and that was reached.
    asked: u32,
    reached: u32,
}

impl Agent {
    fn new(own: DomId) -> anyhow::Result<Self> {
        Ok(Self {
            server: Server::bind(&Address::new(Backend::Xen, own, DomId(0), GUI_PORT))?,
            framer: Framer::new(Version::NEWEST),
            unread: Vec::new(),
            greeted: false,
            asked: 0,
            reached: 0,
        })
    }

    /// Does something on a link of its own that the daemon has to live with.
    fn bears(&mut self, act: fn(&mut Self) -> anyhow::Result<()>) -> anyhow::Result<()> {
        self.begin()?;
        act(self)?;
        self.server.disconnect();
        Ok(())
    }

    /// Does something on a link of its own that ends it.
    fn is_refused(&mut self, act: &mut dyn FnMut(&mut Self) -> anyhow::Result<()>) -> anyhow::Result<()> {
        self.begin()?;
        match act(self) {
            Ok(()) => self.until_refused(),
            Err(error) => closed(error),
        }
    }

    /// Greets the daemon as one should, and shows it a window without content.
    fn begin(&mut self) -> anyhow::Result<()> {
        self.until_connected()?;
        self.send(&Version::NEWEST.to_wire().to_le_bytes())?;
        self.create(WINDOW)?;
        self.map(WINDOW)?;
        self.sync()
    }

    fn until_connected(&mut self) -> anyhow::Result<()> {
        while !matches!(self.event()?, Event::Connected) {}
        (self.framer, self.greeted) = (Framer::new(Version::NEWEST), false);
        self.unread.clear();
        Ok(())
    }

    fn until_refused(&mut self) -> anyhow::Result<()> {
        loop {
            if let Err(error) = self.take_event() {
                return closed(error);
            }
        }
    }

    fn event(&mut self) -> anyhow::Result<Event> {
        loop {
            if let Some(event) = self.server.poll_event() {
                return Ok(event);
            }
            ensure!(wait_readable(&self.server, Some(PATIENCE))?, "the daemon does nothing");
        }
    }

    fn take_event(&mut self) -> anyhow::Result<()> {
        let event = self.event()?;
        self.take(event)
    }

    fn take(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::Readable => self.hear(),
            Event::Disconnected(error) => Err(error.into()),
            Event::Connected | Event::Writable => Ok(()),
        }
    }

    fn hear(&mut self) -> anyhow::Result<()> {
        let mut bytes = [0; 4096];
        loop {
            let read = self.server.read(&mut bytes);
            if read == 0 {
                break;
            }
            self.unread.extend(bytes.iter().take(read));
        }
        if !self.greeted && self.unread.len() >= GREETING {
            self.unread.drain(..GREETING);
            self.greeted = true;
        }
        if self.greeted {
            let mut unread = self.unread.as_slice();
            while let Some((_, message)) = self.framer.pull(&mut unread)? {
                if let DaemonMessage::SyncDone { token } = message {
                    self.reached = token;
                }
            }
            self.unread.clear();
        }
        Ok(())
    }

    fn send(&mut self, mut bytes: &[u8]) -> anyhow::Result<()> {
        while !bytes.is_empty() {
            let written = self.server.write(bytes);
            bytes = bytes.get(written..).unwrap_or_default();
            if written == 0 {
                self.take_event()?;
            }
        }
        Ok(())
    }

    fn say(&mut self, window: u32, message: &AgentMessage) -> anyhow::Result<()> {
        let mut bytes = Vec::new();
        message.encode(WindowId(window), Version::NEWEST, &mut bytes);
        self.send(&bytes)
    }

    /// Waits until the daemon has handled all that was said.
    fn sync(&mut self) -> anyhow::Result<()> {
        self.asked += 1;
        self.say(0, &AgentMessage::Sync { token: self.asked })?;
        while self.reached != self.asked {
            self.take_event()?;
        }
        Ok(())
    }

    /// Says nothing for as long as a silence lasts, and listens.
    fn wait_a_while(&mut self) -> anyhow::Result<()> {
        let end = Instant::now() + LASTS;
        while wait_readable(&self.server, Some(end.saturating_duration_since(Instant::now())))? {
            while let Some(event) = self.server.poll_event() {
                self.take(event)?;
            }
        }
        Ok(())
    }

    /// Does something again and again for as long as a flood lasts.
    fn for_a_while(&mut self, act: fn(&mut Self, u32) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let (end, mut round) = (Instant::now() + LASTS, 0);
        while Instant::now() < end {
            round += 1;
            act(self, round)?;
        }
        Ok(())
    }

    fn create(&mut self, window: u32) -> anyhow::Result<()> {
        let (x, y, width, height) = (0, 0, SIDE, SIDE);
        let create = AgentMessage::Create { x, y, width, height, parent: WindowId(0), override_redirect: 0 };
        self.say(window, &create)
    }

    fn map(&mut self, window: u32) -> anyhow::Result<()> {
        self.say(window, &AgentMessage::Map { transient_for: WindowId(0), override_redirect: 0 })
    }

    fn share(&self) -> anyhow::Result<Export> {
        Ok(self.server.exporter().export(PAGES)?)
    }

    /// Names these references as a buffer of the window, true or not.
    fn name_buffer(&mut self, refs: &[u32]) -> anyhow::Result<()> {
        self.say(WINDOW, &buffer(refs))
    }

    /// Commits the buffer; that nothing of it has changed lets it be committed again while it is shown.
    fn commit(&mut self, serial: u32) -> anyhow::Result<()> {
        self.say(
            WINDOW,
            &AgentMessage::Commit {
                serial: serial.into(),
                configure: 0,
                buffer: BufferId(1),
                width: SIDE,
                height: SIDE,
                scale: 120,
                source: Rect::new(0, 0, SIDE, SIDE),
                flags: 0,
                damage_count: 0,
                rects: Vec::new(),
            },
        )
    }
}

fn buffer(refs: &[u32]) -> AgentMessage {
    let refs = refs.iter().copied().map(GrantRef).collect();
    AgentMessage::Buffer { buffer: BufferId(1), width: SIDE, height: SIDE, format: 0, refs }
}

fn references(export: &Export) -> Vec<u32> {
    export.refs().iter().map(|reference| reference.0).collect()
}

fn header(kind: u32, window: u32, length: u32) -> Vec<u8> {
    [kind, window, length].map(u32::to_le_bytes).concat()
}

/// The link has ended because the daemon wanted it to.
fn closed(error: anyhow::Error) -> anyhow::Result<()> {
    match error.downcast_ref() {
        Some(LinkError::Closed) => Ok(()),
        _ => bail!(error),
    }
}
