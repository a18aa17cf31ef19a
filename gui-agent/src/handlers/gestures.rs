//! Relative motion, gestures and tablets: served by smithay, and counted, so that the GUI domain sends only what somebody hears.

use std::collections::HashMap;

use gui_protocol::{PointerNeeds, WindowId};
use smithay::{
    reexports::{
        wayland_protocols::wp::{
            pointer_gestures::zv1::server::{
                zwp_pointer_gesture_hold_v1::ZwpPointerGestureHoldV1,
                zwp_pointer_gesture_pinch_v1::ZwpPointerGesturePinchV1,
                zwp_pointer_gesture_swipe_v1::ZwpPointerGestureSwipeV1,
                zwp_pointer_gestures_v1::{self, ZwpPointerGesturesV1},
            },
            relative_pointer::zv1::server::{
                zwp_relative_pointer_manager_v1::{self, ZwpRelativePointerManagerV1},
                zwp_relative_pointer_v1::ZwpRelativePointerV1,
            },
            tablet::zv2::server::{
                zwp_tablet_manager_v2::{self, ZwpTabletManagerV2},
                zwp_tablet_seat_v2::ZwpTabletSeatV2,
            },
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, Resource, backend::ClientId, delegate_dispatch,
            delegate_global_dispatch,
        },
    },
    wayland::{
        pointer_gestures::{PointerGestureUserData, PointerGesturesState},
        relative_pointer::{RelativePointerManagerState, RelativePointerUserData},
        tablet_manager::{TabletManagerState, TabletSeatUserData},
    },
};

use crate::state::State;

/// How many objects of each kind each client has. Clients without any are not listed.
#[derive(Debug, Default)]
pub(crate) struct PointerListeners(HashMap<ClientId, Counts>);

#[derive(Debug, Default, PartialEq)]
struct Counts {
    relative: usize,
    gestures: usize,
    tablets: usize,
}

impl Counts {
    fn of(&mut self, need: PointerNeeds) -> &mut usize {
        match need {
            PointerNeeds::RELATIVE_MOTION => &mut self.relative,
            PointerNeeds::TABLETS => &mut self.tablets,
            _ => &mut self.gestures,
        }
    }
}

impl PointerListeners {
    fn needs(&self, client: &ClientId) -> PointerNeeds {
        let mut needs = PointerNeeds::empty();
        if let Some(counts) = self.0.get(client) {
            needs.set(PointerNeeds::RELATIVE_MOTION, counts.relative > 0);
            needs.set(PointerNeeds::GESTURES, counts.gestures > 0);
            needs.set(PointerNeeds::TABLETS, counts.tablets > 0);
        }
        needs
    }

    fn more(&mut self, client: ClientId, need: PointerNeeds) {
        let count = self.0.entry(client).or_default().of(need);
        *count = count.saturating_add(1);
    }

    fn less(&mut self, client: &ClientId, need: PointerNeeds) {
        let Some(counts) = self.0.get_mut(client) else { return };
        let count = counts.of(need);
        *count = count.saturating_sub(1);
        if *counts == Counts::default() {
            self.0.remove(client);
        }
    }
}

impl State {
    /// A new window: says what its client listens to.
    pub(crate) fn tell_pointer_needs(&mut self, id: WindowId) {
        let client = self.windows.get(id).and_then(|window| window.surface.client());
        let needs = client.map_or(PointerNeeds::empty(), |client| self.listeners.needs(&client.id()));
        if !needs.is_empty() {
            self.link.conn.pointer_needs(id, needs);
        }
    }

    fn listeners_changed(&mut self, client: &ClientId, change: impl FnOnce(&mut PointerListeners)) {
        let before = self.listeners.needs(client);
        change(&mut self.listeners);
        let needs = self.listeners.needs(client);
        if needs == before {
            return;
        }
        for (id, window) in self.windows.iter() {
            if window.surface.client().is_some_and(|it| it.id() == *client) {
                self.link.conn.pointer_needs(id, needs);
            }
        }
    }
}

/// What handles these protocols in place of smithay's own types, which get every request.
pub(crate) enum Counted {}

/// Counts the objects that a manager makes.
macro_rules! count_requests {
    ($manager:ty, $smithay:ty, $need:expr, $($request:pat_param)|+) => {
        impl Dispatch<$manager, (), State> for Counted {
            fn request(
                state: &mut State,
                client: &Client,
                manager: &$manager,
                request: <$manager as Resource>::Request,
                data: &(),
                display: &DisplayHandle,
                init: &mut DataInit<'_, State>,
            ) {
                if matches!(&request, $($request)|+) {
                    state.listeners_changed(&client.id(), |all| all.more(client.id(), $need));
                }
                <$smithay as Dispatch<$manager, (), State>>::request(
                    state, client, manager, request, data, display, init,
                );
            }
        }
        delegate_dispatch!(State: [$manager: ()] => Counted);
        delegate_global_dispatch!(State: [$manager: ()] => $smithay);
    };
}

/// Counts them again when they go.
macro_rules! count_objects {
    ($object:ty, $data:ty, $smithay:ty, $need:expr) => {
        impl Dispatch<$object, $data, State> for Counted {
            fn request(
                state: &mut State,
                client: &Client,
                object: &$object,
                request: <$object as Resource>::Request,
                data: &$data,
                display: &DisplayHandle,
                init: &mut DataInit<'_, State>,
            ) {
                <$smithay as Dispatch<$object, $data, State>>::request(
                    state, client, object, request, data, display, init,
                );
            }

            fn destroyed(state: &mut State, client: ClientId, object: &$object, data: &$data) {
                state.listeners_changed(&client, |all| all.less(&client, $need));
                <$smithay as Dispatch<$object, $data, State>>::destroyed(state, client, object, data);
            }
        }
        delegate_dispatch!(State: [$object: $data] => Counted);
    };
}

count_requests!(
    ZwpRelativePointerManagerV1,
    RelativePointerManagerState,
    PointerNeeds::RELATIVE_MOTION,
    zwp_relative_pointer_manager_v1::Request::GetRelativePointer { .. }
);
count_requests!(
    ZwpPointerGesturesV1,
    PointerGesturesState,
    PointerNeeds::GESTURES,
    zwp_pointer_gestures_v1::Request::GetSwipeGesture { .. }
        | zwp_pointer_gestures_v1::Request::GetPinchGesture { .. }
        | zwp_pointer_gestures_v1::Request::GetHoldGesture { .. }
);
count_requests!(
    ZwpTabletManagerV2,
    TabletManagerState,
    PointerNeeds::TABLETS,
    zwp_tablet_manager_v2::Request::GetTabletSeat { .. }
);
count_objects!(ZwpTabletSeatV2, TabletSeatUserData, TabletManagerState, PointerNeeds::TABLETS);
count_objects!(
    ZwpRelativePointerV1,
    RelativePointerUserData<State>,
    RelativePointerManagerState,
    PointerNeeds::RELATIVE_MOTION
);
count_objects!(
    ZwpPointerGestureSwipeV1,
    PointerGestureUserData<State>,
    PointerGesturesState,
    PointerNeeds::GESTURES
);
count_objects!(
    ZwpPointerGesturePinchV1,
    PointerGestureUserData<State>,
    PointerGesturesState,
    PointerNeeds::GESTURES
);
count_objects!(
    ZwpPointerGestureHoldV1,
    PointerGestureUserData<State>,
    PointerGesturesState,
    PointerNeeds::GESTURES
);
