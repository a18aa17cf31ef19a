//! The daemon on the machine's own display: pictures, input, another session, and what is plugged in and out.

use std::{fs, time::Duration};

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::xen::{
    machine::{COMMAND_LIMIT, Job, Machine},
    picture::{Colour, Picture},
    qmp::Input,
};

/// What the daemon draws where there is no window.
const DESKTOP: Colour = [0x2b, 0x30, 0x3b];
/// For programs that start under emulation, and pictures of them: seconds on an idle host.
const LIMIT: Duration = Duration::from_secs(120);
/// Where the daemon's sockets are in dom0.
const ENVIRONMENT: &str = "export XDG_RUNTIME_DIR=/run/kms; mkdir -p -m 700 $XDG_RUNTIME_DIR";
/// The connector of the machine's display, as dom0 has it.
const CONNECTOR: &str = "/sys/class/drm/card0-Virtual-1/status";

/// Has dom0's kernel tell of that, as a driver does that finds out by itself.
const TELL: &str = "udevadm trigger --action=change /sys/class/drm/card0";

/// How a desktop is started.
#[derive(Clone, Copy)]
struct Setup {
    config: &'static str,
    /// A command of the shell that goes before the daemon.
    first: &'static str,
    /// The display it is looked for on.
    picture: fn(&mut Machine) -> anyhow::Result<Picture>,
}

/// A desktop shown by the daemon, with a terminal on it that keeps what is typed.
struct Desktop {
    daemon: Job,
}

impl Desktop {
    fn start(machine: &mut Machine) -> anyhow::Result<Self> {
        Self::set_up(machine, Setup { config: "", first: "true", picture: Machine::picture })
    }

    fn set_up(machine: &mut Machine, Setup { config, first, picture }: Setup) -> anyhow::Result<Self> {
        fs::write(machine.shared().join("kms.toml"), config)?;
        fs::write(machine.shared().join("typed"), "")?;
        let daemon = machine.start_in_dom0(&format!(
            "{ENVIRONMENT}
             export RUST_LOG=info,gui_daemon::backend::kms=trace,smithay=warn,smithay::backend::drm=off
             echo $$ >/run/kms/pid
             {first}
             exec gui-daemon --backend kms --config /host/kms.toml --socket /run/kms/control"
        ))?;
        machine.until_printed(&daemon, "ready")?;
        until_shown(machine, picture, "the desktop is shown", |picture| {
            picture.count(DESKTOP) == picture.width * picture.height
        })?;
        machine.start_in_dom0(&format!(
            "{ENVIRONMENT}; WAYLAND_DISPLAY=wayland-1 exec foot sh -c 'stty -echo; cat >/host/typed'"
        ))?;
        // A terminal has a cursor as soon as it has a shell.
        until_shown(machine, picture, "a window is shown", |picture| {
            picture.count(DESKTOP) < picture.width * picture.height * 3 / 4
        })?;
        Ok(Self { daemon })
    }

    /// Types a letter and a return, which the terminal must have then.
    fn type_in(machine: &mut Machine, letter: &'static str, expected: &str) -> anyhow::Result<()> {
        machine.press(&[letter])?;
        machine.press(&["ret"])?;
        let file = machine.shared().join("typed");
        machine.until(&format!("{expected:?} is typed"), LIMIT, |_| {
            Ok((fs::read_to_string(&file)? == expected).then_some(()))
        })
    }

    fn outputs(machine: &mut Machine) -> anyhow::Result<String> {
        machine.dom0("gui-daemon msg --socket /run/kms/control outputs")?.success()
    }

    fn stop(self, machine: &mut Machine) -> anyhow::Result<()> {
        machine.dom0("kill $(cat /run/kms/pid)")?.success()?;
        machine.finish(&self.daemon, COMMAND_LIMIT)?.success().map(drop)
    }
}

fn until_picture(
    machine: &mut Machine,
    what: &str,
    holds: impl Fn(&Picture) -> bool,
) -> anyhow::Result<Picture> {
    until_shown(machine, Machine::picture, what, holds)
}

fn until_shown(
    machine: &mut Machine,
    picture: fn(&mut Machine) -> anyhow::Result<Picture>,
    what: &str,
    holds: impl Fn(&Picture) -> bool,
) -> anyhow::Result<Picture> {
    machine.until(what, LIMIT, |machine| {
        let picture = picture(machine)?;
        Ok(holds(&picture).then_some(picture))
    })
}

/// Pixels in the top left corner that are not the desktop's.
fn corner(picture: &Picture) -> usize {
    let corner = (0..80).flat_map(|x| (0..80).map(move |y| (x, y)));
    corner.filter(|&(x, y)| picture.at(x, y) != DESKTOP).count()
}

/// Windows, keys and the pointer are on the display, and a pointer that moves costs a few thousand bytes a frame.
pub fn the_daemon_has_the_display(machine: &mut Machine) -> anyhow::Result<()> {
    let desktop = Desktop::start(machine)?;
    Desktop::type_in(machine, "a", "a\n")?;
    // More often than there are buffers, each of which is given first what it has missed.
    let mut picture = machine.picture()?;
    for _ in 0..2 {
        machine.input(&[Input::Place(0x400, 0x400)])?;
        until_picture(machine, "the pointer is in the corner", |picture| corner(picture) > 0)?;
        machine.input(&[Input::Place(0x800, 0x7000)])?;
        picture = until_picture(machine, "the pointer has left the corner", |picture| corner(picture) == 0)?;
    }
    let frame = picture.width * picture.height * 4;
    let moved = machine.printed(&desktop.daemon);
    let moved = moved.lines().filter_map(|line| line.split_once("bytes=")?.1.split(' ').next()?.parse().ok());
    let moved: Vec<usize> = moved.collect();
    let last = *moved.last().context("no frame was copied")?;
    ensure!(moved.first() == Some(&frame), "the first frame moved {:?} bytes of {frame}", moved.first());
    ensure!(last < frame / 100, "the last frame moved {last} bytes of {frame}");
    desktop.stop(machine)
}

/// Ctrl+Alt+F2 gives the display to another virtual terminal. What is typed there stays there, and back here all is as it was.
pub fn another_terminal_and_back(machine: &mut Machine) -> anyhow::Result<()> {
    let desktop = Desktop::start(machine)?;
    Desktop::type_in(machine, "a", "a\n")?;
    let before = machine.picture()?.count(DESKTOP);
    machine.press(&["ctrl", "alt", "f2"])?;
    machine.until_printed(&desktop.daemon, "another session has the seat now")?;
    until_picture(machine, "the other terminal is shown", |picture| picture.count(DESKTOP) == 0)?;
    machine.press(&["b"])?;
    machine.press(&["ctrl", "alt", "f1"])?;
    machine.until_printed(&desktop.daemon, "the seat is ours")?;
    until_picture(machine, "the desktop is back", |picture| picture.count(DESKTOP).abs_diff(before) < 1000)?;
    Desktop::type_in(machine, "c", "a\nc\n")?;
    desktop.stop(machine)
}

/// The machine goes to sleep and wakes: the desktop is as it was. The kernel's own test of sleeping stops all programs and
/// devices and starts them again after 5 s; an emulated processor has no sleep of its own to be woken from.
pub fn sleep_and_wake(machine: &mut Machine) -> anyhow::Result<()> {
    // The folder shared with the host is lost by it: it is unmounted meanwhile, and nothing may have a file of it open.
    let start = |program: &str| {
        format!("{ENVIRONMENT}; cd $XDG_RUNTIME_DIR; setsid {program} >>log 2>&1 </dev/null &")
    };
    let typed = |machine: &mut Machine, expected: &str| {
        machine.until(&format!("{expected:?} is typed"), LIMIT, |machine| {
            Ok((machine.dom0("cat /run/kms/typed")?.output == expected).then_some(()))
        })
    };
    machine
        .dom0(&start("env RUST_LOG=info,smithay::backend::drm=off gui-daemon --backend kms --config /dev/null --socket control"))?
        .success()?;
    until_picture(machine, "the desktop is shown", |picture| {
        picture.count(DESKTOP) == picture.width * picture.height
    })?;
    let terminal = "env WAYLAND_DISPLAY=wayland-1 foot sh -c 'stty -echo; cat >typed'";
    machine.dom0(&start(terminal))?.success()?;
    let before = until_picture(machine, "a window is shown", |picture| {
        picture.count(DESKTOP) < picture.width * picture.height * 3 / 4
    })?;
    machine.press(&["a"])?;
    machine.press(&["ret"])?;
    typed(machine, "a\n")?;

    machine
        .dom0(
            r#"cat >/run/sleep <<'END'
tries=0
until umount /host; do
    tries=$((tries + 1))
    [ $tries -lt 500 ] || { cp /run/slept /host/slept.part; mv /host/slept.part /host/slept; exit; }
    busybox usleep 10000
done
device=$(basename /sys/bus/virtio/drivers/9pnet_virtio/virtio*)
echo $device >/sys/bus/virtio/drivers/9pnet_virtio/unbind
dmesg --clear
echo devices >/sys/power/pm_test
echo freeze >/sys/power/state
echo "exit status $?"
echo none >/sys/power/pm_test
dmesg
echo $device >/sys/bus/virtio/drivers/9pnet_virtio/bind
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 host /host
cp /run/slept /host/slept.part
mv /host/slept.part /host/slept
END
setsid sh /run/sleep >/run/slept 2>&1 </dev/null &"#,
        )?
        .success()?;
    let slept = machine.shared().join("slept");
    machine.until("the machine wakes", LIMIT, |_| Ok(slept.exists().then_some(())))?;
    let slept = fs::read_to_string(slept)?;
    ensure!(
        slept.contains("exit status 0") && slept.contains("suspend debug: Waiting for 5 second(s)."),
        "the kernel did not sleep:\n{slept}"
    );
    until_picture(machine, "the desktop is back", |picture| {
        picture.count(DESKTOP).abs_diff(before.count(DESKTOP)) < 1000
    })?;
    machine.press(&["b"])?;
    machine.press(&["ret"])?;
    typed(machine, "a\nb\n")?;
    machine
        .dom0("pkill --exact gui-daemon; while pgrep --exact gui-daemon; do busybox usleep 10000; done")?;
    let log = machine.dom0("cat /run/kms/log")?.output;
    ensure!(!log.contains("ERROR"), "the daemon was not content:\n{log}");
    Ok(())
}

/// The display is unplugged and plugged in; then a device with another one comes and goes.
pub fn screens_are_plugged_in_and_out(machine: &mut Machine) -> anyhow::Result<()> {
    let desktop = Desktop::start(machine)?;
    machine.dom0(&format!("echo off >{CONNECTOR}; {TELL}"))?.success()?;
    machine.until_printed(&desktop.daemon, "screen unplugged")?;
    // With no screen the daemon and what is on it go on.
    Desktop::type_in(machine, "a", "a\n")?;
    machine.dom0(&format!("echo detect >{CONNECTOR}; {TELL}"))?.success()?;
    let is_whole = |picture: &Picture| picture.count(DESKTOP) > picture.width * picture.height / 4;
    until_picture(machine, "the desktop is back", is_whole)?;

    machine.plug_in_second_display()?;
    machine.until("there are two screens", LIMIT, |machine| {
        Ok((Desktop::outputs(machine)?.lines().filter(|line| line.starts_with("Virtual-")).count() == 2)
            .then_some(()))
    })?;
    machine.until("the desktop is on the second screen", LIMIT, |machine| {
        let picture = machine.second_picture()?;
        Ok((picture.count(DESKTOP) == picture.width * picture.height).then_some(()))
    })?;
    machine.unplug_second_display()?;
    machine.until("there is one screen", LIMIT, |machine| {
        Ok((Desktop::outputs(machine)?.lines().filter(|line| line.starts_with("Virtual-")).count() == 1)
            .then_some(()))
    })?;
    Desktop::type_in(machine, "b", "a\nb\n")?;
    desktop.stop(machine)
}

/// A keyboard that is plugged in types.
pub fn a_keyboard_is_plugged_in_and_out(machine: &mut Machine) -> anyhow::Result<()> {
    let desktop = Desktop::start(machine)?;
    let known = machine.printed(&desktop.daemon).matches("QEMU Virtio Keyboard").count();
    machine
        .qemu("device_add", &json!({ "driver": "virtio-keyboard-pci", "id": "second", "bus": "spare" }))?;
    let told = |machine: &Machine, desktop: &Desktop| {
        machine.printed(&desktop.daemon).matches("QEMU Virtio Keyboard").count()
    };
    machine.until("the keyboard is there", LIMIT, |machine| {
        Ok((told(machine, &desktop) > known).then_some(()))
    })?;
    Desktop::type_in(machine, "a", "a\n")?;
    machine.qemu("device_del", &json!({ "id": "second" }))?;
    machine.until("the keyboard is gone", LIMIT, |machine| {
        Ok((told(machine, &desktop) > known + 1).then_some(()))
    })?;
    Desktop::type_in(machine, "b", "a\nb\n")?;
    desktop.stop(machine)
}

/// OpenGL ES draws what pixman does, into buffers of GBM that a screen shows: here by Mesa's driver that has the CPU do the work,
/// which is taken only where the configuration says so. The screen is virtio-gpu's, alone; that of bochs lends no buffers, so
/// there the CPU draws whatever is configured.
pub fn the_gpu_path_draws(machine: &mut Machine) -> anyhow::Result<()> {
    const GLES: &str = "[output]\nrenderer = \"gles\"\n";
    machine.plug_in_second_display()?;
    machine.dom0(&format!("echo off >{CONNECTOR}"))?.success()?;
    let second = Setup { config: "", first: "true", picture: Machine::second_picture };

    // The card has a node to render with, and its driver turns out to be the CPU's.
    let desktop = Desktop::set_up(machine, second)?;
    ensure!(machine.printed(&desktop.daemon).contains("gpu=false"), "no screen is said to be the CPU's");
    let by_cpu = machine.second_picture()?.count(DESKTOP);
    desktop.stop(machine)?;

    let desktop = Desktop::set_up(machine, Setup { config: GLES, ..second })?;
    let until = |machine: &mut Machine, what: &str, holds: &dyn Fn(&Picture) -> bool| {
        until_shown(machine, second.picture, what, holds)
    };
    until(machine, "the window is as large as pixman has it", &|picture| picture.count(DESKTOP) == by_cpu)?;
    Desktop::type_in(machine, "a", "a\n")?;
    // More often than there are buffers.
    for _ in 0..2 {
        machine.input(&[Input::Place(0x400, 0x400)])?;
        until(machine, "the pointer is in the corner", &|picture| corner(picture) > 0)?;
        machine.input(&[Input::Place(0x800, 0x7000)])?;
        until(machine, "the pointer has left the corner", &|picture| corner(picture) == 0)?;
    }
    machine.dom0("gui-daemon msg --socket /run/kms/control screenshot /host/screenshot.png")?.success()?;
    let taken = fs::metadata(machine.shared().join("screenshot.png"))?.len();
    ensure!(taken > 1000, "a screenshot of {taken} bytes");
    let said = machine.printed(&desktop.daemon);
    ensure!(said.contains("gpu=true") && !said.contains("the CPU draws"), "OpenGL ES did not draw:\n{said}");
    desktop.stop(machine)?;

    // Without a driver the CPU does it all the same, and says so once.
    let first = "export __EGL_VENDOR_LIBRARY_DIRS=/nowhere";
    let desktop = Desktop::set_up(machine, Setup { config: GLES, first, ..second })?;
    let said = machine.printed(&desktop.daemon);
    let times = said.matches("the CPU draws").count();
    ensure!(said.contains("gpu=false") && times == 1, "the CPU is said to draw {times} times:\n{said}");
    desktop.stop(machine)?;
    machine.unplug_second_display()?;
    machine.dom0(&format!("echo detect >{CONNECTOR}; {TELL}"))?.success().map(drop)
}
