//! Keys of the file that no setting has: refused, naming those that exist.

use toml::Value;

use super::error::ConfigError;
use super::settings::Setting;
use super::sources::File;
use super::values::join;

/// Refuses a file with a key that no setting has.
pub(super) fn refuse(file: &File, settings: &[Setting]) -> Result<(), ConfigError> {
    let mut sections = file.table.iter();
    let checked = sections.try_for_each(|(name, value)| check_key(name, value, settings));
    checked.map_err(|(key, problem)| {
        let setting = format!("{}: {}", file.name, key.escape_debug());
        ConfigError::Refused { setting, problem }
    })
}

/// Checks that a key of the file, and all below it, are settings.
fn check_key(key: &str, value: &Value, settings: &[Setting]) -> Result<(), (String, String)> {
    let is_setting = settings.iter().any(|setting| setting.key == key);
    let is_section = !children(key, settings).is_empty();
    match value {
        _ if is_setting => Ok(()),
        Value::Table(table) if is_section => table
            .iter()
            .try_for_each(|(name, value)| check_key(&format!("{key}.{name}"), value, settings)),
        _ if is_section => {
            Err((key.to_owned(), format!("is a section; write [{key}] above its keys")))
        }
        _ => Err((key.to_owned(), unknown(key, settings))),
    }
}

fn unknown(key: &str, settings: &[Setting]) -> String {
    let (place, siblings) = match key.rsplit_once('.') {
        Some((section, _)) => (format!("[{section}]"), children(section, settings)),
        None => ("the file".to_owned(), children("", settings)),
    };
    format!("is not a setting; {place} knows {}", join(&siblings))
}

/// The names right below a section, or the top-level names below the empty one.
fn children<'s>(section: &str, settings: &'s [Setting]) -> Vec<&'s str> {
    let below = |key: &'s str| match section {
        "" => Some(key),
        _ => key.strip_prefix(section)?.strip_prefix('.'),
    };
    let mut names: Vec<&str> =
        settings.iter().filter_map(|setting| below(&setting.key)?.split('.').next()).collect();
    names.dedup();
    names
}
