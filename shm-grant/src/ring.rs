//! The vchan ring: libxenvchan's shared page, both roles, without I/O.
//!
//! Two byte rings between a server and a client: *left* carries client to server, *right* server to client. A
//! control page holds the indices, the sizes, a live byte for each side and the bits by which a side asks to
//! be notified. A ring of 2^10 or 2^11 bytes lies in the control page, a larger one in pages of its own.
//! Source: Xen's public header `io/libxenvchan.h`.
//!
//! The pages come from anywhere (grants, a memfd, private memory). So does notification: [`Ring::read`] and
//! [`Ring::write`] say when the peer has asked for one, and the caller delivers it.
//!
//! Invariants, whatever the peer writes:
//!
//! * Our own indices and both sizes are private; what the page says of them after set-up is never read.
//! * The peer's index is read once per look and checked: one that claims more than the ring holds is an
//!   error, after which the ring must not be used any more.
//! * A side that found nothing to do has asked for a notification before it looked for the last time.

use std::mem::offset_of;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use crate::{GrantRef, ImportedPages, OutOfBounds, PAGE_SIZE, Pages};

/// The control page as it lies in memory, up to the grant references of the rings that follow.
#[repr(C)]
struct ControlPage {
    left: Indices,
    right: Indices,
    left_order: u16,
    right_order: u16,
    cli_live: u8,
    srv_live: u8,
    cli_notify: u8,
    srv_notify: u8,
    grants: [u32; 0],
}

/// Free-running positions: bytes ever consumed and ever produced, modulo 2^32.
#[repr(C)]
struct Indices {
    cons: u32,
    prod: u32,
}

const _: () = {
    assert!(offset_of!(ControlPage, left.cons) == 0);
    assert!(offset_of!(ControlPage, left.prod) == 4);
    assert!(offset_of!(ControlPage, right.cons) == 8);
    assert!(offset_of!(ControlPage, right.prod) == 12);
    assert!(offset_of!(ControlPage, left_order) == 16);
    assert!(offset_of!(ControlPage, right_order) == 18);
    assert!(offset_of!(ControlPage, cli_live) == 20);
    assert!(offset_of!(ControlPage, srv_live) == 21);
    assert!(offset_of!(ControlPage, cli_notify) == 22);
    assert!(offset_of!(ControlPage, srv_notify) == 23);
    assert!(offset_of!(ControlPage, grants) == 24);
};

/// "Notify me when you have written."
const NOTIFY_WRITE: u8 = 1;
/// "Notify me when you have read."
const NOTIFY_READ: u8 = 2;

/// Where the live bytes lie in the control page, for those who have them cleared when a process dies.
pub(crate) const CLIENT_LIVE: usize = offset_of!(ControlPage, cli_live);
pub(crate) const SERVER_LIVE: usize = offset_of!(ControlPage, srv_live);

/// The client's live byte before it has come.
const LIVE_WAITING: u8 = 2;
const LIVE: u8 = 1;
const GONE: u8 = 0;

/// Smallest ring: the control page's second KiB. The next, of order 11, is the page's second half.
const SMALL: u16 = 10;
/// Order of a ring of one page.
const PAGE: u16 = 12;
/// libxenvchan's largest ring: 256 pages, so that the references of both still fit the control page.
const LARGEST: u16 = 20;

/// How a peer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// A client that has not come yet.
    Awaited,
    /// It is there.
    Here,
    /// It has closed its end.
    Gone,
}

impl Presence {
    fn of(live: u8) -> Self {
        match live {
            GONE => Self::Gone,
            LIVE_WAITING => Self::Awaited,
            // As libxenvchan has it: whatever is not 0.
            _ => Self::Here,
        }
    }
}

/// Which end of the link this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Made the rings; reads left, writes right.
    Server,
    /// Joined them; reads right, writes left.
    Client,
}

/// The size of one ring: 2^n bytes, n being 10, 11 (both within the control page) or from 12 to 20.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Order(u16);

impl Order {
    /// A ring of one page.
    pub const ONE_PAGE: Self = Self(PAGE);

    /// `None` unless `order` is from 10 to 20.
    #[must_use]
    pub const fn new(order: u16) -> Option<Self> {
        if SMALL <= order && order <= LARGEST { Some(Self(order)) } else { None }
    }

    /// Bytes of the ring.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        1 << self.0
    }

    /// Pages besides the control page.
    #[must_use]
    pub const fn pages(self) -> usize {
        if self.0 < PAGE { 0 } else { 1 << (self.0 - PAGE) }
    }

    /// Where in its memory the ring starts: it shares the control page or has pages of its own.
    const fn start(self) -> usize {
        if self.0 < PAGE { 1 << self.0 } else { 0 }
    }
}

/// The sizes of both rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    left: Order,
    right: Order,
}

impl Layout {
    /// Rings of one page each: the sizes that the GUI of Qubes asks for.
    pub const ONE_PAGE_EACH: Self = Self { left: Order::ONE_PAGE, right: Order::ONE_PAGE };

    /// # Errors
    ///
    /// [`RingError::Orders`] for two rings that would lie in the same place: both of order 10, both of order
    /// 11, or one of order 10 where the references of a ring of order 20 run into it.
    pub fn new(left: Order, right: Order) -> Result<Self, RingError> {
        let references = offset_of!(ControlPage, grants) + size_of::<u32>() * (left.pages() + right.pages());
        let in_page = |order: Order| order.pages() == 0;
        let clash = in_page(left) && left == right;
        let overrun = [left, right].into_iter().any(|order| in_page(order) && order.start() < references);
        if clash || overrun { Err(RingError::Orders(left.0, right.0)) } else { Ok(Self { left, right }) }
    }

    /// The layout the server has written into its control page. Looked at once; the copy is what counts from
    /// then on.
    ///
    /// # Errors
    ///
    /// [`RingError::Orders`].
    pub fn of(control: &Pages) -> Result<Self, RingError> {
        let mut orders = [0; 4];
        control.copy_out(offset_of!(ControlPage, left_order), &mut orders)?;
        let [l0, l1, r0, r1] = orders;
        let (left, right) = (u16::from_ne_bytes([l0, l1]), u16::from_ne_bytes([r0, r1]));
        match (Order::new(left), Order::new(right)) {
            (Some(left), Some(right)) => Self::new(left, right),
            _ => Err(RingError::Orders(left, right)),
        }
    }

    /// The references under which a server says that the pages of the left ring and those of the right lie. Looked
    /// at once.
    ///
    /// # Errors
    ///
    /// None on a whole page.
    pub fn references(self, control: &Pages) -> Result<(Vec<GrantRef>, Vec<GrantRef>), OutOfBounds> {
        let mut bytes = vec![0; size_of::<u32>() * (self.pages() - 1)];
        control.copy_out(offset_of!(ControlPage, grants), &mut bytes)?;
        let mut refs = bytes.as_chunks().0.iter().map(|reference| GrantRef(u32::from_ne_bytes(*reference)));
        Ok((refs.by_ref().take(self.left.pages()).collect(), refs.collect()))
    }

    /// The ring from client to server.
    #[must_use]
    pub const fn left(self) -> Order {
        self.left
    }

    /// The ring from server to client.
    #[must_use]
    pub const fn right(self) -> Order {
        self.right
    }

    /// Pages of the control page and both rings together: at most 513.
    #[must_use]
    pub const fn pages(self) -> usize {
        1 + self.left.pages() + self.right.pages()
    }
}

/// Where the bytes of a ring of order 12 and up lie. A ring we only read may be mapped read-only.
#[derive(Clone, Debug)]
pub enum RingPages {
    /// In the control page: orders 10 and 11.
    Control,
    /// In pages of its own.
    Writable(Arc<Pages>),
    /// In pages of the peer's, to be read only.
    ReadOnly(Arc<ImportedPages>),
}

/// Why a ring cannot be used, or not any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// The two sizes do not go together, or one is out of range.
    #[error("rings of order {0} and {1} cannot be laid out: from 10 to 20, not in the same place")]
    Orders(u16, u16),
    /// The memory given for a ring is not what its order needs.
    #[error("a ring of {0} bytes does not lie in the memory given for it")]
    Memory(u32),
    /// The peer's index claims more bytes than the ring holds.
    #[error("the peer's index claims {claimed} bytes in a ring of {size}")]
    ImpossibleIndex {
        /// Bytes between the two indices.
        claimed: u32,
        /// Bytes of the ring.
        size: u32,
    },
    /// Memory shorter than a control page.
    #[error(transparent)]
    OutOfBounds(#[from] OutOfBounds),
}

/// What an operation did.
#[must_use = "the peer sleeps until it is notified"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Bytes read or written. 0 from `read`: empty; less than all from `write`: full. A notification will
    /// come.
    pub bytes: usize,
    /// The peer has asked to be notified of this.
    pub notify: bool,
}

/// One end of a pair of rings.
#[derive(Debug)]
pub struct Ring {
    control: Arc<Pages>,
    incoming: Half,
    outgoing: Half,
    own_live: usize,
    peer_live: usize,
    /// The byte in which the peer asks us.
    own_notify: usize,
    /// The byte in which we ask the peer.
    peer_notify: usize,
}

/// One of the two byte rings, seen from this end.
#[derive(Debug)]
struct Half {
    memory: RingPages,
    start: usize,
    size: u32,
    /// Bytes this end has ever moved through the ring, modulo 2^32: the truth of which the page holds a copy.
    index: u32,
    own_index: usize,
    peer_index: usize,
}

impl Ring {
    /// Makes a server's end: clears and fills the control page. `grants` are the references under which the
    /// client finds the pages of left, then right; a transport with other means leaves them out.
    ///
    /// # Errors
    ///
    /// [`RingError::Memory`] where the pages are not those of the layout.
    pub fn serve(
        layout: Layout,
        control: Arc<Pages>,
        left: RingPages,
        right: RingPages,
        grants: &[GrantRef],
    ) -> Result<Self, RingError> {
        let ring = Self::new(Role::Server, layout, control, left, right)?;
        let page = &ring.control;
        page.copy_in(0, &[0; PAGE_SIZE])?;
        for (reference, at) in
            grants.iter().take(layout.pages() - 1).zip((offset_of!(ControlPage, grants)..).step_by(4))
        {
            page.copy_in(at, &reference.0.to_ne_bytes())?;
        }
        page.copy_in(offset_of!(ControlPage, left_order), &layout.left.0.to_ne_bytes())?;
        page.copy_in(offset_of!(ControlPage, right_order), &layout.right.0.to_ne_bytes())?;
        page.store_u8(ring.peer_live, LIVE_WAITING)?;
        page.store_u8(ring.peer_notify, NOTIFY_WRITE)?;
        page.store_u8(ring.own_live, LIVE)?;
        Ok(ring)
    }

    /// Makes a client's end and says that it is there. The server waits for a notification of that.
    ///
    /// # Errors
    ///
    /// [`RingError::Memory`] where the pages are not those of the layout.
    pub fn join(
        layout: Layout,
        control: Arc<Pages>,
        left: RingPages,
        right: RingPages,
    ) -> Result<Self, RingError> {
        let ring = Self::new(Role::Client, layout, control, left, right)?;
        ring.control.store_u8(ring.own_live, LIVE)?;
        ring.control.set_bits(ring.peer_notify, NOTIFY_WRITE)?;
        Ok(ring)
    }

    fn new(
        role: Role,
        layout: Layout,
        control: Arc<Pages>,
        left: RingPages,
        right: RingPages,
    ) -> Result<Self, RingError> {
        // (index of consumed bytes, index of produced bytes)
        let left_at = (offset_of!(ControlPage, left.cons), offset_of!(ControlPage, left.prod));
        let right_at = (offset_of!(ControlPage, right.cons), offset_of!(ControlPage, right.prod));
        let client = (offset_of!(ControlPage, cli_live), offset_of!(ControlPage, cli_notify));
        let server = (offset_of!(ControlPage, srv_live), offset_of!(ControlPage, srv_notify));
        let (incoming, outgoing, own, peer) = match role {
            Role::Server => ((layout.left, left, left_at), (layout.right, right, right_at), server, client),
            Role::Client => ((layout.right, right, right_at), (layout.left, left, left_at), client, server),
        };
        let (order, memory, (cons, prod)) = incoming;
        let incoming = Half::new(order, memory, cons, prod)?;
        let (order, memory, (cons, prod)) = outgoing;
        if matches!(memory, RingPages::ReadOnly(_)) {
            return Err(RingError::Memory(order.bytes()));
        }
        let outgoing = Half::new(order, memory, prod, cons)?;
        let ((own_live, own_notify), (peer_live, peer_notify)) = (own, peer);
        Ok(Self { control, incoming, outgoing, own_live, peer_live, own_notify, peer_notify })
    }

    /// Takes up to `into.len()` bytes.
    ///
    /// # Errors
    ///
    /// [`RingError::ImpossibleIndex`].
    pub fn read(&mut self, into: &mut [u8]) -> Result<Moved, RingError> {
        let bytes = self.readable()?.min(into.len());
        let Some(into) = into.get_mut(..bytes).filter(|into| !into.is_empty()) else {
            return Ok(Moved { bytes: 0, notify: false });
        };
        let (first, second) = into.split_at_mut(self.incoming.until_end(bytes));
        self.incoming.copy_out(&self.control, self.incoming.position(), first)?;
        self.incoming.copy_out(&self.control, 0, second)?;
        self.incoming.publish(&self.control, bytes)?;
        Ok(Moved { bytes, notify: self.peer_asked(NOTIFY_READ)? })
    }

    /// Adds as many of `bytes` as there is room for.
    ///
    /// # Errors
    ///
    /// [`RingError::ImpossibleIndex`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<Moved, RingError> {
        let room = self.writable(bytes.len())?.min(bytes.len());
        let Some(bytes) = bytes.get(..room).filter(|bytes| !bytes.is_empty()) else {
            return Ok(Moved { bytes: 0, notify: false });
        };
        let (first, second) = bytes.split_at(self.outgoing.until_end(room));
        self.outgoing.copy_in(&self.control, self.outgoing.position(), first)?;
        self.outgoing.copy_in(&self.control, 0, second)?;
        self.outgoing.publish(&self.control, room)?;
        Ok(Moved { bytes: room, notify: self.peer_asked(NOTIFY_WRITE)? })
    }

    /// Bytes that can be read. Where there are none, the peer is asked to notify us of its next write.
    ///
    /// # Errors
    ///
    /// [`RingError::ImpossibleIndex`].
    pub fn readable(&self) -> Result<usize, RingError> {
        let ready = self.incoming.ready(&self.control)?;
        if ready > 0 {
            return Ok(ready);
        }
        self.ask(NOTIFY_WRITE)?;
        self.incoming.ready(&self.control)
    }

    /// Bytes that can be written. Where they are fewer than `wanted`, the peer is asked to notify us of its
    /// next read.
    ///
    /// # Errors
    ///
    /// [`RingError::ImpossibleIndex`].
    pub fn writable(&self, wanted: usize) -> Result<usize, RingError> {
        let room = self.outgoing.room(&self.control)?;
        if room >= wanted {
            return Ok(room);
        }
        self.ask(NOTIFY_READ)?;
        self.outgoing.room(&self.control)
    }

    /// Whether the peer has not closed its end; a client that has not come yet counts. What it wrote before
    /// can still be read: look here first, then read.
    ///
    /// # Errors
    ///
    /// None on a ring that could be made.
    pub fn peer_open(&self) -> Result<bool, RingError> {
        Ok(self.peer()? != Presence::Gone)
    }

    /// How the peer stands.
    ///
    /// # Errors
    ///
    /// None on a ring that could be made.
    pub fn peer(&self) -> Result<Presence, RingError> {
        Ok(Presence::of(self.control.load_u8(self.peer_live)?))
    }

    fn ask(&self, bit: u8) -> Result<(), RingError> {
        self.control.set_bits(self.peer_notify, bit)?;
        // The index must be looked at again after the peer can see the bit, or both sides could go to sleep.
        fence(Ordering::SeqCst);
        Ok(())
    }

    fn peer_asked(&self, bit: u8) -> Result<bool, RingError> {
        // The counterpart of the fence in `ask`: our index must be visible before we look for the bit.
        fence(Ordering::SeqCst);
        Ok(self.control.take_bits(self.own_notify, bit)? != 0)
    }
}

/// Whether a server offers these rings to a client that has yet to come, and not to one that has come and gone.
///
/// # Errors
///
/// None on a whole page.
pub fn awaits_client(control: &Pages) -> Result<bool, OutOfBounds> {
    let server = Presence::of(control.load_u8(SERVER_LIVE)?);
    let client = Presence::of(control.load_u8(CLIENT_LIVE)?);
    Ok((server, client) == (Presence::Here, Presence::Awaited))
}

/// Tells the peer that this end is closed; it must be notified of that.
impl Drop for Ring {
    fn drop(&mut self) {
        // The byte lies within the page: `serve` and `join` have written it before.
        let _infallible = self.control.store_u8(self.own_live, GONE);
    }
}

impl Half {
    fn new(order: Order, memory: RingPages, own_index: usize, peer_index: usize) -> Result<Self, RingError> {
        let size = order.bytes();
        let fits = match &memory {
            RingPages::Control => order.pages() == 0,
            RingPages::Writable(pages) => order.pages() > 0 && pages.len() == order.pages() * PAGE_SIZE,
            RingPages::ReadOnly(pages) => order.pages() > 0 && pages.len() == order.pages() * PAGE_SIZE,
        };
        if !fits {
            return Err(RingError::Memory(size));
        }
        Ok(Self { memory, start: order.start(), size, index: 0, own_index, peer_index })
    }

    /// Of an incoming ring: bytes the peer has produced and we have not consumed.
    fn ready(&self, control: &Pages) -> Result<usize, RingError> {
        // Acquire: the bytes must not be read before the index that promises them.
        let produced = control.load_u32(self.peer_index, Ordering::Acquire)?;
        self.checked(produced.wrapping_sub(self.index))
    }

    /// Of an outgoing ring: bytes that can be produced before the peer must consume.
    fn room(&self, control: &Pages) -> Result<usize, RingError> {
        // Acquire: bytes must not be overwritten before the index that gives them up.
        let consumed = control.load_u32(self.peer_index, Ordering::Acquire)?;
        let used = self.checked(self.index.wrapping_sub(consumed))?;
        Ok((self.size as usize).saturating_sub(used))
    }

    fn checked(&self, claimed: u32) -> Result<usize, RingError> {
        if claimed > self.size {
            return Err(RingError::ImpossibleIndex { claimed, size: self.size });
        }
        Ok(claimed as usize)
    }

    fn position(&self) -> usize {
        (self.index & (self.size - 1)) as usize
    }

    /// How many of `bytes` bytes lie before the end of the ring, the rest being at its start.
    fn until_end(&self, bytes: usize) -> usize {
        (self.size as usize).saturating_sub(self.position()).min(bytes)
    }

    fn copy_out(&self, control: &Pages, position: usize, into: &mut [u8]) -> Result<(), OutOfBounds> {
        let at = self.start + position;
        match &self.memory {
            RingPages::Control => control.copy_out(at, into),
            RingPages::Writable(pages) => pages.copy_out(at, into),
            RingPages::ReadOnly(pages) => pages.copy_out(at, into),
        }
    }

    fn copy_in(&self, control: &Pages, position: usize, bytes: &[u8]) -> Result<(), RingError> {
        let at = self.start + position;
        match &self.memory {
            RingPages::Control => Ok(control.copy_in(at, bytes)?),
            RingPages::Writable(pages) => Ok(pages.copy_in(at, bytes)?),
            RingPages::ReadOnly(_) => Err(RingError::Memory(self.size)),
        }
    }

    /// Advances our index, in private and in the page.
    fn publish(&mut self, control: &Pages, bytes: usize) -> Result<(), OutOfBounds> {
        // `bytes` is at most the ring's size, so the cast keeps it.
        self.index = self.index.wrapping_add(bytes as u32);
        // Release: the bytes must be in place, or have been taken, before the peer learns of it.
        control.store_u32(self.own_index, self.index, Ordering::Release)
    }
}

#[cfg(test)]
mod tests;
