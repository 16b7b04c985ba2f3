//! D. What parsing and compiling may cost.

use std::time::{Duration, Instant};

use certus_model::limits::AdmissionLimits;
use certus_model::outcome::AdmissionReason as Reason;
use certus_model::plugin::Capability;
use certus_sandbox::AdmitError;

use crate::support::admission;
use crate::support::guest::Guest;

/// Many functions, each with a jump table of its own: megabytes of code out of kilobytes of text.
fn bomb(functions: usize, targets: usize) -> Vec<u8> {
    let labels = "0 ".repeat(targets);
    let body = format!("(block (br_table {labels} 0 (local.get 0))) (i32.mul (local.get 0) (local.get 0))");
    let functions: String = (0..functions).map(|_| format!("(func (param i32) (result i32) {body})")).collect();
    Guest::files().items(functions).build()
}

/// Blocks within blocks.
fn nested(depth: usize) -> Vec<u8> {
    let body = format!("{}{}", "(block ".repeat(depth), ")".repeat(depth));
    Guest::files().items(format!("(func {body})")).build()
}

fn reason(component: &[u8], limits: AdmissionLimits) -> Option<Reason> {
    match admission(None, limits).expect("admission").admission.admit(component, &Capability::ALL) {
        Ok(_) => None,
        Err(AdmitError::Refused(refusal)) => Some(refusal.reason),
        Err(AdmitError::Host(error)) => panic!("the host failed: {error}"),
    }
}

#[test]
fn case_044_a_compile_bomb_is_stopped_by_each_budget() {
    let bomb = bomb(20_000, 200);
    let limits = AdmissionLimits::default;
    let started = Instant::now();
    for (what, limits) in [
        ("processor time", AdmissionLimits { child_cpu: Duration::from_secs(1), ..limits() }),
        ("memory", AdmissionLimits { child_memory: 160 << 20, ..limits() }),
        ("the wall clock", AdmissionLimits { child_wall: Duration::from_millis(500), ..limits() }),
    ] {
        assert_eq!(reason(&bomb, limits), Some(Reason::CompileBudget), "{what}");
    }
    assert!(started.elapsed() < Duration::from_secs(60), "each child ended soon");
}

#[test]
fn case_044_what_is_large_and_honest_is_compiled() {
    assert_eq!(reason(&bomb(1_000, 20), AdmissionLimits::default()), None);
}

#[test]
fn case_044_deep_nesting_never_takes_the_host_with_it() {
    // Whatever it comes to, it is an answer about the component.
    let limits = AdmissionLimits { child_cpu: Duration::from_secs(5), ..AdmissionLimits::default() };
    for depth in [100, 10_000, 300_000] {
        let reason = reason(&nested(depth), limits.clone());
        assert!(matches!(reason, None | Some(Reason::NotAComponent | Reason::CompileBudget)), "{depth}: {reason:?}");
    }
}
