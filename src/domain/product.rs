//! Products: what they are found by.

use icu_normalizer::DecomposingNormalizer;

/// The most words that a search may have.
pub const MAX_WORDS: usize = 6;

/// A text as it is compared in a search: no accents, no letter case, single spaces.
pub fn key(text: &str) -> String {
    let decomposed = DecomposingNormalizer::new_nfkd();
    let letters = decomposed.normalize_iter(text.chars()).filter(|&c| !is_accent(c));
    let folded: String = letters.flat_map(char::to_lowercase).collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The Combining Diacritical Marks of Unicode: what is left of an accent once it is taken off.
const fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}')
}

/// What a product is found by: its SKU and its name.
pub fn search_key(sku: &str, name: &str) -> String {
    format!("{} {}", key(sku), key(name))
}

/// The patterns of SQL's `like` that a product's key has to match: one for each word, in any order;
/// those that are left over match everything. `None` where there are too many words.
///
/// The sign before a `%` or `_` that means itself is `\`.
pub fn patterns(query: &str) -> Option<[String; MAX_WORDS]> {
    let query = key(query);
    let mut words = query.split(' ');
    let patterns = std::array::from_fn(|_| {
        let mut pattern = String::from("%");
        for c in words.next().unwrap_or_default().chars() {
            if matches!(c, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern.push('%');
        pattern
    });
    words.next().is_none().then_some(patterns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_and_case_do_not_count() {
        let check = |text, expected| assert_eq!(key(text), expected);
        check("  Öl-Filter\tGRÖSSE  2 ", "ol-filter grosse 2");
        check("Bougie d’allumage é", "bougie d’allumage e");
        check("O\u{308}l", "ol");
        check("ΦΊΛΤΡΟ", "φιλτρο");
        check("①", "1");
        assert_eq!(search_key("OF-1", "Oil Filter"), "of-1 oil filter");
    }

    #[test]
    fn each_word_is_looked_for_anywhere() {
        let check = |query, expected: &[&str]| {
            let patterns = patterns(query).expect("few words");
            let (given, rest) = patterns.split_at(expected.len());
            assert_eq!(given, expected, "{query}");
            assert!(rest.iter().all(|pattern| pattern == "%%"), "{rest:?}");
        };
        check("", &[]);
        check("Brake  PAD", &["%brake%", "%pad%"]);
        check("50%_\\", &["%50\\%\\_\\\\%"]);
        check("a b c d e f", &["%a%", "%b%", "%c%", "%d%", "%e%", "%f%"]);
        assert_eq!(patterns("a b c d e f g"), None);
    }
}
