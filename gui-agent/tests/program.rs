//! The program itself: starts, serves, stops and cleans up.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

#[test]
fn it_starts_a_command_outlives_it_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let said = dir.path().join("said");
    let script = format!("echo \"$WAYLAND_DISPLAY\" > '{}'", said.display());
    let mut agent = Command::new(env!("CARGO_BIN_EXE_gui-agent"))
        .args(["--transport", "socket", "--domain", "9", "--gui-domain", "0", "--socket-name", "wayland-9"])
        .args(["--", "sh", "-c", &script])
        .env("VCHAN_SOCKET_DIR", dir.path())
        .env("XDG_RUNTIME_DIR", dir.path())
        .env_remove("RUST_LOG")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(agent.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(log.any(|line| line.contains("listening for applications") && line.contains("wayland-9")));
    assert!(log.any(|line| line.contains("the application has ended")), "it was started");
    assert_eq!(std::fs::read_to_string(&said).unwrap(), "wayland-9\n");
    assert!(agent.try_wait().unwrap().is_none(), "the agent stays");
    assert!(dir.path().join("vchan.9.0.6000.sock").exists());

    kill_process(Pid::from_child(&agent), Signal::TERM).unwrap();
    assert!(agent.wait().unwrap().success());
    std::fs::remove_file(said).unwrap();
    let left: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_session_tells_the_service_manager_how_it_is_found() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let (told, tools) = (dir.path().join("told"), dir.path().join("tools"));
    std::fs::create_dir(&tools).unwrap();
    // the first cannot do it: the second has to
    for (name, status) in [("dbus-update-activation-environment", 1), ("systemctl", 0)] {
        let tool = tools.join(name);
        let text =
            format!("#!/bin/sh\nfor word; do echo $word; done >> '{}'; exit {status}\n", told.display());
        std::fs::write(&tool, text).unwrap();
        std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = std::env::join_paths([tools.clone(), "/usr/bin".into(), "/bin".into()]).unwrap();
    let mut agent = Command::new(env!("CARGO_BIN_EXE_gui-agent"))
        .args([
            "--transport",
            "socket",
            "--domain",
            "9",
            "--socket-name",
            "wayland-9",
            "--no-x11",
            "--session",
            "--no-tray",
        ])
        .args(["--", "sh", "-c", "test \"$XDG_CURRENT_DESKTOP\" = Transom"])
        .env("VCHAN_SOCKET_DIR", dir.path())
        .env("XDG_RUNTIME_DIR", dir.path())
        .env("PATH", path)
        .env_remove("RUST_LOG")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(agent.stderr.take().unwrap()).lines().map(Result::unwrap);
    let ended = log.find(|line| line.contains("the application has ended")).unwrap();
    assert!(!ended.contains("exit status"), "{ended}");
    let variables = "WAYLAND_DISPLAY=wayland-9\nXDG_CURRENT_DESKTOP=Transom\nXDG_SESSION_TYPE=wayland\n";
    let words = format!("--systemd\n{variables}--user\nset-environment\n{variables}");
    assert_eq!(std::fs::read_to_string(told).unwrap(), words);
    kill_process(Pid::from_child(&agent), Signal::TERM).unwrap();
    assert!(agent.wait().unwrap().success());
}

#[test]
fn without_a_runtime_folder_it_makes_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let mut agent = Command::new(env!("CARGO_BIN_EXE_gui-agent"))
        .args(["--transport", "socket", "--domain", "9", "--", "sh", "-c", "test -S \"$WAYLAND_DISPLAY\""])
        .env("VCHAN_SOCKET_DIR", dir.path())
        .env("TMPDIR", dir.path())
        .env_remove("XDG_RUNTIME_DIR")
        .env_remove("RUST_LOG")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(agent.stderr.take().unwrap()).lines().map(Result::unwrap);
    let ended = log.find(|line| line.contains("the application has ended")).unwrap();
    assert!(!ended.contains("exit status"), "{ended}");
    kill_process(Pid::from_child(&agent), Signal::INT).unwrap();
    assert!(agent.wait().unwrap().success());
    let left: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_tray_without_a_session_bus_says_so_and_harms_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let mut agent = Command::new(env!("CARGO_BIN_EXE_gui-agent"))
        .args(["--transport", "socket", "--domain", "9", "--no-x11", "--tray", "--", "sleep", "1000"])
        .env("VCHAN_SOCKET_DIR", dir.path())
        .env("XDG_RUNTIME_DIR", dir.path())
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env_remove("RUST_LOG")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(agent.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(log.any(|line| line.contains("the tray: the session bus")));
    let again = |line: &String| line.contains("\"tray\"]") && line.contains("has failed (exit status: 1)");
    for pause in ["250ms", "500ms"] {
        assert!(log.find(again).unwrap().contains(&format!("started again in {pause}")));
    }
    assert!(agent.try_wait().unwrap().is_none(), "the agent stays");
    kill_process(Pid::from_child(&agent), Signal::TERM).unwrap();
    assert!(agent.wait().unwrap().success());
}
