//! Clipboard, primary selection, drags.

use std::{
    collections::HashMap,
    io::{ErrorKind, Read, pipe},
    os::fd::{AsFd, OwnedFd},
};

use wayland_client::{
    Connection, Dispatch, Proxy, QueueHandle, WEnum,
    backend::ObjectId,
    delegate_noop, event_created_child,
    protocol::{
        wl_data_device::{self, WlDataDevice},
        wl_data_device_manager::{DndAction, WlDataDeviceManager},
        wl_data_offer::{self, WlDataOffer},
        wl_data_source::{self, WlDataSource},
        wl_surface::WlSurface,
    },
};
use wayland_protocols::wp::primary_selection::zv1::client::{
    zwp_primary_selection_device_manager_v1::ZwpPrimarySelectionDeviceManagerV1,
    zwp_primary_selection_device_v1::{self, ZwpPrimarySelectionDeviceV1},
    zwp_primary_selection_offer_v1::{self, ZwpPrimarySelectionOfferV1},
    zwp_primary_selection_source_v1::{self, ZwpPrimarySelectionSourceV1},
};

use super::{Client, Inbox};

/// What a client offers and is offered.
#[derive(Default)]
pub struct Selections {
    /// What others want of this client, and where they want it.
    pub asked: Vec<(String, OwnedFd)>,
    /// Sources that are of no use any more.
    pub cancelled: usize,
    /// A drag over this client, as short texts.
    pub drag: Vec<String>,
    /// What becomes of what this client drags, as short texts.
    pub source: Vec<String>,
    kinds: HashMap<ObjectId, Vec<String>>,
    clipboard: Option<WlDataOffer>,
    primary: Option<ZwpPrimarySelectionOfferV1>,
    dragged: Option<WlDataOffer>,
    data_device: Option<WlDataDevice>,
    primary_device: Option<ZwpPrimarySelectionDeviceV1>,
}

impl Client {
    /// From now on hears of the clipboard, the primary selection and drags.
    pub fn take_part(&mut self) {
        self.basics();
        let seat = self.seat.clone().unwrap();
        let manager: WlDataDeviceManager = self.bind(3);
        let device = manager.get_data_device(&seat, &self.handle, ());
        self.inbox.selections.data_device = Some(device);
        let manager: ZwpPrimarySelectionDeviceManagerV1 = self.bind(1);
        let device = manager.get_device(&seat, &self.handle, ());
        self.inbox.selections.primary_device = Some(device);
    }

    /// A source of these kinds of data.
    pub fn data_source(&mut self, kinds: &[&str]) -> WlDataSource {
        let manager: WlDataDeviceManager = self.bind(3);
        let source = manager.create_data_source(&self.handle, ());
        kinds.iter().for_each(|kind| source.offer((*kind).into()));
        source
    }

    /// A source for the primary selection.
    pub fn primary_source(&mut self, kinds: &[&str]) -> ZwpPrimarySelectionSourceV1 {
        let manager: ZwpPrimarySelectionDeviceManagerV1 = self.bind(1);
        let source = manager.create_source(&self.handle, ());
        kinds.iter().for_each(|kind| source.offer((*kind).into()));
        source
    }

    /// Puts these kinds of data on the clipboard.
    pub fn copy(&mut self, kinds: &[&str]) -> WlDataSource {
        let (source, serial) = (self.data_source(kinds), self.inbox.serial);
        self.inbox.selections.data_device.as_ref().unwrap().set_selection(Some(&source), serial);
        source
    }

    /// Marks data of these kinds.
    pub fn mark(&mut self, kinds: &[&str]) -> ZwpPrimarySelectionSourceV1 {
        let (source, serial) = (self.primary_source(kinds), self.inbox.serial);
        self.inbox.selections.primary_device.as_ref().unwrap().set_selection(Some(&source), serial);
        source
    }

    /// Begins to drag these kinds of data, to be copied.
    pub fn drag(&mut self, kinds: &[&str], from: &WlSurface) -> WlDataSource {
        self.drag_to(kinds, from, DndAction::Copy)
    }

    /// Begins to drag these kinds of data, to do any of this with it.
    pub fn drag_to(&mut self, kinds: &[&str], from: &WlSurface, actions: DndAction) -> WlDataSource {
        let (source, serial) = (self.data_source(kinds), self.inbox.serial);
        source.set_actions(actions);
        self.inbox.selections.data_device.as_ref().unwrap().start_drag(Some(&source), from, None, serial);
        source
    }

    /// Begins to drag something within this client.
    pub fn drag_within(&mut self, from: &WlSurface) {
        let serial = self.inbox.serial;
        self.inbox.selections.data_device.as_ref().unwrap().start_drag(None, from, None, serial);
    }

    /// The kinds of data on the clipboard, if it is offered at all.
    pub fn clipboard(&self) -> Option<&[String]> {
        let offer = self.inbox.selections.clipboard.as_ref()?;
        Some(&self.inbox.selections.kinds[&offer.id()])
    }

    /// The kinds of data in the primary selection.
    pub fn marked(&self) -> Option<&[String]> {
        let offer = self.inbox.selections.primary.as_ref()?;
        Some(&self.inbox.selections.kinds[&offer.id()])
    }

    /// Wants what is on the clipboard.
    pub fn paste(&mut self, kind: &str) -> Incoming {
        let offer = self.inbox.selections.clipboard.clone().expect("a clipboard");
        Incoming::new(|pipe| offer.receive(kind.into(), pipe.as_fd()))
    }

    /// Wants what is marked.
    pub fn paste_marked(&mut self, kind: &str) -> Incoming {
        let offer = self.inbox.selections.primary.clone().expect("a selection");
        Incoming::new(|pipe| offer.receive(kind.into(), pipe.as_fd()))
    }

    /// Accepts what is dragged over it.
    pub fn accept_drag(&mut self, kind: &str) {
        self.accept_drag_to(kind, DndAction::Copy, DndAction::Copy);
    }

    /// Accepts what is dragged over it, to do any of this with it, and this best.
    pub fn accept_drag_to(&mut self, kind: &str, actions: DndAction, best: DndAction) {
        let offer = self.inbox.selections.dragged.clone().expect("something dragged");
        offer.accept(self.inbox.serial, Some(kind.into()));
        offer.set_actions(actions, best);
    }

    /// Wants nothing of what is dragged over it.
    pub fn refuse_drag(&mut self) {
        let offer = self.inbox.selections.dragged.clone().expect("something dragged");
        offer.accept(self.inbox.serial, None);
    }

    /// Wants no more of what was dropped.
    pub fn forget_drag(&mut self) {
        self.inbox.selections.dragged.take().expect("something dropped").destroy();
    }

    /// Has all that it wanted of what was dropped.
    pub fn finish_drag(&mut self) {
        self.inbox.selections.dragged.clone().expect("something dropped").finish();
    }

    /// Wants what was dropped.
    pub fn take_dropped(&mut self, kind: &str) -> Incoming {
        let offer = self.inbox.selections.dragged.clone().expect("something dragged");
        Incoming::new(|pipe| offer.receive(kind.into(), pipe.as_fd()))
    }
}

/// Data on its way.
pub struct Incoming {
    pipe: std::io::PipeReader,
    /// What has come.
    pub bytes: Vec<u8>,
}

impl Incoming {
    fn new(ask: impl FnOnce(&OwnedFd)) -> Self {
        let (reader, writer) = pipe().unwrap();
        let reader_flags = rustix::fs::fcntl_getfl(&reader).unwrap();
        rustix::fs::fcntl_setfl(&reader, reader_flags | rustix::fs::OFlags::NONBLOCK).unwrap();
        ask(&writer.into());
        Self { pipe: reader, bytes: Vec::new() }
    }

    /// Takes what there is. Whether that was the end.
    pub fn is_whole(&mut self) -> bool {
        loop {
            let mut part = [0; 4096];
            match self.pipe.read(&mut part) {
                Ok(0) => return true,
                Ok(read) => self.bytes.extend_from_slice(&part[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn word(action: DndAction) -> String {
    let words = [(DndAction::Copy, "Copy"), (DndAction::Move, "Move"), (DndAction::Ask, "Ask")];
    let word = words.into_iter().find(|(it, _)| *it == action).map_or("None", |(_, word)| word);
    word.to_owned()
}

impl Dispatch<WlDataDevice, ()> for Inbox {
    fn event(
        inbox: &mut Self,
        _: &WlDataDevice,
        event: wl_data_device::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        let selections = &mut inbox.selections;
        match event {
            wl_data_device::Event::DataOffer { id } => drop(selections.kinds.insert(id.id(), Vec::new())),
            wl_data_device::Event::Selection { id } => selections.clipboard = id,
            wl_data_device::Event::Enter { serial, x, y, id, .. } => {
                inbox.serial = serial;
                let kinds = id.as_ref().map(|offer| selections.kinds[&offer.id()].join(" "));
                selections.drag.push(format!("in {x} {y}: {}", kinds.unwrap_or_default()));
                selections.dragged = id;
            }
            wl_data_device::Event::Motion { x, y, .. } => selections.drag.push(format!("at {x} {y}")),
            wl_data_device::Event::Leave => selections.drag.push("out".into()),
            wl_data_device::Event::Drop => selections.drag.push("drop".into()),
            _ => {}
        }
    }

    event_created_child!(Self, WlDataDevice, [
        wl_data_device::EVT_DATA_OFFER_OPCODE => (WlDataOffer, ()),
    ]);
}

impl Dispatch<ZwpPrimarySelectionDeviceV1, ()> for Inbox {
    fn event(
        inbox: &mut Self,
        _: &ZwpPrimarySelectionDeviceV1,
        event: zwp_primary_selection_device_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        let selections = &mut inbox.selections;
        match event {
            zwp_primary_selection_device_v1::Event::DataOffer { offer } => {
                selections.kinds.insert(offer.id(), Vec::new());
            }
            zwp_primary_selection_device_v1::Event::Selection { id } => selections.primary = id,
            _ => {}
        }
    }

    event_created_child!(Self, ZwpPrimarySelectionDeviceV1, [
        zwp_primary_selection_device_v1::EVT_DATA_OFFER_OPCODE => (ZwpPrimarySelectionOfferV1, ()),
    ]);
}

take_in!(WlDataOffer, wl_data_offer::Event, |inbox, offer, event| match event {
    wl_data_offer::Event::Offer { mime_type } => {
        inbox.selections.kinds.get_mut(&offer.id()).unwrap().push(mime_type);
    }
    wl_data_offer::Event::Action { dnd_action: WEnum::Value(action) } => {
        inbox.selections.drag.push(word(action));
    }
    _ => {}
});
take_in!(ZwpPrimarySelectionOfferV1, zwp_primary_selection_offer_v1::Event, |inbox, offer, event| {
    if let zwp_primary_selection_offer_v1::Event::Offer { mime_type } = event {
        inbox.selections.kinds.get_mut(&offer.id()).unwrap().push(mime_type);
    }
});
take_in!(WlDataSource, wl_data_source::Event, |inbox, _source, event| match event {
    wl_data_source::Event::Send { mime_type, fd } => inbox.selections.asked.push((mime_type, fd)),
    wl_data_source::Event::Cancelled => {
        inbox.selections.cancelled += 1;
        inbox.selections.source.push("cancelled".into());
    }
    wl_data_source::Event::Target { mime_type } => {
        inbox.selections.source.push(format!("for {}", mime_type.unwrap_or_else(|| "none".into())));
    }
    wl_data_source::Event::Action { dnd_action: WEnum::Value(action) } => {
        inbox.selections.source.push(word(action));
    }
    wl_data_source::Event::DndDropPerformed => inbox.selections.source.push("dropped".into()),
    wl_data_source::Event::DndFinished => inbox.selections.source.push("finished".into()),
    _ => {}
});
take_in!(ZwpPrimarySelectionSourceV1, zwp_primary_selection_source_v1::Event, |inbox, _source, event| {
    match event {
        zwp_primary_selection_source_v1::Event::Send { mime_type, fd } => {
            inbox.selections.asked.push((mime_type, fd));
        }
        zwp_primary_selection_source_v1::Event::Cancelled => inbox.selections.cancelled += 1,
        _ => {}
    }
});

delegate_noop!(Inbox: ignore WlDataDeviceManager);
delegate_noop!(Inbox: ignore ZwpPrimarySelectionDeviceManagerV1);
