//! Window content: one flat image per window in pages the GUI domain can map.
//!
//! Per commit, exactly what changed is drawn, once, from the clients' buffers straight into the exported pages. There
//! is no copy in between; the daemon reads the very pages drawn into here, at any time. Rows are `width * 4` bytes
//! from the first byte of the first page on, 32-bit words 0x00RRGGBB, as the protocol wants them.

use gui_protocol::{AgentConn, BufferSerial, GrantRef, Rect, WindowId};
use shm_grant::{Export, ExportError, Exporter, LayoutError, PAGE_SIZE, PixelFormat, PixelLayout};
use smithay::{
    backend::renderer::{
        Bind, Color32F, Renderer, TextureFilter,
        damage::OutputDamageTracker,
        element::{
            Kind,
            surface::{WaylandSurfaceRenderElement, render_elements_from_surface_tree},
        },
        pixman::{PixmanError, PixmanRenderer},
    },
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Physical, Point, Rectangle, Size, Transform},
};

use crate::window::to_rect;

/// Behind translucent windows. The protocol has no alpha.
const BACKGROUND: Color32F = Color32F::BLACK;

const BYTES_PER_PIXEL: u32 = 4;

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
    tracker: OutputDamageTracker,
    drawn: bool,
    /// Under which the GUI domain's letting go will be reported, once announced.
    serial: Option<BufferSerial>,
}

impl Canvas {
    /// A black image in newly exported pages. Neither side of `size` may be below 1.
    pub(crate) fn new(exporter: &Exporter, size: Size<i32, Logical>) -> Result<Self, ComposeError> {
        let pixels = |side: i32| u32::try_from(side).unwrap_or(0);
        let layout = PixelLayout {
            width: pixels(size.w),
            height: pixels(size.h),
            stride_bytes: pixels(size.w).saturating_mul(BYTES_PER_PIXEL),
            offset: 0,
        };
        let bytes = layout.stride_bytes as usize * layout.height as usize;
        let export = exporter.export(bytes.div_ceil(PAGE_SIZE))?;
        let image = export.pages().image(layout, PixelFormat::Xrgb8888)?;
        let tracker = OutputDamageTracker::new((size.w, size.h), 1.0, Transform::Normal);
        Ok(Self { size, export, image, tracker, drawn: false, serial: None })
    }

    pub(crate) fn size(&self) -> Size<i32, Logical> {
        self.size
    }

    /// Makes this the image of a window to the GUI domain.
    pub(crate) fn announce(&mut self, conn: &mut AgentConn, id: WindowId) {
        let refs = self.export.refs().iter().map(|grant| GrantRef(grant.0)).collect();
        let Rect { width, height, .. } = to_rect(Rectangle::from_size(self.size));
        self.serial = Some(conn.buffer(id, width, height, refs));
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
        let elements: Vec<WaylandSurfaceRenderElement<PixmanRenderer>> =
            render_elements_from_surface_tree(renderer, surface, location, 1.0, 1.0, Kind::Unspecified);
        let draw_error = |error: PixmanError| ComposeError::Draw(error.to_string());
        let mut target = renderer.bind(&mut self.image).map_err(draw_error)?;
        // the image holds the last frame, if there was one: age 1
        let age = usize::from(self.drawn);
        let result = self.tracker.render_output(renderer, &mut target, age, &elements, BACKGROUND);
        // a failed frame may be half drawn
        self.drawn = result.is_ok();
        let result = result.map_err(|error| ComposeError::Draw(format!("{error:?}")))?;
        Ok(result.damage.map(|rects| rects.iter().map(|rect| to_rect(*rect)).collect()).unwrap_or_default())
    }
}
