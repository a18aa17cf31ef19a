//! `cargo xtask demo`: the whole system on this machine, with real applications in three domains.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use clap::Args;

use crate::{
    packages,
    process::Processes,
    session::{Display, Domain, Programs, Session, Setup},
    workspace,
};

/// The three domains: name and label.
const DOMAINS: [(&str, &str); 3] = [("personal", "green"), ("work", "blue"), ("untrusted", "red")];
/// What runs when no `--app` is given. The terminals are small enough for all the windows to fit
/// side by side.
const DEFAULT_APPLICATIONS: [&str; 4] = [
    "personal:foot --window-size-pixels=620x360",
    "work:foot --window-size-pixels=620x360",
    "work:weston-flower",
    "untrusted:weston-simple-shm",
];
/// Where a picture goes that nobody named.
const DEFAULT_SCREENSHOT: &str = "transom-demo.png";

#[derive(Args)]
pub struct Options {
    /// An application to run instead of the default ones, optionally in a domain of choice: `work:foot --server`
    #[arg(long = "app", value_name = "[DOMAIN:]CMD")]
    applications: Vec<String>,
    /// Take a picture of the desktop, then end
    #[arg(long, value_name = "FILE")]
    screenshot: Option<PathBuf>,
    /// End after this time; a picture is taken at its end instead of when all windows are shown
    #[arg(long, value_name = "N")]
    seconds: Option<u32>,
    /// Size of the desktop in pixels
    #[arg(long, value_name = "WxH", default_value = "1280x800")]
    size: Size,
    /// Build and run without full optimisation
    #[arg(long)]
    debug: bool,
    /// Run gui-daemon and gui-agent out of this folder; installs and builds nothing
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
}

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

impl FromStr for Size {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (width, height) = text.split_once('x').context("not of the form 1280x800")?;
        Ok(Self { width: width.parse()?, height: height.parse()? })
    }
}

/// When the demo ends, and with what.
#[derive(Debug, PartialEq)]
enum Ending {
    /// When the user closes the window or presses Ctrl-C.
    ByUser,
    /// With a picture, as soon as every application shows its window.
    WhenShown(PathBuf),
    /// After a time, perhaps with a picture.
    After(Duration, Option<PathBuf>),
}

impl Ending {
    fn choose(screenshot: Option<PathBuf>, seconds: Option<u32>, headless: bool) -> Self {
        let screenshot = screenshot.or_else(|| headless.then(|| DEFAULT_SCREENSHOT.into()));
        match (seconds, screenshot) {
            (Some(seconds), screenshot) => Self::After(Duration::from_secs(seconds.into()), screenshot),
            (None, Some(screenshot)) => Self::WhenShown(screenshot),
            (None, None) => Self::ByUser,
        }
    }
}

pub fn run(options: Options) -> anyhow::Result<()> {
    let domains = plan(&options.applications)?;
    let display = Display::of_this_session();
    let mut processes = Processes::new()?;
    let programs = match options.programs {
        Some(directory) => Programs::in_directory(&directory)?,
        None => prepare(&mut processes, display.is_some(), options.debug)?,
    };
    for command in domains.iter().flat_map(|domain| &domain.applications) {
        check_program(command)?;
    }

    let ending = Ending::choose(options.screenshot, options.seconds, display.is_none());
    for domain in &domains {
        println!("{:>10} ({}): {}", domain.name, domain.label, domain.applications.join(", "));
    }
    let mut session =
        Session::start(processes, &Setup { programs, display, size: options.size, domains: &domains })?;
    let result = finish(&mut session, ending);
    match result {
        Err(error) if !error.is::<crate::process::Interrupted>() => {
            eprint!("{}", session.logs());
            Err(error)
        }
        other => other,
    }
}

/// Installs what is missing and builds the programs.
fn prepare(processes: &mut Processes, nested: bool, debug: bool) -> anyhow::Result<Programs> {
    let mut groups = vec![packages::BUILD, packages::APPLICATIONS];
    if nested {
        groups.push(packages::NESTED);
    }
    packages::ensure_installed(&groups)?;
    let mut build = workspace::cargo();
    // Without optimisation, the same build that the tests make, so that it can be reused.
    let (profile, arguments): (_, &[&str]) = match debug {
        true => ("debug", &["build", "--workspace", "--bins"]),
        false => ("release", &["build", "--release", "--package", "gui-daemon", "--package", "gui-agent"]),
    };
    let target = workspace::target_dir()?;
    let built = processes.run("cargo build", build.args(arguments), None)?;
    ensure!(built.success(), "cargo build {built}");
    Programs::in_directory(&target.join(profile))
}

fn finish(session: &mut Session, ending: Ending) -> anyhow::Result<()> {
    match ending {
        Ending::ByUser => {
            println!("Close the window or press Ctrl-C to end.");
            session.run_until_closed()
        }
        Ending::WhenShown(file) => {
            session.wait_until_shown()?;
            take_screenshot(session, &file)
        }
        Ending::After(time, file) => {
            session.run_for(time)?;
            file.map_or(Ok(()), |file| take_screenshot(session, &file))
        }
    }
}

fn take_screenshot(session: &mut Session, file: &Path) -> anyhow::Result<()> {
    let file = std::path::absolute(file)?;
    session.screenshot(&file)?;
    println!("Screenshot: {}", file.display());
    Ok(())
}

/// Which application runs in which domain: where it says so, the others in turn.
fn plan(applications: &[String]) -> anyhow::Result<Vec<Domain>> {
    let mut domains: Vec<_> =
        DOMAINS.iter().map(|&(name, label)| Domain { name, label, applications: Vec::new() }).collect();
    let defaults = DEFAULT_APPLICATIONS.map(str::to_owned);
    let mut next = 0;
    for application in if applications.is_empty() { &defaults } else { applications } {
        let (index, command) = match split_domain(application) {
            Some((index, command)) => (index, command),
            None => {
                next += 1;
                ((next - 1) % DOMAINS.len(), application.as_str())
            }
        };
        if command.trim().is_empty() {
            bail!("--app {application:?} names no command");
        }
        domains.get_mut(index).context("no such domain")?.applications.push(command.to_owned());
    }
    Ok(domains)
}

fn split_domain(application: &str) -> Option<(usize, &str)> {
    let (name, command) = application.split_once(':')?;
    Some((DOMAINS.iter().position(|(domain, _)| *domain == name)?, command))
}

/// Says early that an application does not exist, where the command is plain enough to tell.
fn check_program(command: &str) -> anyhow::Result<()> {
    let word = command.split_whitespace().next().unwrap_or_default();
    let plain = word.chars().all(|character| character.is_ascii_alphanumeric() || "-_+.".contains(character));
    // Words of the shell's own language are no programs; of those only the usual first ones are spared.
    let shell = ["exec", "cd", "while", "for", "if", "."].contains(&word);
    ensure!(!plain || shell || packages::find_program(word).is_some(), "no program {word:?} on the PATH");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(applications: &[&str]) -> Vec<Vec<String>> {
        let applications: Vec<_> = applications.iter().map(|&text| text.to_owned()).collect();
        plan(&applications).unwrap().into_iter().map(|domain| domain.applications).collect()
    }

    #[test]
    fn applications_are_spread_over_the_domains() {
        assert_eq!(planned(&["a", "b", "c", "d"]), [vec!["a", "d"], vec!["b"], vec!["c"]]);
        assert_eq!(planned(&["work:a -t x:y", "b", "c"]), [vec!["b"], vec!["a -t x:y", "c"], vec![]]);
        assert_eq!(planned(&["foot -t x:y"]), [vec!["foot -t x:y"], vec![], vec![]]);
    }

    #[test]
    fn every_domain_has_something_to_show_by_default() {
        assert!(planned(&[]).iter().all(|applications| !applications.is_empty()));
    }

    #[test]
    fn an_application_needs_a_command() {
        assert!(plan(&["work: ".to_owned()]).is_err());
    }

    #[test]
    fn a_missing_program_is_named() {
        assert!(check_program("transom-no-such --x").unwrap_err().to_string().contains("transom-no-such"));
        check_program("sh -c true").unwrap();
        check_program("$EDITOR").unwrap();
    }

    #[test]
    fn endings() {
        let picture = || Some(PathBuf::from("x.png"));
        let second = Duration::from_secs(1);
        assert_eq!(Ending::choose(None, None, false), Ending::ByUser);
        assert_eq!(Ending::choose(None, None, true), Ending::WhenShown(DEFAULT_SCREENSHOT.into()));
        assert_eq!(Ending::choose(picture(), None, false), Ending::WhenShown("x.png".into()));
        assert_eq!(Ending::choose(None, Some(1), false), Ending::After(second, None));
        assert_eq!(
            Ending::choose(None, Some(1), true),
            Ending::After(second, Some(DEFAULT_SCREENSHOT.into()))
        );
        assert_eq!(Ending::choose(picture(), Some(1), false), Ending::After(second, picture()));
    }

    #[test]
    fn sizes() {
        assert_eq!("1280x800".parse::<Size>().unwrap(), Size { width: 1280, height: 800 });
        for wrong in ["1280", "1280x", "x800", "-1x5", "1280x800x2"] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong}");
        }
    }
}
