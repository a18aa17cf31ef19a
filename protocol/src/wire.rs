//! Reading and writing the protocol's fields: little-endian, without padding.
//!
//! [`Field`] ties a Rust type to its place on the wire: how long it may be, how it is read and how it is written.
//! A message's length rule is the sum of its fields', so it cannot disagree with its layout.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use crate::limits::{CLIPBOARD_MAX, MAX_COMMIT_RECTS, MAX_OUTPUTS, MAX_REFS};
use crate::types::{BufferId, Fixed, GrantRef, Rect, WindowId};

/// Takes fields off a body, never past its end.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Reader<'a> {
        Reader(body)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>()?;
        self.0 = tail;
        Some(*head)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.0)
    }

    /// The bytes up to a NUL, which is taken too.
    pub(crate) fn until_nul(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let (head, tail) = self.0.split_at_checked(end)?;
        self.0 = tail.get(1..)?;
        Some(head)
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.0.is_empty()
    }

    /// All that is left as words, if it is whole words.
    fn words(&mut self) -> Option<impl Iterator<Item = u32> + use<'a>> {
        let (words, []) = self.rest().as_chunks::<4>() else { return None };
        Some(words.iter().map(|word| u32::from_le_bytes(*word)))
    }
}

/// Moves bytes from `input` to `buffer` until that holds `length`; tells whether it does.
pub(crate) fn fill(buffer: &mut Vec<u8>, length: usize, input: &mut &[u8]) -> bool {
    let missing = length.saturating_sub(buffer.len());
    let (head, tail) = input.split_at(missing.min(input.len()));
    buffer.extend_from_slice(head);
    *input = tail;
    buffer.len() >= length
}

/// A part of a message's body.
pub(crate) trait Field: Sized {
    /// Fewest bytes.
    const MIN: u32;
    /// Most bytes.
    const MAX: u32;
    /// Bytes by which the length may grow from the fewest to the most.
    const STEP: u32 = 1;
    /// Reads it; `None` if the body is too short.
    fn take(reader: &mut Reader<'_>) -> Option<Self>;
    /// Writes it.
    fn put(&self, out: &mut Vec<u8>);
}

impl Field for u32 {
    const MIN: u32 = 4;
    const MAX: u32 = 4;

    fn take(reader: &mut Reader<'_>) -> Option<u32> {
        reader.u32()
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
}

impl Field for i32 {
    const MIN: u32 = 4;
    const MAX: u32 = 4;

    fn take(reader: &mut Reader<'_>) -> Option<i32> {
        reader.array().map(i32::from_le_bytes)
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
}

/// The low half first.
impl Field for u64 {
    const MIN: u32 = 8;
    const MAX: u32 = 8;

    fn take(reader: &mut Reader<'_>) -> Option<u64> {
        reader.array().map(u64::from_le_bytes)
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
}

/// Numbers with a name.
macro_rules! newtypes {
    ($($name:ident($inner:ty)),*) => {$(
        impl Field for $name {
            const MIN: u32 = <$inner as Field>::MIN;
            const MAX: u32 = <$inner as Field>::MAX;

            fn take(reader: &mut Reader<'_>) -> Option<$name> {
                <$inner as Field>::take(reader).map($name)
            }

            fn put(&self, out: &mut Vec<u8>) {
                self.0.put(out);
            }
        }
    )*};
}

newtypes!(WindowId(u32), BufferId(u32), Fixed(i32));

impl Field for Rect {
    const MIN: u32 = 16;
    const MAX: u32 = 16;

    fn take(reader: &mut Reader<'_>) -> Option<Rect> {
        let (x, y) = (i32::take(reader)?, i32::take(reader)?);
        Some(Rect { x, y, width: reader.u32()?, height: reader.u32()? })
    }

    fn put(&self, out: &mut Vec<u8>) {
        self.x.put(out);
        self.y.put(out);
        self.width.put(out);
        self.height.put(out);
    }
}

/// The numbers of one output.
impl Field for [u32; OUTPUT_WORDS] {
    const MIN: u32 = 4 * OUTPUT_WORDS as u32;
    const MAX: u32 = Self::MIN;

    fn take(reader: &mut Reader<'_>) -> Option<Self> {
        let mut words = [0; OUTPUT_WORDS];
        for word in &mut words {
            *word = reader.u32()?;
        }
        Some(words)
    }

    fn put(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|word| word.put(out));
    }
}

/// Numbers that tell of one output.
pub(crate) const OUTPUT_WORDS: usize = 9;

/// Items of one length to the end of the body, this many at most.
macro_rules! lists {
    ($($item:ty, $most:expr;)*) => {$(
        impl Field for Vec<$item> {
            const MIN: u32 = 0;
            const MAX: u32 = <$item as Field>::MAX.saturating_mul($most);
            const STEP: u32 = <$item as Field>::MAX;

            fn take(reader: &mut Reader<'_>) -> Option<Self> {
                let mut items = Vec::new();
                while !reader.is_finished() {
                    items.push(<$item as Field>::take(reader)?);
                }
                Some(items)
            }

            fn put(&self, out: &mut Vec<u8>) {
                self.iter().for_each(|item| item.put(out));
            }
        }
    )*};
}

lists! {
    Rect, (MAX_COMMIT_RECTS as u32).saturating_mul(2);
    [u32; OUTPUT_WORDS], MAX_OUTPUTS;
}

/// Text or pixels to the end of the body, at most `MAX` bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes<const MAX: u32>(pub Vec<u8>);

impl<const MAX: u32> Bytes<MAX> {
    /// The text they are, if they are UTF-8 without a NUL.
    pub(crate) fn text(self) -> Option<String> {
        String::from_utf8(self.0).ok().filter(|text| !text.contains('\0'))
    }
}

impl<const N: u32> Field for Bytes<N> {
    const MIN: u32 = 0;
    const MAX: u32 = N;

    fn take(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Bytes(reader.rest().to_vec()))
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}

impl<const N: usize> Field for [u8; N] {
    // No field is longer than 255 bytes, and a longer one would fail to build here.
    const MIN: u32 = {
        assert!(N <= 255);
        N as u32
    };
    const MAX: u32 = Self::MIN;

    fn take(reader: &mut Reader<'_>) -> Option<[u8; N]> {
        reader.array()
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}

impl<const N: usize> Field for Box<[u8; N]> {
    const MIN: u32 = <[u8; N] as Field>::MIN;
    const MAX: u32 = Self::MIN;

    fn take(reader: &mut Reader<'_>) -> Option<Self> {
        reader.array().map(Box::new)
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_slice());
    }
}

/// Words to the end of the body.
const MAX_WORDS_BYTES: u32 = MAX_REFS.saturating_mul(4);

impl Field for Vec<GrantRef> {
    const MIN: u32 = 0;
    const MAX: u32 = MAX_WORDS_BYTES;
    const STEP: u32 = 4;

    fn take(reader: &mut Reader<'_>) -> Option<Vec<GrantRef>> {
        Some(reader.words()?.map(GrantRef).collect())
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.iter().flat_map(|grant| grant.0.to_le_bytes()));
    }
}

impl Field for Vec<u32> {
    const MIN: u32 = 0;
    const MAX: u32 = MAX_WORDS_BYTES;
    const STEP: u32 = 4;

    fn take(reader: &mut Reader<'_>) -> Option<Vec<u32>> {
        Some(reader.words()?.collect())
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.iter().flat_map(|word| word.to_le_bytes()));
    }
}

impl Field for Vec<u8> {
    const MIN: u32 = 0;
    // Only clipboard data is bytes of any length; versions narrow this where the header is read.
    const MAX: u32 = (CLIPBOARD_MAX as u32).saturating_add(1);

    fn take(reader: &mut Reader<'_>) -> Option<Vec<u8>> {
        Some(reader.rest().to_vec())
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}
