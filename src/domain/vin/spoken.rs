//! VINs as people say them and speech recognition writes them down: `one H golf charlie mike`,
//! `double u`, `two six`, `B as in bravo`, or in groups.

/// Words that stand for one character: those of the NATO alphabet and its digits (ICAO Annex 10,
/// volume II, 5.2.1.3), the names of letters, and what recognizers make of them.
const WORDS: [(&str, &str); 36] = [
    ("A", "alfa alpha ay eh"),
    ("B", "bravo bee"),
    ("C", "charlie charley cee sea see"),
    ("D", "delta dee"),
    ("E", "echo ee"),
    ("F", "foxtrot eff ef"),
    ("G", "golf gee"),
    ("H", "hotel aitch haitch"),
    ("I", "india eye"),
    ("J", "juliett juliet jay"),
    ("K", "kilo kay"),
    ("L", "lima ell el"),
    ("M", "mike em"),
    ("N", "november en"),
    ("O", "oscar"),
    ("P", "papa pee"),
    ("Q", "quebec cue queue"),
    ("R", "romeo are ar"),
    ("S", "sierra ess"),
    ("T", "tango tee tea"),
    ("U", "uniform you"),
    ("V", "victor vee"),
    ("W", "whiskey whisky"),
    ("X", "xray ex"),
    ("Y", "yankee why wye"),
    ("Z", "zulu zee zed"),
    // No VIN has the letter, so that whoever says it means the digit.
    ("0", "zero oh nought null"),
    ("1", "one won wun"),
    ("2", "two too to"),
    ("3", "three tree"),
    ("4", "four fower for fore"),
    ("5", "five fife"),
    ("6", "six"),
    ("7", "seven"),
    ("8", "eight ait ate"),
    ("9", "nine niner"),
];

/// Numbers of two digits that are one word.
const TEENS: [(&str, &str); 10] = [
    ("10", "ten"),
    ("11", "eleven"),
    ("12", "twelve"),
    ("13", "thirteen"),
    ("14", "fourteen"),
    ("15", "fifteen"),
    ("16", "sixteen"),
    ("17", "seventeen"),
    ("18", "eighteen"),
    ("19", "nineteen"),
];

/// The first digit of a number whose second one may follow.
const TENS: [(&str, &str); 8] = [
    ("2", "twenty"),
    ("3", "thirty"),
    ("4", "forty fourty"),
    ("5", "fifty"),
    ("6", "sixty"),
    ("7", "seventy"),
    ("8", "eighty"),
    ("9", "ninety"),
];

/// Words that say nothing.
const FILLERS: [&str; 20] = [
    "and", "capital", "comma", "dash", "digit", "dot", "er", "hyphen", "is", "it", "its", "letter",
    "number", "period", "space", "the", "then", "uh", "um", "vin",
];

/// Text beyond this is no VIN, however it is said.
const TEXT_MAX_CHARACTERS: usize = 400;

/// The characters that a spoken VIN stands for; `None` where nothing in the text is a word for one.
///
/// What is no word is taken as it stands: groups such as `1HG CM8`.
pub fn characters(text: &str) -> Option<String> {
    if text.chars().nth(TEXT_MAX_CHARACTERS).is_some() {
        return None;
    }
    let text = text.to_lowercase().replace("x-ray", "xray").replace('\u{2019}', "'");
    let tokens: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric() && c != '*')
        .filter(|token| !token.is_empty())
        .collect();
    let mut heard = Heard::default();
    let mut rest = tokens.as_slice();
    while let Some((_, others)) = rest.split_first() {
        rest = heard.take(rest).unwrap_or(others);
    }
    heard.has_word.then_some(heard.characters)
}

#[derive(Default)]
struct Heard {
    characters: String,
    has_word: bool,
}

impl Heard {
    /// Takes what the first tokens mean; the others.
    fn take<'t>(&mut self, tokens: &'t [&'t str]) -> Option<&'t [&'t str]> {
        match tokens {
            ["double", "u" | "you" | "yu", rest @ ..] => {
                self.push("W");
                Some(rest)
            }
            [times @ ("double" | "triple"), next, rest @ ..] => {
                let repeated = character(next).or_else(|| single(next));
                let count = if *times == "double" { 2 } else { 3 };
                (0..count).for_each(|_| self.push(repeated.as_deref().unwrap_or_default()));
                repeated.map(|_| rest)
            }
            // The word repeats the letter before it.
            ["as", "in", _, rest @ ..] | ["like", _, rest @ ..] => {
                self.has_word = true;
                Some(rest)
            }
            ["for", word, rest @ ..] if self.ends_like(word) => Some(rest),
            [tens, unit, rest @ ..] if find(&TENS, tens).is_some() && is_unit(unit) => {
                self.push(find(&TENS, tens)?);
                self.push(&character(unit)?);
                Some(rest)
            }
            [word, rest @ ..] => {
                self.take_word(word);
                Some(rest)
            }
            [] => None,
        }
    }

    fn take_word(&mut self, word: &str) {
        if let Some(character) = character(word) {
            self.push(&character);
        } else if let Some(number) = find(&TEENS, word) {
            self.push(number);
        } else if let Some(digit) = find(&TENS, word) {
            self.push(digit);
            self.push("0");
        } else if FILLERS.contains(&word) {
            self.has_word = true;
        } else {
            self.characters.push_str(&word.to_uppercase());
        }
    }

    fn push(&mut self, characters: &str) {
        self.has_word = true;
        self.characters.push_str(characters);
    }

    /// Whether a word only explains the letter that was said last, as in `B for bravo`.
    fn ends_like(&self, word: &str) -> bool {
        let first = word.chars().next().map(|c| c.to_ascii_uppercase());
        word.len() > 2 && first.is_some() && self.characters.chars().last() == first
    }
}

fn find(words: &[(&'static str, &str)], word: &str) -> Option<&'static str> {
    let found = words.iter().find(|(_, all)| all.split(' ').any(|known| known == word));
    found.map(|(meaning, _)| *meaning)
}

fn character(word: &str) -> Option<String> {
    find(&WORDS, word).map(str::to_owned)
}

/// A letter or digit that stands alone.
fn single(word: &str) -> Option<String> {
    (word.chars().count() == 1).then(|| word.to_uppercase())
}

fn is_unit(word: &str) -> bool {
    character(word).is_some_and(|c| matches!(c.as_bytes(), [b'1'..=b'9']))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(characters(text).as_deref(), Some(expected), "{text:?}");
    }

    #[test]
    fn the_words_of_the_alphabet_are_letters_and_digits() {
        check(
            "one hotel golf charlie mike eight two six three three alfa zero zero four three five two",
            "1HGCM82633A004352",
        );
        check(
            "One, H, Golf, C, M - 8 2 6 tree tree alpha oh oh fower tree fife two",
            "1HGCM82633A004352",
        );
        check("niner X-ray x ray whiskey", "9XXRAYW");
    }

    #[test]
    fn letters_are_spelled_by_their_names() {
        check("double u bee see dee jay kay zee", "WBCDJKZ");
        check("double you, double seven, triple zero, double kilo", "W77000KK");
        check("B as in bravo, D for delta, four for four", "BD444");
    }

    #[test]
    fn groups_and_numbers_are_taken_as_they_stand() {
        check("1HG CM8 twenty six thirty three fifteen forty", "1HGCM826331540");
        check("the VIN is 1HG dash CM8", "1HGCM8");
    }

    #[test]
    fn letters_that_no_vin_has_stay_what_they_are() {
        check("india oscar quebec", "IOQ");
        check("one O", "1O");
    }

    #[test]
    fn a_text_without_words_is_not_spoken() {
        for text in ["", "1HGCM82633A004352", "1HG-CM8", "tacos", "🚗"] {
            assert_eq!(characters(text), None, "{text:?}");
        }
        assert_eq!(characters(&"one ".repeat(101)), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}") {
            let _ = characters(&text);
        }
    }
}
