//! What the kernels and Xen count of pages that are shared, to be compared before and after.
//!
//! Xen prints its own on its console when asked through a debug key, from where `xl` reads it: `g` for grant tables, `q`
//! for domains.

use std::fmt;
use std::fs;
use std::process::Command;

use anyhow::{Context as _, ensure};
use shm_grant::DomId;

use crate::grants::HIGH_LIMIT;
use crate::remote::Remote;

/// Exact numbers: what was taken and given back leaves them as they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// References of the domain that anybody has mapped. Source: Xen.
    pub mapped: usize,
    /// Frames of the domain's grant table, of 512 references each. Source: Xen.
    pub table_frames: usize,
    /// Pages that belong to the domain. Source: Xen.
    pub pages: usize,
    /// Pages that belong to dom0. Source: Xen.
    pub own_pages: usize,
    /// Frames in which Xen keeps account of what dom0 has mapped. Source: Xen.
    pub maptrack_frames: usize,
    /// Pages that the domain's gntalloc counts as shared. Source: the least limit that it shares one more page under.
    pub shared: usize,
    /// Mappings of gntdev in this process. Source: the kernel of dom0.
    pub mappings: usize,
}

/// Free memory, in KiB, which other programs change as well.
#[derive(Clone, Copy, Debug)]
pub struct Free {
    /// Of the domain. Source: its kernel.
    pub there: usize,
    /// Of dom0. Source: its kernel.
    pub here: usize,
}

impl Counts {
    pub fn take(remote: &mut Remote) -> anyhow::Result<Self> {
        let grants = debug_key("g")?;
        let theirs = section(&grants, &format!("grant-table for remote d{} ", remote.domain.0))?;
        let ours = section(&grants, "grant-table for remote d0 ")?;
        let domains = debug_key("q")?;
        let pages = |DomId(domain)| {
            let section = section(&domains, &format!("General information for domain {domain}:"))?;
            number_after(section, "nr_pages=")
        };
        Ok(Self {
            mapped: mapped(theirs).count(),
            table_frames: number_before(theirs, " frames (")?,
            pages: pages(remote.domain)?,
            own_pages: pages(DomId(0))?,
            maptrack_frames: number_before(ours, " maptrack frames (")?,
            shared: shared(remote)?,
            mappings: fs::read_to_string("/proc/self/maps")?
                .lines()
                .filter(|line| line.ends_with("gntdev"))
                .count(),
        })
    }
}

/// Prints the references of a domain that anybody has mapped, as Xen lists them.
pub fn print_mapped(DomId(domain): DomId) -> anyhow::Result<()> {
    let grants = debug_key("g")?;
    for reference in mapped(section(&grants, &format!("grant-table for remote d{domain} "))?) {
        println!("{}", reference?);
    }
    Ok(())
}

/// The references in what Xen lists of a domain.
fn mapped(section: &str) -> impl Iterator<Item = anyhow::Result<u32>> {
    let references = section.split("[0x").skip(1);
    references.map(|text| {
        let (digits, _) = text.split_once(']').context("a reference without an end")?;
        Ok(u32::from_str_radix(digits, 16)?)
    })
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mapped, table_frames, pages, own_pages, maptrack_frames, shared, mappings } = self;
        write!(
            f,
            "references mapped {mapped}, table frames {table_frames}, pages of the domain {pages}, of dom0 {own_pages}, \
             maptrack frames {maptrack_frames}, pages shared {shared}, mappings {mappings}"
        )
    }
}

impl Free {
    pub fn take(remote: &mut Remote) -> anyhow::Result<Self> {
        let there = number_after(&remote.ask("file /proc/meminfo")?, "MemFree:")?;
        Ok(Self { there, here: number_after(&fs::read_to_string("/proc/meminfo")?, "MemFree:")? })
    }
}

/// How many pages the counterpart's gntalloc counts as shared, of all programs. Leaves the limit where it is not in the
/// way.
fn shared(remote: &mut Remote) -> anyhow::Result<usize> {
    let (mut low, mut high) = (0, HIGH_LIMIT);
    while low < high {
        let limit = low.midpoint(high);
        remote.limit(limit)?;
        match remote.share(1, "readonly") {
            Ok(window) => {
                remote.free(&[window])?;
                high = limit;
            }
            Err(_) => low = limit + 1,
        }
    }
    remote.limit(HIGH_LIMIT)?;
    low.checked_sub(1).context("a page is shared under a limit of none")
}

/// What Xen prints when the key is pressed.
fn debug_key(key: &str) -> anyhow::Result<String> {
    let xl = |arguments: &[&str]| -> anyhow::Result<String> {
        let output = Command::new("xl").args(arguments).output().context("cannot run xl")?;
        ensure!(output.status.success(), "xl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    xl(&["dmesg", "--clear"])?;
    xl(&["debug-keys", key])?;
    xl(&["dmesg"])
}

/// From a heading to the next of its kind.
fn section<'a>(text: &'a str, heading: &str) -> anyhow::Result<&'a str> {
    let (_, rest) = text.split_once(heading).with_context(|| format!("Xen does not say: {heading}"))?;
    let kind = heading.split_once(|c: char| c.is_ascii_digit()).map_or(heading, |(kind, _)| kind);
    Ok(rest.split_once(kind).map_or(rest, |(section, _)| section))
}

fn number_after(text: &str, name: &str) -> anyhow::Result<usize> {
    let (_, rest) = text.split_once(name).with_context(|| format!("no {name} in: {text}"))?;
    let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
    Ok(digits.parse()?)
}

fn number_before(text: &str, name: &str) -> anyhow::Result<usize> {
    let (before, _) = text.split_once(name).with_context(|| format!("no {name} in: {text}"))?;
    let digits = before.rsplit(|c: char| !c.is_ascii_digit()).next();
    Ok(digits.unwrap_or_default().parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Xen 4.17 prints it.
    const GRANTS: &str = "\
(XEN) grant-table for remote d0 (v1)
(XEN)   1 frames (64 max), 12 maptrack frames (1024 max)
(XEN) no active grant table entries
(XEN)       -------- active --------       -------- shared --------
(XEN) [ref] localdom mfn      pin          localdom gmfn     flags
(XEN) grant-table for remote d12 (v1)
(XEN)   3 frames (64 max), 0 maptrack frames (1024 max)
(XEN) [0x000]      0 0x72602 0x00000002          0 0x072602 0x19
(XEN) [0x001]      0 0x72601 0x00000002          0 0x072601 0x19
(XEN) grant-table for remote d2 (v1)
(XEN)   9 frames (64 max), 0 maptrack frames (1024 max)
";

    #[test]
    fn xen_is_understood() {
        let section = |domain| section(GRANTS, &format!("grant-table for remote d{domain} "));
        assert_eq!(number_before(section(0).unwrap(), " maptrack frames (").unwrap(), 12);
        assert_eq!(number_before(section(12).unwrap(), " frames (").unwrap(), 3);
        assert_eq!(mapped(section(12).unwrap()).collect::<anyhow::Result<Vec<_>>>().unwrap(), [0, 1]);
        assert_eq!(number_before(section(2).unwrap(), " frames (").unwrap(), 9);
        assert!(section(1).is_err());
        assert_eq!(number_after("    nr_pages=49152 xenheap_pages=2", "nr_pages=").unwrap(), 49152);
    }
}
