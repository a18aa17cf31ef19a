//! From a greeting to a window manager: what has to be learned from the X server first.

use std::{io, os::unix::net::UnixStream};

use x11rb_protocol::{
    id_allocator::IdAllocator,
    protocol::{
        composite, xfixes,
        xproto::{
            self, Atom, GetPropertyReply, InternAtomReply, InternAtomRequest, QueryExtensionReply,
            QueryExtensionRequest, VisualClass, Visualid, Window,
        },
    },
    x11_utils::TryParse,
};

use super::{
    atoms::Atoms,
    connection::{Broken, Connection, Packet},
    drag_from_x11::DragQuestion,
    manager::Manager,
    properties::Property,
    selection::SelectionQuestion,
};
use crate::compose::Density;

/// Bits of a pixel with an opacity.
pub(super) const TRANSLUCENT_DEPTH: u8 = 32;

/// What the server has been asked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Question {
    Extension(&'static str),
    Atom,
    /// Of a window's property.
    Property(Window, Property),
    /// Where a window is.
    Geometry(Window),
    /// What a window that wants to be an icon is like, and what it says about being one.
    Icon(Window),
    IconInfo(Window),
    /// About something dragged from X11.
    Drag(DragQuestion),
    /// When it has answered all that was asked about the kinds of something dragged to X11.
    DragKinds(u32),
    /// Which resources the root window has.
    Resources,
    /// About the selections.
    Selection(SelectionQuestion),
    /// Whether a change of the focus has taken place.
    Focus,
}

/// Takes a reply apart.
pub(super) fn parse_reply<T: TryParse>(reply: Option<&Vec<u8>>) -> Option<T> {
    reply.and_then(|reply| T::try_parse(reply).ok()).map(|(reply, _)| reply)
}

/// A property's value, if there is one.
pub(super) fn parse_property(reply: Option<&Vec<u8>>) -> Option<GetPropertyReply> {
    parse_reply::<GetPropertyReply>(reply).filter(|reply| reply.type_ != 0)
}

/// The one screen that Xwayland has, as far as it is of interest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    pub(super) root: Window,
    /// How most windows' pixels are.
    pub(super) visual: Visualid,
    /// How those of windows are that can be seen through. Xwayland has that always.
    pub(super) translucent: Option<Visualid>,
}

impl Screen {
    fn of(screen: &xproto::Screen) -> Self {
        let deep = screen.allowed_depths.iter().filter(|depth| depth.depth == TRANSLUCENT_DEPTH);
        let mut visuals = deep.flat_map(|depth| &depth.visuals);
        let translucent = visuals.find(|it| it.class == VisualClass::TRUE_COLOR).map(|it| it.visual_id);
        Self { root: screen.root, visual: screen.root_visual, translucent }
    }
}

/// A connection that is not a window manager's yet.
pub(super) struct Startup {
    connection: Connection<Question>,
    /// What it has told of itself, and where ids come from, once the server has greeted.
    greeted: Option<(Screen, IdAllocator)>,
    atoms: Vec<Atom>,
}

impl Startup {
    pub(super) fn new(stream: UnixStream) -> io::Result<Self> {
        Ok(Self { connection: Connection::new(stream)?, greeted: None, atoms: Vec::new() })
    }

    /// Something has arrived. Becomes the window manager when all is known.
    pub(super) fn receive(mut self, density: Density) -> Result<Result<Manager, Self>, Broken> {
        self.connection.receive()?;
        if self.greeted.is_none() {
            let Some(setup) = self.connection.setup()? else { return Ok(Err(self)) };
            let screen = Screen::of(setup.roots.first().ok_or(Broken::Nonsense)?);
            let ids = IdAllocator::new(setup.resource_id_base, setup.resource_id_mask)
                .map_err(|_| Broken::Nonsense)?;
            self.greeted = Some((screen, ids));
            for name in [composite::X11_EXTENSION_NAME, xfixes::X11_EXTENSION_NAME] {
                let request = QueryExtensionRequest { name: name.as_bytes().into() };
                self.connection.ask(request, Question::Extension(name));
            }
            for name in Atoms::NAMES {
                let request = InternAtomRequest { only_if_exists: false, name: name.as_bytes().into() };
                self.connection.ask(request, Question::Atom);
            }
        }
        while let Some(packet) = self.connection.next_packet()? {
            match packet {
                Packet::Answer(Question::Extension(name), reply) => {
                    let reply: QueryExtensionReply = parse_reply(reply.as_ref()).ok_or(Broken::Nonsense)?;
                    match name {
                        composite::X11_EXTENSION_NAME => self.connection.composite = reply.major_opcode,
                        _ => {
                            self.connection.xfixes = reply.major_opcode;
                            self.connection.xfixes_event = reply.first_event;
                        }
                    }
                }
                Packet::Answer(Question::Atom, reply) => {
                    let reply: InternAtomReply = parse_reply(reply.as_ref()).ok_or(Broken::Nonsense)?;
                    self.atoms.push(reply.atom);
                }
                Packet::Answer(..) | Packet::Event(_) => {}
            }
        }
        match (self.greeted, Atoms::from_answers(&self.atoms)) {
            (Some((screen, ids)), Some(atoms)) => {
                Manager::new(self.connection, screen, ids, atoms, density).map(Ok)
            }
            (greeted, _) => Ok(Err(Self { greeted, ..self })),
        }
    }

    pub(super) fn flush(&mut self) -> Result<bool, Broken> {
        self.connection.flush()
    }
}
