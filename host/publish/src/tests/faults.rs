use super::unreliable::{Fault, Script, Unreliable};
use super::*;

fn unreliable(remembers: bool) -> (Fixture, Arc<Script>) {
    let script = Arc::new(Script::default());
    let mut fixture = Fixture::new();
    fixture.to.raw = Unreliable::new("raw", &script, remembers);
    fixture.to.golden = Unreliable::new("golden", &script, remembers);
    (fixture, script)
}

#[test]
fn case_118_whatever_call_goes_wrong_there_is_one_golden_set_or_none() {
    for fault in Fault::ALL {
        let mut struck = 0;
        for n in 0.. {
            let (fixture, script) = unreliable(true);
            script.strike(n, fault);
            let first = fixture.publish();
            if !script.is_done() {
                // There is no such call.
                assert!(n > 50 && first.is_ok());
                break;
            }
            struck += 1;
            assert_eq!(first.is_ok(), fault == Fault::Damage, "{fault:?} at {n}: {first:?}");
            assert!(fixture.is_complete() || first.is_err(), "{fault:?} at {n}");
            let second = fixture.publish_as(&fixture.newer(), 601).unwrap();
            assert!(fixture.is_complete(), "{fault:?} at {n}");
            assert_eq!(fixture.keys(&*fixture.to.golden).len(), FILES.len() + 3, "{fault:?} at {n}: nothing twice");
            assert_eq!(fixture.publish().unwrap(), second, "{fault:?} at {n}");
        }
        assert!(struck > 50, "{fault:?}: {struck}");
    }
}

#[test]
fn case_118_two_faults_in_a_row_are_no_worse() {
    for (first, second) in [(Fault::Half, Fault::Damage), (Fault::After, Fault::Half), (Fault::Half, Fault::After)] {
        for n in 0..60 {
            let (fixture, script) = unreliable(true);
            script.strike(n, first);
            let _ = fixture.publish();
            script.strike(n / 2, second);
            let _ = fixture.publish();
            let published = fixture.publish().unwrap();
            assert!(fixture.is_complete() && published == fixture.publish().unwrap(), "{first:?}, {second:?} at {n}");
        }
    }
}

#[test]
fn case_118_a_store_that_forgets_what_objects_carry_is_held_to_their_bytes() {
    for fault in [Fault::Before, Fault::After, Fault::Damage] {
        for n in 0..60 {
            let (fixture, script) = unreliable(false);
            script.strike(n, fault);
            let first = fixture.publish();
            assert!(fixture.is_complete() || first.is_err(), "{fault:?} at {n}");
            fixture.publish().unwrap();
            assert!(fixture.is_complete(), "{fault:?} at {n}");
        }
    }
}
