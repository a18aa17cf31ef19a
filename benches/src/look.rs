//! Which frame a framebuffer shows, from a few of its pixels.

use crate::{
    content::{Area, Case, STAMP, number},
    record::What,
};

/// Random pixels looked at in each frame: most in what has changed, the others anywhere.
const CHANGED: u32 = 6;
const ANYWHERE: u32 = 2;
/// Frames this far apart may be in one composition where it reads pixels while they change: thousands of small ones are
/// drawn while its process waits for a CPU.
const NEAR: u32 = 4096;

/// Looks at one composition after the other.
pub struct Eye {
    case: Case,
    /// The frame seen last; 0 is none.
    last: u32,
    random: Random,
}

impl Eye {
    /// For a client that shows this.
    pub fn new(case: Case) -> Self {
        Self { case, last: 0, random: Random(1) }
    }

    /// What is there, and of which frame it is, or after which it came; `None` if it is the frame seen last, or none
    /// came yet. `read` gives two pixels of the framebuffer, the first of them at a place in the window.
    pub fn look(&mut self, read: impl Fn(u32, u32) -> [u32; STAMP]) -> Option<(What, u32)> {
        let stamps = self.case.stamps().map(|(x, y)| number(read(x, y)));
        if let [Some(first), others @ ..] = stamps
            && others == [Some(first); 3]
        {
            let new = first != self.last;
            self.last = first;
            return new.then(|| (self.look_closer(first, read), first));
        }
        // with nothing drawn yet there may be anything
        (self.last != 0).then(|| {
            let known = || stamps.into_iter().flatten();
            let span = known().max().zip(known().min()).map(|(latest, earliest)| latest - earliest);
            let what = if span.is_some_and(|span| span <= NEAR) { What::Torn } else { What::Wrong };
            (what, self.last)
        })
    }

    /// Looks at random pixels of a frame whose stamps all agree.
    fn look_closer(&mut self, number: u32, read: impl Fn(u32, u32) -> [u32; STAMP]) -> What {
        let case = self.case;
        let mut seen = What::Seen;
        for (area, looks) in [(case.damage(), CHANGED), (case.window(), ANYWHERE)] {
            for _ in 0..looks {
                let (x, y) = self.random.place(area);
                let [color, _] = read(x, y);
                if case.is_stamp(x, y) || color == case.pixel(number, x, y) {
                    continue;
                }
                let mut near = number.saturating_sub(NEAR)..=number.saturating_add(NEAR);
                if !near.any(|other| color == case.pixel(other, x, y)) {
                    return What::Wrong;
                }
                // another frame's pixel between this one's stamps
                seen = What::Torn;
            }
        }
        seen
    }
}

/// Marsaglia's xorshift: no path prepares for the places, they only have to be others in each frame.
struct Random(u32);

impl Random {
    fn place(&mut self, area: Area) -> (u32, u32) {
        (area.x + self.next() % area.width, area.y + self.next() % area.height)
    }

    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{PIXEL, Painter, stamp};

    const CASE: Case = Case::Small;

    /// Looks at an image.
    fn look(eye: &mut Eye, image: &[u8]) -> Option<(What, u32)> {
        eye.look(|x, y| {
            let at = (y as usize * CASE.window().width as usize + x as usize) * PIXEL;
            let pixel = |at: usize| {
                image.get(at..at + PIXEL).map_or(0, |bytes| u32::from_le_bytes(bytes.try_into().unwrap()))
            };
            [pixel(at), pixel(at + PIXEL)]
        })
    }

    fn image(painter: &Painter, number: u32) -> Vec<u8> {
        let mut image = vec![0; CASE.window().pixels() * PIXEL];
        painter.prepare(&mut image);
        painter.draw(number, &mut image);
        image
    }

    /// The bytes of the damage's rows without the outermost, which hold the stamps.
    fn inner_rows() -> impl Iterator<Item = std::ops::Range<usize>> {
        CASE.damage().rows(CASE.window()).skip(1).take(62)
    }

    #[test]
    fn each_frame_is_seen_once() {
        let (painter, mut eye) = (Painter::new(CASE), Eye::new(CASE));
        assert_eq!(look(&mut eye, &vec![0; CASE.window().pixels() * PIXEL]), None);
        for number in [1, 2, 5] {
            let image = image(&painter, number);
            assert_eq!(look(&mut eye, &image), Some((What::Seen, number)));
            assert_eq!(look(&mut eye, &image), None);
        }
    }

    #[test]
    fn parts_of_two_frames_are_torn() {
        let (painter, mut eye) = (Painter::new(CASE), Eye::new(CASE));
        let (old, mut new) = (image(&painter, 7), image(&painter, 8));
        assert_eq!(look(&mut eye, &old), Some((What::Seen, 7)));
        let middle = new.len() / 2 + 32 * CASE.window().width as usize * PIXEL;
        new[middle..].copy_from_slice(&old[middle..]);
        assert_eq!(look(&mut eye, &new), Some((What::Torn, 7)));
        // the other frame's part lies between the stamps
        let mut new = image(&painter, 9);
        inner_rows().for_each(|row| new[row.clone()].copy_from_slice(&old[row]));
        assert_eq!(look(&mut eye, &new), Some((What::Torn, 9)));
    }

    #[test]
    fn pixels_of_no_frame_are_wrong() {
        let (painter, mut eye) = (Painter::new(CASE), Eye::new(CASE));
        let mut wrong = image(&painter, 7);
        inner_rows().for_each(|row| wrong[row].fill(0x77));
        assert_eq!(look(&mut eye, &wrong), Some((What::Wrong, 7)));
        // stamps that cannot be of one moment
        let mut wrong = image(&painter, 8);
        let (x, y) = CASE.stamps()[3];
        let at = (y as usize * CASE.window().width as usize + x as usize) * PIXEL;
        let other = stamp(8 + NEAR + 1).into_iter().flat_map(u32::to_le_bytes);
        wrong.splice(at..at + STAMP * PIXEL, other);
        assert_eq!(look(&mut eye, &wrong), Some((What::Wrong, 7)));
        // none at all
        assert_eq!(look(&mut eye, &[]), Some((What::Wrong, 7)));
    }
}
