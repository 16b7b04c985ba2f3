//! D. Proposals that are switched off: a component that uses one is refused when it is admitted.

use certus_model::outcome::AdmissionReason;
use certus_sandbox::AdmitError;

use crate::support::guest::{Guest, with_manifest};
use crate::support::sandbox;

/// A proposal, what uses it, and what says much the same without it.
const OFF: &[(&str, &str, &str)] = &[
    ("memory64", "(core module (memory i64 1))", "(core module (memory 1))"),
    ("table64", "(core module (table i64 1 funcref))", "(core module (table 1 funcref))"),
    ("multi-memory", "(core module (memory 1) (memory 1))", "(core module (memory 1))"),
    ("custom page sizes", "(core module (memory 1 (pagesize 1)))", "(core module (memory 1))"),
    ("threads: shared memory", "(core module (memory 1 1 shared))", "(core module (memory 1 1))"),
    (
        "threads: atomics",
        "(core module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))",
        "(core module (memory 1) (func (drop (i32.load (i32.const 0)))))",
    ),
    ("exceptions: tags", "(core module (tag))", "(core module (func))"),
    ("exceptions: try_table", "(core module (func (try_table)))", "(core module (func (block)))"),
    ("gc: structures", "(core module (type (struct)))", "(core module (type (func)))"),
    ("gc: arrays", "(core module (type (array i32)))", "(core module (type (func)))"),
    ("gc: i31", "(core module (func (drop (ref.i31 (i32.const 0)))))", "(core module (func (drop (i32.const 0))))"),
    (
        "function references: types",
        "(core module (type $t (func)) (func (param (ref $t))))",
        "(core module (type $t (func)) (func (param funcref)))",
    ),
    (
        "function references: call_ref",
        "(core module (type $t (func)) (func $f (call_ref $t (ref.func $f))) (elem declare func $f))",
        "(core module (type $t (func)) (func $f (call $f)) (elem declare func $f))",
    ),
    ("tail calls", "(core module (func $f (return_call $f)))", "(core module (func $f (call $f)))"),
    (
        "relaxed simd",
        "(core module (func (param v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 0)))))",
        "(core module (func (param v128) (drop (i8x16.swizzle (local.get 0) (local.get 0)))))",
    ),
    (
        "wide arithmetic",
        "(core module (func (param i64) (result i64 i64) (i64.mul_wide_u (local.get 0) (local.get 0))))",
        "(core module (func (param i64) (result i64 i64) (local.get 0) (local.get 0)))",
    ),
    ("stack switching", "(core module (type $f (func)) (type (cont $f)))", "(core module (type $f (func)))"),
    ("component-model async: streams", "(type (stream u8))", "(type (list u8))"),
    ("component-model async: futures", "(type (future u8))", "(type (option u8))"),
    ("component-model async: functions", "(type (func async))", "(type (func))"),
    ("component-model async: built-ins", "(core func (canon backpressure.inc))", "(type (func))"),
    ("component-model async: tasks", "(core func (canon task.cancel))", "(type (func))"),
    ("component-model threads", "(core func (canon thread.index))", "(type (func))"),
    ("component-model error contexts", "(type error-context)", "(type u8)"),
    ("component-model lists of fixed length", "(type (list u8 4))", "(type (list u8))"),
    ("component-model maps", "(type (map string u8))", "(type (list (tuple string u8)))"),
];

#[test]
fn each_proposal_is_off() {
    let sandbox = sandbox();
    let guest = Guest::files();
    let plain = wasmprinter::print_bytes(guest.bare()).expect("the component prints");
    let end = plain.rfind(')').expect("a closing parenthesis");
    let with = |item: &str| {
        let text = format!("{}{item})", &plain[..end]);
        let component = wat::parse_str(&text).unwrap_or_else(|error| panic!("`{item}`: {error}"));
        sandbox.admit(&with_manifest(component, guest.manifest_text()), &[])
    };
    for (name, using, without) in OFF {
        match with(using) {
            Err(AdmitError::Refused(refusal)) => {
                assert_eq!(refusal.reason, AdmissionReason::NotAComponent, "{name}: {refusal}");
            }
            Err(AdmitError::Host(error)) => panic!("{name}: the host failed: {error}"),
            Ok(_) => panic!("{name} was admitted"),
        }
        if let Err(error) = with(without) {
            panic!("{name}: the twin was not admitted: {error}");
        }
    }
}
