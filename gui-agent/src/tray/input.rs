//! What the user does to icons and menus: with the pointer, a finger, the keyboard.

use wayland_client::{
    Connection, Dispatch, QueueHandle, WEnum,
    protocol::{
        wl_keyboard::{self, KeyState, KeymapFormat, WlKeyboard},
        wl_pointer::{self, ButtonState, WlPointer},
        wl_seat::{self, Capability, WlSeat},
        wl_surface::WlSurface,
        wl_touch::{self, WlTouch},
    },
};

use super::{LEFT, RIGHT, Tray};

/// Milliseconds after which a finger that is lifted has asked for the menu.
const HELD_LONG: u32 = 500;

/// What the seat has.
#[derive(Default)]
pub(super) struct Devices {
    pointer: Option<WlPointer>,
    keyboard: Option<WlKeyboard>,
    touch: Option<WlTouch>,
}

/// The finger that came first; others mean nothing.
pub(super) struct Finger {
    id: i32,
    surface: WlSurface,
    since: u32,
}

impl Tray {
    fn points_at(&mut self, over: Option<(WlSurface, f64, f64)>) {
        let left = self.over_panel();
        self.over = over;
        // told of elsewhere, it changes nothing of what keys have chosen
        if left.or_else(|| self.over_panel()).is_some() {
            self.point_at_menu();
        }
    }
}

impl Dispatch<WlSeat, ()> for Tray {
    fn event(
        tray: &mut Self,
        seat: &WlSeat,
        event: wl_seat::Event,
        (): &(),
        _: &Connection,
        queue: &QueueHandle<Self>,
    ) {
        let wl_seat::Event::Capabilities { capabilities } = event else { return };
        let Ok(capabilities) = capabilities.into_result() else { return };
        let Devices { pointer, keyboard, touch } = &mut tray.devices;
        if capabilities.contains(Capability::Pointer) {
            pointer.get_or_insert_with(|| seat.get_pointer(queue, ()));
        }
        if capabilities.contains(Capability::Keyboard) {
            keyboard.get_or_insert_with(|| seat.get_keyboard(queue, ()));
        }
        // comes and goes with daemons that know of it
        if !capabilities.contains(Capability::Touch) {
            touch.take().inspect(WlTouch::release);
        } else {
            touch.get_or_insert_with(|| seat.get_touch(queue, ()));
        }
    }
}

impl Dispatch<WlPointer, ()> for Tray {
    fn event(
        tray: &mut Self,
        _: &WlPointer,
        event: wl_pointer::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            wl_pointer::Event::Enter { surface, surface_x, surface_y, .. } => {
                tray.points_at(Some((surface, surface_x, surface_y)));
            }
            wl_pointer::Event::Motion { surface_x, surface_y, .. } => {
                let over = tray.over.take();
                tray.points_at(over.map(|(surface, ..)| (surface, surface_x, surface_y)));
            }
            wl_pointer::Event::Leave { .. } => tray.points_at(None),
            wl_pointer::Event::Button {
                serial, button, state: WEnum::Value(ButtonState::Pressed), ..
            } => {
                tray.pressed(button, serial);
            }
            wl_pointer::Event::Axis { axis: WEnum::Value(axis), value, .. } => tray.scrolled(axis, value),
            _ => {}
        }
    }
}

impl Dispatch<WlTouch, ()> for Tray {
    fn event(
        tray: &mut Self,
        _: &WlTouch,
        event: wl_touch::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            wl_touch::Event::Down { time, surface, id, x, y, .. } if tray.finger.is_none() => {
                tray.finger = Some(Finger { id, surface: surface.clone(), since: time });
                tray.points_at(Some((surface, x, y)));
            }
            wl_touch::Event::Motion { id, x, y, .. } => {
                let surface = tray.finger.as_ref().filter(|it| it.id == id).map(|it| it.surface.clone());
                if let Some(surface) = surface {
                    tray.points_at(Some((surface, x, y)));
                }
            }
            wl_touch::Event::Up { serial, time, id } => {
                if let Some(finger) = tray.finger.take_if(|it| it.id == id) {
                    let is_long = time.wrapping_sub(finger.since) >= HELD_LONG;
                    tray.pressed(if is_long { RIGHT } else { LEFT }, serial);
                    tray.points_at(None);
                }
            }
            wl_touch::Event::Cancel => {
                tray.finger = None;
                tray.points_at(None);
            }
            _ => {}
        }
    }
}

impl Dispatch<WlKeyboard, ()> for Tray {
    fn event(
        tray: &mut Self,
        _: &WlKeyboard,
        event: wl_keyboard::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            wl_keyboard::Event::Keymap { format: WEnum::Value(KeymapFormat::XkbV1), fd, size } => {
                tray.keys.set_keymap(fd, size);
            }
            wl_keyboard::Event::Modifiers { mods_depressed, mods_latched, mods_locked, group, .. } => {
                tray.keys.set_modifiers((mods_depressed, mods_latched, mods_locked), group);
            }
            wl_keyboard::Event::Key { serial, key, state: WEnum::Value(KeyState::Pressed), .. } => {
                if let Some(key) = tray.keys.meaning(key) {
                    tray.typed(key, serial);
                }
            }
            _ => {}
        }
    }
}
