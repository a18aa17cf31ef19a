//! The input devices: the tables `[input]` and `[cursor]`.

use super::{Refusal, Table};

/// How libinput's devices behave. A device that lacks a setting goes without.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InputConfig {
    /// Whether a tap on a touch pad is a click.
    pub tap: bool,
    /// Whether content follows the fingers and the wheel, as on a touch screen.
    pub natural_scroll: bool,
    /// How fast pointers are, from -100 to 100; 0 is libinput's own choice.
    pub pointer_speed: i32,
}

impl InputConfig {
    pub(super) fn read(&mut self, table: &mut Table<'_>) -> Result<(), Refusal> {
        table.boolean("tap", &mut self.tap)?;
        table.boolean("natural_scroll", &mut self.natural_scroll)?;
        table.integer("pointer_speed", -100..=100, &mut self.pointer_speed)
    }
}

/// The `hardware` key of the `[cursor]` table.
pub(super) fn read_hardware(table: &mut Table<'_>) -> Result<Option<bool>, Refusal> {
    let given = table.entries.contains_key("hardware");
    let mut hardware = false;
    table.boolean("hardware", &mut hardware)?;
    Ok(given.then_some(hardware))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn devices_are_set_within_bounds() {
        let input =
            |text: &str| Config::parse(text).map(|config| config.input).map_err(|error| error.to_string());
        assert_eq!(input(""), Ok(InputConfig::default()));
        let all = InputConfig { tap: true, natural_scroll: true, pointer_speed: -20 };
        assert_eq!(input("[input]\ntap = true\nnatural_scroll = true\npointer_speed = -20\n"), Ok(all));
        let rule = "2: input.pointer_speed = 101: must be a whole number from -100 to 100";
        assert_eq!(input("[input]\npointer_speed = 101\n"), Err(rule.to_owned()));
        let hardware = |text: &str| Config::parse(text).unwrap().pointer_planes;
        let texts = ["[cursor]", "[cursor]\nhardware = true", "[cursor]\nhardware = false"];
        assert_eq!(texts.map(hardware), [None, Some(true), Some(false)]);
    }
}
