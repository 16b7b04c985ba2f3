//! The little about URLs that lock files ask for. Whatever leaves here holds no credentials.

/// `url` without user, password and fragment.
pub(crate) fn without_credentials(url: &str) -> String {
    let url = url.split('#').next().unwrap_or_default();
    match cut(url) {
        Some((scheme, authority, rest)) => format!("{scheme}://{}{rest}", host_of(authority)),
        None => url.to_owned(),
    }
}

/// A git repository's URL as version control tools spell it: without the prefix `git+`, query and
/// fragment, `git@host:path` as `ssh://git@host/path`.
pub(crate) fn repository(url: &str) -> String {
    let url = url.strip_prefix("git+").unwrap_or(url);
    let url = url.split(['#', '?']).next().unwrap_or_default();
    if let Some((scheme, authority, rest)) = cut(url) {
        // Over ssh the user names the service, not a person, and there is no password.
        let user = match authority.rsplit_once('@') {
            Some(("git", _)) => "git@",
            _ => "",
        };
        return format!("{scheme}://{user}{}{rest}", host_of(authority));
    }
    match url.split_once(':') {
        Some((authority, path)) if authority.contains('@') => {
            let user = if authority.starts_with("git@") { "git@" } else { "" };
            format!("ssh://{user}{}/{path}", host_of(authority))
        }
        _ => url.to_owned(),
    }
}

/// The part behind the last `#`: a commit or a digest, by convention of several tools.
pub(crate) fn fragment(url: &str) -> Option<&str> {
    url.rsplit_once('#').map(|(_, fragment)| fragment)
}

/// The host of a URL that is fetched without encryption, and not from this machine.
pub(crate) fn insecure_host(url: &str) -> Option<&str> {
    let (scheme, authority, _) = cut(url)?;
    let host = host_of(authority);
    let name = host.split(':').next().unwrap_or_default();
    let plain = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("git");
    let local = matches!(name, "localhost" | "127.0.0.1" | "") || host.starts_with("[::1]");
    (plain && !local).then_some(host)
}

/// Whether a lock's reference leads to a git repository.
pub(crate) fn is_git(url: &str) -> bool {
    let path = url.split(['#', '?']).next().unwrap_or_default();
    url.starts_with("git+")
        || url.starts_with("git:")
        || url.starts_with("ssh:")
        || url.starts_with("git@")
        || url.starts_with("github:")
        || url.starts_with("gitlab:")
        || url.starts_with("bitbucket:")
        || path.ends_with(".git")
}

/// Whether it is fetched from the web as an archive.
pub(crate) fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// The repository and the commit of an archive that a code host packs from git: no registry has it,
/// and its hash is not stable, but the commit says what is in it.
pub(crate) fn tarball_of_git(url: &str) -> Option<(String, &str)> {
    let path = url.strip_prefix("https://codeload.github.com/")?;
    let path = path.split(['#', '?']).next()?;
    let (repository, commit) = path.split_once("/tar.gz/")?;
    Some((format!("https://github.com/{repository}.git"), commit))
}

fn cut(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    Some((scheme, &rest[..end], &rest[end..]))
}

fn host_of(authority: &str) -> &str {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_never_leave() {
        for (name, url, expected) in [
            ("password", "https://u:p@x.example/a.tgz", "https://x.example/a.tgz"),
            ("token", "https://tok@x.example:8443/a", "https://x.example:8443/a"),
            ("at sign in it", "https://u:p@q@x.example/@s/a", "https://x.example/@s/a"),
            ("none", "https://x.example/@s/a-1.tgz#sha", "https://x.example/@s/a-1.tgz"),
            ("no URL", "file:../a", "file:../a"),
        ] {
            assert_eq!(without_credentials(url), expected, "{name}");
        }
        assert_eq!(repository("git+ssh://u:p@x.example/a.git#v1"), "ssh://x.example/a.git");
        assert_eq!(repository("bob@x.example:a/b"), "ssh://x.example/a/b");
    }

    #[test]
    fn only_a_foreign_host_without_encryption_is_insecure() {
        for (url, expected) in [
            ("http://u:p@x.example:80/a", Some("x.example:80")),
            ("git://x.example/a", Some("x.example")),
            ("https://x.example/a", None),
            ("http://localhost:4873/a", None),
            ("http://127.0.0.1/a", None),
            ("http://[::1]:80/a", None),
            ("x", None),
        ] {
            assert_eq!(insecure_host(url), expected, "{url}");
        }
    }
}
