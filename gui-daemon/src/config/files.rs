//! The `[files]` table and its rules.

use super::{
    Refusal, Table,
    clipboard::{ACTIONS, read_rule},
};
use crate::clipboard::policy::{Action, Policy};

/// Bytes of a MiB.
const MIB: u64 = 1024 * 1024;

/// The `[files]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesConfig {
    /// The most that one transfer may have, in MiB.
    pub max_size_mib: u32,
    /// Who may send files to whom. What is allowed goes without a question if it is the only domain of those connected.
    pub policy: Policy,
}

impl Default for FilesConfig {
    fn default() -> Self {
        Self { max_size_mib: 4096, policy: Policy { rules: Vec::new(), otherwise: Action::Ask } }
    }
}

impl FilesConfig {
    /// The most that one transfer may have, in bytes.
    pub fn max_bytes(&self) -> u64 {
        u64::from(self.max_size_mib).saturating_mul(MIB)
    }

    /// Reads the table; rules may be about these domains.
    pub(super) fn read(&mut self, table: &mut Table<'_>, domains: &[&str]) -> Result<(), Refusal> {
        table.integer("max_size_mib", 1..=1024 * 1024, &mut self.max_size_mib)?;
        let otherwise = table.string("otherwise", ACTIONS, Action::parse)?;
        self.policy.otherwise = otherwise.unwrap_or(self.policy.otherwise);
        for mut table in table.tables("rule")? {
            self.policy.rules.push(read_rule(&mut table, domains)?);
            table.finish()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clipboard::policy::{Rule, Whom},
        config::Config,
    };

    const WORK: &str = "[[domain]]\nname = \"work\"\nlabel = \"blue\"\ntransport = \"socket:7\"\n";

    fn parse(text: &str) -> Result<FilesConfig, String> {
        let config = Config::parse(&format!("{WORK}{text}"));
        config.map(|config| config.files).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn the_user_is_asked_unless_rules_say_otherwise() {
        let config = parse("").unwrap();
        assert_eq!(config.policy.decide("work", "other"), Action::Ask);
        assert_eq!(config.max_bytes(), 4 << 30);
        let config = parse(
            "[files]\nmax_size_mib = 1\notherwise = \"deny\"\n\
             [[files.rule]]\nfrom = \"*\"\nto = \"work\"\naction = \"allow\"\n",
        );
        let rule = Rule { from: Whom::Any, to: Whom::Domain("work".into()), action: Action::Allow };
        let policy = Policy { rules: vec![rule], otherwise: Action::Deny };
        assert_eq!(config, Ok(FilesConfig { max_size_mib: 1, policy }));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            (
                "[files]\nmax_size_mib = 0",
                "6: files.max_size_mib = 0: must be a whole number from 1 to 1048576",
            ),
            (
                "[files]\notherwise = \"maybe\"",
                "6: files.otherwise = \"maybe\": must be \"allow\", \"ask\" or \"deny\"",
            ),
            (
                "[[files.rule]]\nfrom = \"wrok\"\nto = \"*\"\naction = \"deny\"",
                "6: rule.from = \"wrok\": must be the name of a domain",
            ),
        ] {
            let refused = parse(text).unwrap_err();
            assert!(refused.starts_with(expected), "{refused}");
        }
    }
}
