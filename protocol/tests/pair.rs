//! Both ends against each other: a virtual clock, bytes cut anywhere, and a daemon that dies.
//!
//! The test plays the two programs: one that changes windows at random, one that keeps what it was told and
//! answers as the rules want. However the bytes travel, neither end complains, and once everything has arrived both
//! have the same picture.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use common::{SCREEN, Shown};
use gui_protocol::{
    AgentConfig, AgentConn, AgentEvent, BufferSerial, CreateError, CrossingInput, Cursor, CursorLook,
    DaemonConfig, DaemonConn, DaemonEvent, GrantRef, KeyInput, Limits, Rect, WindowFlags, WindowId,
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Op {
    /// The agent's program does something to a window.
    Agent(u32, Act),
    /// The daemon's user moves or resizes a window.
    Place(u32, Rect),
    /// The daemon's user types and points.
    Input(u32),
    /// The daemon's program has mapped buffers, this many.
    Answer(usize),
    /// The channel moves at most this many bytes.
    ToDaemon(usize),
    ToAgent(usize),
    /// Milliseconds.
    Sleep(u16),
    /// The daemon dies and a new one comes.
    Restart,
}

#[derive(Clone, Debug)]
enum Act {
    Create(Rect),
    Destroy,
    Map,
    Unmap,
    Dock,
    Ask(Rect),
    /// A square of this side.
    Buffer(u32),
    Damage(Rect),
    /// So many letters.
    Title(u8),
    Cursor(u8),
    Flags(WindowFlags),
}

fn rect() -> impl Strategy<Value = Rect> {
    (-3i32..3, -3i32..3, 1u32..5, 1u32..5).prop_map(|(x, y, w, h)| Rect::new(x, y, 10 * w, 10 * h))
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        5 => rect().prop_map(Act::Create),
        1 => Just(Act::Destroy),
        3 => Just(Act::Map),
        2 => Just(Act::Unmap),
        1 => Just(Act::Dock),
        5 => rect().prop_map(Act::Ask),
        5 => prop_oneof![8u32..100, Just(2000u32)].prop_map(Act::Buffer),
        4 => rect().prop_map(Act::Damage),
        2 => any::<u8>().prop_map(Act::Title),
        1 => (0u8..154).prop_map(Act::Cursor),
        1 => (0u32..8).prop_map(|bits| Act::Flags(WindowFlags::from_bits_truncate(bits))),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let window = || 0u32..4;
    let count = || prop_oneof![1usize..40, 40usize..5000];
    prop_oneof![
        28 => (window(), act()).prop_map(|(window, act)| Op::Agent(window, act)),
        5 => (window(), rect()).prop_map(|(window, rect)| Op::Place(window, rect)),
        3 => window().prop_map(Op::Input),
        3 => (1usize..4).prop_map(Op::Answer),
        8 => count().prop_map(Op::ToDaemon),
        8 => count().prop_map(Op::ToAgent),
        1 => (0u16..100).prop_map(Op::Sleep),
        1 => Just(Op::Restart),
    ]
}

/// What both programs should agree on about a window.
#[derive(Clone, Debug, Default, PartialEq)]
struct View {
    geometry: Rect,
    mapped: bool,
    docked: bool,
    /// Side and serial.
    buffer: Option<(u32, u32)>,
    title: Option<String>,
    cursor: Cursor,
}

struct Pair {
    now: Duration,
    agent: AgentConn,
    daemon: DaemonConn,
    /// The newest minor versions of agent and daemon.
    minors: (u16, u16),
    /// Whether the daemon's program grants geometries that the agent asks for.
    grants: bool,
    shown: Shown,
    ours: BTreeMap<WindowId, View>,
    theirs: BTreeMap<WindowId, View>,
    /// Buffers given so far. A buffer's serial is also its first reference, so that the daemon's side shows it.
    given: u32,
    /// Buffers that have not come back.
    out: BTreeSet<u32>,
    /// Buffers the daemon's program has not answered.
    unanswered: VecDeque<(WindowId, u32)>,
    /// Whatever may cost a `CONFIGURE` to the agent, and how many there were.
    causes: usize,
    configures: usize,
}

impl Pair {
    fn new(minors: (u16, u16), grants: bool) -> Pair {
        let now = Duration::ZERO;
        let mut pair = Pair {
            now,
            agent: AgentConn::new(AgentConfig { max_minor: minors.0 }, now),
            daemon: new_daemon(minors.1, now),
            minors,
            grants,
            shown: Shown::default(),
            ours: BTreeMap::new(),
            theirs: BTreeMap::new(),
            given: 0,
            out: BTreeSet::new(),
            unanswered: VecDeque::new(),
            causes: 0,
            configures: 0,
        };
        pair.agent.connected(now);
        pair
    }

    fn minor(&self) -> u16 {
        self.minors.0.min(self.minors.1)
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Agent(window, act) => self.act(WindowId(window), act),
            Op::Place(window, rect) => {
                let window = WindowId(window);
                if let Some(view) = self.theirs.get_mut(&window) {
                    view.geometry = rect;
                    self.daemon.configure(window, rect);
                    self.causes += 1;
                }
            }
            Op::Input(window) => {
                let window = WindowId(window);
                self.daemon.key(window, KeyInput { pressed: true, x: 0, y: 0, state: 0, keycode: 9 });
                let crossing = CrossingInput { entered: true, x: 0, y: 0, state: 0, focus: true };
                self.daemon.crossing(window, crossing, &[0; 32]);
                self.daemon.motion(window, 1, 1, 0);
                self.daemon.close(window);
            }
            Op::Answer(count) => self.answer(count),
            Op::ToDaemon(count) => self.move_to_daemon(count),
            Op::ToAgent(count) => self.move_to_agent(count),
            Op::Sleep(millis) => {
                self.now += Duration::from_millis(millis.into());
                self.agent.handle_timeout(self.now).unwrap();
                self.daemon.handle_timeout(self.now).unwrap();
            }
            Op::Restart => {
                self.agent.disconnected();
                self.unanswered.clear();
                self.theirs.clear();
                self.daemon = new_daemon(self.minors.1, self.now);
                self.agent.connected(self.now);
            }
        }
        self.drain();
    }

    /// The agent's program does something to a window.
    fn act(&mut self, window: WindowId, act: Act) {
        if let Act::Create(geometry) = act {
            match self.agent.create(window, geometry, None, false) {
                Ok(()) => {
                    self.ours.insert(window, View { geometry, ..View::default() });
                }
                Err(CreateError::Exists(_)) => assert!(self.ours.contains_key(&window)),
                Err(CreateError::AwaitsDestroyAck(_)) => assert!(self.minor() >= 5),
            }
            return;
        }
        // Commands for windows that do not exist must do nothing, so the view of one is thrown away.
        let mut nowhere = View::default();
        let view = self.ours.get_mut(&window).unwrap_or(&mut nowhere);
        match act {
            Act::Create(_) => {}
            Act::Destroy => {
                self.agent.destroy(window);
                self.ours.remove(&window);
            }
            Act::Map => {
                self.agent.map(window, None);
                view.mapped |= !view.docked;
            }
            Act::Unmap => {
                self.agent.unmap(window);
                if view.mapped {
                    self.shown.take_back(&mut self.agent, window);
                    view.mapped = false;
                    view.buffer = None;
                }
            }
            Act::Dock => {
                self.agent.dock(window);
                view.docked |= !view.mapped;
            }
            Act::Ask(rect) => {
                self.agent.request_configure(window, rect);
                self.causes += 1;
            }
            Act::Buffer(side) => {
                let serial = self.given;
                let pages = (side * side * 4).div_ceil(4096);
                view.buffer = Some((side, serial));
                self.given += 1;
                self.out.insert(serial);
                let refs = (serial..serial + pages).map(GrantRef).collect();
                let given = self.shown.give(&mut self.agent, window, (side, side), refs);
                assert_eq!(given, BufferSerial(serial.into()));
            }
            Act::Damage(rect) => self.shown.damage(&mut self.agent, window, rect),
            Act::Title(length) => {
                let title = "ż".repeat(length.into());
                self.agent.title(window, &title);
                view.title = Some(title.chars().take(63).collect());
            }
            Act::Cursor(glyph) => {
                let (shape, glyph) = if glyph % 2 == 0 { (4, 60) } else { (9, 152) };
                self.agent.cursor(window, CursorLook::Shape(shape));
                view.cursor = Cursor::XFont(glyph);
            }
            Act::Flags(set) => self.agent.flags(window, set, set.complement()),
        }
    }

    fn move_to_daemon(&mut self, count: usize) {
        if self.daemon.wants_read(self.now) {
            let bytes: Vec<u8> = self.agent.transmit().iter().copied().take(count).collect();
            self.agent.transmitted(bytes.len());
            self.daemon.handle_bytes(&bytes, self.now).expect("our agent breaks no rule");
        }
    }

    fn move_to_agent(&mut self, count: usize) {
        let bytes: Vec<u8> = self.daemon.transmit().iter().copied().take(count).collect();
        self.daemon.transmitted(bytes.len());
        self.agent.handle_bytes(&bytes, self.now).expect("our daemon breaks no rule");
    }

    fn answer(&mut self, count: usize) {
        for (window, _) in self.unanswered.drain(..count.min(self.unanswered.len())) {
            self.daemon.buffer_done(window);
        }
    }

    fn drain(&mut self) {
        while let Some(event) = self.daemon.poll_event() {
            self.daemon_event(event);
        }
        while let Some(event) = self.agent.poll_event() {
            match event {
                AgentEvent::Configure { .. } => self.configures += 1,
                AgentEvent::BufferRemoved { serial, .. } => {
                    let serial = u32::try_from(serial.0).unwrap();
                    assert!(self.out.remove(&serial), "buffer {serial} came back twice");
                    let looked_at = self.unanswered.iter().any(|(_, unanswered)| *unanswered == serial);
                    assert!(!looked_at || self.minor() < 7, "the daemon still looks at buffer {serial}");
                }
                _ => {}
            }
        }
    }

    /// The daemon's program's view of a window.
    fn view(&mut self, window: WindowId) -> &mut View {
        self.theirs.get_mut(&window).expect("events come between created and destroyed")
    }

    /// What the daemon's program makes of an event.
    fn daemon_event(&mut self, event: DaemonEvent) {
        match event {
            DaemonEvent::Created { window, geometry, .. } => {
                let before = self.theirs.insert(window, View { geometry, ..View::default() });
                assert_eq!(before, None);
                // A new daemon is told CREATE and CONFIGURE, and may have spoken in between.
                self.causes += 1;
            }
            DaemonEvent::Destroyed { window } => {
                self.view(window);
                self.theirs.remove(&window);
            }
            DaemonEvent::Mapped { window, .. } => self.view(window).mapped = true,
            DaemonEvent::Docked { window } => self.view(window).docked = true,
            DaemonEvent::Unmapped { window } => {
                let view = self.view(window);
                view.mapped = false;
                view.buffer = view.buffer.filter(|_| window == WindowId(0));
            }
            DaemonEvent::ConfigureRequested { window, geometry } => {
                let grants = self.grants;
                let view = self.view(window);
                if grants {
                    view.geometry = geometry;
                }
                let geometry = view.geometry;
                self.daemon.configure(window, geometry);
            }
            DaemonEvent::ConfigureAcked { window, geometry } => {
                assert_eq!(self.view(window).geometry, geometry)
            }
            DaemonEvent::Buffer { window, width, refs, .. } => {
                let serial = refs[0].0;
                self.view(window).buffer = Some((width, serial));
                self.unanswered.push_back((window, serial));
                assert!(
                    self.out.contains(&serial) || self.minor() < 7,
                    "buffer {serial} told after it came back"
                );
            }
            DaemonEvent::Damaged { window, rect } => {
                let view = self.view(window);
                let (side, _) = view.buffer.expect("damage is of a buffer");
                assert_eq!(rect.clamp_to(side, side), Some(rect));
                assert!(view.mapped || view.docked);
            }
            DaemonEvent::Title { window, title } => self.view(window).title = Some(title),
            DaemonEvent::Cursor { window, cursor } => self.view(window).cursor = cursor,
            DaemonEvent::FlagsRequested { window, set, unset } => {
                self.view(window);
                assert!((set & unset).is_empty());
            }
            _ => {}
        }
    }

    /// Lets everything arrive, and looks at the two pictures.
    fn settle(&mut self) {
        for _ in 0..10_000 {
            if self.agent.transmit().is_empty()
                && self.daemon.transmit().is_empty()
                && self.unanswered.is_empty()
            {
                break;
            }
            for op in [Op::ToDaemon(100_000), Op::ToAgent(100_000), Op::Answer(100)] {
                self.apply(op);
            }
        }
        assert!(self.agent.transmit().is_empty() && self.daemon.transmit().is_empty(), "never quiet");
        for (window, view) in &mut self.ours {
            view.geometry = self.agent.geometry(*window).unwrap();
        }
        // Window 0 keeps its image through an unmap, at the daemon.
        for views in [&mut self.ours, &mut self.theirs] {
            views.entry(WindowId(0)).and_modify(|view| view.buffer = None);
        }
        assert_eq!(self.ours, self.theirs);
        let in_use: BTreeSet<u32> =
            self.ours.values().filter_map(|view| view.buffer.map(|(_, serial)| serial)).collect();
        let held: BTreeSet<u32> = self.out.iter().copied().collect();
        assert!(in_use.is_subset(&held));
        // Window 0's may be in use too, and no other.
        assert!(held.len() <= in_use.len() + 1, "{held:?} are out, {in_use:?} in use");
        // Before 1.5 what is meant for a window may reach its successor, whose answer is then a request.
        let bound = if self.minor() < 5 { 2 * self.causes } else { self.causes };
        assert!(self.configures <= bound, "{} CONFIGUREs for {} causes", self.configures, self.causes);
    }
}

fn new_daemon(max_minor: u16, now: Duration) -> DaemonConn {
    DaemonConn::new(DaemonConfig { screen: SCREEN, limits: Limits::default(), max_minor }, now)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_ends_come_to_the_same_picture(
        minors in (0u16..10, 4u16..10),
        grants in any::<bool>(),
        ops in proptest::collection::vec(op(), 1..200),
    ) {
        let mut pair = Pair::new(minors, grants);
        for op in ops {
            pair.apply(op);
        }
        pair.settle();
        // And again for a daemon that knows nothing.
        pair.apply(Op::Restart);
        pair.settle();
    }
}

/// An interactive resize of a window whose program wants sizes of its own: two messages a round trip, not more with
/// every step.
#[test]
fn a_stubborn_program_does_not_multiply_messages() {
    for grants in [false, true] {
        let mut pair = Pair::new((8, 8), grants);
        pair.apply(Op::Agent(1, Act::Create(Rect::new(0, 0, 100, 100))));
        pair.settle();
        for step in 0..100 {
            pair.apply(Op::Place(1, Rect::new(0, 0, 200 + 3 * step, 100)));
            pair.apply(Op::Agent(1, Act::Ask(Rect::new(0, 0, 200 + step / 10 * 10, 100))));
            pair.apply(Op::ToAgent(usize::MAX));
            pair.apply(Op::Place(1, Rect::new(0, 0, 201 + 3 * step, 100)));
            pair.apply(Op::ToDaemon(usize::MAX));
        }
        assert!(pair.daemon.transmit().len() <= 2 * 32);
        pair.settle();
    }
}
