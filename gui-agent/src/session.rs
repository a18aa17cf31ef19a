//! How programs that the agent does not start itself find it: those that the user's service manager or D-Bus starts, which
//! includes portals and whatever is started at the beginning of a session (XDG autostart).

use std::ffi::OsString;

use tracing::{info, warn};

use crate::Command;

/// What desktop files and portals call this desktop.
pub(crate) const DESKTOP: &str = "Transom";

/// Commands that take variables for D-Bus and the service manager, and, where that one is not installed, for the latter.
const TELL: [&[&str]; 2] =
    [&["dbus-update-activation-environment", "--systemd"], &["systemctl", "--user", "set-environment"]];

/// Tells the service manager and D-Bus of an agent's environment. Returns when they know; what they do not take in time
/// is only logged.
pub fn announce(environment: &[(&'static str, OsString)]) {
    for tell in TELL {
        let variables = environment.iter().map(|(name, value)| {
            let mut variable = OsString::from(*name);
            variable.push("=");
            variable.push(value);
            variable
        });
        let line: Vec<OsString> = tell.iter().map(OsString::from).chain(variables).collect();
        match Command::start(&line, []).map(Command::finish) {
            Ok(Some(status)) if status.success() => return info!("{line:?}"),
            Ok(_) => warn!("failed: {line:?}"),
            Err(error) => info!("{}: {error}", tell.join(" ")),
        }
    }
    warn!("programs that are not started by this agent may not find it");
}
