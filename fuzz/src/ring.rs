//! The vchan ring: two honest ends against a queue, or one end against a peer that writes anything anywhere.

use std::collections::VecDeque;
use std::sync::Arc;

use shm_grant::ring::{Layout, Order, Ring, RingError, RingPages};
use shm_grant::{PAGE_SIZE, Pages};

/// The largest ring in use here: larger ones are the same code and only slower.
const LARGEST_ORDER: u16 = 14;

/// One step.
#[derive(Clone, Copy)]
enum Step {
    Write(usize),
    Read(usize),
    /// The peer writes a word to that offset of the control page.
    Poke(usize, u32),
}

/// Runs one input: two orders, a mode, then steps of four bytes. Panics where the ring breaks a promise.
pub fn ring(data: &[u8]) {
    let [left, right, mode, steps @ ..] = data else { return };
    let order = |byte: u8| Order::new(10 + u16::from(byte) % (LARGEST_ORDER - 9));
    let (Some(left), Some(right)) = (order(*left), order(*right)) else { return };
    let Ok(layout) = Layout::new(left, right) else { return };
    let (Some(control), Some(left), Some(right)) = (pages(1), memory(left), memory(right)) else { return };
    let served = Ring::serve(layout, Arc::clone(&control), left.clone(), right.clone(), &[]);
    assert_eq!(Layout::of(&control), Ok(layout));
    let joined = Ring::join(layout, Arc::clone(&control), left, right);
    let (Ok(server), Ok(client)) = (served, joined) else { return };
    match mode % 3 {
        0 => hostile(server, layout.left(), layout.right(), [0, 12], &control, steps),
        1 => hostile(client, layout.right(), layout.left(), [8, 4], &control, steps),
        _ => honest(server, client, layout, steps),
    }
}

fn pages(count: usize) -> Option<Arc<Pages>> {
    Pages::anonymous(count * PAGE_SIZE).ok().map(Arc::new)
}

fn memory(order: Order) -> Option<RingPages> {
    match order.pages() {
        0 => Some(RingPages::Control),
        count => pages(count).map(RingPages::Writable),
    }
}

fn steps(bytes: &[u8]) -> impl Iterator<Item = (u8, Step)> {
    bytes.as_chunks().0.iter().map(|[kind, at, low, high]| {
        let value = u16::from_le_bytes([*low, *high]);
        let step = match kind % 4 {
            0 => Step::Write(usize::from(value)),
            1 => Step::Read(usize::from(value)),
            // Small, or near the end of the numbers.
            2 => Step::Poke(usize::from(*at % 24), u32::from(value)),
            _ => Step::Poke(usize::from(*at % 24), u32::MAX - u32::from(value)),
        };
        (*at, step)
    })
}

/// One end keeps its promises whatever the peer does: nothing but its own progress is in its own indices, and
/// nothing but an impossible index is an error. `own` are the offsets of its indices: consumed, produced.
fn hostile(mut ring: Ring, incoming: Order, outgoing: Order, own: [usize; 2], control: &Pages, bytes: &[u8]) {
    let [mut consumed, mut produced] = [0u32; 2];
    for (_, step) in steps(bytes) {
        let (moved, total, at, size, asked) = match step {
            Step::Poke(at, value) => {
                assert_eq!(control.copy_in(at, &value.to_ne_bytes()), Ok(()));
                continue;
            }
            Step::Write(len) => (ring.write(&vec![0xA5; len]), &mut produced, own[1], outgoing, len),
            Step::Read(len) => (ring.read(&mut vec![0; len]), &mut consumed, own[0], incoming, len),
        };
        match moved {
            Ok(moved) => {
                assert!(moved.bytes <= asked && moved.bytes <= size.bytes() as usize);
                assert!(!moved.notify || moved.bytes > 0);
                *total = total.wrapping_add(moved.bytes as u32);
                if moved.bytes > 0 {
                    let mut index = [0; 4];
                    assert_eq!(control.copy_out(at, &mut index), Ok(()));
                    assert_eq!(u32::from_ne_bytes(index), *total);
                }
            }
            // The owner closes the link here; going on finds more.
            Err(RingError::ImpossibleIndex { claimed, size }) => assert!(claimed > size),
            Err(error) => assert!(matches!(error, RingError::ImpossibleIndex { .. }), "{error}"),
        }
    }
}

/// Both ends behave: what goes in comes out, in order, as much as fits, and who waits is woken.
fn honest(mut server: Ring, mut client: Ring, layout: Layout, bytes: &[u8]) {
    let mut left = Direction { capacity: layout.left().bytes() as usize, ..Direction::default() };
    let mut right = Direction { capacity: layout.right().bytes() as usize, ..Direction::default() };
    for (at, step) in steps(bytes) {
        // The writer and the reader of the direction.
        let (direction, writer, reader) = match at % 2 {
            0 => (&mut left, &mut client, &mut server),
            _ => (&mut right, &mut server, &mut client),
        };
        match step {
            Step::Write(len) => direction.write(writer, len),
            Step::Read(len) => direction.read(reader, len),
            Step::Poke(..) => {}
        }
    }
}

/// One direction as it should be.
#[derive(Default)]
struct Direction {
    queue: VecDeque<u8>,
    capacity: usize,
    next: u8,
    reader_waits: bool,
    writer_waits: bool,
}

impl Direction {
    fn write(&mut self, ring: &mut Ring, len: usize) {
        let bytes: Vec<u8> = (0..len).map(|_| self.next()).collect();
        let room = self.capacity - self.queue.len();
        let Ok(moved) = ring.write(&bytes) else { unreachable!("an honest peer was accused") };
        assert_eq!(moved.bytes, len.min(room));
        assert!(moved.notify || moved.bytes == 0 || !self.reader_waits, "a lost wake-up");
        self.reader_waits &= moved.bytes == 0;
        self.writer_waits |= moved.bytes < len;
        self.queue.extend(bytes.iter().take(moved.bytes));
    }

    fn read(&mut self, ring: &mut Ring, len: usize) {
        let mut bytes = vec![0; len];
        let Ok(moved) = ring.read(&mut bytes) else { unreachable!("an honest peer was accused") };
        assert_eq!(moved.bytes, len.min(self.queue.len()));
        assert!(moved.notify || moved.bytes == 0 || !self.writer_waits, "a lost wake-up");
        self.writer_waits &= moved.bytes == 0;
        self.reader_waits |= self.queue.is_empty();
        assert!(self.queue.drain(..moved.bytes).eq(bytes.into_iter().take(moved.bytes)));
    }

    fn next(&mut self) -> u8 {
        self.next = self.next.wrapping_mul(5).wrapping_add(3);
        self.next
    }
}

/// Inputs to start from, by name: both modes, the smallest rings and those that cross pages, every kind of step.
#[must_use]
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let step = |kind: u8, at: u8, value: u16| {
        let [low, high] = value.to_le_bytes();
        [kind, at, low, high]
    };
    let input = |orders: [u8; 2], mode: u8, steps: &[[u8; 4]]| {
        orders.iter().chain([&mode]).chain(steps.as_flattened()).copied().collect()
    };
    let fill_and_drain =
        [step(0, 0, 5000), step(1, 0, 100), step(0, 0, 100), step(1, 0, 9000), step(1, 0, 1)];
    let both_ways =
        [step(0, 1, 3000), step(0, 0, 3000), step(1, 1, 9000), step(1, 0, 9000), step(0, 1, 4096)];
    let full_then_impossible = [step(2, 4, 4096), step(1, 0, 4096), step(2, 4, 8193), step(1, 0, 1)];
    let backwards = [step(0, 0, 10), step(3, 8, 0), step(0, 0, 10), step(2, 8, 11), step(0, 0, 10)];
    let control_page = [step(3, 16, 0), step(3, 20, 0), step(2, 20, 0), step(0, 0, 900), step(1, 0, 900)];
    vec![
        ("honest-in-page", input([0, 1], 2, &fill_and_drain)),
        ("honest-one-page", input([2, 2], 2, &both_ways)),
        ("honest-four-pages", input([4, 3], 2, &fill_and_drain)),
        ("hostile-client-index", input([2, 2], 0, &full_then_impossible)),
        ("hostile-server-index", input([2, 2], 1, &backwards)),
        ("hostile-control-page", input([1, 0], 0, &control_page)),
        ("same-place", input([0, 0], 2, &[])),
    ]
}
