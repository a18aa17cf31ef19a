//! A xenstored for tests: domains as Xen's toolstack writes them, over the real wire format.
//!
//! It knows what a daemon asks when it looks for domains, and answers everything else with `ENOSYS`.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
    thread,
};

const DIRECTORY: u32 = 1;
const READ: u32 = 2;
const GET_PERMS: u32 = 3;
const WATCH: u32 = 4;
const UNWATCH: u32 = 5;
const TRANSACTION_START: u32 = 6;
const TRANSACTION_END: u32 = 7;
const GET_DOMAIN_PATH: u32 = 10;
const WATCH_EVENT: u32 = 15;
const ERROR: u32 = 16;
const IS_DOMAIN_INTRODUCED: u32 = 17;

/// The store. It lasts as long as its connections.
pub struct Xenstore {
    /// Where it listens.
    pub socket: PathBuf,
    tree: Arc<Mutex<Tree>>,
}

#[derive(Default)]
struct Tree {
    /// Value and permissions.
    nodes: BTreeMap<String, (String, String)>,
    introduced: BTreeSet<u16>,
    connections: Vec<Connection>,
    conflicts: u32,
    transactions: u32,
    boots: u32,
}

struct Connection {
    stream: UnixStream,
    watches: Vec<(String, String)>,
}

impl Xenstore {
    /// A store with dom0 in it, in this directory.
    pub fn start(directory: &Path) -> Self {
        let socket = directory.join("xenstored");
        let listener = UnixListener::bind(&socket).expect("a socket in a directory of our own");
        let tree = Arc::new(Mutex::new(Tree::default()));
        let store = Self { socket, tree: tree.clone() };
        store.tree().write("/local/domain/0/domid", "0", "n0");
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let Ok(writer) = stream.try_clone() else { return };
                let number = {
                    let mut tree = lock(&tree);
                    tree.connections.push(Connection { stream: writer, watches: Vec::new() });
                    tree.connections.len() - 1
                };
                let tree = tree.clone();
                // The end of a connection is the end of its thread.
                thread::spawn(move || serve(&tree, number, stream));
            }
        });
        store
    }

    fn tree(&self) -> MutexGuard<'_, Tree> {
        lock(&self.tree)
    }

    /// A domain is made and started.
    pub fn create(&self, domid: u16, name: &str, uuid: &str) {
        let mut tree = self.tree();
        tree.build(domid, name, uuid);
        tree.fire("@introduceDomain");
    }

    /// A domain is gone.
    pub fn destroy(&self, domid: u16) {
        let mut tree = self.tree();
        tree.raze(domid);
        tree.fire("@releaseDomain");
    }

    /// Another domain has got the id of one that went, before anyone could look.
    pub fn replace(&self, domid: u16, name: &str, uuid: &str) {
        let mut tree = self.tree();
        tree.raze(domid);
        tree.build(domid, name, uuid);
        tree.fire("@releaseDomain");
        tree.fire("@introduceDomain");
    }

    /// The same, and nobody is told.
    pub fn replace_silently(&self, domid: u16, name: &str, uuid: &str) {
        let mut tree = self.tree();
        let connections = std::mem::take(&mut tree.connections);
        tree.raze(domid);
        tree.build(domid, name, uuid);
        tree.connections = connections;
    }

    /// A domain gets another name.
    pub fn rename(&self, domid: u16, name: &str) {
        self.tree().write(&format!("/local/domain/{domid}/name"), name, &format!("n0 r{domid}"));
    }

    /// A domain's name is one that the domain itself may write.
    pub fn let_write_its_name(&self, domid: u16) {
        let mut tree = self.tree();
        if let Some((_, permissions)) = tree.nodes.get_mut(&format!("/local/domain/{domid}/name")) {
            *permissions = format!("n0 b{domid}");
        }
    }

    /// So many transactions fail because others changed the same.
    pub fn conflict(&self, times: u32) {
        self.tree().conflicts = times;
    }

    /// All connections end.
    pub fn hang_up(&self) {
        for connection in self.tree().connections.drain(..) {
            drop(connection.stream.shutdown(std::net::Shutdown::Both));
        }
    }
}

fn lock(tree: &Mutex<Tree>) -> MutexGuard<'_, Tree> {
    tree.lock().expect("no thread of this store panics")
}

impl Tree {
    fn write(&mut self, path: &str, value: &str, permissions: &str) {
        self.nodes.insert(path.to_owned(), (value.to_owned(), permissions.to_owned()));
        self.fire(path);
    }

    fn build(&mut self, domid: u16, name: &str, uuid: &str) {
        let (domain, vm, permissions) =
            (format!("/local/domain/{domid}"), format!("/vm/{uuid}"), format!("n0 r{domid}"));
        self.boots += 1;
        self.write(&format!("{vm}/uuid"), uuid, &permissions);
        self.write(&format!("{vm}/start_time"), &self.boots.to_string(), &permissions);
        self.write(&format!("{domain}/vm"), &vm, &permissions);
        self.write(&format!("{domain}/name"), name, &permissions);
        self.introduced.insert(domid);
    }

    fn raze(&mut self, domid: u16) {
        let domain = format!("/local/domain/{domid}/");
        let gone: Vec<String> = self.nodes.keys().filter(|path| path.starts_with(&domain)).cloned().collect();
        for path in gone {
            self.nodes.remove(&path);
            self.fire(&path);
        }
        self.introduced.remove(&domid);
    }

    fn fire(&mut self, path: &str) {
        for connection in &mut self.connections {
            for (watched, token) in &connection.watches {
                let under = path.strip_prefix(watched.as_str());
                if under.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
                    let event = format!("{path}\0{token}\0");
                    // One that does not read any more has gone.
                    drop(send(&mut connection.stream, WATCH_EVENT, 0, 0, event.as_bytes()));
                }
            }
        }
    }

    /// The answer to a request, or the name of an error.
    fn answer(&mut self, number: usize, kind: u32, payload: &str) -> Result<String, &'static str> {
        let mut parts = payload.split('\0');
        let path = absolute(parts.next().unwrap_or_default());
        let second = parts.next().unwrap_or_default().to_owned();
        let node = |tree: &Self| tree.nodes.get(&path).cloned().ok_or("ENOENT");
        match kind {
            READ => node(self).map(|(value, _)| value),
            GET_PERMS => {
                node(self).map(|(_, permissions)| permissions.split(' ').flat_map(|it| [it, "\0"]).collect())
            }
            DIRECTORY => {
                let under = format!("{path}/");
                let names = self.nodes.keys().filter_map(|path| path.strip_prefix(&under)?.split('/').next());
                let names: BTreeSet<&str> = names.collect();
                Ok(names.into_iter().flat_map(|name| [name, "\0"]).collect())
            }
            WATCH => {
                let connection = self.connections.get_mut(number).ok_or("EIO")?;
                connection.watches.push((path.clone(), second));
                Ok("OK\0".into())
            }
            UNWATCH => {
                let connection = self.connections.get_mut(number).ok_or("EIO")?;
                let watch = (path, second);
                let at = connection.watches.iter().position(|it| *it == watch).ok_or("ENOENT")?;
                connection.watches.remove(at);
                Ok("OK\0".into())
            }
            TRANSACTION_START => {
                self.transactions += 1;
                Ok(format!("{}\0", self.transactions))
            }
            TRANSACTION_END if self.conflicts > 0 && payload.starts_with('T') => {
                self.conflicts -= 1;
                Err("EAGAIN")
            }
            TRANSACTION_END => Ok("OK\0".into()),
            GET_DOMAIN_PATH => Ok(format!("/local/domain/{}\0", payload.trim_end_matches('\0'))),
            IS_DOMAIN_INTRODUCED => {
                let domid = payload.trim_end_matches('\0').parse().map_err(|_| "EINVAL")?;
                Ok(if self.introduced.contains(&domid) { "T\0" } else { "F\0" }.into())
            }
            _ => Err("ENOSYS"),
        }
    }
}

/// Paths that do not begin at the root begin at the caller's directory.
fn absolute(path: &str) -> String {
    if path.starts_with(['/', '@']) { path.to_owned() } else { format!("/local/domain/0/{path}") }
}

fn serve(tree: &Mutex<Tree>, number: usize, mut stream: UnixStream) -> Option<()> {
    loop {
        let mut header = [[0; 4]; 4];
        stream.read_exact(header.as_flattened_mut()).ok()?;
        let [kind, request, transaction, length] = header.map(u32::from_ne_bytes);
        let mut payload = vec![0; usize::try_from(length).ok()?];
        stream.read_exact(&mut payload).ok()?;
        let payload = String::from_utf8(payload).ok()?;
        // Answers and events go out under the lock, each whole.
        let mut tree = lock(tree);
        let (answered, text) = match tree.answer(number, kind, &payload) {
            Ok(text) => (kind, text),
            Err(name) => (ERROR, format!("{name}\0")),
        };
        send(&mut stream, answered, request, transaction, text.as_bytes()).ok()?;
        if kind == WATCH && answered == WATCH {
            send(&mut stream, WATCH_EVENT, 0, 0, payload.as_bytes()).ok()?;
        }
    }
}

fn send(
    stream: &mut UnixStream,
    kind: u32,
    request: u32,
    transaction: u32,
    payload: &[u8],
) -> io::Result<()> {
    let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
    let header = [kind, request, transaction, length].map(u32::to_ne_bytes);
    stream.write_all(&[header.as_flattened(), payload].concat())
}
