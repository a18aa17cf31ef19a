//! `cargo xtask package`: the packages for a Debian dom0 and for the domains that have applications.
//!
//! `packaging/` has what goes into them beside the programs: `daemon/root` and `agent/root` as they are to lie on the
//! machine, the control files and maintainer scripts beside these. The packages are for the Debian this runs on, whose
//! libraries the programs are linked with. The same commit gives the same packages, byte for byte, when built in the
//! same place: every date in them is the commit's.

use std::{
    fs, io,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::{packages, workspace};

#[derive(Args)]
pub struct Options {
    /// Build the programs as the tests do: quicker to build, slower to run
    #[arg(long)]
    debug: bool,
}

/// One package.
struct Kind {
    /// Its name, and after `transom-` that of its folder in `packaging/`.
    name: &'static str,
    program: &'static str,
    manuals: &'static [&'static str],
    /// Files of the repository that go into its documentation's folder.
    examples: &'static [&'static str],
}

const KINDS: [Kind; 2] = [
    Kind {
        name: "transom-daemon",
        program: "gui-daemon",
        manuals: &["gui-daemon.1", "gui-daemon-msg.1", "transom.toml.5"],
        examples: &["docs/transom.toml"],
    },
    Kind { name: "transom-agent", program: "gui-agent", manuals: &["gui-agent.1"], examples: &[] },
];

/// Maintainer scripts, of a package alone or of both.
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];

/// Builds both packages into `target/package/` and prints their paths.
pub fn run(options: Options) -> anyhow::Result<()> {
    build(options.debug)?.iter().for_each(|package| println!("{}", package.display()));
    Ok(())
}

/// Builds both packages into `target/package/`, with the programs of the development profile if `debug`.
pub fn build(debug: bool) -> anyhow::Result<Vec<PathBuf>> {
    packages::ensure_installed(&[packages::BUILD, packages::PACKAGE])?;
    let packages = ["gui-daemon", "gui-agent", "transom-manuals"].map(|package| ["--package", package]);
    let profile = if debug { "dev" } else { "release" };
    workspace::run(workspace::cargo().args(["build", "--profile", profile]).args(packages.as_flattened()))?;

    let build = Build::new(&workspace::target_dir()?, debug)?;
    KINDS.iter().map(|kind| build.package(kind)).collect()
}

/// What is the same for all packages of one run.
struct Build {
    programs: PathBuf,
    /// How much effort goes into small packages.
    compression: &'static str,
    /// Where the packages go.
    output: PathBuf,
    /// Where they are put together; empty at first.
    work: PathBuf,
    version: String,
    architecture: String,
    /// The commit's time, in seconds since 1970.
    epoch: String,
    /// The name and address of whoever made the commit.
    maintainer: String,
}

impl Build {
    fn new(target: &Path, debug: bool) -> anyhow::Result<Self> {
        let output = target.join("package");
        let work = output.join("work");
        match fs::remove_dir_all(&work) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => fs::create_dir_all(&work)?,
        }
        let epoch = match std::env::var("SOURCE_DATE_EPOCH") {
            Ok(epoch) => epoch,
            Err(_) => said(git().args(["log", "-1", "--format=%ct"]))?,
        };
        let build = Self {
            programs: target.join(if debug { "debug" } else { "release" }),
            compression: if debug { "-z1" } else { "-z9" },
            output,
            work,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            architecture: said(Command::new("dpkg").arg("--print-architecture"))?,
            epoch,
            maintainer: said(git().args(["log", "-1", "--format=%an <%ae>"]))?,
        };
        fs::create_dir(build.manuals())?;
        let mut manuals = Command::new(build.programs.join("transom-manuals"));
        workspace::run(manuals.args(["--date", &build.date("+%F")?]).arg(build.manuals()))?;
        Ok(build)
    }

    /// Where the manual pages are.
    fn manuals(&self) -> PathBuf {
        self.work.join("manuals")
    }

    /// The commit's time as `date` writes it.
    fn date(&self, format: &str) -> anyhow::Result<String> {
        let mut date = Command::new("date");
        said(date.env("LC_ALL", "C").args(["--utc", &format!("--date=@{}", self.epoch), format]))
    }

    /// Makes one package; says where it is.
    fn package(&self, kind: &Kind) -> anyhow::Result<PathBuf> {
        let root = self.work.join(kind.name);
        let sources = workspace::root().join("packaging");
        let own = sources.join(kind.name.trim_start_matches("transom-"));
        copy_tree(&own.join("root"), &root)?;

        let program = root.join("usr/bin").join(kind.program);
        create_parent(&program)?;
        let mut strip = Command::new("strip");
        strip.args(["--strip-unneeded", "--remove-section=.comment", "-o"]).arg(&program);
        workspace::run(strip.arg(self.programs.join(kind.program)))?;
        set_mode(&program, 0o755)?;

        for manual in kind.manuals {
            let section = manual.rsplit('.').next().context("a manual page without a section")?;
            let file = root.join("usr/share/man").join(format!("man{section}")).join(manual);
            install(&self.manuals().join(manual), &file)?;
            compress(&file)?;
        }
        let documents = root.join("usr/share/doc").join(kind.name);
        for example in kind.examples {
            let source = workspace::root().join(example);
            let name = source.file_name().context("an example without a name")?;
            install(&source, &documents.join("examples").join(name))?;
        }
        install(&sources.join("copyright"), &documents.join("copyright"))?;
        let changelog = documents.join("changelog");
        write(&changelog, &self.changelog()?)?;
        compress(&changelog)?;

        let control = root.join("DEBIAN");
        for script in SCRIPTS {
            let candidates = [own.join(script), sources.join(script)];
            let Some(source) = candidates.iter().find(|file| file.exists()) else { continue };
            let file = control.join(script);
            write(&file, &fs::read_to_string(source)?.replace("@PACKAGE@", kind.name))?;
            set_mode(&file, 0o755)?;
        }
        let files = Files::below(&root, &control)?;
        let conffiles: String =
            files.names.iter().filter(|name| name.starts_with("/etc/")).map(line).collect();
        if !conffiles.is_empty() {
            write(&control.join("conffiles"), &conffiles)?;
        }
        let text = fs::read_to_string(own.join("control"))?
            .replace("@VERSION@", &self.version)
            .replace("@ARCHITECTURE@", &self.architecture)
            .replace("@MAINTAINER@", &self.maintainer)
            .replace("@INSTALLED_SIZE@", &files.kibibytes.to_string())
            .replace("@DEPENDS@", &self.libraries(&program)?);
        write(&control.join("control"), &text)?;

        let package = self.output.join(format!("{}_{}_{}.deb", kind.name, self.version, self.architecture));
        let mut deb = Command::new("dpkg-deb");
        deb.env("SOURCE_DATE_EPOCH", &self.epoch).args(["--root-owner-group", self.compression, "--build"]);
        said(deb.arg(&root).arg(&package))?;
        Ok(package)
    }

    /// The packages of the libraries that a program is linked with, as a `Depends` field has them.
    fn libraries(&self, program: &Path) -> anyhow::Result<String> {
        // It looks for this file where it runs, and wants no more of it than that it is there.
        let folder = self.work.join("shlibdeps");
        write(&folder.join("debian/control"), "Source: transom\n\nPackage: transom\nArchitecture: any\n")?;
        let output = said(Command::new("dpkg-shlibdeps").current_dir(&folder).arg("-O").arg(program))?;
        output.strip_prefix("shlibs:Depends=").map(str::to_owned).context("dpkg-shlibdeps names no package")
    }

    fn changelog(&self) -> anyhow::Result<String> {
        let commit = said(git().args(["log", "-1", "--format=%h"]))?;
        let date = self.date("+%a, %d %b %Y %H:%M:%S +0000")?;
        Ok(format!(
            "transom ({}) unstable; urgency=medium\n\n  * Built from commit {commit}.\n\n -- {}  {date}\n",
            self.version, self.maintainer
        ))
    }
}

/// The files of a package.
struct Files {
    /// As they are called on the machine it is installed on, in order.
    names: Vec<String>,
    kibibytes: u64,
}

impl Files {
    fn below(root: &Path, control: &Path) -> anyhow::Result<Self> {
        let mut files = Self { names: Vec::new(), kibibytes: 0 };
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in folder.read_dir()? {
                let path = entry?.path();
                let metadata = path.symlink_metadata()?;
                if metadata.is_dir() {
                    if path != control {
                        folders.push(path);
                    }
                    continue;
                }
                files.kibibytes += metadata.len().div_ceil(1024);
                let name = path.strip_prefix(root)?.to_str().context("a file name that is not UTF-8")?;
                files.names.push(format!("/{name}"));
            }
        }
        files.names.sort();
        Ok(files)
    }
}

fn line(text: &String) -> String {
    format!("{text}\n")
}

fn git() -> Command {
    let mut command = Command::new("git");
    command.current_dir(workspace::root());
    command
}

/// Runs a command; what it wrote to its standard output, without the last line's end.
fn said(command: &mut Command) -> anyhow::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot start {program}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program}: {}", errors.trim());
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}

fn copy_tree(from: &Path, to: &Path) -> anyhow::Result<()> {
    for entry in from.read_dir().with_context(|| from.display().to_string())? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_tree(&source, &target)?;
        } else if kind.is_symlink() {
            create_parent(&target)?;
            symlink(fs::read_link(&source)?, &target)?;
        } else {
            install(&source, &target)?;
        }
    }
    Ok(())
}

/// Copies a file that is to be read by all.
fn install(from: &Path, to: &Path) -> anyhow::Result<()> {
    create_parent(to)?;
    fs::copy(from, to).with_context(|| from.display().to_string())?;
    set_mode(to, 0o644)
}

/// Writes a file that is to be read by all.
fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    create_parent(file)?;
    fs::write(file, text)?;
    set_mode(file, 0o644)
}

fn create_parent(file: &Path) -> anyhow::Result<()> {
    let folder = file.parent().context("a file without a folder")?;
    // Whatever this process's umask is: these are the modes of the folders that the package brings.
    for folder in
        folder.ancestors().take_while(|folder| !folder.exists()).collect::<Vec<_>>().into_iter().rev()
    {
        fs::create_dir(folder)?;
        set_mode(folder, 0o755)?;
    }
    Ok(())
}

fn set_mode(file: &Path, mode: u32) -> anyhow::Result<()> {
    Ok(fs::set_permissions(file, fs::Permissions::from_mode(mode))?)
}

/// As Debian has it, and with no time in it.
fn compress(file: &Path) -> anyhow::Result<()> {
    workspace::run(Command::new("gzip").args(["--best", "--no-name"]).arg(file))
}
