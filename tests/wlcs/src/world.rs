//! One agent and its GUI domain, in one thread.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    io,
    os::{
        fd::{AsFd as _, RawFd},
        unix::net::UnixStream,
    },
    rc::Rc,
    time::Duration,
};

use anyhow::Context as _;
use calloop::{
    PostAction,
    channel::{Channel, Event},
};
use gui_agent::{Agent, Application, Options, Privilege};
use rustix::event::{PollFd, PollFlags, poll};
use shm_grant::{Backend, DomId};
use tempfile::TempDir;

use crate::{desk::Desk, pointers::ClientSurface};

/// Something for the thread to do.
pub type Job = Box<dyn FnOnce(&mut World) + Send>;

/// The domain of the agent.
const DOMAIN: DomId = DomId(7);

/// One agent and its GUI domain.
pub struct World {
    agent: Agent,
    pub desk: Desk,
    /// Who is who, by the client's end of the connection. The suite closes it with the client, so a number that
    /// comes again is that of a newer one.
    clients: HashMap<RawFd, Application>,
    jobs: Rc<RefCell<Vec<Job>>>,
    /// Nobody can give work any more.
    over: Rc<Cell<bool>>,
    _folder: TempDir,
}

impl World {
    /// Starts both. The thread's work comes from `jobs`.
    pub fn new(jobs: Channel<Job>) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("transom-wlcs-").context("a folder for sockets")?;
        let options = Options {
            vchan_dir: Some(folder.path().to_owned()),
            runtime_dir: Some(folder.path().to_owned()),
            layer_shell: true,
            ..Options::new(Backend::Socket, DOMAIN)
        };
        let agent = Agent::new(&options)?;
        let desk = Desk::new(folder.path(), DOMAIN).context("the GUI domain's end of the link")?;
        // what the sources say is looked at after each turn; they only have to end the agent's waiting
        let link = desk.source().context("the link")?;
        let inserted = agent.handle().insert_source(link, |_, _, _| Ok(PostAction::Continue));
        inserted.map_err(|error| error.error).context("the link")?;
        let (waiting, over) = (Rc::new(RefCell::new(Vec::new())), Rc::new(Cell::new(false)));
        let (queue, ended) = (waiting.clone(), over.clone());
        let inserted = agent.handle().insert_source(jobs, move |event, (), _| match event {
            Event::Msg(job) => queue.borrow_mut().push(job),
            Event::Closed => ended.set(true),
        });
        inserted.map_err(|error| error.error).context("the suite's calls")?;
        Ok(Self { agent, desk, clients: HashMap::new(), jobs: waiting, over, _folder: folder })
    }

    /// Does what there is to do, until the suite is done.
    ///
    /// # Errors
    ///
    /// What made the agent or the link useless.
    pub fn live(mut self) -> anyhow::Result<()> {
        while !self.over.get() {
            self.turn(None)?;
            let jobs = self.jobs.take();
            for job in jobs {
                job(&mut self);
            }
        }
        Ok(())
    }

    fn turn(&mut self, wait: Option<Duration>) -> anyhow::Result<()> {
        self.agent.dispatch(wait).context("waiting")?;
        self.desk.pump();
        Ok(())
    }

    /// Until every consequence of what was done has taken place: whatever is written between the two is readable at
    /// once, so it has when nothing is.
    pub fn settle(&mut self) {
        let at_once = Duration::ZERO.try_into().unwrap_or_default();
        loop {
            if let Err(error) = self.turn(Some(Duration::ZERO)) {
                return eprintln!("{error:#}");
            }
            let mut ready = [PollFd::from_borrowed_fd(self.agent.as_fd(), PollFlags::IN)];
            if !poll(&mut ready, Some(&at_once)).is_ok_and(|ready| ready > 0) {
                return;
            }
        }
    }

    /// Until agent and GUI domain know each other.
    pub fn greet(&mut self) {
        while !self.desk.is_greeted() {
            if let Err(error) = self.turn(None) {
                return eprintln!("{error:#}");
            }
        }
    }

    /// A client of the suite, and what it calls its connection.
    pub fn add_client(&mut self, connection: RawFd, stream: UnixStream) -> io::Result<()> {
        // some are an input method to others, and the suite does not say which
        let application = self.agent.add_privileged_client(stream, Privilege::InputMethod)?;
        self.clients.insert(connection, application);
        Ok(())
    }

    /// Puts a window there.
    pub fn place(&mut self, surface: ClientSurface, corner: (i32, i32)) {
        let client = self.clients.get(&surface.connection);
        match client.and_then(|client| self.agent.window_of(client, surface.number)) {
            Some(window) => self.desk.place(window, corner),
            None => eprintln!("{surface:?} is no window"),
        }
    }
}
