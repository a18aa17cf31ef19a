//! dom0's side of the conversation with a [`counterpart`](crate::counterpart).

use std::fmt::Display;
use std::process;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use shm_grant::xen::GrantDevice;
use shm_grant::xen::store::{Refusal, Store};
use shm_grant::{DomId, GrantRef, ImportedPages};

use crate::counterpart::{NODE, wait_change};

/// How long a domain has to start, and its counterpart to answer: emulated machines are slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// A counterpart in another domain.
pub struct Remote {
    pub domain: DomId,
    store: Store,
    ask: String,
    answer: String,
    asked: u32,
    table: Option<ImportedPages>,
}

/// What the other domain shares.
#[derive(Clone, Debug)]
pub struct Window {
    pub number: u32,
    pub refs: Vec<GrantRef>,
}

impl Remote {
    /// Waits for the counterpart in `domain` to be there.
    pub fn connect(domain: DomId) -> anyhow::Result<Self> {
        let mut store = Store::connect()?;
        let node = format!("{}/{NODE}", store.domain_path(domain)?);
        let (ask, answer) = (format!("{node}/ask"), format!("{node}/answer"));
        store.watch(&node, "node")?;
        let mut remote = Self { domain, store, ask, answer, asked: 0, table: None };
        let ask = remote.ask.clone();
        remote.wait_for(&ask, |_| true)?;
        remote.map_table()?;
        Ok(remote)
    }

    /// After the counterpart was killed: waits until another has taken its place.
    pub fn reconnect(&mut self) -> anyhow::Result<()> {
        self.table = None;
        let ask = self.ask.clone();
        self.wait_for(&ask, str::is_empty)?;
        self.map_table()
    }

    /// Asks the counterpart, whose error it is if it says so.
    pub fn ask(&mut self, question: impl Display) -> anyhow::Result<String> {
        let token = self.send(question)?;
        let path = self.answer.clone();
        let answer = self.wait_for(&path, |answer| answer.split(' ').next() == Some(&token))?;
        match answer.splitn(3, ' ').collect::<Vec<_>>().as_slice() {
            [_, "ok", answer] => Ok((*answer).to_owned()),
            [_, "error", error] => bail!("the other domain says: {error}"),
            _ => bail!("not an answer: {answer}"),
        }
    }

    /// Asks without waiting for an answer.
    pub fn send(&mut self, question: impl Display) -> anyhow::Result<String> {
        self.asked += 1;
        let token = format!("{}.{}", process::id(), self.asked);
        self.store.write(&self.ask, format!("{token} {question}").as_bytes())?;
        Ok(token)
    }

    /// Lets the counterpart share one window with this domain.
    pub fn share(&mut self, pages: usize, access: &str) -> anyhow::Result<Window> {
        let mut windows = self.share_with(DomId(0), &[pages], access)?;
        windows.pop().context("no window")
    }

    /// Lets the counterpart share windows of these sizes with a domain.
    pub fn share_with(&mut self, peer: DomId, sizes: &[usize], access: &str) -> anyhow::Result<Vec<Window>> {
        let sizes_text = crate::counterpart::join(sizes);
        let first: u32 = self.ask(format!("allocate {} {access} {sizes_text}", peer.0))?.parse()?;
        let mut bytes = vec![0; sizes.iter().sum::<usize>() * size_of::<u32>()];
        self.table.as_ref().context("no table")?.copy_out(0, &mut bytes)?;
        let mut refs = bytes.as_chunks().0.iter().map(|bytes| GrantRef(u32::from_le_bytes(*bytes)));
        let windows = (first..).zip(sizes);
        Ok(windows
            .map(|(number, pages)| Window { number, refs: refs.by_ref().take(*pages).collect() })
            .collect())
    }

    /// Lets the counterpart take windows back.
    pub fn free(&mut self, windows: &[Window]) -> anyhow::Result<()> {
        let numbers = crate::counterpart::join(windows.iter().map(|window| window.number));
        self.ask(format!("free {numbers}")).map(drop)
    }

    /// Sets how many pages all programs of the other domain together may share.
    pub fn limit(&mut self, pages: usize) -> anyhow::Result<()> {
        self.ask(format!("parameter xen_gntalloc limit {pages}")).map(drop)
    }

    fn map_table(&mut self) -> anyhow::Result<()> {
        let refs = self.ask("table")?;
        let refs = refs.split(' ').map(|reference| Ok(GrantRef(reference.parse()?)));
        let refs = refs.collect::<anyhow::Result<Vec<_>>>()?;
        self.table = Some(GrantDevice::open()?.map(self.domain, &refs)?);
        Ok(())
    }

    fn wait_for(&mut self, path: &str, wanted: impl Fn(&str) -> bool) -> anyhow::Result<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.store.read(path) {
                Ok(value) => {
                    let value = String::from_utf8(value)?;
                    if wanted(&value) {
                        return Ok(value);
                    }
                }
                Err(error) if error.refusal() == Some(Refusal::Missing) => {}
                Err(error) => return Err(error.into()),
            }
            let left = deadline.saturating_duration_since(Instant::now());
            ensure!(wait_change(&mut self.store, Some(left))?, "domain {} does not answer", self.domain.0);
        }
    }
}
