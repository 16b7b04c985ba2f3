//! What opens a private repository.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A login for one `https` repository. It cannot be printed, and reaches git through its environment
/// alone: never through an argument, a URL or a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    user: String,
    secret: String,
}

impl Credential {
    /// A token, for hosts that take any user name with one (GitHub, GitLab, Gitea, Azure DevOps).
    pub fn token(token: impl Into<String>) -> Self {
        Self::login("x-access-token", token)
    }

    /// A user name with a password or token.
    pub fn login(user: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { user: user.into(), secret: secret.into() }
    }

    /// The HTTP header that carries it: a secret, for git's environment alone. Base64 leaves no character
    /// with which it could end the line.
    pub fn header(&self) -> String {
        format!("Authorization: {}", self.basic())
    }

    /// The value of that header.
    pub(crate) fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.user, self.secret)))
    }

    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_basic_header_and_never_printed() {
        let credential = Credential::login("me", "s3cret\r\nX: y");
        assert_eq!(credential.header(), "Authorization: Basic bWU6czNjcmV0DQpYOiB5");
        assert!(!format!("{credential:?} {credential:#?}").contains("s3cret"));
        assert!(!format!("{:?}", Credential::token("tok")).contains("tok"));
    }
}
