//! Points, sizes and rectangles in the desktop's logical pixels.
//!
//! All arithmetic saturates: a coordinate may come from a peer, and a wrong place is better than a wrong sign.

/// A place on the desktop, or a distance between two; x grows to the right, y downwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Point {
    /// Pixels to the right of the origin.
    pub x: i32,
    /// Pixels below the origin.
    pub y: i32,
}

impl Point {
    /// The point at (`x`, `y`).
    pub const fn new(x: i32, y: i32) -> Self {
        Self { x, y }
    }

    /// This point moved by `distance`.
    #[must_use]
    pub const fn plus(self, distance: Point) -> Self {
        Self { x: self.x.saturating_add(distance.x), y: self.y.saturating_add(distance.y) }
    }

    /// The distance that leads from `origin` to this point.
    #[must_use]
    pub const fn minus(self, origin: Point) -> Self {
        Self { x: self.x.saturating_sub(origin.x), y: self.y.saturating_sub(origin.y) }
    }

    /// Of this point seen as a distance, the larger of its parts along the axes.
    #[must_use]
    pub fn longest(self) -> i32 {
        self.x.saturating_abs().max(self.y.saturating_abs())
    }
}

/// A width and a height. Negative ones are empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Size {
    /// Pixels across.
    pub width: i32,
    /// Pixels down.
    pub height: i32,
}

impl Size {
    /// The size `width` by `height`.
    pub const fn new(width: i32, height: i32) -> Self {
        Self { width, height }
    }

    /// Each dimension brought between those of `low` and `high`; where these contradict, `low` wins.
    #[must_use]
    pub fn clamped(self, low: Size, high: Size) -> Self {
        Self {
            width: self.width.min(high.width).max(low.width),
            height: self.height.min(high.height).max(low.height),
        }
    }
}

/// A rectangle; it contains its top left corner and not its bottom right one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rect {
    /// Left edge.
    pub x: i32,
    /// Top edge.
    pub y: i32,
    /// Pixels across.
    pub width: i32,
    /// Pixels down.
    pub height: i32,
}

impl Rect {
    /// The rectangle with its top left corner at (`x`, `y`).
    pub const fn new(x: i32, y: i32, width: i32, height: i32) -> Self {
        Self { x, y, width, height }
    }

    /// The rectangle of `size` with its top left corner at `origin`.
    pub const fn at(origin: Point, size: Size) -> Self {
        Self { x: origin.x, y: origin.y, width: size.width, height: size.height }
    }

    /// The top left corner.
    pub const fn origin(self) -> Point {
        Point { x: self.x, y: self.y }
    }

    /// Width and height.
    pub const fn size(self) -> Size {
        Size { width: self.width, height: self.height }
    }

    /// The first column to the right of the rectangle.
    pub const fn right(self) -> i32 {
        self.x.saturating_add(self.width)
    }

    /// The first row below the rectangle.
    pub const fn bottom(self) -> i32 {
        self.y.saturating_add(self.height)
    }

    /// The pixel in the middle.
    pub const fn centre(self) -> Point {
        Point { x: self.x.saturating_add(self.width / 2), y: self.y.saturating_add(self.height / 2) }
    }

    /// Whether the rectangle has no pixel.
    pub const fn is_empty(self) -> bool {
        self.width <= 0 || self.height <= 0
    }

    /// Number of pixels.
    pub fn area(self) -> i64 {
        i64::from(self.width.max(0)) * i64::from(self.height.max(0))
    }

    /// Whether the pixel at `point` is part of the rectangle.
    pub const fn contains(self, point: Point) -> bool {
        point.x >= self.x && point.x < self.right() && point.y >= self.y && point.y < self.bottom()
    }

    /// Whether every pixel of `other` is part of this rectangle.
    pub const fn encloses(self, other: Rect) -> bool {
        other.x >= self.x
            && other.y >= self.y
            && other.right() <= self.right()
            && other.bottom() <= self.bottom()
    }

    /// The pixels in both rectangles; the empty default where there are none.
    #[must_use]
    pub fn intersection(self, other: Rect) -> Rect {
        let (x, y) = (self.x.max(other.x), self.y.max(other.y));
        let width = self.right().min(other.right()).saturating_sub(x);
        let height = self.bottom().min(other.bottom()).saturating_sub(y);
        let common = Rect { x, y, width, height };
        if common.is_empty() { Rect::default() } else { common }
    }

    /// What of the rectangle lies outside of `other`, in at most four pieces.
    pub fn less(self, other: Rect) -> impl Iterator<Item = Rect> {
        let inner = self.intersection(other);
        let pieces = if inner.is_empty() {
            [self, Rect::default(), Rect::default(), Rect::default()]
        } else {
            let (above, below) =
                (inner.y.saturating_sub(self.y), self.bottom().saturating_sub(inner.bottom()));
            let (left, right) = (inner.x.saturating_sub(self.x), self.right().saturating_sub(inner.right()));
            [
                Rect { height: above, ..self },
                Rect { y: inner.bottom(), height: below, ..self },
                Rect { width: left, ..Rect { x: self.x, ..inner } },
                Rect { x: inner.right(), width: right, ..inner },
            ]
        };
        pieces.into_iter().filter(|piece| !piece.is_empty())
    }

    /// The same size with its top left corner at `origin`.
    #[must_use]
    pub const fn moved_to(self, origin: Point) -> Rect {
        Rect::at(origin, self.size())
    }

    /// Moved by the shortest way to lie inside `area`; where it is too big for that, its left or top edge is aligned.
    #[must_use]
    pub fn pushed_inside(self, area: Rect) -> Rect {
        let x = self.x.min(area.right().saturating_sub(self.width)).max(area.x);
        let y = self.y.min(area.bottom().saturating_sub(self.height)).max(area.y);
        self.moved_to(Point { x, y })
    }

    /// Grown on each side by `insets`.
    #[must_use]
    pub const fn outset(self, insets: Insets) -> Rect {
        Rect {
            x: self.x.saturating_sub(insets.left),
            y: self.y.saturating_sub(insets.top),
            width: self.width.saturating_add(insets.left).saturating_add(insets.right),
            height: self.height.saturating_add(insets.top).saturating_add(insets.bottom),
        }
    }

    /// Shrunk on each side by `insets`; may become empty.
    #[must_use]
    pub const fn inset(self, insets: Insets) -> Rect {
        Rect {
            x: self.x.saturating_add(insets.left),
            y: self.y.saturating_add(insets.top),
            width: self.width.saturating_sub(insets.left).saturating_sub(insets.right),
            height: self.height.saturating_sub(insets.top).saturating_sub(insets.bottom),
        }
    }
}

/// How thick a frame is on each side, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Insets {
    /// Thickness at the left.
    pub left: i32,
    /// Thickness at the right.
    pub right: i32,
    /// Thickness at the top.
    pub top: i32,
    /// Thickness at the bottom.
    pub bottom: i32,
}

impl Insets {
    /// The same thickness on all four sides.
    pub const fn uniform(thickness: i32) -> Self {
        Self { left: thickness, right: thickness, top: thickness, bottom: thickness }
    }
}

/// A choice of a rectangle's edges: one for a side, two neighbours for a corner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Edges {
    /// The left edge.
    pub left: bool,
    /// The right edge.
    pub right: bool,
    /// The top edge.
    pub top: bool,
    /// The bottom edge.
    pub bottom: bool,
}

impl Edges {
    /// No edge.
    pub const NONE: Self = Self { left: false, right: false, top: false, bottom: false };

    /// Those that are not among `others`.
    #[must_use]
    pub const fn without(self, others: Edges) -> Self {
        Self {
            left: self.left && !others.left,
            right: self.right && !others.right,
            top: self.top && !others.top,
            bottom: self.bottom && !others.bottom,
        }
    }
}
