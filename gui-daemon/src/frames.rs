//! Frames: what happens when a screen takes one.
//!
//! A commit of a domain's window waits for the next frame of the window's output. Then it becomes what is shown, its agent
//! hears of it at once, and only then is anything composed: the client draws its next picture meanwhile. So no client is
//! faster than its screen. One that nobody sees may draw once a second. Whoever waits for nothing wakes nobody.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use gui_protocol::{Presented, PresentedFlags};
use smithay::{
    desktop::utils::send_frames_surface_tree,
    input::pointer::CursorImageStatus,
    reexports::{
        calloop::timer::{TimeoutAction, Timer},
        wayland_server::protocol::wl_surface::WlSurface,
    },
    wayland::compositor::{SurfaceAttributes, TraversalAction, with_surface_tree_downward},
};
use tracing::{error, warn};

use crate::{
    backend::{BackendError, OutputId, ScanoutError, Shown, clock::monotonic},
    focus::GuestTarget,
    outputs::{Redraw, Screen, physical},
    render::{Cursor, RenderError},
    scene::Stage,
    shell::{self, geom, geom::Rect},
    state::State,
    windows::Source,
};

/// How often a window that nobody sees may draw: as rarely as other compositors let it, so that a program that sets its
/// clock by its frames goes on.
pub const HIDDEN_PACE: Duration = Duration::from_secs(1);

/// Pieces of a window's frame that are looked at one by one; if others leave more of it in sight, it is seen.
const MAX_PIECES: usize = 32;

/// Who waits for a frame.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Windows of domains with a commit that was not shown, or whose agent was not told.
    waiting: BTreeSet<shell::Id>,
    /// Whether any of a window is in sight, as far as that was asked since the last change of the desktop.
    seen: HashMap<shell::Id, bool>,
    /// Whether the windows that nobody sees have their turn coming.
    is_armed: bool,
    /// Commits that are on their way to an output, whose agents want to know when they are there.
    unseen: HashMap<OutputId, Vec<Asked>>,
}

/// When a frame was seen, and what is known of that.
struct Moment {
    time: Duration,
    /// The screen's own count of its frames.
    frame: Option<u32>,
    flags: PresentedFlags,
}

impl Moment {
    fn unsure(time: Duration) -> Self {
        Self { time, frame: None, flags: PresentedFlags::empty() }
    }

    /// A screen that counts has told the time of the refresh itself.
    fn counted(time: Duration, frame: u32) -> Self {
        match frame {
            0 => Self::unsure(time),
            _ => Self { time, frame: Some(frame), flags: PresentedFlags::all() },
        }
    }
}

/// A commit whose agent is to be told when it is on the screen.
#[derive(Debug)]
struct Asked {
    target: GuestTarget,
    serial: u64,
}

impl State {
    /// Draws what changed on an output. Before, the commits that wait for it are shown and their agents told; after,
    /// those of dom0's clients that belong to it.
    pub fn draw_frame(&mut self, output: OutputId) {
        let asked = self.latch_commits(output);
        // What it changed is in this frame already.
        self.queue_changed();
        self.flush_links();
        let cursor = self.lay_pointer(output);
        let banners = self.banners();
        // The frame may have been asked for just before the output went.
        let Some(screen) = self.outputs.get_mut(output) else { return };
        screen.queued = false;
        let redraw = std::mem::take(&mut screen.redraw);
        let stage = Stage {
            cursor,
            banners,
            hold: &self.pointer_hold,
            release: self.config.keyboard.release_pointer,
            shell: &self.shell,
            windows: &self.windows,
            domains: &self.domains,
            pointer: &self.pointer,
        };
        let (damage, failed) = match stage.draw(&mut screen.canvas, &redraw) {
            Ok(damage) => (damage, None),
            Err(err) => {
                screen.redraw = Redraw::All;
                (Vec::new(), Some(err))
            }
        };
        if !damage.is_empty() {
            screen.frames = screen.frames.saturating_add(1);
        }
        if let Some(err) = failed {
            self.frame_failed(output, &err);
        }
        match self.present(output, &damage) {
            Shown::Now => self.tell_presented(output, asked, Moment::unsure(monotonic())),
            Shown::Later => self.pace.unseen.entry(output).or_default().extend(asked),
            Shown::Nowhere => {}
        }
        self.backend.set_cursor(self.host_cursor());
        self.send_frame_callbacks(output);
        self.answer_syncs();
    }

    /// Has the output's device lay the pointer over the frame, if it does that, and returns what has to be drawn.
    fn lay_pointer(&mut self, output: OutputId) -> Option<Cursor> {
        let cursor = self.drawn_cursor();
        let Some(most) = self.backend.pointer_plane(output) else { return cursor };
        let screen = self.outputs.get_mut(output)?;
        let laid = cursor.as_ref().and_then(|cursor| screen.canvas.pointer_picture(cursor, most));
        let drawn = cursor.filter(|_| laid.is_none());
        self.backend.lay_pointer(output, laid);
        drawn
    }

    /// A window of a domain has something for the next frame.
    pub(crate) fn await_frame(&mut self, id: shell::Id) {
        self.pace.waiting.insert(id);
        if self.is_seen(id) {
            self.queue_content_of(id);
            return;
        }
        if self.shell.window(id).is_some_and(|window| !window.mapped) {
            // What it is shown with has to be known before it is shown.
            self.latch(id);
        }
        self.arm_hidden();
    }

    /// A window of dom0's own clients was committed.
    pub(crate) fn await_local_frame(&mut self, id: shell::Id) {
        if self.is_seen(id) {
            self.queue_redraw_of(id);
        } else {
            self.arm_hidden();
        }
    }

    /// The desktop changed: other windows may be in sight.
    pub(crate) fn sight_changed(&mut self) {
        self.pace.seen.clear();
    }

    /// Shows the commits that wait for a frame of this output, and tells their agents to go on. Returns those whose agents
    /// want to know more.
    fn latch_commits(&mut self, output: OutputId) -> Vec<Asked> {
        let mut asked = Vec::new();
        if self.pace.waiting.is_empty() {
            return asked;
        }
        let Some(area) = self.outputs.get(output).map(Screen::area) else { return asked };
        let waiting = std::mem::take(&mut self.pace.waiting);
        for id in waiting {
            let Some(frame) = self.shell.window(id).map(|window| window.frame) else { continue };
            let is_ours = self.outputs.main_of(frame).is_some_and(|screen| screen.id() == output);
            if !is_ours || !self.is_seen(id) {
                self.pace.waiting.insert(id);
                if is_ours {
                    self.arm_hidden();
                }
                continue;
            }
            asked.extend(self.latch(id));
            self.frame_done(id);
            match self.outputs.get_mut(output) {
                Some(screen) if area.encloses(frame) => screen.redraw.add(id),
                _ => self.queue_content_of(id),
            }
        }
        // What a frame waits for may have come with a commit.
        self.apply_effects();
        asked
    }

    /// Shows the commit that waits in a window, if one does.
    fn latch(&mut self, id: shell::Id) -> Option<Asked> {
        let guest = self.windows.guest_mut(id)?;
        let latched = guest.pool.latch()?;
        guest.undone = Some(latched.serial);
        let (target, answers) = (guest.target.clone(), latched.configure >= guest.sized);
        if let Some(released) = latched.released {
            self.with_link(target.domain, |link| link.release(target.window, released));
        }
        self.shell.set_patient(id, true);
        self.shell.drawn(id, latched.size, answers);
        latched.wants_presented.then_some(Asked { target, serial: latched.serial })
    }

    fn frame_done(&mut self, id: shell::Id) {
        let Some(guest) = self.windows.guest_mut(id) else { return };
        if let Some(serial) = guest.undone.take() {
            let target = guest.target.clone();
            self.with_link(target.domain, |link| link.frame_done(target.window, serial));
        }
    }

    /// A screen shows the frame that was presented last. `frame` is its own count, 0 if it has none.
    pub(crate) fn frame_presented(&mut self, output: OutputId, time: Duration, frame: u32) {
        let asked = self.pace.unseen.remove(&output).unwrap_or_default();
        self.tell_presented(output, asked, Moment::counted(time, frame));
        self.flush_links();
    }

    fn tell_presented(&mut self, output: OutputId, asked: Vec<Asked>, moment: Moment) {
        let Some(screen) = self.outputs.get(output).filter(|_| !asked.is_empty()) else { return };
        let refresh = 1_000_000_000_000_u64
            .checked_div(self.backend.refresh_mhz(screen.config()).unsigned_abs().into());
        let refresh = refresh.map(Duration::from_nanos);
        let Moment { time, frame, flags } = moment;
        let (ago, sequence) = (monotonic().saturating_sub(time), frame.map_or(screen.frames(), u64::from));
        for Asked { target, serial } in asked {
            let presented = Presented { serial, ago, refresh, sequence, flags };
            self.with_link(target.domain, |link| link.presented(target.window, presented));
        }
    }

    /// Whether any of a window is in sight. Frames are opaque, whatever their content is.
    fn is_seen(&mut self, id: shell::Id) -> bool {
        if let Some(seen) = self.pace.seen.get(&id) {
            return *seen;
        }
        let seen = self.look_for(id);
        self.pace.seen.insert(id, seen);
        seen
    }

    fn look_for(&self, id: shell::Id) -> bool {
        let Some(window) = self.shell.window(id).filter(|window| self.shell.is_visible(window.id)) else {
            return false;
        };
        let on_outputs = self.outputs.iter().map(|screen| screen.area().intersection(window.frame));
        let mut pieces: Vec<Rect> = on_outputs.filter(|piece| !piece.is_empty()).collect();
        for above in self.shell.stack().rev().take_while(|above| above.id != id) {
            pieces = pieces.iter().flat_map(|piece| piece.less(above.frame)).collect();
            if pieces.is_empty() || pieces.len() > MAX_PIECES {
                break;
            }
        }
        !pieces.is_empty()
    }

    fn arm_hidden(&mut self) {
        if self.pace.is_armed {
            return;
        }
        let fired = |_, _: &mut (), state: &mut State| {
            state.pace.is_armed = false;
            state.serve_hidden();
            TimeoutAction::Drop
        };
        match self.loop_handle.insert_source(Timer::from_duration(HIDDEN_PACE), fired) {
            Ok(_) => self.pace.is_armed = true,
            Err(err) => error!(%err, "no timer for windows that nobody sees"),
        }
    }

    /// The windows that nobody sees have their turn. What they draw is not on any screen, so nobody is told that it was.
    fn serve_hidden(&mut self) {
        let waiting: Vec<shell::Id> = self.pace.waiting.iter().copied().collect();
        for id in waiting {
            if !self.is_seen(id) {
                self.pace.waiting.remove(&id);
                self.latch(id);
                self.frame_done(id);
            }
        }
        self.apply_effects();
        let local: Vec<shell::Id> = self.windows.locals().map(|(id, _)| id).collect();
        let now = self.now();
        for id in local {
            let seen = self.is_seen(id);
            let Some(Source::Local(window)) = self.windows.get(id).map(|window| &window.source) else {
                continue;
            };
            if let Some(screen) = self.outputs.primary().filter(|_| !seen) {
                send_frames(window.surface(), screen, now);
            }
        }
    }

    /// The host lost what it showed: the whole screen is presented again.
    pub fn present_all(&mut self) {
        let Some(screen) = self.outputs.primary() else { return };
        let all = geom::Rect::at(geom::Point::default(), screen.canvas.size());
        self.present(screen.id(), &[all]);
    }

    fn present(&mut self, output: OutputId, damage: &[geom::Rect]) -> Shown {
        let damage: Vec<_> = damage.iter().map(physical).collect();
        let Some(screen) = self.outputs.get(output) else { return Shown::Nowhere };
        match self.backend.present(output, &damage, &screen.canvas) {
            Ok(shown) => return shown,
            Err(BackendError::Scanout(ScanoutError::Gpu(err))) => self.give_up_gpu(output, &err),
            Err(err) => error!(%err, "a frame could not be shown"),
        }
        Shown::Nowhere
    }

    /// A frame could not be drawn: a client of dom0 has taken its memory away, for which it is disconnected, and the next frame
    /// is without it; or a GPU has failed.
    fn frame_failed(&mut self, output: OutputId, err: &RenderError) {
        if self.outputs.get(output).is_some_and(|screen| screen.canvas.is_on_gpu()) {
            self.give_up_gpu(output, err);
        } else {
            warn!(%err, "a frame could not be drawn");
        }
    }

    /// An output is gone, and with it what was on its way there.
    pub(crate) fn forget_frames(&mut self, output: OutputId) {
        self.pace.unseen.remove(&output);
    }

    /// A window follows the output that shows most of it, the pointer's surface the one the pointer is on.
    fn send_frame_callbacks(&mut self, output: OutputId) {
        let now = self.now();
        let locals: Vec<shell::Id> = self.windows.locals().map(|(id, _)| id).collect();
        let mut waits = false;
        for id in locals {
            let seen = self.is_seen(id);
            let Some(Source::Local(local)) = self.windows.get(id).map(|window| &window.source) else {
                continue;
            };
            let frame = self.shell.window(id).map(|shown| shown.frame).unwrap_or_default();
            match self.outputs.main_of(frame).filter(|screen| screen.id() == output) {
                Some(screen) if seen => send_frames(local.surface(), screen, now),
                Some(_) => waits |= wants_frame(local.surface()),
                None => {}
            }
        }
        if let CursorImageStatus::Surface(surface) = &self.local_cursor {
            let at = Rect::at(self.pointer_position(), geom::Size::new(1, 1));
            if let Some(screen) = self.outputs.main_of(at).filter(|screen| screen.id() == output) {
                send_frames(surface, screen, now);
            }
        }
        if waits {
            self.arm_hidden();
        }
    }
}

fn send_frames(surface: &WlSurface, screen: &Screen, now: Duration) {
    send_frames_surface_tree(surface, screen.wl(), now, None, |_, _| Some(screen.wl().clone()));
}

/// Whether a surface of the tree waits for a frame.
fn wants_frame(root: &WlSurface) -> bool {
    let mut waits = false;
    with_surface_tree_downward(
        root,
        (),
        |_, _, ()| TraversalAction::DoChildren(()),
        |_, states, ()| {
            waits |= !states.cached_state.get::<SurfaceAttributes>().current().frame_callbacks.is_empty();
        },
        |_, _, ()| true,
    );
    waits
}
