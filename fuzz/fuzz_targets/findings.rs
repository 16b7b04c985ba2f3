//! What a guest states, up to what the host vouches for.
#![no_main]

use certus_fuzz::run;
use certus_fuzz::stated::Stated;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|stated: Stated| {
    let (workspace, _) = stated.workspace();
    let run = run::checked(&stated, &workspace);
    run::vouched(&run, &workspace);
    let counted = run.refused.invalid_location
        + run.refused.undeclared_rule
        + run.refused.undeclared_severity
        + run.refused.undeclared_parameter;
    let stated = stated.findings().len() as u64;
    assert!(run.findings.len() as u64 + counted <= stated, "nothing is made up");
    assert!(counted > 0 || stated == 0 || !run.findings.is_empty(), "nothing is lost without a count");
});
