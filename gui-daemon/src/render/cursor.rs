//! The pointer's shapes, for screens where nobody else draws it.
//!
//! A domain chooses only among these; it has no image of its own to put over the desktop.

use std::collections::HashMap;

use smithay::backend::{
    allocator::Fourcc,
    renderer::{
        element::Id,
        pixman::{PixmanError, PixmanRenderer, PixmanTexture},
        utils::CommitCounter,
    },
};
use tiny_skia::{FillRule, LineCap, LineJoin, Path, PathBuilder, Pixmap, Stroke, Transform};

use super::{
    Color,
    elements::{Area, Damage, Mapping, Pixels},
    frame::{paint, upload},
    scaled::Placing,
};
use crate::shell::geom::{Edges, Point, Rect};

/// What the pointer looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CursorShape {
    /// An arrow.
    #[default]
    Default,
    /// A text caret.
    Text,
    /// A hand that points, as on links.
    Pointer,
    /// Arrows in all four directions.
    Move,
    /// Arrows to the left and right.
    ResizeHorizontal,
    /// Arrows up and down.
    ResizeVertical,
    /// Arrows to the upper left and lower right.
    ResizeFalling,
    /// Arrows to the lower left and upper right.
    ResizeRising,
}

impl CursorShape {
    /// The shape for a glyph of X's cursor font, by its number there (`XC_xterm` is 152); the arrow for those that have
    /// no counterpart here.
    pub fn from_x_font(glyph: u32) -> Self {
        match glyph {
            152 => Self::Text,
            58 | 60 => Self::Pointer,
            52 => Self::Move,
            70 | 96 | 108 | 110 | 112 => Self::ResizeHorizontal,
            16 | 138 | 106 | 114 | 116 => Self::ResizeVertical,
            14 | 134 => Self::ResizeFalling,
            12 | 136 => Self::ResizeRising,
            _ => Self::Default,
        }
    }

    /// The shape for pulling at these edges.
    pub fn resize(edges: Edges) -> Self {
        match (edges.left, edges.right, edges.top, edges.bottom) {
            (true, _, true, _) | (_, true, _, true) => Self::ResizeFalling,
            (true, _, _, true) | (_, true, true, _) => Self::ResizeRising,
            (true, ..) | (_, true, ..) => Self::ResizeHorizontal,
            (_, _, true, _) | (.., true) => Self::ResizeVertical,
            _ => Self::Default,
        }
    }
}

/// The pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// What it looks like.
    pub shape: CursorShape,
    /// The pixel it points at.
    pub position: Point,
}

/// Side of a shape's image, and the place in it that the pointer's position falls on, unless the shape says otherwise.
const SIDE: i32 = 24;
const MIDDLE: Point = Point::new(SIDE / 2, SIDE / 2);

/// The shapes drawn so far.
#[derive(Debug)]
pub(super) struct CursorImages {
    id: Id,
    commit: CommitCounter,
    shown: CursorShape,
    images: HashMap<CursorShape, PixmanTexture>,
}

impl Default for CursorImages {
    fn default() -> Self {
        Self {
            id: Id::new(),
            commit: CommitCounter::default(),
            shown: CursorShape::default(),
            images: HashMap::new(),
        }
    }
}

impl CursorImages {
    pub(super) fn element(
        &mut self,
        cursor: Cursor,
        mapping: Mapping,
        renderer: &mut PixmanRenderer,
    ) -> Result<Option<Pixels>, PixmanError> {
        let (paths, hotspot) = drawing(cursor.shape);
        let corner = mapping.point(cursor.position.minus(hotspot));
        let side = mapping.length(SIDE);
        let texture = match self.images.get(&cursor.shape) {
            Some(texture) => texture.clone(),
            None => {
                let Some(pixmap) = draw(&paths, side, mapping.scale.as_f64() as f32) else { return Ok(None) };
                let texture = upload(renderer, &pixmap, Fourcc::Abgr8888)?;
                self.images.insert(cursor.shape, texture.clone());
                texture
            }
        };
        if self.shown != cursor.shape {
            self.shown = cursor.shape;
            self.commit.increment();
        }
        let geometry = Area::new(corner, (side, side).into());
        Ok(Some(Pixels {
            id: self.id.clone(),
            commit: self.commit,
            damage: Damage::Whole,
            texture,
            placing: Placing { source: Rect::new(0, 0, side, side), target: geometry },
            geometry,
        }))
    }
}

/// What a shape is made of: outlines to fill and lines to trace.
#[derive(Default)]
struct Paths {
    filled: Vec<Path>,
    traced: Vec<Path>,
}

/// Black with a white rim, so that it shows on anything.
fn draw(paths: &Paths, side: i32, scale: f32) -> Option<Pixmap> {
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

/// A shape's paths, and the place in its image that points.
fn drawing(shape: CursorShape) -> (Paths, Point) {
    let mut paths = Paths::default();
    match shape {
        CursorShape::Default => {
            paths.filled.extend(polygon(&[
                (2.0, 2.0),
                (2.0, 18.5),
                (6.2, 14.8),
                (8.9, 21.2),
                (11.6, 20.1),
                (8.9, 13.8),
                (14.4, 13.4),
            ]));
            (paths, Point::new(2, 2))
        }
        CursorShape::Text => {
            for bar in [(9.0, 4.0, 15.0, 4.0), (12.0, 4.0, 12.0, 20.0), (9.0, 20.0, 15.0, 20.0)] {
                paths.traced.extend(line(bar));
            }
            (paths, MIDDLE)
        }
        CursorShape::Pointer => {
            // index finger, three knuckles, palm and thumb
            for (x, y, right, bottom) in [
                (7.5, 2.5, 10.0, 14.0),
                (10.0, 8.5, 12.5, 14.0),
                (12.5, 9.2, 15.0, 14.0),
                (15.0, 10.2, 17.3, 15.0),
            ] {
                paths.filled.extend(finger(x, y, right, bottom));
            }
            paths.filled.extend(polygon(&[
                (7.5, 12.0),
                (17.3, 12.0),
                (17.3, 16.5),
                (15.5, 21.5),
                (9.0, 21.5),
                (3.8, 14.6),
                (4.6, 13.0),
                (6.2, 13.4),
                (7.5, 15.0),
            ]));
            (paths, Point::new(9, 2))
        }
        CursorShape::Move => {
            arrows(&mut paths, 0.0);
            arrows(&mut paths, 90.0);
            (paths, MIDDLE)
        }
        CursorShape::ResizeHorizontal => {
            arrows(&mut paths, 0.0);
            (paths, MIDDLE)
        }
        CursorShape::ResizeVertical => {
            arrows(&mut paths, 90.0);
            (paths, MIDDLE)
        }
        CursorShape::ResizeFalling => {
            arrows(&mut paths, 45.0);
            (paths, MIDDLE)
        }
        CursorShape::ResizeRising => {
            arrows(&mut paths, -45.0);
            (paths, MIDDLE)
        }
    }
}

/// A double arrow through the middle, turned clockwise by `degrees` from lying flat.
fn arrows(paths: &mut Paths, degrees: f32) {
    let turn = Transform::from_rotate_at(degrees, 12.0, 12.0);
    let turned = |path: Option<Path>| path.and_then(|path| path.transform(turn));
    paths.traced.extend(turned(line((5.0, 12.0, 19.0, 12.0))));
    paths.filled.extend(turned(polygon(&[(2.0, 12.0), (6.5, 8.0), (6.5, 16.0)])));
    paths.filled.extend(turned(polygon(&[(22.0, 12.0), (17.5, 8.0), (17.5, 16.0)])));
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
