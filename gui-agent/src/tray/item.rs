//! What an item says it looks like.

use super::value::{Pixmap, Properties, ToolTip, Value, shown, take_text};

/// Characters of a title, a name or a path that are looked at.
const MAX_TEXT: usize = 256;

/// Pixels along a side of the largest picture that is taken; twice the largest icon that themes have.
const MAX_SIDE: i32 = 512;

/// Pictures of one icon that are kept, one for each size.
const MAX_PIXMAPS: usize = 16;

/// What an item looks like and what can be done with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// For people.
    pub(super) title: String,
    /// It has nothing to say.
    pub(super) hidden: bool,
    pub(super) icon: Source,
    /// On the icon's lower right.
    pub(super) overlay: Source,
    /// Where it keeps icons of its own, beside those of the theme.
    pub(super) theme_path: String,
    /// A click is to open the menu.
    pub(super) is_menu: bool,
    /// The object that has the menu, if there is one.
    pub(super) menu: Option<String>,
}

/// Where an icon comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Source {
    /// In an icon theme, or the path of a file.
    pub(super) name: String,
    /// The application's own pictures, whose sizes are what they say.
    pub(super) pixmaps: Vec<Pixmap>,
}

impl Look {
    pub(super) fn new(mut properties: Properties) -> Self {
        let tool_tip = match properties.remove("ToolTip") {
            Some(Value::ToolTip(ToolTip(_, _, title, _))) => shown(&title, MAX_TEXT),
            _ => String::new(),
        };
        let mut text = |name| take_text(&mut properties, name, MAX_TEXT);
        let (title, id, status) = (text("Title"), text("Id"), text("Status"));
        let titles = [title, tool_tip, id];
        let (theme_path, menu) = (text("IconThemePath"), text("Menu"));
        let mut source = |name, pixmaps| Source::new(&mut properties, name, pixmaps);
        let usual = source("IconName", "IconPixmap");
        let overlay = source("OverlayIconName", "OverlayIconPixmap");
        let alarmed = source("AttentionIconName", "AttentionIconPixmap");
        let icon = if status == "NeedsAttention" && !alarmed.is_empty() { alarmed } else { usual };
        Self {
            title: titles.into_iter().find(|title| !title.is_empty()).unwrap_or_default(),
            hidden: status == "Passive",
            icon,
            overlay,
            theme_path,
            is_menu: matches!(properties.get("ItemIsMenu"), Some(Value::Truth(true))),
            // some say that there is none by this one
            menu: Some(menu).filter(|menu| menu.starts_with('/') && menu != "/NO_DBUSMENU"),
        }
    }
}

impl Source {
    fn new(properties: &mut Properties, name: &str, pixmaps: &str) -> Self {
        let name = take_text(properties, name, MAX_TEXT);
        let Some(Value::Pixmaps(mut pixmaps)) = properties.remove(pixmaps) else {
            return Self { name, pixmaps: Vec::new() };
        };
        pixmaps.retain(Pixmap::is_whole);
        pixmaps.truncate(MAX_PIXMAPS);
        Self { name, pixmaps }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.name.is_empty() && self.pixmaps.is_empty()
    }

    /// The picture to draw an icon of `side` pixels from: the smallest that is not too small, or else the largest.
    pub(super) fn nearest(&self, side: i32) -> Option<&Pixmap> {
        let longer = |pixmap: &&Pixmap| pixmap.0.max(pixmap.1);
        let enough = self.pixmaps.iter().filter(|pixmap| longer(pixmap) >= side).min_by_key(longer);
        enough.or_else(|| self.pixmaps.iter().max_by_key(longer))
    }
}

impl Pixmap {
    /// Whether it has the bytes of the pixels that it says it has, four each.
    fn is_whole(&self) -> bool {
        let sides = 1..=MAX_SIDE;
        let pixels = usize::try_from(self.0.saturating_mul(self.1)).ok();
        sides.contains(&self.0)
            && sides.contains(&self.1)
            && pixels.and_then(|pixels| pixels.checked_mul(4)) == Some(self.2.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixmap(width: i32, height: i32, bytes: usize) -> Pixmap {
        Pixmap(width, height, vec![0; bytes])
    }

    fn look(properties: impl IntoIterator<Item = (&'static str, Value)>) -> Look {
        Look::new(properties.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn pictures_that_lie_about_their_size_are_none() {
        let lies = [
            pixmap(2, 2, 15),
            pixmap(2, 2, 17),
            pixmap(0, 0, 0),
            pixmap(-1, -1, 4),
            pixmap(-2, 2, 16),
            pixmap(i32::MAX, i32::MAX, 4),
            pixmap(i32::MIN, i32::MIN, 0),
            pixmap(65536, 65536, 0),
            pixmap(MAX_SIDE + 1, 1, (MAX_SIDE as usize + 1) * 4),
        ];
        let true_one = pixmap(MAX_SIDE, 1, MAX_SIDE as usize * 4);
        let all = lies.into_iter().chain([true_one.clone()]).collect();
        assert_eq!(look([("IconPixmap", Value::Pixmaps(all))]).icon.pixmaps, [true_one]);
        let many = Value::Pixmaps(vec![pixmap(1, 1, 4); MAX_PIXMAPS + 1]);
        assert_eq!(look([("IconPixmap", many)]).icon.pixmaps.len(), MAX_PIXMAPS);
    }

    #[test]
    fn the_nearest_picture_is_the_next_larger_one() {
        let pixmaps = [16, 48, 22].map(|side| pixmap(side, side, 0)).to_vec();
        let source = Source { name: String::new(), pixmaps };
        let side = |wanted| source.nearest(wanted).map(|pixmap| pixmap.0);
        assert_eq!([1, 16, 17, 22, 48, 49].map(side), [16, 16, 22, 22, 48, 48].map(Some));
        assert_eq!(Source::default().nearest(1), None);
    }

    #[test]
    fn attention_changes_the_icon_where_there_is_one_for_it() {
        let status = || ("Status", text("NeedsAttention"));
        let both = look([("IconName", text("a")), ("AttentionIconName", text("b")), status()]);
        assert_eq!(both.icon.name, "b");
        assert_eq!(look([("IconName", text("a")), status()]).icon.name, "a");
        assert!(look([("Status", text("Passive"))]).hidden);
        assert_eq!(look([("Id", text("id"))]).title, "id");
        assert_eq!(look([("Menu", text("/NO_DBUSMENU"))]).menu, None);
        assert_eq!(look([("Menu", text("/menu"))]).menu.as_deref(), Some("/menu"));
    }
}
