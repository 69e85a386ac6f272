//! What a client is told of this server: the program, its arguments and its environment.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsStr;
use std::io;
use std::iter;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use url::Url;

use super::clients::Client;

/// How a client starts this server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The program, by its full path: clients look in other folders than a shell does.
    pub command: String,
    /// The file of settings that it reads, by its full path.
    pub config: Option<String>,
    /// The settings that are given to it.
    pub environment: BTreeMap<String, String>,
}

impl Entry {
    /// This program, with the file of settings that the command line names.
    pub fn of_this_program(
        config: Option<&Path>,
        environment: BTreeMap<String, String>,
    ) -> io::Result<Self> {
        let text = |path: PathBuf| {
            let unreadable = |path| io::Error::other(format!("{path:?} is not UTF-8"));
            path.into_os_string().into_string().map_err(unreadable)
        };
        let config = config.map(|config| text(std::path::absolute(config)?)).transpose()?;
        Ok(Self { command: text(this_program()?)?, config, environment })
    }

    /// The program's arguments.
    pub fn arguments(&self) -> Vec<String> {
        let config = self.config.iter().flat_map(|config| ["--config".to_owned(), config.clone()]);
        iter::once("serve".to_owned()).chain(config).collect()
    }

    /// The same with the file of settings that an earlier `present` one reads, where this names none.
    pub fn keeping_config(&self, present: Option<&Map<String, Value>>) -> Self {
        let earlier = || present.and_then(config_of).map(str::to_owned);
        Self { config: self.config.clone().or_else(earlier), ..self.clone() }
    }

    /// The server as `client` writes it, with what a user has added to an earlier `present` one.
    pub fn merged(
        &self,
        client: Client,
        present: Option<&Map<String, Value>>,
    ) -> Map<String, Value> {
        let mut server = present.cloned().unwrap_or_default();
        if let Value::Object(shape) = client.shape(self) {
            server.extend(shape);
        }
        if !self.environment.is_empty() {
            let mut environment = match server.get("env") {
                Some(Value::Object(variables)) => variables.clone(),
                _ => Map::new(),
            };
            environment.extend(self.environment.iter().map(|(k, v)| (k.clone(), json!(v))));
            server.insert("env".to_owned(), Value::Object(environment));
        }
        server
    }

    /// Whether a server in a client's file is this program, and not another that has its name.
    pub fn is(&self, server: &Value) -> bool {
        let arguments = server.get("args").and_then(Value::as_array);
        let words = server.get("command").into_iter().chain(arguments.into_iter().flatten());
        words
            .filter_map(Value::as_str)
            .any(|word| word == self.command || word.contains("servicebay"))
    }

    /// The names of those variables that hold a secret.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let secret = self.environment.iter().filter(|(name, value)| is_secret(name, value));
        secret.map(|(name, _)| name.as_str())
    }
}

/// The file of settings that a server's arguments name.
fn config_of(server: &Map<String, Value>) -> Option<&str> {
    let arguments = server.get("args")?.as_array()?;
    let mut words = arguments.iter().filter_map(Value::as_str);
    while let Some(word) = words.next() {
        if word == "--config" {
            return words.next();
        }
        if let Some(file) = word.strip_prefix("--config=") {
            return Some(file);
        }
    }
    None
}

/// The path of this program as the shell finds it, which an update leaves in place, else the real one.
fn this_program() -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    let real = program.canonicalize()?;
    let folders = env::var_os("PATH").unwrap_or_default();
    let name = program.file_name().unwrap_or(OsStr::new("servicebay")).to_owned();
    let found = env::split_paths(&folders)
        .map(|folder| folder.join(&name))
        .find(|path| path.is_absolute() && path.canonicalize().is_ok_and(|path| path == real));
    Ok(found.unwrap_or(program))
}

fn is_secret(name: &str, value: &str) -> bool {
    const ENDINGS: [&str; 4] = ["_KEY", "_PASSWORD", "_SECRET", "_TOKEN"];
    let in_url = |url: Url| {
        url.password().is_some() || url.query_pairs().any(|(name, _)| name.contains("password"))
    };
    ENDINGS.iter().any(|ending| name.ends_with(ending)) || Url::parse(value).is_ok_and(in_url)
}

/// Reads `KEY=VALUE`.
pub fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("is no KEY=VALUE")?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name {
        return Err("the key may have letters, digits and _ only".to_owned());
    }
    if value.contains(char::is_control) {
        return Err("the value has a control character".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// Reads the name of a server, which every client takes.
pub fn name(text: &str) -> Result<String, String> {
    let is_name = (1..=64).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if is_name {
        Ok(text.to_owned())
    } else {
        Err("up to 64 letters, digits, - and _ are allowed".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_has_a_name_and_one_line() {
        let read = |text| variable(text).ok();
        assert_eq!(read("SHOP_BAYS=3"), Some(("SHOP_BAYS".into(), "3".into())));
        assert_eq!(read("A=b=c"), Some(("A".into(), "b=c".into())));
        assert_eq!(read("NHTSA_BASE_URL="), Some(("NHTSA_BASE_URL".into(), String::new())));
        for wrong in ["SHOP_BAYS", "=3", "3A=3", "A B=3", "A=b\nc"] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_server_names_its_file_of_settings() {
        let read = |arguments: &[&str]| {
            let server = json!({ "command": "servicebay", "args": arguments });
            server.as_object().and_then(config_of).map(str::to_owned)
        };
        for named in [
            &["serve", "--config", "a.toml"][..],
            &["--config", "a.toml", "serve"],
            &["serve", "--config=a.toml"],
        ] {
            assert_eq!(read(named).as_deref(), Some("a.toml"), "{named:?}");
        }
        for none in [&[][..], &["serve"], &["serve", "--config"]] {
            assert_eq!(read(none), None, "{none:?}");
        }
    }

    #[test]
    fn secrets_are_known_by_their_name_or_url() {
        assert!(is_secret("CRM_API_KEY", "x"));
        assert!(is_secret("DATABASE_URL", "postgres://ann:secret@localhost/shop"));
        assert!(is_secret("DATABASE_URL", "postgres://localhost/shop?password=secret"));
        assert!(!is_secret("DATABASE_URL", "postgres://ann@localhost/shop"));
        assert!(!is_secret("DATABASE_URL_FILE", "/run/secrets/url"));
        assert!(!is_secret("SHOP_TIMEZONE", "America/New_York"));
    }
}
