//! A whole agent, served by several clients that say anything, in any order, while a daemon moves the input about.
//!
//! Whatever they do, the agent does not panic, keeps the rules towards the daemon, serves a client that keeps them
//! towards it, and holds no descriptor when all are gone.

// A target says by a panic what it has found, and cannot run where the system has no sockets or memory to give.
#![allow(clippy::expect_used, clippy::panic)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use gui_agent::{Agent, GUI_PORT, Options};
use gui_protocol::{
    Arrange, BufferId, ButtonInput, CrossingInput, DaemonConfig, DaemonConn, DaemonEvent, KeyInput, Screen,
    Version, WindowId, limits::Limits,
};
use shm_grant::{Address, Backend, Client as Link, DomId};
use tempfile::TempDir;
use transom_tests::wire;

use crate::input::Input;
use crate::wayland::RawClient;

/// How many clients there are at a time.
const CLIENTS: usize = 3;

/// How many inputs one agent lives through: starting one takes longer than most inputs do.
const LIVES: usize = 500;

/// How many descriptors more there may be for a while: of memory that another thread gives back, or of the test's own.
const SLACK: usize = 64;

/// The most connections of one input: a broken client is replaced so often.
const CONNECTIONS: usize = 16;

/// The most rounds until an answer comes.
const ROUNDS: usize = 200;

const DOMAIN: DomId = DomId(7);

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// Steps: who, what, and what that takes.
pub fn agent_clients(data: &[u8]) {
    WORLD.with_borrow_mut(|kept| {
        let mut world = kept.take().unwrap_or_else(World::new);
        world.live(&mut Input::new(data));
        world.lives += 1;
        *kept = (world.lives < LIVES).then_some(world);
    });
}

struct World {
    agent: Agent,
    daemon: Daemon,
    lives: usize,
    /// Open in this process before any client came.
    descriptors: usize,
    // last: the sockets are in it
    _dir: TempDir,
}

impl World {
    fn new() -> Self {
        let dir = TempDir::with_prefix("fuzz-").expect("a folder");
        let options = Options {
            vchan_dir: Some(dir.path().to_owned()),
            runtime_dir: Some(dir.path().to_owned()),
            refresh_hz: 0,
            ..Options::new(Backend::Socket, DOMAIN)
        };
        let agent = Agent::new(&options).expect("an agent");
        let address = Address::new(Backend::Socket, DOMAIN, DomId(0), GUI_PORT).in_directory(dir.path());
        let mut world = Self { agent, daemon: Daemon::new(&address), lives: 0, descriptors: 0, _dir: dir };
        for _ in 0..ROUNDS {
            world.round(&mut []);
        }
        world.descriptors = open_descriptors();
        world
    }

    fn connect(&mut self) -> RawClient {
        let (ours, theirs) = UnixStream::pair().expect("sockets");
        self.agent.add_client(theirs).expect("a place for a client");
        let mut client = RawClient::new(ours);
        // it hears of the globals
        for _ in 0..2 {
            self.round(std::slice::from_mut(&mut client));
        }
        client
    }

    /// Everyone says and hears what there is.
    fn round(&mut self, clients: &mut [RawClient]) {
        clients.iter_mut().for_each(RawClient::write);
        self.agent.dispatch(Some(Duration::ZERO)).expect("the agent lives");
        self.daemon.pump();
        clients.iter_mut().for_each(RawClient::read);
    }

    fn live(&mut self, input: &mut Input<'_>) {
        let mut clients: Vec<_> = (0..CLIENTS).map(|_| self.connect()).collect();
        let mut connections = CLIENTS;
        while !input.is_empty() {
            let who = input.byte();
            let Some(client) = clients.get_mut(usize::from(who) % CLIENTS) else { return };
            if client.over && connections < CONNECTIONS {
                connections += 1;
                *client = self.connect();
                continue;
            }
            match input.byte() % 16 {
                0 => client.bind_any(input.byte()),
                1 => drop(client.toplevel()),
                2 => client.show_any(input),
                3..=9 => client.any_request(input),
                10 => client.noise(input),
                11 | 12 => self.daemon.act(input),
                _ => self.round(&mut clients),
            }
        }
        self.round(&mut clients);
        drop(clients);
        self.serves();
        for _ in 0..ROUNDS {
            self.round(&mut []);
            if open_descriptors() < self.descriptors + SLACK && self.daemon.windows.is_empty() {
                return;
            }
        }
        let (windows, descriptors) = (self.daemon.windows.len(), open_descriptors());
        panic!("{windows} windows are left, and {descriptors} descriptors of {}", self.descriptors);
    }

    /// A client that keeps the rules gets its window.
    fn serves(&mut self) {
        let mut client = self.connect();
        let known = self.daemon.windows.clone();
        let (surface, xdg_surface) = client.toplevel().expect("the globals that every client needs");
        client.sync();
        self.until(&mut client, |_, client| client.done == 1);
        client.show(surface, Some(xdg_surface));
        self.until(&mut client, |daemon, _| daemon.windows.keys().any(|window| !known.contains_key(window)));
    }

    fn until(&mut self, client: &mut RawClient, is_so: impl Fn(&Daemon, &RawClient) -> bool) {
        for _ in 0..ROUNDS {
            self.round(std::slice::from_mut(client));
            assert!(!client.over, "a client that keeps the rules was sent away");
            if is_so(&self.daemon, client) {
                return;
            }
        }
        panic!("the agent serves nobody any more");
    }
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// The GUI domain's end of the link: it takes every frame and moves the input to where it is told.
struct Daemon {
    link: Link,
    conn: DaemonConn,
    started: Instant,
    /// With the buffers that are shown.
    windows: BTreeMap<WindowId, Option<BufferId>>,
}

impl Daemon {
    fn new(address: &Address) -> Self {
        let screen = Screen { width: 1920, height: 1080, depth: 24, mem_kib: 8101 };
        let config = DaemonConfig { screen, limits: Limits::default(), max_minor: Version::NEWEST.minor };
        Self {
            link: Link::new(address).expect("a link"),
            conn: DaemonConn::new(config, Duration::ZERO),
            started: Instant::now(),
            windows: BTreeMap::new(),
        }
    }

    fn pump(&mut self) {
        wire::hear(&mut self.link, &mut self.conn, self.started.elapsed())
            .expect("an agent that lives and keeps the rules");
        while let Some(event) = self.conn.poll_event() {
            self.note(event);
        }
        wire::say(&mut self.link, &mut self.conn);
    }

    fn note(&mut self, event: DaemonEvent) {
        match event {
            DaemonEvent::Created { window, .. } => drop(self.windows.insert(window, None)),
            DaemonEvent::Destroyed { window } => drop(self.windows.remove(&window)),
            DaemonEvent::BufferRemoved { window, buffer } => self.conn.buffer_removed(window, buffer),
            DaemonEvent::Committed { window, commit } => {
                let shown = self.windows.insert(window, Some(commit.buffer)).flatten();
                if let Some(shown) = shown.filter(|shown| *shown != commit.buffer) {
                    self.conn.release(window, shown);
                }
                self.conn.frame_done(window, commit.serial);
            }
            DaemonEvent::Sync { token } => self.conn.sync_done(token),
            DaemonEvent::Popup { window, token, .. } => {
                self.conn.arrange(window, Arrange { x: 1, y: 1, token, ..Arrange::default() });
            }
            _ => {}
        }
    }

    fn act(&mut self, input: &mut Input<'_>) {
        let which = usize::from(input.byte()) % self.windows.len().max(1);
        let Some((&window, _)) = self.windows.iter().nth(which) else { return };
        let (keys, state) = ([0; 32], 0);
        let (what, x, y) = (input.byte(), input.signed(), input.signed());
        let pressed = x % 2 == 0;
        match what % 8 {
            0 => self.conn.focus(window, pressed, &keys),
            1 => {
                let crossing = CrossingInput { entered: pressed, x, y, state, focus: false };
                self.conn.crossing(window, crossing, &keys);
            }
            2 => self.conn.motion(window, x, y, state),
            3 => self.conn.button(window, ButtonInput { pressed, x, y, state, button: 1 }),
            4 => self.conn.key(window, KeyInput { pressed, x, y, state, keycode: y.unsigned_abs() }),
            5 => self.conn.close(window),
            6 => self.conn.request_clipboard(window),
            _ => {
                let (width, height) = (u32::from(input.byte()), u32::from(input.byte()));
                self.conn.arrange(window, Arrange { x, y, width, height, ..Arrange::default() });
            }
        }
    }
}
