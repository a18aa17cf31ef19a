//! One end of a vchan by this workspace: what `c/vchan-peer.c` is by libxenvchan. Both take the same arguments and do the
//! same, so that either can be put at either end.

use std::io::Write as _;
use std::process;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use rustix::fd::{AsFd, BorrowedFd};
use shm_grant::ring::{Layout, Order};
use shm_grant::xen::store::Store;
use shm_grant::{Address, Backend, Client, DomId, Event, LinkError, Server};

use crate::counterpart::wait_readable;

/// What an end waits for at most. Nothing here takes a tenth of it unless an event is lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long an end that holds its link waits for the other to go.
const HOLD: Duration = Duration::from_secs(300);

/// Most bytes given or taken at once.
const MOST: u32 = 3000;

/// Where the bytes of an exchange begin, in the series that both ends can make.
const FROM_SERVER: u32 = 0x5E_77E5;
const FROM_CLIENT: u32 = 0xC1_1E47;

#[derive(clap::Args)]
pub struct Options {
    role: Role,
    /// The number of the other end's domain
    domain: u16,
    /// The vchan port
    port: u32,
    /// Bytes of the ring from client to server, if this is the server
    left: u32,
    /// Bytes of the ring from server to client, if this is the server
    right: u32,
    /// How many links are made one after the other
    links: u32,
    /// `exchange:BYTES`, `ping:TIMES`, `hold` or `leave`
    action: Action,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Role {
    Server,
    Client,
}

#[derive(Clone, Copy)]
enum Action {
    /// Sends so many bytes and takes as many at the same time, in pieces of all sizes, and checks each.
    Exchange(u32),
    /// As client, sends a byte and waits for it to come back, so many times. As server, sends back what comes.
    Ping(u32),
    /// Says that it is connected, and waits for the other end to go.
    Hold,
    /// Closes as soon as it is connected.
    Leave,
}

impl FromStr for Action {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        Ok(match text.split_once(':') {
            Some(("exchange", bytes)) => Self::Exchange(bytes.parse()?),
            Some(("ping", times)) => Self::Ping(times.parse()?),
            None if text == "hold" => Self::Hold,
            None if text == "leave" => Self::Leave,
            _ => bail!("no action {text}"),
        })
    }
}

pub fn run(options: &Options) -> anyhow::Result<()> {
    let own = Store::connect()?.own_domain()?.context("xenstore does not say which domain this is")?;
    let peer = DomId(options.domain);
    let mut end = match options.role {
        Role::Server => {
            let layout = Layout::new(order(options.left)?, order(options.right)?)?;
            let address = Address::new(Backend::Xen, own, peer, options.port).with_rings(layout);
            End::Server(Server::bind(&address)?)
        }
        Role::Client => End::Client(Client::new(&Address::new(Backend::Xen, peer, own, options.port))?),
    };
    for _ in 0..options.links {
        end.connect()?;
        match options.action {
            Action::Exchange(bytes) => exchange(&mut end, options.role, bytes)?,
            Action::Ping(times) => ping(&mut end, options.role, times)?,
            Action::Hold => hold(&mut end)?,
            Action::Leave => {}
        }
        end.disconnect();
    }
    Ok(())
}

pub fn order(bytes: u32) -> anyhow::Result<Order> {
    let order = bytes.checked_ilog2().filter(|order| bytes == 1 << order);
    let order = order.and_then(|order| Order::new(u16::try_from(order).ok()?));
    order.with_context(|| format!("no ring has {bytes} bytes"))
}

/// Either end; they are driven alike.
pub enum End {
    Server(Server),
    Client(Client),
}

impl End {
    pub fn poll_event(&mut self) -> Option<Event> {
        match self {
            Self::Server(server) => server.poll_event(),
            Self::Client(client) => client.poll_event(),
        }
    }

    pub fn read(&mut self, into: &mut [u8]) -> usize {
        match self {
            Self::Server(server) => server.read(into),
            Self::Client(client) => client.read(into),
        }
    }

    pub fn write(&mut self, bytes: &[u8]) -> usize {
        match self {
            Self::Server(server) => server.write(bytes),
            Self::Client(client) => client.write(bytes),
        }
    }

    fn disconnect(&mut self) {
        match self {
            Self::Server(server) => server.disconnect(),
            Self::Client(client) => {
                client.disconnect();
                client.connect();
            }
        }
    }

    /// Waits until something has happened. The link's end is an error.
    pub fn wait(&mut self, limit: Duration) -> anyhow::Result<Vec<Event>> {
        loop {
            let mut events = Vec::new();
            while let Some(event) = self.poll_event() {
                match event {
                    Event::Disconnected(error) => return Err(error.into()),
                    event => events.push(event),
                }
            }
            if !events.is_empty() {
                return Ok(events);
            }
            ensure!(wait_readable(self, Some(limit))?, "no event came");
        }
    }

    pub fn connect(&mut self) -> anyhow::Result<()> {
        while !self.wait(PATIENCE)?.iter().any(|event| matches!(event, Event::Connected)) {}
        Ok(())
    }

    fn give_byte(&mut self, byte: u8) -> anyhow::Result<()> {
        while self.write(&[byte]) == 0 {
            self.wait(PATIENCE)?;
        }
        Ok(())
    }

    fn take_byte(&mut self) -> anyhow::Result<u8> {
        let mut byte = [0];
        while self.read(&mut byte) == 0 {
            self.wait(PATIENCE)?;
        }
        let [byte] = byte;
        Ok(byte)
    }
}

impl AsFd for End {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Server(server) => server.as_fd(),
            Self::Client(client) => client.as_fd(),
        }
    }
}

/// Numbers that both ends can make: Marsaglia's xorshift.
struct Series(u32);

impl Series {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    fn size(&mut self, most: u32) -> usize {
        (self.next() % MOST + 1).min(most) as usize
    }
}

fn exchange(end: &mut End, role: Role, bytes: u32) -> anyhow::Result<()> {
    let (mut outgoing, mut incoming) = match role {
        Role::Server => (Series(FROM_SERVER), Series(FROM_CLIENT)),
        Role::Client => (Series(FROM_CLIENT), Series(FROM_SERVER)),
    };
    let mut sizes = Series(process::id());
    let (mut unsent, mut unreceived) = (bytes, bytes);
    let mut giving: Vec<u8> = Vec::new();
    while unsent > 0 || unreceived > 0 {
        let mut moved = 0;
        if giving.is_empty() && unsent > 0 {
            giving.resize_with(sizes.size(unsent), || outgoing.byte());
        }
        if !giving.is_empty() {
            moved = end.write(&giving);
            giving.drain(..moved);
            unsent -= u32::try_from(moved)?;
        }
        if unreceived > 0 {
            let mut got = vec![0; sizes.size(unreceived)];
            let taken = end.read(&mut got);
            for (at, byte) in (bytes - unreceived..).zip(got.iter().take(taken)) {
                let wanted = incoming.byte();
                ensure!(*byte == wanted, "byte {at} is {byte:02x}, not {wanted:02x}");
            }
            unreceived -= u32::try_from(taken)?;
            moved += taken;
        }
        if moved == 0 {
            end.wait(PATIENCE).with_context(|| format!("{unsent} bytes to send, {unreceived} to take"))?;
        }
    }
    // Each stays until the other has everything.
    end.give_byte(b'D')?;
    ensure!(end.take_byte()? == b'D', "the last byte is not the one agreed on");
    println!("exchanged {bytes} bytes each way");
    Ok(())
}

fn ping(end: &mut End, role: Role, times: u32) -> anyhow::Result<()> {
    for time in 0..times {
        match role {
            Role::Server => {
                let byte = end.take_byte()?;
                end.give_byte(byte)?;
            }
            Role::Client => {
                let byte = time.to_le_bytes()[0];
                end.give_byte(byte)?;
                ensure!(end.take_byte()? == byte, "an echo is another byte");
            }
        }
    }
    // The client leaves first, with the last echo in hand.
    if role == Role::Server {
        let ended = end.take_byte().err().context("a byte too many")?;
        ensure!(matches!(ended.downcast_ref(), Some(LinkError::Closed)), "{ended:#}");
    }
    println!("{times} echoes");
    Ok(())
}

/// Prints why the link ended.
fn hold(end: &mut End) -> anyhow::Result<()> {
    println!("connected");
    std::io::stdout().flush()?;
    let mut bytes = [0; 64];
    loop {
        // That the other end has gone is seen by reading.
        let taken = end.read(&mut bytes);
        ensure!(taken == 0, "{taken} bytes came");
        match end.wait(HOLD) {
            Ok(_) => {}
            Err(error) if error.is::<LinkError>() => {
                println!("lost: {error:#}");
                return Ok(());
            }
            Err(error) => return Err(error),
        }
    }
}
