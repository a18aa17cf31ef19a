//! The pointer's shapes as drawings: outlines in a square of [`SIDE`] pixels.

use smithay::input::pointer::CursorIcon;
use tiny_skia::{FillRule, LineCap, LineJoin, Path, PathBuilder, Pixmap, Stroke, Transform};

use super::{Color, frame::paint};
use crate::shell::geom::Point;

/// Side of a shape's image, in logical pixels.
pub(super) const SIDE: i32 = 24;
/// The place in it that points, unless the shape says otherwise.
const MIDDLE: Point = Point::new(SIDE / 2, SIDE / 2);
/// Where a sign beside the arrow has its middle.
const BADGE: (f32, f32) = (17.5, 17.0);

/// What a shape is made of: outlines to fill and lines to trace.
#[derive(Default)]
pub(super) struct Paths {
    filled: Vec<Path>,
    traced: Vec<Path>,
}

/// Black with a white rim, so that it shows on anything.
pub(super) fn draw(paths: &Paths, side: i32, scale: f32) -> Option<Pixmap> {
    let side = u32::try_from(side).ok()?;
    let mut pixmap = Pixmap::new(side, side)?;
    let place = Transform::from_scale(scale, scale);
    let stroke =
        |width| Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
    for path in &paths.filled {
        pixmap.stroke_path(path, &paint(Color::WHITE), &stroke(2.6), place, None);
    }
    for path in &paths.traced {
        pixmap.stroke_path(path, &paint(Color::WHITE), &stroke(4.2), place, None);
    }
    for path in &paths.filled {
        pixmap.fill_path(path, &paint(Color::BLACK), FillRule::Winding, place, None);
    }
    for path in &paths.traced {
        pixmap.stroke_path(path, &paint(Color::BLACK), &stroke(1.8), place, None);
    }
    Some(pixmap)
}

/// A shape's paths, and the place in its image that points. A shape that is not known is the arrow.
pub(super) fn drawing(icon: CursorIcon) -> (Paths, Point) {
    use CursorIcon as I;
    let mut paths = Paths::default();
    match icon {
        I::Text => ibeam(&mut paths, 0.0),
        I::VerticalText => ibeam(&mut paths, 90.0),
        I::Pointer => {
            pointing_hand(&mut paths);
            return (paths, Point::new(9, 2));
        }
        I::Grab => hand(&mut paths, 4.0),
        I::Grabbing => hand(&mut paths, 9.0),
        I::Move | I::AllScroll | I::AllResize => {
            arrows(&mut paths, 0.0);
            arrows(&mut paths, 90.0);
        }
        I::EResize | I::WResize | I::EwResize => arrows(&mut paths, 0.0),
        I::NResize | I::SResize | I::NsResize => arrows(&mut paths, 90.0),
        I::NwResize | I::SeResize | I::NwseResize => arrows(&mut paths, 45.0),
        I::NeResize | I::SwResize | I::NeswResize => arrows(&mut paths, -45.0),
        I::ColResize => {
            arrows(&mut paths, 0.0);
            paths.traced.extend(line((12.0, 4.0, 12.0, 20.0)));
        }
        I::RowResize => {
            arrows(&mut paths, 90.0);
            paths.traced.extend(line((4.0, 12.0, 20.0, 12.0)));
        }
        I::Crosshair => {
            paths.traced.extend(line((12.0, 3.0, 12.0, 21.0)));
            paths.traced.extend(line((3.0, 12.0, 21.0, 12.0)));
        }
        I::Cell => {
            paths.filled.extend(polygon(&[(10.0, 4.0), (14.0, 4.0), (14.0, 20.0), (10.0, 20.0)]));
            paths.filled.extend(polygon(&[(4.0, 10.0), (20.0, 10.0), (20.0, 14.0), (4.0, 14.0)]));
        }
        I::Wait => clock(&mut paths, (12.0, 12.0), 8.0),
        I::NotAllowed => forbidden(&mut paths, (12.0, 12.0), 8.0),
        I::ZoomIn | I::ZoomOut => {
            lens(&mut paths, icon == I::ZoomIn);
            return (paths, Point::new(10, 10));
        }
        _ => {
            beside_arrow(&mut paths, icon);
            paths.filled.extend(polygon(&[
                (2.0, 2.0),
                (2.0, 18.5),
                (6.2, 14.8),
                (8.9, 21.2),
                (11.6, 20.1),
                (8.9, 13.8),
                (14.4, 13.4),
            ]));
            return (paths, Point::new(2, 2));
        }
    }
    (paths, MIDDLE)
}

/// The sign that some shapes have beside the arrow.
fn beside_arrow(paths: &mut Paths, icon: CursorIcon) {
    let (x, y) = BADGE;
    match icon {
        CursorIcon::ContextMenu => {
            for row in [-4.0, 0.0, 4.0] {
                paths.traced.extend(line((x - 3.0, y + row, x + 4.0, y + row)));
            }
        }
        CursorIcon::Help | CursorIcon::DndAsk => question(paths, (x, y)),
        CursorIcon::Progress => clock(paths, (x, y), 4.5),
        CursorIcon::NoDrop => forbidden(paths, (x, y), 4.5),
        CursorIcon::Copy => {
            paths.traced.extend(line((x - 4.0, y, x + 4.0, y)));
            paths.traced.extend(line((x, y - 4.0, x, y + 4.0)));
        }
        CursorIcon::Alias => {
            paths.traced.extend(line((x - 3.5, y + 4.5, x + 3.5, y - 3.5)));
            paths.traced.extend(line((x - 1.0, y - 4.0, x + 4.0, y - 4.0)));
            paths.traced.extend(line((x + 4.0, y - 4.0, x + 4.0, y + 1.0)));
        }
        _ => {}
    }
}

fn ibeam(paths: &mut Paths, degrees: f32) {
    let turn = Transform::from_rotate_at(degrees, 12.0, 12.0);
    for bar in [(9.0, 4.0, 15.0, 4.0), (12.0, 4.0, 12.0, 20.0), (9.0, 20.0, 15.0, 20.0)] {
        paths.traced.extend(line(bar).and_then(|bar| bar.transform(turn)));
    }
}

/// Index finger, three knuckles, palm and thumb.
fn pointing_hand(paths: &mut Paths) {
    for (x, y, right, bottom) in
        [(7.5, 2.5, 10.0, 14.0), (10.0, 8.5, 12.5, 14.0), (12.5, 9.2, 15.0, 14.0), (15.0, 10.2, 17.3, 15.0)]
    {
        paths.filled.extend(finger(x, y, right, bottom));
    }
    paths.filled.extend(palm());
}

/// A hand whose fingers begin at `top`.
fn hand(paths: &mut Paths, top: f32) {
    for (x, y) in [(7.5, 1.0), (10.0, 0.0), (12.5, 0.5), (15.0, 1.5)] {
        paths.filled.extend(finger(x, top + y, x + 2.4, 15.0));
    }
    paths.filled.extend(palm());
}

fn palm() -> Option<Path> {
    polygon(&[
        (7.5, 12.0),
        (17.3, 12.0),
        (17.3, 16.5),
        (15.5, 21.5),
        (9.0, 21.5),
        (3.8, 14.6),
        (4.6, 13.0),
        (6.2, 13.4),
        (7.5, 15.0),
    ])
}

/// A double arrow through the middle, turned clockwise by `degrees` from lying flat.
fn arrows(paths: &mut Paths, degrees: f32) {
    let turn = Transform::from_rotate_at(degrees, 12.0, 12.0);
    let turned = |path: Option<Path>| path.and_then(|path| path.transform(turn));
    paths.traced.extend(turned(line((5.0, 12.0, 19.0, 12.0))));
    paths.filled.extend(turned(polygon(&[(2.0, 12.0), (6.5, 8.0), (6.5, 16.0)])));
    paths.filled.extend(turned(polygon(&[(22.0, 12.0), (17.5, 8.0), (17.5, 16.0)])));
}

fn clock(paths: &mut Paths, (x, y): (f32, f32), radius: f32) {
    paths.traced.extend(circle((x, y), radius));
    paths.traced.extend(line((x, y, x, y - radius * 0.6)));
    paths.traced.extend(line((x, y, x + radius * 0.45, y)));
}

fn forbidden(paths: &mut Paths, (x, y): (f32, f32), radius: f32) {
    paths.traced.extend(circle((x, y), radius));
    let half = radius * 0.7;
    paths.traced.extend(line((x - half, y - half, x + half, y + half)));
}

fn question(paths: &mut Paths, (x, y): (f32, f32)) {
    let mut hook = PathBuilder::new();
    hook.move_to(x - 2.5, y - 3.0);
    hook.quad_to(x - 2.5, y - 5.5, x, y - 5.5);
    hook.quad_to(x + 2.8, y - 5.5, x + 2.8, y - 3.0);
    hook.quad_to(x + 2.8, y - 1.0, x, y + 0.5);
    paths.traced.extend(hook.finish());
    paths.traced.extend(line((x, y + 4.0, x, y + 4.1)));
}

/// A magnifying glass with a plus or a minus in it.
fn lens(paths: &mut Paths, plus: bool) {
    if plus {
        paths.traced.extend(line((10.0, 7.0, 10.0, 13.0)));
    }
    paths.traced.extend(circle((10.0, 10.0), 6.5));
    paths.traced.extend(line((15.0, 15.0, 20.5, 20.5)));
    paths.traced.extend(line((7.0, 10.0, 13.0, 10.0)));
}

fn circle((x, y): (f32, f32), radius: f32) -> Option<Path> {
    PathBuilder::from_circle(x, y, radius)
}

fn line((x, y, to_x, to_y): (f32, f32, f32, f32)) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.move_to(x, y);
    path.line_to(to_x, to_y);
    path.finish()
}

fn polygon(points: &[(f32, f32)]) -> Option<Path> {
    let mut path = PathBuilder::new();
    let ((x, y), rest) = points.split_first()?;
    path.move_to(*x, *y);
    for (x, y) in rest {
        path.line_to(*x, *y);
    }
    path.close();
    path.finish()
}

/// A bar with a round top.
fn finger(x: f32, y: f32, right: f32, bottom: f32) -> Option<Path> {
    let radius = (right - x) / 2.0;
    let mut path = PathBuilder::new();
    path.move_to(x, bottom);
    path.line_to(x, y + radius);
    path.quad_to(x, y, x + radius, y);
    path.quad_to(right, y, right, y + radius);
    path.line_to(right, bottom);
    path.close();
    path.finish()
}
