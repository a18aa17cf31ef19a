//! `cargo xtask apps`: what real applications of Debian's packages do on this desktop, measured.
//!
//! Each application has a daemon without a screen, an agent with Xwayland and a home of its own, is driven through the
//! daemon's control socket as a user would drive it, and is looked at through it. `catalogue` says what each is asked to
//! do, `trial` does it. Pictures and logs are left in `target/apps/`; a run of all of them writes `docs/applications.md`.

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
    /// Write what was measured to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only those with one of these in their names; the document stays as it is then
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

/// One line of the table.
struct Row {
    app: &'static App,
    cells: [Cell; 5],
    note: String,
}

const COLUMNS: [&str; 5] = ["window", "typing", "menu", "resize", "close"];

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

    let mut rows = Vec::new();
    for app in chosen {
        let row = measure(app, &target.join("debug"), &folder)?;
        let cells: Vec<_> =
            COLUMNS.iter().zip(&row.cells).map(|(name, cell)| format!("{name} {cell}")).collect();
        println!("{}: {} ({})", app.name, cells.join(", "), row.note);
        rows.push(row);
        if let Some(file) = &options.json {
            fs::write(file, to_json(&rows)).with_context(|| file.display().to_string())?;
        }
    }
    if options.names.is_empty() {
        fs::write(workspace::root().join("docs/applications.md"), document(&rows)?)?;
    }
    Ok(())
}

fn measure(app: &'static App, programs: &Path, folder: &Path) -> anyhow::Result<Row> {
    let failed = |error: anyhow::Error| -> anyhow::Result<Row> {
        let cell = Cell::of(Err(error))?;
        Ok(Row { app, cells: std::array::from_fn(|_| cell.clone()), note: String::new() })
    };
    if let Err(error) = packages::install(app.packages) {
        return failed(error);
    }
    let file = folder.join(app.name.replace(' ', "-"));
    let domain = Domain { name: DOMAIN, label: "blue", applications: Vec::new() };
    let setup = Setup {
        programs: Programs::in_directory(programs)?,
        display: None,
        size: SCREEN,
        domains: std::slice::from_ref(&domain),
    };
    let mut session = Session::start(Processes::new()?, &setup)?;
    let seen = Trial::start(&mut session, app, &file).and_then(Trial::run);
    fs::write(file.with_extension("session.log"), session.logs())?;
    drop(session);
    match seen {
        Ok(Seen { window, typing, menu, resize, close, x11 }) => {
            let way = if x11 { "X11" } else { "Wayland" };
            let note =
                format!("{way}; {}", packages::version(app.packages.first().copied().unwrap_or_default())?);
            Ok(Row { app, cells: [window, typing, menu, resize, close], note })
        }
        Err(error) => failed(error),
    }
}

fn to_json(rows: &[Row]) -> String {
    let apps: Vec<_> = rows
        .iter()
        .map(|Row { app, cells, note }| {
            let texts = [("name", app.name), ("toolkit", app.toolkit), ("note", note)]
                .map(|(name, text)| (name.to_owned(), Value::from(text)));
            let cells =
                COLUMNS.iter().zip(cells).map(|(name, cell)| ((*name).to_owned(), cell.to_string().into()));
            texts.into_iter().chain(cells).collect::<Value>()
        })
        .collect();
    format!("{:#}\n", json!({ "apps": apps }))
}

/// The document: how it was measured, and the table.
fn document(rows: &[Row]) -> anyhow::Result<String> {
    let debian = fs::read_to_string("/etc/debian_version").context("this is no Debian")?;
    let mut text = format!(
        "# Applications\n\n\
         What applications of Debian {} do here, as `cargo xtask apps` measured it: for each a daemon without a screen, an \
         agent with Xwayland, and the application, started by `gui-daemon msg run` as root in an empty home, with a session \
         bus. It installs their packages, and writes this file.\n\n\
         - **window**: it shows a window of more than one colour.\n\
         - **typing**: keys have the effect they are meant to have: the text is in the file it saved, in the title of the page or \
         of the window; or, with those that have nothing of the kind, the window's picture changed, or stopped moving.\n\
         - **menu**: a menu opens by key or button, is not blank, and goes by Escape or when the button is let go.\n\
         - **resize**: told to fill half of the screen, it draws at that size (less what a terminal's cells leave over).\n\
         - **close**: asked to close, its windows go and its process ends.\n\n\
         A cell says yes; no, with what was seen instead; or none, with why there is nothing to be seen.\n\n",
        debian.trim()
    );
    let sums = COLUMNS.iter().enumerate().map(|(index, column)| {
        let is = |wanted: fn(&Cell) -> bool| {
            rows.iter().filter(|row| row.cells.get(index).is_some_and(wanted)).count()
        };
        let (yes, none) = (is(|cell| *cell == Cell::Yes), is(|cell| matches!(cell, Cell::None(_))));
        format!("{column} {yes} of {}", rows.len() - none)
    });
    let _ = writeln!(text, "{} applications: {}.\n", rows.len(), sums.collect::<Vec<_>>().join(", "));
    text.push_str("| application | toolkit | window | typing | menu | resize | close | note |\n|---|---|---|---|---|---|---|---|\n");
    for Row { app, cells, note } in rows {
        let cells: Vec<_> = cells.iter().map(|cell| cell.to_string().replace('|', "\\|")).collect();
        let _ = writeln!(text, "| {} | {} | {} | {note} |", app.name, app.toolkit, cells.join(" | "));
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

    #[test]
    fn rows_become_json() {
        let cells = [Cell::Yes, Cell::None("why"), Cell::No("it".to_owned()), Cell::Yes, Cell::Yes];
        let row = Row { app: &catalogue::ALL[0], cells, note: "X11; 1".to_owned() };
        let json: Value = serde_json::from_str(&to_json(&[row])).unwrap();
        let expected = json!({
            "name": "mousepad", "toolkit": "GTK 3", "window": "yes", "typing": "none: why", "menu": "no: it",
            "resize": "yes", "close": "yes", "note": "X11; 1",
        });
        assert_eq!(json["apps"][0], expected);
    }
}
