//! `gradle.lockfile` and `buildscript-gradle.lockfile`.

use certus_sdk_core::Scope;

use super::{Lock, Place};
use crate::error::Error;
use crate::package::{Ecosystem, Package};
use crate::text::lines;

/// Reads a file: a line an artifact, `group:name:version=configuration,configuration`. It holds
/// neither hashes nor what needs what.
pub(super) fn read(text: &str, place: Place<'_>) -> Result<Lock, Error> {
    let build = place.path.ends_with("buildscript-gradle.lockfile");
    let mut lock = Lock::default();
    for line in lines(text).filter(|line| !line.is_blank()) {
        let syntax = Error::Syntax { format: "gradle.lockfile", at: line.start };
        let (artifact, configurations) = line.text.trim().split_once('=').ok_or(syntax.clone())?;
        if artifact == "empty" {
            continue;
        }
        let (module, version) = artifact.rsplit_once(':').ok_or(syntax.clone())?;
        if !module.contains(':') {
            return Err(syntax);
        }
        let scope = if build { Scope::Build } else { scope(configurations) };
        let package = Package::new(Ecosystem::Maven, module, line.span());
        lock.add(package.version(Some(version)).scope(scope));
    }
    Ok(lock)
}

/// The widest of an artifact's configurations, by the names that Gradle's own plugins give them.
fn scope(configurations: &str) -> Scope {
    let scopes = configurations.split(',').map(|name| {
        let name = name.trim().to_ascii_lowercase();
        if name.contains("test") {
            Scope::Development
        } else if name.contains("annotationprocessor") {
            Scope::Build
        } else {
            Scope::Runtime
        }
    });
    scopes.reduce(super::wider).unwrap_or(Scope::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::testing::{entries, find, names};

    #[test]
    fn artifacts_and_their_configurations() {
        let text = "# This is a Gradle generated file\ncom.a:b:1.0=compileClasspath,testRuntimeClasspath\ncom.a:c:2.0=testCompileClasspath\ncom.a:p:3=annotationProcessor\nempty=x\n";
        let place = |path| Place { path, neighbour: None };
        let lock = read(text, place("gradle.lockfile")).unwrap();
        assert_eq!(names(&lock), ["com.a/b@1.0", "com.a/c@2.0", "com.a/p@3"]);
        for (package, scope) in
            [("com.a/b@1.0", Scope::Runtime), ("com.a/c@2.0", Scope::Development), ("com.a/p@3", Scope::Build)]
        {
            assert_eq!(find(&lock, package).scope, scope, "{package}");
        }
        assert_eq!(entries(&lock, "com.a/c@2.0", text), ["com.a:c:2.0=testCompileClasspath"]);
        let build = read(text, place("x/buildscript-gradle.lockfile")).unwrap();
        assert_eq!(find(&build, "com.a/b@1.0").scope, Scope::Build);
        for broken in ["a:b:1\n", "a:1=x\n"] {
            assert!(read(broken, place("gradle.lockfile")).is_err(), "{broken}");
        }
    }
}
