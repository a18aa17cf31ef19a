//! The program Xwayland: started with its sockets, watched, and ended with its owner.

use std::{
    io,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::{net::UnixStream, process::CommandExt as _},
    },
    process::{Command, Stdio},
    sync::Arc,
};

use rustix::{
    io::{FdFlags, fcntl_setfd},
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};
use smithay::reexports::{
    calloop::{
        self, EventSource, Interest, LoopHandle, Mode, PostAction, RegistrationToken, generic::Generic,
    },
    wayland_server::{Client, DisplayHandle},
};

use super::{display::DisplayPlace, startup::Startup};
use crate::{
    compose::Density,
    state::{ClientState, State},
};

/// What is run.
pub(super) const PROGRAM: &str = "Xwayland";

/// Seconds without an X11 program after which it ends: they come in series.
const LINGER: &str = "10";

/// A running Xwayland. Dropping this asks it to end.
pub(super) struct Process {
    pidfd: OwnedFd,
    /// As which it draws.
    pub(super) client: Client,
    event_loop: LoopHandle<'static, State>,
    /// Of the window manager's connection.
    readable: RegistrationToken,
    writable: RegistrationToken,
}

impl Process {
    /// Starts it, to serve whoever connects to the display.
    pub(super) fn start(
        place: &DisplayPlace,
        density: Density,
        display: &mut DisplayHandle,
        event_loop: &LoopHandle<'static, State>,
    ) -> io::Result<(Self, Startup)> {
        let (manager, manager_there) = UnixStream::pair()?;
        let (client, client_there) = UnixStream::pair()?;
        let display_there = place.socket.try_clone()?;
        let number = |fd: BorrowedFd<'_>| {
            // kept by the child; here all three are closed as soon as it has them
            fcntl_setfd(fd, FdFlags::empty()).map(|()| fd.as_raw_fd().to_string())
        };
        let mut child = Command::new(PROGRAM)
            .arg(place.name())
            .args(["-rootless", "-shm", "-terminate", LINGER])
            .args(["-wm", &number(manager_there.as_fd())?])
            .args(["-listenfd", &number(display_there.as_fd())?])
            .env("WAYLAND_SOCKET", number(client_there.as_fd())?)
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("DISPLAY")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        drop((manager_there, client_there, display_there));
        let watched = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).map_err(io::Error::from);
        let watched = watched.and_then(|pidfd| Ok((pidfd.try_clone()?, pidfd)));
        let (pidfd, ended) = match watched {
            Ok(watched) => watched,
            Err(error) => {
                // it cannot be watched, so it must not be
                let _ = child.kill();
                let _ = child.wait();
                return Err(error);
            }
        };
        let ended = Generic::new(ended, Interest::READ, Mode::Level);
        insert(event_loop, ended, move |_, _: &mut _, state| {
            // it has ended, so this returns at once
            state.xwayland.ended = child.wait().ok();
            Ok(PostAction::Remove)
        })?;

        let readable = Generic::new(manager.try_clone()?, Interest::READ, Mode::Level);
        let readable = insert(event_loop, readable, |_, _: &mut _, state| {
            state.xwayland.readable = true;
            Ok(PostAction::Continue)
        })?;
        let writable = Generic::new(manager.try_clone()?, Interest::WRITE, Mode::Level);
        // what is to be written is written after each round of events
        let writable = insert(event_loop, writable, |_, _: &mut _, _| Ok(PostAction::Continue))?;
        event_loop.disable(&writable).map_err(io::Error::other)?;

        let state = ClientState::default();
        state.compositor.set_client_scale(density.factor());
        let client = display.insert_client(client, Arc::new(state))?;
        let process = Self { pidfd, client, event_loop: event_loop.clone(), readable, writable };
        Ok((process, Startup::new(manager)?))
    }

    /// Ends it at once.
    pub(super) fn kill(&self) {
        // fails if it is gone already
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
    }

    /// Whether there is something to be written that the socket has not taken.
    pub(super) fn set_wants_write(&self, wants: bool) {
        // fails only for sources that are not there, and this one is
        let _ = match wants {
            true => self.event_loop.enable(&self.writable),
            false => self.event_loop.disable(&self.writable),
        };
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.event_loop.remove(self.readable);
        self.event_loop.remove(self.writable);
        // fails if it is gone already
        let _ = pidfd_send_signal(&self.pidfd, Signal::TERM);
    }
}

/// Adds a source to the loop.
pub(super) fn insert<S: EventSource + 'static>(
    event_loop: &LoopHandle<'static, State>,
    source: S,
    ready: impl FnMut(S::Event, &mut S::Metadata, &mut State) -> S::Ret + 'static,
) -> io::Result<RegistrationToken> {
    event_loop.insert_source(source, ready).map_err(|error| match error.error {
        calloop::Error::IoError(error) => error,
        other => io::Error::other(other),
    })
}
