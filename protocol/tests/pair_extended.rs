//! Both ends at level 1 against each other, with the pixels: a daemon dies and another comes, of level 1 or without it.
//!
//! The test plays the two programs and the memory they share. The agent's paints only what its end says is not held;
//! the daemon's copies only what is damaged, whenever it likes between a commit and its release. However the bytes
//! travel, nothing is written while it is read, and in the end the screen shows what the agent painted last.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::*;
use gui_protocol::limits::BACKLOG;
use gui_protocol::{
    AgentConfig, AgentConn, AgentEvent, Arrange, BufferId, BufferSerial, Commit, DaemonConfig, DaemonConn,
    DaemonEvent, GrantRef, Limits, NewCommit, PixelFormat, Rect, Scale, WindowId,
};
use proptest::prelude::*;

const SIDE: u32 = 8;
/// By row and column.
type Pixels = [[u8; SIDE as usize]; SIDE as usize];

#[derive(Clone, Debug)]
enum Op {
    Create(u32),
    Destroy(u32),
    Map(u32),
    Unmap(u32),
    /// Paints a rectangle and commits it.
    Paint(u32, Rect),
    /// Commits the content once more, perhaps another part of it.
    Repeat(u32, Rect),
    /// A buffer, perhaps with so many references that they fill the channel.
    AddBuffer(u32, bool),
    /// Removes one of the buffers.
    RemoveBuffer(u32, usize),
    Title(u32),
    /// A barrier, from the agent or from the daemon.
    AgentSync,
    DaemonSync,
    /// The daemon's user resizes a window.
    Arrange(u32, u32),
    /// The daemon draws a frame of a window, and perhaps keeps a copy so that it can release what it shows.
    Frame(u32, bool),
    /// The daemon has unmapped what was removed.
    LetGo,
    ToDaemon(usize),
    ToAgent(usize),
    /// The daemon dies and a new one comes, with the extension or without.
    Restart(bool),
}

fn op() -> impl Strategy<Value = Op> {
    let window = || 1u32..4;
    let rect = || (0i32..8, 0i32..8, 1u32..6, 1u32..6).prop_map(|(x, y, w, h)| Rect::new(x, y, w, h));
    let count = || prop_oneof![1usize..40, 40usize..4000];
    prop_oneof![
        4 => window().prop_map(Op::Create),
        1 => window().prop_map(Op::Destroy),
        2 => window().prop_map(Op::Map),
        1 => window().prop_map(Op::Unmap),
        16 => (window(), rect()).prop_map(|(window, rect)| Op::Paint(window, rect)),
        4 => (window(), rect()).prop_map(|(window, rect)| Op::Repeat(window, rect)),
        6 => (window(), any::<bool>()).prop_map(|(window, fills)| Op::AddBuffer(window, fills)),
        2 => (window(), 0usize..3).prop_map(|(window, which)| Op::RemoveBuffer(window, which)),
        2 => window().prop_map(Op::Title),
        1 => Just(Op::AgentSync),
        1 => Just(Op::DaemonSync),
        3 => (window(), 1u32..9).prop_map(|(window, width)| Op::Arrange(window, width)),
        8 => (window(), any::<bool>()).prop_map(|(window, copies)| Op::Frame(window, copies)),
        2 => Just(Op::LetGo),
        10 => count().prop_map(Op::ToDaemon),
        10 => count().prop_map(Op::ToAgent),
        1 => any::<bool>().prop_map(Op::Restart),
    ]
}

/// A window as the agent's program has it.
#[derive(Default)]
struct Ours {
    /// Which of the windows of this id.
    life: u32,
    mapped: bool,
    title: u32,
    /// What is painted, whichever buffer it is in.
    pixels: Pixels,
    pool: Vec<(BufferSerial, GrantRef)>,
    shown: Option<NewCommit>,
    committed: u64,
    done: u64,
    /// The newest arrangement, and its width.
    arranged: (u32, u32),
}

/// A window as the daemon's program has it.
#[derive(Default)]
struct Theirs {
    mapped: bool,
    title: u32,
    pool: BTreeMap<BufferId, GrantRef>,
    held: BTreeSet<BufferId>,
    content: Option<Commit>,
    /// Before level 1.
    dump: Option<GrantRef>,
    damage: Vec<Rect>,
    screen: Pixels,
    /// The width it is to have.
    wanted: Option<u32>,
}

/// The lives and titles of all windows at some moment.
type Moment = BTreeMap<WindowId, (u32, u32)>;

struct Pair {
    agent: AgentConn,
    daemon: DaemonConn,
    memory: BTreeMap<GrantRef, Pixels>,
    ours: BTreeMap<WindowId, Ours>,
    theirs: BTreeMap<WindowId, Theirs>,
    /// What the daemon has not unmapped yet.
    going: Vec<(WindowId, BufferId, GrantRef)>,
    /// Buffers that have not come back.
    out: BTreeMap<BufferSerial, GrantRef>,
    counter: u32,
    barriers: BTreeMap<u32, Moment>,
    passed: usize,
}

fn new_daemon(extended: bool) -> DaemonConn {
    let max_minor = if extended { LEVEL_1 } else { 8 };
    DaemonConn::new(DaemonConfig { screen: SCREEN, limits: Limits::default(), max_minor }, NOW)
}

fn copy(from: &Pixels, to: &mut Pixels, rect: Rect) {
    let Some(Rect { x, y, width, height }) = rect.clamp_to(SIDE, SIDE) else { return };
    let columns = x as usize..x as usize + width as usize;
    for row in y as usize..y as usize + height as usize {
        to[row][columns.clone()].copy_from_slice(&from[row][columns.clone()]);
    }
}

impl Pair {
    fn new(extended: bool) -> Pair {
        let config = AgentConfig { max_minor: LEVEL_1 };
        let mut pair = Pair {
            agent: AgentConn::new(config, NOW),
            daemon: new_daemon(extended),
            memory: BTreeMap::new(),
            ours: BTreeMap::new(),
            theirs: BTreeMap::new(),
            going: Vec::new(),
            out: BTreeMap::new(),
            counter: 0,
            barriers: BTreeMap::new(),
            passed: 0,
        };
        pair.agent.connected(NOW);
        pair
    }

    fn count(&mut self) -> u32 {
        self.counter += 1;
        self.counter
    }

    fn moment(&self) -> Moment {
        self.ours.iter().map(|(window, ours)| (*window, (ours.life, ours.title))).collect()
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Create(window) => {
                let (life, window) = (self.count(), WindowId(window));
                if self.agent.create(window, Rect::new(0, 0, SIDE, SIDE), None, false).is_ok() {
                    self.ours.insert(window, Ours { life, ..Ours::default() });
                }
            }
            Op::Destroy(window) => {
                self.agent.destroy(WindowId(window));
                self.ours.remove(&WindowId(window));
            }
            Op::Map(window) => {
                self.agent.map(WindowId(window), None);
                self.change(window, |ours| ours.mapped = true);
            }
            Op::Unmap(window) => {
                self.agent.unmap(WindowId(window));
                self.change(window, |ours| {
                    ours.shown = ours.shown.take().filter(|_| !ours.mapped);
                    ours.mapped = false;
                });
            }
            Op::Paint(window, rect) => self.paint(WindowId(window), rect),
            Op::Repeat(window, source) => self.repeat(WindowId(window), source.clamp_to(SIDE, SIDE)),
            Op::AddBuffer(window, fills) => self.add_buffer(WindowId(window), fills),
            Op::RemoveBuffer(window, which) => self.remove_buffer(WindowId(window), which),
            Op::Title(window) => {
                let title = self.count();
                self.agent.title(WindowId(window), &title.to_string());
                self.change(window, |ours| ours.title = title);
            }
            Op::AgentSync => {
                let token = self.count();
                if self.agent.sync(token) {
                    self.barriers.insert(token, self.moment());
                }
            }
            Op::DaemonSync => {
                let token = self.count();
                self.daemon.sync(token);
            }
            Op::Arrange(window, width) => {
                let arrange = Arrange { width, height: SIDE, ..Arrange::default() };
                if self.daemon.arrange(WindowId(window), arrange) > 0
                    && let Some(theirs) = self.theirs.get_mut(&WindowId(window))
                {
                    theirs.wanted = Some(width);
                }
            }
            Op::Frame(window, copies) => self.frame(WindowId(window), copies),
            Op::LetGo => {
                for (window, buffer, _) in std::mem::take(&mut self.going) {
                    self.daemon.buffer_removed(window, buffer);
                }
            }
            Op::ToDaemon(count) => {
                let bytes: Vec<u8> = self.agent.transmit().iter().copied().take(count).collect();
                self.agent.transmitted(bytes.len());
                self.daemon.handle_bytes(&bytes, NOW).expect("our agent breaks no rule");
            }
            Op::ToAgent(count) => {
                let bytes: Vec<u8> = self.daemon.transmit().iter().copied().take(count).collect();
                self.daemon.transmitted(bytes.len());
                self.agent.handle_bytes(&bytes, NOW).expect("our daemon breaks no rule");
            }
            Op::Restart(extended) => {
                self.agent.disconnected();
                self.theirs.clear();
                self.going.clear();
                self.barriers.clear();
                self.daemon = new_daemon(extended);
                self.agent.connected(NOW);
            }
        }
        self.drain();
    }

    fn change(&mut self, window: u32, change: impl FnOnce(&mut Ours)) {
        if let Some(ours) = self.ours.get_mut(&WindowId(window)) {
            change(ours);
        }
    }

    fn add_buffer(&mut self, window: WindowId, fills: bool) {
        let page = GrantRef(self.count());
        let refs = vec![page; if fills { BACKLOG / 4 } else { 1 }];
        let serial = self.agent.add_buffer(window, SIDE, SIDE, PixelFormat::Xrgb8888, refs);
        self.memory.insert(page, Pixels::default());
        self.out.insert(serial, page);
        let Some(ours) = self.ours.get_mut(&window) else { return };
        // What is shown has a place also when it is wanted back.
        let shown = ours.shown.as_ref().map(|shown| shown.buffer);
        let is_going = shown.is_some_and(|shown| ours.pool.iter().all(|(serial, _)| *serial != shown));
        if ours.pool.len() + usize::from(is_going) < 3 {
            ours.pool.push((serial, page));
        }
    }

    fn remove_buffer(&mut self, window: WindowId, which: usize) {
        let Some(ours) = self.ours.get_mut(&window).filter(|ours| which < ours.pool.len()) else { return };
        let (serial, _) = ours.pool.remove(which);
        self.agent.remove_buffer(window, serial);
    }

    fn paint(&mut self, window: WindowId, rect: Rect) {
        let colour = self.count() as u8;
        let Some(ours) = self.ours.get_mut(&window) else { return };
        let is_free = |buffer: &&(BufferSerial, GrantRef)| !self.agent.is_held(window, buffer.0);
        let Some(&(buffer, page)) = ours.pool.iter().find(is_free) else { return };
        copy(&[[colour; 8]; 8], &mut ours.pixels, rect);
        let reader = self
            .theirs
            .values()
            .find(|theirs| theirs.held.iter().any(|held| theirs.pool.get(held) == Some(&page)));
        assert!(reader.is_none(), "buffer {buffer:?} is written while the daemon holds it");
        self.memory.insert(page, ours.pixels);
        let source = ours.shown.as_ref().map_or(Rect::new(0, 0, SIDE, SIDE), |shown| shown.source);
        self.commit(window, buffer, source, vec![rect]).expect("what is not held can be committed");
    }

    fn repeat(&mut self, window: WindowId, source: Option<Rect>) {
        let shown = self.ours.get(&window).and_then(|ours| ours.shown.clone());
        if let (Some(shown), Some(source)) = (shown, source) {
            self.commit(window, shown.buffer, source, vec![]).expect("the content can be repeated");
        }
    }

    fn commit(
        &mut self,
        window: WindowId,
        buffer: BufferSerial,
        source: Rect,
        damage: Vec<Rect>,
    ) -> Option<u64> {
        let ours = self.ours.get_mut(&window)?;
        let commit = NewCommit {
            buffer,
            configure: ours.arranged.0,
            width: source.width,
            height: source.height,
            scale: Scale::ONE,
            source,
            wants_presented: false,
            damage,
            opaque: vec![],
        };
        ours.committed = self.agent.commit(window, commit.clone())?;
        ours.shown = Some(commit);
        Some(ours.committed)
    }

    fn frame(&mut self, window: WindowId, copies: bool) {
        let Some(theirs) = self.theirs.get_mut(&window) else { return };
        let Some(content) = &theirs.content else { return };
        let page = theirs.pool[&content.buffer];
        for rect in theirs.damage.drain(..) {
            copy(&self.memory[&page], &mut theirs.screen, rect);
        }
        self.daemon.frame_done(window, content.serial);
        for buffer in theirs.held.clone() {
            if copies || buffer != content.buffer {
                theirs.held.remove(&buffer);
                self.daemon.release(window, buffer);
            }
        }
    }

    fn drain(&mut self) {
        while let Some(event) = self.daemon.poll_event() {
            self.daemon_event(event);
        }
        while let Some(event) = self.agent.poll_event() {
            self.agent_event(event);
        }
    }

    fn agent_event(&mut self, event: AgentEvent) {
        match event {
            AgentEvent::BufferRemoved { serial, .. } => {
                let page = self.out.remove(&serial).expect("a buffer comes back once");
                let is_read = self
                    .theirs
                    .values()
                    .any(|theirs| theirs.held.iter().any(|held| theirs.pool[held] == page));
                assert!(!is_read && !self.going.iter().any(|(_, _, going)| *going == page));
            }
            AgentEvent::BufferReleased { window, serial } => {
                assert!(!self.agent.is_held(window, serial));
            }
            AgentEvent::FrameDone { window, serial } => {
                if let Some(ours) = self.ours.get_mut(&window) {
                    assert!(serial <= ours.committed);
                    ours.done = ours.done.max(serial);
                }
            }
            AgentEvent::Arranged { window, arrange } => {
                let ours = self.ours.get_mut(&window).expect("events are of windows there are");
                assert!(arrange.serial > ours.arranged.0);
                ours.arranged = (arrange.serial, arrange.width);
            }
            AgentEvent::Sync { token } => {
                // Something changes just before the answer.
                let windows: Vec<_> = self.ours.keys().copied().collect();
                for window in windows {
                    let title = self.count();
                    self.agent.title(window, &title.to_string());
                    self.change(window.0, |ours| ours.title = title);
                }
                self.barriers.insert(token, self.moment());
                self.agent.sync_done(token);
            }
            AgentEvent::SyncDone { token } => self.pass(token),
            _ => {}
        }
    }

    /// Everything up to a moment has arrived at the daemon.
    fn pass(&mut self, token: u32) {
        self.passed += 1;
        let moment = self.barriers.remove(&token).expect("a barrier is passed once");
        for (window, (life, title)) in moment {
            // What came after the barrier may have ended it.
            if self.ours.get(&window).is_some_and(|ours| ours.life == life) {
                let theirs = self.theirs.get(&window).expect("its creation was said before the barrier");
                assert!(theirs.title >= title, "{} is older than {title}", theirs.title);
            }
        }
    }

    fn daemon_event(&mut self, event: DaemonEvent) {
        let live = &self.memory;
        match event {
            DaemonEvent::Created { window, .. } => drop(self.theirs.insert(window, Theirs::default())),
            DaemonEvent::Destroyed { window } => drop(self.theirs.remove(&window)),
            DaemonEvent::Mapped { window, .. } => {
                let theirs = self.theirs.get_mut(&window).unwrap();
                theirs.mapped = true;
                // What is not shown is not drawn, and all of it when it is.
                theirs.screen = theirs.dump.map_or(theirs.screen, |dump| live[&dump]);
            }
            DaemonEvent::Unmapped { window } => {
                let theirs = self.theirs.get_mut(&window).unwrap();
                theirs.mapped = false;
                theirs.content = None;
                theirs.dump = None;
                for buffer in std::mem::take(&mut theirs.held) {
                    self.daemon.release(window, buffer);
                }
            }
            DaemonEvent::Title { window, title } => {
                self.theirs.get_mut(&window).unwrap().title = title.parse().unwrap();
            }
            DaemonEvent::BufferAdded { window, buffer, refs, .. } => {
                let theirs = self.theirs.get_mut(&window).unwrap();
                assert_eq!(theirs.pool.insert(buffer, refs[0]), None);
                assert!(theirs.pool.len() <= 4);
                assert!(self.out.values().any(|page| *page == refs[0]), "it is the agent's no more");
            }
            DaemonEvent::BufferRemoved { window, buffer } => {
                let theirs = self.theirs.get_mut(&window).unwrap();
                let page = theirs.pool.remove(&buffer).unwrap();
                theirs.held.remove(&buffer);
                theirs.content = theirs.content.take().filter(|content| content.buffer != buffer);
                self.going.push((window, buffer, page));
            }
            DaemonEvent::Committed { window, commit } => {
                let theirs = self.theirs.get_mut(&window).unwrap();
                theirs.damage.extend(&commit.damage);
                theirs.held.insert(commit.buffer);
                theirs.content = Some(commit);
            }
            DaemonEvent::Buffer { window, refs, .. } => {
                let theirs = self.theirs.get_mut(&window).unwrap();
                theirs.dump = Some(refs[0]);
                theirs.screen = live[&refs[0]];
                self.daemon.buffer_done(window);
            }
            DaemonEvent::Damaged { window, rect } => {
                let theirs = self.theirs.get_mut(&window).unwrap();
                copy(&live[&theirs.dump.unwrap()], &mut theirs.screen, rect);
            }
            DaemonEvent::Sync { token } => self.daemon.sync_done(token),
            DaemonEvent::SyncDone { token } => self.pass(token),
            _ => {}
        }
    }

    /// Lets everything arrive and everybody do their part, and looks at the two pictures.
    fn settle(&mut self) {
        let extended = loop {
            for op in [Op::ToDaemon(usize::MAX), Op::LetGo, Op::ToAgent(usize::MAX)] {
                self.apply(op);
            }
            (1..4).for_each(|window| self.apply(Op::Frame(window, false)));
            // Every arrangement is answered.
            let answers: Vec<_> = self
                .ours
                .iter()
                .filter_map(|(window, ours)| {
                    let shown = ours.shown.as_ref().filter(|shown| shown.configure < ours.arranged.0)?;
                    Some((*window, shown.source))
                })
                .collect();
            let is_quiet = answers.is_empty();
            for (window, source) in answers {
                self.repeat(window, Some(source));
            }
            if is_quiet && self.agent.transmit().is_empty() && self.daemon.transmit().is_empty() {
                break self.daemon.level() > 0;
            }
        };
        assert_eq!(self.ours.keys().collect::<Vec<_>>(), self.theirs.keys().collect::<Vec<_>>());
        for ((window, ours), theirs) in self.ours.iter().zip(self.theirs.values()) {
            assert_eq!((ours.mapped, ours.title), (theirs.mapped, theirs.title));
            let Some(shown) = &ours.shown else {
                assert!(theirs.content.is_none());
                continue;
            };
            if extended {
                let content = theirs.content.as_ref().unwrap();
                assert_eq!((content.source, ours.done), (shown.source, ours.committed));
                let mut expected = theirs.screen;
                copy(&ours.pixels, &mut expected, content.source);
                assert_eq!(expected, theirs.screen);
                let held: Vec<_> =
                    ours.pool.iter().filter(|(buffer, _)| self.agent.is_held(*window, *buffer)).collect();
                assert!(held.iter().all(|(buffer, _)| *buffer == shown.buffer), "only what is shown is held");
                assert!(theirs.wanted.is_none_or(|wanted| wanted == ours.arranged.1));
            } else if ours.mapped {
                assert_eq!(ours.pixels, theirs.screen);
            }
        }
        // What is out is in a pool, or still shown.
        let in_use = self.ours.values().map(|ours| ours.pool.len()).sum::<usize>();
        assert!(self.out.len() <= in_use + self.ours.len());
        assert!(self.barriers.is_empty(), "every barrier is passed");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn the_screen_shows_what_was_painted_last(
        first in any::<bool>(),
        second in any::<bool>(),
        ops in proptest::collection::vec(op(), 1..250),
    ) {
        let mut pair = Pair::new(first);
        for op in ops {
            pair.apply(op);
        }
        pair.settle();
        // And a daemon that knows nothing shows the same.
        for extended in [second, true] {
            pair.apply(Op::Restart(extended));
            pair.settle();
        }
    }
}

/// The property above says little if its barriers or frames are never reached.
#[test]
fn a_plain_life_reaches_everything() {
    let mut pair = Pair::new(true);
    let all = Rect::new(0, 0, 8, 8);
    for op in [
        Op::ToDaemon(99),
        Op::ToAgent(99),
        Op::Create(1),
        Op::AddBuffer(1, false),
        Op::AddBuffer(1, false),
        Op::Map(1),
    ] {
        pair.apply(op);
    }
    for _ in 0..3 {
        pair.apply(Op::Paint(1, all));
        pair.apply(Op::Paint(1, Rect::new(2, 2, 1, 1)));
        pair.apply(Op::Arrange(1, 5));
        pair.apply(Op::AgentSync);
        pair.apply(Op::DaemonSync);
        pair.settle();
    }
    assert_eq!(pair.passed, 6);
    let ours = &pair.ours[&WindowId(1)];
    assert!(ours.done == ours.committed && ours.done >= 4 && ours.arranged == (1, 5));
}
