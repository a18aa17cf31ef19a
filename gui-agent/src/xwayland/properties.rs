//! What a window says about itself, in properties that any program may fill with anything.
//!
//! Each property is read whole when it changes. What does not make sense counts as not there, numbers are brought into the
//! protocol's limits, and what is too long is cut by the question already.

use gui_protocol::{Image, SizeHints, limits};
use x11rb_protocol::protocol::xproto::{Atom, AtomEnum, GetPropertyReply};

use super::atoms::Atoms;

/// Bits of `WM_NORMAL_HINTS`.
mod size_hint {
    pub(super) const USER_POSITION: u32 = 1;
    pub(super) const PROGRAM_POSITION: u32 = 4;
    pub(super) const MIN_SIZE: u32 = 16;
    pub(super) const MAX_SIZE: u32 = 32;
    pub(super) const INCREMENT: u32 = 64;
    pub(super) const BASE_SIZE: u32 = 256;
}

/// Bits of `WM_HINTS`.
mod hint {
    pub(super) const INPUT: u32 = 1;
    pub(super) const STATE: u32 = 2;
    pub(super) const URGENCY: u32 = 256;
}

/// `WM_HINTS`' word for a window that begins minimised.
const ICONIC: u32 = 3;

/// The side that icons are chosen for, in pixels. The frames of the GUI domain show them much smaller.
const ICON_SIDE: u32 = 64;

/// Words asked for of an icon property: programs put their icons of all sizes there, and so many
/// pixels hold one of each usual size up to the protocol's largest.
const ICON_WORDS: u32 = 200_000;

/// A property that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Property {
    Name,
    NetName,
    Class,
    NormalHints,
    Hints,
    TransientFor,
    Protocols,
    Icon,
    Kind,
    States,
    StartupId,
    DropVersion,
}

impl Property {
    pub(super) const ALL: [Self; 12] = [
        Self::Name,
        Self::NetName,
        Self::Class,
        Self::NormalHints,
        Self::Hints,
        Self::TransientFor,
        Self::Protocols,
        Self::Icon,
        Self::Kind,
        Self::States,
        Self::StartupId,
        Self::DropVersion,
    ];

    /// What the server calls it, and how many words of it are of use.
    pub(super) fn question(self, atoms: &Atoms) -> (Atom, u32) {
        /// Twice what is shown of any text.
        const TEXT: u32 = limits::MAX_TITLE / 2;
        /// More than there are names of any kind.
        const LIST: u32 = 64;
        match self {
            Self::Name => (AtomEnum::WM_NAME.into(), TEXT),
            Self::NetName => (atoms.net_wm_name, TEXT),
            Self::Class => (AtomEnum::WM_CLASS.into(), TEXT),
            Self::NormalHints => (AtomEnum::WM_NORMAL_HINTS.into(), LIST),
            Self::Hints => (AtomEnum::WM_HINTS.into(), LIST),
            Self::TransientFor => (AtomEnum::WM_TRANSIENT_FOR.into(), 1),
            Self::Protocols => (atoms.wm_protocols, LIST),
            Self::Icon => (atoms.net_wm_icon, ICON_WORDS),
            Self::Kind => (atoms.net_wm_window_type, LIST),
            Self::States => (atoms.net_wm_state, LIST),
            Self::StartupId => (atoms.net_startup_id, TEXT),
            Self::DropVersion => (atoms.xdnd_aware, 1),
        }
    }

    /// The property with this name.
    pub(super) fn of(atom: Atom, atoms: &Atoms) -> Option<Self> {
        Self::ALL.into_iter().find(|property| property.question(atoms).0 == atom)
    }

    pub(super) fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// All of a window's properties.
#[derive(Debug, Default)]
pub(crate) struct Properties {
    name: String,
    net_name: String,
    /// Which program it is of.
    pub(crate) class: String,
    pub(crate) instance: String,
    pub(crate) size_hints: SizeHints,
    pub(crate) transient_for: Option<u32>,
    /// Whether the window is to be given the keyboard; no word means yes.
    refuses_input: bool,
    pub(crate) urgent: bool,
    pub(crate) begins_minimised: bool,
    pub(crate) takes_focus: bool,
    pub(crate) closes_itself: bool,
    pub(crate) icon: Option<Image>,
    /// A menu, a tooltip or the like, which nobody frames.
    pub(crate) passing: bool,
    pub(crate) maximised: bool,
    pub(crate) fullscreen: bool,
    pub(crate) wants_attention: bool,
    pub(crate) startup_id: String,
    /// The version of XDND in which it is told of what is dragged over it, if it is.
    pub(crate) drop_version: Option<u32>,
}

impl Properties {
    /// The better one of its two names.
    pub(crate) fn title(&self) -> &str {
        if self.net_name.is_empty() { &self.name } else { &self.net_name }
    }

    pub(crate) fn accepts_input(&self) -> bool {
        !self.refuses_input
    }

    /// A property is so now; `None` if there is none.
    pub(super) fn set(&mut self, property: Property, value: Option<&GetPropertyReply>, atoms: &Atoms) {
        let bytes = || value.map(|value| value.value.as_slice()).unwrap_or_default();
        let word = |at: usize| words(value).nth(at);
        let has = |atom: Atom| words(value).any(|it| it == atom);
        match property {
            // UTF-8 where that is said, Latin-1 or what programs think that is otherwise
            Property::Name if value.is_some_and(|value| value.type_ == atoms.utf8_string) => {
                self.name = String::from_utf8_lossy(bytes()).into_owned();
            }
            Property::Name => self.name = latin1(bytes()),
            Property::NetName => self.net_name = String::from_utf8_lossy(bytes()).into_owned(),
            Property::Class => {
                let mut parts = bytes().split(|byte| *byte == 0).map(latin1);
                self.instance = parts.next().unwrap_or_default();
                self.class = parts.next().unwrap_or_default();
            }
            Property::NormalHints => self.size_hints = size_hints(&words(value).collect::<Vec<_>>()),
            Property::Hints => {
                let flags = word(0).unwrap_or(0);
                self.refuses_input = flags & hint::INPUT != 0 && word(1) == Some(0);
                self.begins_minimised = flags & hint::STATE != 0 && word(2) == Some(ICONIC);
                self.urgent = flags & hint::URGENCY != 0;
            }
            Property::TransientFor => self.transient_for = word(0).filter(|window| *window != 0),
            Property::Protocols => {
                self.takes_focus = has(atoms.wm_take_focus);
                self.closes_itself = has(atoms.wm_delete_window);
            }
            Property::Icon => self.icon = best_icon(&words(value).collect::<Vec<_>>()),
            Property::Kind => {
                // programs list what they would like best first; none of these is of interest but as the first
                let passing = [
                    atoms.type_dropdown_menu,
                    atoms.type_popup_menu,
                    atoms.type_tooltip,
                    atoms.type_notification,
                    atoms.type_combo,
                    atoms.type_dnd,
                ];
                self.passing = word(0).is_some_and(|kind| passing.contains(&kind));
            }
            Property::States => {
                self.maximised = has(atoms.state_maximized_horz) && has(atoms.state_maximized_vert);
                self.fullscreen = has(atoms.state_fullscreen);
                self.wants_attention = has(atoms.state_demands_attention);
            }
            Property::StartupId => self.startup_id = String::from_utf8_lossy(bytes()).into_owned(),
            Property::DropVersion => self.drop_version = word(0),
        }
    }
}

/// The words of a property that consists of words.
fn words(value: Option<&GetPropertyReply>) -> impl Iterator<Item = u32> + '_ {
    value.and_then(GetPropertyReply::value32).into_iter().flatten()
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().take_while(|byte| **byte != 0).copied().map(char::from).collect()
}

/// What `WM_NORMAL_HINTS` says: flags, four words that mean nothing, then pairs.
fn size_hints(words: &[u32]) -> SizeHints {
    let flags = words.first().copied().unwrap_or(0);
    let pair = |flag: u32, at: usize, most: (u32, u32)| {
        let &[width, height] = words.get(at..)?.first_chunk::<2>()?;
        // as signed numbers; what is negative is nonsense
        let side = |side: u32, most: u32| i32::try_from(side).ok().map(|_| side.min(most));
        Some((side(width, most.0)?, side(height, most.1)?)).filter(|_| flags & flag != 0)
    };
    let size = (limits::MAX_WIDTH, limits::MAX_HEIGHT);
    let step = (limits::MAX_INCREMENT - 1, limits::MAX_INCREMENT - 1);
    let at_least_1 = |(width, height): (u32, u32)| (width.max(1), height.max(1));
    let min = pair(size_hint::MIN_SIZE, 5, size);
    let max = pair(size_hint::MAX_SIZE, 7, size).filter(|(width, height)| *width > 0 && *height > 0);
    let base = pair(size_hint::BASE_SIZE, 15, size);
    SizeHints {
        user_position: flags & size_hint::USER_POSITION != 0,
        program_position: flags & size_hint::PROGRAM_POSITION != 0,
        // each stands for the other where only one is given
        min: min.or(base).map(at_least_1),
        // a greatest size below the least would leave none
        max: max.map(|(width, height)| match min {
            Some((least_width, least_height)) => (width.max(least_width), height.max(least_height)),
            None => (width, height),
        }),
        increment: pair(size_hint::INCREMENT, 9, step).map(at_least_1).filter(|step| *step != (1, 1)),
        base: base.or(min),
    }
}

/// Of icons one after another, each as width, height and pixels, the smallest that is large enough, or else the largest.
fn best_icon(mut words: &[u32]) -> Option<Image> {
    let mut best: Option<(u32, u32, &[u32])> = None;
    while let Some((&[width, height], rest)) = words.split_first_chunk::<2>() {
        let Some(pixels) = usize::try_from(u64::from(width).saturating_mul(height.into()))
            .ok()
            .and_then(|it| rest.get(..it))
        else {
            break;
        };
        words = rest.get(pixels.len()..).unwrap_or_default();
        let fits = (1..=limits::ICON_SIDE).contains(&width) && (1..=limits::ICON_SIDE).contains(&height);
        let better = best.is_none_or(|(side, _, _)| match side < ICON_SIDE {
            true => width > side,
            false => (ICON_SIDE..side).contains(&width),
        });
        if fits && better {
            best = Some((width, height, pixels));
        }
    }
    let (width, height, pixels) = best?;
    Image::icon(width, height, pixels.iter().flat_map(|pixel| premultiplied(*pixel)).collect())
}

/// A pixel's bytes as the protocol has them, of an ARGB word whose colours do not know of its opacity.
fn premultiplied(pixel: u32) -> [u8; 4] {
    let [blue, green, red, alpha] = pixel.to_le_bytes();
    let times = |colour: u8| {
        let product = u16::from(colour) * u16::from(alpha);
        u8::try_from(product.saturating_add(127) / 255).unwrap_or(u8::MAX)
    };
    [times(blue), times(green), times(red), alpha]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_come_in_bounds() {
        // a terminal's: cells of 6x13 in a border of 4, at least one cell
        let mut words = [0; 18];
        words[0] = size_hint::MIN_SIZE | size_hint::INCREMENT | size_hint::BASE_SIZE;
        (words[5], words[6], words[9], words[10], words[15], words[16]) = (10, 17, 6, 13, 4, 4);
        let hints = size_hints(&words);
        assert_eq!(
            (hints.min, hints.max, hints.increment, hints.base),
            (Some((10, 17)), None, Some((6, 13)), Some((4, 4)))
        );
        assert_eq!(size_hints(&words[..12]), SizeHints { base: Some((10, 17)), ..hints }, "a short one");
        assert_eq!(size_hints(&[]), SizeHints::default());

        let hints = size_hints(&[u32::MAX; 18]);
        assert_eq!((hints.min, hints.max, hints.increment, hints.base), (None, None, None, None), "negative");
        let hints = size_hints(&[i32::MAX as u32; 18]);
        assert_eq!(hints.min, Some((limits::MAX_WIDTH, limits::MAX_HEIGHT)));
        assert_eq!(hints.increment, Some((limits::MAX_INCREMENT - 1, limits::MAX_INCREMENT - 1)));

        let mut words = [0; 18];
        words[0] = size_hint::MIN_SIZE | size_hint::MAX_SIZE;
        (words[5], words[6], words[7], words[8]) = (100, 100, 50, 200);
        assert_eq!(size_hints(&words).max, Some((100, 200)), "not below the least");
    }

    fn side_of(icons: &[(u32, u32)]) -> Option<u32> {
        let icon = |(width, height): &(u32, u32)| {
            let mut words = vec![*width, *height];
            words.resize(2 + (width * height) as usize, 0x80ff_0010);
            words
        };
        best_icon(&icons.iter().flat_map(icon).collect::<Vec<_>>()).map(|icon| icon.width)
    }

    #[test]
    fn the_icon_is_large_enough_and_no_larger() {
        assert_eq!(side_of(&[(16, 16), (256, 256), (64, 64), (128, 128), (32, 32)]), Some(64));
        assert_eq!(side_of(&[(16, 16), (48, 48), (32, 32)]), Some(48));
        assert_eq!(side_of(&[(256, 256), (128, 128)]), Some(128));
        assert_eq!(side_of(&[(300, 300), (16, 16)]), Some(16), "the protocol carries no more");
        assert_eq!(side_of(&[(300, 300)]), None);
        assert_eq!(side_of(&[(0, 0), (0, 9), (24, 24)]), Some(24));
        assert_eq!(side_of(&[]), None);
        // more promised than there is
        assert!(best_icon(&[2, 2, 0, 0, 0]).is_none());
        assert!(best_icon(&[u32::MAX, u32::MAX, 0]).is_none());
        assert!(best_icon(&[7]).is_none());
    }

    #[test]
    fn colours_are_no_brighter_than_their_opacity() {
        assert_eq!(premultiplied(0x80ff_0010), [8, 0, 128, 128]);
        assert_eq!(premultiplied(0xff12_3456), [0x56, 0x34, 0x12, 0xff]);
        assert_eq!(premultiplied(0x00ff_ffff), [0; 4]);
    }
}
