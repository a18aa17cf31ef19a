//! Which pixels of which buffer are out of date.
//!
//! Two buffers take turns on the screen. Each remembers what was drawn since it was last filled, so that filling it again
//! moves that and no more; beside them stands what the screen itself has not been given yet.

use smithay::utils::{Physical, Size};

use super::Rect;

/// Rectangles kept apart at most; what is cut up finer is taken as one around them all.
const MAX_PIECES: usize = 64;

/// A part of the screen: rectangles that lie within it and do not overlap.
#[derive(Debug, Clone, PartialEq)]
struct Region {
    screen: Rect,
    pieces: Vec<Rect>,
}

impl Region {
    fn all(screen: Rect) -> Self {
        Self { screen, pieces: vec![screen] }
    }

    fn add(&mut self, rects: &[Rect]) {
        for rect in rects.iter().filter_map(|rect| rect.intersection(self.screen)) {
            let known = self.pieces.iter().copied();
            let new = Rect::subtract_rects_many_in_place(vec![rect], known);
            self.pieces.extend(new);
        }
        if self.pieces.len() > MAX_PIECES {
            let around = self.pieces.iter().copied().reduce(Rect::merge);
            self.pieces = around.into_iter().collect();
        }
    }

    fn take(&mut self) -> Vec<Rect> {
        std::mem::take(&mut self.pieces)
    }
}

/// The two buffers of a screen.
#[derive(Debug)]
pub(super) struct Turns {
    /// What each buffer lacks.
    missing: [Region; 2],
    /// What the screen has not been given.
    unshown: Region,
    /// The buffer that is filled next.
    back: usize,
}

/// What to do for one frame.
#[derive(Debug, PartialEq)]
pub(super) struct Turn {
    /// The buffer to fill: 0 or 1.
    pub buffer: usize,
    /// What to copy into it; nothing of it twice.
    pub copy: Vec<Rect>,
    /// What differs from the picture on the screen.
    pub changed: Vec<Rect>,
}

impl Turn {
    /// Bytes to move.
    pub fn bytes(&self) -> u64 {
        let area =
            |rect: &Rect| u64::from(rect.size.w.unsigned_abs()) * u64::from(rect.size.h.unsigned_abs());
        self.copy.iter().map(area).sum::<u64>() * 4
    }
}

impl Turns {
    /// Two buffers of which nothing is known, before a screen of this size that shows neither.
    pub fn new(size: Size<i32, Physical>) -> Self {
        let all = Region::all(Rect::from_size(size));
        Self { missing: [all.clone(), all.clone()], unshown: all, back: 0 }
    }

    /// This was drawn.
    pub fn drawn(&mut self, damage: &[Rect]) {
        self.missing.iter_mut().chain([&mut self.unshown]).for_each(|region| region.add(damage));
    }

    /// The screen shows something else, and nobody knows what became of the buffers: all is to be given again.
    pub fn lost(&mut self) {
        *self = Self::new(self.unshown.screen.size);
    }

    /// Whether the screen shows all that was drawn.
    pub fn is_shown(&self) -> bool {
        self.unshown.pieces.is_empty()
    }

    /// What to do for the next frame. The buffer counts as filled from now on.
    pub fn take(&mut self) -> Turn {
        let buffer = self.back;
        let copy = self.missing.get_mut(buffer).map(Region::take).unwrap_or_default();
        Turn { buffer, copy, changed: self.unshown.pieces.clone() }
    }

    /// The buffer of the last turn goes to the screen.
    pub fn flipped(&mut self) {
        self.back = 1 - self.back;
        self.unshown.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rect(x: i32, y: i32, w: i32, h: i32) -> Rect {
        Rect::new((x, y).into(), (w, h).into())
    }

    fn turns() -> Turns {
        Turns::new((100, 50).into())
    }

    /// Draws a frame and shows it.
    fn frame(turns: &mut Turns, damage: &[Rect]) -> Turn {
        turns.drawn(damage);
        let turn = turns.take();
        turns.flipped();
        turn
    }

    #[test]
    fn each_buffer_is_given_what_it_missed_and_nothing_else() {
        let (mut turns, all) = (turns(), vec![rect(0, 0, 100, 50)]);
        let (a, b, c) = (rect(0, 0, 10, 10), rect(20, 20, 10, 10), rect(40, 40, 10, 10));
        assert_eq!(frame(&mut turns, &[]), Turn { buffer: 0, copy: all.clone(), changed: all.clone() });
        assert_eq!(frame(&mut turns, &[a]), Turn { buffer: 1, copy: all, changed: vec![a] });
        // The first buffer has missed `a`.
        let turn = frame(&mut turns, &[b]);
        assert_eq!(turn, Turn { buffer: 0, copy: vec![a, b], changed: vec![b] });
        assert_eq!(turn.bytes(), 2 * 10 * 10 * 4);
        assert_eq!(frame(&mut turns, &[c]), Turn { buffer: 1, copy: vec![b, c], changed: vec![c] });
    }

    #[test]
    fn what_is_drawn_over_and_over_is_moved_once() {
        let mut turns = turns();
        frame(&mut turns, &[]);
        frame(&mut turns, &[]);
        let blink = rect(5, 5, 2, 8);
        for _ in 0..4 {
            assert_eq!(frame(&mut turns, &[blink, blink]).bytes(), 2 * 8 * 4);
        }
    }

    #[test]
    fn a_frame_that_was_not_shown_is_shown_with_the_next() {
        let mut turns = turns();
        frame(&mut turns, &[]);
        frame(&mut turns, &[]);
        let (a, b) = (rect(0, 0, 10, 10), rect(20, 0, 10, 10));
        turns.drawn(&[a]);
        assert_eq!(turns.take().copy, [a]);
        // No flip came of it: the same buffer is next, and holds `a` already.
        assert!(!turns.is_shown());
        assert_eq!(frame(&mut turns, &[b]), Turn { buffer: 0, copy: vec![b], changed: vec![a, b] });
        assert!(turns.is_shown());
    }

    #[test]
    fn a_screen_that_was_away_is_given_all_of_it() {
        let mut turns = turns();
        frame(&mut turns, &[]);
        frame(&mut turns, &[]);
        turns.lost();
        assert!(!turns.is_shown());
        let all = vec![rect(0, 0, 100, 50)];
        assert_eq!(frame(&mut turns, &[]), Turn { buffer: 0, copy: all.clone(), changed: all });
    }

    #[test]
    fn damage_is_cut_to_the_screen_and_does_not_overlap() {
        let mut turns = turns();
        frame(&mut turns, &[]);
        frame(&mut turns, &[]);
        let turn = frame(
            &mut turns,
            &[rect(-5, -5, 10, 10), rect(0, 0, 10, 10), rect(99, 49, 7, 7), rect(200, 0, 1, 1)],
        );
        assert_eq!(turn.bytes(), (10 * 10 + 1) * 4);
    }

    #[test]
    fn crumbs_are_moved_as_one() {
        let mut turns = turns();
        frame(&mut turns, &[]);
        frame(&mut turns, &[]);
        let crumbs: Vec<Rect> = (0..=MAX_PIECES as i32).map(|n| rect(n % 50 * 2, n / 50 * 2, 1, 1)).collect();
        assert_eq!(frame(&mut turns, &crumbs).copy, [rect(0, 0, 99, 3)]);
    }
}
