//! What applications say about themselves, in the types of D-Bus that somebody here looks at.
//!
//! Their properties are variants. What has another type than expected is passed over by itself, and nothing is made of bytes but
//! the bytes, so that a message takes about as much memory read as unread.

use std::{collections::HashMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, SeqAccess, Visitor},
};
use zbus::zvariant::{Signature, Type};

/// Properties by their names.
pub(super) type Properties = HashMap<String, Value>;

/// What a variant holds.
#[derive(Debug)]
pub(super) enum Value {
    /// A string, or the path of an object.
    Text(String),
    Number(i32),
    Truth(bool),
    Pixmaps(Vec<Pixmap>),
    /// A file's.
    Bytes(Vec<u8>),
    ToolTip(ToolTip),
    /// A part of a menu.
    Node(Box<Node>),
    /// Anything else.
    Other,
}

/// A picture as told: width, height and bytes, which may have nothing to do with each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Type)]
#[zvariant(crate = "zbus::zvariant")]
pub(super) struct Pixmap(pub(super) i32, pub(super) i32, pub(super) Vec<u8>);

/// What is to be said about an item: the name of an icon, pictures of one, a title, and more words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Type)]
#[zvariant(crate = "zbus::zvariant")]
pub(super) struct ToolTip(pub(super) String, pub(super) Vec<Pixmap>, pub(super) String, pub(super) String);

/// An entry of a menu as told: its number, its properties, and what is below it.
#[derive(Debug, Deserialize)]
pub(super) struct Node(pub(super) i32, pub(super) Properties, pub(super) Vec<Value>);

impl Type for Value {
    const SIGNATURE: &'static Signature = &Signature::Variant;
}

impl Type for Node {
    const SIGNATURE: &'static Signature = <(i32, Properties, Vec<Value>)>::SIGNATURE;
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Variant)
    }
}

/// Reads a signature and then what it says.
struct Variant;

impl<'de> Visitor<'de> for Variant {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a variant")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Value, A::Error> {
        fn next<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(parts: &mut A) -> Result<T, A::Error> {
            parts.next_element()?.ok_or_else(|| A::Error::custom("a variant without a value"))
        }
        let signature: Signature = next(&mut parts)?;
        Ok(match signature {
            Signature::Str | Signature::ObjectPath => Value::Text(next(&mut parts)?),
            Signature::I32 => Value::Number(next(&mut parts)?),
            Signature::Bool => Value::Truth(next(&mut parts)?),
            other if other == *Vec::<Pixmap>::SIGNATURE => Value::Pixmaps(next(&mut parts)?),
            other if other == *Vec::<u8>::SIGNATURE => Value::Bytes(next(&mut parts)?),
            other if other == *ToolTip::SIGNATURE => Value::ToolTip(next(&mut parts)?),
            other if other == *Node::SIGNATURE => Value::Node(Box::new(next(&mut parts)?)),
            _ => {
                next::<IgnoredAny, _>(&mut parts)?;
                Value::Other
            }
        })
    }
}

/// Takes a text out of properties, without what does not show and cut to `most` characters.
pub(super) fn take_text(properties: &mut Properties, name: &str, most: usize) -> String {
    match properties.remove(name) {
        Some(Value::Text(text)) => shown(&text, most),
        _ => String::new(),
    }
}

/// A text without what does not show, cut to `most` characters.
pub(super) fn shown(text: &str, most: usize) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(most).collect()
}

#[cfg(test)]
mod tests {
    use zbus::zvariant::{self, LE, serialized::Context, to_bytes};

    use super::*;

    #[test]
    fn what_is_expected_is_read_and_the_rest_passed_over() {
        let properties: HashMap<&str, zvariant::Value<'_>> = HashMap::from([
            ("Title", "a\u{7}b\ncdef".into()),
            ("Menu", zvariant::ObjectPath::from_static_str_unchecked("/menu").into()),
            ("IconName", 7i32.into()),
            ("WindowId", 9u32.into()),
            ("ToolTip", ("icon", vec![(1i32, 1i32, vec![0u8; 4])], "title", "text").into()),
            ("icon-data", vec![7u8, 8].into()),
            ("Colours", vec![7u32].into()),
            ("IconPixmap", vec![(2i32, -1i32, vec![1u8, 2, 3])].into()),
            ("ItemIsMenu", true.into()),
        ]);
        let bytes = to_bytes(Context::new_dbus(LE, 0), &properties).unwrap();
        let (mut read, _): (Properties, usize) = bytes.deserialize().unwrap();
        assert_eq!(take_text(&mut read, "Title", 4), "abcd");
        assert_eq!(take_text(&mut read, "Menu", 9), "/menu");
        assert_eq!(take_text(&mut read, "IconName", 9), "");
        assert!(matches!(read.get("WindowId"), Some(Value::Other)));
        assert!(
            matches!(read.get("ToolTip"), Some(Value::ToolTip(ToolTip(_, _, title, _))) if title == "title")
        );
        assert!(matches!(read.get("icon-data"), Some(Value::Bytes(bytes)) if *bytes == [7, 8]));
        assert!(matches!(read.get("Colours"), Some(Value::Other)));
        assert!(matches!(read.get("ItemIsMenu"), Some(Value::Truth(true))));
        let Some(Value::Pixmaps(pixmaps)) = read.get("IconPixmap") else { panic!("pixmaps") };
        assert_eq!(*pixmaps, [Pixmap(2, -1, vec![1, 2, 3])]);
    }
}
