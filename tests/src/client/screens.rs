//! Screens as a client sees them: which there are, which show its surfaces, and at what scale it is to draw.

use std::collections::{BTreeSet, HashMap};

use wayland_client::{
    Connection, Dispatch, Proxy, QueueHandle,
    backend::ObjectId,
    delegate_noop,
    protocol::{
        wl_output::{self, WlOutput},
        wl_surface::{self, WlSurface},
    },
};
use wayland_protocols::{
    wp::fractional_scale::v1::client::{
        wp_fractional_scale_manager_v1::WpFractionalScaleManagerV1,
        wp_fractional_scale_v1::{self, WpFractionalScaleV1},
    },
    xdg::xdg_output::zv1::client::{
        zxdg_output_manager_v1::ZxdgOutputManagerV1,
        zxdg_output_v1::{self, ZxdgOutputV1},
    },
};

use super::{Client, Inbox};

/// What was said of the screens.
#[derive(Default)]
pub struct Screens {
    /// The numbers of their globals.
    globals: Vec<u32>,
    /// By the screen's name, what was said last.
    pub known: HashMap<String, ScreenInfo>,
    names: HashMap<ObjectId, String>,
    /// The screens that each surface is on.
    pub of: HashMap<ObjectId, BTreeSet<String>>,
    /// Each surface's preferred scale as a whole number.
    pub whole: HashMap<ObjectId, i32>,
    /// The same in 120ths.
    pub fractional: HashMap<ObjectId, u32>,
}

/// What was said of one screen.
#[derive(Default, Clone, Debug, PartialEq)]
pub struct ScreenInfo {
    /// Pixels across and down.
    pub mode: (i32, i32),
    /// Refresh rate in mHz.
    pub refresh: i32,
    /// Place on the desktop.
    pub place: (i32, i32),
    /// Whole scale.
    pub scale: i32,
    /// Size in logical pixels.
    pub logical: (i32, i32),
}

impl Screens {
    pub(super) fn global(&mut self, number: u32, interface: &str) {
        if interface == WlOutput::interface().name {
            self.globals.push(number);
        }
    }

    pub(super) fn global_remove(&mut self, number: u32) {
        self.globals.retain(|known| *known != number);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.globals.len()
    }

    fn info(&mut self, output: &ObjectId) -> Option<&mut ScreenInfo> {
        self.known.get_mut(self.names.get(output)?)
    }
}

impl Client {
    /// Listens to all screens there are now.
    pub fn listen_to_screens(&mut self) {
        let manager: ZxdgOutputManagerV1 = self.bind(3);
        for number in self.inbox.screens.globals.clone() {
            let output: WlOutput = self.registry.bind(number, 4, &self.handle, Listened);
            manager.get_xdg_output(&output, &self.handle, output.id());
        }
    }

    /// Listens to a surface's scale.
    pub fn fractional_scale(&mut self, surface: &WlSurface) -> WpFractionalScaleV1 {
        let manager: WpFractionalScaleManagerV1 = self.bind(1);
        manager.get_fractional_scale(surface, &self.handle, surface.id())
    }
}

/// Marks the `wl_output`s of [`Client::listen_to_screens`], so that others are told apart.
pub(super) struct Listened;

impl Dispatch<WlOutput, Listened> for Inbox {
    fn event(
        inbox: &mut Self,
        output: &WlOutput,
        event: wl_output::Event,
        _: &Listened,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        let screens = &mut inbox.screens;
        match event {
            // Mode, scale and place come before the name.
            wl_output::Event::Geometry { x, y, .. } => screens.unnamed(output).place = (x, y),
            wl_output::Event::Mode { width, height, refresh, .. } => {
                let info = screens.unnamed(output);
                (info.mode, info.refresh) = ((width, height), refresh);
            }
            wl_output::Event::Scale { factor } => screens.unnamed(output).scale = factor,
            wl_output::Event::Name { name } => screens.name(output, name),
            _ => {}
        }
    }
}

impl Screens {
    /// What is known of a screen, before its name under that of its object.
    fn unnamed(&mut self, output: &WlOutput) -> &mut ScreenInfo {
        let name = self.names.entry(output.id()).or_insert_with(|| output.id().to_string());
        self.known.entry(name.clone()).or_default()
    }

    fn name(&mut self, output: &WlOutput, name: String) {
        let before = self.names.insert(output.id(), name.clone());
        let info = before.and_then(|before| self.known.remove(&before)).unwrap_or_default();
        self.known.insert(name, info);
    }
}

impl Dispatch<WlOutput, ()> for Inbox {
    fn event(
        inbox: &mut Self,
        _: &WlOutput,
        event: wl_output::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let wl_output::Event::Mode { width, height, .. } = event {
            inbox.output_mode = (width, height);
        }
    }
}

impl Dispatch<ZxdgOutputV1, ObjectId> for Inbox {
    fn event(
        inbox: &mut Self,
        _: &ZxdgOutputV1,
        event: zxdg_output_v1::Event,
        output: &ObjectId,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        let Some(info) = inbox.screens.info(output) else { return };
        match event {
            zxdg_output_v1::Event::LogicalSize { width, height } => info.logical = (width, height),
            zxdg_output_v1::Event::LogicalPosition { x, y } => info.place = (x, y),
            _ => {}
        }
    }
}

impl Dispatch<WlSurface, ()> for Inbox {
    fn event(
        inbox: &mut Self,
        surface: &WlSurface,
        event: wl_surface::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        let screens = &mut inbox.screens;
        let name = |output: &WlOutput| screens.names.get(&output.id()).cloned();
        match event {
            wl_surface::Event::Enter { output } => {
                if let Some(name) = name(&output) {
                    screens.of.entry(surface.id()).or_default().insert(name);
                }
            }
            wl_surface::Event::Leave { output } => {
                if let Some(name) = name(&output) {
                    screens.of.entry(surface.id()).or_default().remove(&name);
                }
            }
            wl_surface::Event::PreferredBufferScale { factor } => {
                screens.whole.insert(surface.id(), factor);
            }
            _ => {}
        }
    }
}

impl Dispatch<WpFractionalScaleV1, ObjectId> for Inbox {
    fn event(
        inbox: &mut Self,
        _: &WpFractionalScaleV1,
        event: wp_fractional_scale_v1::Event,
        surface: &ObjectId,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let wp_fractional_scale_v1::Event::PreferredScale { scale } = event {
            inbox.screens.fractional.insert(surface.clone(), scale);
        }
    }
}

delegate_noop!(Inbox: ZxdgOutputManagerV1);
delegate_noop!(Inbox: WpFractionalScaleManagerV1);
