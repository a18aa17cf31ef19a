//! Pictures of windows, to compare.

use std::{fs::File, io::BufReader, path::Path};

use anyhow::Context as _;

/// A rectangle of the desktop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
}

/// A picture, row by row from the top left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    pixels: Vec<[u8; 4]>,
}

impl Picture {
    /// Reads what of a PNG file is in `area`.
    pub fn read(file: &Path, area: Area) -> anyhow::Result<Self> {
        let mut decoder = png::Decoder::new(BufReader::new(File::open(file)?));
        decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::ALPHA);
        let mut reader = decoder.read_info()?;
        let mut bytes = vec![0; reader.output_buffer_size().context("too large a picture")?];
        let frame = reader.next_frame(&mut bytes)?;
        let across = usize::try_from(frame.width)?;
        let pixels: Vec<[u8; 4]> = bytes.chunks_exact(4).filter_map(|pixel| pixel.try_into().ok()).collect();
        Ok(Self { width: across, pixels }.part(area))
    }

    /// What of it is in `area`.
    fn part(&self, area: Area) -> Self {
        let end = |start: i32, length: i32| usize::try_from(start.saturating_add(length)).unwrap_or(0);
        let (left, top) = (end(area.x, 0), end(area.y, 0));
        let (right, bottom) = (end(area.x, area.width).min(self.width), end(area.y, area.height));
        let rows = self.pixels.chunks(self.width.max(1)).skip(top).take(bottom.saturating_sub(top));
        let pixels = rows.flat_map(|row| row.get(left..right).unwrap_or_default()).copied().collect();
        Self { width: right.saturating_sub(left), pixels }
    }

    /// Writes it as PNG.
    pub fn write(&self, file: &Path) -> anyhow::Result<()> {
        let height = self.pixels.len().checked_div(self.width).unwrap_or(0);
        let mut encoder =
            png::Encoder::new(File::create(file)?, u32::try_from(self.width)?, u32::try_from(height)?);
        encoder.set_color(png::ColorType::Rgba);
        encoder.write_header()?.write_image_data(self.pixels.as_flattened())?;
        Ok(())
    }

    /// Whether there is nothing to be seen in it.
    pub fn is_blank(&self) -> bool {
        self.pixels.windows(2).all(|two| matches!(two, [a, b] if a == b))
    }

    /// How many pixels are others in `other`; all of them if that is of another size.
    pub fn differing(&self, other: &Self) -> usize {
        if (self.width, self.pixels.len()) != (other.width, other.pixels.len()) {
            return self.pixels.len().max(other.pixels.len());
        }
        self.pixels.iter().zip(&other.pixels).filter(|(a, b)| a != b).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_cut_and_compared() {
        let grey = |level: u8| [level, level, level, 255];
        let whole = Picture { width: 3, pixels: (0..6).map(grey).collect() };
        let part = whole.part(Area { x: 1, y: 1, width: 9, height: 9 });
        assert_eq!(part, Picture { width: 2, pixels: vec![grey(4), grey(5)] });
        assert_eq!(whole.part(Area { x: -1, y: 0, width: 2, height: 1 }).pixels, [grey(0)]);
        assert_eq!((part.differing(&part), part.differing(&whole)), (0, 6));
        assert!(!part.is_blank() && whole.part(Area { x: 0, y: 0, width: 1, height: 1 }).is_blank());

        let file = std::env::temp_dir().join(format!("transom-picture-{}.png", std::process::id()));
        whole.write(&file).unwrap();
        let read = Picture::read(&file, Area { x: 0, y: 0, width: 3, height: 2 });
        std::fs::remove_file(&file).unwrap();
        assert_eq!(read.unwrap(), whole);
    }
}
