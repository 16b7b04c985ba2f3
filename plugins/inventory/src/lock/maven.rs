//! `pom.xml`: not a lock file, but what states the direct dependencies of a Maven project. Versions
//! come from the file's own properties and `dependencyManagement`; what a parent elsewhere decides
//! stays open.

use std::collections::BTreeMap;

use certus_sdk_core::Scope;

use super::Lock;
use crate::error::Error;
use crate::node::{Node, xml};
use crate::package::{Ecosystem, Package};

/// Properties may refer to others; further than this they go in a circle.
const MAX_STEPS: usize = 16;

/// No group, artifact or version is longer: what grows beyond by substitution was made to grow.
const MAX_LENGTH: usize = 1024;

/// Reads a file.
pub(super) fn read(text: &str) -> Result<Lock, Error> {
    let document = xml::parse(text)?;
    let project = document.require("project")?;
    let pom = Pom::new(project);
    let mut lock = Lock::default();

    let artifact = pom.text(project, "artifactId");
    let artifact = artifact.ok_or(Error::Missing { what: "artifactId" })?;
    let name = match pom.own("groupId") {
        Some(group) => format!("{group}:{artifact}"),
        None => artifact,
    };
    // The whole project would be the whole file: the root's evidence is the name it gives itself.
    let evidence = project.get("artifactId").map_or(0..0, |node| node.span.clone());
    let root = Package::new(Ecosystem::Maven, &name, evidence);
    let root = lock.add(root.version(pom.own("version").as_deref()).root());

    for dependency in dependencies(project) {
        if let Some(package) = pom.package(dependency) {
            let at = lock.add(package);
            lock.link(root, at);
        }
    }
    Ok(lock)
}

struct Pom<'n> {
    project: &'n Node<'n>,
    properties: BTreeMap<&'n str, &'n str>,
    /// Entries of `dependencyManagement` by group, artifact, type and classifier.
    managed: BTreeMap<Coordinates, &'n Node<'n>>,
}

type Coordinates = (String, String, String, String);

impl<'n> Pom<'n> {
    fn new(project: &'n Node<'n>) -> Self {
        let properties = project.members_of("properties").iter();
        let properties = properties.filter_map(|m| Some((m.key.as_ref(), m.node.as_text()?)));
        let mut pom = Self { project, properties: properties.collect(), managed: BTreeMap::new() };
        let management = project.get("dependencyManagement");
        let managed = management.into_iter().flat_map(dependencies);
        let managed = managed.filter_map(|node| Some((pom.coordinates(node)?, node)));
        pom.managed = managed.collect();
        pom
    }

    fn package(&self, dependency: &Node<'_>) -> Option<Package> {
        let coordinates = self.coordinates(dependency)?;
        let managed = self.managed.get(&coordinates).copied();
        let (group, artifact, kind, classifier) = coordinates;
        let stated = |key| {
            let here = self.text(dependency, key);
            here.or_else(|| self.text(managed?, key))
        };
        let optional = self.text(dependency, "optional").as_deref() == Some("true");
        let scope = stated("scope");
        let name = format!("{group}:{artifact}");
        let mut package = Package::new(Ecosystem::Maven, &name, dependency.span.clone())
            .version(stated("version").as_deref().and_then(exact))
            .scope(match scope.as_deref() {
                Some("test") => Scope::Development,
                Some("provided") => Scope::Build,
                _ if optional => Scope::Optional,
                _ => Scope::Runtime,
            });
        if kind != "jar" {
            package.qualifiers.insert("type", kind);
        }
        if !classifier.is_empty() {
            package.qualifiers.insert("classifier", classifier);
        }
        Some(match scope.as_deref() {
            Some("system") => package.local(),
            _ => package,
        })
    }

    /// None where a name depends on what another file says.
    fn coordinates(&self, dependency: &Node<'_>) -> Option<Coordinates> {
        let or = |key, default: &str| {
            let text = self.text(dependency, key);
            text.unwrap_or_else(|| default.to_owned())
        };
        Some((
            self.text(dependency, "groupId")?,
            self.text(dependency, "artifactId")?,
            or("type", "jar"),
            or("classifier", ""),
        ))
    }

    /// What the project says of itself, or leaves to its parent.
    fn own(&self, key: &str) -> Option<String> {
        let parent = || self.text(self.project.get("parent")?, key);
        self.text(self.project, key).or_else(parent)
    }

    /// A text with its `${...}` replaced. None where one of them is not known here.
    fn text(&self, node: &Node<'_>, key: &str) -> Option<String> {
        let mut text = node.text(key)?.to_owned();
        for _ in 0..MAX_STEPS {
            let Some(start) = text.find("${") else {
                return Some(text);
            };
            let end = start + text[start..].find('}')?;
            let value = self.property(&text[start + 2..end])?;
            text.replace_range(start..=end, &value);
            if text.len() > MAX_LENGTH {
                return None;
            }
        }
        None
    }

    fn property(&self, name: &str) -> Option<String> {
        if let Some(value) = self.properties.get(name) {
            return Some((*value).to_owned());
        }
        let own = name.strip_prefix("project.").or_else(|| name.strip_prefix("pom."))?;
        let parent = self.project.get("parent");
        let stated = match own.strip_prefix("parent.") {
            Some(key) => parent?.text(key)?,
            None => {
                let here = self.project.text(own);
                here.or_else(|| parent?.text(own))?
            }
        };
        Some(stated.to_owned())
    }
}

fn dependencies<'n>(node: &'n Node<'n>) -> impl Iterator<Item = &'n Node<'n>> {
    let lists = node.all("dependencies");
    lists.flat_map(|list| list.all("dependency"))
}

/// A version, unless it is a range: `[1.0]` is one, `[1.0,2.0)` is not.
fn exact(version: &str) -> Option<&str> {
    if !version.starts_with(['[', '(']) {
        return Some(version);
    }
    let inner = version.strip_prefix('[')?.strip_suffix(']')?;
    (!inner.contains(',')).then_some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::testing::{edges, entries, find, names};

    #[test]
    fn properties_management_and_scopes() {
        let text = r#"<?xml version="1.0"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <parent><groupId>com.app</groupId><artifactId>parent</artifactId><version>3.0</version></parent>
  <artifactId>app</artifactId>
  <properties><b.version>${b.base}.1</b.version><b.base>2</b.base><loop>${loop}</loop></properties>
  <dependencyManagement><dependencies>
    <dependency><groupId>org.m</groupId><artifactId>m</artifactId><version>4.0</version><scope>test</scope></dependency>
    <dependency><groupId>org.unused</groupId><artifactId>u</artifactId><version>1</version></dependency>
  </dependencies></dependencyManagement>
  <dependencies>
    <dependency><groupId>${project.groupId}</groupId><artifactId>core</artifactId><version>${project.version}</version></dependency>
    <dependency><groupId>org.b</groupId><artifactId>b</artifactId><version>${b.version}</version><classifier>linux</classifier><type>zip</type></dependency>
    <dependency><groupId>org.m</groupId><artifactId>m</artifactId></dependency>
    <dependency><groupId>org.c</groupId><artifactId>c</artifactId><version>${elsewhere}</version><optional>true</optional></dependency>
    <dependency><groupId>org.d</groupId><artifactId>d</artifactId><version>[1.0,2.0)</version><scope>provided</scope></dependency>
    <dependency><groupId>org.e</groupId><artifactId>e</artifactId><version>[1.0]</version></dependency>
    <dependency><groupId>org.f</groupId><artifactId>f</artifactId><version>${loop}</version></dependency>
  </dependencies>
  <build><plugins><plugin><dependencies><dependency><groupId>x</groupId><artifactId>x</artifactId></dependency></dependencies></plugin></plugins></build>
</project>"#;
        let lock = read(text).unwrap();
        assert_eq!(
            names(&lock),
            [
                "com.app/app@3.0",
                "com.app/core@3.0",
                "org.b/b@2.1",
                "org.c/c@-",
                "org.d/d@-",
                "org.e/e@1.0",
                "org.f/f@-",
                "org.m/m@4.0"
            ]
        );
        assert_eq!(edges(&lock, "com.app/app@3.0").len(), 7);
        for (package, scope) in [
            ("com.app/core@3.0", Scope::Runtime),
            ("org.m/m@4.0", Scope::Development),
            ("org.c/c@-", Scope::Optional),
            ("org.d/d@-", Scope::Build),
        ] {
            assert_eq!(find(&lock, package).scope, scope, "{package}");
        }
        let b = find(&lock, "org.b/b@2.1");
        assert_eq!(b.qualifiers["classifier"], "linux");
        assert_eq!(b.qualifiers["type"], "zip");
        let [e] = entries(&lock, "org.e/e@1.0", text)[..] else { panic!("one entry") };
        assert!(e.starts_with("<dependency><groupId>org.e") && e.ends_with("</dependency>"));
    }

    #[test]
    fn properties_that_multiply_stay_open() {
        let properties: String =
            (0..12).map(|n| format!("<p{n}>{}</p{n}>", format!("${{p{}}}", n + 1).repeat(8))).collect();
        let text = format!(
            "<project><artifactId>a</artifactId><properties>{properties}<p12>{}</p12></properties><dependencies><dependency><groupId>g</groupId><artifactId>x</artifactId><version>${{p0}}</version></dependency></dependencies></project>",
            "x".repeat(500)
        );
        assert_eq!(names(&read(&text).unwrap()), ["a@-", "g/x@-"]);
    }

    #[test]
    fn what_is_no_project_is_an_error() {
        for (text, what) in [
            ("<a><b/></a>", "project"),
            ("<project>x</project>", "project"),
            ("<project><version>1</version></project>", "artifactId"),
        ] {
            assert_eq!(read(text).map(|_| ()), Err(Error::Missing { what }), "{text}");
        }
    }
}
