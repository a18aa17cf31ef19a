//! The desktop on a real display: two domains with their windows, input that reaches one of them, and what comes and goes.

use anyhow::{Context as _, ensure};

use crate::xen::{
    desktop::{DOMAINS, SHOW_LIMIT, Window},
    machine::{COMMAND_LIMIT, Machine},
};

/// Pixels of a frame's colour that the frames of a domain's windows have at least: half of one window's title band.
const FRAME_PIXELS: usize = 4_000;

/// Both domains' windows are framed in their colours.
pub fn two_domains(machine: &mut Machine) -> anyhow::Result<()> {
    let windows = whole_desktop(machine)?;
    ensure!(windows.iter().all(|window| !window.title.is_empty()), "a window has no title: {windows:?}");
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
        let windows = machine.windows()?;
        let logs = DOMAINS.map(|(domain, ..)| (domain, machine.console(domain)));
        let window = windows.iter().find(|window| window.domain == name && window.title == "wev");
        let window = window.context("there is no window of wev")?;
        let (id, [x, y, width, height]) = (window.id, window.place);
        // To the top, so that no other window is in the way.
        machine.ask(&["focus", &id.to_string()])?.success()?;
        machine.point(x + width / 2, y + height / 2)?;
        machine.click()?;
        machine.key(key)?;
        let (_, focused) = logs.iter().find(|(domain, _)| *domain == name).context("no log")?;
        machine.until_logged(focused, "wl_pointer] button", COMMAND_LIMIT)?;
        machine.until_logged(focused, symbol, COMMAND_LIMIT)?;
        let focused = machine.windows()?.into_iter().filter(|window| window.focused).map(|window| window.id);
        ensure!(focused.eq([id]), "the window that was clicked has not the focus");
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
