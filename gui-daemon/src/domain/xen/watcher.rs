//! The thread that watches xenstore, so that the desktop never waits for it.
//!
//! It reports the whole roster whenever something may have changed, and when it is asked to look. A connection that
//! fails is made again after a pause; the domains that were there are taken to be there until the next report.

use std::{collections::BTreeSet, path::PathBuf, thread, time::Duration};

use anyhow::Context as _;
use shm_grant::{
    DomId,
    xen::store::{Store, StoreError},
};
use smithay::reexports::calloop::{
    EventLoop, LoopHandle, LoopSignal, PostAction, RegistrationToken,
    channel::{Channel, Event, Sender, channel},
    generic::Generic,
    timer::{TimeoutAction, Timer},
};
use tracing::{info, warn};

use super::roster::{XenDomain, look};

/// Before the connection to xenstore is made again.
const RETRY: Duration = Duration::from_secs(5);

/// What the watches are called that say that a domain came or went.
const CAME_OR_WENT: &str = "domains";
/// And those that say that one has another name.
const NAMED: &str = "name";

/// The domains there are.
#[derive(Debug)]
pub struct Report {
    /// How many requests to look had come before this look.
    pub looks: u64,
    /// The domains, by their ids.
    pub domains: Vec<XenDomain>,
}

/// The other end of the thread, which ends with it.
#[derive(Debug)]
pub struct Watcher {
    requests: Sender<()>,
    looks: u64,
}

impl Watcher {
    /// Connects to xenstore, over that socket of xenstored if one is given, and begins to watch. Returns the reports, the
    /// first of which follows at once, and the id of this domain.
    ///
    /// # Errors
    /// Why there is no xenstore, in one line.
    pub fn start(socket: Option<PathBuf>) -> anyhow::Result<(Self, Channel<Report>, DomId)> {
        let mut store = connect(socket.as_ref())?;
        // A dom0 whose toolstack did not say so is 0 all the same.
        let own = store.own_domain()?.unwrap_or(DomId(0));
        let (requests, asked) = channel();
        let (reports, reported) = channel();
        thread::Builder::new()
            .name("xenstore".to_owned())
            .spawn(move || {
                if let Err(err) = Watch::run(store, socket, own, asked, reports) {
                    warn!("xenstore is watched no more: {err}");
                }
            })
            .context("no thread for xenstore")?;
        Ok((Self { requests, looks: 0 }, reported, own))
    }

    /// Asks for a report. The one for which [`Report::looks`] is at least the returned number was made later.
    pub fn look(&mut self) -> u64 {
        self.looks = self.looks.saturating_add(1);
        // Without the thread there is no report, and nothing is to be done about it here.
        let _ = self.requests.send(());
        self.looks
    }
}

fn connect(socket: Option<&PathBuf>) -> Result<Store, StoreError> {
    match socket {
        Some(socket) => Store::connect_to(socket),
        None => Store::connect(),
    }
}

/// The thread's state.
struct Watch {
    handle: LoopHandle<'static, Watch>,
    signal: LoopSignal,
    reports: Sender<Report>,
    socket: Option<PathBuf>,
    own: DomId,
    store: Option<(Store, RegistrationToken)>,
    /// Whose names are watched.
    named: BTreeSet<DomId>,
    looks: u64,
    /// Whether there may be something new.
    stale: bool,
    /// Whether the last attempt to connect failed, and was told of.
    failing: bool,
}

impl Watch {
    fn run(
        store: Store,
        socket: Option<PathBuf>,
        own: DomId,
        asked: Channel<()>,
        reports: Sender<Report>,
    ) -> anyhow::Result<()> {
        let mut event_loop = EventLoop::try_new()?;
        let (handle, signal) = (event_loop.handle(), event_loop.get_signal());
        handle
            .insert_source(asked, |event, (), watch: &mut Watch| match event {
                Event::Msg(()) => {
                    watch.looks = watch.looks.saturating_add(1);
                    watch.stale = true;
                }
                Event::Closed => watch.signal.stop(),
            })
            .map_err(|err| err.error)?;
        let named = BTreeSet::new();
        let mut watch = Self {
            handle,
            signal,
            reports,
            socket,
            own,
            store: None,
            named,
            looks: 0,
            stale: true,
            failing: false,
        };
        watch.begin(Ok(store));
        watch.refresh();
        event_loop.run(None, &mut watch, Watch::refresh)?;
        Ok(())
    }

    /// Begins to watch over a new connection, or waits for the time to try again.
    fn begin(&mut self, store: Result<Store, StoreError>) {
        let begun = store.map_err(anyhow::Error::from).and_then(|mut store| {
            for path in ["@introduceDomain", "@releaseDomain"] {
                store.watch(path, CAME_OR_WENT)?;
            }
            let ready: Generic<_> = store.calloop_source()?;
            let source = self.handle.insert_source(ready, |_, _, watch: &mut Watch| {
                watch.take_events();
                Ok(PostAction::Continue)
            });
            Ok((store, source.map_err(|err| err.error)?))
        });
        self.named.clear();
        match begun {
            Ok(begun) => {
                self.store = Some(begun);
                self.stale = true;
                if std::mem::take(&mut self.failing) {
                    info!("connected to xenstore again");
                }
            }
            Err(err) => self.lost(&err),
        }
    }

    /// The connection is of no use any more.
    fn lost(&mut self, err: &anyhow::Error) {
        if !std::mem::replace(&mut self.failing, true) {
            warn!(retry_s = RETRY.as_secs(), "{err}");
        }
        if let Some((_, source)) = self.store.take() {
            self.handle.remove(source);
        }
        let again = |_, _: &mut (), watch: &mut Watch| {
            watch.begin(connect(watch.socket.as_ref()));
            TimeoutAction::Drop
        };
        if let Err(err) = self.handle.insert_source(Timer::from_duration(RETRY), again) {
            warn!(%err, "xenstore is watched no more");
        }
    }

    fn take_events(&mut self) {
        let Some((store, _)) = &mut self.store else { return };
        let taken = loop {
            match store.poll_watch() {
                Ok(Some(_)) => self.stale = true,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        if let Err(error) = taken {
            self.lost(&error.into());
        }
    }

    /// Reports how things are, until nothing has changed since.
    fn refresh(&mut self) {
        while std::mem::take(&mut self.stale) {
            match self.report() {
                // What has come while we looked is taken in now: it makes the descriptor ready no more.
                Ok(()) => self.take_events(),
                Err(error) => self.lost(&error.into()),
            }
        }
    }

    fn report(&mut self) -> Result<(), StoreError> {
        let Some((store, _)) = &mut self.store else { return Ok(()) };
        let domains = look(store, self.own)?;
        let found: BTreeSet<DomId> = domains.iter().map(|domain| domain.identity.domid).collect();
        let (news, gone) = (&found - &self.named, &self.named - &found);
        for domid in news {
            // Its first event comes at once, and tells of a change before it.
            store.watch(&name_path(domid), NAMED)?;
        }
        for domid in gone {
            store.unwatch(&name_path(domid), NAMED)?;
        }
        self.named = found;
        if self.reports.send(Report { looks: self.looks, domains }).is_err() {
            self.signal.stop();
        }
        Ok(())
    }
}

fn name_path(DomId(domid): DomId) -> String {
    format!("/local/domain/{domid}/name")
}
