//! Telling the daemon of the scene.

use super::commands::field;
use super::scene::{Buffer, Held, Stage, StateChange, Untold, Window};
use super::{AgentConn, BufferSerial, NewCommit, Waiting};
use crate::daemon::extended::{GRAB, REACTIVE};
use crate::daemon::frames::WANTS_PRESENTED;
use crate::message::{AgentMessage, Bytes};
use crate::outbox::Outbox;
use crate::types::{CursorLook, HintFlags, Image, Popup, Rect, SizeHints, WindowId, Wish};
use crate::version::Version;

/// Bits of a pixel, of which the upper eight mean nothing.
const BITS_PER_PIXEL: u32 = 32;

impl AgentConn {
    /// Puts a window in the line of those the daemon is to be told of, and tells what there is room for.
    pub(super) fn tell(&mut self, window: WindowId) {
        if self.version().is_none() {
            return;
        }
        if let Some(known) = self.windows.get_mut(&window)
            && !known.in_line
        {
            known.in_line = true;
            self.waiting.push_back(Waiting::Window(window));
        }
        self.flush();
    }

    /// Puts something else in the line, if there is a daemon of level 1.
    pub(super) fn tell_in_turn(&mut self, waiting: Waiting) -> bool {
        let is_extended = self.level() > 0;
        if is_extended {
            self.waiting.push_back(waiting);
            self.flush();
        }
        is_extended
    }

    /// Tells the daemon what has waited, as long as there is room.
    pub(super) fn flush(&mut self) {
        let Some(version) = self.version() else { return };
        while self.has_room() {
            if let Some(data) = self.clipboard.take() {
                self.send(WindowId(0), &AgentMessage::ClipboardData { data });
                continue;
            }
            let message = match self.waiting.pop_front() {
                Some(Waiting::Window(window)) => {
                    self.tell_all(window, version);
                    continue;
                }
                Some(Waiting::Sync(token)) => AgentMessage::Sync { token },
                Some(Waiting::SyncDone(token)) => AgentMessage::SyncDone { token },
                Some(Waiting::RunResult { token, status }) => AgentMessage::RunResult { token, status },
                Some(Waiting::Files(message)) => message,
                None => return,
            };
            self.send(WindowId(0), &message);
        }
    }

    /// Tells everything about one window that is still to be told.
    fn tell_all(&mut self, window: WindowId, version: Version) {
        let Some(known) = self.windows.get_mut(&window) else { return };
        known.in_line = false;
        let mut say = Say { outbox: &mut self.outbox, window, version };
        if version.is_extended() {
            known.tell_extended(&mut say);
        } else if let Some(dumped) = known.tell_base(&mut say)
            && version.acks_dumps()
        {
            self.unacked.push_back((window, dumped));
        }
        self.settle_pool(window);
    }
}

/// Says something of one window.
struct Say<'a> {
    outbox: &'a mut Outbox,
    window: WindowId,
    version: Version,
}

impl Say<'_> {
    fn say(&mut self, message: &AgentMessage) {
        self.outbox.push(message, self.window, self.version);
    }
}

impl Window {
    /// What both levels begin with.
    fn tell_existence(&mut self, untold: Untold, override_redirect: bool, say: &mut Say<'_>) {
        if untold.contains(Untold::CREATE) {
            self.announced = true;
            let Rect { x, y, width, height } = self.geometry;
            let parent = self.parent.unwrap_or_default();
            let override_redirect = override_redirect.into();
            say.say(&AgentMessage::Create { x, y, width, height, parent, override_redirect });
        }
        if untold.contains(Untold::UNMAP) {
            self.unmap_matters = false;
            say.say(&AgentMessage::Unmap {});
        }
    }

    fn tell_stage(
        &mut self,
        untold: Untold,
        override_redirect: bool,
        above: Option<WindowId>,
        say: &mut Say<'_>,
    ) {
        if untold.contains(Untold::DOCK) {
            say.say(&AgentMessage::Dock {});
        }
        if let Stage::Mapped { transient_for } = self.stage
            && untold.contains(Untold::MAP)
        {
            self.unmap_matters = true;
            let transient_for = transient_for.or(above).unwrap_or_default();
            say.say(&AgentMessage::Map { transient_for, override_redirect: override_redirect.into() });
        }
    }

    fn tell_hints(&self, untold: Untold, say: &mut Say<'_>) {
        if let Some(hints) = self.hints
            && untold.contains(Untold::HINTS)
        {
            say.say(&raw_hints(hints));
        }
    }

    /// To a daemon without the extension. Returns the buffer it was told to draw from, if that is another.
    fn tell_base(&mut self, say: &mut Say<'_>) -> Option<BufferSerial> {
        let untold = core::mem::take(&mut self.untold);
        // Popups are placed by their agent.
        let override_redirect = self.override_redirect || self.popup.is_some();
        let above = self.popup.map(|popup| popup.parent).or(self.dialog_of);
        self.tell_existence(untold, override_redirect, say);
        if untold.contains(Untold::CONFIGURE) {
            say.say(&configure(self.geometry, override_redirect));
        }
        let dump =
            self.commit.as_mut().filter(|commit| Some(commit.buffer) != self.dumped).and_then(|commit| {
                commit.damage.clear();
                self.pool.iter().find(|buffer| buffer.serial == commit.buffer)
            });
        let dumped = dump.map(|Buffer { serial, width, height, refs, .. }| {
            let (width, height, refs) = (*width, *height, refs.clone());
            say.say(&AgentMessage::WindowDump {
                kind: 0,
                width,
                height,
                bits_per_pixel: BITS_PER_PIXEL,
                refs,
            });
            self.unmap_matters = true;
            *serial
        });
        self.dumped = dumped.or(self.dumped);
        if let Some((class, name)) = &self.class
            && untold.contains(Untold::CLASS)
        {
            say.say(&AgentMessage::WmClass { class: field(class), name: field(name) });
        }
        self.tell_hints(untold, say);
        self.tell_stage(untold, override_redirect, above, say);
        if let Some(title) = &self.title
            && untold.contains(Untold::TITLE)
        {
            say.say(&AgentMessage::WmName { title: field(title) });
        }
        let StateChange { set, unset } = core::mem::take(&mut self.state_change);
        let changed = set.union(unset);
        // The base protocol has no words for the others.
        let others = Held::MAXIMISED | Held::TILED | Held::AWAKE | Held::MODAL;
        let is_sayable = changed.is_empty() || !others.contains(changed);
        if untold.contains(Untold::STATES) && is_sayable {
            say.say(&AgentMessage::WindowFlags { set: set.flags(), unset: unset.flags() });
        }
        if let Some(commit) = &mut self.commit {
            // Nobody draws what is not shown; when it is, all of it is drawn.
            for Rect { x, y, width, height } in
                commit.damage.drain(..).filter(|_| self.stage != Stage::Unmapped)
            {
                say.say(&AgentMessage::ShmImage { x, y, width, height });
            }
        }
        if untold.contains(Untold::CURSOR) {
            say.say(&AgentMessage::Cursor { cursor: self.cursor.nearest_glyph().to_wire() });
        }
        dumped
    }

    /// To a daemon of level 1.
    fn tell_extended(&mut self, say: &mut Say<'_>) {
        let untold = core::mem::take(&mut self.untold);
        self.tell_existence(untold, self.override_redirect, say);
        if let Some(popup) = &self.popup
            && untold.contains(Untold::POPUP)
        {
            say.say(&raw_popup(popup));
        }
        if untold.contains(Untold::PARENT) {
            say.say(&AgentMessage::Parent { parent: self.dialog_of.unwrap_or_default() });
        }
        self.tell_hints(untold, say);
        if let Some(title) = &self.title
            && untold.contains(Untold::TITLE)
        {
            say.say(&AgentMessage::Title { text: Bytes(title.as_bytes().into()) });
        }
        if let Some((app_id, _)) = &self.class
            && untold.contains(Untold::CLASS)
        {
            say.say(&AgentMessage::AppId { text: Bytes(app_id.as_bytes().into()) });
        }
        if let Some(Image { width, height, pixels }) = &self.icon
            && untold.contains(Untold::ICON)
        {
            let (width, height, pixels) = (*width, *height, Bytes(pixels.clone()));
            say.say(&AgentMessage::Icon { width, height, pixels });
        }
        self.tell_frames(untold, say);
        self.tell_stage(untold, self.override_redirect, None, say);
        for (kind, value) in self.take_wishes().map(Wish::to_wire) {
            say.say(&AgentMessage::Wish { kind, value });
        }
        if untold.contains(Untold::CURSOR) {
            say.say(&raw_cursor(&self.cursor));
        }
        if untold.contains(Untold::CONSTRAINT) {
            let (kind, region) = self.constraint;
            say.say(&AgentMessage::ConstrainPointer {
                kind: kind.to_wire(),
                region: region.unwrap_or_default(),
            });
        }
        if untold.contains(Untold::NEEDS) {
            say.say(&AgentMessage::PointerNeeds { needs: self.needs.bits() });
        }
    }

    /// What was removed goes first, to make place, but what is shown only when there is a commit to replace it.
    fn tell_frames(&mut self, untold: Untold, say: &mut Say<'_>) {
        let shown = self.shown();
        let stays = [self.shown_told.filter(|_| untold.contains(Untold::COMMIT)), shown];
        for buffer in self.pool.iter_mut().filter(|buffer| !stays.contains(&Some(buffer.serial))) {
            remove(buffer, say);
        }
        for buffer in self.pool.iter_mut().filter(|buffer| !buffer.told) {
            if buffer.removed && shown != Some(buffer.serial) {
                continue;
            }
            buffer.told = true;
            let (width, height, format) = (buffer.width, buffer.height, buffer.format.to_wire());
            let refs = buffer.refs.clone();
            say.say(&AgentMessage::Buffer { buffer: buffer.id, width, height, format, refs });
        }
        let commit = self.commit.as_mut().filter(|_| untold.contains(Untold::COMMIT));
        if let Some(commit) = commit
            && let Some(buffer) = self.pool.iter_mut().find(|buffer| buffer.serial == commit.buffer)
        {
            let newest = self.arranged.saturating_sub(self.arranged_before);
            let configure = commit.configure.saturating_sub(self.arranged_before).min(newest);
            self.named = self.named.max(configure);
            buffer.lent = Some(self.commit_serial);
            self.shown_told = Some(buffer.serial);
            self.unmap_matters = true;
            say.say(&raw_commit(commit, self.commit_serial, self.named, buffer));
            commit.damage.clear();
        }
        for buffer in self.pool.iter_mut().filter(|buffer| Some(buffer.serial) != shown) {
            remove(buffer, say);
        }
    }

    /// The wishes that are to be told.
    fn take_wishes(&mut self) -> impl Iterator<Item = Wish> + use<> {
        let StateChange { set, unset } = core::mem::take(&mut self.state_change);
        let asked =
            move |state: Held| (set.contains(state) || unset.contains(state)).then(|| set.contains(state));
        let tiled = set.union(unset).intersects(Held::TILED).then(|| Wish::Tiled(set.tiled()));
        let wishes = [
            tiled,
            asked(Held::MAXIMISED).map(Wish::Maximised),
            asked(Held::FULLSCREEN).map(Wish::Fullscreen),
            asked(Held::MINIMISED).filter(|on| *on).map(|_| Wish::Minimised),
            asked(Held::ATTENTION).map(Wish::Attention),
            asked(Held::AWAKE).map(Wish::KeepAwake),
            asked(Held::MODAL).map(Wish::Modal),
            self.deed.take(),
        ];
        wishes.into_iter().flatten()
    }
}

/// Tells that a buffer is to go, if it is and that was not told.
fn remove(buffer: &mut Buffer, say: &mut Say<'_>) {
    if buffer.removed && buffer.told && !buffer.told_removed {
        buffer.told_removed = true;
        say.say(&AgentMessage::RemoveBuffer { buffer: buffer.id });
    }
}

pub(super) fn configure(geometry: Rect, override_redirect: bool) -> AgentMessage {
    let Rect { x, y, width, height } = geometry;
    AgentMessage::Configure { x, y, width, height, override_redirect: u32::from(override_redirect) }
}

fn raw_commit(commit: &NewCommit, serial: u64, configure: u32, buffer: &Buffer) -> AgentMessage {
    let NewCommit { width, height, scale, source, .. } = *commit;
    AgentMessage::Commit {
        serial,
        configure,
        buffer: buffer.id,
        width,
        height,
        scale: scale.in_120ths(),
        source,
        flags: if commit.wants_presented { WANTS_PRESENTED } else { 0 },
        damage_count: u32::try_from(commit.damage.len()).unwrap_or(u32::MAX),
        rects: commit.damage.iter().chain(&commit.opaque).copied().collect(),
    }
}

fn raw_popup(popup: &Popup) -> AgentMessage {
    let Popup { parent, token, positioner } = *popup;
    let reactive = if positioner.reactive { REACTIVE } else { 0 };
    let grab = if positioner.grab { GRAB } else { 0 };
    AgentMessage::Popup {
        parent,
        token,
        anchor_rect: positioner.anchor_rect,
        width: positioner.width,
        height: positioner.height,
        anchor: positioner.anchor,
        gravity: positioner.gravity,
        constraint: positioner.constraint,
        offset_x: positioner.offset_x,
        offset_y: positioner.offset_y,
        flags: reactive | grab,
    }
}

fn raw_cursor(cursor: &CursorLook) -> AgentMessage {
    match cursor {
        CursorLook::Hidden => AgentMessage::CursorShape { shape: 0 },
        CursorLook::Shape(shape) => AgentMessage::CursorShape { shape: *shape },
        CursorLook::Image(cursor) => AgentMessage::CursorImage {
            width: cursor.image.width,
            height: cursor.image.height,
            hot_x: cursor.hot_x,
            hot_y: cursor.hot_y,
            scale: cursor.scale.in_120ths(),
            pixels: Bytes(cursor.image.pixels.clone()),
        },
    }
}

fn raw_hints(hints: SizeHints) -> AgentMessage {
    let mut flags = HintFlags::empty();
    flags.set(HintFlags::USER_POSITION, hints.user_position);
    flags.set(HintFlags::PROGRAM_POSITION, hints.program_position);
    let mut pair = |flag: HintFlags, pair: Option<(u32, u32)>| {
        flags.set(flag, pair.is_some());
        pair.unwrap_or_default()
    };
    let (min_width, min_height) = pair(HintFlags::MIN, hints.min);
    let (max_width, max_height) = pair(HintFlags::MAX, hints.max);
    let (width_increment, height_increment) = pair(HintFlags::INCREMENT, hints.increment);
    let (base_width, base_height) = pair(HintFlags::BASE, hints.base);
    AgentMessage::WindowHints {
        flags: flags.bits(),
        min_width,
        min_height,
        max_width,
        max_height,
        width_increment,
        height_increment,
        base_width,
        base_height,
    }
}
