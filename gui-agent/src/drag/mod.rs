//! Drag and drop: what an application of this domain drags, and what it is dragged over.
//!
//! A drag has a source and, at any time, at most one target; what the one is and the other is does not matter to either.
//! Sources ([`source`]) and targets that are Wayland programs ([`offer`]) speak `wl_data_source` and `wl_data_offer`, X11's
//! speak XDND with the window manager ([`crate::xwayland`]). Smithay's own drags end at a program without a
//! `wl_data_device`, which is every X11 program; hence these.
//!
//! As long as a Wayland program drags, nobody has what it drags with, the pointer or a finger: [`crate::input`] and
//! [`crate::devices`] tell the drag where that is, and clients nothing. An X11 program that drags keeps the pointer, for the X
//! server. A drag ends when the button or the finger that it began with comes up (for an X11 program, when it says so), when
//! its source goes, or when nobody points any more, and always once.

pub(crate) mod offer;
pub(crate) mod source;

use smithay::{
    backend::input::TouchSlot,
    reexports::wayland_server::{
        Client, DataInit, Dispatch, DisplayHandle, Resource,
        protocol::{
            wl_data_device::{self, WlDataDevice},
            wl_data_device_manager::DndAction,
            wl_surface::WlSurface,
        },
    },
    utils::{Logical, Point, Serial},
    wayland::{
        compositor::give_role,
        selection::data_device::{DND_ICON_ROLE, DataDeviceState, DataDeviceUserData},
    },
};

use self::{
    offer::Target,
    source::{Source, Word},
};
use crate::{state::State, surface::x11_of};

/// A surface that is dragged over, and where on the screen it begins.
type Under = Option<(WlSurface, Point<f64, Logical>)>;

/// Something that is dragged.
#[derive(Debug)]
pub(crate) struct Drag {
    /// Whose it is. Without one, only the program itself is told of the drag.
    source: Option<Source>,
    /// From where, if from a Wayland program.
    origin: Option<WlSurface>,
    by: By,
    over: Option<Over>,
}

/// What drags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// The pointer, as long as this button is held.
    Button(u32),
    /// A finger, as long as it touches.
    Finger(TouchSlot),
    /// An X11 program, which has the pointer. It says itself what becomes of that.
    Program,
}

/// What it is over.
#[derive(Debug)]
enum Over {
    /// A surface of a Wayland program's.
    Wayland(Target),
    /// That of an X11 window.
    X11(WlSurface),
}

impl Over {
    fn surface(&self) -> &WlSurface {
        match self {
            Self::Wayland(target) => target.surface(),
            Self::X11(surface) => surface,
        }
    }
}

impl State {
    /// What drags, if anything is dragged.
    pub(crate) fn dragged_by(&self) -> Option<By> {
        self.drag.as_ref().map(|drag| drag.by)
    }

    /// A program wants to drag something, with what it was pressed by.
    fn start_drag(&mut self, source: Option<Source>, origin: WlSurface, serial: Serial) -> bool {
        if self.drag.is_some() {
            return false;
        }
        // a serial may be guessed
        let is_own =
            |pressed: Under| pressed.is_some_and(|(surface, _)| surface.id().same_client_as(&origin.id()));
        let (pointer, touch) = (self.seat.get_pointer(), self.seat.get_touch());
        let by = if let Some(pointer) = pointer.filter(|pointer| pointer.has_grab(serial)) {
            let Some(start) = pointer.grab_start_data() else { return false };
            // what a popup holds began on none
            if !is_own(start.focus.or_else(|| self.under_pointer.clone())) {
                return false;
            }
            pointer.unset_grab(self, serial, self.frames.millis());
            let location = pointer.current_location();
            self.point_at(None, location);
            By::Button(start.button)
        } else if let Some(touch) = touch.filter(|touch| touch.has_grab(serial)) {
            let Some(start) = touch.grab_start_data().filter(|start| is_own(start.focus.clone())) else {
                return false;
            };
            touch.unset_grab(self);
            By::Finger(start.slot)
        } else {
            return false;
        };
        self.drag = Some(Drag { source, origin: Some(origin), by, over: None });
        true
    }

    /// An X11 program drags something, or something else than before. Returns whether it may.
    pub(crate) fn begin_program_drag(&mut self, source: Source) -> bool {
        match &mut self.drag {
            None => {
                self.drag = Some(Drag { source: Some(source), origin: None, by: By::Program, over: None })
            }
            Some(drag) if drag.by == By::Program => {
                let (before, over) = (drag.source.replace(source), drag.over.take());
                self.leave_target(before.as_ref(), over);
            }
            Some(_) => return false,
        }
        true
    }

    /// What drags is here now.
    pub(crate) fn drag_over(&mut self, under: Under, location: Point<f64, Logical>) {
        let Some(mut drag) = self.drag.take() else { return };
        if drag.source.as_ref().is_some_and(|source| !source.is_there()) {
            self.drag = Some(drag);
            return self.cancel_drag();
        }
        let surface = under.as_ref().map(|(surface, _)| surface);
        if drag.over.as_ref().map(Over::surface) != surface {
            self.leave_target(drag.source.as_ref(), drag.over.take());
            drag.over = surface.and_then(|surface| match (x11_of(surface), &drag.source) {
                (None, source) => {
                    let target = Target::new(self, surface, source.as_ref(), drag.origin.as_ref())?;
                    Some(Over::Wayland(target))
                }
                (Some(window), Some(source)) => {
                    self.x11_drag_entered(window, source).then(|| Over::X11(surface.clone()))
                }
                (Some(_), None) => None,
            });
        }
        match (&mut drag.over, under) {
            (Some(Over::Wayland(target)), Some((_, corner))) => {
                target.is_at(location - corner, self.frames.millis());
            }
            (Some(Over::X11(_)), _) => self.x11_drag_is_at(location),
            _ => {}
        }
        self.drag = Some(drag);
    }

    fn leave_target(&mut self, source: Option<&Source>, over: Option<Over>) {
        match over {
            Some(Over::Wayland(target)) => target.leave(),
            Some(Over::X11(_)) => self.x11_drag_left(),
            None => return,
        }
        if let Some(source) = source {
            self.tell_source(source, Word::Accepted(None));
            self.tell_source(source, Word::Action(DndAction::None));
        }
    }

    /// What has dragged lets go.
    pub(crate) fn drop_dragged(&mut self) {
        let Some(Drag { source, over, .. }) = self.drag.take() else { return };
        // who is below the pointer gets it now
        self.look_again = true;
        match (over, source) {
            (Some(Over::Wayland(target)), source) => {
                let taken = target.drop();
                if let Some(source) = source {
                    self.tell_source(&source, if taken { Word::Dropped } else { Word::Cancelled });
                }
            }
            (Some(Over::X11(_)), _) => return self.x11_drag_dropped(),
            (None, Some(source)) => self.tell_source(&source, Word::Cancelled),
            (None, None) => {}
        }
        self.x11_drag_over();
    }

    /// It is not dragged any more, and not dropped.
    pub(crate) fn cancel_drag(&mut self) {
        let Some(Drag { source, over, .. }) = self.drag.take() else { return };
        self.look_again = true;
        self.leave_target(source.as_ref(), over);
        self.x11_drag_over();
        if let Some(source) = source {
            self.tell_source(&source, Word::Cancelled);
        }
    }

    /// A surface is gone.
    pub(crate) fn drag_loses(&mut self, surface: &WlSurface) {
        let Some(drag) = &mut self.drag else { return };
        let over = drag.over.take_if(|over| over.surface() == surface);
        let lifted = matches!(drag.by, By::Finger(_)) && drag.origin.as_ref() == Some(surface);
        let source = drag.source.clone();
        self.leave_target(source.as_ref(), over);
        if lifted {
            // it touches nothing that is there
            self.cancel_drag();
        }
    }
}

/// Handles `wl_data_device` in place of smithay, which gets all but drags.
pub(crate) enum Devices {}

impl Dispatch<WlDataDevice, DataDeviceUserData, State> for Devices {
    fn request(
        state: &mut State,
        client: &Client,
        device: &WlDataDevice,
        request: wl_data_device::Request,
        data: &DataDeviceUserData,
        display: &DisplayHandle,
        init: &mut DataInit<'_, State>,
    ) {
        let wl_data_device::Request::StartDrag { source, origin, icon, serial } = request else {
            return DataDeviceState::request(state, client, device, request, data, display, init);
        };
        // nobody draws it, but it can be nothing else
        if icon.is_some_and(|icon| give_role(&icon, DND_ICON_ROLE).is_err()) {
            return device.post_error(wl_data_device::Error::Role, "the icon has another role");
        }
        let source = source.map(Source::Wayland);
        if !state.start_drag(source.clone(), origin, serial.into())
            && let Some(source) = source
        {
            state.tell_source(&source, Word::Cancelled);
        }
    }
}
