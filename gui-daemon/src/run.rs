//! Programs started in domains: `gui-daemon msg run`.
//!
//! The agent of the domain is asked, and says what became of it. The number that goes with the request comes back with the
//! windows of that program, and gives the first of them the focus: the user asked for it, and nobody else has the number.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    time::Duration,
};

use smithay::reexports::calloop::timer::{TimeoutAction, Timer};
use tracing::{error, info};

use crate::{
    domain::DomainId,
    ipc::{ClientId, LinkState, Response},
    state::State,
};

/// How long an agent may take to start a program: far longer than a busy domain takes.
const PATIENCE: Duration = Duration::from_secs(10);
/// Programs of a domain whose windows are still waited for; beyond it the oldest are forgotten.
const MAX_EXPECTED: usize = 16;

/// What was started and is not settled.
#[derive(Debug, Default)]
pub struct Runs {
    domains: BTreeMap<DomainId, DomainRuns>,
}

/// The same of one domain. Numbers are its own, so that they tell it nothing of others.
#[derive(Debug, Default)]
struct DomainRuns {
    last: u32,
    /// Who waits to hear what became of it.
    asked: BTreeMap<u32, ClientId>,
    /// Whose windows are waited for, the oldest first.
    expected: VecDeque<u32>,
}

impl Runs {
    /// Takes note that a window came with this number. Says whether it is that of a program just started.
    pub fn arrived(&mut self, domain: DomainId, token: u32) -> bool {
        let Some(runs) = self.domains.get_mut(&domain) else { return false };
        let known = runs.expected.iter().position(|expected| *expected == token);
        known.and_then(|at| runs.expected.remove(at)).is_some()
    }
}

impl State {
    /// Starts a program for a control client, who is answered when the agent has said what became of it.
    ///
    /// # Errors
    /// Why it cannot be asked, in one line.
    pub(crate) fn run(&mut self, client: ClientId, name: &str, argv: &[String]) -> Result<(), String> {
        let id = self.reachable(name)?;
        if !self.domain(id).is_some_and(|domain| domain.config.allow_run) {
            return Err(format!("the configuration of domain {name} says allow_run = false"));
        }
        let runs = self.runs.domains.entry(id).or_default();
        runs.last = runs.last.checked_add(1).unwrap_or(1);
        let token = runs.last;
        let words: Vec<&str> = argv.iter().map(String::as_str).collect();
        let mut sent = false;
        self.with_link(id, |link| sent = link.run(token, &words));
        if !sent {
            return Err(
                "a command has 1 to 256 words of 65536 bytes in all, and waits while 64 others do".into()
            );
        }
        let runs = self.runs.domains.entry(id).or_default();
        runs.asked.insert(token, client);
        runs.expected.push_back(token);
        if runs.expected.len() > MAX_EXPECTED {
            runs.expected.pop_front();
        }
        let late = move |_, _: &mut (), state: &mut State| {
            let seconds = PATIENCE.as_secs();
            state.settle_run(
                id,
                token,
                Response::Error(format!("the agent did not answer within {seconds} s")),
            );
            TimeoutAction::Drop
        };
        if let Err(err) = self.loop_handle.insert_source(Timer::from_duration(PATIENCE), late) {
            error!(%err, "no timer for a program's start");
        }
        Ok(())
    }

    /// The domain of this name, if its agent is connected and knows more than the base protocol.
    pub(crate) fn reachable(&self, name: &str) -> Result<DomainId, String> {
        let domain = self.domains.iter().find(|domain| domain.config.name == name);
        let domain = domain.ok_or_else(|| format!("no domain is called {name:?}"))?;
        if domain.link_state() == LinkState::Absent {
            return Err(format!(
                "there is no domain of Xen now that is {}: start it",
                domain.config.transport
            ));
        }
        if domain.link_state() != LinkState::Connected {
            return Err(format!("the agent of domain {name} is not connected"));
        }
        if domain.level() == 0 {
            return Err(format!(
                "the agent of domain {name} speaks only the base protocol, which has no such request"
            ));
        }
        Ok(domain.id)
    }

    /// The agent said what became of a program.
    pub(crate) fn run_result(&mut self, id: DomainId, token: u32, result: Result<u32, u32>) {
        let response = match result {
            Ok(pid) => {
                if let Some(domain) = self.domain(id) {
                    info!(domain = %domain.config.name, pid, "program started");
                }
                Response::Started { pid }
            }
            Err(errno) => {
                self.runs.arrived(id, token);
                let error = io::Error::from_raw_os_error(i32::try_from(errno).unwrap_or(i32::MAX));
                Response::Error(format!("the agent could not start it: {error}"))
            }
        };
        self.settle_run(id, token, response);
    }

    /// A domain's link ended, and with it everything it was asked.
    pub(crate) fn runs_ended(&mut self, id: DomainId) {
        let Some(runs) = self.runs.domains.get_mut(&id) else { return };
        runs.expected.clear();
        for client in std::mem::take(&mut runs.asked).into_values() {
            self.reply(client, Response::Error("the agent went away before it answered".into()));
        }
    }

    /// A domain is gone for good.
    pub(crate) fn runs_forgotten(&mut self, id: DomainId) {
        self.runs.domains.remove(&id);
    }

    fn settle_run(&mut self, id: DomainId, token: u32, response: Response) {
        let asked = self.runs.domains.get_mut(&id).and_then(|runs| runs.asked.remove(&token));
        if let Some(client) = asked {
            self.reply(client, response);
        }
    }
}
