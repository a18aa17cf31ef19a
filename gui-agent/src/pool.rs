//! The buffers of one window.
//!
//! Each is shared memory with an image in it. The GUI domain may look at some of them at any time: those are held, and not
//! written. Each remembers what has changed in the window since it was drawn last, so that drawing it again moves
//! exactly those pixels.

use gui_protocol::{BufferSerial, limits};
use pixman::Image;
use shm_grant::{Export, Exporter, PAGE_SIZE, PixelFormat, PixelLayout};
use smithay::utils::{Physical, Rectangle, Size};

use crate::{
    compose::{ComposeError, PIXEL_BYTES},
    region::Region,
};

/// One is shown, one waits to be shown, one is drawn.
pub(crate) const MAX_BUFFERS: usize = 3;

/// A window that has been resized gets buffers whose sides are multiples of this, so that the next sizes fit as well.
const SLACK_PIXELS: i32 = 256;

/// What a buffer must be to take the next image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Need {
    /// The image's. No side is below 1 or beyond the protocol's limits.
    pub(crate) size: Size<i32, Physical>,
    pub(crate) format: PixelFormat,
    pub(crate) kind: Kind,
}

/// How buffers are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One buffer of exactly the image's size, drawn while it is looked at.
    Live,
    /// Several, each drawn only while nobody looks, and exactly as large as the image.
    Exact,
    /// The same with room to grow.
    Roomy,
}

/// Shared memory with an image.
pub(crate) struct Buffer {
    pub(crate) image: Image<'static, 'static>,
    size: Size<i32, Physical>,
    format: PixelFormat,
    export: Export,
    /// What has changed in the window since this was drawn.
    stale: Region<Physical>,
    /// The GUI domain may be looking at it.
    held: bool,
    /// When it was let go of, counted in such events.
    released: u64,
    /// Under which the GUI domain knows it.
    pub(crate) serial: Option<BufferSerial>,
}

impl Buffer {
    fn new(exporter: &Exporter, need: Need) -> Result<Self, ComposeError> {
        let size = match need.kind {
            Kind::Live | Kind::Exact => need.size,
            Kind::Roomy => roomy(need.size),
        };
        let side = |it: i32| u32::try_from(it).unwrap_or(0);
        let (width, height) = (side(size.w), side(size.h));
        let stride_bytes = width.saturating_mul(PIXEL_BYTES);
        let layout = PixelLayout { width, height, stride_bytes, offset: 0 };
        let bytes = (stride_bytes as usize).saturating_mul(height as usize);
        let export = exporter.export(bytes.div_ceil(PAGE_SIZE))?;
        let image = export.pages().image(layout, need.format)?;
        let stale = Rectangle::from_size(size).into();
        Ok(Self { image, size, format: need.format, export, stale, held: false, released: 0, serial: None })
    }

    pub(crate) fn size(&self) -> Size<i32, Physical> {
        self.size
    }

    pub(crate) fn format(&self) -> PixelFormat {
        self.format
    }

    /// The grants by which the GUI domain finds it.
    pub(crate) fn refs(&self) -> Vec<gui_protocol::GrantRef> {
        self.export.refs().iter().map(|grant| gui_protocol::GrantRef(grant.0)).collect()
    }

    /// Its pages, if it was announced, to be kept until the GUI domain has let go of them.
    pub(crate) fn into_announced(self) -> Option<(BufferSerial, Export)> {
        Some((self.serial?, self.export))
    }

    pub(crate) fn suits(&self, need: Need) -> bool {
        let fits = self.size.w >= need.size.w && self.size.h >= need.size.h;
        self.format == need.format && if need.kind == Kind::Roomy { fits } else { self.size == need.size }
    }
}

/// `size` with room to grow, within what the protocol allows.
fn roomy(size: Size<i32, Physical>) -> Size<i32, Physical> {
    let side = |it: i32, most: u32| {
        let most = i32::try_from(most).unwrap_or(i32::MAX);
        let up = it.div_euclid(SLACK_PIXELS).saturating_add(1).saturating_mul(SLACK_PIXELS);
        up.min(most).max(it)
    };
    (side(size.w, limits::MAX_WIDTH), side(size.h, limits::MAX_HEIGHT)).into()
}

/// All buffers of a window.
#[derive(Default)]
pub(crate) struct Pool {
    buffers: Vec<Buffer>,
    /// The one with the window's newest image.
    newest: Option<usize>,
    releases: u64,
}

impl Pool {
    /// Pixels of the window have changed.
    pub(crate) fn damage(&mut self, region: &Region<Physical>) {
        for buffer in &mut self.buffers {
            buffer.stale.add_all(region);
        }
    }

    /// Every pixel has.
    pub(crate) fn damage_all(&mut self) {
        for buffer in &mut self.buffers {
            buffer.stale = Rectangle::from_size(buffer.size).into();
        }
    }

    pub(crate) fn newest(&self) -> Option<&Buffer> {
        self.buffers.get(self.newest?)
    }

    /// Finds the buffer to draw next, or makes one: of those nobody looks at, the one let go of last, whose pixels are
    /// most likely still in the processor's cache. None while somebody looks at all there may be. What cannot be used any
    /// more is given to `retire`.
    pub(crate) fn prepare(
        &mut self,
        exporter: &Exporter,
        need: Need,
        mut retire: impl FnMut(Buffer),
    ) -> Result<Option<usize>, ComposeError> {
        let live = need.kind == Kind::Live;
        let free = |buffer: &Buffer| live || !buffer.held;
        let found = (0..self.buffers.len())
            .filter(|at| self.buffers.get(*at).is_some_and(|it| free(it) && it.suits(need)))
            .max_by_key(|at| self.buffers.get(*at).map(|it| it.released));
        if found.is_some() {
            return Ok(found);
        }
        self.sweep(need, &mut retire);
        if self.buffers.len() >= MAX_BUFFERS.saturating_add(usize::from(live)) {
            return Ok(None);
        }
        self.buffers.push(Buffer::new(exporter, need)?);
        Ok(Some(self.buffers.len().saturating_sub(1)))
    }

    fn remove(&mut self, at: usize) -> Buffer {
        self.newest = match self.newest {
            Some(newest) if newest > at => Some(newest - 1),
            Some(newest) if newest == at => None,
            other => other,
        };
        self.buffers.remove(at)
    }

    /// The buffer to draw, the pixels of it that are to be drawn, and the newest image if it is another.
    pub(crate) fn begin(
        &mut self,
        at: usize,
        size: Size<i32, Physical>,
    ) -> Option<(&mut Image<'static, 'static>, Region<Physical>, Option<&Image<'static, 'static>>)> {
        let newest = self.newest.filter(|newest| *newest != at);
        let (target, last) = match newest {
            Some(newest) => {
                let [target, last] = self.buffers.get_disjoint_mut([at, newest]).ok()?;
                (target, Some(&last.image))
            }
            None => (self.buffers.get_mut(at)?, None),
        };
        let stale = target.stale.within(Rectangle::from_size(size));
        Some((&mut target.image, stale, last))
    }

    /// This buffer has the newest image from now on. Those that could not have taken it are given to `retire`.
    pub(crate) fn finish(&mut self, at: usize, need: Need, mut retire: impl FnMut(Buffer)) {
        if let Some(buffer) = self.buffers.get_mut(at) {
            buffer.stale.clear();
            self.newest = Some(at);
            self.sweep(need, &mut retire);
        }
    }

    /// Gives up what nobody looks at and will not be drawn again. The newest stays: its pixels may be all there is of
    /// the window.
    fn sweep(&mut self, need: Need, retire: &mut impl FnMut(Buffer)) {
        let mut at = 0;
        while let Some(buffer) = self.buffers.get(at) {
            let free = need.kind == Kind::Live || !buffer.held;
            if free && !buffer.suits(need) && self.newest != Some(at) {
                retire(self.remove(at));
            } else {
                at += 1;
            }
        }
    }

    pub(crate) fn newest_mut(&mut self) -> Option<&mut Buffer> {
        self.buffers.get_mut(self.newest?)
    }

    /// The GUI domain has the newest now.
    pub(crate) fn hold_newest(&mut self) {
        if let Some(newest) = self.newest_mut() {
            newest.held = true;
        }
    }

    /// The GUI domain has let go of a buffer. Whether it is of this pool.
    pub(crate) fn release(&mut self, serial: BufferSerial) -> bool {
        self.releases = self.releases.saturating_add(1);
        let Some(buffer) = self.buffers.iter_mut().find(|it| it.serial == Some(serial)) else { return false };
        (buffer.held, buffer.released) = (false, self.releases);
        true
    }

    /// There is no GUI domain any more.
    pub(crate) fn release_all(&mut self) {
        self.buffers.iter_mut().for_each(|buffer| buffer.held = false);
    }

    /// Gives up all buffers but the newest and those that are looked at.
    pub(crate) fn trim(&mut self, mut retire: impl FnMut(Buffer)) {
        let mut at = 0;
        while let Some(buffer) = self.buffers.get(at) {
            if buffer.held || self.newest == Some(at) {
                at += 1;
            } else {
                retire(self.remove(at));
            }
        }
    }

    /// All buffers, to be retired.
    pub(crate) fn into_buffers(self) -> Vec<Buffer> {
        self.buffers
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use smithay::utils::Point;

    use crate::compose::{Canvas, new_image};

    use super::*;

    const SIDE: i32 = 24;

    #[derive(Debug, Clone)]
    enum Op {
        /// The client draws this colour here.
        Change { x: i32, y: i32, width: i32, height: i32, colour: u32 },
        /// The window's newest state goes to the GUI domain, if there is a buffer to be had.
        Present,
        /// The GUI domain lets go of one of what it holds.
        Release(usize),
        /// The window has another size from now on.
        Resize(i32, i32),
        /// Nothing happens for long.
        Trim,
    }

    fn op() -> impl Strategy<Value = Op> {
        let place = (0..SIDE, 0..SIDE, 1..SIDE, 1..SIDE, any::<u32>());
        prop_oneof![
            4 => place.prop_map(|(x, y, width, height, colour)| Op::Change { x, y, width, height, colour }),
            4 => Just(Op::Present),
            3 => (0_usize..3).prop_map(Op::Release),
            1 => (1..=SIDE, 1..=SIDE).prop_map(|(width, height)| Op::Resize(width, height)),
            1 => Just(Op::Trim),
        ]
    }

    /// A window's pixels as its client has them, row by row.
    struct Client {
        size: Size<i32, Physical>,
        pixels: Vec<u32>,
    }

    impl Client {
        fn new(width: i32, height: i32, colour: u32) -> Self {
            Self { size: (width, height).into(), pixels: vec![colour; (width * height) as usize] }
        }

        fn fill(&mut self, rect: Rectangle<i32, Physical>, colour: u32) {
            for y in rect.loc.y..rect.loc.y + rect.size.h {
                for x in rect.loc.x..rect.loc.x + rect.size.w {
                    self.pixels[(y * self.size.w + x) as usize] = colour;
                }
            }
        }

        fn image(&self) -> Image<'static, 'static> {
            let mut image = new_image(self.size, PixelFormat::Argb8888).unwrap();
            for (at, colour) in self.pixels.iter().enumerate() {
                let (x, y) = (at as i32 % self.size.w, at as i32 / self.size.w);
                let channel = |shift: u32| ((colour >> shift) as u16 & 0xff) * 0x101;
                let colour = pixman::Color::new(channel(16), channel(8), channel(0), channel(24));
                let pixel = pixman::Box32 { x1: x, y1: y, x2: x + 1, y2: y + 1 };
                image.fill_boxes(pixman::Operation::Src, colour, &[pixel]).unwrap();
            }
            image
        }
    }

    fn shown(buffer: &Buffer, size: Size<i32, Physical>) -> Vec<u32> {
        let pixel = |x: i32, y: i32| {
            let mut bytes = [0; 4];
            buffer.export.pages().copy_out(((y * buffer.size.w + x) * 4) as usize, &mut bytes).unwrap();
            u32::from_le_bytes(bytes)
        };
        (0..size.h).flat_map(|y| (0..size.w).map(move |x| (x, y))).map(|(x, y)| pixel(x, y)).collect()
    }

    proptest! {
        /// Whatever is drawn when, and whatever is looked at meanwhile: a new image is exactly the window, and none that
        /// is looked at changes.
        #[test]
        fn each_image_is_what_a_full_copy_would_be(ops in prop::collection::vec(op(), 1..60), kind in 0..3) {
            let kind = [Kind::Live, Kind::Exact, Kind::Roomy][kind as usize];
            let exporter = Exporter::default();
            let (mut pool, mut serials) = (Pool::default(), 0);
            let mut client = Client::new(SIDE, SIDE, 0xff00_00ff);
            let mut held: Vec<(BufferSerial, Size<i32, Physical>, Vec<u32>)> = Vec::new();
            for op in ops {
                match op {
                    Op::Change { x, y, width, height, colour } => {
                        let rect = Rectangle::new((x, y).into(), (width, height).into());
                        let Some(rect) = rect.intersection(Rectangle::from_size(client.size)) else { continue };
                        client.fill(rect, colour);
                        pool.damage(&rect.into());
                    }
                    Op::Resize(width, height) => {
                        client = Client::new(width, height, 0x8012_3456);
                        pool.damage_all();
                    }
                    Op::Present => {
                        let need = Need { size: client.size, format: PixelFormat::Argb8888, kind };
                        let at = match pool.prepare(&exporter, need, drop).unwrap() {
                            Some(at) => at,
                            None => {
                                prop_assert!(kind != Kind::Live && held.len() + 1 >= MAX_BUFFERS);
                                continue;
                            }
                        };
                        let (image, region, _) = pool.begin(at, client.size).unwrap();
                        let mut written = 0;
                        Canvas { image, origin: Point::default(), written: &mut written }.copy(&client.image(), &region);
                        prop_assert_eq!(written, region.area() * 4);
                        pool.finish(at, need, drop);
                        let newest = pool.newest_mut().unwrap();
                        serials += 1;
                        let serial = *newest.serial.get_or_insert(BufferSerial(serials));
                        let now = shown(newest, client.size);
                        prop_assert_eq!(&now, &client.pixels);
                        if kind != Kind::Live {
                            pool.hold_newest();
                            held.retain(|(before, ..)| *before != serial);
                            held.push((serial, client.size, now));
                        }
                    }
                    Op::Release(at) => {
                        if at < held.len() {
                            pool.release(held.remove(at).0);
                        }
                    }
                    Op::Trim => pool.trim(drop),
                }
                for (serial, size, then) in &held {
                    let buffer = pool.buffers.iter().find(|it| it.serial == Some(*serial)).unwrap();
                    prop_assert_eq!(&shown(buffer, *size), then);
                }
                prop_assert!(pool.buffers.len() <= MAX_BUFFERS);
            }
        }
    }
}
