//! A client of xenstore, where domains and their toolstack keep what they tell each other.
//!
//! It speaks to xenstored over its socket, where this process may, else over the kernel's `/dev/xen/xenbus`. The form of
//! messages is Xen's `io/xs_wire.h`, what they mean its `docs/misc/xenstore.txt`.
//!
//! Requests wait for their answer; xenstored is trusted to give one soon, so a wait has a limit
//! ([`REPLY_TIMEOUT`]) and no cure: what goes wrong between us and xenstored ends the connection, and every later call
//! says so. A request that was refused ([`StoreError::Refused`]) ends nothing. Of watches the owner is told by
//! [`Store::poll_watch`], which never waits.
//!
//! Invariants:
//!
//! * At most one request is unanswered.
//! * Events that come meanwhile are kept until they are pulled, each once however often it came. A domain may change
//!   nodes under a watch as fast as it likes: past [`MAX_EVENTS`] of one watch, a single event for the watched node itself
//!   stands for the rest, as it does when the watch is new.

mod wire;

use std::collections::VecDeque;
use std::env;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;

use self::wire::{Decoder, Kind, Message};
use super::DeviceError;
use super::device::Node;
use crate::DomId;

/// The kernel's device.
pub const DEVICE: &str = "/dev/xen/xenbus";

/// The daemon's socket, unless the environment variable `XENSTORED_PATH` names another.
pub const SOCKET: &str = "/run/xenstored/socket";

const XENBUS: Node = Node { path: DEVICE, module: "xen-xenbus" };

/// How long xenstored has for an answer. It answers within a millisecond unless its whole domain does not run.
pub const REPLY_TIMEOUT: Duration = Duration::from_secs(5);

/// Most events of one watch, each for another node, that wait to be pulled. More nodes than that are as soon looked at all.
pub const MAX_EVENTS: usize = 64;

/// How often a transaction is tried. Each failure means that another's, of a few requests, went through meanwhile.
pub const MAX_ATTEMPTS: u32 = 64;

/// Bytes read at once.
const READ_BYTES: usize = 4096;

/// A connection to xenstored.
///
/// Its descriptor is readable when there may be something for [`Store::poll_watch`]. Other calls may take in events too,
/// so pull after them as well.
///
/// Paths are absolute, or begin at this domain's own directory.
#[derive(Debug)]
pub struct Store {
    connection: OwnedFd,
    decoder: Decoder,
    events: VecDeque<WatchEvent>,
    /// Path and token of each.
    watches: Vec<(String, String)>,
    /// Of the last request.
    request: u32,
    /// Of the calls made now; 0 outside a transaction.
    transaction: u32,
    timeout: Duration,
    broken: bool,
}

/// Something under a watched path has changed, or may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchEvent {
    /// What changed; for a watch on a relative path, relative as well.
    pub path: String,
    /// What the watch was given.
    pub token: String,
}

/// What a domain may do with a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    None,
    /// Read it.
    Read,
    /// Change it.
    Write,
    /// Both.
    Both,
}

/// An entry in a node's list of permissions. The first entry's domain owns the node, and may do all; its access is what
/// domains that are not listed have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Whose.
    pub domain: DomId,
    /// What it may do.
    pub access: Access,
}

/// Why xenstored refused a request. Source: `io/xs_wire.h`, `xsd_errors`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// EINVAL.
    #[error("the request is not valid")]
    Invalid,
    /// EACCES, EPERM, EROFS.
    #[error("this domain has no permission")]
    Access,
    /// EEXIST.
    #[error("it exists already")]
    Exists,
    /// ENOENT.
    #[error("there is no such thing")]
    Missing,
    /// ENOSPC, E2BIG: the domain has used up its quota, or the answer is too long.
    #[error("there is no space for it")]
    Space,
    /// EAGAIN, EBUSY.
    #[error("others changed the same at the same time")]
    Again,
    /// Any other: EIO, ENOMEM, ENOSYS, …
    #[error("xenstored failed")]
    Failed,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The device cannot be opened.
    #[error("no xenstore: {0}")]
    Device(DeviceError),
    /// There is neither a device nor a socket, though there is Xen.
    #[error("no xenstore: neither {DEVICE} nor {SOCKET} is there; start xenstored")]
    Absent,
    /// Nobody can be reached at the socket.
    #[error("no xenstore at {path}: {source}", path = .path.display())]
    Socket {
        /// Where it was looked for.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Nobody answers.
    #[error("xenstored does not answer within {} s: is it running?", .0.as_secs_f32())]
    Timeout(Duration),
    /// The connection had ended before.
    #[error("the connection to xenstored has ended")]
    Ended,
    /// The system failed.
    #[error("the connection to xenstored failed: {0}")]
    Io(#[from] io::Error),
    /// Xenstored said what makes no sense, and in which part of it.
    #[error("xenstored sent a malformed {0}")]
    Malformed(&'static str),
    /// Xenstored refused.
    #[error("xenstore: cannot {request} {path}: {refusal}")]
    Refused {
        /// What was to be done.
        request: &'static str,
        /// With what.
        path: String,
        /// Why not.
        refusal: Refusal,
    },
    /// The request is longer than a message can be.
    #[error("{bytes} bytes are too many for one request to xenstore, {max} are the limit", max = wire::MAX_REQUEST)]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// A path or a token with a NUL in it, or a transaction within another.
    #[error("not a valid request to xenstore: {0}")]
    Invalid(&'static str),
    /// A node holds something else than it should.
    #[error("xenstore: {path} is {value:?}, not {wanted}")]
    Value {
        /// Which node.
        path: String,
        /// What it holds, cut.
        value: String,
        /// What it should hold.
        wanted: &'static str,
    },
}

impl StoreError {
    /// Whether xenstored refused, and why.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused { refusal, .. } => Some(*refusal),
            _ => None,
        }
    }
}

impl Store {
    /// Connects to xenstored's socket where there is one and it may be opened, else to the kernel's device, and sees that
    /// somebody answers.
    ///
    /// # Errors
    ///
    /// One line that says what is missing.
    pub fn connect() -> Result<Self, StoreError> {
        let socket = env::var_os("XENSTORED_PATH").filter(|path| !path.is_empty());
        let socket = socket.map_or_else(|| PathBuf::from(SOCKET), PathBuf::from);
        match Self::connect_to(&socket) {
            // A socket that nobody listens behind is as good as none.
            Err(StoreError::Socket { .. }) => {}
            connected => return connected,
        }
        match XENBUS.open(OFlags::NONBLOCK) {
            Ok(device) => Self::over(device, REPLY_TIMEOUT),
            // It is built into the kernel, but says that it is not there while dom0 has no xenstored.
            Err(DeviceError::NoModule { .. }) => Err(StoreError::Absent),
            Err(error) => Err(StoreError::Device(error)),
        }
    }

    /// Connects to the xenstored that listens at that socket.
    ///
    /// # Errors
    ///
    /// One line that says what is missing.
    pub fn connect_to(socket: &Path) -> Result<Self, StoreError> {
        let open = |source| StoreError::Socket { path: socket.to_path_buf(), source };
        let stream = UnixStream::connect(socket).map_err(open)?;
        stream.set_nonblocking(true).map_err(open)?;
        Self::over(stream.into(), REPLY_TIMEOUT)
    }

    /// Takes over a connection, which is non-blocking, and asks a first question: a device can be opened with no xenstored
    /// behind it, and some of the driver's calls would then wait for ever.
    fn over(connection: OwnedFd, timeout: Duration) -> Result<Self, StoreError> {
        let mut store = Self {
            connection,
            decoder: Decoder::default(),
            events: VecDeque::new(),
            watches: Vec::new(),
            request: 0,
            transaction: 0,
            timeout,
            broken: false,
        };
        store.domain_path(DomId(0))?;
        Ok(store)
    }

    /// What a node holds.
    ///
    /// # Errors
    ///
    /// [`StoreError`], as of every call: refused, or the end of the connection.
    pub fn read(&mut self, path: &str) -> Result<Vec<u8>, StoreError> {
        self.path_request(Kind::Read, path)
    }

    /// What a node holds, as the number, name or the like that it should be; `None` where there is no such node.
    /// `wanted` says in an error what it should be.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; [`StoreError::Value`] where it is something else.
    pub fn parse<T: FromStr>(&mut self, path: &str, wanted: &'static str) -> Result<Option<T>, StoreError> {
        let value = match self.read(path) {
            Err(error) if error.refusal() == Some(Refusal::Missing) => return Ok(None),
            value => value?,
        };
        let text = str::from_utf8(&value).ok();
        text.and_then(|text| text.parse().ok()).map(Some).ok_or_else(|| StoreError::Value {
            path: path.to_owned(),
            value: String::from_utf8_lossy(&value).chars().take(40).collect(),
            wanted,
        })
    }

    /// Makes the node hold that, and makes the node, and those above it, if they are not there.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub fn write(&mut self, path: &str, value: &[u8]) -> Result<(), StoreError> {
        self.acknowledged(Kind::Write, path, &[&terminated(path)?, value])
    }

    /// Removes the node and all under it. That it is not there is no error, so long as the one above it is.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub fn remove(&mut self, path: &str) -> Result<(), StoreError> {
        self.acknowledged(Kind::Remove, path, &[&terminated(path)?])
    }

    /// The names of the nodes directly under this one.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; [`Refusal::Space`] where all names together are more than 4096 bytes.
    pub fn directory(&mut self, path: &str) -> Result<Vec<String>, StoreError> {
        let payload = self.path_request(Kind::Directory, path)?;
        let names = self.checked(wire::strings(&payload))?;
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    /// Who may do what with a node, its owner first.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub fn permissions(&mut self, path: &str) -> Result<Vec<Permission>, StoreError> {
        let payload = self.path_request(Kind::GetPermissions, path)?;
        let list = wire::strings(&payload).and_then(|list| list.into_iter().map(str::parse).collect());
        self.checked(list)
    }

    /// Sets who may do what with a node, its owner first.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub fn set_permissions(&mut self, path: &str, permissions: &[Permission]) -> Result<(), StoreError> {
        let list: String = permissions.iter().map(|permission| format!("{permission}\0")).collect();
        self.acknowledged(Kind::SetPermissions, path, &[&terminated(path)?, list.as_bytes()])
    }

    /// Reports changes of the node and of all under it from now on, and once at once. The special paths
    /// `@introduceDomain` and `@releaseDomain` report that domains came and that domains went.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub fn watch(&mut self, path: &str, token: &str) -> Result<(), StoreError> {
        self.acknowledged(Kind::Watch, path, &[&terminated(path)?, &terminated(token)?])?;
        self.watches.push((path.to_owned(), token.to_owned()));
        Ok(())
    }

    /// Ends the watch of that path and token. Events that have come are still told.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub fn unwatch(&mut self, path: &str, token: &str) -> Result<(), StoreError> {
        self.acknowledged(Kind::Unwatch, path, &[&terminated(path)?, &terminated(token)?])?;
        self.watches.retain(|(watched, of)| (watched.as_str(), of.as_str()) != (path, token));
        Ok(())
    }

    /// Runs `body`, whose every call on the store it is given is one transaction: all of it happens, or, on an error,
    /// nothing. It runs again, up to [`MAX_ATTEMPTS`] times, when others changed the same nodes meanwhile.
    ///
    /// # Errors
    ///
    /// [`StoreError`], of the body or of the transaction.
    pub fn transaction<T>(
        &mut self,
        mut body: impl FnMut(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.transaction != 0 {
            return Err(StoreError::Invalid("a transaction within another"));
        }
        let mut attempt = 1;
        loop {
            let outcome = self.attempt(&mut body);
            match outcome {
                Err(error) if error.refusal() == Some(Refusal::Again) && attempt < MAX_ATTEMPTS => {
                    attempt += 1
                }
                outcome => return outcome,
            }
        }
    }

    /// The directory of a domain, there or not.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub fn domain_path(&mut self, DomId(domain): DomId) -> Result<String, StoreError> {
        let payload = self.path_request(Kind::DomainPath, &domain.to_string())?;
        self.checked(wire::string(&payload)).map(str::to_owned)
    }

    /// Whether xenstored knows this domain: from when it was built until it is gone for good.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub fn is_introduced(&mut self, DomId(domain): DomId) -> Result<bool, StoreError> {
        let payload = self.path_request(Kind::IsIntroduced, &domain.to_string())?;
        let known = match payload.as_slice() {
            b"T\0" => Ok(true),
            b"F\0" => Ok(false),
            _ => Err(StoreError::Malformed("answer")),
        };
        self.checked(known)
    }

    /// The number of the domain this process runs in.
    ///
    /// # Errors
    ///
    /// [`StoreError`]. Dom0 of some toolstacks has no such node.
    pub fn own_domain(&mut self) -> Result<Option<DomId>, StoreError> {
        Ok(self.parse("domid", "the number of a domain")?.map(DomId))
    }

    /// The next event of a watch, if any has come. Never waits.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: the connection has ended.
    pub fn poll_watch(&mut self) -> Result<Option<WatchEvent>, StoreError> {
        if self.events.is_empty() && !self.broken {
            let taken = self.take_events();
            self.checked(taken)?;
        }
        match self.events.pop_front() {
            None if self.broken => Err(StoreError::Ended),
            event => Ok(event),
        }
    }

    /// A calloop source that is ready whenever [`Store::poll_watch`] should be called. It holds a descriptor of its own;
    /// remove it from the loop with the store.
    ///
    /// # Errors
    ///
    /// Out of descriptors.
    #[cfg(feature = "calloop")]
    pub fn calloop_source(&self) -> io::Result<calloop::generic::Generic<OwnedFd>> {
        crate::link::calloop_source(self)
    }

    fn attempt<T>(
        &mut self,
        body: &mut impl FnMut(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let id = self.request(Kind::TransactionStart, "a transaction", &[b"\0"])?;
        let id = wire::string(&id).ok().and_then(|id| id.parse().ok()).filter(|&id| id != 0);
        self.transaction = self.checked(id.ok_or(StoreError::Malformed("transaction")))?;
        let outcome = body(self);
        let verdict: &[u8] = if outcome.is_ok() { b"T\0" } else { b"F\0" };
        let ended = self.acknowledged(Kind::TransactionEnd, "a transaction", &[verdict]);
        self.transaction = 0;
        // Where the body failed, its error says more.
        outcome.and_then(|value| ended.map(|()| value))
    }

    fn path_request(&mut self, kind: Kind, path: &str) -> Result<Vec<u8>, StoreError> {
        self.request(kind, path, &[&terminated(path)?])
    }

    fn acknowledged(&mut self, kind: Kind, path: &str, payload: &[&[u8]]) -> Result<(), StoreError> {
        let answer = self.request(kind, path, payload)?;
        let checked = if answer == b"OK\0" { Ok(()) } else { Err(StoreError::Malformed("answer")) };
        self.checked(checked)
    }

    /// Sends a request and waits for its answer.
    fn request(&mut self, kind: Kind, path: &str, payload: &[&[u8]]) -> Result<Vec<u8>, StoreError> {
        if self.broken {
            return Err(StoreError::Ended);
        }
        self.request = self.request.wrapping_add(1);
        let transaction = match kind {
            // What they concern is outside of transactions.
            Kind::Watch | Kind::Unwatch => 0,
            _ => self.transaction,
        };
        let message = wire::encode(kind, self.request, transaction, payload)?;
        let refused = |refusal| StoreError::Refused { request: kind.verb(), path: path.to_owned(), refusal };
        let deadline = Instant::now() + self.timeout;
        if let Err(error) = self.send(&message, deadline) {
            return match error {
                // The kernel's driver says so where xenstored refuses it a watch.
                StoreError::Io(error) if is_refusal(&error) => {
                    Err(refused(Refusal::of_errno(Errno::from_io_error(&error))))
                }
                error => self.checked(Err(error)),
            };
        }
        let answer = self.answer(deadline);
        let Message { kind: answered, payload, .. } = self.checked(answer)?;
        if answered == Kind::Error as u32 {
            let name = wire::string(&payload).map(str::to_owned);
            return Err(refused(Refusal::of_name(&self.checked(name)?)));
        }
        self.checked(if answered == kind as u32 { Ok(payload) } else { Err(StoreError::Malformed("answer")) })
    }

    /// Passes a result on; an error ends the connection.
    fn checked<T>(&mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        self.broken |= result.is_err();
        result
    }

    /// Sends a whole message. The kernel's device takes it in one piece and acts on it before the call returns.
    fn send(&self, mut message: &[u8], deadline: Instant) -> Result<(), StoreError> {
        while !message.is_empty() {
            match rustix::io::write(&self.connection, message) {
                Ok(0) => return Err(StoreError::Ended),
                Ok(sent) => message = message.get(sent..).unwrap_or_default(),
                Err(Errno::AGAIN) => self.wait(PollFlags::OUT, deadline)?,
                Err(Errno::INTR) => {}
                Err(Errno::PIPE | Errno::CONNRESET) => return Err(StoreError::Ended),
                Err(error) => return Err(StoreError::Io(error.into())),
            }
        }
        Ok(())
    }

    /// Waits for the answer to the request sent last.
    fn answer(&mut self, deadline: Instant) -> Result<Message, StoreError> {
        loop {
            while let Some(message) = self.decoder.next()? {
                if message.kind == Kind::WatchEvent as u32 {
                    self.keep(&message)?;
                } else if message.request == self.request {
                    return Ok(message);
                } else {
                    return Err(StoreError::Malformed("answer: it is to another request"));
                }
            }
            // Events that keep coming must not make this longer.
            if !self.receive()? || Instant::now() >= deadline {
                self.wait(PollFlags::IN, deadline)?;
            }
        }
    }

    /// Takes in what has come while no request was open, or the first of it.
    fn take_events(&mut self) -> Result<(), StoreError> {
        loop {
            while let Some(message) = self.decoder.next()? {
                match message.kind == Kind::WatchEvent as u32 {
                    true => self.keep(&message)?,
                    false => return Err(StoreError::Malformed("answer: there was no request")),
                }
            }
            if !self.events.is_empty() || !self.receive()? {
                return Ok(());
            }
        }
    }

    /// Keeps an event, unless the same waits already.
    fn keep(&mut self, message: &Message) -> Result<(), StoreError> {
        let fields = wire::strings(&message.payload)?;
        // Some events have a third part, which is not for us.
        let &[path, token, ..] = fields.as_slice() else { return Err(StoreError::Malformed("event")) };
        let mut event = WatchEvent { path: path.to_owned(), token: token.to_owned() };
        if self.events.iter().filter(|waiting| waiting.token == token).count() >= MAX_EVENTS {
            let mut watches = self.watches.iter().filter(|(_, of)| of == token);
            // None where the watch has just been ended.
            let Some((watched, _)) = watches.find(|(watched, _)| path.starts_with(watched.as_str())) else {
                return Ok(());
            };
            event.path.clone_from(watched);
        }
        if !self.events.contains(&event) {
            self.events.push_back(event);
        }
        Ok(())
    }

    /// Takes what has come; `false` where nothing has.
    fn receive(&mut self) -> Result<bool, StoreError> {
        let mut bytes = [0; READ_BYTES];
        loop {
            return match rustix::io::read(&self.connection, &mut bytes) {
                Ok(0) | Err(Errno::CONNRESET) => Err(StoreError::Ended),
                Ok(read) => {
                    self.decoder.push(bytes.get(..read).unwrap_or_default());
                    Ok(true)
                }
                Err(Errno::AGAIN) => Ok(false),
                Err(Errno::INTR) => continue,
                Err(error) => Err(StoreError::Io(error.into())),
            };
        }
    }

    fn wait(&self, flags: PollFlags, deadline: Instant) -> Result<(), StoreError> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(StoreError::Timeout(self.timeout));
        }
        let left = Timespec::try_from(left).map_err(|_| StoreError::Timeout(self.timeout))?;
        match poll(&mut [PollFd::new(&self.connection, flags)], Some(&left)) {
            // Whatever the end of the wait was, the next attempt tells.
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(StoreError::Io(error.into())),
        }
    }
}

impl AsFd for Store {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.as_fd()
    }
}

impl Refusal {
    fn of_name(name: &str) -> Self {
        match name {
            "EINVAL" => Self::Invalid,
            "EACCES" | "EPERM" | "EROFS" => Self::Access,
            "EEXIST" => Self::Exists,
            "ENOENT" => Self::Missing,
            "ENOSPC" | "E2BIG" => Self::Space,
            "EAGAIN" | "EBUSY" => Self::Again,
            _ => Self::Failed,
        }
    }

    fn of_errno(errno: Option<Errno>) -> Self {
        match errno {
            Some(Errno::INVAL) => Self::Invalid,
            Some(Errno::ACCESS | Errno::PERM | Errno::ROFS) => Self::Access,
            Some(Errno::EXIST) => Self::Exists,
            Some(Errno::NOENT) => Self::Missing,
            Some(Errno::NOSPC | Errno::TOOBIG) => Self::Space,
            Some(Errno::BUSY) => Self::Again,
            _ => Self::Failed,
        }
    }
}

/// Whether an error of writing is about what was written, and not about the connection.
fn is_refusal(error: &io::Error) -> bool {
    !matches!(Errno::from_io_error(error), Some(Errno::IO | Errno::BADF | Errno::NODEV) | None)
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self.access {
            Access::None => 'n',
            Access::Read => 'r',
            Access::Write => 'w',
            Access::Both => 'b',
        };
        write!(f, "{letter}{}", self.domain.0)
    }
}

impl FromStr for Permission {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let malformed = || StoreError::Malformed("permission");
        let (letter, domain) = text.split_at_checked(1).ok_or_else(malformed)?;
        let access = match letter {
            "n" => Access::None,
            "r" => Access::Read,
            "w" => Access::Write,
            "b" => Access::Both,
            _ => return Err(malformed()),
        };
        Ok(Self { domain: DomId(domain.parse().map_err(|_| malformed())?), access })
    }
}

/// The string with the NUL that ends it in a message.
fn terminated(text: &str) -> Result<Vec<u8>, StoreError> {
    if text.contains('\0') {
        return Err(StoreError::Invalid("a NUL in a path or a token"));
    }
    Ok([text.as_bytes(), &[0]].concat())
}

#[cfg(test)]
mod tests;
