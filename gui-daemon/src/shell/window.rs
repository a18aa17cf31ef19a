//! What the shell knows of one window.

use super::geom::{Edges, Insets, Rect, Size};
use super::hold::Answer;
use super::popup::Positioner;
use super::tile::Tile;

/// The largest content a window may have: the limit of the GUI protocol, kept for every window alike.
pub const MAX_CONTENT: Size = Size::new(16384, 6144);
/// The smallest content a window may have.
pub const MIN_CONTENT: Size = Size::new(1, 1);

/// Names a window for as long as the shell lives: never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub u64);

/// On whose behalf a window is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The GUI domain itself.
    Dom0,
    /// The AppVM that has this number with the caller.
    Domain(u32),
}

/// What kind of window this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Has a frame with a title band around it, can have the keyboard focus.
    Toplevel,
    /// A menu, a tooltip: shows where its owner says, framed on the inside, never has the keyboard focus.
    Popup {
        /// The window it is stacked directly above.
        parent: Option<Id>,
    },
    /// Has a cell of the tray, framed on all sides, and the keyboard focus if the user clicks on it.
    Icon,
}

/// How a toplevel is shown. More than one may hold; the first that does decides: minimised, fullscreen, maximised, tiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Frame and content fill an output.
    pub maximised: bool,
    /// Not shown, and neither are the popups and dialogs that belong to it.
    pub minimised: bool,
    /// Fills an output but for a border; has no title band.
    pub fullscreen: bool,
    /// Frame and content fill this part of an output.
    pub tiled: Option<Tile>,
}

impl State {
    /// Whether the size is the output's or of a part of it, and not for the window to choose.
    pub fn fills_output(self) -> bool {
        self.maximised || self.fullscreen || self.tiled.is_some()
    }

    /// The part of an output that it fills, if that is what it shows.
    pub fn tile(self) -> Option<Tile> {
        self.tiled.filter(|_| !self.maximised && !self.fullscreen)
    }
}

/// The sizes of its content a window likes, with the meaning ICCCM gives them. Pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SizeLimits {
    /// Not smaller than this; where absent, `base`.
    pub min: Option<Size>,
    /// Not larger than this.
    pub max: Option<Size>,
    /// `base` plus a multiple of this.
    pub increment: Option<Size>,
    /// Where multiples of `increment` are counted from; where absent, `min`.
    pub base: Option<Size>,
}

/// A window to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewWindow {
    /// On whose behalf.
    pub owner: Owner,
    /// Toplevel or popup.
    pub role: Role,
    /// The content's place and size as its owner wishes; the size is brought between 1x1 and 16384x6144.
    pub content: Rect,
    /// Whether the wished place counts when a toplevel is shown; if not, the shell chooses one.
    pub placed: bool,
}

/// A window, as the shell shows it. Read only outside of the shell.
#[derive(Clone, Debug)]
pub struct Window {
    /// Its name.
    pub id: Id,
    /// On whose behalf it is shown.
    pub owner: Owner,
    /// Toplevel, popup or icon; a popup too big to be one is shown as a toplevel.
    pub role: Role,
    /// The toplevel this one is a dialog of.
    pub transient_for: Option<Id>,
    /// Where its content is. The frame adds [`Window::insets`] to it.
    pub content: Rect,
    /// The outer edge of its frame; for a popup, whose frame is drawn over the content, the same as `content`.
    pub frame: Rect,
    /// Thickness of its frame on each side: inside of the content for popups, outside of it for all others.
    pub insets: Insets,
    /// How it is shown, or will be once its content fits.
    pub state: State,
    /// Whether its owner wants it shown; of an icon, whether it has a cell.
    pub mapped: bool,
    /// Whether it is a dialog that is to be done with before its window is used again.
    pub(super) modal: bool,
    /// Whether it has the keyboard focus.
    pub focused: bool,
    /// Where its content is, or will be again, when it fills no output.
    pub(super) normal: Rect,
    /// Where its content is to be: [`Window::content`], unless that waits.
    pub(super) goal: Rect,
    /// The state that content and frame are laid out for.
    pub(super) shown: State,
    /// What its owner believes of it: asked for it last, or was told last.
    pub(super) told: (Rect, State),
    /// Whether it draws at the sizes it is told.
    pub(super) patient: bool,
    pub(super) answer: Answer,
    /// The edges that the user pulled at last; the others stay if it chooses a size by itself.
    pub(super) pulled: Edges,
    /// Whether its owner wants a popup, whatever `role` it got.
    pub(super) wants_popup: bool,
    /// Whether `normal` has a place worth keeping.
    pub(super) placed: bool,
    pub(super) limits: SizeLimits,
    pub(super) may_fullscreen: bool,
    /// Whether it must not cover its output as a popup.
    pub(super) popup_protection: bool,
    /// Whether it is maximised in place of a fullscreen it was not granted.
    pub(super) maximised_instead: bool,
    /// How a popup lies to its parent, if it was placed that way.
    pub(super) positioner: Option<Positioner>,
}

impl Window {
    pub(super) fn is_popup(&self) -> bool {
        matches!(self.role, Role::Popup { .. })
    }

    pub(super) fn is_toplevel(&self) -> bool {
        self.role == Role::Toplevel
    }

    /// The window it lies on as a popup that was placed by a positioner.
    pub fn placed_on(&self) -> Option<Id> {
        self.positioner.and(self.parent())
    }

    /// The window it is stacked above and hidden with.
    pub(super) fn parent(&self) -> Option<Id> {
        match self.role {
            Role::Toplevel => self.transient_for,
            Role::Popup { parent } => parent,
            Role::Icon => None,
        }
    }

    /// Makes it a popup or a toplevel of `parent`.
    pub(super) fn set_role(&mut self, popup: bool, parent: Option<Id>) {
        if popup {
            self.role = Role::Popup { parent };
            self.transient_for = None;
            self.state = State::default();
            self.maximised_instead = false;
        } else {
            self.role = Role::Toplevel;
            self.transient_for = parent;
        }
    }

    /// Makes it a child of `parent`, whatever kind it is.
    pub(super) fn set_parent(&mut self, parent: Option<Id>) {
        self.set_role(self.is_popup(), parent);
    }
}

impl SizeLimits {
    /// The size nearest to `wanted` that keeps the limits, rounded down to the increment where `min` allows it.
    /// Limits that contradict each other or [`MAX_CONTENT`] give way: `max` to `min`, the increment to both.
    pub fn constrain(&self, wanted: Size) -> Size {
        let axis = |wanted, most, of: fn(Size) -> i32| {
            let [min, max, increment, base] =
                [self.min, self.max, self.increment, self.base].map(|size| size.map(of));
            constrain_axis(wanted, most, AxisLimits { min, max, increment, base })
        };
        Size {
            width: axis(wanted.width, MAX_CONTENT.width, |size| size.width),
            height: axis(wanted.height, MAX_CONTENT.height, |size| size.height),
        }
    }
}

/// [`SizeLimits`] along one axis.
struct AxisLimits {
    min: Option<i32>,
    max: Option<i32>,
    increment: Option<i32>,
    base: Option<i32>,
}

fn constrain_axis(wanted: i32, most: i32, limits: AxisLimits) -> i32 {
    let low = limits.min.or(limits.base).unwrap_or(1).clamp(1, most);
    // toolkits write 0 for "no limit"
    let high = limits.max.filter(|max| *max > 0).unwrap_or(most).clamp(low, most);
    let base = limits.base.or(limits.min).unwrap_or(0).clamp(0, most);
    let increment = limits.increment.unwrap_or(1).clamp(1, most);
    let wanted = wanted.clamp(low, high);
    if wanted < base {
        return wanted;
    }
    let stepped = wanted - (wanted - base) % increment;
    if stepped >= low {
        stepped
    } else if stepped + increment <= high {
        stepped + increment
    } else {
        low
    }
}
