//! One application, from its start to its end, on a desktop of its own.
//!
//! What a cell says is what the daemon was seen to show: its list of windows and its pictures, beside what the
//! application itself wrote. Every wait has an end, and what is not seen by then is a reason, not an error.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use super::{
    Cell, DOMAIN, SCREEN,
    catalogue::{App, Do, Menu, Typing, WORDS},
    home,
    picture::{Area, Picture},
};
use crate::{
    process::{self, Interrupted, Wake},
    session::Session,
};

/// A browser or an office suite starts in ten seconds; this is for a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);
/// For everything after that.
const LIMIT: Duration = Duration::from_secs(10);
/// Ending may take its time: what was open is saved.
const END_LIMIT: Duration = Duration::from_secs(20);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A window that has not changed for this long is taken to be done with what it draws by itself: longer than half the
/// period of any cursor's blinking.
const STILL: Duration = Duration::from_millis(1200);
/// One that never stops is taken as it is then.
const SETTLE_LIMIT: Duration = Duration::from_secs(8);
/// How thick the frame is on a popup, and a little more.
const POPUP_FRAME: i32 = 4;
/// Pixels that a menu covers at least.
const MENU: usize = 500;
/// What borders and titles may take of half of the screen, and increments of a terminal's size.
const FRAME: i32 = 80;

/// A window, by the daemon's list.
#[derive(Clone, Debug)]
struct Window {
    id: u64,
    title: String,
    popup: bool,
    area: Area,
    drawn: Option<(i32, i32)>,
}

impl Window {
    fn parse(value: &Value) -> Option<Self> {
        let of_domain = value.get("domain")?.as_str() == Some(DOMAIN);
        let number = |value: &Value, key: &str| value.get(key)?.as_i64()?.try_into().ok();
        let geometry = value.get("geometry")?;
        let area = Area {
            x: number(geometry, "x")?,
            y: number(geometry, "y")?,
            width: number(geometry, "width")?,
            height: number(geometry, "height")?,
        };
        let drawn =
            value.get("drawn").and_then(|drawn| Some((number(drawn, "width")?, number(drawn, "height")?)));
        let window = Self {
            id: value.get("id")?.as_u64()?,
            title: value.get("title")?.as_str()?.to_owned(),
            popup: value.get("kind")?.as_str() == Some("popup"),
            area,
            drawn,
        };
        (of_domain && value.get("mapped")?.as_bool() == Some(true)).then_some(window)
    }
}

/// What was seen of an application.
#[derive(Debug)]
pub struct Seen {
    pub window: Cell,
    pub typing: Cell,
    pub menu: Cell,
    pub resize: Cell,
    pub close: Cell,
    /// Whether Xwayland was started for it.
    pub x11: bool,
}

/// An application under trial.
pub struct Trial<'a> {
    session: &'a mut Session,
    app: &'a App,
    home: PathBuf,
    /// Path and beginning of the name of the pictures to leave.
    pictures: PathBuf,
    pid: u64,
}

impl<'a> Trial<'a> {
    /// Starts the application.
    pub fn start(session: &'a mut Session, app: &'a App, pictures: &Path) -> anyhow::Result<Self> {
        let home = session.subfolder("home")?;
        home::furnish(&home)?;
        let mut trial = Self { session, app, home, pictures: pictures.to_owned(), pid: 0 };
        trial.wait(LIMIT, "no agent", |trial| {
            let domains = trial.session.message(&["--json", "domains"])?.unwrap_or(Value::Null);
            Ok((domains.pointer("/0/state").and_then(Value::as_str) == Some("connected")).then_some(()))
        })?;
        trial.point_away()?;
        let home = trial.home.to_str().context("a home whose name is not UTF-8")?.to_owned();
        let script =
            format!("cd {home} && HOME={home} exec dbus-run-session -- sh -c {}", quoted(app.command));
        let log = pictures.with_extension("log");
        let script = format!("exec > {} 2>&1; {script}", quoted(&log.to_string_lossy()));
        let pid = trial.tell(&["--json", "run", DOMAIN, "sh", "-c", &script])?;
        trial.pid = pid.as_u64().context("a program without a number")?;
        Ok(trial)
    }

    /// Tries everything.
    ///
    /// # Errors
    /// [`Interrupted`].
    pub fn run(mut self) -> anyhow::Result<Seen> {
        let window = match self.shows() {
            Ok(window) => window,
            Err(error) => {
                let none = Cell::No("there is no window".to_owned());
                let window = Cell::of(Err(error))?;
                let (typing, menu, resize, close) = (none.clone(), none.clone(), none.clone(), none);
                return Ok(Seen { window, typing, menu, resize, close, x11: false });
            }
        };
        let x11 = process::is_running("Xwayland");
        let typing = match self.app.typing {
            Typing::None(reason) => Cell::None(reason),
            _ => Cell::of(self.types(window))?,
        };
        let menu = match self.app.menu {
            Menu::None(reason) => Cell::None(reason),
            _ => Cell::of(self.opens_menu(window))?,
        };
        let resize = match self.app.unmanaged.or(self.app.shaped) {
            Some(reason) => Cell::None(reason),
            None => Cell::of(self.resizes(window))?,
        };
        let close = match self.app.unmanaged {
            Some(reason) => Cell::None(reason),
            None => Cell::of(self.closes(window))?,
        };
        Ok(Seen { window: Cell::Yes, typing, menu, resize, close, x11 })
    }

    fn shows(&mut self) -> anyhow::Result<u64> {
        let App { title, unmanaged, .. } = *self.app;
        let shown = self.wait(START_LIMIT, "no window", |trial| {
            let windows = trial.windows()?;
            let is_main = |it: &Window| (!it.popup || unmanaged.is_some()) && it.drawn.is_some();
            let mut main = windows.into_iter().filter(is_main);
            let found = main.find(|window| window.title.contains(title));
            ensure!(found.is_some() || trial.is_running(), "it ended without a window");
            Ok(found)
        })?;
        self.settle(shown.id)?;
        self.tell(&["focus", &shown.id.to_string()])?;
        let picture = self.wait(LIMIT, "its window is blank", |trial| {
            Ok(Some(trial.look(shown.id)?).filter(|picture| !picture.is_blank()))
        })?;
        picture.write(&self.picture(""))?;
        Ok(shown.id)
    }

    fn types(&mut self, window: u64) -> anyhow::Result<()> {
        match self.app.typing {
            Typing::Saves(keys) => {
                self.act(window, keys)?;
                let file = self.home.join(home::FILE);
                self.wait(LIMIT, "what was typed is not in the file", |_| {
                    Ok(fs::read_to_string(&file).is_ok_and(|text| text.contains(WORDS)).then_some(()))
                })
            }
            Typing::Titles(keys, title) => {
                self.act(window, keys)?;
                self.wait(LIMIT, "no title shows what was typed", |trial| {
                    Ok(trial.windows()?.iter().any(|window| window.title.contains(title)).then_some(()))
                })
            }
            Typing::Changes(keys) => {
                let (before, restless) = self.watch(window)?;
                self.act(window, keys)?;
                self.wait(LIMIT, "its window does not change", |trial| {
                    Ok((trial.look(window)?.differing(&before) > restless).then_some(()))
                })
            }
            Typing::Stops(keys) => {
                ensure!(self.watch(window)?.1 > 0, "nothing moves in its window");
                self.act(window, keys)?;
                self.wait(
                    LIMIT,
                    "its window goes on",
                    |trial| Ok((trial.watch(window)?.1 == 0).then_some(())),
                )
            }
            Typing::None(_) => Ok(()),
        }
    }

    fn opens_menu(&mut self, window: u64) -> anyhow::Result<()> {
        self.settle(window)?;
        let (before, restless) = self.watch(window)?;
        let known: Vec<u64> = self.windows()?.iter().map(|window| window.id).collect();
        let is_menu = |it: &Window| it.popup && it.drawn.is_some() && !known.contains(&it.id);
        match self.app.menu {
            Menu::Key(key) => self.press(key)?,
            Menu::Click(left, down) => {
                let Area { x, y, width, .. } = self.window(window)?.area;
                let (x, y) = (x + width - left, y + down);
                self.tell(&["input", "move", &x.to_string(), &y.to_string()])?;
                self.tell(&["input", "button", "left"])?;
            }
            Menu::RightClick => {
                self.point_at(window)?;
                self.tell(&["input", "button", "right"])?;
            }
            Menu::RightHeld => {
                self.point_at(window)?;
                self.tell(&["input", "button", "right", "press"])?;
            }
            Menu::None(_) => {}
        }
        let end = Instant::now() + LIMIT / 2;
        let menu = self.wait(LIMIT, "no menu comes", |trial| {
            if let Some(menu) = trial.windows()?.into_iter().find(is_menu) {
                return Ok(Some(Some(menu)));
            }
            // Some are drawn in the window itself, which may change for a menu that comes later as well.
            let changes = Instant::now() > end && trial.look(window)?.differing(&before) > restless.max(MENU);
            Ok(changes.then_some(None))
        })?;
        self.pause(STILL)?;
        let shown = menu.as_ref().map_or(Ok(None), |menu| self.look(menu.id).map(Some))?;
        self.screen(&self.picture("-menu"))?;
        ensure!(shown.is_none_or(|picture| !picture.is_blank()), "its menu is blank");
        match self.app.menu {
            Menu::RightHeld => drop(self.tell(&["input", "button", "right", "release"])?),
            _ => self.press("Escape")?,
        }
        self.point_away()?;
        let end = Instant::now() + LIMIT / 2;
        let mut clicked = false;
        self.wait(LIMIT, "its menu stays", |trial| {
            if Instant::now() > end && !clicked {
                clicked = true;
                trial.tell(&["input", "button", "left"])?;
            }
            Ok(match menu {
                Some(_) => !trial.windows()?.iter().any(is_menu),
                None => trial.look(window)?.differing(&before) <= restless.max(MENU),
            }
            .then_some(()))
        })
    }

    fn resizes(&mut self, window: u64) -> anyhow::Result<()> {
        let before = self.window(window)?.area;
        let (width, height) = (SCREEN.width.cast_signed() / 2, SCREEN.height.cast_signed());
        let fits = |length: i32, goal: i32| (goal - FRAME..=goal).contains(&length);
        self.press("super+Left")?;
        let mut last = None;
        let taken = self.wait(LIMIT, "", |trial| {
            let drawn = trial.window(window)?.drawn.unwrap_or_default();
            last = Some(drawn);
            let is_taken = fits(drawn.0, width) && fits(drawn.1, height);
            Ok(is_taken.then_some(()))
        });
        if let Err(error) = taken {
            let (was, is) = ((before.width, before.height), last.unwrap_or_default());
            ensure!(!error.is::<Interrupted>(), error);
            bail!("told to fill {width}x{height}, it draws {}x{} after {}x{}", is.0, is.1, was.0, was.1);
        }
        self.settle(window)?;
        self.screen(&self.picture("-resized"))
    }

    fn closes(&mut self, window: u64) -> anyhow::Result<()> {
        self.tell(&["close", &window.to_string()])?;
        if !self.app.last_words.is_empty() {
            self.pause(STILL)?;
            self.act(window, self.app.last_words)?;
        }
        let mut left = Vec::new();
        let ended = self.wait(END_LIMIT, "its window goes, and it does not end", |trial| {
            left = trial.windows()?;
            Ok((left.is_empty() && !trial.is_running()).then_some(()))
        });
        if ended.is_err()
            && let Some(window) = left.first()
        {
            self.screen(&self.picture("-closed"))?;
            bail!("there is still a window {:?}", window.title);
        }
        ended
    }

    fn act(&mut self, window: u64, keys: &[Do]) -> anyhow::Result<()> {
        for each in keys {
            match each {
                Do::Key(name) => self.press(name)?,
                Do::Text(text) => drop(self.tell(&["input", "text", text])?),
                Do::Click => {
                    self.point_at(window)?;
                    self.tell(&["input", "button", "left"])?;
                }
            }
            // A shortcut may open what the next key is for; a user takes as long.
            self.pause(Duration::from_millis(700))?;
        }
        Ok(())
    }

    fn press(&mut self, key: &str) -> anyhow::Result<()> {
        self.tell(&["input", "key", key]).map(drop)
    }

    fn point_at(&mut self, window: u64) -> anyhow::Result<()> {
        let Area { x, y, width, height } = self.window(window)?.area;
        let (x, y) = (x + width / 2, y + height / 2);
        self.tell(&["input", "move", &x.to_string(), &y.to_string()]).map(drop)
    }

    /// Puts the pointer where it raises no hints and is not in any window's picture: into the lower left corner.
    fn point_away(&mut self) -> anyhow::Result<()> {
        let bottom = SCREEN.height.saturating_sub(1);
        self.tell(&["input", "move", "0", &bottom.to_string()]).map(drop)
    }

    /// Waits for a window to have drawn itself.
    fn settle(&mut self, window: u64) -> anyhow::Result<()> {
        let end = Instant::now() + SETTLE_LIMIT;
        let mut last = self.look(window)?;
        let mut since = Instant::now();
        while since.elapsed() < STILL && Instant::now() < end {
            self.pause(LOOK_EVERY)?;
            let now = self.look(window)?;
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
        Ok(())
    }

    /// A window as it is, and by how many pixels it changes while nothing is done to it.
    fn watch(&mut self, window: u64) -> anyhow::Result<(Picture, usize)> {
        let (first, end) = (self.look(window)?, Instant::now() + STILL);
        let mut most = 0;
        while Instant::now() < end {
            self.pause(LOOK_EVERY)?;
            most = self.look(window)?.differing(&first).max(most);
        }
        Ok((first, most))
    }

    fn look(&mut self, window: u64) -> anyhow::Result<Picture> {
        let Window { mut area, popup, .. } = self.window(window)?;
        if popup {
            // the daemon's own frame is within
            let Area { x, y, width, height } = area;
            area = Area {
                x: x + POPUP_FRAME,
                y: y + POPUP_FRAME,
                width: width - 2 * POPUP_FRAME,
                height: height - 2 * POPUP_FRAME,
            };
        }
        let file = self.home.join("screen.png");
        self.screen(&file)?;
        Picture::read(&file, area)
    }

    fn screen(&mut self, file: &Path) -> anyhow::Result<()> {
        self.session.screenshot(file)
    }

    fn picture(&self, of: &str) -> PathBuf {
        let mut name = self.pictures.clone().into_os_string();
        name.push(of);
        name.push(".png");
        name.into()
    }

    fn window(&mut self, id: u64) -> anyhow::Result<Window> {
        self.windows()?.into_iter().find(|window| window.id == id).context("its window is gone")
    }

    fn windows(&mut self) -> anyhow::Result<Vec<Window>> {
        let windows = self.tell(&["--json", "windows"])?;
        Ok(windows.as_array().into_iter().flatten().filter_map(Window::parse).collect())
    }

    fn is_running(&self) -> bool {
        Path::new("/proc").join(self.pid.to_string()).exists()
    }

    fn tell(&mut self, request: &[&str]) -> anyhow::Result<Value> {
        self.session.message(request)?.map_err(anyhow::Error::msg)
    }

    fn wait<T>(
        &mut self,
        limit: Duration,
        otherwise: &str,
        mut look: impl FnMut(&mut Self) -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        let end = Instant::now() + limit;
        loop {
            if let Some(seen) = look(self)? {
                return Ok(seen);
            }
            ensure!(Instant::now() < end, "{otherwise} after {} s", limit.as_secs());
            self.pause(LOOK_EVERY)?;
        }
    }

    fn pause(&mut self, time: Duration) -> anyhow::Result<()> {
        match self.session.wait(time)? {
            Wake::TimedOut => Ok(()),
            Wake::Ended(name, how) => bail!("{name} {how}"),
        }
    }
}

/// As one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_windows_that_are_shown_count() {
        let window = json!({
            "id": 3, "domain": DOMAIN, "title": "it", "kind": "popup", "mapped": true, "drawn": null,
            "geometry": { "x": -4, "y": 28, "width": 640, "height": 480 },
        });
        let parsed = Window::parse(&window).unwrap();
        assert_eq!((parsed.id, parsed.popup, parsed.area.x, parsed.drawn), (3, true, -4, None));
        for (key, value) in [("mapped", json!(false)), ("domain", json!("other")), ("id", json!(null))] {
            let mut other = window.clone();
            other[key] = value;
            assert!(Window::parse(&other).is_none(), "{key}");
        }
    }

    #[test]
    fn quoted_text_is_one_word() {
        assert_eq!(quoted("a 'b'"), r"'a '\''b'\'''");
    }
}
