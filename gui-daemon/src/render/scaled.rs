//! Images drawn larger or smaller than they are.
//!
//! Pixman takes what lies beside an image for transparent. Stretched with soft edges, an image would mix with that along its
//! rim, so the rim's pixels are drawn one by one from the image's outermost ones. An image of the size it is drawn at is copied.

use std::ops::Range;

use smithay::{
    backend::renderer::Frame as _,
    utils::{Buffer, Rectangle, Transform},
};

use super::{elements::Area, painter::Painter};
use crate::{scale::saturated, shell::geom::Rect};

/// Where pixman's fixed-point numbers end, in pixels of an image.
const REACH: f64 = 32767.0;

/// A target may begin this far to the left of or above the framebuffer.
const BEFORE: i32 = 8192;

/// Which pixels of an image go where on the framebuffer. Neither side is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placing {
    /// Pixels of the image, all within it.
    pub(super) source: Rect,
    /// What they fill.
    pub(super) target: Area,
}

impl Placing {
    /// Nothing, if there is nothing to draw or nowhere to draw it.
    pub(super) fn new(source: Rect, target: Area) -> Option<Self> {
        (!source.is_empty() && !target.is_empty()).then_some(Self { source, target })
    }

    /// Whether each pixel of the image becomes one pixel, or a square of some.
    pub(super) fn is_multiple(self) -> bool {
        let Self { source, target } = self;
        let multiple = |to: i32, from: i32| to % from == 0;
        multiple(target.size.w, source.width)
            && multiple(target.size.h, source.height)
            && target.size.w / source.width == target.size.h / source.height
    }

    /// The part of the image that is seen in `seen`, a part of the target.
    pub(super) fn source_of(self, seen: Area) -> Rectangle<f64, Buffer> {
        let Self { source, target } = self;
        let (x, y) = self.ratio();
        let at = (seen.loc - target.loc).to_f64();
        Rectangle::new(
            (f64::from(source.x) + at.x * x, f64::from(source.y) + at.y * y).into(),
            (f64::from(seen.size.w) * x, f64::from(seen.size.h) * y).into(),
        )
    }

    /// The part of the target that changes with these pixels of the image.
    pub(super) fn changed(self, rect: Rect) -> Option<Area> {
        let Self { source, target } = self;
        let rect = rect.intersection(source);
        if rect.is_empty() {
            return None;
        }
        let across = along(rect.x - source.x, rect.width, source.width, target.size.w);
        let down = along(rect.y - source.y, rect.height, source.height, target.size.h);
        let at = (target.loc.x.saturating_add(across.start), target.loc.y.saturating_add(down.start));
        Area::new(at.into(), (across.end - across.start, down.end - down.start).into()).intersection(target)
    }

    /// Draws what of `damage` lies within `seen`, a part of the target to whose corner `damage` is relative.
    pub(super) fn draw<R: Painter>(
        self,
        frame: &mut R::Frame<'_, '_>,
        texture: &R::TextureId,
        seen: Area,
        damage: &[Area],
    ) -> Result<(), R::Error> {
        let whole = self.near();
        let damage: Vec<Area> = damage
            .iter()
            .filter_map(|rect| Area::new(rect.loc + seen.loc, rect.size).intersection(seen))
            .collect();
        let columns = pieces(whole.source.x, whole.source.width, whole.target.loc.x, whole.target.size.w);
        let rows = pieces(whole.source.y, whole.source.height, whole.target.loc.y, whole.target.size.h);
        // what is beyond reach is left out: an error here would leave out the whole frame
        for row in rows.iter().filter(|row| row.is_within_reach()) {
            for column in columns.iter().filter(|column| column.is_within_reach()) {
                let within = area(&column.shown, &row.shown);
                let target = area(&column.target, &row.target);
                let damage: Vec<Area> = damage
                    .iter()
                    .filter_map(|rect| rect.intersection(within))
                    .map(|rect| Area::new(rect.loc - target.loc, rect.size))
                    .collect();
                if damage.is_empty() {
                    continue;
                }
                let source = Rectangle::from_extremities(
                    (f64::from(column.source.start), f64::from(row.source.start)),
                    (f64::from(column.source.end), f64::from(row.source.end)),
                );
                frame.render_texture_from_to(
                    texture,
                    source,
                    target,
                    &damage,
                    &[],
                    Transform::Normal,
                    1.0,
                )?;
            }
        }
        Ok(())
    }

    /// The same without what lies so far to the left or above that it cannot be calculated with.
    fn near(self) -> Self {
        let Self { source, target } = self;
        let (skipped_x, x) = skip(target.loc.x, source.width, target.size.w);
        let (skipped_y, y) = skip(target.loc.y, source.height, target.size.h);
        Self {
            source: Rect::new(
                source.x + skipped_x,
                source.y + skipped_y,
                source.width - skipped_x,
                source.height - skipped_y,
            ),
            target: Area::new(
                (target.loc.x + x, target.loc.y + y).into(),
                (target.size.w - x, target.size.h - y).into(),
            ),
        }
    }

    fn ratio(self) -> (f64, f64) {
        let Self { source, target } = self;
        let ratio = |from: i32, to: i32| f64::from(from) / f64::from(to);
        (ratio(source.width, target.size.w), ratio(source.height, target.size.h))
    }
}

/// Where `length` pixels from `at` on go when `from` pixels are stretched to `to`, and what their neighbours are mixed with.
fn along(at: i32, length: i32, from: i32, to: i32) -> Range<i32> {
    let (at, end) = (i64::from(at), i64::from(at) + i64::from(length));
    let (wide, from, to) = (i64::from(from != to), i64::from(from), i64::from(to));
    let low = ((at - wide) * to).div_euclid(from).max(0);
    let high = -(-(end + wide) * to).div_euclid(from);
    saturated(low)..saturated(high.min(to))
}

/// How many pixels of an image to leave out, and how many of the target these are.
fn skip(at: i32, from: i32, to: i32) -> (i32, i32) {
    if from == to || at >= -BEFORE {
        return (0, 0);
    }
    let (before, from, to) = (-i64::from(at) - i64::from(BEFORE), i64::from(from), i64::from(to));
    let skipped = (before * from / to).min(from - 1);
    (saturated(skipped), saturated((skipped * to / from).min(to - 1)))
}

/// A stretch of one axis that is drawn at once.
struct Piece {
    source: Range<i32>,
    target: Range<i32>,
    /// What of the target is drawn.
    shown: Range<i32>,
}

impl Piece {
    /// Whether pixman can calculate with its place, counted in pixels of the image: much shrunk, a place at the far end of a
    /// wide screen is a large number.
    fn is_within_reach(&self) -> bool {
        let Self { source, target, .. } = self;
        let ratio = f64::from(source.end - source.start) / f64::from(target.end - target.start);
        let farthest = f64::from(target.start).abs().max(f64::from(target.end).abs());
        farthest * ratio <= REACH && farthest <= REACH
    }
}

/// The rim's pixels, and what is between them.
fn pieces(source: i32, from: i32, target: i32, to: i32) -> Vec<Piece> {
    let (source, all) = (source..source + from, target..target + to);
    // The centre of a target's n-th pixel lies at (n + 1/2) * from / to; nearer to the rim than 1/2 there is a neighbour.
    let rim = saturated((i64::from(to) - i64::from(from)).div_euclid(2 * i64::from(from)) + 1).min(to / 2);
    let rim = if from >= to { 0 } else { rim };
    let one =
        |source: i32, at: i32| Piece { source: source..source + 1, target: at..at + 1, shown: at..at + 1 };
    let mut pieces: Vec<Piece> = (0..rim).map(|n| one(source.start, all.start + n)).collect();
    pieces.extend((0..rim).map(|n| one(source.end - 1, all.end - 1 - n)));
    if rim < to - rim {
        pieces.push(Piece { source, shown: all.start + rim..all.end - rim, target: all });
    }
    pieces
}

fn area(columns: &Range<i32>, rows: &Range<i32>) -> Area {
    Area::from_extremities((columns.start, rows.start), (columns.end, rows.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placing(source: Rect, target: (i32, i32, i32, i32)) -> Placing {
        let (x, y, width, height) = target;
        Placing::new(source, Area::new((x, y).into(), (width, height).into())).unwrap()
    }

    #[test]
    fn pieces_fill_the_target_and_stay_off_what_is_beside_the_image() {
        for from in 1..40 {
            for to in 1..200 {
                let mut drawn = vec![0; to as usize];
                for Piece { source, target, shown } in pieces(7, from, 0, to) {
                    assert!(source.start >= 7 && source.end <= 7 + from);
                    for at in shown {
                        drawn[at as usize] += 1;
                        let ratio =
                            f64::from(source.end - source.start) / f64::from(target.end - target.start);
                        let centre = (f64::from(at - target.start) + 0.5) * ratio;
                        let room = 0.499_999..=f64::from(source.end - source.start) - 0.499_999;
                        assert!(from >= to || room.contains(&centre), "{from} {to}: {at} at {centre}");
                    }
                }
                assert!(drawn.iter().all(|&times| times == 1), "{from} {to}: {drawn:?}");
            }
        }
    }

    #[test]
    fn a_change_covers_every_pixel_it_is_mixed_into() {
        let same = placing(Rect::new(10, 10, 100, 100), (50, 60, 100, 100));
        assert_eq!(same.changed(Rect::new(20, 30, 5, 5)), Some(Area::new((60, 80).into(), (5, 5).into())));
        assert_eq!(same.changed(Rect::new(0, 0, 10, 10)), None);
        let half = placing(Rect::new(0, 0, 100, 100), (0, 0, 150, 150));
        assert_eq!(half.changed(Rect::new(10, 0, 2, 2)), Some(Area::new((13, 0).into(), (7, 5).into())));
        assert_eq!(half.changed(Rect::new(0, 0, 100, 100)), Some(half.target));
    }

    #[test]
    fn only_whole_multiples_are_drawn_in_squares() {
        let source = Rect::new(3, 3, 20, 10);
        assert!(placing(source, (0, 0, 20, 10)).is_multiple());
        assert!(placing(source, (0, 0, 40, 20)).is_multiple());
        assert!(!placing(source, (0, 0, 40, 10)).is_multiple());
        assert!(!placing(source, (0, 0, 30, 15)).is_multiple());
        assert!(!placing(source, (0, 0, 10, 5)).is_multiple());
    }

    #[test]
    fn a_target_far_to_the_left_is_cut() {
        let far = placing(Rect::new(0, 0, 16384, 10), (-60_000, 5, 65_536, 40)).near();
        assert!((-BEFORE - 8..=-BEFORE).contains(&far.target.loc.x), "{far:?}");
        assert_eq!(far.target.loc.x + far.target.size.w, 5536);
        assert_eq!(far.source.right(), 16384);
        let near = placing(Rect::new(0, 0, 100, 10), (-200, 5, 400, 40));
        assert_eq!(near.near(), near);
    }
}
