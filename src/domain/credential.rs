//! What proves to a registry who asks. Values show themselves to nobody: only
//! the registry client opens them.

use secrecy::SecretString;

/// A user name with a password, or one of the two kinds of token.
#[derive(Debug, Clone)]
pub enum Credential {
    Basic {
        username: String,
        password: SecretString,
    },
    /// One that the token service changes into tokens for the registry.
    IdentityToken(SecretString),
    /// One that the registry itself takes, as it is.
    RegistryToken(SecretString),
}

impl Credential {
    /// Returns the account that tokens are kept for; two secrets of one user
    /// are one account.
    #[must_use]
    pub fn account(&self) -> &str {
        match self {
            Self::Basic { username, .. } => username,
            Self::IdentityToken(_) => "<token>",
            Self::RegistryToken(_) => "<registry-token>",
        }
    }
}
