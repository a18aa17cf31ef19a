//! A window as the GUI domain knows it: one mapped toplevel, popup or X11 window with its image.
//!
//! A window exists here exactly while it has content. It gets its id when its first buffer comes and loses it when
//! the buffer, the role or the client goes; a surface shown again is a new window. So whatever the GUI domain says
//! about a window concerns one that has been configured and drawn.

use std::collections::BTreeMap;

use gui_protocol::{BufferSerial, Rect, SizeHints, WindowId, limits};
use shm_grant::Export;
use smithay::{
    reexports::{
        wayland_protocols::xdg::shell::server::xdg_toplevel::State as XdgState,
        wayland_server::protocol::wl_surface::WlSurface,
    },
    utils::{Logical, Point, Rectangle, Size},
    wayland::{
        compositor::with_states,
        shell::{
            wlr_layer::LayerSurface,
            xdg::{PopupSurface, SurfaceCachedState, ToplevelSurface},
        },
    },
};

use crate::{compose::Density, picture::Picture, pool::Buffer, present::Pace, surface};

/// What a window is.
pub(crate) enum Role {
    Toplevel {
        toplevel: ToplevelSurface,
        /// As told last.
        hints: SizeHints,
    },
    Popup {
        popup: PopupSurface,
    },
    /// An input method's, at a text cursor.
    Input,
    Layer {
        layer: LayerSurface,
        /// What its client calls its purpose.
        namespace: String,
        /// An icon for the tray.
        docked: bool,
    },
    X11 {
        /// As the X server calls it.
        window: u32,
        /// As told last.
        hints: SizeHints,
        /// A menu or the like, which the GUI domain leaves where it is and gives no frame.
        places_itself: bool,
        /// An icon for the tray. Such a window places itself as far as everybody else is concerned.
        docked: bool,
    },
}

impl Role {
    /// Whether nobody manages it.
    pub(crate) fn overrides_redirect(&self) -> bool {
        match self {
            Self::Toplevel { .. } => false,
            Self::Popup { .. } | Self::Layer { .. } | Self::Input => true,
            Self::X11 { places_itself, .. } => *places_itself,
        }
    }

    /// Whether it is an icon, for the GUI domain's tray, and not a window of the desktop.
    pub(crate) fn is_docked(&self) -> bool {
        match self {
            Self::Toplevel { .. } | Self::Popup { .. } | Self::Input => false,
            Self::Layer { docked, .. } | Self::X11 { docked, .. } => *docked,
        }
    }

    /// The size hints of a window that the GUI domain manages.
    pub(crate) fn hints_mut(&mut self) -> Option<&mut SizeHints> {
        match self {
            Self::Toplevel { hints, .. } | Self::X11 { hints, places_itself: false, .. } => Some(hints),
            Self::Popup { .. } | Self::Layer { .. } | Self::Input | Self::X11 { .. } => None,
        }
    }
}

/// One window.
pub(crate) struct Window {
    pub(crate) surface: WlSurface,
    pub(crate) role: Role,
    /// Position and size on the screen, as the GUI domain has them as far as known.
    pub(crate) geometry: Rectangle<i32, Logical>,
    pub(crate) picture: Picture,
    pub(crate) pace: Pace,
    /// Whether the GUI domain was told that it wants the screens to stay on.
    pub(crate) keeps_awake: bool,
    /// What the GUI domain would like best.
    pub(crate) preferred: Density,
    /// Whether its surfaces have changed since the picture was updated.
    touched: bool,
    /// When it came to the front: the greater, the later.
    raised: u64,
}

impl Window {
    pub(crate) fn new(
        surface: WlSurface,
        role: Role,
        geometry: Rectangle<i32, Logical>,
        preferred: Density,
    ) -> Self {
        let (picture, pace) = (Picture::new(), Pace::default());
        Self {
            surface,
            role,
            geometry,
            picture,
            pace,
            keeps_awake: false,
            preferred,
            touched: false,
            raised: 0,
        }
    }

    /// Where the window's content begins on the screen.
    pub(crate) fn position(&self) -> Point<i32, Logical> {
        self.geometry.loc
    }

    /// Where the surface's own origin lies on the screen.
    pub(crate) fn surface_origin(&self) -> Point<i32, Logical> {
        self.geometry.loc - self.picture.area().loc
    }

    pub(crate) fn toplevel(&self) -> Option<&ToplevelSurface> {
        match &self.role {
            Role::Toplevel { toplevel, .. } => Some(toplevel),
            Role::Popup { .. } | Role::Layer { .. } | Role::Input | Role::X11 { .. } => None,
        }
    }

    /// Whether the GUI domain has said that nobody sees it.
    fn is_hidden(&self) -> bool {
        let hidden = |toplevel: &ToplevelSurface| {
            toplevel.with_pending_state(|state| state.states.contains(XdgState::Suspended))
        };
        self.toplevel().is_some_and(hidden)
    }

    /// The X11 window that it shows.
    pub(crate) fn x11(&self) -> Option<u32> {
        match &self.role {
            Role::X11 { window, .. } => Some(*window),
            Role::Toplevel { .. } | Role::Popup { .. } | Role::Layer { .. } | Role::Input => None,
        }
    }
}

/// The part of a surface tree that is the window: its window geometry, as far as there is anything to show, and not
/// larger than the protocol allows. In coordinates of the surface; `None` if empty.
pub(crate) fn content_area(surface: &WlSurface) -> Option<Rectangle<i32, Logical>> {
    let everything = surface::bounds(surface);
    let geometry =
        with_states(surface, |states| states.cached_state.get::<SurfaceCachedState>().current().geometry);
    let mut area = geometry.map_or(Some(everything), |geometry| geometry.intersection(everything))?;
    area.size = area.size.clamp((0, 0), (to_i32(limits::MAX_WIDTH), to_i32(limits::MAX_HEIGHT)));
    (!area.is_empty()).then_some(area)
}

/// The least and greatest size a client wants, in the protocol's terms.
pub(crate) fn size_hints(surface: &WlSurface) -> SizeHints {
    let (min, max) = with_states(surface, |states| {
        let mut state = states.cached_state.get::<SurfaceCachedState>();
        (state.current().min_size, state.current().max_size)
    });
    SizeHints { min: limit(min), max: limit(max), ..SizeHints::default() }
}

/// Zero in a direction means no limit there. The protocol knows only pairs, so one open side opens both.
fn limit(size: Size<i32, Logical>) -> Option<(u32, u32)> {
    match (u32::try_from(size.w), u32::try_from(size.h)) {
        (Ok(width @ 1..=limits::MAX_WIDTH), Ok(height @ 1..=limits::MAX_HEIGHT)) => Some((width, height)),
        _ => None,
    }
}

/// Wire geometry from the compositor's. Sizes here are never negative.
pub(crate) fn to_rect<Kind>(rect: Rectangle<i32, Kind>) -> Rect {
    let side = |value: i32| u32::try_from(value).unwrap_or(0);
    Rect::new(rect.loc.x, rect.loc.y, side(rect.size.w), side(rect.size.h))
}

/// The compositor's geometry from the wire's. Sizes there end far below 31 bits.
pub(crate) fn from_rect(rect: Rect) -> Rectangle<i32, Logical> {
    Rectangle::new((rect.x, rect.y).into(), (to_i32(rect.width), to_i32(rect.height)).into())
}

fn to_i32(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// All windows, and the pages of former ones that the GUI domain may still be mapping.
#[derive(Default)]
pub(crate) struct Windows {
    windows: BTreeMap<u32, Window>,
    last_id: u32,
    touched: Vec<WindowId>,
    /// How often a window has come to the front.
    raises: u64,
    retired: Vec<(BufferSerial, Export)>,
}

impl Windows {
    /// An id no window has had. 0 stands for the whole screen and is never given out.
    pub(crate) fn next_id(&mut self) -> WindowId {
        self.last_id = self.last_id.wrapping_add(1).max(1);
        WindowId(self.last_id)
    }

    pub(crate) fn insert(&mut self, id: WindowId, window: Window) {
        surface::set_window(&window.surface, Some(id));
        self.windows.insert(id.0, window);
        self.raise(id);
    }

    /// A window comes to the front.
    pub(crate) fn raise(&mut self, id: WindowId) {
        if let Some(window) = self.windows.get_mut(&id.0) {
            self.raises = self.raises.wrapping_add(1);
            window.raised = self.raises;
        }
    }

    /// The window that is seen at a point of the screen, as far as it is known here what is above what. Menus do not count,
    /// nor what follows the pointer.
    pub(crate) fn topmost_at(&self, point: Point<f64, Logical>) -> Option<WindowId> {
        let there = |(_, window): &(WindowId, &Window)| {
            let seen = !window.role.overrides_redirect() && !window.is_hidden();
            seen && window.geometry.to_f64().contains(point)
        };
        self.iter().filter(there).max_by_key(|(_, window)| window.raised).map(|(id, _)| id)
    }

    pub(crate) fn remove(&mut self, id: WindowId) -> Option<Window> {
        let window = self.windows.remove(&id.0)?;
        surface::set_window(&window.surface, None);
        Some(window)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (WindowId, &Window)> {
        self.windows.iter().map(|(id, window)| (WindowId(*id), window))
    }

    pub(crate) fn get(&self, id: WindowId) -> Option<&Window> {
        self.windows.get(&id.0)
    }

    pub(crate) fn get_mut(&mut self, id: WindowId) -> Option<&mut Window> {
        self.windows.get_mut(&id.0)
    }

    pub(crate) fn ids(&self) -> Vec<WindowId> {
        self.windows.keys().copied().map(WindowId).collect()
    }

    /// The window whose root surface this is.
    pub(crate) fn of_surface(&self, surface: &WlSurface) -> Option<WindowId> {
        surface::window_of(surface)
    }

    /// A window's surfaces have changed.
    pub(crate) fn touch(&mut self, id: WindowId) {
        if let Some(window) = self.windows.get_mut(&id.0).filter(|window| !window.touched) {
            window.touched = true;
            self.touched.push(id);
        }
    }

    /// The next window that has changed since this was last asked.
    pub(crate) fn next_touched(&mut self) -> Option<WindowId> {
        let id = self.touched.pop()?;
        if let Some(window) = self.windows.get_mut(&id.0) {
            window.touched = false;
        }
        Some(id)
    }

    /// Keeps the pages of a buffer that is not drawn to any more until [`Windows::released`] says they are free.
    pub(crate) fn retire(&mut self, buffer: Buffer) {
        self.retired.extend(buffer.into_announced());
    }

    /// The GUI domain will not look at this buffer's references again.
    pub(crate) fn released(&mut self, serial: BufferSerial) {
        self.retired.retain(|(retired, _)| *retired != serial);
    }
}
