//! Pages a peer shares with this domain.

use std::io;

/// Why pages were not imported, or what the peer did wrong on the grant socket.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The system refused.
    #[error("{0}")]
    Io(#[from] io::Error),
}
