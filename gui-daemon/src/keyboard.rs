//! The keyboard's layouts: which there are, which is in force, and who is told.
//!
//! There is one layout for the whole desktop. dom0's own clients hear of it from the seat; AppVMs that can be told get the
//! keymap when their agent connects and the modifiers, the layout among them, before each focus and with each change.

use gui_protocol::Modifiers;
use smithay::input::keyboard::{Layout, ModifiersState, xkb};

use crate::{config::KeyboardConfig, domain::DomainId, state::State};

/// The keymap, and what of it is in force.
pub struct Keyboard {
    keymap: xkb::Keymap,
    /// The keymap in XKB's text form.
    text: String,
    /// As after the last key or change of layout.
    modifiers: ModifiersState,
}

impl Keyboard {
    /// The keymap of the configuration; `None` if there is none of these names.
    pub fn new(config: &KeyboardConfig) -> Option<Self> {
        let keymap = compile_keymap(config)?;
        let text = keymap.get_as_string(xkb::KEYMAP_FORMAT_TEXT_V1);
        Some(Self { keymap, text, modifiers: ModifiersState::default() })
    }

    /// The keymap, for repeats and for injected text.
    pub fn keymap(&self) -> &xkb::Keymap {
        &self.keymap
    }

    /// The keymap in XKB's text form.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names of the layouts, in the order of their numbers from 0.
    pub fn layouts(&self) -> impl Iterator<Item = &str> {
        self.keymap.layouts()
    }

    /// The number of the layout in force.
    pub fn layout(&self) -> u32 {
        self.modifiers.serialized.layout_effective
    }

    /// Takes note of the modifiers after a key.
    pub fn set_modifiers(&mut self, modifiers: &ModifiersState) {
        self.modifiers = *modifiers;
    }

    /// The modifiers as they go on the wire.
    pub fn wire_modifiers(&self) -> Modifiers {
        let held = &self.modifiers.serialized;
        Modifiers {
            depressed: held.depressed,
            latched: held.latched,
            locked: held.locked,
            group: held.layout_effective,
        }
    }

    /// The number of a layout by what a user may call it: its number, its name, or `next` for the one after that in
    /// force.
    pub fn find(&self, wanted: &str) -> Option<u32> {
        let count = self.keymap.num_layouts();
        if wanted == "next" {
            return (self.layout() + 1).checked_rem(count);
        }
        let named = (0..).zip(self.layouts()).find(|(_, name)| name.eq_ignore_ascii_case(wanted));
        named.map(|(number, _)| number).or_else(|| wanted.parse().ok()).filter(|number| *number < count)
    }
}

impl State {
    /// Puts a layout in force.
    pub(crate) fn set_layout(&mut self, number: u32) {
        let Some(keyboard) = self.seat.get_keyboard() else { return };
        keyboard.with_xkb_state(self, |mut context| context.set_layout(Layout(number)));
        let modifiers = keyboard.modifier_state();
        self.keyboard.set_modifiers(&modifiers);
        self.x11_modifiers = crate::input::x11_modifiers(&modifiers);
        self.names_changed();
    }

    /// Tells a domain the keymap, if its agent can be told.
    pub(crate) fn tell_keymap(&mut self, domain: DomainId) {
        let text = self.keyboard.text().to_owned();
        self.with_link(domain, |link| {
            link.keymap(&text);
        });
    }

    /// Tells a domain which modifiers are in force, if its agent can be told.
    pub(crate) fn tell_modifiers(&mut self, domain: DomainId) {
        let modifiers = self.keyboard.wire_modifiers();
        self.with_link(domain, |link| {
            link.modifiers(modifiers);
        });
    }
}

fn compile_keymap(config: &KeyboardConfig) -> Option<xkb::Keymap> {
    let context = xkb::Context::new(xkb::CONTEXT_NO_FLAGS);
    xkb::Keymap::new_from_names(
        &context,
        "",
        &config.model,
        &config.layout,
        &config.variant,
        config.options.clone(),
        xkb::KEYMAP_COMPILE_NO_FLAGS,
    )
}

impl std::fmt::Debug for Keyboard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyboard").field("layout", &self.layout()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_are_found_by_number_name_and_order() {
        let config = KeyboardConfig { layout: "us,de".into(), ..KeyboardConfig::default() };
        let mut keyboard = Keyboard::new(&config).unwrap();
        let names: Vec<&str> = keyboard.layouts().collect();
        assert_eq!(names, ["English (US)", "German"]);
        assert_eq!(keyboard.find("1"), Some(1));
        assert_eq!(keyboard.find("german"), Some(1));
        assert_eq!(keyboard.find("next"), Some(1));
        assert_eq!((keyboard.find("2"), keyboard.find("French"), keyboard.find("-1")), (None, None, None));
        let mut last = ModifiersState::default();
        last.serialized.layout_effective = 1;
        keyboard.set_modifiers(&last);
        assert_eq!(keyboard.find("next"), Some(0));
    }

    #[test]
    fn a_layout_that_does_not_exist_is_no_keymap() {
        let config = KeyboardConfig { layout: "nowhere".into(), ..KeyboardConfig::default() };
        assert!(Keyboard::new(&config).is_none());
    }
}
