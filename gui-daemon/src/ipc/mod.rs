//! The control socket: one JSON object per line, a reply line for each request line.
//!
//! Here is what is said, the same for the daemon and for `gui-daemon msg`; [`server`] is the daemon's end of it.

pub mod server;

use std::{path::PathBuf, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::scale::Scale;

pub use self::server::{ClientId, IpcError, IpcServer, IpcSource, default_socket_path};

/// What a control client asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// The domains.
    Domains,
    /// All windows.
    Windows,
    /// All outputs.
    Outputs,
    /// Changes the outputs, on the headless backend only.
    Output {
        /// Which.
        name: String,
        /// How.
        change: OutputChange,
    },
    /// Writes what is on the outputs to a file.
    Screenshot {
        /// Where to write the PNG, absolute.
        path: PathBuf,
        /// The output's name; one picture of all of them without.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<String>,
    },
    /// Asks a window to close, as its close button does.
    Close {
        /// The window.
        id: u64,
    },
    /// Raises and focuses a window.
    Focus {
        /// The window.
        id: u64,
    },
    /// Ends the daemon.
    Quit,
    /// Presses and releases keys.
    InputKey {
        /// A chord such as `ctrl+shift+c`, `alt+Tab` or `F4`.
        name: String,
    },
    /// Types text.
    InputText {
        /// The text.
        string: String,
    },
    /// Moves the pointer.
    InputMove {
        /// Logical pixels from the desktop's origin to the right.
        x: f64,
        /// Logical pixels from the desktop's origin down.
        y: f64,
    },
    /// Uses a pointer button.
    InputButton {
        /// Which.
        name: ButtonName,
        /// How.
        action: ButtonAction,
    },
    /// Scrolls by clicks of a wheel.
    InputScroll {
        /// Clicks to the right.
        dx: f64,
        /// Clicks down.
        dy: f64,
    },
    /// The pointer's device moves, where the pointer goes or not.
    InputRelative {
        /// To the right.
        dx: f64,
        /// Down.
        dy: f64,
    },
    /// Scrolls with a finger on a pad.
    InputFingerScroll {
        /// Pixels to the right.
        dx: f64,
        /// Pixels down.
        dy: f64,
        /// Whether the finger is lifted then.
        lift: bool,
    },
    /// A part of a gesture on a touch pad.
    InputGesture(GestureInput),
    /// A finger on a touch screen.
    InputTouch(TouchInput),
    /// A tool on a graphics tablet.
    InputTablet(TabletInput),
    /// What was copied between domains, and what the user is told of it.
    Clipboard,
    /// Files on their way between domains, and what the user is told of them.
    Files,
    /// The keyboard's layouts.
    Keyboard,
    /// Puts a layout in force.
    Layout {
        /// Its name or number, or `next`.
        wanted: String,
    },
    /// Streams an [`Event`] for each change from now on.
    Subscribe,
    /// Is answered when all input before it is processed and everything pending is drawn.
    Sync,
    /// Is answered when a domain's agent has handled everything that was sent to it before.
    SyncDomain {
        /// The domain.
        domain: String,
    },
    /// Starts a program in a domain.
    Run {
        /// The domain.
        domain: String,
        /// The program and its arguments.
        argv: Vec<String>,
    },
    /// How many frames were drawn since the start. A frame in which nothing had changed does not count.
    Frames,
}

/// What to do with an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OutputChange {
    /// Another scale.
    Scale(Scale),
    /// Another place of its upper left corner, in logical pixels.
    Position {
        /// To the right.
        x: i32,
        /// Down.
        y: i32,
    },
    /// Another mode.
    Mode(OutputMode),
    /// A new output of this name, to the right of all others.
    Add {
        /// Its mode.
        mode: OutputMode,
        /// Its scale.
        scale: Scale,
    },
    /// No output of this name any more.
    Remove {},
}

/// Size and pace of an output, written as `1920x1080` or `1920x1080@60` on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputMode {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Frames per second; 0 for as many as are wanted.
    pub refresh_hz: u32,
}

impl FromStr for OutputMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (size, refresh_hz) = text.split_once('@').unwrap_or((text, "60"));
        let parts = size.split_once('x').map(|(width, height)| [width, height, refresh_hz].map(str::parse));
        match parts {
            Some([Ok(width), Ok(height), Ok(refresh_hz)]) => Ok(Self { width, height, refresh_hz }),
            _ => Err("a mode is written as 1920x1080 or 1920x1080@60".to_owned()),
        }
    }
}

/// Pointer buttons by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each name is its own description")]
pub enum ButtonName {
    Left,
    Right,
    Middle,
    Side,
    Extra,
}

impl ButtonName {
    /// The evdev code.
    pub fn code(self) -> u32 {
        match self {
            Self::Left => 0x110,
            Self::Right => 0x111,
            Self::Middle => 0x112,
            Self::Side => 0x113,
            Self::Extra => 0x114,
        }
    }
}

/// A part of a gesture on a touch pad.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, clap::Subcommand)]
#[serde(tag = "part", rename_all = "snake_case")]
#[command(allow_negative_numbers = true)]
pub enum GestureInput {
    /// Fingers begin to go the same way
    SwipeBegin {
        /// How many
        fingers: u32,
    },
    /// They move
    Swipe {
        /// Pixels to the right
        dx: f64,
        /// Pixels down
        dy: f64,
    },
    /// They are lifted
    SwipeEnd {
        /// It was something else
        #[arg(long)]
        cancelled: bool,
    },
    /// Fingers begin to go apart, together or round each other
    PinchBegin {
        /// How many
        fingers: u32,
    },
    /// They move
    Pinch {
        /// How far apart they are: 1 is as at the beginning
        scale: f64,
        /// Degrees clockwise
        rotation: f64,
    },
    /// They are lifted
    PinchEnd {
        /// It was something else
        #[arg(long)]
        cancelled: bool,
    },
    /// Fingers lie still
    HoldBegin {
        /// How many
        fingers: u32,
    },
    /// They do so no more
    HoldEnd {
        /// It was something else
        #[arg(long)]
        cancelled: bool,
    },
}

/// What a finger on a touch screen does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, clap::Subcommand)]
#[serde(tag = "what", rename_all = "snake_case")]
#[command(allow_negative_numbers = true)]
pub enum TouchInput {
    /// It goes down
    Down {
        /// Which finger
        slot: u32,
        /// Pixels from the left
        x: f64,
        /// Pixels from the top
        y: f64,
    },
    /// It moves
    Motion {
        /// Which finger
        slot: u32,
        /// Pixels from the left
        x: f64,
        /// Pixels from the top
        y: f64,
    },
    /// It is lifted
    Up {
        /// Which finger
        slot: u32,
    },
    /// All fingers turn out to mean something else
    Cancel,
}

/// What a tool on a graphics tablet does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, clap::Subcommand)]
#[serde(tag = "what", rename_all = "snake_case")]
#[command(allow_negative_numbers = true)]
pub enum TabletInput {
    /// It is near, as it is said here and not otherwise; what is not told it has no sense of
    #[command(allow_negative_numbers = true)]
    Near(NearTool),
    /// It is near no more
    Away,
}

/// A tool that is near its tablet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, clap::Args)]
pub struct NearTool {
    /// Pixels from the left
    pub x: f64,
    /// Pixels from the top
    pub y: f64,
    /// What it is
    #[arg(long, default_value = "pen")]
    pub tool: ToolName,
    /// What of it is held down, `tip` for its tip; may be said more than once
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hold: Vec<ToolPart>,
    /// How hard it is pressed, 0 to 1
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pressure: Option<f64>,
    /// How far it is from the tablet, 0 to 1
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance: Option<f64>,
    /// Degrees it leans to the right
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tilt_x: Option<f64>,
    /// Degrees it leans towards the user
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tilt_y: Option<f64>,
    /// Degrees it is turned clockwise
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<f64>,
    /// Where its slider is, -1 to 1
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slider: Option<f64>,
    /// Clicks its wheel is turned by now, of 15 degrees each
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wheel: Option<i32>,
}

/// Tools by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each name is its own description")]
pub enum ToolName {
    Pen,
    Eraser,
    Brush,
    Pencil,
    Airbrush,
    Mouse,
    Lens,
}

/// What of a tool can be held down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each name is its own description")]
pub enum ToolPart {
    Tip,
    Stylus,
    Stylus2,
    Stylus3,
    Left,
    Right,
    Middle,
    Side,
    Extra,
}

/// What to do with a pointer button.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ButtonAction {
    /// Hold it down.
    Press,
    /// Let it go.
    Release,
    /// Both, at once.
    Click,
}

/// The reply to one [`Request`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// Done, nothing to tell.
    Done {},
    /// The domains in the order of the configuration, then those that are in none.
    Domains(Vec<DomainInfo>),
    /// The windows.
    Windows(Vec<WindowInfo>),
    /// The outputs, the primary one first.
    Outputs(Vec<OutputInfo>),
    /// How many.
    Frames(u64),
    /// What was copied.
    Clipboard(ClipboardInfo),
    /// Files on their way.
    Files(FilesInfo),
    /// The keyboard's layouts.
    Keyboard(KeyboardInfo),
    /// A program was started.
    Started {
        /// Its process id in its domain.
        pid: u32,
    },
    /// Refused, with the reason in one line.
    Error(String),
}

/// A change, told to subscribers. It carries the whole new state, so that one missed is made good by the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The windows as they are now.
    WindowsChanged(Vec<WindowInfo>),
    /// The domains as they are now.
    DomainsChanged(Vec<DomainInfo>),
    /// The clipboard, and what the user is told of it, as it is now.
    ClipboardChanged(ClipboardInfo),
    /// Files on their way, and what the user is told of them, as it is now.
    FilesChanged(FilesInfo),
}

/// Files on their way between domains.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesInfo {
    /// What the user is told now, if anything; files' names are escaped.
    pub notice: Option<String>,
    /// Whether that is a question, or a transfer that can be stopped.
    pub open: bool,
    /// Whether the question has been there for long enough to be answered.
    pub takes_answers: bool,
    /// The domains that can be chosen now, by the keys Super+1 and on.
    pub choices: Vec<String>,
}

/// What was copied between domains. Of what it says itself, nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipboardInfo {
    /// The domain it was copied in, if there is something to paste.
    pub from: Option<String>,
    /// How much it is.
    pub bytes: usize,
    /// Seconds since it was copied.
    pub age_s: u64,
    /// What the user is told now, if anything.
    pub notice: Option<String>,
    /// Whether that is a question.
    pub asks: bool,
}

/// The keyboard's layouts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyboardInfo {
    /// Their names.
    pub layouts: Vec<String>,
    /// Which of them is in force, counted from 0.
    pub current: u32,
}

/// A domain and its link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainInfo {
    /// Its name.
    pub name: String,
    /// Its label's name, or `#rrggbb`.
    pub label: String,
    /// Its transport as the configuration writes it.
    pub transport: String,
    /// The id of its domain; absent while there is no such domain of Xen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domid: Option<u16>,
    /// How its link stands.
    pub state: LinkState,
    /// How many windows it has.
    pub windows: usize,
    /// Whether its agent answers.
    pub responding: bool,
}

/// The state of a domain's link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// The agent is connected.
    Connected,
    /// The agent is awaited.
    Waiting,
    /// There is no such domain of Xen now.
    Absent,
    /// The last link ended in a violation; the agent may connect again after a while.
    BackingOff,
}

/// One window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowInfo {
    /// Its number, never reused by this daemon.
    pub id: u64,
    /// Its domain's name, or `dom0`.
    pub domain: String,
    /// Its label's name, or `#rrggbb`.
    pub label: String,
    /// Its title as the frame shows it.
    pub title: String,
    /// Its content on the screen, without the frame.
    pub geometry: Geometry,
    /// How large what its domain drew last is, in logical pixels; nothing before that, and for dom0's own windows.
    pub drawn: Option<Extent>,
    /// Whether it has the keyboard.
    pub focused: bool,
    /// Whether its application shows it.
    pub mapped: bool,
    /// Whether the user put it away.
    pub minimised: bool,
    /// Whether it fills the screen, frame included.
    pub maximised: bool,
    /// Whether it asks the user for a look.
    pub attention: bool,
    /// What kind of window it is.
    pub kind: WindowKind,
}

/// One output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputInfo {
    /// Its name.
    pub name: String,
    /// What of the desktop it shows.
    pub geometry: Geometry,
    /// Its size in its own pixels, and its pace.
    pub mode: OutputMode,
    /// Its pixels for a logical one.
    pub scale: Scale,
    /// How many frames were drawn on it since the start.
    pub frames: u64,
}

/// A rectangle in logical pixels of the desktop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each name is its own description")]
pub struct Geometry {
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
}

/// A size in logical pixels of the desktop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each name is its own description")]
pub struct Extent {
    pub width: i32,
    pub height: i32,
}

/// Kinds of window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowKind {
    /// A window with a title band.
    Toplevel,
    /// A menu, tooltip or the like.
    Popup,
    /// An icon in the tray.
    Docked,
}

/// The sockets in the runtime directory are named `transom-DISPLAY.sock` for the Wayland socket DISPLAY.
pub const SOCKET_PREFIX: &str = "transom-";
/// See [`SOCKET_PREFIX`].
pub const SOCKET_SUFFIX: &str = ".sock";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_is_as_documented() {
        let request = |json| serde_json::from_str::<Request>(json);
        assert_eq!(request(r#"{"request":"windows"}"#).unwrap(), Request::Windows);
        assert_eq!(request(r#"{"request":"close","id":7}"#).unwrap(), Request::Close { id: 7 });
        let button = Request::InputButton { name: ButtonName::Left, action: ButtonAction::Click };
        assert_eq!(request(r#"{"request":"input_button","name":"left","action":"click"}"#).unwrap(), button);

        let reply = |response| serde_json::to_string(&response).unwrap();
        assert_eq!(reply(Response::Done {}), r#"{"done":{}}"#);
        assert_eq!(reply(Response::Error("no such window".into())), r#"{"error":"no such window"}"#);
        assert_eq!(reply(Response::Windows(Vec::new())), r#"{"windows":[]}"#);
        assert_eq!(reply(Response::Frames(60)), r#"{"frames":60}"#);
        let window = WindowInfo {
            id: 3,
            domain: "work".into(),
            label: "blue".into(),
            title: "foot".into(),
            geometry: Geometry { x: -4, y: 28, width: 640, height: 480 },
            drawn: Some(Extent { width: 640, height: 400 }),
            focused: true,
            mapped: true,
            minimised: false,
            maximised: false,
            attention: false,
            kind: WindowKind::Toplevel,
        };
        assert_eq!(
            serde_json::to_string(&Event::WindowsChanged(vec![window])).unwrap(),
            concat!(
                r#"{"windows_changed":[{"id":3,"domain":"work","label":"blue","title":"foot","#,
                r#""geometry":{"x":-4,"y":28,"width":640,"height":480},"drawn":{"width":640,"height":400},"focused":true,"mapped":true,"#,
                r#""minimised":false,"maximised":false,"attention":false,"kind":"toplevel"}]}"#
            )
        );
        let domain = DomainInfo {
            name: "work".into(),
            label: "blue".into(),
            transport: "socket:7".into(),
            domid: Some(7),
            state: LinkState::BackingOff,
            windows: 0,
            responding: true,
        };
        assert_eq!(
            reply(Response::Domains(vec![domain.clone()])),
            r#"{"domains":[{"name":"work","label":"blue","transport":"socket:7","domid":7,"state":"backing_off","windows":0,"responding":true}]}"#
        );
        let gone = DomainInfo { domid: None, state: LinkState::Absent, ..domain };
        assert_eq!(
            reply(Response::Domains(vec![gone])),
            r#"{"domains":[{"name":"work","label":"blue","transport":"socket:7","state":"absent","windows":0,"responding":true}]}"#
        );
    }

    #[test]
    fn unknown_requests_and_fields_are_refused() {
        for json in [
            r#"{"request":"reboot"}"#,
            r#"{"request":"close","id":7,"force":true}"#,
            r#"{"request":"close"}"#,
            "{}",
        ] {
            assert!(serde_json::from_str::<Request>(json).is_err(), "{json}");
        }
    }
}
