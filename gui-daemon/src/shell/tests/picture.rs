//! A desktop as text: what the pointer finds in the middle of each cell of 16x16 pixels.

use crate::shell::geom::{Point, Rect};
use crate::shell::{Button, FramePart, Hit, Metrics, Shell};

/// Pixels per character, across and down.
pub(super) const CELL: i32 = 16;

/// Measures of whole cells, so that a picture shows every side of a frame.
pub(super) const METRICS: Metrics =
    Metrics { title_height: 2 * CELL, border: CELL, popup_border: 2, focus_new: true };

/// A rectangle given in cells.
pub(super) fn cells(x: i32, y: i32, width: i32, height: i32) -> Rect {
    Rect::new(x * CELL, y * CELL, width * CELL, height * CELL)
}

/// The middle of a cell.
pub(super) fn cell(x: i32, y: i32) -> Point {
    Point::new(x * CELL + CELL / 2, y * CELL + CELL / 2)
}

/// The first output, drawn: the n-th window added is the n-th letter, small for content and large for its title;
/// `#` pulls at an edge, `%` does nothing, `x`, `^` and `_` are the buttons.
pub(super) fn draw(shell: &Shell) -> String {
    let output = shell.outputs()[0];
    let letter = |id: crate::shell::Id| char::from(b'a' + u8::try_from(id.0).unwrap());
    let column = |x, y| match shell.hit(output.origin().plus(cell(x, y))) {
        Hit::Nothing => '·',
        Hit::Content { id, .. } => letter(id),
        Hit::Frame { id, part: FramePart::Title } => letter(id).to_ascii_uppercase(),
        Hit::Frame { part: FramePart::Edge(_), .. } => '#',
        Hit::Frame { part: FramePart::Border, .. } => '%',
        Hit::Frame { part: FramePart::Button(Button::Close), .. } => 'x',
        Hit::Frame { part: FramePart::Button(Button::Maximise), .. } => '^',
        Hit::Frame { part: FramePart::Button(Button::Minimise), .. } => '_',
    };
    let row = |y| (0..output.width / CELL).map(|x| column(x, y)).chain(['\n']).collect::<String>();
    (0..output.height / CELL).map(row).collect()
}

/// Compares a drawing with the one expected, which may be indented.
#[track_caller]
pub(super) fn assert_picture(shell: &Shell, expected: &str) {
    let expected: String =
        expected.lines().map(str::trim).filter(|row| !row.is_empty()).flat_map(|row| [row, "\n"]).collect();
    let drawn = draw(shell);
    assert!(drawn == expected, "drawn:\n{drawn}expected:\n{expected}");
}
