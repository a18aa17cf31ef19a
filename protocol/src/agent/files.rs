//! Files that this agent's domain sends to another, and that it is sent.

use alloc::string::String;
use alloc::vec::Vec;

use super::{AgentConn, AgentEvent, Waiting};
use crate::error::Violation;
use crate::limits::{BACKLOG, MAX_FILES_CHUNK};
use crate::message::{AgentMessage, Bytes, DaemonMessage};
use crate::types::{FileList, FilesEnd, WindowId};
use crate::wire::Reader;

/// What messages about files name as their window.
const NO_WINDOW: WindowId = WindowId(0);

/// Nothing of this is sent without a daemon of level 1. A transfer ends with its link, and nothing is said of it then. Each
/// tells whether it was sent.
impl AgentConn {
    /// Offers files to another domain. The offer's number, unless one is open already or nobody can be told.
    pub fn offer_files(&mut self, files: &FileList) -> Option<u32> {
        if self.level() == 0 {
            return None;
        }
        let token = self.files.offer(files.total())?;
        self.tell_in_turn(Waiting::Files(AgentMessage::FilesOffer { token, files: Bytes(files.to_wire()) }));
        Some(token)
    }

    /// How many bytes of the offered files may be given now: what the receiver takes, as long as nothing of the scene waits
    /// to be told.
    #[must_use]
    pub fn files_room(&self) -> usize {
        if !self.waiting.is_empty() || self.clipboard.is_some() {
            return 0;
        }
        let room = BACKLOG.saturating_sub(self.outbox.pending().len()).min(MAX_FILES_CHUNK as usize);
        self.files.room().min(room)
    }

    /// How many bytes of the offered files were not given yet.
    #[must_use]
    pub fn files_left(&self) -> u64 {
        self.files.left()
    }

    /// Sends the next bytes of the offered files. Not if they are none, or more than [`AgentConn::files_room`].
    pub fn files_data(&mut self, token: u32, data: Vec<u8>) -> bool {
        let sent = data.len() <= self.files_room() && self.files.send(token, data.len());
        if sent {
            self.send(NO_WINDOW, &AgentMessage::FilesData { token, data: Bytes(data) });
        }
        sent
    }

    /// No more of the offered files comes, because it was cancelled, or else failed.
    pub fn files_end(&mut self, token: u32, end: FilesEnd) -> bool {
        let ended = self.files.end(token);
        if ended {
            let end = end.as_broken().to_wire();
            self.tell_in_turn(Waiting::Files(AgentMessage::FilesEnd { token, end }));
        }
        ended
    }

    /// Takes this many more bytes of the files that are sent. Not if that makes more than 262144 with those that have not
    /// come.
    pub fn files_credit(&mut self, token: u32, bytes: u32) -> bool {
        let allowed = self.files.allow(token, bytes);
        if allowed {
            self.tell_in_turn(Waiting::Files(AgentMessage::FilesCredit { token, bytes }));
        }
        allowed
    }

    /// Says what became of the files that are sent. What is on its way is dropped.
    pub fn files_result(&mut self, token: u32, end: FilesEnd) -> bool {
        let finished = self.files.finish(token);
        if finished {
            let end = end.to_wire();
            self.tell_in_turn(Waiting::Files(AgentMessage::FilesResult { token, end }));
        }
        finished
    }

    /// What the daemon says of files.
    pub(super) fn handle_files(&mut self, message: DaemonMessage) -> Result<(), Violation> {
        let event = match message {
            DaemonMessage::FilesOffer { token, from_and_files: Bytes(bytes) } => {
                let wrong = Violation::FileList { message: "FILES_OFFER", length: bytes.len() };
                let (from, files) = from_and_files(&bytes).ok_or(wrong)?;
                self.files.heard_offer(token, files.total())?;
                Some(AgentEvent::FilesOffered { token, from, files })
            }
            DaemonMessage::FilesData { token, data: Bytes(data) } => {
                self.files.heard_data(token, data.len())?.then_some(AgentEvent::FilesData { token, data })
            }
            DaemonMessage::FilesEnd { token, end } => {
                self.files.heard_end(token, end)?.map(|end| AgentEvent::FilesEnded { token, end })
            }
            DaemonMessage::FilesCredit { token, bytes } => {
                self.files.heard_credit(token, bytes)?.then_some(AgentEvent::FilesCredit { token, bytes })
            }
            DaemonMessage::FilesResult { token, end } => {
                self.files.heard_result(token, end)?.map(|end| AgentEvent::FilesResult { token, end })
            }
            _ => None,
        };
        self.events.extend(event);
        Ok(())
    }
}

fn from_and_files(bytes: &[u8]) -> Option<(String, FileList)> {
    let mut reader = Reader::new(bytes);
    let from = str::from_utf8(reader.until_nul()?).ok()?;
    Some((from.into(), FileList::from_wire(reader.rest())?))
}
