//! A menu as an application tells it (`com.canonical.dbusmenu`), brought down to what is shown.

use super::value::{Node, Properties, Value, take_text};

/// What is not an entry and has all of them below it.
pub(super) const ROOT: i32 = 0;

/// The properties that are looked at.
pub(super) const PROPERTIES: [&str; 9] = [
    "type",
    "label",
    "visible",
    "enabled",
    "toggle-type",
    "toggle-state",
    "children-display",
    "icon-name",
    "icon-data",
];

/// Entries of a menu, all that are below others included. What comes beyond is left out.
const MAX_ENTRIES: usize = 500;

/// Menus on menus.
const MAX_DEPTH: usize = 8;

/// Characters of a label.
const MAX_LABEL: usize = 120;

/// Bytes of an entry's picture; what is larger is none.
const MAX_PICTURE: usize = 64 << 10;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Separator,
    Item(Item),
}

/// An entry that says something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) id: i32,
    pub(super) label: String,
    pub(super) enabled: bool,
    pub(super) mark: Option<Mark>,
    pub(super) picture: Option<Picture>,
    /// What it opens, if it does not do something itself.
    pub(super) below: Option<Vec<Entry>>,
}

/// Where the picture beside a label comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Picture {
    /// An icon theme.
    Named(String),
    /// The application, as PNG.
    Png(Vec<u8>),
}

/// What can be on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// By itself.
    Check { on: bool },
    /// One of several.
    Radio { on: bool },
}

/// What is below the root.
pub(super) fn entries(root: Node) -> Vec<Entry> {
    let mut left = MAX_ENTRIES;
    below(root, MAX_DEPTH, &mut left)
}

/// What is below an entry, of the menu that it opens or the whole.
pub(super) fn find(entries: &[Entry], id: i32) -> Option<&[Entry]> {
    if id == ROOT {
        return Some(entries);
    }
    entries.iter().find_map(|entry| match entry {
        Entry::Item(Item { id: this, below: Some(below), .. }) if *this == id => Some(below.as_slice()),
        Entry::Item(Item { below: Some(below), .. }) => find(below, id),
        Entry::Item(_) | Entry::Separator => None,
    })
}

fn below(node: Node, depth: usize, left: &mut usize) -> Vec<Entry> {
    let mut entries = Vec::new();
    for child in node.2 {
        let Value::Node(child) = child else { continue };
        if *left == 0 {
            break;
        }
        *left = left.saturating_sub(1);
        entries.extend(entry(*child, depth, left));
    }
    entries
}

fn entry(mut node: Node, depth: usize, left: &mut usize) -> Option<Entry> {
    let properties = &mut node.1;
    if is_false(properties, "visible") {
        return None;
    }
    if take_text(properties, "type", MAX_LABEL) == "separator" {
        return Some(Entry::Separator);
    }
    let label = plain(&take_text(properties, "label", MAX_LABEL));
    let on = matches!(properties.get("toggle-state"), Some(Value::Number(1)));
    let mark = match take_text(properties, "toggle-type", MAX_LABEL).as_str() {
        "checkmark" => Some(Mark::Check { on }),
        "radio" => Some(Mark::Radio { on }),
        _ => None,
    };
    let name = take_text(properties, "icon-name", MAX_LABEL);
    let picture = match properties.remove("icon-data") {
        Some(Value::Bytes(bytes)) if (1..=MAX_PICTURE).contains(&bytes.len()) => Some(Picture::Png(bytes)),
        _ => Some(name).filter(|name| !name.is_empty()).map(Picture::Named),
    };
    let opens = take_text(properties, "children-display", MAX_LABEL) == "submenu" || !node.2.is_empty();
    let (id, enabled) = (node.0, !is_false(properties, "enabled"));
    let depth = depth.checked_sub(1)?;
    let below = opens.then(|| below(node, depth, left));
    Some(Entry::Item(Item { id, label, enabled, mark, picture, below }))
}

fn is_false(properties: &Properties, name: &str) -> bool {
    matches!(properties.get(name), Some(Value::Truth(false)))
}

/// A label without the marks of its mnemonic: one underscore is such a mark, two are one to be seen.
fn plain(label: &str) -> String {
    let mut plain = String::with_capacity(label.len());
    let mut letters = label.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '_' => plain.extend(letters.next()),
            letter => plain.push(letter),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: i32, properties: &[(&str, &str)], children: Vec<Node>) -> Node {
        let read = |text: &str| match text {
            "true" => Value::Truth(true),
            "false" => Value::Truth(false),
            "1" => Value::Number(1),
            text => Value::Text(text.to_owned()),
        };
        let properties = properties.iter().map(|(name, text)| ((*name).to_owned(), read(text))).collect();
        Node(id, properties, children.into_iter().map(|child| Value::Node(Box::new(child))).collect())
    }

    fn item(id: i32, label: &str) -> Item {
        Item { id, label: label.to_owned(), enabled: true, mark: None, picture: None, below: None }
    }

    #[test]
    fn entries_are_what_is_to_be_seen() {
        let root = node(
            0,
            &[],
            vec![
                node(1, &[("label", "_Open a__b\n")], vec![]),
                node(2, &[("type", "separator")], vec![]),
                node(3, &[("label", "no"), ("visible", "false")], vec![]),
                node(4, &[("label", "off"), ("enabled", "false"), ("toggle-type", "checkmark")], vec![]),
                node(5, &[("label", "on"), ("toggle-type", "radio"), ("toggle-state", "1")], vec![]),
                node(
                    6,
                    &[("label", "more"), ("children-display", "submenu")],
                    vec![node(7, &[("label", "below")], vec![])],
                ),
            ],
        );
        let entries = entries(root);
        let below = vec![Entry::Item(item(7, "below"))];
        assert_eq!(find(&entries, 6), Some(below.as_slice()));
        assert_eq!(find(&entries, 1), None);
        assert_eq!(find(&entries, ROOT).map(<[Entry]>::len), Some(5));
        assert_eq!(
            entries,
            [
                Entry::Item(item(1, "Open a_b")),
                Entry::Separator,
                Entry::Item(Item { enabled: false, mark: Some(Mark::Check { on: false }), ..item(4, "off") }),
                Entry::Item(Item { mark: Some(Mark::Radio { on: true }), ..item(5, "on") }),
                Entry::Item(Item { below: Some(below), ..item(6, "more") }),
            ]
        );
    }

    #[test]
    fn pictures_are_the_applications_own_or_have_a_name() {
        let picture = |name: &str, bytes: Option<usize>| {
            let mut entry = node(1, &[("icon-name", name)], vec![]);
            let bytes = bytes.map(|bytes| ("icon-data".to_owned(), Value::Bytes(vec![7; bytes])));
            entry.1.extend(bytes);
            match entries(node(0, &[], vec![entry])).as_slice() {
                [Entry::Item(item)] => item.picture.clone(),
                other => panic!("{other:?}"),
            }
        };
        let named = Some(Picture::Named("mail".into()));
        assert_eq!(picture("mail", None), named);
        assert_eq!(picture("mail", Some(MAX_PICTURE)), Some(Picture::Png(vec![7; MAX_PICTURE])));
        assert_eq!(
            [picture("mail", Some(MAX_PICTURE + 1)), picture("mail", Some(0))],
            [named.clone(), named]
        );
        assert_eq!(picture("", None), None);
    }

    #[test]
    fn menus_without_end_are_cut() {
        let many = |count| entries(node(0, &[], (0..count).map(|id| node(id, &[], vec![])).collect())).len();
        assert_eq!([many(500), many(501), many(100_000)], [500; 3]);
        let mut deep = node(100, &[], vec![]);
        for id in (1..100).rev() {
            deep = node(id, &[], vec![deep]);
        }
        let mut depth = 0;
        let whole = entries(node(0, &[], vec![deep]));
        let mut here = whole.as_slice();
        while let [Entry::Item(Item { below: Some(below), .. })] = here {
            (here, depth) = (below, depth + 1);
        }
        assert_eq!(depth, MAX_DEPTH);
    }
}
