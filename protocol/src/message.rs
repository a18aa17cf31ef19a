//! The messages of both directions.
//!
//! One table per direction says everything: type number, name, fields in wire order. From it come the enum, the
//! length rule, decoding and encoding. Fields are raw: what a value means is for the connections to say.
//! Invariant: for a body of legal length, `decode` succeeds and `encode_body` gives back the same bytes.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use crate::limits::{CLASS_BYTES, TITLE_BYTES};
use crate::types::{GrantRef, WindowId};
use crate::version::Version;
use crate::wire::{Field, Reader};

/// Bytes of the header before every body: type, window, length of the body.
pub const HEADER_BYTES: usize = 12;

/// The type number of clipboard data, whose length rules depend on the version.
pub(crate) const CLIPBOARD_DATA: u32 = 140;

/// How long a message's body may be, bytes: from `min` to `max` in steps of `step`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LengthRule {
    /// Fewest bytes.
    pub min: u32,
    /// Most bytes.
    pub max: u32,
    /// What lies between grows by this.
    pub step: u32,
}

impl LengthRule {
    const EMPTY: LengthRule = LengthRule { min: 0, max: 0, step: 1 };

    /// This, and then a field of type `F`.
    const fn then<F: Field>(self) -> LengthRule {
        LengthRule {
            min: self.min.saturating_add(F::MIN),
            max: self.max.saturating_add(F::MAX),
            step: if F::STEP > self.step { F::STEP } else { self.step },
        }
    }

    /// Whether a body may have this many bytes.
    #[must_use]
    pub fn allows(self, length: u32) -> bool {
        let beyond = length.checked_sub(self.min);
        length <= self.max && beyond.and_then(|beyond| beyond.checked_rem(self.step)) == Some(0)
    }

    /// Whether there is only one legal length.
    #[must_use]
    pub const fn is_exact(self) -> bool {
        self.min == self.max
    }
}

impl fmt::Display for LengthRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            rule if rule.is_exact() => write!(f, "{}", rule.min),
            LengthRule { min, max, step: 1 } => write!(f, "{min} to {max}"),
            LengthRule { min, max, step } => write!(f, "{min} to {max} in steps of {step}"),
        }
    }
}

/// One row of a direction's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The header's type.
    pub kind: u32,
    /// The protocol's name.
    pub name: &'static str,
    /// How long the body may be.
    pub length: LengthRule,
}

/// The messages of one direction.
pub trait Message: Sized {
    /// All of them.
    const TABLE: &'static [Row];
    /// Whether a type that is not in the table is passed over; otherwise it ends the link. A daemon may get newer
    /// than its agents, which therefore pass over what they do not know; an agent may not.
    const SKIPS_UNKNOWN: bool;

    /// The row of a type.
    fn row(kind: u32) -> Option<&'static Row> {
        Self::TABLE.iter().find(|row| row.kind == kind)
    }

    /// The message a body of type `kind` is; `None` if there is no such type or its length is not legal.
    fn decode(kind: u32, body: &[u8]) -> Option<Self>;

    /// Its type.
    fn kind(&self) -> u32;

    /// Appends the body.
    fn encode_body(&self, out: &mut Vec<u8>);

    /// The protocol's name.
    fn name(&self) -> &'static str {
        Self::row(self.kind()).map_or("", |row| row.name)
    }

    /// Appends header and body as `version` wants them.
    fn encode(&self, window: WindowId, version: Version, out: &mut Vec<u8>) {
        let start = out.len();
        self.kind().put(out);
        window.put(out);
        let length_at = out.len();
        0u32.put(out);
        let body_at = out.len();
        self.encode_body(out);
        // Cannot saturate: the longest message there is has a quarter of a million words less.
        let length = u32::try_from(out.len().saturating_sub(body_at)).unwrap_or(u32::MAX).to_le_bytes();
        let mut set = |at: usize| {
            if let Some(field) = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
                *field = length;
            }
        };
        set(length_at);
        if self.kind() == CLIPBOARD_DATA && version.clipboard_length_in_window() {
            set(start.saturating_add(4));
        }
    }
}

macro_rules! messages {
    (
        $(#[$meta:meta])*
        enum $name:ident, skips_unknown = $skips:literal {
            $($(#[$row_meta:meta])* $kind:literal $wire:literal $variant:ident { $($field:ident: $type:ty),* $(,)? })*
        }
    ) => {
        $(#[$meta])*
        // Each variant's text describes its fields.
        #[allow(missing_docs)]
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$row_meta])* $variant { $($field: $type),* },)*
        }

        impl Message for $name {
            const TABLE: &'static [Row] = &[$(Row {
                kind: $kind,
                name: $wire,
                length: LengthRule::EMPTY$(.then::<$type>())*,
            }),*];
            const SKIPS_UNKNOWN: bool = $skips;

            fn decode(kind: u32, body: &[u8]) -> Option<Self> {
                let length = u32::try_from(body.len()).ok()?;
                if !Self::row(kind)?.length.allows(length) {
                    return None;
                }
                let mut reader = Reader::new(body);
                let message = match kind {
                    $($kind => $name::$variant { $($field: <$type as Field>::take(&mut reader)?),* },)*
                    _ => return None,
                };
                reader.is_finished().then_some(message)
            }

            fn kind(&self) -> u32 {
                match self {
                    $($name::$variant { .. } => $kind,)*
                }
            }

            fn encode_body(&self, out: &mut Vec<u8>) {
                match self {
                    $($name::$variant { $($field),* } => { let _ = &out; $($field.put(out);)* })*
                }
            }
        }
    };
}

messages! {
    /// What an agent tells the daemon.
    enum AgentMessage, skips_unknown = false {
        /// A new window, unmapped. `parent` has had no meaning since windows stopped nesting.
        130 "CREATE" Create { x: i32, y: i32, width: u32, height: u32, parent: WindowId, override_redirect: u32 }
        /// A window is gone, with all that belongs to it.
        131 "DESTROY" Destroy {}
        /// A window is to be shown, above `transient_for` if that is not 0.
        132 "MAP" Map { transient_for: WindowId, override_redirect: u32 }
        /// A window is not to be shown.
        133 "UNMAP" Unmap {}
        /// The answer to the daemon's `CONFIGURE`, or a request for a geometry. The flag has no meaning here.
        134 "CONFIGURE" Configure { x: i32, y: i32, width: u32, height: u32, override_redirect: u32 }
        /// A window's buffer by frame numbers of the machine, `count` of them, from byte `offset` of the first.
        135 "MFNDUMP" MfnDump {
            shmid: u32, width: u32, height: u32, bits_per_pixel: u32, offset: u32, count: u32, domain: u32,
            frames: Vec<u32>,
        }
        /// A part of a window's buffer has changed.
        136 "SHMIMAGE" ShmImage { x: i32, y: i32, width: u32, height: u32 }
        /// The clipboard, in answer to `CLIPBOARD_REQ`. The header's window has no meaning.
        140 "CLIPBOARD_DATA" ClipboardData { data: Vec<u8> }
        /// A window's title: UTF-8 up to the first NUL.
        141 "WMNAME" WmName { title: [u8; TITLE_BYTES] }
        /// A window is an icon for the tray.
        143 "DOCK" Dock {}
        /// The sizes a window likes. `flags` tells which are meant: 1 and 4 a position by the user or program, 16
        /// minimum, 32 maximum, 64 increment, 256 base.
        144 "WINDOW_HINTS" WindowHints {
            flags: u32, min_width: u32, min_height: u32, max_width: u32, max_height: u32,
            width_increment: u32, height_increment: u32, base_width: u32, base_height: u32,
        }
        /// States a window asks to enter and leave: bits of [`WindowFlags`](crate::WindowFlags).
        145 "WINDOW_FLAGS" WindowFlags { set: u32, unset: u32 }
        /// A window's X class and instance name.
        146 "WMCLASS" WmClass { class: [u8; CLASS_BYTES], name: [u8; CLASS_BYTES] }
        /// A window's buffer, replacing the one before. `kind` 0 says that what follows are grant references, one a
        /// page.
        147 "WINDOW_DUMP" WindowDump { kind: u32, width: u32, height: u32, bits_per_pixel: u32, refs: Vec<GrantRef> }
        /// What the pointer looks like over a window: 0, or 0x100 and a glyph of the X cursor font.
        148 "CURSOR" Cursor { cursor: u32 }
    }
}

messages! {
    /// What a daemon tells the agent.
    enum DaemonMessage, skips_unknown = true {
        /// A key: `kind` 2 is down, 3 up.
        124 "KEYPRESS" Keypress { kind: u32, x: i32, y: i32, state: u32, keycode: u32 }
        /// A button: `kind` 4 is down, 5 up.
        125 "BUTTON" Button { kind: u32, x: i32, y: i32, state: u32, button: u32 }
        /// The pointer has moved.
        126 "MOTION" Motion { x: i32, y: i32, state: u32, is_hint: u32 }
        /// The pointer has come in (`kind` 7) or gone out (8). `mode` other than 0 is about grabs.
        127 "CROSSING" Crossing { kind: u32, x: i32, y: i32, state: u32, mode: u32, detail: u32, focus: u32 }
        /// The keyboard focus has come (`kind` 9) or gone (10).
        128 "FOCUS" Focus { kind: u32, mode: u32, detail: u32 }
        /// Obsolete, never sent.
        129 "RESIZE" Resize { width: u32, height: u32 }
        /// The daemon has forgotten a window that was destroyed.
        131 "DESTROY" Destroy {}
        /// The desktop shows a window the agent has not mapped.
        132 "MAP" Map { transient_for: WindowId, override_redirect: u32 }
        /// A window's geometry, to be answered with the same. The flag is always 0.
        134 "CONFIGURE" Configure { x: i32, y: i32, width: u32, height: u32, override_redirect: u32 }
        /// The user wants a window closed.
        137 "CLOSE" Close {}
        /// Obsolete, never sent.
        138 "EXECUTE" Execute { command: Box<[u8; 255]> }
        /// The user copies: send the clipboard.
        139 "CLIPBOARD_REQ" ClipboardReq {}
        /// The user pastes: take this as the clipboard.
        140 "CLIPBOARD_DATA" ClipboardData { data: Vec<u8> }
        /// The keys that are down, a bit for each X keycode. Comes before the pointer or focus does.
        142 "KEYMAP_NOTIFY" KeymapNotify { keys: [u8; 32] }
        /// States a window has entered and left: bits of [`WindowFlags`](crate::WindowFlags).
        145 "WINDOW_FLAGS" WindowFlags { set: u32, unset: u32 }
        /// The references of the oldest unanswered buffer will not be looked at again.
        149 "WINDOW_DUMP_ACK" WindowDumpAck {}
    }
}
