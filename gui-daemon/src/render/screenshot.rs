//! A canvas as a file, and as text for tests.

use super::{Canvas, Color, RenderError};
use crate::shell::geom::{Point, Rect, Size};

impl Canvas {
    /// The framebuffer as the bytes of a PNG file.
    ///
    /// # Errors
    /// [`RenderError::Png`] if it cannot be encoded.
    pub fn screenshot(&self) -> Result<Vec<u8>, RenderError> {
        let pixels = self.pixels()?;
        let mut bytes = Vec::with_capacity(pixels.len() * 3);
        for pixel in pixels {
            let Color { r, g, b } = Color::from_pixel(pixel);
            bytes.extend([r, g, b]);
        }
        let size = self.size();
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, size.width.unsigned_abs(), size.height.unsigned_abs());
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&bytes)?;
        writer.finish()?;
        Ok(file)
    }

    /// The framebuffer as lines of characters, one for each `cell`: that of the colour of the cell's middle pixel in
    /// `palette`, or `?` for a colour that is not in there. Cells cut off at the right and bottom are left out.
    ///
    /// # Errors
    /// As for [`Canvas::copy`].
    pub fn grid(&self, cell: Size, palette: &[(Color, char)]) -> Result<String, RenderError> {
        let pixels = self.pixels()?;
        let size = self.size();
        let mut text = String::new();
        for row in 0..size.height / cell.height.max(1) {
            for column in 0..size.width / cell.width.max(1) {
                let middle = Rect::at(Point::new(column * cell.width, row * cell.height), cell).centre();
                let pixel =
                    usize::try_from(middle.y * size.width + middle.x).ok().and_then(|at| pixels.get(at));
                let color = pixel.map(|&pixel| Color::from_pixel(pixel));
                let known = palette.iter().find(|(known, _)| Some(*known) == color);
                text.push(known.map_or('?', |&(_, letter)| letter));
            }
            text.push('\n');
        }
        Ok(text)
    }

    fn pixels(&self) -> Result<Vec<u32>, RenderError> {
        let size = self.size();
        let mut pixels = vec![0; (size.width.unsigned_abs() * size.height.unsigned_abs()) as usize];
        self.copy(Rect::at(Point::default(), size), &mut pixels)?;
        Ok(pixels)
    }
}
