//! Pages this domain shares with one peer.
//!
//! Invariants: references of live exports are distinct; a peer is told of every live export exactly once per
//! link, and of the end of every export it was told of. What the peer does not take at once is queued. The
//! queue is bounded by itself: it holds what lives (at most [`MAX_GRANTS`]) and the ends of what the peer was
//! told of (as many again), because an export that ends before the peer was told of it leaves the queue
//! without a trace.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::net::{Shutdown, shutdown};

use crate::export::{self, MAX_EXPORT_PAGES};
use crate::poll::{Interest, Source};
use crate::software::grants::{self, Datagram, GrantError, MAX_GRANTS, MAX_PAGES, Received};
use crate::software::import::overlaps;
use crate::software::memfd;
use crate::{Export, ExportError, GrantRef, Pages};

/// The lowest reference in use: Xen reserves those below.
const FIRST_REF: u32 = 8;

/// Datagrams taken from a client before others have their turn: it only has notifications to send.
const MAX_RECEIVED: usize = 64;

/// Shares pages with the peer of one server. A handle: clones export to the same peer. A new client is told of all
/// that live, before any byte of the new link.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exporter(Arc<Mutex<State>>);

/// Pages in an export, which is revoked on drop.
#[derive(Debug)]
pub(crate) struct Share {
    pages: Arc<Pages>,
    refs: Vec<GrantRef>,
    first: u32,
    exporter: Exporter,
}

#[derive(Debug, Default)]
struct State {
    grants: BTreeMap<u32, Grant>,
    pages: usize,
    /// Where the search for free references starts, so that they are not used again soon.
    next: u32,
    link: Option<Link>,
}

#[derive(Debug)]
struct Grant {
    pages: u32,
    file: OwnedFd,
}

/// The grant socket of a connected peer.
#[derive(Debug)]
struct Link {
    socket: Source,
    queue: VecDeque<Queued>,
}

#[derive(Debug)]
enum Queued {
    Ring {
        pages: u32,
        file: OwnedFd,
    },
    /// The grant of this first reference.
    Share(u32),
    Revoke {
        first: u32,
        pages: u32,
    },
}

/// What came over a grant socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// There is no grant socket.
    Absent,
    Open,
    Closed,
}

impl Exporter {
    /// Allocates `pages` zeroed pages and shares them, at once if a peer is connected.
    pub(crate) fn export(&self, pages: usize) -> Result<Export, ExportError> {
        let count = u32::try_from(pages).ok().filter(|count| (1..=MAX_EXPORT_PAGES).contains(count));
        let count = count.ok_or(ExportError::Size(pages))?;
        let exhausted = || ExportError::Exhausted { grants: MAX_GRANTS, pages: MAX_PAGES };
        let mut state = self.state();
        if state.grants.len() >= MAX_GRANTS || state.pages.saturating_add(pages) > MAX_PAGES {
            return Err(exhausted());
        }
        let first = state.free_refs(count).ok_or_else(exhausted)?;
        let file = memfd::create(pages)?;
        let mapping = Arc::new(Pages::of_file(file.as_fd(), 0, pages)?);
        state.grants.insert(first, Grant { pages: count, file });
        state.pages = state.pages.saturating_add(pages);
        state.next = first.saturating_add(count);
        state.queue(Queued::Share(first));
        let refs = (0..count).map(|page| GrantRef(first.saturating_add(page))).collect();
        Ok(Export(export::Share::Software(Share { pages: mapping, refs, first, exporter: self.clone() })))
    }

    /// Takes a peer's grant socket in place of the one there was, and tells it of the ring and of all that is
    /// shared.
    pub(crate) fn attach(&self, socket: Source, ring: Option<(OwnedFd, u32)>) {
        let mut state = self.state();
        let ring = ring.into_iter().map(|(file, pages)| Queued::Ring { pages, file });
        let queue = ring.chain(state.grants.keys().map(|first| Queued::Share(*first))).collect();
        state.link = Some(Link { socket, queue });
        state.flush();
    }

    pub(crate) fn detach(&self) {
        self.state().link = None;
    }

    pub(crate) fn has_peer(&self) -> bool {
        self.state().link.is_some()
    }

    /// Whether the peer has yet to be told of something.
    pub(crate) fn is_behind(&self) -> bool {
        self.state().link.as_ref().is_some_and(|link| !link.queue.is_empty())
    }

    pub(crate) fn notify(&self) -> io::Result<()> {
        self.state().link.as_ref().map_or(Ok(()), |link| grants::notify(&link.socket))
    }

    /// Sends what the peer has room for and takes what it sent, which can only be notifications.
    pub(crate) fn exchange(&self) -> Result<Peer, GrantError> {
        let mut state = self.state();
        state.flush();
        let Some(link) = &state.link else { return Ok(Peer::Absent) };
        for _ in 0..MAX_RECEIVED {
            match grants::receive(link.socket.as_fd())? {
                Received::Nothing => break,
                Received::Closed => return Ok(Peer::Closed),
                Received::Datagram(Datagram::Notify, _) => {}
                Received::Datagram(other, _) => return Err(other.misplaced()),
            }
        }
        Ok(Peer::Open)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held, so the state is sound whatever a poisoned lock says.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    pub(crate) fn pages(&self) -> &Arc<Pages> {
        &self.pages
    }

    pub(crate) fn refs(&self) -> &[GrantRef] {
        &self.refs
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.exporter.state().revoke(self.first);
    }
}

impl State {
    /// References for `count` pages, the first of which is returned.
    fn free_refs(&self, count: u32) -> Option<u32> {
        let mut first = self.next.max(FIRST_REF);
        // Every step but those at the end of the numbers passes a live grant for good.
        for _ in 0..self.grants.len().saturating_add(3) {
            if first.checked_add(count.saturating_sub(1)).is_none() {
                first = FIRST_REF;
            }
            match overlaps(&self.grants, first, count, |grant| grant.pages) {
                None => return Some(first),
                Some((start, pages)) => first = start.checked_add(pages).unwrap_or(FIRST_REF),
            }
        }
        None
    }

    fn revoke(&mut self, first: u32) {
        let Some(Grant { pages, .. }) = self.grants.remove(&first) else { return };
        self.pages = self.pages.saturating_sub(pages as usize);
        let Some(link) = &mut self.link else { return };
        match link.queue.iter().position(|queued| matches!(queued, Queued::Share(share) if *share == first)) {
            Some(untold) => drop(link.queue.remove(untold)),
            None => self.queue(Queued::Revoke { first, pages }),
        }
    }

    fn queue(&mut self, datagram: Queued) {
        if let Some(link) = &mut self.link {
            link.queue.push_back(datagram);
            self.flush();
        }
    }

    /// Sends until the queue is empty or the peer has no room, and waits for room if so.
    fn flush(&mut self) {
        let Some(link) = &mut self.link else { return };
        let result = link.send(&self.grants).and_then(|()| {
            let behind = !link.queue.is_empty();
            link.socket.watch_for(Interest::OUT, behind)
        });
        if result.is_err() {
            // The peer would miss a grant: better that both sides find the socket closed.
            link.queue.clear();
            let _gone_already = shutdown(&link.socket, Shutdown::Both);
        }
    }
}

impl Link {
    fn send(&mut self, live: &BTreeMap<u32, Grant>) -> io::Result<()> {
        while let Some(queued) = self.queue.front() {
            let (datagram, file) = match queued {
                Queued::Ring { pages, file } => (Datagram::Ring { pages: *pages }, Some(file)),
                Queued::Revoke { first, pages } => (Datagram::Revoke { first: *first, pages: *pages }, None),
                Queued::Share(first) => {
                    let Grant { pages, file } = live.get(first).ok_or(io::ErrorKind::NotFound)?;
                    (Datagram::Share { first: *first, pages: *pages }, Some(file))
                }
            };
            if !grants::send(self.socket.as_fd(), datagram, file.map(OwnedFd::as_fd))? {
                break;
            }
            self.queue.pop_front();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
