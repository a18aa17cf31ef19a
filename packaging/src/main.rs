//! Writes the manual pages into a folder.
//!
//! The pages are written by hand, in `man/`. What the programs know themselves takes the place of a line there: `@OPTIONS@`
//! and `@COMMANDS@` of the command line that is described, `@REFERENCE@` of the configuration's reference. A page's first
//! line has `@DATE@` and `@VERSION@`.

#![forbid(unsafe_code)]

mod roff;

use std::{fs, path::PathBuf};

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser};

/// Writes the manual pages.
#[derive(Parser)]
struct Options {
    /// The date that the pages bear, such as 2025-01-31
    #[arg(long)]
    date: String,
    /// Where they go
    folder: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    for (name, text) in pages(&options.date)? {
        let file = options.folder.join(name);
        fs::write(&file, text).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

/// The pages' file names and texts.
fn pages(date: &str) -> anyhow::Result<Vec<(&'static str, String)>> {
    let daemon = roff::built(gui_daemon::cli::Cli::command());
    let msg = daemon.find_subcommand("msg").context("gui-daemon has no command msg")?;
    let agent = roff::built(gui_agent::cli::Arguments::command());
    let reference = include_str!("../../docs/transom.toml");
    let filled = |page: &str, command: &clap::Command| {
        page.replace("@DATE@", date)
            .replace("@VERSION@", env!("CARGO_PKG_VERSION"))
            .replace("@OPTIONS@\n", &roff::options(command))
            .replace("@COMMANDS@\n", &roff::commands(command))
            .replace("@REFERENCE@\n", &roff::verbatim(reference))
    };
    Ok(vec![
        ("gui-agent.1", filled(include_str!("../man/gui-agent.1"), &agent)),
        ("gui-daemon.1", filled(include_str!("../man/gui-daemon.1"), &daemon)),
        ("gui-daemon-msg.1", filled(include_str!("../man/gui-daemon-msg.1"), msg)),
        ("transom.toml.5", filled(include_str!("../man/transom.toml.5"), &daemon)),
    ])
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        process::{Command, Stdio},
    };

    use gui_daemon::config::Config;

    use super::*;

    #[test]
    fn the_pages_are_complete() {
        for (name, text) in pages("2025-01-31").unwrap() {
            let left = text.lines().find(|line| line.starts_with('@') && line.ends_with('@'));
            assert_eq!(left, None, "{name}");
            assert!(text.contains("2025-01-31") && !text.contains("@VERSION@"), "{name}");
        }
    }

    #[test]
    fn every_option_is_in_a_page() {
        let pages = pages("2025-01-31").unwrap();
        let mut all: String = pages.into_iter().map(|(_, text)| text.replace("\\-", "-")).collect();
        for font in ["\\fB", "\\fI", "\\fR"] {
            all = all.replace(font, "");
        }
        for option in ["--backend", "--validate", "--max-minor", "--json", "--refresh", "[--scale SCALE]"] {
            assert!(all.contains(option), "{option}");
        }
    }

    /// The lines of the example that are settings, be it behind a comment's sign.
    fn settings(example: &str) -> String {
        let is_setting = |line: &&str| {
            let name = line.split(" = ").next().unwrap_or_default();
            line.starts_with('[') || line.contains(" = ") && !name.contains(' ')
        };
        let lines = example.lines().map(|line| line.trim_start_matches("# ")).filter(is_setting);
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_daemon_understands_its_unit_and_the_example() {
        let unit = include_str!("../daemon/root/usr/lib/systemd/system/transom@.service");
        let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
        let cli = gui_daemon::cli::Cli::try_parse_from(line.split_whitespace()).unwrap();
        let example = "../daemon/root/etc/transom/transom.toml";
        assert!(example.ends_with(cli.config.unwrap().to_str().unwrap()));

        let example = include_str!("../daemon/root/etc/transom/transom.toml");
        assert_eq!(Config::parse(example).unwrap(), Config::default());
        let all = Config::parse(&settings(example)).unwrap();
        let names: Vec<&str> = all.domains.iter().map(|domain| domain.name.as_str()).collect();
        assert_eq!((names, all.keyboard.layout.as_str()), (vec!["work", "untrusted"], "us"));
    }

    #[test]
    fn man_has_nothing_to_say_against_them() {
        for (name, text) in pages("2025-01-31").unwrap() {
            let mut command = Command::new("groff");
            command.args(["-man", "-Tutf8", "-Kutf8", "-ww", "-rLL=78n"]).stdin(Stdio::piped());
            let Ok(mut groff) = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn() else {
                println!("skipped: there is no groff");
                return;
            };
            // What it writes is far less than a pipe holds... until it has read all.
            groff.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
            let output = groff.wait_with_output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{name}");
        }
    }
}
