//! The `[clipboard]` table and its rules.

use gui_protocol::limits::CLIPBOARD_MAX;
use smithay::input::keyboard::Keysym;

use super::{Refusal, Table};
use crate::{
    chord::Chord,
    clipboard::policy::{Action, Policy, Rule, Whom},
};

/// The least that `max_clipboard_size` may be, in bytes, as in Qubes.
const LEAST: usize = 256;

/// The `[clipboard]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClipboardConfig {
    /// Asks the domain that has the keyboard for its clipboard; none if that is switched off.
    pub copy: Option<Chord>,
    /// Gives the domain that has the keyboard what was copied; none if that is switched off.
    pub paste: Option<Chord>,
    /// The most taken from a domain, in bytes.
    pub max_size: usize,
    /// Who may paste what was copied where.
    pub policy: Policy,
}

impl Default for ClipboardConfig {
    fn default() -> Self {
        Self {
            copy: Some(Chord::ctrl_shift(Keysym::c)),
            paste: Some(Chord::ctrl_shift(Keysym::v)),
            max_size: 64_000,
            policy: Policy::default(),
        }
    }
}

impl ClipboardConfig {
    /// Reads the table; rules may be about these domains.
    pub(super) fn read(&mut self, table: &mut Table<'_>, domains: &[&str]) -> Result<(), Refusal> {
        let off = |text: &str| ["none", "disable"].contains(&text).then_some(None);
        let sequence = |text: &str| off(text).or_else(|| Chord::parse(text).map(Some));
        let rule = format!("\"none\", or {}", Chord::RULE);
        self.copy = table.string("secure_copy_sequence", &rule, sequence)?.unwrap_or(self.copy);
        let line = table.line_of_key("secure_paste_sequence");
        self.paste = table.string("secure_paste_sequence", &rule, sequence)?.unwrap_or(self.paste);
        if self.copy.is_some() && self.copy == self.paste {
            let message = "clipboard: secure_copy_sequence and secure_paste_sequence are the same".to_owned();
            return Err(Refusal { line, message });
        }
        table.integer("max_clipboard_size", LEAST..=CLIPBOARD_MAX, &mut self.max_size)?;
        let otherwise = table.string("otherwise", ACTIONS, Action::parse)?;
        self.policy.otherwise = otherwise.unwrap_or_default();
        for mut table in table.tables("rule")? {
            self.policy.rules.push(read_rule(&mut table, domains)?);
            table.finish()?;
        }
        Ok(())
    }
}

pub(super) const ACTIONS: &str = "\"allow\", \"ask\" or \"deny\"";

/// Reads a rule about two of these domains.
pub(super) fn read_rule(table: &mut Table<'_>, domains: &[&str]) -> Result<Rule, Refusal> {
    let whom = |text: &str| match text {
        "*" => Some(Whom::Any),
        name => domains.contains(&name).then(|| Whom::Domain(name.to_owned())),
    };
    let rule = "the name of a domain of this file, or \"*\" for any";
    let from = table.string("from", rule, whom)?;
    let to = table.string("to", rule, whom)?;
    let action = table.string("action", ACTIONS, Action::parse)?;
    Ok(Rule {
        from: table.required("from", from)?,
        to: table.required("to", to)?,
        action: table.required("action", action)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    const WORK: &str = "[[domain]]\nname = \"work\"\nlabel = \"blue\"\ntransport = \"socket:7\"\n";

    fn parse(text: &str) -> Result<ClipboardConfig, String> {
        let config = Config::parse(&format!("{WORK}{text}"));
        config.map(|config| config.clipboard).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn without_a_table_it_is_as_in_qubes() {
        let config = parse("").unwrap();
        assert_eq!(config.copy.unwrap().to_string(), "Ctrl+Shift+c");
        assert_eq!(config.paste.unwrap().to_string(), "Ctrl+Shift+v");
        assert_eq!((config.max_size, config.policy), (64_000, Policy::default()));
    }

    #[test]
    fn every_key_is_read() {
        let config = parse(
            r#"
            [clipboard]
            secure_copy_sequence = "Mod4-c"
            secure_paste_sequence = "disable"
            max_clipboard_size = 256000
            otherwise = "ask"
            [[clipboard.rule]]
            from = "work"
            to = "*"
            action = "deny"
            "#,
        )
        .unwrap();
        assert_eq!(config.copy, Some(Chord::logo(Keysym::c)));
        assert_eq!((config.paste, config.max_size), (None, 256_000));
        let rule = Rule { from: Whom::Domain("work".into()), to: Whom::Any, action: Action::Deny };
        assert_eq!(config.policy, Policy { rules: vec![rule], otherwise: Action::Ask });
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            (
                "[clipboard]\nmax_clipboard_size = 255",
                "6: clipboard.max_clipboard_size = 255: must be a whole number from 256 to 256000",
            ),
            (
                "[clipboard]\nsecure_copy_sequence = \"c\"",
                "6: clipboard.secure_copy_sequence = \"c\": must be \"none\", or ctrl",
            ),
            (
                "[clipboard]\nsecure_copy_sequence = \"ctrl+shift+V\"",
                "5: clipboard: secure_copy_sequence and secure_paste_sequence are the same",
            ),
            (
                "[clipboard]\notherwise = \"maybe\"",
                "6: clipboard.otherwise = \"maybe\": must be \"allow\", \"ask\" or \"deny\"",
            ),
            (
                "[[clipboard.rule]]\nfrom = \"wrok\"\nto = \"*\"\naction = \"deny\"",
                "6: rule.from = \"wrok\": must be the name of a domain",
            ),
            (
                "[[clipboard.rule]]\nfrom = \"dom0\"\nto = \"*\"\naction = \"allow\"",
                "6: rule.from = \"dom0\": must be the name of a domain",
            ),
            ("[[clipboard.rule]]\nfrom = \"work\"\naction = \"deny\"", "5: [[rule]] lacks the key to"),
            (
                "[[clipboard.rule]]\nfrom = \"*\"\nto = \"*\"\naction = \"deny\"\nwhen = \"never\"",
                "9: unknown key \"when\" in [rule]",
            ),
        ] {
            let refused = parse(text).unwrap_err();
            assert!(refused.starts_with(expected), "{refused}");
        }
    }
}
