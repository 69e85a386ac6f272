//! What was asked for.

use std::collections::BTreeSet;

use super::folding::{fold, squeeze};
use super::gram::{Gram, LONGEST, longest_grams};
use super::record::Record;
use crate::domain::phone::PhoneNumber;
use crate::domain::text::{self, InvalidText};

/// The most words that a query may have.
const MAX_WORDS: usize = 10;
/// License plates have no more characters than this.
const PLATE_CHARACTERS: usize = 10;
/// In how many pieces a plate is spelled out at least; a name and the end of a phone number are two.
const PLATE_PIECES: usize = 3;
/// Longer pieces of letters alone are names.
const PLATE_LETTERS: usize = 2;
/// From how many digits on a number may be a whole phone number, in the writing of a country.
const PHONE_DIGITS: usize = 7;

/// What was asked for, in each way in which it can be read.
#[derive(Clone, Debug)]
pub struct Query {
    readings: Vec<Reading>,
    plate: Option<Box<Self>>,
}

/// Words that all have to be found.
#[derive(Clone, Debug)]
pub struct Reading(Vec<Word>);

/// Why a text is no query; reads on after the name of the argument.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidQuery {
    /// Too long, or with hidden characters.
    #[error(transparent)]
    Text(#[from] InvalidText),
    /// Nothing to search for.
    #[error("must have a letter or a digit")]
    NoLetters,
    /// Too many words.
    #[error("must have at most {MAX_WORDS} words; this has {0}")]
    TooManyWords(usize),
}

/// A word of a query.
#[derive(Clone, Debug)]
struct Word {
    /// Folded, with its punctuation.
    text: String,
    /// Its letters and digits alone.
    letters: String,
    /// Whether it is a number in any writing.
    is_number: bool,
    /// Whether it is a license plate as a whole, and nothing else.
    is_plate: bool,
}

impl Query {
    /// Reads a query; a phone number without a country code is one of `region`.
    ///
    /// # Errors
    /// Where it is too long, or has hidden characters or nothing to search for.
    pub fn parse(query: &str, region: &str) -> Result<Self, InvalidQuery> {
        let folded = fold(&text::name(query)?);
        let words = words(&folded);
        match words.len() {
            0 => return Err(InvalidQuery::NoLetters),
            1..=MAX_WORDS => {}
            number => return Err(InvalidQuery::TooManyWords(number)),
        }
        let mut readings = vec![Reading(words.clone())];
        for (at, word) in words.iter().enumerate().filter(|(_, word)| word.is_number) {
            for phone in as_dialled(word, region) {
                let mut words = words.clone();
                if let Some(number) = words.get_mut(at) {
                    *number = phone;
                }
                readings.push(Reading(words));
            }
        }
        let plate = Word::spelled_plate(&folded);
        let plate = plate.map(|word| Self { readings: vec![Reading(vec![word])], plate: None });
        Ok(Self { readings, plate: plate.map(Box::new) })
    }

    /// The query as a license plate that was spelled out, such as `ab c 12 34`, where it may be one: who spells a
    /// plate means it, and not everybody who has each of its pieces somewhere.
    pub fn as_plate(&self) -> Option<&Self> {
        self.plate.as_deref()
    }

    /// Whether the query finds this record.
    pub fn finds(&self, record: &Record) -> bool {
        self.readings.iter().any(|Reading(words)| words.iter().all(|word| word.is_in(record)))
    }

    /// The ways in which the query can be read; what any of them finds is found.
    pub fn readings(&self) -> &[Reading] {
        &self.readings
    }
}

impl Reading {
    /// Grams that every record has that this reading finds: at most `most` of them, some of each word,
    /// or one of each word where that is more.
    pub fn grams(&self, most: usize) -> Vec<Gram> {
        let share = (most / self.0.len().max(1)).max(1);
        let grams: BTreeSet<Gram> = self.0.iter().flat_map(|word| word.grams(share)).collect();
        grams.into_iter().collect()
    }
}

/// The words of a folded text; numbers that stand in a row are one, as phone numbers are spoken.
fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for text in text.split_whitespace() {
        let word = Word::new(text);
        match words.last_mut() {
            _ if word.letters.is_empty() => {}
            Some(last) if last.is_number && word.is_number => {
                *last = Word::new(&format!("{} {text}", last.text));
            }
            _ => words.push(word),
        }
    }
    words
}

/// The number, or the beginning of one, as the telephone network knows it, where it was written as it is
/// dialled within a country: its digits alone would not be found.
fn as_dialled(word: &Word, region: &str) -> Vec<Word> {
    if word.letters.len() < PHONE_DIGITS {
        return Vec::new();
    }
    let phone = PhoneNumber::parse(&word.text, region).ok();
    let mut numbers = vec![word.letters.trim_start_matches('0').to_owned()];
    numbers.extend(phone.map(|phone| phone.as_str().trim_start_matches('+').to_owned()));
    numbers.retain(|digits| digits.len() + 1 >= PHONE_DIGITS && !digits.contains(&word.letters));
    // What finds the one finds the other too.
    if let [part, whole] = numbers.as_slice()
        && whole.contains(part.as_str())
    {
        numbers.truncate(1);
    }
    numbers.iter().map(|digits| Word::new(digits)).collect()
}

impl Word {
    fn new(text: &str) -> Self {
        let letters = squeeze(text);
        let is_number = !letters.is_empty() && letters.bytes().all(|byte| byte.is_ascii_digit());
        Self { text: text.to_owned(), letters, is_number, is_plate: false }
    }

    /// The license plate whose pieces these are.
    fn spelled_plate(folded: &str) -> Option<Self> {
        let pieces = folded.split_whitespace().map(squeeze).filter(|piece| !piece.is_empty());
        let pieces: Vec<String> = pieces.collect();
        let letters = pieces.concat();
        let is_name = |piece: &String| {
            piece.chars().count() > PLATE_LETTERS && piece.chars().all(char::is_alphabetic)
        };
        let is_plate = pieces.len() >= PLATE_PIECES
            && !pieces.iter().any(is_name)
            && letters.chars().count() <= PLATE_CHARACTERS
            && letters.chars().any(char::is_alphabetic)
            && letters.chars().any(char::is_numeric);
        is_plate.then(|| Self { is_plate, ..Self::new(&letters) })
    }

    /// An e-mail address, or a part of one, is meant as it is written; in everything else letters and
    /// digits alone count.
    fn is_in(&self, record: &Record) -> bool {
        if self.is_plate {
            return record.has_plate(&self.letters);
        }
        record.has_email_part(&self.text)
            || (!self.text.contains('@')
                && (record.has_letters(&self.letters)
                    || (self.is_number && record.has_digits(&self.letters))))
    }

    /// At most `most` grams that every record has that this word is in, spread over the word.
    fn grams(&self, most: usize) -> Vec<Gram> {
        let letters: Vec<char> = self.letters.chars().collect();
        let length = match letters.len() {
            // Within an e-mail address the two may belong to two words.
            2 if self.letters != self.text => 1,
            length => length.min(LONGEST),
        };
        // Four digits lead to fewer records than anything else.
        let (digits, others): (Vec<Gram>, Vec<Gram>) =
            longest_grams(&letters, length).into_iter().partition(|gram| gram.is_digits());
        let mut grams = spread(&digits, most);
        grams.extend(spread(&others, most - grams.len()));
        grams
    }
}

/// At most `most` of them, the first and the last one among them.
fn spread(grams: &[Gram], most: usize) -> Vec<Gram> {
    let count = grams.len().min(most);
    let place = |number: usize| number * (grams.len() - 1) / (count - 1).max(1);
    (0..count).filter_map(|number| grams.get(place(number)).copied()).collect()
}
