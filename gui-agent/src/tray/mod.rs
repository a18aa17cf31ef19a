//! The tray of a domain: its applications' status icons (StatusNotifier items), each in a window that the GUI domain puts into
//! its own tray, with their menus.
//!
//! A program of its own, `gui-agent tray`, started by the agent with the right to such windows, because nothing of this has to be
//! where all of the domain's windows are. It is the host of items on the session bus (`host.rs`) and a Wayland client
//! of the agent (`shell.rs`); in between are icons (`icon.rs`, `theme.rs`) and menus (`open.rs`, `panel.rs`), and what the user does
//! to both (`input.rs`, `keys.rs`).
//!
//! What it keeps to:
//!
//! * What applications say on the bus is brought into bounds where it is read, and nothing waits for any of them.
//! * Nothing wakes it but the bus and the agent. It ends when one of them does.

mod bus;
mod host;
mod icon;
mod input;
mod item;
mod keys;
mod menu;
mod open;
mod panel;
mod shell;
mod text;
mod theme;
mod value;

use std::{collections::BTreeMap, io, os::fd::AsFd as _, time::Instant};

use calloop::{EventLoop, Interest, Mode, PostAction, channel, generic::Generic};
use rustix::event::{PollFd, PollFlags, poll};
use tracing::{info, warn};
use wayland_client::{
    ConnectError, Connection, Dispatch, DispatchError, EventQueue, QueueHandle,
    backend::WaylandError,
    globals::{BindError, GlobalError, registry_queue_init},
    protocol::{wl_pointer::Axis, wl_surface::WlSurface},
};
use wayland_protocols_wlr::layer_shell::v1::client::{
    zwlr_layer_shell_v1::Layer,
    zwlr_layer_surface_v1::{self, ZwlrLayerSurfaceV1},
};
use zbus::message::Message;

use bus::Bus;
use host::{Change, Host, ItemId};
use input::{Devices, Finger};
use keys::Keys;
use open::Menu;
use panel::Art;
use shell::{Canvas, Shell};
use theme::Themes;

/// Logical pixels along an icon's side until the GUI domain says otherwise, and at most.
const SIDE: u32 = 24;
const MAX_SIDE: u32 = 256;

/// Codes of the kernel's `input-event-codes.h`.
const LEFT: u32 = 0x110;
const RIGHT: u32 = 0x111;
const MIDDLE: u32 = 0x112;

/// What a click of a wheel is for items, for a length of 1 in a pointer's axis: 120 for 15.
const WHEEL: f64 = 8.0;

/// Why there is no tray, or no more.
#[derive(Debug, thiserror::Error)]
pub enum TrayError {
    /// There is no session bus to find items on.
    #[error("the session bus: {0}")]
    Bus(#[from] zbus::Error),
    /// It has ended. There may be another.
    #[error("the session bus has ended")]
    BusEnded,
    /// It was not the agent who started this.
    #[error("no agent: {0}")]
    Connect(#[from] ConnectError),
    /// The agent does not talk.
    #[error("the agent: {0}")]
    Globals(#[from] GlobalError),
    /// The agent does not let this program have icons.
    #[error("this is not the agent's tray: {0}")]
    NotOffered(#[from] BindError),
    /// The agent has ended, or found a mistake of this program's.
    #[error("the agent: {0}")]
    Dispatch(#[from] DispatchError),
    /// The same.
    #[error("the agent: {0}")]
    Wayland(#[from] WaylandError),
    /// The system has no event loop to give.
    #[error("no event loop: {0}")]
    Loop(#[from] calloop::Error),
    /// The system refused something else.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Shows the items of this session until the agent ends.
///
/// # Errors
///
/// [`TrayError`].
pub fn run() -> Result<(), TrayError> {
    let connection = Connection::connect_to_env()?;
    let (globals, mut queue) = registry_queue_init::<Tray>(&connection)?;
    let shell = Shell::new(&globals, queue.handle())?;
    let (bus, messages) = Bus::connect()?;
    let mut tray = Tray::new(Host::new(bus), shell);

    let mut event_loop = EventLoop::<Incoming>::try_new()?;
    let handle = event_loop.handle();
    let readable = Generic::new(connection.as_fd().try_clone_to_owned()?, Interest::READ, Mode::Level);
    let agent = handle.insert_source(readable, |_, _, incoming| {
        incoming.from_agent = true;
        Ok(PostAction::Continue)
    });
    agent.map_err(|error| error.error)?;
    let bus = handle.insert_source(messages, |event, (), incoming| match event {
        channel::Event::Msg(message) => incoming.messages.push(message),
        channel::Event::Closed => incoming.bus_ended = true,
    });
    bus.map_err(|error| error.error)?;

    let mut incoming = Incoming::default();
    while !incoming.bus_ended {
        tray.settle(&connection, &mut queue)?;
        event_loop.dispatch(None, &mut incoming)?;
        if std::mem::take(&mut incoming.from_agent)
            && let Some(events) = queue.prepare_read()
            && let Err(error) = events.read()
            && !would_block(&error)
        {
            if let WaylandError::Protocol(_) = error {
                return Err(error.into());
            }
            info!("the agent has ended");
            return Ok(());
        }
        for message in incoming.messages.drain(..) {
            tray.host.handle(&message);
            tray.follow();
        }
    }
    Err(TrayError::BusEnded)
}

/// What one round of the event loop has brought.
#[derive(Default)]
struct Incoming {
    from_agent: bool,
    messages: Vec<Message>,
    bus_ended: bool,
}

fn would_block(error: &WaylandError) -> bool {
    matches!(error, WaylandError::Io(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// An item's window.
struct Icon {
    layer: ZwlrLayerSurfaceV1,
    canvas: Canvas,
    /// Whether the agent has said what size it is to have.
    configured: bool,
}

impl Drop for Icon {
    fn drop(&mut self) {
        self.layer.destroy();
    }
}

/// What was clicked last.
struct Click {
    item: ItemId,
    serial: u32,
    at: Instant,
}

struct Tray {
    host: Host,
    shell: Shell,
    art: Art,
    icons: BTreeMap<ItemId, Icon>,
    /// The one that is open.
    menu: Option<Menu>,
    click: Option<Click>,
    devices: Devices,
    keys: Keys,
    finger: Option<Finger>,
    /// What the pointer or a finger is over, and where on it.
    over: Option<(WlSurface, f64, f64)>,
}

impl Tray {
    fn new(host: Host, shell: Shell) -> Self {
        Self {
            host,
            shell,
            art: Art { themes: Themes::installed(), ..Art::default() },
            icons: BTreeMap::new(),
            menu: None,
            click: None,
            devices: Devices::default(),
            keys: Keys::default(),
            finger: None,
            over: None,
        }
    }

    /// Deals with what the agent has said, and sends what there is to say.
    fn settle(&mut self, connection: &Connection, queue: &mut EventQueue<Self>) -> Result<(), TrayError> {
        queue.dispatch_pending(self)?;
        while let Err(error) = queue.flush() {
            if !would_block(&error) {
                return Err(error.into());
            }
            // more than the agent has read: there is nothing to do before it has
            let _ = poll(&mut [PollFd::new(connection, PollFlags::OUT)], None);
        }
        Ok(())
    }

    /// Brings the windows up to what has happened to the items.
    fn follow(&mut self) {
        while let Some(change) = self.host.poll_change() {
            match change {
                Change::Looks(id) => self.show(id),
                Change::Gone(id) => self.hide(id),
                Change::Menu(id, entries) => self.menu_told(id, entries),
                Change::MenuChanged(id) => self.menu_changed(id),
                Change::NotActivated(id) => self.want_menu(id),
            }
        }
    }

    fn show(&mut self, id: ItemId) {
        let Some(look) = self.host.look(id) else { return };
        if look.hidden {
            return self.hide(id);
        }
        if self.icons.contains_key(&id) {
            return self.draw(id);
        }
        let Shell { layers, queue, .. } = &self.shell;
        let canvas = Canvas::new(&self.shell, (SIDE.cast_signed(), SIDE.cast_signed()));
        let layer =
            layers.get_layer_surface(&canvas.surface, None, Layer::Top, look.title.clone(), queue, id);
        layer.set_size(SIDE, SIDE);
        canvas.surface.commit();
        self.icons.insert(id, Icon { layer, canvas, configured: false });
    }

    fn hide(&mut self, id: ItemId) {
        if self.menu.as_ref().is_some_and(|menu| menu.item == id) {
            self.close_menu();
        }
        self.icons.remove(&id);
    }

    fn draw(&mut self, id: ItemId) {
        let (Some(icon), Some(look)) = (self.icons.get(&id), self.host.look(id)) else { return };
        if !icon.configured {
            return;
        }
        let picture = icon::draw(look, icon.canvas.pixels(), &mut self.art);
        if let Some(Err(error)) = picture.map(|picture| icon.canvas.show(&self.shell, &picture)) {
            warn!("an icon cannot be drawn: {error}");
        }
    }

    fn rescale(&mut self, surface: &WlSurface, scale: u32) {
        let icon = self.icons.iter_mut().find(|(_, icon)| icon.canvas.surface == *surface);
        match icon.map(|(id, icon)| (*id, icon.canvas.rescale(scale))) {
            Some((id, true)) => self.draw(id),
            Some((_, false)) => {}
            None => self.rescale_panel(surface, scale),
        }
    }

    /// The item whose icon the pointer is over, and where on it.
    fn icon_under(&self) -> Option<(ItemId, (i32, i32))> {
        let (surface, x, y) = self.over.as_ref()?;
        let (id, _) = self.icons.iter().find(|(_, icon)| icon.canvas.surface == *surface)?;
        Some((*id, (x.floor() as i32, y.floor() as i32)))
    }

    fn pressed(&mut self, button: u32, serial: u32) {
        let Some((item, at)) = self.icon_under() else { return self.pressed_on_menu(button, serial) };
        let was_open = self.menu.as_ref().is_some_and(|menu| menu.item == item);
        self.close_menu();
        self.click = Some(Click { item, serial, at: Instant::now() });
        let Some(look) = self.host.look(item) else { return };
        let (is_menu, has_menu) = (look.is_menu, look.menu.is_some());
        match button {
            RIGHT | LEFT if was_open => {}
            LEFT if is_menu && has_menu => self.want_menu(item),
            LEFT => self.host.activate(item, at),
            MIDDLE => self.host.tell(item, "SecondaryActivate", &at),
            RIGHT if has_menu => self.want_menu(item),
            RIGHT => self.host.tell(item, "ContextMenu", &at),
            _ => {}
        }
        self.follow();
    }

    fn scrolled(&mut self, axis: Axis, by: f64) {
        let (name, delta) = match axis {
            // up and left are more, as for Qt's programs
            Axis::VerticalScroll => ("vertical", -by * WHEEL),
            Axis::HorizontalScroll => ("horizontal", -by * WHEEL),
            _ => return,
        };
        match self.icon_under() {
            Some((id, _)) if delta.abs() >= 0.5 => {
                self.host.tell(id, "Scroll", &(delta.round() as i32, name));
            }
            Some(_) => {}
            None if axis == Axis::VerticalScroll => self.scroll_menu(by),
            None => {}
        }
    }
}

impl Dispatch<ZwlrLayerSurfaceV1, ItemId> for Tray {
    fn event(
        tray: &mut Self,
        layer: &ZwlrLayerSurfaceV1,
        event: zwlr_layer_surface_v1::Event,
        id: &ItemId,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            zwlr_layer_surface_v1::Event::Configure { serial, width, height } => {
                layer.ack_configure(serial);
                let Some(icon) = tray.icons.get_mut(id) else { return };
                let side = |told: u32| if told == 0 { SIDE } else { told.min(MAX_SIDE) };
                icon.canvas.size = (side(width).cast_signed(), side(height).cast_signed());
                icon.configured = true;
                tray.draw(*id);
            }
            // the user does not want to see it
            zwlr_layer_surface_v1::Event::Closed => tray.hide(*id),
            _ => {}
        }
    }
}
