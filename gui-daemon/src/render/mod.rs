//! Drawing: a [`Scene`] of framed views into a framebuffer, with pixman on the CPU, or with OpenGL ES on a GPU.
//!
//! The job: whoever runs the desktop describes what is on it ([`Scene`]) as often as something changes, and
//! [`Canvas::render`] brings the framebuffer up to date and says which rectangles changed. Domains' pixels are
//! composited from the pages the domain shares, without a copy in between unless it is to a GPU.
//!
//! What holds:
//! - No pixel of a view's content lies outside its content rectangle, and, of a popup, none on its inner frame.
//! - Every pixel between a view's outer and content rectangle is the frame's, and is drawn from the [`FrameSpec`]
//!   alone. A content rectangle that the image does not fill shows the window background there.
//! - Cost follows damage: an unchanged scene draws nothing, and a frame's text and glyphs are painted again only when
//!   what they show changes. The exception is a change of stacking (a window appears, goes or is raised), which
//!   redraws every window below it once.
//! - Where content alone has changed, [`Canvas::refresh`] draws it at a cost that other windows have no part in.
//!
//! Everything is in logical pixels except what says buffer coordinates; at scale 1 they are the same.

mod banner;
mod canvas;
mod cursor;
mod elements;
mod frame;
mod guest;
mod landing;
mod painter;
mod refresh;
mod scaled;
mod scene;
mod screenshot;
mod shapes;
mod sheet;
mod text;
mod title;

#[cfg(test)]
mod tests;

use smithay::backend::renderer::Color32F;
pub use smithay::input::pointer::CursorIcon;

pub use crate::label::{Color, Label};
pub use banner::{Banner, BannerButton};
pub use canvas::{Canvas, RenderError};
pub use cursor::{
    Cursor, CursorImage, CursorLook, MAX_CURSOR_SIDE, PointerPicture, SHARE, icon_of_shape, icon_of_x_font,
    resize_icon,
};
pub use frame::{FrameSpec, Style};
pub use guest::GuestImage;
pub use painter::GuestPixels;
pub use scene::{Content, Scene, View};
pub use screenshot::picture;
pub use text::Text;
pub use title::{Icon, MAX_ICON_SIDE};

/// A colour as the renderer fills with it.
fn opaque(color: Color) -> Color32F {
    let channel = |value: u8| f32::from(value) / 255.0;
    Color32F::new(channel(color.r), channel(color.g), channel(color.b), 1.0)
}
