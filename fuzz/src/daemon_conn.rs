//! The daemon's end against an agent that says anything, at any time, and reads when it likes.

use std::collections::BTreeMap;
use std::time::Duration;

use gui_protocol::framing::Framer;
use gui_protocol::limits::MAX_PENDING;
use gui_protocol::message::{AgentMessage, DaemonMessage};
use gui_protocol::{
    Arrange, BufferId, ButtonInput, CrossingInput, DaemonConfig, DaemonConn, DaemonEvent, FileInfo, FileList,
    FilesEnd, KeyInput, Limits, PointerConstraint, Presented, PresentedFlags, Rect, Screen, States, Version,
    Violation, WindowFlags, WindowId,
};

use crate::input::Input;

/// The agent's version, then steps of a byte and what it takes.
pub fn daemon_conn(data: &[u8]) {
    let mut input = Input::new(data);
    let limits = Limits { windows: 3, pages: 500, message_burst: 200, ..Limits::default() };
    let offered = match input.byte() % 12 {
        minor @ 0..=9 => Version::minor(minor.into()),
        level => Version::minor(0x8000 | u16::from(level - 9)),
    };
    let config = DaemonConfig { screen: Screen::default(), limits, max_minor: Version::NEWEST.minor };
    let mut run = Run {
        conn: DaemonConn::new(config, Duration::ZERO),
        version: Version::NEWEST.agree(offered),
        now: Duration::ZERO,
        ended: None,
        buffers: BTreeMap::new(),
        pools: BTreeMap::new(),
        heard: None,
        files: None,
    };
    run.bytes(&offered.to_wire().to_le_bytes());
    while !input.is_empty() {
        run.step(&mut input);
        run.check();
    }
}

struct Run {
    conn: DaemonConn,
    version: Version,
    now: Duration,
    ended: Option<Violation>,
    /// The sizes of the buffers of the windows there are.
    buffers: BTreeMap<WindowId, Option<(u32, u32)>>,
    /// The buffers of the windows' pools, with their sizes.
    pools: BTreeMap<(WindowId, BufferId), (u32, u32)>,
    /// What the agent hears, once it has taken the greeting.
    heard: Option<Framer<DaemonMessage>>,
    /// The newest offer of files, and how many bytes of them may come.
    files: Option<(u32, u64)>,
}

impl Run {
    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 8 {
            0 => {
                let length = usize::from(input.word());
                let bytes = input.take(length);
                self.bytes(bytes);
            }
            1..=3 => {
                let bytes = input.message::<AgentMessage>(self.version);
                self.bytes(&bytes);
            }
            4 => {
                self.now += Duration::from_millis(u64::from(input.word()));
                let result = self.conn.handle_timeout(self.now);
                self.returned(result);
            }
            5 => self.hear(usize::from(input.word())),
            _ => self.command(input),
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let result = self.conn.handle_bytes(bytes, self.now);
        self.returned(result);
    }

    /// An end is for good.
    fn returned(&mut self, result: Result<(), Violation>) {
        if let Some(ended) = &self.ended {
            assert_eq!(result.as_ref(), Err(ended));
        }
        self.ended = result.err();
    }

    fn command(&mut self, input: &mut Input<'_>) {
        let (which, window) = (input.byte() % 23, input.window());
        let (x, y, state) = (input.signed(), input.signed(), u32::from(input.byte()));
        let pressed = state % 2 == 0;
        let conn = &mut self.conn;
        match which {
            0..=2 => conn.configure(window, input.rect()),
            3 => conn.key(window, KeyInput { pressed, x, y, state, keycode: state }),
            4 => conn.button(window, ButtonInput { pressed, x, y, state, button: state }),
            5 => conn.motion(window, x, y, state),
            6 => {
                conn.crossing(window, CrossingInput { entered: pressed, x, y, state, focus: true }, &[0; 32])
            }
            7 => conn.focus(window, pressed, &[0; 32]),
            8 => conn.close(window),
            9 => {
                let (set, unset) = (WindowFlags::from_bits_truncate(state), WindowFlags::MINIMIZE);
                conn.flags(window, set, unset);
            }
            10 => conn.request_clipboard(window),
            11 => {
                conn.send_clipboard(window, input.take(state as usize));
                conn.map(window);
            }
            12..=13 => {
                let Rect { x, y, width, height } = input.rect();
                let states = States::from_bits_truncate(state);
                conn.arrange(window, Arrange { x, y, width, height, states, ..Arrange::default() });
            }
            14..=15 => conn.release(window, BufferId(state % 4)),
            16..=17 => conn.frame_done(window, u64::from(state)),
            18 => {
                let (ago, refresh) = (Duration::from_millis(state.into()), pressed.then_some(Duration::MAX));
                let flags = PresentedFlags::VSYNC;
                conn.presented(window, Presented { serial: state.into(), ago, refresh, sequence: 1, flags });
            }
            19 => drop(conn.run(state, &["sh", "-c", "true"])),
            20 => drop(conn.sync(state)),
            22 => {
                let files = FileList::new(vec![FileInfo { name: "x".into(), size: y.unsigned_abs().into() }]);
                let token = files.and_then(|files| conn.offer_files("from", &files)).unwrap_or(state % 4);
                let data = vec![0; conn.files_room().min(100)];
                conn.files_data(token, data);
                conn.files_credit(state % 4, x.unsigned_abs());
                if pressed {
                    conn.files_end(state % 4, FilesEnd::Cancelled);
                    conn.files_result(state % 4, FilesEnd::Done);
                }
            }
            _ => {
                conn.keymap("keymap");
                conn.outputs(&[]);
                conn.pointer_constrained(window, PointerConstraint::Lock);
            }
        }
    }

    /// The agent reads this many bytes; they must be messages.
    fn hear(&mut self, count: usize) {
        let mut bytes: Vec<u8> = self.conn.transmit().iter().copied().take(count).collect();
        if self.heard.is_none() {
            let greeting = if self.version >= Version::minor(4) { 20 } else { 16 };
            if bytes.len() < greeting {
                return;
            }
            self.conn.transmitted(greeting);
            bytes.drain(..greeting);
            self.heard = Some(Framer::new(self.version));
        }
        self.conn.transmitted(bytes.len());
        let mut bytes = bytes.as_slice();
        if let Some(heard) = &mut self.heard {
            loop {
                let pulled = heard.pull(&mut bytes);
                assert!(pulled.is_ok(), "{pulled:?}");
                if pulled == Ok(None) {
                    break;
                }
            }
        }
    }

    fn check(&mut self) {
        while let Some(event) = self.conn.poll_event() {
            assert_eq!(self.ended, None);
            self.event(event);
        }
        assert!(self.conn.transmit().len() <= MAX_PENDING);
        if self.ended.is_some() {
            assert!(self.conn.transmit().is_empty() && !self.conn.wants_read(self.now));
        } else if let Some(later) = self.conn.poll_timeout() {
            // Only the budget and the greeting have a time, and waiting for it helps.
            assert!(later <= self.now || !self.conn.wants_read(self.now) || self.heard.is_none());
            assert!(self.conn.wants_read(later));
        }
    }

    fn event(&mut self, event: DaemonEvent) {
        match event {
            DaemonEvent::Connected { version } => assert_eq!(version, self.version),
            DaemonEvent::Created { window, geometry, .. } => {
                assert_eq!(self.buffers.insert(window, None), None);
                assert!((1..=16384).contains(&geometry.width) && (1..=6144).contains(&geometry.height));
                assert!(self.buffers.len() <= 3);
            }
            DaemonEvent::Destroyed { window } => assert!(self.buffers.remove(&window).is_some()),
            DaemonEvent::Buffer { window, width, height, refs } => {
                assert!(refs.len() * 4096 >= width as usize * height as usize * 4);
                let known = self.buffers.get_mut(&window);
                assert!(known.is_some());
                known.into_iter().for_each(|known| *known = Some((width, height)));
                self.conn.buffer_done(window);
            }
            DaemonEvent::Damaged { window, rect } => {
                let buffer = self.buffers.get(&window).copied().flatten();
                let inside = buffer.and_then(|(width, height)| rect.clamp_to(width, height));
                assert_eq!(inside, Some(rect));
            }
            DaemonEvent::Unmapped { window } => {
                let known = self.buffers.get_mut(&window).filter(|_| window != WindowId(0));
                known.into_iter().for_each(|known| *known = None);
            }
            DaemonEvent::ConfigureRequested { window, geometry } => {
                assert!(self.buffers.contains_key(&window));
                self.conn.configure(window, geometry);
            }
            DaemonEvent::Title { window, title } => {
                assert!(self.buffers.contains_key(&window));
                let most = if self.version.is_extended() { 1024 } else { 127 };
                assert!(title.len() <= most && !title.contains('\0'));
            }
            DaemonEvent::Class { window, class, name } => {
                assert!(self.buffers.contains_key(&window));
                assert!(class.len() <= 63 && name.len() <= 63);
            }
            DaemonEvent::FlagsRequested { window, set, unset } => {
                assert!(self.buffers.contains_key(&window));
                assert!((set & unset).is_empty() && !(set | unset).is_empty());
            }
            DaemonEvent::Clipboard { data } => assert!(data.len() <= 64_000),
            DaemonEvent::Mapped { window, .. }
            | DaemonEvent::ConfigureAcked { window, .. }
            | DaemonEvent::Hints { window, .. }
            | DaemonEvent::Docked { window }
            | DaemonEvent::Cursor { window, .. } => assert!(self.buffers.contains_key(&window)),
            DaemonEvent::BufferAdded { window, buffer, width, height, refs, .. } => {
                assert!(refs.len() * 4096 >= width as usize * height as usize * 4);
                assert_eq!(self.pools.insert((window, buffer), (width, height)), None);
                assert!(self.pools.keys().filter(|(of, _)| *of == window).count() <= 4);
            }
            DaemonEvent::BufferRemoved { window, buffer } => {
                assert!(self.pools.remove(&(window, buffer)).is_some());
                self.conn.buffer_removed(window, buffer);
            }
            DaemonEvent::Committed { window, commit } => {
                let size = self.pools.get(&(window, commit.buffer));
                let inside = |rect: &Rect| size.and_then(|(w, h)| rect.clamp_to(*w, *h)) == Some(*rect);
                assert!(inside(&commit.source) && commit.damage.iter().chain(&commit.opaque).all(inside));
                assert!(commit.damage.len() <= 64 && commit.opaque.len() <= 64);
            }
            DaemonEvent::AppId { window, app_id } => {
                assert!(self.buffers.contains_key(&window) && app_id.len() <= 256 && !app_id.contains('\0'));
            }
            DaemonEvent::Parent { window, parent } => {
                assert!(self.buffers.contains_key(&window) && parent != Some(window));
                assert!(parent.is_none_or(|parent| self.buffers.contains_key(&parent)));
            }
            DaemonEvent::Popup { window, parent, token, .. } => {
                assert!(self.buffers.contains_key(&window) && self.buffers.contains_key(&parent));
                assert!(parent != window && token != 0);
                self.conn.arrange(window, Arrange { token, ..Arrange::default() });
            }
            DaemonEvent::Icon { window, icon } => {
                assert!(self.buffers.contains_key(&window) && icon.width <= 256 && icon.height <= 256);
                assert_eq!(icon.pixels.len(), (icon.width * icon.height * 4) as usize);
            }
            DaemonEvent::CursorChanged { window, .. }
            | DaemonEvent::Wished { window, .. }
            | DaemonEvent::ConstrainPointer { window, .. }
            | DaemonEvent::PointerNeeds { window, .. } => assert!(self.buffers.contains_key(&window)),
            DaemonEvent::Sync { token } => self.conn.sync_done(token),
            DaemonEvent::SyncDone { .. } => assert_eq!(self.conn.pending_sync(), None),
            DaemonEvent::FilesOffered { token, files } => {
                assert!(token > 0 && (1..=256).contains(&files.files().len()));
                self.files = Some((token, files.total()));
                self.conn.files_credit(token, 1000);
            }
            DaemonEvent::FilesData { token, data } => {
                let left = self.files.filter(|(of, _)| *of == token).map(|(_, left)| left);
                let left = left.and_then(|left| left.checked_sub(data.len() as u64));
                assert!(left.is_some(), "more than was announced");
                self.files = left.map(|left| (token, left));
            }
            DaemonEvent::FilesEnded { token, end } => {
                assert_eq!(self.files.take().map(|(of, _)| of), Some(token));
                assert!(matches!(end, FilesEnd::Cancelled | FilesEnd::Failed));
            }
            DaemonEvent::FilesCredit { .. } => {
                assert!(self.conn.files_room() <= gui_protocol::limits::FILES_WINDOW as usize);
            }
            DaemonEvent::RunResult { .. }
            | DaemonEvent::FilesResult { .. }
            | DaemonEvent::ClipboardTooLarge => {}
        }
    }
}
