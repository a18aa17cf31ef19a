//! `cargo xtask package`: what is in the packages.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails where it stands")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What a command writes to its standard output.
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn build() -> Vec<PathBuf> {
    said(Command::new(env!("CARGO_BIN_EXE_xtask")).args(["package", "--debug"]))
        .lines()
        .map(PathBuf::from)
        .collect()
}

/// A package's files: mode, owner and name, folders left out.
fn contents(package: &Path) -> Vec<String> {
    let list = said(Command::new("dpkg-deb").arg("--contents").arg(package));
    let mut files = Vec::new();
    for line in list.lines().filter(|line| !line.starts_with('d')) {
        let words: Vec<_> = line.split_whitespace().collect();
        let [mode, owner, _, _, _, name @ ..] = words.as_slice() else { panic!("{line}") };
        files.push(format!("{mode} {owner} {}", name.join(" ").trim_start_matches('.')));
    }
    files.sort_by_key(|line| line.rsplit("root ").next().map(str::to_owned));
    files
}

fn fields(package: &Path) -> BTreeMap<String, String> {
    let control = said(Command::new("dpkg-deb").arg("--field").arg(package));
    let pairs =
        control.lines().filter(|line| !line.starts_with(' ')).filter_map(|line| line.split_once(": "));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn control_file(package: &Path, name: &str) -> String {
    said(Command::new("dpkg-deb").arg("--info").arg(package).arg(name))
}

#[test]
fn the_packages_are_complete_and_reproducible() {
    if Command::new("dpkg-deb").arg("--version").output().is_err() {
        println!("skipped: this is no Debian");
        return;
    }
    let packages = build();
    let [daemon, agent] = packages.as_slice() else { panic!("{packages:?}") };
    let files = "\
        -rw-r--r-- root/root /etc/pam.d/transom\n\
        -rw-r--r-- root/root /etc/transom/transom.toml\n\
        -rwxr-xr-x root/root /usr/bin/gui-daemon\n\
        -rw-r--r-- root/root /usr/lib/modules-load.d/transom-daemon.conf\n\
        -rw-r--r-- root/root /usr/lib/systemd/system/transom@.service\n\
        -rw-r--r-- root/root /usr/lib/udev/rules.d/70-transom-daemon.rules\n\
        -rw-r--r-- root/root /usr/share/doc/transom-daemon/changelog.gz\n\
        -rw-r--r-- root/root /usr/share/doc/transom-daemon/copyright\n\
        -rw-r--r-- root/root /usr/share/doc/transom-daemon/examples/transom.toml\n\
        -rw-r--r-- root/root /usr/share/man/man1/gui-daemon-msg.1.gz\n\
        -rw-r--r-- root/root /usr/share/man/man1/gui-daemon.1.gz\n\
        -rw-r--r-- root/root /usr/share/man/man5/transom.toml.5.gz";
    assert_eq!(contents(daemon).join("\n"), files);
    let files = "\
        -rwxr-xr-x root/root /usr/bin/gui-agent\n\
        -rw-r--r-- root/root /usr/lib/modprobe.d/transom-agent.conf\n\
        -rw-r--r-- root/root /usr/lib/modules-load.d/transom-agent.conf\n\
        lrwxrwxrwx root/root /usr/lib/systemd/user/default.target.wants/transom-agent.service -> \
        ../transom-agent.service\n\
        -rw-r--r-- root/root /usr/lib/systemd/user/transom-agent.service\n\
        -rw-r--r-- root/root /usr/lib/udev/rules.d/70-transom-agent.rules\n\
        -rw-r--r-- root/root /usr/share/doc/transom-agent/changelog.gz\n\
        -rw-r--r-- root/root /usr/share/doc/transom-agent/copyright\n\
        -rw-r--r-- root/root /usr/share/man/man1/gui-agent.1.gz\n\
        -rw-r--r-- root/root /usr/share/xdg-desktop-portal/transom-portals.conf";
    assert_eq!(contents(agent).join("\n"), files);

    let architecture = said(Command::new("dpkg").arg("--print-architecture"));
    for package in &packages {
        let fields = fields(package);
        assert_eq!(fields["Architecture"], architecture.trim());
        assert_eq!(fields["Version"], env!("CARGO_PKG_VERSION"));
        assert!(fields["Installed-Size"].parse::<u32>().unwrap() > 1000, "{fields:?}");
        for library in ["libc6 (>= ", "libpixman-1-0 (>= ", "libxkbcommon0 (>= "] {
            assert!(fields["Depends"].contains(library), "{fields:?}");
        }
        let texts = ["control", "postinst"].map(|name| control_file(package, name)).concat();
        let is_place = |word: &str| word.starts_with('@') && word.ends_with(['@', ',']);
        assert_eq!(texts.split([' ', '/', '.', '\n']).find(|word| is_place(word)), None, "left unfilled");
    }
    assert_eq!(control_file(daemon, "conffiles"), "/etc/pam.d/transom\n/etc/transom/transom.toml\n");

    let first: Vec<_> = packages.iter().map(|package| fs::read(package).unwrap()).collect();
    let second: Vec<_> = build().iter().map(|package| fs::read(package).unwrap()).collect();
    assert!(first == second, "the same commit made other packages");
}
