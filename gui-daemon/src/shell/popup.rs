//! Where popups go: beside a part of their parent, and always whole on its output.
//!
//! The rules are those of `xdg_positioner`, whose numbers a [`Positioner`] is made from, with one more at their end: what
//! they leave outside of the output is moved and, where that is not enough, cut to lie inside. So a popup that a peer
//! describes badly is in the wrong place, and never out of sight.

use super::Shell;
use super::geom::{Point, Rect, Size};
use super::window::{Id, MAX_CONTENT, MIN_CONTENT, Window};

/// A peer's places and lengths are brought within this many pixels: beyond any desktop, and far from where sums
/// overflow.
const FAR: i32 = 1 << 20;

/// How a popup lies to its parent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Positioner {
    /// The part of the parent that it belongs to, relative to the parent's content.
    pub anchor_rect: Rect,
    /// The size it wants.
    pub size: Size,
    /// The side or corner of `anchor_rect` that it starts from.
    pub anchor: Side,
    /// The way it extends from there.
    pub gravity: Side,
    /// What may be done where it does not fit.
    pub adjust: Adjust,
    /// How far it is moved from where `anchor` and `gravity` put it.
    pub offset: Point,
    /// Whether it is placed anew when its parent moves or changes; if not, it keeps its place on the parent.
    pub reactive: bool,
}

/// A side, a corner or the middle: -1, 0 or 1 across and down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Side {
    x: i32,
    y: i32,
}

/// What may be done to make a popup fit, along each axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Adjust {
    x: AxisAdjust,
    y: AxisAdjust,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct AxisAdjust {
    slide: bool,
    flip: bool,
    resize: bool,
}

impl Side {
    /// The side of this number in `xdg_positioner.anchor` and `.gravity`; the middle for a number that is none.
    pub const fn from_wire(number: u32) -> Self {
        let (x, y) = match number {
            1 => (0, -1),
            2 => (0, 1),
            3 => (-1, 0),
            4 => (1, 0),
            5 => (-1, -1),
            6 => (-1, 1),
            7 => (1, -1),
            8 => (1, 1),
            _ => (0, 0),
        };
        Self { x, y }
    }
}

impl Adjust {
    /// The adjustments of these bits of `xdg_positioner.constraint_adjustment`; bits that are none do not count.
    pub const fn from_wire(bits: u32) -> Self {
        // the bits of the two axes alternate
        Self { x: AxisAdjust::from_wire(bits), y: AxisAdjust::from_wire(bits >> 1) }
    }
}

impl AxisAdjust {
    const fn from_wire(bits: u32) -> Self {
        Self { slide: bits & 1 != 0, flip: bits & 4 != 0, resize: bits & 16 != 0 }
    }
}

impl Positioner {
    /// The popup's place for a parent whose content is at `parent`: inside of `area`, whatever the numbers are.
    pub fn place(&self, parent: Rect, area: Rect) -> Rect {
        let size = self.size.clamped(MIN_CONTENT, MAX_CONTENT);
        let across = Axis {
            start: near(parent.x).saturating_add(near(self.anchor_rect.x)),
            extent: near(self.anchor_rect.width).max(0),
            anchor: self.anchor.x,
            gravity: self.gravity.x,
            length: size.width,
            offset: near(self.offset.x),
        };
        let down = Axis {
            start: near(parent.y).saturating_add(near(self.anchor_rect.y)),
            extent: near(self.anchor_rect.height).max(0),
            anchor: self.anchor.y,
            gravity: self.gravity.y,
            length: size.height,
            offset: near(self.offset.y),
        };
        let (x, width) = across.place(self.adjust.x, (area.x, area.right()));
        let (y, height) = down.place(self.adjust.y, (area.y, area.bottom()));
        inside(area, Rect { x, y, width, height })
    }
}

fn near(value: i32) -> i32 {
    value.clamp(-FAR, FAR)
}

/// `popup` made small enough for `area` and moved inside it by the shortest way.
fn inside(area: Rect, popup: Rect) -> Rect {
    Rect::at(popup.origin(), popup.size().clamped(MIN_CONTENT, area.size())).pushed_inside(area)
}

/// A popup along one axis.
struct Axis {
    /// Where the anchor rectangle begins on the desktop, and its length.
    start: i32,
    extent: i32,
    anchor: i32,
    gravity: i32,
    /// The popup's own length.
    length: i32,
    offset: i32,
}

impl Axis {
    /// Where the popup begins, and its length.
    fn place(&self, adjust: AxisAdjust, (low, high): (i32, i32)) -> (i32, i32) {
        let fits = |begin: i32, length: i32| begin >= low && begin + length <= high;
        let (mut begin, mut length) = (self.begin(1), self.length);
        if adjust.flip && !fits(begin, length) && fits(self.begin(-1), length) {
            begin = self.begin(-1);
        }
        if adjust.slide && !fits(begin, length) {
            begin = begin.min(high - length).max(low);
        }
        if adjust.resize && !fits(begin, length) {
            let end = (begin + length).min(high);
            // one that lies wholly outside has no part to keep
            if end.min(high) > begin.max(low) {
                begin = begin.max(low);
                length = end - begin;
            }
        }
        (begin, length)
    }

    /// Where the popup begins with anchor and gravity as they are (1) or turned round (-1).
    fn begin(&self, sense: i32) -> i32 {
        let part = |whole: i32, side: i32| match side {
            ..0 => 0,
            0 => whole / 2,
            1.. => whole,
        };
        let anchor = self.start + part(self.extent, self.anchor * sense);
        anchor - part(self.length, -self.gravity * sense) + self.offset
    }
}

impl Shell {
    /// Places a popup relative to its parent, whose output it never leaves from then on. Without effect on a window
    /// that is not a popup or has no parent.
    pub fn place_popup(&mut self, id: Id, positioner: Positioner) {
        let Some(parent) = self.windows.get(&id).filter(|window| window.is_popup()).and_then(Window::parent)
        else {
            return;
        };
        let Some(parent) = self.windows.get(&parent) else { return };
        let place = positioner.place(parent.content, self.output_around(parent));
        if let Some(window) = self.windows.get_mut(&id) {
            window.positioner = Some(positioner);
        }
        self.positioned.insert(id);
        self.place(id, place);
        self.settle();
    }

    /// Where [`Shell::place_popup`] would put a popup, relative to its parent's content.
    pub fn popup_place(&self, parent: Id, positioner: &Positioner) -> Option<Rect> {
        let parent = self.windows.get(&parent)?;
        let place = positioner.place(parent.content, self.output_around(parent));
        Some(place.moved_to(place.origin().minus(parent.content.origin())))
    }

    /// Brings a popup that was placed by a positioner onto its parent's output; `None` for any other window.
    pub(super) fn beside_parent(&self, window: &Window, content: Rect) -> Option<Rect> {
        window.positioner?;
        let parent = self.windows.get(&window.parent()?)?;
        Some(inside(self.output_around(parent), content))
    }

    /// Takes along the popups of a window whose content was at `before`.
    pub(super) fn popups_follow(&mut self, parent: Id, before: Rect) {
        let Some(now) = self.windows.get(&parent) else { return };
        let (content, area) = (now.content, self.output_around(now));
        let moved = content.origin().minus(before.origin());
        let placed = self.positioned.iter().filter_map(|id| {
            let popup = self.windows.get(id).filter(|it| it.is_popup() && it.parent() == Some(parent))?;
            let positioner = popup.positioner?;
            let place = if positioner.reactive {
                let Adjust { x, y } = positioner.adjust;
                // what its owner made of the size counts, where there is no other to be chosen
                let size = Size {
                    width: if x.resize { positioner.size.width } else { popup.normal.width },
                    height: if y.resize { positioner.size.height } else { popup.normal.height },
                };
                Positioner { size, ..positioner }.place(content, area)
            } else {
                popup.normal.moved_to(popup.normal.origin().plus(moved))
            };
            Some((*id, place))
        });
        let placed: Vec<(Id, Rect)> = placed.collect();
        for (id, place) in placed {
            self.place(id, place);
        }
    }

    fn output_around(&self, window: &Window) -> Rect {
        self.room_around(window, window.frame)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::shell::{Metrics, NewWindow, Owner, Role};

    const AREA: Rect = Rect::new(0, 0, 1000, 800);
    /// The parent's content, and a button in it.
    const PARENT: Rect = Rect::new(100, 100, 300, 200);
    const BUTTON: Rect = Rect::new(20, 10, 60, 30);

    const NONE: u32 = 0;
    const TOP: u32 = 1;
    const BOTTOM: u32 = 2;
    const LEFT: u32 = 3;
    const RIGHT: u32 = 4;
    const TOP_LEFT: u32 = 5;
    const BOTTOM_LEFT: u32 = 6;
    const TOP_RIGHT: u32 = 7;
    const BOTTOM_RIGHT: u32 = 8;

    const SLIDE: u32 = 1 | 2;
    const FLIP: u32 = 4 | 8;
    const RESIZE: u32 = 16 | 32;

    fn menu(anchor: u32, gravity: u32, adjust: u32) -> Positioner {
        Positioner {
            anchor_rect: BUTTON,
            size: Size::new(120, 200),
            anchor: Side::from_wire(anchor),
            gravity: Side::from_wire(gravity),
            adjust: Adjust::from_wire(adjust),
            ..Positioner::default()
        }
    }

    #[test]
    fn a_popup_starts_at_its_anchor_and_extends_by_its_gravity() {
        let button = BUTTON.moved_to(BUTTON.origin().plus(PARENT.origin()));
        for (anchor, gravity, x, y) in [
            (BOTTOM_LEFT, BOTTOM_RIGHT, button.x, button.bottom()),
            (BOTTOM_RIGHT, BOTTOM_LEFT, button.right() - 120, button.bottom()),
            (TOP_RIGHT, BOTTOM_RIGHT, button.right(), button.y),
            (BOTTOM, BOTTOM, button.x + 30 - 60, button.bottom()),
            (RIGHT, RIGHT, button.right(), button.y + 15 - 100),
            (NONE, NONE, button.x + 30 - 60, button.y + 15 - 100),
            (LEFT, BOTTOM_RIGHT, button.x, button.y + 15),
            (TOP, BOTTOM_RIGHT, button.x + 30, button.y),
            (TOP_LEFT, BOTTOM_RIGHT, button.x, button.y),
            (99, 99, button.x + 30 - 60, button.y + 15 - 100),
        ] {
            let place = menu(anchor, gravity, 0).place(PARENT, AREA);
            assert_eq!(place, Rect::new(x, y, 120, 200), "{anchor} {gravity}");
        }
        let offset = Positioner { offset: Point::new(7, -9), ..menu(BOTTOM_LEFT, BOTTOM_RIGHT, 0) };
        assert_eq!(offset.place(PARENT, AREA).origin(), Point::new(button.x + 7, button.bottom() - 9));
    }

    #[test]
    fn a_popup_that_does_not_fit_is_flipped_then_slid_then_resized() {
        let low = Rect::new(100, 650, 300, 140);
        let drop_down = |adjust| menu(BOTTOM_LEFT, BOTTOM_RIGHT, adjust).place(low, AREA);
        // the button is at 660 to 690
        assert_eq!(drop_down(FLIP), Rect::new(120, 460, 120, 200), "above the button");
        assert_eq!(drop_down(SLIDE), Rect::new(120, 600, 120, 200), "up to the screen's edge");
        assert_eq!(drop_down(RESIZE), Rect::new(120, 690, 120, 110), "the part that fits");
        assert_eq!(drop_down(FLIP | SLIDE | RESIZE), drop_down(FLIP));
        // whoever allows nothing is slid all the same
        assert_eq!(drop_down(0), drop_down(SLIDE));

        // a flip that does not fit either is not made
        let high = Positioner { size: Size::new(120, 700), ..menu(BOTTOM_LEFT, BOTTOM_RIGHT, FLIP | RESIZE) };
        assert_eq!(high.place(low, AREA), Rect::new(120, 690, 120, 110));
        // the axes are adjusted each by itself
        let right = Rect::new(900, 650, 300, 140);
        let one_axis = menu(BOTTOM_LEFT, BOTTOM_RIGHT, 1 | 8).place(right, AREA);
        assert_eq!(one_axis, Rect::new(880, 460, 120, 200));
    }

    #[test]
    fn what_is_larger_than_the_output_is_cut_to_it() {
        let huge = Positioner { size: Size::new(i32::MAX, i32::MAX), ..menu(NONE, NONE, 0) };
        assert_eq!(huge.place(PARENT, AREA), AREA);
        let nothing = Positioner { size: Size::new(-3, 0), ..menu(TOP_LEFT, BOTTOM_RIGHT, 0) };
        assert_eq!(nothing.place(PARENT, AREA), Rect::new(120, 110, 1, 1));
    }

    #[test]
    fn popups_go_with_their_parent_and_reactive_ones_are_placed_anew() {
        let mut shell = Shell::new(Metrics::default(), vec![AREA]);
        let mut add = |role| {
            let new = NewWindow { owner: Owner::Domain(0), role, content: PARENT, placed: true };
            let id = shell.add(new);
            shell.map(id);
            id
        };
        let parent = add(Role::Toplevel);
        let [fixed, reactive, nested] =
            [parent, parent, Id(1)].map(|id| add(Role::Popup { parent: Some(id) }));
        let drop_down = menu(BOTTOM_LEFT, BOTTOM_RIGHT, FLIP);
        shell.place_popup(fixed, drop_down);
        shell.place_popup(reactive, Positioner { reactive: true, ..drop_down });
        shell.place_popup(nested, menu(TOP_RIGHT, BOTTOM_RIGHT, 0));
        let place = |shell: &Shell, id| shell.window(id).unwrap().content;
        let beside = |rect: Rect| Point::new(rect.x + BUTTON.right(), rect.y + BUTTON.y);
        assert_eq!(place(&shell, fixed), Rect::new(120, 140, 120, 200));
        assert_eq!(place(&shell, nested).origin(), beside(place(&shell, fixed)));

        shell.request_geometry(parent, Rect { x: 150, y: 130, ..PARENT });
        for id in [fixed, reactive] {
            assert_eq!(place(&shell, id), Rect::new(170, 170, 120, 200));
        }
        assert_eq!(place(&shell, nested).origin(), beside(place(&shell, fixed)));

        shell.request_geometry(parent, Rect { x: 150, y: 590, ..PARENT });
        assert_eq!(place(&shell, reactive), Rect::new(170, 400, 120, 200), "turned over");
        assert_eq!(place(&shell, fixed), Rect::new(170, 600, 120, 200), "kept on the output");
    }

    fn number() -> impl Strategy<Value = i32> {
        prop_oneof![4 => -300..2000_i32, 1 => any::<i32>(), 1 => Just(i32::MIN), 1 => Just(i32::MAX)]
    }

    fn rect() -> impl Strategy<Value = Rect> {
        (number(), number(), number(), number())
            .prop_map(|(x, y, width, height)| Rect::new(x, y, width, height))
    }

    pub(in crate::shell) fn positioner() -> impl Strategy<Value = Positioner> {
        (rect(), number(), number(), 0..10u32, 0..10u32, 0..128u32, number(), number(), any::<bool>())
            .prop_map(|(anchor_rect, width, height, anchor, gravity, adjust, x, y, reactive)| Positioner {
                anchor_rect,
                size: Size::new(width, height),
                anchor: Side::from_wire(anchor),
                gravity: Side::from_wire(gravity),
                adjust: Adjust::from_wire(adjust),
                offset: Point::new(x, y),
                reactive,
            })
    }

    proptest! {
        #[test]
        fn a_popup_is_inside_the_output_whatever_its_numbers(positioner in positioner(), parent in rect()) {
            let place = positioner.place(parent, AREA);
            prop_assert!(AREA.encloses(place) && !place.is_empty(), "{place:?}");
            let wanted = positioner.size.clamped(MIN_CONTENT, MAX_CONTENT);
            prop_assert!(place.width <= wanted.width && place.height <= wanted.height);
            // and has the size it wants, where that is possible and nobody allows another
            let fits = wanted.width <= AREA.width && wanted.height <= AREA.height;
            if fits && !positioner.adjust.x.resize && !positioner.adjust.y.resize {
                prop_assert_eq!(place.size(), wanted);
            }
        }
    }
}
