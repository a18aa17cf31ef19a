//! The agent's end against a daemon that says anything, at any time, and reads when it likes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gui_protocol::framing::Framer;
use gui_protocol::limits::BACKLOG;
use gui_protocol::message::{AgentMessage, DaemonMessage, Message};
use gui_protocol::{
    AgentConfig, AgentConn, AgentEvent, BufferSerial, CursorLook, FileInfo, FileList, FilesEnd, GrantRef,
    Image, NewCommit, PixelFormat, PointerConstraint, PointerNeeds, Positioner, SizeHints, Version,
    Violation, WindowFlags, WindowId, Wish,
};

use crate::input::{Input, version};

/// The version, then steps of a byte and what it takes.
pub fn agent_conn(data: &[u8]) {
    let mut input = Input::new(data);
    let version = version(input.byte());
    let mut run = Run {
        conn: AgentConn::new(AgentConfig { max_minor: version.minor }, Duration::ZERO),
        version,
        now: Duration::ZERO,
        connected: false,
        ended: None,
        known: BTreeSet::new(),
        heard: Framer::new(version),
        out: BTreeSet::new(),
        pools: BTreeMap::new(),
    };
    while !input.is_empty() {
        run.step(&mut input);
        run.check();
    }
}

struct Run {
    conn: AgentConn,
    version: Version,
    now: Duration,
    connected: bool,
    ended: Option<Violation>,
    /// Windows the daemon was told of on this channel.
    known: BTreeSet<WindowId>,
    heard: Framer<AgentMessage>,
    /// Buffers given and not come back.
    out: BTreeSet<BufferSerial>,
    /// The buffers of each window that were not removed, and their sides.
    pools: BTreeMap<WindowId, Vec<(BufferSerial, u32)>>,
}

impl Run {
    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 8 {
            0 => {
                let length = usize::from(input.word());
                self.bytes(input.take(length));
            }
            1..=2 => {
                let bytes = input.message::<DaemonMessage>(self.version);
                self.bytes(&bytes);
            }
            3 => self.hear(usize::from(input.word())),
            4 => match input.byte() % 4 {
                0 => self.connect(),
                1 => {
                    self.conn.disconnected();
                    self.connected = false;
                    self.ended = None;
                }
                _ => {
                    self.now += Duration::from_millis(u64::from(input.word()));
                    let result = self.conn.handle_timeout(self.now);
                    self.returned(result);
                }
            },
            _ => self.command(input),
        }
    }

    fn connect(&mut self) {
        self.conn.connected(self.now);
        self.ended = None;
        self.known.clear();
        self.heard = Framer::new(self.version);
        assert_eq!(self.conn.transmit(), self.version.to_wire().to_le_bytes());
        self.conn.transmitted(4);
        let mut answer = Vec::new();
        if self.version >= Version::minor(4) {
            answer.extend(self.version.to_wire().to_le_bytes());
        }
        answer.extend([0; 16]);
        self.bytes(&answer);
        assert_eq!(self.ended, None);
        self.connected = true;
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let result = self.conn.handle_bytes(bytes, self.now);
        self.returned(result);
    }

    /// An end is until the next channel.
    fn returned(&mut self, result: Result<(), Violation>) {
        if let Some(ended) = &self.ended {
            assert_eq!(result.as_ref(), Err(ended));
        }
        self.ended = result.err();
    }

    /// The daemon reads this many bytes; they must be messages, and of windows it knows.
    fn hear(&mut self, count: usize) {
        let bytes: Vec<u8> = self.conn.transmit().iter().copied().take(count).collect();
        self.conn.transmitted(bytes.len());
        let mut bytes = bytes.as_slice();
        loop {
            let pulled = self.heard.pull(&mut bytes);
            assert!(pulled.is_ok(), "{pulled:?}");
            let Ok(Some((window, message))) = pulled else { break };
            match message {
                AgentMessage::Create { width, height, .. } => {
                    assert!(width > 0 && height > 0);
                    assert!(self.known.insert(window));
                }
                AgentMessage::ClipboardData { .. }
                | AgentMessage::RunResult { .. }
                | AgentMessage::SyncDone { .. }
                | AgentMessage::Sync { .. }
                | AgentMessage::FilesOffer { .. }
                | AgentMessage::FilesData { .. }
                | AgentMessage::FilesEnd { .. }
                | AgentMessage::FilesCredit { .. }
                | AgentMessage::FilesResult { .. } => {}
                AgentMessage::Destroy {} => assert!(self.known.remove(&window)),
                AgentMessage::WindowFlags { set, unset } => assert_eq!(set & unset, 0),
                message => assert!(self.known.contains(&window), "{} of unknown {window}", message.name()),
            }
        }
    }

    fn command(&mut self, input: &mut Input<'_>) {
        let (which, window, value) = (input.byte() % 27, input.window(), input.byte());
        let before = self.conn.transmit().len();
        let conn = &mut self.conn;
        let text = "ä".repeat(usize::from(value));
        match which {
            // An id in use is refused, and nothing else may come of it.
            0..=2 => drop(conn.create(window, input.rect(), None, value % 2 == 0)),
            3 => conn.destroy(window),
            4..=5 => conn.map(window, Some(WindowId(u32::from(value)))),
            6 => conn.unmap(window),
            7 => conn.request_configure(window, input.rect()),
            8..=10 => {
                let (side, pages) = (u32::from(value) * 8, u32::from(input.word() % 2000));
                let refs = (0..pages).map(GrantRef).collect();
                let format = PixelFormat::Xrgb8888;
                let serial = conn.add_buffer(window, side, side, format, refs);
                assert!(self.out.insert(serial));
                // Two buffers in turn, as far as there is place.
                let pool = self.pools.entry(window).or_default();
                pool.push((serial, side));
                if pool.len() > 2 {
                    conn.remove_buffer(window, pool.remove(0).0);
                }
            }
            11..=12 => {
                let pool = self.pools.get(&window).map_or(&[][..], Vec::as_slice);
                let Some((serial, side)) = pool.get(usize::from(value % 2)) else { return };
                let damage = if value < 128 { Vec::new() } else { Vec::from([input.rect()]) };
                let (configure, wants_presented) = (u32::from(value % 16), value % 4 == 0);
                let whole = NewCommit::whole(*serial, *side, *side);
                let held = conn.is_held(window, *serial);
                let damaged = damage.iter().any(|rect| rect.clamp_to(*side, *side).is_some());
                let done = conn.commit(window, NewCommit { damage, configure, wants_presented, ..whole });
                assert!(done.is_none() || !held || !damaged, "a held buffer was changed");
            }
            13 => conn.title(window, &text),
            14 => {
                conn.class(window, &text, &text);
                conn.hints(window, SizeHints { min: Some((1, 2)), ..SizeHints::default() });
            }
            15 => {
                let flags = WindowFlags::from_bits_truncate(u32::from(value));
                conn.flags(window, flags, WindowFlags::FULLSCREEN);
            }
            16 => {
                conn.cursor(window, CursorLook::Shape(value.into()));
                conn.dock(window);
            }
            17 => conn.clipboard(text.as_bytes()),
            18 => {
                let anchor_rect = input.rect();
                let positioner = Positioner { anchor_rect, grab: value % 2 == 0, ..Positioner::default() };
                conn.popup(window, WindowId(u32::from(value % 4)), positioner);
            }
            19 => conn.parent(window, Some(WindowId(u32::from(value % 4)))),
            20 => {
                let wish = Wish::from_wire(u32::from(value % 10), u32::from(value / 16));
                wish.into_iter().for_each(|wish| conn.wish(window, wish));
            }
            21 => {
                let (side, pixels) = (u32::from(value % 4), input.take(usize::from(value)).to_vec());
                conn.icon(window, Image { width: side, height: side, pixels });
            }
            22 => conn.constrain_pointer(window, PointerConstraint::Confine, Some(input.rect())),
            23 => conn.pointer_needs(window, PointerNeeds::from_bits_truncate(value.into())),
            24 => {
                conn.run_result(value.into(), Ok(u32::from(value)));
                conn.sync(value.into());
            }
            25 => conn.sync_done(value.into()),
            _ => {
                let files = FileList::new(vec![FileInfo { name: "x".into(), size: value.into() }]);
                let token = files.and_then(|files| conn.offer_files(&files)).unwrap_or(u32::from(value % 4));
                conn.files_data(token, vec![0; conn.files_room().min(64)]);
                conn.files_credit(token, u32::from(input.word()));
                if value % 2 == 0 {
                    conn.files_end(token, FilesEnd::Cancelled);
                    conn.files_result(token, FilesEnd::NoRoom);
                }
            }
        }
        // A full channel takes nothing but the end of windows it was told of.
        let after = self.conn.transmit().len();
        assert!(before < BACKLOG || after <= before + 12);
    }

    fn check(&mut self) {
        while let Some(event) = self.conn.poll_event() {
            match event {
                AgentEvent::BufferRemoved { window, serial } => {
                    assert!(self.out.remove(&serial), "{serial:?} came back twice");
                    self.pools.entry(window).or_default().retain(|(pooled, _)| *pooled != serial);
                }
                AgentEvent::Run { argv, .. } => assert!(!argv.is_empty()),
                AgentEvent::Keymap(text) => assert!(!text.contains('\0')),
                _ => {}
            }
        }
        // A pool and what is shown; the rest is waiting for its acknowledgement.
        assert!(self.version >= Version::minor(7) || self.out.len() <= 4 * 4);
        assert!(self.connected || self.conn.transmit().is_empty());
    }
}
