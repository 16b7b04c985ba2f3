//! A log has one history: forks, rollbacks and witnesses.

use certus_signing::{Checkpoint, Cosignature, LogError, SignedCheckpoint};

use super::*;
use crate::log::{CHECKPOINT, cosign};

async fn latest(log: &Log) -> SignedCheckpoint {
    log.latest().await.unwrap().unwrap()
}

async fn state(log: &Log) -> Checkpoint {
    latest(log).await.unverified().clone()
}

#[tokio::test]
async fn an_audit_knows_the_history_that_it_has_seen() {
    let (log, memory) = log();
    append(&log, &bodies(0..3)).await;
    let three = state(&log).await;
    append(&log, &bodies(3..300)).await;
    let all = state(&log).await;
    let known = [log.verifier()];
    for remembered in [None, Some(&three), Some(&all)] {
        assert_eq!(audit(&*memory, &known, remembered).await.unwrap().checkpoint, all);
    }
    let refused = async |remembered: Checkpoint| audit(&*memory, &known, Some(&remembered)).await.unwrap_err();
    let error = refused(Checkpoint { size: 301, ..all.clone() }).await;
    assert!(matches!(error, Error::Log(LogError::RolledBack { size: 300, remembered: 301 })), "{error}");
    for size in [3, 256, 300] {
        let error = refused(Checkpoint { size, root: Sha256::of(b"another"), ..all.clone() }).await;
        assert!(matches!(error, Error::Log(LogError::Inconsistent { to: 300, .. })), "{error}");
    }
    let error = refused(Checkpoint { origin: "other".to_owned(), ..all.clone() }).await;
    assert!(matches!(error, Error::Log(LogError::OtherLog { .. })), "{error}");
    let stranger = [key().verifier()];
    assert!(matches!(audit(&*memory, &stranger, None).await, Err(Error::Log(LogError::UnknownLog(_)))));
    memory.files.lock().unwrap().remove(CHECKPOINT);
    assert!(matches!(audit(&*memory, &known, None).await, Err(Error::NoCheckpoint)));
}

#[tokio::test]
async fn a_fork_by_the_logs_own_key_is_refused() {
    let pem = key().to_pem().unwrap();
    let logs = [0, 1].map(|_| {
        let memory = Arc::new(Memory::default());
        (Log::new(LogKey::from_pem(NAME, &pem).unwrap(), memory.clone(), memory.clone()), memory)
    });
    for (log, _) in &logs {
        append(log, &bodies(0..5)).await;
    }
    append(&logs[0].0, &bodies(5..9)).await;
    append(&logs[1].0, &bodies(6..10)).await;
    let seen = state(&logs[0].0).await;
    let error = audit(&*logs[1].1, &[logs[1].0.verifier()], Some(&seen)).await.unwrap_err();
    assert!(matches!(error, Error::Log(LogError::Inconsistent { from: 9, to: 9 })), "{error}");
    append(&logs[1].0, &bodies(0..1)).await;
    let error = audit(&*logs[1].1, &[logs[1].0.verifier()], Some(&seen)).await.unwrap_err();
    assert!(matches!(error, Error::Log(LogError::Inconsistent { from: 9, to: 10 })), "{error}");
}

#[tokio::test]
async fn what_was_published_is_not_signed_over_again() {
    let (log, memory) = log();
    append(&log, &bodies(0..3)).await;
    let three = memory.state.lock().unwrap().clone();
    append(&log, &bodies(3..5)).await;
    let five = memory.state.lock().unwrap().clone();
    for forgotten in [None, three.clone()] {
        *memory.state.lock().unwrap() = forgotten;
        let error = log.append(&bodies(9..10)).await.unwrap_err();
        assert!(matches!(error, Error::Log(LogError::RolledBack { remembered: 5, .. })), "{error}");
    }
    *memory.state.lock().unwrap() = five;
    // A copy that is older is no harm: it is what a crash before publishing leaves.
    memory.files.lock().unwrap().insert(CHECKPOINT.to_owned(), three.unwrap().into_bytes());
    append(&log, &bodies(5..6)).await;
    assert_eq!(audited(&log, &memory).await.unwrap(), 6);
    // The state of another log is none of ours.
    let stranger = Log::new(key(), memory.clone(), memory.clone());
    assert!(matches!(stranger.append(&bodies(0..1)).await, Err(Error::Log(LogError::UnknownLog(_)))));
}

#[tokio::test]
async fn a_witness_signs_for_what_continues_what_it_saw() {
    let (log, memory) = log();
    let witness = LogKey::generate("witness.example.com").unwrap();
    append(&log, &bodies(0..3)).await;
    let (first, three) = (latest(&log).await, state(&log).await);
    let line = cosign(&first, &log.verifier(), None, &[], &witness, 7).unwrap();
    assert!(log.accept(line.clone(), &[]).await.is_err(), "a witness whom nobody knows");
    assert!(log.accept(line.clone(), &[witness.verifier()]).await.is_err(), "not as a witness");
    let known = [witness.witness_verifier()];
    let seen = [Cosignature { name: "witness.example.com".to_owned(), time: 7 }];
    assert_eq!(log.accept(line.clone(), &known).await.unwrap().witnesses(), seen);
    let audited = audit(&*memory, &[log.verifier(), known[0].clone()], None).await.unwrap();
    assert_eq!(audited.witnesses, seen);
    // A cosigned log goes on, and the cosignature is of the old state alone.
    append(&log, &bodies(3..300)).await;
    assert!(latest(&log).await.verify(&[log.verifier(), known[0].clone()]).unwrap().witnesses().is_empty());
    let error = log.accept(line, &known).await.unwrap_err();
    assert!(matches!(error, Error::Log(LogError::BadSignature(_))), "{error}");

    let (now, proof) = (latest(&log).await, log.consistency(3, 300).await.unwrap());
    cosign(&now, &log.verifier(), Some(&three), &proof, &witness, 8).unwrap();
    let refused = |checkpoint: &SignedCheckpoint, seen: &Checkpoint, proof: &[Sha256]| {
        cosign(checkpoint, &log.verifier(), Some(seen), proof, &witness, 8).unwrap_err()
    };
    assert!(matches!(refused(&now, &three, &[]), LogError::Inconsistent { .. }));
    let other = Checkpoint { root: Sha256::of(b"another"), ..three.clone() };
    assert!(matches!(refused(&now, &other, &proof), LogError::Inconsistent { .. }));
    assert!(matches!(refused(&first, now.unverified(), &[]), LogError::RolledBack { .. }));
    let other = Checkpoint { origin: "other".to_owned(), ..three };
    assert!(matches!(refused(&now, &other, &proof), LogError::OtherLog { .. }));
    assert!(cosign(&now, &key().verifier(), None, &[], &witness, 8).is_err(), "another log's key");
}
