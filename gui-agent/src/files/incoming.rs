//! Another domain's files on their way in. A thread of their own writes them.

use std::{
    io,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use gui_protocol::{FileInfo, FileList, FilesEnd, limits::FILES_WINDOW};
use rustix::io::Errno;
use smithay::reexports::calloop::{
    LoopHandle,
    channel::{self, Event},
};
use tracing::{info, warn};

use super::place::Landing;
use crate::state::State;

/// What comes in.
#[derive(Debug)]
pub(super) struct Incoming {
    /// Below which the folders of domains are; none for the user's own.
    folder: Option<PathBuf>,
    /// For the writing thread.
    reports: channel::Sender<Report>,
    /// The transfer, and the way to its thread. That ends with it, and leaves nothing.
    open: Option<(u64, u32, Sender<Vec<u8>>)>,
    /// Transfers there have been, over all links.
    count: u64,
}

/// What the thread of a transfer has to say.
#[derive(Debug)]
struct Report {
    /// Which of all transfers.
    number: u64,
    what: What,
}

#[derive(Debug)]
enum What {
    /// This many bytes more can be taken.
    Room(u32),
    Ended(FilesEnd),
}

impl Incoming {
    pub(super) fn new(folder: Option<&Path>, event_loop: &LoopHandle<'static, State>) -> io::Result<Self> {
        let (reports, received) = channel::channel();
        let report = |event, (): &mut (), state: &mut State| {
            if let Event::Msg(report) = event {
                state.files_reported(&report);
            }
        };
        event_loop.insert_source(received, report).map_err(|error| io::Error::other(error.error))?;
        Ok(Self { folder: folder.map(Path::to_owned), reports, open: None, count: 0 })
    }

    /// Nothing more comes.
    pub(super) fn stop(&mut self) {
        self.open = None;
    }

    fn start(&mut self, token: u32, from: String, files: FileList) -> io::Result<()> {
        let (bytes, to_write) = channel();
        self.count = self.count.saturating_add(1);
        let (number, reports, folder) = (self.count, self.reports.clone(), self.folder.clone());
        let write = move || {
            let report = |what| {
                // nobody listens any more when the agent ends
                let _ = reports.send(Report { number, what });
            };
            let written =
                write_all(folder.as_deref(), &from, &files, &to_write, |room| report(What::Room(room)));
            report(What::Ended(written.map_or_else(|error| failed(&from, &error), |()| FilesEnd::Done)));
        };
        thread::Builder::new().name("incoming".to_owned()).spawn(write)?;
        self.open = Some((number, token, bytes));
        Ok(())
    }
}

impl State {
    /// Another domain sends files; the GUI domain's user lets it.
    pub(crate) fn files_come(&mut self, token: u32, from: String, files: FileList) {
        info!("{} files of {} bytes come from {from:?}", files.files().len(), files.total());
        if let Err(error) = self.files.incoming.start(token, from, files) {
            warn!("they cannot be taken: {error}");
            self.link.conn.files_result(token, FilesEnd::Failed);
        }
    }

    /// The next bytes.
    pub(crate) fn files_data_came(&mut self, token: u32, data: Vec<u8>) {
        if let Some((_, open, bytes)) = &self.files.incoming.open
            && *open == token
        {
            // a thread that has ended has said so
            let _ = bytes.send(data);
        }
    }

    /// No more comes.
    pub(crate) fn files_broken_off(&mut self, token: u32) {
        if self.files.incoming.open.take_if(|(_, open, _)| *open == token).is_some() {
            info!("no more files come: what came of them is dropped");
        }
    }

    fn files_reported(&mut self, report: &Report) {
        let open = self.files.incoming.open.as_ref().filter(|(number, ..)| *number == report.number);
        let Some(&(_, token, _)) = open else { return };
        match report.what {
            What::Room(bytes) => {
                self.link.conn.files_credit(token, bytes);
            }
            What::Ended(end) => {
                info!("files from another domain: {end:?}");
                self.files.incoming.stop();
                self.link.conn.files_result(token, end);
            }
        }
    }
}

/// Takes the bytes of all files and has them land. Without the last of them, or with an error, nothing stays.
fn write_all(
    folder: Option<&Path>,
    from: &str,
    files: &FileList,
    bytes: &Receiver<Vec<u8>>,
    room: impl Fn(u32),
) -> io::Result<()> {
    let mut landing = Landing::new(folder, from)?;
    if !landing.has_room(files.total())? {
        return Err(Errno::NOSPC.into());
    }
    room(FILES_WINDOW);
    let mut came: Vec<u8> = Vec::new();
    for FileInfo { name, size } in files.files() {
        landing.begin(name)?;
        let mut left = *size;
        while left > 0 {
            if came.is_empty() {
                came = bytes.recv().map_err(|_| io::ErrorKind::UnexpectedEof)?;
            }
            let count = came.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let rest = came.split_off(count);
            landing.write(&came)?;
            left = left.saturating_sub(count as u64);
            room(u32::try_from(count).unwrap_or(u32::MAX));
            came = rest;
        }
    }
    landing.finish()
}

/// How a failure is told, but for a transfer that somebody else ended.
fn failed(from: &str, error: &io::Error) -> FilesEnd {
    if error.kind() != io::ErrorKind::UnexpectedEof {
        warn!("files from {from:?} cannot be kept: {error}");
    }
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => FilesEnd::NoRoom,
        _ => FilesEnd::Failed,
    }
}
