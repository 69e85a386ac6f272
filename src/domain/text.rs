//! Words from callers: what length and which characters the shop accepts.

/// The longest name, in characters.
pub const MAX_NAME: usize = 200;
/// The longest free text, in characters.
pub const MAX_TEXT: usize = 4_000;
/// The longest notes of a customer that was several records before, in characters.
pub const MAX_MERGED_NOTES: usize = 40_000;
/// The longest e-mail address, in characters (RFC 5321, 4.5.3.1.3).
const MAX_EMAIL: usize = 254;

/// Why a text is refused; reads on after the name of the argument.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidText {
    /// Nothing but white space.
    #[error("must not be empty")]
    Empty,
    /// More characters than are allowed.
    #[error("must have at most {allowed} characters; this has {found}")]
    TooLong {
        /// How many are allowed.
        allowed: usize,
        /// How many there are.
        found: usize,
    },
    /// A character that hides or reorders what people read.
    #[error("must not contain the control character U+{:04X}", *.0 as u32)]
    Control(char),
    /// No e-mail address.
    #[error("is not an e-mail address; write it as name@example.com")]
    Email,
}

/// A name: trimmed, one line, 1 to 200 characters.
///
/// # Errors
/// Where it is empty, too long or holds a control character.
pub fn name(text: &str) -> Result<String, InvalidText> {
    let text = text.trim();
    if text.is_empty() {
        return Err(InvalidText::Empty);
    }
    check_length(text, MAX_NAME)?;
    check_characters(text, |_| false)?;
    Ok(text.to_owned())
}

/// Free text, kept as it was said: up to 4,000 characters, line breaks and tabs among them.
///
/// # Errors
/// Where it is too long or holds another control character.
pub fn free_text(text: &str) -> Result<String, InvalidText> {
    text_up_to(text, MAX_TEXT)
}

/// A customer's notes from another database, where they may be those of several merged records.
///
/// # Errors
/// Where they are longer than those may be, or hold a control character.
pub fn merged_notes(text: &str) -> Result<String, InvalidText> {
    text_up_to(text, MAX_MERGED_NOTES)
}

fn text_up_to(text: &str, allowed: usize) -> Result<String, InvalidText> {
    check_length(text, allowed)?;
    check_characters(text, |c| c == '\n' || c == '\t')?;
    Ok(text.to_owned())
}

/// An e-mail address, trimmed. What is before the `@` is the receiving server's to judge.
///
/// # Errors
/// Where it has not the form `name@domain`.
pub fn email(text: &str) -> Result<String, InvalidText> {
    let text = text.trim();
    check_length(text, MAX_EMAIL)?;
    check_characters(text, |_| false)?;
    let well_formed = text.rsplit_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.is_empty()
            && !domain.starts_with('.')
            && !domain.ends_with('.')
            && !text.contains(char::is_whitespace)
            && !local.contains(['@', '<', '>', ','])
    });
    if well_formed { Ok(text.to_owned()) } else { Err(InvalidText::Email) }
}

/// What two writings of the same text have in common: letter case does not count.
///
/// Databases differ in which letters they can lower, so this is done here.
pub fn fold(text: &str) -> String {
    text.trim().to_lowercase()
}

fn check_length(text: &str, allowed: usize) -> Result<(), InvalidText> {
    // A character takes at least one byte, so most texts need no count.
    if text.len() <= allowed {
        return Ok(());
    }
    let found = text.chars().count();
    if found > allowed { Err(InvalidText::TooLong { allowed, found }) } else { Ok(()) }
}

fn check_characters(text: &str, allowed: impl Fn(char) -> bool) -> Result<(), InvalidText> {
    let hidden = |c: char| (c.is_control() && !allowed(c)) || is_hidden(c);
    text.chars().find(|&c| hidden(c)).map_or(Ok(()), |c| Err(InvalidText::Control(c)))
}

/// Characters that nobody sees, and that make a text read otherwise than it is stored: those that set
/// its direction (Unicode Standard Annex 9, 2.1 to 2.6), blanks without width, invisible operators,
/// deprecated format characters, and tags (Unicode Standard, 23.2, 23.3 and 23.9). The joiners are none
/// of them: some scripts are not written without.
pub const fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{061C}'
            | '\u{200B}'
            | '\u{200E}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}'
            | '\u{E0000}'..='\u{E007F}'
    )
}

/// A text of unknown origin as it can be shown to people: at most so many characters, hidden and control
/// characters replaced.
pub fn shown(text: &str, most: usize) -> String {
    let visible = |c: char| if c.is_control() || is_hidden(c) { '\u{FFFD}' } else { c };
    text.chars().take(most).map(visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_bounded() {
        assert_eq!(name("  Zoë \u{1F600} O'Neil "), Ok("Zoë \u{1F600} O'Neil".to_owned()));
        assert_eq!(name(" \n "), Err(InvalidText::Empty));
        assert_eq!(name("a\nb"), Err(InvalidText::Control('\n')));
        assert!(name(&"é".repeat(200)).is_ok());
        assert_eq!(name(&"é".repeat(201)), Err(InvalidText::TooLong { allowed: 200, found: 201 }));
    }

    #[test]
    fn free_text_keeps_line_breaks_and_nothing_hidden() {
        assert_eq!(free_text(" a\n\tb "), Ok(" a\n\tb ".to_owned()));
        assert_eq!(free_text("a\u{0}b"), Err(InvalidText::Control('\u{0}')));
        assert_eq!(free_text("a\rb"), Err(InvalidText::Control('\r')));
        for hidden in ['\u{202E}', '\u{200F}', '\u{200B}', '\u{2067}', '\u{FEFF}', '\u{E0041}'] {
            assert_eq!(free_text(&format!("a{hidden}b")), Err(InvalidText::Control(hidden)));
        }
        assert!(free_text("\u{646}\u{200C}\u{647} \u{1F468}\u{200D}\u{1F527}").is_ok());
        assert_eq!(
            InvalidText::Control('\u{1B}').to_string(),
            "must not contain the control character U+001B"
        );
    }

    #[test]
    fn an_email_has_a_name_and_a_domain() {
        for good in ["ann@example.com", " Ann.O+x@mail.example.org ", "root@localhost"] {
            assert!(email(good).is_ok(), "{good}");
        }
        for bad in ["", "ann", "@example.com", "ann@", "a b@example.com", "a@b@c", "a@.com"] {
            assert_eq!(email(bad), Err(InvalidText::Email), "{bad}");
        }
    }
}
