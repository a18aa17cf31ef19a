//! The window manager's connection to the X server. Nothing here waits: requests queue until the socket takes them, and
//! answers come back with what was asked.
//!
//! Any X11 program can make the server slow, so the agent must not depend on when it answers; and what is not asked for
//! does not come: replies have limits that follow from the questions.

use std::{
    borrow::Cow,
    collections::VecDeque,
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
};

use x11rb_protocol::{
    protocol::{
        composite,
        xfixes::{self, SelectSelectionInputRequest, SelectionEventMask},
        xproto::{
            Atom, CreateWindowAux, CreateWindowRequest, EventMask, GE_GENERIC_EVENT, Setup, SetupRequest,
            Window, WindowClass,
        },
    },
    x11_utils::{Request, Serialize as _, TryParse as _},
};

/// Bytes taken in at once, so that no X11 program keeps the agent from the others.
const ROUND: usize = 65536;

/// Bytes that wait for the server at most. It reads whatever it is sent unless it hangs, and if that takes as long as it
/// takes to have this many to say, it hangs for good.
const MAX_OUTGOING: usize = 4 << 20;

/// Bytes of the longest packet: an icon of 256 pixels is a quarter of this, a property's part of a selection as well.
const MAX_PACKET: usize = 1 << 20;

/// Bytes of every packet, and of most all there is.
const PACKET: usize = 32;

/// Why the connection is of no more use.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// The server closed it.
    #[error("it has closed its connection")]
    Closed,
    /// The socket does not work.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It does not read.
    #[error("it does not read what it is sent")]
    Stuck,
    /// It sent what no server sends.
    #[error("it does not keep to X11")]
    Nonsense,
}

/// What came.
pub(super) enum Packet<Q> {
    /// A reply, or nothing where there was an error.
    Answer(Q, Option<Vec<u8>>),
    /// An event.
    Event(Vec<u8>),
}

/// A connection with its questions under way.
pub(super) struct Connection<Q> {
    stream: UnixStream,
    incoming: Vec<u8>,
    /// How much of that has been looked at.
    read: usize,
    outgoing: Vec<u8>,
    /// How much of that has been sent.
    sent: usize,
    /// The low half of the last request's number, which is all the server tells.
    sequence: u16,
    asked: VecDeque<(u16, Q)>,
    /// The number that stands for requests of these extensions, 0 before it is known.
    pub(super) composite: u8,
    pub(super) xfixes: u8,
    /// The first of xfixes' events.
    pub(super) xfixes_event: u8,
}

impl<Q> Connection<Q> {
    /// Greets the server at the other end.
    pub(super) fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let greeting = SetupRequest {
            byte_order: if cfg!(target_endian = "little") { b'l' } else { b'B' },
            protocol_major_version: 11,
            protocol_minor_version: 0,
            authorization_protocol_name: Vec::new(),
            authorization_protocol_data: Vec::new(),
        };
        Ok(Self {
            stream,
            incoming: Vec::new(),
            read: 0,
            outgoing: greeting.serialize(),
            sent: 0,
            sequence: 0,
            asked: VecDeque::new(),
            composite: 0,
            xfixes: 0,
            xfixes_event: 0,
        })
    }

    /// Takes in some of what has arrived.
    pub(super) fn receive(&mut self) -> Result<(), Broken> {
        self.incoming.drain(..self.read.min(self.incoming.len()));
        self.read = 0;
        let until = self.incoming.len().saturating_add(ROUND);
        let mut bytes = [0; 4096];
        while self.incoming.len() < until {
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(Broken::Closed),
                Ok(count) => self.incoming.extend(bytes.iter().take(count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Sends what the socket takes. Returns whether that was all.
    pub(super) fn flush(&mut self) -> Result<bool, Broken> {
        while let Some(bytes) = self.outgoing.get(self.sent..).filter(|bytes| !bytes.is_empty()) {
            match self.stream.write(bytes) {
                Ok(count) => self.sent = self.sent.saturating_add(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let waiting = self.outgoing.len().saturating_sub(self.sent);
                    return if waiting > MAX_OUTGOING { Err(Broken::Stuck) } else { Ok(false) };
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.outgoing.clear();
        self.sent = 0;
        Ok(true)
    }

    /// The server's answer to the greeting, once it is whole.
    pub(super) fn setup(&mut self) -> Result<Option<Setup>, Broken> {
        const HEAD: usize = 8;
        let Some(&[accepted, _, _, _, _, _, low, high]) = self.peek(HEAD) else { return Ok(None) };
        let length = usize::from(u16::from_ne_bytes([low, high])).saturating_mul(4).saturating_add(HEAD);
        let Some(bytes) = self.peek(length) else { return Ok(None) };
        let (1, Ok((setup, _))) = (accepted, Setup::try_parse(bytes)) else { return Err(Broken::Nonsense) };
        self.read = self.read.saturating_add(length);
        Ok(Some(setup))
    }

    /// The next of what has been taken in, if it is whole.
    pub(super) fn next_packet(&mut self) -> Result<Option<Packet<Q>>, Broken> {
        loop {
            let Some(head) = self.peek(PACKET) else { return Ok(None) };
            let &[kind, _, low, high, a, b, c, d, ..] = head else { return Ok(None) };
            let more = match kind {
                1 => u32::from_ne_bytes([a, b, c, d]),
                kind if kind & 0x7f == GE_GENERIC_EVENT => u32::from_ne_bytes([a, b, c, d]),
                _ => 0,
            };
            let length = usize::try_from(more).map_err(|_| Broken::Nonsense)?;
            let length = length.saturating_mul(4).saturating_add(PACKET);
            if length > MAX_PACKET {
                return Err(Broken::Nonsense);
            }
            let Some(packet) = self.peek(length).map(<[u8]>::to_vec) else { return Ok(None) };
            self.read = self.read.saturating_add(length);
            let number = u16::from_ne_bytes([low, high]);
            let is_answer = self.asked.front().is_some_and(|(asked, _)| *asked == number);
            match kind {
                0 | 1 if is_answer => {
                    let reply = (kind == 1).then_some(packet);
                    return Ok(self.asked.pop_front().map(|(_, question)| Packet::Answer(question, reply)));
                }
                // about a window that went before the server heard of the request
                0 => {}
                1 => return Err(Broken::Nonsense),
                _ => return Ok(Some(Packet::Event(packet))),
            }
        }
    }

    fn peek(&self, length: usize) -> Option<&[u8]> {
        self.incoming.get(self.read..)?.get(..length)
    }

    /// Queues a request.
    pub(super) fn send<R: Request>(&mut self, request: R) {
        let opcode = match R::EXTENSION_NAME {
            Some(composite::X11_EXTENSION_NAME) => self.composite,
            Some(xfixes::X11_EXTENSION_NAME) => self.xfixes,
            _ => 0,
        };
        let (bytes, _) = request.serialize(opcode);
        self.outgoing.extend(bytes);
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// Makes a window that is never seen: for what belongs to windows and is the manager's own.
    pub(super) fn create_hidden(&mut self, wid: Window, root: Window, events: EventMask) {
        let values = CreateWindowAux::new().override_redirect(1).event_mask(events);
        self.send(CreateWindowRequest {
            depth: 0,
            wid,
            parent: root,
            x: -1,
            y: -1,
            width: 1,
            height: 1,
            border_width: 0,
            class: WindowClass::INPUT_ONLY,
            visual: 0,
            value_list: Cow::Owned(values),
        });
    }

    /// Has the server tell this window of every change of a selection's owner.
    pub(super) fn watch_owner(&mut self, window: Window, selection: Atom) {
        let event_mask = SelectionEventMask::SET_SELECTION_OWNER
            | SelectionEventMask::SELECTION_WINDOW_DESTROY
            | SelectionEventMask::SELECTION_CLIENT_CLOSE;
        self.send(SelectSelectionInputRequest { window, selection, event_mask });
    }

    /// Queues a request that is answered, and remembers what it is for.
    pub(super) fn ask<R: Request>(&mut self, request: R, question: Q) {
        self.send(request);
        self.asked.push_back((self.sequence, question));
    }
}

#[cfg(test)]
mod tests {
    use x11rb_protocol::protocol::xproto::GetInputFocusRequest;

    use super::*;

    fn pair() -> (Connection<u8>, UnixStream) {
        let (ours, mut server) = UnixStream::pair().unwrap();
        let mut connection = Connection::new(ours).unwrap();
        assert!(connection.flush().unwrap());
        let mut greeting = [0; 12];
        server.read_exact(&mut greeting).unwrap();
        (connection, server)
    }

    fn packet(kind: u8, number: u16, more: u32) -> Vec<u8> {
        let mut packet = vec![kind, 0];
        packet.extend(number.to_ne_bytes());
        packet.extend(more.to_ne_bytes());
        packet.resize(PACKET, 0);
        packet
    }

    #[test]
    fn answers_come_with_their_questions() {
        let (mut connection, mut server) = pair();
        connection.ask(GetInputFocusRequest, 1);
        connection.send(GetInputFocusRequest);
        connection.ask(GetInputFocusRequest, 3);
        server.write_all(&packet(1, 1, 0)).unwrap();
        server.write_all(&packet(0, 2, 0)).unwrap();
        server.write_all(&packet(0, 3, 0)).unwrap();
        connection.receive().unwrap();
        assert!(matches!(connection.next_packet(), Ok(Some(Packet::Answer(1, Some(_))))));
        assert!(matches!(connection.next_packet(), Ok(Some(Packet::Answer(3, None)))), "that was an error");
        assert!(matches!(connection.next_packet(), Ok(None)));
        assert!(connection.asked.is_empty());
    }

    #[test]
    fn what_is_not_whole_waits() {
        let (mut connection, mut server) = pair();
        let event = packet(22, 0, 0);
        server.write_all(&event[..20]).unwrap();
        connection.receive().unwrap();
        assert!(matches!(connection.next_packet(), Ok(None)));
        server.write_all(&event[20..]).unwrap();
        connection.receive().unwrap();
        assert!(matches!(connection.next_packet(), Ok(Some(Packet::Event(_)))));
    }

    #[test]
    fn nonsense_ends_it() {
        let longest = (MAX_PACKET - PACKET) as u32 / 4;
        for (bytes, ends) in [
            (packet(1, 1, longest), false),
            (packet(1, 1, longest + 1), true),
            (packet(GE_GENERIC_EVENT, 0, u32::MAX), true),
            // an answer to nothing
            (packet(1, 77, 0), true),
        ] {
            let (mut connection, mut server) = pair();
            connection.ask(GetInputFocusRequest, 1);
            server.write_all(&bytes).unwrap();
            connection.receive().unwrap();
            assert_eq!(connection.next_packet().is_err(), ends);
        }
    }

    #[test]
    fn a_server_that_does_not_read_is_given_up() {
        let (mut connection, _server) = pair();
        let mut rounds = 0;
        let broken = loop {
            (0..10_000).for_each(|_| connection.send(GetInputFocusRequest));
            rounds += 1;
            if let Err(broken) = connection.flush() {
                break broken;
            }
            assert!(rounds < 1000);
        };
        assert!(matches!(broken, Broken::Stuck));
    }
}
