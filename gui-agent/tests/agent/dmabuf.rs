//! Buffers in a driver's memory. What is one cannot be had everywhere (`cargo xtask xen-test dma_bufs_are_drawn` has it); here,
//! all that is not one is refused.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use transom_tests::client::{DmabufLayout, show};
use wayland_client::Proxy as _;
use wayland_protocols::wp::linux_dmabuf::zv1::client::zwp_linux_buffer_params_v1::{Error, Flags};

use crate::{
    fixture::World,
    misbehaviour::{ends_its_client, is_borne},
};

const ARGB8888: u32 = u32::from_le_bytes(*b"AR24");
const XRGB8888: u32 = u32::from_le_bytes(*b"XR24");

const LAYOUT: DmabufLayout =
    DmabufLayout { width: 16, height: 16, format: XRGB8888, modifier: 0, offset: 0, stride: 64 };

/// Enough for the layout and no more.
fn memory() -> OwnedFd {
    let memory = memfd_create("posing", MemfdFlags::CLOEXEC).unwrap();
    ftruncate(&memory, 1024).unwrap();
    memory
}

/// Lets a client ask for a buffer and expects that it learns that there is none, and no more.
fn fails(layout: DmabufLayout) {
    is_borne(|world, client| {
        let memory = memory();
        let params = world.client(client).dmabuf_params(&[(0, memory.as_fd())], layout);
        params.create(layout.width, layout.height, layout.format, Flags::empty());
        world.settle();
        assert_eq!(world.client(client).inbox.dmabufs, [false], "{layout:?}");
        params.destroy();
    });
}

/// Lets a client ask for a buffer and expects it to be told that this is an error.
#[track_caller]
fn ends(planes: &[u32], layout: DmabufLayout, error: Error) {
    for at_once in [false, true] {
        ends_its_client(|world, client| {
            let memory = memory();
            let planes: Vec<_> = planes.iter().map(|index| (*index, memory.as_fd())).collect();
            let params = world.client(client).dmabuf_params(&planes, layout);
            match at_once {
                true => drop(world.client(client).dmabuf_at_once(&params, layout)),
                false => params.create(layout.width, layout.height, layout.format, Flags::empty()),
            }
            world.settle();
            let told = world.client(client).protocol_error();
            assert_eq!(told, Some(error as u32), "{planes:?} {layout:?}, at once: {at_once}");
        });
    }
}

#[test]
fn rows_of_two_formats_are_offered_and_no_device() {
    let mut world = World::new();
    let client = world.connect();
    let params = world.client(client).dmabuf_params(&[], LAYOUT);
    world.settle();
    assert_eq!(world.client(client).inbox.dmabuf_formats, [(ARGB8888, 0), (XRGB8888, 0)]);
    assert_eq!(params.version(), 3);
}

#[test]
fn memory_that_could_be_taken_away_is_refused() {
    fails(LAYOUT);
    fails(DmabufLayout { format: ARGB8888, ..LAYOUT });
}

#[test]
fn pixels_that_do_not_lie_in_rows_are_refused() {
    fails(DmabufLayout { modifier: 1 << 56 | 1, ..LAYOUT });
    fails(DmabufLayout { modifier: 0x00ff_ffff_ffff_ffff, ..LAYOUT });
}

#[test]
fn what_is_refused_must_not_be_used() {
    ends_its_client(|world, client| {
        let toplevel = world.client(client).toplevel();
        world.settle();
        world.client(client).ack(&toplevel.xdg_surface);
        let memory = memory();
        let params = world.client(client).dmabuf_params(&[(0, memory.as_fd())], LAYOUT);
        let buffer = world.client(client).dmabuf_at_once(&params, LAYOUT);
        toplevel.surface.attach(Some(&buffer), 0, 0);
        toplevel.surface.commit();
        world.settle();
        assert_eq!(world.client(client).protocol_error(), Some(Error::InvalidWlBuffer as u32));
    });
}

#[test]
fn a_layout_must_make_sense() {
    for size in [(0, 16), (16, 0), (-1, 16), (16, -1), (i32::MIN, i32::MIN), (0, 0)] {
        let layout = DmabufLayout { width: size.0, height: size.1, ..LAYOUT };
        ends(&[0], layout, Error::InvalidDimensions);
        // where the sum of offset and stride has no place in 32 bits
        ends(&[0], DmabufLayout { offset: u32::MAX, stride: u32::MAX, ..layout }, Error::InvalidDimensions);
    }
    ends(&[0], DmabufLayout { height: 17, ..LAYOUT }, Error::OutOfBounds);
    ends(&[0], DmabufLayout { stride: 68, ..LAYOUT }, Error::OutOfBounds);
    ends(&[0], DmabufLayout { offset: 4, ..LAYOUT }, Error::OutOfBounds);
    ends(&[0], DmabufLayout { offset: u32::MAX, ..LAYOUT }, Error::OutOfBounds);
    ends(&[0], DmabufLayout { stride: u32::MAX, ..LAYOUT }, Error::OutOfBounds);
    ends(&[0], DmabufLayout { stride: 1 << 28, ..LAYOUT }, Error::OutOfBounds);
    for format in [0, u32::MAX, u32::from_le_bytes(*b"AB24"), u32::from_le_bytes(*b"NV12")] {
        ends(&[0], DmabufLayout { format, ..LAYOUT }, Error::InvalidFormat);
    }
    ends(&[], LAYOUT, Error::Incomplete);
    ends(&[0, 1], LAYOUT, Error::Incomplete);
    ends(&[0, 0], LAYOUT, Error::PlaneSet);
    ends(&[4], LAYOUT, Error::PlaneIdx);
    ends(&[u32::MAX], LAYOUT, Error::PlaneIdx);
}

#[test]
fn a_description_makes_one_buffer() {
    ends_its_client(|world, client| {
        let memory = memory();
        let params = world.client(client).dmabuf_params(&[(0, memory.as_fd())], LAYOUT);
        params.create(16, 16, XRGB8888, Flags::empty());
        params.create(16, 16, XRGB8888, Flags::empty());
        world.settle();
        assert_eq!(world.client(client).protocol_error(), Some(Error::AlreadyUsed as u32));
    });
}

#[test]
fn a_client_that_was_refused_draws_into_shared_memory() {
    is_borne(|world, client| {
        let memory = memory();
        let params = world.client(client).dmabuf_params(&[(0, memory.as_fd())], LAYOUT);
        params.create(16, 16, XRGB8888, Flags::empty());
        let toplevel = world.client(client).toplevel();
        world.settle();
        let buffer = world.client(client).buffer(16, 16, 0xff_0000);
        world.client(client).ack(&toplevel.xdg_surface);
        show(&toplevel.surface, &buffer);
        world.settle();
        let id = world.daemon().newest();
        assert_eq!(world.daemon().image(id).pixel(8, 8), 0xff_0000);
    });
}
