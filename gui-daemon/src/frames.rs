//! Frames: what happens when the screen takes one.

use std::time::Duration;

use smithay::{
    desktop::utils::send_frames_surface_tree,
    input::pointer::CursorImageStatus,
    utils::{Physical, Rectangle},
};
use tracing::{error, warn};

use crate::{
    scene::Stage,
    shell::geom,
    state::{Redraw, State},
    windows::Source,
};

impl State {
    /// Draws what changed and tells dom0's clients that it is shown.
    pub fn draw_frame(&mut self) {
        self.redraw = Redraw::Clean;
        let stage = Stage {
            cursor: self.drawn_cursor(),
            shell: &self.shell,
            windows: &self.windows,
            domains: &self.domains,
            pointer: &self.pointer,
        };
        match self.canvas.render(&stage.scene()) {
            Ok(damage) if damage.is_empty() => {}
            Ok(damage) => {
                self.frames = self.frames.saturating_add(1);
                self.present(&damage);
            }
            // A client of dom0 has taken its memory away. It is disconnected for that, and the next frame is without it.
            Err(err) => warn!(%err, "a frame could not be drawn"),
        }
        self.backend.set_cursor(self.host_cursor());
        self.send_frame_callbacks();
        self.answer_syncs();
    }

    /// The host lost what it showed: the whole screen is presented again.
    pub fn present_all(&mut self) {
        let all = geom::Rect::at(geom::Point::default(), self.canvas.size());
        self.present(&[all]);
    }

    fn present(&mut self, damage: &[geom::Rect]) {
        let damage: Vec<Rectangle<i32, Physical>> = damage
            .iter()
            .map(|rect| Rectangle::new((rect.x, rect.y).into(), (rect.width, rect.height).into()))
            .collect();
        let canvas = &self.canvas;
        let shown = self.backend.present(&damage, &mut |rect, image| {
            let rect = geom::Rect::new(rect.loc.x, rect.loc.y, rect.size.w, rect.size.h);
            if let Err(err) = canvas.copy(rect, image) {
                error!(%err, "the host's image is not the screen's");
            }
        });
        if let Err(err) = shown {
            error!(%err, "a frame could not be shown");
        }
    }

    fn send_frame_callbacks(&mut self) {
        let now: Duration = self.clock.now().into();
        for window in self.windows.iter() {
            if let Source::Local(local) = &window.source {
                send_frames_surface_tree(local.surface(), &self.output, now, None, |_, _| {
                    Some(self.output.clone())
                });
            }
        }
        if let CursorImageStatus::Surface(surface) = &self.local_cursor {
            send_frames_surface_tree(surface, &self.output, now, None, |_, _| Some(self.output.clone()));
        }
    }
}
