//! Checks of the source text: where `unsafe` may stand, and which modules may know of which.
//!
//! The text is read as a sequence of words and marks without comments and literals; that is enough for these rules
//! and needs no parser of the language.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::{
    Findings,
    dependencies::{packages, text},
};

/// Only this package may contain unsafe code.
const UNSAFE_PACKAGE: &str = "shm-grant";
/// And these files: one of a library that only the conformance suite loads, which asks libwayland about the suite's pointers, and
/// one that opens a GPU's driver.
const UNSAFE_FILES: [&str; 2] = ["tests/wlcs/src/pointers.rs", "gpu/src/lib.rs"];

/// What a folder's code must not name.
struct Rule {
    folder: &'static str,
    /// Crates, wherever they are named.
    crates: &'static [&'static str],
    /// Modules of its own crate.
    modules: &'static [&'static str],
}

const RULES: &[Rule] = &[
    Rule {
        folder: "gui-daemon/src/shell",
        crates: &["smithay", "gui_protocol", "shm_grant"],
        modules: &["render", "backend", "domain"],
    },
    Rule { folder: "gui-daemon/src/render", crates: &["gui_protocol"], modules: &["domain"] },
];

/// No folder under `root` names what it must not know.
pub fn mentions(root: &Path) -> anyhow::Result<Findings> {
    let mut findings = Findings::new();
    for rule in RULES {
        let files = rust_files(&root.join(rule.folder))?;
        ensure!(!files.is_empty(), "{} holds no source", rule.folder);
        for file in files {
            let source = fs::read_to_string(&file)?;
            for (line, name) in forbidden_mentions(&source, rule) {
                findings.push(format!("{}:{line}: {} must not know {name}", file.display(), rule.folder));
            }
        }
    }
    Ok(findings)
}

/// No package of the workspace but one contains unsafe code, two files aside.
pub fn unsafe_code(metadata: &Value) -> anyhow::Result<Findings> {
    let mut findings = Findings::new();
    for package in packages(metadata)? {
        if package.get("source").is_some_and(Value::is_string) || text(package, "name")? == UNSAFE_PACKAGE {
            continue;
        }
        let folder =
            Path::new(text(package, "manifest_path")?).parent().context("a manifest without a folder")?;
        let may = |file: &Path| UNSAFE_FILES.iter().any(|allowed| file.ends_with(allowed));
        for file in rust_files(folder)?.iter().filter(|file| !may(file)) {
            for word in words(&fs::read_to_string(file)?).iter().filter(|word| word.text == "unsafe") {
                findings.push(format!(
                    "{}:{}: unsafe code outside {UNSAFE_PACKAGE}",
                    file.display(),
                    word.line
                ));
            }
        }
    }
    Ok(findings)
}

/// Every source file under `folder`, in order, build output left out.
fn rust_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in folder.read_dir()? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                files.extend(rust_files(&path)?);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn forbidden_mentions(source: &str, rule: &Rule) -> Vec<(usize, String)> {
    let words = words(source);
    let mut found = Vec::new();
    let at = |index: usize| words.get(index).map_or("", |word| word.text);
    for (index, word) in words.iter().enumerate() {
        if rule.crates.contains(&word.text) {
            found.push((word.line, word.text.to_owned()));
        }
        let starts_path = ["crate", "super", "self"].contains(&word.text) && at(index + 1) == "::";
        if !starts_path {
            continue;
        }
        // `crate::a`, or `crate::{a, b::c}`, where the names sought stand after a bracket or comma of the first level.
        let mut depth = 0;
        for next in index + 2.. {
            let expects_name = depth == 0 || depth == 1 && ["{", ","].contains(&at(next - 1));
            if expects_name && rule.modules.contains(&at(next)) {
                let line = words.get(next).map_or(word.line, |word| word.line);
                found.push((line, format!("{}::{}", word.text, at(next))));
            }
            match at(next) {
                "{" => depth += 1,
                "}" => depth -= 1,
                "" => break,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}

/// A word of the language, or a mark.
#[derive(Debug, PartialEq)]
struct Word<'a> {
    text: &'a str,
    line: usize,
}

/// The words and marks of a source text; comments and literals are left out.
fn words(source: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut rest = source;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let (length, is_code) = next_piece(rest, first);
        let (piece, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        if is_code {
            words.push(Word { text: piece, line });
        }
        line += piece.matches('\n').count();
        rest = after;
    }
    words
}

/// Length in bytes of what `rest` starts with, and whether that is a word or mark.
fn next_piece(rest: &str, first: char) -> (usize, bool) {
    let to = |end: Option<usize>| end.unwrap_or(rest.len());
    if rest.starts_with("//") {
        (to(rest.find('\n')), false)
    } else if rest.starts_with("/*") {
        (block_comment(rest), false)
    } else if let Some(length) = raw_string(rest) {
        (length, false)
    } else if rest.starts_with('"') || rest.starts_with("b\"") || rest.starts_with("c\"") {
        (quoted(rest, '"'), false)
    } else if rest.starts_with("b'") || is_char_literal(rest) {
        (quoted(rest, '\''), false)
    } else if first.is_alphanumeric() || first == '_' {
        (to(rest.find(|next: char| !next.is_alphanumeric() && next != '_')), true)
    } else if rest.starts_with("::") {
        (2, true)
    } else {
        (first.len_utf8(), !first.is_whitespace())
    }
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut position = 0;
    while let Some(tail) = rest.get(position..).filter(|tail| !tail.is_empty()) {
        if tail.starts_with("/*") {
            depth += 1;
            position += 2;
        } else if tail.starts_with("*/") {
            depth -= 1;
            position += 2;
            if depth == 0 {
                break;
            }
        } else {
            position += tail.chars().next().map_or(1, char::len_utf8);
        }
    }
    position
}

/// `r"…"`, `br#"…"#` and the like: nothing is escaped, the hashes must match.
fn raw_string(rest: &str) -> Option<usize> {
    let marker = ["r", "br", "cr"].into_iter().find(|marker| {
        rest.strip_prefix(marker).is_some_and(|after| after.trim_start_matches('#').starts_with('"'))
    })?;
    let after = rest.get(marker.len()..)?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let start = marker.len() + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = rest.get(start..)?.find(&end).map(|position| start + position + end.len());
    Some(length.unwrap_or(rest.len()))
}

/// A literal between `quote`s, from any prefix on, escapes considered.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    let mut open = false;
    for (position, character) in rest.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote && open => return position + character.len_utf8(),
            _ if character == quote => open = true,
            _ => {}
        }
    }
    rest.len()
}

/// `'a'` or `'\n'`, not a lifetime `'a`.
fn is_char_literal(rest: &str) -> bool {
    let mut characters = rest.chars();
    characters.next() == Some('\'') && (characters.next() == Some('\\') || characters.next() == Some('\''))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        words(source).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn comments_and_literals_are_left_out() {
        assert_eq!(texts("a // unsafe\nb"), ["a", "b"]);
        assert_eq!(texts("a /* x /* unsafe */ y */ b"), ["a", "b"]);
        assert_eq!(texts(r#"a "un\"safe" b"#), ["a", "b"]);
        assert_eq!(texts(r##"a r#"un"safe"# b br"\" c"##), ["a", "b", "c"]);
        assert_eq!(texts(r"f('a', '\'', b'\\', 'x)"), ["f", "(", ",", ",", ",", "'", "x", ")"]);
        assert_eq!(texts("forbid(unsafe_code) r::x"), ["forbid", "(", "unsafe_code", ")", "r", "::", "x"]);
    }

    #[test]
    fn what_never_ends_ends_with_the_file() {
        for source in ["/* x", "\"x", "r#\"x\"", "'\\", "// x", "b'"] {
            assert!(texts(source).is_empty(), "{source}");
        }
    }

    #[test]
    fn lines_are_counted_through_comments_and_literals() {
        let words = words("/*\n\n*/ \"\n\" x");
        assert_eq!(words, [Word { text: "x", line: 4 }]);
    }

    const RULE: Rule = Rule { folder: "x", crates: &["smithay"], modules: &["render", "domain"] };

    fn found(source: &str) -> Vec<(usize, String)> {
        forbidden_mentions(source, &RULE)
    }

    #[test]
    fn crates_are_found_wherever_they_are_named() {
        assert_eq!(found("fn f() {\n    ::smithay::x();\n}"), [(2, "smithay".to_owned())]);
        assert!(found("// smithay\nlet smithay_like = \"smithay\";").is_empty());
    }

    #[test]
    fn modules_are_found_by_path_and_in_groups() {
        assert_eq!(found("use crate::render::X;"), [(1, "crate::render".to_owned())]);
        assert_eq!(found("use super::super::domain;"), [(1, "super::domain".to_owned())]);
        assert_eq!(
            found("use crate::{\n    geom::{Point, render},\n    render,\n    domain::Link,\n};"),
            [(3, "crate::render".to_owned()), (4, "crate::domain".to_owned())]
        );
    }

    #[test]
    fn other_uses_of_the_same_words_pass() {
        assert!(found("let domain = owner.domain; fn render() {} use crate::geom::render;").is_empty());
        assert!(found("use crate::shell::{Shell}; fn f() { { domain } }").is_empty());
    }
}
