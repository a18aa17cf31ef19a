//! Every limit of the protocol and of this implementation, with its reason.

use core::num::NonZeroU32;
use core::time::Duration;

/// Widest window, pixels. With [`MAX_HEIGHT`], the protocol's: both ends must agree on the largest buffer.
pub const MAX_WIDTH: u32 = 16384;
/// Tallest window, pixels.
pub const MAX_HEIGHT: u32 = 6144;
/// Bytes of one page, the unit of sharing.
pub const PAGE_BYTES: u32 = 4096;
/// Bytes of one pixel.
pub const PIXEL_BYTES: u32 = 4;
/// Most references in one buffer: the pages of the largest window.
pub const MAX_REFS: u32 = 98304;
/// Bytes of the title field: at most one less of text, then NULs.
pub const TITLE_BYTES: usize = 128;
/// Bytes of each of the two class fields, likewise.
pub const CLASS_BYTES: usize = 64;
/// Glyphs of the X cursor font, counted with the odd ones that are masks.
pub const CURSOR_GLYPHS: u8 = 154;
/// Most clipboard content before 1.8, bytes.
pub const CLIPBOARD_MAX_BEFORE_1_8: usize = 65000;
/// Most clipboard content from 1.8 on, bytes.
pub const CLIPBOARD_MAX: usize = 256_000;
/// Increments of a window's size stay below this, as a larger one could never be used.
pub const MAX_INCREMENT: u32 = 16384;

/// 1 as a scale, which is in 120ths: Wayland's unit, of which all scales in use are multiples.
pub const UNIT_SCALE: u32 = 120;
/// Least scale, half a buffer pixel for a logical one: no screen has less, and a window's size stays of use.
pub const MIN_SCALE: u32 = 60;
/// Greatest scale, 8: twice what any screen needs.
pub const MAX_SCALE: u32 = 960;
/// Buffers in a window's pool: one on the screen, one on its way there, one being drawn, and one more while the pool is
/// exchanged for one of another size.
pub const BUFFERS_PER_WINDOW: usize = 4;
/// Rectangles of damage, and as many of the opaque region, in one commit. A terminal's repaint of scattered lines fits;
/// beyond that a bounding box costs less than the rectangles.
pub const MAX_COMMIT_RECTS: usize = 64;
/// Bytes of a title or of what is asked of a title bar: ten times what any bar shows.
pub const MAX_TITLE: u32 = 1024;
/// Bytes of an application's id: a reverse domain name.
pub const MAX_APP_ID: u32 = 256;
/// Pixels of each side of a pointer's picture: the largest that cursor themes have, and of a high-definition screen
/// less than a twentieth.
pub const MAX_CURSOR_SIDE: u32 = 256;
/// Pixels of each side of a window's icon: the largest that icon themes have as pixels.
pub const ICON_SIDE: u32 = 256;
/// Shapes of pointers that have a number in Wayland's cursor-shape protocol.
pub const CURSOR_SHAPES: u32 = 36;
/// What a tool's slider tells at its end: Wayland's number.
pub const FULL_AXIS: i32 = 65535;
/// Outputs a daemon tells of; more than any graphics card has connectors.
pub const MAX_OUTPUTS: u32 = 16;
/// Bytes of a keymap. The largest that XKB's rules make, all layouts included, is a quarter of this.
pub const MAX_KEYMAP: u32 = 262_144;
/// Bytes of a command to run with all its arguments and their NULs.
pub const MAX_ARGV_BYTES: u32 = 65536;
/// Words of a command to run.
pub const MAX_ARGV: usize = 256;
/// Commands that a daemon has given an agent to run and does not know the fate of.
pub const MAX_RUNS: usize = 64;
/// `ARRANGE`s per window that no commit has taken into account. An honest agent takes several into one commit; at 60 a
/// second this is more than a tenth of a second of round trip.
pub const MAX_UNANSWERED_ARRANGES: u32 = 8;
/// Popups that stand on one another up to a window: no menu is that deep.
pub const MAX_POPUP_DEPTH: usize = 32;

/// Files of one transfer. Who has more sends an archive; the user is to read what is asked.
pub const MAX_FILES: usize = 256;
/// Bytes of a file's name: what every file system takes.
pub const MAX_FILE_NAME: usize = 255;
/// Bytes of the names and sizes of all files of a transfer.
pub const MAX_FILES_LIST: u32 = 65536;
/// Bytes of a domain's name as another is told of it.
pub const MAX_DOMAIN_NAME: u32 = 255;
/// Bytes of files in one message. Input waits behind no more than a few of these.
pub const MAX_FILES_CHUNK: u32 = 32768;
/// Bytes of files that are under way on a link at most: so much a daemon holds of a transfer, and so much a receiver has
/// not written yet. Enough for a gigabyte a second at a round trip of a quarter of a millisecond.
pub const FILES_WINDOW: u32 = 262_144;

/// Bytes a daemon queues for an agent before it holds that the agent does not read. The reference daemon's value:
/// some 300000 input events, far beyond any hiccup, and no burden on the GUI domain.
pub const MAX_PENDING: usize = 10_000_000;
/// How long each end waits for the other's greeting. Both are sent at once on a connection, so this long a
/// silence is a stuck peer; ending the link lets the caller say so and try again.
pub const GREETING_TIMEOUT: Duration = Duration::from_secs(30);
/// Times in a row that a daemon repeats a geometry to an agent which answers with another. An honest agent needs
/// one per request that crossed the daemon's; an agent that never gives in must not make the two ends ping-pong.
pub const MAX_REFUSALS: u8 = 8;
/// Geometries per window that a daemon remembers as perhaps still to be answered: all that can be on their way to an
/// honest agent. Forgetting one costs a repetition.
pub const MAX_LATE_ANSWERS: usize = 16;
/// Bytes an agent queues before it keeps further changes as state instead, to be merged with later ones. Four
/// times the usual ring, so that a reading daemon never sees a gap.
pub const BACKLOG: usize = 16384;
/// What a daemon lets one agent have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Windows at one time. X applications make helper windows by the dozen, never by the thousand, and each costs
    /// the daemon some hundred bytes.
    pub windows: usize,
    /// Pages in all buffers in use, of 4 KiB. The default is 1 GiB, some 30 windows of 3840x2160: mappings cost the
    /// GUI domain page tables and grant handles.
    pub pages: u32,
    /// Buffers announced that the caller has not answered yet; more and [`wants_read`] is false.
    ///
    /// [`wants_read`]: crate::DaemonConn::wants_read
    pub unanswered_buffers: usize,
    /// Messages per second in the long run (each started KiB of what may be long counts as one more). An X agent sends
    /// every line of a scrolling terminal as a message: 60 repaints of 100 lines are 6000. A commit with damage is 2,
    /// so that a program which draws on a screen without a clock may show 20000 frames a second.
    pub messages_per_second: NonZeroU32,
    /// Messages beyond the long run that may come at once: a second's worth, as when all windows are replayed.
    pub message_burst: u32,
    /// Most clipboard content taken from the agent, bytes; at most [`CLIPBOARD_MAX`] has an effect.
    pub clipboard_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            windows: 1024,
            pages: 262_144,
            unanswered_buffers: 256,
            messages_per_second: NonZeroU32::new(40_000).unwrap_or(NonZeroU32::MIN),
            message_burst: 40_000,
            clipboard_bytes: 64_000,
        }
    }
}
