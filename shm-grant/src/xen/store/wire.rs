//! Messages to and from xenstored: a header of four words and at most [`MAX_PAYLOAD`] bytes.
//!
//! Xenstored is part of the trusted side, yet nothing it says is believed to be well-formed: a length is checked before
//! anything is kept for it, and a message that cannot be is an error that ends the connection.

use std::str;

use super::StoreError;

/// Bytes of a header: four words in the byte order of the machine. Source: `io/xs_wire.h`, `struct xsd_sockmsg`.
pub(super) const HEADER: usize = 16;

/// Most bytes after a header, in both directions. Source: `io/xs_wire.h`, `XENSTORE_PAYLOAD_MAX`.
pub(super) const MAX_PAYLOAD: usize = 4096;

/// Most bytes after the header of a request: the kernel's device takes a header and its payload in one buffer of 4096.
pub(super) const MAX_REQUEST: usize = MAX_PAYLOAD - HEADER;

/// Kinds of message. Source: `io/xs_wire.h`, `enum xsd_sockmsg_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Kind {
    Directory = 1,
    Read = 2,
    GetPermissions = 3,
    Watch = 4,
    Unwatch = 5,
    TransactionStart = 6,
    TransactionEnd = 7,
    DomainPath = 10,
    Write = 11,
    Remove = 13,
    SetPermissions = 14,
    WatchEvent = 15,
    Error = 16,
    IsIntroduced = 17,
}

impl Kind {
    /// What a request of this kind is for, in the words of an error about it.
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Directory => "list",
            Self::Read => "read",
            Self::GetPermissions => "read the permissions of",
            Self::Watch => "watch",
            Self::Unwatch => "stop watching",
            Self::TransactionStart => "start",
            Self::TransactionEnd => "end",
            Self::DomainPath => "find domain",
            Self::Write => "write",
            Self::Remove => "remove",
            Self::SetPermissions => "set the permissions of",
            Self::IsIntroduced => "look for domain",
            // Only xenstored sends these.
            Self::WatchEvent | Self::Error => "answer",
        }
    }
}

/// A message with its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// As it came: that it is one of [`Kind`] is for the caller to see.
    pub(super) kind: u32,
    pub(super) request: u32,
    pub(super) payload: Vec<u8>,
}

/// A message to be sent.
///
/// # Errors
///
/// [`StoreError::TooLong`].
pub(super) fn encode(
    kind: Kind,
    request: u32,
    transaction: u32,
    payload: &[&[u8]],
) -> Result<Vec<u8>, StoreError> {
    let length = payload.iter().fold(0_usize, |sum, part| sum.saturating_add(part.len()));
    let word = u32::try_from(length).ok().filter(|_| length <= MAX_REQUEST);
    let word = word.ok_or(StoreError::TooLong { bytes: length })?;
    let mut message = Vec::with_capacity(HEADER.saturating_add(length));
    for word in [kind as u32, request, transaction, word] {
        message.extend(word.to_ne_bytes());
    }
    for part in payload {
        message.extend_from_slice(part);
    }
    Ok(message)
}

/// Makes messages of bytes that come in pieces.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    bytes: Vec<u8>,
}

impl Decoder {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message. Never holds more than one unfinished message and what was pushed after it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Malformed`]; nothing that follows can be made sense of.
    pub(super) fn next(&mut self) -> Result<Option<Message>, StoreError> {
        let Some((header, rest)) = self.bytes.split_first_chunk::<HEADER>() else { return Ok(None) };
        let (words, _) = header.as_chunks::<4>();
        let &[kind, request, _transaction, length] = words else {
            return Err(StoreError::Malformed("header"));
        };
        let length = usize::try_from(u32::from_ne_bytes(length)).unwrap_or(usize::MAX);
        if length > MAX_PAYLOAD {
            return Err(StoreError::Malformed("length"));
        }
        let Some(payload) = rest.get(..length) else { return Ok(None) };
        let message = Message {
            kind: u32::from_ne_bytes(kind),
            request: u32::from_ne_bytes(request),
            payload: payload.to_vec(),
        };
        self.bytes.drain(..HEADER.saturating_add(length));
        Ok(Some(message))
    }
}

/// The one string a payload is, with or without its NUL.
pub(super) fn string(payload: &[u8]) -> Result<&str, StoreError> {
    let text = payload.strip_suffix(&[0]).unwrap_or(payload);
    match str::from_utf8(text) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(StoreError::Malformed("string")),
    }
}

/// The strings a payload is, each ended by a NUL.
pub(super) fn strings(payload: &[u8]) -> Result<Vec<&str>, StoreError> {
    match payload.strip_suffix(&[0]) {
        None if payload.is_empty() => Ok(Vec::new()),
        None => Err(StoreError::Malformed("list")),
        Some(list) => {
            let strings = str::from_utf8(list).map_err(|_| StoreError::Malformed("list"))?;
            Ok(strings.split('\0').collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_has_its_published_form() {
        let message = encode(Kind::Write, 7, 9, &[b"data/x\0", b"val"]).unwrap();
        let words: Vec<u8> = [11_u32, 7, 9, 10].into_iter().flat_map(u32::to_ne_bytes).collect();
        assert_eq!(message, [&words, b"data/x\0val".as_slice()].concat());
    }

    #[test]
    fn a_request_fits_the_kernels_buffer() {
        let most = [0; MAX_REQUEST];
        assert_eq!(encode(Kind::Write, 0, 0, &[&most]).unwrap().len(), 4096);
        let error = encode(Kind::Write, 0, 0, &[&most, b"x"]).unwrap_err();
        assert!(matches!(error, StoreError::TooLong { bytes: 4081 }), "{error}");
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_it_is_waited_for() {
        for (length, refused) in [(4096_u32, false), (4097, true), (u32::MAX, true)] {
            let mut decoder = Decoder::default();
            decoder.push(&[2_u32, 1, 0, length].map(u32::to_ne_bytes).concat());
            assert_eq!(decoder.next().is_err(), refused, "{length}");
        }
    }

    #[test]
    fn lists_end_with_a_nul() {
        assert_eq!(strings(b"").unwrap(), [""; 0]);
        assert_eq!(strings(b"0\x007\0").unwrap(), ["0", "7"]);
        assert!(strings(b"0\x007").is_err());
        assert!(strings(b"\xff\0").is_err());
        assert_eq!(string(b"/local/domain/7\0").unwrap(), "/local/domain/7");
        assert_eq!(string(b"7").unwrap(), "7");
        assert!(string(b"7\x008\0").is_err());
    }

    proptest! {
        /// However messages are cut, the same come out.
        #[test]
        fn messages_survive_any_cut(
            messages in proptest::collection::vec((any::<u32>(), proptest::collection::vec(any::<u8>(), 0..60)), 1..8),
            cut in 1_usize..40,
        ) {
            let mut stream = Vec::new();
            for (id, payload) in &messages {
                stream.extend(encode(Kind::Read, *id, 1, &[payload]).unwrap());
            }
            let mut decoder = Decoder::default();
            let mut seen = Vec::new();
            for piece in stream.chunks(cut) {
                decoder.push(piece);
                while let Some(message) = decoder.next().unwrap() {
                    prop_assert_eq!(message.kind, Kind::Read as u32);
                    seen.push((message.request, message.payload));
                }
            }
            prop_assert_eq!(seen, messages);
        }

        /// Garbage is refused or waited on, and what is read as lists never fails otherwise.
        #[test]
        fn garbage_is_refused_or_waited_on(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut decoder = Decoder::default();
            decoder.push(&bytes);
            while let Ok(Some(message)) = decoder.next() {
                let _ = (string(&message.payload), strings(&message.payload));
            }
        }
    }
}
