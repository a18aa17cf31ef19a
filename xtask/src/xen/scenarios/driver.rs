//! Windows drawn into the memory of a display's driver: real dma-bufs, through the agent, on the display.
//!
//! Only dom0 has such a driver, virtio-gpu's, so the agent runs there too, and reaches the daemon as one without Xen does. To
//! the agent this is what a domain with a driver is.

use anyhow::{Context as _, ensure};

use crate::xen::{
    desktop::{AS_USER, LOCAL, LOGGED, SHOW_LIMIT},
    machine::{COMMAND_LIMIT, Job, Machine},
    picture::{Colour, Picture},
};

const TITLE: &str = "drawn-by-a-driver";
const WIDTH: usize = 300;
const HEIGHT: usize = 200;
/// What most pictures change: a square of this side, as far from the left and the top.
const SQUARE: usize = 64;
/// The first of so many pictures changes the whole window.
const WHOLE_EVERY: u8 = 5;
/// Blue changes by this much from picture to picture.
const STEP: u8 = 24;
/// Each of the client's two buffers, and of the window's three, is used again.
const PICTURES: u8 = 7;
/// Bytes of a pixel.
const PIXEL: usize = 4;

/// Where the agent's applications find it in dom0.
const SOCKET: &str = "/run/user/1000/wayland-drivers";

/// Asks the client for the next picture, or ends the drawing of the last.
const NEXT: &str = "echo >/run/pictures";

/// Every pixel is shown, as are changes of all of them and of some; the agent moves no more bytes than what changed has. Real
/// dma-bufs beyond its limits are refused.
pub fn dma_bufs_are_drawn(machine: &mut Machine) -> anyhow::Result<()> {
    machine.daemon()?;
    machine.plug_in_second_display()?;
    machine.dom0("modprobe vgem && udevadm settle")?.success()?;
    // The daemon must be the first to open the display: that one is its master.
    until_screens(machine, 2)?;
    // New windows come where the pointer is.
    machine.point(0, 0)?;
    let (name, _, colour, number) = LOCAL;
    let agent = machine.start_in_dom0(&format!(
        "dpkg-deb --extract /payload/transom-agent_*.deb /run/agent && echo $$ >/run/agent/pid && exec {AS_USER} {LOGGED} \
         /run/agent/usr/bin/gui-agent --transport socket --domain {number} --socket-name wayland-drivers --no-x11 --no-tray"
    ))?;
    let listens = machine.start_in_dom0(&format!("until [ -S {SOCKET} ]; do busybox usleep 10000; done"))?;
    machine.finish(&listens, SHOW_LIMIT)?.success()?;
    let checks = machine.dom0(&format!("WAYLAND_DISPLAY={SOCKET} xen-probe dma-bufs"))?.success()?;
    print!("{checks}");

    let client = machine.start_in_dom0(&format!(
        "rm -f /run/pictures; mkfifo /run/pictures; echo $$ >/run/pictures.pid; WAYLAND_DISPLAY={SOCKET} exec xen-probe \
         pictures --title {TITLE} --width {WIDTH} --height {HEIGHT} --square {SQUARE} --drawn-late {} <>/run/pictures",
        PICTURES + 1
    ))?;
    let [x, y, ..] = machine.until_window(name, TITLE)?.place;
    let corner = (usize::try_from(x)?, usize::try_from(y)?);
    until_picture(machine, &client, 1, corner)?;
    for number in 2..=PICTURES {
        machine.dom0(NEXT)?.success()?;
        until_picture(machine, &client, number, corner)?;
    }

    // One that a driver is not done with waits; the agent does not.
    machine.dom0(NEXT)?.success()?;
    machine.until_printed(&client, &format!("picture {}", PICTURES + 1))?;
    machine.ask(&["sync", name])?.success()?;
    let wrong = first_difference(&machine.picture()?, PICTURES, corner);
    ensure!(wrong.is_none(), "what a driver still draws is shown: {wrong:?}");
    machine.dom0(NEXT)?.success()?;
    until_picture(machine, &client, PICTURES + 1, corner)?;

    let picture = machine.picture()?;
    let (left, top) = (corner.0 - 2, corner.1 + HEIGHT / 2);
    ensure!(picture.at(left, top) == colour, "{:?} and no frame at {left}, {top}", picture.at(left, top));
    let file = crate::xen::folder()?.join("dma-bufs.png");
    machine.save_picture(&file)?;
    println!("{}", file.display());

    let said = machine.printed(&agent);
    let moved = said
        .lines()
        .filter_map(|line| line.split_once("frame drawn bytes=")?.1.split(' ').next()?.parse().ok());
    let moved: Vec<usize> = moved.collect();
    println!("bytes moved of each picture: {moved:?}");
    ensure!(moved.iter().max() == Some(&(WIDTH * HEIGHT * PIXEL)), "the whole window was not moved as such");
    ensure!(moved.iter().min() == Some(&(SQUARE * SQUARE * PIXEL)), "the square was not moved alone");

    for (job, pid) in [(&client, "/run/pictures.pid"), (&agent, "/run/agent/pid")] {
        machine.dom0(&format!("kill $(cat {pid})"))?.success()?;
        machine.finish(job, COMMAND_LIMIT)?;
    }
    machine.unplug_second_display()?;
    until_screens(machine, 1)?;
    // It has no display, so that the daemon has looked at it and has let it go.
    machine.dom0("modprobe --remove vgem")?.success().map(drop)
}

fn until_picture(
    machine: &mut Machine,
    client: &Job,
    number: u8,
    corner: (usize, usize),
) -> anyhow::Result<()> {
    let mut wrong = None;
    let shown = machine.until(&format!("picture {number} is shown"), SHOW_LIMIT, |machine| {
        wrong = first_difference(&machine.picture()?, number, corner);
        Ok(wrong.is_none().then_some(()))
    });
    shown.with_context(|| {
        format!("instead of the right pixel there is {wrong:?}: {}", machine.printed(client))
    })
}

fn until_screens(machine: &mut Machine, count: usize) -> anyhow::Result<()> {
    machine.until(&format!("there are screens: {count}"), SHOW_LIMIT, |machine| {
        let outputs = machine.ask(&["outputs"])?.success()?;
        Ok((outputs.lines().filter(|line| line.starts_with("Virtual-")).count() == count).then_some(()))
    })
}

/// The first pixel of the window's content, whose top left is given, that is not as a picture has it: where, and what there is.
fn first_difference(
    picture: &Picture,
    number: u8,
    (left, top): (usize, usize),
) -> Option<((usize, usize), Colour)> {
    let whole = (number - 1) / WHOLE_EVERY * WHOLE_EVERY + 1;
    let in_square = |place: usize| (SQUARE..2 * SQUARE).contains(&place);
    let mut places = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
    places.find_map(|(x, y)| {
        let blue = STEP.wrapping_mul(if in_square(x) && in_square(y) { number } else { whole });
        let shown = picture.at(left + x, top + y);
        let right = [x.to_le_bytes()[0], y.to_le_bytes()[0], blue];
        (shown != right).then_some(((x, y), shown))
    })
}
