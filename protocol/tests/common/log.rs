//! The wire log of two real peers, as messages.

use gui_protocol::message::{AgentMessage, DaemonMessage};
use gui_protocol::{GrantRef, WindowId};

/// A line of the log: who said it, of which window.
pub enum Line {
    Agent(u32, AgentMessage),
    Daemon(u32, DaemonMessage),
}

/// The messages of the log, without the greetings.
pub fn log() -> Vec<Line> {
    include_str!("../data/qubes-gui-trace.log").lines().filter_map(parse).collect()
}

/// The words of a line after its name: `x-3`, `w10`, `min6x13`, `b'text'`.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn text(&self, name: &str) -> &'a str {
        let starts = |word: &&str| {
            let rest = word.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_hexdigit() || c == '-' || c == '('))
        };
        let word = self.0.split(' ').find(starts).unwrap_or_else(|| panic!("no {name} in {}", self.0));
        &word[name.len()..]
    }

    fn int(&self, name: &str) -> i32 {
        self.text(name).parse().unwrap()
    }

    fn number(&self, name: &str) -> u32 {
        self.text(name).parse().unwrap()
    }

    fn hex(&self, name: &str) -> u32 {
        u32::from_str_radix(self.text(name), 16).unwrap()
    }

    fn pair(&self, name: &str) -> (u32, u32) {
        let (a, b) = self.text(name).split_once('x').unwrap();
        (a.parse().unwrap(), b.parse().unwrap())
    }

    /// The byte strings of the line, as Python prints them.
    fn bytes(&self) -> Vec<Vec<u8>> {
        self.0.split("b'").skip(1).map(|text| unescape(text.split('\'').next().unwrap())).collect()
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    bytes
}

fn padded<const N: usize>(text: &[u8]) -> [u8; N] {
    let mut field = [0; N];
    field[..text.len()].copy_from_slice(text);
    field
}

fn parse(line: &str) -> Option<Line> {
    let mut words = line.split_whitespace();
    let direction = words.nth(1)?;
    let name = words.next()?;
    if direction == "==" || name == "HANDSHAKE" {
        return None;
    }
    let rest = Words(line.split_once("len=").unwrap().1.split_once(' ').unwrap().1);
    let window = u32::from_str_radix(words.next().unwrap().strip_prefix("win=").unwrap(), 16).unwrap();
    let (x, y) = (|| rest.int("x"), || rest.int("y"));
    let (width, height) = (|| rest.number("w"), || rest.number("h"));
    let override_redirect = || rest.number("or");
    let state = || rest.hex("state");
    let kind = || rest.number("type");
    if direction == "A>D" {
        let message = match name {
            "CREATE" => AgentMessage::Create {
                x: x(),
                y: y(),
                width: width(),
                height: height(),
                parent: WindowId(rest.hex("parent")),
                override_redirect: override_redirect(),
            },
            "CONFIGURE" => AgentMessage::Configure {
                x: x(),
                y: y(),
                width: width(),
                height: height(),
                override_redirect: override_redirect(),
            },
            "MAP" => AgentMessage::Map {
                transient_for: WindowId(rest.number("transient")),
                override_redirect: override_redirect(),
            },
            "UNMAP" => AgentMessage::Unmap {},
            "SHMIMAGE" => AgentMessage::ShmImage { x: x(), y: y(), width: width(), height: height() },
            "WINDOW_DUMP" => {
                let first: u32 = rest.text("first").trim_matches(['(', ',', ')']).parse().unwrap();
                let refs = (first..first + rest.number("nrefs")).map(GrantRef).collect();
                let bits_per_pixel = rest.number("bpp");
                AgentMessage::WindowDump {
                    kind: kind(),
                    width: width(),
                    height: height(),
                    bits_per_pixel,
                    refs,
                }
            }
            "WMCLASS" => {
                AgentMessage::WmClass { class: padded(&rest.bytes()[0]), name: padded(&rest.bytes()[1]) }
            }
            "WMNAME" => AgentMessage::WmName { title: padded(&rest.bytes()[0]) },
            "WINDOW_HINTS" => {
                let [min, max, inc, base] = ["min", "max", "inc", "base"].map(|name| rest.pair(name));
                AgentMessage::WindowHints {
                    flags: rest.hex("flags"),
                    min_width: min.0,
                    min_height: min.1,
                    max_width: max.0,
                    max_height: max.1,
                    width_increment: inc.0,
                    height_increment: inc.1,
                    base_width: base.0,
                    base_height: base.1,
                }
            }
            "WINDOW_FLAGS" => {
                AgentMessage::WindowFlags { set: rest.number("set"), unset: rest.number("unset") }
            }
            "CURSOR" => AgentMessage::Cursor { cursor: rest.0.trim().parse().unwrap() },
            "CLIPBOARD_DATA" => AgentMessage::ClipboardData { data: rest.bytes().remove(0) },
            other => panic!("{other}"),
        };
        return Some(Line::Agent(window, message));
    }
    let message = match name {
        "CONFIGURE" => DaemonMessage::Configure {
            x: x(),
            y: y(),
            width: width(),
            height: height(),
            override_redirect: override_redirect(),
        },
        "WINDOW_DUMP_ACK" => DaemonMessage::WindowDumpAck {},
        // The log has the first 8 bytes.
        "KEYMAP_NOTIFY" => {
            let first = u64::from_str_radix(rest.0.trim(), 16).unwrap().to_be_bytes();
            DaemonMessage::KeymapNotify { keys: padded(&first) }
        }
        "CROSSING" => DaemonMessage::Crossing {
            kind: kind(),
            x: x(),
            y: y(),
            state: state(),
            mode: rest.number("mode"),
            detail: 0,
            focus: rest.number("focus"),
        },
        "FOCUS" => DaemonMessage::Focus { kind: kind(), mode: rest.number("mode"), detail: 0 },
        "MOTION" => DaemonMessage::Motion { x: x(), y: y(), state: state(), is_hint: rest.number("hint") },
        "KEYPRESS" => DaemonMessage::Keypress {
            kind: kind(),
            x: x(),
            y: y(),
            state: state(),
            keycode: rest.number("code"),
        },
        "BUTTON" => {
            DaemonMessage::Button { kind: kind(), x: x(), y: y(), state: state(), button: rest.number("btn") }
        }
        "WINDOW_FLAGS" => DaemonMessage::WindowFlags { set: rest.number("set"), unset: rest.number("unset") },
        "CLIPBOARD_REQ" => DaemonMessage::ClipboardReq {},
        other => panic!("{other}"),
    };
    Some(Line::Daemon(window, message))
}
