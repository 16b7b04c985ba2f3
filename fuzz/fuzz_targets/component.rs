//! Components at the door: inspected from their bytes, nothing compiled or run.
#![no_main]

use certus_fuzz::checks;
use certus_model::Sha256;
use certus_model::limits::AdmissionLimits;
use certus_model::plugin::Capability;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let limits = AdmissionLimits { component: 48 << 10, ..AdmissionLimits::default() };
    let passport = match certus_sandbox::inspect(data, &limits) {
        Ok(passport) => passport,
        Err(refusal) => return checks::one_line(refusal),
    };
    assert!(data.len() as u64 <= limits.component);
    assert_eq!((passport.digest, passport.size), (Sha256::of(data), data.len() as u64));
    let declared = passport.manifest.capabilities.declared();
    assert!(passport.imported.iter().all(|capability| declared.contains(capability)));
    assert!(passport.effective(&[]).is_empty(), "nothing is possible that is not granted");
    assert_eq!(passport.effective(&Capability::ALL), passport.imported);
    assert!(!passport.imports.iter().any(|name| name.starts_with("wasi:sockets/") || name.starts_with("wasi:http/")));
});
