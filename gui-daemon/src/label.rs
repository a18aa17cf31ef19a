//! Labels: the colours that tell trust domains apart.
//!
//! A label is chosen in dom0's configuration and nowhere else. What is drawn on it is black or white, whichever
//! contrasts more by WCAG's ratio; a brightness threshold would fail for many mid-tones, while the better of the two
//! reaches 4.58:1 on every colour.

use std::fmt;

/// An opaque sRGB colour, 8 bits per channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Color {
    /// Red.
    pub r: u8,
    /// Green.
    pub g: u8,
    /// Blue.
    pub b: u8,
}

impl Color {
    /// `#000000`.
    pub const BLACK: Self = Self::new(0x00, 0x00, 0x00);
    /// `#ffffff`.
    pub const WHITE: Self = Self::new(0xff, 0xff, 0xff);

    /// The colour of these three channels.
    pub const fn new(r: u8, g: u8, b: u8) -> Self {
        Self { r, g, b }
    }

    /// The colour in the low 24 bits of a pixel (`0x00rrggbb`); the top byte is ignored.
    pub const fn from_pixel(pixel: u32) -> Self {
        let [_, r, g, b] = pixel.to_be_bytes();
        Self { r, g, b }
    }

    /// Reads `#rrggbb`, in either case.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        u32::from_str_radix(digits, 16).ok().map(Self::from_pixel)
    }

    /// This colour with `share` (0 to 1) of `other` mixed in, channel by channel.
    pub fn mix(self, other: Self, share: f32) -> Self {
        let channel = |a: u8, b: u8| {
            let (a, b) = (f32::from(a), f32::from(b));
            (a + (b - a) * share.clamp(0.0, 1.0)).round() as u8
        };
        Self::new(channel(self.r, other.r), channel(self.g, other.g), channel(self.b, other.b))
    }

    /// WCAG 2 relative luminance: 0 for black, 1 for white.
    pub fn luminance(self) -> f32 {
        let linear = |channel: u8| {
            let value = f32::from(channel) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.r) + 0.7152 * linear(self.g) + 0.0722 * linear(self.b)
    }

    /// WCAG 2 contrast ratio of the two colours, 1 to 21.
    pub fn contrast(self, other: Self) -> f32 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Black or white, whichever contrasts more with this colour.
    pub fn readable(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) { Self::WHITE } else { Self::BLACK }
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.r, self.g, self.b)
    }
}

/// Qubes' eight labels by name, in Qubes' order.
const NAMED: [(&str, Color); 8] = [
    ("red", Color::new(0xcc, 0x00, 0x00)),
    ("orange", Color::new(0xf5, 0x79, 0x00)),
    ("yellow", Color::new(0xed, 0xd4, 0x00)),
    ("green", Color::new(0x73, 0xd2, 0x16)),
    ("gray", Color::new(0x55, 0x57, 0x53)),
    ("blue", Color::new(0x34, 0x65, 0xa4)),
    ("purple", Color::new(0x75, 0x50, 0x7b)),
    ("black", Color::BLACK),
];

/// The colour of one domain's frames. Displays as the label's name, or as `#rrggbb` where it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label(Color);

impl Label {
    /// A label of any colour.
    pub const fn of(color: Color) -> Self {
        Self(color)
    }

    /// The label of one of Qubes' names: red, orange, yellow, green, gray, blue, purple or black.
    pub fn named(name: &str) -> Option<Self> {
        NAMED.iter().find(|(known, _)| *known == name).map(|&(_, color)| Self(color))
    }

    /// The colour.
    pub const fn color(self) -> Color {
        self.0
    }

    /// Qubes' eight labels, in Qubes' order.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMED.iter().map(|&(_, color)| Self(color))
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMED.iter().find(|(_, color)| *color == self.0) {
            Some((name, _)) => f.write_str(name),
            None => self.0.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_labels_and_hex_digits_are_colours() {
        assert_eq!(Label::named("blue").map(Label::color), Some(Color::new(0x34, 0x65, 0xa4)));
        assert_eq!(Color::parse("#0aFf10"), Some(Color::new(0x0a, 0xff, 0x10)));
        for wrong in ["", "Blue", "#12345", "#1234567", "#12345g", "#+12345", "0x123456", "#é1234"] {
            assert_eq!((Label::named(wrong), Color::parse(wrong)), (None, None), "{wrong}");
        }
    }

    #[test]
    fn a_label_displays_as_what_it_is_configured_with() {
        for label in Label::all() {
            assert_eq!(Label::named(&label.to_string()), Some(label));
        }
        assert_eq!(Label::of(Color::new(1, 2, 3)).to_string(), "#010203");
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        assert!((Color::BLACK.contrast(Color::WHITE) - 21.0).abs() < 0.001);
        assert!((Color::WHITE.contrast(Color::new(0x77, 0x77, 0x77)) - 4.48).abs() < 0.01);
    }

    #[test]
    fn text_is_readable_on_every_colour() {
        let steps = || (0..=255u8).step_by(5);
        for r in steps() {
            for g in steps() {
                for b in steps() {
                    let color = Color::new(r, g, b);
                    assert!(color.contrast(color.readable()) >= 4.5, "{color}");
                }
            }
        }
    }
}
