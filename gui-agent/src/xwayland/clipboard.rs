//! Clipboard and primary selection between X11 and Wayland programs, Wayland's side of it; [`super::selection`] is the
//! other.

use std::{io, os::fd::OwnedFd, sync::Arc};

use rustix::{
    fs::{OFlags, fcntl_setfl},
    io::Errno,
    pipe::{PipeFlags, pipe_with},
};
use smithay::{
    reexports::calloop::{
        Interest, Mode, PostAction,
        generic::{Generic, NoIoDrop},
    },
    wayland::selection::{
        SelectionTarget,
        data_device::{
            clear_data_device_selection, current_data_device_selection_userdata,
            request_data_device_client_selection, set_data_device_selection,
        },
        primary_selection::{
            clear_primary_selection, current_primary_selection_userdata, request_primary_client_selection,
            set_primary_selection,
        },
    },
};
use tracing::debug;

use super::{
    process::insert,
    selection::{MAX_CONTENT, Which},
};
use crate::{
    clipboard::Owner,
    drag::source::{Source, Word},
    state::State,
};

/// What Wayland's programs have copied, by kinds.
#[derive(Debug, Default)]
pub(super) struct Copied {
    clipboard: Vec<String>,
    primary: Vec<String>,
}

impl State {
    /// Wayland's programs, or the user in the GUI domain, have this to offer now.
    pub(crate) fn offer_to_x11(&mut self, which: SelectionTarget, kinds: Vec<String>) {
        if let Some(manager) = self.xwayland.manager_mut() {
            manager.offer(Which::Copied(which), &kinds);
        }
        match which {
            SelectionTarget::Clipboard => self.xwayland.copied.clipboard = kinds,
            SelectionTarget::Primary => self.xwayland.copied.primary = kinds,
        }
    }

    /// A window manager is new: X11 programs are offered what there is.
    pub(super) fn offer_all_to_x11(&mut self) {
        let super::XWayland { stage: super::Stage::Running(_, manager), copied, .. } = &mut self.xwayland
        else {
            return;
        };
        manager.offer(Which::Copied(SelectionTarget::Clipboard), &copied.clipboard);
        manager.offer(Which::Copied(SelectionTarget::Primary), &copied.primary);
    }

    /// An X11 program has copied something.
    pub(super) fn x11_copied(&mut self, which: SelectionTarget) {
        let Some(manager) = self.xwayland.manager() else { return };
        let kinds = manager.offered(which);
        match which {
            SelectionTarget::Clipboard => {
                self.xwayland.copied.clipboard.clear();
                set_data_device_selection(&self.display, &self.seat, kinds, Owner::X11);
            }
            SelectionTarget::Primary => {
                self.xwayland.copied.primary.clear();
                set_primary_selection(&self.display, &self.seat, kinds, Owner::X11);
            }
        }
    }

    /// No X11 program has anything to offer any more.
    pub(super) fn x11_emptied(&mut self, which: SelectionTarget) {
        let is_x11s = |owner: Option<Owner>| matches!(owner, Some(Owner::X11));
        match which {
            SelectionTarget::Clipboard => {
                let owner = current_data_device_selection_userdata(&self.seat).map(|owner| owner.clone());
                if is_x11s(owner) {
                    clear_data_device_selection(&self.display, &self.seat);
                }
            }
            SelectionTarget::Primary => {
                let owner = current_primary_selection_userdata(&self.seat).map(|owner| owner.clone());
                if is_x11s(owner) {
                    clear_primary_selection(&self.display, &self.seat);
                }
            }
        }
    }

    /// A Wayland program, or the user in the GUI domain, wants what an X11 program has copied. Returns whether there is any.
    pub(crate) fn fetch_from_x11(&mut self, which: SelectionTarget, kind: &str, pipe: OwnedFd) -> bool {
        let number = self.xwayland.manager_mut().and_then(|manager| manager.fetch(which, kind));
        // without one the pipe is closed, which says that there is nothing
        number.map(|number| self.xwayland.fetching.insert(number, pipe)).is_some()
    }

    /// That is there now.
    pub(super) fn x11_fetched(&mut self, number: u64) {
        let bytes = self.xwayland.manager_mut().and_then(|manager| manager.take_fetched(number));
        if let (Some(pipe), Some(bytes)) = (self.xwayland.fetching.remove(&number), bytes) {
            self.give(&pipe, Arc::from(bytes));
        }
    }

    /// An X11 program wants what there is to be had here.
    pub(super) fn x11_wants(&mut self, number: u64) {
        let Some((which, kind)) = self.xwayland.manager().and_then(|manager| manager.wanted(number)) else {
            return;
        };
        let pasted = match which {
            Which::Copied(SelectionTarget::Clipboard) => current_data_device_selection_userdata(&self.seat),
            Which::Copied(SelectionTarget::Primary) => current_primary_selection_userdata(&self.seat),
            Which::Dragged => None,
        };
        let pasted = pasted.and_then(|owner| match &*owner {
            Owner::GuiDomain(text) => Some(text.to_vec()),
            Owner::X11 => None,
        });
        match pasted {
            Some(text) => self.supply_x11(number, Some(text)),
            None => {
                if let Err(error) = self.read_for_x11(number, which, &kind) {
                    debug!("an X11 program cannot be given what was copied: {error}");
                    self.supply_x11(number, None);
                }
            }
        }
    }

    fn supply_x11(&mut self, number: u64, bytes: Option<Vec<u8>>) {
        if let Some(manager) = self.xwayland.manager_mut() {
            manager.supply(number, bytes);
        }
    }

    /// Reads what a Wayland program has copied, or drags. It comes when it comes; the program that waits for it may give up.
    fn read_for_x11(&mut self, number: u64, which: Which, kind: &str) -> io::Result<()> {
        let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC)?;
        fcntl_setfl(&ours, OFlags::NONBLOCK)?;
        // X11's names for text, where the program has none of them
        let mut kinds = vec![kind];
        if ["UTF8_STRING", "TEXT", "STRING"].contains(&kind) {
            kinds.extend(["text/plain;charset=utf-8", "text/plain"]);
        }
        let dragged = self.xwayland.to_x11.as_ref().map(|dragged| dragged.source.clone());
        let offered = match which {
            Which::Copied(SelectionTarget::Clipboard) => self.xwayland.copied.clipboard.clone(),
            Which::Copied(SelectionTarget::Primary) => self.xwayland.copied.primary.clone(),
            Which::Dragged => dragged.as_ref().map(Source::kinds).unwrap_or_default(),
        };
        let kind = kinds.into_iter().find(|kind| offered.iter().any(|it| it == kind));
        let kind = kind.ok_or(io::ErrorKind::NotFound)?.to_owned();
        match which {
            Which::Copied(SelectionTarget::Clipboard) => {
                request_data_device_client_selection(&self.seat, kind, theirs).map_err(io::Error::other)?;
            }
            Which::Copied(SelectionTarget::Primary) => {
                request_primary_client_selection(&self.seat, kind, theirs).map_err(io::Error::other)?;
            }
            Which::Dragged => {
                if let Some(source) = dragged {
                    self.tell_source(&source, Word::Wanted(kind, theirs));
                }
            }
        }
        let mut bytes = Vec::new();
        let readable = Generic::new(ours, Interest::READ, Mode::Level);
        let token = insert(&self.event_loop, readable, move |_, pipe: &mut NoIoDrop<OwnedFd>, state| {
            let read = match read_some(pipe, &mut bytes) {
                Ok(false) => return Ok(PostAction::Continue),
                Ok(true) => Some(std::mem::take(&mut bytes)),
                Err(error) => {
                    debug!("what was copied ended early: {error}");
                    None
                }
            };
            state.xwayland.reading.retain(|(it, _)| *it != number);
            state.supply_x11(number, read);
            Ok(PostAction::Remove)
        })?;
        self.xwayland.reading.push((number, token));
        // whoever wanted what was asked for this long ago has been told that there is nothing
        let given_up = |manager: &super::Manager, number: u64| manager.wanted(number).is_none();
        let super::XWayland { stage: super::Stage::Running(_, manager), reading, .. } = &mut self.xwayland
        else {
            return Ok(());
        };
        for (_, token) in reading.extract_if(.., |(number, _)| given_up(manager, *number)) {
            self.event_loop.remove(token);
        }
        Ok(())
    }
}

/// Reads what is there. Returns whether that was the end.
fn read_some(pipe: &OwnedFd, bytes: &mut Vec<u8>) -> io::Result<bool> {
    let mut part = [0; 4096];
    loop {
        match rustix::io::read(pipe, &mut part) {
            Ok(0) => return Ok(true),
            Ok(read) => bytes.extend_from_slice(part.get(..read).unwrap_or_default()),
            Err(Errno::AGAIN) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if bytes.len() > MAX_CONTENT {
            return Err(io::Error::other("it is too much"));
        }
    }
}
