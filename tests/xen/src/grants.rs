//! Pages of another domain, seen from dom0: what is shared is there, what is not is refused, and ends are noticed.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::FileExt as _;
use std::process::{Command, Stdio};

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use shm_grant::xen::{
    CopyError, CopyPiece, EventChannels, GrantDevice, MAX_MAPPED, MapError, Port, UnmapNotify,
};
use shm_grant::{DomId, GrantRef, ImportedPages, PAGE_SIZE, Pages};

use crate::counterpart::{join, mark, next_event};
use crate::numbers::Free;
use crate::remote::{Remote, Window};
use crate::report::Report;

/// Pages of a window of 1920 x 1080.
pub const FULL_HD: usize = 1920 * 1080 * 4 / PAGE_SIZE;

/// The limit of the other domain's gntalloc while large windows are shared.
pub const HIGH_LIMIT: usize = 30_000;

/// Memory that other programs of a domain may take or give back meanwhile, in KiB.
pub const OTHERS: usize = 3 * 1024;

/// No domain of a test has this number.
const NOBODY: DomId = DomId(30_000);

/// No domain of a test has as many references as that.
const NOTHING: GrantRef = GrantRef(1_000_000);

pub fn run(report: &mut Report, domain: DomId, stranger: Option<DomId>) -> anyhow::Result<()> {
    let mut remote = Remote::connect(domain)?;
    report.check("the module's limit is named", || limit(&mut remote));
    remote.limit(HIGH_LIMIT)?;
    report.check("new pages are zero", || zeroed(&mut remote));
    report.check("2025 references are mapped at once, in their order", || many(&mut remote));
    report.check("pages shared for reading cannot be mapped writable", || read_only_there(&mut remote));
    report.check("what is mapped read-only cannot be written", || read_only_here(&mut remote));
    report.check("references to nothing are refused, with all that came along", || wrong(&mut remote));
    report.check("references that were taken back are refused", || revoked(&mut remote));
    report.check("a mapping outlives what was taken back", || outlived(&mut remote));
    report.check("too many references at once are refused", || too_many(&remote));
    report.check("a domain cannot have its pages mapped without end", || again_and_again(&mut remote));
    report.check("a domain that does not exist shares nothing", || {
        refused(GrantDevice::open()?.map(NOBODY, &[GrantRef(8)]))
    });
    if let Some(stranger) = stranger {
        report.check("another domain's references are refused", || not_ours(&mut remote, stranger));
    }
    report.check("pages taken back while mapped return after they are unmapped", || late(&mut remote));
    report.check("pieces of pages are copied", || copied(&mut remote));
    report.check("what is not shared is not copied", || not_copied(&mut remote));
    report.check("unmapping here is noticed there", || unmapped(&mut remote));
    report.check("a process killed here is noticed there", || killed_here(&mut remote));
    report.check("taking back there is noticed here", || taken_back(&mut remote));
    report.check("a process killed there is noticed here", || killed_there(&mut remote));
    Ok(())
}

/// What happens where a domain's grant table is full in the middle of an allocation.
pub fn run_exhausted(report: &mut Report, domain: DomId) -> anyhow::Result<()> {
    let mut remote = Remote::connect(domain)?;
    remote.limit(HIGH_LIMIT)?;
    report.check("an allocation that was cut short takes nothing", || {
        // The first times also show the domain's own drivers how many references they want to keep.
        let filled = (0..5).map(|_| fill_table(&mut remote)).collect::<anyhow::Result<Vec<_>>>()?;
        let [.., before, after] = *filled.as_slice() else { anyhow::bail!("no table was filled") };
        ensure!(before == after, "there were references for so many pages: {filled:?}");
        Ok(())
    });
    Ok(())
}

/// Shares pages until the grant table is full and takes them back. How many they were.
fn fill_table(remote: &mut Remote) -> anyhow::Result<usize> {
    let mut windows = Vec::new();
    for pages in [500, 50, 5, 1] {
        let refused = loop {
            ensure!(windows.len() < 100, "the table is not small: set max_grant_frames=8 for the domain");
            match remote.share(pages, "readonly") {
                Ok(window) => windows.push(window),
                Err(error) => break error.to_string(),
            }
        };
        ensure!(refused.contains("raise max_grant_frames"), "the error is: {refused}");
    }
    remote.free(&windows)?;
    Ok(windows.iter().map(|window| window.refs.len()).sum())
}

/// Maps a page writable, says so, and waits to be killed.
pub fn hold(domain: DomId, port: Port, reference: GrantRef) -> anyhow::Result<()> {
    let events = EventChannels::open()?;
    let page = GrantDevice::open()?.map_writable(domain, &[reference])?;
    let send = Some(events.bind_interdomain(domain, port)?);
    page.set_unmap_notify(UnmapNotify { clear_byte: Some(NOTIFY_BYTE), send })?;
    println!("held");
    std::io::stdin().read_line(&mut String::new())?;
    anyhow::bail!("it was to be killed")
}

/// The byte of a page that is cleared when it goes.
const NOTIFY_BYTE: usize = 20;

fn refused<T>(mapped: Result<T, MapError>) -> anyhow::Result<()> {
    match mapped {
        Err(MapError::Refused { .. }) => Ok(()),
        Err(other) => Err(other).context("not the error that was expected"),
        Ok(_) => anyhow::bail!("it was mapped"),
    }
}

fn check_marks(pages: &ImportedPages, window: &Window) -> anyhow::Result<()> {
    for page in 0..window.refs.len() {
        for at in [page * PAGE_SIZE, (page + 1) * PAGE_SIZE - 8] {
            let mut seen = [0; 8];
            pages.copy_out(at, &mut seen)?;
            ensure!(seen == mark(window.number, page), "page {page} is not where it should be");
        }
    }
    Ok(())
}

fn limit(remote: &mut Remote) -> anyhow::Result<()> {
    // The table of references has some of them.
    remote.limit(1024)?;
    let error = remote.share(1024, "writable").err().context("more than the limit was shared")?.to_string();
    for part in ["no room to share 1024 pages more", "1024 into /sys/module/xen_gntalloc/parameters/limit"] {
        ensure!(error.contains(part), "the error is: {error}");
    }
    let below = remote.share(1000, "writable")?;
    let error = remote.share(100, "writable").err().context("more than the limit was shared")?.to_string();
    ensure!(error.contains("no room to share 100 pages more"), "the error is: {error}");
    remote.free(&[below])?;
    let again = remote.share(1000, "writable").context("after all were taken back")?;
    remote.free(&[again])
}

fn zeroed(remote: &mut Remote) -> anyhow::Result<()> {
    // Twice, so that the second has pages that the first wrote to.
    for _ in 0..2 {
        let window = remote.share(FULL_HD, "writable")?;
        ensure!(remote.ask(format!("is-zero {}", window.number))? == "true", "they are not");
        remote.ask(format!("fill {}", window.number))?;
        remote.free(&[window])?;
    }
    Ok(())
}

fn many(remote: &mut Remote) -> anyhow::Result<()> {
    let device = GrantDevice::open()?;
    let mut window = remote.share(FULL_HD, "readonly")?;
    remote.ask(format!("fill {}", window.number))?;
    check_marks(&device.map(remote.domain, &window.refs)?, &window)?;
    let twice = (device.map(remote.domain, &window.refs)?, device.map(remote.domain, &window.refs)?);
    check_marks(&twice.0, &window)?;
    check_marks(&twice.1, &window)?;

    window.refs.reverse();
    let reversed = device.map(remote.domain, &window.refs)?;
    let mut last = [0; 8];
    reversed.copy_out(0, &mut last)?;
    ensure!(last == mark(window.number, FULL_HD - 1), "the last reference is not mapped first");
    drop((twice, reversed));
    remote.free(&[window])
}

fn read_only_there(remote: &mut Remote) -> anyhow::Result<()> {
    let device = GrantDevice::open()?;
    let window = remote.share(3, "readonly")?;
    refused(device.map_writable(remote.domain, &window.refs))?;
    device.map(remote.domain, &window.refs)?;
    remote.free(&[window])?;
    let window = remote.share(3, "writable")?;
    let written = device.map_writable(remote.domain, &window.refs)?;
    written.pages().copy_in(PAGE_SIZE, &[77])?;
    let seen = remote.ask(format!("byte {} {PAGE_SIZE}", window.number))?;
    ensure!(seen == "77", "what was written arrived as {seen}");
    drop(written);
    remote.free(&[window])
}

/// Even the kernel's own way around the protection of memory, by which debuggers write, does not work.
fn read_only_here(remote: &mut Remote) -> anyhow::Result<()> {
    let window = remote.share(1, "writable")?;
    let _mapped = GrantDevice::open()?.map(remote.domain, &window.refs)?;
    let maps = fs::read_to_string("/proc/self/maps")?;
    let ours: Vec<&str> = maps.lines().filter(|line| line.ends_with("gntdev")).collect();
    ensure!(!ours.is_empty(), "no mapping of the device:\n{maps}");
    let memory = fs::OpenOptions::new().write(true).open("/proc/self/mem")?;
    for line in ours {
        ensure!(line.contains(" r--s "), "not mapped read-only: {line}");
        let start = line.split('-').next().context("a line without an address")?;
        let written = memory.write_at(&[1], u64::from_str_radix(start, 16)?);
        ensure!(written.is_err(), "written at {start}: {written:?}");
    }
    ensure!(remote.ask(format!("is-zero {}", window.number))? == "true", "the page was changed");
    remote.free(&[window])
}

fn wrong(remote: &mut Remote) -> anyhow::Result<()> {
    let device = GrantDevice::open()?;
    let window = remote.share(4, "readonly")?;
    remote.ask(format!("fill {}", window.number))?;
    refused(device.map(remote.domain, &[NOTHING]))?;
    refused(device.map(remote.domain, &[GrantRef(u32::MAX)]))?;
    for bad in 0..window.refs.len() {
        let mut refs = window.refs.clone();
        if let Some(reference) = refs.get_mut(bad) {
            *reference = NOTHING;
        }
        refused(device.map(remote.domain, &refs)).with_context(|| format!("bad reference at {bad}"))?;
    }
    check_marks(&device.map(remote.domain, &window.refs)?, &window)?;
    remote.free(&[window])
}

fn revoked(remote: &mut Remote) -> anyhow::Result<()> {
    let window = remote.share(3, "readonly")?;
    remote.free(std::slice::from_ref(&window))?;
    refused(GrantDevice::open()?.map(remote.domain, &window.refs))
}

fn outlived(remote: &mut Remote) -> anyhow::Result<()> {
    let window = remote.share(3, "readonly")?;
    remote.ask(format!("fill {}", window.number))?;
    let mapped = GrantDevice::open()?.map(remote.domain, &window.refs)?;
    remote.free(std::slice::from_ref(&window))?;
    check_marks(&mapped, &window)
}

/// The kernel looks again for pages that were mapped when they were taken back, every second for a few, because nobody
/// tells it. This is why an agent waits for the daemon before it takes pages back.
fn late(remote: &mut Remote) -> anyhow::Result<()> {
    let before = Free::take(remote)?.there;
    let window = remote.share(FULL_HD, "readonly")?;
    let mapped = GrantDevice::open()?.map(remote.domain, &window.refs)?;
    remote.free(&[window])?;
    let during = Free::take(remote)?.there;
    ensure!(
        during + 4 * FULL_HD < before + OTHERS,
        "{during} KiB are free while they are mapped, {before} before"
    );
    // Usually 10, with which the check would take minutes.
    remote.ask("parameter grant_table free_per_iteration 10000")?;
    drop(mapped);
    let started = Instant::now();
    loop {
        let after = Free::take(remote)?.there;
        if after + OTHERS > before {
            return Ok(());
        }
        ensure!(started.elapsed() < Duration::from_secs(30), "{after} KiB are free, {before} before");
        sleep(Duration::from_millis(100));
    }
}

fn too_many(remote: &Remote) -> anyhow::Result<()> {
    let limit = "/sys/module/xen_gntdev/parameters/limit";
    let usual = fs::read_to_string(limit)?;
    fs::write(limit, "1000")?;
    let mapped = GrantDevice::open()?.map(remote.domain, &[NOTHING; 1001]);
    fs::write(limit, usual.trim_end())?;
    match mapped {
        Err(MapError::Limit { refs: 1001, limit: 1000 }) => Ok(()),
        other => anyhow::bail!("{other:?}"),
    }
}

/// Every mapping takes room in Xen's account of what dom0 has mapped, also of what it has mapped already.
fn again_and_again(remote: &mut Remote) -> anyhow::Result<()> {
    let device = GrantDevice::open()?;
    let window = remote.share(FULL_HD, "readonly")?;
    let mut mapped = Vec::new();
    loop {
        match device.map(remote.domain, &window.refs) {
            Ok(pages) => mapped.push(pages),
            Err(MapError::Exhausted { .. }) => break,
            Err(other) => return Err(other).context("not the error that was expected"),
        }
    }
    ensure!(mapped.len() == MAX_MAPPED / FULL_HD, "it was mapped {} times", mapped.len());
    mapped.pop();
    device.map(remote.domain, &window.refs).context("after one was unmapped")?;
    drop(mapped);
    remote.free(&[window])
}

/// What one domain shares with another is not dom0's, nor is it another domain's to give.
fn not_ours(remote: &mut Remote, stranger: DomId) -> anyhow::Result<()> {
    let device = GrantDevice::open()?;
    let windows = remote.share_with(stranger, &[2], "writable")?;
    for window in &windows {
        refused(device.map(remote.domain, &window.refs)).context("shared with the other domain")?;
    }
    remote.free(&windows)?;
    // So many that the other domain, which has shared fewer, has none of the last number.
    let window = remote.share(FULL_HD, "writable")?;
    let last = window.refs.iter().max().context("no references")?;
    refused(device.map(stranger, &[*last])).context("named as the other domain's")?;
    device.map(remote.domain, &[*last])?;
    remote.free(&[window])
}

fn copied(remote: &mut Remote) -> anyhow::Result<()> {
    let device = GrantDevice::open()?;
    let window = remote.share(3, "readonly")?;
    remote.ask(format!("fill {}", window.number))?;
    let [first, second, third] = window.refs.as_slice() else { anyhow::bail!("not three references") };
    let to = Pages::anonymous(2 * PAGE_SIZE)?;
    let piece = |reference: &GrantRef, offset, len, to| CopyPiece { reference: *reference, offset, len, to };
    // Whole across a border of the destination's pages, the end of one, the start of another, and nothing.
    let pieces = [
        piece(second, 0, PAGE_SIZE, 100),
        piece(first, PAGE_SIZE - 8, 8, 0),
        piece(third, 0, 8, 2 * PAGE_SIZE - 8),
        piece(third, PAGE_SIZE, 0, 2 * PAGE_SIZE),
    ];
    device.copy(remote.domain, &pieces, &to)?;
    for (at, page) in [(0, 0), (100, 1), (100 + PAGE_SIZE - 8, 1), (2 * PAGE_SIZE - 8, 2)] {
        let mut seen = [0; 8];
        to.copy_out(at, &mut seen)?;
        ensure!(seen == mark(window.number, page), "page {page} is not at {at}");
    }
    remote.free(&[window])
}

fn not_copied(remote: &mut Remote) -> anyhow::Result<()> {
    let device = GrantDevice::open()?;
    let to = Pages::anonymous(PAGE_SIZE)?;
    let window = remote.share(2, "readonly")?;
    let copy = |reference: GrantRef| {
        let pieces = [CopyPiece { reference, offset: 0, len: 64, to: 0 }];
        device.copy(remote.domain, &pieces, &to)
    };
    let Some(&first) = window.refs.first() else { anyhow::bail!("no reference") };
    copy(first)?;
    for reference in [NOTHING, GrantRef(u32::MAX)] {
        match copy(reference) {
            Err(CopyError::Refused { reference: named, .. }) if named == reference => {}
            other => anyhow::bail!("{other:?}"),
        }
    }
    remote.free(&[window])?;
    let pieces = [CopyPiece { reference: first, offset: 0, len: 64, to: 0 }];
    let taken_back = device.copy(remote.domain, &pieces, &to);
    ensure!(matches!(taken_back, Err(CopyError::Refused { .. })), "taken back: {taken_back:?}");
    Ok(())
}

/// A page with its byte set, and a port of the counterpart's.
fn watched_page(remote: &mut Remote) -> anyhow::Result<(Window, GrantRef, Port)> {
    let window = remote.share(1, "writable")?;
    remote.ask(format!("set-byte {} {NOTIFY_BYTE} 170", window.number))?;
    let port = Port(remote.ask("port")?.parse()?);
    let reference = *window.refs.first().context("no reference")?;
    Ok((window, reference, port))
}

fn cleared_there(remote: &mut Remote, window: &Window, port: Port) -> anyhow::Result<()> {
    let arrived = remote.ask("event")?;
    ensure!(arrived == port.0.to_string(), "an event on port {arrived}");
    let byte = remote.ask(format!("byte {} {NOTIFY_BYTE}", window.number))?;
    ensure!(byte == "0", "the byte is {byte}");
    remote.free(std::slice::from_ref(window))?;
    remote.ask(format!("unbind {}", port.0)).map(drop)
}

fn unmapped(remote: &mut Remote) -> anyhow::Result<()> {
    let (window, reference, port) = watched_page(remote)?;
    let events = EventChannels::open()?;
    let page = GrantDevice::open()?.map_writable(remote.domain, &[reference])?;
    let send = Some(events.bind_interdomain(remote.domain, port)?);
    page.set_unmap_notify(UnmapNotify { clear_byte: Some(NOTIFY_BYTE), send })?;
    let beyond = page.set_unmap_notify(UnmapNotify { clear_byte: Some(PAGE_SIZE), send });
    ensure!(beyond.is_err(), "a byte beyond the page was taken");
    let unbound = page.set_unmap_notify(UnmapNotify { clear_byte: None, send: Some(Port(4000)) });
    ensure!(unbound.is_err(), "a port that is not bound was taken");
    ensure!(remote.ask(format!("byte {} {NOTIFY_BYTE}", window.number))? == "170", "cleared early");
    drop(page);
    cleared_there(remote, &window, port)
}

fn killed_here(remote: &mut Remote) -> anyhow::Result<()> {
    let (window, reference, port) = watched_page(remote)?;
    let arguments = join([u32::from(remote.domain.0), port.0, reference.0]);
    let mut holder = Command::new("/proc/self/exe")
        .arg("hold")
        .args(arguments.split(' '))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut said = String::new();
    BufReader::new(holder.stdout.take().context("no pipe")?).read_line(&mut said)?;
    ensure!(said == "held\n", "the process that was to be killed says: {said}");
    ensure!(remote.ask(format!("byte {} {NOTIFY_BYTE}", window.number))? == "170", "cleared early");
    holder.kill()?;
    holder.wait()?;
    cleared_there(remote, &window, port)
}

/// A page that we have mapped, to be notified of by the counterpart.
fn watching(remote: &mut Remote, events: &EventChannels) -> anyhow::Result<(Window, ImportedPages, Port)> {
    let (window, reference, port) = watched_page(remote)?;
    remote.ask(format!("notify-when-unmapped {} {NOTIFY_BYTE} {}", window.number, port.0))?;
    let ours = events.bind_interdomain(remote.domain, port)?;
    ensure!(next_event(events)? == ours, "an event on another port");
    let page = GrantDevice::open()?.map(remote.domain, &[reference])?;
    ensure!(byte_here(&page)? == 170, "the byte is not set");
    ensure!(events.next_pending()?.is_none(), "an event before the end");
    Ok((window, page, ours))
}

fn byte_here(page: &ImportedPages) -> anyhow::Result<u8> {
    let mut byte = [0];
    page.copy_out(NOTIFY_BYTE, &mut byte)?;
    let [byte] = byte;
    Ok(byte)
}

fn taken_back(remote: &mut Remote) -> anyhow::Result<()> {
    let events = EventChannels::open()?;
    let (window, page, port) = watching(remote, &events)?;
    remote.free(&[window])?;
    ensure!(next_event(&events)? == port, "an event on another port");
    ensure!(byte_here(&page)? == 0, "the byte is not cleared");
    Ok(())
}

fn killed_there(remote: &mut Remote) -> anyhow::Result<()> {
    let events = EventChannels::open()?;
    let (_window, page, port) = watching(remote, &events)?;
    remote.send("die")?;
    ensure!(next_event(&events)? == port, "an event on another port");
    ensure!(byte_here(&page)? == 0, "the byte is not cleared");
    drop(page);
    remote.reconnect()
}
