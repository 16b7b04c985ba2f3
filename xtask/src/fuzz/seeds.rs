use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::folder;
use crate::project::Project;

/// A larger file makes a slow seed.
const LARGEST: u64 = 32 << 10;

/// Targets that take arbitrary structures rather than a form that a file could have.
const STRUCTURED: [&str; 4] = ["bundle", "findings", "git_tree", "reports"];

/// Makes seeds of the repository's own files. Those of `fuzz/seeds/` are smaller and kept with it.
pub(super) fn gather(project: &Project, to: &Path) -> Result<()> {
    let plugins = project.root.join("plugins");
    for (target, from) in [("lock_files", "inventory"), ("privacy", "privacy"), ("secrets", "secrets")] {
        for path in files(&plugins.join(from).join("fixtures"))? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let content = read(&path)?;
            // The first line names the file.
            keep(&to.join(target), &path, &[name.as_bytes(), b"\n", &content].concat())?;
        }
    }
    for path in files(&plugins)?.iter().filter(|path| path.ends_with("plugin.toml")) {
        keep(&to.join("plugin_manifest"), path, &read(path)?)?;
    }
    for target in STRUCTURED {
        for number in 1..=16 {
            // Without them the fuzzer would begin with a few bytes, which make the smallest structures.
            keep(&to.join(target), Path::new(&format!("noise-{number}")), &noise(number, 600))?;
        }
    }
    let baseline = project.root.join("certus-baseline.toml");
    keep(&to.join("baseline"), &baseline, &read(&baseline)?)
}

/// `count` bytes without order, always the same for one seed (xorshift).
fn noise(seed: u32, count: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as u8
    };
    (0..count).map(|_| next()).collect()
}

/// Every file below `folder` that is small enough, sorted.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(files(&entry.path())?);
        } else if entry.file_type()?.is_file() && entry.metadata()?.len() <= LARGEST {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Writes a seed under a name made of its path, so that two files of one name are two seeds.
fn keep(seeds: &Path, path: &Path, content: &[u8]) -> Result<()> {
    let name = path.to_string_lossy().replace(['/', '\\'], "-");
    let seed = folder(seeds)?.join(name.trim_start_matches('-'));
    fs::write(&seed, content).with_context(|| format!("cannot write {}", seed.display()))
}
