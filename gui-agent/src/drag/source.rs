//! Whose something dragged is, and what is told to it.

use std::{
    os::fd::{AsFd as _, OwnedFd},
    sync::Arc,
};

use smithay::{
    reexports::wayland_server::{
        Resource,
        protocol::{
            wl_data_device_manager::DndAction,
            wl_data_source::{self, WlDataSource},
        },
    },
    utils::IsAlive,
    wayland::selection::data_device::with_source_metadata,
};

use crate::state::State;

/// Whose something dragged is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    /// A Wayland program's.
    Wayland(WlDataSource),
    /// An X11 program's, in these kinds, to do this with it.
    X11 { kinds: Arc<[String]>, actions: DndAction },
}

/// What a target has to say.
#[derive(Debug)]
pub(crate) enum Word {
    /// It would take it in this kind, or does not want it.
    Accepted(Option<String>),
    /// What would be done with it; nothing, if empty.
    Action(DndAction),
    /// It wants to have it, in this kind.
    Wanted(String, OwnedFd),
    /// It was dropped there.
    Dropped,
    /// That is all; the target has what it wanted.
    Finished,
    /// Nobody takes it.
    Cancelled,
}

impl Source {
    pub(crate) fn is_there(&self) -> bool {
        match self {
            Self::Wayland(source) => source.alive(),
            // it says itself when it ends
            Self::X11 { .. } => true,
        }
    }

    /// The kinds that it can be had in.
    pub(crate) fn kinds(&self) -> Vec<String> {
        match self {
            Self::Wayland(source) => {
                with_source_metadata(source, |data| data.mime_types.clone()).unwrap_or_default()
            }
            Self::X11 { kinds, .. } => kinds.to_vec(),
        }
    }

    /// What may be done with it.
    pub(crate) fn actions(&self) -> DndAction {
        match self {
            // before there were actions, copying was what one did
            Self::Wayland(source) if source.version() < wl_data_source::EVT_ACTION_SINCE => DndAction::Copy,
            Self::Wayland(source) => {
                with_source_metadata(source, |data| data.dnd_action).unwrap_or(DndAction::None)
            }
            Self::X11 { actions, .. } => *actions,
        }
    }
}

impl State {
    pub(crate) fn tell_source(&mut self, source: &Source, word: Word) {
        let Source::Wayland(source) = source else { return self.tell_x11_source(word) };
        let knows_actions = source.version() >= wl_data_source::EVT_ACTION_SINCE;
        match word {
            Word::Accepted(kind) => source.target(kind),
            Word::Wanted(kind, pipe) => source.send(kind, pipe.as_fd()),
            Word::Action(action) if knows_actions => source.action(action),
            Word::Dropped if knows_actions => source.dnd_drop_performed(),
            Word::Finished if knows_actions => source.dnd_finished(),
            Word::Cancelled if knows_actions => source.cancelled(),
            // older ones are not told
            Word::Action(_) | Word::Dropped | Word::Finished | Word::Cancelled => {}
        }
    }
}
