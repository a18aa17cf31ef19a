//! `cargo xtask xen-test` and `cargo xtask xen-run`: real Xen, on a machine that QEMU emulates in software.
//!
//! `images` makes what is booted, `machine` boots it and acts on it, `scenario` runs what is in `scenarios/` and prints what
//! held. All scenarios share one machine, and find on it what earlier ones left: one that needs a domain asks for it by
//! [`Machine::domain`], which creates it only if it does not run. Everything that is made lies in `target/xen/`: the images,
//! and in `machine/` the logs of the last run: `xen.log` of Xen and dom0's kernel, `host/console/` of the other domains,
//! `host/jobs/` each script that ran in dom0, with its output.

mod cpio;
mod desktop;
mod images;
mod machine;
mod picture;
mod qmp;
mod scenario;
mod scenarios;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use clap::Args;

use crate::{package, packages, session::Display, workspace};
use images::Images;
use machine::{Boot, Machine};

#[derive(Args)]
pub struct TestOptions {
    /// Run only the scenarios with one of these in their names
    filters: Vec<String>,
    /// Let Xen leave vector registers to the processor: shows that the scenario that watches them can fail
    #[arg(long)]
    lazy_fpu: bool,
}

/// `cargo xtask xen-test`.
pub fn test(options: &TestOptions) -> anyhow::Result<()> {
    let folder = folder()?;
    let images = build(&folder)?;
    let boot = Boot {
        images: &images,
        folder: &folder.join("machine"),
        display: "none",
        eager_fpu: !options.lazy_fpu,
    };
    let mut machine = Machine::boot(&boot)?;
    scenario::run_all(scenarios::ALL, &options.filters, &mut machine, &folder)?;
    machine.power_off()
}

/// `cargo xtask xen-run`.
pub fn run() -> anyhow::Result<()> {
    let window = Display::of_this_session().is_some();
    if window {
        packages::ensure_installed(&[packages::BUILD, packages::XEN_WINDOW])?;
    }
    let folder = folder()?;
    let images = build(&folder)?;
    let folder = folder.join("machine");
    // VNC takes the first port that is free.
    let display = if window { "gtk" } else { "vnc=localhost:0,to=99" };
    let mut machine = Machine::boot(&Boot { images: &images, folder: &folder, display, eager_fpu: true })?;
    machine.daemon()?;
    for name in scenarios::DOMAINS {
        machine.domain_with_applications(name)?;
    }
    if !window {
        println!("The display is served over VNC at localhost:{}", machine.vnc_port()?);
    }
    println!("A root shell in dom0: socat -,raw,echo=0,escape=0x1d {}", folder.join("shell.sock").display());
    println!("It ends with the machine's power, or with Ctrl-C here");
    machine.run_until_off()
}

/// Where everything is that these commands make.
fn folder() -> anyhow::Result<PathBuf> {
    Ok(workspace::target_dir()?.join("xen"))
}

fn build(folder: &Path) -> anyhow::Result<Images> {
    packages::ensure_installed(&[packages::BUILD, packages::XEN])?;
    fs::create_dir_all(folder)?;
    let debs = package::build(true)?;
    workspace::run(workspace::cargo().args(["build", "--package", "transom-xen-tests"]))?;
    let probe = folder.with_file_name("debug").join("xen-probe");
    let peer = compile(folder, "vchan-peer", &["-lxenvchan", "-lxenstore"])?;
    let drawing = compile(folder, "vgem-draws", &[])?;
    images::build(&folder.join("images"), &debs, &[probe, peer, drawing])
}

/// A program for the domains that is in C.
fn compile(folder: &Path, name: &str, libraries: &[&str]) -> anyhow::Result<PathBuf> {
    let program = folder.join(name);
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-Wall", "-Werror", "-o"])
        .arg(&program)
        .arg(workspace::root().join(format!("tests/xen/c/{name}.c")))
        .args(libraries);
    workspace::run(&mut cc)?;
    Ok(program)
}
