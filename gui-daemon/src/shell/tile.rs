//! Windows that fill a part of an output: asked for by keys, or by letting go of a title at an edge of the output.

use super::geom::{Edges, Point, Rect};
use super::grab::Grab;
use super::placement;
use super::window::{Id, MIN_CONTENT, State};
use super::{Shell, Window};

/// How near to an output's edge the pointer is at the edge. The last pixels are as easily reached as the very last one.
const AT_EDGE: i32 = 8;

/// This share of a side edge, from each of its ends, means the corner.
const CORNER_SHARE: i32 = 4;

/// A part of an output: a half beside the other, or a quarter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tile {
    /// The left half.
    Left,
    /// The right half.
    Right,
    /// The quarter at the upper left.
    UpperLeft,
    /// The quarter at the upper right.
    UpperRight,
    /// The quarter at the lower left.
    LowerLeft,
    /// The quarter at the lower right.
    LowerRight,
}

impl Tile {
    /// Every part there is.
    pub const ALL: [Tile; 6] =
        [Tile::Left, Tile::Right, Tile::UpperLeft, Tile::UpperRight, Tile::LowerLeft, Tile::LowerRight];

    /// The edges of the output that it lies at.
    pub const fn edges(self) -> Edges {
        let left = matches!(self, Tile::Left | Tile::UpperLeft | Tile::LowerLeft);
        Edges {
            left,
            right: !left,
            top: !matches!(self, Tile::LowerLeft | Tile::LowerRight),
            bottom: !matches!(self, Tile::UpperLeft | Tile::UpperRight),
        }
    }

    /// The part that lies at exactly these edges.
    pub fn at(edges: Edges) -> Option<Tile> {
        Tile::ALL.into_iter().find(|tile| tile.edges() == edges)
    }

    /// This part of an output; neighbours leave no gap.
    pub fn of(self, output: Rect) -> Rect {
        let edges = self.edges();
        let middle = output.centre();
        let corner = Point {
            x: if edges.left { output.x } else { middle.x },
            y: if edges.top { output.y } else { middle.y },
        };
        let right = if edges.right { output.right() } else { middle.x };
        let bottom = if edges.bottom { output.bottom() } else { middle.y };
        Rect::new(corner.x, corner.y, right.saturating_sub(corner.x), bottom.saturating_sub(corner.y))
    }
}

/// What a window that is let go of becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Landing {
    Maximised,
    Tiled(Tile),
}

impl Landing {
    /// What a pointer at this place of an output means: nothing, away from its left, right and upper edges.
    pub(super) fn at(point: Point, output: Rect) -> Option<Landing> {
        let is_left = point.x.saturating_sub(output.x) < AT_EDGE;
        let is_right = output.right().saturating_sub(point.x) <= AT_EDGE;
        let corner = output.height / CORNER_SHARE;
        if is_left || is_right {
            let top = output.bottom().saturating_sub(point.y) > corner;
            let bottom = point.y.saturating_sub(output.y) >= corner;
            // of an output no wider than both edges it is the left one
            return Tile::at(Edges { left: is_left, right: !is_left, top, bottom }).map(Landing::Tiled);
        }
        (point.y.saturating_sub(output.y) < AT_EDGE).then_some(Landing::Maximised)
    }

    fn area(self, output: Rect) -> Rect {
        match self {
            Landing::Maximised => output,
            Landing::Tiled(tile) => tile.of(output),
        }
    }
}

impl Shell {
    /// Fills a part of an output with a toplevel's frame, or, with none, gives it back its normal place. One that was
    /// maximised is not any more.
    pub fn request_tile(&mut self, id: Id, tile: Option<Tile>) {
        self.edit_state(id, |window| {
            window.state.tiled = tile;
            if tile.is_some() {
                window.state.maximised = false;
                window.maximised_instead = false;
            }
        });
        self.settle();
    }

    /// Fills a part of an output with a toplevel's frame, or undoes it if it does that already. A fullscreen one stays as
    /// it is.
    pub fn toggle_tile(&mut self, id: Id, tile: Tile) {
        match self.windows.get(&id).map(|window| window.state) {
            Some(State { fullscreen: true, .. }) | None => {}
            Some(state) if state.tile() == Some(tile) => self.request_tile(id, None),
            Some(_) => self.request_tile(id, Some(tile)),
        }
    }

    /// Undoes the last that a toplevel was made: fullscreen, maximised or tiled. One that is none of these is minimised.
    pub fn step_back(&mut self, id: Id) {
        match self.windows.get(&id).map(|window| window.state) {
            Some(State { fullscreen: true, .. }) => self.request_fullscreen(id, false),
            Some(State { maximised: true, .. }) => self.request_maximise(id, false),
            Some(State { tiled: Some(_), .. }) => self.request_tile(id, None),
            Some(_) => self.request_minimise(id, true),
            None => {}
        }
    }

    /// Where the window that the pointer moves will be if it is let go of now, other than where it is.
    pub fn landing_place(&self) -> Option<(Id, Rect)> {
        let Some(Grab::Move { id, landing: Some(landing), .. }) = self.grab else { return None };
        Some((id, landing.area(self.work_area(self.output_at(self.pointer)))))
    }

    /// What letting go here would do.
    pub(super) fn landing_at(&self, at: Point) -> Option<Landing> {
        Landing::at(at, self.output_at(at))
    }

    /// A window is let go of at an edge of the output that the pointer is on.
    pub(super) fn land(&mut self, id: Id, landing: Landing) {
        let output = self.output_at(self.pointer);
        let Some(normal) = self.windows.get(&id).map(|window| window.normal) else { return };
        // the place that it goes back to says on which output it is
        if self.home_of(normal) != output {
            let area = self.work_area(output);
            let room = area.inset(self.normal_insets()).size();
            let frame =
                self.frame_around(Rect::at(normal.origin(), normal.size().clamped(MIN_CONTENT, room)));
            let moved = frame.pushed_inside(area).inset(self.normal_insets());
            self.place(id, moved);
        }
        match landing {
            Landing::Maximised => self.request_maximise(id, true),
            Landing::Tiled(tile) => self.request_tile(id, Some(tile)),
        }
    }

    fn output_at(&self, at: Point) -> Rect {
        placement::output_of(&self.outputs, Rect::at(at, MIN_CONTENT))
    }

    /// The output that a toplevel with this normal place fills.
    pub(super) fn home_of(&self, normal: Rect) -> Rect {
        placement::output_of(&self.outputs, self.frame_around(normal))
    }

    /// What a toplevel's frame fills; `None` if it is where it was put.
    pub(super) fn filled_by(&self, window: &Window) -> Option<Rect> {
        let output = self.home_of(window.normal);
        match window.state {
            State { fullscreen: true, .. } => Some(output),
            State { maximised: true, .. } => Some(self.work_area(output)),
            State { tiled, .. } => tiled.map(|tile| tile.of(self.work_area(output))),
        }
    }
}
