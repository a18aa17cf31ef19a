//! The items on the session bus: who they are, what they look like, what is to be done with them.
//!
//! This is both the watcher, with which applications register their items, and the one host that shows them. Where another
//! program of the session is the watcher, this one waits in line for the name and shows nothing until then.
//!
//! Every question is asked without waiting, and at most one of a kind is open for each item: an application that does not
//! answer has no icon, and costs nothing else.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    num::NonZeroU32,
};

use serde::Serialize;
use tracing::{debug, info};
use zbus::{
    message::{Header, Message, Type},
    zvariant::{DynamicType, ObjectPath, Value as Variant},
};

use super::{
    bus::{BUS, Bus, Object},
    item::Look,
    menu::{self, Entry},
    value::{Node, Properties},
};

/// The watcher's names, which are those of its interface, and the interface of the items registered there.
const WATCHERS: [(&str, &str); 2] = [
    ("org.kde.StatusNotifierWatcher", "org.kde.StatusNotifierItem"),
    ("org.freedesktop.StatusNotifierWatcher", "org.freedesktop.StatusNotifierItem"),
];

const WATCHER_PATH: &str = "/StatusNotifierWatcher";

/// Where an item is whose application names only itself.
const ITEM_PATH: &str = "/StatusNotifierItem";

const MENU: &str = "com.canonical.dbusmenu";

const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// Items, and applications that say they have one. What comes beyond is not shown.
const MAX_ITEMS: usize = 64;

/// Bytes of a message that is looked at: a few pictures, or some ten thousand entries of a menu.
const MAX_MESSAGE: usize = 4 << 20;

/// Bytes of the names that items are registered by.
const MAX_NAME: usize = 512;

/// Messages that concern items.
const WANTED: [&str; 4] = [
    "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'",
    "type='signal',interface='org.kde.StatusNotifierItem'",
    "type='signal',interface='org.freedesktop.StatusNotifierItem'",
    "type='signal',interface='com.canonical.dbusmenu'",
];

/// One item. Numbers are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ItemId(u32);

struct Item {
    /// The connection it is on.
    owner: String,
    path: String,
    interface: &'static str,
    look: Look,
    /// Something about it has changed since it was asked.
    ask_again: bool,
    menu_again: bool,
}

impl Item {
    fn object(&self) -> Object<'_> {
        Object { owner: &self.owner, path: &self.path, interface: self.interface }
    }

    fn properties(&self) -> Object<'_> {
        Object { interface: PROPERTIES, ..self.object() }
    }

    fn menu(&self) -> Option<Object<'_>> {
        let path = self.look.menu.as_deref()?;
        Some(Object { owner: &self.owner, path, interface: MENU })
    }

    /// What other hosts know it by.
    fn service(&self) -> String {
        format!("{}{}", self.owner, self.path)
    }
}

/// What was asked and not answered yet.
#[derive(Debug, PartialEq, Eq)]
enum Question {
    /// Who has the name that an item was registered by.
    Owner {
        name: String,
        path: String,
        interface: &'static str,
    },
    Look(ItemId),
    Activation(ItemId),
    Menu(ItemId),
}

/// What happened to an item.
#[derive(Debug)]
pub(super) enum Change {
    /// It is new or looks different.
    Looks(ItemId),
    Gone(ItemId),
    /// Its menu, as asked for.
    Menu(ItemId, Vec<Entry>),
    /// Its menu may be another now.
    MenuChanged(ItemId),
    /// It does not know what to do when it is clicked.
    NotActivated(ItemId),
}

/// See the module's description.
pub(super) struct Host {
    bus: Bus,
    items: BTreeMap<ItemId, Item>,
    last: u32,
    questions: HashMap<NonZeroU32, Question>,
    changes: VecDeque<Change>,
}

impl Host {
    pub(super) fn new(bus: Bus) -> Self {
        for wanted in WANTED {
            bus.tell(Object::BUS, "AddMatch", &(wanted,));
        }
        for (name, _) in WATCHERS {
            bus.tell(Object::BUS, "RequestName", &(name, 0u32));
        }
        Self { bus, items: BTreeMap::new(), last: 0, questions: HashMap::new(), changes: VecDeque::new() }
    }

    /// What has happened since this was last asked.
    pub(super) fn poll_change(&mut self) -> Option<Change> {
        self.changes.pop_front()
    }

    pub(super) fn look(&self, id: ItemId) -> Option<&Look> {
        self.items.get(&id).map(|item| &item.look)
    }

    /// The item was clicked at a point.
    pub(super) fn activate(&mut self, id: ItemId, (x, y): (i32, i32)) {
        let question = Question::Activation(id);
        let Some(item) = self.items.get(&id) else { return };
        match self.is_open(&question) {
            true => self.bus.tell(item.object(), "Activate", &(x, y)),
            false => {
                let asked = self.bus.ask(item.object(), "Activate", &(x, y));
                self.open(asked, question);
            }
        }
    }

    /// Something is to be done by the item for which it has a method.
    pub(super) fn tell(&self, id: ItemId, method: &str, body: &(impl Serialize + DynamicType)) {
        if let Some(item) = self.items.get(&id) {
            self.bus.tell(item.object(), method, body);
        }
    }

    /// An entry of the menu, or the whole, is about to be shown: asks for what it looks like.
    pub(super) fn open_menu(&mut self, id: ItemId, entry: i32) {
        self.tell_menu(id, entry, "opened");
        if let Some(menu) = self.items.get(&id).and_then(Item::menu) {
            self.bus.tell(menu, "AboutToShow", &(entry,));
        }
        self.ask_menu(id);
    }

    /// Asks for the menu.
    pub(super) fn ask_menu(&mut self, id: ItemId) {
        let question = Question::Menu(id);
        let open = self.is_open(&question);
        let Some(item) = self.items.get_mut(&id) else { return };
        if open {
            item.menu_again = true;
        } else if let Some(menu) = item.menu() {
            let asked = self.bus.ask(menu, "GetLayout", &(menu::ROOT, -1, menu::PROPERTIES.as_slice()));
            self.open(asked, question);
        }
    }

    /// Something happened to an entry of the menu.
    pub(super) fn tell_menu(&self, id: ItemId, entry: i32, event: &str) {
        let Some(menu) = self.items.get(&id).and_then(Item::menu) else { return };
        // the time is the X server's, where there is one
        self.bus.tell(menu, "Event", &(entry, event, Variant::I32(0), 0u32));
    }

    fn is_open(&self, question: &Question) -> bool {
        self.questions.values().any(|open| open == question)
    }

    fn open(&mut self, asked: Option<NonZeroU32>, question: Question) {
        if let Some(number) = asked {
            self.questions.insert(number, question);
        }
    }

    /// Deals with what came from the bus.
    pub(super) fn handle(&mut self, message: &Message) {
        let header = message.header();
        match message.message_type() {
            Type::MethodCall => self.called(message, &header),
            Type::Signal => self.signalled(message, &header),
            Type::MethodReturn | Type::Error => {
                let question = header.reply_serial().and_then(|number| self.questions.remove(&number));
                let Some(question) = question else { return };
                let is_answer =
                    message.message_type() == Type::MethodReturn && message.data().len() <= MAX_MESSAGE;
                self.answered(question, is_answer.then_some(message));
            }
        }
    }

    /// Somebody calls the watcher.
    fn called(&mut self, call: &Message, header: &Header<'_>) {
        let interface = header.interface().map_or("", |interface| interface.as_str());
        let path = header.path().map_or("", |path| path.as_str());
        let Some(member) = header.member().filter(|_| path == WATCHER_PATH) else {
            return self.bus.refuse(header);
        };
        let watcher = WATCHERS.iter().find(|(name, _)| *name == interface);
        match (watcher, interface, member.as_str()) {
            (Some((_, interface)), _, "RegisterStatusNotifierItem") => {
                self.bus.answer(header, &());
                if let (Ok(service), Some(sender)) = (call.body().deserialize::<&str>(), header.sender()) {
                    self.register(service, sender.as_str(), interface);
                }
            }
            // there is one already, which is this
            (Some(_), _, "RegisterStatusNotifierHost") => self.bus.answer(header, &()),
            (None, PROPERTIES, "Get") => {
                let asked = call.body();
                let property = asked.deserialize::<(&str, &str)>().ok();
                match property.and_then(|(_, name)| self.properties().remove(name)) {
                    Some(value) => self.bus.answer(header, &(value,)),
                    None => self.bus.refuse(header),
                }
            }
            (None, PROPERTIES, "GetAll") => self.bus.answer(header, &(self.properties(),)),
            _ => self.bus.refuse(header),
        }
    }

    /// Those of the watcher.
    fn properties(&self) -> HashMap<&'static str, Variant<'static>> {
        let items: Vec<String> = self.items.values().map(Item::service).collect();
        HashMap::from([
            ("RegisteredStatusNotifierItems", items.into()),
            ("IsStatusNotifierHostRegistered", true.into()),
            ("ProtocolVersion", 0i32.into()),
        ])
    }

    /// An application has an item: where it is, which is a name on the bus, the path of an object, or one after the other.
    fn register(&mut self, service: &str, sender: &str, interface: &'static str) {
        let (name, path) = match service.find('/') {
            Some(at) => service.split_at(at),
            None => (service, ITEM_PATH),
        };
        let valid = service.len() <= MAX_NAME && ObjectPath::try_from(path).is_ok();
        let owners = self.questions.values().filter(|open| matches!(open, Question::Owner { .. })).count();
        if !valid || self.items.len().saturating_add(owners) >= MAX_ITEMS {
            return debug!("an item is not shown: its name is none, or there are too many");
        }
        match name {
            "" => self.add(sender, path, interface),
            name if name.starts_with(':') => self.add(name, path, interface),
            name => {
                let asked = self.bus.ask(Object::BUS, "GetNameOwner", &(name,));
                let (name, path) = (name.to_owned(), path.to_owned());
                self.open(asked, Question::Owner { name, path, interface });
            }
        }
    }

    fn add(&mut self, owner: &str, path: &str, interface: &'static str) {
        let known = self.items.iter().find(|(_, item)| item.owner == owner && item.path == path);
        let id = known.map(|(id, _)| *id).unwrap_or_else(|| {
            self.last = self.last.wrapping_add(1);
            let (owner, path) = (owner.to_owned(), path.to_owned());
            let look = Look { hidden: true, ..Look::default() };
            let item = Item { owner, path, interface, look, ask_again: false, menu_again: false };
            self.announce("StatusNotifierItemRegistered", &item.service());
            self.items.insert(ItemId(self.last), item);
            ItemId(self.last)
        });
        self.look_again(id);
    }

    /// Something about an item may have changed.
    fn look_again(&mut self, id: ItemId) {
        let question = Question::Look(id);
        let open = self.is_open(&question);
        let Some(item) = self.items.get_mut(&id) else { return };
        if open {
            item.ask_again = true;
            return;
        }
        let asked = self.bus.ask(item.properties(), "GetAll", &(item.interface,));
        self.open(asked, question);
    }

    fn remove(&mut self, id: ItemId) {
        let Some(item) = self.items.remove(&id) else { return };
        self.announce("StatusNotifierItemUnregistered", &item.service());
        self.changes.push_back(Change::Gone(id));
    }

    fn announce(&self, signal: &str, service: &str) {
        for (interface, _) in WATCHERS {
            self.bus.announce(WATCHER_PATH, interface, signal, &(service,));
        }
    }

    fn signalled(&mut self, signal: &Message, header: &Header<'_>) {
        let (Some(sender), Some(member)) = (header.sender(), header.member()) else { return };
        let interface = header.interface().map_or("", |interface| interface.as_str());
        match (sender.as_str(), interface, member.as_str()) {
            (BUS, BUS, "NameOwnerChanged") => {
                let body = signal.body();
                if let Ok((name, _, "")) = body.deserialize::<(&str, &str, &str)>() {
                    self.left(name);
                }
            }
            (BUS, BUS, "NameAcquired") => {
                let body = signal.body();
                let name = body.deserialize::<&str>().unwrap_or_default();
                if WATCHERS.iter().any(|(watcher, _)| *watcher == name) {
                    info!("showing the items that are registered with {name}");
                    self.bus.announce(WATCHER_PATH, name, "StatusNotifierHostRegistered", &());
                }
            }
            (owner, MENU, "LayoutUpdated" | "ItemsPropertiesUpdated") => {
                let path = header.path().map(|path| path.as_str());
                let of_it = |item: &Item| item.owner == owner && item.look.menu.as_deref() == path;
                let found = self.items.iter().find(|(_, item)| of_it(item));
                if let Some((id, _)) = found {
                    self.changes.push_back(Change::MenuChanged(*id));
                }
            }
            (owner, interface, name) if name.starts_with("New") => {
                let path = header.path().map_or("", |path| path.as_str());
                let is_it =
                    |item: &Item| item.owner == owner && item.path == path && item.interface == interface;
                if let Some(id) = self.items.iter().find(|(_, item)| is_it(item)).map(|(id, _)| *id) {
                    self.look_again(id);
                }
            }
            _ => {}
        }
    }

    /// A name has no owner any more.
    fn left(&mut self, name: &str) {
        let of_it = |(id, item): (&ItemId, &Item)| (item.owner == name).then_some(*id);
        let gone: Vec<_> = self.items.iter().filter_map(of_it).collect();
        gone.into_iter().for_each(|id| self.remove(id));
    }

    /// An answer; `None` where it is that there is none.
    fn answered(&mut self, question: Question, answer: Option<&Message>) {
        let body = answer.map(Message::body);
        match question {
            Question::Owner { name, path, interface } => {
                match body.as_ref().and_then(|body| body.deserialize::<&str>().ok()) {
                    Some(owner) => self.add(owner, &path, interface),
                    None => debug!("nobody has the name of an item, {name:?}"),
                }
            }
            Question::Look(id) => {
                let properties = body.and_then(|body| body.deserialize::<Properties>().ok());
                let Some(item) = self.items.get_mut(&id) else { return };
                let again = std::mem::take(&mut item.ask_again);
                if let Some(look) = properties.map(Look::new)
                    && look != item.look
                {
                    item.look = look;
                    self.changes.push_back(Change::Looks(id));
                }
                if again {
                    self.look_again(id);
                }
            }
            Question::Activation(id) => {
                if answer.is_none() {
                    self.changes.push_back(Change::NotActivated(id));
                }
            }
            Question::Menu(id) => {
                let layout = body.and_then(|body| body.deserialize::<(u32, Node)>().ok());
                let Some(item) = self.items.get_mut(&id) else { return };
                if std::mem::take(&mut item.menu_again) {
                    return self.ask_menu(id);
                }
                if let Some((_, root)) = layout {
                    self.changes.push_back(Change::Menu(id, menu::entries(root)));
                }
            }
        }
    }
}
