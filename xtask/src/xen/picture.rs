//! Pictures of the display, to look at by place.

use anyhow::Context as _;

/// Red, green and blue.
pub type Colour = [u8; 3];

/// A picture, row by row from the top left.
pub struct Picture {
    pub width: usize,
    pub height: usize,
    pixels: Vec<u8>,
}

impl Picture {
    /// Reads the binary form of PPM with 8 bits a colour, as QEMU writes it.
    pub fn parse(file: &[u8]) -> anyhow::Result<Self> {
        let mut parts = file.splitn(4, |byte| *byte == b'\n');
        let mut line = || parts.next().and_then(|line| str::from_utf8(line).ok()).context("not a PPM file");
        let (kind, size, depth) = (line()?, line()?, line()?);
        anyhow::ensure!(kind == "P6" && depth == "255", "not a PPM file of 8 bits a colour");
        let (width, height) = size.split_once(' ').context("not a PPM file")?;
        let pixels = parts.next().unwrap_or_default().to_vec();
        let picture = Self { width: width.parse()?, height: height.parse()?, pixels };
        anyhow::ensure!(picture.pixels.len() == picture.width * picture.height * 3, "half a PPM file");
        Ok(picture)
    }

    /// The colour at a place; black beside the picture.
    pub fn at(&self, x: usize, y: usize) -> Colour {
        let inside = x < self.width && y < self.height;
        let pixel = self.pixels.chunks_exact(3).nth(y * self.width + x).filter(|_| inside);
        pixel.and_then(|pixel| pixel.try_into().ok()).unwrap_or_default()
    }

    /// How many pixels have a colour.
    pub fn count(&self, colour: Colour) -> usize {
        self.pixels.chunks_exact(3).filter(|pixel| *pixel == colour).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_found_by_place() {
        let picture = Picture::parse(b"P6\n2 2\n255\n\0\0\0\x01\x02\x03\x0a\x0a\x0a\xff\xff\xff").unwrap();
        assert_eq!((picture.width, picture.height), (2, 2));
        assert_eq!(picture.at(1, 0), [1, 2, 3]);
        assert_eq!(picture.at(0, 1), [10, 10, 10]);
        assert_eq!(picture.at(2, 0), [0, 0, 0]);
        assert_eq!((picture.at(1, 1), picture.count([10; 3])), ([255; 3], 1));
        assert!(Picture::parse(b"P6\n2 2\n255\n\0").is_err());
    }
}
