//! Windows drawn into the memory of a graphics driver: vgem's, which Debian's kernel has and which needs no hardware.

use anyhow::ensure;

use super::figures::Frame;
use crate::xen::{
    desktop::SHOW_LIMIT,
    machine::Machine,
    picture::{Colour, Picture},
};

/// What its window is called.
const TITLE: &str = "drawn-by-a-driver";

/// How many colours are to be seen one after the other.
const COLOURS: usize = 3;

/// Such a window is shown, every frame of it moves the bytes that changed as one in shared memory does, and what it shows
/// changes on the display.
pub fn memory_of_a_driver(machine: &mut Machine) -> anyhow::Result<()> {
    machine.daemon()?;
    let domain = machine.domain_with_applications("work")?;
    machine.run_in(&domain, "modprobe vgem && udevadm settle")?.success()?;
    for change in ["", " --damage 64"] {
        let shared = Frame::measure(machine, Some(&domain), change)?;
        let driver = Frame::measure(machine, Some(&domain), &format!(" --driver{change}"))?;
        let moved = [shared.drawn, driver.drawn];
        println!("frames{change}: {} bytes changed, {moved:?} moved", driver.changed);
        println!("frames{change}: driver / shared {:.2}", driver.frame_ms / shared.frame_ms);
        ensure!(moved == [Some(driver.changed); 2], "{moved:?} bytes were moved of {}", driver.changed);
    }

    machine.run_in(
        &domain,
        &format!(
            "{{ XDG_RUNTIME_DIR=/run/user/1000 WAYLAND_DISPLAY=wayland-0 xen-probe frames --driver --title {TITLE} & \
             }} </dev/null >/dev/null 2>&1"
        ),
    )?
    .success()?;
    let window = machine.until_window("work", TITLE)?;
    machine.ask(&["focus", &window.id.to_string()])?.success()?;
    let mut seen: Vec<Colour> = Vec::new();
    machine.until("its colours are on the display", SHOW_LIMIT, |machine| {
        let window = machine.until_window("work", TITLE)?;
        // Every frame is of one grey, each of another than the last: seen all over the window, or half of it when it changes.
        if let Some(grey) = grey_of(&machine.picture()?, window.place)? {
            seen.push(grey);
            seen.dedup();
        }
        Ok((seen.len() >= COLOURS).then_some(()))
    })?;
    let file = crate::xen::folder()?.join("memory-of-a-driver.png");
    machine.save_picture(&file)?;
    println!("{} after {seen:?}", file.display());
    machine.run_in(&domain, &format!("pkill --full 'title {TITLE}'"))?.success()?;
    machine.until("the window is gone", SHOW_LIMIT, |machine| {
        Ok(machine.windows()?.iter().all(|shown| shown.id != window.id).then_some(()))
    })
}

/// The colour in the four corners of a window, if it is one and a grey.
fn grey_of(picture: &Picture, [x, y, width, height]: [i64; 4]) -> anyhow::Result<Option<Colour>> {
    let (left, top) = (usize::try_from(x + 2)?, usize::try_from(y + 2)?);
    let (right, bottom) = (usize::try_from(x + width - 3)?, usize::try_from(y + height - 3)?);
    let [red, green, blue] = picture.at(left, top);
    let corners = [(right, top), (left, bottom), (right, bottom)];
    let same = corners.iter().all(|(x, y)| picture.at(*x, *y) == [red, green, blue]);
    Ok((same && red == green && green == blue).then_some([red, green, blue]))
}
