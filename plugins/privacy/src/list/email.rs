//! Addresses of people: RFC 5322's common form, at a domain that exists.

use std::ops::Range;

/// RFC 5321, 4.5.3.1.
const MOST_LOCAL: usize = 64;
const MOST_DOMAIN: usize = 253;

/// Mailboxes of functions rather than people: RFC 2142 and custom. Digits at their end do not count.
const ROLES: &[&str] = &[
    "abuse",
    "accounts",
    "admin",
    "administrator",
    "bar",
    "billing",
    "bot",
    "build",
    "careers",
    "ci",
    "contact",
    "contacts",
    "customer",
    "customerservice",
    "daemon",
    "dev",
    "devops",
    "donotreply",
    "dpo",
    "email",
    "enquiries",
    "example",
    "feedback",
    "first.last",
    "firstname.lastname",
    "foo",
    "git",
    "hello",
    "help",
    "hg",
    "hostmaster",
    "hr",
    "info",
    "inquiries",
    "jane",
    "jane.doe",
    "janedoe",
    "jobs",
    "joe",
    "john",
    "john.doe",
    "john.smith",
    "johndoe",
    "legal",
    "list",
    "mail",
    "mailer-daemon",
    "marketing",
    "me",
    "name",
    "news",
    "newsletter",
    "no-reply",
    "no_reply",
    "nobody",
    "noreply",
    "notification",
    "notifications",
    "office",
    "ops",
    "postmaster",
    "press",
    "privacy",
    "reply",
    "root",
    "sales",
    "security",
    "service",
    "services",
    "someone",
    "support",
    "svn",
    "team",
    "test",
    "tester",
    "testing",
    "user",
    "username",
    "webmaster",
    "you",
    "your.name",
    "yourname",
];

/// Domains of examples (RFC 2606, RFC 6761) and those that people type in their place.
const NOWHERE: &[&str] = &[
    "acme.com",
    "bar.com",
    "company.com",
    "domain.com",
    "email.com",
    "foo.com",
    "localhost.com",
    "mailinator.com",
    "mycompany.com",
    "mydomain.com",
    "noreply.github.com",
    "test.com",
    "yourcompany.com",
    "yourdomain.com",
];

const NOWHERE_ENDS: &[&str] = &["example", "internal", "invalid", "lan", "local", "localdomain", "localhost", "test"];

/// What `name@2x.png` ends with.
const FILES: &[&str] = &["css", "gif", "html", "jpeg", "jpg", "js", "json", "map", "md", "png", "svg", "ts", "webp"];

/// The address around the `@` at `at`, if it is a person's.
pub(crate) fn around(content: &[u8], at: usize) -> Option<Range<usize>> {
    let is_local = |byte: &&u8| byte.is_ascii_alphanumeric() || b"._%+-'".contains(byte);
    let is_domain = |byte: &&u8| byte.is_ascii_alphanumeric() || b".-".contains(byte);
    let length = content[..at].iter().rev().take(MOST_LOCAL + 1).take_while(is_local).count();
    let start = at - length;
    let marks = content[start..at].iter().take_while(|byte| !byte.is_ascii_alphanumeric()).count();
    let local = &content[start + marks..at];
    let domain = content[at + 1..].iter().take(MOST_DOMAIN + 1).take_while(is_domain).count();
    let domain = &content[at + 1..at + 1 + domain];
    let end = domain.iter().rposition(u8::is_ascii_alphanumeric)? + 1;
    let domain = str::from_utf8(&domain[..end]).ok()?.to_ascii_lowercase();
    let local_name = str::from_utf8(local).ok()?.to_ascii_lowercase();
    let fits = (1..=MOST_LOCAL).contains(&local.len()) && end <= MOST_DOMAIN;
    let fits = fits && !content[..start + marks].ends_with(b"/");
    (fits && is_person(&local_name) && is_somewhere(&domain)).then_some(start + marks..at + 1 + end)
}

fn is_person(local: &str) -> bool {
    let name = local.split('+').next().unwrap_or(local).trim_end_matches(|c: char| c.is_ascii_digit());
    !name.is_empty() && ROLES.binary_search(&name).is_err()
}

fn is_somewhere(domain: &str) -> bool {
    let mut labels = domain.split('.');
    let top = labels.next_back().unwrap_or_default();
    let is_top = (2..=24).contains(&top.len()) && top.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_nowhere =
        |known: &&str| domain.strip_suffix(*known).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    is_top
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty() && label != "example")
        && !FILES.contains(&top)
        && !NOWHERE_ENDS.contains(&top)
        && !NOWHERE.iter().any(is_nowhere)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        let at = text.find('@').expect("an @ is there");
        around(text.as_bytes(), at).map(|range| &text[range])
    }

    #[test]
    fn addresses_of_people_are_found() {
        assert!(ROLES.is_sorted());
        let people = [
            ("ann.quill@mail.brightfold.io,", "ann.quill@mail.brightfold.io"),
            ("<ann+x@brightfold.io>.", "ann+x@brightfold.io"),
            ("mailto:ann@brightfold.io", "ann@brightfold.io"),
            ("\"mail\":\"ann@brightfold.io\"", "ann@brightfold.io"),
            ("EMAIL:ann@brightfold.io", "ann@brightfold.io"),
            ("see ann@brightfold.io.", "ann@brightfold.io"),
        ];
        for (text, address) in people {
            assert_eq!(found(text), Some(address), "{text}");
        }
    }

    #[test]
    fn addresses_of_nobody_are_not() {
        for text in [
            "info@brightfold.io",
            "Support2@brightfold.io",
            "ann@example.com",
            "ann@mail.example.org",
            "ann@host.test",
            "1+ann@users.noreply.github.com",
            "icon@2x.png",
            "lodash@4.17.21",
            "https://ann@brightfold.io",
            "@decorator.name",
            "ann@localhost",
            "ann@brightfold",
            "ann@.io",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
