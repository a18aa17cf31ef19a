//! Domains of Xen come, go, change their names and inherit ids: who is shown as whom. The store is the tests' own; the
//! links, for which there is no Xen here, are those of the software transport.

use std::{
    os::fd::AsFd,
    time::{Duration, Instant},
};

use gui_daemon::{
    BackendKind, Daemon, Options,
    config::Config,
    domain::XenPlaces,
    ipc::{DomainInfo, LinkState},
};
use gui_protocol::Rect;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use shm_grant::{Backend, DomId};
use tempfile::TempDir;
use transom_tests::xenstore::Xenstore;

use crate::fixture::{log::Log, peer::Peer};

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(20);

const ONE: &str = "11111111-0000-4000-8000-000000000001";
const TWO: &str = "22222222-0000-4000-8000-000000000002";
const THREE: &str = "33333333-0000-4000-8000-000000000003";

/// A GUI domain with agents at some ids.
struct Host {
    daemon: Daemon,
    store: Xenstore,
    peers: Vec<Peer>,
    lines: Vec<String>,
    log: Log,
    dir: TempDir,
}

impl Host {
    /// A daemon with this configuration, on a host where these domains run already, each with an agent that has a window.
    fn new(config: &str, domains: &[(u16, &str, &str)]) -> Self {
        let dir = TempDir::with_prefix("xen-test-").unwrap();
        let store = Xenstore::start(dir.path());
        for (domid, name, uuid) in domains {
            store.create(*domid, name, uuid);
        }
        let log = Log::start();
        let daemon = Daemon::new(Options {
            backend: BackendKind::Headless,
            config: Config::parse(config).unwrap(),
            control_socket: Some(dir.path().join("control.sock")),
            wayland: false,
            vchan_directory: Some(dir.path().join("vchan")),
            xen: XenPlaces { store: Some(store.socket.clone()), links: Backend::Ring },
        });
        let mut host =
            Self { daemon: daemon.unwrap(), store, peers: Vec::new(), lines: Vec::new(), log, dir };
        for (domid, ..) in domains {
            host.agent(*domid);
        }
        host
    }

    /// An agent begins to serve under this id.
    fn agent(&mut self, domid: u16) {
        self.peers.push(Peer::new(Backend::Ring, DomId(domid), &self.dir.path().join("vchan")));
    }

    /// Lets the agents do what there is to do: to each new daemon they show their window.
    fn pump(&mut self) {
        for peer in &mut self.peers {
            let links = peer.links;
            peer.pump();
            if peer.links > links {
                peer.greet();
                peer.window(1, Rect::new(50, 50, 100, 80), false, 0x0012_3456);
                peer.pump();
            }
        }
    }

    #[track_caller]
    fn until(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.pump();
            self.daemon.dispatch(Duration::ZERO).unwrap();
            let lines = self.log.take();
            self.lines.extend(lines);
            if is_so(self) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "waited in vain: {what}; {:?} {:#?}",
                self.infos(),
                self.lines
            );
            let mut all: Vec<_> = self.peers.iter().map(|peer| PollFd::new(peer, PollFlags::IN)).collect();
            all.push(PollFd::from_borrowed_fd(self.daemon.as_fd(), PollFlags::IN));
            // A timer of the daemon does not show on its descriptor.
            poll(&mut all, Some(&Timespec { tv_sec: 0, tv_nsec: 5_000_000 })).unwrap();
        }
    }

    fn infos(&self) -> Vec<DomainInfo> {
        self.daemon.state().domain_infos()
    }

    /// Each domain as one word: name, id, state and windows.
    fn summary(&self) -> Vec<String> {
        let line = |info: &DomainInfo| {
            let domid = info.domid.map_or("-".to_owned(), |domid| domid.to_string());
            let state = match info.state {
                LinkState::Connected => "connected",
                LinkState::Waiting => "waiting",
                LinkState::BackingOff => "backing off",
                LinkState::Absent => "absent",
            };
            format!("{} {domid} {state} {}", info.name, info.windows)
        };
        self.infos().iter().map(line).collect()
    }

    #[track_caller]
    fn until_summary(&mut self, wanted: &[&str]) {
        self.until(&format!("{wanted:?}"), |host| host.summary() == wanted);
    }

    #[track_caller]
    fn until_logged(&mut self, part: &str) {
        self.until(part, |host| host.logged(part) > 0);
    }

    fn logged(&self, part: &str) -> usize {
        self.lines.iter().filter(|line| line.contains(part)).count()
    }
}

fn entry(name: &str, transport: &str) -> String {
    format!("[[domain]]\nname = \"{name}\"\nlabel = \"blue\"\ntransport = \"{transport}\"\n")
}

#[test]
fn entries_find_their_domains_by_name_id_and_uuid() {
    let config = [
        entry("work", "xen"),
        entry("mail", "xen:name=sys-mail.2"),
        entry("bank", "xen:8"),
        entry("chat", &format!("xen:uuid={TWO}")),
        entry("late", "xen"),
    ]
    .concat();
    let domains = [
        (5, "work", ONE),
        (6, "sys-mail.2", THREE),
        (7, "anything", TWO),
        (8, "else", "88888888-0000-4000-8000-000000000008"),
    ];
    let mut host = Host::new(&config, &domains);
    let found = ["work 5 connected 1", "mail 6 connected 1", "bank 8 connected 1", "chat 7 connected 1"];
    host.until_summary(&[&found[..], &["late - absent 0"]].concat());
    // one that comes later, before its agent
    host.store.create(9, "late", "99999999-0000-4000-8000-000000000009");
    host.until_summary(&[&found[..], &["late 9 waiting 0"]].concat());
    host.agent(9);
    host.until_summary(&[&found[..], &["late 9 connected 1"]].concat());
    assert_eq!(host.logged("WARN"), 0, "{:?}", host.lines);
}

#[test]
fn a_domain_that_dies_takes_its_windows_and_comes_back_under_another_id() {
    let config = [entry("work", "xen"), entry("mail", "xen")].concat();
    let mut host = Host::new(&config, &[(5, "work", ONE), (6, "mail", TWO)]);
    host.until_summary(&["work 5 connected 1", "mail 6 connected 1"]);
    // its pages and its channel are still there: it is the store that says that it is gone
    host.store.destroy(5);
    host.until_summary(&["work - absent 0", "mail 6 connected 1"]);
    assert_eq!(host.daemon.state().window_infos().len(), 1);
    host.until("the agent to hear of it", |host| !host.peers[0].connected);
    host.store.create(7, "work", ONE);
    host.agent(7);
    host.until_summary(&["work 7 connected 1", "mail 6 connected 1"]);
    assert_eq!((host.logged("domain left: it is gone"), host.logged("WARN")), (1, 0), "{:?}", host.lines);
}

#[test]
fn whoever_inherits_an_id_is_somebody_else() {
    let mut host = Host::new(&entry("work", "xen:5"), &[(5, "a", ONE)]);
    host.until_summary(&["work 5 connected 1"]);
    host.store.replace(5, "a", TWO);
    host.until_summary(&["work - absent 0"]);
    host.until_logged("domain refused: it is not in the configuration");
    host.until("the agent to hear of it", |host| !host.peers[0].connected);

    // where the name is what counts, the new domain may have it; but it is not the old one's link
    let mut host = Host::new(&entry("work", "xen"), &[(5, "work", ONE)]);
    host.until_summary(&["work 5 connected 1"]);
    host.store.replace(5, "work", TWO);
    host.until("a second link", |host| host.peers[0].links == 2);
    host.until_logged("domain left: it is gone");

    // and the same UUID does not make it the same, if it was started again
    host.store.replace(5, "work", TWO);
    host.until("a third link", |host| host.peers[0].links == 3);
}

#[test]
fn an_agent_is_not_heard_before_its_domain_is_known_to_be_the_one() {
    let mut host = Host::new(&entry("work", "xen"), &[(5, "work", ONE)]);
    host.until_summary(&["work 5 connected 1"]);
    // Another domain has the id, and its agent connects before the news is there.
    host.store.replace_silently(5, "evil", TWO);
    host.peers.clear();
    host.until_summary(&["work 5 waiting 0"]);
    host.agent(5);
    host.until_summary(&["work - absent 0"]);
    host.until_logged("domain refused: it is not in the configuration domid=5 name=\"evil\"");
    assert_eq!(host.daemon.state().window_infos(), []);
}

#[test]
fn a_new_name_is_a_new_identity_where_the_name_is_what_counts() {
    let config =
        [entry("work", "xen"), entry("mail", "xen"), entry("chat", &format!("xen:uuid={TWO}"))].concat();
    let mut host = Host::new(&config, &[(5, "work", ONE), (6, "chat", TWO)]);
    host.until_summary(&["work 5 connected 1", "mail - absent 0", "chat 6 connected 1"]);
    host.store.rename(5, "mail");
    host.until_summary(&["work - absent 0", "mail 5 connected 1", "chat 6 connected 1"]);
    // its UUID is what counts
    host.store.rename(6, "talk");
    host.store.rename(5, "nothing");
    host.until_summary(&["work - absent 0", "mail - absent 0", "chat 6 connected 1"]);
    host.until_logged("domain refused: it is not in the configuration domid=5 name=\"nothing\"");
    assert_eq!(host.peers[1].links, 1);
}

#[test]
fn two_domains_of_one_name_are_not_two_of_one_identity() {
    let mut host = Host::new(&entry("work", "xen"), &[(5, "work", ONE), (6, "work", TWO)]);
    host.until_summary(&["work 5 connected 1"]);
    host.until_logged("domain refused: another one is served as the entry for it");
    // once the first is gone the other is the one
    host.store.destroy(5);
    host.until_summary(&["work 6 connected 1"]);
    assert_eq!(host.logged("another one is served"), 1, "{:?}", host.lines);
}

#[test]
fn a_domain_that_two_entries_are_for_is_shown_once() {
    let config = [entry("first", "xen:5"), entry("second", "xen:name=work")].concat();
    let mut host = Host::new(&config, &[(5, "work", ONE)]);
    host.until_summary(&["first 5 connected 1", "second - absent 0"]);
    assert_eq!(
        host.logged("several entries of the configuration are for this domain"),
        1,
        "{:?}",
        host.lines
    );
}

#[test]
fn others_are_refused_once_or_shown_with_a_mark() {
    let mut host = Host::new(&entry("work", "xen"), &[(5, "work", ONE), (6, "Evil\u{202e}", TWO)]);
    host.until_summary(&["work 5 connected 1"]);
    host.until_logged("not in the configuration");
    host.store.create(7, "third", THREE);
    host.until_logged("third");
    assert_eq!(
        host.logged("domain refused: it is not in the configuration domid=6 name=\"Evil\\\\u{202e}\""),
        1
    );
    assert_eq!((host.logged("refused"), host.peers[1].links), (2, 0), "{:?}", host.lines);

    let config = entry("work", "xen") + "[xen.others]\nlabel = \"red\"\n";
    let mut host = Host::new(&config, &[(5, "work", ONE), (6, "work\u{202e}", TWO)]);
    host.until_summary(&["work 5 connected 1", "unknown: work 6 connected 1"]);
    let windows = host.daemon.state().window_infos();
    let named: Vec<_> = windows.iter().map(|it| (it.domain.as_str(), it.label.as_str())).collect();
    assert!(named.contains(&("unknown: work", "red")), "{named:?}");
    host.store.rename(6, "play");
    host.until_summary(&["work 5 connected 1", "unknown: play 6 connected 1"]);
    host.store.destroy(6);
    host.until_summary(&["work 5 connected 1"]);
    // and an id is never given again
    host.store.create(6, "again", THREE);
    host.until_summary(&["work 5 connected 1", "unknown: again 6 connected 1"]);
    assert_eq!(host.daemon.state().domains.ids().last().unwrap().0, 3);
}

#[test]
fn a_name_that_the_domain_gave_itself_is_not_believed() {
    let mut host = Host::new(&entry("work", "xen"), &[(5, "work", ONE)]);
    host.until_summary(&["work 5 connected 1"]);
    host.store.let_write_its_name(5);
    host.store.create(6, "any", TWO);
    host.until_summary(&["work - absent 0"]);
}

#[test]
fn a_busy_store_and_a_lost_one_change_nothing() {
    let mut host = Host::new(&entry("work", "xen"), &[(5, "work", ONE)]);
    host.until_summary(&["work 5 connected 1"]);
    host.store.conflict(3);
    host.store.create(6, "six", TWO);
    host.until_logged("six");
    // the thread connects again
    host.store.hang_up();
    host.store.create(7, "seven", THREE);
    host.until_logged("seven");
    assert_eq!(host.peers[0].links, 1);
    assert_eq!(host.summary(), ["work 5 connected 1"]);
}

#[test]
fn without_a_store_the_daemon_says_so() {
    let dir = TempDir::with_prefix("xen-test-").unwrap();
    let options = Options {
        backend: BackendKind::Headless,
        config: Config::parse(&entry("work", "xen")).unwrap(),
        control_socket: Some(dir.path().join("control.sock")),
        wayland: false,
        vchan_directory: None,
        xen: XenPlaces { store: Some(dir.path().join("none")), links: Backend::Ring },
    };
    let error = format!("{:#}", Daemon::new(options).err().unwrap());
    let path = dir.path().join("none");
    assert!(error.starts_with(&format!("domains of Xen: no xenstore at {}: ", path.display())), "{error}");
}
