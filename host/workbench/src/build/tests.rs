use std::path::PathBuf;

use wit_component::StringEncoding;
use wit_parser::Resolve;

use super::*;

/// A scanner that finds nothing and lacks a function `log`, written against the canonical ABI: without bindings to generate, it
/// compiles in a moment. All zeros are `ok` in both results. The division leaves a message with a
/// source path of std's in the module.
const CODE: &str = r#"
#[unsafe(link_section = "component-type")]
#[used]
static WORLD: [u8; include_bytes!("world.bin").len()] = *include_bytes!("world.bin");
static OK: [u64; 32] = [0; 32];

#[unsafe(export_name = "certus:scanner/plugin@0.1.0#configure")]
extern "C" fn configure(_: usize, _: usize) -> *const u64 { OK.as_ptr() }

#[unsafe(export_name = "certus:scanner/files@0.1.0#scan")]
extern "C" fn scan(_: usize, path: usize, _: usize, content: usize, _: usize, hits: usize, _: i32) -> *const u64 {
    assert!(format!("{path:?}{}", content / hits).capacity() > 0);
    log();
    OK.as_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn cabi_realloc(_: *mut u8, _: usize, _: usize, size: usize) -> *mut u8 {
    Box::leak(vec![0_u64; size / 8 + 1].into_boxed_slice()).as_mut_ptr().cast()
}
"#;

const QUIET: &str = "fn log() {}";

const LOGGING: &str = r#"
fn log() { unsafe { write(0, 8 as *const u8, 0) } }

#[link(wasm_import_module = "certus:scanner/log@0.1.0")]
unsafe extern "C" {
    fn write(level: i32, message: *const u8, length: usize);
}
"#;

const LOG: &str = "[capabilities.log]\nreason = \"a test\"\n";

const MANIFEST: &str = r#"
[plugin]
id = "acme.probe"
version = "1.0.0"
summary = "Finds nothing."
licence = "Apache-2.0"
contract = "certus:scanner@0.1.0"
exports = ["files"]
"#;

const WASI: &str = "[capabilities.wasi]\nfilesystem = [\"**\"]\nreason = \"a test\"\n";

/// A plugin in a folder of its own. The folders stay, because a compiler that has to build the
/// standard library takes a minute for it; the plugin itself is compiled anew in each run.
struct Plugin {
    folder: PathBuf,
    tools: Tools,
}

impl Plugin {
    /// `log` is the code of the function that `CODE` lacks.
    fn new(name: &str, manifest: &str, log: &str) -> Self {
        Self::with_code(name, manifest, &format!("{CODE}{log}"))
    }

    #[expect(clippy::disallowed_methods, reason = "a test has no settings; it builds as cargo itself would")]
    fn with_code(name: &str, manifest: &str, code: &str) -> Self {
        let program = std::env::current_exe().unwrap();
        let folder = program.ancestors().nth(2).unwrap().join("workbench-tests").join(name);
        fs::create_dir_all(folder.join("src")).unwrap();
        let package = "[package]\nname = \"probe\"\nedition = \"2024\"\n[workspace]\n";
        fs::write(folder.join("Cargo.toml"), package).unwrap();
        fs::write(folder.join("plugin.toml"), manifest).unwrap();
        fs::write(folder.join("src/world.bin"), world(code.contains("log@0.1.0"))).unwrap();
        fs::write(folder.join("src/lib.rs"), code).unwrap();
        Self { folder, tools: Tools::from_environment(|name| std::env::var_os(name)) }
    }

    fn build(&self, snapshot: Snapshot<'_>) -> Result<Built, Error> {
        let target_dir = &self.folder.join("target");
        build(&BuildRequest { folder: &self.folder, target_dir, tools: &self.tools }, snapshot)
    }
}

/// The world that `CODE` implements, as bindings would embed it.
fn world(log: bool) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve.push_str("scanner.wit", include_str!("../../../../wit/scanner/scanner.wit")).unwrap();
    let import = if log { "import certus:scanner/log@0.1.0;" } else { "" };
    let exports = "export certus:scanner/plugin@0.1.0; export certus:scanner/files@0.1.0;";
    let text = format!("package test:test; world test {{ {import} {exports} }}");
    let package = resolve.push_str("test.wit", &text).unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
    wit_component::metadata::encode(&resolve, world, StringEncoding::UTF8, None).unwrap()
}

fn no_snapshot(component: &[u8], _: &PluginManifest) -> Result<Vec<u8>, BoxError> {
    Ok(component.to_vec())
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn two_folders_give_the_same_bytes_and_none_of_their_paths() {
    let plugins = ["first", "elsewhere/second"].map(|name| Plugin::new(name, MANIFEST, QUIET));
    let [first, second] = plugins.each_ref().map(|plugin| plugin.build(&no_snapshot).unwrap().component);
    assert!(first == second, "{} and {} bytes", first.len(), second.len());
    for path in [&plugins[0].folder, plugins[0].tools.cargo_home.as_ref().unwrap()] {
        assert!(!contains(&first, path.to_str().unwrap()), "{}", path.display());
    }
}

#[test]
fn the_snapshot_comes_before_its_settings_and_the_manifest_is_last() {
    let seen = std::cell::Cell::new(0);
    let plugin = Plugin::new("sections", MANIFEST, QUIET);
    let built = plugin
        .build(&|component, manifest| {
            assert_eq!(manifest.plugin.id.as_str(), "acme.probe");
            seen.set(component.len());
            Ok(component::with_section(component, "snapshot-taken", ""))
        })
        .unwrap();
    let (before, after) = built.component.split_at(seen.get());
    assert!(!contains(before, SECTION));
    let settings = certus_model::Sha256::of(b"{}").to_string();
    let expected = ["snapshot-taken", SNAPSHOT_SECTION, &settings, SECTION, MANIFEST];
    let places = expected.map(|text| after.windows(text.len()).position(|w| w == text.as_bytes()).unwrap());
    assert!(places.is_sorted(), "{places:?}");
    assert!(after.ends_with(MANIFEST.as_bytes()));
}

#[test]
fn a_plugin_on_wasi_gets_no_snapshot() {
    let plugin = Plugin::new("wasi", &format!("{MANIFEST}{WASI}"), QUIET);
    let built = plugin.build(&|_, _| Err("called".into())).unwrap();
    assert!(!contains(&built.component, SNAPSHOT_SECTION));
    assert!(contains(&built.component, "wasi:io/"), "std brings WASI with it");
    assert!(built.unused.is_empty());
}

#[test]
fn what_the_code_imports_must_be_declared() {
    let undeclared = Plugin::new("undeclared", MANIFEST, LOGGING);
    let error = undeclared.build(&|_, _| panic!("the refusal comes first")).unwrap_err().to_string();
    assert!(error.contains("[capabilities.log]"), "{error}");

    let manifest = format!("{MANIFEST}{LOG}");
    let declared = Plugin::new("declared", &manifest, LOGGING);
    assert!(declared.build(&no_snapshot).unwrap().unused.is_empty());
    let unused = Plugin::new("unused", &manifest, QUIET);
    assert_eq!(unused.build(&no_snapshot).unwrap().unused, [Capability::Log]);
}

#[test]
fn what_the_manifest_exports_must_be_there() {
    let plugin = Plugin::new("missing", &MANIFEST.replace("\"files\"", "\"files\", \"tree\""), QUIET);
    let error = plugin.build(&no_snapshot).unwrap_err().to_string();
    assert!(error.contains("certus:scanner/tree@0.1.0"), "{error}");
}

#[test]
fn code_without_a_scanner_is_no_component() {
    let plugin = Plugin::with_code("none", MANIFEST, "#[unsafe(no_mangle)] extern \"C\" fn scan() {}");
    assert!(matches!(plugin.build(&no_snapshot).unwrap_err(), Error::Refused(_) | Error::Component(_)));
}

#[test]
fn a_failed_snapshot_says_why() {
    let plugin = Plugin::new("snapshot", MANIFEST, QUIET);
    let error = plugin.build(&|_, _| Err("depth is out of range".into())).unwrap_err();
    assert!(error.to_string().contains("depth is out of range"), "{error}");
}

#[test]
fn diagnostics_are_shown_as_cargo_renders_them() {
    let plugin = Plugin::with_code("broken", MANIFEST, "fn f() -> u8 { \"text\" }");
    let error = plugin.build(&no_snapshot).unwrap_err().to_string();
    assert!(error.contains("error[E0308]") && error.contains("src/lib.rs:1"), "{error}");
}

#[test]
fn a_folder_without_a_manifest_is_named() {
    let plugin = Plugin::new("bare", MANIFEST, QUIET);
    fs::remove_file(plugin.folder.join("plugin.toml")).unwrap();
    let error = plugin.build(&no_snapshot).unwrap_err().to_string();
    assert!(error.contains("plugin.toml") && error.contains("cannot be read"), "{error}");
}
