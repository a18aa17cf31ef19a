//! Who may paste what was copied where.

use std::fmt;

/// What becomes of a paste from one domain into another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Action {
    /// It takes place: the gesture was the consent, as it is in Qubes.
    #[default]
    Allow,
    /// It takes place if the user says so once more.
    Ask,
    /// It does not.
    Deny,
}

impl Action {
    /// Reads an action as the configuration writes it.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "allow" => Self::Allow,
            "ask" => Self::Ask,
            "deny" => Self::Deny,
            _ => return None,
        })
    }
}

/// Whom a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// Every domain.
    Any,
    /// The domain of this name.
    Domain(String),
}

impl Whom {
    fn is(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Domain(domain) => domain == name,
        }
    }
}

impl fmt::Display for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "*",
            Self::Domain(name) => name,
        })
    }
}

/// One `[[clipboard.rule]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Who copied.
    pub from: Whom,
    /// Who is pasted into.
    pub to: Whom,
    /// What becomes of it.
    pub action: Action,
}

/// All rules. Of those that are about a pair of domains, the first decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// In the order of the configuration.
    pub rules: Vec<Rule>,
    /// Where no rule is about a pair.
    pub otherwise: Action,
}

impl Policy {
    /// What becomes of a paste from one domain into another.
    pub fn decide(&self, from: &str, to: &str) -> Action {
        let rule = self.rules.iter().find(|rule| rule.from.is(from) && rule.to.is(to));
        rule.map_or(self.otherwise, |rule| rule.action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(rules: &[(&str, &str, Action)], otherwise: Action) -> Policy {
        let whom = |name: &str| if name == "*" { Whom::Any } else { Whom::Domain(name.into()) };
        let rule = |&(from, to, action): &(&str, &str, _)| Rule { from: whom(from), to: whom(to), action };
        Policy { rules: rules.iter().map(rule).collect(), otherwise }
    }

    #[test]
    fn the_first_rule_about_a_pair_decides() {
        use Action::{Allow, Ask, Deny};
        let policy = policy(&[("vault", "work", Ask), ("vault", "*", Deny), ("*", "vault", Deny)], Allow);
        for (from, to, expected) in [
            ("vault", "work", Ask),
            ("vault", "untrusted", Deny),
            ("work", "vault", Deny),
            ("work", "untrusted", Allow),
        ] {
            assert_eq!(policy.decide(from, to), expected, "{from} {to}");
        }
    }

    #[test]
    fn without_rules_there_is_what_holds_otherwise() {
        for otherwise in [Action::Allow, Action::Ask, Action::Deny] {
            assert_eq!(policy(&[], otherwise).decide("a", "b"), otherwise);
        }
        assert_eq!(Policy::default().decide("a", "b"), Action::Allow);
    }
}
