//! The other domain's part: does what the checks in dom0 ask for, until its domain ends.
//!
//! Question and answer are two nodes of xenstore in this domain's own `data`, where it may write. References, of which
//! there may be more than a node holds, are left in a table of pages that dom0 maps.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use shm_grant::xen::store::Store;
use shm_grant::xen::{EventChannels, GrantAllocator, GrantedPages, Port, UnmapNotify};
use shm_grant::{DomId, GrantRef, PAGE_SIZE};

use crate::programs::Programs;

/// Where questions and answers are, in the directory of the domain that answers.
pub const NODE: &str = "data/xen-probe";

/// Pages of the table of references: room for 16384.
const TABLE_PAGES: usize = 16;

/// How long an event that must come has.
const EVENT_TIMEOUT: Duration = Duration::from_secs(10);

pub fn run(peer: DomId) -> anyhow::Result<()> {
    let mut store = Store::connect()?;
    let ask = format!("{NODE}/ask");
    let mut counterpart = Counterpart::new(peer)?;
    store.write(&ask, b"")?;
    store.watch(&ask, "ask")?;
    let mut last = String::new();
    loop {
        let question = String::from_utf8(store.read(&ask)?)?;
        if question != last && !question.is_empty() {
            let (token, question) = question.split_once(' ').context("a question without a token")?;
            let answer = match counterpart.answer(question) {
                Ok(answer) => format!("{token} ok {answer}"),
                Err(error) => format!("{token} error {error:#}"),
            };
            store.write(&format!("{NODE}/answer"), answer.as_bytes())?;
        }
        last = question;
        wait_change(&mut store, None)?;
    }
}

/// Waits until something under a watch has changed. `false`: nothing did in time.
pub fn wait_change(store: &mut Store, limit: Option<Duration>) -> anyhow::Result<bool> {
    // Other calls may have taken in an event already, of which the descriptor says nothing any longer.
    let changed = store.poll_watch()?.is_some() || wait_readable(store, limit)?;
    while store.poll_watch()?.is_some() {}
    Ok(changed)
}

/// Waits until a descriptor is readable. `false`: it was not in time.
pub fn wait_readable(source: &impl AsFd, limit: Option<Duration>) -> anyhow::Result<bool> {
    let limit = limit.map(Timespec::try_from).transpose()?;
    Ok(poll(&mut [PollFd::new(source, PollFlags::IN)], limit.as_ref())? > 0)
}

/// What a page is filled with: a number that no other page of the run has, at its start and at its end.
pub fn mark(window: u32, page: usize) -> [u8; 8] {
    (u64::from(window) << 32 | page as u64).to_le_bytes()
}

/// Waits for the next event, which must come, and lets more come.
pub fn next_event(events: &EventChannels) -> anyhow::Result<Port> {
    let deadline = Instant::now() + EVENT_TIMEOUT;
    loop {
        if let Some(port) = events.next_pending()? {
            events.unmask(port)?;
            return Ok(port);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        ensure!(wait_readable(events, Some(left))?, "no event came");
    }
}

struct Counterpart {
    peer: DomId,
    allocator: GrantAllocator,
    events: EventChannels,
    table: GrantedPages,
    windows: BTreeMap<u32, GrantedPages>,
    next: u32,
    programs: Programs,
}

impl Counterpart {
    fn new(peer: DomId) -> anyhow::Result<Self> {
        let allocator = GrantAllocator::open()?;
        let table = allocator.allocate(peer, TABLE_PAGES, false)?;
        let events = EventChannels::open()?;
        Ok(Self {
            peer,
            allocator,
            events,
            table,
            windows: BTreeMap::new(),
            next: 1,
            programs: Programs::default(),
        })
    }

    fn answer(&mut self, question: &str) -> anyhow::Result<String> {
        let words: Vec<&str> = question.split(' ').collect();
        match *words.as_slice() {
            // Which references the table has.
            ["table"] => Ok(join(self.table.refs().iter().map(|reference| reference.0))),
            // Windows of these sizes in pages: the number of the first.
            ["allocate", peer, access, ref sizes @ ..] => {
                let sizes =
                    sizes.iter().map(|size| Ok(size.parse()?)).collect::<anyhow::Result<Vec<usize>>>()?;
                self.allocate(DomId(peer.parse()?), access == "writable", &sizes)
                    .map(|first| first.to_string())
            }
            ["free", ref windows @ ..] => {
                for window in windows {
                    self.windows.remove(&window.parse()?).context("no such window")?;
                }
                Ok(String::new())
            }
            ["fill", window] => self.fill(window.parse()?).map(|()| String::new()),
            ["is-zero", window] => Ok(self.is_zero(window.parse()?)?.to_string()),
            ["byte", window, at] => {
                let mut byte = [0];
                self.window(window.parse()?)?.pages().copy_out(at.parse()?, &mut byte)?;
                let [byte] = byte;
                Ok(byte.to_string())
            }
            ["set-byte", window, at, value] => {
                self.window(window.parse()?)?.pages().copy_in(at.parse()?, &[value.parse()?])?;
                Ok(String::new())
            }
            ["notify-when-unmapped", window, byte, port] => {
                let notify = UnmapNotify { clear_byte: Some(byte.parse()?), send: Some(Port(port.parse()?)) };
                self.window(window.parse()?)?.set_unmap_notify(notify)?;
                Ok(String::new())
            }
            // A port for dom0 to bind to.
            ["port"] => Ok(self.events.bind_unbound(self.peer)?.0.to_string()),
            ["notify", port] => {
                self.events.notify(Port(port.parse()?)).map(|()| String::new()).map_err(Into::into)
            }
            ["unbind", port] => {
                self.events.unbind(Port(port.parse()?)).map(|()| String::new()).map_err(Into::into)
            }
            ["event"] => Ok(next_event(&self.events)?.0.to_string()),
            ["parameter", module, name, value] => {
                fs::write(format!("/sys/module/{module}/parameters/{name}"), value)?;
                Ok(String::new())
            }
            ["start", program, ref arguments @ ..] => {
                Ok(self.programs.start(program, arguments)?.to_string())
            }
            ["line", program] => self.programs.line(program.parse()?),
            ["kill", program] => self.programs.kill(program.parse()?).map(|()| String::new()),
            ["end", program] => self.programs.end(program.parse()?),
            ["file", path] => Ok(fs::read_to_string(path)?),
            // Ends as a process ends that is killed; whoever started it starts it again.
            ["die"] => {
                rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)?;
                bail!("a signal that cannot be caught was caught")
            }
            _ => bail!("not a question: {question}"),
        }
    }

    fn allocate(&mut self, peer: DomId, writable: bool, sizes: &[usize]) -> anyhow::Result<u32> {
        let windows = sizes
            .iter()
            .map(|pages| self.allocator.allocate(peer, *pages, writable))
            .collect::<Result<Vec<_>, _>>()?;
        let refs = windows.iter().flat_map(GrantedPages::refs);
        let refs: Vec<u8> = refs.flat_map(|GrantRef(reference)| reference.to_le_bytes()).collect();
        self.table.pages().copy_in(0, &refs)?;
        let first = self.next;
        for window in windows {
            self.windows.insert(self.next, window);
            self.next += 1;
        }
        Ok(first)
    }

    fn fill(&self, window: u32) -> anyhow::Result<()> {
        let pages = self.window(window)?.pages();
        for page in 0..pages.len() / PAGE_SIZE {
            let mark = mark(window, page);
            pages.copy_in(page * PAGE_SIZE, &mark)?;
            pages.copy_in((page + 1) * PAGE_SIZE - mark.len(), &mark)?;
        }
        Ok(())
    }

    fn is_zero(&self, window: u32) -> anyhow::Result<bool> {
        let pages = self.window(window)?.pages();
        let mut bytes = vec![1; pages.len()];
        pages.copy_out(0, &mut bytes)?;
        Ok(bytes.iter().all(|byte| *byte == 0))
    }

    fn window(&self, window: u32) -> anyhow::Result<&GrantedPages> {
        self.windows.get(&window).context("no such window")
    }
}

/// Numbers with a space between them.
pub fn join(numbers: impl IntoIterator<Item = impl ToString>) -> String {
    numbers.into_iter().map(|number| number.to_string()).collect::<Vec<_>>().join(" ")
}
