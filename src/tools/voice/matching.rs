//! Whether words from the phone mean a person or a vehicle.
//!
//! Letters and digits alone count, without letter case, accents and punctuation: what a caller says is
//! written down by a machine that has not seen how it is on file.

use crate::domain::search::fold;

/// How well words fit: the least is the best.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Fit {
    /// Whole words: Ann is not Anna.
    Whole,
    /// Beginnings of words.
    Beginning,
    /// Parts of what people know the end of.
    Part,
}

/// Words that people say around a name.
const AROUND_NAMES: [&str; 30] = [
    "am", "calling", "dr", "from", "here", "i", "ii", "iii", "im", "is", "it", "jr", "m", "madam",
    "miss", "mister", "mr", "mrs", "ms", "mx", "my", "name", "please", "prof", "s", "sir",
    "speaking", "sr", "the", "this",
];
/// Words that people say of any vehicle.
const AROUND_VEHICLES: [&str; 58] = [
    "a",
    "an",
    "and",
    "auto",
    "automobile",
    "car",
    "color",
    "colored",
    "colour",
    "coloured",
    "for",
    "from",
    "her",
    "his",
    "i",
    "in",
    "is",
    "it",
    "its",
    "license",
    "licence",
    "m",
    "make",
    "model",
    "my",
    "new",
    "number",
    "of",
    "old",
    "one",
    "our",
    "pickup",
    "plate",
    "plates",
    "please",
    "registration",
    "ride",
    "s",
    "sedan",
    "suv",
    "tag",
    "thanks",
    "that",
    "the",
    "their",
    "these",
    "this",
    "to",
    "truck",
    "uh",
    "um",
    "van",
    "vehicle",
    "vin",
    "wagon",
    "with",
    "year",
    "yes",
];
/// How many words of a query are looked at; nobody is called by more.
const MOST_WORDS: usize = 24;
/// How many words are tried as one: `Rav 4`, `O Neil`.
const MOST_JOINED: usize = 4;
/// From how many characters on a part of a plate or VIN is no accident.
const LEAST_PART: usize = 3;

/// What something is known by: words in a row, in each order that people say them in.
pub(super) struct Known {
    rows: Vec<Vec<String>>,
    /// What is known by its end, too, each as one word.
    wholes: Vec<String>,
}

impl Known {
    /// A person's names.
    pub(super) fn person(first_name: &str, last_name: &str) -> Self {
        let (first, last) = (words_of(first_name), words_of(last_name));
        let reversed = last.iter().chain(&first).cloned().collect();
        Self { rows: vec![first.into_iter().chain(last).collect(), reversed], wholes: Vec::new() }
    }

    /// What is told of a vehicle, and what of it people say the end of: the year, the plate, the VIN.
    pub(super) fn vehicle<'a>(
        told: impl Iterator<Item = &'a str>,
        by_end: impl Iterator<Item = &'a str>,
    ) -> Self {
        let row = told.flat_map(words_of).collect();
        Self { rows: vec![row], wholes: by_end.map(|text| words_of(text).concat()).collect() }
    }

    fn fit(&self, words: &[&str]) -> Option<Fit> {
        if words.is_empty() {
            return None;
        }
        let fits = [Fit::Whole, Fit::Beginning, Fit::Part];
        fits.into_iter().find(|&fit| self.has_all(words, fit))
    }

    /// Whether the words are all there, some of them perhaps written as one.
    fn has_all(&self, words: &[&str], fit: Fit) -> bool {
        let mut is_rest_there = vec![false; words.len()];
        is_rest_there.push(true);
        for from in (0..words.len()).rev() {
            let mut joined = String::new();
            for (at, word) in words.iter().enumerate().skip(from).take(MOST_JOINED) {
                joined.push_str(word);
                let is_possible = is_rest_there.get(at + 1).copied().unwrap_or_default();
                if is_possible && self.has(&joined, fit) {
                    if let Some(place) = is_rest_there.get_mut(from) {
                        *place = true;
                    }
                    break;
                }
            }
        }
        is_rest_there.first().copied().unwrap_or_default()
    }

    fn has(&self, word: &str, fit: Fit) -> bool {
        let mut rows = self.rows.iter();
        let is_in_a_row = rows.any(|row| {
            (0..row.len()).any(|at| begins(row.get(at..).unwrap_or_default(), word, fit))
        });
        is_in_a_row || fit == Fit::Part && self.wholes.iter().any(|whole| is_part(whole, word))
    }
}

/// Whether the words, written as one, begin with this; as whole words, where only these fit.
fn begins(row: &[String], word: &str, fit: Fit) -> bool {
    let mut rest = word;
    for known in row {
        match rest.strip_prefix(known.as_str()) {
            Some("") => return true,
            Some(more) => rest = more,
            None => return fit != Fit::Whole && known.starts_with(rest),
        }
    }
    false
}

/// Whether a plate or VIN has this part, or a year ends so: `'20`.
fn is_part(whole: &str, word: &str) -> bool {
    match word.len() {
        2 => whole.len() == 4 && whole.bytes().all(|c| c.is_ascii_digit()) && whole.ends_with(word),
        length => length >= LEAST_PART && whole.contains(word),
    }
}

/// What a caller says, read in several ways: all of the words, and those without what tells nothing.
pub(super) struct Said {
    words: Vec<String>,
    around: &'static [&'static str],
}

impl Said {
    /// A person's name.
    pub(super) fn name(text: &str) -> Self {
        Self::new(text, &AROUND_NAMES)
    }

    /// Words of a vehicle.
    pub(super) fn vehicle(text: &str) -> Self {
        Self::new(text, &AROUND_VEHICLES)
    }

    fn new(text: &str, around: &'static [&'static str]) -> Self {
        let mut words = words_of(text);
        words.truncate(MOST_WORDS);
        Self { words, around }
    }

    /// Whether nothing is said by them.
    pub(super) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| self.around.contains(&word.as_str()))
    }

    /// Those whom the words fit best.
    pub(super) fn best<'a, T>(&self, all: &'a [T], known: impl Fn(&T) -> Known) -> Vec<&'a T> {
        let known: Vec<Known> = all.iter().map(known).collect();
        for words in self.readings() {
            let fits: Vec<Option<Fit>> = known.iter().map(|one| one.fit(&words)).collect();
            if let Some(best) = fits.iter().flatten().min() {
                let is_best = |(_, fit): &(&T, &Option<Fit>)| fit.as_ref() == Some(best);
                return all.iter().zip(&fits).filter(is_best).map(|(one, _)| one).collect();
            }
        }
        Vec::new()
    }

    /// All words; without those around; without initials, where other words are left.
    fn readings(&self) -> [Vec<&str>; 3] {
        let all: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let telling: Vec<&str> =
            all.iter().copied().filter(|word| !self.around.contains(word)).collect();
        let is_initial = |word: &str| matches!(word.as_bytes(), [b'a'..=b'z']);
        let names: Vec<&str> = telling.iter().copied().filter(|word| !is_initial(word)).collect();
        let has_initials_between = names.len() > 1;
        [all, telling, if has_initials_between { names } else { Vec::new() }]
    }
}

/// The runs of letters and digits in a text, as they compare.
fn words_of(text: &str) -> Vec<String> {
    // Some write an apostrophe with a letter that only looks like one.
    let parts = |c: char| !c.is_alphanumeric() || matches!(c, '\u{2B9}'..='\u{2BF}');
    let folded = fold(text);
    folded.split(parts).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_name(first: &str, last: &str, said: &str, expected: bool) {
        let people = [(first, last)];
        let found = Said::name(said).best(&people, |(first, last)| Known::person(first, last));
        assert_eq!(!found.is_empty(), expected, "{said} against {first} {last}");
    }

    #[test]
    fn a_name_is_known_however_it_is_written() {
        for said in [
            "O'Neil",
            "O’Neil",
            "ONeil",
            "oneil",
            "o neil",
            "Sean ONeil",
            "ONeil, Sean",
            "Mr. O'Neil",
        ] {
            check_name("Sean", "O’Neil", said, true);
            check_name("Seán", "Oneil", said, true);
        }
        for said in ["OBriain", "Ó Briain", "O'Briain", "briain", "Aoife OBriain"] {
            check_name("Aoife", "Ó Briain", said, true);
        }
        for said in ["Dangelo", "D'Angelo", "D Angelo", "dangelo tony"] {
            check_name("Tony", "D'Angelo", said, true);
        }
        for said in ["王小明", "小明 王", "王", "小明王", "王，小明"] {
            check_name("小明", "王", said, true);
        }
        for said in ["wangxiaoming", "Xiaoming Wang", "WANG Xiao-Ming", "xiaomingwang"] {
            check_name("Xiaoming", "Wang", said, true);
        }
        for said in ["Müller, Jürgen", "Jurgen Muller", "Herr Müller"] {
            check_name("Jürgen", "Müller", said, !said.starts_with("Herr"));
        }
        for said in [
            "Mrs. Lee",
            "Ann M. Lee",
            "Lee, Ann M.",
            "Dr Ann Lee",
            "this is Ann Lee",
            "Ann L",
            "A. Lee",
        ] {
            check_name("Ann", "Lee", said, true);
        }
        check_name("Anne-Marie", "Lee", "Annemarie Lee", true);
        check_name("Annemarie", "Lee", "Anne Marie", true);
        check_name("Иван", "Петров", "петров иван", true);
    }

    #[test]
    fn another_name_is_another_one() {
        for said in ["Bob", "Bob Lee", "Ann Kim", "Ann K", "Mrs. Kim", "nn", "Annabel"] {
            check_name("Ann", "Lee", said, false);
        }
    }

    #[test]
    fn the_best_fit_is_meant() {
        let check = |said, expected: &[&str]| {
            let people = [("Ann", "Lee"), ("Anna", "Lee"), ("Ann", "Kim"), ("Miss", "Kim")];
            let found = Said::name(said).best(&people, |(first, last)| Known::person(first, last));
            let found: Vec<String> = found.iter().map(|it| format!("{} {}", it.0, it.1)).collect();
            assert_eq!(found, expected, "{said}");
        };
        check("ann", &["Ann Lee", "Ann Kim"]);
        check("anna", &["Anna Lee"]);
        check("an", &["Ann Lee", "Anna Lee", "Ann Kim"]);
        check("ann k", &["Ann Kim"]);
        check("Miss Kim", &["Miss Kim"]);
        check("Mr. Kim", &["Ann Kim", "Miss Kim"]);
        check("Mr.", &[]);
    }

    #[track_caller]
    fn check_vehicle(told: &[&str], by_end: &[&str], said: &str, expected: bool) {
        let all = [told];
        let known = |told: &&[&str]| {
            Known::vehicle(
                told.iter().copied().chain(by_end.iter().copied()),
                by_end.iter().copied(),
            )
        };
        let found = Said::vehicle(said).best(&all, known);
        assert_eq!(!found.is_empty(), expected, "{said} against {told:?} {by_end:?}");
    }

    #[test]
    fn a_vehicle_is_known_however_it_is_written() {
        for (model, others) in [
            ("F-150", &["F150", "f 150", "ford f150", "Ford, F-150."][..]),
            ("F150", &["F-150", "the F 150 please"]),
            ("CR-V", &["CRV", "crv", "CR V"]),
            ("RAV4", &["Rav-4", "rav 4"]),
            ("ID.4", &["ID4", "id 4"]),
        ] {
            for said in others {
                check_vehicle(&["2020", "Ford", model], &[], said, true);
            }
        }
        for (plate, others) in [
            ("AA1", &["AA-1", "aa 1", "plate AA 1"][..]),
            ("ABC-1234", &["ABC1234", "1234", "abc"]),
        ] {
            for said in others {
                check_vehicle(&["Honda"], &[plate], said, true);
            }
        }
        for said in ["Honda.", "Honda, please", "my truck, the Honda", "'20 Honda", "20"] {
            check_vehicle(&["Honda"], &["2020", "1HGCM82633A004352"], said, true);
        }
        check_vehicle(&["Honda"], &["2020", "1HGCM82633A004352"], "004352", true);
        for said in ["green tesla", "Honda Civic", "52", "F150"] {
            check_vehicle(&["Honda"], &["2020", "1HGCM82633A004352"], said, false);
        }
        assert!(Said::vehicle("the car, please").is_empty());
    }
}
