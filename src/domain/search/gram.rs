//! Short runs of characters, by which an index finds records.

/// One to three characters in a row, or four digits: there are so few digits that three of them in a row
/// are in every hundredth phone number.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Gram(u64);

/// The longest run of any characters.
pub(super) const LONGEST: usize = 3;
/// The longest run of digits.
pub(super) const DIGITS: usize = 4;
/// A character takes 21 bits.
const BITS: u32 = 21;
/// A digit among four takes less, and the first bit says that there are four.
const DIGIT_BITS: u32 = 15;
const FOUR_DIGITS: u64 = 1 << 63;

impl Gram {
    /// The gram of at most three characters; those before the last three do not count.
    pub(super) fn of(characters: &[char]) -> Self {
        let last = characters.iter().rev().take(LONGEST).rev();
        Self(last.fold(0, |packed, &c| packed << BITS | u64::from(u32::from(c))))
    }

    /// The gram of four digits; `None` of anything else.
    pub(super) fn of_digits(characters: &[char]) -> Option<Self> {
        if characters.len() != DIGITS || !characters.iter().all(char::is_ascii_digit) {
            return None;
        }
        let packed = |packed, &c: &char| packed << DIGIT_BITS | u64::from(u32::from(c));
        Some(Self(characters.iter().fold(0, packed) | FOUR_DIGITS))
    }

    /// Whether these are four digits.
    pub(super) const fn is_digits(self) -> bool {
        self.0 & FOUR_DIGITS != 0
    }

    /// The characters as text.
    pub fn to_text(self) -> String {
        let (count, bits) = if self.is_digits() { (4, DIGIT_BITS) } else { (3, BITS) };
        let character = |place: u32| {
            let code = self.0 >> (place * bits) & ((1 << bits) - 1);
            u32::try_from(code).ok().filter(|&code| code > 0).and_then(char::from_u32)
        };
        (0..count).rev().filter_map(character).collect()
    }
}

/// All grams of a text.
pub(super) fn each_gram(text: &str, mut tell: impl FnMut(Gram)) {
    // A window that moves along the text; each step ends up to four runs.
    let mut window = ['\0'; DIGITS];
    for (at, c) in text.chars().enumerate() {
        window.rotate_left(1);
        window[DIGITS - 1] = c;
        for length in 1..=LONGEST.min(at + 1) {
            tell(Gram::of(window.get(DIGITS - length..).unwrap_or_default()));
        }
        if let Some(gram) = Gram::of_digits(&window) {
            tell(gram);
        }
    }
}

/// The grams that lead to a word: its longest ones, in their order.
pub(super) fn longest_grams(characters: &[char], longest: usize) -> Vec<Gram> {
    let mut grams = Vec::with_capacity(characters.len());
    let is_digit = |at: usize| characters.get(at).is_some_and(char::is_ascii_digit);
    for (at, run) in characters.windows(longest.max(1)).enumerate() {
        let digits = characters.get(at..at + DIGITS).and_then(Gram::of_digits);
        // The last three of four digits were told with the first one of them.
        let is_told = at > 0 && longest == LONGEST && (at - 1..at + LONGEST).all(is_digit);
        match digits.filter(|_| longest == LONGEST) {
            Some(gram) => grams.push(gram),
            None if is_told => {}
            None => grams.push(Gram::of(run)),
        }
    }
    grams
}
