//! The effective settings as TOML, each with a comment that says where it came from.

use super::sources::Origin;
use super::{Config, settings};

impl Config {
    /// Every effective setting as TOML that reads back as the same settings, passwords masked.
    pub fn describe(&self) -> String {
        let mut text = String::new();
        let mut section = String::new();
        for setting in settings::all() {
            let Some(value) = (setting.show)(self) else { continue };
            let (its_section, name) = setting.key.rsplit_once('.').unwrap_or(("", &setting.key));
            if its_section != section {
                section = its_section.to_owned();
                text.push_str(&format!("\n[{section}]\n"));
            }
            text.push_str(&format!("{name} = {value} # {}\n", self.source_of(&setting.key)));
        }
        text
    }

    fn source_of(&self, key: &str) -> String {
        match self.origin(key) {
            None => "default".to_owned(),
            // A name with a line break would end the comment.
            Some(Origin::File(name)) => format!("from {}", name.escape_debug()),
            Some(Origin::Environment(variable)) => format!("from {variable}"),
        }
    }
}
