//! What two writings of the same words have in common.

use icu_normalizer::DecomposingNormalizer;
use icu_normalizer::properties::CanonicalCombiningClassMap;

/// The text without accents and letter case, and in the plain form of each character: `Ångström` and
/// `angstrom`, full-width and ordinary digits are the same.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    let (decomposed, classes) =
        (DecomposingNormalizer::new_nfkd(), CanonicalCombiningClassMap::new());
    let is_mark = |c| classes.get_u8(c) != 0;
    let plain = decomposed.normalize_iter(text.chars()).filter(|&c| !is_mark(c));
    for c in plain.flat_map(char::to_lowercase) {
        match unaccented(c) {
            Some(letters) => folded.push_str(letters),
            // Lower case brings forth marks too, as that of İ does.
            None if !is_mark(c) => folded.push(c),
            None => {}
        }
    }
    folded
}

/// Letters whose strokes and ligatures Unicode does not take apart, as people write them without.
const fn unaccented(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ł' => "l",
        'ħ' => "h",
        'ı' => "i",
        'ŋ' => "n",
        'ŧ' => "t",
        'þ' => "th",
        'ς' => "σ",
        _ => return None,
    })
}

/// Whether people search for this character: letters, digits and signs of all kinds, but neither
/// white space nor punctuation, which is written in many ways.
pub(super) fn is_searched(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    // Latin-1 signs, general punctuation with its invisible characters, CJK punctuation, variation
    // selectors.
    let is_punctuation = matches!(
        c,
        '\u{80}'..='\u{BF}' | '\u{2000}'..='\u{206F}' | '\u{3000}'..='\u{3004}' | '\u{3008}'..='\u{303F}'
            | '\u{30FB}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
    );
    c.is_alphanumeric() || !(is_punctuation || c.is_whitespace() || c.is_control())
}

/// The searched characters alone.
pub(super) fn squeeze(text: &str) -> String {
    text.chars().filter(|&c| is_searched(c)).collect()
}
