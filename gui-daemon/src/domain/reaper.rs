//! Unmaps shared pages away from the event loop.
//!
//! Taking down the mapping of a large window costs more than drawing a small update, and a domain decides how large and
//! how often. A thread of its own does it; the event loop only hands the mapping over.

use std::{
    io,
    sync::{Arc, mpsc},
    thread,
};

use shm_grant::ImportedPages;

/// Hands mappings to the thread that drops them.
#[derive(Debug, Clone)]
pub struct Reaper(mpsc::Sender<Arc<ImportedPages>>);

impl Reaper {
    /// Starts the thread. It ends when the last handle is dropped.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start() -> io::Result<Self> {
        let (sender, mappings) = mpsc::channel();
        thread::Builder::new().name("unmap".into()).spawn(move || mappings.into_iter().for_each(drop))?;
        Ok(Self(sender))
    }

    /// Drops a mapping, later and elsewhere. The caller's is the last use of it.
    pub fn retire(&self, pages: Arc<ImportedPages>) {
        // Without the thread the mapping is dropped here, with the error that carries it.
        drop(self.0.send(pages));
    }
}
