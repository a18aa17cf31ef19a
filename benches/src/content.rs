//! The frames: what each changes, and what every pixel of it must be.
//!
//! All that a frame changes is new in every pixel, and is drawn with one copy from prepared pixels, so that a client
//! costs about one memcpy of its damage whatever the path. Each frame carries its number in the four corners of its
//! damage, in a form that no other content has; every other pixel follows from the number and the place.

use std::ops::Range;

/// What a client shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Case {
    /// Every pixel of a 1920x1080 window, as fast as frame callbacks come.
    #[value(name = "full-1080p")]
    Full,
    /// 64x64 pixels in the middle of it, as fast as frame callbacks come.
    #[value(name = "64x64")]
    Small,
    /// The same in a window four times as large.
    #[value(name = "64x64-2160p")]
    SmallInLarge,
    /// A page of text in a 1920x1080 window that scrolls by a line, as fast as frame callbacks come.
    #[value(name = "scroll")]
    Scroll,
    /// As [`Case::Full`] on a screen of 60 Hz.
    #[value(name = "full-60hz")]
    Full60,
    /// Windows of 640x400 that never change.
    #[value(name = "idle")]
    Idle,
}

/// A rectangle of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// Left edge.
    pub x: u32,
    /// Upper edge.
    pub y: u32,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// Bytes of a pixel.
pub const PIXEL: usize = 4;
/// Pixels of a stamp.
pub const STAMP: usize = 2;
/// Frames are numbered from 1 to below this: a number is the colour of a pixel.
pub const NUMBERS: u32 = 1 << 24;

/// Tells a stamp from any two pixels of one colour.
const KEY: u32 = 0x00a5_c3e1;
/// Around what changes.
const STILL: u32 = 0x0020_3040;
/// Noise is drawn from this many different places, in turn.
const PLACES: u32 = 4096;
const CELL: (u32, u32) = (8, 16);
/// The page starts anew after so many lines.
const LINES: u32 = 128;
const INK: u32 = 0x00d0_d0d0;
const PAPER: u32 = 0x0010_1418;

impl Case {
    /// As printed.
    pub fn name(self) -> &'static str {
        match self {
            Case::Full => "full-1080p",
            Case::Small => "64x64",
            Case::SmallInLarge => "64x64-2160p",
            Case::Scroll => "scroll",
            Case::Full60 => "full-60hz",
            Case::Idle => "idle",
        }
    }

    /// All of the window.
    pub fn window(self) -> Area {
        let (width, height) = match self {
            Case::SmallInLarge => (3840, 2160),
            Case::Idle => (640, 400),
            Case::Full | Case::Small | Case::Scroll | Case::Full60 => (1920, 1080),
        };
        Area { x: 0, y: 0, width, height }
    }

    /// What a frame after the first changes.
    pub fn damage(self) -> Area {
        let window = self.window();
        match self {
            Case::Small | Case::SmallInLarge => {
                Area { x: window.width / 2, y: window.height / 2, width: 64, height: 64 }
            }
            // a terminal has whole lines
            Case::Scroll => Area { height: window.height / CELL.1 * CELL.1, ..window },
            Case::Full | Case::Full60 | Case::Idle => window,
        }
    }

    /// The frames per second of the screen; 0 is as many as are wanted.
    pub fn refresh_hz(self) -> u32 {
        if self == Case::Full60 { 60 } else { 0 }
    }

    /// The colour of a pixel of the window in a frame, stamps aside.
    pub fn pixel(self, number: u32, x: u32, y: u32) -> u32 {
        let damage = self.damage();
        if !damage.holds(x, y) {
            return STILL;
        }
        let (x, y) = (x - damage.x, y - damage.y);
        match self {
            Case::Scroll => text(x, y + first_line(number) * CELL.1),
            _ => noise(first_noise(number) + y * damage.width + x),
        }
    }

    /// The left ends of the stamps, the two upper ones first.
    pub fn stamps(self) -> [(u32, u32); 4] {
        let Area { x, y, width, height } = self.damage();
        let (right, bottom) = (x + width - STAMP as u32, y + height - 1);
        [(x, y), (right, y), (x, bottom), (right, bottom)]
    }

    /// Whether a pixel belongs to a stamp.
    pub fn is_stamp(self, x: u32, y: u32) -> bool {
        self.stamps().iter().any(|&(left, row)| row == y && (left..left + STAMP as u32).contains(&x))
    }
}

impl Area {
    /// Whether a pixel is in it.
    pub fn holds(self, x: u32, y: u32) -> bool {
        (self.x..self.x + self.width).contains(&x) && (self.y..self.y + self.height).contains(&y)
    }

    /// How many pixels it has.
    pub fn pixels(self) -> usize {
        self.width as usize * self.height as usize
    }

    /// The bytes of its rows in an image of `window`.
    pub fn rows(self, window: Area) -> impl Iterator<Item = Range<usize>> {
        (self.y..self.y + self.height).map(move |row| {
            let start = (row as usize * window.width as usize + self.x as usize) * PIXEL;
            start..start + self.width as usize * PIXEL
        })
    }
}

/// The two pixels that say a frame's number.
pub fn stamp(number: u32) -> [u32; STAMP] {
    [number, number ^ KEY]
}

/// The number that two pixels say, if they are a stamp.
pub fn number(stamp: [u32; STAMP]) -> Option<u32> {
    (stamp[0] ^ KEY == stamp[1]).then_some(stamp[0])
}

/// The prepared pixels that frames are drawn from.
pub struct Painter {
    case: Case,
    source: Vec<u8>,
}

impl Painter {
    /// Prepares the pixels.
    pub fn new(case: Case) -> Self {
        let damage = case.damage();
        let bytes = |colors: &mut dyn Iterator<Item = u32>| colors.flat_map(u32::to_le_bytes).collect();
        let source = match case {
            Case::Scroll => {
                let rows = damage.height + LINES * CELL.1;
                bytes(&mut (0..rows).flat_map(|y| (0..damage.width).map(move |x| text(x, y))))
            }
            _ => bytes(&mut (0..damage.pixels() as u32 + PLACES).map(noise)),
        };
        Self { case, source }
    }

    /// Fills an image of the window with what never changes.
    pub fn prepare(&self, image: &mut [u8]) {
        for pixel in image.chunks_exact_mut(PIXEL) {
            pixel.copy_from_slice(&STILL.to_le_bytes());
        }
    }

    /// Draws all that a frame changes.
    pub fn draw(&self, number: u32, image: &mut [u8]) {
        let (window, damage) = (self.case.window(), self.case.damage());
        let first = match self.case {
            Case::Scroll => first_line(number) * CELL.1 * damage.width,
            _ => first_noise(number),
        };
        let row_bytes = damage.width as usize * PIXEL;
        let source = self.source[first as usize * PIXEL..].chunks_exact(row_bytes);
        for (row, pixels) in damage.rows(window).zip(source) {
            image[row].copy_from_slice(pixels);
        }
        for (x, y) in self.case.stamps() {
            let start = (y as usize * window.width as usize + x as usize) * PIXEL;
            for (at, color) in (start..).step_by(PIXEL).zip(stamp(number)) {
                image[at..at + PIXEL].copy_from_slice(&color.to_le_bytes());
            }
        }
    }
}

fn first_noise(number: u32) -> u32 {
    // odd, so that every place has its turn
    number.wrapping_mul(977) % PLACES
}

fn first_line(number: u32) -> u32 {
    number % LINES
}

/// A colour with nothing to do with its neighbours'.
fn noise(at: u32) -> u32 {
    let mut bits = at.wrapping_add(0x9e37_79b9);
    bits = (bits ^ (bits >> 16)).wrapping_mul(0x85eb_ca6b);
    bits = (bits ^ (bits >> 13)).wrapping_mul(0xc2b2_ae35);
    (bits ^ (bits >> 16)) & 0x00ff_ffff
}

/// A page of letters that are none, in words.
fn text(x: u32, y: u32) -> u32 {
    let (line, column) = (y / CELL.1 % LINES, x / CELL.0);
    let letter = noise(line * 256 + column) % 96;
    let (across, down) = (x % CELL.0, y % CELL.1);
    let inside = (1..7).contains(&across) && (3..13).contains(&down);
    let inked = letter >= 16 && inside && noise(letter * 128 + down * 8 + across).is_multiple_of(3);
    if inked { INK } else { PAPER }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASES: [Case; 4] = [Case::Full, Case::Small, Case::SmallInLarge, Case::Scroll];

    fn color(image: &[u8], case: Case, x: u32, y: u32) -> u32 {
        let at = (y as usize * case.window().width as usize + x as usize) * PIXEL;
        u32::from_le_bytes(image[at..at + PIXEL].try_into().unwrap())
    }

    #[test]
    fn what_is_drawn_is_what_is_expected() {
        for case in CASES {
            let painter = Painter::new(case);
            let window = case.window();
            let mut image = vec![0; window.pixels() * PIXEL];
            painter.prepare(&mut image);
            painter.draw(NUMBERS - 1, &mut image);
            painter.draw(4321, &mut image);
            for y in 0..window.height {
                for x in (0..window.width).filter(|&x| !case.is_stamp(x, y)) {
                    assert_eq!(color(&image, case, x, y), case.pixel(4321, x, y), "{case:?} {x} {y}");
                }
            }
            for (x, y) in case.stamps() {
                assert_eq!(number([color(&image, case, x, y), color(&image, case, x + 1, y)]), Some(4321));
            }
        }
    }

    #[test]
    fn a_frame_changes_nearly_every_pixel_of_noise() {
        let damage = Case::Small.damage();
        let places = (damage.y..damage.y + 64).flat_map(|y| (damage.x..damage.x + 64).map(move |x| (x, y)));
        let changed = places.filter(|&(x, y)| Case::Small.pixel(7, x, y) != Case::Small.pixel(8, x, y));
        assert!(changed.count() > 4000);
    }

    #[test]
    fn a_plain_colour_is_no_stamp() {
        assert_eq!(number(stamp(12)), Some(12));
        for color in [0, STILL, INK, 0x00ff_ffff] {
            assert_eq!(number([color, color]), None);
        }
    }
}
