//! A program's files on their way out: from its socket to the link, as fast as the receiver takes them.

use std::{
    fs,
    io::{self, ErrorKind, Read as _, Write as _},
    os::unix::{
        fs::PermissionsExt as _,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use gui_protocol::{FileList, FilesEnd};
use smithay::reexports::calloop::{
    Interest, LoopHandle, Mode, PostAction, RegistrationToken,
    generic::{Generic, NoIoDrop},
};
use tracing::{debug, info, warn};

use super::local::{GO, NOBODY, end_byte, socket_beside};
use crate::state::State;

/// Bytes of a list's length.
const LENGTH: usize = 4;

/// Where programs come, and the one that is served.
#[derive(Debug)]
pub(super) struct Outgoing {
    socket: PathBuf,
    sender: Option<Sender>,
}

#[derive(Debug)]
struct Sender {
    stream: UnixStream,
    source: RegistrationToken,
    /// Whether there may be something to read; its source is switched off then.
    is_readable: bool,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// So much of the list has come.
    Asking(Vec<u8>),
    /// The GUI domain's user is being asked.
    Offered { token: u32 },
    /// So many bytes are to come.
    Sending { token: u32, left: u64 },
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        // it may be gone with its folder
        let _ = fs::remove_file(&self.socket);
    }
}

impl Outgoing {
    /// The name beside the Wayland socket's is free for who has that one: what lies there is left from another agent.
    pub(super) fn listen(wayland: &Path, event_loop: &LoopHandle<'static, State>) -> io::Result<Self> {
        let socket = socket_beside(wayland);
        match fs::remove_file(&socket) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&socket)?;
        let outgoing = Self { socket, sender: None };
        fs::set_permissions(&outgoing.socket, fs::Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        let listener = Generic::new(listener, Interest::READ, Mode::Level);
        let accept = |_, listener: &mut NoIoDrop<UnixListener>, state: &mut State| {
            match listener.accept() {
                Ok((stream, _)) => state.sender_came(stream),
                Err(error) => debug!("a program that would send files was lost: {error}"),
            }
            Ok(PostAction::Continue)
        };
        event_loop.insert_source(listener, accept).map_err(|error| io::Error::other(error.error))?;
        Ok(outgoing)
    }
}

impl Sender {
    /// Whether another may take its place: it has not said what it wants.
    fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Asking(_))
    }

    fn token(&self) -> Option<u32> {
        match self.stage {
            Stage::Asking(_) => None,
            Stage::Offered { token } | Stage::Sending { token, .. } => Some(token),
        }
    }
}

impl State {
    fn sender_came(&mut self, stream: UnixStream) {
        if self.files.outgoing.sender.as_ref().is_some_and(|sender| !sender.is_idle()) {
            return answer(&stream, end_byte(FilesEnd::Busy));
        }
        self.dismiss_sender();
        let source = stream.set_nonblocking(true).and_then(|()| stream.try_clone()).and_then(|watched| {
            let watched = Generic::new(watched, Interest::READ, Mode::Level);
            let readable = |_, _: &mut _, state: &mut State| {
                if let Some(sender) = &mut state.files.outgoing.sender {
                    sender.is_readable = true;
                }
                // until it was read from, see `pump_files`
                Ok(PostAction::Disable)
            };
            self.event_loop.insert_source(watched, readable).map_err(|error| io::Error::other(error.error))
        });
        match source {
            Ok(source) => {
                let stage = Stage::Asking(Vec::new());
                self.files.outgoing.sender = Some(Sender { stream, source, is_readable: false, stage });
            }
            Err(error) => warn!("a program that would send files cannot be served: {error}"),
        }
    }

    fn dismiss_sender(&mut self) -> Option<Sender> {
        let sender = self.files.outgoing.sender.take()?;
        self.event_loop.remove(sender.source);
        Some(sender)
    }

    /// Tells the program how it ended.
    fn finish_sender(&mut self, byte: u8) {
        if let Some(sender) = self.dismiss_sender() {
            answer(&sender.stream, byte);
        }
    }

    /// The link is gone.
    pub(super) fn link_lost_for_sender(&mut self) {
        if self.files.outgoing.sender.as_ref().is_some_and(|sender| !sender.is_idle()) {
            self.finish_sender(end_byte(FilesEnd::Failed));
        }
    }

    /// More of the files is taken.
    pub(crate) fn files_wanted(&mut self, token: u32) {
        if let Some(sender) = &mut self.files.outgoing.sender
            && let Stage::Offered { token: offered } = sender.stage
            && offered == token
        {
            answer(&sender.stream, GO);
            let left = self.link.conn.files_left();
            sender.stage = Stage::Sending { token, left };
        }
    }

    /// What became of the files.
    pub(crate) fn files_sent(&mut self, token: u32, end: FilesEnd) {
        if self.files.outgoing.sender.as_ref().and_then(Sender::token) == Some(token) {
            info!("files for another domain: {end:?}");
            self.finish_sender(end_byte(end));
        }
    }

    /// Takes from the program what there is room for on the link. Whether anything is to be sent.
    pub(crate) fn pump_files(&mut self) -> bool {
        let Some(sender) = &mut self.files.outgoing.sender else { return false };
        if !sender.is_readable {
            return false;
        }
        let room = self.link.conn.files_room();
        let mut bytes = match &sender.stage {
            Stage::Asking(asked) => vec![0; missing(asked)],
            // nothing is due: only its end is looked for
            Stage::Offered { .. } | Stage::Sending { left: 0, .. } => vec![0; 1],
            Stage::Sending { .. } => vec![0; room],
        };
        if bytes.is_empty() {
            return false;
        }
        let read = match sender.stream.read(&mut bytes) {
            Ok(read @ 1..) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => return true,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                sender.is_readable = false;
                if let Err(error) = self.event_loop.enable(&sender.source) {
                    warn!("a program that sends files cannot be waited for: {error}");
                    self.give_up_sending();
                }
                return false;
            }
            Ok(0) | Err(_) => {
                self.give_up_sending();
                return true;
            }
        };
        bytes.truncate(read);
        match &mut sender.stage {
            Stage::Asking(asked) => {
                asked.extend(bytes);
                if missing(asked) == 0 {
                    self.offer_of_sender();
                }
            }
            Stage::Sending { token, left: left @ 1.. } => {
                *left = left.saturating_sub(read as u64);
                let token = *token;
                self.link.conn.files_data(token, bytes);
            }
            // it does not keep to what was said
            Stage::Offered { .. } | Stage::Sending { .. } => self.give_up_sending(),
        }
        true
    }

    /// The program has said what it wants.
    fn offer_of_sender(&mut self) {
        let Some(sender) = &mut self.files.outgoing.sender else { return };
        let Stage::Asking(asked) = &sender.stage else { return };
        let Some(files) = asked.get(LENGTH..).and_then(FileList::from_wire) else {
            return self.finish_sender(end_byte(FilesEnd::Failed));
        };
        match self.link.conn.offer_files(&files) {
            Some(token) => sender.stage = Stage::Offered { token },
            None => self.finish_sender(NOBODY),
        }
    }

    /// The program is gone, or talks nonsense.
    fn give_up_sending(&mut self) {
        if let Some(token) = self.dismiss_sender().and_then(|sender| sender.token()) {
            self.link.conn.files_end(token, FilesEnd::Cancelled);
        }
    }
}

/// Bytes of the list, its length included, that have not come. None are waited for beyond what a list may have.
fn missing(asked: &[u8]) -> usize {
    let Some(length) = asked.first_chunk::<LENGTH>() else { return LENGTH - asked.len() };
    let length = u32::from_le_bytes(*length).min(FileList::MAX_BYTES);
    (LENGTH + length as usize).saturating_sub(asked.len())
}

/// One byte fits into any socket's buffer; a program that is gone need not be told.
fn answer(mut stream: &UnixStream, byte: u8) {
    if let Err(error) = stream.write_all(&[byte]) {
        debug!("a program that sent files is gone: {error}");
    }
}
