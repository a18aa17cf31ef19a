//! Both ends with the wire in the test's hands.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::time::Duration;

use gui_protocol::framing::Framer;
use gui_protocol::message::{AgentMessage, DaemonMessage, Message};
use gui_protocol::{
    AgentConfig, AgentConn, AgentEvent, BufferSerial, DaemonConfig, DaemonConn, DaemonEvent, GrantRef,
    Limits, NewCommit, PixelFormat, Rect, Screen, Tool, Version, Violation, WindowId,
};

pub const NOW: Duration = Duration::ZERO;
/// Level 1.
pub const LEVEL_1: u16 = Version::NEWEST.minor;
pub const SCREEN: Screen = Screen { width: 1280, height: 800, depth: 24, mem_kib: 4001 };

pub fn encode<M: Message>(window: u32, message: &M, minor: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(WindowId(window), Version::minor(minor), &mut bytes);
    bytes
}

pub fn decode<M: Message>(mut bytes: &[u8], minor: u16) -> Vec<(u32, M)> {
    let mut framer = Framer::new(Version::minor(minor));
    let mut messages = Vec::new();
    while let Some((window, message)) = framer.pull(&mut bytes).expect("our own bytes are legal") {
        messages.push((window.0, message));
    }
    messages
}

/// A tool with these words for its kind, axes and state, its pressure and distance; the rest is that of `tool`.
pub fn tablet([kind, axes, state]: [u32; 3], [pressure, distance]: [u32; 2], tool: Tool) -> DaemonMessage {
    DaemonMessage::Tablet {
        kind,
        axes,
        state,
        x: tool.x,
        y: tool.y,
        pressure,
        distance,
        tilt_x: tool.tilt_x,
        tilt_y: tool.tilt_y,
        rotation: tool.rotation,
        slider: tool.slider,
        wheel: tool.wheel,
        clicks: tool.clicks,
        time_ms: tool.time_ms,
    }
}

pub fn create(x: i32, y: i32, width: u32, height: u32) -> AgentMessage {
    AgentMessage::Create { x, y, width, height, parent: WindowId(0), override_redirect: 0 }
}

pub fn map() -> AgentMessage {
    AgentMessage::Map { transient_for: WindowId(0), override_redirect: 0 }
}

pub fn agent_configure(x: i32, y: i32, width: u32, height: u32) -> AgentMessage {
    AgentMessage::Configure { x, y, width, height, override_redirect: 0 }
}

pub fn daemon_configure(x: i32, y: i32, width: u32, height: u32) -> DaemonMessage {
    DaemonMessage::Configure { x, y, width, height, override_redirect: 0 }
}

pub fn refs(count: u32) -> Vec<GrantRef> {
    (0..count).map(GrantRef).collect()
}

pub fn dump(width: u32, height: u32, pages: u32) -> AgentMessage {
    AgentMessage::WindowDump { kind: 0, width, height, bits_per_pixel: 32, refs: refs(pages) }
}

/// A program with one buffer a window: the last that it gave.
#[derive(Default)]
pub struct Shown(BTreeMap<WindowId, NewCommit>);

impl Shown {
    /// Gives a window a buffer in the place of the last.
    pub fn give(
        &mut self,
        conn: &mut AgentConn,
        window: WindowId,
        (width, height): (u32, u32),
        refs: Vec<GrantRef>,
    ) -> BufferSerial {
        let serial = conn.add_buffer(window, width, height, PixelFormat::Xrgb8888, refs);
        let commit = NewCommit::whole(serial, width, height);
        if conn.commit(window, commit.clone()).is_some() {
            self.take_back(conn, window);
            self.0.insert(window, commit);
        }
        serial
    }

    /// A part of the last buffer has changed.
    pub fn damage(&self, conn: &mut AgentConn, window: WindowId, rect: Rect) {
        if let Some(commit) = self.0.get(&window) {
            conn.commit(window, NewCommit { damage: vec![rect], ..commit.clone() });
        }
    }

    /// The last buffer is wanted back.
    pub fn take_back(&mut self, conn: &mut AgentConn, window: WindowId) {
        if let Some(commit) = self.0.remove(&window) {
            conn.remove_buffer(window, commit.buffer);
        }
    }
}

/// A daemon's end, and the agent played by the test.
pub struct Daemon {
    pub conn: DaemonConn,
    pub minor: u16,
    pub now: Duration,
}

impl Daemon {
    pub fn with(minor: u16, limits: Limits) -> Daemon {
        let config = DaemonConfig { screen: SCREEN, limits, max_minor: Version::NEWEST.minor };
        let conn = DaemonConn::new(config, NOW);
        let mut daemon = Daemon { conn, minor, now: NOW };
        daemon.conn.handle_bytes(&Version::minor(minor).to_wire().to_le_bytes(), NOW).unwrap();
        assert_eq!(
            daemon.events(),
            [DaemonEvent::Connected { version: Version::NEWEST.agree(Version::minor(minor)) }]
        );
        let answer = daemon.conn.transmit().len();
        daemon.conn.transmitted(answer);
        daemon
    }

    pub fn new() -> Daemon {
        Daemon::with(8, Limits::default())
    }

    pub fn say(&mut self, window: u32, message: AgentMessage) -> Result<Vec<DaemonEvent>, Violation> {
        self.conn.handle_bytes(&encode(window, &message, self.minor), self.now)?;
        Ok(self.events())
    }

    pub fn events(&mut self) -> Vec<DaemonEvent> {
        std::iter::from_fn(|| self.conn.poll_event()).collect()
    }

    pub fn heard(&mut self) -> Vec<(u32, DaemonMessage)> {
        let heard = decode(self.conn.transmit(), self.minor);
        self.conn.transmitted(usize::MAX);
        heard
    }
}

/// An agent's end, and the daemon played by the test.
pub struct Agent {
    pub conn: AgentConn,
    pub minor: u16,
    shown: Shown,
}

impl Agent {
    /// Without a channel.
    pub fn down(minor: u16) -> Agent {
        Agent { conn: AgentConn::new(AgentConfig { max_minor: minor }, NOW), minor, shown: Shown::default() }
    }

    /// With a daemon that has just answered the greeting.
    pub fn with(minor: u16) -> Agent {
        let mut agent = Agent::down(minor);
        agent.connect();
        agent
    }

    pub fn new() -> Agent {
        Agent::with(8)
    }

    pub fn connect(&mut self) {
        self.conn.connected(NOW);
        let version = Version::minor(self.minor);
        assert_eq!(self.conn.transmit(), version.to_wire().to_le_bytes());
        self.conn.transmitted(4);
        let mut answer = Vec::new();
        if self.minor >= 4 {
            answer.extend(version.to_wire().to_le_bytes());
        }
        answer.extend([1280u32, 800, 24, 4001].into_iter().flat_map(u32::to_le_bytes));
        self.conn.handle_bytes(&answer, NOW).unwrap();
        assert_eq!(self.events().pop(), Some(AgentEvent::Connected { version, screen: SCREEN }));
    }

    pub fn say(&mut self, window: u32, message: DaemonMessage) -> Result<Vec<AgentEvent>, Violation> {
        self.conn.handle_bytes(&encode(window, &message, self.minor), NOW)?;
        Ok(self.events())
    }

    pub fn buffer(&mut self, window: WindowId, width: u32, height: u32, refs: Vec<GrantRef>) -> BufferSerial {
        self.shown.give(&mut self.conn, window, (width, height), refs)
    }

    pub fn damage(&mut self, window: WindowId, rect: Rect) {
        self.shown.damage(&mut self.conn, window, rect);
    }

    /// Unmaps a window and wants its buffer back.
    pub fn unmap(&mut self, window: WindowId) {
        self.conn.unmap(window);
        self.shown.take_back(&mut self.conn, window);
    }

    pub fn events(&mut self) -> Vec<AgentEvent> {
        std::iter::from_fn(|| self.conn.poll_event()).collect()
    }

    /// What the agent said, taken bit by bit so that what waits for room comes too.
    pub fn heard(&mut self) -> Vec<(u32, AgentMessage)> {
        let mut bytes = Vec::new();
        while !self.conn.transmit().is_empty() {
            let piece = self.conn.transmit().len().min(4096);
            bytes.extend_from_slice(&self.conn.transmit()[..piece]);
            self.conn.transmitted(piece);
        }
        decode(&bytes, self.minor)
    }

    /// The names of what the agent said.
    pub fn heard_names(&mut self) -> Vec<&'static str> {
        self.heard().iter().map(|(_, message)| message.name()).collect()
    }
}
