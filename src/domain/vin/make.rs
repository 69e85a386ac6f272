//! Makes as people write them.

/// Words of makes that are not written with one capital letter.
const EXCEPTIONS: [&str; 26] = [
    "AMC",
    "BMW",
    "BRP",
    "BYD",
    "BrightDrop",
    "CFMOTO",
    "DAF",
    "DMC",
    "DeLorean",
    "FIAT",
    "GMC",
    "IC",
    "INEOS",
    "JCB",
    "KTM",
    "MG",
    "MINI",
    "MV",
    "McLaren",
    "REV",
    "SRT",
    "SsangYong",
    "UD",
    "VPG",
    "VinFast",
    "smart",
];

/// A make that may be in capitals, as NHTSA gives it, in its usual writing: `HONDA` is `Honda`,
/// `MERCEDES-BENZ` is `Mercedes-Benz`, `BMW` stays. One that has small letters is left as it is.
pub fn make_name(make: &str) -> String {
    if make.chars().any(char::is_lowercase) {
        return make.to_owned();
    }
    make.split_inclusive([' ', '-', '/', '.']).map(word_name).collect()
}

/// What people call a make, and its name; both as [`letters`] writes them.
const NICKNAMES: [(&str, &str); 3] =
    [("chevy", "chevrolet"), ("vw", "volkswagen"), ("mercedes", "mercedesbenz")];

/// Whether two texts mean the same make: letter case and punctuation do not count, and `Chevy` is
/// `Chevrolet`.
pub fn is_same_make(one: &str, other: &str) -> bool {
    full_name(one) == full_name(other)
}

fn full_name(make: &str) -> String {
    let name = letters(make);
    match NICKNAMES.iter().find(|(nickname, _)| *nickname == name) {
        Some((_, full)) => (*full).to_owned(),
        None => name,
    }
}

/// The letters and digits of a name, in lower case: `F-150` and `f150` are the same.
pub fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// One word, with the separator that may follow it.
fn word_name(word: &str) -> String {
    let name = word.trim_end_matches([' ', '-', '/', '.']);
    match EXCEPTIONS.iter().find(|exception| exception.eq_ignore_ascii_case(name)) {
        Some(exception) => word.replace(name, exception),
        None => capitalize(word),
    }
}

/// The first letter large, the others small.
fn capitalize(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().into_iter().chain(characters.flat_map(char::to_lowercase)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(make: &str, expected: &str) {
        assert_eq!(make_name(make), expected);
    }

    #[test]
    fn a_make_in_capitals_gets_its_usual_writing() {
        check("HONDA", "Honda");
        check("INFINITI", "Infiniti");
        check("RAM", "Ram");
        check("MERCEDES-BENZ", "Mercedes-Benz");
        check("LAND ROVER", "Land Rover");
        check("TRANSGLOBAL INDUSTRIES", "Transglobal Industries");
        check("CITROËN", "Citroën");
    }

    #[test]
    fn a_make_with_a_writing_of_its_own_keeps_it() {
        check("BMW", "BMW");
        check("GMC", "GMC");
        check("MINI", "MINI");
        check("FIAT", "FIAT");
        check("MV AGUSTA", "MV Agusta");
        check("IC BUS", "IC Bus");
        check("MCLAREN", "McLaren");
    }

    #[test]
    fn a_make_has_many_writings() {
        for (one, other) in [
            ("Mercedes-Benz", "mercedes benz"),
            ("Mercedes", "Mercedes-Benz"),
            ("chevy", "Chevrolet"),
            ("VW", "Volkswagen"),
            ("CITROËN", "Citroën"),
        ] {
            assert!(is_same_make(one, other), "{one} {other}");
        }
        assert!(!is_same_make("Ford", "Honda"));
    }

    #[test]
    fn a_make_with_small_letters_is_left_alone() {
        check("McLaren", "McLaren");
        check("eTuk USA", "eTuk USA");
        check("", "");
    }
}
