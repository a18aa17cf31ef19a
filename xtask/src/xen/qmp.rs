//! QEMU's machine protocol: one JSON object a line, a command out and its answer in, with events between.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

/// QEMU answers at once, but on a host that is busy with other things not always soon.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// A connection that is ready for commands.
pub struct Qmp {
    stream: BufReader<UnixStream>,
}

/// Something that a person can do to a keyboard or a tablet.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Presses or releases a key, by QEMU's name of it (`QKeyCode`: `a`, `ret`, `shift`, `meta_l`).
    Key(&'a str, bool),
    /// Puts the pointer somewhere: parts of 32768 of the display's width and height.
    Place(u32, u32),
    /// Presses or releases a button: `left`, `middle`, `right`.
    Button(&'a str, bool),
}

impl Qmp {
    /// Connects to QEMU's socket and agrees on the protocol.
    pub fn connect(socket: &Path) -> anyhow::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        let mut qmp = Self { stream: BufReader::new(stream) };
        qmp.receive()?;
        qmp.command("qmp_capabilities", &json!({}))?;
        Ok(qmp)
    }

    /// Runs a command and returns what it returns.
    pub fn command(&mut self, name: &str, arguments: &Value) -> anyhow::Result<Value> {
        let line = json!({ "execute": name, "arguments": arguments });
        writeln!(self.stream.get_mut(), "{line}").context("QEMU does not listen")?;
        loop {
            let mut answer = self.receive()?;
            if let Some(error) = answer.get("error") {
                bail!("QEMU refuses {name}: {error}");
            }
            if let Some(value) = answer.get_mut("return") {
                return Ok(value.take());
            }
        }
    }

    /// Injects input, all of it as of one moment.
    pub fn input(&mut self, inputs: &[Input<'_>]) -> anyhow::Result<()> {
        let axis = |axis, value| json!({ "type": "abs", "data": { "axis": axis, "value": value } });
        let events: Vec<Value> = inputs
            .iter()
            .flat_map(|input| match *input {
                Input::Key(code, down) => {
                    vec![json!({ "type": "key", "data": { "down": down, "key": { "type": "qcode", "data": code } } })]
                }
                Input::Place(x, y) => vec![axis("x", x), axis("y", y)],
                Input::Button(button, down) => {
                    vec![json!({ "type": "btn", "data": { "down": down, "button": button } })]
                }
            })
            .collect();
        self.command("input-send-event", &json!({ "events": events })).map(drop)
    }

    fn receive(&mut self) -> anyhow::Result<Value> {
        let mut line = String::new();
        self.stream.read_line(&mut line).context("QEMU does not answer")?;
        serde_json::from_str(&line).context("QEMU has ended, or does not speak its protocol")
    }
}
