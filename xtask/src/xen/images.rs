//! What the machine boots from, all of it under `target/xen/images`: Debian's packages and the workspace's programs.
//!
//! There are two disks. The first is a Debian tree that mmdebstrap makes from the host's package sources; every domain
//! has it as its root, under a writable layer in memory. It is made again only when its recipe or a version in the
//! archive changes. The second has what changes with every build: the programs of the workspace, the scripts in
//! `guest/`, and the kernel with which dom0 starts other domains. It is made each time, in about a second.
//!
//! The kernel is unpacked here, because Xen and libxl would do it under emulation, at several seconds each.

use std::{
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, ensure};

use super::cpio::Archive;
use crate::workspace;

/// What is installed in the tree beside Debian's essential packages.
const PACKAGES: &[&str] = &[
    // The machine: hypervisor, kernel, tool stack, devices.
    "xen-system-amd64",
    "linux-image-amd64",
    "busybox-static",
    "kmod",
    "mount",
    "procps",
    "udev",
    // What programs of the workspace are linked with, and what they need at run time.
    "libpixman-1-0",
    "libgbm1",
    "libegl1",
    "libgl1-mesa-dri",
    "libxkbcommon0",
    "libinput10",
    "libseat1",
    "seatd",
    "fontconfig",
    "fonts-dejavu-core",
    // Applications: a terminal, a window that tells all of its input, and programs that copy and paste.
    "foot",
    "wev",
    "wl-clipboard",
];

/// The parts of the kernel's modules that such a machine can have use for: a tenth of all. Patterns of dpkg, where a
/// star also stands for slashes.
const DRIVERS: &[&str] = &[
    "arch/*",
    "crypto/*",
    "drivers/block/*",
    "drivers/char/virtio_console.ko*",
    "drivers/gpu/drm/*.ko*",
    "drivers/hid/hid*",
    "drivers/input/*",
    "drivers/virtio/*",
    "drivers/xen/*",
    "fs/9p/*",
    "fs/fscache/*",
    "fs/netfs/*",
    "fs/overlayfs/*",
    "fs/squashfs/*",
    "lib/*",
    "net/9p/*",
];
/// Large, and for hardware that is not there.
const EXCLUDED_DRIVERS: &[&str] = &["drivers/gpu/drm/[anr]*", "drivers/gpu/drm/i915/*", "drivers/gpu/drm/g*"];

/// Modules needed to reach the disks, before there is a root to load others from.
const BOOT_MODULES: &[&str] = &["virtio_pci", "virtio_blk", "xen-blkfront", "squashfs", "overlay"];

/// The files in `guest/`: where on the second disk, and what.
const GUEST_FILES: &[(&str, &str)] = &[
    ("dom0/etc/inittab", include_str!("guest/dom0.inittab")),
    ("dom0/etc/modprobe.d/plugged-in-later.conf", "blacklist virtio_gpu\n"),
    // Otherwise the disks' pages stay mapped for a minute after their last use, among those that scenarios count.
    ("dom0/etc/modprobe.d/nothing-kept.conf", "options xen_blkback feature_persistent=N\n"),
    ("dom0/etc/xen/scripts/block-given", include_str!("guest/block-given")),
    ("dom0/usr/local/sbin/start-dom0", include_str!("guest/start-dom0")),
    ("dom0/usr/local/sbin/serve-jobs", include_str!("guest/serve-jobs-dom0")),
    ("domu/etc/inittab", include_str!("guest/domu.inittab")),
    ("domu/usr/local/sbin/start-domu", include_str!("guest/start-domu")),
    ("domu/usr/local/sbin/serve-jobs", include_str!("guest/serve-jobs-domu")),
];

/// Where a Linux image says how many sectors its set-up code has, and where after these its compressed kernel lies
/// (the kernel's Documentation/arch/x86/boot.rst: `setup_sects`, `payload_offset`).
const SETUP_SECTORS_AT: u64 = 0x1f1;
const PAYLOAD_OFFSET_AT: u64 = 0x248;
const SECTOR: u64 = 512;

/// The files that QEMU is started with.
pub struct Images {
    /// The hypervisor, unpacked.
    pub xen: PathBuf,
    /// The kernel of dom0, as an ELF file.
    pub kernel: PathBuf,
    /// The first root of every domain.
    pub initramfs: PathBuf,
    /// The Debian tree.
    pub system: PathBuf,
    /// The workspace's programs, the scripts, and a kernel for other domains.
    pub payload: PathBuf,
}

/// Makes what is not there yet, or not up to date. `debs` are the workspace's packages, which the
/// domains install, and `programs` what is tried there beside them.
///
/// # Errors
/// When one of the tools fails, in its own words, or the host has no sources of Debian packages.
pub fn build(folder: &Path, debs: &[PathBuf], programs: &[PathBuf]) -> anyhow::Result<Images> {
    fs::create_dir_all(folder)?;
    let folder = fs::canonicalize(folder)?;
    let file = |name: &str| folder.join(name);
    let images = Images {
        xen: file("xen"),
        kernel: file("vmlinux"),
        initramfs: file("initramfs.cpio"),
        system: file("system.squashfs"),
        payload: file("payload.squashfs"),
    };
    let recipe = Recipe::of_this_host(&file("no-archives"))?;
    let recipe_file = file("recipe");
    if fs::read_to_string(&recipe_file).ok().as_deref() != Some(&recipe.text()) {
        println!("Making a Debian tree of {} packages", recipe.closure.lines().count());
        // Whatever fails from here on, the next run starts here again.
        let _ = fs::remove_file(&recipe_file);
        make_system(&folder, &recipe, &images)?;
        fs::write(&recipe_file, recipe.text())?;
    }
    make_initramfs(&file("boot"), &images.initramfs)?;
    make_payload(&file("payload"), debs, programs, &images)?;
    Ok(images)
}

/// All that the Debian tree depends on.
struct Recipe {
    /// Lines of a sources.list.
    sources: String,
    /// Where each package comes from, its version being part of the address.
    closure: String,
}

impl Recipe {
    /// With the sources of the host's apt, and the versions that it knows of. `no_archives` is for a folder without
    /// packages: apt does not name those that it has already.
    fn of_this_host(no_archives: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(no_archives.join("partial"))?;
        let sources = output(Command::new("apt-get").args([
            "indextargets",
            "--format",
            "$(ORIGIN) deb $(REPO_URI) $(RELEASE) $(COMPONENT)",
            "Identifier: Packages",
        ]))?;
        let sources: String = sources
            .lines()
            .filter_map(|line| line.strip_prefix("Debian "))
            .map(|line| format!("{line}\n"))
            .collect();
        ensure!(
            !sources.is_empty(),
            "apt knows no package of Debian: the images are made of them, on a Debian whose /etc/apt/sources.list(.d) \
             names an archive and which has seen `apt-get update`"
        );
        // As if nothing was installed, and without the locks, which an ordinary user may not take.
        let closure = output(
            Command::new("apt-get")
                .args(["--option", "Dir::State::status=/dev/null", "--option", "Debug::NoLocking=1"])
                .arg(format!("--option=Dir::Cache::archives={}", no_archives.display()))
                .args(["--quiet=2", "--no-install-recommends", "--print-uris", "install"])
                .args(PACKAGES),
        )?;
        let closure = closure.lines().filter_map(|line| line.split_whitespace().next());
        Ok(Self { sources, closure: closure.map(|uri| format!("{uri}\n")).collect() })
    }

    fn text(&self) -> String {
        format!("{}{}{DRIVERS:?}\n{EXCLUDED_DRIVERS:?}\n{BOOT_MODULES:?}\n", self.sources, self.closure)
    }
}

/// Has mmdebstrap make the tree, and takes out of it what QEMU needs as files.
fn make_system(folder: &Path, recipe: &Recipe, images: &Images) -> anyhow::Result<()> {
    let tree = folder.join("system.tar");
    let sources = folder.join("sources.list");
    fs::write(&sources, &recipe.sources)?;
    // Proxies and the like, which mmdebstrap does not take over from the host by itself.
    let acquire = folder.join("apt.conf");
    fs::write(&acquire, output(Command::new("apt-config").args(["dump", "Acquire"]))?)?;

    let modules = "/*lib/modules/*/kernel";
    let mut mmdebstrap = Command::new("mmdebstrap");
    mmdebstrap.args(["--quiet", "--variant=essential", "--format=tar", "--dpkgopt=force-unsafe-io"]);
    mmdebstrap.arg(format!("--dpkgopt=path-exclude={modules}/*"));
    mmdebstrap.args(DRIVERS.iter().map(|part| format!("--dpkgopt=path-include={modules}/{part}")));
    mmdebstrap.args(EXCLUDED_DRIVERS.iter().map(|part| format!("--dpkgopt=path-exclude={modules}/{part}")));
    mmdebstrap.arg(format!("--aptopt={}", acquire.display()));
    mmdebstrap.arg(format!("--include={}", PACKAGES.join(",")));
    // No initramfs is made for a kernel that is installed.
    mmdebstrap.env("INITRD", "No");
    workspace::run(mmdebstrap.arg("").args([&tree, &sources]))?;

    let boot = folder.join("boot");
    replace_folder(&boot)?;
    let members = ["./boot/vmlinuz-*", "./boot/xen-*.gz", "*/bin/busybox", "*/lib/modules/*"];
    workspace::run(
        Command::new("tar")
            .arg("--extract")
            .arg("--file")
            .arg(&tree)
            .arg("--directory")
            .arg(&boot)
            .arg("--wildcards")
            .args(members),
    )?;
    decompress("gzip", File::open(only_file(&boot.join("boot"), "xen-")?)?, &images.xen)?;
    unpack_kernel(&only_file(&boot.join("boot"), "vmlinuz-")?, &images.kernel)?;
    squash(Path::new("-"), "-tar", File::open(&tree)?.into(), &images.system)?;
    fs::remove_file(&tree)?;
    Ok(())
}

/// The first root: busybox, the modules that reach the disks, and a script.
fn make_initramfs(boot: &Path, to: &Path) -> anyhow::Result<()> {
    let modules =
        only_file(&boot.join("lib/modules"), "").or_else(|_| only_file(&boot.join("usr/lib/modules"), ""))?;
    let dependencies = fs::read_to_string(modules.join("modules.dep"))?;
    let mut order: Vec<&str> = Vec::new();
    for module in BOOT_MODULES {
        let (file, needed) = dependencies
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(file, _)| Path::new(file).file_stem().is_some_and(|stem| stem == *module))
            .with_context(|| format!("the kernel has no module {module}"))?;
        // What a module needs is listed with the first to load last.
        for file in needed.split_whitespace().rev().chain([file]) {
            if !order.contains(&file) {
                order.push(file);
            }
        }
    }
    let busybox = ["bin/busybox", "usr/bin/busybox"].map(|path| boot.join(path));
    let busybox = busybox.iter().find(|path| path.is_file()).context("the tree has no busybox")?;

    let mut archive = Archive::new();
    for folder in ["bin", "modules", "proc", "sys", "dev", "system", "payload", "writable", "root"] {
        archive.directory(folder);
    }
    archive.file("init", include_bytes!("guest/init"));
    archive.file("bin/busybox", &fs::read(busybox)?);
    for (number, file) in order.iter().enumerate() {
        archive.file(&format!("modules/{number:02}.ko"), &fs::read(modules.join(file))?);
    }
    fs::write(to, archive.finish())?;
    Ok(())
}

/// The second disk.
fn make_payload(
    folder: &Path,
    debs: &[PathBuf],
    programs: &[PathBuf],
    images: &Images,
) -> anyhow::Result<()> {
    replace_folder(folder)?;
    for (path, text) in GUEST_FILES {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    let binaries = folder.join("common/usr/local/bin");
    fs::create_dir_all(&binaries)?;
    for program in programs {
        let name = program.file_name().context("a program without a name")?;
        // Debug information would be most of it.
        workspace::run(Command::new("strip").arg("-o").arg(binaries.join(name)).arg(program))?;
    }
    for file in [&images.kernel, &images.initramfs].into_iter().chain(debs) {
        let link = folder.join(file.file_name().context("a file without a name")?);
        fs::hard_link(file, &link).or_else(|_| fs::copy(file, &link).map(drop))?;
    }
    squash(folder, "-all-root", Stdio::null(), &images.payload)
}

/// Writes a disk. Nothing is compressed: the emulated machine reads faster than it unpacks.
fn squash(source: &Path, kind: &str, input: Stdio, to: &Path) -> anyhow::Result<()> {
    let mut mksquashfs = Command::new("mksquashfs");
    mksquashfs.arg(source).arg(to).args([
        kind,
        "-noappend",
        "-noI",
        "-noD",
        "-noF",
        "-noX",
        "-no-progress",
        "-quiet",
    ]);
    workspace::run(mksquashfs.stdin(input).stdout(Stdio::null()))
}

/// The file or folder in `folder` whose name starts with `prefix`.
fn only_file(folder: &Path, prefix: &str) -> anyhow::Result<PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut found = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    match (found.next(), found.next()) {
        (Some(entry), None) => Ok(entry.path()),
        (None, _) => anyhow::bail!("{}: nothing there whose name starts with {prefix:?}", folder.display()),
        (Some(_), Some(_)) => {
            anyhow::bail!("{}: several whose names start with {prefix:?}", folder.display())
        }
    }
}

/// The ELF kernel within a bootable image.
fn unpack_kernel(image: &Path, to: &Path) -> anyhow::Result<()> {
    let mut image = File::open(image)?;
    let mut setup_sectors = [0; 1];
    image.seek(SeekFrom::Start(SETUP_SECTORS_AT))?;
    image.read_exact(&mut setup_sectors)?;
    let mut offset = [0; 4];
    image.seek(SeekFrom::Start(PAYLOAD_OFFSET_AT))?;
    image.read_exact(&mut offset)?;
    let start = (u64::from(setup_sectors[0]) + 1) * SECTOR + u64::from(u32::from_le_bytes(offset));
    image.seek(SeekFrom::Start(start))?;
    // More of the image follows the compressed stream.
    decompress("xz", image, to).context("the kernel image is not compressed as expected")
}

/// Decompresses the rest of `file` with `program`.
fn decompress(program: &str, file: File, to: &Path) -> anyhow::Result<()> {
    let mut command = Command::new(program);
    if program == "xz" {
        command.arg("--single-stream");
    }
    workspace::run(command.args(["--decompress", "--stdout"]).stdin(file).stdout(File::create(to)?))
}

fn replace_folder(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => fs::create_dir_all(folder)?,
    }
    Ok(())
}

/// What a program prints.
fn output(command: &mut Command) -> anyhow::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {program}"))?;
    ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8(output.stdout)?)
}
