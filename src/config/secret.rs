//! A key or a password: used, and never printed.

use std::fmt;

use super::error::Wrong;
use super::folders;
use super::sources::{Input, Origin};
use super::values;

/// The longest secret that a header may have to carry.
const LONGEST: usize = 4096;

/// A key or a password. Nothing prints it: `Debug` masks it, and there is no `Display`.
#[derive(Clone, Eq, PartialEq)]
pub struct Secret(String);

impl Secret {
    /// A secret with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, to be handed to the service that it is for.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Reads a key from the environment; it does not belong in the file.
pub(super) fn key(input: &Input) -> Result<Secret, Wrong> {
    refuse_in_file(input)?;
    parse(&input.text()?).map_err(Wrong::unshown)
}

/// Reads a password, which people choose freely, from the environment.
pub(super) fn password(input: &Input) -> Result<Secret, Wrong> {
    refuse_in_file(input)?;
    parse_password(&input.text()?).map_err(Wrong::unshown)
}

/// Reads a password from the file that the setting names.
pub(super) fn password_in_file(input: &Input) -> Result<Secret, Wrong> {
    let text = text_of_file(input)?;
    let password = values::check_text(text.trim()).and_then(parse_password);
    password.map_err(|why| input.wrong(format!("names a file whose text {why}")))
}

fn refuse_in_file(input: &Input) -> Result<(), Wrong> {
    if matches!(input.origin, Origin::File(_)) {
        let variable = input.key.replace('.', "_").to_ascii_uppercase();
        let name = input.key.rsplit_once('.').map_or(input.key, |(_, name)| name);
        return Err(Wrong::unshown(format!(
            "is a secret, which does not belong in this file; set {variable} in the environment \
             instead, or name a file that holds it as {name}_file"
        )));
    }
    Ok(())
}

/// Reads a key from the file that the setting names.
pub(super) fn key_in_file(input: &Input) -> Result<Secret, Wrong> {
    let text = text_of_file(input)?;
    let key = values::check_text(text.trim()).and_then(parse);
    key.map_err(|why| input.wrong(format!("names a file whose text {why}")))
}

/// The text of the file that the setting names.
pub(super) fn text_of_file(input: &Input) -> Result<String, Wrong> {
    let path = folders::absolute(std::path::Path::new(&input.text()?), input.folders);
    let path = path.map_err(|why| input.wrong(why))?;
    let text = std::fs::read_to_string(path);
    text.map_err(|error| input.wrong(format!("cannot be read: {error}")))
}

fn parse(text: &str) -> Result<Secret, String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    if text.is_empty() || text.len() > LONGEST || !is_plain {
        return Err(format!(
            "is no key; a key has 1 to {LONGEST} letters, digits and signs without spaces"
        ));
    }
    Ok(Secret::new(text))
}

fn parse_password(text: &str) -> Result<Secret, String> {
    if text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) {
        return Err(format!("is no password; one has 1 to {LONGEST} bytes in one line"));
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret:?} {secret:#?}"), "*** ***");
        assert_eq!(secret.expose(), "hunter2");
    }
}
