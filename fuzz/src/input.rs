//! A fuzzer's bytes as the small decisions a target needs. What is missing at the end reads as 0.

use gui_protocol::message::Message;
use gui_protocol::{Rect, Version, WindowId};

/// A version: the base ones, then level 1.
pub(crate) fn version(byte: u8) -> Version {
    match byte % 10 {
        minor @ 0..=8 => Version::minor(minor.into()),
        _ => Version::NEWEST,
    }
}

pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Input<'a> {
        Input(data)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    pub(crate) fn signed(&mut self) -> i32 {
        i32::from(i8::from_le_bytes([self.byte()]))
    }

    pub(crate) fn word(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// One of few windows, so that they meet; 0 among them.
    pub(crate) fn window(&mut self) -> WindowId {
        WindowId(u32::from(self.byte() % 4))
    }

    pub(crate) fn rect(&mut self) -> Rect {
        Rect::new(self.signed(), self.signed(), u32::from(self.byte()), u32::from(self.byte()))
    }

    /// A whole message of the direction with a legal length, its fields of the input's bytes.
    pub(crate) fn message<M: Message>(&mut self, version: Version) -> Vec<u8> {
        let mut bytes = Vec::new();
        let rows: Vec<_> = M::TABLE.iter().filter(|row| row.spoken.is_in(version)).collect();
        let Some(row) = rows.get(usize::from(self.byte()) % rows.len().max(1)) else { return bytes };
        let window = self.window();
        let items = u32::from(self.byte() % 16);
        let length = row.length.max.min(row.length.min + items * row.length.step);
        // Small numbers mostly, as large ones are refused soon.
        let body: Vec<u8> = (0..length)
            .map(|at| match at % 4 {
                0 => self.byte(),
                1..=3 if row.length.is_exact() && row.length.min >= 100 => self.byte(),
                _ => 0,
            })
            .collect();
        if let Some(message) = M::decode(row.kind, &body) {
            message.encode(window, version, &mut bytes);
        }
        bytes
    }
}
