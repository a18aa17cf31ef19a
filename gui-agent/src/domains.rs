//! Which domain of Xen this is, and which one its windows go to.
//!
//! The GUI domain is named by whoever set up this domain: in the node `qubes-gui-domain-xid` of its own directory in
//! xenstore, or, in a qube, under that name in qubesdb. Where nobody has said anything it is dom0.

use std::{io, process::Command};

use shm_grant::{
    DomId,
    xen::store::{Store, StoreError},
};

/// The name under which both stores know the GUI domain. Source: the GUI agent of Qubes.
const GUI_DOMAIN: &str = "qubes-gui-domain-xid";

/// The program that reads qubesdb, where there is a qubesdb.
const QUBESDB_READ: &str = "qubesdb-read";

/// Why it is not known which domains these are.
#[derive(Debug, thiserror::Error)]
pub enum LookUpError {
    /// Xenstore cannot be asked, or says what is no number.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Xenstore does not say which domain this is.
    #[error("xenstore does not say which domain this is: name it with --domain")]
    Unnamed,
    /// Qubesdb says what is no number.
    #[error("qubesdb: /{GUI_DOMAIN} is {0:?}, not the number of a domain: name it with --gui-domain")]
    Qubesdb(String),
    /// Qubesdb is there and cannot be asked.
    #[error("{QUBESDB_READ} cannot be run: {0}; name the GUI domain with --gui-domain")]
    QubesdbRead(io::Error),
}

/// The number of this domain and that of its GUI domain, unless they are given.
pub(crate) fn look_up(
    domain: Option<DomId>,
    gui_domain: Option<DomId>,
) -> Result<(DomId, DomId), LookUpError> {
    let mut store = Store::connect()?;
    let domain = match domain {
        Some(domain) => domain,
        None => store.own_domain()?.ok_or(LookUpError::Unnamed)?,
    };
    if let Some(gui_domain) = gui_domain {
        return Ok((domain, gui_domain));
    }
    if let Some(number) = store.parse(GUI_DOMAIN, "the number of a domain")? {
        return Ok((domain, DomId(number)));
    }
    Ok((domain, ask_qubesdb(Command::new(QUBESDB_READ))?.unwrap_or(DomId(0))))
}

/// What qubesdb says, if there is one and it says anything.
fn ask_qubesdb(mut program: Command) -> Result<Option<DomId>, LookUpError> {
    let output = match program.arg(format!("/{GUI_DOMAIN}")).output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        output => output.map_err(LookUpError::QubesdbRead)?,
    };
    if !output.status.success() {
        // There is no such key.
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let number =
        text.trim().parse().map_err(|_| LookUpError::Qubesdb(text.trim().chars().take(40).collect()))?;
    Ok(Some(DomId(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qubesdb_is_asked_where_there_is_one() {
        let ask = |script| {
            let mut shell = Command::new("sh");
            shell.args(["-c", script, "sh"]);
            ask_qubesdb(shell).map_err(|error| error.to_string())
        };
        assert_eq!(ask("test \"$1\" = /qubes-gui-domain-xid && echo 3"), Ok(Some(DomId(3))));
        assert_eq!(ask("exit 2"), Ok(None));
        assert_eq!(
            ask("echo dom0"),
            Err("qubesdb: /qubes-gui-domain-xid is \"dom0\", not the number of a domain: name it with --gui-domain".into())
        );
        assert_eq!(ask_qubesdb(Command::new("/nonexistent/qubesdb-read")).unwrap(), None);
    }
}
