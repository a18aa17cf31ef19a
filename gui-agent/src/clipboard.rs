//! The clipboard between this domain and the GUI domain, where the user copies and pastes by a gesture of their own.
//!
//! What holds:
//! - The GUI domain gets one answer to its last question, within [`PATIENCE`]: text, or nothing.
//! - Applications' pipes are read and written only as far as they go without waiting, in bounded numbers: one that is
//!   read from, and [`MAX_READERS`] that are written to.
//! - Bytes are passed on as they are, whatever they say of themselves.

use std::{
    collections::BTreeMap,
    io,
    os::fd::{AsRawFd, OwnedFd},
    sync::Arc,
    time::{Duration, Instant},
};

use gui_protocol::limits::CLIPBOARD_MAX;
use rustix::{
    fs::{FileType, Mode as FileMode, OFlags, fcntl_setfl, fstat, open},
    io::Errno,
    pipe::{PipeFlags, pipe_with},
};
use smithay::{
    reexports::calloop::{
        Interest, Mode, PostAction, RegistrationToken,
        generic::{Generic, NoIoDrop},
    },
    wayland::selection::{
        SelectionTarget,
        data_device::{
            SelectionRequestError, current_data_device_selection_userdata,
            request_data_device_client_selection, set_data_device_selection,
        },
    },
};
use tracing::{debug, warn};

use crate::state::State;

/// What text is called, best first: UTF-8 by the names of Wayland and X11, then whatever the program has.
const TEXT: [&str; 5] = ["text/plain;charset=utf-8", "UTF8_STRING", "text/plain", "STRING", "TEXT"];

/// How long an application may take to hand over what it has copied. Shorter than the GUI domain waits.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// How many applications may be slow at taking what was pasted. One more, and the one that began first gets no more.
pub(crate) const MAX_READERS: usize = 16;

/// Enough to know that there is more than may be told.
const MOST: usize = CLIPBOARD_MAX + 1;

/// Who has a selection that no Wayland application of this domain has.
#[derive(Debug, Clone)]
pub enum Owner {
    /// The user has pasted this text into the domain.
    GuiDomain(Arc<[u8]>),
    /// An X11 application.
    X11,
}

/// What is under way.
#[derive(Debug, Default)]
pub(crate) struct Clipboard {
    reading: Option<Reading>,
    writing: BTreeMap<u64, RegistrationToken>,
    next: u64,
}

/// What an application hands over for the GUI domain.
#[derive(Debug)]
struct Reading {
    source: RegistrationToken,
    bytes: Vec<u8>,
    deadline: Instant,
}

impl Clipboard {
    /// When [`State::give_up_reading`] has something to do.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.reading.as_ref().map(|reading| reading.deadline)
    }
}

impl State {
    /// The user copies in this domain.
    pub(crate) fn clipboard_requested(&mut self) {
        self.stop_reading();
        let owner = current_data_device_selection_userdata(&self.seat).map(|owner| owner.clone());
        if let Some(Owner::GuiDomain(pasted)) = owner {
            return self.link.conn.clipboard(&pasted);
        }
        match self.start_reading() {
            Ok(true) => {}
            Ok(false) => self.link.conn.clipboard(&[]),
            Err(error) => {
                warn!("the clipboard cannot be read: {error}");
                self.link.conn.clipboard(&[]);
            }
        }
    }

    /// Asks the application that has the clipboard for text. False if there is none.
    fn start_reading(&mut self) -> io::Result<bool> {
        let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC)?;
        fcntl_setfl(&ours, OFlags::NONBLOCK)?;
        if !self.ask_for_text(&theirs)? {
            return Ok(false);
        }
        let readable = Generic::new(ours, Interest::READ, Mode::Level);
        let read = |_, pipe: &mut NoIoDrop<OwnedFd>, state: &mut Self| Ok(state.read_selection(pipe));
        let source =
            self.event_loop.insert_source(readable, read).map_err(|error| io::Error::other(error.error))?;
        self.clipboard.reading =
            Some(Reading { source, bytes: Vec::new(), deadline: Instant::now() + PATIENCE });
        Ok(true)
    }

    fn ask_for_text(&mut self, pipe: &OwnedFd) -> io::Result<bool> {
        for kind in TEXT {
            match request_data_device_client_selection(&self.seat, kind.to_owned(), pipe.try_clone()?) {
                Ok(()) => return Ok(true),
                Err(SelectionRequestError::InvalidMimetype) => {}
                Err(SelectionRequestError::NoSelection) => break,
                Err(SelectionRequestError::ServerSideSelection) => {
                    if self.fetch_from_x11(SelectionTarget::Clipboard, kind, pipe.try_clone()?) {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    fn read_selection(&mut self, pipe: &OwnedFd) -> PostAction {
        let Some(reading) = &mut self.clipboard.reading else { return PostAction::Remove };
        let mut part = [0; 4096];
        let whole = loop {
            match rustix::io::read(pipe, &mut part) {
                Ok(0) => break true,
                Ok(read) => reading.bytes.extend_from_slice(part.get(..read).unwrap_or_default()),
                Err(Errno::AGAIN) => return PostAction::Continue,
                Err(Errno::INTR) => {}
                Err(error) => {
                    debug!("the clipboard ended early: {error}");
                    break false;
                }
            }
            if reading.bytes.len() >= MOST {
                break true;
            }
        };
        let bytes = self.clipboard.reading.take().filter(|_| whole).map(|reading| reading.bytes);
        self.link.conn.clipboard(&bytes.unwrap_or_default());
        PostAction::Remove
    }

    /// Answers that there is nothing, if the application has had its time.
    pub(crate) fn give_up_reading(&mut self, now: Instant) {
        if self.clipboard.deadline().is_some_and(|deadline| deadline <= now) {
            warn!("an application did not hand over its clipboard within {} s", PATIENCE.as_secs());
            self.stop_reading();
            self.link.conn.clipboard(&[]);
        }
    }

    /// Nobody wants the answer any more.
    pub(crate) fn stop_reading(&mut self) {
        if let Some(reading) = self.clipboard.reading.take() {
            self.event_loop.remove(reading.source);
        }
    }

    /// The user pastes into this domain: its applications find the text in their clipboard.
    pub(crate) fn pasted(&mut self, text: Vec<u8>) {
        let kinds = TEXT.map(str::to_owned).to_vec();
        set_data_device_selection(
            &self.display,
            &self.seat,
            kinds.clone(),
            Owner::GuiDomain(Arc::from(text)),
        );
        self.offer_to_x11(SelectionTarget::Clipboard, kinds);
    }

    /// An application takes what was pasted.
    pub(crate) fn give(&mut self, pipe: &OwnedFd, text: Arc<[u8]>) {
        match own_end(pipe) {
            Ok(pipe) => self.write_pasted(pipe, text),
            Err(error) => debug!("an application cannot be given the clipboard: {error}"),
        }
    }

    fn write_pasted(&mut self, pipe: OwnedFd, text: Arc<[u8]>) {
        let mut written = 0;
        if !write_some(&pipe, &text, &mut written) {
            return;
        }
        let number = self.clipboard.next;
        self.clipboard.next = number.wrapping_add(1);
        let writable = Generic::new(pipe, Interest::WRITE, Mode::Level);
        let write = move |_, pipe: &mut NoIoDrop<OwnedFd>, state: &mut Self| {
            if write_some(pipe, &text, &mut written) {
                return Ok(PostAction::Continue);
            }
            state.clipboard.writing.remove(&number);
            Ok(PostAction::Remove)
        };
        match self.event_loop.insert_source(writable, write) {
            Ok(source) => drop(self.clipboard.writing.insert(number, source)),
            Err(error) => return warn!("an application cannot be waited for: {}", error.error),
        }
        if self.clipboard.writing.len() > MAX_READERS
            && let Some((_, oldest)) = self.clipboard.writing.pop_first()
        {
            self.event_loop.remove(oldest);
        }
    }
}

/// Writes as much as there is room for. Whether there is more to be written.
fn write_some(pipe: &OwnedFd, text: &[u8], written: &mut usize) -> bool {
    while let Some(rest) = text.get(*written..).filter(|rest| !rest.is_empty()) {
        match rustix::io::write(pipe, rest) {
            Ok(more) => *written = written.saturating_add(more),
            Err(Errno::INTR) => {}
            Err(error) => return error == Errno::AGAIN,
        }
    }
    false
}

/// A writing end of the application's pipe that is this process's alone. The one it came with shares its flags with the
/// application, which could take the one away by which writing does not wait.
fn own_end(pipe: &OwnedFd) -> io::Result<OwnedFd> {
    if FileType::from_raw_mode(fstat(pipe)?.st_mode) != FileType::Fifo {
        return Err(io::Error::other("it did not give a pipe"));
    }
    let path = format!("/proc/self/fd/{}", pipe.as_raw_fd());
    Ok(open(path, OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, FileMode::empty())?)
}
