//! Where windows may be: pure functions of the outputs, which are never empty and never overlap [`DESKTOP`]'s edges.

use std::cmp::Reverse;

use super::geom::{Point, Rect, Size};
use super::window::{MAX_CONTENT, MIN_CONTENT};

/// Everything lies in here, outputs and windows: far beyond any real desktop, and far from where sums overflow.
const DESKTOP: Rect = Rect::new(-(1 << 20), -(1 << 20), 1 << 21, 1 << 21);

/// The desktop as long as no output is known.
const NO_OUTPUT: Rect = Rect::new(0, 0, 1024, 768);

/// At least this much of a title band's width stays on the outputs: the buttons and enough title to grab.
const REACH: i32 = 128;

/// How many places a new window tries before it covers another one exactly.
const CASCADE: i32 = 64;

/// How many of the topmost windows a new one tries to stay clear of. The places tried grow with its square, and a domain
/// decides how many windows there are.
const AVOIDED: usize = 16;

/// How many of them it looks at in all, so that the next window costs no more however many a domain has.
pub(super) const NOTICED: usize = 64;

/// The outputs that can be used: those with a pixel inside [`DESKTOP`]; never none.
pub(super) fn usable(outputs: Vec<Rect>) -> Vec<Rect> {
    let mut outputs: Vec<Rect> = outputs.into_iter().map(|output| output.intersection(DESKTOP)).collect();
    outputs.retain(|output| !output.is_empty());
    if outputs.is_empty() { vec![NO_OUTPUT] } else { outputs }
}

/// A peer's wish with its size and place brought within the limits.
pub(super) fn within_limits(content: Rect) -> Rect {
    let limit = |at: i32, low: i32, size: i32| at.clamp(low, low + size - 1);
    let origin = Point {
        x: limit(content.x, DESKTOP.x, DESKTOP.width),
        y: limit(content.y, DESKTOP.y, DESKTOP.height),
    };
    Rect::at(origin, content.size().clamped(MIN_CONTENT, MAX_CONTENT))
}

/// The output that shows most of `rect`, or else the one nearest to it.
pub(super) fn output_of(outputs: &[Rect], rect: Rect) -> Rect {
    let rank = |output: &&Rect| {
        (Reverse(output.intersection(rect).area()), distance(output.centre(), rect.centre()))
    };
    outputs.iter().min_by_key(rank).copied().unwrap_or(NO_OUTPUT)
}

/// The place on an output that is nearest to `point`.
pub(super) fn onto_outputs(outputs: &[Rect], point: Point) -> Point {
    let nearest = outputs.iter().map(|output| Rect::at(point, MIN_CONTENT).pushed_inside(*output).origin());
    nearest.min_by_key(|place| distance(*place, point)).unwrap_or(point)
}

/// `frame`, moved by the shortest way to where its title band, its upper `band` pixels, can be grabbed: the band's
/// first and last row each show [`REACH`] pixels, be it across two outputs.
pub(super) fn reachable(outputs: &[Rect], frame: Rect, band: i32) -> Rect {
    let reach = REACH.min(frame.width);
    let shown = |y: i32| {
        let row = Rect { y, height: 1, ..frame };
        outputs.iter().fold(0_i32, |sum, output| sum.saturating_add(output.intersection(row).width))
    };
    if shown(frame.y) >= reach && shown(frame.y.saturating_add(band - 1)) >= reach {
        return frame;
    }
    let moved_onto = |output: &Rect| {
        let x = frame.x.min(output.right() - reach).max(output.x - (frame.width - reach));
        let y = frame.y.min(output.bottom() - band).max(output.y);
        frame.moved_to(Point { x, y })
    };
    let nearest = outputs.iter().map(moved_onto);
    nearest.min_by_key(|moved| distance(moved.origin(), frame.origin())).unwrap_or(frame)
}

/// `popup`, made small enough for `area`, a part of its output, and moved inside it. One that the output does not show at
/// all stays where it is: programs park windows there that they do not want seen.
pub(super) fn popup_on_screen(output: Rect, area: Rect, popup: Rect) -> Rect {
    if output.intersection(popup).is_empty() {
        return popup;
    }
    Rect::at(popup.origin(), popup.size().clamped(MIN_CONTENT, area.size())).pushed_inside(area)
}

/// Whether `popup` covers more than nine tenths of its output.
pub(super) fn covers_output(outputs: &[Rect], popup: Rect) -> bool {
    popup.area() * 10 > output_of(outputs, popup).area() * 9
}

/// A place for a new frame of `size` on `output` that covers least of the frames in `taken`, topmost first: beside them
/// or in a corner, of equally good places the one nearest to the upper left, so that room stays in one piece. Where
/// half of the new frame would still lie on others, they are covered in a cascade, which leaves their title bands in
/// sight. A frame that takes more than half of the output both ways has no neighbours: it starts a cascade.
pub(super) fn beside(output: Rect, size: Size, step: i32, taken: &[Rect]) -> Point {
    let is_large = size.width > output.width / 2 && size.height > output.height / 2;
    let near = taken.get(..taken.len().min(AVOIDED)).unwrap_or_default();
    let columns = near.iter().flat_map(|other| [other.right(), other.x - size.width]);
    let columns: Vec<i32> = columns.chain([output.x, output.right() - size.width]).collect();
    let rows = near.iter().flat_map(|other| [other.bottom(), other.y - size.height]);
    let rows: Vec<i32> = rows.chain([output.y, output.bottom() - size.height]).collect();

    let places = columns.iter().flat_map(|x| rows.iter().map(|y| Point::new(*x, *y)));
    let begins_at = |place: Point| taken.iter().any(|other| other.origin().minus(place).longest() < step / 2);
    let free = places.filter(|place| !begins_at(*place)).map(|place| Rect::at(place, size));
    let inside = free.filter(|frame| output.encloses(*frame));
    let covered = |frame: &Rect| near.iter().map(|other| other.intersection(*frame).area()).sum::<i64>();
    let rank = |frame: &Rect| (covered(frame), distance(frame.origin(), output.origin()));
    match inside.min_by_key(rank) {
        Some(frame) if !is_large && covered(&frame) <= frame.area() / 2 => frame.origin(),
        _ => {
            let corners: Vec<Point> = taken.iter().map(|other| other.origin()).collect();
            cascade(output, size, step, &corners)
        }
    }
}

/// A place for a new frame of `size` on `output`: in the middle, or from there down a diagonal with the given `step`,
/// and again from the top left corner, until no frame of `taken` begins there.
fn cascade(output: Rect, size: Size, step: i32, taken: &[Point]) -> Point {
    let centred = centred(output, size, output);
    let (mut place, mut rounds) = (centred, 0);
    for _ in 0..CASCADE {
        if !taken.iter().any(|other| other.minus(place).longest() < step / 2) {
            return place;
        }
        place = place.plus(Point::new(step, step));
        if !output.encloses(Rect::at(place, size)) {
            place = output.origin().plus(Point::new(rounds * step, 0));
            rounds += 1;
        }
        if !output.encloses(Rect::at(place, size)) {
            break;
        }
    }
    centred
}

/// The place for a frame of `size` in the middle of `around`, but inside `output`.
pub(super) fn centred(around: Rect, size: Size, output: Rect) -> Point {
    let Point { x, y } = around.centre();
    Rect::new(x - size.width / 2, y - size.height / 2, size.width, size.height).pushed_inside(output).origin()
}

/// The square of the distance of two points.
fn distance(a: Point, b: Point) -> i64 {
    let Point { x, y } = a.minus(b);
    // both fit in 32 bits, so the sum of their squares fits in 64
    i64::from(x).pow(2).saturating_add(i64::from(y).pow(2))
}
