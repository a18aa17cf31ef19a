//! What a Wayland program is told of something dragged over it, and what it answers: `wl_data_offer`.
//!
//! A program may have several data devices, and then gets an offer by each; they are one to it, whichever it answers by.
//! An offer outlives the drag if something was dropped: until the program says that it has finished, or lets go of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use smithay::{
    reexports::wayland_server::{
        Client, DataInit, Dispatch, DisplayHandle, Resource,
        backend::ClientId,
        protocol::{
            wl_data_device::WlDataDevice,
            wl_data_device_manager::DndAction,
            wl_data_offer::{self, WlDataOffer},
            wl_surface::WlSurface,
        },
    },
    utils::{Logical, Point, SERIAL_COUNTER},
};

use super::source::{Source, Word};
use crate::state::State;

/// A surface that something is dragged over.
#[derive(Debug)]
pub(crate) struct Target {
    surface: WlSurface,
    /// By which its program hears of drags.
    devices: Vec<WlDataDevice>,
    /// Without one, the drag is within the program.
    offer: Option<Arc<Offer>>,
    /// Whether it has been told that the drag is there.
    entered: bool,
}

/// What is offered.
#[derive(Debug)]
pub(crate) struct Offer {
    source: Source,
    answer: Mutex<Answer>,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Dragged over the surface.
    Over,
    /// Dropped there.
    Dropped,
    /// It is no more: taken, or elsewhere.
    Ended,
}

/// What the program says to it.
#[derive(Debug)]
struct Answer {
    stage: Stage,
    /// Whether it would take any of the kinds.
    accepted: bool,
    /// What would be done with it.
    action: DndAction,
    /// What the user chose to do with it, having been asked when it was dropped.
    chosen: Option<DndAction>,
}

impl Offer {
    fn answer(&self) -> MutexGuard<'_, Answer> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is to be done, of what the source allows and the target can do: what the target likes best, or else the least harm.
fn choose(possible: DndAction, preferred: DndAction) -> DndAction {
    let best = [preferred, DndAction::Ask, DndAction::Copy, DndAction::Move];
    best.into_iter().find(|it| !it.is_empty() && possible.contains(*it)).unwrap_or(DndAction::None)
}

impl Target {
    /// Offers something to the program of a surface. None, if the program hears nothing of drags, or not of this one.
    pub(super) fn new(
        state: &mut State,
        surface: &WlSurface,
        source: Option<&Source>,
        origin: Option<&WlSurface>,
    ) -> Option<Self> {
        let client = surface.client()?;
        let is_own = |origin: &WlSurface| surface.id().same_client_as(&origin.id());
        if source.is_none() && !origin.is_some_and(is_own) {
            return None;
        }
        let devices = data_devices(&state.display, &client);
        let newest = devices.iter().map(Resource::version).max()?;
        let offer = source.map(|source| {
            let (mut accepted, mut action) = (false, DndAction::None);
            if newest < wl_data_offer::REQ_SET_ACTIONS_SINCE {
                // what it says is feedback and decides nothing
                (accepted, action) = (true, choose(source.actions(), DndAction::Copy));
                state.tell_source(source, Word::Action(action));
            }
            let answer = Answer { stage: Stage::Over, accepted, action, chosen: None };
            Arc::new(Offer { source: source.clone(), answer: Mutex::new(answer) })
        });
        Some(Self { surface: surface.clone(), devices, offer, entered: false })
    }

    pub(super) fn surface(&self) -> &WlSurface {
        &self.surface
    }

    /// It is at this place of the surface.
    pub(super) fn is_at(&mut self, place: Point<f64, Logical>, time: u32) {
        if std::mem::replace(&mut self.entered, true) {
            return self.devices.iter().for_each(|device| device.motion(time, place.x, place.y));
        }
        for device in &self.devices {
            let offer = self.offer.as_ref().and_then(|offer| make_offer(device, offer));
            let serial = SERIAL_COUNTER.next_serial().into();
            device.enter(serial, &self.surface, place.x, place.y, offer.as_ref());
        }
    }

    /// It is there no more.
    pub(super) fn leave(self) {
        if let Some(offer) = &self.offer {
            offer.answer().stage = Stage::Ended;
        }
        self.devices.iter().for_each(WlDataDevice::leave);
    }

    /// It is dropped, if the program wants it. Returns whether it does.
    pub(super) fn drop(self) -> bool {
        let wanted = self.offer.as_ref().is_none_or(|offer| {
            let mut answer = offer.answer();
            let wanted = answer.accepted && !answer.action.is_empty();
            answer.stage = if wanted { Stage::Dropped } else { Stage::Ended };
            wanted
        });
        if wanted {
            self.devices.iter().for_each(WlDataDevice::drop);
        }
        self.devices.iter().for_each(WlDataDevice::leave);
        wanted
    }
}

/// By what a program hears of drags.
fn data_devices(display: &DisplayHandle, client: &Client) -> Vec<WlDataDevice> {
    let mut ids = Vec::new();
    // one that is gone has none
    let _ = display.backend_handle().with_all_objects_for(client.id(), |id| {
        if id.interface().name == WlDataDevice::interface().name {
            ids.push(id);
        }
    });
    ids.into_iter().filter_map(|id| WlDataDevice::from_id(display, id).ok()).collect()
}

fn make_offer(device: &WlDataDevice, offer: &Arc<Offer>) -> Option<WlDataOffer> {
    let display = DisplayHandle::from(device.handle().upgrade()?);
    let client = device.client()?;
    let object = client
        .create_resource::<WlDataOffer, Arc<Offer>, State>(&display, device.version(), Arc::clone(offer))
        .ok()?;
    device.data_offer(&object);
    offer.source.kinds().into_iter().for_each(|kind| object.offer(kind));
    if object.version() >= wl_data_offer::EVT_SOURCE_ACTIONS_SINCE {
        object.source_actions(offer.source.actions());
    }
    Some(object)
}

impl Dispatch<WlDataOffer, Arc<Offer>> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        object: &WlDataOffer,
        request: wl_data_offer::Request,
        offer: &Arc<Offer>,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        let (source, mut answer) = (&offer.source, offer.answer());
        match request {
            wl_data_offer::Request::Accept { mime_type, .. } if answer.stage == Stage::Over => {
                let kind = mime_type.filter(|kind| source.kinds().contains(kind));
                let decides = object.version() >= wl_data_offer::REQ_SET_ACTIONS_SINCE;
                answer.accepted = kind.is_some() || !decides;
                state.tell_source(source, Word::Accepted(kind));
            }
            wl_data_offer::Request::Receive { mime_type, fd }
                if answer.stage != Stage::Ended && source.kinds().contains(&mime_type) =>
            {
                state.tell_source(source, Word::Wanted(mime_type, fd));
            }
            wl_data_offer::Request::SetActions { dnd_actions, preferred_action } => {
                let (Ok(actions), Ok(preferred)) =
                    (dnd_actions.into_result(), preferred_action.into_result())
                else {
                    return object
                        .post_error(wl_data_offer::Error::InvalidActionMask, "there is no such action");
                };
                if preferred.bits().count_ones() > 1 || !actions.contains(preferred) {
                    return object
                        .post_error(wl_data_offer::Error::InvalidAction, "one of the actions is preferred");
                }
                let action = choose(source.actions() & actions, preferred);
                match answer.stage {
                    Stage::Over if answer.action != action => {
                        answer.action = action;
                        object.action(action);
                        state.tell_source(source, Word::Action(action));
                    }
                    // what the user was asked; the source hears of it at the end
                    Stage::Dropped if answer.action == DndAction::Ask => answer.chosen = Some(action),
                    _ => {}
                }
            }
            wl_data_offer::Request::Finish => {
                if answer.stage != Stage::Dropped || answer.chosen == Some(DndAction::None) {
                    return object
                        .post_error(wl_data_offer::Error::InvalidFinish, "nothing was dropped and taken");
                }
                answer.stage = Stage::Ended;
                if let Some(action) = answer.chosen {
                    state.tell_source(source, Word::Action(action));
                }
                state.tell_source(source, Word::Finished);
            }
            // what comes too late
            _ => {}
        }
    }

    fn destroyed(state: &mut Self, _: ClientId, object: &WlDataOffer, offer: &Arc<Offer>) {
        let mut answer = offer.answer();
        if answer.stage == Stage::Dropped {
            answer.stage = Stage::Ended;
            // the oldest have no other way to say that they are done
            let done = object.version() < wl_data_offer::REQ_FINISH_SINCE;
            state.tell_source(&offer.source, if done { Word::Finished } else { Word::Cancelled });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_target_prefers_is_done_if_it_can_be() {
        let all = DndAction::Copy | DndAction::Move | DndAction::Ask;
        assert_eq!(choose(all, DndAction::Move), DndAction::Move);
        assert_eq!(choose(all, DndAction::None), DndAction::Ask);
        assert_eq!(choose(DndAction::Copy | DndAction::Move, DndAction::Ask), DndAction::Copy);
        assert_eq!(choose(DndAction::Move, DndAction::Copy), DndAction::Move);
        assert_eq!(choose(DndAction::None, DndAction::Copy), DndAction::None);
    }
}
