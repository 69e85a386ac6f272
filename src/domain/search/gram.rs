//! Runs of one to three characters, by which an index finds records.

/// One to three characters in a row.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Gram(u64);

/// The longest run.
pub(super) const LONGEST: usize = 3;
/// A character takes 21 bits.
const BITS: u32 = 21;

impl Gram {
    /// The gram of at most three characters; those before the last three do not count.
    pub(super) fn of(characters: &[char]) -> Self {
        let last = characters.iter().rev().take(LONGEST).rev();
        Self(last.fold(0, |packed, &c| packed << BITS | u64::from(u32::from(c))))
    }

    /// The characters as text.
    pub fn to_text(self) -> String {
        let character = |place: u32| {
            let code = self.0 >> (place * BITS) & ((1 << BITS) - 1);
            u32::try_from(code).ok().filter(|&code| code > 0).and_then(char::from_u32)
        };
        (0..3).rev().filter_map(character).collect()
    }
}

/// All runs of one to three characters in a text.
pub(super) fn each_gram(text: &str, mut tell: impl FnMut(Gram)) {
    // A window that moves along the text; each step ends up to three runs.
    let mut window = ['\0'; LONGEST];
    for (at, c) in text.chars().enumerate() {
        window.rotate_left(1);
        window[LONGEST - 1] = c;
        for length in 1..=LONGEST.min(at + 1) {
            tell(Gram::of(window.get(LONGEST - length..).unwrap_or_default()));
        }
    }
}
