//! Whatever two honest domains, a dishonest one and the user do, in any order: what a user relies on holds.

use gui_daemon::{
    ipc::LinkState,
    shell::{
        Button, Owner, Role,
        frame::BUTTON_WIDTH,
        geom::{Point, Rect},
    },
};
use gui_protocol::message::{AgentMessage, DaemonMessage};
use proptest::{prelude::*, sample::select};

use crate::fixture::{
    App, DOMAINS, Dom0, HEIGHT, Personal, Untrusted, WIDTH, Who, Work, World, code,
    screen::{Screen, all, frame_colour, points},
};

/// Few, as each of them is a whole desktop.
const CASES: u32 = 32;

#[derive(Debug, Clone)]
enum Operation {
    Open {
        who: Who,
        size: (i32, i32),
    },
    Leave {
        app: usize,
    },
    Resize {
        app: usize,
        size: (i32, i32),
    },
    Agree {
        app: usize,
    },
    Maximise {
        app: usize,
        on: bool,
    },
    Fullscreen {
        app: usize,
        on: bool,
    },
    /// The attacker's turn.
    Create {
        window: u32,
        at: Rect,
        popup: bool,
    },
    Dock {
        window: u32,
        size: (i32, i32),
    },
    Destroy {
        window: u32,
    },
    Wish {
        window: u32,
        at: Rect,
    },
    Buffer {
        window: u32,
        size: (i32, i32),
    },
    Unmap {
        window: u32,
    },
    Echo,
    /// The user's.
    Move {
        x: i32,
        y: i32,
    },
    Press,
    Release,
    Switch,
    CloseFocused,
    /// What must not matter.
    RestartDaemon,
}

fn size() -> impl Strategy<Value = (i32, i32)> + Clone {
    (1..500, 1..400)
}

/// Where an attacker wants a window.
fn place() -> impl Strategy<Value = Rect> {
    let at = |edge: i32| prop_oneof![4 => -100..edge, 1 => select(vec![i32::MIN, -30_000, 16_000, i32::MAX])];
    let side = |edge: i32| prop_oneof![6 => 1..edge, 1 => Just(edge), 1 => Just(2 * edge), 1 => Just(1)];
    (at(WIDTH), at(HEIGHT), side(WIDTH), side(HEIGHT))
        .prop_map(|(x, y, width, height)| Rect::new(x, y, width, height))
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation as O;
    let app = 0..8usize;
    let window = 1..4u32;
    prop_oneof![
        4 => (select(vec![Personal, Work, Dom0]), size()).prop_map(|(who, size)| O::Open { who, size }),
        1 => app.clone().prop_map(|app| O::Leave { app }),
        2 => (app.clone(), size()).prop_map(|(app, size)| O::Resize { app, size }),
        3 => app.clone().prop_map(|app| O::Agree { app }),
        1 => (app.clone(), any::<bool>()).prop_map(|(app, on)| O::Maximise { app, on }),
        1 => (app, any::<bool>()).prop_map(|(app, on)| O::Fullscreen { app, on }),
        4 => (window.clone(), place(), any::<bool>()).prop_map(|(window, at, popup)| O::Create { window, at, popup }),
        2 => (window.clone(), size()).prop_map(|(window, size)| O::Dock { window, size }),
        1 => window.clone().prop_map(|window| O::Destroy { window }),
        3 => (window.clone(), place()).prop_map(|(window, at)| O::Wish { window, at }),
        2 => (window.clone(), size()).prop_map(|(window, size)| O::Buffer { window, size }),
        1 => window.prop_map(|window| O::Unmap { window }),
        2 => Just(O::Echo),
        6 => (0..WIDTH, 0..HEIGHT).prop_map(|(x, y)| O::Move { x, y }),
        3 => Just(O::Press),
        3 => Just(O::Release),
        2 => Just(O::Switch),
        1 => Just(O::CloseFocused),
        1 => Just(O::RestartDaemon),
    ]
}

struct Desk {
    world: World,
    apps: Vec<(Who, App)>,
    /// The attacker's windows: whether each is there.
    windows: [bool; 4],
}

/// Small enough to be worth painting.
fn sides(at: Rect) -> (u32, u32) {
    (at.width.unsigned_abs(), at.height.unsigned_abs())
}

fn wire(at: Rect) -> gui_protocol::Rect {
    let (width, height) = sides(at);
    gui_protocol::Rect { x: at.x, y: at.y, width, height }
}

impl Desk {
    fn new() -> Self {
        let mut world = World::with_stranger();
        world.peer(Untrusted);
        world.peers[0].greet();
        world.settle();
        Self { world, apps: Vec::new(), windows: [false; 4] }
    }

    fn with_app(&mut self, app: usize, act: impl FnOnce(&mut World, &mut App)) {
        if !self.apps.is_empty() {
            let app = app % self.apps.len();
            act(&mut self.world, &mut self.apps[app].1);
            self.world.settle();
        }
    }

    fn apply(&mut self, operation: &Operation) {
        let world = &mut self.world;
        let known = |window: &u32| self.windows[*window as usize];
        match operation {
            Operation::Open { who, size } if self.apps.len() < 8 => {
                let app = world.app(*who, size.0, size.1);
                self.apps.push((*who, app));
            }
            Operation::Open { .. } => {}
            Operation::Leave { app } => {
                if !self.apps.is_empty() {
                    let (_, app) = self.apps.remove(app % self.apps.len());
                    world.drop_client(app.client);
                }
            }
            Operation::Resize { app, size } => self.with_app(*app, |world, app| world.resize(app, *size)),
            Operation::Agree { app } => self.with_app(*app, |world, app| world.agree(app)),
            Operation::Maximise { app, on } => self.with_app(*app, |_, app| match on {
                true => app.toplevel.toplevel.set_maximized(),
                false => app.toplevel.toplevel.unset_maximized(),
            }),
            Operation::Fullscreen { app, on } => self.with_app(*app, |_, app| match on {
                true => app.toplevel.toplevel.set_fullscreen(None),
                false => app.toplevel.toplevel.unset_fullscreen(),
            }),
            Operation::Create { window, at, popup } if !known(window) => {
                world.peers[0].window(*window, wire(*at), *popup, Untrusted.colour());
                self.windows[*window as usize] = true;
            }
            Operation::Dock { window, size } if !known(window) => {
                let (width, height) = (size.0.unsigned_abs(), size.1.unsigned_abs());
                world.peers[0].icon(*window, (width, height), Untrusted.colour());
                self.windows[*window as usize] = true;
            }
            Operation::Destroy { window } if known(window) => {
                world.peers[0].say(*window, &AgentMessage::Destroy {});
                // nothing is to be answered for it any more
                world.peers[0].heard.retain(|(it, _)| it.0 != *window);
                self.windows[*window as usize] = false;
            }
            Operation::Wish { window, at } if known(window) => {
                world.peers[0].configure(*window, wire(*at));
            }
            Operation::Buffer { window, size } if known(window) => {
                let (width, height) = (size.0.unsigned_abs(), size.1.unsigned_abs());
                let peer = &mut world.peers[0];
                let export = peer.share(width, height, Untrusted.colour());
                let refs = peer.refs(export);
                peer.dump(*window, width, height, &refs);
            }
            Operation::Unmap { window } if known(window) => {
                world.peers[0].say(*window, &AgentMessage::Unmap {});
            }
            Operation::Create { .. }
            | Operation::Dock { .. }
            | Operation::Destroy { .. }
            | Operation::Wish { .. }
            | Operation::Buffer { .. }
            | Operation::Unmap { .. } => {}
            Operation::Echo => world.peers[0].echo(),
            Operation::Move { x, y } => world.motion(*x, *y),
            Operation::Press => world.button(code::LEFT, true),
            Operation::Release => world.button(code::LEFT, false),
            Operation::Switch => {
                world.key(code::LEFT_ALT, true);
                world.tap(code::TAB);
                world.key(code::LEFT_ALT, false);
            }
            Operation::CloseFocused => {
                world.key(code::LEFT_ALT, true);
                world.tap(code::F4);
                world.key(code::LEFT_ALT, false);
            }
            Operation::RestartDaemon => {
                world.daemon = None;
                // these go with it
                self.apps.retain(|(who, _)| *who != Dom0);
                self.windows = [false; 4];
                world.settle();
                world.start_daemon();
                world.peers[0].greet();
            }
        }
        self.world.settle();
    }

    fn check(&mut self) {
        let world = &mut self.world;
        for who in DOMAINS {
            let state = world.link_state(who);
            assert_eq!(state, LinkState::Connected, "{who:?}: {:?}", world.take_warnings());
        }
        let shown: Vec<Shown> = world.state().shell.stack().map(Shown::of).collect();
        let screen = world.screen();
        no_content_outside_of_its_window(&shown, &screen);
        every_window_is_framed(&shown, &screen);
        self.keys_go_to_one_window();
    }

    fn keys_go_to_one_window(&mut self) {
        let world = &mut self.world;
        for (_, app) in &self.apps {
            world.client(app.client).take_input();
        }
        world.peers[0].heard.retain(|(_, message)| !matches!(message, DaemonMessage::Keypress { .. }));
        let focused = world.windows().into_iter().find(|window| window.focused);
        world.tap(code::A);
        let owner = focused.as_ref().map(|window| window.domain.as_str());
        let mut heard = 0;
        for (who, app) in &self.apps {
            let keys =
                world.client(app.client).take_input().iter().filter(|it| it.starts_with("key ")).count();
            assert!(keys == 0 || owner == Some(who.name()), "{who:?} hears the keys of {owner:?}");
            heard += keys;
        }
        let is_key = |message: &DaemonMessage| matches!(message, DaemonMessage::Keypress { .. });
        let stolen = world.peers[0].heard.iter().filter(|(_, message)| is_key(message)).count();
        assert!(stolen == 0 || owner == Some("untrusted"), "the attacker hears the keys of {owner:?}");
        assert_eq!(heard + stolen, if owner.is_some() { 2 } else { 0 }, "{focused:?}");
    }
}

/// A window as the desktop shows it.
struct Shown {
    who: Who,
    has_buttons: bool,
    focused: bool,
    frame: Rect,
    /// The part of its content that is not behind its frame.
    inside: Rect,
    title_height: i32,
}

impl Shown {
    fn of(window: &gui_daemon::shell::Window) -> Self {
        Self {
            who: match window.owner {
                Owner::Domain(number) => DOMAINS[number as usize],
                Owner::Dom0 => Dom0,
            },
            has_buttons: window.role == Role::Toplevel,
            focused: window.focused,
            frame: window.frame,
            inside: window.frame.inset(window.insets).intersection(window.content),
            title_height: window.insets.top,
        }
    }

    /// Places that have nothing on them but the frame's own colour: the second pixel from the outer edge, less what
    /// lies under the buttons.
    fn rim(&self) -> impl Iterator<Item = (i32, i32)> + '_ {
        let Rect { x, y, width, height } = self.frame;
        let buttons = Button::ALL.len() as i32 * BUTTON_WIDTH + 8;
        let above = Rect::new(x + 1, y + 1, width - 2 - if self.has_buttons { buttons } else { 0 }, 1);
        let below = Rect::new(x + 1, y + height - 2, width - 2, 1);
        let left = Rect::new(x + 1, y + 1, 1, height - 2);
        // the close button reaches up to the frame's side
        let top = if self.has_buttons { self.title_height } else { 1 };
        let right = Rect::new(x + width - 2, y + top, 1, height - 1 - top);
        // a popup may be thinner than that, and then all of it is frame
        let inside = |(x, y): &(i32, i32)| self.frame.contains(Point::new(*x, *y));
        [above, below, left, right].into_iter().flat_map(points).filter(inside)
    }
}

fn no_content_outside_of_its_window(shown: &[Shown], screen: &Screen) {
    for who in DOMAINS.into_iter().chain([Dom0]) {
        let inside: Vec<Rect> = shown.iter().filter(|it| it.who == who).map(|it| it.inside).collect();
        if let Some(at) = screen.find(who.colour()).find(|at| !inside.iter().any(|rect| rect.contains(*at))) {
            panic!("a pixel of {who:?} at {at:?}, outside of its windows {inside:?}");
        }
    }
}

fn every_window_is_framed(shown: &[Shown], screen: &Screen) {
    for (place, window) in shown.iter().enumerate() {
        let colour = frame_colour(window.who, window.focused);
        for (x, y) in window.rim() {
            let at = Point::new(x, y);
            let covered = shown[place + 1..].iter().any(|above| above.frame.contains(at));
            if all().contains(at) && !covered {
                let pixel = screen.pixel(x, y);
                assert_eq!(pixel, colour, "the frame of {:?} {:?} at {at:?}", window.who, window.frame);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn holds(operations in prop::collection::vec(operation(), 1..24)) {
        let mut desk = Desk::new();
        for operation in &operations {
            desk.apply(operation);
            desk.check();
        }
    }
}
