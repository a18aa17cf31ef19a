//! How many pixels of a screen a logical pixel is wide.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A scale in 120ths, as `wp_fractional_scale_v1` counts it: 0.5 to 8. Written as a number such as `1.5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scale(u32);

impl Scale {
    /// A pixel of the screen for each logical one.
    pub const ONE: Self = Self(Self::UNIT);
    /// 120ths in one.
    pub const UNIT: u32 = 120;
    /// The smallest and the largest scale, for messages.
    pub const RANGE: &str = "0.5 to 8";

    /// The scale of this many 120ths; none if it is not 60 to 960.
    pub fn from_120ths(parts: u32) -> Option<Self> {
        (Self::UNIT / 2..=8 * Self::UNIT).contains(&parts).then_some(Self(parts))
    }

    /// The scale nearest to a number; none if that is not 0.5 to 8.
    pub fn from_number(number: f64) -> Option<Self> {
        // The conversion saturates, and what is no number becomes 0.
        Self::from_120ths((number * f64::from(Self::UNIT)).round() as u32)
    }

    /// The scale in 120ths.
    pub fn in_120ths(self) -> u32 {
        self.0
    }

    /// The scale as a number.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / f64::from(Self::UNIT)
    }

    /// The next whole scale, for those who know no others.
    pub fn whole(self) -> i32 {
        self.0.div_ceil(Self::UNIT).cast_signed()
    }

    /// A length in logical pixels as pixels of the screen, to the nearest; a half counts as one.
    pub fn physical(self, length: i32) -> i32 {
        saturated((2 * i64::from(length) * i64::from(self.0) + 120).div_euclid(240))
    }

    /// A length in pixels of the screen as logical pixels, to the nearest; a half counts as one.
    pub fn logical(self, length: i32) -> i32 {
        let scale = i64::from(self.0);
        saturated((240 * i64::from(length) + scale).div_euclid(2 * scale))
    }
}

impl Serialize for Scale {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_f64())
    }
}

impl<'de> Deserialize<'de> for Scale {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        Self::from_number(number)
            .ok_or_else(|| D::Error::custom(format!("the scale {number} is not {}", Self::RANGE)))
    }
}

/// The nearest coordinate there is.
pub(crate) fn saturated(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_120ths() {
        for (number, parts) in [(1.0, 120), (1.25, 150), (1.5, 180), (1.75, 210), (2.0, 240), (1.333, 160)] {
            assert_eq!(Scale::from_number(number).map(Scale::in_120ths), Some(parts), "{number}");
        }
        for wrong in [0.0, -1.0, 0.49, 8.01, 1e9, f64::INFINITY, f64::NAN] {
            assert_eq!(Scale::from_number(wrong), None, "{wrong}");
        }
        assert_eq!([0.5, 8.0].map(|it| Scale::from_number(it).is_some()), [true; 2]);
    }

    #[test]
    fn lengths_go_to_the_nearest_pixel() {
        let half = Scale::from_120ths(180).unwrap();
        assert_eq!([0, 1, 2, 3, 100].map(|it| half.physical(it)), [0, 2, 3, 5, 150]);
        assert_eq!([1920, 1080, 1366].map(|it| half.logical(it)), [1280, 720, 911]);
        assert_eq!([half.whole(), Scale::ONE.whole()], [2, 1]);
        assert_eq!(half.physical(i32::MAX), i32::MAX);
        assert_eq!(half.physical(i32::MIN), i32::MIN);
    }

    #[test]
    fn it_is_written_as_a_number() {
        let scale = Scale::from_120ths(150).unwrap();
        assert_eq!(serde_json::to_string(&scale).unwrap(), "1.25");
        assert_eq!(serde_json::from_str::<Scale>("1.25").unwrap(), scale);
        assert_eq!(serde_json::from_str::<Scale>("2").unwrap().in_120ths(), 240);
        assert!(serde_json::from_str::<Scale>("9").is_err());
    }
}
