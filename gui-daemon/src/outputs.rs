//! The outputs: what each of them shows, at which pace, and who is told of it.
//!
//! All geometry is in logical pixels but for an output's own [`Canvas`]. Invariants: once the daemon runs there is an output;
//! none overlaps another; a frame is asked for only of outputs on which something may have changed.

use std::collections::BTreeSet;

use smithay::{
    desktop::utils::{output_update, with_surfaces_surface_tree},
    output::{Mode, Output, PhysicalProperties, Scale as WlScale, Subpixel},
    reexports::wayland_server::{backend::GlobalId, protocol::wl_surface::WlSurface},
    utils::{Logical, Physical, Point, Rectangle, Size, Transform},
    wayland::{
        compositor::{SurfaceData, send_surface_state},
        fractional_scale::with_fractional_scale,
    },
};
use tracing::{error, warn};

use crate::{
    backend::{BackendError, OutputId},
    config::{LayoutError, OutputConfig},
    render::{Canvas, CursorLook, RenderError, SHARE, Text},
    scale::Scale,
    shell::{self, geom},
    state::State,
    windows::Source,
};

/// How far from the place it points at one of the pointer's own shapes may be drawn, in logical pixels.
const SHAPE_REACH: i32 = 24;

/// One output and what it shows.
#[derive(Debug)]
pub struct Screen {
    id: OutputId,
    config: OutputConfig,
    wl: Output,
    global: GlobalId,
    /// What is shown.
    pub canvas: Canvas,
    /// The GPU that the canvas is drawn by.
    gpu: Option<u64>,
    /// Whether a frame is asked for that is not drawn yet.
    pub(crate) queued: bool,
    /// What it has to draw.
    pub(crate) redraw: Redraw,
    /// Frames drawn since the start in which something had changed.
    pub(crate) frames: u64,
    /// The windows on it as of the last frame that was asked for because of them.
    placed: Vec<Placed>,
}

/// What may have changed on an output since its last frame.
#[derive(Debug)]
pub(crate) enum Redraw {
    /// The content of these domains' windows, and nothing else.
    Content(BTreeSet<shell::Id>),
    /// Anything.
    All,
}

impl Default for Redraw {
    fn default() -> Self {
        Self::Content(BTreeSet::new())
    }
}

impl Redraw {
    pub(crate) fn add(&mut self, id: shell::Id) {
        if let Self::Content(windows) = self {
            windows.insert(id);
        }
    }
}

/// What of a window's place and look the shell decides.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Placed {
    id: shell::Id,
    frame: geom::Rect,
    content: geom::Rect,
    focused: bool,
    state: shell::State,
}

impl Screen {
    /// Its id.
    pub fn id(&self) -> OutputId {
        self.id
    }

    /// How it is set.
    pub fn config(&self) -> &OutputConfig {
        &self.config
    }

    /// What of the desktop it shows.
    pub fn area(&self) -> geom::Rect {
        self.config.area()
    }

    /// What dom0's clients see of it.
    pub fn wl(&self) -> &Output {
        &self.wl
    }

    /// Frames drawn since the start in which something had changed.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Whether a frame is asked for that is not drawn yet.
    pub fn is_queued(&self) -> bool {
        self.queued
    }

    fn shows(&self, rect: geom::Rect) -> bool {
        !self.area().intersection(rect).is_empty()
    }

    /// Tells dom0's clients how it is set.
    fn announce(&self, refresh: i32) {
        let geom::Size { width, height } = self.config.pixels();
        let mode = Mode { size: (width, height).into(), refresh };
        let before = self.wl.current_mode();
        self.wl.change_current_state(
            Some(mode),
            Some(Transform::Normal),
            Some(WlScale::Fractional(self.config.scale.as_f64())),
            Some((self.config.x, self.config.y).into()),
        );
        self.wl.set_preferred(mode);
        if let Some(before) = before.filter(|before| *before != mode) {
            self.wl.delete_mode(before);
        }
    }
}

/// All outputs, the first of them the primary one.
#[derive(Debug, Default)]
pub struct Outputs {
    screens: Vec<Screen>,
    next_id: u32,
    text: Text,
    /// Globals of outputs that are gone, which a client may not have heard of yet.
    retired: Vec<GlobalId>,
}

/// Why outputs were not set.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// None would be left.
    #[error("the last output cannot be removed")]
    None,
    /// The outputs belong to the host.
    #[error("outputs can be changed on the headless backend only")]
    NotVirtual,
    /// They contradict each other or a limit.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// One cannot be drawn.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// One cannot be shown.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

impl Outputs {
    /// All of them, the primary one first.
    pub fn iter(&self) -> impl Iterator<Item = &Screen> {
        self.screens.iter()
    }

    /// The first.
    pub fn primary(&self) -> Option<&Screen> {
        self.iter().next()
    }

    pub(crate) fn get_mut(&mut self, id: OutputId) -> Option<&mut Screen> {
        self.screens.iter_mut().find(|screen| screen.id == id)
    }

    /// The output with this id.
    pub fn get(&self, id: OutputId) -> Option<&Screen> {
        self.iter().find(|screen| screen.id == id)
    }

    /// The output of this name.
    pub fn named(&self, name: &str) -> Option<&Screen> {
        self.iter().find(|screen| screen.config.name == name)
    }

    /// How they are set.
    pub fn configs(&self) -> Vec<OutputConfig> {
        self.iter().map(|screen| screen.config.clone()).collect()
    }

    /// The rectangle around all of them.
    pub fn bounds(&self) -> geom::Rect {
        let around = |a: geom::Rect, b: geom::Rect| {
            let (x, y) = (a.x.min(b.x), a.y.min(b.y));
            geom::Rect::new(x, y, a.right().max(b.right()) - x, a.bottom().max(b.bottom()) - y)
        };
        self.iter().map(Screen::area).reduce(around).unwrap_or_default()
    }

    /// The output that shows most of `rect`, or else the one nearest to it.
    pub fn main_of(&self, rect: geom::Rect) -> Option<&Screen> {
        self.iter().min_by_key(|screen| {
            let area = screen.area();
            let away = area.centre().minus(rect.centre());
            let distance = i64::from(away.x).pow(2).saturating_add(i64::from(away.y).pow(2));
            (-area.intersection(rect).area(), distance)
        })
    }

    /// The place on an output nearest to `at`.
    pub fn nearest(&self, at: Point<f64, Logical>) -> Point<f64, Logical> {
        let inside = |area: geom::Rect| {
            let bring = |at: f64, low: i32, end: i32| at.max(low.into()).min(f64::from(end) - 1.0);
            Point::from((bring(at.x, area.x, area.right()), bring(at.y, area.y, area.bottom())))
        };
        let whole = geom::Point::new(at.x.floor() as i32, at.y.floor() as i32);
        if self.iter().any(|screen| screen.area().contains(whole)) {
            return at;
        }
        let distance = |place: &Point<f64, Logical>| (place.x - at.x).powi(2) + (place.y - at.y).powi(2);
        let places = self.iter().map(|screen| inside(screen.area()));
        places.min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or_default()
    }

    /// Canvas and id for each output that is to be; a canvas only where what there is does not do.
    fn prepare(&mut self, outputs: &[OutputConfig]) -> Result<Vec<(OutputId, Option<Canvas>)>, RenderError> {
        let mut prepared = Vec::with_capacity(outputs.len());
        for config in outputs {
            let known = self.named(&config.name).map(|screen| (screen.id, &screen.config));
            let same = known.filter(|(_, is)| (is.pixels(), is.scale) == (config.pixels(), config.scale));
            let canvas = match same {
                Some(_) => None,
                None => Some(Canvas::new(config.pixels(), config.scale, self.text.clone())?),
            };
            let id = known.map(|(id, _)| id);
            let id = id.unwrap_or_else(|| {
                let id = OutputId(self.next_id);
                self.next_id += 1;
                id
            });
            prepared.push((id, canvas));
        }
        Ok(prepared)
    }
}

impl State {
    /// Replaces the outputs; the first is the primary one. One that keeps its name stays the same output, with whatever
    /// changed. Windows of an output that goes move to another.
    ///
    /// # Errors
    /// If these outputs cannot be used together, or one of them not at all. Then everything is as it was.
    pub fn set_outputs(&mut self, outputs: &[OutputConfig]) -> Result<(), OutputError> {
        let outputs = self.backend.shown(outputs);
        OutputConfig::check(&outputs)?;
        if outputs.is_empty() {
            return Err(OutputError::None);
        }
        let prepared = self.outputs.prepare(&outputs)?;
        for (config, (id, _)) in outputs.iter().zip(&prepared) {
            let before = self.outputs.get(*id).map(|screen| screen.config.refresh_hz);
            // A screen of the machine's own may be another than before, and be as it was in all else.
            if before != Some(config.refresh_hz) || !self.backend.outputs_are_virtual() {
                self.backend.connect(*id, config)?;
            }
        }
        let mut before = std::mem::take(&mut self.outputs.screens);
        for (config, (id, canvas)) in outputs.into_iter().zip(prepared) {
            let known = before.iter().position(|screen| screen.id == id).map(|at| before.remove(at));
            let screen = match (known, canvas) {
                (Some(screen), None) => Screen { config, queued: false, ..screen },
                (Some(screen), Some(canvas)) => Screen { config, canvas, gpu: None, queued: false, ..screen },
                (None, Some(canvas)) => self.new_screen(id, config, canvas),
                // `prepare` has made a canvas for every output that is new.
                (None, None) => continue,
            };
            self.outputs.screens.push(screen);
        }
        self.choose_painters();
        for screen in &mut self.outputs.screens {
            screen.canvas.move_to(screen.area().origin());
            screen.announce(self.backend.refresh_mhz(&screen.config));
        }
        self.retire(before);
        self.outputs_changed();
        Ok(())
    }

    /// Has each output drawn by the GPU that is to draw it, or by the CPU. Without the memory for that, what is shown stays.
    fn choose_painters(&mut self) {
        let Self { outputs, backend, .. } = self;
        let text = outputs.text.clone();
        while let Some(screen) =
            outputs.screens.iter_mut().find(|screen| screen.gpu != backend.gpu(screen.id))
        {
            let (id, size, scale) = (screen.id, screen.config.pixels(), screen.config.scale);
            let on_gpu = match backend.renderer(id) {
                Some(Ok(renderer)) => Canvas::on_gpu(renderer, size, scale, text.clone()).map(Some),
                Some(Err(error)) => Err(error.into()),
                None => Ok(None),
            };
            let canvas = match on_gpu {
                Ok(Some(canvas)) => Ok(canvas),
                Ok(None) => Canvas::new(size, scale, text.clone()),
                Err(error) => {
                    warn!(output = screen.config.name, "the CPU draws, for the GPU does not: {error}");
                    // It is the same for the others of this GPU, and this one comes once more if it had been drawn by one.
                    backend.give_up_gpu(id);
                    continue;
                }
            };
            (screen.gpu, screen.redraw) = (backend.gpu(id), Redraw::All);
            match canvas {
                Ok(canvas) => screen.canvas = canvas,
                Err(error) => error!(output = screen.config.name, "what is shown stays as it is: {error}"),
            }
        }
    }

    /// The GPU that draws an output has failed: the CPU draws everything that it has drawn.
    pub(crate) fn give_up_gpu(&mut self, output: OutputId, why: &dyn std::error::Error) {
        let Some(screen) = self.outputs.get(output) else { return };
        warn!(output = screen.config.name, "the CPU draws from now on, for the GPU has failed: {why}");
        self.backend.give_up_gpu(output);
        self.choose_painters();
        for screen in &mut self.outputs.screens {
            screen.canvas.move_to(screen.area().origin());
        }
        self.queue_redraw();
    }

    fn new_screen(&self, id: OutputId, config: OutputConfig, canvas: Canvas) -> Screen {
        let physical = PhysicalProperties {
            size: (0, 0).into(),
            subpixel: Subpixel::Unknown,
            make: "Transom".into(),
            model: "desktop".into(),
        };
        let wl = Output::new(config.name.clone(), physical);
        let global = wl.create_global::<State>(&self.display_handle);
        Screen {
            id,
            config,
            wl,
            global,
            canvas,
            gpu: None,
            queued: false,
            redraw: Redraw::All,
            frames: 0,
            placed: Vec::new(),
        }
    }

    /// Takes outputs away.
    fn retire(&mut self, gone: Vec<Screen>) {
        if gone.is_empty() {
            return;
        }
        // Whoever binds a global that is removed at once, because he has not heard of it yet, is disconnected for it.
        for global in self.outputs.retired.drain(..) {
            self.display_handle.remove_global::<State>(global);
        }
        for screen in gone {
            self.backend.disconnect(screen.id);
            self.forget_frames(screen.id);
            for window in self.windows.iter() {
                if let Source::Local(local) = &window.source {
                    output_update(&screen.wl, None, local.surface());
                }
            }
            self.display_handle.disable_global::<State>(screen.global.clone());
            self.outputs.retired.push(screen.global);
        }
    }

    /// The outputs changed: everyone who has to know is told here.
    pub fn outputs_changed(&mut self) {
        let first = self.outputs.primary().map(Screen::area).unwrap_or_default();
        self.backend.set_places(self.outputs.bounds(), first);
        self.shell.set_outputs(self.outputs.iter().map(Screen::area).collect());
        self.pointer.at = self.outputs.nearest(self.pointer.at);
        self.apply_effects();
        self.arrange_all();
        self.tell_all_outputs();
        self.tell_all_screens();
        self.place_notice();
        self.place_files();
        self.refresh_pointer();
    }

    /// The host's window has another size, in its pixels.
    pub(crate) fn output_resized(&mut self, width: u32, height: u32) {
        let mut outputs = self.outputs.configs();
        if let Some(output) = outputs.first_mut() {
            (output.width, output.height) = (width, height);
        }
        if let Err(err) = self.set_outputs(&outputs) {
            error!(%err, "the new size of the screen cannot be shown; it keeps the old one");
        }
    }

    /// Other screens are plugged in than before, or the same with other modes.
    pub(crate) fn screens_changed(&mut self) {
        let outputs = self.config.outputs.clone();
        if let Err(err) = self.set_outputs(&outputs) {
            error!(%err, "the screens cannot be used as they are now");
        }
    }

    /// The size of the rectangle around all outputs, in logical pixels.
    pub fn output_size(&self) -> Size<i32, Logical> {
        let bounds = self.outputs.bounds();
        (bounds.width, bounds.height).into()
    }

    /// Asks for a frame of every output.
    pub fn queue_redraw(&mut self) {
        self.queue_if(|_| true, |redraw| *redraw = Redraw::All);
    }

    /// Asks for a frame of the outputs that show some of `rect`.
    pub fn queue_redraw_in(&mut self, rect: geom::Rect) {
        self.queue_if(|screen| screen.shows(rect), |redraw| *redraw = Redraw::All);
    }

    /// Asks for a frame of the outputs that show a window, or, if none does, of the one nearest to it, whose frames are the
    /// window's.
    pub fn queue_redraw_of(&mut self, id: shell::Id) {
        self.queue_of(id, |redraw| *redraw = Redraw::All);
    }

    /// Asks for a frame of the same outputs, since the content of a domain's window changes and nothing else does.
    pub(crate) fn queue_content_of(&mut self, id: shell::Id) {
        self.queue_of(id, |redraw| redraw.add(id));
    }

    fn queue_of(&mut self, id: shell::Id, note: impl Fn(&mut Redraw)) {
        let Some(frame) = self.shell.window(id).map(|window| window.frame) else { return };
        let nearest = self.outputs.main_of(frame).map(Screen::id);
        self.queue_if(|screen| screen.shows(frame) || Some(screen.id) == nearest, note);
    }

    fn queue_if(&mut self, which: impl Fn(&Screen) -> bool, note: impl Fn(&mut Redraw)) {
        for screen in &mut self.outputs.screens {
            if which(screen) {
                note(&mut screen.redraw);
                if !std::mem::replace(&mut screen.queued, true) {
                    self.backend.schedule_frame(screen.id);
                }
            }
        }
    }

    /// Asks for a frame of the outputs that the pointer is drawn on.
    pub fn queue_cursor_redraw(&mut self) {
        let at = geom::Rect::at(self.pointer_position(), geom::Size::new(1, 1));
        let is_shape = matches!(self.cursor_look(), CursorLook::Shape(_));
        let height = self.outputs.iter().map(|screen| screen.area().height).max().unwrap_or_default();
        let reach = if is_shape { SHAPE_REACH } else { height / SHARE };
        self.queue_redraw_in(at.outset(geom::Insets::uniform(reach)));
    }

    /// Asks for a frame of the outputs whose windows the shell has changed. Compares them all, so it is done once for many
    /// changes.
    pub(crate) fn queue_changed(&mut self) {
        if !std::mem::take(&mut self.rearranged) {
            return;
        }
        let Self { outputs, shell, backend, .. } = self;
        for screen in &mut outputs.screens {
            let area = screen.area();
            let placed =
                shell.stack().filter(|window| !window.frame.intersection(area).is_empty()).map(|window| {
                    let shell::Window { id, frame, content, focused, state, .. } = *window;
                    Placed { id, frame, content, focused, state }
                });
            let placed: Vec<Placed> = placed.collect();
            if screen.placed != placed {
                screen.placed = placed;
                screen.redraw = Redraw::All;
                if !std::mem::replace(&mut screen.queued, true) {
                    backend.schedule_frame(screen.id);
                }
            }
        }
        self.tell_all_outputs();
        self.answer_syncs();
    }

    /// Frames drawn on all outputs since the start in which something had changed.
    pub fn frames_drawn(&self) -> u64 {
        self.outputs.iter().map(Screen::frames).sum()
    }

    /// Whether something may have changed that is not drawn yet.
    pub fn frame_is_queued(&self) -> bool {
        self.rearranged || self.outputs.iter().any(Screen::is_queued)
    }

    fn tell_all_outputs(&self) {
        self.windows.iter().for_each(|window| self.tell_outputs(window.id));
    }

    /// Tells a window of dom0's clients which outputs show it, and to draw for the one that shows most of it.
    pub(crate) fn tell_outputs(&self, id: shell::Id) {
        let (Some(window), Some(shown)) = (self.windows.get(id), self.shell.window(id)) else { return };
        let Source::Local(local) = &window.source else { return };
        let origin = local.surface_origin((shown.content.x, shown.content.y).into());
        let visible = self.shell.is_visible(id);
        for screen in self.outputs.iter() {
            let area = screen.area();
            let seen = visible && !area.intersection(shown.frame).is_empty();
            let relative = Rectangle::new(
                (area.x.saturating_sub(origin.x), area.y.saturating_sub(origin.y)).into(),
                (area.width, area.height).into(),
            );
            output_update(&screen.wl, seen.then_some(relative), local.surface());
        }
        if let Some(scale) = self.outputs.main_of(shown.frame).map(|screen| screen.config.scale) {
            with_surfaces_surface_tree(local.surface(), |surface, states| prefer(surface, states, scale));
        }
    }

    /// Tells a surface that belongs to no window yet to draw for the output where new windows go.
    pub(crate) fn prefer_first_scale(&self, surface: &WlSurface, states: &SurfaceData) {
        let at = geom::Rect::at(self.pointer_position(), geom::Size::new(1, 1));
        if let Some(screen) = self.outputs.main_of(at) {
            prefer(surface, states, screen.config.scale);
        }
    }
}

fn prefer(surface: &WlSurface, states: &SurfaceData, scale: Scale) {
    send_surface_state(surface, states, scale.whole(), Transform::Normal);
    with_fractional_scale(states, |preferred| preferred.set_preferred_scale(scale.as_f64()));
}

/// A rectangle of a screen's pixels, as the backend takes it.
pub(crate) fn physical(rect: &geom::Rect) -> Rectangle<i32, Physical> {
    Rectangle::new((rect.x, rect.y).into(), (rect.width, rect.height).into())
}
