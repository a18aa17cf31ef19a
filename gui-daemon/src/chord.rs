//! Key combinations as the configuration writes them: `Super+Escape`, `ctrl+alt+space`, or as in Qubes `Ctrl-Shift-c`.

use std::fmt;

use smithay::input::keyboard::{Keysym, ModifiersState, keysyms, xkb};

/// A key together with modifiers, of which there is at least one: a key by itself is a window's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chord {
    modifiers: Modifiers,
    key: Keysym,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Modifiers {
    ctrl: bool,
    alt: bool,
    shift: bool,
    logo: bool,
}

impl Chord {
    /// What a combination must be, for messages.
    pub const RULE: &str = "ctrl, alt, shift or super, joined by + or - with each other and with a key's xkb name, \
                            as in \"Super+Escape\"";

    /// The combination of this key with the logo key.
    pub const fn logo(key: Keysym) -> Self {
        Self { modifiers: Modifiers { ctrl: false, alt: false, shift: false, logo: true }, key }
    }

    /// The combination of this key with the control and shift keys.
    pub const fn ctrl_shift(key: Keysym) -> Self {
        Self { modifiers: Modifiers { ctrl: true, alt: false, shift: true, logo: false }, key }
    }

    /// Reads a combination; modifiers in any case, the key's name as xkb has it or in another case. Of a letter, the case
    /// makes no difference: whether shift is part of the combination is said by its name.
    pub fn parse(text: &str) -> Option<Self> {
        let (names, key) = text.rsplit_once(['+', '-'])?;
        let mut modifiers = Modifiers::default();
        for name in names.split(['+', '-']) {
            let held = match name.to_ascii_lowercase().as_str() {
                "ctrl" | "control" => &mut modifiers.ctrl,
                "alt" | "mod1" => &mut modifiers.alt,
                "shift" => &mut modifiers.shift,
                "super" | "logo" | "win" | "mod4" => &mut modifiers.logo,
                _ => return None,
            };
            *held = true;
        }
        let exact = xkb::keysym_from_name(key, xkb::KEYSYM_NO_FLAGS);
        let key = if exact.raw() == keysyms::KEY_NoSymbol {
            xkb::keysym_from_name(key, xkb::KEYSYM_CASE_INSENSITIVE)
        } else {
            exact
        };
        (key.raw() != keysyms::KEY_NoSymbol).then_some(Self { modifiers, key: lower(key) })
    }

    /// Whether a key that means these with these modifiers, and no others, is the combination.
    pub fn matches(&self, held: &ModifiersState, meanings: &[Keysym]) -> bool {
        let held = Modifiers { ctrl: held.ctrl, alt: held.alt, shift: held.shift, logo: held.logo };
        self.modifiers == held && meanings.iter().any(|key| self.key == lower(*key))
    }
}

/// The key of a letter, in lower case.
fn lower(key: Keysym) -> Keysym {
    let letter = key.key_char().filter(char::is_ascii_uppercase);
    letter.map_or(key, |letter| Keysym::from_char(letter.to_ascii_lowercase()))
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Modifiers { ctrl, alt, shift, logo } = self.modifiers;
        for (held, name) in [(ctrl, "Ctrl"), (alt, "Alt"), (shift, "Shift"), (logo, "Super")] {
            if held {
                write!(f, "{name}+")?;
            }
        }
        f.write_str(&xkb::keysym_get_name(self.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chords_are_read_and_written() {
        for (text, shown) in [
            ("Super+Escape", "Super+Escape"),
            ("super+space", "Super+space"),
            ("Control+ALT+f1", "Ctrl+Alt+F1"),
            ("shift+win+a", "Shift+Super+a"),
            ("ctrl+A", "Ctrl+a"),
            ("Ctrl-Shift-c", "Ctrl+Shift+c"),
            ("Mod4-Mod1-F9", "Alt+Super+F9"),
        ] {
            assert_eq!(Chord::parse(text).unwrap().to_string(), shown);
        }
        for text in ["", "Escape", "+", "Super+", "meow+a", "Super+Escpae", "ctrl++a"] {
            assert_eq!(Chord::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_chord_is_exactly_its_modifiers() {
        let chord = Chord::parse("Super+space").unwrap();
        let logo = ModifiersState { logo: true, caps_lock: true, num_lock: true, ..Default::default() };
        let key = Keysym::space;
        assert!(chord.matches(&logo, &[key]));
        assert!(!chord.matches(&ModifiersState::default(), &[key]));
        assert!(!chord.matches(&ModifiersState { ctrl: true, ..logo }, &[key]));
        assert!(!chord.matches(&logo, &[Keysym::Tab]));
        assert_eq!(chord, Chord::logo(Keysym::space));
    }

    #[test]
    fn a_letter_is_its_key_in_every_layout_and_under_every_lock() {
        let chord = Chord::ctrl_shift(Keysym::c);
        let held = ModifiersState { ctrl: true, shift: true, ..Default::default() };
        assert!(chord.matches(&held, &[Keysym::C]) && chord.matches(&held, &[Keysym::c]));
        assert!(chord.matches(&held, &[Keysym::Cyrillic_ES, Keysym::c]));
        assert!(!chord.matches(&held, &[Keysym::Cyrillic_ES]));
        assert_eq!(Chord::parse("ctrl+shift+C"), Some(chord));
    }
}
