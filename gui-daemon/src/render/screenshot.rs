//! Canvases as a file, and as text for tests.

use pixman::{Filter, FormatCode, Operation, Transform};

use super::{
    Canvas, Color, RenderError,
    canvas::composited,
    elements::{Area, Mapping},
};
use crate::{
    scale::Scale,
    shell::geom::{Point, Rect, Size},
};

/// The most pixels in a picture of several canvases: that of sixteen of 3840x2160 fits.
const MAX_PICTURE: i64 = 1 << 27;
/// The longest side of one: pixman's fixed-point numbers end there.
const MAX_SIDE: i32 = 32767;

/// Several canvases as the bytes of one PNG file, each at the place on the desktop that it shows, in pixels of the largest
/// scale among them.
///
/// # Errors
/// [`RenderError::Picture`] if they are too far apart, [`RenderError::Png`] if it cannot be encoded.
pub fn picture(canvases: &[&Canvas]) -> Result<Vec<u8>, RenderError> {
    let mappings = canvases.iter().map(|canvas| canvas.mapping());
    let scale = mappings.clone().map(|it| it.scale).max().unwrap_or(Scale::ONE);
    let origin = |at: fn(Point) -> i32| mappings.clone().map(|it| at(it.origin)).min().unwrap_or_default();
    let mapping = Mapping { scale, origin: Point::new(origin(|it| it.x), origin(|it| it.y)) };
    let places: Vec<Area> = canvases.iter().map(|canvas| place(canvas, mapping)).collect();
    let end = |at: fn(&Area) -> i32| places.iter().map(at).max().unwrap_or_default();
    let size = Size::new(end(|it| it.loc.x + it.size.w), end(|it| it.loc.y + it.size.h));
    let area = Rect::at(Point::default(), size).area();
    if size.width > MAX_SIDE || size.height > MAX_SIDE || area > MAX_PICTURE {
        return Err(RenderError::Picture(size));
    }
    let mut pixels = vec![0; usize::try_from(area).unwrap_or_default()];
    {
        let mut whole = composited(FormatCode::X8R8G8B8, &mut pixels, size)?;
        for (canvas, place) in canvases.iter().zip(places) {
            let mut shown = canvas.pixels()?;
            let mut shown = composited(FormatCode::X8R8G8B8, &mut shown, canvas.size())?;
            let ratio = |from: i32, to: i32| f64::from(from) / f64::from(to.max(1));
            let Size { width, height } = canvas.size();
            let scaled =
                Transform::identity().scale(ratio(width, place.size.w), ratio(height, place.size.h), false);
            let set = scaled.and_then(|scaled| shown.set_transform(scaled).ok());
            set.and_then(|()| shown.set_filter(Filter::Nearest, &[]).ok()).ok_or(RenderError::Destination)?;
            let (corner, extent) = ((place.loc.x, place.loc.y), (place.size.w, place.size.h));
            whole.composite32(Operation::Src, &shown, None, (0, 0), (0, 0), corner, extent);
        }
    }
    encode(size, &pixels)
}

/// Where a canvas goes in a picture of this mapping: its own pixels, as far as they have the picture's scale.
fn place(canvas: &Canvas, mapping: Mapping) -> Area {
    let (own, Size { width, height }) = (canvas.mapping(), canvas.size());
    let size = Size::new(own.scale.logical(width), own.scale.logical(height));
    let size = if own.scale == mapping.scale { (width, height).into() } else { mapping.size(size) };
    Area::new(mapping.point(own.origin), size)
}

fn encode(size: Size, pixels: &[u32]) -> Result<Vec<u8>, RenderError> {
    let mut bytes = Vec::with_capacity(pixels.len() * 3);
    for pixel in pixels {
        let Color { r, g, b } = Color::from_pixel(*pixel);
        bytes.extend([r, g, b]);
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, size.width.unsigned_abs(), size.height.unsigned_abs());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&bytes)?;
    writer.finish()?;
    Ok(file)
}

impl Canvas {
    /// The framebuffer as the bytes of a PNG file.
    ///
    /// # Errors
    /// [`RenderError::Png`] if it cannot be encoded.
    pub fn screenshot(&self) -> Result<Vec<u8>, RenderError> {
        encode(self.size(), &self.pixels()?)
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
