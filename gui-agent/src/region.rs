//! Sets of pixels: damage, and what is opaque.

use std::{fmt, marker::PhantomData};

#[cfg(test)]
use pixman::Overlap;
use pixman::{Box32, Region32};
use smithay::utils::Rectangle;

/// Rectangles before a region is taken for the rectangle around it: as many as one commit can name.
const MAX_RECTS: usize = 64;

/// Disjoint rectangles in the coordinates `Kind`.
pub(crate) struct Region<Kind> {
    pixels: Region32,
    kind: PhantomData<Kind>,
}

impl<Kind> Region<Kind> {
    fn of(pixels: Region32) -> Self {
        Self { pixels, kind: PhantomData }
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.pixels.is_non_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.pixels.clear();
    }

    /// Adds a rectangle. From some number of rectangles on, adds what lies between them as well.
    pub(crate) fn add(&mut self, rect: Rectangle<i32, Kind>) {
        if let Some(extent) = extent(rect) {
            self.add_pixels(&Region32::init_with_extents(&[extent]));
        }
    }

    /// Adds a region, with the same reservation.
    pub(crate) fn add_all(&mut self, other: &Self) {
        self.add_pixels(&other.pixels);
    }

    fn add_pixels(&mut self, pixels: &Region32) {
        self.pixels = self.pixels.union(pixels);
        if self.pixels.n_rects() > MAX_RECTS {
            let around = self.rects().reduce(|all, rect| all.merge(rect));
            *self = around.map_or_else(Self::default, Self::from);
        }
    }

    /// Adds a rectangle unless that makes for too many, so that nothing counts which was not added.
    pub(crate) fn add_exactly(&mut self, rect: Rectangle<i32, Kind>) {
        let Some(extent) = extent(rect) else { return };
        let united = self.pixels.union(&Region32::init_with_extents(&[extent]));
        if united.n_rects() <= MAX_RECTS {
            self.pixels = united;
        }
    }

    /// Adds a region as it is, however many rectangles that makes.
    pub(crate) fn join(&mut self, other: &Self) {
        self.pixels = self.pixels.union(&other.pixels);
    }

    #[must_use]
    pub(crate) fn within(&self, rect: Rectangle<i32, Kind>) -> Self {
        let inside =
            extent(rect).map(|extent| self.pixels.intersect(&Region32::init_with_extents(&[extent])));
        Self::of(inside.unwrap_or_default())
    }

    #[must_use]
    pub(crate) fn common(&self, other: &Self) -> Self {
        Self::of(self.pixels.intersect(&other.pixels))
    }

    #[must_use]
    pub(crate) fn without(&self, other: &Self) -> Self {
        Self::of(self.pixels.subtract(&other.pixels))
    }

    /// Whether all of a rectangle is in it.
    #[cfg(test)]
    pub(crate) fn covers(&self, rect: Rectangle<i32, Kind>) -> bool {
        extent(rect).is_none_or(|extent| self.pixels.contains_rectangle(extent) == Overlap::In)
    }

    pub(crate) fn rects(&self) -> impl ExactSizeIterator<Item = Rectangle<i32, Kind>> + '_ {
        let rect = |it: &Box32| Rectangle::from_extremities((it.x1, it.y1), (it.x2, it.y2));
        self.pixels.rectangles().iter().map(rect)
    }

    /// Pixels.
    #[cfg(test)]
    pub(crate) fn area(&self) -> u64 {
        self.rects().map(|rect| rect.size.w.unsigned_abs() as u64 * rect.size.h.unsigned_abs() as u64).sum()
    }
}

/// A rectangle as pixman has it. None if it is empty: pixman complains about such.
fn extent<Kind>(rect: Rectangle<i32, Kind>) -> Option<Box32> {
    let end = |at: i32, size: i32| at.saturating_add(size);
    let Rectangle { loc, size } = rect;
    let extent = Box32 { x1: loc.x, y1: loc.y, x2: end(loc.x, size.w), y2: end(loc.y, size.h) };
    (extent.x1 < extent.x2 && extent.y1 < extent.y2).then_some(extent)
}

impl<Kind> Default for Region<Kind> {
    fn default() -> Self {
        Self::of(Region32::default())
    }
}

impl<Kind> From<Rectangle<i32, Kind>> for Region<Kind> {
    fn from(rect: Rectangle<i32, Kind>) -> Self {
        let pixels = extent(rect).map(|extent| Region32::init_with_extents(&[extent]));
        Self::of(pixels.unwrap_or_default())
    }
}

impl<Kind> Clone for Region<Kind> {
    fn clone(&self) -> Self {
        Self::of(self.pixels.clone())
    }
}

impl<Kind> PartialEq for Region<Kind> {
    fn eq(&self, other: &Self) -> bool {
        self.pixels == other.pixels
    }
}

impl<Kind> fmt::Debug for Region<Kind> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.rects().map(|it| (it.loc, it.size))).finish()
    }
}

#[cfg(test)]
mod tests {
    use smithay::utils::Physical;

    use super::*;

    fn rect(x: i32, y: i32, width: i32, height: i32) -> Rectangle<i32, Physical> {
        Rectangle::new((x, y).into(), (width, height).into())
    }

    #[test]
    fn what_overlaps_counts_once() {
        let mut region = Region::from(rect(0, 0, 10, 10));
        region.add(rect(5, 5, 10, 10));
        assert_eq!(region.area(), 175);
        assert!(region.covers(rect(5, 5, 10, 10)));
        assert!(!region.covers(rect(9, 0, 2, 2)));
        assert_eq!(region.without(&rect(0, 0, 10, 10).into()).area(), 75);
        assert_eq!(region.within(rect(8, 8, 4, 4)).area(), 16);
    }

    #[test]
    fn there_are_no_empty_rectangles() {
        let mut region = Region::from(rect(3, 3, 0, 5));
        region.add(rect(1, 1, 4, 0));
        assert!(region.is_empty());
        assert!(region.covers(rect(1, 1, 0, 0)));
        assert!(region.within(rect(0, 0, 0, 0)).is_empty());
    }

    #[test]
    fn many_small_rectangles_become_one_large_one() {
        let mut region = Region::default();
        for n in 0..1000 {
            region.add(rect(n * 3, n * 3, 2, 2));
            assert!(region.rects().len() <= MAX_RECTS);
            assert!(region.covers(rect(n * 3, n * 3, 2, 2)));
        }
    }
}
