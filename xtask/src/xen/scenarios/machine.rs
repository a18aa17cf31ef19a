//! The machine itself: its display, its input, and domains that run what they are told and keep their registers.

use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::xen::{
    machine::{COMMAND_LIMIT, Machine},
    qmp::Input,
    scenarios::DOMAINS,
};

/// For how long registers are watched: some 200 turns of each domain on the processor.
const WATCH_SECONDS: u64 = 6;

/// What dom0 draws is what QEMU shows, and what QEMU injects comes out of dom0's devices.
pub fn display_and_input(machine: &mut Machine) -> anyhow::Result<()> {
    let size = machine.dom0("cat /sys/class/graphics/fb0/virtual_size")?.success()?;
    let (width, height) = size.trim().split_once(',').context("no size of a framebuffer")?;
    let (width, height): (usize, usize) = (width.parse()?, height.parse()?);
    let half = width * height * 4 / 2;
    machine.dom0(&format!("head -c {half} /dev/zero | tr '\\0' '\\200' >/dev/fb0"))?.success()?;
    let picture = machine.picture()?;
    ensure!((picture.width, picture.height) == (width, height), "{} x {}", picture.width, picture.height);
    ensure!(picture.at(width / 2, height / 4) == [0x80; 3], "{:?}", picture.at(width / 2, height / 4));
    let grey = picture.count([0x80; 3]);
    ensure!(grey < width * height * 3 / 4, "{grey} pixels have the colour that half of them were given");

    for (device, input, expected) in [
        ("QEMU Virtio Keyboard", Input::Key("a", true), "1 30 1 0"),
        ("QEMU Virtio Tablet", Input::Place(0x1234, 0), "3 0 4660 0"),
        ("QEMU Virtio Tablet", Input::Button("left", true), "1 272 1 0"),
    ] {
        // An event is 16 bytes of time, then type, code and value.
        let job = machine.start_in_dom0(&format!(
            "folder=$(grep -lx '{device}' /sys/class/input/event*/device/name) && exec 3</dev/input/$(echo $folder | \
             cut -d / -f 5) && echo listening && head -c 24 <&3 | od -An -t u2 -j 16 | xargs"
        ))?;
        machine.until_printed(&job, "listening")?;
        machine.input(&[input])?;
        let output = machine.finish(&job, COMMAND_LIMIT)?.success()?;
        ensure!(output.lines().last() == Some(expected), "{device} reports {output:?}");
    }
    machine.input(&[Input::Key("a", false), Input::Button("left", false)])
}

/// The packages are installed, and their parts in force.
pub fn packages_are_installed(machine: &mut Machine) -> anyhow::Result<()> {
    let state = "dpkg --audit && dpkg-query --show --showformat '${db:Status-Status}\\n'";
    let dom0 =
        machine.dom0(&format!("{state} transom-daemon; udevadm settle; stat -c '%G %a' /dev/xen/gntdev"))?;
    ensure!(dom0.output == "installed\ntransom 660\n", "in dom0: {}", dom0.output);
    let domain = machine.domain("work")?;
    let parameters =
        "cd /sys/module; cat xen_gntalloc/parameters/limit grant_table/parameters/free_per_iteration";
    let agent = machine.run_in(
        &domain,
        &format!("{state} transom-agent; {parameters}; stat -c '%G %a' /dev/xen/gntalloc"),
    )?;
    ensure!(agent.output == "installed\n24576\n1000\ntransom 660\n", "in the domain: {}", agent.output);
    Ok(())
}

/// Commands run in the domain they are meant for, and their status and output come back.
pub fn two_domains_run_commands(machine: &mut Machine) -> anyhow::Result<()> {
    for name in DOMAINS {
        let domain = machine.domain(name)?;
        let outcome = machine.run_in(&domain, "echo \"I am $(hostname)\"; xen-probe devices; exit 7")?;
        ensure!(outcome.status == 7, "exit status {}", outcome.status);
        let lines: Vec<&str> = outcome.output.lines().collect();
        ensure!(lines.first() == Some(&format!("I am {name}").as_str()), "it printed {lines:?}");
        ensure!(lines.len() > 1 && lines.iter().skip(1).all(|line| line.starts_with("ok ")), "{lines:?}");
    }
    Ok(())
}

/// No domain finds in its vector registers what another had in them.
pub fn registers_do_not_leak(machine: &mut Machine) -> anyhow::Result<()> {
    let probe = format!("xen-probe registers {WATCH_SECONDS}");
    let mut jobs = vec![];
    for name in DOMAINS {
        let domain = machine.domain(name)?;
        jobs.push(machine.start_in(&domain, &probe)?);
    }
    jobs.push(machine.start_in_dom0(&probe)?);
    jobs.push(machine.start_in_dom0(&probe)?);
    let limit = COMMAND_LIMIT + Duration::from_secs(WATCH_SECONDS);
    let outcomes: Vec<_> =
        jobs.iter().map(|job| machine.finish(job, limit)).collect::<anyhow::Result<_>>()?;
    outcomes.into_iter().try_for_each(|outcome| outcome.success().map(drop))
}

/// A domain that is ended is gone, and one of its name can come again.
pub fn a_domain_comes_again(machine: &mut Machine) -> anyhow::Result<()> {
    let first = machine.domain("untrusted")?;
    machine.destroy(&first)?;
    ensure!(machine.dom0("xl domid untrusted")?.status != 0, "xl still knows the domain");
    let second = machine.domain("untrusted")?;
    ensure!(first.id != second.id, "the domain came again as number {}", second.id);
    machine.run_in(&second, "true")?.success().map(drop)
}
