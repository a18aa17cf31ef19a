//! Unmaps shared pages away from the event loop.
//!
//! Taking down the mapping of a large window costs more than drawing a small update, and a domain decides how large and
//! how often. A thread of its own does it; the event loop only hands the mapping over, and hears when it is gone.

use std::{
    io,
    sync::{Arc, mpsc},
    thread,
};

use gui_protocol::{BufferId, WindowId};
use shm_grant::ImportedPages;
use smithay::reexports::calloop::channel::{Channel, channel};

use super::DomainId;

/// Hands mappings to the thread that drops them.
#[derive(Debug, Clone)]
pub struct Reaper(mpsc::Sender<(Arc<ImportedPages>, Option<Removal>)>);

/// A buffer whose pages a domain wants back.
#[derive(Debug, Clone, Copy)]
pub struct Removal {
    /// Whose.
    pub domain: DomainId,
    /// Which of the domain's links it came by, counted.
    pub link: u64,
    /// The window it belonged to.
    pub window: WindowId,
    /// Its id there.
    pub buffer: BufferId,
}

impl Reaper {
    /// Starts the thread; the channel tells of each removal that is done. It ends when the last handle is dropped.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start() -> io::Result<(Self, Channel<Removal>)> {
        let (sender, mappings) = mpsc::channel::<(Arc<ImportedPages>, Option<Removal>)>();
        let (done, removals) = channel();
        thread::Builder::new().name("unmap".into()).spawn(move || {
            for (pages, removal) in mappings {
                drop(pages);
                if removal.is_some_and(|removal| done.send(removal).is_err()) {
                    break;
                }
            }
        })?;
        Ok((Self(sender), removals))
    }

    /// Drops a mapping, later and elsewhere, and then tells of the removal. The caller's is the last use of it.
    pub fn retire(&self, pages: Arc<ImportedPages>, removal: Option<Removal>) {
        // Without the thread the mapping is dropped here, with the error that carries it.
        drop(self.0.send((pages, removal)));
    }
}
