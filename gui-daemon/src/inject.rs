//! From names and text to key strokes, by the keymap.

use smithay::input::keyboard::xkb;

/// One key pressed and released while others are held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStroke {
    /// Evdev codes of the modifier keys to hold, in the order to press them.
    pub modifiers: Vec<u32>,
    /// Evdev code of the key.
    pub key: u32,
}

impl KeyStroke {
    /// The presses and releases in order: (evdev code, pressed).
    pub fn transitions(&self) -> impl Iterator<Item = (u32, bool)> + '_ {
        std::iter::empty()
    }
}

/// Why something cannot be typed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InjectError(String);

/// The stroke for a chord such as `ctrl+shift+c`, `alt+Tab` or `F4`.
pub fn stroke_for_name(_keymap: &xkb::Keymap, _name: &str) -> Result<KeyStroke, InjectError> {
    todo!()
}

/// The strokes that type a text.
pub fn keys_for_text(_keymap: &xkb::Keymap, _text: &str) -> Result<Vec<KeyStroke>, InjectError> {
    todo!()
}
