//! What a service knows us by.

use reqwest::RequestBuilder;

use crate::config::Secret;

/// What a service knows us by. The header that carries it is marked as sensitive, so that nothing
/// prints it.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A key, or a token.
    Bearer(Secret),
    /// A name and a password.
    Basic {
        /// The name.
        username: String,
        /// The password.
        password: Secret,
    },
}

impl Credentials {
    /// The same request, signed.
    pub(super) fn apply(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::Bearer(key) => request.bearer_auth(key.expose()),
            Self::Basic { username, password } => {
                request.basic_auth(username, Some(password.expose()))
            }
        }
    }
}
