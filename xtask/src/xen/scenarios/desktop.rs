//! The desktop on a real display: two domains with their windows, input that reaches one of them, and what comes and goes.

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::xen::{
    desktop::{DOMAINS, SHOW_LIMIT, Window},
    machine::{COMMAND_LIMIT, Domain, Machine},
    picture::Colour,
    qmp::Input,
};

/// Pixels of a frame's colour that the frames of a domain's windows have at least: half of one window's title band.
const FRAME_PIXELS: usize = 4_000;

/// From the top of a window's content to the middle of its title, in pixels.
const TITLE_MIDDLE: i64 = 14;

/// Both domains' windows are framed in their colours.
pub fn two_domains(machine: &mut Machine) -> anyhow::Result<()> {
    let windows = whole_desktop(machine)?;
    ensure!(windows.iter().all(|window| !window.title.is_empty()), "a window has no title: {windows:?}");
    until_framed(machine, &DOMAINS.map(|(name, ..)| name))?;
    // Each in a corner of the display, so that the picture shows all of them.
    for (domain, to_right) in [("work", false), ("untrusted", true)] {
        for (title, to_bottom) in [("foot", false), ("wev", true)] {
            tile(machine, domain, title, to_right, to_bottom)?;
        }
    }
    until_framed(machine, &DOMAINS.map(|(name, ..)| name))?;
    let file = crate::xen::folder()?.join("two-domains.png");
    machine.save_picture(&file)?;
    println!("{}", file.display());
    Ok(())
}

/// What is pressed reaches the domain whose window has the focus, and no other.
pub fn input_reaches_one_domain(machine: &mut Machine) -> anyhow::Result<()> {
    whole_desktop(machine)?;
    for ((name, ..), key, symbol) in [(DOMAINS[0], "q", "sym: q "), (DOMAINS[1], "x", "sym: x ")] {
        let logs = DOMAINS.map(|(domain, ..)| (domain, machine.console(domain)));
        let window = machine.until_window(name, "wev")?;
        machine.click_on(&window)?;
        machine.press(&[key])?;
        let (_, focused) = logs.iter().find(|(domain, _)| *domain == name).context("no log")?;
        machine.until_logged(focused, "wl_pointer] button", COMMAND_LIMIT)?;
        machine.until_logged(focused, symbol, COMMAND_LIMIT)?;
        let focused = machine.windows()?.into_iter().filter(|window| window.focused).map(|window| window.id);
        ensure!(focused.eq([window.id]), "the window that was clicked has not the focus");
        for (domain, log) in logs.iter().filter(|(domain, _)| *domain != name) {
            // Whatever the daemon has sent this domain, its agent has handled.
            machine.ask(&["sync", domain])?.success()?;
            let text = log.text();
            let heard = text.lines().find(|line| line.contains("button:") || line.contains("key:"));
            ensure!(heard.is_none(), "{domain} heard what was for {name}: {heard:?}");
        }
    }
    Ok(())
}

/// The windows come back to a new daemon.
pub fn daemon_comes_again(machine: &mut Machine) -> anyhow::Result<()> {
    whole_desktop(machine)?;
    machine.dom0(
        "pkill --signal KILL --exact gui-daemon; while pgrep --exact gui-daemon; do busybox usleep 10000; done",
    )?;
    whole_desktop(machine)?;
    until_framed(machine, &DOMAINS.map(|(name, ..)| name))
}

/// The windows of a domain that ends go, those of the other stay; the domain leaves nothing behind; a new domain of its name
/// shows its windows.
pub fn domain_comes_again(machine: &mut Machine) -> anyhow::Result<()> {
    whole_desktop(machine)?;
    let [(stays, ..), (goes, ..)] = DOMAINS;
    let domain = machine.domain(goes)?;
    machine.destroy(&domain)?;
    machine.until_shown(&[stays])?;
    until_framed(machine, &[stays])?;
    // As long as a page of it is mapped anywhere, Xen keeps what is left of a domain.
    let listed = format!("xl list | grep -w -e {goes} -e null -e {}", domain.id);
    machine.until("Xen has let go of the domain", SHOW_LIMIT, |machine| {
        Ok((machine.dom0(&listed)?.status != 0).then_some(()))
    })?;
    whole_desktop(machine)?;
    until_framed(machine, &DOMAINS.map(|(name, ..)| name))
}

/// Text goes from one domain to another as the user says, once; nothing else goes anywhere.
pub fn copy_and_paste(machine: &mut Machine) -> anyhow::Result<()> {
    const TEXT: &str = "from work to untrusted";
    whole_desktop(machine)?;
    let [(from, ..), (to, ..)] = DOMAINS;
    let (source, target) = (machine.domain(from)?, machine.domain(to)?);
    // The terminal is told what its clipboard is once it has the keyboard, which is when a line can be typed.
    let copy =
        format!("read line; printf '\\033]52;c;%s\\007' $(printf %s '{TEXT}' | base64); exec cat >/dev/null");
    open_terminal(machine, &source, "source", &copy)?;
    open_terminal(machine, &target, "target", "stty -echo; exec cat >/home/user/pasted")?;
    let (copied, pasted) = (machine.until_window(from, "source")?, machine.until_window(to, "target")?);

    machine.click_on(&copied)?;
    machine.press(&["ret"])?;
    machine.until("the daemon has the text", SHOW_LIMIT, |machine| {
        let clipboard = Clipboard::of_the_daemon(machine)?;
        if clipboard.from.as_deref() == Some(from) {
            return Ok(Some(()));
        }
        // While the answer of the domain is on its way, the daemon says that it copies.
        if !clipboard.notice.contains("copying") {
            machine.press(&["ctrl", "shift", "c"])?;
        }
        Ok(None)
    })?;

    machine.click_on(&pasted)?;
    machine.press(&["ctrl", "shift", "v"])?;
    let told = machine.until("the text is given away", SHOW_LIMIT, |machine| {
        let clipboard = Clipboard::of_the_daemon(machine)?;
        Ok(clipboard.from.is_none().then_some(clipboard.notice))
    })?;
    ensure!(told == "work → untrusted: 22 bytes pasted, nothing is kept", "the user is told {told:?}");
    let file = crate::xen::folder()?.join("copy-and-paste.png");
    machine.save_picture(&file)?;
    println!("{}", file.display());

    // What the target has in its clipboard now goes where its terminal's own key for that puts it.
    machine.press(&["paste"])?;
    machine.press(&["ret"])?;
    let mut line = String::new();
    machine
        .until("the text is pasted", SHOW_LIMIT, |machine| {
            line = machine.run_in(&target, "cat /home/user/pasted")?.success()?;
            Ok((line.trim_end() == TEXT).then_some(()))
        })
        .with_context(|| format!("what is there is {line:?}"))?;
    machine.press(&["ctrl", "shift", "v"])?;
    machine.until("there is nothing to paste twice", SHOW_LIMIT, |machine| {
        let clipboard = Clipboard::of_the_daemon(machine)?;
        Ok((clipboard.notice == "untrusted: nothing was copied").then_some(()))
    })?;
    close_terminal(machine, &source, "source")?;
    close_terminal(machine, &target, "target")?;
    machine.until_shown(&[from, to]).map(drop)
}

/// A window that wants the whole screen gets no more than its frame leaves.
pub fn fullscreen_is_refused(machine: &mut Machine) -> anyhow::Result<()> {
    whole_desktop(machine)?;
    let [(name, _, colours), _] = DOMAINS;
    let domain = machine.domain(name)?;
    let before = frame_pixels(machine, colours)?;
    open_terminal(machine, &domain, "wide --fullscreen", "exec cat")?;
    let window = machine.until_window(name, "wide")?;
    // Whatever the window and its agent have said until now has been decided.
    machine.ask(&["sync", name])?.success()?;
    let picture = machine.picture()?;
    let [_, _, width, height] = machine.until_window(name, "wide")?.place;
    ensure!(
        usize::try_from(width)? < picture.width && usize::try_from(height)? < picture.height,
        "the window is {width}x{height} on a display of {}x{}",
        picture.width,
        picture.height
    );
    machine.until("the window has a frame", SHOW_LIMIT, |machine| {
        Ok((frame_pixels(machine, colours)? > before).then_some(()))
    })?;
    close_terminal(machine, &domain, "wide")?;
    machine.until("the window is gone", SHOW_LIMIT, |machine| {
        Ok(machine.windows()?.iter().all(|shown| shown.id != window.id).then_some(()))
    })
}

/// Opens a terminal in a domain that runs a shell script.
fn open_terminal(machine: &mut Machine, domain: &Domain, title: &str, script: &str) -> anyhow::Result<()> {
    let name = title.split(' ').next().unwrap_or_default();
    machine.run_in(domain, &format!("cat >/run/{name}.sh <<'END'\n{script}\nEND\n"))?.success()?;
    let command = format!("env WAYLAND_DISPLAY=wayland-0 foot --title {title} sh /run/{name}.sh");
    machine.start_program(domain, name, &command)
}

fn close_terminal(machine: &mut Machine, domain: &Domain, name: &str) -> anyhow::Result<()> {
    machine.run_in(domain, &format!("pkill --full 'foot --title {name}'"))?.success().map(drop)
}

/// What the daemon says of its clipboard.
struct Clipboard {
    /// Where what is in it was copied.
    from: Option<String>,
    /// What the user is told.
    notice: String,
}

impl Clipboard {
    fn of_the_daemon(machine: &mut Machine) -> anyhow::Result<Self> {
        let told: Value = serde_json::from_str(&machine.ask(&["--json", "clipboard"])?.success()?)?;
        let text = |key| told.get(key).and_then(Value::as_str).map(str::to_owned);
        Ok(Self { from: text("from"), notice: text("notice").unwrap_or_default() })
    }
}

/// Drags a window by its title to a corner of the display, of which it takes a quarter then.
fn tile(
    machine: &mut Machine,
    domain: &str,
    title: &str,
    to_right: bool,
    to_bottom: bool,
) -> anyhow::Result<()> {
    let window = machine.until_window(domain, title)?;
    machine.ask(&["focus", &window.id.to_string()])?.success()?;
    let [x, y, width, _] = window.place;
    let picture = machine.picture()?;
    let (right, bottom) = (i64::try_from(picture.width)? - 1, i64::try_from(picture.height)? - 1);
    machine.point(x + width / 2, y - TITLE_MIDDLE)?;
    machine.input(&[Input::Button("left", true)])?;
    machine.point(right / 2, bottom / 2)?;
    machine.point(if to_right { right } else { 0 }, if to_bottom { bottom } else { 0 })?;
    machine.input(&[Input::Button("left", false)])?;
    machine.until("the window lies in its corner", SHOW_LIMIT, |machine| {
        let [x, y, width, height] = machine.until_window(domain, title)?.place;
        let in_half = |place: i64, size: i64, end: i64, far: bool| {
            if far { place > end / 2 } else { place + size <= end / 2 + 1 }
        };
        let there = in_half(x, width, right, to_right) && in_half(y, height, bottom, to_bottom);
        Ok(there.then_some(()))
    })
}

/// Pixels of the frames of a domain's windows.
fn frame_pixels(machine: &mut Machine, colours: [Colour; 2]) -> anyhow::Result<usize> {
    let picture = machine.picture()?;
    Ok(colours.iter().map(|colour| picture.count(*colour)).sum())
}

/// Starts of the desktop what does not run, and waits until all of it is shown.
fn whole_desktop(machine: &mut Machine) -> anyhow::Result<Vec<Window>> {
    machine.daemon()?;
    for (name, ..) in DOMAINS {
        machine.domain_with_applications(name)?;
    }
    machine.until_shown(&DOMAINS.map(|(name, ..)| name))
}

/// Waits until the display shows the frames of these domains and of no others.
fn until_framed(machine: &mut Machine, domains: &[&str]) -> anyhow::Result<()> {
    machine.until("the frames are on the display", SHOW_LIMIT, |machine| {
        let picture = machine.picture()?;
        let right = DOMAINS.iter().all(|(name, _, colours)| {
            let pixels: usize = colours.iter().map(|colour| picture.count(*colour)).sum();
            if domains.contains(name) { pixels >= FRAME_PIXELS } else { pixels == 0 }
        });
        Ok(right.then_some(()))
    })
}
