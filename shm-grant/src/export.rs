//! Pages this domain shares with one peer.

use std::io;
use std::sync::Arc;

use crate::{GrantRef, Pages};

/// Shares pages with the peer of one [`Server`](crate::Server). A handle: clones export to the same peer, and exports
/// outlive links: every new client gets all that live, before any byte of the new link.
#[derive(Clone, Debug)]
pub struct Exporter(());

impl Exporter {
    /// Allocates `pages` zeroed pages and shares them, at once if a peer is connected.
    ///
    /// # Errors
    ///
    /// [`ExportError`].
    pub fn export(&self, _pages: usize) -> Result<Export, ExportError> {
        unimplemented!()
    }
}

/// Pages that the peer may map. Dropping it revokes them; a peer that has them mapped keeps its mapping.
#[derive(Debug)]
pub struct Export {
    pages: Arc<Pages>,
    refs: Vec<GrantRef>,
}

impl Export {
    /// The pages, to draw into.
    #[must_use]
    pub fn pages(&self) -> &Arc<Pages> {
        &self.pages
    }

    /// One reference for each page, in order.
    #[must_use]
    pub fn refs(&self) -> &[GrantRef] {
        &self.refs
    }
}

/// Why pages cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Nothing, or more than one buffer can have.
    #[error("{0} pages are not exported at once")]
    Size(usize),
    /// This peer has as many grants or pages as one may have.
    #[error("the peer has as many grants as it may have")]
    Exhausted,
    /// The system refused.
    #[error("{0}")]
    Io(#[from] io::Error),
}
