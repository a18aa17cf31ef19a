//! What is on the desktop, put into the renderer's words.

use smithay::input::pointer::{CursorIcon, CursorImageStatus};

use crate::{
    backend::Backend,
    domain::Domain,
    input::PointerState,
    label::Color,
    render::{Content, Cursor, CursorShape, FrameSpec, Scene, Style, View},
    shell::{self, Hit, Owner, Shell, geom::Point},
    state::State,
    windows::{Source, Windows},
};

/// What shows where no window is.
const DESKTOP: Color = Color::new(0x2b, 0x30, 0x3b);

/// The name in the frames of dom0's own windows.
const DOM0: &str = "dom0";

/// The parts of the state that a scene is made of, borrowed apart from the canvas it is drawn on.
pub(crate) struct Stage<'a> {
    pub shell: &'a Shell,
    pub windows: &'a Windows,
    pub domains: &'a [Domain],
    pub pointer: &'a PointerState,
    pub cursor: Option<Cursor>,
}

impl<'a> Stage<'a> {
    /// The desktop as it is now.
    pub fn scene(&self) -> Scene<'a> {
        Scene {
            views: self.shell.stack().rev().filter_map(|window| self.view(window)).collect(),
            cursor: self.cursor,
            background: DESKTOP,
        }
    }

    fn view(&self, window: &shell::Window) -> Option<View<'a>> {
        let shown = self.windows.get(window.id)?;
        let pixels = match &shown.source {
            Source::Guest(guest) => guest.image().map_or(Content::Empty, Content::Guest),
            Source::Local(local) => {
                let origin = local.surface_origin((0, 0).into());
                Content::Surface { surface: local.surface(), origin: Point::new(-origin.x, -origin.y) }
            }
        };
        let (style, name, background) = match window.owner {
            Owner::Dom0 => (Style::Admin, DOM0, Color::WHITE),
            Owner::Domain(index) => {
                let domain = self.domains.get(usize::from(index))?;
                {
                    let config = &domain.config;
                    (Style::Domain(config.label), config.name.as_str(), config.window_background_color)
                }
            }
        };
        let frame = FrameSpec {
            style,
            name: name.to_owned(),
            title: shown.title().to_owned(),
            focused: window.focused,
            maximised: window.state.maximised,
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

impl State {
    /// The shape the pointer has where it is.
    fn cursor_shape(&self) -> CursorShape {
        if self.shell.grabbed().is_some() {
            return self.pointer.shape;
        }
        let Hit::Content { id, .. } = self.shell.hit(self.pointer_position()) else {
            return self.pointer.shape;
        };
        match self.windows.get(id).map(|window| &window.source) {
            Some(Source::Guest(guest)) => guest.cursor,
            Some(Source::Local(_)) => match self.local_cursor {
                CursorImageStatus::Named(CursorIcon::Text) => CursorShape::Text,
                CursorImageStatus::Named(CursorIcon::Pointer) => CursorShape::Pointer,
                _ => CursorShape::Default,
            },
            None => CursorShape::Default,
        }
    }

    /// The pointer, where it is ours to draw and has been moved at all.
    pub(crate) fn drawn_cursor(&self) -> Option<Cursor> {
        let ours = matches!(self.backend, Backend::Headless(_)) && self.pointer.seen;
        ours.then(|| Cursor { shape: self.cursor_shape(), position: self.pointer_position() })
    }

    /// The pointer, where the host draws it.
    pub(crate) fn host_cursor(&self) -> Option<CursorIcon> {
        Some(match self.cursor_shape() {
            CursorShape::Default => CursorIcon::Default,
            CursorShape::Text => CursorIcon::Text,
            CursorShape::Pointer => CursorIcon::Pointer,
            CursorShape::Move => CursorIcon::Move,
            CursorShape::ResizeHorizontal => CursorIcon::EwResize,
            CursorShape::ResizeVertical => CursorIcon::NsResize,
            CursorShape::ResizeFalling => CursorIcon::NwseResize,
            CursorShape::ResizeRising => CursorIcon::NeswResize,
        })
    }
}
