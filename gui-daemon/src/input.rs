//! Input from the backend: the shell sees it first, what it leaves goes to the focused target.
//!
//! Invariants: a key or button the compositor took for itself never reaches a client, its release neither; keys that the
//! user holds are known to every window that gets the focus. AppVMs get the numbers of X11, which the base protocol uses:
//! keycodes are evdev's plus 8, modifier masks are those of the core protocol, buttons 4 to 7 are the wheel.

use std::{collections::HashSet, time::Duration};

use smithay::{
    backend::input::{Axis, AxisSource, ButtonState, KeyState},
    input::{
        keyboard::{FilterResult, Keycode, Keysym, ModifiersState, keysyms},
        pointer::{AxisFrame, ButtonEvent, MotionEvent, RelativeMotionEvent},
    },
    reexports::calloop::{
        LoopHandle, RegistrationToken,
        timer::{TimeoutAction, Timer},
    },
    utils::{Logical, Point, SERIAL_COUNTER},
};
use tracing::error;

use crate::{
    backend::BackendEvent,
    chord::Chord,
    config::Config,
    focus::{Focus, GuestTarget},
    render::{CursorIcon, resize_icon},
    shell::{self, Button, Direction, FramePart, Hit, Shell, Tile, geom},
    state::State,
    windows::Source,
};

/// Pixels of a continuous scroll that make one click of a wheel, as libinput counts a wheel's 15 degrees.
const PIXELS_PER_CLICK: f64 = 15.0;
/// Units of a high-resolution wheel that make one click (`wl_pointer.axis_value120`).
const V120_PER_CLICK: f64 = 120.0;
/// Wheel clicks forwarded for one event at most, so that a broken device cannot flood a domain.
const MAX_CLICKS_PER_EVENT: i32 = 16;
/// Two presses on a title band within this time are a double click.
const DOUBLE_CLICK_MS: u32 = 400;

/// Which keys are held, as the 256-bit map of X11 keycodes that the base protocol sends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyMap([u8; 32]);

impl KeyMap {
    /// The map with exactly these X11 keycodes set; codes above 255 cannot be expressed and are left out.
    pub fn from_held(keycodes: impl Iterator<Item = u32>) -> Self {
        let mut map = Self::default();
        for code in keycodes {
            let bit = 1u8 << (code % 8);
            if let Some(byte) = usize::try_from(code / 8).ok().and_then(|at| map.0.get_mut(at)) {
                *byte |= bit;
            }
        }
        map
    }

    /// The map as it goes on the wire.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The X11 modifier mask: xkb's first eight modifiers are the core ones, in the same order.
pub fn x11_modifiers(modifiers: &ModifiersState) -> u32 {
    let m = &modifiers.serialized;
    (m.depressed | m.latched | m.locked) & 0xff
}

/// The X11 number of an evdev button, or `None` for one that the base protocol cannot express.
pub fn x11_button(evdev: u32) -> Option<u32> {
    match evdev {
        0x110 => Some(1),
        0x112 => Some(2),
        0x111 => Some(3),
        _ => None,
    }
}

/// A position in whole pixels, rounded down so that it stays inside the window it was found in.
pub fn whole(at: Point<f64, Logical>) -> (i32, i32) {
    // `as` saturates, which is what a position out of range should do.
    (at.x.floor() as i32, at.y.floor() as i32)
}

/// Turns wheel movement into X11 button clicks, keeping the fractions that are not yet a click.
#[derive(Debug, Default)]
pub struct Wheel {
    vertical: f64,
    horizontal: f64,
}

impl Wheel {
    /// The buttons to click for one axis event.
    pub fn x11_clicks(&mut self, frame: &AxisFrame) -> Vec<u32> {
        let (h, v) = match frame.v120 {
            Some((h, v)) => (f64::from(h) / V120_PER_CLICK, f64::from(v) / V120_PER_CLICK),
            None => (frame.axis.0 / PIXELS_PER_CLICK, frame.axis.1 / PIXELS_PER_CLICK),
        };
        let mut clicks = Self::whole_clicks(&mut self.vertical, v, 4, 5);
        clicks.extend(Self::whole_clicks(&mut self.horizontal, h, 6, 7));
        clicks
    }

    fn whole_clicks(rest: &mut f64, delta: f64, back: u32, forth: u32) -> Vec<u32> {
        *rest += delta;
        let clicks = (rest.trunc() as i32).clamp(-MAX_CLICKS_PER_EVENT, MAX_CLICKS_PER_EVENT);
        *rest = rest.fract();
        let button = if clicks < 0 { back } else { forth };
        (0..clicks.unsigned_abs()).map(|_| button).collect()
    }
}

/// Repeats of a held key for AppVMs, whose agents make none of their own.
#[derive(Debug)]
pub struct KeyRepeat {
    /// Time from the press to the first repeat; `None` turns repeats off.
    pub delay: Option<Duration>,
    /// Time between repeats.
    pub interval: Duration,
    running: Option<(Keycode, RegistrationToken)>,
}

impl KeyRepeat {
    /// Repeats `rate` times a second after `delay_ms`; a rate of 0 turns repeats off.
    pub fn new(rate: u32, delay_ms: u32) -> Self {
        let delay = (rate > 0).then(|| Duration::from_millis(delay_ms.into()));
        Self { delay, interval: Duration::from_secs(1) / rate.max(1), running: None }
    }

    /// Ends the repeat that runs, if one does.
    pub fn stop(&mut self, handle: &LoopHandle<'static, State>) {
        if let Some((_, token)) = self.running.take() {
            handle.remove(token);
        }
    }

    fn is_running_for(&self, keycode: Keycode) -> bool {
        self.running.as_ref().is_some_and(|(running, _)| *running == keycode)
    }
}

/// What a key combination of the compositor's own does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Binding {
    Switch(Direction),
    SwitchEnd,
    SwitchCancel,
    Close,
    NextLayout,
    ReleasePointer,
    /// To the virtual terminal of this number.
    Terminal(i32),
    SecureCopy,
    SecurePaste,
    RefusePaste,
    /// Chooses who gets files by this key of the row of digits, or stops them by 0.
    Files(usize),
    Tile(Tile),
    Maximise,
    StepBack,
    /// Taken, nothing to do: the release of a combination.
    Swallow,
}

/// The compositor's own combinations, and which of their keys are still down.
#[derive(Debug)]
pub struct Bindings {
    configured: Vec<(Chord, Binding)>,
    held: HashSet<Keycode>,
    switching: bool,
}

impl Bindings {
    /// None of the keys down; with the combinations the configuration has.
    pub fn new(config: &Config) -> Self {
        let Config { keyboard, clipboard, .. } = config;
        let mut configured = vec![
            (keyboard.next_layout, Binding::NextLayout),
            (keyboard.release_pointer, Binding::ReleasePointer),
            (keyboard.tile_left, Binding::Tile(Tile::Left)),
            (keyboard.tile_right, Binding::Tile(Tile::Right)),
            (keyboard.maximise, Binding::Maximise),
            (keyboard.step_back, Binding::StepBack),
        ];
        configured.extend(clipboard.copy.map(|chord| (chord, Binding::SecureCopy)));
        configured.extend(clipboard.paste.map(|chord| (chord, Binding::SecurePaste)));
        Self { configured, held: HashSet::new(), switching: false }
    }

    /// What a key that is pressed does. `meanings` are its symbol, and what it would be on a Latin keyboard.
    fn meant(
        &self,
        modifiers: &ModifiersState,
        keycode: Keycode,
        meanings: [Keysym; 2],
        open: Open,
    ) -> Option<Binding> {
        let only_logo = modifiers.logo && !(modifiers.ctrl || modifiers.alt || modifiers.shift);
        if let Some(digit) = digit(keycode).filter(|_| open.files && only_logo) {
            return Some(Binding::Files(digit));
        }
        let configured = self.configured.iter().find(|(chord, _)| chord.matches(modifiers, &meanings));
        match meanings[0].raw() {
            _ if configured.is_some() => configured.map(|(_, binding)| *binding),
            keysyms::KEY_Tab if modifiers.alt => Some(Binding::Switch(Direction::Forward)),
            keysyms::KEY_ISO_Left_Tab if modifiers.alt => Some(Binding::Switch(Direction::Backward)),
            keysyms::KEY_Escape if self.switching => Some(Binding::SwitchCancel),
            keysyms::KEY_Escape if open.paste => Some(Binding::RefusePaste),
            keysyms::KEY_F4 if modifiers.alt => Some(Binding::Close),
            _ => terminal(meanings[0]).map(Binding::Terminal),
        }
    }

    fn take(
        &mut self,
        modifiers: &ModifiersState,
        keycode: Keycode,
        meanings: [Keysym; 2],
        pressed: bool,
        open: Open,
    ) -> Option<Binding> {
        if !pressed {
            if self.held.remove(&keycode) {
                return Some(Binding::Swallow);
            }
            if self.switching && !modifiers.alt {
                self.switching = false;
                return Some(Binding::SwitchEnd);
            }
            return None;
        }
        let binding = self.meant(modifiers, keycode, meanings, open);
        if let Some(binding) = binding {
            self.held.insert(keycode);
            match binding {
                Binding::Switch(_) => self.switching = true,
                Binding::SwitchCancel => self.switching = false,
                _ => {}
            }
        }
        binding
    }
}

/// What the compositor has on the screen that takes keys.
#[derive(Debug, Clone, Copy, Default)]
struct Open {
    /// A question about a paste.
    paste: bool,
    /// Files that are asked about, or on their way.
    files: bool,
}

/// The digit of a key in the row of digits, whatever the layout has there.
fn digit(keycode: Keycode) -> Option<usize> {
    const ONE: u32 = 10;
    let place = keycode.raw().checked_sub(ONE).filter(|place| *place < 10)?;
    usize::try_from(place.saturating_add(1) % 10).ok()
}

/// The virtual terminal that a key turns to; keymaps have these on Ctrl+Alt+F1 to F12.
fn terminal(sym: Keysym) -> Option<i32> {
    let terminals = keysyms::KEY_XF86Switch_VT_1..=keysyms::KEY_XF86Switch_VT_12;
    let number =
        sym.raw().checked_sub(keysyms::KEY_XF86Switch_VT_1).filter(|_| terminals.contains(&sym.raw()))?;
    i32::try_from(number).ok()?.checked_add(1)
}

/// The compositor's own idea of the pointer.
#[derive(Debug, Default)]
pub struct PointerState {
    /// Where it is, in desktop coordinates.
    pub at: Point<f64, Logical>,
    /// X11 mask of the buttons held.
    pub buttons: u32,
    /// The frame button under the pointer.
    pub hovered: Option<(shell::Id, Button)>,
    /// The icon of the tray under the pointer.
    pub icon: Option<shell::Id>,
    /// What the frame part or desktop under the pointer shows; a client's own cursor wins over its content.
    pub shape: CursorIcon,
    /// Whether it was ever moved; a pointer that nobody has is not drawn.
    pub seen: bool,
    last_title_press: Option<(shell::Id, u32)>,
}

impl PointerState {
    fn position(&self) -> geom::Point {
        let (x, y) = whole(self.at);
        geom::Point::new(x, y)
    }
}

impl State {
    /// Handles one event of the backend.
    pub fn handle_input(&mut self, event: BackendEvent) {
        if event.is_of_user() {
            self.user_active();
        }
        if event.is_of_pointer() && !self.pointer_is_free() {
            return;
        }
        match event {
            BackendEvent::Frame(output) => self.draw_frame(output),
            BackendEvent::Presented { output, time, frame } => self.frame_presented(output, time, frame),
            BackendEvent::Redraw => self.present_all(),
            BackendEvent::OutputsChanged => self.screens_changed(),
            BackendEvent::Resized { width, height } => self.output_resized(width, height),
            BackendEvent::Key { keycode, pressed, time_ms } => self.key(keycode, pressed, time_ms),
            BackendEvent::PointerMotion { x, y, time_ms } => self.pointer_motion((x, y).into(), time_ms),
            BackendEvent::PointerMotionBy { dx, dy, time_ms } => {
                let by: Point<f64, Logical> = (dx, dy).into();
                self.pointer_motion(self.pointer.at + by, time_ms);
            }
            BackendEvent::PointerButton { button, pressed, time_ms } => {
                self.pointer_button(button, pressed, time_ms)
            }
            BackendEvent::PointerAxis { dx, dy, v120, source, time_ms } => {
                let steps = v120.unwrap_or_default();
                self.pointer_axis(AxisFrame::new(time_ms).source(source), (dx, dy), steps);
            }
            BackendEvent::PointerAxisStop { horizontal, vertical, time_ms } => {
                let mut frame = AxisFrame::new(time_ms).source(AxisSource::Finger);
                frame.stop = (horizontal, vertical);
                self.pointer_axis(frame, (0.0, 0.0), (0, 0));
            }
            BackendEvent::PointerRelative { dx, dy, dx_raw, dy_raw, time_us } => {
                let (delta, delta_unaccel) = ((dx, dy).into(), (dx_raw, dy_raw).into());
                self.relative_motion(&RelativeMotionEvent { delta, delta_unaccel, utime: time_us });
            }
            BackendEvent::Gesture(gesture, time_ms) => self.gesture(gesture, time_ms),
            BackendEvent::Touch(touch, time_ms) => self.touch(touch, time_ms),
            BackendEvent::Tablet(tool, time_ms) => self.tablet(tool, time_ms),
            BackendEvent::PointerLeft => self.pointer_left(),
            BackendEvent::FocusLost => self.release_all_keys(),
            BackendEvent::CloseRequested => self.stop(),
        }
    }

    /// The modifiers and buttons as an X11 state mask.
    pub fn x11_state(&self) -> u32 {
        self.x11_modifiers | self.pointer.buttons
    }

    /// The pointer relative to a window's content.
    pub fn pointer_in(&self, id: shell::Id) -> geom::Point {
        let at = self.pointer.position();
        let origin = self.shell.window(id).map(|window| window.content.origin()).unwrap_or_default();
        at.minus(origin)
    }

    /// The keys held now. Not to be called from a keyboard target: the keyboard is locked there.
    pub fn held_keys(&self) -> KeyMap {
        let held = self.seat.get_keyboard().map(|keyboard| keyboard.pressed_keys()).unwrap_or_default();
        KeyMap::from_held(held.iter().map(|key| key.raw()))
    }

    /// Whether this window has the keyboard.
    pub fn has_keyboard_focus(&self, id: shell::Id) -> bool {
        self.shell.focused() == Some(id)
    }

    fn key(&mut self, evdev: u32, pressed: bool, time: u32) {
        let Some(keyboard) = self.seat.get_keyboard() else { return };
        let keycode = Keycode::new(evdev.saturating_add(8));
        let state = if pressed { KeyState::Pressed } else { KeyState::Released };
        let serial = SERIAL_COUNTER.next_serial();
        let binding = keyboard.input(self, keycode, state, serial, time, |state, modifiers, key| {
            state.keyboard.set_modifiers(modifiers);
            let paste = state.clipboard.clipboard.takes_answers(state.now());
            let open = Open { paste, files: state.files.files.is_open() };
            let symbol = key.modified_sym();
            let meanings = [symbol, key.raw_latin_sym_or_raw_current_sym().unwrap_or(symbol)];
            match state.bindings.take(modifiers, keycode, meanings, pressed, open) {
                // The release that ends the switch is the modifier's own: the window it leaves has seen its press.
                Some(Binding::SwitchEnd) => {
                    state.shell.alt_tab_end();
                    FilterResult::Forward
                }
                Some(binding) => FilterResult::Intercept(binding),
                None => FilterResult::Forward,
            }
        });
        match binding {
            Some(Binding::Switch(direction)) => self.shell.alt_tab(direction),
            Some(Binding::SwitchCancel) => self.shell.alt_tab_cancel(),
            Some(Binding::Close) => {
                if let Some(id) = self.shell.focused() {
                    self.close(id);
                }
            }
            Some(Binding::NextLayout) => {
                if let Some(next) = self.keyboard.find("next") {
                    self.set_layout(next);
                }
            }
            Some(Binding::ReleasePointer) => self.take_pointer(),
            Some(Binding::Terminal(number)) => self.backend.switch_terminal(number),
            Some(Binding::SecureCopy) => self.secure_copy(),
            Some(Binding::SecurePaste) => self.secure_paste(),
            Some(Binding::RefusePaste) => self.refuse_paste(),
            Some(Binding::Files(digit)) => self.files_key(digit),
            Some(Binding::Tile(tile)) => self.place_focused(|shell, id| shell.toggle_tile(id, tile)),
            Some(Binding::Maximise) => self.place_focused(|shell, id| shell.request_maximise(id, true)),
            Some(Binding::StepBack) => self.place_focused(Shell::step_back),
            Some(Binding::SwitchEnd | Binding::Swallow) | None => {}
        }
        self.apply_effects();
    }

    /// The user places the window that has the keyboard.
    fn place_focused(&mut self, place: impl FnOnce(&mut Shell, shell::Id)) {
        if let Some(id) = self.shell.focused() {
            place(&mut self.shell, id);
        }
    }

    /// Sends a key to an AppVM's window and starts or ends its repeats.
    pub fn guest_key(&mut self, guest: &GuestTarget, keycode: Keycode, pressed: bool) {
        let input = guest.key_input(self, keycode.raw(), pressed);
        self.with_link(guest.domain, |link| link.key(guest.window, input));
        if !pressed {
            if self.key_repeat.is_running_for(keycode) {
                self.key_repeat.stop(&self.loop_handle);
            }
            return;
        }
        self.key_repeat.stop(&self.loop_handle);
        let Some(delay) = self.key_repeat.delay.filter(|_| self.keyboard.keymap().key_repeats(keycode))
        else {
            return;
        };
        let guest = guest.clone();
        let repeat = move |_, _: &mut (), state: &mut State| {
            // A release and a press, as X11's autorepeat is seen by a client.
            for pressed in [false, true] {
                let input = guest.key_input(state, keycode.raw(), pressed);
                state.with_link(guest.domain, |link| link.key(guest.window, input));
            }
            TimeoutAction::ToDuration(state.key_repeat.interval)
        };
        match self.loop_handle.insert_source(Timer::from_duration(delay), repeat) {
            Ok(token) => self.key_repeat.running = Some((keycode, token)),
            Err(err) => error!(%err, "no timer for key repeats"),
        }
    }

    /// Releases every key that is held: the host took the keyboard away and will not tell of their releases.
    fn release_all_keys(&mut self) {
        let Some(keyboard) = self.seat.get_keyboard() else { return };
        for key in keyboard.pressed_keys() {
            let time = self.now_ms();
            self.key(key.raw().saturating_sub(8), false, time);
        }
    }

    /// Finds what is under the pointer again: windows may have moved under a pointer that rests.
    pub fn refresh_pointer(&mut self) {
        if !self.pointer.seen {
            return;
        }
        let time = self.now_ms();
        self.pointer_motion(self.pointer.at, time);
    }

    pub(crate) fn pointer_motion(&mut self, at: Point<f64, Logical>, time: u32) {
        let Some(at) = self.allowed_motion(self.outputs.nearest(at)) else { return };
        self.queue_cursor_redraw();
        self.pointer.seen = true;
        self.pointer.at = at;
        self.shell.pointer_motion(self.pointer.position());
        let moved_window = self.shell.grabbed().is_some();
        let hit = self.hit(self.pointer.position());
        self.set_hover(if moved_window { None } else { Some(hit) });
        let focus = match hit {
            Hit::Content { id, .. } if !moved_window && !self.tablet.is_heard() => {
                self.target_under(id, self.pointer.at)
            }
            _ => None,
        };
        let Some(pointer) = self.seat.get_pointer() else { return };
        let event = MotionEvent { location: self.pointer.at, serial: SERIAL_COUNTER.next_serial(), time };
        pointer.motion(self, focus, &event);
        pointer.frame(self);
        self.apply_effects();
        self.update_pointer_hold();
        self.queue_cursor_redraw();
    }

    fn set_hover(&mut self, hit: Option<Hit>) {
        let (hovered, shape) = match hit {
            Some(Hit::Frame { id, part: FramePart::Button(button) }) => {
                (Some((id, button)), CursorIcon::Default)
            }
            Some(Hit::Frame { part: FramePart::Edge(edges), .. }) => (None, resize_icon(edges)),
            Some(_) => (None, CursorIcon::Default),
            // During a move or resize the shape stays what it was at the press.
            None => (None, self.pointer.shape),
        };
        let icon = match hit {
            Some(Hit::Content { id, .. } | Hit::Frame { id, .. }) => {
                self.shell.window(id).filter(|window| window.role == shell::Role::Icon).map(|icon| icon.id)
            }
            Some(Hit::Nothing) | None => None,
        };
        self.pointer.shape = shape;
        let mut changed = Vec::new();
        if self.pointer.hovered != hovered {
            let before = std::mem::replace(&mut self.pointer.hovered, hovered);
            changed.extend([before, hovered].into_iter().flatten().map(|(id, _)| id));
        }
        if self.pointer.icon != icon {
            changed.extend([std::mem::replace(&mut self.pointer.icon, icon), icon].into_iter().flatten());
        }
        for id in changed {
            self.queue_redraw_of(id);
        }
    }

    /// The input target of a window's content at a place, and the desktop position of that target's origin.
    pub(crate) fn target_under(
        &self,
        id: shell::Id,
        place: Point<f64, Logical>,
    ) -> Option<(Focus, Point<f64, Logical>)> {
        let origin = self.shell.window(id)?.content.origin();
        let origin: Point<i32, Logical> = (origin.x, origin.y).into();
        match &self.windows.get(id)?.source {
            Source::Guest(guest) => Some((Focus::Guest(guest.target.clone()), origin.to_f64())),
            Source::Local(local) => {
                let (surface, at) = local.surface_under(place, origin)?;
                Some((Focus::Surface(surface), at))
            }
        }
    }

    pub(crate) fn pointer_button(&mut self, button: u32, pressed: bool, time: u32) {
        if self.question_takes_button(pressed) {
            return;
        }
        let Some(pointer) = self.seat.get_pointer() else { return };
        let mask = x11_button(button).map_or(0, |n| 128u32 << n);
        let at = self.pointer.position();
        let event = ButtonEvent {
            button,
            state: if pressed { ButtonState::Pressed } else { ButtonState::Released },
            serial: SERIAL_COUNTER.next_serial(),
            time,
        };
        if pressed {
            let hit = self.hit(at);
            self.dismiss_popups_outside(&hit);
            if matches!(hit, Hit::Content { .. }) {
                self.forgive_pointer_hold();
            }
            if self.pointer.buttons == 0 {
                self.press_on(hit, at, button, time);
            }
            if matches!(hit, Hit::Content { .. }) || pointer.is_grabbed() {
                pointer.button(self, &event);
            }
            self.pointer.buttons |= mask;
        } else {
            // X11's mask holds the state before the event, so the button goes from it after the release is sent.
            self.shell.pointer_release();
            pointer.button(self, &event);
            self.pointer.buttons &= !mask;
        }
        pointer.frame(self);
        self.apply_effects();
        if !pressed {
            self.refresh_pointer();
        }
    }

    fn press_on(&mut self, hit: Hit, at: geom::Point, button: u32, time: u32) {
        const BTN_LEFT: u32 = 0x110;
        let title = match hit {
            Hit::Frame { id, part: FramePart::Title } if button == BTN_LEFT => Some((id, time)),
            _ => None,
        };
        let again = match (title, self.pointer.last_title_press) {
            (Some((id, now)), Some((last, before))) => {
                id == last && now.wrapping_sub(before) <= DOUBLE_CLICK_MS
            }
            _ => false,
        };
        self.pointer.last_title_press = if again { None } else { title };
        match (title, hit) {
            (Some((id, _)), _) if again => self.shell.toggle_maximise(id),
            (_, Hit::Frame { .. }) if button != BTN_LEFT => {}
            _ => {
                self.shell.pointer_press(at);
            }
        }
        self.apply_effects();
    }

    /// The pointer is on no window any more.
    fn pointer_left(&mut self) {
        let Some(pointer) = self.seat.get_pointer() else { return };
        self.set_hover(Some(Hit::Nothing));
        let event = MotionEvent {
            location: self.pointer.at,
            serial: SERIAL_COUNTER.next_serial(),
            time: self.now_ms(),
        };
        pointer.motion(self, None, &event);
        pointer.frame(self);
    }

    fn pointer_axis(&mut self, mut frame: AxisFrame, (dx, dy): (f64, f64), (right, down): (i32, i32)) {
        let Some(pointer) = self.seat.get_pointer() else { return };
        for (axis, value, steps) in [(Axis::Horizontal, dx, right), (Axis::Vertical, dy, down)] {
            if value != 0.0 {
                frame = frame.value(axis, value);
            }
            if steps != 0 {
                frame = frame.v120(axis, steps);
            }
        }
        pointer.axis(self, frame);
        pointer.frame(self);
    }

    /// Gives the keyboard to the window the shell says has it.
    pub fn focus_keyboard(&mut self, to: Option<shell::Id>) {
        let Some(keyboard) = self.seat.get_keyboard() else { return };
        let focus = to.and_then(|id| self.windows.get(id)).map(|window| match &window.source {
            Source::Guest(guest) => Focus::Guest(guest.target.clone()),
            Source::Local(local) => Focus::Surface(local.surface().clone()),
        });
        keyboard.set_focus(self, focus, SERIAL_COUNTER.next_serial());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_map_has_a_bit_per_x11_keycode() {
        let map = KeyMap::from_held([9, 38, 255, 256, 100_000].into_iter());
        let mut expected = [0u8; 32];
        expected[1] = 0b10;
        expected[4] = 0b0100_0000;
        expected[31] = 0b1000_0000;
        assert_eq!(map.as_bytes(), &expected);
    }

    #[test]
    fn a_wheel_click_is_a_button_and_fractions_add_up() {
        let mut wheel = Wheel::default();
        let step = |v120| AxisFrame::new(0).v120(Axis::Vertical, v120);
        assert_eq!(wheel.x11_clicks(&step(120)), [5]);
        assert_eq!(wheel.x11_clicks(&step(60)), [0u32; 0]);
        assert_eq!(wheel.x11_clicks(&step(60)), [5]);
        assert_eq!(wheel.x11_clicks(&step(-240)), [4, 4]);
        assert_eq!(wheel.x11_clicks(&step(i32::MAX)).len(), 16);
        let sideways = AxisFrame::new(0).value(Axis::Horizontal, 15.0);
        assert_eq!(wheel.x11_clicks(&sideways), [7]);
    }

    #[test]
    fn the_release_of_a_taken_combination_is_taken_too() {
        let mut bindings = Bindings::new(&Config::default());
        let alt = ModifiersState { alt: true, ..Default::default() };
        let none = ModifiersState::default();
        let (tab, alt_key) = (Keycode::new(23), Keycode::new(64));
        let sym = |sym: u32| [Keysym::from(sym); 2];
        let mut take = |modifiers: &_, keycode, meanings, pressed| {
            bindings.take(modifiers, keycode, meanings, pressed, Open::default())
        };
        assert_eq!(take(&none, tab, sym(keysyms::KEY_Tab), true), None);
        assert_eq!(take(&none, tab, sym(keysyms::KEY_Tab), false), None);
        assert_eq!(take(&alt, tab, sym(keysyms::KEY_Tab), true), Some(Binding::Switch(Direction::Forward)));
        assert_eq!(take(&alt, tab, sym(keysyms::KEY_Tab), false), Some(Binding::Swallow));
        assert_eq!(take(&none, alt_key, sym(keysyms::KEY_Alt_L), false), Some(Binding::SwitchEnd));
        assert_eq!(take(&none, alt_key, sym(keysyms::KEY_Alt_L), false), None);

        let (escape, escape_sym) = (Keycode::new(9), sym(keysyms::KEY_Escape));
        assert_eq!(take(&alt, escape, escape_sym, true), None, "the client's, without a switch to cancel");
        take(&alt, tab, sym(keysyms::KEY_Tab), true);
        assert_eq!(take(&alt, escape, escape_sym, true), Some(Binding::SwitchCancel));
        assert_eq!(take(&none, alt_key, sym(keysyms::KEY_Alt_L), false), None, "nothing left to end");
    }

    #[test]
    fn configured_combinations_are_taken() {
        let chord = |text| Chord::parse(text).unwrap();
        let mut config = Config::default();
        config.keyboard.next_layout = chord("ctrl+F1");
        config.keyboard.release_pointer = chord("ctrl+F2");
        let mut bindings = Bindings::new(&config);
        let ctrl = ModifiersState { ctrl: true, ..Default::default() };
        let mut press = |key| bindings.take(&ctrl, Keycode::new(67), [key; 2], true, Open::default());
        assert_eq!(press(Keysym::F1), Some(Binding::NextLayout));
        assert_eq!(press(Keysym::F2), Some(Binding::ReleasePointer));
        assert_eq!(press(Keysym::space), None);
        let f3 = Keysym::from(keysyms::KEY_XF86Switch_VT_3);
        assert_eq!(press(f3), Some(Binding::Terminal(3)), "keymaps turn Ctrl+Alt+F3 into this");
    }

    #[test]
    fn escape_is_the_windows_unless_a_question_is_open() {
        let mut bindings = Bindings::new(&Config::default());
        let (none, key) = (ModifiersState::default(), Keycode::new(9));
        assert_eq!(bindings.take(&none, key, [Keysym::Escape; 2], true, Open::default()), None);
        let refuse = bindings.take(&none, key, [Keysym::Escape; 2], true, Open { paste: true, files: false });
        assert_eq!(refuse, Some(Binding::RefusePaste));
        assert_eq!(
            bindings.take(&none, key, [Keysym::Escape; 2], false, Open::default()),
            Some(Binding::Swallow)
        );
    }

    #[test]
    fn copy_and_paste_are_taken_unless_switched_off() {
        let held = ModifiersState { ctrl: true, shift: true, ..Default::default() };
        let mut config = Config::default();
        for on in [true, false] {
            let mut bindings = Bindings::new(&config);
            let mut press = |key| bindings.take(&held, Keycode::new(54), [key; 2], true, Open::default());
            assert_eq!(press(Keysym::C), on.then_some(Binding::SecureCopy));
            assert_eq!(press(Keysym::V), on.then_some(Binding::SecurePaste));
            (config.clipboard.copy, config.clipboard.paste) = (None, None);
        }
    }
}
