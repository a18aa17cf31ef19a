//! The session bus, as messages to and fro.
//!
//! No call waits for its answer: an application that does not answer holds up nobody.

use std::{num::NonZeroU32, thread};

use calloop::channel::{self, Channel};
use serde::Serialize;
use tracing::debug;
use zbus::{
    blocking::{Connection, MessageIterator},
    message::{Flags, Header, Message},
    zvariant::DynamicType,
};

/// The bus itself, among those it connects.
pub(super) const BUS: &str = "org.freedesktop.DBus";

/// Messages that wait to be dealt with. The bus keeps what comes beyond.
const WAITING: usize = 64;

/// An object of another program.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object<'a> {
    pub(super) owner: &'a str,
    pub(super) path: &'a str,
    pub(super) interface: &'a str,
}

impl Object<'_> {
    pub(super) const BUS: Object<'static> =
        Object { owner: BUS, path: "/org/freedesktop/DBus", interface: BUS };
}

/// A connection to the bus.
pub(super) struct Bus(Connection);

impl Bus {
    /// Connects to the session's bus. Everything that comes from it comes out of the channel, which ends when the bus does.
    pub(super) fn connect() -> zbus::Result<(Self, Channel<Message>)> {
        let connection = Connection::session()?;
        let (sender, channel) = channel::sync_channel(WAITING);
        let messages = MessageIterator::from(&connection);
        thread::Builder::new().name("session bus".into()).spawn(move || {
            for message in messages {
                let Ok(message) = message else { return };
                if sender.send(message).is_err() {
                    return;
                }
            }
        })?;
        Ok((Self(connection), channel))
    }

    /// Calls a method. Returns the number that the answer will name.
    pub(super) fn ask(
        &self,
        object: Object<'_>,
        method: &str,
        body: &(impl Serialize + DynamicType),
    ) -> Option<NonZeroU32> {
        self.call(object, method, body, None)
    }

    /// Calls a method that needs no answer.
    pub(super) fn tell(&self, object: Object<'_>, method: &str, body: &(impl Serialize + DynamicType)) {
        self.call(object, method, body, Some(Flags::NoReplyExpected));
    }

    fn call(
        &self,
        object: Object<'_>,
        method: &str,
        body: &(impl Serialize + DynamicType),
        flags: Option<Flags>,
    ) -> Option<NonZeroU32> {
        let build = || {
            let mut builder = Message::method_call(object.path, method)?
                .destination(object.owner)?
                .interface(object.interface)?
                .with_flags(Flags::NoAutoStart)?;
            if let Some(flags) = flags {
                builder = builder.with_flags(flags)?;
            }
            builder.build(body)
        };
        self.send(build())
    }

    /// Answers a call, if that is wanted.
    pub(super) fn answer(&self, call: &Header<'_>, body: &(impl Serialize + DynamicType)) {
        if is_answered(call) {
            self.send(Message::method_return(call).and_then(|builder| builder.build(body)));
        }
    }

    /// Answers a call to something that is not there.
    pub(super) fn refuse(&self, call: &Header<'_>) {
        if is_answered(call) {
            let error = Message::error(call, "org.freedesktop.DBus.Error.UnknownMethod");
            self.send(error.and_then(|builder| builder.build(&("there is no such method",))));
        }
    }

    /// Tells everybody.
    pub(super) fn announce(
        &self,
        path: &str,
        interface: &str,
        signal: &str,
        body: &(impl Serialize + DynamicType),
    ) {
        self.send(Message::signal(path, interface, signal).and_then(|builder| builder.build(body)));
    }

    fn send(&self, message: zbus::Result<Message>) -> Option<NonZeroU32> {
        let sent = message.and_then(|message| {
            self.0.send(&message)?;
            Ok(message.primary_header().serial_num())
        });
        sent.inspect_err(|error| debug!("not sent on the session bus: {error}")).ok()
    }
}

fn is_answered(call: &Header<'_>) -> bool {
    !call.primary().flags().contains(Flags::NoReplyExpected)
}
