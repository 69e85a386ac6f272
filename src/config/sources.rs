//! Where values come from: the file and the environment, by one rule for names.

use std::io::ErrorKind;
use std::path::Path;

use toml::{Table, Value};

use super::error::{ConfigError, Wrong};
use super::folders::{self, Folders};
use super::lists;
use super::settings::Setting;
use super::values::{check_text, quote_safely};

/// Pairs of settings that say the same thing; only one of each may be set.
const RIVALS: [(&str, &str); 6] = [
    ("database.url", "database.url_file"),
    ("shop.bays", "bays"),
    ("crm.api_key", "crm.api_key_file"),
    ("billing.api_key", "billing.api_key_file"),
    ("inventory.api_key", "inventory.api_key_file"),
    ("caldav.password", "caldav.password_file"),
];

/// Everything that may hold a setting.
pub(super) struct Sources<'a> {
    /// The file, where there is one.
    pub file: Option<File<'a>>,
    /// The environment.
    pub env: &'a dyn Fn(&str) -> Option<String>,
}

/// A file of settings.
pub(super) struct File<'a> {
    /// As errors name it.
    pub name: &'a str,
    /// What it holds.
    pub table: Table,
}

/// Where a value came from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Origin {
    /// The variable of this name.
    Environment(String),
    /// The file of this name.
    File(String),
}

/// One value as somebody wrote it.
pub(super) struct Input<'a> {
    /// Where it was written.
    pub origin: Origin,
    /// What was written.
    pub value: Value,
    /// For the paths that begin with `~`.
    pub folders: Option<&'a Folders>,
    /// `section.key`.
    pub key: &'a str,
    is_secret: bool,
}

/// The key of the setting that says the same as this one.
pub(super) fn rival(key: &str) -> Option<&'static str> {
    let other = |&(one, other): &(&'static str, &'static str)| match key {
        _ if key == one => Some(other),
        _ if key == other => Some(one),
        _ => None,
    };
    RIVALS.iter().find_map(other)
}

/// The name and text of the file of settings: the one on the command line, else the one in
/// `SERVICEBAY_CONFIG`, else the user's, which need not exist.
pub(super) fn read_file(
    chosen: Option<&Path>,
    env: &dyn Fn(&str) -> Option<String>,
    folders: Option<&Folders>,
) -> Result<Option<(String, String)>, ConfigError> {
    let variable = "SERVICEBAY_CONFIG";
    let in_environment = env(variable).filter(|value| !value.trim().is_empty());
    let (name, path) = match (chosen, &in_environment, folders) {
        (Some(path), _, _) => (path.display().to_string(), path.to_owned()),
        (None, Some(value), _) => {
            (format!("{variable} = {}", quote_safely(value)), value.as_str().into())
        }
        (None, None, Some(folders)) => {
            let path = folders.config.join("servicebay.toml");
            (path.display().to_string(), path)
        }
        (None, None, None) => return Ok(None),
    };
    let is_named = chosen.is_some() || in_environment.is_some();
    let refuse = |problem| ConfigError::Refused { setting: name.clone(), problem };
    check_text(&path.to_string_lossy()).map_err(refuse)?;
    let path = folders::absolute(&path, folders).map_err(refuse)?;
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some((path.display().to_string(), text))),
        Err(error) if error.kind() == ErrorKind::NotFound && !is_named => Ok(None),
        Err(source) => Err(ConfigError::Unreadable { name, source }),
    }
}

impl<'a> File<'a> {
    /// Reads the text of the file `name`.
    pub fn parse(name: &'a str, text: &str) -> Result<Self, ConfigError> {
        let table = text.parse().map_err(|error: toml::de::Error| {
            let start = error.span().map_or(0, |span| span.start);
            let before = text.get(..start).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            ConfigError::Syntax { file: name.to_owned(), line, problem: one_line(&error) }
        })?;
        Ok(Self { name, table })
    }
}

impl Origin {
    /// The setting as the user wrote it: the variable, or the file and its key.
    pub fn name_of(&self, key: &str) -> String {
        match self {
            Self::Environment(variable) => variable.clone(),
            Self::File(file) => format!("{file}: {key}"),
        }
    }
}

impl<'a> Sources<'a> {
    /// Every setting that somebody wrote, with its value; of two rivals, the environment's.
    pub fn find_all<'s>(
        &self,
        settings: &'s [Setting],
        folders: Option<&'s Folders>,
    ) -> Result<Vec<(&'s Setting, Input<'s>)>, ConfigError> {
        let mut found = Vec::new();
        for setting in settings {
            if let Some(input) = self.find(setting, folders)? {
                found.push((setting, input));
            }
        }
        settle_rivals(&mut found)?;
        Ok(found)
    }

    fn find<'s>(
        &self,
        setting: &'s Setting,
        folders: Option<&'s Folders>,
    ) -> Result<Option<Input<'s>>, ConfigError> {
        let name = setting.variable();
        let may_be_empty = setting.may_be_empty;
        let text = (self.env)(&name).filter(|text| may_be_empty || !text.trim().is_empty());
        let (origin, value) = match (text, &self.file) {
            (Some(text), _) => (Origin::Environment(name), Some(Value::String(text))),
            (None, Some(file)) => {
                (Origin::File(file.name.to_owned()), value_at(&file.table, &setting.key).cloned())
            }
            (None, None) => return Ok(None),
        };
        let Some(value) = value else { return Ok(None) };
        let is_secret = setting.is_secret;
        let mut input = Input { origin, value, folders, key: &setting.key, is_secret };
        if setting.is_list() {
            input.parse_list().map_err(|wrong| input.refuse(wrong))?;
        }
        Ok(Some(input))
    }
}

impl Input<'_> {
    /// The value as text, as a variable would hold it.
    pub fn text(&self) -> Result<String, Wrong> {
        text_of(&self.value).map_err(|why| self.wrong(why))
    }

    /// The values of a TOML array, or of a text by comma.
    pub fn texts(&self) -> Result<Vec<String>, Wrong> {
        match &self.value {
            Value::Array(values) => {
                let texts = values.iter().map(text_of).collect::<Result<_, _>>();
                texts.map_err(|why| self.wrong(why))
            }
            _ => Ok(self.text()?.split(',').map(|text| text.trim().to_owned()).collect()),
        }
    }

    /// The problem of this value, which it shows unless it is a secret.
    pub fn wrong(&self, why: String) -> Wrong {
        let shown = show(&self.value).filter(|_| !self.is_secret);
        Wrong { at: String::new(), shown, why }
    }

    /// The problem under the name by which the user knows the setting.
    pub fn refuse(&self, Wrong { at, shown, why }: Wrong) -> ConfigError {
        let value = shown.map_or_else(String::new, |shown| format!(" = {shown}"));
        let setting = format!("{}{at}{value}", self.origin.name_of(self.key));
        ConfigError::Refused { setting, problem: why }
    }

    /// Turns a variable's text into the list of tables that it holds.
    fn parse_list(&mut self) -> Result<(), Wrong> {
        if let Value::String(_) = self.value {
            let example = lists::example(self.key);
            let problem = || self.wrong(format!("is not a list of tables; write {example}"));
            self.value = self.text()?.parse().map_err(|_| problem())?;
        }
        Ok(())
    }
}

/// A single value as text; what else there is, is a problem.
pub(super) fn text_of(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => check_text(text.trim()).map(str::to_owned),
        Value::Array(_) => Err("is a list; write one value".to_owned()),
        Value::Table(_) => Err("is a section; write one value".to_owned()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Float(number) => Ok(number.to_string()),
        Value::Boolean(switch) => Ok(switch.to_string()),
        Value::Datetime(time) => Ok(time.to_string()),
    }
}

/// A single value, or a list of them, as an error quotes it.
pub(super) fn show(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(quote_safely(text)),
        Value::Table(_) => None,
        Value::Array(values) => {
            let values: Option<Vec<String>> = values.iter().map(show).collect();
            values.map(|values| format!("[{}]", values.join(", ")))
        }
        _ => text_of(value).ok(),
    }
}

fn value_at<'t>(table: &'t Table, key: &str) -> Option<&'t Value> {
    match key.split_once('.') {
        Some((section, rest)) => value_at(table.get(section)?.as_table()?, rest),
        None => table.get(key),
    }
}

/// Of two rivals, drops the file's where the environment has the other.
fn settle_rivals(found: &mut Vec<(&Setting, Input)>) -> Result<(), ConfigError> {
    for (one, other) in RIVALS {
        let place = |key: &str| found.iter().position(|(setting, _)| setting.key == key);
        let is_file = |input: &Input| matches!(input.origin, Origin::File(_));
        let (Some(one), Some(other)) = (place(one), place(other)) else { continue };
        let (Some((_, first)), Some((_, second))) = (found.get(one), found.get(other)) else {
            continue;
        };
        if is_file(first) == is_file(second) {
            let name = |input: &Input| input.origin.name_of(input.key);
            return Err(ConfigError::Both(name(first), name(second)));
        }
        let dropped = if is_file(first) { one } else { other };
        found.remove(dropped);
    }
    Ok(())
}

/// What the reader of TOML says, without the line itself, which may hold a secret.
fn one_line(error: &toml::de::Error) -> String {
    error.message().replace('\n', ", ")
}
