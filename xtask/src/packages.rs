//! The system packages this project needs beside a Rust toolchain, and their installation.
//!
//! A package counts as there when what is needed of it is found, not when a package manager says so: that is the same
//! on every distribution. Where apt exists the missing ones are installed; elsewhere they are named.

use std::{
    env, fmt,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, ensure};

use crate::workspace;

/// One system package.
pub struct Package {
    /// Its name in Debian and its descendants.
    debian: &'static str,
    sign: Sign,
}

/// What shows that a package is there.
enum Sign {
    /// A program on the PATH.
    Program(&'static str),
    /// A file where the C compiler looks for libraries.
    Library(&'static str),
    /// Any scalable font.
    Font,
}

const fn program(debian: &'static str, name: &'static str) -> Package {
    Package { debian, sign: Sign::Program(name) }
}

const fn library(debian: &'static str, file: &'static str) -> Package {
    Package { debian, sign: Sign::Library(file) }
}

/// To build every crate of the workspace.
pub const BUILD: &[Package] = &[
    program("gcc", "cc"),
    library("libc6-dev", "crt1.o"),
    program("pkg-config", "pkg-config"),
    library("libgbm-dev", "libgbm.so"),
    library("libinput-dev", "libinput.so"),
    library("libpixman-1-dev", "libpixman-1.so"),
    library("libseat-dev", "libseat.so"),
    library("libudev-dev", "libudev.so"),
    library("libxkbcommon-dev", "libxkbcommon.so"),
];

/// To show windows with titles: the applications of the demo, and a font.
pub const APPLICATIONS: &[Package] = &[
    program("foot", "foot"),
    program("weston", "weston-flower"),
    program("xwayland", "Xwayland"),
    program("xterm", "xterm"),
    Package { debian: "fonts-dejavu-core", sign: Sign::Font },
];

/// To open a window on an existing desktop; the daemon loads these at run time, and only then.
pub const NESTED: &[Package] = &[
    library("libwayland-client0", "libwayland-client.so.0"),
    library("libx11-6", "libX11.so.6"),
    library("libx11-xcb1", "libX11-xcb.so.1"),
    library("libxcb1", "libxcb.so.1"),
    library("libxcursor1", "libXcursor.so.1"),
    library("libxi6", "libXi.so.6"),
    library("libxkbcommon-x11-0", "libxkbcommon-x11.so.0"),
];

/// For the tests alone: a display to nest in, a second language to speak the transport with, a session bus, an input method,
/// a program that types, and OpenGL ES on the CPU.
pub const TESTS: &[Package] = &[
    program("dbus-daemon", "dbus-daemon"),
    program("xvfb", "Xvfb"),
    program("python3", "python3"),
    program("fcitx5", "fcitx5"),
    library("fcitx5-hangul", "fcitx5/hangul.so"),
    program("wtype", "wtype"),
    library("libegl1", "libEGL.so.1"),
    library("libgl1-mesa-dri", "dri/swrast_dri.so"),
];

/// What the end-to-end bench compares with.
pub const PEERS: &[Package] = &[program("weston", "weston"), program("waypipe", "waypipe")];

/// To try applications: what starts a session bus for each.
pub const APPS: &[Package] = &[program("dbus-daemon", "dbus-run-session")];

/// To make Debian packages.
pub const PACKAGE: &[Package] = &[program("dpkg", "dpkg-deb"), program("dpkg-dev", "dpkg-shlibdeps")];
/// To make a machine with Xen of Debian's packages, and to emulate it.
pub const XEN: &[Package] = &[
    program("qemu-system-x86", "qemu-system-x86_64"),
    program("mmdebstrap", "mmdebstrap"),
    program("squashfs-tools", "mksquashfs"),
    // With which mmdebstrap makes a tree for an ordinary user.
    program("uidmap", "newuidmap"),
    program("xz-utils", "xz"),
    // What this project's own vchan is tried against there.
    library("libxen-dev", "libxenvchan.so"),
];

/// The Wayland conformance suite.
pub const CONFORMANCE: &[Package] = &[library("wlcs", "wlcs/wlcs")];

/// To show that machine's display in a window.
pub const XEN_WINDOW: &[Package] = &[library("qemu-system-gui", "qemu/ui-gtk.so")];

/// For the fuzzing engine, which is C++.
pub const FUZZ: &[Package] = &[program("g++", "c++")];

/// Packages are missing and cannot be installed from here; says what to install.
#[derive(Debug)]
pub struct Missing(String);

impl fmt::Display for Missing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

/// Makes sure that all `groups` are there; installs what is missing where that is possible.
///
/// # Errors
/// [`Missing`] where there is no apt, or no way to become root; any other error when apt fails.
pub fn ensure_installed(groups: &[&[Package]]) -> anyhow::Result<()> {
    let missing = missing(groups);
    if missing.is_empty() {
        return Ok(());
    }
    install_missing(&missing)?;
    let still_missing = self::missing(groups);
    ensure!(still_missing.is_empty(), "installed, but not found: {}", still_missing.join(" "));
    Ok(())
}

/// Makes sure that Debian's packages of these names are there.
///
/// # Errors
/// As of [`ensure_installed`].
pub fn install(names: &[&'static str]) -> anyhow::Result<()> {
    let missing: Vec<_> = names.iter().copied().filter(|name| version(name).is_err()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    install_missing(&missing)?;
    workspace::run(apt(rustix::process::geteuid().is_root()).arg("clean"))
}

/// The version of a package that is installed.
///
/// # Errors
/// When it is not.
pub fn version(name: &str) -> anyhow::Result<String> {
    let mut query = Command::new("dpkg-query");
    let output = query.args(["--show", "--showformat=${db:Status-Abbrev}${Version}", name]).output()?;
    let text = String::from_utf8(output.stdout)?;
    text.strip_prefix("ii ").map(str::to_owned).with_context(|| format!("{name} is not installed"))
}

fn install_missing(missing: &[&'static str]) -> anyhow::Result<()> {
    let list = missing.join(" ");
    if find_program("apt-get").is_none() {
        let text = format!(
            "these packages, or what holds them in this distribution, must be installed first (Debian's names): {list}"
        );
        return Err(Missing(text).into());
    }
    let root = rustix::process::geteuid().is_root();
    if !root && find_program("sudo").is_none() {
        return Err(Missing(format!("as root, run first: apt-get install {list}")).into());
    }

    println!("Installing the missing system packages{}: {list}", if root { "" } else { " (through sudo)" });
    workspace::run(apt(root).arg("update"))?;
    workspace::run(apt(root).args(["install", "--yes", "--no-install-recommends"]).args(missing))
}

/// An `apt-get` that asks nothing and waits for another apt to finish.
fn apt(root: bool) -> Command {
    let mut command = Command::new(if root { "env" } else { "sudo" });
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", "-o", "DPkg::Lock::Timeout=300"]);
    command
}

/// Debian names of the packages of `groups` that are not there.
fn missing(groups: &[&[Package]]) -> Vec<&'static str> {
    groups
        .iter()
        .copied()
        .flatten()
        .filter(|package| !is_there(&package.sign))
        .map(|package| package.debian)
        .collect()
}

fn is_there(sign: &Sign) -> bool {
    match sign {
        Sign::Program(name) => find_program(name).is_some(),
        Sign::Library(file) => library_path(file).is_some(),
        Sign::Font => font_directories().iter().any(|directory| holds_font(directory)),
    }
}

/// Where `name` is on the PATH.
pub fn find_program(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|directory| directory.join(name)).find(|file| {
        file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    })
}

/// Where `file` is among the libraries. Asked for a file's place, a C compiler answers with a path if it finds one, and with
/// the bare name if not.
pub fn library_path(file: &str) -> Option<PathBuf> {
    let mut compiler = Command::new("cc");
    let output = compiler.arg(format!("-print-file-name={file}")).stderr(Stdio::null()).output().ok()?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim_end());
    (output.status.success() && path.is_absolute()).then_some(path)
}

fn font_directories() -> Vec<PathBuf> {
    let mut directories = vec![PathBuf::from("/usr/share/fonts"), PathBuf::from("/usr/local/share/fonts")];
    if let Some(home) = env::var_os("HOME") {
        directories.push(Path::new(&home).join(".local/share/fonts"));
    }
    directories
}

fn holds_font(directory: &Path) -> bool {
    let Ok(entries) = directory.read_dir() else { return false };
    entries.flatten().any(|entry| {
        let path = entry.path();
        // Links are not followed: they could lead in a circle.
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => holds_font(&path),
            _ => path.extension().is_some_and(|extension| extension == "ttf" || extension == "otf"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABSENT: &[Package] = &[
        program("no-such-program", "transom-no-such-program"),
        library("no-such-library", "libtransom-no-such.so"),
        program("dash", "sh"),
    ];

    #[test]
    fn only_what_is_not_found_is_missing() {
        assert_eq!(missing(&[ABSENT]), ["no-such-program", "no-such-library"]);
    }

    #[test]
    fn what_linked_this_test_is_found() {
        assert!(library_path("crt1.o").is_some());
    }
}
