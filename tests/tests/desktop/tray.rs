//! Icons that domains dock: where they are, what is drawn of them, what they hear, and when they go.

use gui_daemon::{
    ipc::WindowKind,
    shell::geom::{self, Insets, Size},
};
use gui_protocol::{
    Rect, Version, WindowId,
    message::{AgentMessage, DaemonMessage},
};
use shm_grant::Backend;

use crate::fixture::{
    DOMAINS, HEIGHT, Personal, Untrusted, WIDTH, World, code,
    screen::{Screen, all, frame_colour},
};

const ICON: u32 = 7;
const MENU: u32 = 8;
const SIDE: u32 = 22;

/// Where the content of the n-th icon from the right is, in a frame of 4 pixels.
fn cell(column: i32) -> geom::Rect {
    geom::Rect::new(WIDTH - column * 32 + 4, HEIGHT - 28, 22, 22)
}

/// The rows that are kept for icons.
const STRIP: i32 = 34;

fn docked(world: &mut World, window: u32, side: u32, colour: u32) -> u64 {
    world.peers[0].icon(window, (side, side), colour);
    world.settle();
    world.newest()
}

/// A world in which the third domain's agent is played, at the base protocol.
fn world() -> World {
    let mut world = World::with_stranger();
    world.peer(Untrusted);
    world.peers[0].greet();
    world.settle();
    world
}

/// What an icon's agent has heard since last asked.
fn heard(world: &mut World) -> Vec<DaemonMessage> {
    let heard = std::mem::take(&mut world.peers[0].heard);
    heard.into_iter().filter(|(window, _)| *window == WindowId(ICON)).map(|(_, message)| message).collect()
}

#[test]
fn an_icon_is_framed_in_its_domains_colour_and_its_agent_told_where() {
    let mut world = world();
    let before = world.screen();
    let id = docked(&mut world, ICON, SIDE, Untrusted.colour());
    assert_eq!((world.window(id).kind, world.content(id)), (WindowKind::Docked, cell(1)));
    let geom::Rect { x, y, .. } = cell(1);
    let place = DaemonMessage::Configure { x, y, width: SIDE, height: SIDE, override_redirect: 0 };
    let told = heard(&mut world);
    assert!(told.contains(&place), "{told:?}");
    assert!(told.iter().any(|message| matches!(message, DaemonMessage::Map { .. })), "{told:?}");

    let screen = world.screen();
    assert_eq!(screen.colours(cell(1)), [Untrusted.colour() & 0xff_ffff]);
    let (frame, _) = screen.difference(&before).unwrap();
    assert_eq!(frame, cell(1).outset(Insets::uniform(4)));
    for (x, y) in [(x - 2, y + 10), (x + 23, y + 10), (x + 10, y - 2), (x + 10, y + 23)] {
        assert_eq!(screen.pixel(x, y), frame_colour(Untrusted, false));
    }

    // what changes of it is drawn, and no more
    world.peers[0].exports[0].pages().copy_in(0, &[0; 8]).unwrap();
    world.peers[0].damage(ICON, Rect::new(0, 0, 2, 1));
    world.settle();
    let changed = world.screen().difference(&screen).unwrap();
    assert_eq!(changed, (geom::Rect::new(x, y, 2, 1), 2));

    world.peers[0].say(ICON, &AgentMessage::Destroy {});
    world.settle();
    assert_eq!(world.screen().difference(&before), None);
}

#[test]
fn an_icon_hears_the_pointer_and_a_click_gives_it_the_keyboard() {
    let mut world = world();
    let app = world.app(Personal, 200, 150);
    world.focus(app.id);
    let id = docked(&mut world, ICON, SIDE, Untrusted.colour());
    assert_eq!(world.focused(), Some(app.id), "not by itself");
    heard(&mut world);
    let geom::Rect { x, y, .. } = cell(1);
    world.click(x + 5, y + 6);
    world.wheel(0.0, 15.0);
    world.tap(code::A);
    world.motion(300, 100);
    let told = heard(&mut world);
    let has = |wanted: &str, of: &dyn Fn(&DaemonMessage) -> bool| {
        assert!(told.iter().any(of), "{wanted}: {told:?}");
    };
    has("enter", &|it| matches!(it, DaemonMessage::Crossing { kind: 7, x: 5, y: 6, .. }));
    has("press", &|it| matches!(it, DaemonMessage::Button { kind: 4, x: 5, y: 6, button: 1, .. }));
    has("wheel", &|it| matches!(it, DaemonMessage::Button { kind: 4, button: 5, .. }));
    has("focus", &|it| matches!(it, DaemonMessage::Focus { kind: 9, .. }));
    has("key", &|it| matches!(it, DaemonMessage::Keypress { kind: 2, .. }));
    has("leave", &|it| matches!(it, DaemonMessage::Crossing { kind: 8, .. }));
    assert_eq!(world.focused(), Some(id));
    assert_eq!(world.screen().pixel(x - 2, y + 10), frame_colour(Untrusted, true));
    // its frame is no handle
    world.drag((x - 2, y + 10), (x - 300, y - 300));
    assert_eq!(world.content(id), cell(1));
}

#[test]
fn the_icon_under_the_pointer_says_whose_it_is() {
    let mut world = world();
    let app = world.app(Personal, 200, 150);
    world.focus(app.id);
    docked(&mut world, ICON, SIDE, 0xff_00ff);
    let before = world.screen();
    let (x, y) = (cell(1).x + 5, cell(1).y + 6);
    let bottom = cell(1).y - 4 - 4;
    let label = |height: i32| geom::Rect::new(WIDTH - 2 - 300, bottom - height, 300, height);
    let rim = |screen: &Screen, label: geom::Rect| {
        let sides = [(2, 20), (label.width - 3, 20), (20, 2), (20, label.height - 3)];
        sides.map(|(right, down)| screen.pixel(label.x + right, label.y + down))
    };
    let colour = frame_colour(Untrusted, true);
    world.motion(x, y);
    let named = world.screen();
    assert_eq!(named.difference(&before).unwrap().0, label(62));
    assert_eq!(rim(&named, label(62)), [colour; 4]);

    // what its domain says of it comes below the name
    world.peers[0].title(ICON, "3 letters");
    world.settle();
    let titled = world.screen();
    assert_eq!(titled.difference(&before).unwrap().0, label(88));
    assert_eq!(rim(&titled, label(88)), [colour; 4]);
    let line = geom::Rect::new(label(88).x + 16, bottom - 16 - 26, 268, 26);
    assert!(titled.colours(line).len() > 1, "words");

    // above all windows, and gone with the pointer
    world.put(app.id, label(88).x, label(88).y);
    assert_eq!(rim(&world.screen(), label(88)), [colour; 4]);
    world.motion(300, 300);
    assert_ne!(rim(&world.screen(), label(88)), [colour; 4]);
    // no menu is covered
    world.motion(x, y);
    assert_eq!(rim(&world.screen(), label(88)), [colour; 4]);
    world.click(x, y);
    assert_ne!(rim(&world.screen(), label(88)), [colour; 4]);
}

#[test]
fn the_menu_of_an_icon_is_beside_it_above_the_windows() {
    let mut world = world();
    let app = world.app(Personal, 200, 150);
    world.put(app.id, WIDTH - 300, HEIGHT - 250);
    world.focus(app.id);
    docked(&mut world, ICON, SIDE, Untrusted.colour());
    world.click(cell(1).x + 5, cell(1).y + 5);
    // where a program of X11 opens it: at the pointer, over its icon
    let peer = &mut world.peers[0];
    peer.create(MENU, Rect::new(cell(1).x, cell(1).y, 90, 120), true);
    let export = peer.share(90, 120, 0xff_00ff);
    let refs = peer.refs(export);
    peer.dump(MENU, 90, 120, &refs);
    peer.say(MENU, &AgentMessage::Map { transient_for: WindowId(ICON), override_redirect: 1 });
    peer.damage(MENU, Rect::new(0, 0, 90, 120));
    world.settle();
    let menu = world.newest();
    let place = geom::Rect::new(WIDTH - 90, HEIGHT - STRIP - 120, 90, 120);
    assert_eq!((world.window(menu).kind, world.content(menu)), (WindowKind::Popup, place));
    let screen = world.screen();
    assert_eq!(screen.colours(place.inset(Insets::uniform(2))), [0xff_00ff]);
    assert_eq!(screen.pixel(place.x, place.y), frame_colour(Untrusted, false));
    world.click(place.x + 20, place.y + 20);
    let pressed = |(window, message): &(WindowId, DaemonMessage)| {
        *window == WindowId(MENU) && matches!(message, DaemonMessage::Button { kind: 4, .. })
    };
    assert!(world.peers[0].heard.iter().any(pressed));
    world.peers[0].say(MENU, &AgentMessage::Destroy {});
    world.settle();
    assert_eq!(world.focused(), Some(app.id), "back where it was");
}

#[test]
fn an_icons_agent_hears_when_the_user_turns_elsewhere() {
    let mut world = world();
    let app = world.app(Personal, 200, 150);
    docked(&mut world, ICON, SIDE, Untrusted.colour());
    let there = world.content(app.id);
    // another domain's window, and the empty desktop
    for (x, y) in [(there.x + 5, there.y + 5), (5, HEIGHT - STRIP - 5)] {
        world.click(cell(1).x + 5, cell(1).y + 5);
        heard(&mut world);
        world.click(x, y);
        let told = heard(&mut world);
        assert!(told.iter().any(|it| matches!(it, DaemonMessage::Focus { kind: 10, .. })), "{told:?}");
        assert_eq!(world.focused(), Some(app.id));
    }
}

#[test]
fn at_level_1_an_icon_may_be_translucent_and_have_menus_that_hold_the_input() {
    let mut world = World::with(Backend::Socket, &DOMAINS[..2], "protocol = \"1.8+1\"");
    world.peer(Untrusted);
    world.peers[0].version = Version::NEWEST;
    world.peers[0].greet();
    let app = world.app(Personal, 200, 150);
    let before = world.screen();
    let peer = &mut world.peers[0];
    peer.create(ICON, Rect::new(0, 0, SIDE, SIDE), false);
    peer.buffer(ICON, 1, (SIDE, SIDE), 1, 0);
    peer.commit(ICON, 1, 1, (SIDE, SIDE), &[Rect::new(0, 0, SIDE, SIDE)]);
    peer.say(ICON, &AgentMessage::Dock {});
    world.settle();
    let (x, y) = (cell(1).x, cell(1).y);
    let arranged = |message: &DaemonMessage| {
        matches!(message, DaemonMessage::Arrange { x: at_x, y: at_y, width: SIDE, height: SIDE, .. }
            if (*at_x, *at_y) == (x, y))
    };
    assert!(heard(&mut world).iter().any(arranged));
    let (changed, _) = world.screen().difference(&before).unwrap();
    assert_eq!(changed, cell(1).outset(Insets::uniform(4)));
    let seen = world.screen().colours(cell(1));
    assert_eq!(seen, before.colours(cell(1)), "as on a panel of the desktop's colour");

    world.click(x + 5, y + 5);
    let peer = &mut world.peers[0];
    peer.create(MENU, Rect::new(0, 0, 90, 120), true);
    let popup = AgentMessage::Popup {
        parent: WindowId(ICON),
        token: 5,
        anchor_rect: Rect::new(0, 0, SIDE, SIDE),
        width: 90,
        height: 120,
        anchor: 5,
        gravity: 7,
        constraint: 1 | 2,
        offset_x: 0,
        offset_y: 0,
        flags: 2,
    };
    peer.say(MENU, &popup);
    peer.map(MENU, true);
    world.settle();
    let menu = world.newest();
    assert_eq!(world.content(menu), geom::Rect::new(WIDTH - 90, HEIGHT - STRIP - 120, 90, 120));
    let closed = |world: &mut World| {
        let heard = std::mem::take(&mut world.peers[0].heard);
        heard.contains(&(WindowId(MENU), DaemonMessage::Close {}))
    };
    assert!(!closed(&mut world), "it is let in");
    let there = world.content(app.id);
    world.click(there.x + 5, there.y + 5);
    assert!(closed(&mut world), "and goes when the user turns to something else");
}

#[test]
fn whatever_its_size_an_icon_is_drawn_in_its_cell() {
    let mut world = world();
    for (window, side) in [(ICON, 4000), (MENU, 1)] {
        docked(&mut world, window, side, Untrusted.colour());
    }
    let screen = world.screen();
    assert_eq!(screen.colours(cell(1)), [Untrusted.colour() & 0xff_ffff], "its middle");
    let small = geom::Rect::at(cell(2).origin().plus(geom::Point::new(10, 10)), Size::new(1, 1));
    let seen = screen.find(Untrusted.colour()).filter(|at| !cell(1).contains(*at));
    assert_eq!(seen.collect::<Vec<_>>(), [small.origin()], "in the middle, as it is");
}

#[test]
fn docked_windows_neither_move_nor_fill_the_strip_however_many_there_are() {
    let mut world = world();
    let honest = docked(&mut world, ICON, SIDE, 0xff_00ff);
    world.take_log();
    for window in 100..1100 {
        world.peers[0].create(window, Rect::new(0, 0, SIDE, SIDE), true);
        world.peers[0].say(window, &AgentMessage::Dock {});
    }
    for window in (100..1100).cycle().take(9000) {
        world.peers[0].say(window, &AgentMessage::Dock {});
    }
    world.until("all to be read", |world| world.peers[0].unsent() == 0);
    world.settle();
    let windows = world.windows();
    assert!(windows.iter().all(|window| window.kind == WindowKind::Docked));
    assert_eq!(windows.iter().filter(|window| window.mapped).count(), 16);
    assert_eq!(world.take_warnings().len(), 1, "said once");
    assert_eq!(world.content(honest), cell(1));

    heard(&mut world);
    let peer = &mut world.peers[0];
    peer.configure(ICON, Rect::new(cell(1).x, cell(1).y, SIDE, SIDE));
    peer.configure(ICON, Rect::new(0, 0, 500, 500));
    peer.map(ICON, true);
    peer.say(ICON, &AgentMessage::Unmap {});
    world.settle();
    let place = DaemonMessage::Configure {
        x: cell(1).x,
        y: cell(1).y,
        width: SIDE,
        height: SIDE,
        override_redirect: 0,
    };
    assert_eq!(heard(&mut world), [place], "refused");
    assert_eq!((world.content(honest), world.window(honest).kind), (cell(1), WindowKind::Docked));
    assert_eq!(world.screen().colours(cell(1)), [0xff_00ff]);

    // a window on the desktop stays one
    world.peers[0].window(MENU, Rect::new(10, 10, 100, 100), false, 0);
    world.peers[0].say(MENU, &AgentMessage::Dock {});
    world.settle();
    let id = world.newest();
    assert_eq!(world.window(id).kind, WindowKind::Toplevel);
}

#[test]
fn icons_go_with_their_domain_and_the_windows_get_their_room_back() {
    let mut world = world();
    let mut app = world.app(Personal, 200, 150);
    world.state().shell.request_maximise(gui_daemon::shell::Id(app.id), true);
    world.settle();
    world.agree(&mut app);
    assert_eq!(world.frame(app.id), all());
    docked(&mut world, ICON, SIDE, Untrusted.colour());
    world.agree(&mut app);
    let less = geom::Rect { height: HEIGHT - STRIP, ..all() };
    assert_eq!(world.frame(app.id), less);
    assert_eq!(world.screen().find(Untrusted.colour()).count(), 22 * 22);

    world.peers.clear();
    world.settle();
    assert_eq!(world.screen().find(Untrusted.colour()).count(), 0);
    assert_eq!(world.owners(), [("personal".to_owned(), 1)]);
    assert_eq!(world.frame(app.id), less, "not at once: the agent may be back soon");
    world.peer(Untrusted);
    world.until("the agent to be connected to", |world| world.peers[0].connected);
    world.peers[0].greet();
    docked(&mut world, ICON, SIDE, Untrusted.colour());
    assert_eq!(world.screen().find(Untrusted.colour()).count(), 22 * 22);
    world.peers.clear();
    world.until("the room to be given back", |world| {
        world.agree(&mut app);
        world.frame(app.id) == all()
    });
}
