//! Both ends against each other, over a channel that cuts anywhere and a daemon that dies: neither ever complains,
//! and when all has arrived both have the same windows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gui_protocol::{
    AgentConfig, AgentConn, AgentEvent, Arrange, CursorLook, DaemonConfig, DaemonConn, DaemonEvent, FileInfo,
    FileList, FilesEnd, GrantRef, KeyInput, Limits, NewCommit, PixelFormat, Positioner, Rect, Screen, States,
    WindowFlags, WindowId, Wish,
};

use crate::input::{Input, version};

const NOW: Duration = Duration::ZERO;

/// The versions of both and whether wishes are granted, then steps of a byte and what it takes.
pub fn pair(data: &[u8]) {
    let mut input = Input::new(data);
    let agent_minor = version(input.byte()).minor;
    // An agent cannot know of a daemon so old that it does not tell its version.
    let daemon_minor = version(4 + input.byte() % 6).minor;
    let grants = input.byte() < 128;
    let mut pair = Pair {
        agent: AgentConn::new(AgentConfig { max_minor: agent_minor }, NOW),
        daemon: daemon(daemon_minor),
        daemon_minor,
        grants,
        shown: BTreeMap::new(),
        popups: BTreeSet::new(),
        ours: BTreeMap::new(),
        theirs: BTreeMap::new(),
    };
    pair.agent.connected(NOW);
    while !input.is_empty() {
        pair.step(&mut input);
        pair.drain();
    }
    pair.settle();
}

fn daemon(max_minor: u16) -> DaemonConn {
    // Time stands still here, so the budget must last.
    let limits = Limits { message_burst: 10_000_000, ..Limits::default() };
    DaemonConn::new(DaemonConfig { screen: Screen::default(), limits, max_minor }, NOW)
}

/// What both should agree on about a window.
#[derive(Clone, Debug, Default, PartialEq)]
struct View {
    geometry: Rect,
    shown: bool,
    docked: bool,
    title: String,
}

struct Pair {
    agent: AgentConn,
    daemon: DaemonConn,
    daemon_minor: u16,
    grants: bool,
    shown: BTreeMap<WindowId, NewCommit>,
    /// Shown or not, as their parents come and go.
    popups: BTreeSet<WindowId>,
    ours: BTreeMap<WindowId, View>,
    theirs: BTreeMap<WindowId, View>,
}

impl Pair {
    fn step(&mut self, input: &mut Input<'_>) {
        let (which, window) = (input.byte() % 32, input.window());
        let view = self.ours.get_mut(&window);
        match which {
            0..=2 => {
                let geometry = rect(input);
                if self.agent.create(window, geometry, None, false).is_ok() {
                    self.ours.insert(window, View { geometry, ..View::default() });
                }
            }
            3 => {
                self.agent.destroy(window);
                self.ours.remove(&window);
                self.popups.remove(&window);
            }
            4..=5 => {
                self.agent.map(window, None);
                view.into_iter().for_each(|view| view.shown |= !view.docked);
            }
            6 => {
                self.agent.unmap(window);
                view.into_iter().for_each(|view| view.shown = false);
            }
            7 => {
                self.agent.dock(window);
                view.into_iter().for_each(|view| view.docked |= !view.shown);
            }
            8..=9 => self.agent.request_configure(window, rect(input)),
            10..=11 => {
                let side = u32::from(input.byte()) * 8 + 1;
                let pages = (side * side * 4).div_ceil(4096);
                let refs = (0..pages).map(GrantRef).collect();
                let serial = self.agent.add_buffer(window, side, side, PixelFormat::Xrgb8888, refs);
                let commit = NewCommit::whole(serial, side, side);
                if self.agent.commit(window, commit.clone()).is_some()
                    && let Some(before) = self.shown.insert(window, commit)
                {
                    self.agent.remove_buffer(window, before.buffer);
                }
            }
            12 => {
                let damage = vec![rect(input)];
                if let Some(commit) = self.shown.get(&window) {
                    self.agent.commit(window, NewCommit { damage, ..commit.clone() });
                }
            }
            13 => {
                let title = "x".repeat(usize::from(input.byte() % 128));
                self.agent.title(window, &title);
                view.into_iter().for_each(|view| view.title.clone_from(&title));
            }
            14 => {
                self.agent.flags(window, WindowFlags::FULLSCREEN, WindowFlags::MINIMIZE);
                self.agent.cursor(window, CursorLook::Shape(input.byte().into()));
            }
            15..=16 => {
                let geometry = rect(input);
                if let Some(view) = self.theirs.get_mut(&window) {
                    view.geometry = geometry;
                    self.daemon.configure(window, geometry);
                }
            }
            17 => {
                let key = KeyInput { pressed: true, x: 0, y: 0, state: 0, keycode: 9 };
                self.daemon.key(window, key);
                self.daemon.focus(window, true, &[0; 32]);
                self.daemon.motion(window, 1, 1, 0);
                self.daemon.request_clipboard(window);
            }
            18..=20 => self.move_to_daemon(usize::from(input.word())),
            21..=22 => self.move_to_agent(usize::from(input.word())),
            23 => {
                self.agent.disconnected();
                self.theirs.clear();
                self.daemon = daemon(self.daemon_minor);
                self.agent.connected(NOW);
            }
            24 => {
                let positioner = Positioner { anchor_rect: rect(input), ..Positioner::default() };
                if self.agent.popup(window, WindowId(u32::from(input.byte() % 4)), positioner) > 0 {
                    self.popups.insert(window);
                }
            }
            25 => self.agent.parent(window, Some(WindowId(u32::from(input.byte() % 4)))),
            26 => {
                let wish = Wish::from_wire(u32::from(input.byte() % 10), u32::from(input.byte()));
                wish.into_iter().for_each(|wish| self.agent.wish(window, wish));
            }
            27 => {
                let Rect { x, y, width, height } = rect(input);
                let states = States::from_bits_truncate(input.word().into());
                if self.daemon.level() > 0 {
                    self.daemon
                        .arrange(window, Arrange { x, y, width, height, states, ..Arrange::default() });
                }
            }
            28 => drop(self.daemon.sync(u32::from(input.byte()))),
            29 => drop(self.agent.sync(u32::from(input.byte()))),
            30 => {
                let size = input.word().into();
                if let Some(files) = FileList::new(vec![FileInfo { name: "x".into(), size }]) {
                    self.agent.offer_files(&files);
                    self.daemon.offer_files("itself", &files);
                }
            }
            _ => {
                let token = u32::from(input.byte());
                self.agent.files_end(token, FilesEnd::Cancelled);
                self.daemon.files_end(token / 2, FilesEnd::Failed);
                self.agent.files_result(token / 3, FilesEnd::NoRoom);
                self.daemon.files_result(token / 4, FilesEnd::Refused);
            }
        }
    }

    fn move_to_daemon(&mut self, count: usize) {
        let bytes: Vec<u8> = self.agent.transmit().iter().copied().take(count).collect();
        self.agent.transmitted(bytes.len());
        assert_eq!(self.daemon.handle_bytes(&bytes, NOW), Ok(()));
    }

    fn move_to_agent(&mut self, count: usize) {
        let bytes: Vec<u8> = self.daemon.transmit().iter().copied().take(count).collect();
        self.daemon.transmitted(bytes.len());
        assert_eq!(self.agent.handle_bytes(&bytes, NOW), Ok(()));
    }

    fn drain(&mut self) {
        while let Some(event) = self.daemon.poll_event() {
            match event {
                DaemonEvent::Created { window, geometry, .. } => {
                    self.theirs.insert(window, View { geometry, ..View::default() });
                }
                DaemonEvent::Destroyed { window } => drop(self.theirs.remove(&window)),
                DaemonEvent::Mapped { window, .. } => self.change(window, |view| view.shown = true),
                DaemonEvent::Unmapped { window } => self.change(window, |view| view.shown = false),
                DaemonEvent::Docked { window } => self.change(window, |view| view.docked = true),
                DaemonEvent::Title { window, title } => self.change(window, |view| view.title = title),
                DaemonEvent::ConfigureRequested { window, geometry } => {
                    if self.grants {
                        self.change(window, |view| view.geometry = geometry);
                    }
                    let granted = self.theirs.get(&window).map_or(geometry, |view| view.geometry);
                    self.daemon.configure(window, granted);
                }
                DaemonEvent::Buffer { window, .. } => self.daemon.buffer_done(window),
                DaemonEvent::Committed { window, commit } => {
                    self.daemon.frame_done(window, commit.serial);
                    self.daemon.release(window, commit.buffer);
                }
                DaemonEvent::BufferRemoved { window, buffer } => self.daemon.buffer_removed(window, buffer),
                DaemonEvent::Popup { window, token, .. } => {
                    self.daemon.arrange(window, Arrange { token, ..Arrange::default() });
                }
                DaemonEvent::Sync { token } => self.daemon.sync_done(token),
                DaemonEvent::FilesOffered { token, .. } => drop(self.daemon.files_credit(token, 1000)),
                DaemonEvent::FilesData { token, data } => {
                    self.daemon.files_credit(token, data.len() as u32);
                }
                DaemonEvent::FilesCredit { token, .. } => {
                    let data = vec![0; self.daemon.files_room().min(300)];
                    self.daemon.files_data(token, data);
                }
                _ => {}
            }
        }
        while let Some(event) = self.agent.poll_event() {
            match event {
                AgentEvent::ClipboardRequested { .. } => self.agent.clipboard(b"clipboard"),
                AgentEvent::Sync { token } => self.agent.sync_done(token),
                AgentEvent::FilesOffered { token, .. } => drop(self.agent.files_credit(token, 1000)),
                AgentEvent::FilesData { token, data } => {
                    self.agent.files_credit(token, data.len() as u32);
                }
                AgentEvent::FilesCredit { token, .. } => {
                    let data = vec![0; self.agent.files_room().min(300)];
                    self.agent.files_data(token, data);
                }
                _ => {}
            }
        }
    }

    fn change(&mut self, window: WindowId, change: impl FnOnce(&mut View)) {
        if let Some(view) = self.theirs.get_mut(&window) {
            change(view);
        }
    }

    fn settle(&mut self) {
        // Every round moves all there is, so only messages that cause messages for ever need more.
        for _ in 0..1000 {
            if self.agent.transmit().is_empty() && self.daemon.transmit().is_empty() {
                break;
            }
            self.move_to_daemon(usize::MAX);
            self.drain();
            self.move_to_agent(usize::MAX);
            self.drain();
        }
        assert!(self.agent.transmit().is_empty() && self.daemon.transmit().is_empty(), "never quiet");
        for (window, view) in &mut self.ours {
            view.geometry = self.agent.geometry(*window).unwrap_or_default();
        }
        assert_eq!(self.daemon.pending_sync(), None);
        if self.daemon.level() > 0 {
            // There nobody answers for places.
            for (window, view) in self.ours.iter_mut().chain(&mut self.theirs) {
                view.geometry = Rect::default();
                view.shown &= !self.popups.contains(window);
            }
        }
        assert_eq!(self.ours, self.theirs);
    }
}

/// A geometry within the limits, so that both name it alike.
fn rect(input: &mut Input<'_>) -> Rect {
    let rect = input.rect();
    Rect { width: rect.width + 1, height: rect.height + 1, ..rect }
}
