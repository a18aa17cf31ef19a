//! `gui-daemon msg`: tells a running daemon what to do and prints what it answers.
//!
//! One request for each run, over the control socket. What goes wrong is one line on standard error and exit code 1.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, ErrorKind, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, SystemTime},
};

use clap::{Args, Subcommand};

use crate::ipc::{
    ButtonAction, ButtonName, ClipboardInfo, DomainInfo, Event, FilesInfo, GestureInput, KeyboardInfo,
    LinkState, OutputChange, OutputInfo, OutputMode, Request, Response, SOCKET_PREFIX, SOCKET_SUFFIX,
    TabletInput, TouchInput, WindowInfo, WindowKind,
};
use crate::scale::Scale;

/// How long a daemon may take to answer: far longer than a busy one does.
const PATIENCE: Duration = Duration::from_secs(30);

/// Arguments of `gui-daemon msg`.
#[derive(Debug, Args)]
pub struct MsgArgs {
    /// The daemon's control socket [default: $TRANSOM_SOCKET, else the newest in $XDG_RUNTIME_DIR]
    #[arg(long, global = true, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Print the answer as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the configured domains
    Domains,
    /// List all windows
    Windows,
    /// List the outputs
    Outputs,
    /// Change an output, on the headless backend only
    Output {
        /// The output's name in the list
        name: String,
        #[command(subcommand)]
        change: Change,
    },
    /// Write what is on the outputs to a PNG file
    Screenshot {
        /// The file to write
        file: PathBuf,
        /// The output to write [default: all of them, in one picture]
        #[arg(long, value_name = "NAME")]
        output: Option<String>,
    },
    /// Ask a window to close
    Close {
        /// The window's number in the list
        id: u64,
    },
    /// Raise and focus a window
    Focus {
        /// The window's number in the list
        id: u64,
    },
    /// End the daemon
    Quit,
    /// Inject input, on the headless backend only
    #[command(subcommand)]
    Input(Input),
    /// Print every change of the windows and domains until interrupted
    Subscribe,
    /// Wait until all input before is processed and everything is drawn, or until a domain's agent has handled all of it
    Sync {
        /// The domain
        domain: Option<String>,
    },
    /// Start a program in a domain, print its process id there, and give its window the focus
    Run {
        /// The domain
        domain: String,
        /// The program and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Print how many frames were drawn since the start
    Frames,
    /// Print what was copied between domains, and what the user is told of it
    Clipboard,
    /// Print which files are on their way between domains, and what the user is told of them
    Files,
    /// List the keyboard's layouts
    Keyboard,
    /// Choose a keyboard layout
    Layout {
        /// Its number or name in the list, or next
        layout: String,
    },
}

#[derive(Debug, Subcommand)]
enum Change {
    /// Set the scale
    Scale {
        /// From 0.5 to 8, such as 1.5
        #[arg(value_parser = scale)]
        scale: Scale,
    },
    /// Move the output's upper left corner
    Position {
        /// Logical pixels to the right
        #[arg(allow_negative_numbers = true)]
        x: i32,
        /// Logical pixels down
        #[arg(allow_negative_numbers = true)]
        y: i32,
    },
    /// Set size and refresh rate
    Mode {
        /// Such as 1920x1080 or 1920x1080@60
        mode: OutputMode,
    },
    /// Add an output of this name, to the right of all others
    Add {
        /// Such as 1920x1080 or 1920x1080@60
        mode: OutputMode,
        /// From 0.5 to 8
        #[arg(long, default_value = "1", value_parser = scale)]
        scale: Scale,
    },
    /// Remove the output
    Remove,
}

fn scale(text: &str) -> Result<Scale, String> {
    let scale = text.parse().ok().and_then(Scale::from_number);
    scale.ok_or_else(|| format!("a scale is a number from {}", Scale::RANGE))
}

#[derive(Debug, Subcommand)]
enum Input {
    /// Press and release a key or chord
    Key {
        /// Such as a, Return, F4, alt+Tab or ctrl+shift+c
        name: String,
    },
    /// Type text
    Text {
        /// The text
        #[arg(allow_hyphen_values = true)]
        string: String,
    },
    /// Move the pointer
    #[command(allow_negative_numbers = true)]
    Move {
        /// Pixels from the left
        x: f64,
        /// Pixels from the top
        y: f64,
    },
    /// Use a pointer button
    Button {
        /// Which button
        name: ButtonName,
        /// What to do with it
        #[arg(default_value = "click")]
        action: ButtonAction,
    },
    /// Turn the wheel
    #[command(allow_negative_numbers = true)]
    Scroll {
        /// Clicks to the right
        dx: f64,
        /// Clicks down
        dy: f64,
    },
    /// Scroll with a finger on a pad
    #[command(allow_negative_numbers = true)]
    FingerScroll {
        /// Pixels to the right
        dx: f64,
        /// Pixels down
        dy: f64,
        /// Lift the finger then
        #[arg(long)]
        lift: bool,
    },
    /// Move the pointer's device, but not the pointer
    #[command(allow_negative_numbers = true)]
    Relative {
        /// Pixels to the right
        dx: f64,
        /// Pixels down
        dy: f64,
    },
    /// Make a part of a gesture on a touch pad
    #[command(subcommand)]
    Gesture(GestureInput),
    /// Use a finger on a touch screen
    #[command(subcommand)]
    Touch(TouchInput),
    /// Use a tool of a graphics tablet
    #[command(subcommand)]
    Tablet(TabletInput),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum MsgError {
    #[error("no daemon is running: {0}")]
    NoDaemon(String),
    #[error("no daemon at {}: {source}", path.display())]
    Connect { path: PathBuf, source: io::Error },
    #[error("{0}")]
    Refused(String),
    #[error("the daemon ended before it answered")]
    Ended,
    #[error("the daemon did not answer within {} s", PATIENCE.as_secs())]
    Silent,
    #[error("the daemon's answer is not understood: {0}")]
    Strange(#[from] serde_json::Error),
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Runs the command.
pub fn run(args: &MsgArgs) -> ExitCode {
    match talk(args) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the list has seen enough of it.
        Err(MsgError::Io(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gui-daemon msg: {error}");
            ExitCode::FAILURE
        }
    }
}

fn talk(args: &MsgArgs) -> Result<(), MsgError> {
    let request = args.command.request()?;
    let mut stream = connect(args.socket.as_deref())?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(&request)?;
    line.push(b'\n');
    // A daemon that sends us away may do so before it reads: what it says counts.
    match stream.write_all(&line) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error.into()),
        _ => {}
    }

    let mut reader = BufReader::new(stream);
    let answer = read_line(&mut reader)?.ok_or(MsgError::Ended)?;
    let mut out = io::stdout().lock();
    match serde_json::from_str(&answer)? {
        Response::Error(reason) => return Err(MsgError::Refused(reason)),
        // what was subscribed to follows; that it will is nothing to print
        Response::Done {} if request == Request::Subscribe => {}
        response => out.write_all(show(&response, args.json)?.as_bytes())?,
    }
    if request == Request::Subscribe {
        reader.get_ref().set_read_timeout(None)?;
        while let Some(line) = read_line(&mut reader)? {
            out.write_all(show_event(&line, args.json)?.as_bytes())?;
            out.flush()?;
        }
    }
    Ok(())
}

fn read_line(reader: &mut impl BufRead) -> Result<Option<String>, MsgError> {
    let mut line = String::new();
    match reader.read_line(&mut line) {
        Ok(_) if line.ends_with('\n') => Ok(Some(line)),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Err(MsgError::Silent),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl Command {
    fn request(&self) -> io::Result<Request> {
        Ok(match self {
            Self::Domains => Request::Domains,
            Self::Windows => Request::Windows,
            // The daemon has a working directory of its own.
            Self::Screenshot { file, output } => {
                Request::Screenshot { path: std::path::absolute(file)?, output: output.clone() }
            }
            Self::Outputs => Request::Outputs,
            Self::Output { name, change } => Request::Output { name: name.clone(), change: change.change() },
            Self::Close { id } => Request::Close { id: *id },
            Self::Focus { id } => Request::Focus { id: *id },
            Self::Quit => Request::Quit,
            Self::Subscribe => Request::Subscribe,
            Self::Sync { domain: None } => Request::Sync,
            Self::Sync { domain: Some(domain) } => Request::SyncDomain { domain: domain.clone() },
            Self::Run { domain, command } => Request::Run { domain: domain.clone(), argv: command.clone() },
            Self::Frames => Request::Frames,
            Self::Input(Input::Key { name }) => Request::InputKey { name: name.clone() },
            Self::Input(Input::Text { string }) => Request::InputText { string: string.clone() },
            Self::Input(Input::Move { x, y }) => Request::InputMove { x: *x, y: *y },
            Self::Input(Input::Button { name, action }) => {
                Request::InputButton { name: *name, action: *action }
            }
            Self::Input(Input::Scroll { dx, dy }) => Request::InputScroll { dx: *dx, dy: *dy },
            Self::Input(Input::FingerScroll { dx, dy, lift }) => {
                Request::InputFingerScroll { dx: *dx, dy: *dy, lift: *lift }
            }
            Self::Input(Input::Relative { dx, dy }) => Request::InputRelative { dx: *dx, dy: *dy },
            Self::Input(Input::Gesture(input)) => Request::InputGesture(*input),
            Self::Input(Input::Touch(input)) => Request::InputTouch(*input),
            Self::Input(Input::Tablet(input)) => Request::InputTablet(input.clone()),
            Self::Clipboard => Request::Clipboard,
            Self::Files => Request::Files,
            Self::Keyboard => Request::Keyboard,
            Self::Layout { layout } => Request::Layout { wanted: layout.clone() },
        })
    }
}

impl Change {
    fn change(&self) -> OutputChange {
        match *self {
            Self::Scale { scale } => OutputChange::Scale(scale),
            Self::Position { x, y } => OutputChange::Position { x, y },
            Self::Mode { mode } => OutputChange::Mode(mode),
            Self::Add { mode, scale } => OutputChange::Add { mode, scale },
            Self::Remove => OutputChange::Remove {},
        }
    }
}

fn connect(named: Option<&Path>) -> Result<UnixStream, MsgError> {
    let from_environment = env::var_os("TRANSOM_SOCKET").filter(|path| !path.is_empty()).map(PathBuf::from);
    if let Some(path) = named.map(Path::to_owned).or(from_environment) {
        return UnixStream::connect(&path).map_err(|source| MsgError::Connect { path, source });
    }
    let Some(directory) = env::var_os("XDG_RUNTIME_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from)
    else {
        let reason = "neither --socket, TRANSOM_SOCKET nor XDG_RUNTIME_DIR says where to look";
        return Err(MsgError::NoDaemon(reason.to_owned()));
    };
    connect_to_newest(&directory)
}

/// Connects to the newest socket that a living daemon listens on: a killed daemon leaves its socket behind.
fn connect_to_newest(directory: &Path) -> Result<UnixStream, MsgError> {
    let mut sockets: Vec<(SystemTime, PathBuf)> = fs::read_dir(directory)
        .map_err(|error| MsgError::NoDaemon(format!("{}: {error}", directory.display())))?
        .filter_map(Result::ok)
        .filter(|entry| is_socket_name(&entry.file_name().to_string_lossy()))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    sockets.sort();
    sockets.iter().rev().find_map(|(_, path)| UnixStream::connect(path).ok()).ok_or_else(|| {
        let pattern = directory.join(format!("{SOCKET_PREFIX}*{SOCKET_SUFFIX}"));
        let found = if sockets.is_empty() { "there is no socket" } else { "nobody listens on" };
        MsgError::NoDaemon(format!("{found} {}", pattern.display()))
    })
}

fn is_socket_name(name: &str) -> bool {
    name.starts_with(SOCKET_PREFIX) && name.ends_with(SOCKET_SUFFIX)
}

/// What is printed for a response: its content as JSON, or a table.
fn show(response: &Response, json: bool) -> serde_json::Result<String> {
    if json {
        let text = match response {
            Response::Domains(domains) => serde_json::to_string_pretty(domains)?,
            Response::Windows(windows) => serde_json::to_string_pretty(windows)?,
            Response::Outputs(outputs) => serde_json::to_string_pretty(outputs)?,
            Response::Frames(count) => count.to_string(),
            Response::Clipboard(clipboard) => serde_json::to_string_pretty(clipboard)?,
            Response::Files(files) => serde_json::to_string_pretty(files)?,
            Response::Keyboard(keyboard) => serde_json::to_string_pretty(keyboard)?,
            Response::Started { pid } => pid.to_string(),
            Response::Done {} => "{}".to_owned(),
            Response::Error(reason) => serde_json::to_string(reason)?,
        };
        return Ok(text + "\n");
    }
    Ok(match response {
        Response::Domains(domains) => table(&DOMAIN_COLUMNS, domains.iter().map(domain_row).collect()),
        Response::Windows(windows) => table(&WINDOW_COLUMNS, windows.iter().map(window_row).collect()),
        Response::Outputs(outputs) => table(&OUTPUT_COLUMNS, outputs.iter().map(output_row).collect()),
        Response::Frames(count) => format!("{count}\n"),
        Response::Started { pid } => format!("{pid}\n"),
        Response::Clipboard(clipboard) => table(&CLIPBOARD_COLUMNS, vec![clipboard_row(clipboard)]),
        Response::Files(files) => table(&FILES_COLUMNS, vec![files_row(files)]),
        Response::Keyboard(keyboard) => table(&LAYOUT_COLUMNS, layout_rows(keyboard)),
        Response::Done {} => String::new(),
        Response::Error(reason) => format!("{reason}\n"),
    })
}

/// What is printed for an event's line: itself, or a table.
fn show_event(line: &str, json: bool) -> serde_json::Result<String> {
    if json {
        return Ok(line.to_owned());
    }
    Ok(match serde_json::from_str(line)? {
        Event::WindowsChanged(windows) => show(&Response::Windows(windows), false)?,
        Event::ClipboardChanged(clipboard) => show(&Response::Clipboard(clipboard), false)?,
        Event::FilesChanged(files) => show(&Response::Files(files), false)?,
        Event::DomainsChanged(domains) => show(&Response::Domains(domains), false)?,
    } + "\n")
}

const DOMAIN_COLUMNS: [&str; 6] = ["DOMAIN", "LABEL", "TRANSPORT", "DOMID", "STATE", "WINDOWS"];

fn domain_row(domain: &DomainInfo) -> [String; 6] {
    let state = match domain.state {
        LinkState::Connected if !domain.responding => "not responding",
        LinkState::Connected => "connected",
        LinkState::Waiting => "waiting",
        LinkState::Absent => "absent",
        LinkState::BackingOff => "backing off",
    };
    [
        domain.name.clone(),
        domain.label.clone(),
        domain.transport.clone(),
        domain.domid.map_or_else(|| "-".to_owned(), |domid| domid.to_string()),
        state.to_owned(),
        domain.windows.to_string(),
    ]
}

const CLIPBOARD_COLUMNS: [&str; 4] = ["FROM", "BYTES", "SECONDS", "NOTICE"];

fn clipboard_row(clipboard: &ClipboardInfo) -> [String; 4] {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let ClipboardInfo { from, bytes, age_s, notice, .. } = clipboard;
    [or_dash(from), bytes.to_string(), age_s.to_string(), or_dash(notice)]
}

const FILES_COLUMNS: [&str; 2] = ["CHOICES", "NOTICE"];

fn files_row(files: &FilesInfo) -> [String; 2] {
    let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    [or_dash(files.choices.join(" ")), or_dash(files.notice.clone().unwrap_or_default())]
}

const WINDOW_COLUMNS: [&str; 6] = ["ID", "DOMAIN", "LABEL", "GEOMETRY", "STATE", "TITLE"];

fn window_row(window: &WindowInfo) -> [String; 6] {
    let at = window.geometry;
    let states = [
        (window.kind == WindowKind::Popup, "popup"),
        (window.kind == WindowKind::Docked, "docked"),
        (!window.mapped, "unmapped"),
        (window.minimised, "minimised"),
        (window.maximised, "maximised"),
        (window.attention, "attention"),
        (window.focused, "focused"),
    ];
    let states: Vec<_> = states.iter().filter(|(is, _)| *is).map(|(_, name)| *name).collect();
    [
        window.id.to_string(),
        window.domain.clone(),
        window.label.clone(),
        format!("{}x{}{:+}{:+}", at.width, at.height, at.x, at.y),
        states.join(","),
        window.title.clone(),
    ]
}

const OUTPUT_COLUMNS: [&str; 4] = ["OUTPUT", "GEOMETRY", "MODE", "SCALE"];

fn output_row(output: &OutputInfo) -> [String; 4] {
    let (at, mode) = (output.geometry, output.mode);
    [
        output.name.clone(),
        format!("{}x{}{:+}{:+}", at.width, at.height, at.x, at.y),
        format!("{}x{}@{}", mode.width, mode.height, mode.refresh_hz),
        format!("{}", (output.scale.as_f64() * 1000.0).round() / 1000.0),
    ]
}

const LAYOUT_COLUMNS: [&str; 3] = ["NUMBER", "LAYOUT", "STATE"];

fn layout_rows(keyboard: &KeyboardInfo) -> Vec<[String; 3]> {
    let row = |(number, name): (u32, &String)| {
        let state = if number == keyboard.current { "in force" } else { "" };
        [number.to_string(), name.clone(), state.to_owned()]
    };
    (0..).zip(&keyboard.layouts).map(row).collect()
}

/// Columns as wide as their widest cell, two spaces between them, none at the end of a line.
fn table<const N: usize>(header: &[&str; N], rows: Vec<[String; N]>) -> String {
    let mut lines = vec![header.map(str::to_owned)];
    lines.extend(rows);
    let mut widths = [0; N];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for line in &lines {
        let cells: String = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}  ")).collect();
        text.push_str(cells.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use clap::Parser;

    use super::*;
    use crate::ipc::Geometry;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        msg: MsgArgs,
    }

    fn request(line: &str) -> Request {
        let words = std::iter::once("msg").chain(line.split(' '));
        Cli::try_parse_from(words).unwrap().msg.command.request().unwrap()
    }

    fn changed(change: OutputChange) -> Request {
        Request::Output { name: "a".to_owned(), change }
    }

    fn small(refresh_hz: u32) -> OutputMode {
        OutputMode { width: 640, height: 480, refresh_hz }
    }

    #[test]
    fn commands_become_requests() {
        for (line, expected) in [
            ("domains", Request::Domains),
            ("--json windows", Request::Windows),
            ("windows --json", Request::Windows),
            ("screenshot /tmp/a.png", Request::Screenshot { path: "/tmp/a.png".into(), output: None }),
            (
                "screenshot /tmp/a.png --output DP-1",
                Request::Screenshot { path: "/tmp/a.png".into(), output: Some("DP-1".into()) },
            ),
            ("outputs", Request::Outputs),
            ("output a scale 1.25", changed(OutputChange::Scale(Scale::from_120ths(150).unwrap()))),
            ("output a position -10 4", changed(OutputChange::Position { x: -10, y: 4 })),
            ("output a mode 640x480@0", changed(OutputChange::Mode(small(0)))),
            ("output a add 640x480", changed(OutputChange::Add { mode: small(60), scale: Scale::ONE })),
            (
                "output a add 640x480@30 --scale 2",
                changed(OutputChange::Add { mode: small(30), scale: Scale::from_120ths(240).unwrap() }),
            ),
            ("output a remove", changed(OutputChange::Remove {})),
            ("close 3", Request::Close { id: 3 }),
            ("focus 18446744073709551615", Request::Focus { id: u64::MAX }),
            ("quit", Request::Quit),
            ("input key ctrl+shift+c", Request::InputKey { name: "ctrl+shift+c".into() }),
            ("input text -la", Request::InputText { string: "-la".into() }),
            ("input move 10 -3.5", Request::InputMove { x: 10.0, y: -3.5 }),
            (
                "input button left",
                Request::InputButton { name: ButtonName::Left, action: ButtonAction::Click },
            ),
            (
                "input button extra press",
                Request::InputButton { name: ButtonName::Extra, action: ButtonAction::Press },
            ),
            ("input scroll 0 -2", Request::InputScroll { dx: 0.0, dy: -2.0 }),
            ("subscribe", Request::Subscribe),
            ("sync", Request::Sync),
        ] {
            assert_eq!(request(line), expected, "{line}");
        }
    }

    #[test]
    fn a_screenshot_is_written_where_the_caller_is() {
        let expected = env::current_dir().unwrap().join("a.png");
        assert_eq!(request("screenshot a.png"), Request::Screenshot { path: expected, output: None });
    }

    #[test]
    fn wrong_arguments_are_refused() {
        for line in [
            "",
            "close",
            "close first",
            "input",
            "input button left hold",
            "input move 1",
            "output a",
            "output a scale 9",
            "output a mode 5",
        ] {
            assert!(Cli::try_parse_from(std::iter::once("msg").chain(line.split(' '))).is_err(), "{line}");
        }
    }

    fn windows() -> Response {
        let foot = WindowInfo {
            id: 3,
            domain: "work".into(),
            label: "blue".into(),
            title: "user@work: ~".into(),
            geometry: Geometry { x: -4, y: 28, width: 640, height: 480 },
            drawn: None,
            focused: true,
            mapped: true,
            minimised: false,
            maximised: true,
            attention: false,
            kind: WindowKind::Toplevel,
        };
        let menu = WindowInfo {
            id: 12,
            domain: "personal".into(),
            label: "#0ab1ff".into(),
            title: String::new(),
            geometry: Geometry { x: 0, y: 0, width: 1, height: 1 },
            focused: false,
            maximised: false,
            attention: true,
            mapped: false,
            kind: WindowKind::Popup,
            ..foot.clone()
        };
        Response::Windows(vec![foot, menu])
    }

    #[test]
    fn people_get_aligned_tables() {
        let expected = "\
ID  DOMAIN    LABEL    GEOMETRY      STATE                     TITLE
3   work      blue     640x480-4+28  maximised,focused         user@work: ~
12  personal  #0ab1ff  1x1+0+0       popup,unmapped,attention
";
        assert_eq!(show(&windows(), false).unwrap(), expected);
    }

    #[test]
    fn outputs_are_listed_with_their_scale() {
        let output = OutputInfo {
            name: "DP-1".into(),
            geometry: Geometry { x: 0, y: -9, width: 1280, height: 720 },
            mode: OutputMode { width: 1707, height: 960, refresh_hz: 60 },
            scale: Scale::from_120ths(160).unwrap(),
            frames: 3,
        };
        let response = Response::Outputs(vec![output]);
        let expected = "\
OUTPUT  GEOMETRY      MODE         SCALE
DP-1    1280x720+0-9  1707x960@60  1.333
";
        assert_eq!(show(&response, false).unwrap(), expected);
        let json: serde_json::Value = serde_json::from_str(&show(&response, true).unwrap()).unwrap();
        assert_eq!(json[0]["mode"]["width"], 1707);
    }

    #[test]
    fn programs_get_the_content_as_json() {
        let json = show(&windows(), true).unwrap();
        let list: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(list[0]["id"], 3);
        assert_eq!(list[0]["geometry"]["x"], -4);
        assert_eq!(list[1]["kind"], "popup");
        assert_eq!(show(&Response::Done {}, true).unwrap(), "{}\n");
        assert_eq!(show(&Response::Domains(Vec::new()), true).unwrap(), "[]\n");
    }

    #[test]
    fn the_newest_living_daemon_is_found() {
        let directory = env::temp_dir().join(format!("transom-msg-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let error = || connect_to_newest(&directory).unwrap_err().to_string();
        let pattern = directory.join("transom-*.sock");
        assert_eq!(error(), format!("no daemon is running: there is no socket {}", pattern.display()));

        let bind = |name: &str| UnixListener::bind(directory.join(name)).unwrap();
        drop(bind("transom-dead.sock"));
        drop(bind("other.sock"));
        assert_eq!(error(), format!("no daemon is running: nobody listens on {}", pattern.display()));

        let old = bind("transom-old.sock");
        let past = SystemTime::now() - Duration::from_secs(3600);
        set_modified(&directory.join("transom-old.sock"), past);
        let new = bind("transom-new.sock");
        let stream = connect_to_newest(&directory).unwrap();
        assert_eq!(stream.peer_addr().unwrap().as_pathname(), Some(&*directory.join("transom-new.sock")));
        drop(new);
        let stream = connect_to_newest(&directory).unwrap();
        assert_eq!(stream.peer_addr().unwrap().as_pathname(), Some(&*directory.join("transom-old.sock")));
        drop(old);
        fs::remove_dir_all(&directory).unwrap();
    }

    /// Sets a socket's time of change, which cannot be done through an open file.
    fn set_modified(path: &Path, time: SystemTime) {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let stamp = rustix::fs::Timespec { tv_sec: since.as_secs().try_into().unwrap(), tv_nsec: 0 };
        let times = rustix::fs::Timestamps { last_access: stamp, last_modification: stamp };
        rustix::fs::utimensat(rustix::fs::CWD, path, &times, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).unwrap();
    }

    #[test]
    fn a_daemon_that_ends_or_talks_nonsense_is_reported() {
        let mut nothing = BufReader::new(&b""[..]);
        assert!(read_line(&mut nothing).unwrap().is_none());
        let mut cut = BufReader::new(&b"{\"done\""[..]);
        assert!(read_line(&mut cut).unwrap().is_none());
        assert!(show_event("{}\n", false).is_err());
    }
}
