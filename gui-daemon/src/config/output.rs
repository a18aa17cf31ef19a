//! The outputs: one `[output]` table, or a list of `[[output]]`.

use std::ops::RangeInclusive;

use toml::de::DeValue;

use super::{Refusal, Table};
use crate::{
    scale::Scale,
    shell::geom::{Point, Rect, Size},
};

/// Sides of a screen in pixels: below it no frame is usable, above it coordinates leave the base protocol's range.
pub const SCREEN_SIDE: RangeInclusive<u32> = 64..=16384;
/// Where an output may begin and end, in logical pixels: what the base protocol's clients keep a coordinate in.
pub const OUTPUT_PLACE: RangeInclusive<i32> = -32768..=32767;
/// Outputs at most, as agents are told of.
pub const MAX_OUTPUTS: usize = 16;
/// The longest name of an output, in bytes.
const MAX_NAME: usize = 32;

/// One output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputConfig {
    /// Its name, unlike any other output's.
    pub name: String,
    /// The place of its left edge on the desktop, in logical pixels.
    pub x: i32,
    /// The place of its top edge on the desktop, in logical pixels.
    pub y: i32,
    /// Width in pixels, within [`SCREEN_SIDE`].
    pub width: u32,
    /// Height in pixels, within [`SCREEN_SIDE`].
    pub height: u32,
    /// Frames per second, at most 1000; 0 draws on a headless screen as fast as frames are wanted.
    pub refresh_hz: u32,
    /// Its pixels for a logical one.
    pub scale: Scale,
    /// Who draws it, on a screen of the machine's own; elsewhere the CPU does.
    pub renderer: RendererChoice,
    /// What of this the configuration says; the rest is made up, for screens that have no ways of their own.
    pub given: Given,
}

/// Who draws an output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RendererChoice {
    /// The GPU of the card that shows it, if that has one, and the CPU if not.
    #[default]
    Auto,
    /// OpenGL ES, even if its driver is one that has the CPU draw; without a driver, the CPU.
    Gles,
    /// The CPU.
    Pixman,
}

impl RendererChoice {
    fn named(name: &str) -> Option<Self> {
        match name {
            "auto" => Some(Self::Auto),
            "gles" => Some(Self::Gles),
            "pixman" => Some(Self::Pixman),
            _ => None,
        }
    }
}

/// Which keys an output's table has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Given {
    /// `name`.
    pub name: bool,
    /// `x` or `y`.
    pub place: bool,
    /// `width` or `height`.
    pub size: bool,
    /// `refresh_hz`.
    pub refresh: bool,
}

impl Default for OutputConfig {
    fn default() -> Self {
        let name = default_name(0);
        let (scale, given) = (Scale::ONE, Given::default());
        let renderer = RendererChoice::Auto;
        Self { name, x: 0, y: 0, width: 1280, height: 800, refresh_hz: 60, scale, renderer, given }
    }
}

/// Why outputs cannot be used, in one line, and which of them is to blame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LayoutError {
    /// Its place in the list.
    pub output: usize,
    /// The place in the list of the one it contradicts.
    pub other: Option<usize>,
    /// Name, value and rule.
    pub message: String,
}

impl OutputConfig {
    /// Width and height in pixels.
    pub fn pixels(&self) -> Size {
        // Far below the limit of i32.
        Size::new(self.width.cast_signed(), self.height.cast_signed())
    }

    /// What of the desktop it shows, in logical pixels; a pixel shown by half or more counts.
    pub fn area(&self) -> Rect {
        let Size { width, height } = self.pixels();
        let size = Size::new(self.scale.logical(width), self.scale.logical(height));
        Rect::at(Point::new(self.x, self.y), size)
    }

    /// Checks that outputs can be used together: their number, their places, names that differ, and none over another.
    ///
    /// # Errors
    /// The first that cannot be used.
    pub fn check(outputs: &[Self]) -> Result<(), LayoutError> {
        if outputs.len() > MAX_OUTPUTS {
            let message = format!("there are {} outputs: at most {MAX_OUTPUTS} are shown", outputs.len());
            return Err(LayoutError { output: MAX_OUTPUTS, other: None, message });
        }
        for (index, output) in outputs.iter().enumerate() {
            let refuse = |other: Option<usize>, rule: &str| {
                let message = format!("output {:?}: {rule}", output.name);
                Err(LayoutError { output: index, other, message })
            };
            if !is_output_name(&output.name) {
                return refuse(None, "a name is 1 to 32 of the characters A-Z a-z 0-9 _ . -");
            }
            let area = output.area();
            if [area.x, area.y, area.right(), area.bottom()].iter().any(|it| !OUTPUT_PLACE.contains(it)) {
                return refuse(None, "its edges must lie between -32768 and 32767");
            }
            for (earlier, other) in outputs.iter().enumerate().take(index) {
                if other.name == output.name {
                    return refuse(Some(earlier), "the name is already used");
                }
                if !other.area().intersection(area).is_empty() {
                    return refuse(Some(earlier), &format!("it overlaps output {:?}", other.name));
                }
            }
        }
        Ok(())
    }

    fn read(table: &mut Table<'_>, index: usize, beside: i32) -> Result<Self, Refusal> {
        let has = |key| table.entries.contains_key(key);
        let given = Given {
            name: has("name"),
            place: has("x") || has("y"),
            size: has("width") || has("height"),
            refresh: has("refresh_hz"),
        };
        let mut output = Self { name: default_name(index), x: beside, given, ..Self::default() };
        let rule = "1 to 32 of the characters A-Z a-z 0-9 _ . -";
        let name = table.string("name", rule, |name| is_output_name(name).then(|| name.to_owned()))?;
        output.name = name.unwrap_or(output.name);
        table.integer("x", OUTPUT_PLACE, &mut output.x)?;
        table.integer("y", OUTPUT_PLACE, &mut output.y)?;
        table.integer("width", SCREEN_SIDE, &mut output.width)?;
        table.integer("height", SCREEN_SIDE, &mut output.height)?;
        table.integer("refresh_hz", 0..=1000, &mut output.refresh_hz)?;
        if let Some(value) = table.take("scale") {
            let number = match value.get_ref() {
                DeValue::Float(number) => number.as_str().parse().ok(),
                DeValue::Integer(number) => {
                    i32::from_str_radix(number.as_str(), number.radix()).ok().map(f64::from)
                }
                _ => None,
            };
            let scale = number.and_then(Scale::from_number);
            let rule = format!("a number from {}", Scale::RANGE);
            output.scale = scale.ok_or_else(|| table.refuse_value("scale", &value, &rule))?;
        }
        let rule = "\"auto\", \"gles\" or \"pixman\"";
        output.renderer = table.string("renderer", rule, RendererChoice::named)?.unwrap_or_default();
        Ok(output)
    }
}

/// The outputs of a file: where no place is given, each is to the right of the one before.
pub(super) fn read_outputs(tables: Vec<Table<'_>>) -> Result<Vec<OutputConfig>, Refusal> {
    let mut outputs: Vec<OutputConfig> = Vec::with_capacity(tables.len());
    let mut lines = Vec::with_capacity(tables.len());
    for mut table in tables {
        let beside = outputs.last().map_or(0, |last| last.area().right());
        lines.push(table.line);
        outputs.push(OutputConfig::read(&mut table, outputs.len(), beside)?);
        table.finish()?;
    }
    OutputConfig::check(&outputs).map_err(|error| {
        let line = |index: usize| lines.get(index).copied().unwrap_or_default();
        let other = error.other.map(|other| format!(" (line {})", line(other))).unwrap_or_default();
        Refusal { line: line(error.output), message: error.message + &other }
    })?;
    if outputs.is_empty() {
        outputs.push(OutputConfig::default());
    }
    Ok(outputs)
}

fn default_name(index: usize) -> String {
    format!("transom-{index}")
}

fn is_output_name(name: &str) -> bool {
    let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn outputs(text: &str) -> Vec<OutputConfig> {
        Config::parse(text).unwrap().outputs
    }

    fn refusal(text: &str) -> String {
        Config::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn one_table_is_one_output() {
        let given = Given { size: true, refresh: true, ..Given::default() };
        let output =
            OutputConfig { width: 1920, height: 1080, refresh_hz: 0, given, ..OutputConfig::default() };
        assert_eq!(outputs("[output]\nwidth = 1920\nheight = 0x438\nrefresh_hz = 0\n"), [output]);
        assert_eq!(outputs(""), [OutputConfig::default()]);
        assert_eq!(outputs("output = []"), [OutputConfig::default()]);
    }

    #[test]
    fn several_stand_beside_each_other() {
        let all = outputs(
            "[[output]]\nname = \"DP-1\"\nwidth = 3840\nheight = 2160\nscale = 1.5\n\
             [[output]]\n\
             [[output]]\nname = \"left\"\nx = -800\ny = 100\nwidth = 800\nheight = 600\nscale = 1\n",
        );
        let areas: Vec<Rect> = all.iter().map(OutputConfig::area).collect();
        assert_eq!(
            areas,
            [Rect::new(0, 0, 2560, 1440), Rect::new(2560, 0, 1280, 800), Rect::new(-800, 100, 800, 600)]
        );
        let names: Vec<&str> = all.iter().map(|output| output.name.as_str()).collect();
        assert_eq!(names, ["DP-1", "transom-1", "left"]);
        assert_eq!(all[0].scale.in_120ths(), 180);
    }

    #[test]
    fn who_draws_is_chosen_for_each() {
        let chosen = |text: &str| outputs(text).iter().map(|output| output.renderer).collect::<Vec<_>>();
        use RendererChoice::{Auto, Gles, Pixman};
        let all = "[[output]]\n[[output]]\nrenderer = \"gles\"\n[[output]]\nrenderer = \"pixman\"\n[[output]]\nrenderer = \"auto\"";
        assert_eq!(chosen(all), [Auto, Gles, Pixman, Auto]);
        let rule = "2: output.renderer = \"gl\": must be \"auto\", \"gles\" or \"pixman\"";
        assert_eq!(refusal("[output]\nrenderer = \"gl\"\n"), rule);
    }

    #[test]
    fn wrong_outputs_are_refused_by_name_and_line() {
        for (text, expected) in [
            (
                "[[output]]\nname = \"a\"\n\n[[output]]\nname = \"b\"\nx = 1279\n",
                "4: output \"b\": it overlaps output \"a\" (line 1)",
            ),
            (
                "[[output]]\nname = \"a\"\n[[output]]\nname = \"a\"\n",
                "3: output \"a\": the name is already used (line 1)",
            ),
            ("[output]\nscale = 9\n", "2: output.scale = 9: must be a number from 0.5 to 8"),
            ("[output]\nscale = \"2\"\n", "2: output.scale = \"2\": must be a number from 0.5 to 8"),
            ("[[output]]\nscale = nan\n", "2: output.scale = nan: must be a number from 0.5 to 8"),
            (
                "[output]\nname = \"a b\"\n",
                "2: output.name = \"a b\": must be 1 to 32 of the characters A-Z a-z 0-9 _ . -",
            ),
            ("[output]\nwidth = 63\n", "2: output.width = 63: must be a whole number from 64 to 16384"),
            ("[output]\nx = 32000\n", "1: output \"transom-0\": its edges must lie between -32768 and 32767"),
            (
                "[output]\nhz = 60\n",
                "2: unknown key \"hz\" in [output]: known are name, x, y, width, height, refresh_hz, scale, renderer",
            ),
            (
                "output = 3",
                "1: output: must be a table [output], or a list of tables, each under its own [[output]]",
            ),
        ] {
            assert_eq!(refusal(text), expected);
        }
        let many = "[[output]]\nwidth = 64\n".repeat(MAX_OUTPUTS + 1);
        assert_eq!(refusal(&many), "33: there are 17 outputs: at most 16 are shown");
    }
}
