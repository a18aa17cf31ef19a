//! Which tests do not pass, and why: a file of one line for each reason.
//!
//! `fail PATTERN | why` is for tests that fail, by their names; `race PATTERN | why` for those that pass or fail as timing has it,
//! and count as failed; `lack PATTERN | why` for those that are skipped, by what they need; several patterns have spaces between them. `*` in a pattern stands for anything. Empty lines and those that begin with `#` say nothing. What no line is for
//! passes.

use std::{fs, path::Path};

use anyhow::Context as _;

use super::{Outcome, Results};

/// The lines of the file.
pub struct Expectations(Vec<Line>);

/// What a pattern is compared with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The name of a test that fails.
    Fail,
    /// The name of a test that fails or passes.
    Race,
    /// What tests need that are skipped.
    Lack,
}

/// Tests that do not pass for one reason.
pub struct Line {
    pub kind: Kind,
    pub pattern: String,
    pub why: String,
}

impl Expectations {
    /// Reads the file.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let lines = text.lines().enumerate();
        let lines = lines.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        lines
            .map(|(number, line)| {
                Line::parse(line).with_context(|| format!("{}:{}: {line}", file.display(), number + 1))
            })
            .collect::<anyhow::Result<_>>()
            .map(Self)
    }

    /// Counts as failed what passes by chance.
    pub fn settle(&self, results: &mut Results) {
        for (test, outcome) in results {
            let is_race = self.0.iter().any(|line| line.kind == Kind::Race && line.has(test));
            if is_race && *outcome == Outcome::Passed {
                *outcome = Outcome::Failed;
            }
        }
    }

    /// Those tests that did not end as expected, and how they did.
    pub fn surprises<'a>(&self, results: &'a Results) -> Vec<(&'a str, &'a Outcome)> {
        let is_expected = |test: &String, outcome: &Outcome| {
            let fails = self.0.iter().any(|line| line.is_for(test, &Outcome::Failed));
            match outcome {
                Outcome::Passed => !fails,
                Outcome::Failed => fails,
                Outcome::Skipped(_) => self.0.iter().any(|line| line.is_for(test, outcome)),
                Outcome::Disabled => true,
            }
        };
        let surprises = results.iter().filter(|(test, outcome)| !is_expected(test, outcome));
        surprises.map(|(test, outcome)| (test.as_str(), outcome)).collect()
    }

    /// A line that is for no test.
    pub fn unused(&self, results: &Results) -> Option<&str> {
        self.count(results).find(|(_, count)| *count == 0).map(|(line, _)| line.pattern.as_str())
    }

    /// Each line, and for how many tests it is.
    pub fn count(&self, results: &Results) -> impl Iterator<Item = (&Line, usize)> {
        self.0
            .iter()
            .map(|line| (line, results.iter().filter(|(test, outcome)| line.is_for(test, outcome)).count()))
    }
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        let (what, why) = line.split_once(" | ")?;
        let (kind, pattern) = what.split_once(' ')?;
        let kind = match kind {
            "fail" => Kind::Fail,
            "race" => Kind::Race,
            "lack" => Kind::Lack,
            _ => return None,
        };
        Some(Self { kind, pattern: pattern.trim().to_owned(), why: why.trim().to_owned() })
    }

    fn is_for(&self, test: &str, outcome: &Outcome) -> bool {
        match (self.kind, outcome) {
            (Kind::Fail | Kind::Race, Outcome::Failed) => self.has(test),
            (Kind::Lack, Outcome::Skipped(lacking)) => self.has(lacking),
            _ => false,
        }
    }

    fn has(&self, name: &str) -> bool {
        self.pattern.split(' ').any(|pattern| matches(pattern, name))
    }
}

/// Whether a name is as a pattern says.
pub fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            let ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
            ends.filter_map(|at| name.get(at..)).any(|name| matches(rest, name))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        assert!(matches("A.b", "A.b") && !matches("A.b", "A.bc") && !matches("A.b", "xA.b"));
        assert!(matches("A.*", "A.") && matches("*", "") && matches("*/1", "A.b/1"));
        assert!(matches("A*b*c", "A.b.b.c") && !matches("A*b*c", "A.c.b"));
    }

    #[test]
    fn what_is_not_as_expected_is_told_and_so_is_what_is_expected_in_vain() {
        let line = |line| Line::parse(line).expect("a line");
        let expectations = Expectations(vec![
            line("fail A.* | x"),
            line("lack b_v? | y"),
            line("lack b_v* | y"),
            line("fail C.* | z"),
        ]);
        let results = Results::from([
            ("A.one".to_owned(), Outcome::Failed),
            ("A.two".to_owned(), Outcome::Passed),
            ("B.one".to_owned(), Outcome::Skipped("b_v1".to_owned())),
            ("B.two".to_owned(), Outcome::Failed),
            ("B.three".to_owned(), Outcome::Skipped("c".to_owned())),
            ("B.off".to_owned(), Outcome::Disabled),
        ]);
        assert_eq!(
            expectations.surprises(&results),
            [
                ("A.two", &Outcome::Passed),
                ("B.three", &Outcome::Skipped("c".to_owned())),
                ("B.two", &Outcome::Failed)
            ]
        );
        let (mut chance, race) = (results.clone(), Expectations(vec![line("race A.* | x")]));
        race.settle(&mut chance);
        assert_eq!(chance.get("A.two"), Some(&Outcome::Failed));
        assert!(race.surprises(&chance).iter().all(|(test, _)| !test.starts_with("A.")));
        assert_eq!(expectations.unused(&results), Some("b_v?"));
        assert!(Line::parse("pass A.* | x").is_none() && Line::parse("fail A.*").is_none());
    }
}
