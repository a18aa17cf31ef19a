//! The vchan ring.

/// Why a ring cannot be used, or not any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// The peer's index claims more bytes than the ring holds.
    #[error("the peer's index claims {claimed} bytes in a ring of {size}")]
    ImpossibleIndex {
        /// Bytes between the two indices.
        claimed: u32,
        /// Bytes of the ring.
        size: u32,
    },
}
