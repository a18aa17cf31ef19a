//! A domain in the hands of an attacker: the daemon, the display and the other domain go on, and nothing stays behind.

use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::xen::{
    desktop::SHOW_LIMIT,
    machine::{COMMAND_LIMIT, Domain, Log, Machine},
};

/// For all that the attacker tries: half a minute of floods and silence, and a minute and a half in which it is made to wait.
const ATTACK_LIMIT: Duration = Duration::from_secs(900);

/// What the daemon says when it ends the attacker's links, and how many give reason for it.
const REFUSED: [(&str, usize); 6] = [
    ("the ring is broken: the peer's index claims 2049 bytes in a ring of 2048", 1),
    ("the pages of a window buffer", 4),
    ("MAP for window 0x7 has 4 bytes, must have 8", 1),
    ("message type 200", 1),
    ("beyond the limit of 1024 windows", 1),
    ("speaks version 2.0", 1),
];

/// How much more memory than before the daemon may have kept, in KiB: a hundredth of what the attack has sent, and room for
/// what the honest window makes the daemon keep.
const MEMORY_KEPT: u64 = 8 * 1024;

/// The window of the honest domain: its program tells of its frames as they are shown.
const WINDOW: &str = "ticker";

/// One domain does all that one must not, while the window of another is drawn on.
pub fn a_hostile_agent(machine: &mut Machine) -> anyhow::Result<()> {
    machine.daemon()?;
    let honest = machine.domain_with_applications("work")?;
    // Created anew, it shares nothing yet whose reference could be that of a page of the other domain.
    let used = machine.domain("untrusted")?;
    machine.destroy(&used)?;
    machine.until_shown(&["work"])?;
    let hostile = machine.domain("untrusted")?;
    let frames = machine.console(&honest.name);
    let window = format!("xen-probe frames --title {WINDOW} --width 200 --height 150 --damage 64");
    machine.start_program(&honest, WINDOW, &format!("env WAYLAND_DISPLAY=wayland-0 {window}"))?;
    is_drawn(machine, &frames)?;

    let attacked = attack(machine, &honest, &hostile, &frames);
    machine.run_in(&honest, &format!("pkill --full '[x]{}'", window.trim_start_matches('x')))?.success()?;
    attacked?;
    machine.until_shown(&["work"]).map(drop)
}

fn attack(machine: &mut Machine, honest: &Domain, hostile: &Domain, frames: &Log) -> anyhow::Result<()> {
    let foreign = machine.dom0(&format!("xen-probe mapped {}", honest.id))?.success()?;
    let foreign = foreign.lines().last().context("nothing of the honest domain is mapped")?;
    let before = Held::by_the_daemon(machine, hostile)?;
    let log = Log::from_now(machine.shared().join("daemon.log"));

    let job = machine.start_in(hostile, &format!("xen-probe hostile {} {foreign}", honest.id))?;
    let mut looks = 0;
    let attacked = machine.until("the attacker has tried everything", ATTACK_LIMIT, |machine| {
        is_drawn(machine, frames)?;
        machine.ask(&["sync", &honest.name])?.success()?;
        let windows = machine.windows()?;
        ensure!(
            windows.iter().any(|window| window.title == WINDOW),
            "the honest window is gone: {windows:?}"
        );
        looks += 1;
        machine.ended(&job)
    })?;
    println!("{}the honest window was looked after {looks} times meanwhile", attacked.success()?);

    let text: String =
        log.text().lines().filter(|line| !line.contains("TRACE")).map(|line| format!("{line}\n")).collect();
    for (refusal, expected) in REFUSED {
        let seen = text.lines().filter(|line| line.contains(refusal)).count();
        ensure!(seen == expected, "{refusal:?} is logged {seen} times, not {expected}:\n{text}");
    }
    // That an agent which only floods does not answer is told as well, once of each such link.
    let warnings = text.lines().filter(|line| line.contains("WARN") || line.contains("ERROR"));
    let warnings = warnings.filter(|line| !line.contains("the agent does not respond")).count();
    let expected: usize = REFUSED.iter().map(|(_, times)| times).sum();
    ensure!(warnings == expected, "there are {warnings} warnings:\n{text}");

    let mut after = before;
    let given_back = machine.until("the daemon has given back what it had", SHOW_LIMIT, |machine| {
        after = Held::by_the_daemon(machine, hostile)?;
        Ok((after.descriptors == before.descriptors && after.pages == before.pages).then_some(()))
    });
    println!("before: {before:?}\nafter:  {after:?}");
    given_back?;
    ensure!(after.memory_kib < before.memory_kib + MEMORY_KEPT, "it keeps memory");
    Ok(())
}

/// Waits until the program of the honest domain has been shown more frames than so far.
fn is_drawn(machine: &mut Machine, log: &Log) -> anyhow::Result<()> {
    let told = |log: &Log| log.text().lines().filter(|line| line.contains("ticker: frame ")).count();
    let before = told(log);
    machine.until("the honest window is drawn", COMMAND_LIMIT, |_| Ok((told(log) > before).then_some(())))
}

/// What the daemon has of the system.
#[derive(Clone, Copy, Debug)]
struct Held {
    descriptors: u64,
    /// Of the attacker, that dom0 has mapped. What the honest domain's windows need is not the same at all times.
    pages: u64,
    memory_kib: u64,
}

impl Held {
    fn by_the_daemon(machine: &mut Machine, attacker: &Domain) -> anyhow::Result<Self> {
        let mapped = format!("mapped=$(xen-probe mapped {}) && echo \"$mapped\" | wc -w", attacker.id);
        let numbers = machine.dom0(&format!(
            "process=/proc/$(pgrep --exact gui-daemon) && ls $process/fd | wc -l && {mapped} && \
             sed -n 's/VmRSS:\\s*\\([0-9]*\\) kB/\\1/p' $process/status"
        ))?;
        let numbers = numbers.success()?;
        let mut numbers = numbers.lines().map(str::parse);
        let mut next = || anyhow::Ok(numbers.next().context("a number is missing")??);
        Ok(Self { descriptors: next()?, pages: next()?, memory_kib: next()? })
    }
}
