//! A Wayland client without a library, so that it can say anything: it knows the shape of every request and the objects
//! it has made, and fills the rest as a fuzzer wants.

// A target says by a panic what it has found, and cannot run where the system has no sockets or memory to give.
#![allow(clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::io::{ErrorKind, IoSlice, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use wayland_client::Proxy;
use wayland_client::backend::protocol::{ArgumentType, Interface, MessageDesc};
use wayland_client::protocol::{
    wl_callback::WlCallback, wl_compositor::WlCompositor, wl_data_device_manager::WlDataDeviceManager,
    wl_display::WlDisplay, wl_output::WlOutput, wl_registry::WlRegistry, wl_seat::WlSeat, wl_shm::WlShm,
    wl_subcompositor::WlSubcompositor,
};
use wayland_protocols::{wp, xdg};
use wayland_protocols_misc::server_decoration::client::org_kde_kwin_server_decoration_manager::OrgKdeKwinServerDecorationManager;

use crate::input::Input;

/// Objects with numbers from here on are the server's.
const SERVERS: u32 = 0xff00_0000;

/// Most bytes waiting for a server that does not read.
const BACKLOG: usize = 64 * 1024;

/// The most descriptors one batch of requests carries.
const FDS: usize = 8;

/// The interfaces of all globals there may be.
fn globals() -> Vec<&'static Interface> {
    macro_rules! interfaces {
        ($($path:path),* $(,)?) => { vec![$({ use $path as I; <I>::interface() }),*] };
    }
    interfaces![
        WlCompositor,
        WlSubcompositor,
        WlShm,
        WlSeat,
        WlOutput,
        WlDataDeviceManager,
        OrgKdeKwinServerDecorationManager,
        wp::alpha_modifier::v1::client::wp_alpha_modifier_v1::WpAlphaModifierV1,
        wp::content_type::v1::client::wp_content_type_manager_v1::WpContentTypeManagerV1,
        wp::cursor_shape::v1::client::wp_cursor_shape_manager_v1::WpCursorShapeManagerV1,
        wp::fractional_scale::v1::client::wp_fractional_scale_manager_v1::WpFractionalScaleManagerV1,
        wp::idle_inhibit::zv1::client::zwp_idle_inhibit_manager_v1::ZwpIdleInhibitManagerV1,
        wp::linux_dmabuf::zv1::client::zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1,
        wp::pointer_constraints::zv1::client::zwp_pointer_constraints_v1::ZwpPointerConstraintsV1,
        wp::pointer_gestures::zv1::client::zwp_pointer_gestures_v1::ZwpPointerGesturesV1,
        wp::presentation_time::client::wp_presentation::WpPresentation,
        wp::primary_selection::zv1::client::zwp_primary_selection_device_manager_v1::ZwpPrimarySelectionDeviceManagerV1,
        wp::relative_pointer::zv1::client::zwp_relative_pointer_manager_v1::ZwpRelativePointerManagerV1,
        wp::single_pixel_buffer::v1::client::wp_single_pixel_buffer_manager_v1::WpSinglePixelBufferManagerV1,
        wp::tablet::zv2::client::zwp_tablet_manager_v2::ZwpTabletManagerV2,
        wp::text_input::zv3::client::zwp_text_input_manager_v3::ZwpTextInputManagerV3,
        wp::viewporter::client::wp_viewporter::WpViewporter,
        xdg::activation::v1::client::xdg_activation_v1::XdgActivationV1,
        xdg::decoration::zv1::client::zxdg_decoration_manager_v1::ZxdgDecorationManagerV1,
        xdg::dialog::v1::client::xdg_wm_dialog_v1::XdgWmDialogV1,
        xdg::foreign::zv2::client::zxdg_exporter_v2::ZxdgExporterV2,
        xdg::foreign::zv2::client::zxdg_importer_v2::ZxdgImporterV2,
        xdg::shell::client::xdg_wm_base::XdgWmBase,
        xdg::toplevel_icon::v1::client::xdg_toplevel_icon_manager_v1::XdgToplevelIconManagerV1,
        xdg::xdg_output::zv1::client::zxdg_output_manager_v1::ZxdgOutputManagerV1,
    ]
}

/// An argument of a request that is said on purpose.
pub(crate) enum Arg<'a> {
    Int(i32),
    Object(u32),
    /// A new object of the interface that the request makes.
    New,
    Fd(&'a OwnedFd),
}

/// One client.
pub(crate) struct RawClient {
    stream: UnixStream,
    objects: BTreeMap<u32, &'static Interface>,
    /// Globals by their names: numbers, and versions.
    globals: BTreeMap<&'static str, (u32, u32)>,
    next: u32,
    out: Vec<u8>,
    fds: Vec<OwnedFd>,
    unread: Vec<u8>,
    memory: OwnedFd,
    /// A number that the server has said: a serial, perhaps.
    pub(crate) said: u32,
    /// The last text that the server has said: a handle or a token, perhaps.
    text: Vec<u8>,
    pub(crate) done: u32,
    pub(crate) over: bool,
}

impl RawClient {
    pub(crate) fn new(stream: UnixStream) -> Self {
        stream.set_nonblocking(true).expect("a socket");
        let memory = memfd_create("fuzz", MemfdFlags::CLOEXEC).expect("memory");
        ftruncate(&memory, 4096).expect("memory");
        let objects = BTreeMap::from([(1, WlDisplay::interface()), (2, WlRegistry::interface())]);
        let (out, text) = (Vec::new(), Vec::new());
        let mut client = Self {
            stream,
            objects,
            globals: BTreeMap::new(),
            next: 3,
            out,
            fds: Vec::new(),
            unread: Vec::new(),
            memory,
            said: 0,
            text,
            done: 0,
            over: false,
        };
        client.message(1, 1, &2u32.to_ne_bytes());
        client
    }

    /// An object of this interface, the `nth` of those there are.
    fn object(&self, interface: &str, nth: u8) -> Option<u32> {
        let fitting: Vec<_> =
            self.objects.iter().filter(|(_, it)| it.name == interface).map(|(id, _)| *id).collect();
        fitting.get(usize::from(nth) % fitting.len().max(1)).copied()
    }

    fn message(&mut self, object: u32, opcode: usize, body: &[u8]) {
        if self.over || self.out.len() > BACKLOG {
            return;
        }
        let head = ((body.len() as u32 + 8) << 16) | (opcode as u32 & 0xffff);
        self.out.extend(object.to_ne_bytes());
        self.out.extend(head.to_ne_bytes());
        self.out.extend(body);
    }

    fn make(&mut self, interface: &'static Interface) -> u32 {
        let id = self.next;
        self.next += 1;
        self.objects.insert(id, interface);
        id
    }

    /// Binds a global that there is, unless it is bound already. Its object.
    pub(crate) fn bind(&mut self, interface: &'static Interface) -> Option<u32> {
        if let Some(bound) = self.object(interface.name, 0) {
            return Some(bound);
        }
        let (number, version) = *self.globals.get(interface.name)?;
        let id = self.make(interface);
        let mut body = Vec::from(number.to_ne_bytes());
        put_bytes(&mut body, interface.name.as_bytes(), true);
        body.extend(version.min(interface.version).to_ne_bytes());
        body.extend(id.to_ne_bytes());
        self.message(2, 0, &body);
        Some(id)
    }

    /// Binds the global of this number.
    pub(crate) fn bind_any(&mut self, which: u8) {
        let all = globals();
        if let Some(interface) = all.get(usize::from(which) % all.len()) {
            self.bind(interface);
        }
    }

    /// Makes a request by its name with these arguments. Returns the object it makes.
    pub(crate) fn request(&mut self, object: u32, name: &str, args: &[Arg<'_>]) -> Option<u32> {
        let interface = self.objects.get(&object)?;
        let opcode = interface.requests.iter().position(|request| request.name == name)?;
        let child = interface.requests.get(opcode)?.child_interface;
        let (mut body, mut made) = (Vec::new(), None);
        for arg in args {
            match arg {
                Arg::Int(value) => body.extend(value.to_ne_bytes()),
                Arg::Object(id) => body.extend(id.to_ne_bytes()),
                Arg::New => {
                    let id = self.make(child?);
                    made = Some(id);
                    body.extend(id.to_ne_bytes());
                }
                Arg::Fd(fd) => self.fds.push(fd.try_clone().ok()?),
            }
        }
        self.message(object, opcode, &body);
        made
    }

    /// A toplevel of 8x8 pixels, as far as it can be had without hearing the server. Its surface and its `xdg_surface`.
    pub(crate) fn toplevel(&mut self) -> Option<(u32, u32)> {
        let compositor = self.bind(WlCompositor::interface())?;
        let base = self.bind(xdg::shell::client::xdg_wm_base::XdgWmBase::interface())?;
        let surface = self.request(compositor, "create_surface", &[Arg::New])?;
        let xdg_surface = self.request(base, "get_xdg_surface", &[Arg::New, Arg::Object(surface)])?;
        self.request(xdg_surface, "get_toplevel", &[Arg::New])?;
        self.request(surface, "commit", &[]);
        Some((surface, xdg_surface))
    }

    /// Gives a surface content.
    pub(crate) fn show(&mut self, surface: u32, xdg_surface: Option<u32>) -> Option<()> {
        let shm = self.bind(WlShm::interface())?;
        let memory = self.memory.try_clone().ok()?;
        let pool = self.request(shm, "create_pool", &[Arg::New, Arg::Fd(&memory), Arg::Int(4096)])?;
        let numbers = [0, 8, 8, 32, 0].map(Arg::Int);
        let args: Vec<_> = std::iter::once(Arg::New).chain(numbers).collect();
        let buffer = self.request(pool, "create_buffer", &args)?;
        if let Some(xdg_surface) = xdg_surface {
            self.request(xdg_surface, "ack_configure", &[Arg::Int(self.said.cast_signed())]);
        }
        self.request(surface, "attach", &[Arg::Object(buffer), Arg::Int(0), Arg::Int(0)]);
        self.request(surface, "damage", &[0, 0, 8, 8].map(Arg::Int));
        self.request(surface, "commit", &[]);
        Some(())
    }

    /// Gives content to a surface there is.
    pub(crate) fn show_any(&mut self, input: &mut Input<'_>) {
        let surface = self.object("wl_surface", input.byte());
        let xdg_surface = self.object("xdg_surface", input.byte());
        if let Some(surface) = surface {
            self.show(surface, xdg_surface);
        }
    }

    /// Asks for a sign that all before has been handled.
    pub(crate) fn sync(&mut self) {
        let id = self.make(WlCallback::interface());
        self.message(1, 0, &id.to_ne_bytes());
    }

    /// Any request of any object, mostly with arguments of the right kind.
    pub(crate) fn any_request(&mut self, input: &mut Input<'_>) {
        let which = usize::from(input.byte()) % self.objects.len().max(1);
        let Some((&object, &interface)) = self.objects.iter().nth(which) else { return };
        if object == 1 || interface.requests.is_empty() {
            return self.sync();
        }
        let opcode = usize::from(input.byte()) % interface.requests.len();
        let Some(request) = interface.requests.get(opcode) else { return };
        let mut objects = request.arg_interfaces.iter();
        let mut body = Vec::new();
        for kind in request.signature {
            match kind {
                ArgumentType::Int | ArgumentType::Uint | ArgumentType::Fixed => {
                    body.extend(self.number(input).to_ne_bytes());
                }
                ArgumentType::Str(_) => {
                    let text = self.text(input);
                    put_bytes(&mut body, &text, true);
                }
                ArgumentType::Array => {
                    let length = usize::from(input.byte() % 32);
                    put_bytes(&mut body, input.take(length), false);
                }
                ArgumentType::Object(_) => {
                    let wanted = objects.next().map_or("", |interface| interface.name);
                    let choice = input.byte();
                    let id = match choice {
                        // null where that may be, any object, one that is none
                        0 => 0,
                        1 => self.objects.keys().nth(usize::from(input.byte())).copied().unwrap_or(0),
                        2 => u32::from(input.byte()),
                        _ => self.object(wanted, choice).unwrap_or(0),
                    };
                    body.extend(id.to_ne_bytes());
                }
                ArgumentType::NewId => match request.child_interface {
                    Some(child) => body.extend(self.make(child).to_ne_bytes()),
                    // `wl_registry.bind` is made by other means
                    None => return,
                },
                ArgumentType::Fd => match self.memory.try_clone() {
                    Ok(memory) if self.fds.len() < FDS => self.fds.push(memory),
                    _ => return,
                },
            }
        }
        self.message(object, opcode, &body);
        if request.is_destructor {
            self.objects.remove(&object);
        }
    }

    /// Bytes that are no request at all, perhaps.
    pub(crate) fn noise(&mut self, input: &mut Input<'_>) {
        let length = usize::from(input.byte() % 32);
        let bytes = input.take(length).to_vec();
        let object = self.objects.keys().nth(usize::from(input.byte()) % self.objects.len()).copied();
        self.message(object.unwrap_or(0), usize::from(input.byte() % 32), &bytes);
    }

    fn number(&self, input: &mut Input<'_>) -> i32 {
        match input.byte() {
            byte @ 0..=127 => i32::from(byte % 64),
            128..=159 => self.said.cast_signed(),
            160..=175 => i32::MAX,
            176..=191 => i32::MIN,
            192..=207 => -i32::from(input.byte()),
            _ => i32::from(input.word()) << (input.byte() % 17),
        }
    }

    fn text(&self, input: &mut Input<'_>) -> Vec<u8> {
        match input.byte() % 5 {
            0 => self.text.clone(),
            1 => "ä".repeat(usize::from(input.word() % 1900)).into_bytes(),
            2 => b"text/plain".to_vec(),
            _ => {
                let length = usize::from(input.byte() % 16);
                input.take(length).iter().map(|byte| byte % 127 + 1).collect()
            }
        }
    }

    /// Sends what there is.
    pub(crate) fn write(&mut self) {
        while !self.out.is_empty() && !self.over {
            let fds: Vec<_> = self.fds.iter().take(FDS).map(AsFd::as_fd).collect();
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            if !fds.is_empty() {
                control.push(SendAncillaryMessage::ScmRights(&fds));
            }
            let sent = fds.len();
            match sendmsg(&self.stream, &[IoSlice::new(&self.out)], &mut control, SendFlags::NOSIGNAL) {
                Ok(written) => {
                    drop(self.out.drain(..written));
                    drop(self.fds.drain(..sent));
                }
                Err(rustix::io::Errno::AGAIN) => return,
                Err(_) => self.over = true,
            }
        }
    }

    /// Hears what the server has said.
    pub(crate) fn read(&mut self) {
        let mut bytes = [0; 4096];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => {
                    self.over = true;
                    break;
                }
                Ok(read) => self.unread.extend(bytes.iter().take(read)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.over |= error.kind() != ErrorKind::WouldBlock;
                    break;
                }
            }
        }
        let unread = std::mem::take(&mut self.unread);
        let mut rest = unread.as_slice();
        while let Some((head, _)) = rest.split_first_chunk::<8>() {
            let object = Words(head).next().unwrap_or(0);
            let second = Words(head).nth(1).unwrap_or(0);
            let (length, opcode) = ((second >> 16) as usize, (second & 0xffff) as usize);
            assert!(length >= 8, "the server's messages are whole");
            let Some((message, after)) = rest.split_at_checked(length) else { break };
            self.event(object, opcode, message.get(8..).unwrap_or_default());
            rest = after;
        }
        self.unread = rest.to_vec();
    }

    fn event(&mut self, object: u32, opcode: usize, body: &[u8]) {
        match (object, opcode) {
            // wl_display.error
            (1, 0) => return self.over = true,
            // wl_display.delete_id
            (1, 1) => {
                let id = Words(body).next().unwrap_or(0);
                self.objects.remove(&id);
                return;
            }
            (2, 0) => return self.global(body),
            _ => {}
        }
        let Some(interface) = self.objects.get(&object) else { return };
        if interface.name == "wl_callback" {
            self.done += 1;
            self.objects.remove(&object);
            return;
        }
        let Some(event) = interface.events.get(opcode) else { return };
        self.take_in(event, body);
    }

    fn take_in(&mut self, event: &'static MessageDesc, body: &[u8]) {
        let mut words = Words(body);
        for kind in event.signature {
            match kind {
                ArgumentType::Fd => {}
                ArgumentType::Str(_) | ArgumentType::Array => {
                    let Some(length) = words.next() else { return };
                    let length = length as usize;
                    self.text = words.0.iter().copied().take(length.saturating_sub(1)).collect();
                    words.0 = words.0.get(length.next_multiple_of(4)..).unwrap_or_default();
                }
                ArgumentType::NewId => {
                    let Some(id) = words.next() else { return };
                    if let Some(child) = event.child_interface.filter(|_| id >= SERVERS) {
                        self.objects.insert(id, child);
                    }
                }
                ArgumentType::Uint => self.said = words.next().unwrap_or(0),
                _ => drop(words.next()),
            }
        }
    }

    fn global(&mut self, body: &[u8]) {
        let mut words = Words(body);
        let (Some(number), Some(length)) = (words.next(), words.next()) else { return };
        let length = length as usize;
        let name = words.0.get(..length.saturating_sub(1)).unwrap_or_default();
        let known = globals().into_iter().find(|interface| interface.name.as_bytes() == name);
        words.0 = words.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        if let (Some(interface), Some(version)) = (known, words.next()) {
            self.globals.insert(interface.name, (number, version));
        }
    }
}

/// Text, with its final NUL, or any bytes, as they are on the wire.
fn put_bytes(body: &mut Vec<u8>, bytes: &[u8], text: bool) {
    let length = bytes.len() + usize::from(text);
    body.extend((length as u32).to_ne_bytes());
    body.extend(bytes);
    let padded = body.len() - bytes.len() + length.next_multiple_of(4);
    body.resize(padded, 0);
}

/// The 32-bit words of a message.
struct Words<'a>(&'a [u8]);

impl Iterator for Words<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (word, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_ne_bytes(*word))
    }
}
