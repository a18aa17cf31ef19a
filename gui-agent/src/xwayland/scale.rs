//! X11's pixels, and the units that everybody else counts in.
//!
//! X11 knows of no scale. So its screen is made of pixels, as many as the densest output has for the same area, and programs
//! that can draw larger are told by how much ([`super::settings`]). Here, and nowhere else, the one becomes the other; on the
//! side of Wayland smithay does the same by the client's scale, and [`crate::surface`] by the same rules for what is drawn.

use gui_protocol::SizeHints;
use smithay::utils::{Logical, Physical, Point, Rectangle};

use crate::compose::Density;

/// What is in X11's pixels here, in units. A size is of whole units.
pub(super) fn to_units(density: Density, rect: Rectangle<i32, Physical>) -> Rectangle<i32, Logical> {
    let corner = (density.unit(rect.loc.x), density.unit(rect.loc.y)).into();
    Rectangle::new(corner, (density.units(rect.size.w), density.units(rect.size.h)).into())
}

/// The other way round, for a window that is at `now`: what need not change stays as it is to the pixel.
pub(super) fn to_pixels(
    density: Density,
    rect: Rectangle<i32, Logical>,
    now: Rectangle<i32, Physical>,
) -> Rectangle<i32, Physical> {
    let units = to_units(density, now);
    let corner = density.pixels(Rectangle::new(rect.loc, Default::default())).loc;
    let corner: Point<i32, Physical> = if units.loc == rect.loc { now.loc } else { corner };
    let size = if units.size == rect.size { now.size } else { density.size(rect.size) };
    Rectangle::new(corner, size)
}

/// The pixel that a place is in.
pub(super) fn point_in_pixels(density: Density, place: Point<f64, Logical>) -> Point<i32, Physical> {
    let factor = density.factor();
    Point::from((place.x * factor, place.y * factor)).to_i32_floor()
}

/// A window's hints in units. Steps that are no whole number of them cannot be told; the window takes what it can of any size.
pub(super) fn hints_in_units(density: Density, hints: SizeHints) -> SizeHints {
    let units =
        |side: u32| u32::try_from(density.units(i32::try_from(side).unwrap_or(i32::MAX))).unwrap_or(1);
    let both = |(width, height): (u32, u32)| (units(width), units(height));
    // as the size of nothing, nothing
    let base = |(width, height): (u32, u32)| {
        let side = |side: u32| if side == 0 { 0 } else { units(side) };
        (side(width), side(height))
    };
    let whole = |side: u32| side.saturating_mul(Density::ONE.0).is_multiple_of(density.0.max(1));
    let increment = hints.increment.filter(|(width, height)| whole(*width) && whole(*height)).map(both);
    SizeHints {
        min: hints.min.map(both),
        max: hints.max.map(both),
        increment: increment.filter(|step| *step != (1, 1)),
        base: hints.base.map(base),
        ..hints
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(x: i32, y: i32, width: i32, height: i32) -> Rectangle<i32, Physical> {
        Rectangle::new((x, y).into(), (width, height).into())
    }

    fn units(x: i32, y: i32, width: i32, height: i32) -> Rectangle<i32, Logical> {
        Rectangle::new((x, y).into(), (width, height).into())
    }

    #[test]
    fn units_survive_the_way_there_and_back() {
        for density in [120, 150, 180, 210, 240, 300, 960].map(Density) {
            for side in (1..200).chain([1280, 5000]) {
                let there = to_pixels(density, units(-side, side, side, 3), pixels(0, 0, 9999, 9999));
                assert_eq!(to_units(density, there), units(-side, side, side, 3), "{density:?}");
                assert!(density.fits(side, there.size.w));
            }
        }
    }

    #[test]
    fn what_is_the_same_in_units_stays_the_same_to_the_pixel() {
        let (density, now) = (Density(180), pixels(100, 101, 400, 300));
        assert_eq!(to_units(density, now), units(67, 67, 267, 200));
        assert_eq!(to_pixels(density, units(67, 67, 267, 200), now), now);
        assert_eq!(to_pixels(density, units(0, 67, 300, 200), now), pixels(0, 101, 450, 300));
        // at 2 there is no half of a unit
        assert_eq!(to_units(Density(240), pixels(0, 0, 401, 1)), units(0, 0, 200, 1));
    }

    #[test]
    fn hints_are_told_in_units() {
        let hints = SizeHints {
            min: Some((10, 17)),
            max: Some((400, 300)),
            increment: Some((6, 12)),
            base: Some((0, 4)),
            ..SizeHints::default()
        };
        let told = hints_in_units(Density(240), hints);
        assert_eq!((told.min, told.max), (Some((5, 8)), Some((200, 150))));
        assert_eq!((told.increment, told.base), (Some((3, 6)), Some((0, 2))));
        assert_eq!(hints_in_units(Density(180), hints).increment, Some((4, 8)));
        let odd = SizeHints { increment: Some((6, 13)), ..hints };
        assert_eq!(hints_in_units(Density(240), odd).increment, None);
        assert_eq!(hints_in_units(Density::ONE, odd), odd);
    }
}
