//! What is on the desktop, put into the renderer's words.

use smithay::{
    input::pointer::{CursorImageStatus, CursorImageSurfaceData},
    utils::IsAlive,
    wayland::compositor::with_states,
};

use crate::{
    backend::Backend,
    chord::Chord,
    domain::Domains,
    input::PointerState,
    label::Color,
    outputs::Redraw,
    pointer_lock::{self, PointerHold},
    render::{
        Banner, Canvas, Content, Cursor, CursorIcon, CursorLook, FrameSpec, RenderError, Scene, Style, View,
    },
    shell::{self, Hit, Owner, Role, Shell, geom, geom::Point},
    state::State,
    windows::{Source, Windows},
};

/// What shows where no window is.
const DESKTOP: Color = Color::new(0x2b, 0x30, 0x3b);

/// How far from a cursor surface's corner its hot spot may be: farther, nothing of it is in sight.
const MAX_HOTSPOT: i32 = 4096;

/// The name in the frames of dom0's own windows.
pub(crate) const DOM0: &str = "dom0";

/// The parts of the state that a scene is made of, borrowed apart from the canvas it is drawn on.
pub(crate) struct Stage<'a> {
    pub shell: &'a Shell,
    pub windows: &'a Windows,
    pub domains: &'a Domains,
    pub pointer: &'a PointerState,
    pub cursor: Option<Cursor>,
    /// What the user is told, topmost first.
    pub banners: Vec<Banner>,
    /// Who holds the pointer.
    pub hold: &'a PointerHold,
    /// What takes it back.
    pub release: Chord,
}

impl<'a> Stage<'a> {
    /// Brings a canvas in step with the desktop, on which this may have changed, and returns the rectangles that were drawn.
    pub fn draw(&self, canvas: &mut Canvas, redraw: &Redraw) -> Result<Vec<geom::Rect>, RenderError> {
        // What is moved changes more than content.
        if let Redraw::Content(windows) = redraw
            && self.shell.landing_place().is_none()
        {
            let shown = windows.iter().filter(|id| self.shell.is_visible(**id));
            let views = shown.filter_map(|id| self.view(self.shell.window(*id)?));
            if let Some(drawn) = canvas.refresh(&views.collect::<Vec<_>>(), self.cursor.as_ref())? {
                return Ok(drawn);
            }
        }
        canvas.render(&self.scene())
    }

    /// The desktop as it is now.
    fn scene(&self) -> Scene<'a> {
        Scene {
            views: self.shell.stack().rev().filter_map(|window| self.view(window)).collect(),
            cursor: self.cursor.clone(),
            banners: self.banners.clone(),
            landing: self.landing(),
            background: DESKTOP,
        }
    }

    fn landing(&self) -> Option<(geom::Rect, Color)> {
        let (id, area) = self.shell.landing_place()?;
        let frame = self.view(self.shell.window(id)?)?.frame;
        Some((area, frame.color()))
    }

    fn view(&self, window: &shell::Window) -> Option<View<'a>> {
        let shown = self.windows.get(window.id)?;
        let pixels = match &shown.source {
            Source::Guest(guest) => {
                let show = if window.role == Role::Icon { Content::Icon } else { Content::Guest };
                guest.pool.image().map_or(Content::Empty, show)
            }
            Source::Local(local) => {
                let origin = local.surface_origin((0, 0).into());
                Content::Surface { surface: local.surface(), origin: Point::new(-origin.x, -origin.y) }
            }
        };
        let (style, name, background) = match window.owner {
            Owner::Dom0 => (Style::Admin, DOM0, Color::WHITE),
            owner @ Owner::Domain(_) => {
                let config = &self.domains.owner(owner)?.config;
                // icons are made to lie on a panel
                let is_icon = window.role == Role::Icon;
                let background = if is_icon { DESKTOP } else { config.window_background_color };
                (Style::Domain(config.label), config.name.as_str(), background)
            }
        };
        let frame = FrameSpec {
            style,
            name: name.to_owned(),
            title: shown.title().to_owned(),
            focused: window.focused,
            maximised: window.state.maximised,
            notice: self.notice(window),
            icon: shown.icon.clone(),
            hovered: self.pointer.hovered.filter(|(id, _)| *id == window.id).map(|(_, button)| button),
        };
        Some(View {
            id: window.id,
            frame,
            outer: window.frame,
            insets: window.insets,
            content: window.content,
            pixels,
            background,
        })
    }
}

impl Stage<'_> {
    /// What the user has to know of a window now.
    fn notice(&self, window: &shell::Window) -> Option<String> {
        if window.role != Role::Toplevel {
            return None;
        }
        let held = self.hold.holder().filter(|(id, _)| *id == window.id).map(|(_, kind)| match kind {
            pointer_lock::Kind::Locked => format!("pointer locked – {} releases it", self.release),
            pointer_lock::Kind::Confined => format!("pointer confined – {} releases it", self.release),
        });
        let domain = self.domains.owner(window.owner);
        let quiet = domain.is_some_and(|domain| domain.liveness.is_unresponsive());
        let asks = self.windows.get(window.id).is_some_and(|shown| shown.wants_attention);
        let notices: Vec<String> = held
            .into_iter()
            .chain(quiet.then(|| "not responding".to_owned()))
            .chain(asks.then(|| "wants attention".to_owned()))
            .collect();
        (!notices.is_empty()).then(|| notices.join(" · "))
    }
}

impl State {
    /// What the pointer looks like where it is.
    pub(crate) fn cursor_look(&self) -> CursorLook {
        let ours = CursorLook::Shape(self.pointer.shape);
        if self.shell.grabbed().is_some() || self.is_near_notice(self.pointer_position()) {
            return ours;
        }
        let Hit::Content { id, .. } = self.shell.hit(self.pointer_position()) else { return ours };
        match self.windows.get(id).map(|window| &window.source) {
            Some(Source::Guest(guest)) => guest.cursor.clone(),
            Some(Source::Local(_)) => local_look(&self.local_cursor),
            None => ours,
        }
    }

    /// The pointer, where it is ours to draw and has been moved at all: on a screen without a host always, else where
    /// the host does not know the picture.
    pub(crate) fn drawn_cursor(&self) -> Option<Cursor> {
        let look = self.cursor_look();
        let ours = match (&self.backend, &look) {
            (Backend::Headless(_) | Backend::Kms(_), _) => true,
            (Backend::Nested(_), CursorLook::Shape(_)) => false,
            (Backend::Nested(_), _) => true,
        };
        let position = self.pointer_position();
        (ours && self.pointer.seen).then_some(Cursor { look, position })
    }

    /// The pointer, where the host draws it.
    pub(crate) fn host_cursor(&self) -> Option<CursorIcon> {
        match self.cursor_look() {
            CursorLook::Shape(icon) => Some(icon),
            CursorLook::Hidden | CursorLook::Image(_) | CursorLook::Surface { .. } => None,
        }
    }
}

/// What one of dom0's own clients wants the pointer to look like.
fn local_look(wanted: &CursorImageStatus) -> CursorLook {
    match wanted {
        CursorImageStatus::Hidden => CursorLook::Hidden,
        CursorImageStatus::Named(icon) => CursorLook::Shape(*icon),
        CursorImageStatus::Surface(surface) if surface.alive() => {
            let hotspot = with_states(surface, |states| {
                let attributes = states.data_map.get::<CursorImageSurfaceData>();
                let attributes = attributes.and_then(|attributes| attributes.lock().ok());
                attributes.map(|attributes| attributes.hotspot).unwrap_or_default()
            });
            // clients choose these numbers, and sums are made of them
            let near = |at: i32| at.clamp(-MAX_HOTSPOT, MAX_HOTSPOT);
            let hotspot = Point::new(near(hotspot.x), near(hotspot.y));
            CursorLook::Surface { surface: surface.clone(), hotspot }
        }
        CursorImageStatus::Surface(_) => CursorLook::default(),
    }
}
