//! The GUI domain's end of a link, for those who play the daemon.

use std::time::Duration;

use gui_protocol::DaemonConn;
use shm_grant::{Client, Event};

/// Takes everything that the agent has said so far.
///
/// # Errors
/// When the agent is gone, or when it breaks a rule; then the link stays as it is.
pub fn hear(link: &mut Client, conn: &mut DaemonConn, now: Duration) -> Result<(), String> {
    while let Some(event) = link.poll_event() {
        match event {
            Event::Connected | Event::Writable => {}
            Event::Readable => read(link, conn, now)?,
            Event::Disconnected(reason) => return Err(format!("the agent is gone: {reason}")),
        }
    }
    Ok(())
}

fn read(link: &mut Client, conn: &mut DaemonConn, now: Duration) -> Result<(), String> {
    let mut bytes = [0; 4096];
    loop {
        let read = link.read(&mut bytes);
        let Some(bytes) = bytes.get(..read).filter(|bytes| !bytes.is_empty()) else { return Ok(()) };
        conn.handle_bytes(bytes, now)
            .map_err(|violation| format!("the agent breaks the rules: {violation}"))?;
    }
}

/// Says as much as there is room for.
pub fn say(link: &mut Client, conn: &mut DaemonConn) {
    loop {
        let written = link.write(conn.transmit());
        if written == 0 {
            return;
        }
        conn.transmitted(written);
    }
}
