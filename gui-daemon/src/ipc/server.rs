//! The daemon's end of the control socket.
//!
//! Invariants: a client has at most one request that waits for its reply, the next line is read after that, so replies
//! need no numbers and no client can pile up work. Nothing here waits: a client that does not read is dropped once its
//! unsent lines exceed [`MAX_UNSENT_BYTES`]. Whoever may open the socket is trusted like the daemon's own user, for it is
//! created with mode 0600.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    env, fs,
    io::{self, ErrorKind, Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{
            fs::{FileTypeExt, MetadataExt},
            net::{UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
    rc::Rc,
};

use rustix::{
    event::{Timespec, epoll},
    fs::Mode as FileMode,
    io::Errno,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType},
};
use serde::Serialize;
use smithay::reexports::calloop::{
    self, EventSource, Interest, Mode, Poll, PostAction, Readiness, Token, TokenFactory, generic::Generic,
};
use tracing::{debug, error, warn};

use super::{Event, Request, Response, SOCKET_PREFIX, SOCKET_SUFFIX};

/// Clients served at a time: far more than people and scripts open, and few enough to keep descriptors for the agents.
pub const MAX_CLIENTS: usize = 32;
/// Bytes of one request without its line end: room for a page of `input text`.
pub const MAX_REQUEST_BYTES: usize = 64 * 1024;
/// Bytes a client may leave unread before it is dropped: several lists of a very full desktop.
pub const MAX_UNSENT_BYTES: usize = 1024 * 1024;

/// A connected control client; numbers are not reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(u64);

/// Why the control socket could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum IpcError {
    /// No place for a socket by default.
    #[error("no control socket: XDG_RUNTIME_DIR is not set and no path was given")]
    NoRuntimeDir,
    /// Another daemon listens there.
    #[error("control socket {}: another daemon is listening on it", .0.display())]
    InUse(PathBuf),
    /// Something that must not be replaced is there.
    #[error("control socket {}: there is a file that is not a socket", .0.display())]
    NotASocket(PathBuf),
    /// The system refused.
    #[error("control socket {}: {source}", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// `$XDG_RUNTIME_DIR/transom-DISPLAY.sock` for the daemon that serves the Wayland socket DISPLAY.
pub fn default_socket_path(display: &str) -> Result<PathBuf, IpcError> {
    let directory =
        env::var_os("XDG_RUNTIME_DIR").filter(|dir| !dir.is_empty()).ok_or(IpcError::NoRuntimeDir)?;
    Ok(Path::new(&directory).join(format!("{SOCKET_PREFIX}{display}{SOCKET_SUFFIX}")))
}

/// The half of the control socket to answer with. The socket is removed when both halves are gone.
#[derive(Debug)]
pub struct IpcServer(Rc<RefCell<Inner>>);

/// The half of the control socket that goes into the event loop; yields the requests.
#[derive(Debug)]
pub struct IpcSource {
    inner: Rc<RefCell<Inner>>,
    wakeups: Generic<OwnedFd>,
}

impl IpcServer {
    /// Opens the socket. One that a dead daemon left at the path is replaced.
    pub fn new(path: &Path) -> Result<(Self, IpcSource), IpcError> {
        let failed = |source: io::Error| IpcError::Io { path: path.to_owned(), source };
        let listener = bind(path)?;
        let metadata = fs::symlink_metadata(path).map_err(failed)?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(|e| failed(e.into()))?;
        let wakeups = epoll.try_clone().map_err(failed)?;
        // Edge-triggered: a connection that cannot be accepted, for want of descriptors, must not keep the loop awake.
        let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&epoll, &listener, epoll::EventData::new_u64(LISTENER), flags)
            .map_err(|e| failed(e.into()))?;
        let inner = Rc::new(RefCell::new(Inner {
            epoll,
            listener,
            path: path.to_owned(),
            identity: (metadata.dev(), metadata.ino()),
            clients: BTreeMap::new(),
            last_id: LISTENER,
        }));
        let source =
            IpcSource { inner: inner.clone(), wakeups: Generic::new(wakeups, Interest::READ, Mode::Level) };
        Ok((Self(inner), source))
    }

    /// Replies to the client's request, at once or whenever the answer is there. A client that has gone is ignored.
    pub fn reply(&self, client: ClientId, response: &Response) {
        let mut inner = self.0.borrow_mut();
        inner.with(client, |c| {
            c.subscribed |= c.owed == Some(Owed::Subscription) && !matches!(response, Response::Error(_));
            c.owed = None;
            c.send(response);
        });
    }

    /// Tells one client, such as a new subscriber after its reply what the state is now.
    pub fn send(&self, client: ClientId, event: &Event) {
        self.0.borrow_mut().with(client, |c| c.send(event));
    }

    /// Tells all subscribers.
    pub fn broadcast(&self, event: &Event) {
        let mut inner = self.0.borrow_mut();
        let subscribers: Vec<_> =
            inner.clients.iter().filter(|(_, c)| c.subscribed).map(|(&id, _)| id).collect();
        for id in subscribers {
            inner.with(ClientId(id), |c| c.send(event));
        }
    }

    /// Whether [`IpcServer::broadcast`] reaches anyone: if not, the event need not be made.
    pub fn has_subscribers(&self) -> bool {
        self.0.borrow().clients.values().any(|client| client.subscribed)
    }
}

/// The listener's number among the clients'.
const LISTENER: u64 = 0;

fn bind(path: &Path) -> Result<UnixListener, IpcError> {
    let failed = |source: io::Error| IpcError::Io { path: path.to_owned(), source };
    let address = SocketAddrUnix::new(path).map_err(|error| failed(error.into()))?;
    let socket = || {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
    };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(IpcError::NotASocket(path.to_owned()));
        }
        Ok(_) => match socket().and_then(|probe| rustix::net::connect(&probe, &address)) {
            Err(Errno::CONNREFUSED) => fs::remove_file(path).map_err(failed)?,
            // A full backlog is a daemon too.
            Ok(()) | Err(Errno::AGAIN) => return Err(IpcError::InUse(path.to_owned())),
            Err(error) => return Err(failed(error.into())),
        },
    }
    let listen = || {
        let socket = socket()?;
        // A socket's file gets the mode that its descriptor has when it is bound: there is no moment with another.
        rustix::fs::fchmod(&socket, FileMode::RUSR | FileMode::WUSR)?;
        rustix::net::bind(&socket, &address)?;
        rustix::net::listen(&socket, 16)?;
        Ok::<_, Errno>(UnixListener::from(socket))
    };
    listen().map_err(|error| failed(error.into()))
}

#[derive(Debug)]
struct Inner {
    /// Of the listener and the clients, by number: one descriptor for the event loop, however many clients there are.
    epoll: OwnedFd,
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode of the socket, to remove no other's.
    identity: (u64, u64),
    clients: BTreeMap<u64, Client>,
    last_id: u64,
}

/// The reply that a client waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owed {
    Reply,
    /// Makes the client a subscriber.
    Subscription,
}

#[derive(Debug)]
struct Client {
    stream: UnixStream,
    /// Read, but not a whole line yet or waiting for the reply to the line before.
    input: Vec<u8>,
    output: Vec<u8>,
    owed: Option<Owed>,
    subscribed: bool,
    /// The client sends no more.
    eof: bool,
    /// Ends once the output is sent.
    closing: bool,
    /// Ends now.
    dead: bool,
    /// What the epoll waits for.
    interest: epoll::EventFlags,
}

impl Inner {
    fn accept(&mut self) {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    if let Err(error) = self.add(stream) {
                        warn!("a control client could not be served: {error}");
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error)
                    if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
                Err(error) => {
                    warn!("no control client can be accepted: {error}");
                    return;
                }
            }
        }
    }

    fn add(&mut self, stream: UnixStream) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        let mut client = Client::new(stream);
        if self.clients.len() >= MAX_CLIENTS {
            warn!("a control client was sent away: {MAX_CLIENTS} are connected");
            client.send(&Response::Error(format!("{MAX_CLIENTS} control clients are connected already")));
            client.flush();
            return Ok(());
        }
        self.last_id += 1;
        epoll::add(&self.epoll, &client.stream, epoll::EventData::new_u64(self.last_id), client.interest)?;
        self.clients.insert(self.last_id, client);
        Ok(())
    }

    /// Lets a client act, sends what can be sent, and waits for what can happen next; drops it if that is nothing.
    fn with<R>(&mut self, ClientId(id): ClientId, act: impl FnOnce(&mut Client) -> R) -> Option<R> {
        let client = self.clients.get_mut(&id)?;
        let result = act(client);
        client.flush();
        let interest = client.wanted();
        if !client.has_ended() && interest != client.interest {
            let data = epoll::EventData::new_u64(id);
            match epoll::modify(&self.epoll, &client.stream, data, interest) {
                Ok(()) => client.interest = interest,
                Err(error) => {
                    error!("a control client cannot be waited for: {error}");
                    client.dead = true;
                }
            }
        }
        if client.has_ended() {
            // Closing the descriptor takes it out of the epoll.
            self.clients.remove(&id);
        }
        Some(result)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path).is_ok_and(|m| (m.dev(), m.ino()) == self.identity);
        if ours && let Err(error) = fs::remove_file(&self.path) {
            warn!("control socket {} is left over: {error}", self.path.display());
        }
    }
}

impl Client {
    fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            input: Vec::new(),
            output: Vec::new(),
            owed: None,
            subscribed: false,
            eof: false,
            closing: false,
            dead: false,
            interest: epoll::EventFlags::IN,
        }
    }

    /// Reads what is there, at most to the longest request.
    fn read(&mut self) {
        let mut chunk = [0; 4096];
        while self.wanted().contains(epoll::EventFlags::IN) && self.input.len() <= MAX_REQUEST_BYTES {
            let room = (MAX_REQUEST_BYTES + 1).saturating_sub(self.input.len()).min(chunk.len());
            let Some(chunk) = chunk.get_mut(..room) else { return };
            match self.stream.read(chunk) {
                Ok(0) => self.eof = true,
                Ok(count) => self.input.extend(chunk.iter().take(count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    debug!("a control client is gone: {error}");
                    self.dead = true;
                }
            }
        }
    }

    /// The next request that is there and may be served; refuses what is none.
    fn next_request(&mut self) -> Option<Request> {
        while self.owed.is_none() && !self.closing {
            let Some(end) = self.line_end() else {
                if self.input.len() > MAX_REQUEST_BYTES {
                    self.send(&Response::Error(format!(
                        "a request is longer than {MAX_REQUEST_BYTES} bytes"
                    )));
                    self.closing = true;
                }
                return None;
            };
            let line: Vec<u8> = self.input.drain(..=end).collect();
            match serde_json::from_slice(&line) {
                Ok(request) => {
                    let subscribes = request == Request::Subscribe;
                    self.owed = Some(if subscribes { Owed::Subscription } else { Owed::Reply });
                    return Some(request);
                }
                Err(error) => self.send(&Response::Error(format!("not a request: {error}"))),
            }
        }
        None
    }

    fn line_end(&self) -> Option<usize> {
        self.input.iter().position(|&byte| byte == b'\n')
    }

    fn send(&mut self, message: &impl Serialize) {
        if self.output.len() > MAX_UNSENT_BYTES {
            warn!("a control client was dropped: it does not read what it asked for");
            self.dead = true;
            return;
        }
        match serde_json::to_writer(&mut self.output, message) {
            Ok(()) => self.output.push(b'\n'),
            Err(error) => {
                error!("a control message cannot be written as JSON: {error}");
                self.dead = true;
            }
        }
    }

    fn flush(&mut self) {
        let mut sent = 0;
        while let Some(rest) = self.output.get(sent..).filter(|rest| !rest.is_empty() && !self.dead) {
            match self.stream.write(rest) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.dead |= error.kind() != ErrorKind::WouldBlock;
                    break;
                }
            }
        }
        self.output.drain(..sent);
    }

    fn wanted(&self) -> epoll::EventFlags {
        let mut wanted = epoll::EventFlags::empty();
        let serves = self.owed.is_none() && !self.closing && !self.dead;
        wanted.set(epoll::EventFlags::IN, serves && !self.eof);
        // A line that was read before its turn has no other way to wake the loop when its turn comes.
        wanted.set(epoll::EventFlags::OUT, !self.output.is_empty() || serves && self.line_end().is_some());
        wanted
    }

    fn has_ended(&self) -> bool {
        let served = self.owed.is_none() && !self.subscribed && self.line_end().is_none();
        self.dead || self.output.is_empty() && (self.closing || self.eof && served)
    }
}

impl EventSource for IpcSource {
    type Event = (ClientId, Request);
    type Metadata = ();
    type Ret = ();
    type Error = io::Error;

    fn process_events<F>(
        &mut self,
        readiness: Readiness,
        token: Token,
        mut callback: F,
    ) -> io::Result<PostAction>
    where
        F: FnMut((ClientId, Request), &mut ()),
    {
        let inner = &self.inner;
        self.wakeups.process_events(readiness, token, |_, _| {
            let mut events = Vec::with_capacity(MAX_CLIENTS + 1);
            let now = Timespec { tv_sec: 0, tv_nsec: 0 };
            let waited = {
                let epoll = &inner.borrow().epoll;
                epoll::wait(epoll.as_fd(), rustix::buffer::spare_capacity(&mut events), Some(&now))
            };
            match waited {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for event in events {
                let (id, flags) = (event.data.u64(), event.flags);
                if id == LISTENER {
                    inner.borrow_mut().accept();
                    continue;
                }
                let client = ClientId(id);
                inner.borrow_mut().with(client, Client::read);
                // The borrow ends before the callback, which replies.
                let next = || inner.borrow_mut().with(client, Client::next_request).flatten();
                while let Some(request) = next() {
                    callback((client, request), &mut ());
                }
                if flags.intersects(epoll::EventFlags::HUP | epoll::EventFlags::ERR) {
                    inner.borrow_mut().clients.remove(&id);
                }
            }
            Ok(PostAction::Continue)
        })
    }

    fn register(&mut self, poll: &mut Poll, tokens: &mut TokenFactory) -> calloop::Result<()> {
        self.wakeups.register(poll, tokens)
    }

    fn reregister(&mut self, poll: &mut Poll, tokens: &mut TokenFactory) -> calloop::Result<()> {
        self.wakeups.reregister(poll, tokens)
    }

    fn unregister(&mut self, poll: &mut Poll) -> calloop::Result<()> {
        self.wakeups.unregister(poll)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader},
        os::unix::fs::PermissionsExt,
        process,
        sync::atomic::{AtomicU32, Ordering},
        time::Duration,
    };

    use smithay::reexports::calloop::EventLoop;

    use super::*;
    use crate::ipc::{DomainInfo, LinkState};

    /// A directory of its own for each test.
    struct Directory(PathBuf);

    impl Directory {
        fn new() -> Self {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = env::temp_dir().join(format!("transom-ipc-{}-{number}", process::id()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn socket(&self) -> PathBuf {
            self.0.join("control.sock")
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    /// A daemon that answers nothing by itself.
    struct Daemon {
        directory: Directory,
        event_loop: EventLoop<'static, Vec<(ClientId, Request)>>,
        server: IpcServer,
        /// Requests that came and are not yet taken by the test.
        requests: Vec<(ClientId, Request)>,
    }

    impl Daemon {
        fn new() -> Self {
            let directory = Directory::new();
            let (server, source) = IpcServer::new(&directory.socket()).unwrap();
            let event_loop = EventLoop::try_new().unwrap();
            event_loop
                .handle()
                .insert_source(source, |request, (), requests: &mut Vec<_>| requests.push(request))
                .unwrap();
            Self { directory, event_loop, server, requests: Vec::new() }
        }

        fn connect(&self) -> Peer {
            let stream = UnixStream::connect(self.directory.socket()).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            Peer { reader: BufReader::new(stream.try_clone().unwrap()), stream }
        }

        /// Runs the loop until something wakes it.
        fn dispatch(&mut self) {
            self.event_loop.dispatch(PATIENCE, &mut self.requests).unwrap();
        }

        /// Runs the loop until it has nothing to do.
        fn settle(&mut self) {
            for _ in 0..16 {
                self.event_loop.dispatch(Duration::ZERO, &mut self.requests).unwrap();
            }
        }

        fn request(&mut self) -> (ClientId, Request) {
            while self.requests.is_empty() {
                self.dispatch();
            }
            self.requests.remove(0)
        }

        fn clients(&self) -> usize {
            self.server.0.borrow().clients.len()
        }
    }

    /// Longer than any machine takes, short enough for a test that hangs.
    const PATIENCE: Duration = Duration::from_secs(60);

    struct Peer {
        stream: UnixStream,
        reader: BufReader<UnixStream>,
    }

    impl Peer {
        fn say(&mut self, text: &str) {
            self.stream.write_all(text.as_bytes()).unwrap();
        }

        fn line(&mut self) -> String {
            let mut line = String::new();
            self.reader.read_line(&mut line).unwrap();
            line.trim_end().to_owned()
        }
    }

    const DONE: &str = r#"{"done":{}}"#;

    #[test]
    fn a_request_is_answered_even_later() {
        let mut daemon = Daemon::new();
        let mut peer = daemon.connect();
        peer.say("{\"request\":\"sync\"}\n");
        let (client, request) = daemon.request();
        assert_eq!(request, Request::Sync);
        daemon.settle();
        daemon.server.reply(client, &Response::Done {});
        assert_eq!(peer.line(), DONE);
    }

    #[test]
    fn the_next_request_waits_for_the_reply_before() {
        let mut daemon = Daemon::new();
        let mut peer = daemon.connect();
        peer.say("{\"request\":\"windows\"}\n{\"request\":\"close\",\"id\":2}\n{\"requ");
        let (client, request) = daemon.request();
        assert_eq!(request, Request::Windows);
        daemon.settle();
        assert_eq!(daemon.requests, []);
        daemon.server.reply(client, &Response::Windows(Vec::new()));
        assert_eq!(daemon.request(), (client, Request::Close { id: 2 }));
        peer.say("est\":\"quit\"}\n");
        daemon.server.reply(client, &Response::Error("no window 2".into()));
        assert_eq!(daemon.request(), (client, Request::Quit));
        assert_eq!(peer.line(), r#"{"windows":[]}"#);
        assert_eq!(peer.line(), r#"{"error":"no window 2"}"#);
    }

    #[test]
    fn nonsense_is_refused_and_the_client_may_go_on() {
        let mut daemon = Daemon::new();
        let mut peer = daemon.connect();
        peer.say("hello\n{\"request\":\"reboot\"}\n\u{0}\n{\"request\":\"sync\"}\n");
        assert_eq!(daemon.request().1, Request::Sync);
        assert_eq!(peer.line(), r#"{"error":"not a request: expected value at line 1 column 1"}"#);
        assert!(peer.line().starts_with(r#"{"error":"not a request: unknown variant `reboot`"#));
        assert!(peer.line().starts_with(r#"{"error":"not a request: "#));
    }

    #[test]
    fn a_request_may_be_as_long_as_the_limit_and_not_longer() {
        let request = |bytes: usize| {
            let empty = r#"{"request":"input_text","string":""}"#;
            empty.replace("\"\"", &format!("\"{}\"", "x".repeat(bytes - empty.len())))
        };
        let mut daemon = Daemon::new();
        let mut peer = daemon.connect();
        peer.say(&request(MAX_REQUEST_BYTES));
        peer.say("\n");
        let (client, Request::InputText { .. }) = daemon.request() else { panic!("another request") };
        daemon.server.reply(client, &Response::Done {});
        assert_eq!(peer.line(), DONE);

        peer.say(&request(MAX_REQUEST_BYTES + 1));
        while daemon.clients() > 0 {
            daemon.dispatch();
        }
        assert_eq!(peer.line(), r#"{"error":"a request is longer than 65536 bytes"}"#);
        assert_eq!(daemon.requests, []);
    }

    #[test]
    fn events_go_to_subscribers_only() {
        let mut daemon = Daemon::new();
        let (mut subscriber, mut refused, mut other) = (daemon.connect(), daemon.connect(), daemon.connect());
        subscriber.say("{\"request\":\"subscribe\"}\n");
        let (client, _) = daemon.request();
        refused.say("{\"request\":\"subscribe\"}\n");
        let (refused_client, _) = daemon.request();
        other.say("{\"request\":\"windows\"}\n");
        let (other_client, _) = daemon.request();
        assert!(!daemon.server.has_subscribers());
        daemon.server.reply(client, &Response::Done {});
        daemon.server.reply(refused_client, &Response::Error("no".into()));
        assert!(daemon.server.has_subscribers());
        daemon.server.send(client, &Event::DomainsChanged(Vec::new()));
        daemon.server.broadcast(&Event::WindowsChanged(Vec::new()));
        daemon.server.reply(other_client, &Response::Done {});
        assert_eq!(subscriber.line(), DONE);
        assert_eq!(subscriber.line(), r#"{"domains_changed":[]}"#);
        assert_eq!(subscriber.line(), r#"{"windows_changed":[]}"#);
        assert_eq!(other.line(), DONE);

        drop(subscriber);
        while daemon.server.has_subscribers() {
            daemon.dispatch();
        }
        assert_eq!(refused.line(), r#"{"error":"no"}"#);
    }

    #[test]
    fn a_client_that_does_not_read_is_dropped_and_no_other_notices() {
        let mut daemon = Daemon::new();
        let (mut slow, mut other) = (daemon.connect(), daemon.connect());
        slow.say("{\"request\":\"subscribe\"}\n");
        let (client, _) = daemon.request();
        daemon.server.reply(client, &Response::Done {});
        let domain = DomainInfo {
            name: "work".into(),
            label: "blue".into(),
            transport: "socket:7".into(),
            domid: Some(7),
            state: LinkState::Connected,
            windows: 1,
            responding: true,
        };
        let event = Event::DomainsChanged(vec![domain; 100]);
        let bytes = serde_json::to_vec(&event).unwrap().len();
        // The kernel holds some for the client; what it does not take stays within the limit.
        let mut unsent = 0;
        let mut events = 0;
        while daemon.server.has_subscribers() {
            unsent = daemon.server.0.borrow().clients[&client.0].output.len();
            assert!(unsent <= MAX_UNSENT_BYTES + bytes + 1);
            daemon.server.broadcast(&event);
            daemon.settle();
            events += 1;
            assert!(events < 10_000, "a client may leave any number of events unread");
        }
        assert!(unsent > MAX_UNSENT_BYTES);

        other.say("{\"request\":\"sync\"}\n");
        let (client, _) = daemon.request();
        daemon.server.reply(client, &Response::Done {});
        assert_eq!(other.line(), DONE);
    }

    #[test]
    fn a_client_that_only_stops_sending_still_gets_its_reply() {
        let mut daemon = Daemon::new();
        let mut peer = daemon.connect();
        peer.say("{\"request\":\"windows\"}\n");
        peer.stream.shutdown(std::net::Shutdown::Write).unwrap();
        let (client, _) = daemon.request();
        daemon.settle();
        daemon.server.reply(client, &Response::Done {});
        assert_eq!(peer.line(), DONE);
        assert_eq!(daemon.clients(), 0);
    }

    #[test]
    fn a_client_that_hangs_up_is_forgotten() {
        let mut daemon = Daemon::new();
        let mut peer = daemon.connect();
        peer.say("{\"request\":\"sync\"}\n");
        let (client, _) = daemon.request();
        drop(peer);
        while daemon.clients() > 0 {
            daemon.dispatch();
        }
        daemon.server.reply(client, &Response::Done {});
    }

    #[test]
    fn one_client_too_many_is_told_so() {
        let mut daemon = Daemon::new();
        let mut peers = Vec::new();
        for _ in 0..MAX_CLIENTS {
            peers.push(daemon.connect());
            daemon.settle();
        }
        assert_eq!(daemon.clients(), MAX_CLIENTS);
        let mut late = daemon.connect();
        daemon.settle();
        assert_eq!(late.line(), r#"{"error":"32 control clients are connected already"}"#);
        drop(peers);
        while daemon.clients() > 0 {
            daemon.dispatch();
        }
    }

    #[test]
    fn only_the_user_may_connect_and_the_socket_goes_with_the_daemon() {
        let daemon = Daemon::new();
        let path = daemon.directory.socket();
        assert_eq!(fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let Daemon { directory, event_loop, server, .. } = daemon;
        drop((event_loop, server));
        assert!(!path.exists());
        drop(directory);
    }

    #[test]
    fn a_dead_daemons_socket_is_replaced_and_a_living_ones_is_not() {
        let directory = Directory::new();
        let path = directory.socket();
        drop(UnixListener::bind(&path).unwrap());
        let (server, source) = IpcServer::new(&path).unwrap();
        let error = IpcServer::new(&path).unwrap_err();
        assert!(matches!(&error, IpcError::InUse(used) if *used == path), "{error}");
        drop((server, source));

        fs::write(&path, "notes").unwrap();
        let error = IpcServer::new(&path).unwrap_err();
        assert!(matches!(error, IpcError::NotASocket(_)), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "notes");
    }
}
