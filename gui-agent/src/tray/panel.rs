//! What a menu looks like: where its rows are, and their picture. All lengths are logical pixels but in the picture itself.

use tiny_skia::{
    ColorU8, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, Transform,
};

use super::{
    icon::{BACK, INK, color, put},
    menu::{Entry, Item, Mark, Picture},
    text::Text,
    theme::{Themes, decode_png},
};

/// Under the pointer, or chosen by keys.
const HIGHLIGHT: ColorU8 = ColorU8::from_rgba(0x44, 0x4a, 0x55, 0xff);
/// What cannot be chosen, and lines.
const DIM: ColorU8 = ColorU8::from_rgba(0x85, 0x8a, 0x92, 0xff);

const ROW: i32 = 26;
const SEPARATOR: i32 = 9;
/// Above the first row and below the last.
const EDGE: i32 = 5;
/// Beside a label, with room for its mark and for the sign that there is a menu below it.
const LEFT: i32 = 30;
const RIGHT: i32 = 26;
/// Side of the picture of an entry without a mark, in the same place.
const PICTURE: i32 = 16;
/// Pixels along a side of a picture that an application brings itself.
const MAX_SIDE: u32 = 64;
/// Pictures in a menu; to look for one in all themes takes its time.
const MAX_PICTURES: usize = 64;
const WIDTHS: std::ops::RangeInclusive<i32> = 90..=480;
/// Pixels per em.
const FONT: f32 = 13.0;

/// What menus and icons are drawn with.
#[derive(Default)]
pub(super) struct Art {
    pub(super) text: Text,
    pub(super) themes: Themes,
}

/// Rows one below the other.
#[derive(Debug)]
pub(super) struct Rows {
    /// Where each begins and ends, from the top of the first.
    rows: Vec<(i32, i32)>,
    /// Of the whole, with the edges.
    pub(super) size: (i32, i32),
    pictures: Pictures,
}

/// What is beside the labels, where there is something.
#[derive(Debug, Default)]
struct Pictures {
    /// Which they were found for, in pixels.
    side: u32,
    found: Vec<Option<Pixmap>>,
}

impl Pictures {
    fn find(entries: &[Entry], side: u32, themes: &Themes) -> Self {
        let mut left = MAX_PICTURES;
        let mut find = |entry: &Entry| {
            let Entry::Item(Item { mark: None, picture: Some(picture), .. }) = entry else { return None };
            left = left.checked_sub(1)?;
            match picture {
                Picture::Named(name) => themes.load(name, "", side),
                Picture::Png(bytes) => decode_png(bytes.clone(), MAX_SIDE),
            }
        };
        Self { side, found: entries.iter().map(&mut find).collect() }
    }
}

impl Rows {
    pub(super) fn new(entries: &[Entry], text: &mut Text) -> Self {
        let (mut rows, mut bottom, mut width) = (Vec::new(), 0i32, 0i32);
        for entry in entries {
            let height = match entry {
                Entry::Separator => SEPARATOR,
                Entry::Item(item) => {
                    width = width.max(text.width(&item.label, FONT).ceil() as i32);
                    ROW
                }
            };
            let top = bottom;
            bottom = bottom.saturating_add(height);
            rows.push((top, bottom));
        }
        let width = width.saturating_add(LEFT + RIGHT).clamp(*WIDTHS.start(), *WIDTHS.end());
        let size = (width, bottom.saturating_add(2 * EDGE));
        Self { rows, size, pictures: Pictures::default() }
    }

    /// The row at a height of a menu that has been scrolled this far.
    pub(super) fn at(&self, y: f64, scrolled: i32) -> Option<usize> {
        let y = (y.floor() as i32).saturating_sub(EDGE).saturating_add(scrolled);
        self.rows.iter().position(|(top, bottom)| (*top..*bottom).contains(&y))
    }

    /// Where a row is, as y and height.
    pub(super) fn place(&self, row: usize, scrolled: i32) -> (i32, i32) {
        let (top, bottom) = self.rows.get(row).copied().unwrap_or_default();
        (top.saturating_add(EDGE).saturating_sub(scrolled), bottom.saturating_sub(top))
    }

    /// How far a menu of this height can be scrolled.
    pub(super) fn most_scrolled(&self, height: i32) -> i32 {
        self.size.1.saturating_sub(height).max(0)
    }

    /// How far a menu of this height has to be scrolled for a row to be seen, from where it is.
    pub(super) fn scrolled_to(&self, row: usize, scrolled: i32, height: i32) -> i32 {
        let (top, bottom) = self.rows.get(row).copied().unwrap_or_default();
        let least = bottom.saturating_add(2 * EDGE).saturating_sub(height);
        scrolled.max(least).min(top).clamp(0, self.most_scrolled(height))
    }

    /// Draws as much as there is room for in `size`, as pixels of which `scale` make a logical one.
    pub(super) fn draw(
        &mut self,
        entries: &[Entry],
        (chosen, scrolled): (Option<usize>, i32),
        size: (u32, u32),
        scale: f32,
        Art { text, themes }: &mut Art,
    ) -> Option<Pixmap> {
        let side = (PICTURE as f32 * scale).round() as u32;
        if self.pictures.side != side {
            self.pictures = Pictures::find(entries, side, themes);
        }
        let mut picture = Pixmap::new(size.0, size.1)?;
        picture.fill(color(BACK));
        let height = (size.1 as f32 / scale).ceil() as i32;
        for (row, entry) in entries.iter().enumerate() {
            let (y, row_height) = self.place(row, scrolled);
            if y >= height || y.saturating_add(row_height) <= 0 {
                continue;
            }
            let mut pen = Pen { picture: &mut picture, y, height: row_height, scale };
            match entry {
                Entry::Separator => pen.separator(),
                Entry::Item(item) => {
                    pen.item(item, chosen == Some(row), text);
                    if let Some(Some(icon)) = self.pictures.found.get(row) {
                        pen.icon(icon.clone(), side);
                    }
                }
            }
        }
        Some(picture)
    }
}

/// Draws one row.
struct Pen<'a> {
    picture: &'a mut Pixmap,
    y: i32,
    height: i32,
    scale: f32,
}

impl Pen<'_> {
    fn width(&self) -> f32 {
        self.picture.width() as f32 / self.scale
    }

    fn middle(&self) -> f32 {
        self.y as f32 + self.height as f32 / 2.0
    }

    fn separator(&mut self) {
        let (width, middle) = (self.width(), self.middle().floor());
        self.fill((8.0, middle, width - 16.0, 1.0), DIM);
    }

    fn item(&mut self, item: &Item, chosen: bool, text: &mut Text) {
        let width = self.width();
        if chosen && item.enabled {
            self.fill((3.0, self.y as f32, width - 6.0, self.height as f32), HIGHLIGHT);
        }
        let ink = if item.enabled { INK } else { DIM };
        let (scale, middle) = (self.scale, self.middle());
        let (left, right) = (LEFT as f32 * scale, (width - RIGHT as f32) * scale);
        text.draw(self.picture, &item.label, FONT * scale, (left, right, middle * scale), ink);
        match item.mark {
            Some(Mark::Check { on }) => {
                self.stroke(square((15.0, middle), 5.5), ink);
                if on {
                    self.stroke(line(&[(12.0, middle), (14.5, middle + 2.5), (18.5, middle - 2.5)]), ink);
                }
            }
            Some(Mark::Radio { on }) => {
                self.stroke(PathBuilder::from_circle(15.0, middle, 5.5), ink);
                if on && let Some(dot) = PathBuilder::from_circle(15.0, middle, 2.5) {
                    let scale = Transform::from_scale(self.scale, self.scale);
                    self.picture.fill_path(&dot, &paint(ink), FillRule::Winding, scale, None);
                }
            }
            None => {}
        }
        if item.below.is_some() {
            let right = width - 12.0;
            self.stroke(
                line(&[(right - 4.0, middle - 4.0), (right, middle), (right - 4.0, middle + 4.0)]),
                ink,
            );
        }
    }

    fn icon(&mut self, icon: Pixmap, side: u32) {
        let (left, length) = ((LEFT - PICTURE) as f32 / 2.0 * self.scale, side as f32);
        let top = self.middle() * self.scale - length / 2.0;
        put(self.picture, icon, side, (left, top, length, length));
    }

    fn fill(&mut self, (x, y, width, height): (f32, f32, f32, f32), ink: ColorU8) {
        if let Some(rect) = Rect::from_xywh(x, y, width.max(0.0), height) {
            let scale = Transform::from_scale(self.scale, self.scale);
            self.picture.fill_rect(rect, &paint(ink), scale, None);
        }
    }

    fn stroke(&mut self, path: Option<Path>, ink: ColorU8) {
        let stroke =
            Stroke { width: 1.5, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
        if let Some(path) = path {
            let scale = Transform::from_scale(self.scale, self.scale);
            self.picture.stroke_path(&path, &paint(ink), &stroke, scale, None);
        }
    }
}

fn paint(ink: ColorU8) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(color(ink));
    paint
}

fn square((x, y): (f32, f32), half: f32) -> Option<Path> {
    Rect::from_ltrb(x - half, y - half, x + half, y + half).map(PathBuilder::from_rect)
}

fn line(points: &[(f32, f32)]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (at, (x, y)) in points.iter().enumerate() {
        if at == 0 { path.move_to(*x, *y) } else { path.line_to(*x, *y) }
    }
    path.finish()
}

#[cfg(test)]
mod tests {
    use super::{super::theme::tests::picture, *};

    fn item(label: &str, mark: Option<Mark>) -> Entry {
        Entry::Item(Item { id: 1, label: label.to_owned(), enabled: true, mark, picture: None, below: None })
    }

    #[test]
    fn rows_are_found_where_they_are_drawn() {
        let entries = [item("", None), Entry::Separator, item("", Some(Mark::Check { on: true }))];
        let mut art = Art::default();
        let mut rows = Rows::new(&entries, &mut art.text);
        assert_eq!(rows.size, (90, 2 * ROW + SEPARATOR + 2 * EDGE));
        assert_eq!(
            [0.0, 4.9, 5.0, 30.9, 31.0, 40.0, 65.9, 66.0].map(|y| rows.at(y, 0)),
            [None, None, Some(0), Some(0), Some(1), Some(2), Some(2), None]
        );
        assert_eq!((rows.most_scrolled(1000), rows.most_scrolled(51)), (0, 20));
        assert_eq!((rows.at(5.0, 20), rows.at(11.0, 20)), (Some(0), Some(1)));
        assert_eq!(rows.place(2, 20), (20, ROW));
        let seen = |row, scrolled| rows.scrolled_to(row, scrolled, 51);
        assert_eq!([seen(0, 20), seen(0, 0), seen(2, 0), seen(2, 20)], [0, 0, 20, 20]);

        let picture = rows.draw(&entries, (Some(2), 0), (180, 142), 2.0, &mut art).unwrap();
        let at = |x, y| picture.pixel(x, y).unwrap().red();
        assert_eq!(at(20, 20), BACK.red());
        assert_eq!(at(20, 71), DIM.red(), "the line");
        assert_eq!(at(90, 100), HIGHLIGHT.red());
        assert_eq!(at(19, 106), INK.red(), "the box of the mark");
        assert_eq!(at(90, 135), BACK.red(), "the edge");
    }

    #[test]
    fn an_entry_without_a_mark_has_its_picture_beside_it() {
        let with = |bytes: Vec<u8>, mark| match item("", mark) {
            Entry::Item(item) => Entry::Item(Item { picture: Some(Picture::Png(bytes)), ..item }),
            Entry::Separator => Entry::Separator,
        };
        let red = picture(MAX_SIDE, [255, 0, 0, 255]);
        let large = picture(MAX_SIDE + 1, [255, 0, 0, 255]);
        let marked = with(red.clone(), Some(Mark::Radio { on: false }));
        let entries = [with(red.clone(), None), marked, with(large, None), with(red[..40].to_vec(), None)];
        let mut art = Art::default();
        let mut rows = Rows::new(&entries, &mut art.text);
        for scale in [1, 2] {
            let size = rows.size;
            let pixels = [size.0, size.1].map(|side| side.unsigned_abs() * scale);
            let drawn = rows.draw(&entries, (None, 0), pixels.into(), scale as f32, &mut art).unwrap();
            let at = |row: u32, x: u32, y: u32| {
                let y = EDGE.unsigned_abs() + ROW.unsigned_abs() * row + y;
                let pixel = drawn.pixel(x * scale, y * scale).unwrap();
                (pixel.red(), pixel.green())
            };
            let back = (BACK.red(), BACK.green());
            assert_eq!(
                [at(0, 7, 5), at(0, 22, 20), at(0, 6, 5), at(0, 23, 20)],
                [(255, 0), (255, 0), back, back]
            );
            assert_eq!([1, 2, 3].map(|row| at(row, 15, 13)), [back; 3]);
        }
    }

    #[test]
    fn labels_make_menus_wider_up_to_a_limit() {
        let mut text = Text::default();
        let long = "a label without an end ".repeat(20);
        let widths =
            ["ab", "a somewhat longer label", &long].map(|it| Rows::new(&[item(it, None)], &mut text).size.0);
        assert!(widths[0] < widths[1] && widths[1] < widths[2], "{widths:?}");
        assert_eq!(widths[2], 480);
    }
}
