//! The daemon's configuration file: TOML, read whole and checked whole before anything starts.
//!
//! Invariants: a [`Config`] that exists is valid, nothing downstream checks it again. A key that no table knows is
//! refused, so a misspelt security setting can never be silently ignored. Every error names line, key, value and rule.

mod clipboard;
mod domain;
mod files;
mod input;
mod output;
mod transport;

use std::{
    fmt,
    ops::{Range, RangeInclusive},
    path::{Path, PathBuf},
};

use smithay::input::keyboard::Keysym;

use crate::chord::Chord;
pub use clipboard::ClipboardConfig;
pub use domain::{DomainConfig, MAX_DOMAIN_NAME, OthersConfig};
pub use files::FilesConfig;
pub use input::InputConfig;
pub use output::{Given, LayoutError, MAX_OUTPUTS, OUTPUT_PLACE, OutputConfig, RendererChoice, SCREEN_SIDE};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};
pub use transport::{AGENT_DOMIDS, Transport, Uuid, XenDomain};

/// Everything the configuration file says; [`Config::default`] is what an empty file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The screens, never none, and such as [`OutputConfig::check`] lets pass: all headless ones, the first as the
    /// nested window's first size, or how the machine's own are to be set.
    pub outputs: Vec<OutputConfig>,
    /// The domains served, in the order of the file.
    pub domains: Vec<DomainConfig>,
    /// The domains of Xen that are none of these; they are refused when absent.
    pub others: Option<OthersConfig>,
    /// Keyboard layout and repeat.
    pub keyboard: KeyboardConfig,
    /// How the machine's own input devices behave.
    pub input: InputConfig,
    /// Whether the machine's own screens lay the pointer over the frame, where they can; left out, their drivers decide.
    pub pointer_planes: Option<bool>,
    /// Copying and pasting between domains.
    pub clipboard: ClipboardConfig,
    /// Files from one domain to another.
    pub files: FilesConfig,
    /// What is expected of agents.
    pub agents: AgentsConfig,
    /// Name of the Wayland socket for dom0's own clients; the first free `wayland-N` when absent.
    pub wayland_socket: Option<String>,
    /// Absolute path of the control socket; [`crate::ipc::default_socket_path`] when absent.
    pub control_socket: Option<PathBuf>,
}

/// The `[agents]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentsConfig {
    /// Milliseconds after which an agent that was asked for an answer and gave none is shown as not responding.
    pub unresponsive_after_ms: u32,
}

impl Default for AgentsConfig {
    fn default() -> Self {
        Self { unresponsive_after_ms: 5000 }
    }
}

/// The `[keyboard]` table, in xkbcommon's terms; an empty name means xkbcommon's default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyboardConfig {
    /// Layout, as `de` or `us,ru`.
    pub layout: String,
    /// Variant of the layout.
    pub variant: String,
    /// Options, as `ctrl:nocaps`.
    pub options: Option<String>,
    /// Model of the keyboard.
    pub model: String,
    /// Repeats per second, at most 1000; 0 turns repeats off.
    pub repeat_rate: i32,
    /// Milliseconds from press to first repeat, 1 to 10000.
    pub repeat_delay: i32,
    /// Puts the next of several layouts in force.
    pub next_layout: Chord,
    /// Takes the pointer from a window that holds it.
    pub release_pointer: Chord,
    /// Fills the left half of the output with the window, or undoes that.
    pub tile_left: Chord,
    /// The same with the right half.
    pub tile_right: Chord,
    /// Fills the output with the window.
    pub maximise: Chord,
    /// Undoes the last of fullscreen, maximised and tiled, and minimises a window that is none of these.
    pub step_back: Chord,
}

impl Default for KeyboardConfig {
    fn default() -> Self {
        Self {
            layout: String::new(),
            variant: String::new(),
            options: None,
            model: String::new(),
            repeat_rate: 25,
            repeat_delay: 600,
            next_layout: Chord::logo(Keysym::space),
            release_pointer: Chord::logo(Keysym::Escape),
            tile_left: Chord::logo(Keysym::Left),
            tile_right: Chord::logo(Keysym::Right),
            maximise: Chord::logo(Keysym::Up),
            step_back: Chord::logo(Keysym::Down),
        }
    }
}

/// Why a configuration was refused; the message is one line for the administrator.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file breaks a rule.
    #[error("{}:{error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The place and the rule.
        error: Refusal,
    },
}

/// A rule broken by a configuration's text, displayed as `LINE: message`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}: {message}")]
pub struct Refusal {
    /// Where, counted from 1.
    pub line: usize,
    /// Key, value and rule.
    pub message: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            outputs: vec![OutputConfig::default()],
            domains: Vec::new(),
            others: None,
            keyboard: KeyboardConfig::default(),
            input: InputConfig::default(),
            pointer_planes: None,
            clipboard: ClipboardConfig::default(),
            files: FilesConfig::default(),
            agents: AgentsConfig::default(),
            wayland_socket: None,
            control_socket: None,
        }
    }
}

impl Config {
    /// Reads and checks a file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|error| ConfigError::File { path: path.to_owned(), error })
    }

    /// Checks a file's text.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let root = DeTable::parse(text).map_err(|error| Refusal {
            line: line_of(text, error.span().unwrap_or_default().start),
            message: format!("not valid TOML: {}", error.message().replace('\n', "; ")),
        })?;
        let mut root = Table::new(text, "", root.span(), root.into_inner());

        let outputs = output::read_outputs(root.table_or_tables("output")?)?;
        let mut config = Self { outputs, ..Self::default() };
        if let Some(mut table) = root.table("keyboard")? {
            config.keyboard.read(&mut table)?;
            table.finish()?;
        }
        if let Some(mut table) = root.table("input")? {
            config.input.read(&mut table)?;
            table.finish()?;
        }
        if let Some(mut table) = root.table("cursor")? {
            config.pointer_planes = input::read_hardware(&mut table)?;
            table.finish()?;
        }
        if let Some(mut table) = root.table("agents")? {
            table.integer("unresponsive_after_ms", 1..=600_000, &mut config.agents.unresponsive_after_ms)?;
            table.finish()?;
        }
        if let Some(mut table) = root.table("wayland")? {
            let rule = "a file name such as \"wayland-1\"";
            config.wayland_socket =
                table.string("socket", rule, |s| is_file_name(s).then(|| s.to_owned()))?;
            table.finish()?;
        }
        if let Some(mut table) = root.table("control")? {
            let rule = "an absolute path";
            config.control_socket =
                table.string("socket", rule, |s| Path::new(s).is_absolute().then(|| s.into()))?;
            table.finish()?;
        }
        config.domains = domain::read_domains(root.tables("domain")?)?;
        if let Some(mut table) = root.table("xen")? {
            config.others = table.table("others")?.map(OthersConfig::read).transpose()?;
            table.finish()?;
        }
        let names: Vec<&str> = config.domains.iter().map(|domain| domain.name.as_str()).collect();
        if let Some(mut table) = root.table("clipboard")? {
            config.clipboard.read(&mut table, &names)?;
            table.finish()?;
        }
        if let Some(mut table) = root.table("files")? {
            config.files.read(&mut table, &names)?;
            table.finish()?;
        }
        root.finish()?;
        Ok(config)
    }
}

impl KeyboardConfig {
    fn read(&mut self, table: &mut Table<'_>) -> Result<(), Refusal> {
        // xkbcommon takes C strings: a NUL would end the name early.
        let rule = "a string without NUL";
        let name = |s: &str| (!s.contains('\0')).then(|| s.to_owned());
        self.layout = table.string("layout", rule, name)?.unwrap_or_default();
        self.variant = table.string("variant", rule, name)?.unwrap_or_default();
        self.options = table.string("options", rule, name)?;
        self.model = table.string("model", rule, name)?.unwrap_or_default();
        table.integer("repeat_rate", 0..=1000, &mut self.repeat_rate)?;
        table.integer("repeat_delay", 1..=10_000, &mut self.repeat_delay)?;
        for (key, chord) in [
            ("next_layout", &mut self.next_layout),
            ("release_pointer", &mut self.release_pointer),
            ("tile_left", &mut self.tile_left),
            ("tile_right", &mut self.tile_right),
            ("maximise", &mut self.maximise),
            ("step_back", &mut self.step_back),
        ] {
            *chord = table.string(key, Chord::RULE, Chord::parse)?.unwrap_or(*chord);
        }
        Ok(())
    }
}

fn is_file_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0'])
}

/// A TOML table from which each known key is taken once; what is left in the end is unknown.
struct Table<'a> {
    text: &'a str,
    /// The table's name, empty for the file itself.
    name: String,
    line: usize,
    entries: DeTable<'a>,
    known: Vec<&'static str>,
}

impl<'a> Table<'a> {
    fn new(text: &'a str, name: &str, span: Range<usize>, entries: DeTable<'a>) -> Self {
        Self { text, name: name.to_owned(), line: line_of(text, span.start), entries, known: Vec::new() }
    }

    fn take(&mut self, key: &'static str) -> Option<Spanned<DeValue<'a>>> {
        self.known.push(key);
        self.entries.remove(key)
    }

    /// The line of a key's value, or the table's own line without it.
    fn line_of_key(&self, key: &str) -> usize {
        self.entries.get(key).map_or(self.line, |value| line_of(self.text, value.span().start))
    }

    /// A key with the tables it is in.
    fn full_name(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    fn refuse(&self, message: String) -> Refusal {
        Refusal { line: self.line, message }
    }

    fn refuse_value(&self, key: &str, value: &Spanned<DeValue<'_>>, rule: &str) -> Refusal {
        let shown = self.text.get(value.span()).map_or_else(String::new, |text| {
            // A table or a long string is named by its beginning.
            let mut shown: String = text.lines().next().unwrap_or_default().chars().take(64).collect();
            if shown.len() < text.len() {
                shown.push('…');
            }
            shown
        });
        let message = format!("{} = {shown}: must be {rule}", self.full_name(key));
        Refusal { line: line_of(self.text, value.span().start), message }
    }

    fn required<T>(&self, key: &str, value: Option<T>) -> Result<T, Refusal> {
        value.ok_or_else(|| self.refuse(format!("[[{}]] lacks the key {key}", self.name)))
    }

    /// A string that `parse` accepts, or nothing when the key is absent.
    fn string<T>(
        &mut self,
        key: &'static str,
        rule: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let parsed = value.get_ref().as_str().and_then(parse);
        parsed.map(Some).ok_or_else(|| self.refuse_value(key, &value, rule))
    }

    /// Sets `target` when the key is there.
    fn integer<T>(
        &mut self,
        key: &'static str,
        range: RangeInclusive<T>,
        target: &mut T,
    ) -> Result<(), Refusal>
    where
        T: TryFrom<i64> + PartialOrd + fmt::Display,
    {
        let Some(value) = self.take(key) else { return Ok(()) };
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok())
            .and_then(|number| T::try_from(number).ok())
            .filter(|number| range.contains(number));
        *target = number.ok_or_else(|| {
            self.refuse_value(
                key,
                &value,
                &format!("a whole number from {} to {}", range.start(), range.end()),
            )
        })?;
        Ok(())
    }

    /// Sets `target` when the key is there.
    fn boolean(&mut self, key: &'static str, target: &mut bool) -> Result<(), Refusal> {
        let Some(value) = self.take(key) else { return Ok(()) };
        *target = value.get_ref().as_bool().ok_or_else(|| self.refuse_value(key, &value, "true or false"))?;
        Ok(())
    }

    fn table(&mut self, key: &'static str) -> Result<Option<Table<'a>>, Refusal> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let name = self.full_name(key);
        let span = value.span();
        match value.into_inner() {
            DeValue::Table(entries) => Ok(Some(Table::new(self.text, &name, span, entries))),
            other => Err(self.refuse_value(key, &Spanned::new(span, other), &format!("a table: [{name}]"))),
        }
    }

    /// One table under `[key]`, or a list of them.
    fn table_or_tables(&mut self, key: &'static str) -> Result<Vec<Table<'a>>, Refusal> {
        match self.entries.get(key).map(Spanned::get_ref) {
            Some(DeValue::Array(_)) | None => self.tables(key),
            Some(DeValue::Table(_)) => Ok(self.table(key)?.into_iter().collect()),
            Some(_) => {
                let rule = format!("a table [{key}], or a list of tables, each under its own [[{key}]]");
                let message = format!("{key}: must be {rule}");
                Err(Refusal { line: self.line_of_key(key), message })
            }
        }
    }

    fn tables(&mut self, key: &'static str) -> Result<Vec<Table<'a>>, Refusal> {
        let Some(value) = self.take(key) else { return Ok(Vec::new()) };
        let rule = format!("a list of tables, each under its own [[{key}]]");
        let span = value.span();
        let DeValue::Array(items) = value.into_inner() else {
            let message = format!("{key}: must be {rule}");
            return Err(Refusal { line: line_of(self.text, span.start), message });
        };
        items
            .into_iter()
            .map(|item| {
                let span = item.span();
                match item.into_inner() {
                    DeValue::Table(entries) => Ok(Table::new(self.text, key, span, entries)),
                    other => Err(self.refuse_value(key, &Spanned::new(span, other), &rule)),
                }
            })
            .collect()
    }

    /// Refuses the first key, by place in the file, that nothing took.
    fn finish(self) -> Result<(), Refusal> {
        let Some(key) = self.entries.keys().min_by_key(|key| key.span().start) else { return Ok(()) };
        let place = if self.name.is_empty() { "the file".to_owned() } else { format!("[{}]", self.name) };
        let message = format!(
            "unknown key {:?} in {place}: known are {}",
            key.get_ref().as_ref(),
            self.known.join(", ")
        );
        Err(Refusal { line: line_of(self.text, key.span().start), message })
    }
}

/// The line, counted from 1, of a byte of the text.
fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&b| b == b'\n').count()
}

#[cfg(test)]
mod tests {
    use gui_protocol::Version;
    use shm_grant::DomId;

    use super::*;
    use crate::{
        label::{Color, Label},
        shell::geom::Rect,
    };

    fn refusal(text: &str) -> String {
        Config::parse(text).unwrap_err().to_string()
    }

    /// A domain that only lacks what a test adds.
    fn domain(lines: &str) -> String {
        format!("[[domain]]\nname = \"work\"\n{lines}")
    }

    #[test]
    fn an_empty_file_is_the_default() {
        let config = Config::parse("").unwrap();
        assert_eq!(config, Config::default());
        assert_eq!(config.outputs, [OutputConfig::default()]);
        assert_eq!((config.keyboard.repeat_rate, config.keyboard.repeat_delay), (25, 600));
    }

    #[test]
    fn the_example_says_what_it_means() {
        let config = Config::parse(include_str!("../../docs/transom.toml")).unwrap();
        let areas: Vec<_> = config.outputs.iter().map(|output| output.area()).collect();
        assert_eq!(areas, [Rect::new(0, 0, 2560, 1440), Rect::new(2560, 200, 1920, 1080)]);
        assert_eq!(config.domains.len(), 1);
    }

    #[test]
    fn every_key_is_read() {
        let config = Config::parse(
            r##"
            [output]
            width = 1920
            height = 0x438
            refresh_hz = 0
            [keyboard]
            layout = "us,ru"
            variant = ",phonetic"
            options = "grp:caps_toggle"
            model = "pc105"
            repeat_rate = 0
            repeat_delay = 250
            next_layout = "ctrl+alt+k"
            release_pointer = "super+F12"
            tile_left = "super+h"
            tile_right = "super+l"
            maximise = "super+k"
            step_back = "super+j"
            [wayland]
            socket = "wayland-dom0"
            [control]
            socket = "/run/user/1000/transom.sock"
            [[domain]]
            name = "personal"
            label = "green"
            transport = "socket:7"
            [[domain]]
            name = "sys-net_2"
            color = "#0aB1ff"
            transport = "ring:32751"
            protocol = "1.8"
            allow_fullscreen = true
            allow_pointer_lock = true
            allow_idle_inhibit = true
            allow_run = false
            override_redirect_protection = false
            window_background_color = "#000000"
            "##,
        )
        .unwrap();
        assert_eq!(
            (config.outputs[0].width, config.outputs[0].height, config.outputs[0].refresh_hz),
            (1920, 1080, 0)
        );
        assert_eq!(
            config.keyboard,
            KeyboardConfig {
                layout: "us,ru".into(),
                variant: ",phonetic".into(),
                options: Some("grp:caps_toggle".into()),
                model: "pc105".into(),
                repeat_rate: 0,
                repeat_delay: 250,
                next_layout: Chord::parse("ctrl+alt+k").unwrap(),
                release_pointer: Chord::parse("super+F12").unwrap(),
                tile_left: Chord::logo(Keysym::h),
                tile_right: Chord::logo(Keysym::l),
                maximise: Chord::logo(Keysym::k),
                step_back: Chord::logo(Keysym::j),
            }
        );
        assert_eq!(config.wayland_socket.as_deref(), Some("wayland-dom0"));
        assert_eq!(config.control_socket.as_deref(), Some(Path::new("/run/user/1000/transom.sock")));
        let custom = Color::new(0x0a, 0xb1, 0xff);
        assert_eq!(
            config.domains,
            [
                DomainConfig {
                    name: "personal".into(),
                    label: Label::named("green").unwrap(),
                    transport: Transport::Socket(DomId(7)),
                    protocol: Version::NEWEST,
                    allow_fullscreen: false,
                    allow_pointer_lock: false,
                    allow_idle_inhibit: false,
                    allow_run: true,
                    override_redirect_protection: true,
                    window_background_color: Color::WHITE,
                },
                DomainConfig {
                    name: "sys-net_2".into(),
                    label: Label::of(custom),
                    transport: Transport::Ring(DomId(32751)),
                    protocol: Version::BASE,
                    allow_fullscreen: true,
                    allow_pointer_lock: true,
                    allow_idle_inhibit: true,
                    allow_run: false,
                    override_redirect_protection: false,
                    window_background_color: Color::BLACK,
                },
            ]
        );
    }

    #[test]
    fn a_bad_value_is_refused_by_line_key_value_and_rule() {
        let side = "must be a whole number from 64 to 16384";
        let name_rule =
            "must be 1 to 31 of the characters A-Z a-z 0-9 _ -, a letter first, and not dom0's own name";
        let transport_rule = format!("must be {}", Transport::RULE);
        let long = "n".repeat(MAX_DOMAIN_NAME + 1);
        let cases = [
            ("[output]\nwidth = 63".to_owned(), format!("2: output.width = 63: {side}")),
            ("[output]\n\nheight = 16385".to_owned(), format!("3: output.height = 16385: {side}")),
            ("[output]\nwidth = -1".to_owned(), format!("2: output.width = -1: {side}")),
            ("[output]\nwidth = \"wide\"".to_owned(), format!("2: output.width = \"wide\": {side}")),
            ("[output]\nwidth = 1280.0".to_owned(), format!("2: output.width = 1280.0: {side}")),
            (
                "[output]\nrefresh_hz = 1001".to_owned(),
                "2: output.refresh_hz = 1001: must be a whole number from 0 to 1000".to_owned(),
            ),
            (
                "[keyboard]\nrepeat_delay = 0".to_owned(),
                "2: keyboard.repeat_delay = 0: must be a whole number from 1 to 10000".to_owned(),
            ),
            (
                "[keyboard]\nlayout = \"u\\u0000s\"".to_owned(),
                "2: keyboard.layout = \"u\\u0000s\": must be a string without NUL".to_owned(),
            ),
            (
                "[keyboard]\nnext_layout = \"space\"".to_owned(),
                format!("2: keyboard.next_layout = \"space\": must be {}", Chord::RULE),
            ),
            (
                "[wayland]\nsocket = \"a/b\"".to_owned(),
                "2: wayland.socket = \"a/b\": must be a file name such as \"wayland-1\"".to_owned(),
            ),
            (
                "[control]\nsocket = \"transom.sock\"".to_owned(),
                "2: control.socket = \"transom.sock\": must be an absolute path".to_owned(),
            ),
            ("[[domain]]\nname = \"1st\"".to_owned(), format!("2: domain.name = \"1st\": {name_rule}")),
            ("[[domain]]\nname = \"\"".to_owned(), format!("2: domain.name = \"\": {name_rule}")),
            ("[[domain]]\nname = \"w\u{f6}rk\"".to_owned(), format!("2: domain.name = \"w\u{f6}rk\": {name_rule}")),
            ("[[domain]]\nname = \"Dom0\"".to_owned(), format!("2: domain.name = \"Dom0\": {name_rule}")),
            (format!("[[domain]]\nname = \"{long}\""), format!("2: domain.name = \"{long}\": {name_rule}")),
            (
                domain("label = \"pink\""),
                "3: domain.label = \"pink\": must be one of red, orange, yellow, green, gray, blue, purple, black"
                    .to_owned(),
            ),
            (domain("color = \"red\""), "3: domain.color = \"red\": must be a colour as \"#rrggbb\"".to_owned()),
            (
                domain("color = \"#+12345\""),
                "3: domain.color = \"#+12345\": must be a colour as \"#rrggbb\"".to_owned(),
            ),
            (
                domain("label = \"red\"\ntransport = \"socket:0\""),
                format!("4: domain.transport = \"socket:0\": {transport_rule}"),
            ),
            (
                domain("label = \"red\"\ntransport = \"ring:32752\""),
                format!("4: domain.transport = \"ring:32752\": {transport_rule}"),
            ),
            (
                domain("label = \"red\"\ntransport = \"socket:+7\""),
                format!("4: domain.transport = \"socket:+7\": {transport_rule}"),
            ),
            (
                domain("label = \"red\"\ntransport = \"tcp:7\""),
                format!("4: domain.transport = \"tcp:7\": {transport_rule}"),
            ),
            (
                domain("label = \"red\"\ntransport = \"socket:7\"\nallow_fullscreen = \"no\""),
                "5: domain.allow_fullscreen = \"no\": must be true or false".to_owned(),
            ),
        ];
        for (text, message) in cases {
            assert_eq!(refusal(&text), message, "for {text:?}");
        }
    }

    #[test]
    fn an_incomplete_or_contradicting_domain_is_refused() {
        let cases = [
            ("\n[[domain]]\nlabel = \"red\"".to_owned(), "2: [[domain]] lacks the key name"),
            (domain(""), "1: domain \"work\" needs either a label or a color"),
            (
                domain("label = \"red\"\ncolor = \"#ff0000\""),
                "3: domain \"work\" has both a label and a color: only one may be given",
            ),
            (domain("label = \"red\""), "1: [[domain]] lacks the key transport"),
            (
                "[domain]\nname = \"work\"".to_owned(),
                "1: domain: must be a list of tables, each under its own [[domain]]",
            ),
            (
                "domain = [1]".to_owned(),
                "1: domain = 1: must be a list of tables, each under its own [[domain]]",
            ),
        ];
        for (text, message) in cases {
            assert_eq!(refusal(&text), message, "for {text:?}");
        }
    }

    #[test]
    fn names_and_domain_ids_are_unique() {
        let two = |name, transport| {
            format!(
                "{}[[domain]]\nname = \"{name}\"\nlabel = \"blue\"\ntransport = \"{transport}\"\n",
                domain("label = \"red\"\ntransport = \"socket:7\"\n")
            )
        };
        assert_eq!(
            refusal(&two("work", "socket:8")),
            "6: domain.name = \"work\": already used by the domain of line 2"
        );
        // One agent cannot be reached in two ways: it would be two domains with one identity.
        for transport in ["ring:7", "xen:7"] {
            assert_eq!(
                refusal(&two("home", transport)),
                format!("8: domain.transport = \"{transport}\": domain id 7 already used in line 4")
            );
        }
        let text =
            two("home", "xen") + "[[domain]]\nname = \"own\"\nlabel = \"red\"\ntransport = \"xen:name=home\"";
        assert_eq!(refusal(&text), "12: domain.transport = \"xen:name=home\": the same domain as in line 8");
    }

    #[test]
    fn domains_of_xen_without_an_entry_are_refused_or_marked() {
        assert_eq!(Config::parse("[xen]").unwrap().others, None);
        let others =
            Config::parse("[xen.others]\nlabel = \"red\"\nallow_run = false").unwrap().others.unwrap();
        let domain = others.of("wo\u{202e}rk\n", DomId(7));
        assert_eq!(
            (domain.name.as_str(), domain.transport.to_string().as_str(), domain.allow_run),
            ("unknown: work", "xen:7", false)
        );
        assert_eq!(domain.label, Label::named("red").unwrap());
        assert_eq!(others.of("\u{200b}", DomId(7)).name, "unknown: domain 7");
        assert!(Config::parse(&format!("[[domain]]\nname = \"{}x\"", OthersConfig::MARK)).is_err());
        let cases = [
            ("[xen.others]\n", "1: [xen.others] needs either a label or a color"),
            ("[xen]\nothers = \"show\"", "2: xen.others = \"show\": must be a table: [xen.others]"),
            (
                "[xen.others]\nlabel = \"red\"\nname = \"x\"",
                "3: unknown key \"name\" in [xen.others]: known are label, color, window_background_color, protocol, \
                 allow_fullscreen, allow_pointer_lock, allow_idle_inhibit, allow_run, override_redirect_protection",
            ),
            ("[xen]\nother = 1", "2: unknown key \"other\" in [xen]: known are others"),
        ];
        for (text, message) in cases {
            assert_eq!(refusal(text), message, "for {text:?}");
        }
    }

    #[test]
    fn an_unknown_key_is_refused_by_name_and_line() {
        assert_eq!(
            refusal("[output]\nwidth = 640\nheigth = 480"),
            "3: unknown key \"heigth\" in [output]: known are name, x, y, width, height, refresh_hz, scale, renderer"
        );
        assert_eq!(
            refusal("\n[outptu]\n"),
            "2: unknown key \"outptu\" in the file: known are output, keyboard, input, cursor, agents, wayland, control, domain, xen, clipboard, files"
        );
        assert_eq!(
            refusal(&domain("label = \"red\"\ntransport = \"socket:7\"\nallow_fulscreen = true")),
            "5: unknown key \"allow_fulscreen\" in [domain]: known are name, label, color, transport, \
             window_background_color, protocol, allow_fullscreen, allow_pointer_lock, allow_idle_inhibit, allow_run, override_redirect_protection"
        );
    }

    #[test]
    fn broken_toml_is_refused_by_line() {
        assert!(refusal("[output]\nwidth = \n").starts_with("2: not valid TOML: "));
        assert!(refusal("[output]\nwidth = 640\nwidth = 640\n").starts_with("3: not valid TOML: "));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Config::load(Path::new("/nonexistent/transom.toml")).unwrap_err();
        assert!(error.to_string().starts_with("/nonexistent/transom.toml: "), "{error}");
    }
}
