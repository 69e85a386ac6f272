//! Whether the quotation marks of a row are what RFC 4180 (2.5 to 2.7) says, which the CSV reader does
//! not ask: a mark that is missing would make one value of all rows up to the next one.

/// What is wrong with the quotation marks of a row, as it stands in the file; `None` where nothing is.
///
/// A mark within a value that does not begin with one is a character like any other, as in `3" pipe`.
pub fn fault(row: &[u8]) -> Option<&'static str> {
    // Most rows have none.
    memchr::memchr(b'"', row)?;
    // The end of the line before may still lie ahead.
    let from = row.iter().position(|byte| !matches!(byte, b'\r' | b'\n'))?;
    let mut rest = row.get(from..)?;
    loop {
        rest = match rest.strip_prefix(b"\"") {
            Some(quoted) => match behind(quoted) {
                Ok(rest) => rest,
                Err(why) => return Some(why),
            },
            None => rest,
        };
        let comma = memchr::memchr(b',', rest)?;
        rest = rest.get(comma + 1..)?;
    }
}

/// What follows the closing mark of a value whose opening one was just read.
fn behind(mut rest: &[u8]) -> Result<&[u8], &'static str> {
    loop {
        let Some(after) = memchr::memchr(b'"', rest).and_then(|at| rest.get(at + 1..)) else {
            return Err("a closing quotation mark is missing");
        };
        match after.first() {
            Some(b'"') => rest = after.get(1..).unwrap_or_default(),
            None | Some(b',' | b'\r' | b'\n') => return Ok(after),
            Some(_) => {
                return Err(
                    "something follows a closing quotation mark; is one missing, or not doubled?",
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn quotation_marks_enclose_whole_values() {
        for row in [
            "",
            "a,b\n",
            "\"a\",\"b\"\r\n",
            "\n\"a\",b\r",
            "\"a \"\"b\"\"\",\"\",\"\"\"\"",
            "3\" pipe,b\n",
            "\"a,\nb\",c\n",
            ",\"\"",
        ] {
            assert_eq!(fault(row.as_bytes()), None, "{row:?}");
        }
    }

    #[test]
    fn a_mark_that_is_missing_is_found() {
        for row in ["\"a", "a,\"b\nc,d\n", "\"a\"\"", "a,\"b\"\""] {
            assert!(fault(row.as_bytes()).is_some_and(|why| why.contains("missing")), "{row:?}");
        }
        for row in ["\"Jo\"seph,b", "a,\"b\nc,\"likes tea\"\n", "\"a\" ,b", "\"say \"hi\"\",b"] {
            assert!(fault(row.as_bytes()).is_some_and(|why| why.contains("follows")), "{row:?}");
        }
    }
}
