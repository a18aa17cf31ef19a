//! Links to a domain that is destroyed, which can tell nobody.

use std::process::Command;

use anyhow::ensure;
use shm_grant::DomId;

use crate::programs::Programs;
use crate::remote::Remote;
use crate::report::Report;

/// Ports of the links: one is served there, one here.
const PORTS: [u32; 2] = [6005, 6006];

pub fn run(report: &mut Report, domain: DomId) -> anyhow::Result<()> {
    let mut remote = Remote::connect(domain)?;
    let mut programs = Programs::default();
    let [there, here] = PORTS;
    let DomId(number) = domain;
    remote.ask(format!("start xen-probe vchan-end server 0 {there} 4096 4096 1 hold"))?;
    let number = number.to_string();
    let end = |role, port: u32| {
        ["vchan-end", role, &number, &port.to_string(), "4096", "4096", "1", "hold"].map(str::to_owned)
    };
    let mut start =
        |arguments: [String; 8]| programs.start("xen-probe", &arguments.each_ref().map(String::as_str));
    let client = start(end("client", there))?;
    let server = start(end("server", here))?;
    remote.ask(format!("start xen-probe vchan-end client 0 {here} 0 0 1 hold"))?;
    for program in [client, server] {
        ensure!(programs.line(program)? == "connected", "there is no link");
    }
    ensure!(
        Command::new("xl").args(["destroy", &number]).status()?.success(),
        "xl cannot destroy domain {number}"
    );
    for (name, program) in [("client", client), ("server", server)] {
        report.check(&format!("its {name} here says that the domain is gone"), || {
            let line = programs.line(program)?;
            ensure!(line == format!("lost: domain {number} is gone"), "{line:?}");
            Ok(())
        });
    }
    Ok(())
}
