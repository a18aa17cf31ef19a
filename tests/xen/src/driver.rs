//! Memory of a graphics driver, vgem's, which has no hardware: what a client draws into where it wants no shared memory.

use std::fs::{self, File};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use anyhow::Context as _;
use drm::Device as _;
use drm::buffer::{Buffer as _, DrmFourcc};
use drm::control::{Device as _, dumbbuffer::DumbBuffer};
use wayland_client::protocol::wl_buffer::WlBuffer;
use wayland_client::{Dispatch, QueueHandle};
use wayland_protocols::wp::linux_dmabuf::zv1::client::{
    zwp_linux_buffer_params_v1::{Flags, ZwpLinuxBufferParamsV1},
    zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1,
};

const DRIVER: &str = "vgem";
const DEVICES: &str = "/dev/dri";

/// An open device of the driver.
pub struct Card(File);

impl AsFd for Card {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl drm::Device for Card {}
impl drm::control::Device for Card {}

/// One buffer in its memory. It goes with the card.
pub struct Memory(DumbBuffer);

impl Card {
    /// The device that the driver has made.
    ///
    /// # Errors
    /// If there is none; the driver is a module.
    pub fn open() -> anyhow::Result<Self> {
        let nodes = fs::read_dir(DEVICES).context(DEVICES)?.flatten();
        // The other nodes of a device make no such memory.
        let nodes = nodes.filter(|node| node.file_name().to_string_lossy().starts_with("card"));
        let cards = nodes
            .filter_map(|node| Some(Self(File::options().read(true).write(true).open(node.path()).ok()?)));
        let mut fitting = cards.filter(|card| card.get_driver().is_ok_and(|driver| driver.name() == DRIVER));
        fitting.next().with_context(|| format!("no device in {DEVICES} is {DRIVER}'s"))
    }

    /// Memory for so many pixels of XRGB8888.
    ///
    /// # Errors
    /// What the driver says.
    pub fn memory(&self, width: u32, height: u32) -> anyhow::Result<Memory> {
        Ok(Memory(self.create_dumb_buffer((width, height), DrmFourcc::Xrgb8888, 32)?))
    }

    /// Makes a buffer of it that a compositor can read.
    ///
    /// # Errors
    /// What the driver says.
    pub fn share<C>(
        &self,
        memory: &Memory,
        dmabuf: &ZwpLinuxDmabufV1,
        handle: &QueueHandle<C>,
    ) -> anyhow::Result<WlBuffer>
    where
        C: Dispatch<ZwpLinuxBufferParamsV1, ()> + Dispatch<WlBuffer, ()> + 'static,
    {
        let Memory(buffer) = memory;
        let file: OwnedFd = self.buffer_to_prime_fd(buffer.handle(), drm::CLOEXEC)?;
        let params = dmabuf.create_params(handle, ());
        params.add(file.as_fd(), 0, 0, buffer.pitch(), 0, 0);
        let (width, height) = buffer.size();
        let [width, height] = [width, height].map(u32::cast_signed);
        let format = DrmFourcc::Xrgb8888 as u32;
        Ok(params.create_immed(width, height, format, Flags::empty(), handle, ()))
    }

    /// Writes `row` at the beginning of the first `rows` rows.
    ///
    /// # Errors
    /// What the driver says.
    pub fn write(&self, memory: &mut Memory, row: &[u8], rows: usize) -> anyhow::Result<()> {
        let stride = usize::try_from(memory.0.pitch())?;
        let mut pixels = self.map_dumb_buffer(&mut memory.0)?;
        for line in pixels.chunks_exact_mut(stride).take(rows) {
            line.get_mut(..row.len()).context("a row is longer than the memory's")?.copy_from_slice(row);
        }
        Ok(())
    }
}
