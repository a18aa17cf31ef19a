//! `gui-agent send`: hands files to this domain's agent, for the user of the GUI domain to say where they go.

use std::{
    env, fs,
    fs::File,
    io::{self, ErrorKind, IsTerminal as _, Read as _, Write as _},
    os::unix::{fs::OpenOptionsExt as _, net::UnixStream},
    path::{Path, PathBuf},
    process::ExitCode,
};

use gui_protocol::{FileInfo, FileList, FilesEnd, limits::MAX_FILES};
use rustix::fs::OFlags;

use super::local::{GO, NOBODY, end_of_byte, socket_beside};

/// Bytes that are read and written at once.
const CHUNK: usize = 64 * 1024;

/// Why files were not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// There is nothing that says where the agent is.
    #[error("no agent: WAYLAND_DISPLAY is not set (is this a program of the agent's session?)")]
    NoDisplay,
    /// Nobody listens there.
    #[error("no agent at {}: {error}", .path.display())]
    NoAgent {
        /// Where.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file that cannot be opened or read.
    #[error("{}: {error}", .path.display())]
    File {
        /// As it was given.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A folder, a device, or something else that is no file.
    #[error("{}: not a regular file", .0.display())]
    NotRegular(PathBuf),
    /// A file that became shorter while it was sent.
    #[error("{}: it became shorter while it was sent", .0.display())]
    Shrank(PathBuf),
    /// More than one transfer takes.
    #[error("too many files: at most {MAX_FILES}, with names of 64 KiB in all; send an archive instead")]
    TooMany,
    /// The GUI domain's daemon is not there, or knows nothing of files.
    #[error("there is no GUI domain that takes files now")]
    NoDaemon,
    /// The agent went, or the GUI domain.
    #[error("the agent has gone: {0}")]
    Lost(io::Error),
    /// They did not arrive.
    #[error("{}", said(*.0))]
    Ended(FilesEnd),
}

impl SendError {
    /// What the program exits with: 3 if nobody takes the files, 4 if they were stopped, else 1.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Ended(FilesEnd::Refused) => 3.into(),
            Self::Ended(FilesEnd::Cancelled) => 4.into(),
            _ => ExitCode::FAILURE,
        }
    }
}

fn said(end: FilesEnd) -> &'static str {
    match end {
        FilesEnd::Done => "sent",
        FilesEnd::Refused => "refused: no domain takes them",
        FilesEnd::Cancelled => "stopped by the user: nothing was kept",
        FilesEnd::Failed | FilesEnd::NoRoom => "failed on the way: nothing was kept",
        FilesEnd::Busy => {
            "another transfer is under way, or one was refused just now: try again in a few seconds"
        }
        FilesEnd::TooLarge => "too large: the GUI domain does not carry as much",
    }
}

/// Sends these files by the agent with this Wayland socket and waits until they have arrived. Says on stderr how far it is, if
/// that is a terminal.
///
/// # Errors
///
/// [`SendError`]: then nothing of them was kept anywhere.
pub fn send(agent: &Path, paths: &[PathBuf]) -> Result<(), SendError> {
    let (files, list) = opened(paths)?;
    let socket = socket_beside(agent);
    let mut agent =
        UnixStream::connect(&socket).map_err(|error| SendError::NoAgent { path: socket, error })?;
    let list_bytes = list.to_wire();
    let length = u32::try_from(list_bytes.len()).map_err(|_| SendError::TooMany)?.to_le_bytes();
    // an agent that answers at once may have closed before all is written
    let written = agent.write_all(&length).and_then(|()| agent.write_all(&list_bytes));
    let mut progress = Progress::new(list.total());
    progress.say("waiting for the user of the GUI domain to choose a domain …");
    match answer(&mut agent, written)? {
        GO => {}
        other => return ended(other),
    }
    for ((path, mut file), FileInfo { size, .. }) in files.into_iter().zip(list.files()) {
        if let Some(byte) = copy(&path, &mut file, *size, &mut agent, &mut progress)? {
            return ended(byte);
        }
    }
    ended(answer(&mut agent, Ok(()))?)
}

/// The files, and the list of them.
fn opened(paths: &[PathBuf]) -> Result<(Vec<(PathBuf, File)>, FileList), SendError> {
    if paths.len() > MAX_FILES {
        return Err(SendError::TooMany);
    }
    let (mut files, mut infos) = (Vec::new(), Vec::new());
    for path in paths {
        let failed = |error| SendError::File { path: path.clone(), error };
        // a named pipe would be waited for
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
        let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        let name = path.file_name().filter(|_| metadata.is_file());
        let name = name.ok_or_else(|| SendError::NotRegular(path.clone()))?.to_string_lossy().into_owned();
        infos.push(FileInfo { name, size: metadata.len() });
        files.push((path.clone(), file));
    }
    let list = FileList::new(infos).ok_or(SendError::TooMany)?;
    Ok((files, list))
}

/// The Wayland socket of this session's agent.
///
/// # Errors
///
/// [`SendError::NoDisplay`].
pub fn session_agent() -> Result<PathBuf, SendError> {
    let display = env::var_os("WAYLAND_DISPLAY").filter(|display| !display.is_empty());
    let display = PathBuf::from(display.ok_or(SendError::NoDisplay)?);
    let folder = env::var_os("XDG_RUNTIME_DIR").unwrap_or_default();
    // an absolute path stays what it is
    Ok(Path::new(&folder).join(display))
}

/// Copies a file. The agent's answer if that comes before the end.
fn copy(
    path: &Path,
    file: &mut File,
    size: u64,
    agent: &mut UnixStream,
    progress: &mut Progress,
) -> Result<Option<u8>, SendError> {
    let mut bytes = vec![0; CHUNK];
    let mut left = size;
    while left > 0 {
        let count = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let part = bytes.get_mut(..count).unwrap_or_default();
        let failed = |error| SendError::File { path: path.to_owned(), error };
        let read = match file.read(part) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read.map_err(failed)?,
        };
        if read == 0 {
            return Err(SendError::Shrank(path.to_owned()));
        }
        if let Err(error) = agent.write_all(part.get(..read).unwrap_or_default()) {
            return answer(agent, Err(error)).map(Some);
        }
        left = left.saturating_sub(read as u64);
        progress.add(read as u64);
    }
    Ok(None)
}

/// The agent's next word. If writing to it failed and it has none, that is why.
fn answer(agent: &mut UnixStream, written: io::Result<()>) -> Result<u8, SendError> {
    let mut byte = [0];
    match agent.read_exact(&mut byte) {
        Ok(()) => Ok(byte[0]),
        Err(error) => Err(SendError::Lost(written.err().unwrap_or(error))),
    }
}

/// What the agent's last word means.
fn ended(byte: u8) -> Result<(), SendError> {
    match end_of_byte(byte) {
        Some(FilesEnd::Done) => Ok(()),
        Some(end) => Err(SendError::Ended(end)),
        None if byte == NOBODY => Err(SendError::NoDaemon),
        None => Err(SendError::Lost(ErrorKind::InvalidData.into())),
    }
}

/// Tells how far it is, if anybody looks.
struct Progress {
    is_seen: bool,
    total: u64,
    sent: u64,
    percent: u64,
}

impl Progress {
    fn new(total: u64) -> Self {
        Self { is_seen: io::stderr().is_terminal(), total, sent: 0, percent: 0 }
    }

    fn say(&self, line: &str) {
        if self.is_seen {
            eprintln!("{line}");
        }
    }

    fn add(&mut self, bytes: u64) {
        self.sent = self.sent.saturating_add(bytes);
        let percent = (u128::from(self.sent) * 100).checked_div(u128::from(self.total)).unwrap_or(100);
        let percent = u64::try_from(percent).unwrap_or(100);
        if self.is_seen && percent != self.percent {
            let end = if percent == 100 { "\n" } else { "" };
            eprint!("\r{percent:3} %{end}");
        }
        self.percent = percent;
    }
}
