use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

/// Fresh memory for a layout: control page, left, right.
fn memory(layout: Layout) -> (Arc<Pages>, RingPages, RingPages) {
    let ring = |order: Order| match order.pages() {
        0 => RingPages::Control,
        pages => RingPages::Writable(Arc::new(Pages::anonymous(pages * PAGE_SIZE).unwrap())),
    };
    (Arc::new(Pages::anonymous(PAGE_SIZE).unwrap()), ring(layout.left()), ring(layout.right()))
}

struct Pair {
    control: Arc<Pages>,
    server: Ring,
    client: Ring,
}

impl Pair {
    fn new(layout: Layout) -> Self {
        let (control, left, right) = memory(layout);
        let server = Ring::serve(layout, Arc::clone(&control), left.clone(), right.clone(), &[]).unwrap();
        assert_eq!(Layout::of(&control), Ok(layout));
        let client = Ring::join(layout, Arc::clone(&control), left, right).unwrap();
        Self { control, server, client }
    }

    /// The same rings after `bytes` bytes have gone through each, so that wrap-around of the indices is near.
    fn after(layout: Layout, bytes: u32) -> Self {
        let mut pair = Self::new(layout);
        for index in [0, 4, 8, 12] {
            pair.control.store_u32(index, bytes, Ordering::SeqCst).unwrap();
        }
        for ring in [&mut pair.server, &mut pair.client] {
            ring.incoming.index = bytes;
            ring.outgoing.index = bytes;
        }
        pair
    }

    fn end(&mut self, role: Role) -> &mut Ring {
        match role {
            Role::Server => &mut self.server,
            Role::Client => &mut self.client,
        }
    }
}

fn order(order: u16) -> Order {
    Order::new(order).unwrap()
}

fn one_page() -> Layout {
    Layout::new(Order::ONE_PAGE, Order::ONE_PAGE).unwrap()
}

fn any_layout() -> impl Strategy<Value = Layout> {
    let valid = |(left, right)| Layout::new(order(left), order(right)).ok();
    (SMALL..=LARGEST, SMALL..=LARGEST).prop_filter_map("rings in the same place", valid)
}

fn any_role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Server), Just(Role::Client)]
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Write(Role, usize),
    Read(Role, usize),
}

fn any_op() -> impl Strategy<Value = Op> {
    let len = prop_oneof![0..40usize, 900..1200usize, 0..70_000usize];
    (any_role(), any::<bool>(), len).prop_map(|(role, write, len)| match write {
        true => Op::Write(role, len),
        false => Op::Read(role, len),
    })
}

/// One direction as it should be.
#[derive(Default)]
struct Model {
    bytes: VecDeque<u8>,
    capacity: usize,
    /// The writer found it full, or the reader empty, and nothing has told them otherwise.
    writer_waits: bool,
    reader_waits: bool,
    next: u8,
}

proptest! {
    #[test]
    fn rings_carry_what_was_written_and_wake_who_waits(
        layout in any_layout(),
        start in prop_oneof![Just(0), any::<u32>(), (u32::MAX - 5000)..=u32::MAX],
        ops in proptest::collection::vec(any_op(), 1..60),
    ) {
        let mut pair = Pair::after(layout, start);
        let direction = |order: Order| Model { capacity: order.bytes() as usize, ..Model::default() };
        let (mut left, mut right) = (direction(layout.left()), direction(layout.right()));
        // Both sides ask for the first write when they set up.
        (left.reader_waits, right.reader_waits) = (true, true);
        for op in ops {
            match op {
                Op::Write(role, len) => {
                    let model = if role == Role::Client { &mut left } else { &mut right };
                    let data: Vec<u8> = (0..len).map(|i| model.next.wrapping_add((i % 251) as u8)).collect();
                    let moved = pair.end(role).write(&data).unwrap();
                    prop_assert_eq!(moved.bytes, len.min(model.capacity - model.bytes.len()));
                    prop_assert_eq!(moved.notify, moved.bytes > 0 && model.reader_waits);
                    model.reader_waits &= moved.bytes == 0;
                    model.writer_waits |= moved.bytes < len;
                    model.bytes.extend(&data[..moved.bytes]);
                    model.next = model.next.wrapping_add(17);
                }
                Op::Read(role, len) => {
                    let model = if role == Role::Server { &mut left } else { &mut right };
                    let mut data = vec![0; len];
                    let moved = pair.end(role).read(&mut data).unwrap();
                    prop_assert_eq!(moved.bytes, len.min(model.bytes.len()));
                    prop_assert_eq!(moved.notify, moved.bytes > 0 && model.writer_waits);
                    model.writer_waits &= moved.bytes == 0;
                    model.reader_waits |= model.bytes.is_empty();
                    let expected: Vec<u8> = model.bytes.drain(..moved.bytes).collect();
                    prop_assert!(data[..moved.bytes] == expected[..]);
                }
            }
        }
    }

    #[test]
    fn a_peer_can_write_anything_into_the_control_page(
        layout in any_layout(),
        role in any_role(),
        steps in proptest::collection::vec((0..24usize, any::<u32>(), any_op()), 1..60),
    ) {
        let mut pair = Pair::new(layout);
        let (own_read, own_written) = match role {
            Role::Server => (offset_of!(ControlPage, left.cons), offset_of!(ControlPage, right.prod)),
            Role::Client => (offset_of!(ControlPage, right.cons), offset_of!(ControlPage, left.prod)),
        };
        let (mut read, mut written) = (0u32, 0u32);
        for (at, value, op) in steps {
            pair.control.copy_in(at, &value.to_ne_bytes()[..4.min(24 - at)]).unwrap();
            let ring = pair.end(role);
            let (moved, total, at) = match op {
                Op::Write(_, len) => (ring.write(&vec![1; len]), &mut written, own_written),
                Op::Read(_, len) => (ring.read(&mut vec![0; len]), &mut read, own_read),
            };
            match moved {
                Ok(moved) => {
                    *total = total.wrapping_add(moved.bytes as u32);
                    if moved.bytes > 0 {
                        prop_assert_eq!(pair.control.load_u32(at, Ordering::SeqCst), Ok(*total));
                    }
                }
                Err(error) => {
                    let RingError::ImpossibleIndex { claimed, size } = error else {
                        panic!("{error}");
                    };
                    prop_assert!(claimed > size);
                }
            }
        }
    }
}

#[test]
fn a_full_ring_is_possible_and_one_byte_more_is_not() {
    let mut pair = Pair::new(one_page());
    let produced = offset_of!(ControlPage, left.prod);
    let consumed = offset_of!(ControlPage, right.cons);

    pair.control.store_u32(produced, 4096, Ordering::SeqCst).unwrap();
    assert_eq!(pair.server.readable(), Ok(4096));
    pair.control.store_u32(produced, 4097, Ordering::SeqCst).unwrap();
    let impossible = Err(RingError::ImpossibleIndex { claimed: 4097, size: 4096 });
    assert_eq!(pair.server.readable(), impossible);
    assert_eq!(pair.server.read(&mut [0; 8]).map(|moved| moved.bytes), impossible);

    assert_eq!(pair.server.write(&[7; 10]).unwrap().bytes, 10);
    pair.control.store_u32(consumed, 10, Ordering::SeqCst).unwrap();
    assert_eq!(pair.server.writable(4096), Ok(4096));
    pair.control.store_u32(consumed, 11, Ordering::SeqCst).unwrap();
    let claimed = 10u32.wrapping_sub(11);
    assert_eq!(pair.server.writable(1), Err(RingError::ImpossibleIndex { claimed, size: 4096 }));
}

#[test]
fn orders_have_limits_and_places() {
    assert_eq!(Order::new(9), None);
    assert_eq!(Order::new(21), None);
    assert_eq!(order(10).pages(), 0);
    assert_eq!(order(20).pages(), 256);
    let layout = |left, right| Layout::new(order(left), order(right));
    assert_eq!(layout(10, 10), Err(RingError::Orders(10, 10)));
    assert_eq!(layout(11, 11), Err(RingError::Orders(11, 11)));
    assert_eq!(layout(10, 20), Err(RingError::Orders(10, 20)));
    assert_eq!(layout(20, 10), Err(RingError::Orders(20, 10)));
    for (left, right, pages) in
        [(10, 11, 1), (11, 10, 1), (10, 19, 129), (11, 20, 257), (20, 20, 513), (12, 12, 3)]
    {
        assert_eq!(layout(left, right).unwrap().pages(), pages);
    }

    let control = Pages::anonymous(PAGE_SIZE).unwrap();
    assert_eq!(Layout::of(&control), Err(RingError::Orders(0, 0)));
    control.copy_in(16, &[12, 0, 21, 0]).unwrap();
    assert_eq!(Layout::of(&control), Err(RingError::Orders(12, 21)));
}

#[test]
fn the_server_fills_the_control_page_as_libxenvchan_does() {
    let (control, left, right) = memory(one_page());
    control.copy_in(0, &[0xEE; PAGE_SIZE]).unwrap();
    let grants = [GrantRef(0x0102), GrantRef(0x0304)];
    let server = Ring::serve(one_page(), Arc::clone(&control), left.clone(), right.clone(), &grants).unwrap();
    let mut page = [0; 36];
    control.copy_out(0, &mut page).unwrap();
    let mut expected = [0; 36];
    // orders, cli_live, srv_live, cli_notify, srv_notify, references
    expected[16..24].copy_from_slice(&[12, 0, 12, 0, 2, 1, 1, 0]);
    expected[24..28].copy_from_slice(&0x0102u32.to_ne_bytes());
    expected[28..32].copy_from_slice(&0x0304u32.to_ne_bytes());
    assert_eq!(page, expected);

    let mut client = Ring::join(one_page(), Arc::clone(&control), left.clone(), right).unwrap();
    control.copy_out(20, &mut page[20..24]).unwrap();
    assert_eq!(page[20..24], [1, 1, 1, 1]);

    // Left is the client's way to the server.
    assert_eq!(client.write(b"hello").unwrap(), Moved { bytes: 5, notify: true });
    assert_eq!(control.load_u32(4, Ordering::SeqCst), Ok(5));
    let RingPages::Writable(left) = left else { panic!("a ring of order 12 has its own page") };
    let mut bytes = [0; 5];
    left.copy_out(0, &mut bytes).unwrap();
    assert_eq!(&bytes, b"hello");

    assert_eq!([server.peer_open(), client.peer_open()], [Ok(true), Ok(true)]);
    drop(client);
    assert_eq!(server.peer_open(), Ok(false));
    assert_eq!(server.readable(), Ok(5), "what was written before is still there");
    drop(server);
    assert_eq!(control.load_u8(21), Ok(0));
}

#[test]
fn rings_in_the_control_page_do_not_overlap() {
    for (left, right) in [(10, 11), (11, 10)] {
        let mut pair = Pair::new(Layout::new(order(left), order(right)).unwrap());
        assert_eq!(pair.client.write(&[0xAA; 4000]).unwrap().bytes, 1 << left);
        assert_eq!(pair.server.write(&[0xBB; 4000]).unwrap().bytes, 1 << right);
        let mut bytes = vec![0; 4000];
        assert_eq!(pair.server.read(&mut bytes).unwrap().bytes, 1 << left);
        assert!(bytes[..1 << left].iter().all(|byte| *byte == 0xAA));
        assert_eq!(pair.client.read(&mut bytes).unwrap().bytes, 1 << right);
        assert!(bytes[..1 << right].iter().all(|byte| *byte == 0xBB));
    }
}

#[test]
fn memory_must_be_that_of_the_layout() {
    let two_pages = RingPages::Writable(Arc::new(Pages::anonymous(2 * PAGE_SIZE).unwrap()));
    let refuse = |layout, left, right| {
        let control = Arc::new(Pages::anonymous(PAGE_SIZE).unwrap());
        assert!(matches!(Ring::serve(layout, control, left, right, &[]), Err(RingError::Memory(_))));
    };
    let (_, left, right) = memory(one_page());
    refuse(one_page(), RingPages::Control, right.clone());
    refuse(one_page(), left.clone(), two_pages);
    refuse(Layout::new(order(10), order(12)).unwrap(), left, right);
}

#[test]
fn two_threads_pass_a_stream_without_losing_a_wake_up() {
    use std::sync::mpsc;
    const TOTAL: usize = 1 << 20;
    let Pair { mut server, mut client, .. } = Pair::new(Layout::new(order(10), order(11)).unwrap());
    // Event channels of one bit: a lost notification blocks a side for good.
    let (wake_reader, reader_bell) = mpsc::sync_channel::<()>(1);
    let (wake_writer, writer_bell) = mpsc::sync_channel::<()>(1);
    let writer = std::thread::spawn(move || {
        let data: Vec<u8> = (0..TOTAL).map(|i| (i % 253) as u8).collect();
        let mut sent = 0;
        while sent < TOTAL {
            let moved = client.write(&data[sent..(sent + 700).min(TOTAL)]).unwrap();
            sent += moved.bytes;
            if moved.notify {
                let _already_rung = wake_reader.try_send(());
            }
            if moved.bytes == 0 {
                writer_bell.recv().unwrap();
            }
        }
        // The reader may be waiting for what it has read already.
        wake_reader
    });
    let (mut received, mut buffer) = (0, [0; 333]);
    while received < TOTAL {
        let moved = server.read(&mut buffer).unwrap();
        for byte in &buffer[..moved.bytes] {
            assert_eq!(*byte, (received % 253) as u8);
            received += 1;
        }
        if moved.notify {
            let _already_rung = wake_writer.try_send(());
        }
        if moved.bytes == 0 {
            reader_bell.recv().unwrap();
        }
    }
    drop(writer.join().unwrap());
}

#[test]
fn rings_are_on_offer_until_their_first_client_comes_and_name_their_pages() {
    let layout = Layout::new(order(13), order(12)).unwrap();
    let (control, left, right) = memory(layout);
    assert!(!awaits_client(&control).unwrap(), "empty memory is no offer");
    let refs = [21, 22, 31].map(GrantRef);
    let server = Ring::serve(layout, Arc::clone(&control), left.clone(), right.clone(), &refs).unwrap();
    assert!(awaits_client(&control).unwrap());
    assert_eq!(server.peer().unwrap(), Presence::Awaited);
    assert_eq!(layout.references(&control).unwrap(), (vec![GrantRef(21), GrantRef(22)], vec![GrantRef(31)]));

    let client = Ring::join(layout, Arc::clone(&control), left, right).unwrap();
    assert!(!awaits_client(&control).unwrap(), "it has a client");
    assert_eq!((server.peer().unwrap(), client.peer().unwrap()), (Presence::Here, Presence::Here));
    drop(client);
    assert!(!awaits_client(&control).unwrap(), "it was used");
    assert_eq!(server.peer().unwrap(), Presence::Gone);
}

#[test]
fn rings_of_a_server_that_has_gone_are_not_on_offer() {
    let (control, left, right) = memory(one_page());
    drop(Ring::serve(one_page(), Arc::clone(&control), left, right, &[]).unwrap());
    assert!(!awaits_client(&control).unwrap());
}
