//! What a component is, read from its bytes: nothing is compiled or run.

use std::collections::BTreeSet;
use std::str::FromStr as _;

use certus_model::limits::AdmissionLimits;
use certus_model::outcome::AdmissionReason as Reason;
use certus_model::plugin::{CONTRACT, Capability, Export, SECTION, SNAPSHOT_SECTION};
use certus_model::{PluginManifest, Sha256};
use serde::{Deserialize, Serialize};
use wasmparser::{ComponentExternalKind, ComponentTypeRef, Encoding, Parser, Payload};

use crate::error::Refusal;

/// A plugin's permission passport: who it is, what it declares and what its code really imports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passport {
    /// SHA-256 of the component file, manifest included.
    pub digest: Sha256,
    /// Size of the component file in bytes.
    pub size: u64,
    /// The embedded manifest.
    pub manifest: PluginManifest,
    /// The embedded manifest's text.
    pub manifest_text: String,
    /// Interfaces that the code imports, sorted; types-only interfaces left out.
    pub imports: Vec<String>,
    /// Interfaces that it exports, sorted.
    pub exports: Vec<String>,
    /// The capabilities that the imports amount to.
    pub imported: Vec<Capability>,
    /// Digest of the settings that its memory snapshot was configured with, if it has one.
    pub snapshot: Option<Sha256>,
}

/// Reads and checks a component's outside: format, size, manifest, imports, exports.
///
/// # Errors
/// A refusal with its reason; see [`AdmissionLimits`] for the size.
pub fn inspect(bytes: &[u8], limits: &AdmissionLimits) -> Result<Passport, Refusal> {
    check_size(bytes, limits)?;
    let outside = Outside::parse(bytes)?;
    let manifest_text = outside.manifest()?;
    let manifest =
        PluginManifest::from_str(manifest_text).map_err(|error| Refusal::new(Reason::Undeclared, error.to_string()))?;
    let mut imported = BTreeSet::new();
    for import in &outside.imports {
        imported.insert(capability_of(import)?);
    }
    let passport = Passport {
        digest: Sha256::of(bytes),
        size: bytes.len() as u64,
        manifest_text: manifest_text.to_owned(),
        imports: outside.imports.into_iter().collect(),
        exports: outside.exports.into_iter().collect(),
        imported: imported.into_iter().collect(),
        snapshot: outside.snapshot,
        manifest,
    };
    passport.check_host()?;
    passport.check_exports()?;
    passport.check_declared()?;
    Ok(passport)
}

/// Refuses a file that is larger than any component may be.
pub(crate) fn check_size(bytes: &[u8], limits: &AdmissionLimits) -> Result<(), Refusal> {
    if bytes.len() as u64 <= limits.component {
        return Ok(());
    }
    let message = format!("the file has {} bytes, the limit is {}; build it smaller", bytes.len(), limits.component);
    Err(Refusal::new(Reason::TooLarge, message))
}

impl Passport {
    /// Declared, but never imported: a grant that could be taken back without loss.
    pub fn unused(&self) -> Vec<Capability> {
        self.manifest.capabilities.declared().into_iter().filter(|c| !self.imported.contains(c)).collect()
    }

    /// What the plugin can do under a grant: declared, imported and granted.
    pub fn effective(&self, granted: &[Capability]) -> Vec<Capability> {
        self.imported.iter().copied().filter(|c| granted.contains(c)).collect()
    }

    /// Refuses a plugin of which something imported is not granted.
    pub(crate) fn permit(&self, granted: &[Capability]) -> Result<(), Refusal> {
        match self.imported.iter().find(|c| !granted.contains(c)) {
            None => Ok(()),
            Some(missing) => Err(Refusal::new(
                Reason::NotGranted,
                format!("plugin `{}` needs capability `{missing}`, which is not granted", self.manifest.plugin.id),
            )),
        }
    }

    /// Refuses a plugin that asks for a newer host, or names none that can be compared.
    fn check_host(&self) -> Result<(), Refusal> {
        const HOST: &str = env!("CARGO_PKG_VERSION");
        let Some(wanted) = &self.manifest.plugin.min_host else { return Ok(()) };
        if version(wanted).is_some_and(|wanted| Some(wanted) <= version(HOST)) {
            return Ok(());
        }
        let wanted = certus_model::escape::one_line(wanted, 40);
        let message =
            format!("plugin.min-host is `{wanted}`, this host is {HOST}; update certus, or write MAJOR.MINOR.PATCH");
        Err(Refusal::new(Reason::Undeclared, message))
    }

    fn check_exports(&self) -> Result<(), Refusal> {
        let named = self.manifest.plugin.exports.iter().map(|e| e.as_str());
        for interface in named.chain(["plugin"]) {
            let wanted = interface_name(interface);
            if !self.exports.contains(&wanted) {
                let message = format!("the component does not export `{wanted}`, which its manifest names");
                return Err(Refusal::new(Reason::MissingExport, message));
            }
        }
        Ok(())
    }

    fn check_declared(&self) -> Result<(), Refusal> {
        let declared = self.manifest.capabilities.declared();
        match self.imported.iter().find(|c| !declared.contains(c)) {
            None => Ok(()),
            Some(missing) => Err(Refusal::new(
                Reason::Undeclared,
                format!(
                    "the component imports capability `{missing}`; declare it as [capabilities.{missing}] with a reason"
                ),
            )),
        }
    }
}

/// `MAJOR.MINOR.PATCH`, of which the last may be left out.
fn version(text: &str) -> Option<(u64, u64, u64)> {
    let mut numbers = text.split('.').map(|number| number.parse().ok());
    let version = (numbers.next()??, numbers.next()??, numbers.next().unwrap_or(Some(0))?);
    numbers.next().is_none().then_some(version)
}

/// `certus:scanner/NAME@VERSION`.
fn interface_name(interface: &str) -> String {
    let (package, version) = CONTRACT.split_once('@').unwrap_or((CONTRACT, ""));
    format!("{package}/{interface}@{version}")
}

/// The capability that an import amounts to, or why nobody may import it.
fn capability_of(import: &str) -> Result<Capability, Refusal> {
    for (interface, capability) in
        [("workspace", Capability::Workspace), ("data", Capability::Data), ("log", Capability::Log)]
    {
        if import == interface_name(interface) {
            return Ok(capability);
        }
    }
    if crate::wasi::offers(import) {
        return Ok(Capability::Wasi);
    }
    let message = if import.starts_with("wasi:sockets/") || import.starts_with("wasi:http/") {
        format!("the component imports `{import}`; this host grants no network, ever")
    } else {
        format!(
            "the component imports `{import}`, which this host does not offer; it offers {CONTRACT} and WASI 0.2 without network"
        )
    };
    Err(Refusal::new(Reason::UnknownImport, message))
}

/// The top level of a component.
#[derive(Default)]
struct Outside<'a> {
    imports: BTreeSet<String>,
    exports: BTreeSet<String>,
    manifests: Vec<&'a [u8]>,
    snapshot: Option<Sha256>,
    /// Instance types at the top level: whether each declares a function or a resource.
    callable: Vec<Option<bool>>,
}

impl<'a> Outside<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let broken = |error: wasmparser::BinaryReaderError| {
            Refusal::new(Reason::NotAComponent, format!("the file is no valid WebAssembly: {error}"))
        };
        if !bytes.starts_with(b"\0asm") {
            // The parser would quote the bytes that it found instead.
            let message = "the file is no WebAssembly; name a component, as `certus plugin build` makes them";
            return Err(Refusal::new(Reason::NotAComponent, message));
        }
        let mut outside = Self::default();
        let mut depth = 0_u32;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(broken)? {
                Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                    let message =
                        "the file is a core module; build it with `certus plugin build`, which makes a component";
                    return Err(Refusal::new(Reason::NotAComponent, message));
                }
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentTypeSection(section) if depth == 0 => {
                    for ty in section {
                        outside.callable.push(is_callable(&ty.map_err(broken)?));
                    }
                }
                Payload::ComponentAliasSection(section) if depth == 0 => {
                    for alias in section {
                        outside.alias(&alias.map_err(broken)?);
                    }
                }
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        let import = import.map_err(broken)?;
                        outside.import(import.name.name, import.ty);
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        let export = export.map_err(broken)?;
                        outside.export(export.name.name, export.kind);
                    }
                }
                Payload::CustomSection(section) if depth == 0 => match section.name() {
                    SECTION => outside.manifests.push(section.data()),
                    SNAPSHOT_SECTION => {
                        outside.snapshot = std::str::from_utf8(section.data()).ok().and_then(|t| t.parse().ok());
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        Ok(outside)
    }

    fn import(&mut self, name: &str, ty: ComponentTypeRef) {
        // A types-only interface gives nothing to call and is no permission.
        let types_only = match ty {
            ComponentTypeRef::Instance(index) => self.callable.get(index as usize).copied().flatten() == Some(false),
            ComponentTypeRef::Type(_) => {
                self.callable.push(None);
                true
            }
            _ => false,
        };
        if !types_only {
            self.imports.insert(name.to_owned());
        }
    }

    fn export(&mut self, name: &str, kind: ComponentExternalKind) {
        if kind == ComponentExternalKind::Type {
            self.callable.push(None);
        }
        self.exports.insert(name.to_owned());
    }

    fn alias(&mut self, alias: &wasmparser::ComponentAlias<'_>) {
        // Only aliases of types take a place among the types.
        let is_type = matches!(
            alias,
            wasmparser::ComponentAlias::InstanceExport { kind: ComponentExternalKind::Type, .. }
                | wasmparser::ComponentAlias::Outer { kind: wasmparser::ComponentOuterAliasKind::Type, .. }
        );
        if is_type {
            self.callable.push(None);
        }
    }

    fn manifest(&self) -> Result<&'a str, Refusal> {
        let refuse = |message: &str| Err(Refusal::new(Reason::Undeclared, message));
        match self.manifests.as_slice() {
            [] => refuse("the component has no embedded plugin.toml; build it with `certus plugin build`"),
            [one] => std::str::from_utf8(one).or_else(|_| refuse("the embedded plugin.toml is not UTF-8")),
            _ => refuse("the component has more than one embedded plugin.toml"),
        }
    }
}

/// For an instance type: whether anything in it can be called or held. Others have no answer.
fn is_callable(ty: &wasmparser::ComponentType<'_>) -> Option<bool> {
    use wasmparser::{ComponentType, InstanceTypeDeclaration as Decl, TypeBounds};
    let ComponentType::Instance(declarations) = ty else { return None };
    Some(declarations.iter().any(|declaration| match declaration {
        Decl::Export { ty, .. } => !matches!(ty, ComponentTypeRef::Type(TypeBounds::Eq(_))),
        _ => false,
    }))
}

/// The interface of `export`, as it stands in a component.
pub(crate) fn export_name(export: Export) -> String {
    interface_name(export.as_str())
}
