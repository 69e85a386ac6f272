//! The texts of a row in one piece of memory, since rows are held by the hundred thousand.

/// Up to eight texts, each of which may be missing.
#[derive(Clone, Debug)]
pub(super) struct Texts<const N: usize> {
    all: Box<str>,
    /// Where each of them ends.
    ends: [u32; N],
    /// A bit for each that is there.
    given: u8,
}

impl<const N: usize> Texts<N> {
    /// Puts the texts together. They are those of a line of a file, which is short.
    pub fn new(texts: [Option<&str>; N]) -> Self {
        let (mut ends, mut end, mut given) = ([0; N], 0, 0);
        for (place, (text, end_here)) in texts.iter().zip(&mut ends).enumerate() {
            end += text.map_or(0, str::len);
            *end_here = u32::try_from(end).unwrap_or(u32::MAX);
            given |= u8::from(text.is_some()) << place;
        }
        Self { all: texts.map(Option::unwrap_or_default).concat().into_boxed_str(), ends, given }
    }

    /// The text at this place.
    pub fn get(&self, place: usize) -> Option<&str> {
        if self.given >> place & 1 == 0 {
            return None;
        }
        let end_of = |place: usize| self.ends.get(place).and_then(|end| usize::try_from(*end).ok());
        let start = place.checked_sub(1).map_or(Some(0), end_of)?;
        self.all.get(start..end_of(place)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_as_they_were() {
        let given = [None, Some("V1"), Some(""), None, Some("Zoë\n"), None];
        let texts = Texts::new(given);
        for (place, text) in given.into_iter().enumerate() {
            assert_eq!(texts.get(place), text, "{place}");
        }
        assert_eq!(Texts::new([None, None]).get(1), None);
    }
}
