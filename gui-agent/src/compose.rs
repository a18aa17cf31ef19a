//! Window content: one flat image per window in pages the GUI domain can map.
//!
//! Per commit, exactly what changed is drawn, once, from the clients' buffers straight into the exported pages. There
//! is no copy in between; the daemon reads the very pages drawn into here, at any time. Rows are `width * 4` bytes
//! from the first byte of the first page on, 32-bit words 0x00RRGGBB, as the protocol wants them.
//!
//! Translucent windows are the exception: their pixels take two steps to draw, background and content, and the first
//! must not show. They are drawn aside and what changed is copied over.

use gui_protocol::{AgentConn, BufferSerial, GrantRef, NewCommit, Rect, WindowId};
use pixman::{FormatCode, Operation};
use shm_grant::{Export, ExportError, Exporter, LayoutError, PAGE_SIZE, PixelFormat, PixelLayout};
use smithay::{
    backend::renderer::{
        Bind, Color32F, Renderer, TextureFilter,
        damage::OutputDamageTracker,
        element::{
            Element, Kind,
            surface::{WaylandSurfaceRenderElement, render_elements_from_surface_tree},
        },
        pixman::{PixmanError, PixmanRenderer},
    },
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Physical, Point, Rectangle, Scale, Size, Transform},
};

use crate::window::to_rect;

/// Behind translucent windows. The protocol has no alpha.
const BACKGROUND: Color32F = Color32F::BLACK;

const BYTES_PER_PIXEL: u32 = 4;

type SurfaceElement = WaylandSurfaceRenderElement<PixmanRenderer>;

/// Why a window cannot be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ComposeError {
    #[error("pages for the window could not be shared: {0}")]
    Export(#[from] ExportError),
    #[error("the window's pages do not make an image: {0}")]
    Layout(#[from] LayoutError),
    #[error("a client's buffer could not be drawn: {0}")]
    Draw(String),
}

impl From<PixmanError> for ComposeError {
    fn from(error: PixmanError) -> Self {
        Self::Draw(error.to_string())
    }
}

/// What windows are drawn with.
pub(crate) fn new_renderer() -> Result<PixmanRenderer, PixmanError> {
    let mut renderer = PixmanRenderer::new()?;
    // linear filtering fades out towards the edges of an enlarged buffer; single pixels stretched to a plain area,
    // which is what clients use viewports for most, would come out as a blur
    renderer.upscale_filter(TextureFilter::Nearest)?;
    Ok(renderer)
}

/// The image of one window at one size.
pub(crate) struct Canvas {
    size: Size<i32, Logical>,
    export: Export,
    image: pixman::Image<'static, 'static>,
    /// Where a translucent window is drawn.
    aside: Option<pixman::Image<'static, 'static>>,
    tracker: OutputDamageTracker,
    /// Whether the last frame is there, so that only what changed since needs to be drawn.
    drawn: bool,
    /// Under which the GUI domain's letting go will be reported, once announced.
    serial: Option<BufferSerial>,
}

impl Canvas {
    /// A black image in newly exported pages. Neither side of `size` may be below 1.
    pub(crate) fn new(exporter: &Exporter, size: Size<i32, Logical>) -> Result<Self, ComposeError> {
        let Rect { width, height, .. } = to_rect(Rectangle::from_size(size));
        let stride_bytes = width.saturating_mul(BYTES_PER_PIXEL);
        let layout = PixelLayout { width, height, stride_bytes, offset: 0 };
        let bytes = (stride_bytes as usize).saturating_mul(height as usize);
        let export = exporter.export(bytes.div_ceil(PAGE_SIZE))?;
        let image = export.pages().image(layout, PixelFormat::Xrgb8888)?;
        let tracker = OutputDamageTracker::new((size.w, size.h), 1.0, Transform::Normal);
        Ok(Self { size, export, image, aside: None, tracker, drawn: false, serial: None })
    }

    pub(crate) fn size(&self) -> Size<i32, Logical> {
        self.size
    }

    /// Makes this the image of a window to the GUI domain.
    pub(crate) fn announce(&mut self, conn: &mut AgentConn, id: WindowId) {
        let refs = self.export.refs().iter().map(|grant| GrantRef(grant.0)).collect();
        let Rect { width, height, .. } = to_rect(Rectangle::from_size(self.size));
        let serial = conn.add_buffer(id, width, height, gui_protocol::PixelFormat::Xrgb8888, refs);
        conn.commit(id, NewCommit::whole(serial, width, height));
        self.serial = Some(serial);
    }

    /// Tells the GUI domain that parts of it have changed.
    pub(crate) fn damaged(&self, conn: &mut AgentConn, id: WindowId, damage: Vec<Rect>) {
        if let Some(serial) = self.serial {
            let Rect { width, height, .. } = to_rect(Rectangle::from_size(self.size));
            conn.commit(id, NewCommit { damage, ..NewCommit::whole(serial, width, height) });
        }
    }

    /// Another image has taken this one's place.
    pub(crate) fn replaced(&self, conn: &mut AgentConn, id: WindowId) {
        if let Some(serial) = self.serial {
            conn.remove_buffer(id, serial);
        }
    }

    /// Takes the pages out, if they were announced, to be kept until the GUI domain has let go of them.
    pub(crate) fn into_announced(self) -> Option<(BufferSerial, Export)> {
        Some((self.serial?, self.export))
    }

    /// Draws what changed in the tree of `surface` since the last call and returns where that was.
    ///
    /// `origin` is the point of the surface that lies at the image's top left.
    pub(crate) fn draw(
        &mut self,
        renderer: &mut PixmanRenderer,
        surface: &WlSurface,
        origin: Point<i32, Logical>,
    ) -> Result<Vec<Rect>, ComposeError> {
        let location: Point<i32, Physical> = (-origin.x, -origin.y).into();
        let elements =
            render_elements_from_surface_tree(renderer, surface, location, 1.0, 1.0, Kind::Unspecified);
        if is_opaque(&elements, self.size) {
            // both images are the same now, so the next frame can go on in the other
            self.aside = None;
        } else if self.aside.is_none() {
            self.aside = Some(self.new_aside()?);
            self.drawn = false;
        }
        let mut target = renderer.bind(self.aside.as_mut().unwrap_or(&mut self.image))?;
        let age = usize::from(self.drawn);
        let result = self.tracker.render_output::<SurfaceElement, _>(
            renderer,
            &mut target,
            age,
            &elements,
            BACKGROUND,
        );
        // a failed frame may be half drawn
        self.drawn = result.is_ok();
        let damage = result.map_err(|error| ComposeError::Draw(format!("{error:?}")))?.damage;
        let damage = damage.into_iter().flatten().copied();
        if let Some(aside) = &self.aside {
            for Rectangle { loc, size, .. } in damage.clone() {
                let at = (loc.x, loc.y);
                self.image.composite32(Operation::Src, aside, None, at, (0, 0), at, (size.w, size.h));
            }
        }
        Ok(damage.map(to_rect).collect())
    }

    fn new_aside(&self) -> Result<pixman::Image<'static, 'static>, ComposeError> {
        let (width, height) = (self.image.width(), self.image.height());
        pixman::Image::new(FormatCode::X8R8G8B8, width, height, false)
            .map_err(|_| ComposeError::Draw("out of memory".into()))
    }
}

/// Whether what is drawn leaves nothing of the background to be seen.
fn is_opaque(elements: &[SurfaceElement], size: Size<i32, Logical>) -> bool {
    let scale = Scale::from(1.0);
    let mut open = vec![Rectangle::from_size((size.w, size.h).into())];
    for element in elements {
        let corner = element.geometry(scale).loc;
        let regions = element.opaque_regions(scale).into_iter();
        let regions = regions.map(|region| Rectangle::new(region.loc + corner, region.size));
        open = Rectangle::subtract_rects_many_in_place(open, regions);
    }
    open.is_empty()
}
