//! Files from one domain to another, with the programs themselves.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
    process::Child,
    time::{Duration, Instant},
};

use crate::session::{Process, Session, Watch};

/// So large that it is on its way for a while, and of no weight on the disk it comes from.
const LARGE: u64 = 400 << 20;

/// A desktop with the agents of two domains, that are connected.
fn desktop(session: &Session) -> (Process, [Process; 2], Watch) {
    let daemon = session.daemon();
    let agents = [session.agent("personal", &[]), session.agent("work", &[])];
    for domain in ["personal", "work"] {
        session.msg(&["sync", domain]);
    }
    (daemon, agents, session.watch())
}

fn file(session: &Session, name: &str, bytes: &[u8]) -> PathBuf {
    let path = session.dir.path().join("personal").join(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// Waits for the question, and answers it by Super with this key when it can have been read.
fn answer(session: &Session, watch: &mut Watch, key: &str) {
    let is_question = |watch: &Watch| !watch.files.choices.is_empty();
    watch.until_told("a question", is_question);
    let deadline = Instant::now() + Duration::from_secs(30);
    while is_question(watch) {
        assert!(Instant::now() < deadline, "the question takes no answer");
        session.msg(&["input", "key", &format!("Super+{key}")]);
        watch.take_told();
    }
}

fn ended(mut child: Child) -> (Option<i32>, String) {
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code(), said)
}

/// What has come to work from personal.
fn landed(session: &Session) -> Vec<String> {
    let folder = session.dir.path().join("work/Incoming/personal");
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<_> = entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    // where a file system has no nameless files, one that was being written may be left under a hidden name
    names.retain(|name| !name.starts_with(".incoming-"));
    names.sort();
    names
}

/// A transfer of a large file that has begun to move.
fn under_way(session: &Session, watch: &mut Watch) -> Child {
    let large = file(session, "large", b"");
    File::options().write(true).open(&large).unwrap().set_len(LARGE).unwrap();
    let child = session.send("personal", &[&large]);
    answer(session, watch, "1");
    watch.until_told("some of it", |watch| {
        let notice = watch.files.notice.as_deref().unwrap_or_default();
        notice.contains(" %") && !notice.ends_with(": 0 %")
    });
    child
}

#[test]
fn a_file_goes_from_one_domain_to_another() {
    let session = Session::new();
    let (_daemon, _agents, mut watch) = desktop(&session);
    let text: Vec<u8> = (0..1_000_000u32).flat_map(u32::to_le_bytes).collect();
    let files = [file(&session, "plan.pdf", &text), file(&session, "-rf", b"no option")];
    let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let child = session.send("personal", &files);
    watch.until_told("a question", |watch| !watch.files.choices.is_empty());
    assert_eq!(watch.files.choices, ["work"]);
    if let Some(picture) = std::env::var_os("TRANSOM_PICTURE") {
        session.msg(&["sync"]);
        session.msg(&["screenshot", picture.to_str().unwrap()]);
    }
    answer(&session, &mut watch, "1");
    assert_eq!(ended(child), (Some(0), String::new()));
    assert_eq!(landed(&session), ["_rf", "plan.pdf"]);
    assert!(fs::read(session.dir.path().join("work/Incoming/personal/plan.pdf")).unwrap() == text);

    let child = session.send("personal", &files[..1]);
    answer(&session, &mut watch, "0");
    assert_eq!(ended(child), (Some(3), "gui-agent: refused: no domain takes them\n".to_owned()));
    assert_eq!(landed(&session), ["_rf", "plan.pdf"]);
    let (status, said) = ended(session.send("dom0", &files[..1]));
    assert!(status == Some(1) && said.starts_with("gui-agent: no agent at ") && said.lines().count() == 1);
}

#[test]
fn a_sender_that_dies_leaves_nothing() {
    let session = Session::new();
    let (_daemon, _agents, mut watch) = desktop(&session);
    let mut child = under_way(&session, &mut watch);
    child.kill().unwrap();
    watch.until_told("the end", |watch| !watch.files.open);
    assert!(watch.files.notice.as_deref().unwrap().ends_with("taken back: nothing is kept"));
    assert_eq!(ended(child).0, None);
    assert_eq!(landed(&session), [""; 0]);
}

#[test]
fn a_receiver_that_dies_leaves_nothing() {
    let session = Session::new();
    let (_daemon, [_personal, work], mut watch) = desktop(&session);
    let child = under_way(&session, &mut watch);
    work.kill();
    assert_eq!(ended(child), (Some(1), "gui-agent: failed on the way: nothing was kept\n".to_owned()));
    assert_eq!(landed(&session), [""; 0], "of a file that is not whole there is no name");
}

#[test]
fn the_user_stops_what_is_under_way() {
    let session = Session::new();
    let (_daemon, _agents, mut watch) = desktop(&session);
    let child = under_way(&session, &mut watch);
    session.msg(&["input", "key", "Super+0"]);
    let said = "gui-agent: stopped by the user: nothing was kept\n".to_owned();
    assert_eq!(ended(child), (Some(4), said));
    watch.until_told("the end", |watch| !watch.files.open);
    assert_eq!(landed(&session), [""; 0]);
}
