//! The outputs clients see: those of the GUI domain as the daemon describes them, and what goes with outputs (viewporter,
//! presentation time, fractional scale).
//!
//! The base protocol tells one screen, and neither scale nor physical size nor refresh: scale is 1, the size in
//! millimetres unknown, and the refresh rate the one the agent paces its clients at. With the extension each output has
//! its place, mode, refresh and scale, and each window the scale it is best drawn at.

use gui_protocol::{Arrange, WindowId};
use smithay::{
    output::{Mode, Output, PhysicalProperties, Scale, Subpixel},
    reexports::wayland_server::{DisplayHandle, backend::GlobalId, protocol::wl_surface::WlSurface},
    utils::{Logical, Rectangle, Size, Transform},
    wayland::{
        compositor::{
            TraversalAction, get_parent, send_surface_state, with_states, with_surface_tree_downward,
        },
        fractional_scale::{FractionalScaleHandler, with_fractional_scale},
        output::OutputHandler,
    },
};

use crate::{compose::Density, state::State, window::from_rect};

impl OutputHandler for State {}

impl FractionalScaleHandler for State {
    fn new_fractional_scale(&mut self, surface: WlSurface) {
        let mut root = surface.clone();
        while let Some(parent) = get_parent(&root) {
            root = parent;
        }
        let window = self.windows.of_surface(&root).and_then(|id| self.windows.get(id));
        let preferred = window.map_or(self.outputs.primary().density(), |window| window.preferred);
        tell_preferred(&surface, preferred);
    }
}

/// An output and what it is to the GUI domain.
pub(crate) struct Known {
    id: u32,
    output: Output,
    area: Rectangle<i32, Logical>,
    density: Density,
    global: GlobalId,
}

impl Known {
    fn new(display: &DisplayHandle, told: &gui_protocol::Output) -> Self {
        let properties = PhysicalProperties {
            size: (0, 0).into(),
            subpixel: Subpixel::Unknown,
            make: "GUI domain".into(),
            model: "screen".into(),
        };
        let output = Output::new(format!("GUI-{}", told.id), properties);
        let mut known = Self {
            id: told.id,
            global: output.create_global::<State>(display),
            output,
            area: Rectangle::default(),
            density: Density::ONE,
        };
        known.update(told);
        known
    }

    fn update(&mut self, told: &gui_protocol::Output) {
        let gui_protocol::Output { x, y, width, height, mode_width, mode_height, refresh_mhz, scale, .. } =
            *told;
        let side = |pixels: u32| i32::try_from(pixels).unwrap_or(i32::MAX).max(1);
        self.area = from_rect(gui_protocol::Rect { x, y, width: width.max(1), height: height.max(1) });
        self.density = Density(scale.in_120ths());
        let refresh = i32::try_from(refresh_mhz).unwrap_or(i32::MAX);
        let mode = Mode { size: (side(mode_width), side(mode_height)).into(), refresh };
        for old in self.output.modes().into_iter().filter(|old| *old != mode) {
            self.output.delete_mode(old);
        }
        let scale = Scale::Fractional(self.density.factor());
        self.output.change_current_state(Some(mode), None, Some(scale), Some(self.area.loc));
        self.output.set_preferred(mode);
    }

    /// The scale it needs no scaling at.
    pub(crate) fn density(&self) -> Density {
        self.density
    }
}

/// All outputs, the primary one first. There is always one.
pub(crate) struct Outputs {
    primary: Known,
    others: Vec<Known>,
    /// Of outputs that went with the last change. A client that has not heard of it may still bind them.
    gone: Vec<GlobalId>,
}

impl Outputs {
    /// The one screen of a daemon that tells no more.
    pub(crate) fn new(display: &DisplayHandle, size: (i32, i32), refresh_hz: u32) -> Self {
        Self {
            primary: Known::new(display, &screen_of(size, refresh_hz)),
            others: Vec::new(),
            gone: Vec::new(),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Known> {
        std::iter::once(&self.primary).chain(&self.others)
    }

    pub(crate) fn primary(&self) -> &Known {
        &self.primary
    }

    /// The primary one as smithay has it.
    pub(crate) fn primary_output(&self) -> &Output {
        &self.primary.output
    }

    /// The output that most of a rectangle is on, or else the primary one.
    pub(crate) fn best(&self, area: Rectangle<i32, Logical>) -> &Known {
        let shared = |known: &&Known| {
            let common = known.area.intersection(area).map(|common| common.size).unwrap_or_default();
            i64::from(common.w).saturating_mul(common.h.into())
        };
        let best = self.all().filter(|known| shared(known) > 0).max_by_key(shared);
        best.unwrap_or(&self.primary)
    }

    /// The same as smithay has it.
    pub(crate) fn best_output(&self, area: Rectangle<i32, Logical>) -> &Output {
        &self.best(area).output
    }

    /// The primary output as a rectangle of the desktop.
    pub(crate) fn screen(&self) -> Rectangle<i32, Logical> {
        self.primary.area
    }

    /// An output as a rectangle of the desktop; the primary one if it is none or gone.
    pub(crate) fn area(&self, output: Option<&Output>) -> Rectangle<i32, Logical> {
        let known = output.and_then(|output| self.all().find(|known| known.output == *output));
        known.unwrap_or(&self.primary).area
    }

    /// These are all outputs now. Those that stay keep their globals. Returns those that are gone.
    fn replace(&mut self, display: &DisplayHandle, told: &[gui_protocol::Output]) -> Vec<Output> {
        let Some((first, rest)) = told.split_first() else { return Vec::new() };
        self.gone.drain(..).for_each(|global| display.remove_global::<State>(global));
        // the globals go by identity, not by order
        if self.primary.id != first.id {
            let known = match self.others.iter().position(|known| known.id == first.id) {
                Some(at) => self.others.swap_remove(at),
                None => Known::new(display, first),
            };
            self.others.push(std::mem::replace(&mut self.primary, known));
        }
        self.primary.update(first);
        let gone = |known: &mut Known| !rest.iter().any(|told| told.id == known.id);
        let mut outputs = Vec::new();
        for known in self.others.extract_if(.., gone) {
            display.disable_global::<State>(known.global.clone());
            self.gone.push(known.global);
            outputs.push(known.output);
        }
        for told in rest {
            match self.others.iter_mut().find(|known| known.id == told.id) {
                Some(known) => known.update(told),
                None => self.others.push(Known::new(display, told)),
            }
        }
        outputs
    }

    /// A surface is on the outputs that its area touches, and on the best one in any case.
    fn enter(&self, surface: &WlSurface, area: Rectangle<i32, Logical>) {
        let best = self.best(area).id;
        for known in self.all() {
            match known.id == best || known.area.overlaps(area) {
                true => known.output.enter(surface),
                false => known.output.leave(surface),
            }
        }
    }

    /// A surface is on no output any more.
    pub(crate) fn leave(&self, surface: &WlSurface) {
        self.all().for_each(|known| known.output.leave(surface));
    }
}

/// The screen of the base protocol as the extension would tell it.
fn screen_of(size: (i32, i32), refresh_hz: u32) -> gui_protocol::Output {
    let (width, height) = (size.0.unsigned_abs(), size.1.unsigned_abs());
    gui_protocol::Output {
        id: 1,
        x: 0,
        y: 0,
        width,
        height,
        mode_width: width,
        mode_height: height,
        refresh_mhz: refresh_hz.saturating_mul(1000),
        scale: gui_protocol::Scale::ONE,
    }
}

/// Tells a surface's client what scale it is best drawn at.
fn tell_preferred(surface: &WlSurface, preferred: Density) {
    with_states(surface, |states| {
        send_surface_state(surface, states, preferred.whole(), Transform::Normal);
        with_fractional_scale(states, |scale| scale.set_preferred_scale(preferred.factor()));
    });
}

impl State {
    /// There is one screen, of this size.
    pub(crate) fn screen_changed(&mut self, size: (i32, i32)) {
        self.outputs_changed(&[screen_of(size, self.refresh_hz)]);
    }

    /// These are all outputs.
    pub(crate) fn outputs_changed(&mut self, outputs: &[gui_protocol::Output]) {
        // before Xwayland is told of them in terms of it
        let densest = outputs.iter().map(|output| output.scale.in_120ths()).max();
        self.xwayland.set_density(Density(densest.unwrap_or(0).max(Density::ONE.0)));
        let gone = self.outputs.replace(&self.display, outputs);
        for id in self.windows.ids() {
            if let Some(window) = self.windows.get(id) {
                gone.iter().for_each(|output| output.leave(&window.surface));
            }
            self.enter_outputs(id);
        }
        self.lay_out();
    }

    /// Tells a window's client which outputs it is on, and what scale it is best drawn at.
    pub(crate) fn enter_outputs(&mut self, id: WindowId) {
        let Some(window) = self.windows.get(id) else { return };
        self.outputs.enter(&window.surface, window.geometry);
        self.prefer_scale(&window.surface, window.preferred);
    }

    /// The GUI domain says what scale a window is best drawn at.
    pub(crate) fn scale_arranged(&mut self, id: WindowId, arrange: &Arrange) {
        let preferred = Density(arrange.scale.in_120ths());
        if let Some(window) = self.windows.get_mut(id).filter(|window| window.preferred != preferred) {
            window.preferred = preferred;
            self.windows.touch(id);
        }
        self.enter_outputs(id);
    }

    /// Tells the client of a surface and its subsurfaces.
    pub(crate) fn prefer_scale(&self, root: &WlSurface, preferred: Density) {
        let mut surfaces = Vec::new();
        with_surface_tree_downward(
            root,
            (),
            |_, _, ()| TraversalAction::DoChildren(()),
            |surface, _, ()| surfaces.push(surface.clone()),
            |_, _, ()| true,
        );
        surfaces.iter().for_each(|surface| tell_preferred(surface, preferred));
    }

    /// The room a new window has.
    pub(crate) fn bounds(&self) -> Size<i32, Logical> {
        self.outputs.screen().size
    }
}

smithay::delegate_output!(State);
smithay::delegate_presentation!(State);
smithay::delegate_fractional_scale!(State);
