//! Copies to and from memory that another process may write at any moment.
//!
//! Volatile accesses, so that the compiler neither repeats nor drops nor merges one; word by word, which at
//! frame size costs what `memcpy` costs. The shared side is aligned first and accessed in whole words; the
//! private side is an ordinary slice.

const WORD: usize = size_of::<u64>();

/// Copies `from` to the shared memory at `to`.
///
/// # Safety
///
/// `from.len()` bytes at `to` must be mapped writable for the duration of the call, and no Rust reference to
/// them may exist.
pub(crate) unsafe fn copy_in(to: *mut u8, from: &[u8]) {
    let (head, rest) = from.split_at(to.align_offset(WORD).min(from.len()));
    let (words, tail) = rest.as_chunks::<WORD>();
    let mut to = to;
    for byte in head {
        // SAFETY: `to` has advanced by fewer than `from.len()` bytes, so the caller's promise covers this
        // one.
        unsafe {
            to.write_volatile(*byte);
            to = to.add(1);
        }
    }
    for word in words {
        // SAFETY: as above for these eight bytes; `head` was chosen so that `to` is aligned to a word from
        // here on.
        unsafe {
            to.cast::<u64>().write_volatile(u64::from_ne_bytes(*word));
            to = to.add(WORD);
        }
    }
    for byte in tail {
        // SAFETY: as for `head`.
        unsafe {
            to.write_volatile(*byte);
            to = to.add(1);
        }
    }
}

/// Copies the shared memory at `from` into `to`.
///
/// # Safety
///
/// `to.len()` bytes at `from` must be mapped readable for the duration of the call, and no Rust reference to
/// them may exist.
pub(crate) unsafe fn copy_out(from: *const u8, to: &mut [u8]) {
    let (head, rest) = to.split_at_mut(from.align_offset(WORD).min(to.len()));
    let (words, tail) = rest.as_chunks_mut::<WORD>();
    let mut from = from;
    for byte in head {
        // SAFETY: `from` has advanced by fewer than `to.len()` bytes, so the caller's promise covers this
        // one.
        unsafe {
            *byte = from.read_volatile();
            from = from.add(1);
        }
    }
    for word in words {
        // SAFETY: as above for these eight bytes; `head` was chosen so that `from` is aligned to a word from
        // here on.
        unsafe {
            *word = from.cast::<u64>().read_volatile().to_ne_bytes();
            from = from.add(WORD);
        }
    }
    for byte in tail {
        // SAFETY: as for `head`.
        unsafe {
            *byte = from.read_volatile();
            from = from.add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alignment_and_length_is_copied_exactly() {
        let source: Vec<u8> = (0..64).collect();
        for start in 0..16 {
            for len in 0..40 {
                let mut shared = vec![0xAAu8; 64];
                // SAFETY: `start + len` is at most 56, within the 64 bytes of a vector nobody else looks at.
                unsafe { copy_in(shared.as_mut_ptr().add(start), &source[..len]) };
                assert_eq!(&shared[start..start + len], &source[..len]);
                assert!(shared[..start].iter().chain(&shared[start + len..]).all(|byte| *byte == 0xAA));

                let mut back = vec![0u8; len];
                // SAFETY: as above.
                unsafe { copy_out(shared.as_ptr().add(start), &mut back) };
                assert_eq!(back, &source[..len]);
            }
        }
    }
}
