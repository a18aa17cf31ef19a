//! What keys mean to a menu, under the keymap that the agent tells.

use std::{fs::File, os::fd::OwnedFd, os::unix::fs::FileExt as _};

use smithay::input::keyboard::{Keysym, xkb};

use super::menu::Entry;

/// Bytes of a keymap; those of all of X11's layouts together have fewer.
const MAX_KEYMAP: u32 = 1 << 20;

/// What the kernel's numbers are below X11's, which keymaps are written in.
const X11_OFFSET: u32 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Up,
    Down,
    First,
    Last,
    /// To what is below an entry.
    Into,
    /// Back from there.
    Out,
    Choose,
    Close,
    /// To the next entry that begins with it.
    Letter(char),
}

/// A keymap and the modifiers that hold; nothing before the agent has told.
#[derive(Default)]
pub(super) struct Keys(Option<xkb::State>);

impl Keys {
    /// Takes a keymap, which is in the first `size` bytes of a file.
    pub(super) fn set_keymap(&mut self, file: OwnedFd, size: u32) {
        let keymap = || {
            let mut text = vec![0; usize::try_from(size.min(MAX_KEYMAP)).ok()?];
            File::from(file).read_exact_at(&mut text, 0).ok()?;
            let text = String::from_utf8(text.into_iter().take_while(|byte| *byte != 0).collect()).ok()?;
            let (format, flags) = (xkb::KEYMAP_FORMAT_TEXT_V1, xkb::KEYMAP_COMPILE_NO_FLAGS);
            xkb::Keymap::new_from_string(&xkb::Context::new(xkb::CONTEXT_NO_FLAGS), text, format, flags)
        };
        self.0 = keymap().map(|keymap| xkb::State::new(&keymap));
    }

    pub(super) fn set_modifiers(&mut self, (depressed, latched, locked): (u32, u32, u32), group: u32) {
        if let Some(state) = &mut self.0 {
            state.update_mask(depressed, latched, locked, 0, 0, group);
        }
    }

    /// What a key is for, by the kernel's number of it.
    pub(super) fn meaning(&self, number: u32) -> Option<Key> {
        let (state, code) = (self.0.as_ref()?, number.checked_add(X11_OFFSET)?.into());
        Some(match state.key_get_one_sym(code) {
            Keysym::Up | Keysym::KP_Up => Key::Up,
            Keysym::Down | Keysym::KP_Down => Key::Down,
            Keysym::Home | Keysym::KP_Home => Key::First,
            Keysym::End | Keysym::KP_End => Key::Last,
            Keysym::Right | Keysym::KP_Right => Key::Into,
            Keysym::Left | Keysym::KP_Left => Key::Out,
            Keysym::Return | Keysym::KP_Enter | Keysym::space => Key::Choose,
            Keysym::Escape => Key::Close,
            _ => {
                let letter = char::from_u32(state.key_get_utf32(code)).filter(|it| it.is_alphanumeric())?;
                Key::Letter(letter)
            }
        })
    }
}

/// The row that a key leads to, from the one that is chosen. Rows that cannot be chosen are passed over, and after the
/// last comes the first.
pub(super) fn row_for(key: Key, entries: &[Entry], from: Option<usize>) -> Option<usize> {
    let count = entries.len();
    let from = from.filter(|row| *row < count);
    let after = from.map_or(0, |row| row.saturating_add(1));
    let before = from.map_or(0, |row| count.saturating_sub(row));
    let item = |row: usize| match entries.get(row)? {
        Entry::Item(item) if item.enabled => Some(item),
        _ => None,
    };
    let can_be_chosen = |row: &usize| item(*row).is_some();
    let mut forward = (0..count).cycle().skip(after).take(count);
    let mut backward = (0..count).rev().cycle().skip(before).take(count);
    match key {
        Key::Down => forward.find(can_be_chosen),
        Key::Up => backward.find(can_be_chosen),
        Key::First => (0..count).find(can_be_chosen),
        Key::Last => (0..count).rev().find(can_be_chosen),
        Key::Letter(letter) => {
            let begins = |label: &str| {
                label.chars().next().is_some_and(|it| it.to_lowercase().eq(letter.to_lowercase()))
            };
            forward.find(|row| item(*row).is_some_and(|item| begins(&item.label)))
        }
        Key::Into | Key::Out | Key::Choose | Key::Close => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::menu::Item, *};

    fn entry(label: &str, enabled: bool) -> Entry {
        Entry::Item(Item { id: 1, label: label.to_owned(), enabled, mark: None, picture: None, below: None })
    }

    #[test]
    fn keys_lead_to_what_can_be_chosen_round_and_round() {
        let rows =
            [Entry::Separator, entry("a", true), entry("b", false), entry("Änd", true), entry("a", true)];
        let way = |key, from| row_for(key, &rows, from);
        assert_eq!(
            [None, Some(1), Some(3), Some(4), Some(99)].map(|from| way(Key::Down, from)),
            [1, 3, 4, 1, 1].map(Some)
        );
        assert_eq!(
            [None, Some(4), Some(3), Some(1), Some(99)].map(|from| way(Key::Up, from)),
            [4, 3, 1, 4, 4].map(Some)
        );
        assert_eq!([Key::First, Key::Last].map(|key| way(key, Some(3))), [Some(1), Some(4)]);
        assert_eq!([None, Some(1), Some(4)].map(|from| way(Key::Letter('A'), from)), [1, 4, 1].map(Some));
        assert_eq!(way(Key::Letter('ä'), None), Some(3));
        assert_eq!([Key::Letter('b'), Key::Choose].map(|key| way(key, None)), [None, None]);
        for key in [Key::Down, Key::Up, Key::First, Key::Last, Key::Letter('a')] {
            assert_eq!([None, Some(0)].map(|from| row_for(key, &[Entry::Separator], from)), [None, None]);
            assert_eq!(row_for(key, &[], Some(0)), None);
        }
    }

    #[test]
    fn without_a_keymap_keys_mean_nothing() {
        let mut keys = Keys::default();
        keys.set_modifiers((1, 0, 0), 0);
        assert_eq!(keys.meaning(u32::MAX), None);
        keys.set_keymap(File::open("/dev/null").unwrap().into(), 10);
        assert_eq!(keys.meaning(1), None);
    }
}
