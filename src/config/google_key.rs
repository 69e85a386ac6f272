//! The file by which Google knows us.

use serde::Deserialize;

use super::{Secret, values};

/// Where Google hands out tokens, where the file does not say.
const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";

/// What Google knows us by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum GoogleKey {
    /// A program of its own, with which the calendar was shared.
    ServiceAccount {
        /// Its name, which looks like an e-mail address.
        client_email: String,
        /// Its key, as PEM.
        private_key: Secret,
        /// Where it gets its tokens.
        token_url: String,
    },
    /// A person who let this program in.
    Person {
        /// The program's name.
        client_id: String,
        /// The program's own secret.
        client_secret: Secret,
        /// What the person gave it.
        refresh_token: Secret,
        /// Where it gets its tokens.
        token_url: String,
    },
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum File {
    ServiceAccount {
        client_email: String,
        private_key: String,
        token_uri: Option<String>,
    },
    AuthorizedUser {
        client_id: String,
        client_secret: String,
        refresh_token: String,
        token_uri: Option<String>,
    },
}

impl GoogleKey {
    /// Reads the file's text. No error tells anything of it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let file: File = serde_json::from_str(text).map_err(|_| {
            "is no file of credentials; it is the JSON file of a service account, or what \
             `gcloud auth application-default login` writes"
                .to_owned()
        })?;
        let token_url = |url: Option<String>| {
            let url = values::base_url(url.as_deref().unwrap_or(TOKEN_URL));
            url.ok().flatten().ok_or("has a token_uri that is no http or https address".to_owned())
        };
        Ok(match file {
            File::ServiceAccount { client_email, private_key, token_uri } => Self::ServiceAccount {
                client_email,
                private_key: Secret::new(private_key),
                token_url: token_url(token_uri)?,
            },
            File::AuthorizedUser { client_id, client_secret, refresh_token, token_uri } => {
                Self::Person {
                    client_id,
                    client_secret: Secret::new(client_secret),
                    refresh_token: Secret::new(refresh_token),
                    token_url: token_url(token_uri)?,
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_files_are_read() {
        let account = r#"{"type": "service_account", "project_id": "x", "private_key": "hunter2",
            "client_email": "a@b.example", "token_uri": "http://127.0.0.1:1/token"}"#;
        let expected = GoogleKey::ServiceAccount {
            client_email: "a@b.example".to_owned(),
            private_key: Secret::new("hunter2"),
            token_url: "http://127.0.0.1:1/token".to_owned(),
        };
        assert_eq!(GoogleKey::parse(account), Ok(expected));
        let person = r#"{"type": "authorized_user", "client_id": "c", "client_secret": "s",
            "refresh_token": "r"}"#;
        let expected = GoogleKey::Person {
            client_id: "c".to_owned(),
            client_secret: Secret::new("s"),
            refresh_token: Secret::new("r"),
            token_url: TOKEN_URL.to_owned(),
        };
        assert_eq!(GoogleKey::parse(person), Ok(expected));
    }

    #[test]
    fn no_refusal_tells_a_secret() {
        for text in [
            "hunter2",
            r#"{"type": "service_account", "private_key": "hunter2"}"#,
            r#"{"type": "hunter2"}"#,
            r#"{"type": "authorized_user", "client_id": "c", "client_secret": "hunter2",
                "refresh_token": "hunter2", "token_uri": "hunter2"}"#,
        ] {
            let problem = GoogleKey::parse(text).expect_err("a refusal");
            assert!(!problem.contains("hunter2"), "{problem}");
        }
    }
}
