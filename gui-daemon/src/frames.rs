//! Frames: what happens when a screen takes one.

use std::time::Duration;

use smithay::{desktop::utils::send_frames_surface_tree, input::pointer::CursorImageStatus};
use tracing::{error, warn};

use crate::{
    backend::OutputId,
    outputs::{Screen, physical},
    scene::Stage,
    shell::geom,
    state::State,
    windows::Source,
};

impl State {
    /// Draws what changed on an output and tells those of dom0's clients that it is shown that belong to this output.
    pub fn draw_frame(&mut self, output: OutputId) {
        let cursor = self.drawn_cursor();
        // The frame may have been asked for just before the output went.
        let Some(screen) = self.outputs.get_mut(output) else { return };
        screen.queued = false;
        let stage = Stage {
            cursor,
            hold: &self.pointer_hold,
            release: self.config.keyboard.release_pointer,
            shell: &self.shell,
            windows: &self.windows,
            domains: &self.domains,
            pointer: &self.pointer,
        };
        match screen.canvas.render(&stage.scene()) {
            Ok(damage) if damage.is_empty() => {}
            Ok(damage) => {
                screen.frames = screen.frames.saturating_add(1);
                self.present(output, &damage);
            }
            // A client of dom0 has taken its memory away. It is disconnected for that, and the next frame is without it.
            Err(err) => warn!(%err, "a frame could not be drawn"),
        }
        self.backend.set_cursor(self.host_cursor());
        self.send_frame_callbacks(output);
        self.answer_syncs();
    }

    /// The host lost what it showed: the whole screen is presented again.
    pub fn present_all(&mut self) {
        let Some(screen) = self.outputs.primary() else { return };
        let all = geom::Rect::at(geom::Point::default(), screen.canvas.size());
        self.present(screen.id(), &[all]);
    }

    fn present(&mut self, output: OutputId, damage: &[geom::Rect]) {
        let damage: Vec<_> = damage.iter().map(physical).collect();
        let Some(screen) = self.outputs.get(output) else { return };
        let shown = self.backend.present(&damage, &mut |rect, image| {
            let rect = geom::Rect::new(rect.loc.x, rect.loc.y, rect.size.w, rect.size.h);
            if let Err(err) = screen.canvas.copy(rect, image) {
                error!(%err, "the host's image is not the screen's");
            }
        });
        if let Err(err) = shown {
            error!(%err, "a frame could not be shown");
        }
    }

    /// A window follows the output that shows most of it, the pointer's surface the one the pointer is on.
    fn send_frame_callbacks(&self, output: OutputId) {
        let now: Duration = self.clock.now().into();
        let main_of = |rect: geom::Rect| self.outputs.main_of(rect).filter(|screen| screen.id() == output);
        let send = |surface, screen: &Screen| {
            send_frames_surface_tree(surface, screen.wl(), now, None, |_, _| Some(screen.wl().clone()));
        };
        for window in self.windows.iter() {
            let Source::Local(local) = &window.source else { continue };
            let frame = self.shell.window(window.id).map(|shown| shown.frame);
            if let Some(screen) = frame.and_then(main_of) {
                send(local.surface(), screen);
            }
        }
        if let CursorImageStatus::Surface(surface) = &self.local_cursor {
            let at = geom::Rect::at(self.pointer_position(), geom::Size::new(1, 1));
            if let Some(screen) = main_of(at) {
                send(surface, screen);
            }
        }
    }
}
