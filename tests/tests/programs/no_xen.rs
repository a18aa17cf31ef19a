//! On a machine without Xen the programs say so in one line, and what to do.

use std::{fs, path::Path, process::Command};

use tempfile::TempDir;

use crate::session::program;

/// What a program that cannot start says.
fn complaint(name: &str, arguments: &[&str]) -> String {
    let output = Command::new(program(name)).args(arguments).env("RUST_LOG", "off").output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

fn is_xen() -> bool {
    let is_xen = Path::new("/sys/hypervisor/type").exists();
    if is_xen {
        println!("skipped: this is a domain of Xen");
    }
    is_xen
}

#[test]
fn the_agent_says_that_there_is_no_xen() {
    if is_xen() {
        return;
    }
    let without = "no xenstore: /dev/xen/xenbus is missing because this machine does not run under Xen: start it as a \
                   domain of Xen";
    // It is what an agent is for, so it is the default.
    for arguments in [&[][..], &["--transport", "xen"], &["--domain", "7", "--gui-domain", "0"]] {
        assert_eq!(complaint("gui-agent", arguments), format!("gui-agent: {without}\n"), "{arguments:?}");
    }
    let usage = complaint("gui-agent", &["--transport", "socket"]);
    assert!(usage.contains("--domain <DOMID>"), "{usage}");
}

#[test]
fn the_daemon_says_that_there_is_no_xen_where_the_configuration_wants_it() {
    if is_xen() {
        return;
    }
    let dir = TempDir::with_prefix("no-xen-").unwrap();
    let config = dir.path().join("transom.toml");
    let wishes = [
        "[[domain]]\nname = \"work\"\nlabel = \"blue\"\ntransport = \"xen\"\n",
        "[xen.others]\nlabel = \"red\"\n",
    ];
    for wish in wishes {
        let socket = dir.path().join("control.sock");
        fs::write(&config, format!("[control]\nsocket = \"{}\"\n{wish}", socket.display())).unwrap();
        assert_eq!(
            complaint("gui-daemon", &["--backend", "headless", "--config", config.to_str().unwrap()]),
            "gui-daemon: domains of Xen: /dev/xen/gntdev is missing because this machine does not run under Xen: start \
             it as a domain of Xen\n"
        );
    }
}
