//! When windows' images go to the GUI domain, and what their clients hear of it.
//!
//! With the extension, at most one commit of a window is under way. What its client commits meanwhile is noted and not
//! copied; when the GUI domain has taken the commit for a frame, the callbacks that belong to it go out, and the rest
//! follows as one. So a client runs as fast as its screen and no faster. The base protocol says nothing of frames:
//! changes go out at once, and [`crate::frames`] paces the clients.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use gui_protocol::{AgentConn, NewCommit, Presented, Rect, Scale, WindowId};
use smithay::{
    output::Output,
    reexports::{
        wayland_protocols::wp::presentation_time::server::wp_presentation_feedback::Kind as PresentedKind,
        wayland_server::protocol::wl_callback::WlCallback,
    },
    utils::{Logical, Physical, Rectangle, Serial, Size},
    wayland::presentation::{PresentationFeedbackCallback, Refresh},
};
use tracing::{trace, warn};

use crate::{
    compose::Density,
    picture::{Drawn, Picture},
    pool::{Buffer, Kind},
    region::Region,
    state::State,
    surface,
    window::{Role, to_rect},
};

/// After so long without a new image, a window keeps one buffer.
const IDLE: Duration = Duration::from_secs(5);

/// For so long after a change of size, others are expected.
const RESIZING: Duration = Duration::from_secs(2);

/// Commits that may wait for word of when they were seen. The oldest beyond are taken for never seen.
const MAX_FEEDBACK: usize = 16;

/// A size that a client was asked to take.
#[derive(Debug)]
struct Configured {
    /// By which the client answers.
    serial: Serial,
    /// By which the GUI domain knows it.
    arranged: u32,
    /// None if it is the client's choice.
    size: Option<Size<i32, Logical>>,
}

/// What one window and the GUI domain owe each other.
#[derive(Default)]
pub(crate) struct Pace {
    /// The last commit, until the GUI domain has taken it for a frame.
    in_flight: Option<u64>,
    /// Something has changed and could not be told yet.
    waits: bool,
    /// Of the commits up to the one in flight.
    callbacks: Vec<WlCallback>,
    feedback: VecDeque<(u64, Vec<PresentationFeedbackCallback>)>,
    /// Without an answer, oldest first.
    configured: VecDeque<Configured>,
    /// The newest arrangement that the client has agreed to, and that its next commit takes into account.
    agreed: u32,
    /// The newest arrangement that the window's content takes into account.
    arranged: u32,
    /// What the GUI domain was told last besides pixels.
    told: Option<(u32, Rectangle<i32, Logical>, Density)>,
    drawn: Option<Instant>,
    resized: Option<Instant>,
}

impl Pace {
    /// The client was told of an arrangement, or had nothing new to be told.
    pub(crate) fn configured(
        &mut self,
        serial: Option<Serial>,
        arranged: u32,
        size: Option<Size<i32, Logical>>,
    ) {
        match (serial, self.configured.back_mut()) {
            (Some(serial), _) => self.configured.push_back(Configured { serial, arranged, size }),
            (None, Some(last)) => last.arranged = arranged,
            (None, None) => (self.agreed, self.arranged) = (arranged, arranged),
        }
    }

    /// The client agrees. Returns whether that is all there is to be done: arrangements that leave its size of `now` alone
    /// need no new content.
    pub(crate) fn agreed(&mut self, serial: Serial, now: Size<i32, Logical>) -> bool {
        let Some(at) = self.configured.iter().position(|it| it.serial == serial) else { return false };
        let fits = self
            .configured
            .iter()
            .take(at.saturating_add(1))
            .all(|it| it.size.is_none_or(|size| size == now));
        if let Some(last) = self.configured.drain(..=at).next_back() {
            self.agreed = last.arranged;
        }
        if fits {
            self.arranged = self.agreed;
        }
        fits
    }

    /// The client, which does not say what it agrees to, has drawn in this size.
    pub(crate) fn drawn_in(&mut self, size: Size<i32, Logical>) {
        let fitting = self.configured.iter().rposition(|it| it.size.is_none_or(|wanted| wanted == size));
        let Some(at) = fitting else { return };
        if let Some(last) = self.configured.drain(..=at).next_back() {
            (self.agreed, self.arranged) = (last.arranged, last.arranged);
        }
    }

    /// The client has committed, with what it has agreed to.
    pub(crate) fn committed(&mut self) {
        self.arranged = self.agreed;
    }

    fn call_back(&mut self, millis: u32) {
        self.callbacks.drain(..).for_each(|callback| callback.done(millis));
    }

    /// Those who wait for word of commits up to this one.
    fn take_feedback(
        &mut self,
        serial: u64,
    ) -> impl Iterator<Item = (u64, PresentationFeedbackCallback)> + '_ {
        let until = self.feedback.partition_point(|(committed, _)| *committed <= serial);
        let taken = self.feedback.drain(..until);
        taken.flat_map(|(committed, feedback)| feedback.into_iter().map(move |it| (committed, it)))
    }

    fn discard_feedback(&mut self, serial: u64) {
        self.take_feedback(serial).for_each(|(_, feedback)| feedback.discarded());
    }

    /// The window is no more, or nobody is there to look at it.
    pub(crate) fn end(&mut self, millis: u32) {
        self.call_back(millis);
        self.discard_feedback(u64::MAX);
    }
}

impl State {
    /// Brings the images of all windows that have changed up to date and says what changed.
    pub(crate) fn present_all(&mut self) {
        while let Some(id) = self.windows.next_touched() {
            self.present(id);
        }
    }

    /// Shows the GUI domain a window as it is, as soon as it may.
    pub(crate) fn present(&mut self, id: WindowId) {
        let Some(window) = self.windows.get_mut(id) else { return };
        let (surface, picture, pace) = (&window.surface, &mut window.picture, &mut window.pace);
        if self.link.is_extended() && pace.in_flight.is_some() {
            pace.waits = true;
            return;
        }
        let density = match self.extended {
            true => surface::own_density(surface)
                .filter(|it| Scale::new(it.0).is_some())
                .unwrap_or(window.preferred),
            false => Density::ONE,
        };
        if !picture.update(surface, density) {
            return;
        }
        let now = Instant::now();
        if pace.told.is_some_and(|(_, area, _)| area.size != picture.area().size) {
            pace.resized = Some(now);
        }
        let kind = match (self.extended, pace.resized) {
            (false, _) => Kind::Live,
            (true, Some(resized)) if now.duration_since(resized) < RESIZING => Kind::Roomy,
            (true, _) => Kind::Exact,
        };
        let mut useless = Vec::new();
        let before = self.written;
        let drawn = picture.draw(self.link.server.exporter(), kind, &mut self.written, |it| useless.push(it));
        match drawn {
            Ok(Drawn::Later) => pace.waits = true,
            Ok(drawn) => {
                pace.waits = false;
                let mut feedback = Vec::new();
                if self.extended {
                    surface::take_callbacks(surface, &mut pace.callbacks, &mut feedback);
                }
                let told = (pace.arranged, picture.area(), picture.density());
                let damage = picture.take_unsent();
                let waiting = !pace.callbacks.is_empty() || !feedback.is_empty();
                if drawn == Drawn::New || pace.told != Some(told) || waiting {
                    pace.told = Some(told);
                    let commit =
                        Commit { configure: pace.arranged, damage, wants_presented: !feedback.is_empty() };
                    if let Some(serial) = commit.tell(&mut self.link.conn, id, picture, self.extended) {
                        pace.in_flight = Some(serial).filter(|_| self.extended);
                        if !feedback.is_empty() {
                            pace.feedback.push_back((serial, feedback));
                            let oldest =
                                pace.feedback.iter().rev().nth(MAX_FEEDBACK).map(|(serial, _)| *serial);
                            oldest.into_iter().for_each(|oldest| pace.discard_feedback(oldest));
                        }
                    }
                }
                if drawn == Drawn::New {
                    trace!(bytes = self.written.saturating_sub(before), total = self.written, "frame drawn");
                }
                if drawn == Drawn::New && self.extended {
                    pace.drawn = Some(now);
                    self.trim_at.get_or_insert(now + IDLE);
                }
            }
            Err(error) => warn!("{error}"),
        }
        self.discard(id, useless);
        self.update_awake(id);
        match self.windows.get(id).map(|window| &window.role) {
            Some(Role::Popup { .. }) => self.place_popup(id),
            Some(Role::Toplevel { .. } | Role::Layer { .. } | Role::X11 { .. }) => self.reconcile_size(id),
            Some(Role::Input) | None => {}
        }
    }

    /// Wants buffers of a window back.
    fn discard(&mut self, id: WindowId, buffers: Vec<Buffer>) {
        for buffer in buffers {
            buffer.serial.into_iter().for_each(|serial| self.link.conn.remove_buffer(id, serial));
            self.windows.retire(buffer);
        }
    }

    /// The GUI domain has taken a commit for a frame.
    pub(crate) fn frame_done(&mut self, id: WindowId, serial: u64) {
        let millis = self.frames.millis();
        let Some(window) = self.windows.get_mut(id) else { return };
        let pace = &mut window.pace;
        if pace.in_flight.take_if(|in_flight| serial >= *in_flight).is_some() {
            pace.call_back(millis);
            if pace.waits {
                self.windows.touch(id);
            }
        }
    }

    /// The GUI domain will not look at a buffer unless it is committed again.
    pub(crate) fn buffer_released(&mut self, id: WindowId, serial: gui_protocol::BufferSerial) {
        let Some(window) = self.windows.get_mut(id) else { return };
        window.picture.pool.release(serial);
        if window.pace.waits {
            self.windows.touch(id);
        }
    }

    /// The user has seen a commit.
    pub(crate) fn presented(&mut self, id: WindowId, presented: &Presented) {
        let seen = Duration::from(self.frames.now()).saturating_sub(presented.ago);
        let output = self.output_of(id);
        let Some(window) = self.windows.get_mut(id) else { return };
        let refresh = presented.refresh.map_or(Refresh::Unknown, Refresh::fixed);
        // the bits are Wayland's
        let flags = PresentedKind::from_bits_truncate(presented.flags.bits());
        for (serial, feedback) in window.pace.take_feedback(presented.serial) {
            match serial == presented.serial {
                true => feedback.presented(&output, seen, refresh, presented.sequence, flags),
                // what came after it was seen first
                false => feedback.discarded(),
            }
        }
    }

    /// The output that most of a window is on.
    fn output_of(&self, id: WindowId) -> Output {
        let geometry = self.windows.get(id).map(|window| window.geometry).unwrap_or_default();
        self.outputs.best_output(geometry).clone()
    }

    /// A daemon has greeted: windows are shown the way it understands.
    pub(crate) fn change_level(&mut self) {
        self.extended = self.link.is_extended();
        let millis = self.frames.millis();
        for id in self.windows.ids() {
            let Some(window) = self.windows.get_mut(id) else { continue };
            let pace = &mut window.pace;
            pace.told = None;
            let mut useless = Vec::new();
            if self.extended {
                let pool = &mut window.picture.pool;
                let serial = pool.newest().and_then(|newest| newest.serial);
                if serial.is_some_and(|serial| self.link.conn.is_held(id, serial)) {
                    pool.hold_newest();
                }
            } else {
                // frames are not spoken of any more
                pace.in_flight = None;
                pace.call_back(millis);
                window.preferred = Density::ONE;
                window.picture.pool.trim(|buffer| useless.push(buffer));
                self.frames.committed(&window.surface);
            }
            self.discard(id, useless);
            self.windows.touch(id);
        }
    }

    /// There is nobody who looks at anything.
    pub(crate) fn nobody_looks(&mut self) {
        for id in self.windows.ids() {
            let Some(window) = self.windows.get_mut(id) else { continue };
            window.picture.pool.release_all();
            window.pace.discard_feedback(u64::MAX);
            if window.pace.waits {
                self.windows.touch(id);
            }
        }
    }

    /// Gives up buffers of windows that have not changed for long.
    pub(crate) fn trim(&mut self, now: Instant) {
        if self.trim_at.is_none_or(|at| now < at) {
            return;
        }
        self.trim_at = None;
        for id in self.windows.ids() {
            let Some(window) = self.windows.get_mut(id) else { continue };
            let Some(drawn) = window.pace.drawn else { continue };
            let due = drawn + IDLE;
            if now < due {
                self.trim_at = Some(self.trim_at.map_or(due, |at| at.min(due)));
                continue;
            }
            window.pace.drawn = None;
            let mut useless = Vec::new();
            window.picture.pool.trim(|buffer| useless.push(buffer));
            self.discard(id, useless);
        }
    }
}

/// What a commit says beside the picture.
struct Commit {
    configure: u32,
    damage: Region<Physical>,
    wants_presented: bool,
}

impl Commit {
    /// Gives the GUI domain the newest image. Returns the commit's serial, if there is one.
    fn tell(self, conn: &mut AgentConn, id: WindowId, picture: &mut Picture, extended: bool) -> Option<u64> {
        let (area, size, Density(scale)) = (picture.area().size, picture.size(), picture.density());
        let opaque = picture.opaque_rects();
        let newest = picture.pool.newest_mut()?;
        let format = match newest.format() {
            shm_grant::PixelFormat::Xrgb8888 => gui_protocol::PixelFormat::Xrgb8888,
            shm_grant::PixelFormat::Argb8888 => gui_protocol::PixelFormat::Argb8888,
        };
        let Rect { width, height, .. } = to_rect(Rectangle::from_size(newest.size()));
        let add = || conn.add_buffer(id, width, height, format, newest.refs());
        let serial = newest.serial.unwrap_or_else(add);
        newest.serial = Some(serial);
        let Rect { width, height, .. } = to_rect(Rectangle::from_size(area));
        let told = conn.commit(
            id,
            NewCommit {
                buffer: serial,
                configure: self.configure,
                width,
                height,
                scale: Scale::new(scale)?,
                source: to_rect(Rectangle::from_size(size)),
                wants_presented: self.wants_presented,
                damage: self.damage.rects().map(to_rect).collect(),
                opaque,
            },
        )?;
        if extended && conn.is_held(id, serial) {
            picture.pool.hold_newest();
        }
        Some(told)
    }
}
