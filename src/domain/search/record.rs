//! What a customer is found by.

use super::folding::{fold, is_searched, squeeze};
use super::gram::{DIGITS, Gram, LONGEST, each_gram};

/// What a customer is found by: names, e-mail addresses, phone numbers and license plates, folded.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Words that stand in a row: those of a name in both orders, and those of an e-mail address.
    rows: Vec<Vec<String>>,
    /// E-mail addresses with their punctuation.
    emails: Vec<String>,
    /// Phone numbers, digits alone.
    phones: Vec<String>,
    /// License plates, letters and digits alone.
    plates: Vec<String>,
}

impl Record {
    /// Adds a name.
    pub fn add_name(&mut self, first_name: &str, last_name: &str) {
        let (first, last) = (words_of_name(first_name), words_of_name(last_name));
        let reversed = last.iter().chain(&first).cloned().collect();
        self.add_row(first.into_iter().chain(last).collect());
        self.add_row(reversed);
    }

    /// Adds an e-mail address.
    pub fn add_email(&mut self, email: &str) {
        let email = fold(email);
        let words = email.split(|c| !is_searched(c)).filter(|word| !word.is_empty());
        self.add_row(words.map(str::to_owned).collect());
        self.emails.push(email);
    }

    /// Adds a phone number.
    pub fn add_phone(&mut self, phone: &str) {
        self.phones.push(phone.chars().filter(char::is_ascii_digit).collect());
    }

    /// Adds a license plate.
    pub fn add_plate(&mut self, plate: &str) {
        let plate = squeeze(&fold(plate));
        if !plate.is_empty() {
            self.plates.push(plate);
        }
    }

    fn add_row(&mut self, words: Vec<String>) {
        if words.iter().any(|word| !word.is_empty()) {
            self.rows.push(words);
        }
    }

    /// Whether these letters and digits stand somewhere within a word, or are the beginning of
    /// several words that were written as one.
    pub(super) fn has_letters(&self, letters: &str) -> bool {
        let is_in_row = |words: &Vec<String>| {
            words.iter().any(|word| word.contains(letters))
                || (0..words.len())
                    .any(|at| begins_with(words.get(at..).unwrap_or_default(), letters))
        };
        self.rows.iter().any(is_in_row) || self.plates.iter().any(|plate| plate.contains(letters))
    }

    /// Whether this is a license plate, letters and digits alone.
    pub(super) fn has_plate(&self, letters: &str) -> bool {
        self.plates.iter().any(|plate| plate == letters)
    }

    /// Whether an e-mail address has this part, punctuation included.
    pub(super) fn has_email_part(&self, part: &str) -> bool {
        self.emails.iter().any(|email| email.contains(part))
    }

    /// Whether a phone number has these digits in a row.
    pub(super) fn has_digits(&self, digits: &str) -> bool {
        self.phones.iter().any(|phone| phone.contains(digits))
    }

    /// All grams of the record, some of them several times.
    pub fn each_gram(&self, mut tell: impl FnMut(Gram)) {
        // The words of a name stand in two rows, and most of them in an e-mail address.
        let mut told: Vec<&str> = Vec::new();
        for text in self.rows.iter().flatten().chain(&self.plates).chain(&self.phones) {
            if !told.contains(&text.as_str()) {
                told.push(text);
                each_gram(text, &mut tell);
            }
        }
        for words in &self.rows {
            each_gram_across(words, &mut tell);
        }
    }
}

fn words_of_name(name: &str) -> Vec<String> {
    let name = fold(name);
    name.split_whitespace().map(squeeze).filter(|word| !word.is_empty()).collect()
}

/// Whether the letters are the beginning of the words written as one.
fn begins_with(words: &[String], mut letters: &str) -> bool {
    for word in words {
        match letters.strip_prefix(word.as_str()) {
            Some(rest) => letters = rest,
            None => return word.starts_with(letters),
        }
    }
    letters.is_empty()
}

/// The grams that reach from one word into the next ones: all of three characters or four digits, and
/// those of two that begin with a word of one character, since shorter ones begin at the beginning of a
/// word.
fn each_gram_across(words: &[String], mut tell: impl FnMut(Gram)) {
    if words.len() < 2 {
        return;
    }
    // The characters beside the number of their word.
    let joined: Vec<(char, usize)> = words
        .iter()
        .enumerate()
        .flat_map(|(at, word)| word.chars().map(move |c| (c, at)))
        .collect();
    for run in joined.windows(LONGEST) {
        if let [(a, first), (b, _), (c, last)] = *run
            && first != last
        {
            tell(Gram::of(&[a, b, c]));
        }
    }
    for run in joined.windows(DIGITS) {
        if let [(a, first), (b, _), (c, _), (d, last)] = *run
            && first != last
            && let Some(gram) = Gram::of_digits(&[a, b, c, d])
        {
            tell(gram);
        }
    }
    let begins_word = |at: usize| {
        at == 0 || joined.get(at - 1).map(|one| one.1) != joined.get(at).map(|one| one.1)
    };
    for (at, run) in joined.windows(2).enumerate() {
        if let [(a, first), (b, second)] = *run
            && first != second
            && begins_word(at)
        {
            tell(Gram::of(&[a, b]));
        }
    }
}
