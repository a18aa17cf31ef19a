//! What can go wrong with the pages of a peer, whatever carries them.

use std::io;

use crate::export::MAX_EXPORT_PAGES;
use crate::xen::MapError;
use crate::{GrantError, GrantRef, PAGE_SIZE};

/// Why pages were not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// No references, more than a buffer can have, or too few for the bytes that will be used.
    #[error("{refs} references for {bytes} bytes")]
    Size {
        /// Number of references.
        refs: usize,
        /// Bytes that will be used.
        bytes: usize,
    },
    /// Nothing is shared under this reference.
    #[error("nothing is shared under reference {}", .0.0)]
    NotShared(GrantRef),
    /// There is no peer, or it has no grant socket.
    #[error("the peer shares nothing")]
    NoGrants,
    /// The references are scattered over more pieces than are mapped at once.
    #[error("the references lie in more than {0} separate pieces")]
    Scattered(usize),
    /// The peer broke the rules of the grant socket.
    #[error(transparent)]
    Grants(#[from] GrantError),
    /// Xen or its driver refused.
    #[error(transparent)]
    Map(#[from] MapError),
    /// The system refused.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Bytes of the pages behind `refs`, of which `bytes` will be used.
pub(crate) fn mapped_bytes(refs: &[GrantRef], bytes: usize) -> Result<usize, ImportError> {
    let len = refs.len().saturating_mul(PAGE_SIZE);
    if refs.is_empty() || refs.len() > MAX_EXPORT_PAGES as usize || bytes > len {
        return Err(ImportError::Size { refs: refs.len(), bytes });
    }
    Ok(len)
}
