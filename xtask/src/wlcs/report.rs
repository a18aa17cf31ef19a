//! What came out, as text and as the tables of the document.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use anyhow::{Context as _, ensure};

use super::{
    Outcome, Results,
    expected::{Expectations, Kind},
    group_of,
};

/// What the tables in the document stand between.
const BEGIN: &str = "<!-- tables: written by `cargo xtask wlcs --write` -->\n";
const END: &str = "<!-- end of tables -->\n";

/// Passed, failed, skipped, switched off.
type Counts = [usize; 4];

fn count<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Counts {
    let mut counts = Counts::default();
    for outcome in outcomes {
        let [passed, failed, skipped, disabled] = &mut counts;
        *match outcome {
            Outcome::Passed => passed,
            Outcome::Failed => failed,
            Outcome::Skipped(_) => skipped,
            Outcome::Disabled => disabled,
        } += 1;
    }
    counts
}

fn by_group(results: &Results) -> BTreeMap<&str, Counts> {
    let mut groups: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
    for (test, outcome) in results {
        groups.entry(group_of(test)).or_default().push(outcome);
    }
    groups.into_iter().map(|(group, outcomes)| (group, count(outcomes.into_iter()))).collect()
}

/// A line for each group.
pub fn groups(results: &Results) -> String {
    let mut text = String::new();
    for (group, [passed, failed, skipped, _]) in by_group(results) {
        // writing to a string does not fail
        let _ = writeln!(text, "{group:56} {passed:4} passed {failed:4} failed {skipped:4} skipped");
    }
    text
}

/// All of them in one line.
pub fn totals(results: &Results) -> String {
    let [passed, failed, skipped, disabled] = count(results.values());
    let all = results.len();
    format!(
        "{all} tests: {passed} passed, {failed} failed, {skipped} skipped, {disabled} switched off by the suite"
    )
}

/// The document's tables.
pub fn tables(results: &Results, expectations: &Expectations) -> String {
    let mut text = format!("{}.\n\n", totals(results));
    text.push_str("| group | passed | failed | skipped |\n|---|---|---|---|\n");
    for (group, [passed, failed, skipped, _]) in by_group(results) {
        let _ = writeln!(text, "| {group} | {passed} | {failed} | {skipped} |");
    }
    for (lacks, title) in [(false, "failed"), (true, "skipped for want of")] {
        let _ = write!(text, "\n| {title} | tests | why |\n|---|---|---|\n");
        for (line, count) in
            expectations.count(results).filter(|(line, _)| (line.kind == Kind::Lack) == lacks)
        {
            let _ = writeln!(text, "| `{}` | {count} | {} |", line.pattern, line.why);
        }
    }
    text
}

/// Puts the tables into the document, or sees to it that they are what it has.
pub fn into_document(file: &Path, tables: &str, write: bool) -> anyhow::Result<()> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let parts = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?)));
    let (before, (old, after)) =
        parts.with_context(|| format!("{} has no place for tables", file.display()))?;
    if write {
        return Ok(fs::write(file, [before, BEGIN, tables, END, after].concat())?);
    }
    ensure!(old == tables, "{} says something else: cargo xtask wlcs --write", file.display());
    Ok(())
}
