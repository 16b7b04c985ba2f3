//! D. Ten thousand components that nobody wrote, each admitted or refused, none a panic.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use certus_model::limits::{AdmissionLimits, Limits};
use certus_model::plugin::Capability;
use certus_sandbox::{AdmitError, CallError, FileInput, Plugin, inspect};
use wasm_encoder::{ComponentSection as _, ComponentSectionId, InstanceSection, ModuleArg, RawSection};
use wasm_smith::{Component, Config, Module};

use crate::support::guest::{ANSWER, Guest, with_manifest};
use crate::support::{Bench, sandbox};

/// Components that are made and inspected.
const MADE: usize = 10_000;
/// Of them, those that are also compiled, each in a child of its own, and called; all with
/// `CERTUS_HOSTILE_LONG`.
const COMPILED: usize = 2_600;
/// Of them, the fewest that must have run.
const CALLED: usize = 1_000;

/// How many of each outcome.
type Counts = BTreeMap<String, usize>;

#[test]
fn case_043_ten_thousand_generated_components_are_admitted_or_refused() {
    let compiled = if std::env::var_os("CERTUS_HOSTILE_LONG").is_some() { MADE } else { COMPILED };
    let (base, sandbox) = (base(), sandbox());
    let (next, counts) = (AtomicUsize::new(0), Mutex::new(Counts::new()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= MADE {
                        break;
                    }
                    let (kind, component) = made(number, &base);
                    let outcome = outcome(&component, (number < compiled).then_some(&sandbox));
                    *counts.lock().unwrap().entry(format!("{kind}: {outcome}")).or_default() += 1;
                }
            });
        }
    });
    let counts = counts.into_inner().unwrap();
    for (outcome, count) in &counts {
        println!("{count:6} {outcome}");
    }
    assert_eq!(counts.values().sum::<usize>(), MADE);
    let called: usize = counts.iter().filter(|(outcome, _)| outcome.contains(": called, ")).map(|(_, n)| n).sum();
    println!("{called:6} were admitted and ran a call");
    assert!(called >= CALLED, "only {called} were admitted and ran a call");
    let answered: usize = counts.iter().filter(|(outcome, _)| outcome.ends_with(", answered")).map(|(_, n)| n).sum();
    assert!(answered > 0, "the twins: some of them answer");
    let refused: usize = counts.iter().filter(|(outcome, _)| outcome.contains(": refused, ")).map(|(_, n)| n).sum();
    assert!(refused > MADE / 10, "only {refused} were refused");
}

/// `count` bytes or a few more, always the same for one seed.
fn bytes(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    };
    (0..count.div_ceil(8)).flat_map(|_| next().to_le_bytes()).collect()
}

/// The `number`th component and its kind. Half of them are guests with a generated module inside that
/// keeps to what this host allows; the others are further and further from being admitted.
fn made(number: usize, base: &[u8]) -> (&'static str, Vec<u8>) {
    let raw = bytes(number as u64, 4096);
    let mut source = arbitrary::Unstructured::new(&raw);
    let manifest = Guest::files();
    match number % 10 {
        0 | 1 => {
            let component = Component::new(Config::default(), &mut source).expect("a component");
            ("generated component", with_manifest(component.to_bytes(), manifest.manifest_text()))
        }
        2 => {
            let module = Module::new(Config::default(), &mut source).expect("a module");
            ("generated module", with_manifest(module.to_bytes(), manifest.manifest_text()))
        }
        3 => {
            let every_proposal = Config { exports: go(), max_imports: 0, ..Config::default() };
            ("guest with a wild module", spliced(base, every_proposal, &mut source))
        }
        4 => {
            let mut component = spliced(base, tame(), &mut source);
            for place in bytes(!(number as u64), 8 * (1 + number / 10 % 8)).chunks(8) {
                let at = usize::from(u16::from_le_bytes([place[0], place[1]])) % component.len();
                component[at] = place[2];
            }
            ("guest with bytes changed", component)
        }
        _ => ("guest with a tame module", spliced(base, tame(), &mut source)),
    }
}

/// What every generated module inside a guest exports.
fn go() -> Option<Vec<u8>> {
    Some(wat::parse_str("(module (func (export \"go\") (result i32) unreachable))").unwrap())
}

/// A module of the proposals that this host allows.
fn tame() -> Config {
    Config {
        exports: go(),
        max_imports: 0,
        max_memory32_bytes: 64 << 20,
        max_table_elements: 10_000,
        exceptions_enabled: false,
        extended_const_enabled: false,
        gc_enabled: false,
        memory64_enabled: false,
        // With them come references to things of the host, which need the collector.
        reference_types_enabled: false,
        relaxed_simd_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        ..Config::default()
    }
}

/// A guest whose `scan` calls the function at the first place of its table, if there is one.
fn base() -> Vec<u8> {
    Guest::files()
        .items("(type $go (func (result i32))) (table (export \"table\") 1 funcref)")
        .scan(format!("(drop (call_indirect (type $go) (i32.const 0))) (i32.const {ANSWER})"))
        .bare()
}

/// `base` with a generated module beside its own, whose function a third one puts into the table.
fn spliced(base: &[u8], config: Config, source: &mut arbitrary::Unstructured<'_>) -> Vec<u8> {
    let generated = Module::new(config, source).expect("a module").to_bytes();
    let wire = wat::parse_str(
        "(module (import \"main\" \"table\" (table 1 funcref)) (import \"smith\" \"go\" (func (result i32)))
           (elem (i32.const 0) func 0))",
    )
    .unwrap();
    let mut component = base.to_vec();
    for module in [&generated, &wire] {
        RawSection { id: ComponentSectionId::CoreModule.into(), data: module }.append_to_component(&mut component);
    }
    // The guest's own module and instance are the first of the component.
    let mut instances = InstanceSection::new();
    instances.instantiate(1, Vec::<(&str, ModuleArg)>::new());
    instances.instantiate(2, [("main", ModuleArg::Instance(0)), ("smith", ModuleArg::Instance(1))]);
    instances.append_to_component(&mut component);
    with_manifest(component, Guest::files().manifest_text())
}

/// What becomes of a component; compiled and called if there is a sandbox for it.
fn outcome(component: &[u8], bench: Option<&Bench>) -> String {
    if let Err(refusal) = inspect(component, &AdmissionLimits::default()) {
        return format!("refused, {}", refusal.reason);
    }
    let Some(bench) = bench else { return "inspected".to_owned() };
    match bench.admit(component, &Capability::ALL) {
        Ok(plugin) => called(&plugin),
        Err(AdmitError::Refused(refusal)) => format!("refused, {}", refusal.reason),
        Err(AdmitError::Host(error)) => panic!("the host failed: {error}"),
    }
}

/// Makes an instance and calls it once.
fn called(plugin: &Plugin) -> String {
    let mut limits = Limits { call_deadline: Duration::from_secs(20), ..Limits::default() };
    (limits.fuel.configure, limits.fuel.file_call, limits.fuel.per_mib) = (2_000_000, 2_000_000, 0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let file = FileInput { path: "a.txt", content: b"hello", hits: &[], hits_complete: true };
    let answer = runtime.block_on(async {
        let mut instance = plugin.instantiate(&limits, None, None).await?;
        instance.configure(&BTreeMap::new()).await?;
        Ok(instance.scan_file(file, limits.call_deadline).await)
    });
    match answer {
        Err(error) => format!("no instance, {}", reason(&error)),
        Ok(Ok(findings)) => {
            assert!(findings.is_empty(), "it has nothing to report");
            "called, answered".to_owned()
        }
        Ok(Err(error)) => format!("called, {}", reason(&error)),
    }
}

fn reason(error: &CallError) -> String {
    match error {
        CallError::Struck { reason, .. } => reason.to_string(),
        CallError::Guest(problem) => panic!("the guest states no problem: {problem:?}"),
        CallError::Host(error) => panic!("the host failed: {error}"),
    }
}
