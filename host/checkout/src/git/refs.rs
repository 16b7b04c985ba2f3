//! What a repository advertises, and which object of it is meant.

use gix::ObjectId;

use crate::error::{Error, shown};
use crate::reference::Reference;

/// How many existing branches an unknown name is answered with.
const SUGGESTIONS: usize = 5;

/// Reads the lines of `git ls-remote` as they come and keeps what matters for one name: a server may
/// advertise millions.
pub(super) struct Advertised<'a> {
    asked: Option<&'a Reference>,
    any: bool,
    exact: Option<ObjectId>,
    branch: Option<ObjectId>,
    tag: Option<ObjectId>,
    near: Vec<(usize, String)>,
}

impl<'a> Advertised<'a> {
    pub(super) fn new(asked: Option<&'a Reference>) -> Self {
        Self { asked, any: false, exact: None, branch: None, tag: None, near: Vec::new() }
    }

    /// Takes one line: object id, tab, name. Anything else is passed over.
    pub(super) fn line(&mut self, line: &[u8]) {
        let Some((id, name)) = std::str::from_utf8(line).ok().and_then(|line| line.split_once('\t')) else {
            return;
        };
        let Ok(id) = ObjectId::from_hex(id.as_bytes()) else {
            return;
        };
        self.any = true;
        let asked = self.asked.map_or("HEAD", Reference::as_str);
        if name == asked && (name == "HEAD" || name.starts_with("refs/")) {
            self.exact = Some(id);
        } else if name.strip_prefix("refs/tags/") == Some(asked) {
            self.tag = Some(id);
        }
        if let Some(branch) = name.strip_prefix("refs/heads/") {
            if branch == asked {
                self.branch = Some(id);
            }
            self.suggest(asked.strip_prefix("refs/heads/").unwrap_or(asked), branch);
        }
    }

    /// The object that is meant.
    pub(super) fn choose(self, place: &str) -> Result<ObjectId, Error> {
        if !self.any {
            return Err(Error::Empty { place: shown(place), problem: "the repository has no commit" });
        }
        if let Some(commit) = self.asked.filter(|asked| asked.is_commit()) {
            return ObjectId::from_hex(commit.as_str().as_bytes())
                .map_err(|_| unknown(Some(commit), "is no commit id", "give the id of a commit in full"));
        }
        match (self.exact, self.branch, self.tag) {
            (Some(id), _, _) | (None, Some(id), None) | (None, None, Some(id)) => Ok(id),
            (None, Some(branch), Some(tag)) if branch == tag => Ok(branch),
            (None, Some(_), Some(_)) => Err(unknown(
                self.asked,
                "is both a branch and a tag",
                "write `refs/heads/…` or `refs/tags/…` to say which",
            )),
            (None, None, None) => Err(self.not_there(place)),
        }
    }

    fn not_there(self, place: &str) -> Error {
        let names: Vec<_> = self.near.iter().map(|(_, name)| format!("`{}`", shown(name))).collect();
        let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        let place = shown(place);
        match self.asked {
            None => {
                unknown(None, &format!("leads to no commit in `{place}`"), &format!("name a branch; there is {names}"))
            }
            Some(asked) if asked.looks_like_commit() => unknown(
                Some(asked),
                &format!("is no branch or tag of `{place}`"),
                "give a commit by its full id of 40 digits",
            ),
            Some(asked) => unknown(
                Some(asked),
                &format!("is no branch or tag of `{place}`"),
                &format!("among its branches there is {names}"),
            ),
        }
    }

    /// Keeps the branches whose names are closest to the one that was asked for.
    fn suggest(&mut self, asked: &str, branch: &str) {
        // Names that no ref may have cannot be asked for either.
        if branch.len() <= 255 {
            self.near.push((distance(asked, branch), branch.to_owned()));
            self.near.sort();
            self.near.truncate(SUGGESTIONS);
        }
    }
}

/// An error about `asked`, or about the default branch.
pub(super) fn unknown(asked: Option<&Reference>, problem: &str, remedy: &str) -> Error {
    Error::UnknownRef {
        asked: shown(asked.map_or("HEAD", Reference::as_str)),
        problem: problem.to_owned(),
        remedy: remedy.to_owned(),
    }
}

/// How many characters have to be changed, added or removed (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(asked: Option<&str>, lines: &[&str]) -> Result<String, Error> {
        let asked = asked.map(|asked| asked.parse().unwrap());
        let mut advertised = Advertised::new(asked.as_ref());
        for line in lines {
            advertised.line(line.as_bytes());
        }
        advertised.choose("there").map(|id| id.to_string())
    }

    fn id(digit: &str) -> String {
        digit.repeat(40)
    }

    #[test]
    fn names_lead_to_objects() {
        let lines = [
            format!("{}\tHEAD", id("1")),
            format!("{}\trefs/heads/main", id("1")),
            format!("{}\trefs/heads/odd", id("2")),
            format!("{}\trefs/tags/v1", id("3")),
            format!("{}\trefs/tags/v1^{{}}", id("4")),
            format!("{}\trefs/tags/both", id("5")),
            format!("{}\trefs/heads/both", id("6")),
            format!("{}\trefs/notes/refs/heads/x", id("7")),
            "garbage".to_owned(),
            "short\trefs/heads/short".to_owned(),
        ];
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        for (asked, expected) in [
            (None, "1"),
            (Some("HEAD"), "1"),
            (Some("main"), "1"),
            (Some("odd"), "2"),
            (Some("refs/heads/odd"), "2"),
            (Some("v1"), "3"),
            (Some("refs/tags/both"), "5"),
            (Some("refs/heads/both"), "6"),
            (Some(id("a").as_str()), "a"),
        ] {
            assert_eq!(answer(asked, &lines).unwrap(), id(expected), "{asked:?}");
        }
        for asked in ["both", "x", "short", "refs/heads/x", "heads/main", "deadbeef"] {
            let error = answer(Some(asked), &lines).unwrap_err();
            assert_eq!(error.reason(), Some(certus_model::outcome::CheckoutReason::UnknownRef), "{asked}: {error}");
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_five_closest_and_no_control_characters() {
        let names = ["alpha", "develop", "devel", "main", "maim", "master", "release\u{1b}[2J"];
        let lines: Vec<_> = names.iter().map(|name| format!("{}\trefs/heads/{name}", id("1"))).collect();
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        let message = answer(Some("mian"), &lines).unwrap_err().to_string();
        assert!(message.ends_with("there is `main`, `maim`, `alpha`, `devel`, `master`"), "{message}");
        let message = answer(Some("release"), &lines).unwrap_err().to_string();
        assert!(message.contains("`release\\u{1b}[2J`"), "{message}");
    }

    #[test]
    fn no_refs_at_all_is_an_empty_repository() {
        assert_eq!(answer(None, &[]).unwrap_err().reason(), Some(certus_model::outcome::CheckoutReason::Empty));
    }
}
