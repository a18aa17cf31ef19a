//! Any operations with any values in any order, and what must hold after each.

use std::collections::{BTreeMap, BTreeSet};

use proptest::option;
use proptest::prelude::*;

use crate::shell::geom::{Edges, Insets, Point, Rect, Size};
use crate::shell::popup::{Positioner, tests::positioner};
use crate::shell::stacking::chain;
use crate::shell::tray::{ICON, MAX_SHOWN};
use crate::shell::window::MAX_CONTENT;
use crate::shell::{
    Direction, Effect, FramePart, Hit, Id, Metrics, NewWindow, Owner, Role, Shell, SizeLimits, State, Tile,
    Window,
};

/// One of the windows added so far, counted round; or one that never was.
type Which = usize;

#[derive(Clone, Debug)]
enum Op {
    Add {
        owner: Owner,
        popup: bool,
        parent: Option<Which>,
        content: Rect,
        placed: bool,
        map: bool,
    },
    Map(Which),
    Unmap(Which),
    Dock(Which),
    EndTray,
    Remove(Which),
    RemoveOwner(Owner),
    SetRole(Which, bool, Option<Which>),
    SetPlaced(Which, bool),
    SetTransient(Which, Option<Which>),
    SetLimits(Which, SizeLimits),
    SetAllowFullscreen(Which, bool),
    SetPopupProtection(Which, bool),
    SetPatient(Which, bool),
    Drawn(Which, Size, bool),
    DrawnAsTold(Which),
    GiveUp(Which),
    SetOutputs(Vec<Rect>),
    RequestGeometry(Which, Rect),
    RequestMaximise(Which, bool),
    RequestMinimise(Which, bool),
    RequestFullscreen(Which, bool),
    RequestTile(Which, Option<Tile>),
    ToggleTile(Which, Tile),
    StepBack(Which),
    RequestFocus(Which),
    PlacePopup(Which, Positioner),
    ToggleMaximise(Which),
    Raise(Which),
    PointerMotion(Point),
    PointerPress(Point),
    /// On the frame of a window, at so many pixels from its nearest corner, from its left or right, top or bottom.
    PressOnFrame(Which, Point, bool, bool),
    PointerRelease,
    BeginMove(Which, Point),
    BeginResize(Which, Edges, Point),
    AltTab(Direction),
    AltTabEnd,
    AltTabCancel,
    Drain,
}

fn coordinate() -> impl Strategy<Value = i32> {
    prop_oneof![
        8 => -200..2200_i32,
        2 => -20_000..20_000_i32,
        1 => prop_oneof![Just(i32::MIN), Just(i32::MIN + 1), Just(-1), Just(0), Just(i32::MAX)],
        1 => any::<i32>(),
    ]
}

fn point() -> impl Strategy<Value = Point> {
    (coordinate(), coordinate()).prop_map(|(x, y)| Point::new(x, y))
}

fn size() -> impl Strategy<Value = Size> {
    (coordinate(), coordinate()).prop_map(|(width, height)| Size::new(width, height))
}

fn rect() -> impl Strategy<Value = Rect> {
    (point(), size()).prop_map(|(origin, size)| Rect::at(origin, size))
}

fn owner() -> impl Strategy<Value = Owner> {
    prop_oneof![Just(Owner::Dom0), Just(Owner::Domain(0)), Just(Owner::Domain(7))]
}

fn edges() -> impl Strategy<Value = Edges> {
    any::<[bool; 4]>().prop_map(|[left, right, top, bottom]| Edges { left, right, top, bottom })
}

fn tile() -> impl Strategy<Value = Tile> {
    prop::sample::select(&Tile::ALL[..])
}

fn limits() -> impl Strategy<Value = SizeLimits> {
    let small = || (-1..300, -1..300).prop_map(|(width, height)| Size::new(width, height));
    let any = || option::of(prop_oneof![small(), size()]);
    (any(), any(), any(), any()).prop_map(|(min, max, increment, base)| SizeLimits {
        min,
        max,
        increment,
        base,
    })
}

fn outputs() -> impl Strategy<Value = Vec<Rect>> {
    let usual = (-1..3, -1..2, 600..2000, 400..1200)
        .prop_map(|(column, row, width, height)| Rect::new(column * 1920, row * 1080, width, height));
    let tiny = (point(), 1..40, 1..40).prop_map(|(at, width, height)| Rect::at(at, Size::new(width, height)));
    proptest::collection::vec(prop_oneof![4 => usual, 1 => tiny, 1 => rect()], 0..4)
}

fn op() -> impl Strategy<Value = Op> {
    let which = || 0..20_usize;
    let flag = any::<bool>;
    let direction = prop_oneof![Just(Direction::Forward), Just(Direction::Backward)];
    let near = (0..40, 0..40).prop_map(|(x, y)| Point::new(x, y));
    prop_oneof![
        6 => (owner(), flag(), option::of(which()), rect(), flag(), flag()).prop_map(
            |(owner, popup, parent, content, placed, map)| Op::Add { owner, popup, parent, content, placed, map }
        ),
        4 => which().prop_map(Op::Map),
        1 => which().prop_map(Op::Unmap),
        3 => which().prop_map(Op::Dock),
        1 => Just(Op::EndTray),
        1 => which().prop_map(Op::Remove),
        1 => prop_oneof![9 => Just(Op::Drain), 1 => owner().prop_map(Op::RemoveOwner)],
        1 => (which(), flag(), option::of(which())).prop_map(|(w, popup, parent)| Op::SetRole(w, popup, parent)),
        1 => (which(), flag()).prop_map(|(w, placed)| Op::SetPlaced(w, placed)),
        3 => (which(), option::of(which())).prop_map(|(w, parent)| Op::SetTransient(w, parent)),
        2 => (which(), limits()).prop_map(|(w, limits)| Op::SetLimits(w, limits)),
        1 => (which(), flag()).prop_map(|(w, allow)| Op::SetAllowFullscreen(w, allow)),
        1 => (which(), flag()).prop_map(|(w, protect)| Op::SetPopupProtection(w, protect)),
        4 => (which(), prop::bool::weighted(0.8)).prop_map(|(w, on)| Op::SetPatient(w, on)),
        4 => (which(), size(), flag()).prop_map(|(w, size, answers)| Op::Drawn(w, size, answers)),
        4 => which().prop_map(Op::DrawnAsTold),
        2 => which().prop_map(Op::GiveUp),
        1 => outputs().prop_map(Op::SetOutputs),
        4 => (which(), rect()).prop_map(|(w, content)| Op::RequestGeometry(w, content)),
        2 => (which(), flag()).prop_map(|(w, on)| Op::RequestMaximise(w, on)),
        2 => (which(), flag()).prop_map(|(w, on)| Op::RequestMinimise(w, on)),
        2 => (which(), flag()).prop_map(|(w, on)| Op::RequestFullscreen(w, on)),
        2 => (which(), option::weighted(0.8, tile())).prop_map(|(w, tile)| Op::RequestTile(w, tile)),
        1 => (which(), tile()).prop_map(|(w, tile)| Op::ToggleTile(w, tile)),
        1 => which().prop_map(Op::StepBack),
        2 => which().prop_map(Op::RequestFocus),
        3 => (which(), positioner()).prop_map(|(w, positioner)| Op::PlacePopup(w, positioner)),
        1 => which().prop_map(Op::ToggleMaximise),
        2 => which().prop_map(Op::Raise),
        6 => point().prop_map(Op::PointerMotion),
        2 => point().prop_map(Op::PointerPress),
        4 => (which(), near, flag(), flag()).prop_map(|(w, at, right, low)| Op::PressOnFrame(w, at, right, low)),
        2 => Just(Op::PointerRelease),
        1 => (which(), point()).prop_map(|(w, at)| Op::BeginMove(w, at)),
        2 => (which(), edges(), point()).prop_map(|(w, edges, at)| Op::BeginResize(w, edges, at)),
        2 => direction.prop_map(Op::AltTab),
        1 => Just(Op::AltTabEnd),
        1 => Just(Op::AltTabCancel),
        1 => Just(Op::Drain),
    ]
}

/// The shell and what its callers know of it.
struct World {
    shell: Shell,
    added: Vec<Id>,
    /// What each window's owner asked for or was told last.
    told: BTreeMap<Id, (Rect, State)>,
    /// The focus as told.
    focus: Option<Id>,
}

impl World {
    fn new(focus_new: bool) -> Self {
        let metrics = Metrics { focus_new, ..Metrics::default() };
        let shell = Shell::new(metrics, vec![Rect::new(0, 0, 1920, 1080), Rect::new(1920, 200, 1280, 1024)]);
        Self { shell, added: Vec::new(), told: BTreeMap::new(), focus: None }
    }

    fn id(&self, which: Which) -> Id {
        let unknown = Id(u64::MAX);
        self.added.get(which % (self.added.len() + 1)).copied().unwrap_or(unknown)
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Add { owner, popup, parent, content, placed, map } => {
                let role = self.role(popup, parent);
                let id = self.shell.add(NewWindow { owner, role, content, placed });
                assert!(!self.added.contains(&id), "ids are never used again");
                self.added.push(id);
                self.told.insert(id, (content, State::default()));
                if map {
                    self.shell.map(id);
                }
            }
            Op::Map(w) => self.shell.map(self.id(w)),
            Op::Unmap(w) => self.shell.unmap(self.id(w)),
            Op::Dock(w) => self.shell.dock(self.id(w)),
            Op::EndTray => self.shell.end_tray(),
            Op::Remove(w) => {
                self.shell.remove(self.id(w));
                assert!(self.shell.window(self.id(w)).is_none());
            }
            Op::RemoveOwner(owner) => {
                self.shell.remove_owner(owner);
                assert!(self.shell.all_windows().all(|window| window.owner != owner));
            }
            Op::SetRole(w, popup, parent) => self.shell.set_role(self.id(w), self.role(popup, parent)),
            Op::SetPlaced(w, placed) => self.shell.set_placed(self.id(w), placed),
            Op::SetTransient(w, parent) => {
                self.shell.set_transient(self.id(w), parent.map(|parent| self.id(parent)));
            }
            Op::SetLimits(w, limits) => self.shell.set_limits(self.id(w), limits),
            Op::SetAllowFullscreen(w, allow) => self.shell.set_allow_fullscreen(self.id(w), allow),
            Op::SetPopupProtection(w, protect) => self.shell.set_popup_protection(self.id(w), protect),
            Op::SetPatient(w, patient) => {
                self.see_choices();
                self.shell.set_patient(self.id(w), patient);
            }
            Op::Drawn(w, size, answers) => self.drawn(self.id(w), size, answers),
            Op::DrawnAsTold(w) => {
                self.drain();
                let told = self.shell.window(self.id(w)).map(|window| window.told().0.size());
                if let Some(size) = told {
                    self.drawn(self.id(w), size, true);
                }
            }
            Op::GiveUp(w) => self.shell.give_up(self.id(w)),
            Op::SetOutputs(outputs) => self.shell.set_outputs(outputs),
            Op::RequestGeometry(w, content) => {
                let id = self.id(w);
                self.shell.request_geometry(id, content);
                if let (Some(told), Some(window)) = (self.told.get_mut(&id), self.shell.window(id)) {
                    *told = if window.patient { window.told() } else { (content, told.1) };
                }
            }
            Op::RequestMaximise(w, on) => self.shell.request_maximise(self.id(w), on),
            Op::RequestMinimise(w, on) => self.shell.request_minimise(self.id(w), on),
            Op::RequestFullscreen(w, on) => self.shell.request_fullscreen(self.id(w), on),
            Op::RequestTile(w, tile) => self.shell.request_tile(self.id(w), tile),
            Op::ToggleTile(w, tile) => self.shell.toggle_tile(self.id(w), tile),
            Op::StepBack(w) => self.shell.step_back(self.id(w)),
            Op::RequestFocus(w) => {
                let id = self.id(w);
                self.shell.request_focus(id);
                let can = self
                    .shell
                    .window(id)
                    .is_some_and(|window| window.mapped && window.role == Role::Toplevel);
                assert!(!can || self.shell.focused() == Some(id));
            }
            Op::PlacePopup(w, positioner) => self.shell.place_popup(self.id(w), positioner),
            Op::ToggleMaximise(w) => self.shell.toggle_maximise(self.id(w)),
            Op::Raise(w) => self.shell.raise(self.id(w)),
            Op::PointerMotion(at) => self.pointer_motion(at),
            Op::PointerPress(at) => self.pointer_press(at),
            Op::PressOnFrame(w, at, right, low) => {
                if let Some(frame) = self.shell.window(self.id(w)).map(|window| window.frame) {
                    let x = if right { frame.right() - 1 - at.x } else { frame.x + at.x };
                    let y = if low { frame.bottom() - 1 - at.y } else { frame.y + at.y };
                    self.pointer_press(Point::new(x, y));
                }
            }
            Op::PointerRelease => {
                self.shell.pointer_release();
                assert_eq!((self.shell.grabbed(), self.shell.landing_place()), (None, None));
            }
            Op::BeginMove(w, at) => self.shell.begin_move(self.id(w), at),
            Op::BeginResize(w, edges, at) => self.shell.begin_resize(self.id(w), edges, at),
            Op::AltTab(direction) => self.shell.alt_tab(direction),
            Op::AltTabEnd => {
                let choice = self.shell.alt_tab_choice();
                self.shell.alt_tab_end();
                assert!(choice.is_none() || self.shell.focused() == choice);
            }
            Op::AltTabCancel => self.shell.alt_tab_cancel(),
            Op::Drain => self.drain(),
        }
    }

    /// Content of a window came; what its owner chose by itself it knows.
    fn drawn(&mut self, id: Id, size: Size, answers: bool) {
        self.shell.drawn(id, size, answers);
        if let (Some(told), Some(window)) = (self.told.get_mut(&id), self.shell.window(id)) {
            *told = window.told();
        }
    }

    fn role(&self, popup: bool, parent: Option<Which>) -> Role {
        if popup { Role::Popup { parent: parent.map(|parent| self.id(parent)) } } else { Role::Toplevel }
    }

    /// A motion, during which the edges of a window that nobody pulls at stay where they are.
    fn pointer_motion(&mut self, at: Point) {
        let held = self.shell.grabbed();
        let content = |shell: &Shell| held.and_then(|(id, _)| shell.window(id)).map(|window| window.content);
        let before = content(&self.shell);
        self.shell.pointer_motion(at);
        if let (Some((_, FramePart::Edge(edges))), Some(before), Some(after)) =
            (held, before, content(&self.shell))
        {
            assert!(edges.left || before.x == after.x, "{edges:?}: {before:?} {after:?}");
            assert!(edges.top || before.y == after.y, "{edges:?}: {before:?} {after:?}");
            assert!(edges.right || before.right() == after.right(), "{edges:?}: {before:?} {after:?}");
            assert!(edges.bottom || before.bottom() == after.bottom(), "{edges:?}: {before:?} {after:?}");
        }
    }

    fn pointer_press(&mut self, at: Point) {
        let seen = self.shell.hit(at);
        let held = self.shell.grabbed();
        let hit = self.shell.pointer_press(at);
        assert_eq!(hit, if held.is_some() { Hit::Nothing } else { seen }, "a click goes to what is seen");
    }

    /// The size that a window chose during a resize counts as told to it when the user lets go.
    fn see_choices(&mut self) {
        for window in self.shell.all_windows().filter(|window| window.patient) {
            self.told.insert(window.id, window.told());
        }
    }

    /// Takes all effects, and compares what the callers were told with what is.
    fn drain(&mut self) {
        self.see_choices();
        while let Some(effect) = self.shell.poll_effect() {
            match effect {
                Effect::Configure { id, content, states } => {
                    let window = self.shell.window(id).unwrap();
                    assert_eq!(window.told(), (content, states));
                    let before = self.told.insert(id, (content, states));
                    assert_ne!(before, Some((content, states)), "told twice");
                }
                Effect::FocusChanged { from, to } => {
                    assert_eq!((from, to), (self.focus, self.shell.focused()));
                    assert_ne!(from, to);
                    self.focus = to;
                }
                Effect::Restyled { .. } => {}
                Effect::Close { id } => assert!(self.shell.window(id).is_some()),
                Effect::Changed => {}
            }
        }
        for window in self.shell.all_windows() {
            assert_eq!(self.told.get(&window.id), Some(&window.told()), "{window:?}");
            if !window.is_awaited() {
                assert_eq!(window.told(), (window.goal, window.state), "{window:?}");
                let resized = self
                    .shell
                    .grabbed()
                    .is_some_and(|(id, part)| id == window.id && matches!(part, FramePart::Edge(_)));
                assert!(resized || window.content == window.goal, "nothing is waited for: {window:?}");
            }
        }
        assert_eq!(self.focus, self.shell.focused());
    }

    fn verify_invariants(&self) {
        let all: Vec<&Window> = self.shell.all_windows().collect();
        let shown: Vec<&Window> = self.shell.stack().collect();
        let ids: BTreeSet<Id> = all.iter().map(|window| window.id).collect();
        assert_eq!(ids.len(), all.len(), "each window is listed once");
        all.iter().for_each(|window| self.verify_geometry(window));
        shown.iter().for_each(|window| self.verify_place(window));
        self.verify_order(&all, &shown);
        self.verify_focus(&all, &shown);
        self.verify_hits(&shown);
        self.verify_tray(&all, &shown);
    }

    fn verify_geometry(&self, window: &Window) {
        let Window { content, frame, insets, .. } = window;
        assert!((1..=MAX_CONTENT.width).contains(&content.width), "{window:?}");
        assert!((1..=MAX_CONTENT.height).contains(&content.height), "{window:?}");
        let Insets { left, right, top, bottom } = *insets;
        assert!([left, right, top, bottom].iter().all(|side| *side > 0), "{window:?}");
        match window.role {
            Role::Toplevel => assert!(frame.encloses(content.outset(*insets)), "{window:?}"),
            Role::Popup { .. } => {
                assert_eq!(content, frame);
                assert_eq!(window.state, State::default());
            }
            Role::Icon => {
                assert_eq!(*frame, content.outset(*insets));
                assert_eq!(window.state, State::default());
            }
        }
    }

    /// What a window that fills an output or a part of one is to fill.
    fn verify_filling(&self, window: &Window) {
        let fills = |output: &Rect| {
            let area = if window.state.fullscreen { *output } else { self.shell.work_area(*output) };
            let area = window.state.tile().map_or(area, |tile| tile.of(area));
            let insets = Metrics::default().frame_insets(window.role, window.state);
            let size = area.inset(insets).size().clamped(Size::new(1, 1), MAX_CONTENT);
            window.goal == Rect::at(area.inset(insets).origin(), size)
        };
        assert!(self.shell.outputs().iter().any(fills), "{window:?}");
    }

    fn verify_place(&self, window: &Window) {
        if window.state.fills_output() {
            self.verify_filling(window);
        }
        let outputs = self.shell.outputs();
        let on_output = |rect: Rect| outputs.iter().any(|output| !output.intersection(rect).is_empty());
        match window.role {
            Role::Toplevel => {
                let band = Rect { height: window.insets.top, ..window.frame };
                assert!(on_output(band), "out of reach: {window:?}");
                let work_areas = || outputs.iter().map(|output| self.shell.work_area(*output));
                let is_settled = window.content == window.goal && !window.state.fullscreen;
                let free = work_areas().any(|area| !area.intersection(band).is_empty());
                assert!(free || !is_settled, "under the tray: {window:?}");
            }
            Role::Icon => {}
            Role::Popup { .. } => {
                let inside = outputs.iter().any(|output| output.encloses(window.frame));
                let may_hide = window.positioner.is_none() || window.parent().is_none();
                assert!(inside || may_hide && !on_output(window.frame), "cut off: {window:?}");
            }
        }
    }

    fn verify_order(&self, all: &[&Window], shown: &[&Window]) {
        let place = |id: Id| all.iter().position(|window| window.id == id);
        let parent = |window: &Window| match window.role {
            Role::Toplevel => window.transient_for,
            Role::Popup { parent } => parent,
            Role::Icon => None,
        };
        let ancestors = |window: &Window| {
            let mut above = vec![];
            let mut next = parent(window);
            while let Some(id) = next {
                above.push(id);
                assert!(above.len() < 16, "nested too deep");
                next = parent(self.shell.window(id).unwrap());
            }
            above
        };
        for (own, window) in all.iter().enumerate() {
            if let Some(parent) = parent(window) {
                assert_eq!(self.shell.window(parent).unwrap().owner, window.owner);
                let between = all.get(place(parent).unwrap() + 1..own).expect("above its parent");
                assert!(
                    between.iter().all(|other| ancestors(other).contains(&parent)),
                    "families stay together"
                );
            }
            let choice = self.shell.alt_tab_choice().and_then(|id| self.shell.window(id));
            let awake =
                |id: &Id| choice.is_some_and(|choice| choice.id == *id || ancestors(choice).contains(id));
            let asleep = ancestors(window).into_iter().chain([window.id]).any(|id| {
                let window = self.shell.window(id).unwrap();
                window.mapped && window.state.minimised && !awake(&id)
            });
            let times = shown.iter().filter(|other| other.id == window.id).count();
            assert_eq!(times, usize::from(window.mapped && !asleep), "{window:?}");
        }
    }

    fn verify_focus(&self, all: &[&Window], shown: &[&Window]) {
        for window in all {
            assert_eq!(window.focused, self.shell.focused() == Some(window.id));
        }
        let can = |window: &&&Window| window.role == Role::Toplevel && !window.state.minimised;
        match self.shell.focused() {
            Some(id) => assert!(
                shown.iter().any(|window| window.id == id && (can(&window) || window.role == Role::Icon))
            ),
            // what is shown only as a preview does not count
            None if self.shell.alt_tab_choice().is_some() => {}
            None => assert_eq!(shown.iter().filter(can).count(), 0),
        }
        if let Some((id, _)) = self.shell.grabbed() {
            assert!(shown.iter().any(|window| window.id == id && window.role == Role::Toplevel));
        }
        if let Some(id) = self.shell.alt_tab_choice() {
            assert!(shown.iter().any(|window| window.id == id && window.role == Role::Toplevel));
        }
    }

    /// Every icon that is shown has a cell of its own, and nothing but a fullscreen window lies over it.
    fn verify_tray(&self, all: &[&Window], shown: &[&Window]) {
        let output = self.shell.outputs()[0];
        let icons = || all.iter().filter(|window| window.mapped && window.role == Role::Icon);
        for icon in icons() {
            assert_eq!(icon.goal.size(), Size::new(ICON, ICON));
            assert!(output.encloses(icon.frame), "{icon:?}");
            assert!(self.shell.work_area(output).intersection(icon.frame).is_empty(), "{icon:?}");
            let of_owner = icons().filter(|other| other.owner == icon.owner).count();
            assert!(of_owner <= MAX_SHOWN);
            let others = icons().filter(|other| other.id != icon.id);
            others.for_each(|other| assert!(icon.frame.intersection(other.frame).is_empty()));
            let above = shown.iter().rev().take_while(|other| other.id != icon.id);
            for other in above.filter(|other| !other.frame.intersection(icon.frame).is_empty()) {
                let mut belongs_to = chain(&self.shell.windows, other.id);
                assert!(belongs_to.any(|window| window.shown.fullscreen), "{other:?} over {icon:?}");
            }
        }
    }

    /// Paints the windows one over the other at the places where they begin and end, and compares.
    fn verify_hits(&self, shown: &[&Window]) {
        let corners = |rect: Rect| {
            let (x, y, right, bottom) = (rect.x, rect.y, rect.right(), rect.bottom());
            [(x, y), (x - 1, y), (right - 1, bottom - 1), (right, y), (x, bottom - 1), (right - 1, bottom)]
        };
        let places =
            shown.iter().flat_map(|window| corners(window.frame).into_iter().chain(corners(window.content)));
        for (x, y) in places {
            let at = Point::new(x, y);
            let mut painted = None;
            for window in shown {
                if window.frame.contains(at) {
                    painted = Some((window.id, false));
                }
                if window.content.contains(at) {
                    painted = Some((window.id, true));
                }
            }
            let hit = match self.shell.hit(at) {
                Hit::Nothing => None,
                Hit::Content { id, local } => {
                    assert_eq!(local.plus(self.shell.window(id).unwrap().content.origin()), at);
                    Some((id, true))
                }
                Hit::Frame { id, .. } => Some((id, false)),
            };
            assert_eq!(hit, painted, "at {at:?}");
        }
    }
}

proptest! {
    #[test]
    fn what_must_hold_holds_whatever_happens(
        focus_new: bool,
        ops in proptest::collection::vec(op(), 1..80),
    ) {
        let mut world = World::new(focus_new);
        for op in ops {
            world.apply(op);
            world.verify_invariants();
        }
        world.drain();
    }
}
