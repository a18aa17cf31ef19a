//! The ring in a memory file: the control page, then the pages of left, then those of right.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use crate::ring::{Layout, Order, Ring, RingPages};
use crate::software::{GrantError, memfd};
use crate::{ImportedPages, LinkError, Pages};

/// Makes the rings in a new file. Returns the file's number of pages with it.
pub(crate) fn serve(layout: Layout) -> io::Result<(Ring, OwnedFd, u32)> {
    let file = memfd::create(layout.pages())?;
    let control = Arc::new(Pages::of_file(file.as_fd(), 0, 1)?);
    let left = writable(file.as_fd(), layout.left(), 1)?;
    let right = writable(file.as_fd(), layout.right(), 1 + layout.left().pages())?;
    let ring = Ring::serve(layout, control, left, right, &[]).map_err(io::Error::other)?;
    let pages = u32::try_from(layout.pages()).map_err(io::Error::other)?;
    Ok((ring, file, pages))
}

/// Joins the rings in a server's file, which was checked to have `pages` pages.
pub(crate) fn join(file: &OwnedFd, pages: u32) -> Result<Ring, LinkError> {
    let control = Arc::new(Pages::of_file(file.as_fd(), 0, 1)?);
    let layout = Layout::of(&control)?;
    if layout.pages() != pages as usize {
        return Err(GrantError::RingSize(layout.pages()).into());
    }
    let left = writable(file.as_fd(), layout.left(), 1)?;
    let right = match layout.right().pages() {
        0 => RingPages::Control,
        n => {
            RingPages::ReadOnly(Arc::new(ImportedPages::of_file(file.as_fd(), 1 + layout.left().pages(), n)?))
        }
    };
    Ok(Ring::join(layout, control, left, right)?)
}

fn writable(file: BorrowedFd<'_>, order: Order, first: usize) -> io::Result<RingPages> {
    Ok(match order.pages() {
        0 => RingPages::Control,
        pages => RingPages::Writable(Arc::new(Pages::of_file(file, first, pages)?)),
    })
}
