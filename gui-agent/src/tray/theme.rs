//! Icons by name, as icon themes have them (freedesktop.org's icon theme specification).

use std::{
    env, fs,
    io::{BufReader, Read as _},
    path::{Path, PathBuf},
};

use resvg::usvg;
use tiny_skia::{ColorU8, IntSize, Pixmap, Transform};

use super::icon::INK;

/// Bytes of a file that is read.
const MAX_FILE: u64 = 4 << 20;

/// Pixels along a side of a picture that is read.
const MAX_SIDE: u32 = 1024;

/// Folders of a theme, and themes that one stands on, directly or not.
const MAX_FOLDERS: usize = 500;
const MAX_THEMES: usize = 16;

/// Looked into where nobody has chosen a theme, and after the one that is chosen.
const USUAL: [&str; 3] = ["Adwaita", "breeze", "hicolor"];

/// Icons of one colour, which is that of the text beside them.
const SYMBOLIC: &str = "-symbolic";

const ENDINGS: [&str; 2] = ["png", "svg"];

/// The themes that are installed. Without any, icons are found by the paths of their files only.
#[derive(Debug, Default)]
pub(super) struct Themes {
    /// Where themes are.
    bases: Vec<PathBuf>,
    themes: Vec<Theme>,
}

/// What a theme says about itself.
#[derive(Debug, Default, PartialEq, Eq)]
struct Theme {
    name: String,
    inherits: Vec<String>,
    folders: Vec<Folder>,
}

/// Icons of one size, or of a range.
#[derive(Debug, Default, PartialEq, Eq)]
struct Folder {
    name: String,
    smallest: u32,
    largest: u32,
}

impl Themes {
    /// Those of this user and machine.
    pub(super) fn installed() -> Self {
        let home = env::var_os("HOME").map(PathBuf::from);
        let data = match env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute()) {
            Some(data) => Some(data),
            None => home.as_ref().map(|home| home.join(".local/share")),
        };
        let system = env::var_os("XDG_DATA_DIRS").filter(|folders| !folders.is_empty());
        let system = system.unwrap_or_else(|| "/usr/local/share:/usr/share".into());
        let shared = data.into_iter().chain(env::split_paths(&system)).map(|folder| folder.join("icons"));
        let old = home.as_ref().map(|home| home.join(".icons"));
        let bases = old.into_iter().chain(shared).chain([PathBuf::from("/usr/share/pixmaps")]).collect();
        let config = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
        let config = config.or_else(|| home.map(|home| home.join(".config")));
        let chosen = config.and_then(|config| read_text(&config.join("gtk-3.0/settings.ini")));
        Self::new(bases, chosen.as_deref().and_then(|text| value(text, "gtk-icon-theme-name")))
    }

    fn new(bases: Vec<PathBuf>, chosen: Option<&str>) -> Self {
        let mut names: Vec<String> = chosen.into_iter().chain(USUAL).map(str::to_owned).collect();
        let mut themes: Vec<Theme> = Vec::new();
        let mut next = 0;
        while let Some(name) = names.get(next).cloned().filter(|_| themes.len() < MAX_THEMES) {
            next = next.saturating_add(1);
            let is_new = themes.iter().all(|theme| theme.name != name);
            let index = || bases.iter().find_map(|base| read_text(&base.join(&name).join("index.theme")));
            let Some(text) = is_new.then(index).flatten() else { continue };
            let theme = Theme::parse(&name, &text);
            // those that it stands on come before those that everybody has
            names.splice(next..next, theme.inherits.iter().cloned());
            themes.push(theme);
        }
        Self { bases, themes }
    }

    /// The icon of this name, or of this path, for `side` pixels; those of `own` come first. `None`: there is none, or none
    /// that can be read.
    pub(super) fn load(&self, name: &str, own: &str, side: u32) -> Option<Pixmap> {
        let path = match Path::new(name) {
            path if path.is_absolute() => path.to_owned(),
            _ => self.find(name, own, side)?,
        };
        let picture = match path.extension()?.to_str()? {
            "png" => decode_png(read(&path)?, MAX_SIDE)?,
            "svg" => load_svg(&path, side)?,
            _ => return None,
        };
        let symbolic = path.file_stem()?.to_str()?.ends_with(SYMBOLIC);
        Some(if symbolic { in_ink(picture) } else { picture })
    }

    fn find(&self, name: &str, own: &str, side: u32) -> Option<PathBuf> {
        if name.is_empty() || name.contains('/') {
            return None;
        }
        let own = Some(PathBuf::from(own)).filter(|own| own.is_absolute());
        let bases: Vec<&Path> = own.iter().chain(&self.bases).map(PathBuf::as_path).collect();
        let names = [name.to_owned(), format!("{name}{SYMBOLIC}")];
        let mut files = names.iter().flat_map(|name| ENDINGS.map(|ending| format!("{name}.{ending}")));
        let beside =
            own.as_ref().and_then(|own| files.clone().map(|file| own.join(file)).find(|it| it.is_file()));
        let of_theme =
            || names.iter().find_map(|name| self.themes.iter().find_map(|it| it.find(&bases, name, side)));
        let without_theme =
            || files.find_map(|file| bases.iter().map(|base| base.join(&file)).find(|it| it.is_file()));
        beside.or_else(of_theme).or_else(without_theme)
    }
}

impl Theme {
    fn parse(name: &str, text: &str) -> Self {
        let mut theme = Self { name: name.to_owned(), ..Self::default() };
        let sections = text.split("\n[").map(|section| section.split_once(']').unwrap_or(("", "")));
        for (title, text) in sections.take(MAX_FOLDERS) {
            let number = |key| value(text, key).and_then(|number| number.parse::<u32>().ok());
            let title = title.trim_start_matches('[');
            if title == "Icon Theme" {
                let names = value(text, "Inherits").unwrap_or_default().split(',');
                theme.inherits = names.map(|name| name.trim().to_owned()).collect();
                theme.inherits.retain(|name| !name.is_empty() && !name.contains('/'));
            } else if let Some(size) = number("Size") {
                let (least, most) = match value(text, "Type") {
                    Some("Fixed") => (size, size),
                    Some("Scalable") => {
                        (number("MinSize").unwrap_or(size), number("MaxSize").unwrap_or(size))
                    }
                    _ => {
                        let threshold = number("Threshold").unwrap_or(2);
                        (size.saturating_sub(threshold), size.saturating_add(threshold))
                    }
                };
                let scale = number("Scale").unwrap_or(1);
                let [smallest, largest] = [least, most].map(|side| side.saturating_mul(scale));
                theme.folders.push(Folder { name: title.to_owned(), smallest, largest });
            }
        }
        theme
    }

    /// The file whose folder is for icons nearest to `side` pixels.
    fn find(&self, bases: &[&Path], name: &str, side: u32) -> Option<PathBuf> {
        let mut folders: Vec<_> = self.folders.iter().map(|folder| (folder.distance(side), folder)).collect();
        folders.sort_by_key(|(distance, _)| *distance);
        let files = ENDINGS.map(|ending| format!("{name}.{ending}"));
        folders.iter().find_map(|(_, folder)| {
            let at = |base: &Path, file| base.join(&self.name).join(&folder.name).join(file);
            let mut paths = bases.iter().flat_map(|base| files.iter().map(|file| at(base, file)));
            paths.find(|path| path.is_file())
        })
    }
}

impl Folder {
    /// How far its icons are from those of `side` pixels. Smaller ones are farther: they would be blurred.
    fn distance(&self, side: u32) -> u32 {
        match side {
            side if side > self.largest => side.saturating_sub(self.largest).saturating_mul(2),
            side => self.smallest.saturating_sub(side),
        }
    }
}

/// What a key is set to, in a section of a settings file.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs
        .map(|(name, value)| (name.trim(), value.trim()))
        .find(|(name, _)| *name == key)
        .map(|(_, value)| value)
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let file = fs::File::open(path).ok().filter(|file| file.metadata().is_ok_and(|it| it.is_file()))?;
    let mut bytes = Vec::new();
    let read = file.take(MAX_FILE).read_to_end(&mut bytes).ok()?;
    (u64::try_from(read).ok()? < MAX_FILE).then_some(bytes)
}

fn read_text(path: &Path) -> Option<String> {
    String::from_utf8(read(path)?).ok()
}

/// A picture with at most so many pixels along a side.
pub(super) fn decode_png(bytes: Vec<u8>, most: u32) -> Option<Pixmap> {
    let mut decoder = png::Decoder::new(BufReader::new(std::io::Cursor::new(bytes)));
    decoder.set_transformations(png::Transformations::normalize_to_color8() | png::Transformations::ALPHA);
    let mut reader = decoder.read_info().ok()?;
    let (width, height) = (reader.info().width, reader.info().height);
    if width.max(height) > most {
        return None;
    }
    let mut pixels = vec![0; reader.output_buffer_size()?];
    let frame = reader.next_frame(&mut pixels).ok()?;
    let rgba = |pixel: &[u8]| match *pixel {
        [grey, alpha] => [grey, grey, grey, alpha],
        [red, green, blue, alpha] => [red, green, blue, alpha],
        _ => [0; 4],
    };
    let colours = frame.color_type.samples();
    let premultiplied = pixels.chunks_exact(colours).map(rgba).flat_map(|[red, green, blue, alpha]| {
        let pixel = ColorU8::from_rgba(red, green, blue, alpha).premultiply();
        [pixel.red(), pixel.green(), pixel.blue(), pixel.alpha()]
    });
    Pixmap::from_vec(premultiplied.collect(), IntSize::from_wh(width, height)?)
}

/// Draws a picture so that its longer side has `side` pixels.
fn load_svg(path: &Path, side: u32) -> Option<Pixmap> {
    let tree = usvg::Tree::from_data(&read(path)?, &usvg::Options::default()).ok()?;
    let size = tree.size();
    let scale = side.min(MAX_SIDE) as f32 / size.width().max(size.height());
    let [width, height] = [size.width(), size.height()].map(|side| (side * scale).round().max(1.0) as u32);
    let mut picture = Pixmap::new(width, height)?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut picture.as_mut());
    Some(picture)
}

/// The shape of a picture in the colour of text.
fn in_ink(mut picture: Pixmap) -> Pixmap {
    for pixel in picture.pixels_mut() {
        *pixel = ColorU8::from_rgba(INK.red(), INK.green(), INK.blue(), pixel.alpha()).premultiply();
    }
    picture
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const SQUARE: &str = "<svg xmlns='http://www.w3.org/2000/svg' width='16' height='16'>\
                          <rect width='16' height='16' fill='#00ff00'/></svg>";

    /// Writes a file and the folders it is in.
    fn put(path: &Path, bytes: impl AsRef<[u8]>) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// A picture of one colour.
    pub(in crate::tray) fn picture(side: u32, colour: [u8; 4]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, side, side);
        encoder.set_color(png::ColorType::Rgba);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&colour.repeat((side * side) as usize)).unwrap();
        writer.finish().unwrap();
        bytes
    }

    fn colour(picture: &Pixmap) -> [u8; 4] {
        let pixel = picture.pixel(picture.width() / 2, picture.height() / 2).unwrap().demultiply();
        [pixel.red(), pixel.green(), pixel.blue(), pixel.alpha()]
    }

    /// The theme "mine", which stands on "other", and what everybody has.
    fn themes(base: &Path) -> Themes {
        let index = "[Icon Theme]\nInherits=other\n\n[16]\nSize=16\nType=Fixed\n\n[48]\nSize=24\nScale=2\nType=Fixed\n\
                     \n[any]\nSize=64\nMinSize=56\nMaxSize=512\nType=Scalable\n";
        put(&base.join("mine/index.theme"), index);
        put(&base.join("other/index.theme"), "[Icon Theme]\nInherits=mine,../x\n[22]\nSize=22\n");
        put(&base.join("hicolor/index.theme"), "[Icon Theme]\n[22]\nSize=22\n");
        Themes::new(vec![base.to_owned()], Some("mine"))
    }

    #[test]
    fn the_icon_of_the_nearest_size_is_found_in_the_first_theme_that_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path();
        for file in [
            "mine/16/mail.png",
            "mine/48/mail.png",
            "mine/any/mail.svg",
            "other/22/mail.png",
            "other/22/chat.png",
        ] {
            put(&base.join(file), "");
        }
        put(&base.join("hicolor/22/chat.png"), "");
        put(&base.join("plain.svg"), "");
        let themes = themes(base);
        assert_eq!(
            themes.themes.iter().map(|theme| theme.name.as_str()).collect::<Vec<_>>(),
            ["mine", "other", "hicolor"]
        );
        let find = |name: &str, side| {
            let path = themes.find(name, "", side)?;
            Some(path.strip_prefix(base).unwrap().to_str().unwrap().to_owned())
        };
        assert_eq!(find("mail", 16).as_deref(), Some("mine/16/mail.png"));
        assert_eq!(find("mail", 22).as_deref(), Some("mine/16/mail.png"));
        assert_eq!(find("mail", 44).as_deref(), Some("mine/48/mail.png"));
        assert_eq!(find("mail", 400).as_deref(), Some("mine/any/mail.svg"));
        assert_eq!(find("chat", 22).as_deref(), Some("other/22/chat.png"));
        assert_eq!(find("plain", 22).as_deref(), Some("plain.svg"));
        assert_eq!([find("none", 22), find("", 22), find("../mine/16/mail", 22)], [None, None, None]);
    }

    #[test]
    fn an_application_may_bring_its_own_icons() {
        let dir = tempfile::tempdir().unwrap();
        let (base, own) = (dir.path().join("base"), dir.path().join("own"));
        put(&base.join("mine/16/mail.png"), picture(16, [255, 0, 0, 255]));
        put(&own.join("mail.png"), picture(16, [0, 0, 255, 128]));
        put(&own.join("drawn.svg"), SQUARE);
        put(&own.join("drawn-symbolic.svg"), SQUARE);
        put(&own.join("broken.png"), "no picture");
        put(&own.join("large.png"), picture(MAX_SIDE + 1, [0; 4]));
        let themes = themes(&base);
        let own = own.to_str().unwrap();
        let load = |name: &str, own: &str| themes.load(name, own, 22).map(|picture| colour(&picture));
        assert_eq!(load("mail", ""), Some([255, 0, 0, 255]));
        assert_eq!(load("mail", own), Some([0, 0, 255, 128]));
        assert_eq!(load("drawn", own), Some([0, 255, 0, 255]));
        assert_eq!(load(&format!("{own}/drawn.svg"), ""), Some([0, 255, 0, 255]));
        // what has no colour of its own gets that of text
        assert_eq!(load("drawn-symbolic", own), Some([INK.red(), INK.green(), INK.blue(), 255]));
        assert_eq!([load("broken", own), load("large", own), load("/dev/zero", "")], [None, None, None]);
        assert_eq!(
            themes.load("drawn", own, 22).map(|picture| (picture.width(), picture.height())),
            Some((22, 22))
        );
    }
}
