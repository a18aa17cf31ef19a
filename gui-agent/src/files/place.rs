//! Where files from other domains land: harmless names in a folder of the sender's name.
//!
//! A file has no name until all files of its transfer are whole and on the disk (`O_TMPFILE`), so that whatever ends this
//! process leaves nothing. Where the file system cannot do that, it has a hidden one meanwhile, which goes with the
//! [`Landing`]. Names are given by `link`, which never takes the place of anything.

use std::{
    env,
    fs::File,
    io::{self, Write as _},
    os::fd::{AsRawFd as _, OwnedFd},
    path::Path,
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, fstatvfs, linkat, mkdirat, open, openat, unlinkat},
    io::Errno,
};

/// Bytes of a name. The rest of the 255 that file systems have is for a number.
const MAX_NAME: usize = 240;
/// Bytes of what is kept of a long name's extension.
const MAX_EXTENSION: usize = 16;
/// The last number that is tried behind a name that is taken.
const MAX_NUMBER: u32 = 9999;
/// Only for this user, and never a program.
const FILE_MODE: Mode = Mode::from_raw_mode(0o600);
const FOLDER_MODE: Mode = Mode::from_raw_mode(0o700);

/// The files of one transfer, before they have names.
#[derive(Debug)]
pub(super) struct Landing {
    folder: OwnedFd,
    files: Vec<Nameless>,
    done: bool,
}

#[derive(Debug)]
struct Nameless {
    file: File,
    /// Its name while it is written, where it must have one.
    hidden: Option<String>,
    wanted: String,
    /// What it is called now.
    name: Option<String>,
}

impl Landing {
    /// Makes or opens the folder for a domain below `incoming`, or below the user's own `Incoming`.
    pub(super) fn new(incoming: Option<&Path>, from: &str) -> io::Result<Self> {
        let incoming = match incoming {
            Some(incoming) => incoming.to_owned(),
            None => {
                let home = env::var_os("HOME").filter(|home| !home.is_empty());
                Path::new(&home.ok_or_else(|| io::Error::other("HOME is not set"))?).join("Incoming")
            }
        };
        made(mkdirat(CWD, &incoming, FOLDER_MODE))?;
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        // The user may have put that one elsewhere. Nobody else's link is followed.
        let incoming = open(&incoming, flags, Mode::empty())?;
        let from = safe_name(from);
        made(mkdirat(&incoming, &from, FOLDER_MODE))?;
        let folder = openat(&incoming, &from, flags | OFlags::NOFOLLOW, Mode::empty())?;
        Ok(Self { folder, files: Vec::new(), done: false })
    }

    /// Whether the disk has room for this many bytes now.
    pub(super) fn has_room(&self, bytes: u64) -> io::Result<bool> {
        let disk = fstatvfs(&self.folder)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize) >= bytes)
    }

    /// Begins the next file.
    pub(super) fn begin(&mut self, wanted: &str) -> io::Result<()> {
        let (file, hidden) = nameless(&self.folder)?;
        let wanted = safe_name(wanted);
        self.files.push(Nameless { file: file.into(), hidden, wanted, name: None });
        Ok(())
    }

    /// Writes to the file that was begun last.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.files.last_mut().ok_or(io::ErrorKind::NotFound)?.file.write_all(bytes)
    }

    /// All files are whole: gives them their names.
    pub(super) fn finish(mut self) -> io::Result<()> {
        for nameless in &self.files {
            nameless.file.sync_all()?;
        }
        let folder = &self.folder;
        for nameless in &mut self.files {
            nameless.name = Some(give_name(folder, nameless)?);
        }
        File::from(self.folder.try_clone()?).sync_all()?;
        self.done = true;
        Ok(())
    }
}

/// What is not done leaves nothing.
impl Drop for Landing {
    fn drop(&mut self) {
        for Nameless { hidden, name, .. } in &self.files {
            let name = name.as_ref().filter(|_| !self.done);
            for name in hidden.iter().chain(name) {
                // what has gone already need not be removed
                let _ = unlinkat(&self.folder, name, AtFlags::empty());
            }
        }
    }
}

fn made(result: rustix::io::Result<()>) -> io::Result<()> {
    match result {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A file without a name, or with a hidden one.
fn nameless(folder: &OwnedFd) -> io::Result<(OwnedFd, Option<String>)> {
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    match openat(folder, ".", flags | OFlags::TMPFILE, FILE_MODE) {
        Ok(file) => Ok((file, None)),
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOENT) => hidden(folder),
        Err(error) => Err(error.into()),
    }
}

fn hidden(folder: &OwnedFd) -> io::Result<(OwnedFd, Option<String>)> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let name = format!(".incoming-{}-{}", process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let flags = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
    Ok((openat(folder, &name, flags, FILE_MODE)?, Some(name)))
}

/// Gives a file the name it wants, or the first free one with a number.
fn give_name(folder: &OwnedFd, nameless: &Nameless) -> io::Result<String> {
    let own = format!("/proc/self/fd/{}", nameless.file.as_raw_fd());
    for number in 1..=MAX_NUMBER {
        let name = numbered(&nameless.wanted, number);
        let given = match &nameless.hidden {
            Some(hidden) => linkat(folder, hidden, folder, &name, AtFlags::empty()),
            None => linkat(CWD, &own, folder, &name, AtFlags::SYMLINK_FOLLOW),
        };
        match given {
            Ok(()) => return Ok(name),
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Errno::EXIST.into())
}

fn numbered(name: &str, number: u32) -> String {
    match (number, name.rsplit_once('.')) {
        (1, _) => name.to_owned(),
        (_, Some((stem, extension))) if !stem.is_empty() => format!("{stem} ({number}).{extension}"),
        _ => format!("{name} ({number})"),
    }
}

/// A name that is one file's in any folder: no path, not hidden, no option of a program, nothing that does not show or shows
/// as something else.
pub(super) fn safe_name(name: &str) -> String {
    let shown = |character: char| if is_plain(character) { character } else { '_' };
    let mut name: String = name.trim().chars().map(shown).collect();
    if name.starts_with(['.', '-', '~']) {
        name.replace_range(..1, "_");
    }
    if name.len() > MAX_NAME {
        let extension = name.rsplit_once('.').map(|(_, extension)| format!(".{extension}"));
        let extension = extension.filter(|extension| extension.len() <= MAX_EXTENSION).unwrap_or_default();
        let mut end = MAX_NAME - extension.len();
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.truncate(end);
        name.push_str(&extension);
    }
    if name.is_empty() { "_".to_owned() } else { name }
}

/// Neither a slash nor one of the characters that steer how others are shown.
fn is_plain(character: char) -> bool {
    let steers = matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    !(character == '/' || character == '\\' || character.is_control() || steers)
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt as _, symlink},
        path::PathBuf,
    };

    use tempfile::TempDir;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn land(incoming: &Path, from: &str, files: &[(&str, &[u8])]) -> io::Result<PathBuf> {
        let mut landing = Landing::new(Some(incoming), from)?;
        for (name, bytes) in files {
            landing.begin(name)?;
            landing.write(bytes)?;
        }
        landing.finish()?;
        Ok(incoming.join(safe_name(from)))
    }

    #[test]
    fn names_are_made_harmless() {
        for (name, safe) in [
            ("report.pdf", "report.pdf"),
            ("Straße 7.txt", "Straße 7.txt"),
            ("../../etc/passwd", "_._.._etc_passwd"),
            ("..", "_."),
            (".bashrc", "_bashrc"),
            ("-rf", "_rf"),
            ("~root", "_root"),
            ("a\nb\u{1b}[31m\u{7f}", "a_b_[31m_"),
            ("evil\u{202e}fdp.exe", "evil_fdp.exe"),
            (" padded ", "padded"),
            (" ", "_"),
            ("", "_"),
        ] {
            assert_eq!(safe_name(name), safe, "{name:?}");
        }
        let long = safe_name(&format!("{}.pdf", "ü".repeat(200)));
        assert!(long.len() <= MAX_NAME && long.ends_with("ü.pdf"));
        assert!(safe_name(&"x".repeat(300)).len() == MAX_NAME);
        assert!(numbered(&long, MAX_NUMBER).len() <= 255);
    }

    #[test]
    fn files_land_beside_what_is_there() {
        let folder = TempDir::new().unwrap();
        let incoming = folder.path().join("Incoming");
        for text in ["one", "two", "three"] {
            land(&incoming, "work", &[("a.tar.gz", text.as_bytes()), ("b", b"")]).unwrap();
        }
        let work = incoming.join("work");
        let all = ["a.tar (2).gz", "a.tar (3).gz", "a.tar.gz", "b", "b (2)", "b (3)"];
        assert_eq!(names(&work), all);
        assert_eq!(fs::read(work.join("a.tar (3).gz")).unwrap(), b"three");
        assert_eq!(fs::read(work.join("a.tar.gz")).unwrap(), b"one");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode(&work.join("b")), mode(&work), mode(&incoming)), (0o600, 0o700, 0o700));
    }

    #[test]
    fn links_are_neither_followed_nor_replaced() {
        let folder = TempDir::new().unwrap();
        let (incoming, elsewhere) = (folder.path().join("Incoming"), folder.path().join("elsewhere"));
        fs::create_dir(&elsewhere).unwrap();
        fs::create_dir_all(incoming.join("work")).unwrap();
        symlink(elsewhere.join("target"), incoming.join("work/name")).unwrap();
        land(&incoming, "work", &[("name", b"text")]).unwrap();
        assert_eq!(names(&incoming.join("work")), ["name", "name (2)"]);
        symlink(&elsewhere, incoming.join("vault")).unwrap();
        assert!(land(&incoming, "vault", &[("name", b"text")]).is_err());
        // a domain cannot choose another's folder
        land(&incoming, "../elsewhere", &[("name", b"text")]).unwrap();
        assert_eq!(names(&elsewhere), [""; 0]);
    }

    #[test]
    fn what_is_broken_off_leaves_nothing() {
        let folder = TempDir::new().unwrap();
        let mut landing = Landing::new(Some(folder.path()), "work").unwrap();
        landing.begin("whole").unwrap();
        landing.write(b"all of it").unwrap();
        landing.begin("half").unwrap();
        landing.write(b"some").unwrap();
        drop(landing);
        assert_eq!(names(&folder.path().join("work")), [""; 0]);
        // on a file system without nameless files as well
        let mut landing = Landing::new(Some(folder.path()), "work").unwrap();
        for wanted in ["one", "two"] {
            let (file, hidden) = hidden(&landing.folder).unwrap();
            landing.files.push(Nameless { file: file.into(), hidden, wanted: wanted.into(), name: None });
            landing.write(wanted.as_bytes()).unwrap();
        }
        assert_eq!(names(&folder.path().join("work")).len(), 2);
        landing.finish().unwrap();
        assert_eq!(names(&folder.path().join("work")), ["one", "two"]);
        let mut landing = Landing::new(Some(folder.path()), "work").unwrap();
        let (file, hidden) = hidden(&landing.folder).unwrap();
        landing.files.push(Nameless { file: file.into(), hidden, wanted: "three".into(), name: None });
        drop(landing);
        assert_eq!(names(&folder.path().join("work")), ["one", "two"]);
    }

    #[test]
    fn a_name_that_cannot_be_given_takes_the_others_back() {
        let folder = TempDir::new().unwrap();
        let mut landing = Landing::new(Some(folder.path()), "work").unwrap();
        landing.begin("one").unwrap();
        landing.begin("two").unwrap();
        landing.files[1].wanted = "no/such/folder".into();
        assert!(landing.finish().is_err());
        assert_eq!(names(&folder.path().join("work")), [""; 0]);
    }
}
