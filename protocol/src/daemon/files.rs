//! Files that an agent sends to another domain, and that it is sent.

use alloc::vec::Vec;

use super::{DaemonConn, DaemonEvent};
use crate::error::Violation;
use crate::limits::{MAX_DOMAIN_NAME, MAX_FILES_CHUNK};
use crate::message::{Bytes, DaemonMessage};
use crate::types::{FileList, FilesEnd, WindowId};

/// What messages about files name as their window.
const NO_WINDOW: WindowId = WindowId(0);

/// Nothing of this is sent before level 1. Each tells whether it was sent.
impl DaemonConn {
    /// Lets the agent send this many more bytes of the files it offered; with the first, it is told that they are taken.
    /// Not if there is no such offer, or it would make more than 262144 with those it has not used.
    pub fn files_credit(&mut self, token: u32, bytes: u32) -> bool {
        self.files.allow(token, bytes) && self.send(NO_WINDOW, &DaemonMessage::FilesCredit { token, bytes })
    }

    /// Says what became of the files the agent offered. What of them is still on its way is dropped.
    pub fn files_result(&mut self, token: u32, end: FilesEnd) -> bool {
        let end = end.to_wire();
        self.files.finish(token) && self.send(NO_WINDOW, &DaemonMessage::FilesResult { token, end })
    }

    /// Offers the agent files of the domain of this name. The offer's number, unless one is open already, the name has
    /// more than 255 bytes or a NUL, or the agent does not take files.
    pub fn offer_files(&mut self, from: &str, files: &FileList) -> Option<u32> {
        if self.level() == 0 || from.len() > MAX_DOMAIN_NAME as usize || from.contains('\0') {
            return None;
        }
        let token = self.files.offer(files.total())?;
        let mut bytes = Vec::from(from);
        bytes.push(0);
        bytes.extend(files.to_wire());
        self.send(NO_WINDOW, &DaemonMessage::FilesOffer { token, from_and_files: Bytes(bytes) });
        Some(token)
    }

    /// How many bytes of the offered files the agent takes now.
    #[must_use]
    pub fn files_room(&self) -> usize {
        self.files.room()
    }

    /// Sends the next bytes of the offered files. Not if they are none, or more than [`DaemonConn::files_room`] or 32768.
    pub fn files_data(&mut self, token: u32, data: Vec<u8>) -> bool {
        data.len() <= MAX_FILES_CHUNK as usize
            && self.files.send(token, data.len())
            && self.send(NO_WINDOW, &DaemonMessage::FilesData { token, data: Bytes(data) })
    }

    /// No more of the offered files comes, because it was cancelled, or else failed.
    pub fn files_end(&mut self, token: u32, end: FilesEnd) -> bool {
        let end = end.as_broken().to_wire();
        self.files.end(token) && self.send(NO_WINDOW, &DaemonMessage::FilesEnd { token, end })
    }

    pub(super) fn handle_files_offer(&mut self, token: u32, files: &[u8]) -> Result<(), Violation> {
        let wrong = Violation::FileList { message: "FILES_OFFER", length: files.len() };
        let files = FileList::from_wire(files).ok_or(wrong)?;
        self.files.heard_offer(token, files.total())?;
        self.events.push_back(DaemonEvent::FilesOffered { token, files });
        Ok(())
    }

    pub(super) fn handle_files_data(&mut self, token: u32, data: Vec<u8>) -> Result<(), Violation> {
        if self.files.heard_data(token, data.len())? {
            self.events.push_back(DaemonEvent::FilesData { token, data });
        }
        Ok(())
    }

    pub(super) fn handle_files_end(&mut self, token: u32, end: u32) -> Result<(), Violation> {
        let ended = self.files.heard_end(token, end)?;
        self.events.extend(ended.map(|end| DaemonEvent::FilesEnded { token, end }));
        Ok(())
    }

    pub(super) fn handle_files_credit(&mut self, token: u32, bytes: u32) -> Result<(), Violation> {
        if self.files.heard_credit(token, bytes)? {
            self.events.push_back(DaemonEvent::FilesCredit { token, bytes });
        }
        Ok(())
    }

    pub(super) fn handle_files_result(&mut self, token: u32, end: u32) -> Result<(), Violation> {
        let ended = self.files.heard_result(token, end)?;
        self.events.extend(ended.map(|end| DaemonEvent::FilesResult { token, end }));
        Ok(())
    }
}
