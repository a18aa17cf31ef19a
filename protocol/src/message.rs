//! The messages of both directions.
//!
//! One table per direction says everything: type number, versions, name, fields in wire order. From it come the enum, the
//! length rule, decoding and encoding. Fields are raw: what a value means is for the connections to say.
//! Invariant: for a body of legal length, `decode` succeeds and `encode_body` gives back the same bytes.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use crate::limits::{
    CLASS_BYTES, ICON_SIDE, MAX_APP_ID, MAX_ARGV_BYTES, MAX_CURSOR_SIDE, MAX_DOMAIN_NAME, MAX_FILES_CHUNK,
    MAX_FILES_LIST, MAX_KEYMAP, MAX_TITLE, PIXEL_BYTES, TITLE_BYTES,
};
use crate::types::{BufferId, Fixed, GrantRef, Rect, WindowId};
use crate::version::Version;
pub use crate::wire::Bytes;
use crate::wire::{Field, OUTPUT_WORDS, Reader};

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

/// Which versions have a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// 1.0 to 1.8.
    Base,
    /// The levels of the extension.
    Extended,
    /// All.
    Always,
}

impl Spoken {
    /// Whether a version has the message.
    #[must_use]
    pub const fn is_in(self, version: Version) -> bool {
        match self {
            Spoken::Base => !version.is_extended(),
            Spoken::Extended => version.is_extended(),
            Spoken::Always => true,
        }
    }
}

/// One row of a direction's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The header's type.
    pub kind: u32,
    /// Which versions have it.
    pub spoken: Spoken,
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

    /// Which versions have it.
    fn spoken(&self) -> Spoken;

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
            $($(#[$row_meta:meta])* $kind:literal $spoken:ident $wire:literal $variant:ident { $($field:ident: $type:ty),* $(,)? })*
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
                spoken: Spoken::$spoken,
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

            fn spoken(&self) -> Spoken {
                match self {
                    $($name::$variant { .. } => Spoken::$spoken,)*
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
        130 Always "CREATE" Create { x: i32, y: i32, width: u32, height: u32, parent: WindowId, override_redirect: u32 }
        /// A window is gone, with all that belongs to it.
        131 Always "DESTROY" Destroy {}
        /// A window is to be shown, above `transient_for` if that is not 0.
        132 Always "MAP" Map { transient_for: WindowId, override_redirect: u32 }
        /// A window is not to be shown.
        133 Always "UNMAP" Unmap {}
        /// The answer to the daemon's `CONFIGURE`, or a request for a geometry. The flag has no meaning here.
        134 Base "CONFIGURE" Configure { x: i32, y: i32, width: u32, height: u32, override_redirect: u32 }
        /// A window's buffer by frame numbers of the machine, `count` of them, from byte `offset` of the first.
        135 Base "MFNDUMP" MfnDump {
            shmid: u32, width: u32, height: u32, bits_per_pixel: u32, offset: u32, count: u32, domain: u32,
            frames: Vec<u32>,
        }
        /// A part of a window's buffer has changed.
        136 Base "SHMIMAGE" ShmImage { x: i32, y: i32, width: u32, height: u32 }
        /// The clipboard, in answer to `CLIPBOARD_REQ`. The header's window has no meaning.
        140 Always "CLIPBOARD_DATA" ClipboardData { data: Vec<u8> }
        /// A window's title: UTF-8 up to the first NUL.
        141 Base "WMNAME" WmName { title: [u8; TITLE_BYTES] }
        /// A window is an icon for the tray.
        143 Always "DOCK" Dock {}
        /// The sizes a window likes. `flags` tells which are meant: 1 and 4 a position by the user or program, 16
        /// minimum, 32 maximum, 64 increment, 256 base.
        144 Always "WINDOW_HINTS" WindowHints {
            flags: u32, min_width: u32, min_height: u32, max_width: u32, max_height: u32,
            width_increment: u32, height_increment: u32, base_width: u32, base_height: u32,
        }
        /// States a window asks to enter and leave: bits of [`WindowFlags`](crate::WindowFlags).
        145 Base "WINDOW_FLAGS" WindowFlags { set: u32, unset: u32 }
        /// A window's X class and instance name.
        146 Base "WMCLASS" WmClass { class: [u8; CLASS_BYTES], name: [u8; CLASS_BYTES] }
        /// A window's buffer, replacing the one before. `kind` 0 says that what follows are grant references, one a
        /// page.
        147 Base "WINDOW_DUMP" WindowDump { kind: u32, width: u32, height: u32, bits_per_pixel: u32, refs: Vec<GrantRef> }
        /// What the pointer looks like over a window: 0, or 0x100 and a glyph of the X cursor font.
        148 Base "CURSOR" Cursor { cursor: u32 }
        /// A buffer for a window's pool. `format` is a number of [`PixelFormat`](crate::PixelFormat).
        0x1000 Extended "BUFFER" Buffer {
            buffer: BufferId, width: u32, height: u32, format: u32, refs: Vec<GrantRef>,
        }
        /// The agent wants a buffer back.
        0x1001 Extended "REMOVE_BUFFER" RemoveBuffer { buffer: BufferId }
        /// All that is needed to show a window now. The first `damage_count` of `rects` are damage, the rest is opaque.
        0x1002 Extended "COMMIT" Commit {
            serial: u64, configure: u32, buffer: BufferId, width: u32, height: u32, scale: u32, source: Rect,
            flags: u32, damage_count: u32, rects: Vec<Rect>,
        }
        /// A window's title.
        0x1003 Extended "TITLE" Title { text: Bytes<MAX_TITLE> }
        /// Which application a window is of.
        0x1004 Extended "APP_ID" AppId { text: Bytes<MAX_APP_ID> }
        /// The window that a window is a dialog of.
        0x1005 Extended "PARENT" Parent { parent: WindowId }
        /// What a window asks of the desktop: [`Wish::from_wire`](crate::Wish::from_wire).
        0x1006 Extended "WISH" Wish { kind: u32, value: u32 }
        /// Makes a window a popup, or wants it placed anew. `flags`: 1 is placed anew when its parent moves, 2 grabs.
        0x1007 Extended "POPUP" Popup {
            parent: WindowId, token: u32, anchor_rect: Rect, width: u32, height: u32, anchor: u32, gravity: u32,
            constraint: u32, offset_x: i32, offset_y: i32, flags: u32,
        }
        /// The pointer over a window is hidden (0), or has a shape.
        0x1008 Extended "CURSOR_SHAPE" CursorShape { shape: u32 }
        /// The pointer over a window is a picture.
        0x1009 Extended "CURSOR_IMAGE" CursorImage {
            width: u32, height: u32, hot_x: u32, hot_y: u32, scale: u32,
            pixels: Bytes<{ MAX_CURSOR_SIDE * MAX_CURSOR_SIDE * PIXEL_BYTES }>,
        }
        /// A window's icon.
        0x100a Extended "ICON" Icon {
            width: u32, height: u32, pixels: Bytes<{ ICON_SIDE * ICON_SIDE * PIXEL_BYTES }>,
        }
        /// What a window wants to do with the pointer: 0 nothing, 1 lock it, 2 keep it in `region`.
        0x100b Extended "CONSTRAIN_POINTER" ConstrainPointer { kind: u32, region: Rect }
        /// What became of a command: its process id, or an error number below 0.
        0x100c Extended "RUN_RESULT" RunResult { token: u32, status: i32 }
        /// All that came before the daemon's `SYNC` has been handled.
        0x100d Extended "SYNC_DONE" SyncDone { token: u32 }
        /// To be answered when all that came before has been handled.
        0x100e Extended "SYNC" Sync { token: u32 }
        /// What a window's client listens to: bits of [`PointerNeeds`](crate::PointerNeeds).
        0x100f Extended "POINTER_NEEDS" PointerNeeds { needs: u32 }
        /// Files for another domain: [`FileList::to_wire`](crate::FileList::to_wire).
        0x1020 Extended "FILES_OFFER" FilesOffer { token: u32, files: Bytes<MAX_FILES_LIST> }
        /// The next bytes of the files, one after another.
        0x1021 Extended "FILES_DATA" FilesData { token: u32, data: Bytes<MAX_FILES_CHUNK> }
        /// No more of the offered files comes: a number of [`FilesEnd`](crate::FilesEnd).
        0x1022 Extended "FILES_END" FilesEnd { token: u32, end: u32 }
        /// So many more bytes of the daemon's files may come.
        0x1023 Extended "FILES_CREDIT" FilesCredit { token: u32, bytes: u32 }
        /// What became of the daemon's files: a number of [`FilesEnd`](crate::FilesEnd).
        0x1024 Extended "FILES_RESULT" FilesResult { token: u32, end: u32 }
    }
}

messages! {
    /// What a daemon tells the agent.
    enum DaemonMessage, skips_unknown = true {
        /// A key: `kind` 2 is down, 3 up.
        124 Always "KEYPRESS" Keypress { kind: u32, x: i32, y: i32, state: u32, keycode: u32 }
        /// A button: `kind` 4 is down, 5 up.
        125 Always "BUTTON" Button { kind: u32, x: i32, y: i32, state: u32, button: u32 }
        /// The pointer has moved.
        126 Always "MOTION" Motion { x: i32, y: i32, state: u32, is_hint: u32 }
        /// The pointer has come in (`kind` 7) or gone out (8). `mode` other than 0 is about grabs.
        127 Always "CROSSING" Crossing { kind: u32, x: i32, y: i32, state: u32, mode: u32, detail: u32, focus: u32 }
        /// The keyboard focus has come (`kind` 9) or gone (10).
        128 Always "FOCUS" Focus { kind: u32, mode: u32, detail: u32 }
        /// Obsolete, never sent.
        129 Base "RESIZE" Resize { width: u32, height: u32 }
        /// The daemon has forgotten a window that was destroyed.
        131 Always "DESTROY" Destroy {}
        /// The desktop shows a window the agent has not mapped.
        132 Base "MAP" Map { transient_for: WindowId, override_redirect: u32 }
        /// A window's geometry, to be answered with the same. The flag is always 0.
        134 Base "CONFIGURE" Configure { x: i32, y: i32, width: u32, height: u32, override_redirect: u32 }
        /// The user wants a window closed.
        137 Always "CLOSE" Close {}
        /// Obsolete, never sent.
        138 Base "EXECUTE" Execute { command: Box<[u8; 255]> }
        /// The user copies: send the clipboard.
        139 Always "CLIPBOARD_REQ" ClipboardReq {}
        /// The user pastes: take this as the clipboard.
        140 Always "CLIPBOARD_DATA" ClipboardData { data: Vec<u8> }
        /// The keys that are down, a bit for each X keycode. Comes before the pointer or focus does.
        142 Always "KEYMAP_NOTIFY" KeymapNotify { keys: [u8; 32] }
        /// States a window has entered and left: bits of [`WindowFlags`](crate::WindowFlags).
        145 Base "WINDOW_FLAGS" WindowFlags { set: u32, unset: u32 }
        /// The references of the oldest unanswered buffer will not be looked at again.
        149 Base "WINDOW_DUMP_ACK" WindowDumpAck {}
        /// All outputs, the first one being the primary: id, x, y, width, height, mode width and height, refresh, scale.
        0x1100 Extended "OUTPUTS" Outputs { outputs: Vec<[u32; OUTPUT_WORDS]> }
        /// A removed buffer's references will not be looked at again.
        0x1101 Extended "BUFFER_REMOVED" BufferRemoved { buffer: BufferId }
        /// A buffer will not be read again unless it is in a commit later than this one.
        0x1102 Extended "RELEASE" Release { buffer: BufferId, serial: u64 }
        /// This commit, and all before it, are taken for a frame.
        0x1103 Extended "FRAME_DONE" FrameDone { serial: u64 }
        /// This commit has been seen.
        0x1104 Extended "PRESENTED" Presented {
            serial: u64, ago_ns: u32, refresh_ns: u32, sequence: u64, flags: u32,
        }
        /// What a window is to be.
        0x1105 Extended "ARRANGE" Arrange {
            serial: u32, x: i32, y: i32, width: u32, height: u32, bounds_width: u32, bounds_height: u32, states: u32,
            scale: u32, token: u32,
        }
        /// A wheel turns, or fingers scroll.
        0x1106 Extended "SCROLL" Scroll {
            horizontal: Fixed, vertical: Fixed, v120_x: i32, v120_y: i32, source: u32, flags: u32, time_ms: u32,
        }
        /// Fingers on a pad.
        0x1107 Extended "GESTURE" Gesture {
            kind: u32, fingers: u32, dx: Fixed, dy: Fixed, scale: Fixed, rotation: Fixed, cancelled: u32, time_ms: u32,
        }
        /// Fingers on a screen.
        0x1108 Extended "TOUCH" Touch { kind: u32, id: u32, x: Fixed, y: Fixed, time_ms: u32 }
        /// How the pointer's device moved.
        0x1109 Extended "RELATIVE_MOTION" RelativeMotion {
            dx: Fixed, dy: Fixed, dx_unaccelerated: Fixed, dy_unaccelerated: Fixed, time_us: u64,
        }
        /// What has become of a window's wish for the pointer: 0 nothing, 1 it is locked, 2 confined.
        0x110a Extended "POINTER_CONSTRAINED" PointerConstrained { kind: u32 }
        /// The keymap, in XKB's text form.
        0x110b Extended "KEYMAP" Keymap { text: Bytes<MAX_KEYMAP> }
        /// The keyboard's state under it.
        0x110c Extended "MODIFIERS" Modifiers { depressed: u32, latched: u32, locked: u32, group: u32 }
        /// A command to be run: words that each end with a NUL.
        0x110d Extended "RUN" Run { token: u32, argv: Bytes<MAX_ARGV_BYTES> }
        /// To be answered when all that came before has been handled.
        0x110e Extended "SYNC" Sync { token: u32 }
        /// All that came before the agent's `SYNC` has been handled.
        0x110f Extended "SYNC_DONE" SyncDone { token: u32 }
        /// A tool on a graphics tablet: all that is known of it.
        0x1110 Extended "TABLET" Tablet {
            kind: u32, axes: u32, state: u32, x: Fixed, y: Fixed, pressure: u32, distance: u32, tilt_x: Fixed,
            tilt_y: Fixed, rotation: Fixed, slider: i32, wheel: Fixed, clicks: i32, time_ms: u32,
        }
        /// Files from another domain: its name, a NUL, and [`FileList::to_wire`](crate::FileList::to_wire).
        0x1120 Extended "FILES_OFFER" FilesOffer {
            token: u32, from_and_files: Bytes<{ MAX_DOMAIN_NAME + 1 + MAX_FILES_LIST }>,
        }
        /// The next bytes of the files, one after another.
        0x1121 Extended "FILES_DATA" FilesData { token: u32, data: Bytes<MAX_FILES_CHUNK> }
        /// No more of the offered files comes: a number of [`FilesEnd`](crate::FilesEnd).
        0x1122 Extended "FILES_END" FilesEnd { token: u32, end: u32 }
        /// So many more bytes of the agent's files may come.
        0x1123 Extended "FILES_CREDIT" FilesCredit { token: u32, bytes: u32 }
        /// What became of the agent's files: a number of [`FilesEnd`](crate::FilesEnd).
        0x1124 Extended "FILES_RESULT" FilesResult { token: u32, end: u32 }
    }
}
