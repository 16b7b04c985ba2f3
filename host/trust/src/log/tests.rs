mod faults;
mod growth;
mod history;
mod memory;

use std::sync::Arc;

use certus_model::Sha256;
use certus_signing::{LogKey, LoggedEntry, merkle};

use self::memory::Memory;
use super::{Error, Log, audit};

const NAME: &str = "log.example.com/certus";

fn key() -> LogKey {
    LogKey::generate(NAME).unwrap()
}

/// A log in memory, and where it lies.
fn log() -> (Log, Arc<Memory>) {
    let memory = Arc::new(Memory::default());
    (Log::new(key(), memory.clone(), memory.clone()), memory)
}

fn body(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

fn bodies(indexes: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    indexes.map(body).collect()
}

/// The root as RFC 6962 defines it, over the entries themselves.
fn reference_root(entries: &[Vec<u8>]) -> Sha256 {
    match entries {
        [] => merkle::empty_root(),
        [entry] => merkle::leaf_hash(entry),
        _ => {
            let (left, right) = entries.split_at(entries.len().next_power_of_two() / 2);
            merkle::node_hash(&reference_root(left), &reference_root(right))
        }
    }
}

async fn append(log: &Log, bodies: &[Vec<u8>]) -> Vec<LoggedEntry> {
    let logged = log.append(bodies).await.unwrap();
    assert!(logged.iter().map(|entry| &entry.body).eq(bodies));
    for entry in &logged {
        entry.verify(&[log.verifier()]).unwrap();
    }
    logged
}

/// Audits without anything remembered; how many entries there are.
async fn audited(log: &Log, memory: &Memory) -> Result<u64, Error> {
    Ok(audit(memory, &[log.verifier()], None).await?.checkpoint.size)
}
