//! `cargo xtask apps`: what real applications of Debian's packages do on this desktop, measured.
//!
//! Each application has a daemon without a screen, an agent with Xwayland and a home of its own, is driven through the
//! daemon's control socket as a user would drive it, and is looked at through it. `catalogue` says what each is asked to
//! do, `trial` does it. Pictures and logs are left in `target/apps/`; when all have been
//! measured, they make `docs/applications.md`.

mod catalogue;
mod home;
mod picture;
mod trial;

use std::{
    fmt::{self, Write as _},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use clap::Args;
use serde_json::{Value, json};

use self::{
    catalogue::App,
    trial::{Seen, Trial},
};
use crate::{
    demo::Size,
    packages,
    process::{Interrupted, Processes},
    session::{Domain, Programs, Session, Setup},
    workspace,
};

const SCREEN: Size = Size { width: 1280, height: 900 };
const DOMAIN: &str = "apps";

#[derive(Args)]
pub struct Options {
    /// Write the table to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only those with one of these in their names; for the others, what was measured before stands
    names: Vec<String>,
}

/// What was seen of one ability of an application.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// It has it.
    Yes,
    /// It should, and this was seen instead.
    No(String),
    /// It is not meant to, for this reason.
    None(&'static str),
}

impl Cell {
    /// # Errors
    /// [`Interrupted`] alone; everything else is a reason.
    fn of(result: anyhow::Result<()>) -> anyhow::Result<Self> {
        match result {
            Ok(()) => Ok(Self::Yes),
            Err(error) if error.is::<Interrupted>() => Err(error),
            Err(error) => Ok(Self::No(format!("{error:#}"))),
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yes => formatter.write_str("yes"),
            Self::No(reason) => write!(formatter, "no: {reason}"),
            Self::None(reason) => write!(formatter, "none: {reason}"),
        }
    }
}

/// The columns of the table, as they are called in JSON.
const COLUMNS: [&str; 8] = ["name", "toolkit", "window", "typing", "menu", "resize", "close", "note"];
/// Those that are measured.
const MEASURED: std::ops::Range<usize> = 2..7;

/// One line of the table.
#[derive(Clone, Debug, PartialEq)]
struct Row([String; 8]);

impl Row {
    fn new(app: &App, cells: [Cell; 5], note: &str) -> Self {
        let [window, typing, menu, resize, close] = cells.map(|cell| cell.to_string());
        Self([
            app.name.to_owned(),
            app.toolkit.to_owned(),
            window,
            typing,
            menu,
            resize,
            close,
            note.to_owned(),
        ])
    }

    fn name(&self) -> &str {
        let Self([name, ..]) = self;
        name
    }

    fn cells(&self) -> &[String] {
        self.0.get(MEASURED).unwrap_or_default()
    }

    fn to_json(&self) -> Value {
        COLUMNS
            .iter()
            .zip(&self.0)
            .map(|(column, text)| ((*column).to_owned(), Value::from(text.as_str())))
            .collect()
    }

    fn from_json(value: &Value) -> Option<Self> {
        let texts: Option<Vec<_>> =
            COLUMNS.iter().map(|column| Some(value.get(column)?.as_str()?.to_owned())).collect();
        texts?.try_into().ok().map(Self)
    }
}

pub fn run(options: &Options) -> anyhow::Result<()> {
    let is_wanted = |app: &&App| {
        options.names.is_empty() || options.names.iter().any(|name| app.name.contains(name.as_str()))
    };
    let chosen: Vec<&App> = catalogue::ALL.iter().filter(is_wanted).collect();
    ensure!(!chosen.is_empty(), "no application has such a name");
    packages::ensure_installed(&[packages::BUILD, packages::APPLICATIONS, packages::APPS])?;
    workspace::run(workspace::cargo().args(["build", "--workspace", "--bins"]))?;
    let target = workspace::target_dir()?;
    let folder = target.join("apps");
    fs::create_dir_all(&folder)?;

    let known = folder.join("measured.json");
    let mut rows = fs::read(&known).map_or_else(|_| Vec::new(), |text| from_json(&text));
    for app in chosen {
        let row = measure(app, &target.join("debug"), &folder)?;
        println!("{}", row.0.join(" | "));
        rows.retain(|other| other.name() != row.name());
        rows.push(row);
        fs::write(&known, to_json(&rows))?;
    }
    let place = |row: &Row| catalogue::ALL.iter().position(|app| app.name == row.name());
    rows.retain(|row| place(row).is_some());
    rows.sort_by_key(place);
    if let Some(file) = &options.json {
        fs::write(file, to_json(&rows)).with_context(|| file.display().to_string())?;
    }
    if rows.len() == catalogue::ALL.len() {
        fs::write(workspace::root().join("docs/applications.md"), document(&rows)?)?;
    }
    Ok(())
}

fn measure(app: &App, programs: &Path, folder: &Path) -> anyhow::Result<Row> {
    let file = folder.join(app.name.replace(' ', "-"));
    match try_out(app, programs, &file) {
        Ok(Seen { window, typing, menu, resize, close, x11 }) => {
            let package = app.packages.first().copied().unwrap_or_default();
            let with = if x11 { "; with Xwayland" } else { "" };
            let remark = if app.remark.is_empty() { String::new() } else { format!("; {}", app.remark) };
            let note = format!("{package} {}{with}{remark}", packages::version(package)?);
            Ok(Row::new(app, [window, typing, menu, resize, close], &note))
        }
        Err(error) => {
            let cell = Cell::of(Err(error))?;
            Ok(Row::new(app, std::array::from_fn(|_| cell.clone()), ""))
        }
    }
}

/// Tries one application. Pictures and logs get names that begin with `file`.
fn try_out(app: &App, programs: &Path, file: &Path) -> anyhow::Result<Seen> {
    packages::install(app.packages)?;
    let domain = Domain { name: DOMAIN, label: "blue", applications: Vec::new() };
    let setup = Setup {
        programs: Programs::in_directory(programs)?,
        display: None,
        size: SCREEN,
        domains: std::slice::from_ref(&domain),
    };
    let mut session = Session::start(Processes::new()?, &setup)?;
    let seen = Trial::start(&mut session, app, file).and_then(Trial::run);
    fs::write(file.with_extension("session.log"), session.logs())?;
    seen
}

fn to_json(rows: &[Row]) -> String {
    format!("{:#}\n", json!({ "apps": rows.iter().map(Row::to_json).collect::<Vec<_>>() }))
}

fn from_json(text: &[u8]) -> Vec<Row> {
    let value: Value = serde_json::from_slice(text).unwrap_or_default();
    value.get("apps").and_then(Value::as_array).into_iter().flatten().filter_map(Row::from_json).collect()
}

/// The document: how it was measured, and the table.
fn document(rows: &[Row]) -> anyhow::Result<String> {
    let debian = fs::read_to_string("/etc/debian_version").context("this is no Debian")?;
    let mut text = format!(
        "# Applications\n\n\
         What applications of Debian {} do here, as `cargo xtask apps` measured it: for each a daemon without a screen, an \
         agent with\nXwayland, and the application, started by `gui-daemon msg run` as root in a home of its own, with a \
         session bus. The command\ninstalls their packages and writes this file; with a part of a name it measures those \
         anew that have it.\n\n\
         - **window**: it shows a window of more than one colour.\n\
         - **typing**: keys have the effect they are meant to have: the text is in the file it saved, or in the title of the \
         page or window;\n  or, where nothing of the kind is there, the picture of the window changed, or stopped moving.\n\
         - **menu**: one opens by key or button, is not blank, and goes: by Escape, by a click beside it, or with the button.\n\
         - **resize**: told to fill half of the screen, it draws at that size, less what the cells of a terminal leave over.\n\
         - **close**: asked to close, its windows go and its process ends.\n\n\
         The note says which package it is, and whether Xwayland was started for it: some look for X11 and then do without.\n\n\
         A cell says yes; no, with what was seen instead; or none, with why there is nothing to be seen.\n\n",
        debian.trim()
    );
    let sums = MEASURED.zip(0..).filter_map(|(column, cell)| {
        let cells = || rows.iter().filter_map(|row| row.cells().get(cell));
        let (yes, all) = (
            cells().filter(|cell| *cell == "yes").count(),
            cells().filter(|cell| !cell.starts_with("none")).count(),
        );
        COLUMNS.get(column).map(|name| format!("{name} {yes} of {all}"))
    });
    let _ = writeln!(text, "{} applications: {}.\n", rows.len(), sums.collect::<Vec<_>>().join(", "));
    let _ = writeln!(text, "| {} |\n{}|", COLUMNS.join(" | "), "|---".repeat(COLUMNS.len()));
    for Row(texts) in rows {
        let _ = writeln!(text, "| {} |", texts.clone().map(|text| text.replace('|', "\\|")).join(" | "));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_application_has_a_name_of_its_own() {
        let names: BTreeSet<_> = catalogue::ALL.iter().map(|app| app.name).collect();
        assert_eq!(names.len(), catalogue::ALL.len());
        assert!(names.len() >= 25 && catalogue::ALL.iter().all(|app| !app.packages.is_empty()));
    }

    fn row() -> Row {
        let cells = [Cell::Yes, Cell::None("why"), Cell::No("a|b".to_owned()), Cell::Yes, Cell::Yes];
        Row::new(&catalogue::ALL[0], cells, "X11; 1")
    }

    #[test]
    fn rows_become_json_and_come_back() {
        let text = to_json(&[row()]);
        let json: Value = serde_json::from_str(&text).unwrap();
        let expected = json!({
            "name": "mousepad", "toolkit": "GTK 3", "window": "yes", "typing": "none: why", "menu": "no: a|b",
            "resize": "yes", "close": "yes", "note": "X11; 1",
        });
        assert_eq!(json["apps"][0], expected);
        assert_eq!(from_json(text.as_bytes()), [row()]);
        assert_eq!(from_json(b"{}"), []);
    }

    #[test]
    fn the_document_counts() {
        let text = document(&[row(), row()]).unwrap();
        assert!(text.contains(
            "\n2 applications: window 2 of 2, typing 0 of 0, menu 0 of 2, resize 2 of 2, close 2 of 2.\n"
        ));
        assert!(text.ends_with("| mousepad | GTK 3 | yes | none: why | no: a\\|b | yes | yes | X11; 1 |\n"));
    }
}
