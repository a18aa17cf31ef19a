//! What toolkits learn of the screen's scale by: resources of the root window (`Xft.dpi`), and settings by the protocol
//! XSETTINGS.
//!
//! Programs of neither appear small where the scale is more than 1, and sharp. Another program that manages settings may take
//! the office over; then its word counts.

use x11rb_protocol::protocol::xproto::{
    Atom, AtomEnum, CLIENT_MESSAGE_EVENT, ChangePropertyRequest, ClientMessageEvent, EventMask,
    GetPropertyRequest, PropMode, SetSelectionOwnerRequest, Window,
};

use super::{
    manager::{CURRENT_TIME, Manager},
    startup::{Question, parse_property},
};
use crate::compose::Density;

/// Dots per inch at scale 1, by agreement of everybody.
const DPI: u32 = 96;

/// A cursor's side at scale 1, in pixels.
const CURSOR: u32 = 24;

/// Words of resources that are looked at. Who has more keeps them as they are.
const RESOURCE_WORDS: u32 = 16384;

/// Resources of a scale, as lines.
fn resources(density: Density) -> [(&'static str, u32); 2] {
    [("Xft.dpi", scaled(DPI, density)), ("Xcursor.size", scaled(CURSOR, density))]
}

fn scaled(number: u32, density: Density) -> u32 {
    number.saturating_mul(density.0).saturating_add(Density::ONE.0 / 2) / Density::ONE.0
}

/// Resources with those of a scale in place of older ones.
fn with_resources(old: &[u8], density: Density) -> Vec<u8> {
    let ours = resources(density);
    let is_ours = |line: &[u8]| {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default().trim_ascii();
        ours.iter().any(|(ours, _)| ours.as_bytes() == name)
    };
    let kept = old.split_inclusive(|byte| *byte == b'\n').filter(|line| !is_ours(line));
    let mut new: Vec<u8> = kept.flatten().copied().collect();
    if new.last().is_some_and(|last| *last != b'\n') {
        new.push(b'\n');
    }
    new.extend(ours.iter().flat_map(|(name, value)| format!("{name}:\t{value}\n").into_bytes()));
    new
}

/// Settings of a scale, all of them new at `serial`.
fn settings(density: Density, serial: u32) -> Vec<u8> {
    // toolkits scale by whole numbers; the rest is in the size of letters
    let factor = (density.0 / Density::ONE.0).max(1);
    let dpi = scaled(DPI.saturating_mul(1024), density);
    let numbers = [
        ("Gdk/UnscaledDPI", dpi / factor),
        ("Gdk/WindowScalingFactor", factor),
        ("Gtk/CursorThemeSize", scaled(CURSOR, density)),
        ("Xft/DPI", dpi),
    ];
    let mut bytes = vec![u8::from(cfg!(target_endian = "big")), 0, 0, 0];
    bytes.extend(serial.to_ne_bytes());
    bytes.extend(u32::try_from(numbers.len()).unwrap_or(0).to_ne_bytes());
    for (name, number) in numbers {
        const INTEGER: u8 = 0;
        bytes.extend([INTEGER, 0]);
        bytes.extend(u16::try_from(name.len()).unwrap_or(0).to_ne_bytes());
        bytes.extend(name.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(serial.to_ne_bytes());
        bytes.extend(number.to_ne_bytes());
    }
    bytes
}

impl Manager {
    /// Takes the office, before any program is let in.
    pub(super) fn offer_settings(&mut self) {
        let resources = with_resources(b"", self.density);
        self.set_letters(self.root, AtomEnum::RESOURCE_MANAGER.into(), AtomEnum::STRING.into(), &resources);
        self.tell_settings();
        self.take_office(self.atoms.xsettings_s0);
    }

    /// There is another scale.
    pub(super) fn change_settings(&mut self) {
        self.tell_settings();
        // among them may be the user's own
        let request = GetPropertyRequest {
            delete: false,
            window: self.root,
            property: AtomEnum::RESOURCE_MANAGER.into(),
            type_: AtomEnum::STRING.into(),
            long_offset: 0,
            long_length: RESOURCE_WORDS,
        };
        self.connection.ask(request, Question::Resources);
    }

    pub(super) fn resources_answered(&mut self, reply: Option<&Vec<u8>>) {
        let old = parse_property(reply);
        if old.as_ref().is_some_and(|old| old.bytes_after > 0) {
            return;
        }
        let old = old.map(|old| old.value).unwrap_or_default();
        let resources = with_resources(&old, self.density);
        self.set_letters(self.root, AtomEnum::RESOURCE_MANAGER.into(), AtomEnum::STRING.into(), &resources);
    }

    fn tell_settings(&mut self) {
        self.settings_serial = self.settings_serial.wrapping_add(1);
        let (settings, name) = (settings(self.density, self.settings_serial), self.atoms.xsettings_settings);
        self.set_letters(self.own, name, name, &settings);
    }

    /// Owns a selection that stands for an office, and says so to those who wait for that.
    pub(super) fn take_office(&mut self, selection: Atom) {
        let (owner, root, time) = (self.own, self.root, CURRENT_TIME);
        self.connection.send(SetSelectionOwnerRequest { owner, selection, time });
        let event = ClientMessageEvent {
            response_type: CLIENT_MESSAGE_EVENT,
            format: 32,
            sequence: 0,
            window: root,
            type_: self.atoms.manager,
            data: [CURRENT_TIME, selection, owner, 0, 0].into(),
        };
        self.send_event(root, EventMask::STRUCTURE_NOTIFY, event);
    }

    pub(super) fn set_letters(&mut self, window: Window, property: Atom, type_: Atom, letters: &[u8]) {
        self.connection.send(ChangePropertyRequest {
            mode: PropMode::REPLACE,
            window,
            property,
            type_,
            format: 8,
            data_len: u32::try_from(letters.len()).unwrap_or(0),
            data: letters.to_vec().into(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_of_others_stay() {
        assert_eq!(with_resources(b"", Density(180)), b"Xft.dpi:\t144\nXcursor.size:\t36\n");
        let old = b"XTerm*font: 9x15\nXft.dpi:\t144\nXft.dpi.x: 1";
        let new = b"XTerm*font: 9x15\nXft.dpi.x: 1\nXft.dpi:\t192\nXcursor.size:\t48\n";
        assert_eq!(with_resources(old, Density(240)), new);
    }
}
