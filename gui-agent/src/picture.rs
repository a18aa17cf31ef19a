//! What is seen of one window: its surface tree as one flat image in pages that the GUI domain can map.
//!
//! An image is drawn from the clients' buffers straight into the pages, what has changed and nothing else. A surface that
//! fills its window alone is then complete in the image, and its client gets the buffer back at once; should its pixels
//! be needed for anything but this image, they are taken from there. Rows are as long as the buffer is wide, from the
//! first byte of the first page on, in 32-bit words 0xAARRGGBB.

use shm_grant::{Exporter, PixelFormat};
use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Physical, Point, Rectangle, Size},
    wayland::compositor::with_states,
};
use tracing::debug;

use gui_protocol::{NewCommit, limits};

use crate::{
    compose::{self, Canvas, ComposeError, Density, Placed},
    pool::{Buffer, Kind, Need, Pool},
    region::Region,
    surface::{self, Pixels, Surface},
    window::{content_area, to_rect},
};

/// What came of drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drawn {
    /// The newest image is up to date as it was.
    Same,
    /// There is a new newest image.
    New,
    /// Every buffer is being looked at.
    Later,
}

/// One window's image.
pub(crate) struct Picture {
    /// The part of the surface tree that is the window, from the root's corner.
    area: Rectangle<i32, Logical>,
    density: Density,
    size: Size<i32, Physical>,
    format: PixelFormat,
    layers: Vec<Placed>,
    /// What differs from the image that the GUI domain was given last.
    unsent: Region<Physical>,
    pub(crate) pool: Pool,
}

impl Picture {
    /// Of nothing. Only to be updated.
    pub(crate) fn new() -> Self {
        Self {
            area: Rectangle::default(),
            density: Density::ONE,
            size: Size::default(),
            format: PixelFormat::Xrgb8888,
            layers: Vec::new(),
            unsent: Region::default(),
            pool: Pool::default(),
        }
    }

    /// The part of the surface tree that is the window, from the root's corner.
    pub(crate) fn area(&self) -> Rectangle<i32, Logical> {
        self.area
    }

    /// Pixels for each logical unit.
    pub(crate) fn density(&self) -> Density {
        self.density
    }

    /// Of the image.
    pub(crate) fn size(&self) -> Size<i32, Physical> {
        self.size
    }

    /// What the GUI domain has not been given yet, which is thereby over.
    pub(crate) fn take_unsent(&mut self) -> Region<Physical> {
        std::mem::take(&mut self.unsent)
    }

    /// A commit of all of the newest image as it is, if the GUI domain knows its buffer.
    pub(crate) fn whole(&self) -> Option<NewCommit> {
        let buffer = self.pool.newest()?.serial?;
        let gui_protocol::Rect { width, height, .. } = to_rect(Rectangle::from_size(self.size));
        Some(NewCommit::whole(buffer, width, height))
    }

    /// Parts of the image that are opaque; none are named if it has no alpha.
    pub(crate) fn opaque_rects(&self) -> Vec<gui_protocol::Rect> {
        if self.format == PixelFormat::Xrgb8888 {
            return Vec::new();
        }
        let mut opaque = Region::default();
        for rect in self.layers.iter().flat_map(|placed| placed.opaque().rects()) {
            opaque.add_exactly(rect);
        }
        opaque.within(Rectangle::from_size(self.size)).rects().map(to_rect).collect()
    }

    /// Takes in what the surfaces have become. False if there is nothing to show; all is as it was then.
    pub(crate) fn update(&mut self, root: &WlSurface, density: Density) -> bool {
        let Some(area) = content_area(root) else { return false };
        let density = within_limits(density, area.size);
        let size = surface::exact_size(root, density).unwrap_or_else(|| density.size(area.size));
        let moved = (area, density, size) != (self.area, self.density, self.size);
        let (mut changed, mut same) = (Region::default(), !moved);
        let mut layers: Vec<Placed> = Vec::with_capacity(self.layers.len().max(1));
        surface::layers(root, |layer, damage| {
            let placed = Placed::new(layer, area.loc, density);
            match self.layers.get(layers.len()) {
                Some(old) if old.layer.shows_like(&placed.layer) => {
                    changed.add_all(&placed.damage(&damage));
                    // decides about what is seen of the layers below
                    if self.layers.len() > 1 && old.opaque() != placed.opaque() {
                        changed.add(placed.place());
                    }
                }
                old => {
                    same = false;
                    changed.add(placed.place());
                    old.into_iter().for_each(|old| changed.add(old.place()));
                }
            }
            layers.push(placed);
        });
        for gone in self.layers.iter().skip(layers.len()) {
            same = false;
            changed.add(gone.place());
        }
        if !same {
            self.keep_pixels(root);
        }
        self.format = if is_opaque(&layers, size) { PixelFormat::Xrgb8888 } else { PixelFormat::Argb8888 };
        if moved {
            (self.area, self.density, self.size) = (area, density, size);
            changed = Rectangle::from_size(size).into();
            self.unsent = Region::default();
            self.pool.damage_all();
        }
        self.layers = layers;
        let changed = changed.within(Rectangle::from_size(size));
        self.pool.damage(&changed);
        self.unsent.add_all(&changed);
        true
    }

    /// If the newest image has the only copy of the surface's pixels, makes another: the next image will not be like it.
    fn keep_pixels(&self, root: &WlSurface) {
        let ([placed], Some(newest)) = (self.layers.as_slice(), self.pool.newest()) else { return };
        with_states(root, |states| {
            let mut surface = Surface::of(states);
            let Some(content) = surface.content.as_mut().filter(|it| matches!(it.pixels, Pixels::Window))
            else {
                return;
            };
            let place = placed.place();
            match compose::new_image(place.size, placed.layer.format) {
                Ok(mut image) => {
                    let canvas = &mut Canvas { image: &mut image, origin: place.loc, written: &mut 0 };
                    canvas.copy(&newest.image, &place.into());
                    content.pixels = Pixels::Kept(image);
                }
                Err(error) => debug!("what a surface showed is lost: {error}"),
            }
        });
    }

    /// Brings an image up to date, if none is. What the pool cannot use any more is given to `retire`, and the bytes
    /// moved are added to `written`.
    ///
    /// # Errors
    ///
    /// Where there are no pages. A client's buffer that cannot be read is not drawn.
    pub(crate) fn draw(
        &mut self,
        exporter: &Exporter,
        kind: Kind,
        written: &mut u64,
        mut retire: impl FnMut(Buffer),
    ) -> Result<Drawn, ComposeError> {
        // a buffer that is looked at all the time has no alpha to anyone
        let format = if kind == Kind::Live { PixelFormat::Xrgb8888 } else { self.format };
        let need = Need { size: self.size, format, kind };
        if self.unsent.is_empty() && self.pool.newest().is_some_and(|newest| newest.suits(need)) {
            self.let_go();
            return Ok(Drawn::Same);
        }
        let Some(at) = self.pool.prepare(exporter, need, &mut retire)? else { return Ok(Drawn::Later) };
        let Some((image, region, last)) = self.pool.begin(at, self.size) else { return Ok(Drawn::Later) };
        let mut canvas = Canvas { image, origin: Point::default(), written };
        let result = if kind == Kind::Live && compose::blends(&self.layers, &region) {
            draw_aside(&mut canvas, &self.layers, &region, last)
        } else {
            compose::draw(&mut canvas, &self.layers, &region, last)
        };
        if let Err(error) = result {
            // the client's own doing; where shared memory was not there, smithay has ended its connection
            debug!("{error}");
        }
        self.pool.finish(at, need, retire);
        self.let_go();
        Ok(Drawn::New)
    }

    /// Gives the client its buffer back if the newest image has all its pixels.
    fn let_go(&self) {
        let [placed] = self.layers.as_slice() else { return };
        if placed.is_whole_in(self.size) {
            with_states(&placed.layer.surface, |states| {
                if let Some(content) = &mut Surface::of(states).content {
                    content.pixels = Pixels::Window;
                }
            });
        }
    }
}

/// Draws what takes more than one step where nobody sees the steps, and copies the outcome.
fn draw_aside(
    canvas: &mut Canvas<'_>,
    layers: &[Placed],
    region: &Region<Physical>,
    last: Option<&pixman::Image<'static, 'static>>,
) -> Result<(), ComposeError> {
    let Some(around) = region.rects().reduce(|all, rect| all.merge(rect)) else { return Ok(()) };
    let mut image = compose::new_image(around.size, PixelFormat::Argb8888)?;
    let mut aside = Canvas { image: &mut image, origin: around.loc, written: canvas.written };
    let result = compose::draw(&mut aside, layers, region, last);
    canvas.copy_from(&image, around.loc, region);
    result
}

/// Whether no pixel of an image of `size` shows what is behind the window.
fn is_opaque(layers: &[Placed], size: Size<i32, Physical>) -> bool {
    let mut open = Region::from(Rectangle::from_size(size));
    for placed in layers {
        open = open.without(placed.opaque());
    }
    open.is_empty()
}

/// The density, or a lower one by which an image keeps within the protocol's limits.
fn within_limits(density: Density, size: Size<i32, Logical>) -> Density {
    let fits = |pixels: i32, most: u32| u32::try_from(pixels).is_ok_and(|pixels| pixels <= most);
    let image = density.size(size);
    if fits(image.w, limits::MAX_WIDTH) && fits(image.h, limits::MAX_HEIGHT) { density } else { Density::ONE }
}
