//! Checks of the dependency graph, as `cargo metadata` tells it.

use std::collections::{BTreeSet, HashMap, HashSet};

use anyhow::Context as _;
use serde_json::Value;

use super::{Findings, licence};

/// Licences that a dependency may ask for: all permissive. A crate that leaves a choice needs only one of them.
const PERMITTED_LICENCES: &[&str] =
    &["Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "NCSA", "Unicode-3.0", "Zlib"];

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Pairs of packages of which the first must not need the second, directly or through others, in its own tests neither.
const FORBIDDEN: &[(&str, &str)] = &[
    ("gui-protocol", "shm-grant"),
    ("shm-grant", "gui-protocol"),
    ("gui-protocol", "wayland-guard"),
    ("shm-grant", "wayland-guard"),
    ("wayland-guard", "gui-protocol"),
    ("wayland-guard", "shm-grant"),
    ("gui-agent", "gui-daemon"),
    ("gui-daemon", "gui-agent"),
    // The first thing a new machine compiles, before the libraries that smithay needs are there.
    ("xtask", "smithay"),
];

/// Every package's licence is permitted.
pub fn licences(metadata: &Value) -> anyhow::Result<Findings> {
    let permitted = |licence: &str| PERMITTED_LICENCES.contains(&licence);
    let mut findings = Findings::new();
    for package in packages(metadata)? {
        let expression = text(package, "license").unwrap_or("no licence stated");
        if !licence::is_met(expression, &permitted) {
            findings.push(format!("{} is under {expression}", text(package, "name")?));
        }
    }
    Ok(findings)
}

/// Every package is of this workspace or from crates.io.
pub fn sources(metadata: &Value) -> anyhow::Result<Findings> {
    let mut findings = Findings::new();
    for package in packages(metadata)? {
        // A path dependency has none.
        if let Ok(source) = text(package, "source")
            && source != CRATES_IO
        {
            findings.push(format!("{} comes from {source}", text(package, "name")?));
        }
    }
    Ok(findings)
}

/// No package needs one that it must not.
pub fn forbidden(metadata: &Value) -> anyhow::Result<Findings> {
    let graph = Graph::of(metadata)?;
    let mut findings = Findings::new();
    for (from, to) in FORBIDDEN {
        if let Some(path) = graph.path(from, to)? {
            findings.push(format!("{from} must not depend on {to}: {}", path.join(" → ")));
        }
    }
    Ok(findings)
}

/// Who depends on whom.
struct Graph<'a> {
    names: HashMap<&'a str, &'a str>,
    /// By package id: the ids it needs, and whether only for its own tests.
    needs: HashMap<&'a str, Vec<(&'a str, bool)>>,
}

impl<'a> Graph<'a> {
    fn of(metadata: &'a Value) -> anyhow::Result<Self> {
        let mut names = HashMap::new();
        for package in packages(metadata)? {
            names.insert(text(package, "id")?, text(package, "name")?);
        }
        let mut needs = HashMap::new();
        for node in list(metadata.get("resolve").context("nothing resolved")?, "nodes")? {
            let mut of_this = Vec::new();
            for need in list(node, "deps")? {
                let kinds = list(need, "dep_kinds")?;
                let tests_only = kinds.iter().all(|kind| text(kind, "kind").is_ok_and(|kind| kind == "dev"));
                of_this.push((text(need, "pkg")?, tests_only));
            }
            needs.insert(text(node, "id")?, of_this);
        }
        Ok(Self { names, needs })
    }

    /// The names on one way from a package to another, if there is one. The first step may be for tests only; what a
    /// dependency needs for its own tests does not count.
    fn path(&self, from: &str, to: &str) -> anyhow::Result<Option<Vec<&'a str>>> {
        let (start, _) =
            self.names.iter().find(|(_, name)| **name == from).with_context(|| format!("no {from}"))?;
        let mut seen = HashSet::from([*start]);
        let mut paths = vec![vec![*start]];
        while let Some(path) = paths.pop() {
            let last = path.last().copied().unwrap_or_default();
            if path.len() > 1 && self.names.get(last).is_some_and(|name| *name == to) {
                return Ok(Some(path.iter().filter_map(|id| self.names.get(id).copied()).collect()));
            }
            let needs: BTreeSet<_> = self.needs.get(last).into_iter().flatten().collect();
            for (id, tests_only) in needs {
                if (path.len() == 1 || !tests_only) && seen.insert(id) {
                    paths.push([path.as_slice(), &[*id]].concat());
                }
            }
        }
        Ok(None)
    }
}

/// All packages of the graph.
pub fn packages(metadata: &Value) -> anyhow::Result<&[Value]> {
    list(metadata, "packages")
}

/// The list called `key` in `value`.
pub fn list<'a>(value: &'a Value, key: &str) -> anyhow::Result<&'a [Value]> {
    value
        .get(key)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .with_context(|| format!("cargo tells no {key}"))
}

/// The text called `key` in `value`.
pub fn text<'a>(value: &'a Value, key: &str) -> anyhow::Result<&'a str> {
    value.get(key).and_then(Value::as_str).with_context(|| format!("cargo tells no {key}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_licence_not_permitted_is_named_with_its_crate() {
        let metadata = json!({ "packages": [
            { "name": "good", "license": "GPL-2.0 OR MIT" },
            { "name": "bad", "license": "GPL-2.0" },
            { "name": "silent", "license": null },
        ]});
        assert_eq!(
            licences(&metadata).unwrap(),
            ["bad is under GPL-2.0", "silent is under no licence stated"]
        );
    }

    #[test]
    fn a_source_other_than_crates_io_is_named() {
        let metadata = json!({ "packages": [
            { "name": "own", "source": null },
            { "name": "usual", "source": CRATES_IO },
            { "name": "odd", "source": "git+https://example.org/odd" },
        ]});
        assert_eq!(sources(&metadata).unwrap(), ["odd comes from git+https://example.org/odd"]);
    }

    /// A graph of the packages that the rules name and one more, with these edges: from, to, for tests only.
    fn graph(edges: &[(&str, &str, bool)]) -> Value {
        let names = [
            "gui-protocol",
            "shm-grant",
            "wayland-guard",
            "gui-agent",
            "gui-daemon",
            "xtask",
            "smithay",
            "other",
        ];
        let packages: Vec<_> = names.iter().map(|name| json!({ "id": name, "name": name })).collect();
        let nodes: Vec<_> = names
            .iter()
            .map(|name| {
                let deps: Vec<_> = edges
                    .iter()
                    .filter(|(from, ..)| from == name)
                    .map(|(_, to, tests)| json!({ "pkg": to, "dep_kinds": [{ "kind": tests.then_some("dev") }] }))
                    .collect();
                json!({ "id": name, "deps": deps })
            })
            .collect();
        json!({ "packages": packages, "resolve": { "nodes": nodes } })
    }

    #[test]
    fn permitted_dependencies_pass() {
        let metadata = graph(&[
            ("gui-agent", "gui-protocol", false),
            ("gui-agent", "shm-grant", false),
            ("gui-agent", "wayland-guard", false),
            ("gui-daemon", "wayland-guard", false),
            ("other", "gui-agent", true),
            ("other", "gui-daemon", true),
        ]);
        assert!(forbidden(&metadata).unwrap().is_empty());
    }

    #[test]
    fn a_forbidden_dependency_is_found_through_others_and_in_tests() {
        let direct = graph(&[("gui-daemon", "gui-agent", true)]);
        assert_eq!(
            forbidden(&direct).unwrap(),
            ["gui-daemon must not depend on gui-agent: gui-daemon → gui-agent"]
        );
        let indirect = graph(&[("xtask", "other", false), ("other", "smithay", false)]);
        assert_eq!(
            forbidden(&indirect).unwrap(),
            ["xtask must not depend on smithay: xtask → other → smithay"]
        );
    }

    #[test]
    fn the_tests_of_a_dependency_do_not_count() {
        let metadata = graph(&[("xtask", "other", false), ("other", "smithay", true)]);
        assert!(forbidden(&metadata).unwrap().is_empty());
    }

    #[test]
    fn a_renamed_package_is_noticed() {
        assert!(forbidden(&json!({ "packages": [], "resolve": { "nodes": [] } })).is_err());
    }
}
