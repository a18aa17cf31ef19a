//! Memory of a display's driver, as a client has it that wants no shared memory: dumb buffers, lent as dma-bufs.
//!
//! The driver is virtio-gpu's. It takes pages that the processor caches, unlike others (vgem), whose pages a program in a
//! paravirtual domain cannot touch.

pub mod limits;
pub mod pictures;

use std::fs::{self, File};
use std::io::Read as _;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;
use drm::Device as _;
use drm::buffer::{Buffer as _, DrmFourcc};
use drm::control::{Device as _, dumbbuffer::DumbBuffer};
use wayland_client::{Dispatch, QueueHandle};
use wayland_protocols::wp::linux_dmabuf::zv1::client::{
    zwp_linux_buffer_params_v1::ZwpLinuxBufferParamsV1, zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1,
};

const DRIVER: &str = "virtio_gpu";
const DEVICES: &str = "/dev/dri";

/// The devices of vgem, as the kernel has them.
const VGEM: &str = "/sys/devices/platform/vgem/drm";

/// An open device of the driver.
struct Card(File);

impl AsFd for Card {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl drm::Device for Card {}
impl drm::control::Device for Card {}

/// One buffer in its memory. It goes with the card.
struct Memory(DumbBuffer);

impl Memory {
    /// As the protocol has it.
    const FORMAT: u32 = DrmFourcc::Xrgb8888 as u32;

    /// Width and height, in pixels.
    fn size(&self) -> [i32; 2] {
        let (width, height) = self.0.size();
        [width, height].map(u32::cast_signed)
    }
}

impl Card {
    /// The device that the driver has made.
    fn open() -> anyhow::Result<Self> {
        let nodes = fs::read_dir(DEVICES).context(DEVICES)?.flatten();
        let nodes = nodes.filter(|node| node.file_name().to_string_lossy().starts_with("card"));
        let cards = nodes
            .filter_map(|node| Some(Self(File::options().read(true).write(true).open(node.path()).ok()?)));
        let mut fitting = cards.filter(|card| card.get_driver().is_ok_and(|driver| driver.name() == DRIVER));
        fitting.next().with_context(|| format!("no device in {DEVICES} is {DRIVER}'s"))
    }

    /// Memory for so many pixels of XRGB8888.
    fn memory(&self, width: u32, height: u32) -> anyhow::Result<Memory> {
        Ok(Memory(self.create_dumb_buffer((width, height), DrmFourcc::Xrgb8888, 32)?))
    }

    /// Describes it to a compositor, which can be asked for a buffer then.
    fn describe<C>(
        &self,
        memory: &Memory,
        dmabuf: &ZwpLinuxDmabufV1,
        handle: &QueueHandle<C>,
    ) -> anyhow::Result<ZwpLinuxBufferParamsV1>
    where
        C: Dispatch<ZwpLinuxBufferParamsV1, ()> + 'static,
    {
        let params = dmabuf.create_params(handle, ());
        params.add(self.lend(memory)?.as_fd(), 0, 0, memory.0.pitch(), 0, 0);
        Ok(params)
    }

    fn lend(&self, memory: &Memory) -> anyhow::Result<OwnedFd> {
        Ok(self.buffer_to_prime_fd(memory.0.handle(), drm::CLOEXEC | drm::RDWR)?)
    }

    /// Has another driver, vgem, draw into it for as long as the program runs that is returned, or seem to.
    fn has_vgem_draw(&self, memory: &Memory) -> anyhow::Result<Child> {
        let mut nodes = fs::read_dir(VGEM).context(VGEM)?.flatten().map(|node| node.file_name());
        let node =
            nodes.find(|node| node.to_string_lossy().starts_with("render")).context("vgem has no device")?;
        let mut program = Command::new("vgem-draws")
            .arg(Path::new(DEVICES).join(node))
            .stdin(self.lend(memory)?)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = [0; 1];
        program.stdout.take().context("no output")?.read_exact(&mut said).context("vgem does not draw")?;
        Ok(program)
    }

    /// Draws: what each pixel has, by its place, as red, green and blue. The byte that says nothing is 0.
    fn draw(&self, memory: &mut Memory, colour: impl Fn(u32, u32) -> [u8; 3]) -> anyhow::Result<()> {
        let stride = usize::try_from(memory.0.pitch())?;
        let (width, height) = memory.0.size();
        let mut pixels = self.map_dumb_buffer(&mut memory.0)?;
        for (row, y) in pixels.chunks_exact_mut(stride).zip(0..height) {
            for (pixel, x) in row.as_chunks_mut().0.iter_mut().zip(0..width) {
                let [red, green, blue] = colour(x, y);
                *pixel = [blue, green, red, 0];
            }
        }
        Ok(())
    }
}
