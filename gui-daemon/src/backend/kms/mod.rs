//! The machine's own screens and devices: DRM/KMS for pictures, libinput for input, libseat for the right to either, udev for
//! what is plugged in and out. The CPU draws, and what changed is copied into buffers that the screens show; where a card has
//! a GPU, that does both ([`gpu`]).
//!
//! What holds:
//! - A screen asks for a frame when it can take one: after a flip as soon as one is wanted, for drivers that cannot tell when
//!   a screen is refreshed at its rate by the clock. Nothing is waited for.
//! - While another session has the seat, no device is touched; screens ask for a frame a second, so that programs go on, and
//!   show everything anew when the seat comes back.
//! - With no screen plugged in there is one that nobody sees: the desktop keeps its windows.

mod card;
mod damage;
mod gpu;
mod input;
mod modes;
mod pointer;
mod scanout;

use std::{
    cell::RefCell,
    collections::VecDeque,
    fmt, io,
    os::fd::{AsFd as _, OwnedFd},
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::{
    buffer::spare_capacity,
    event::{Timespec, epoll},
    io::Errno,
};
use smithay::{
    backend::{
        renderer::gles::GlesRenderer,
        session::{
            AsErrno as _, Event as SessionEvent, Session as _,
            libseat::{LibSeatSession, LibSeatSessionNotifier},
        },
        udev::{UdevBackend, UdevEvent},
    },
    input::keyboard::LedState,
    reexports::{
        calloop::{
            self, EventLoop, EventSource, Interest, Mode, Poll, PostAction, Readiness, Token, TokenFactory,
            generic::Generic,
        },
        drm::control::{Device as _, Event as DrmEvent, crtc},
    },
};
use tracing::{info, warn};
use transom_gpu::GpuError;

pub use self::{card::CardError, scanout::ScanoutError};
use self::{
    card::{Card, Connector, refresh_mhz},
    gpu::CardGpu,
    input::{Input, Places},
    pointer::Place,
    scanout::Scanout,
};
use super::{BackendError, BackendEvent, OutputId, Rect, Shown, clock::RefreshClock};
use crate::{
    config::{Given, InputConfig, OutputConfig},
    frames::HIDDEN_PACE,
    render::{Canvas, PointerPicture},
    shell::geom,
};

/// How long the seat may take to be ours before the daemon goes on without, as if another session had it.
const SEAT_PATIENCE: Duration = Duration::from_secs(1);
/// Marks the key of a card among those of clocks, which are numbers of outputs.
const CARD: u64 = 1 << 63;

/// The screens' drawing half.
#[derive(Debug)]
pub struct Kms(Rc<RefCell<Machine>>);

/// The screens' and devices' event half.
pub(super) struct KmsSource {
    machine: Rc<RefCell<Machine>>,
    session: LibSeatSessionNotifier,
    udev: UdevBackend,
    input: Generic<OwnedFd>,
    /// Readable while a card or a clock is.
    ready: Generic<Rc<OwnedFd>>,
    events: VecDeque<BackendEvent>,
}

/// The seat's devices.
#[derive(Debug)]
struct Machine {
    session: LibSeatSession,
    /// Whether the seat is ours.
    active: bool,
    /// All DRM devices there are, by their device numbers.
    nodes: Vec<(u64, PathBuf)>,
    /// Those that could be opened.
    cards: Vec<Card>,
    /// The screens plugged in.
    connectors: Vec<Connector>,
    heads: Vec<Head>,
    input: Input,
    /// What the configuration says of planes for the pointer.
    pointer_planes: Option<bool>,
    epoll: Rc<OwnedFd>,
}

/// One output.
#[derive(Debug)]
struct Head {
    id: OutputId,
    config: OutputConfig,
    clock: RefreshClock,
    /// None where nothing is plugged in, or lighting it failed.
    lit: Option<Lit>,
    /// Whether a frame is to be asked for when the flip is done.
    wanted: bool,
    /// Whether the last frame could not be shown.
    failing: bool,
}

/// A screen with its place in the machine.
#[derive(Debug)]
struct Lit {
    // First, to be taken off the device before that goes.
    scanout: Scanout,
    card: u64,
}

/// Takes the seat, opens its devices and looks for screens.
pub(super) fn open(
    config: InputConfig,
    pointer_planes: Option<bool>,
) -> Result<(Kms, KmsSource), BackendError> {
    let (session, mut notifier) = LibSeatSession::new().map_err(|error| match error.as_errno() {
        Some(number) if number == Errno::BUSY.raw_os_error() => BackendError::SeatBusy,
        _ => BackendError::NoSeat(error),
    })?;
    await_seat(&session, &mut notifier)?;
    let udev = UdevBackend::new(session.seat()).map_err(BackendError::NoUdev)?;
    let mut nodes: Vec<_> = udev.device_list().map(|(id, path)| (id, path.to_owned())).collect();
    nodes.sort();
    if nodes.is_empty() {
        return Err(BackendError::NoCard);
    }
    let input = Input::open(&session, config).ok_or(BackendError::NoInput)?;
    let epoll =
        epoll::create(epoll::CreateFlags::CLOEXEC).map_err(|error| BackendError::Clock(error.into()))?;
    let epoll = Rc::new(epoll);
    let active = session.is_active();
    let mut machine = Machine {
        session,
        active,
        nodes,
        cards: Vec::new(),
        connectors: Vec::new(),
        heads: Vec::new(),
        input,
        pointer_planes,
        epoll: Rc::clone(&epoll),
    };
    let mut events = VecDeque::new();
    if active {
        for error in machine.open_cards() {
            if machine.cards.is_empty() {
                return Err(error.into());
            }
            warn!("{error}");
        }
        machine.look_for_screens();
        machine.input.dispatch(&mut events).map_err(BackendError::Clock)?;
        if machine.input.is_empty() {
            warn!("libinput has found no devices: is udev running, and do its rules tag /dev/input?");
        }
    } else {
        info!("another session has the seat: the desktop appears when it is switched to");
    }
    let devices = machine.input.as_fd().try_clone_to_owned().map_err(BackendError::Clock)?;
    let machine = Rc::new(RefCell::new(machine));
    let source = KmsSource {
        session: notifier,
        udev,
        input: Generic::new(devices, Interest::READ, Mode::Level),
        ready: Generic::new(epoll, Interest::READ, Mode::Level),
        machine: Rc::clone(&machine),
        events,
    };
    Ok((Kms(machine), source))
}

/// Waits until the seat is ours, or it turns out to be another session's.
fn await_seat(session: &LibSeatSession, notifier: &mut LibSeatSessionNotifier) -> Result<(), BackendError> {
    let failed = |error: calloop::Error| BackendError::Clock(io::Error::other(error));
    let mut waiting = EventLoop::<()>::try_new().map_err(failed)?;
    let told =
        waiting.handle().insert_source(notifier, |_, (), ()| {}).map_err(|error| failed(error.error))?;
    let until = Instant::now() + SEAT_PATIENCE;
    while !session.is_active() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        waiting.dispatch(left, &mut ()).map_err(failed)?;
    }
    waiting.handle().remove(told);
    Ok(())
}

impl Kms {
    /// The outputs for the screens that are plugged in, as the configuration wants them. Never none.
    pub(super) fn shown(&self, outputs: &[OutputConfig]) -> Vec<OutputConfig> {
        let machine = self.0.borrow();
        let screens: Vec<_> =
            machine.connectors.iter().map(|screen| (screen.name.as_str(), screen.timings())).collect();
        let shown = modes::arrange(&screens, outputs);
        if !shown.is_empty() {
            return shown;
        }
        let unseen = outputs.first().cloned().unwrap_or_default();
        vec![OutputConfig { x: 0, y: 0, ..unseen }]
    }

    pub(super) fn connect(&self, output: OutputId, config: &OutputConfig) -> Result<(), BackendError> {
        self.0.borrow_mut().connect(output, config)
    }

    pub(super) fn disconnect(&self, output: OutputId) {
        self.0.borrow_mut().heads.retain(|head| head.id != output);
    }

    pub(super) fn set_places(&self, all: geom::Rect, first: geom::Rect) {
        self.0.borrow_mut().input.places = Places { all, first };
    }

    pub(super) fn refresh_mhz(&self, output: &OutputConfig) -> i32 {
        let machine = self.0.borrow();
        let head = machine.heads.iter().find(|head| head.config.name == output.name);
        let lit = head.and_then(|head| head.lit.as_ref());
        let refresh =
            lit.map_or(output.refresh_hz.saturating_mul(1000), |lit| refresh_mhz(&lit.scanout.mode()));
        i32::try_from(refresh).unwrap_or(i32::MAX)
    }

    pub(super) fn schedule_frame(&self, output: OutputId) -> io::Result<()> {
        let mut machine = self.0.borrow_mut();
        match machine.heads.iter_mut().find(|head| head.id == output) {
            Some(head) => head.schedule(),
            None => Ok(()),
        }
    }

    pub(super) fn present(
        &self,
        output: OutputId,
        damage: &[Rect],
        canvas: &Canvas,
    ) -> Result<Shown, BackendError> {
        let mut machine = self.0.borrow_mut();
        let Machine { active, heads, epoll, .. } = &mut *machine;
        match heads.iter_mut().find(|head| head.id == output) {
            Some(head) => head.present(*active, damage, canvas, epoll),
            None => Ok(Shown::Nowhere),
        }
    }

    /// A new renderer of the GPU that draws an output, if one is to.
    pub(super) fn renderer(&self, output: OutputId) -> Option<Result<GlesRenderer, GpuError>> {
        let machine = self.0.borrow();
        let head = machine.heads.iter().find(|head| head.id == output)?;
        let lit = head.lit.as_ref().filter(|lit| lit.scanout.is_on_gpu())?;
        machine.cards.iter().find(|card| card.id == lit.card)?.gpu.renderer()
    }

    /// The card whose GPU draws an output, by its device number.
    pub(super) fn gpu(&self, output: OutputId) -> Option<u64> {
        let machine = self.0.borrow();
        let lit = machine.heads.iter().find(|head| head.id == output)?.lit.as_ref()?;
        lit.scanout.is_on_gpu().then_some(lit.card)
    }

    /// The CPU draws what this output's GPU has drawn.
    pub(super) fn give_up_gpu(&self, output: OutputId) {
        self.0.borrow_mut().give_up_gpu(output);
    }

    pub(super) fn pointer_plane(&self, output: OutputId) -> Option<(u32, u32)> {
        let machine = self.0.borrow();
        let head = machine.heads.iter().find(|head| head.id == output)?;
        Some(head.lit.as_ref()?.scanout.pointer()?.size())
    }

    pub(super) fn lay_pointer(&self, output: OutputId, picture: Option<(Arc<PointerPicture>, (i32, i32))>) {
        let mut machine = self.0.borrow_mut();
        let head = machine.heads.iter_mut().find(|head| head.id == output);
        let lit = head.and_then(|head| head.lit.as_mut());
        if let Some(pointer) = lit.and_then(|lit| lit.scanout.pointer_mut()) {
            pointer.set(picture.map(|(picture, at)| Place { picture, at }));
        }
    }

    pub(super) fn set_leds(&self, leds: LedState) {
        self.0.borrow_mut().input.set_leds(leds);
    }

    /// Gives the seat to the session of another virtual terminal, if it has one.
    pub(super) fn switch_terminal(&self, number: i32) {
        if let Err(error) = self.0.borrow_mut().session.change_vt(number) {
            warn!("no switch to virtual terminal {number}: {error}");
        }
    }
}

impl Machine {
    /// Opens the DRM devices that are not open yet. Says of those that cannot be used why not.
    fn open_cards(&mut self) -> Vec<CardError> {
        let mut refused = Vec::new();
        for (id, path) in &self.nodes {
            if self.cards.iter().any(|card| card.id == *id) {
                continue;
            }
            match Card::open(&mut self.session, *id, path) {
                Ok(card) => {
                    let data = epoll::EventData::new_u64(CARD | id);
                    if let Err(error) = epoll::add(&*self.epoll, &card.device, data, epoll::EventFlags::IN) {
                        warn!(card = %path.display(), %error, "page flips cannot be heard of");
                        card.close(&mut self.session);
                        continue;
                    }
                    info!(card = %path.display(), atomic = card.device.is_atomic(), "display device");
                    self.cards.push(card);
                }
                Err(error) => refused.push(error),
            }
        }
        refused
    }

    /// Opens the DRM devices that are not open yet, if they can be.
    fn open_more_cards(&mut self) {
        self.open_cards().iter().for_each(|error| warn!("{error}"));
    }

    /// Finds out which screens are plugged in. Whether others are than before, or with other modes; those that are gone are
    /// dark from now on, so that what fed them is free.
    fn look_for_screens(&mut self) -> bool {
        let found: Vec<Connector> = self.cards.iter().flat_map(Card::connectors).collect();
        if found == self.connectors {
            return false;
        }
        for head in &mut self.heads {
            if !found.iter().any(|screen| screen.name == head.config.name) {
                head.lit = None;
            }
        }
        for screen in &found {
            if !self.connectors.iter().any(|known| known.name == screen.name) {
                info!(screen = screen.name, "screen plugged in");
            }
        }
        for screen in &self.connectors {
            if !found.iter().any(|there| there.name == screen.name) {
                info!(screen = screen.name, "screen unplugged");
            }
        }
        if found.is_empty() {
            info!("no screen is plugged in: the desktop waits for one");
        }
        self.connectors = found;
        true
    }

    fn connect(&mut self, output: OutputId, config: &OutputConfig) -> Result<(), BackendError> {
        let known = self.heads.iter().position(|head| head.id == output);
        let mut head = match known {
            Some(at) => self.heads.remove(at),
            None => Head {
                id: output,
                config: config.clone(),
                clock: RefreshClock::new(HIDDEN_PACE).map_err(BackendError::Clock)?,
                lit: None,
                wanted: false,
                failing: false,
            },
        };
        head.config = config.clone();
        self.light(&mut head);
        let paced = head.set_pace(self.active, &self.epoll);
        self.heads.push(head);
        paced.map_err(BackendError::Clock)
    }

    /// Lights the screen of an output in the mode it is to have, if there is one and it is not.
    fn light(&mut self, head: &mut Head) {
        let Some(screen) = self.connectors.iter().find(|screen| screen.name == head.config.name) else {
            head.lit = None;
            return;
        };
        let given = Given { size: true, refresh: true, ..Given::default() };
        let exact = OutputConfig { given, ..head.config.clone() };
        let place = modes::choose(&screen.timings(), Some(&exact));
        let Some(mode) = place.and_then(|place| screen.modes.get(place).copied()) else { return };
        let as_is = |lit: &Lit| (lit.scanout.mode(), lit.scanout.crtc()) == (mode, screen.crtc);
        if head.lit.as_ref().is_some_and(as_is) {
            return;
        }
        head.lit = None;
        let Some(card) = self.cards.iter_mut().find(|card| card.id == screen.card) else { return };
        let laid = pointer::is_usable(&card.device, self.pointer_planes);
        let Card { device, gpu, path, .. } = card;
        let gpu = gpu.chosen(head.config.renderer, device.device_fd(), path);
        match Scanout::new(device, screen.crtc, screen.handle, mode, laid, gpu) {
            Ok(scanout) => {
                let (width, height) = mode.size();
                let gpu = scanout.is_on_gpu();
                info!(screen = screen.name, gpu, "{width}x{height} at {} mHz", refresh_mhz(&mode));
                head.lit = Some(Lit { scanout, card: screen.card });
            }
            Err(error) => warn!(screen = screen.name, "the screen stays dark: {error}"),
        }
    }

    /// Lights the screens of the card that feeds this output anew, without its GPU.
    fn give_up_gpu(&mut self, output: OutputId) {
        let head = self.heads.iter().find(|head| head.id == output);
        let Some(id) = head.and_then(|head| head.lit.as_ref()).map(|lit| lit.card) else { return };
        let Some(card) = self.cards.iter_mut().find(|card| card.id == id) else { return };
        card.gpu = CardGpu::None;
        for mut head in std::mem::take(&mut self.heads) {
            if head.lit.take_if(|lit| lit.card == id && lit.scanout.is_on_gpu()).is_some() {
                self.light(&mut head);
            }
            self.heads.push(head);
        }
    }

    /// Another session gets the seat.
    fn pause(&mut self, events: &mut VecDeque<BackendEvent>) -> io::Result<()> {
        info!("another session has the seat now");
        self.active = false;
        self.input.suspend(events)?;
        self.cards.iter_mut().for_each(|card| card.device.pause());
        for head in &mut self.heads {
            if let Some(lit) = &mut head.lit {
                lit.scanout.lost();
            }
            head.set_pace(false, &self.epoll)?;
        }
        events.push_back(BackendEvent::FocusLost);
        Ok(())
    }

    /// The seat is ours again, and anything may have happened to it.
    fn resume(&mut self, events: &mut VecDeque<BackendEvent>) -> io::Result<()> {
        info!("the seat is ours");
        self.active = true;
        for card in &mut self.cards {
            if let Err(error) = card.device.activate(true) {
                warn!(card = %card.path.display(), "{error}");
            }
        }
        self.open_more_cards();
        self.input.resume();
        if self.look_for_screens() {
            events.push_back(BackendEvent::OutputsChanged);
        }
        for head in &mut self.heads {
            head.failing = false;
            head.set_pace(true, &self.epoll)?;
        }
        self.input.dispatch(events)
    }

    /// A DRM device came, changed or went.
    fn device_changed(&mut self, event: UdevEvent, events: &mut VecDeque<BackendEvent>) {
        match event {
            // Render nodes and the like are told of too.
            UdevEvent::Added { device_id, path } if is_card(&path) => self.nodes.push((device_id, path)),
            UdevEvent::Added { .. } => return,
            UdevEvent::Changed { .. } => {}
            UdevEvent::Removed { device_id } => self.remove_card(device_id),
        }
        if !self.active {
            return;
        }
        self.open_more_cards();
        if self.look_for_screens() {
            events.push_back(BackendEvent::OutputsChanged);
        }
    }

    fn remove_card(&mut self, id: u64) {
        self.nodes.retain(|(node, _)| *node != id);
        let Some(at) = self.cards.iter().position(|card| card.id == id) else { return };
        for head in &mut self.heads {
            head.lit.take_if(|lit| lit.card == id);
        }
        let card = self.cards.remove(at);
        info!(card = %card.path.display(), "display device gone");
        if let Err(error) = epoll::delete(&*self.epoll, &card.device) {
            warn!(%error, "a device that is gone is still listened to");
        }
        card.close(&mut self.session);
    }

    /// A card or a clock is ready.
    fn poll_ready(&mut self, events: &mut VecDeque<BackendEvent>) -> io::Result<()> {
        let mut ready = Vec::with_capacity(16);
        epoll::wait(&*self.epoll, spare_capacity(&mut ready), Some(&Timespec::default()))?;
        for key in ready.iter().map(|event: &epoll::Event| event.data.u64()) {
            if key & CARD == 0 {
                if let Some(head) = self.heads.iter_mut().find(|head| u64::from(head.id.0) == key) {
                    events.extend(head.tick()?);
                }
            } else if let Some(card) = self.cards.iter().find(|card| card.id | CARD == key) {
                // A device that is gone has nothing to tell; udev tells that it is gone.
                for event in card.device.receive_events().into_iter().flatten() {
                    if let DrmEvent::PageFlip(flip) = event
                        && let Some(head) =
                            self.heads.iter_mut().find(|head| head.is_fed_by(card.id, flip.crtc))
                    {
                        head.flipped(flip.duration, flip.frame, events)?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl Head {
    fn is_fed_by(&self, card: u64, crtc: crtc::Handle) -> bool {
        self.lit.as_ref().is_some_and(|lit| lit.card == card && lit.scanout.crtc() == crtc)
    }

    fn is_flipping(&self) -> bool {
        self.lit.as_ref().is_some_and(|lit| lit.scanout.is_flipping())
    }

    /// Takes frames at the rate of the screen, or slowly where nobody sees them. One is asked for, in case one was wanted.
    fn set_pace(&mut self, active: bool, epoll: &OwnedFd) -> io::Result<()> {
        let lit = self.lit.as_ref().filter(|_| active && !self.failing);
        let millihertz = lit.map(|lit| u64::from(refresh_mhz(&lit.scanout.mode())));
        let interval = millihertz.and_then(|rate| 1_000_000_000_000_u64.checked_div(rate));
        self.clock = RefreshClock::new(interval.map_or(HIDDEN_PACE, Duration::from_nanos))?;
        epoll::add(epoll, &self.clock, epoll::EventData::new_u64(self.id.0.into()), epoll::EventFlags::IN)?;
        self.clock.schedule()
    }

    fn schedule(&mut self) -> io::Result<()> {
        if self.is_flipping() {
            self.wanted = true;
            return Ok(());
        }
        self.clock.schedule()
    }

    /// The clock has ticked.
    fn tick(&mut self) -> io::Result<Option<BackendEvent>> {
        if !self.clock.tick()? {
            return Ok(None);
        }
        self.wanted = self.is_flipping();
        Ok((!self.wanted).then_some(BackendEvent::Frame(self.id)))
    }

    fn present(
        &mut self,
        active: bool,
        damage: &[Rect],
        canvas: &Canvas,
        epoll: &OwnedFd,
    ) -> Result<Shown, BackendError> {
        let Some(lit) = &mut self.lit else { return Ok(Shown::Nowhere) };
        if !active {
            lit.scanout.drawn(damage);
            return Ok(Shown::Nowhere);
        }
        let had_pointer = lit.scanout.pointer().is_some();
        let shown = lit.scanout.present(damage, canvas);
        if had_pointer && lit.scanout.pointer().is_none() {
            // It is not in this frame.
            self.schedule().map_err(BackendError::Clock)?;
        }
        let failed_before = std::mem::replace(&mut self.failing, shown.is_err());
        if shown.is_err() || failed_before {
            // Once more after a while, and at the screen's rate when that has worked.
            self.set_pace(active, epoll).map_err(BackendError::Clock)?;
        }
        match shown {
            Ok(true) => Ok(Shown::Later),
            Ok(false) => Ok(Shown::Now),
            Err(_) if failed_before => Ok(Shown::Nowhere),
            Err(error) => Err(error.into()),
        }
    }

    /// A flip is done, at this time of the monotonic clock. `frame` is the driver's count of the screen's refreshes; 0 comes
    /// from drivers that have none, and so do not wait for one before they say that the flip is done.
    fn flipped(&mut self, time: Duration, frame: u32, events: &mut VecDeque<BackendEvent>) -> io::Result<()> {
        if !self.lit.as_mut().is_some_and(|lit| lit.scanout.flip_done()) {
            return Ok(());
        }
        events.push_back(BackendEvent::Presented { output: self.id, time, frame });
        let wanted = std::mem::take(&mut self.wanted);
        if frame == 0 {
            return if wanted { self.clock.schedule() } else { Ok(()) };
        }
        self.clock.restart(wanted);
        events.extend(wanted.then_some(BackendEvent::Frame(self.id)));
        Ok(())
    }
}

fn is_card(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"card"))
}

impl KmsSource {
    pub(super) fn process_events(
        &mut self,
        readiness: Readiness,
        token: Token,
        callback: impl FnMut(BackendEvent),
    ) -> io::Result<PostAction> {
        let Self { machine, session, udev, input, ready, events } = self;
        let mut machine = machine.borrow_mut();
        let mut turns = Vec::new();
        session.process_events(readiness, token, |event, ()| turns.push(event)).map_err(io::Error::other)?;
        for turn in turns {
            match turn {
                SessionEvent::PauseSession => machine.pause(events)?,
                SessionEvent::ActivateSession => machine.resume(events)?,
            }
        }
        udev.process_events(readiness, token, |event, ()| machine.device_changed(event, events))?;
        input.process_events(readiness, token, |_, _| {
            machine.input.dispatch(events)?;
            Ok(PostAction::Continue)
        })?;
        ready.process_events(readiness, token, |_, _| {
            machine.poll_ready(events)?;
            Ok(PostAction::Continue)
        })?;
        // What is done about them may draw, for which the machine has to be free.
        drop(machine);
        events.drain(..).for_each(callback);
        Ok(PostAction::Continue)
    }

    pub(super) fn register(&mut self, poll: &mut Poll, tokens: &mut TokenFactory) -> calloop::Result<()> {
        self.session.register(poll, tokens)?;
        self.udev.register(poll, tokens)?;
        self.input.register(poll, tokens)?;
        self.ready.register(poll, tokens)
    }

    pub(super) fn reregister(&mut self, poll: &mut Poll, tokens: &mut TokenFactory) -> calloop::Result<()> {
        self.session.reregister(poll, tokens)?;
        self.udev.reregister(poll, tokens)?;
        self.input.reregister(poll, tokens)?;
        self.ready.reregister(poll, tokens)
    }

    pub(super) fn unregister(&mut self, poll: &mut Poll) -> calloop::Result<()> {
        self.session.unregister(poll)?;
        self.udev.unregister(poll)?;
        self.input.unregister(poll)?;
        self.ready.unregister(poll)
    }
}

impl Drop for KmsSource {
    /// What the screens showed before is shown again, for which the seat is still needed: it goes with the session.
    fn drop(&mut self) {
        let mut machine = self.machine.borrow_mut();
        machine.heads.clear();
        machine.cards.clear();
    }
}

impl fmt::Debug for KmsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KmsSource").field("udev", &self.udev).finish_non_exhaustive()
    }
}
