//! Icons that programs put in the tray, by `_NET_SYSTEM_TRAY` and XEMBED.
//!
//! A program gives the window manager a window of its own, which goes into a cell: a window that places itself, of the window
//! manager's, and so with a surface of its own, as no window within another has. To the rest of the agent a cell is a window
//! that is docked instead of mapped, and that has its icon's properties. It is where the GUI domain shows it, so that the
//! icon's menu comes out beside it, and the icon fills it.
//!
//! A cell's pixels are of its icon's kind, so that what is translucent stays so, and that X11 lets programs have their icon's
//! background be the cell's.
//!
//! Any program may dock any window: it could as well draw into it. What is bounded is their number, and a cell that has gone
//! is used again when the server has said so, and not before: what is said of the old one is past then.

use std::borrow::Cow;

use smithay::utils::Rectangle;
use x11rb_protocol::{
    id_allocator::IdAllocator,
    protocol::xproto::{
        AtomEnum, CLIENT_MESSAGE_EVENT, ClientMessageEvent, ColormapAlloc, ConfigureWindowAux,
        CreateColormapRequest, CreateWindowAux, CreateWindowRequest, DestroyWindowRequest, EventMask,
        GetPropertyRequest, GetWindowAttributesReply, GetWindowAttributesRequest, MapWindowRequest,
        ReparentWindowRequest, UnmapWindowRequest, Visualid, Window, WindowClass,
    },
};

use super::{
    connection::Connection,
    manager::{CURRENT_TIME, Manager},
    startup::{Question, Screen, TRANSLUCENT_DEPTH, parse_property, parse_reply},
};

/// Icons at once, of all X11 programs together: more than a tray has room for.
const MAX_ICONS: usize = 64;

/// A cell's sides before the GUI domain has said anything, in units.
const SIDE: i32 = 22;

/// What a program asks the tray with that has an icon. The others are about messages in balloons, which are not shown.
pub(super) const REQUEST_DOCK: u32 = 0;

/// XEMBED's version that is spoken, and its word for being in the tray.
const VERSION: u32 = 0;
const EMBEDDED_NOTIFY: u32 = 0;
/// The bit of `_XEMBED_INFO` that says that an icon wants to be seen.
const WANTS_MAP: u32 = 1;

/// An icon and its cell.
#[derive(Debug)]
struct Icon {
    window: Window,
    cell: Window,
    /// Whether it is in there.
    inside: bool,
    /// Whether its program wants it seen, as far as known.
    wanted: Option<bool>,
    /// Whether that has been asked for, and has changed since.
    asked: bool,
    again: bool,
}

/// All icons.
pub(super) struct Tray {
    screen: Screen,
    /// Colours of translucent windows.
    colours: u32,
    /// Windows that want to be icons and that little is known of.
    asked: Vec<Window>,
    icons: Vec<Icon>,
    /// Cells on their way out, and the numbers of those that are.
    leaving: Vec<Window>,
    spare: Vec<Window>,
}

impl Tray {
    pub(super) fn new(
        connection: &mut Connection<Question>,
        screen: Screen,
        ids: &mut IdAllocator,
    ) -> Option<Self> {
        let colours = ids.generate_id()?;
        if let Some(visual) = screen.translucent {
            connection.send(CreateColormapRequest {
                alloc: ColormapAlloc::NONE,
                mid: colours,
                window: screen.root,
                visual,
            });
        }
        let (asked, icons, leaving, spare) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Some(Self { screen, colours, asked, icons, leaving, spare })
    }

    /// The cell that a window is the icon of.
    pub(super) fn cell_of(&self, window: Window) -> Option<Window> {
        self.icons.iter().find(|icon| icon.window == window).map(|icon| icon.cell)
    }

    /// The icon that a window is the cell of.
    pub(super) fn icon_in(&self, cell: Window) -> Option<Window> {
        self.icons.iter().find(|icon| icon.cell == cell).map(|icon| icon.window)
    }

    fn get_mut(&mut self, window: Window) -> Option<&mut Icon> {
        self.icons.iter_mut().find(|icon| icon.window == window)
    }

    fn is_full(&self) -> bool {
        let all = self.asked.len().saturating_add(self.icons.len()).saturating_add(self.leaving.len());
        all >= MAX_ICONS
    }
}

impl Manager {
    /// Takes the tray's office and says so to those who wait for one.
    pub(super) fn offer_tray(&mut self) {
        let (own, atoms, screen) = (self.own, self.atoms, self.tray.screen);
        const HORIZONTAL: u32 = 0;
        self.set_words(own, atoms.net_system_tray_orientation, AtomEnum::CARDINAL, &[HORIZONTAL]);
        let visual = screen.translucent.unwrap_or(screen.visual);
        self.set_words(own, atoms.net_system_tray_visual, AtomEnum::VISUALID, &[visual]);
        self.take_office(atoms.net_system_tray_s0);
    }

    /// A program wants a window in the tray.
    pub(super) fn dock(&mut self, window: Window) {
        let is_known = window == self.root
            || window == self.own
            || self.windows.contains_key(&window)
            || self.tray.asked.contains(&window)
            || self.tray.cell_of(window).is_some()
            || self.tray.icon_in(window).is_some();
        if is_known || self.tray.is_full() {
            return;
        }
        self.tray.asked.push(window);
        self.connection.ask(GetWindowAttributesRequest { window }, Question::Icon(window));
    }

    /// What a window is like that wants to be an icon.
    pub(super) fn icon_answered(&mut self, window: Window, reply: Option<&Vec<u8>>) {
        self.tray.asked.retain(|it| *it != window);
        let Some(found) = parse_reply::<GetWindowAttributesReply>(reply) else { return };
        if found.class != WindowClass::INPUT_OUTPUT || self.windows.contains_key(&window) {
            return;
        }
        let Some(cell) = self.new_cell(found.visual) else { return };
        self.tray.icons.push(Icon { window, cell, inside: false, wanted: None, asked: false, again: false });
        self.select(window, EventMask::PROPERTY_CHANGE);
        self.connection.send(ReparentWindowRequest { window, parent: cell, x: 0, y: 0 });
        self.ask_icon_info(window);
        let event = ClientMessageEvent {
            response_type: CLIENT_MESSAGE_EVENT,
            format: 32,
            sequence: 0,
            window,
            type_: self.atoms.xembed,
            data: [CURRENT_TIME, EMBEDDED_NOTIFY, 0, cell, VERSION].into(),
        };
        self.send_event(window, EventMask::NO_EVENT, event);
    }

    /// A cell for an icon whose pixels are of this kind, if icons may be of that kind.
    fn new_cell(&mut self, visual: Visualid) -> Option<Window> {
        let screen = self.tray.screen;
        let values = CreateWindowAux::new()
            .override_redirect(1)
            .event_mask(EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY);
        let (depth, values) = if Some(visual) == screen.translucent {
            // the server wants both to be named where they are not the root's
            (TRANSLUCENT_DEPTH, values.background_pixel(0).border_pixel(0).colormap(self.tray.colours))
        } else if visual == screen.visual {
            (0, values.background_pixel(0))
        } else {
            return None;
        };
        let (width, height) = (self.first_side(), self.first_side());
        let wid = self.tray.spare.pop().or_else(|| self.ids.generate_id())?;
        self.connection.send(CreateWindowRequest {
            depth,
            wid,
            parent: self.root,
            x: 0,
            y: 0,
            width,
            height,
            border_width: 0,
            class: WindowClass::INPUT_OUTPUT,
            visual,
            value_list: Cow::Owned(values),
        });
        Some(wid)
    }

    /// A new cell's sides in pixels.
    fn first_side(&self) -> u16 {
        u16::try_from(self.density.pixels_of(SIDE)).unwrap_or(u16::MAX)
    }

    pub(super) fn ask_icon_info(&mut self, window: Window) {
        let Some(icon) = self.tray.get_mut(window) else { return };
        icon.again = icon.asked;
        if std::mem::replace(&mut icon.asked, true) {
            return;
        }
        let request = GetPropertyRequest {
            delete: false,
            window,
            property: self.atoms.xembed_info,
            type_: AtomEnum::ANY.into(),
            long_offset: 0,
            long_length: 2,
        };
        self.connection.ask(request, Question::IconInfo(window));
    }

    /// What an icon says about being one: whether it wants to be seen. Those that say nothing do.
    pub(super) fn icon_info_answered(&mut self, window: Window, reply: Option<&Vec<u8>>) {
        if reply.is_none() {
            // it was gone before it was in its cell
            return self.icon_gone(window);
        }
        let info = parse_property(reply);
        let flags = info.as_ref().and_then(|info| info.value32()?.nth(1));
        let Some(icon) = self.tray.get_mut(window) else { return };
        icon.wanted = Some(flags.is_none_or(|flags| flags & WANTS_MAP != 0));
        icon.asked = false;
        if icon.again {
            self.ask_icon_info(window);
        }
        self.show_icon(window);
    }

    /// A window is somewhere else in the tree.
    pub(super) fn icon_moved(&mut self, window: Window, parent: Window) {
        let Some(icon) = self.tray.get_mut(window) else { return };
        if parent == icon.cell {
            icon.inside = true;
            self.show_icon(window);
        } else if icon.inside {
            self.icon_gone(window);
        }
    }

    /// Shows an icon and its cell, or hides them, if it is there and known.
    fn show_icon(&mut self, window: Window) {
        let Some(&mut Icon { cell, wanted: Some(wanted), inside: true, .. }) = self.tray.get_mut(window)
        else {
            return;
        };
        match wanted {
            true => {
                self.fill_cell(cell, window);
                self.connection.send(MapWindowRequest { window });
                self.connection.send(MapWindowRequest { window: cell });
            }
            false => self.connection.send(UnmapWindowRequest { window: cell }),
        }
    }

    /// An icon is as large as its cell, whatever it wants to be.
    pub(super) fn fill_cell(&mut self, cell: Window, icon: Window) {
        let known = self.windows.get(&cell).map(|managed| managed.geometry.size);
        let side = i32::from(self.first_side());
        let size = known.filter(|size| !size.is_empty()).unwrap_or((side, side).into());
        let values = ConfigureWindowAux::new().x(0).y(0).border_width(0);
        let values = values.width(size.w.unsigned_abs()).height(size.h.unsigned_abs());
        self.send_configure(icon, values);
        // told even if that is no news: it may have asked for something else
        self.tell_geometry(icon, Rectangle::from_size(size));
    }

    /// A window is gone: an icon, whose cell has nothing in it any more, or a cell.
    pub(super) fn icon_gone(&mut self, window: Window) {
        let tray = &mut self.tray;
        if let Some(at) = tray.leaving.iter().position(|cell| *cell == window) {
            tray.spare.push(tray.leaving.swap_remove(at));
        }
        if let Some(at) = tray.icons.iter().position(|icon| icon.window == window) {
            let Icon { cell, .. } = tray.icons.swap_remove(at);
            tray.leaving.push(cell);
            self.connection.send(DestroyWindowRequest { window: cell });
        }
        // somebody else's doing, and the icon went with it
        if let Some(at) = self.tray.icons.iter().position(|icon| icon.cell == window) {
            let Icon { cell, .. } = self.tray.icons.swap_remove(at);
            self.tray.spare.push(cell);
        }
    }
}
