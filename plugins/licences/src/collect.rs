use std::collections::BTreeMap;

use certus_sdk_core::{Confidence, Finding, Location, Problem, Report};

use crate::header::headers;
use crate::identify::identify;

/// A licence file is read as far as this: the longest licences take 50 KiB, a file with those of a
/// hundred dependencies half a mebibyte.
pub(crate) const MAX_LICENCE: u64 = 1 << 20;

/// A source file is read as far as this: a header stands at the top.
pub(crate) const MAX_HEADER: u64 = 4 << 10;

/// Other places that one finding names. The number of files is told apart.
const MAX_RELATED: usize = 99;

/// What a file is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Its name says that it holds a licence.
    Licence,
    /// It may come with licences of parts, or with none.
    Notice,
    /// It may begin with a header.
    Source,
}

/// Grows file by file into a report. The order of the files does not matter.
#[derive(Default)]
pub(crate) struct Collector {
    /// By rule and licence: the places, and how sure the surest of them is.
    named: BTreeMap<(&'static str, String), Vec<(Location, Confidence)>>,
    unknown: Vec<Location>,
    problems: Vec<Problem>,
}

impl Purpose {
    /// What the name of a file says about it.
    pub(crate) fn of(path: &str) -> Self {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let name = name.to_ascii_lowercase();
        let end = name.find(['.', '-', '_']).unwrap_or(name.len());
        let (stem, rest) = name.split_at(end);
        // `license.rs` is code about licences; `LICENSE-MIT` and `LICENSE.md` are licences.
        let extension = rest.rsplit_once('.').map_or("", |(_, extension)| extension);
        let texts = ["", "txt", "md", "markdown", "rst", "html", "htm", "lesser", "lib"];
        let text = texts.contains(&extension) || spdx::imprecise_license_id(extension).is_some();
        let in_licences = folder == "LICENSES" || folder.ends_with("/LICENSES");
        match stem {
            _ if in_licences => Self::Licence,
            "license" | "licence" | "licenses" | "licences" | "copying" | "unlicense" if text => Self::Licence,
            "notice" | "notices" | "copyright" if text => Self::Notice,
            _ => Self::Source,
        }
    }

    /// How much of a file is read.
    pub(crate) fn limit(self) -> u64 {
        match self {
            Self::Licence | Self::Notice => MAX_LICENCE,
            Self::Source => MAX_HEADER,
        }
    }
}

impl Collector {
    /// Looks at a file, of which `content` is the beginning where it is longer than its purpose asks
    /// for.
    pub(crate) fn file(&mut self, path: &str, purpose: Purpose, content: &[u8]) {
        let top = &content[..content.len().min(MAX_HEADER as usize)];
        let headers = headers(top);
        for header in &headers {
            let rule = match header.valid {
                true => "licence-header",
                false => "licence-header-invalid",
            };
            let at = Location::range(path, header.span.clone());
            self.name(rule, &header.expression, at, Confidence::High);
        }
        if purpose == Purpose::Source {
            return;
        }
        if content.len() as u64 > MAX_LICENCE {
            let note = format!("only the first {MAX_LICENCE} bytes of a licence file are read");
            let problem = Problem::exhausted(note).at(Location::whole(path));
            self.problems.push(problem);
        }
        let matches = identify(content);
        if matches.is_empty() && headers.is_empty() && purpose == Purpose::Licence {
            self.unknown.push(Location::whole(path));
        }
        for found in matches {
            let confidence = match found.exact {
                true => Confidence::High,
                false => Confidence::Medium,
            };
            let at = Location::range(path, found.span);
            self.name("licence-file", &found.spdx, at, confidence);
        }
    }

    /// Notes that a file could not be read.
    pub(crate) fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// One finding for each licence, at the file nearest to the top: a source tree repeats its own
    /// in every file.
    pub(crate) fn finish(self) -> Report {
        let mut findings = Vec::new();
        for ((rule, spdx), mut places) in self.named {
            places.sort_by(|(a, _), (b, _)| (depth(a), a).cmp(&(depth(b), b)));
            let files = count_files(&places);
            let mut places = places.into_iter();
            let Some((first, confidence)) = places.next() else {
                continue;
            };
            let mut finding =
                Finding::new(rule, first).text("spdx", spdx).number("files", files).confidence(confidence);
            let others = places.map(|(location, _)| location);
            finding.related.extend(others.take(MAX_RELATED));
            findings.push(finding);
        }
        let unknown = self.unknown.into_iter();
        findings.extend(unknown.map(|at| Finding::new("licence-unknown", at)));
        findings.sort_by(|a, b| (&a.at, &a.rule).cmp(&(&b.at, &b.rule)));
        let mut problems = self.problems;
        problems.sort_by(|a, b| (&a.at, &a.note).cmp(&(&b.at, &b.note)));
        Report { findings, problems, dependencies: Vec::new() }
    }

    fn name(&mut self, rule: &'static str, spdx: &str, at: Location, confidence: Confidence) {
        let places = self.named.entry((rule, spdx.to_owned())).or_default();
        places.push((at, confidence));
    }
}

fn depth(location: &Location) -> usize {
    location.path.matches('/').count()
}

fn count_files(places: &[(Location, Confidence)]) -> i64 {
    let paths: std::collections::BTreeSet<&str> = places.iter().map(|(at, _)| at.path.as_str()).collect();
    i64::try_from(paths.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use certus_sdk_core::{Reason, Value};

    use super::*;

    fn text(spdx: &str) -> &'static str {
        let mut texts = spdx::text::LICENSE_TEXTS.iter();
        texts.find(|(name, _)| *name == spdx).unwrap().1
    }

    fn scan(files: &[(&str, &[u8])]) -> Report {
        let mut collector = Collector::default();
        for (path, content) in files {
            collector.file(path, Purpose::of(path), content);
        }
        collector.finish()
    }

    /// Rule, path and the licence that is named.
    fn found(report: &Report) -> Vec<(&str, &str, &str)> {
        let findings = report.findings.iter();
        findings
            .map(|finding| {
                let spdx = finding.parameters.first().map(|p| match &p.value {
                    Value::Text(spdx) => spdx.as_str(),
                    _ => "",
                });
                (finding.rule.as_str(), finding.at.path.as_str(), spdx.unwrap_or_default())
            })
            .collect()
    }

    #[test]
    fn a_name_says_what_a_file_is_read_for() {
        for (path, purpose) in [
            ("LICENSE", Purpose::Licence),
            ("a/License.txt", Purpose::Licence),
            ("LICENSE-MIT", Purpose::Licence),
            ("LICENSE.MIT", Purpose::Licence),
            ("LICENCE.md", Purpose::Licence),
            ("COPYING.LESSER", Purpose::Licence),
            ("UNLICENSE", Purpose::Licence),
            ("LICENSES/MIT.txt", Purpose::Licence),
            ("a/LICENSES/own", Purpose::Licence),
            ("NOTICE", Purpose::Notice),
            ("NOTICE.txt", Purpose::Notice),
            ("license.rs", Purpose::Source),
            ("license_check.py", Purpose::Source),
            ("licensing.md", Purpose::Source),
            ("a.c", Purpose::Source),
        ] {
            assert_eq!(Purpose::of(path), purpose, "{path}");
        }
    }

    #[test]
    fn a_licence_is_one_finding_at_the_file_nearest_to_the_top() {
        let header = b"// SPDX-License-Identifier: MIT\n";
        let report = scan(&[
            ("a/b/LICENSE", text("MIT").as_bytes()),
            ("z/LICENSE", text("MIT").as_bytes()),
            ("LICENSE-APACHE", text("Apache-2.0").as_bytes()),
            ("a/x.c", header),
            ("a/y.c", header),
            ("NOTICE", b"This product includes software of others."),
            ("b/COPYING", b"Ask us."),
        ]);
        assert_eq!(
            found(&report),
            [
                ("licence-file", "LICENSE-APACHE", "Apache-2.0"),
                ("licence-header", "a/x.c", "MIT"),
                ("licence-unknown", "b/COPYING", ""),
                ("licence-file", "z/LICENSE", "MIT"),
            ]
        );
        let headers = &report.findings[1];
        assert_eq!(headers.related.len(), 1);
        assert_eq!(headers.parameters[1].value, Value::Number(2));
    }

    #[test]
    fn a_licence_file_that_is_only_a_header_is_known() {
        let report = scan(&[("LICENSE", b"SPDX-License-Identifier: MIT OR Apache-2.0\n")]);
        assert_eq!(found(&report), [("licence-header", "LICENSE", "MIT OR Apache-2.0")]);
    }

    #[test]
    fn a_header_that_nobody_knows_or_that_stands_too_deep() {
        let mut deep = vec![b'\n'; MAX_HEADER as usize];
        deep.extend(b"// SPDX-License-Identifier: MIT\n");
        let report = scan(&[("a.c", b"// SPDX-License-Identifier: My Own\n"), ("b.c", &deep)]);
        assert_eq!(found(&report), [("licence-header-invalid", "a.c", "My Own")]);
    }

    #[test]
    fn a_licence_file_beyond_the_bound_is_exhausted_and_read_as_far() {
        let mut long = text("MIT").as_bytes().to_vec();
        long.resize(MAX_LICENCE as usize + 1, b'\n');
        let report = scan(&[("LICENSE", &long)]);
        assert_eq!(found(&report), [("licence-file", "LICENSE", "MIT")]);
        assert_eq!(report.problems[0].reason, Reason::Exhausted);
    }
}
