//! The agent's Wayland socket: where it lies, and that it is gone when the agent is.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use smithay::reexports::wayland_server::{BindError, ListeningSocket};

/// Names tried when none is given. `wayland-0` is left alone: clients take it as a guess, and it may be another's.
const AUTOMATIC_NAMES: std::ops::RangeInclusive<u32> = 1..=64;

/// Where clients find this agent. Owns the folder if it had to make one.
#[derive(Debug)]
pub(crate) struct SocketPlace {
    dir: PathBuf,
    name: OsString,
    made: Option<MadeDir>,
}

impl SocketPlace {
    /// Binds the socket `name` (or the first free name) in `dir` (or the user's runtime folder, or a new one).
    pub(crate) fn bind(dir: Option<&Path>, name: Option<&str>) -> Result<(Self, ListeningSocket), BindError> {
        let (dir, made) = match dir.map(Path::to_owned).or_else(runtime_dir) {
            Some(dir) => (dir, None),
            None => {
                let made = MadeDir::new().map_err(BindError::Io)?;
                (made.0.clone(), Some(made))
            }
        };
        let (name, socket) = match name {
            Some(name) => (OsString::from(name), ListeningSocket::bind_absolute(dir.join(name))?),
            None => bind_first_free(&dir)?,
        };
        Ok((Self { dir, name, made }, socket))
    }

    /// The socket's own path.
    pub(crate) fn path(&self) -> PathBuf {
        self.dir.join(&self.name)
    }

    /// What clients need in their environment to find the socket.
    pub(crate) fn environment(&self) -> Vec<(&'static str, OsString)> {
        if self.made.is_some() {
            // without a runtime folder of their own, clients would not know where to look for a bare name
            vec![("WAYLAND_DISPLAY", self.path().into()), ("XDG_RUNTIME_DIR", self.dir.clone().into())]
        } else if runtime_dir().as_deref() == Some(&self.dir) {
            vec![("WAYLAND_DISPLAY", self.name.clone())]
        } else {
            vec![("WAYLAND_DISPLAY", self.path().into())]
        }
    }
}

fn runtime_dir() -> Option<PathBuf> {
    std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute())
}

fn bind_first_free(dir: &Path) -> Result<(OsString, ListeningSocket), BindError> {
    for number in AUTOMATIC_NAMES {
        let name = format!("wayland-{number}");
        match ListeningSocket::bind_absolute(dir.join(&name)) {
            Ok(socket) => return Ok((name.into(), socket)),
            Err(BindError::AlreadyInUse) => {}
            Err(error) => return Err(error),
        }
    }
    Err(BindError::AlreadyInUse)
}

/// A folder only this user can enter, removed when dropped.
#[derive(Debug)]
struct MadeDir(PathBuf);

impl MadeDir {
    fn new() -> io::Result<Self> {
        let base = std::env::temp_dir();
        let pid = std::process::id();
        for attempt in 0..1000 {
            let dir = base.join(format!("gui-agent-{pid}-{attempt}"));
            match fs::DirBuilder::new().mode(0o700).create(&dir) {
                Ok(()) => return Ok(Self(dir)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("no free name for a private runtime folder"))
    }
}

impl Drop for MadeDir {
    fn drop(&mut self) {
        // the socket and its lock went first; what clients left behind in it is theirs no more
        let _ = fs::remove_dir_all(&self.0);
    }
}
