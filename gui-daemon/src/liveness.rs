//! Whether the agents still answer.
//!
//! An agent that was sent something is asked for an answer, at most once a second, and none that was sent nothing: an idle
//! desktop wakes nobody. One that leaves the question open for too long is shown as not responding in the frames of its
//! windows until it answers. The same question is the exact barrier of `gui-daemon msg sync DOMAIN`.

use std::time::Duration;

use smithay::reexports::calloop::{
    RegistrationToken,
    timer::{TimeoutAction, Timer},
};
use tracing::{error, info, warn};

use crate::{
    domain::DomainId,
    ipc::{ClientId, Response},
    state::State,
};

/// From one question to the next, if nobody waits for its answer.
const SPACING: Duration = Duration::from_secs(1);

/// How a domain's agent answers.
#[derive(Debug, Default)]
pub struct Liveness {
    last_token: u32,
    /// When it was asked last.
    asked: Option<Duration>,
    /// Runs while a question is open.
    timer: Option<RegistrationToken>,
    unresponsive: bool,
    /// Who waits for the answer to the open question.
    waiting: Vec<ClientId>,
    /// Who came too late for that, and waits for the next.
    late: Vec<ClientId>,
}

impl Liveness {
    /// Whether it left a question open for too long.
    pub fn is_unresponsive(&self) -> bool {
        self.unresponsive
    }
}

impl State {
    /// Something is being sent to an agent: it is asked for an answer, if it was not just now.
    pub(crate) fn probe(&mut self, id: DomainId) {
        let now = self.now();
        let due = |asked: Duration| asked.saturating_add(SPACING) <= now;
        let Some(liveness) = self.liveness(id) else { return };
        if liveness.timer.is_none() && liveness.asked.is_none_or(due) {
            self.ask(id);
        }
    }

    /// Answers a control client when the agent has handled all that was sent to it before, and the daemon all that came
    /// back until then.
    ///
    /// # Errors
    /// Why the agent cannot be asked, in one line.
    pub(crate) fn sync_domain(&mut self, client: ClientId, name: &str) -> Result<(), String> {
        let id = self.reachable(name)?;
        if let Some(liveness) = self.liveness(id) {
            liveness.late.push(client);
            self.ask(id);
        }
        Ok(())
    }

    /// Asks, unless a question is open; that of those who wait follows it.
    fn ask(&mut self, id: DomainId) {
        let (now, patience) =
            (self.now(), Duration::from_millis(self.config.agents.unresponsive_after_ms.into()));
        let Some(liveness) = self.liveness(id) else { return };
        let token = liveness.last_token.wrapping_add(1);
        let mut sent = false;
        self.with_link(id, |link| sent = link.sync(token));
        if !sent {
            return;
        }
        let late = move |_, _: &mut (), state: &mut State| {
            state.went_quiet(id);
            TimeoutAction::Drop
        };
        let timer = self.loop_handle.insert_source(Timer::from_duration(patience), late);
        let timer = timer.map_err(|err| error!(%err, "no timer for an agent's answer")).ok();
        if let Some(liveness) = self.liveness(id) {
            liveness.last_token = token;
            liveness.asked = Some(now);
            liveness.timer = timer;
            let late = std::mem::take(&mut liveness.late);
            liveness.waiting.extend(late);
        }
    }

    /// The agent answered.
    pub(crate) fn agent_answered(&mut self, id: DomainId) {
        let now = self.now();
        let Some(liveness) = self.liveness(id) else { return };
        let waiting = std::mem::take(&mut liveness.waiting);
        let asked_again = !liveness.late.is_empty();
        let quiet = liveness.asked.map(|asked| now.saturating_sub(asked)).unwrap_or_default();
        let was_unresponsive = std::mem::take(&mut liveness.unresponsive);
        self.stop_asking(id);
        if was_unresponsive {
            if let Some(domain) = self.domain(id) {
                info!(domain = %domain.config.name, after_ms = quiet.as_millis(), "the agent responds again");
            }
            self.names_changed();
            self.queue_redraw();
        }
        for client in waiting {
            self.reply(client, Response::Done {});
        }
        if asked_again {
            self.ask(id);
        }
    }

    /// A domain's link ended: the next one begins anew.
    pub(crate) fn liveness_ended(&mut self, id: DomainId) {
        self.stop_asking(id);
        let Some(liveness) = self.liveness(id) else { return };
        let Liveness { waiting, late, .. } = std::mem::take(liveness);
        for client in waiting.into_iter().chain(late) {
            self.reply(client, Response::Error("the agent went away before it answered".into()));
        }
    }

    fn went_quiet(&mut self, id: DomainId) {
        let Some(liveness) = self.liveness(id) else { return };
        liveness.unresponsive = true;
        liveness.timer = None;
        if let Some(domain) = self.domain(id) {
            let after_ms = self.config.agents.unresponsive_after_ms;
            warn!(domain = %domain.config.name, after_ms, "the agent does not respond");
        }
        self.names_changed();
        self.queue_redraw();
    }

    fn stop_asking(&mut self, id: DomainId) {
        if let Some(timer) = self.liveness(id).and_then(|liveness| liveness.timer.take()) {
            self.loop_handle.remove(timer);
        }
    }

    fn liveness(&mut self, id: DomainId) -> Option<&mut Liveness> {
        self.domains.get_mut(id).map(|domain| &mut domain.liveness)
    }
}
