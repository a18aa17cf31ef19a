//! Status icons: from the session bus to the daemon's tray, and clicks back.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use gui_agent::Privilege;
use gui_protocol::{
    Arrange, ButtonInput, CrossingInput, Fixed, KeyInput, Scroll, ScrollFlags, ScrollSource, Touch,
    TouchKind, WindowId,
};
use rustix::process::{Pid, Signal, kill_process};
use zbus::{
    blocking::{Connection, Proxy, connection},
    interface,
    zvariant::{OwnedValue, StructureBuilder, Value},
};

use crate::fixture::World;

const RED: [u8; 4] = [255, 255, 0, 0];
const BLUE: [u8; 4] = [255, 0, 0, 255];

/// What is behind icons.
const BACK: u32 = 0x002b_2d31;

/// A session bus of a test's own.
struct Bus {
    daemon: Child,
    address: String,
}

impl Bus {
    fn start(dir: &Path) -> Self {
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address"])
            .arg(format!("--address=unix:path={}", dir.join("bus").display()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { daemon, address: address.trim().to_owned() }
    }

    fn connect(&self) -> Connection {
        self.builder().build().unwrap()
    }

    fn builder(&self) -> connection::Builder<'static> {
        connection::Builder::address(self.address.as_str()).unwrap()
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.daemon.kill().unwrap();
        self.daemon.wait().unwrap();
    }
}

type Pixmaps = Vec<(i32, i32, Vec<u8>)>;

/// An application's item, with its menu at the same place.
#[derive(Clone, Default)]
struct Item {
    pixmaps: Pixmaps,
    attention: Pixmaps,
    overlay: Pixmaps,
    /// The title of its tip.
    tip: &'static str,
    status: &'static str,
    menu: Option<Vec<Entry>>,
    /// What it was asked to do.
    calls: Calls,
}

type Calls = Arc<Mutex<Vec<String>>>;

/// An entry as told: its number, its properties, and what is below it.
#[derive(Clone, Default)]
struct Entry(i32, Vec<(&'static str, Property)>, Vec<Entry>);

#[derive(Clone)]
enum Property {
    Text(String),
    Truth(bool),
    Number(i32),
    Bytes(Vec<u8>),
}

fn plain(side: i32, colour: [u8; 4]) -> Pixmaps {
    vec![(side, side, colour.repeat((side * side) as usize))]
}

#[interface(name = "org.kde.StatusNotifierItem")]
impl Item {
    #[zbus(property)]
    fn id(&self) -> &str {
        "an item"
    }

    #[zbus(property)]
    fn status(&self) -> &str {
        self.status
    }

    #[zbus(property)]
    fn icon_pixmap(&self) -> Pixmaps {
        self.pixmaps.clone()
    }

    #[zbus(property)]
    fn attention_icon_pixmap(&self) -> Pixmaps {
        self.attention.clone()
    }

    #[zbus(property)]
    fn overlay_icon_pixmap(&self) -> Pixmaps {
        self.overlay.clone()
    }

    #[zbus(property)]
    fn tool_tip(&self) -> (String, Pixmaps, String, String) {
        (String::new(), vec![], self.tip.to_owned(), "and more".to_owned())
    }

    #[zbus(property)]
    fn menu(&self) -> zbus::zvariant::OwnedObjectPath {
        let path = if self.menu.is_some() { "/Menu" } else { "/NO_DBUSMENU" };
        path.try_into().unwrap()
    }

    fn activate(&self, x: i32, y: i32) {
        self.note(format!("activate {x} {y}"));
    }

    fn secondary_activate(&self, x: i32, y: i32) {
        self.note(format!("secondary {x} {y}"));
    }

    fn context_menu(&self, x: i32, y: i32) {
        self.note(format!("context menu {x} {y}"));
    }

    fn scroll(&self, delta: i32, orientation: &str) {
        self.note(format!("scroll {delta} {orientation}"));
    }
}

impl Item {
    fn new(pixmaps: Pixmaps) -> Self {
        Self { pixmaps, status: "Active", ..Self::default() }
    }

    fn note(&self, call: String) {
        self.calls.lock().unwrap().push(call);
    }

    /// Puts it on the bus, on a connection of its own.
    fn register(&self, bus: &Bus) -> Connection {
        let builder = bus.builder().serve_at("/StatusNotifierItem", self.clone()).unwrap();
        let builder = builder.serve_at("/Menu", Menu(self.clone())).unwrap();
        let connection = builder.build().unwrap();
        let name = connection.unique_name().unwrap().to_string();
        register(&connection, &name);
        connection
    }
}

/// Without waiting for the answer, which the agent's thread, this one, may be needed for.
fn register(connection: &Connection, service: &str) {
    let call = zbus::Message::method_call("/StatusNotifierWatcher", "RegisterStatusNotifierItem").unwrap();
    let call = call.destination("org.kde.StatusNotifierWatcher").unwrap();
    let call = call.interface("org.kde.StatusNotifierWatcher").unwrap();
    connection.send(&call.build(&(service,)).unwrap()).unwrap();
}

/// The item's menu.
struct Menu(Item);

type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

impl Entry {
    fn layout(&self) -> Layout {
        let value = |text: &Property| match text {
            Property::Text(text) => Value::from(text.clone()),
            Property::Truth(truth) => Value::from(*truth),
            Property::Number(number) => Value::from(*number),
            Property::Bytes(bytes) => Value::from(bytes.clone()),
        };
        let properties =
            self.1.iter().map(|(name, text)| ((*name).to_owned(), value(text).try_into().unwrap())).collect();
        let child = |entry: &Self| {
            let (id, properties, below) = entry.layout();
            let builder = StructureBuilder::new().add_field(id).add_field(properties).add_field(below);
            Value::from(builder.build().unwrap()).try_into().unwrap()
        };
        (self.0, properties, self.2.iter().map(child).collect())
    }
}

#[interface(name = "com.canonical.dbusmenu")]
impl Menu {
    fn get_layout(&self, _parent: i32, _depth: i32, _names: Vec<String>) -> (u32, Layout) {
        (1, Entry(0, vec![], self.0.menu.clone().unwrap_or_default()).layout())
    }

    fn about_to_show(&self, id: i32) -> bool {
        self.0.note(format!("about to show {id}"));
        false
    }

    fn event(&self, id: i32, event: &str, _data: Value<'_>, _time: u32) {
        self.0.note(format!("{event} {id}"));
    }
}

/// An agent with a tray, and the session bus that it is on.
struct Tray {
    world: World,
    bus: Bus,
}

impl Tray {
    fn new(mut world: World) -> Self {
        let bus = Bus::start(world.dir.path());
        let address = format!("DBUS_SESSION_BUS_ADDRESS={}", bus.address);
        let line = ["env", &address, "XDG_DATA_DIRS=/nonexistent", env!("CARGO_BIN_EXE_gui-agent"), "tray"];
        let line = line.map(Into::into);
        world.agent.start_privileged(line.into(), Privilege::Tray).unwrap();
        let mut tray = Self { world, bus };
        tray.watcher();
        tray
    }

    /// Waits until there is a watcher, and says which process that is.
    #[track_caller]
    fn watcher(&mut self) -> Pid {
        let asking = self.bus.connect();
        let dbus = zbus::blocking::fdo::DBusProxy::new(&asking).unwrap();
        let mut found = None;
        self.world.until("there is a watcher", |_| {
            let name = "org.kde.StatusNotifierWatcher".try_into().unwrap();
            found = dbus.get_connection_unix_process_id(name).ok();
            found.is_some()
        });
        Pid::from_raw(found.unwrap().cast_signed()).unwrap()
    }

    /// Waits for an icon of this colour in the middle.
    #[track_caller]
    fn shows(&mut self, colour: u32) -> WindowId {
        let mut found = None;
        self.world.until("an icon", |world| {
            let shown = world.daemon().windows.iter().find(|(_, seen)| {
                let image = seen.image.as_ref().filter(|_| seen.docked);
                image.is_some_and(|image| image.pixel(image.width / 2, image.height / 2) == colour)
            });
            found = shown.map(|(id, _)| *id);
            found.is_some()
        });
        found.unwrap()
    }

    fn click(&mut self, id: WindowId, button: u32, (x, y): (i32, i32)) {
        let daemon = self.world.daemon();
        let entered = CrossingInput { entered: true, x, y, state: 0, focus: false };
        daemon.conn.crossing(id, entered, &[0; 32]);
        for pressed in [true, false] {
            daemon.conn.button(id, ButtonInput { pressed, x, y, state: 0, button });
        }
    }

    /// A click of the wheel as level 1 tells it, by the number of its button in X11.
    fn scroll(&mut self, id: WindowId, button: u32) {
        let (right, down) = if button < 6 { (0, 2 * button as i32 - 9) } else { (2 * button as i32 - 13, 0) };
        let [horizontal, vertical] = [right, down].map(|clicks| Fixed(clicks * 15 * 256));
        let (v120_x, v120_y) = (right * 120, down * 120);
        let (source, flags) = (ScrollSource::Wheel, ScrollFlags::empty());
        let scroll = Scroll { horizontal, vertical, v120_x, v120_y, source, flags, time_ms: 1 };
        self.world.daemon().conn.scroll(id, scroll);
    }

    fn focus(&mut self, id: WindowId, focused: bool) {
        self.world.daemon().conn.focus(id, focused, &[0; 32]);
    }

    /// Presses keys, by their numbers in X11.
    fn keys(&mut self, id: WindowId, keys: &[u32]) {
        let daemon = self.world.daemon();
        for keycode in keys.iter().copied() {
            for pressed in [true, false] {
                daemon.conn.key(id, KeyInput { pressed, x: 0, y: 0, state: 0, keycode });
            }
        }
    }

    /// A finger that touches for a time, in milliseconds.
    fn touch(&mut self, id: WindowId, (x, y): (i32, i32), (down, up): (u32, u32)) {
        let (x, y) = (Fixed(x * 256), Fixed(y * 256));
        for (kind, time_ms) in
            [(TouchKind::Down, down), (TouchKind::Frame, down), (TouchKind::Up, up), (TouchKind::Frame, up)]
        {
            self.world.daemon().conn.touch(id, Touch { kind, id: 0, x, y, time_ms });
        }
    }

    /// Waits until an item was asked to do this, and nothing else.
    #[track_caller]
    fn asked(&mut self, item: &Item, calls: &[&str]) {
        self.world.until("the item is asked", |_| item.calls.lock().unwrap().len() >= calls.len());
        assert_eq!(std::mem::take(&mut *item.calls.lock().unwrap()), calls);
    }

    #[track_caller]
    fn is_empty(&mut self) {
        self.world.until("no window is left", |world| world.daemon().windows.is_empty());
    }
}

#[test]
fn an_item_is_a_docked_window_that_takes_clicks() {
    for world in [World::new(), World::extended()] {
        let mut tray = Tray::new(world);
        let extended = tray.world.is_extended();
        let item = Item::new(plain(22, RED));
        let connection = item.register(&tray.bus);
        let id = tray.shows(0x00ff_0000);
        let seen = tray.world.daemon().seen(id);
        assert!(!seen.mapped);
        assert_eq!(seen.title, "an item");
        let image = seen.image.clone().unwrap();
        assert_eq!((image.width, image.height), (24, 24));
        assert_eq!(
            [image.pixel(0, 0), image.pixel(1, 1), image.pixel(22, 22)],
            [BACK, 0x00ff_0000, 0x00ff_0000]
        );

        tray.click(id, 1, (5, 6));
        tray.asked(&item, &["activate 5 6"]);
        tray.click(id, 2, (7, 8));
        tray.asked(&item, &["secondary 7 8"]);
        tray.click(id, 3, (9, 10));
        tray.asked(&item, &["context menu 9 10"]);
        let wheels = [(4, "scroll 120 vertical"), (5, "scroll -120 vertical"), (7, "scroll -120 horizontal")];
        for (button, call) in wheels {
            match extended {
                true => tray.scroll(id, button),
                false => tray.click(id, button, (1, 1)),
            }
            tray.asked(&item, &[call]);
        }

        drop(connection);
        tray.is_empty();
    }
}

#[test]
fn an_icon_follows_its_item() {
    let mut tray = Tray::new(World::new());
    let item = Item { attention: plain(22, BLUE), ..Item::new(plain(22, RED)) };
    let connection = item.register(&tray.bus);
    let id = tray.shows(0x00ff_0000);
    let change = |status| {
        let object = connection.object_server();
        let item = object.interface::<_, Item>("/StatusNotifierItem").unwrap();
        item.get_mut().status = status;
        let name = "org.kde.StatusNotifierItem";
        connection.emit_signal(None::<&str>, "/StatusNotifierItem", name, "NewStatus", &(status,)).unwrap();
    };
    change("NeedsAttention");
    assert_eq!(tray.shows(0x0000_00ff), id);
    change("Passive");
    tray.is_empty();
    change("Active");
    tray.shows(0x00ff_0000);
}

#[test]
fn the_daemon_says_how_large_icons_are() {
    let mut tray = Tray::new(World::new());
    let _connection = Item::new(plain(44, RED)).register(&tray.bus);
    let id = tray.shows(0x00ff_0000);
    tray.world.daemon().configure(id, gui_protocol::Rect::new(700, 5, 48, 32));
    tray.world.until("an icon of that size", |world| {
        let image = world.daemon().image(id);
        (image.width, image.height) == (48, 32)
    });

    let mut tray = Tray::new(World::extended());
    let _connection = Item::new(plain(44, RED)).register(&tray.bus);
    let id = tray.shows(0x00ff_0000);
    let arrange = Arrange { x: 700, y: 5, width: 48, height: 32, serial: 1, ..Arrange::default() };
    tray.world.daemon().conn.arrange(id, arrange);
    tray.world.until("an icon of that size", |world| {
        let image = world.daemon().image(id);
        (image.width, image.height) == (48, 32)
    });
}

/// Rows of a menu: its edge, and the height of an entry.
const EDGE: i32 = 5;
const ROW: i32 = 26;

/// The middle of a row.
fn row(number: i32) -> (i32, i32) {
    (40, EDGE + ROW * number + ROW / 2)
}

fn entry(id: i32, label: &str) -> Entry {
    Entry(id, vec![("label", Property::Text(label.to_owned()))], vec![])
}

impl Tray {
    /// Waits for a menu with this many entries. The daemon of the extension places it.
    #[track_caller]
    fn menu(&mut self, rows: i32) -> WindowId {
        let height = u32::try_from(rows * ROW + 2 * EDGE).unwrap();
        let mut found = None;
        let mut placed = None;
        self.world.until("a menu", |world| {
            let extended = world.is_extended();
            let daemon = world.daemon();
            let (id, seen) = daemon.windows.iter().next_back().unwrap();
            let (id, popup, shown) = (*id, seen.popup, seen.mapped);
            if shown && seen.image.as_ref().is_some_and(|image| image.height == height) {
                found = Some(id);
            } else if let Some((_, token, positioner)) =
                popup.filter(|popup| extended && placed != Some(popup.1))
            {
                placed = Some(token);
                let (width, height) = (positioner.width, positioner.height);
                let arrange = Arrange { y: 24, width, height, token, ..Arrange::default() };
                daemon.conn.arrange(id, arrange);
            }
            found.is_some()
        });
        found.unwrap()
    }
}

#[test]
fn a_menu_opens_and_what_is_chosen_is_told() {
    for world in [World::new(), World::extended()] {
        let mut tray = Tray::new(world);
        let more = Entry(
            2,
            vec![("label", Property::Text("_More".into()))],
            vec![
                entry(3, "One"),
                entry(4, "Two"),
                Entry(5, vec![("enabled", Property::Truth(false))], vec![]),
            ],
        );
        let hidden = Entry(9, vec![("visible", Property::Truth(false))], vec![]);
        let mark =
            [("toggle-type", Property::Text("checkmark".into())), ("toggle-state", Property::Number(1))];
        let mut open = entry(1, "Open");
        open.1.extend(mark);
        let menu = Some(vec![open, hidden, more]);
        let item = Item { menu, ..Item::new(plain(22, RED)) };
        let _connection = item.register(&tray.bus);
        let icon = tray.shows(0x00ff_0000);
        tray.click(icon, 3, (5, 6));
        let root = tray.menu(2);
        tray.asked(&item, &["opened 0", "about to show 0"]);

        tray.click(root, 1, row(1));
        let below = tray.menu(3);
        tray.asked(&item, &["opened 2", "about to show 2"]);
        // this one cannot be chosen
        tray.click(below, 1, row(2));
        tray.click(below, 1, row(1));
        tray.asked(&item, &["clicked 4", "closed 0"]);
        tray.world.until("the menu is gone", |world| world.daemon().windows.len() == 1);

        tray.click(icon, 3, (5, 6));
        tray.menu(2);
        tray.asked(&item, &["opened 0", "about to show 0"]);
        tray.click(icon, 3, (5, 6));
        tray.asked(&item, &["closed 0"]);
        tray.world.until("the menu is gone", |world| world.daemon().windows.len() == 1);
    }
}

/// Keys, by their numbers in X11.
const ESCAPE: u32 = 9;
const T: u32 = 28;
const RETURN: u32 = 36;
const HOME: u32 = 110;
const UP: u32 = 111;
const LEFT: u32 = 113;
const RIGHT: u32 = 114;
const END: u32 = 115;
const DOWN: u32 = 116;

/// Under what is chosen.
const HIGHLIGHT: u32 = 0x0044_4a55;

#[test]
fn a_menu_is_gone_through_by_keys() {
    for world in [World::new(), World::extended()] {
        let mut tray = Tray::new(world);
        let label = |text: &str| ("label", Property::Text(text.to_owned()));
        let off = Entry(9, vec![label("Off"), ("enabled", Property::Truth(false))], vec![]);
        let below = vec![entry(3, "One"), entry(4, "Two"), entry(5, "Three"), entry(6, "Four")];
        let menu = Some(vec![entry(1, "Open"), off, Entry(2, vec![label("More")], below)]);
        let item = Item { menu, ..Item::new(plain(22, RED)) };
        let _connection = item.register(&tray.bus);
        let icon = tray.shows(0x00ff_0000);
        let open = |tray: &mut Tray| {
            tray.click(icon, 3, (5, 6));
            let root = tray.menu(3);
            tray.asked(&item, &["opened 0", "about to show 0"]);
            root
        };
        let is_chosen = |tray: &mut Tray, menu, row| {
            tray.world.until("the row stands out", |world| {
                let image = world.daemon().image(menu);
                let y = u32::try_from(EDGE + ROW * row + 3).unwrap();
                image.pixel(10, y) == HIGHLIGHT
            });
        };
        tray.focus(icon, true);
        let root = open(&mut tray);
        tray.keys(icon, &[DOWN]);
        is_chosen(&mut tray, root, 0);
        // past what cannot be chosen
        tray.keys(icon, &[DOWN]);
        is_chosen(&mut tray, root, 2);
        tray.keys(icon, &[RIGHT]);
        tray.asked(&item, &["opened 2", "about to show 2"]);
        let more = tray.menu(4);
        is_chosen(&mut tray, more, 0);
        // as a daemon tells of a pointer that rests
        tray.world.daemon().conn.motion(icon, 6, 6, 0);
        tray.keys(icon, &[DOWN, T]);
        is_chosen(&mut tray, more, 2);
        tray.keys(icon, &[RETURN]);
        tray.asked(&item, &["clicked 5", "closed 0"]);
        tray.world.until("the menu is gone", |world| world.daemon().windows.len() == 1);

        open(&mut tray);
        tray.keys(icon, &[HOME, UP, LEFT, RETURN]);
        tray.asked(&item, &["opened 2", "about to show 2"]);
        // back, and then away
        tray.keys(icon, &[LEFT, END, ESCAPE]);
        tray.asked(&item, &["closed 0"]);
        tray.world.until("the menu is gone", |world| world.daemon().windows.len() == 1);
    }
}

/// A picture of one colour (red, green, blue, opacity), as PNG.
fn png(side: u32, colour: [u8; 4]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Rgba);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&colour.repeat((side * side) as usize)).unwrap();
    writer.finish().unwrap();
    bytes
}

#[test]
fn an_item_has_an_overlay_a_tip_and_pictures_in_its_menu() {
    let mut tray = Tray::new(World::new());
    let picture = |bytes: Vec<u8>| vec![("icon-data", Property::Bytes(bytes))];
    let menu = vec![
        Entry(1, picture(png(16, [0, 0, 255, 255])), vec![]),
        // a lie, and one that is too large
        Entry(2, picture(vec![0x89; 5000]), vec![]),
        Entry(3, picture(png(1000, [0, 0, 255, 255])), vec![]),
    ];
    let item = Item { overlay: plain(11, BLUE), tip: "a tip", menu: Some(menu), ..Item::new(plain(22, RED)) };
    let _connection = item.register(&tray.bus);
    let id = tray.shows(0x0000_00ff);
    let seen = tray.world.daemon().seen(id);
    assert_eq!(seen.title, "a tip");
    let image = seen.image.clone().unwrap();
    assert_eq!([image.pixel(11, 11), image.pixel(22, 22)], [0x00ff_0000, 0x0000_00ff]);
    tray.click(id, 3, (5, 6));
    let menu = tray.menu(3);
    let image = tray.world.daemon().image(menu).clone();
    let beside = |row| image.pixel(15, u32::try_from(EDGE + ROW * row + ROW / 2).unwrap());
    assert_eq!([0, 1, 2].map(beside), [0x0000_00ff, BACK, BACK]);
}

#[test]
fn a_menu_goes_when_the_keyboard_does() {
    for world in [World::new(), World::extended()] {
        let mut tray = Tray::new(world);
        let item = Item { menu: Some(vec![entry(1, "one")]), ..Item::new(plain(22, RED)) };
        let _connection = item.register(&tray.bus);
        let icon = tray.shows(0x00ff_0000);
        tray.focus(icon, true);
        tray.click(icon, 3, (5, 6));
        tray.menu(1);
        tray.asked(&item, &["opened 0", "about to show 0"]);
        tray.focus(icon, false);
        tray.asked(&item, &["closed 0"]);
        tray.world.until("the menu is gone", |world| world.daemon().windows.len() == 1);
    }
}

#[test]
fn fingers_tap_and_hold_icons() {
    let mut tray = Tray::new(World::extended());
    let item = Item::new(plain(22, RED));
    let _connection = item.register(&tray.bus);
    let icon = tray.shows(0x00ff_0000);
    tray.touch(icon, (5, 6), (100_000, 100_100));
    tray.asked(&item, &["activate 5 6"]);
    tray.touch(icon, (7, 8), (2000, 2500));
    tray.asked(&item, &["context menu 7 8"]);
}

#[test]
fn an_open_menu_follows_its_item() {
    let mut tray = Tray::new(World::new());
    let item = Item { menu: Some(vec![entry(1, "one")]), ..Item::new(plain(22, RED)) };
    let connection = item.register(&tray.bus);
    let icon = tray.shows(0x00ff_0000);
    tray.click(icon, 3, (5, 6));
    tray.menu(1);
    let object = connection.object_server();
    object.interface::<_, Menu>("/Menu").unwrap().get_mut().0.menu =
        Some(vec![entry(1, "one"), entry(2, "two")]);
    drop(object);
    connection
        .emit_signal(None::<&str>, "/Menu", "com.canonical.dbusmenu", "LayoutUpdated", &(2u32, 0))
        .unwrap();
    let menu = tray.menu(2);
    tray.asked(&item, &["opened 0", "about to show 0"]);
    tray.click(menu, 1, row(1));
    tray.asked(&item, &["clicked 2", "closed 0"]);
    tray.click(icon, 3, (5, 6));
    tray.menu(2);
    drop(connection);
    tray.is_empty();
}

/// An application whose items answer nothing, ever.
fn mute(bus: &Bus) -> Connection {
    let connection = bus.connect();
    let name = connection.unique_name().unwrap().to_string();
    register(&connection, &name);
    connection
}

#[test]
fn bad_items_harm_nobody() {
    let mut tray = Tray::new(World::new());
    // more than are shown, at names that are none, and silent ones
    let flood = tray.bus.connect();
    for service in ["", "/", "//", ":", "a b", "/a/", &"x".repeat(10_000), "org.nobody.Here", ":1.999999"] {
        register(&flood, service);
    }
    drop(flood);
    let silent: Vec<_> = (0..10).map(|_| mute(&tray.bus)).collect();
    // pictures that lie
    let lies =
        [(i32::MAX, i32::MAX, vec![0; 64]), (-1, -1, vec![0; 4]), (0, 0, vec![]), (22, 22, vec![0; 22 * 22])];
    let liar = Item::new(lies.to_vec());
    let _liar = liar.register(&tray.bus);
    let huge = Item::new(vec![(1200, 1200, vec![0; 1200 * 1200 * 4])]);
    let _huge = huge.register(&tray.bus);
    // menus without end, and within themselves
    let endless = (0..100_000).map(|id| entry(id, "entry")).collect();
    let nested = (0..25).fold(entry(1, "deep"), |below, _| Entry(1, vec![], vec![below]));
    for menu in [endless, vec![nested]] {
        let item = Item { menu: Some(menu), ..Item::new(plain(22, RED)) };
        let connection = item.register(&tray.bus);
        let icon = tray.shows(0x00ff_0000);
        tray.click(icon, 3, (5, 6));
        tray.world.until("the menu is asked for", |_| !item.calls.lock().unwrap().is_empty());
        drop(connection);
        tray.world.until("the icon is gone", |world| !world.daemon().windows.contains_key(&icon));
    }
    let item = Item::new(plain(22, BLUE));
    let _connection = item.register(&tray.bus);
    let id = tray.shows(0x0000_00ff);
    tray.click(id, 1, (3, 4));
    tray.asked(&item, &["activate 3 4"]);
    drop(silent);
}

#[test]
fn there_are_so_many_items_and_no_more() {
    let mut tray = Tray::new(World::new());
    let asking = tray.bus.connect();
    let registered = || {
        let watcher = "org.kde.StatusNotifierWatcher";
        // one that was asked before does not ask again
        let proxy = Proxy::new(&asking, watcher, "/StatusNotifierWatcher", watcher).unwrap();
        proxy.get_property::<Vec<String>>("RegisteredStatusNotifierItems").unwrap().len()
    };
    let mut applications = vec![];
    for count in [40, 40] {
        let item = Item::new(plain(22, RED));
        let paths: Vec<_> = (0..count).map(|number| format!("/item/{number}")).collect();
        let serve = |builder: connection::Builder<'static>, path: &String| {
            builder.serve_at(path.clone(), item.clone()).unwrap()
        };
        let connection = paths.iter().fold(tray.bus.builder(), serve).build().unwrap();
        paths.iter().for_each(|path| register(&connection, path));
        applications.push(connection);
    }
    let shown =
        |world: &mut World| world.daemon().windows.values().filter(|seen| seen.image.is_some()).count();
    tray.world.until("64 icons", |world| shown(world) == 64);
    assert_eq!(registered(), 64);
    // room for others
    drop(applications.remove(0));
    tray.world.until("24 icons", |world| shown(world) == 24);
    register(&applications[0], "/item/39");
    tray.world.until("25 icons", |world| shown(world) == 25);
    assert_eq!(registered(), 25);
}

#[test]
fn a_tray_that_is_killed_comes_back() {
    let mut tray = Tray::new(World::new());
    let item = Item::new(plain(22, RED));
    let connection = item.register(&tray.bus);
    tray.shows(0x00ff_0000);
    let killed = tray.watcher();
    kill_process(killed, Signal::KILL).unwrap();
    tray.is_empty();
    assert_ne!(tray.watcher(), killed);
    // as applications do when they see that there is a watcher again
    register(&connection, connection.unique_name().unwrap());
    let id = tray.shows(0x00ff_0000);
    tray.click(id, 1, (5, 6));
    tray.asked(&item, &["activate 5 6"]);
}

#[test]
fn applications_see_the_items_that_are_registered() {
    let mut tray = Tray::new(World::new());
    let item = Item::new(plain(22, RED)).register(&tray.bus);
    tray.shows(0x00ff_0000);
    let asking = tray.bus.connect();
    let watcher = "org.kde.StatusNotifierWatcher";
    let proxy = Proxy::new(&asking, watcher, "/StatusNotifierWatcher", watcher).unwrap();
    assert!(proxy.get_property::<bool>("IsStatusNotifierHostRegistered").unwrap());
    let items = proxy.get_property::<Vec<String>>("RegisteredStatusNotifierItems").unwrap();
    assert_eq!(items, [format!("{}/StatusNotifierItem", item.unique_name().unwrap())]);
}
