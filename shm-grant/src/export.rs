//! Pages this domain shares with one peer, whatever carries them.

use std::io;
use std::sync::Arc;

use crate::{GrantRef, Pages, software, xen};

/// Pages in one export: the largest buffer of the Qubes GUI protocol, 16384 x 6144 pixels of 4 bytes.
pub(crate) const MAX_EXPORT_PAGES: u32 = 98_304;

/// Shares pages with the peer of one [`Server`](crate::Server). A handle: clones export to the same peer.
/// Exports outlive links: the references hold for a peer that comes later as well. The default exporter has no server,
/// and so no peer.
#[derive(Clone, Debug)]
pub struct Exporter(pub(crate) Means);

/// What shares the pages.
#[derive(Clone, Debug)]
pub(crate) enum Means {
    Software(software::Exporter),
    Xen(xen::Exporter),
}

/// Pages that the peer may map. Dropping it revokes them; a peer that has them mapped keeps its mapping, and
/// whoever has a clone of the pages keeps this side's.
#[derive(Debug)]
pub struct Export(pub(crate) Share);

/// What revokes the pages when it goes.
#[derive(Debug)]
pub(crate) enum Share {
    Software(software::Share),
    Xen(xen::GrantedPages),
}

/// Why pages cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// No pages, or more than a buffer can have.
    #[error("{0} pages are not exported at once: from 1 to {MAX_EXPORT_PAGES}")]
    Size(usize),
    /// This peer has as many grants, or pages in grants, as one may have.
    #[error("the peer has as many grants ({grants}) or pages in grants ({pages}) as it may have")]
    Exhausted {
        /// Grants one peer may have.
        grants: usize,
        /// Pages one peer may have in grants.
        pages: usize,
    },
    /// Xen or its driver refused; also where the domain has no grants left.
    #[error(transparent)]
    Allocate(#[from] xen::AllocateError),
    /// The system refused.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Exporter {
    /// Allocates `pages` zeroed pages and shares them, at once if a peer is connected.
    ///
    /// # Errors
    ///
    /// [`ExportError`].
    pub fn export(&self, pages: usize) -> Result<Export, ExportError> {
        match &self.0 {
            Means::Software(exporter) => exporter.export(pages),
            Means::Xen(exporter) => exporter.export(pages),
        }
    }
}

impl Default for Exporter {
    fn default() -> Self {
        Self(Means::Software(software::Exporter::default()))
    }
}

impl Export {
    /// The pages, to draw into.
    #[must_use]
    pub fn pages(&self) -> &Arc<Pages> {
        match &self.0 {
            Share::Software(share) => share.pages(),
            Share::Xen(pages) => pages.pages(),
        }
    }

    /// One reference for each page, in order.
    #[must_use]
    pub fn refs(&self) -> &[GrantRef] {
        match &self.0 {
            Share::Software(share) => share.refs(),
            Share::Xen(pages) => pages.refs(),
        }
    }
}
