//! What the daemon knows of each window beside its geometry, which is the shell's.
//!
//! Invariant: a window is in this table from the moment the shell knows its id until the shell forgets it.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use gui_protocol::PointerNeeds;
use smithay::{
    desktop::{WindowSurfaceType, utils::under_from_surface_tree},
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Point},
    wayland::shell::xdg::{PopupSurface, ToplevelSurface},
};

use crate::{
    domain::Reaper,
    focus::GuestTarget,
    handlers::window_geometry,
    pointer_lock,
    pool::Pool,
    render::{CursorLook, Icon},
    sanitise::sanitise,
    shell,
};

/// Characters of a title that are kept; more could not be read in a frame.
const MAX_TITLE_CHARS: usize = 256;

/// A window of an AppVM or of one of dom0's own clients.
#[derive(Debug)]
pub struct Window {
    /// Its id in the shell.
    pub id: shell::Id,
    /// Where its content comes from.
    pub source: Source,
    /// Its icon, shown in its frame.
    pub icon: Option<Icon>,
    /// Whether it asks the user for a look.
    pub wants_attention: bool,
    title: String,
    class: String,
}

impl Window {
    /// A window without names yet.
    pub fn new(id: shell::Id, source: Source) -> Self {
        Self { id, source, icon: None, wants_attention: false, title: String::new(), class: String::new() }
    }

    /// The title as it may be shown: sanitised and cut.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The application's class or app id as it may be shown.
    pub fn class(&self) -> &str {
        &self.class
    }

    /// Takes an untrusted title.
    pub fn set_title(&mut self, untrusted: &str) {
        self.title = sanitise(untrusted, MAX_TITLE_CHARS);
    }

    /// Takes an untrusted class.
    pub fn set_class(&mut self, untrusted: &str) {
        self.class = sanitise(untrusted, MAX_TITLE_CHARS);
    }
}

/// Where a window's content comes from.
#[derive(Debug)]
pub enum Source {
    /// An AppVM, through shared pages.
    Guest(Box<GuestWindow>),
    /// One of dom0's own clients, through Wayland.
    Local(LocalWindow),
}

/// What only a window of an AppVM has.
#[derive(Debug)]
pub struct GuestWindow {
    /// Where its input goes.
    pub target: GuestTarget,
    /// What the pointer looks like over its content.
    pub cursor: CursorLook,
    /// What its client listens to.
    pub pointer_needs: PointerNeeds,
    /// How it would like to hold the pointer.
    pub pointer_wish: Option<pointer_lock::Wish>,
    /// Whether it is a popup that wants to hold the input.
    pub popup_grabs: bool,
    /// What is to come with its next arrangement, if it was placed as a popup since the last.
    pub popup_token: Option<u32>,
    /// Whether it gets the focus when it is shown, because the user has just started its program.
    pub activated: bool,
    /// Whether its domain last asked for the whole screen, granted or not.
    pub wants_fullscreen: bool,
    /// Whether it wishes the screens to stay on, granted or not.
    pub keeps_awake: bool,
    /// The size its domain was told last.
    pub told_size: Option<shell::geom::Size>,
    /// The serial of the arrangement that told it.
    pub sized: u32,
    /// The commit that its agent was not told to be done, though it is shown or nobody sees the window.
    pub undone: Option<u64>,
    /// Its buffers and what is shown of them.
    pub pool: Pool,
}

impl GuestWindow {
    /// A window without content.
    pub fn new(target: GuestTarget, reaper: Reaper) -> Self {
        Self {
            target,
            cursor: CursorLook::default(),
            pointer_needs: PointerNeeds::empty(),
            pointer_wish: None,
            popup_grabs: false,
            popup_token: None,
            activated: false,
            wants_fullscreen: false,
            keeps_awake: false,
            told_size: None,
            undone: None,
            pool: Pool::new(reaper),
            sized: 0,
        }
    }
}

impl Drop for GuestWindow {
    fn drop(&mut self) {
        self.target.alive.store(false, Ordering::Relaxed);
    }
}

/// A fresh flag for an input target.
pub fn alive() -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(true))
}

/// A window of one of dom0's own clients.
#[derive(Debug)]
pub enum LocalWindow {
    /// An xdg toplevel.
    Toplevel(ToplevelSurface),
    /// An xdg popup.
    Popup(PopupSurface),
}

impl LocalWindow {
    /// The root of the surface tree.
    pub fn surface(&self) -> &WlSurface {
        match self {
            LocalWindow::Toplevel(toplevel) => toplevel.wl_surface(),
            LocalWindow::Popup(popup) => popup.wl_surface(),
        }
    }

    /// Where the root surface lies when the window's content begins at `content`.
    pub fn surface_origin(&self, content: Point<i32, Logical>) -> Point<i32, Logical> {
        content - window_geometry(self.surface()).loc
    }

    /// The surface of the tree at a desktop position that takes input there, and its own desktop origin.
    pub fn surface_under(
        &self,
        at: Point<f64, Logical>,
        content: Point<i32, Logical>,
    ) -> Option<(WlSurface, Point<f64, Logical>)> {
        let origin = self.surface_origin(content);
        under_from_surface_tree(self.surface(), at, origin, WindowSurfaceType::ALL)
            .map(|(surface, origin)| (surface, origin.to_f64()))
    }
}

/// All windows by their id.
#[derive(Debug, Default)]
pub struct Windows(HashMap<shell::Id, Window>);

impl Windows {
    /// The window with this id.
    pub fn get(&self, id: shell::Id) -> Option<&Window> {
        self.0.get(&id)
    }

    /// The window with this id.
    pub fn get_mut(&mut self, id: shell::Id) -> Option<&mut Window> {
        self.0.get_mut(&id)
    }

    /// The window of an AppVM with this id.
    pub fn guest_mut(&mut self, id: shell::Id) -> Option<&mut GuestWindow> {
        match &mut self.get_mut(id)?.source {
            Source::Guest(guest) => Some(guest),
            Source::Local(_) => None,
        }
    }

    /// Adds a window.
    pub fn insert(&mut self, window: Window) {
        self.0.insert(window.id, window);
    }

    /// Takes a window out.
    pub fn remove(&mut self, id: shell::Id) -> Option<Window> {
        self.0.remove(&id)
    }

    /// The window of dom0 with this root surface.
    pub fn by_surface(&self, surface: &WlSurface) -> Option<shell::Id> {
        self.iter().find_map(|window| match &window.source {
            Source::Local(local) if local.surface() == surface => Some(window.id),
            _ => None,
        })
    }

    /// Those of dom0's own clients, in no order.
    pub fn locals(&self) -> impl Iterator<Item = (shell::Id, &LocalWindow)> {
        self.iter().filter_map(|window| match &window.source {
            Source::Local(local) => Some((window.id, local)),
            Source::Guest(_) => None,
        })
    }

    /// All windows, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Window> {
        self.0.values()
    }
}
