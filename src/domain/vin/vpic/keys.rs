//! Pattern keys: `*` is any character, `[A-HJ1-4]` one of these, anything else stands for itself.

/// What a key is matched against: positions 4 to 8 of the VIN, then `|` and those from 10 on.
#[derive(Clone, Copy, Debug)]
pub struct VinKey {
    characters: [u8; 14],
    length: usize,
}

impl VinKey {
    /// The key of the first 17 characters of a VIN, which may be cut short.
    pub fn new(vin: &[u8]) -> Self {
        let mut key = Self { characters: [0; 14], length: 0 };
        vin.iter().skip(3).take(5).for_each(|c| key.push(*c));
        if vin.len() > 9 {
            key.push(b'|');
            vin.iter().skip(9).for_each(|c| key.push(*c));
        }
        key
    }

    fn push(&mut self, character: u8) {
        if let Some(place) = self.characters.get_mut(self.length) {
            *place = character;
            self.length += 1;
        }
    }

    /// The same with `#` in place of every digit, as keys of formulas know it.
    pub fn with_hashes(self) -> Self {
        let characters = self.characters.map(|c| if c.is_ascii_digit() { b'#' } else { c });
        Self { characters, ..self }
    }

    fn characters(&self) -> &[u8] {
        self.characters.get(..self.length).unwrap_or_default()
    }

    /// Whether the key matches a prefix of this; it may be shorter, never longer.
    #[inline]
    pub fn matches(&self, key: &[u8]) -> bool {
        let mut characters = self.characters().iter();
        let mut key = key.iter();
        while let Some(&wanted) = key.next() {
            let Some(&character) = characters.next() else { return false };
            let fits = match wanted {
                b'*' => true,
                b'[' => fits_class(&mut key, character),
                literal => literal == character,
            };
            if !fits {
                return false;
            }
        }
        true
    }

    /// What stands where the key has its first `#` to its last.
    pub fn formula_value(&self, key: &[u8]) -> &str {
        let places =
            || places(key).enumerate().filter(|(_, place)| *place == Place::Character(b'#'));
        let (first, last) = (places().next(), places().last());
        let (Some((first, _)), Some((last, _))) = (first, last) else { return "" };
        let value = self.characters().get(first..(last + 1).min(self.length)).unwrap_or_default();
        str::from_utf8(value).unwrap_or_default()
    }
}

/// Whether the character is in a class, of which everything up to `]` is taken from `key`.
fn fits_class(key: &mut std::slice::Iter<'_, u8>, character: u8) -> bool {
    let class = key.as_slice();
    let Some(length) = class.iter().position(|c| *c == b']') else { return false };
    *key = class.get(length + 1..).unwrap_or_default().iter();
    let mut class = class.get(..length).unwrap_or_default();
    loop {
        class = match class {
            [first, b'-', last, rest @ ..] => {
                if (*first..=*last).contains(&character) {
                    return true;
                }
                rest
            }
            [one, rest @ ..] => {
                if *one == character {
                    return true;
                }
                rest
            }
            [] => return false,
        };
    }
}

/// What a key has at a position.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place<'k> {
    /// One character; `*` is any, `#` a digit of a formula.
    Character(u8),
    /// Any of a class.
    Class(&'k [u8]),
}

impl Place<'_> {
    /// Whether this tells what a character means that it fits. A range tells nothing about letters
    /// that no VIN has.
    pub fn tells(self, character: u8) -> bool {
        match self {
            Self::Character(b'*') => false,
            Self::Character(b'#') => character.is_ascii_digit(),
            Self::Character(_) => true,
            Self::Class(mut class) if matches!(character, b'I' | b'O' | b'Q') => loop {
                class = match class {
                    [_, b'-', _, rest @ ..] => rest,
                    [one, ..] if *one == character => return true,
                    [_, rest @ ..] => rest,
                    [] => return false,
                };
            },
            Self::Class(_) => true,
        }
    }
}

/// The positions of a key.
pub fn places(mut key: &[u8]) -> impl Iterator<Item = Place<'_>> {
    std::iter::from_fn(move || {
        let (&first, rest) = key.split_first()?;
        let end = rest.iter().position(|c| *c == b']').filter(|_| first == b'[');
        let Some(end) = end else {
            key = rest;
            return Some(Place::Character(first));
        };
        key = rest.get(end + 1..).unwrap_or_default();
        rest.get(..end).map(Place::Class)
    })
}

/// How two keys are preferred that were last changed together: the shorter one without its `*`,
/// then the one that sorts first without its brackets.
pub fn precedence(key: &[u8]) -> (usize, impl Iterator<Item = u8> + '_) {
    let length = key.iter().filter(|c| **c != b'*').count();
    (length, key.iter().copied().filter(|c| !matches!(c, b'[' | b']')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(key: &str, vin: &str, expected: bool) {
        assert_eq!(VinKey::new(vin.as_bytes()).matches(key.as_bytes()), expected, "{key} {vin}");
    }

    #[test]
    fn a_key_matches_a_prefix() {
        check("CM826", "1HGCM82633A004352", true);
        check("CM8", "1HGCM82633A004352", true);
        check("CM825", "1HGCM82633A004352", false);
        check("*****|*A", "1HGCM82633A004352", true);
        check("*****|3A", "1HGCM82633A004352", true);
        check("*****|3B", "1HGCM82633A004352", false);
        check("", "1HGCM82633A004352", true);
    }

    #[test]
    fn a_key_is_never_longer_than_the_vin() {
        check("CM826", "1HGCM826", true);
        check("CM826", "1HGCM82", false);
        check("CM826|", "1HGCM8263", false);
        check("CM826|3", "1HGCM82633", true);
    }

    #[test]
    fn a_class_is_one_of_its_characters() {
        check("CM82[67]", "1HGCM82633A004352", true);
        check("CM82[1-5]", "1HGCM82633A004352", false);
        check("C[A-CM-Z]8", "1HGCM82633A004352", true);
        check("C[A-L]8", "1HGCM82633A004352", false);
        check("[C____]M", "1HGCM82633A004352", true);
        check("[", "1HGCM82633A004352", false);
        check("[C", "1HGCM82633A004352", false);
        check("[]", "1HGCM82633A004352", false);
    }

    #[test]
    fn a_formula_tells_the_digits_where_its_signs_are() {
        let key = VinKey::new(b"148F0S768KA263821");
        assert!(key.with_hashes().matches(b"*#"));
        assert!(!key.matches(b"*#"));
        assert_eq!(key.formula_value(b"*#"), "0");
        assert_eq!(key.formula_value(b"[F-H]**##"), "76");
        assert_eq!(key.formula_value(b"***"), "");
    }
}
