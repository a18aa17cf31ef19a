//! What the two ends agree to speak, for every pairing, and that they then understand each other.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use common::*;
use gui_protocol::message::AgentMessage;
use gui_protocol::{
    AgentConfig, AgentConn, AgentEvent, DaemonConfig, DaemonConn, DaemonEvent, Family, Limits, Rect, Version,
    Violation, WindowId,
};

/// The answer of a daemon with `daemon` as its newest minor to a peer that offers `agent`.
fn answer(agent: u16, daemon: u16) -> (DaemonConn, Version) {
    let config = DaemonConfig { screen: SCREEN, limits: Limits::default(), max_minor: daemon };
    let mut conn = DaemonConn::new(config, NOW);
    conn.handle_bytes(&Version::minor(agent).to_wire().to_le_bytes(), NOW).unwrap();
    let Some(DaemonEvent::Connected { version }) = conn.poll_event() else { panic!("no answer") };
    (conn, version)
}

/// A greeting of 1.4 or later.
fn greeting(minor: u16) -> Vec<u8> {
    let words = [Version::minor(minor).to_wire(), 1280, 800, 24, 4001];
    words.into_iter().flat_map(u32::to_le_bytes).collect()
}

/// What an agent that may offer up to `agent` makes of the answer `minor`.
fn hears(agent: &mut AgentConn, minor: u16) -> Result<Version, Violation> {
    agent.handle_bytes(&greeting(minor), NOW)?;
    let Some(AgentEvent::Connected { version, .. }) = agent.poll_event() else { panic!("no event") };
    Ok(version)
}

fn offering(max_minor: u16) -> AgentConn {
    let mut agent = AgentConn::new(AgentConfig { max_minor }, NOW);
    agent.connected(NOW);
    agent
}

fn offered(agent: &mut AgentConn) -> u16 {
    let offer = agent.transmit().try_into().expect("four bytes");
    agent.transmitted(4);
    Version::from_wire(u32::from_le_bytes(offer)).minor
}

#[test]
fn every_pairing_of_our_ends_agrees_and_understands() {
    for agent_minor in (0..=8).chain([9, 0x8000, LEVEL_1, 0x8002, u16::MAX]) {
        for daemon_minor in (0..=8).chain([9, 0x8000, LEVEL_1, 0x8002, u16::MAX]) {
            let mut agent = offering(agent_minor);
            let offer = offered(&mut agent);
            let (mut daemon, version) = answer(offer, daemon_minor);
            let both_extended = agent_minor >= LEVEL_1 && daemon_minor >= LEVEL_1;
            let expected = if both_extended { LEVEL_1 } else { agent_minor.min(8).min(daemon_minor.min(8)) };
            assert_eq!(version, Version::minor(expected), "{agent_minor:#x} with {daemon_minor:#x}");
            assert_eq!(daemon.level(), u16::from(both_extended));
            // An older agent is not told, and takes the daemon to be as new; a newer one needs to be told.
            if expected < 4 && expected != offer {
                continue;
            }
            let heard = daemon.transmit().to_vec();
            daemon.transmitted(heard.len());
            agent.handle_bytes(&heard, NOW).unwrap();
            let Some(AgentEvent::Connected { version, .. }) = agent.poll_event() else { panic!() };
            assert_eq!(version, Version::minor(expected));
            assert_eq!(agent.level(), daemon.level());
            // A window's life in that version.
            let window = WindowId(1);
            let mut shown = Shown::default();
            agent.create(window, Rect::new(0, 0, 8, 8), None, false).unwrap();
            shown.give(&mut agent, window, (8, 8), refs(1));
            agent.map(window, None);
            agent.title(window, "title");
            daemon.handle_bytes(agent.transmit(), NOW).unwrap();
            let events: Vec<_> = std::iter::from_fn(|| daemon.poll_event()).collect();
            let has = |what: fn(&DaemonEvent) -> bool| events.iter().any(what);
            assert!(has(|event| matches!(event, DaemonEvent::Mapped { .. })));
            assert!(has(|event| matches!(event, DaemonEvent::Title { title, .. } if title == "title")));
            assert_eq!(has(|event| matches!(event, DaemonEvent::Committed { .. })), both_extended);
            assert_eq!(has(|event| matches!(event, DaemonEvent::Buffer { .. })), !both_extended);
        }
    }
}

#[test]
fn our_daemon_takes_the_lower_with_any_agent() {
    for (offer, agreed) in [
        (0, 0),
        (3, 3),
        (7, 7),
        (8, 8),
        (9, 8),
        (0x7fff, 8),
        (0x8000, 8),
        (LEVEL_1, LEVEL_1),
        (0x8002, LEVEL_1),
    ] {
        let (daemon, version) = answer(offer, LEVEL_1);
        assert_eq!(version, Version::minor(agreed), "{offer:#x}");
        let told = [Version::minor(agreed).to_wire().to_le_bytes().as_slice(), &greeting(0)[4..]].concat();
        assert_eq!(daemon.transmit(), if agreed >= 4 { &told } else { &told[4..] });
    }
}

#[test]
fn a_daemon_without_the_extension_answers_1_8() {
    // One that takes the smaller number is offered 98305 and answers what it has.
    let mut agent = offering(LEVEL_1);
    assert_eq!(offered(&mut agent), LEVEL_1);
    assert_eq!(hears(&mut agent, 8), Ok(Version::BASE));
    assert_eq!(agent.level(), 0);
    // The next channel is offered all again, as another daemon may come.
    agent.connected(NOW);
    assert_eq!(offered(&mut agent), LEVEL_1);
    for older in 4..8 {
        assert_eq!(hears(&mut offering(LEVEL_1), older), Ok(Version::minor(older)));
    }
    // Level 0 is 1.8.
    assert_eq!(hears(&mut offering(LEVEL_1), 0x8000), Ok(Version::BASE));
}

#[test]
fn a_base_that_is_newer_than_ours_gets_1_8_on_the_next_channel() {
    for newer in [9, 0x7fff] {
        let mut agent = offering(LEVEL_1);
        offered(&mut agent);
        let violation = hears(&mut agent, newer).unwrap_err();
        assert_eq!(violation.family(), Family::Incompatible);
        agent.connected(NOW);
        assert_eq!(offered(&mut agent), 8);
        assert_eq!(hears(&mut agent, 8), Ok(Version::BASE));
        agent.connected(NOW);
        assert_eq!(offered(&mut agent), LEVEL_1);
    }
    // What was not offered is never taken.
    for answer in [0x8002, u16::MAX] {
        let mut agent = offering(LEVEL_1);
        let violation = hears(&mut agent, answer).unwrap_err();
        let (theirs, ours) = (Version::minor(answer), Version::NEWEST);
        assert_eq!(violation, Violation::Version { theirs, ours, lowest: 4 });
    }
    assert!(hears(&mut offering(8), LEVEL_1).is_err());
}

#[test]
fn versions_are_displayed_with_their_level() {
    let text = |minor| Version::minor(minor).to_string();
    assert_eq!([8, 0x8000, LEVEL_1, 0x8002].map(text), ["1.8", "1.8", "1.8+1", "1.8+2"]);
    let (mut daemon, _) = answer(LEVEL_1, LEVEL_1);
    let old = encode(1, &AgentMessage::Cursor { cursor: 0 }, 8);
    let violation = daemon.handle_bytes(&old, NOW).unwrap_err();
    assert_eq!(
        violation.to_string(),
        "message type 148 (window 0x1, 4 bytes): no such message in this direction and version"
    );
}
