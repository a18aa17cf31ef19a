//! The place where X11 programs connect: a display's number, its lock, and its socket.
//!
//! Only this domain's own user can: the socket is made with the usual rights of a file, there is no abstract one, and
//! Xwayland lets in nobody else when it has no list of keys.

use std::{
    fs, io,
    os::unix::{fs::DirBuilderExt as _, net::UnixListener},
    path::{Path, PathBuf},
};

use rustix::process::{Pid, test_kill_process};

/// Where libraries of X11 look for sockets; nothing can tell them of another place.
const SOCKETS: &str = "/tmp/.X11-unix";

/// Numbers that are tried. Nobody runs as many displays.
const NUMBERS: std::ops::Range<u32> = 0..1000;

/// A display that is listened for. Goes with its files.
#[derive(Debug)]
pub(super) struct DisplayPlace {
    number: u32,
    pub(super) socket: UnixListener,
    path: PathBuf,
    _lock: Lock,
}

impl DisplayPlace {
    /// Takes the first number that is free.
    pub(super) fn bind() -> io::Result<Self> {
        // one that exists, by whomever it was made, is fine if a socket can be made in it
        match fs::DirBuilder::new().mode(0o1777).create(SOCKETS) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        for number in NUMBERS {
            let Some(lock) = Lock::take(format!("/tmp/.X{number}-lock").into())? else { continue };
            let path = Path::new(SOCKETS).join(format!("X{number}"));
            // whoever made it did not keep its lock, so it is dead or never kept one: then it answers
            if std::os::unix::net::UnixStream::connect(&path).is_ok() {
                continue;
            }
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => continue,
                _ => {}
            }
            let socket = UnixListener::bind(&path)?;
            return Ok(Self { number, socket, path, _lock: lock });
        }
        Err(io::Error::other("all display numbers are taken"))
    }

    /// As `DISPLAY` has it.
    pub(super) fn name(&self) -> String {
        format!(":{}", self.number)
    }
}

impl Drop for DisplayPlace {
    fn drop(&mut self) {
        // if it is gone already, somebody else saw to it
        let _ = fs::remove_file(&self.path);
    }
}

/// A display's lock: a file with the number of the process that holds it.
#[derive(Debug)]
struct Lock(PathBuf);

impl Lock {
    /// Takes a lock that nobody holds who still runs.
    fn take(path: PathBuf) -> io::Result<Option<Self>> {
        let pid = std::process::id();
        // made whole before it has its name, so that nobody reads half of it
        let draft = tempname(&path, pid);
        fs::write(&draft, format!("{pid:>10}\n"))?;
        let mut taken = fs::hard_link(&draft, &path);
        if taken.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AlreadyExists)
            && is_stale(&path)
            && fs::remove_file(&path).is_ok()
        {
            taken = fs::hard_link(&draft, &path);
        }
        let _ = fs::remove_file(&draft);
        match taken {
            Ok(()) => Ok(Some(Self(path))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn tempname(path: &Path, pid: u32) -> PathBuf {
    // agents of one process are told apart by their threads
    let thread = std::thread::current().id();
    path.with_extension(format!("{pid}-{thread:?}").replace(['(', ')'], ""))
}

/// Whether the process that made a lock is gone.
fn is_stale(lock: &Path) -> bool {
    let Ok(text) = fs::read_to_string(lock) else { return false };
    let pid = text.trim().parse().ok().filter(|pid| *pid > 0).and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) == Err(rustix::io::Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_is_one_agents_and_goes_with_it() {
        let first = DisplayPlace::bind().unwrap();
        let second = DisplayPlace::bind().unwrap();
        assert_ne!(first.name(), second.name());
        let (path, lock) = (first.path.clone(), first._lock.0.clone());
        assert!(path.exists() && lock.exists());
        drop(first);
        assert!(!path.exists() && !lock.exists());
    }

    #[test]
    fn a_lock_is_taken_from_the_dead_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        fs::write(&path, format!("{:>10}\n", child.id())).unwrap();
        let lock = Lock::take(path.clone()).unwrap().expect("its holder is gone");
        assert!(Lock::take(path.clone()).unwrap().is_none(), "this process is not");
        drop(lock);
        fs::write(&path, "nonsense").unwrap();
        assert!(Lock::take(path).unwrap().is_none(), "who holds that is not known");
    }
}
