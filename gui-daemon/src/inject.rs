//! Typing by name and by text: which keys give a symbol under a keymap.
//!
//! Answers come from trying the keymap, not from tables: whatever a layout puts where, a stroke found here produces its
//! symbol there. Only one layout of the keymap is searched, with nothing locked.

use std::collections::HashMap;

use smithay::input::keyboard::{Keysym, keysyms, xkb};

/// xkb counts keys from 8 above evdev.
const EVDEV_OFFSET: u32 = 8;

/// X11 knows no keys above this one of xkb's, so they are not for everybody to hear of. Keymaps have symbols there that
/// keyboards have elsewhere.
const LAST_X11_KEY: u32 = 255;

/// The modifiers that layouts put symbols behind, as sets of keys to hold, the simplest first.
const LEVELS: [&[Keysym]; 4] =
    [&[], &[Keysym::Shift_L], &[Keysym::ISO_Level3_Shift], &[Keysym::Shift_L, Keysym::ISO_Level3_Shift]];

/// One key pressed and released while others are held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStroke {
    /// Evdev codes of the keys to hold, in the order to press them.
    pub modifiers: Vec<u32>,
    /// Evdev code of the key.
    pub key: u32,
}

impl KeyStroke {
    /// The presses and releases in order, as (evdev code, pressed).
    pub fn transitions(&self) -> impl Iterator<Item = (u32, bool)> + '_ {
        let held = self.modifiers.iter();
        held.clone()
            .map(|&key| (key, true))
            .chain([(self.key, true), (self.key, false)])
            .chain(held.rev().map(|&key| (key, false)))
    }
}

/// Why something cannot be typed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InjectError {
    /// Neither a modifier's name nor a key's.
    #[error("{0:?} is not the name of a key; names are xkb's, such as Return, a, F4 or plus")]
    UnknownKey(String),
    /// What stands before a `+` is no modifier.
    #[error("{0:?} is not a modifier: those are ctrl, shift, alt, altgr and super")]
    UnknownModifier(String),
    /// The keyboard's layout has no key for it.
    #[error("no key of this layout gives {0:?}")]
    NotOnLayout(String),
}

/// The stroke for a chord: a key's xkb name, after the names of modifiers with `+` between, as in `ctrl+shift+c`.
///
/// Modifiers that the symbol itself needs are added: `ctrl+plus` holds shift where `+` is on a shifted key.
pub fn stroke_for_name(keymap: &xkb::Keymap, layout: u32, name: &str) -> Result<KeyStroke, InjectError> {
    let (modifiers, key) = name.rsplit_once('+').map_or(("", name), |(modifiers, key)| (modifiers, key));
    let symbol = xkb::keysym_from_name(key, xkb::KEYSYM_NO_FLAGS);
    if symbol.raw() == keysyms::KEY_NoSymbol {
        return Err(InjectError::UnknownKey(key.to_owned()));
    }
    let layout = Layout::new(keymap, layout);
    let needed = layout.stroke(symbol).ok_or_else(|| InjectError::NotOnLayout(key.to_owned()))?;
    let mut stroke = KeyStroke { modifiers: Vec::new(), key: needed.key };
    for name in modifiers.split('+').filter(|_| !modifiers.is_empty()) {
        let symbol = modifier(name).ok_or_else(|| InjectError::UnknownModifier(name.to_owned()))?;
        let held = layout.stroke(symbol).ok_or_else(|| InjectError::NotOnLayout(name.to_owned()))?;
        stroke.hold(held.key);
    }
    for &key in &needed.modifiers {
        stroke.hold(key);
    }
    Ok(stroke)
}

/// The strokes that type a text; a line end is Return.
pub fn keys_for_text(keymap: &xkb::Keymap, layout: u32, text: &str) -> Result<Vec<KeyStroke>, InjectError> {
    let layout = Layout::new(keymap, layout);
    text.chars()
        .map(|character| {
            let symbol = match character {
                '\n' => Keysym::Return,
                '\t' => Keysym::Tab,
                _ => xkb::utf32_to_keysym(character.into()),
            };
            layout.stroke(symbol).cloned().ok_or_else(|| InjectError::NotOnLayout(character.to_string()))
        })
        .collect()
}

fn modifier(name: &str) -> Option<Keysym> {
    Some(match name.to_ascii_lowercase().as_str() {
        "ctrl" | "control" => Keysym::Control_L,
        "shift" => Keysym::Shift_L,
        "alt" => Keysym::Alt_L,
        "altgr" => Keysym::ISO_Level3_Shift,
        "super" | "logo" | "win" => Keysym::Super_L,
        _ => return None,
    })
}

impl KeyStroke {
    fn hold(&mut self, key: u32) {
        if !self.modifiers.contains(&key) {
            self.modifiers.push(key);
        }
    }
}

/// The simplest stroke for each symbol of a keymap.
struct Layout(HashMap<Keysym, KeyStroke>);

impl Layout {
    fn new(keymap: &xkb::Keymap, layout: u32) -> Self {
        let mut strokes = HashMap::new();
        for symbols in LEVELS {
            let mut state = xkb::State::new(keymap);
            state.update_mask(0, 0, 0, 0, 0, layout);
            // The modifiers are symbols without modifiers themselves: the first round has found them.
            let held = |symbol| strokes.get(symbol).map(|stroke: &KeyStroke| stroke.key);
            let Some(modifiers) = symbols.iter().map(held).collect::<Option<Vec<u32>>>() else { continue };
            for &key in &modifiers {
                state.update_key((key + EVDEV_OFFSET).into(), xkb::KeyDirection::Down);
            }
            keymap.key_for_each(|_, key| {
                let symbol = state.key_get_one_sym(key);
                if let Some(code) = key.raw().checked_sub(EVDEV_OFFSET)
                    && key.raw() <= LAST_X11_KEY
                {
                    let stroke = || KeyStroke { modifiers: modifiers.clone(), key: code };
                    strokes.entry(symbol).or_insert_with(stroke);
                }
            });
        }
        strokes.remove(&Keysym::NoSymbol);
        Self(strokes)
    }

    fn stroke(&self, symbol: Keysym) -> Option<&KeyStroke> {
        self.0.get(&symbol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIFT: u32 = 42;
    const CTRL: u32 = 29;
    const ALT: u32 = 56;

    fn keymap(layout: &str) -> xkb::Keymap {
        let context = xkb::Context::new(xkb::CONTEXT_NO_FLAGS);
        let flags = xkb::KEYMAP_COMPILE_NO_FLAGS;
        xkb::Keymap::new_from_names(&context, "", "", layout, "", None, flags).unwrap()
    }

    fn stroke(modifiers: &[u32], key: u32) -> KeyStroke {
        KeyStroke { modifiers: modifiers.to_vec(), key }
    }

    /// What an application would read, told by xkbcommon's own state.
    fn typed(keymap: &xkb::Keymap, strokes: &[KeyStroke]) -> String {
        let mut state = xkb::State::new(keymap);
        let mut text = String::new();
        for (key, pressed) in strokes.iter().flat_map(KeyStroke::transitions) {
            let key = (key + EVDEV_OFFSET).into();
            if pressed {
                text.push_str(&state.key_get_utf8(key));
            }
            state.update_key(key, if pressed { xkb::KeyDirection::Down } else { xkb::KeyDirection::Up });
        }
        text
    }

    #[test]
    fn names_become_strokes() {
        let us = keymap("us");
        for (name, expected) in [
            ("a", stroke(&[], 30)),
            ("A", stroke(&[SHIFT], 30)),
            ("F4", stroke(&[], 62)),
            ("Return", stroke(&[], 28)),
            ("alt+Tab", stroke(&[ALT], 15)),
            ("ctrl+shift+c", stroke(&[CTRL, SHIFT], 46)),
            ("Control+C", stroke(&[CTRL, SHIFT], 46)),
            ("ctrl+plus", stroke(&[CTRL, SHIFT], 13)),
            ("Shift_L", stroke(&[], SHIFT)),
        ] {
            assert_eq!(stroke_for_name(&us, 0, name), Ok(expected), "{name}");
        }
    }

    #[test]
    fn names_that_are_none_are_refused() {
        let us = keymap("us");
        let error = |name| stroke_for_name(&us, 0, name).unwrap_err().to_string();
        assert_eq!(
            error("Enter"),
            "\"Enter\" is not the name of a key; names are xkb's, such as Return, a, F4 or plus"
        );
        assert_eq!(
            error(""),
            "\"\" is not the name of a key; names are xkb's, such as Return, a, F4 or plus"
        );
        assert_eq!(
            error("meow+a"),
            "\"meow\" is not a modifier: those are ctrl, shift, alt, altgr and super"
        );
        assert_eq!(error("ctrl++a"), "\"\" is not a modifier: those are ctrl, shift, alt, altgr and super");
        assert_eq!(error("Cyrillic_a"), "no key of this layout gives \"Cyrillic_a\"");
    }

    #[test]
    fn a_stroke_presses_in_order_and_releases_in_reverse() {
        let transitions: Vec<_> = stroke(&[CTRL, SHIFT], 46).transitions().collect();
        let expected = [(CTRL, true), (SHIFT, true), (46, true), (46, false), (SHIFT, false), (CTRL, false)];
        assert_eq!(transitions, expected);
    }

    #[test]
    fn text_is_typed_as_an_application_reads_it() {
        for (layout, text) in [
            ("us", "Hello, World! ~/x_y|z {1+1=2} \"q\" \\ 'a'"),
            ("de", "Gr\u{fc}\u{df}e @ {Zypern} \u{20ac}5 | ~ \\"),
            ("fr", "\u{e7}a \u{e0} 3 \u{20ac}; [AZERTY]"),
            ("ru", "\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442}"),
        ] {
            let keymap = keymap(layout);
            assert_eq!(typed(&keymap, &keys_for_text(&keymap, 0, text).unwrap()), text, "{layout}");
        }
    }

    #[test]
    fn what_keyboards_have_is_typed_as_on_them() {
        // keymaps have a key of its own for it, which X11 does not know
        assert_eq!(keys_for_text(&keymap("us"), 0, "$"), Ok(vec![stroke(&[SHIFT], 5)]));
    }

    #[test]
    fn line_ends_and_tabs_are_keys() {
        assert_eq!(keys_for_text(&keymap("us"), 0, "\n\t"), Ok(vec![stroke(&[], 28), stroke(&[], 15)]));
    }

    #[test]
    fn text_that_the_layout_lacks_is_refused_by_character() {
        let error = keys_for_text(&keymap("us"), 0, "na\u{ef}ve").unwrap_err();
        assert_eq!(error, InjectError::NotOnLayout("\u{ef}".into()));
    }
}
