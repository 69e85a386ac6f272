//! The lines of a CSV file, one at a time, however large it is.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use csv::{ByteRecord, Position, StringRecord};

use super::columns::{Column, Header, InvalidHeader};
use super::quotes;

/// The longest line, in bytes: a few times what its columns may hold. A quotation mark that is never
/// closed would make one line of the whole rest of a file.
pub const LONGEST_LINE: u64 = 256 * 1024;
/// How much is read at once.
const BUFFER: usize = 128 * 1024;

/// Why a file cannot be read; follows its name.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is a folder, a pipe or a device: what is rejected has to be found again.
    #[error("is not a regular file")]
    NotAFile,
    /// Its first line.
    #[error("{0}")]
    Header(#[from] InvalidHeader),
    /// Its first line is no text.
    #[error("has a first line that is not valid UTF-8")]
    Encoding,
    /// CSV.
    #[error("cannot be read as CSV: {0}")]
    Csv(#[from] csv::Error),
}

/// Where a row stands in its file.
#[derive(Clone, Debug)]
pub struct Place {
    /// The number of its first line; the header is line 1.
    pub line: u64,
    /// Where it begins.
    pub position: Position,
    /// Whether it is taken to end with that line, because its quotation marks do not tell.
    pub is_one_line: bool,
}

/// What a line turned out to be.
pub enum Line {
    /// A row of text.
    Row(StringRecord),
    /// What is wrong with it as a whole.
    Bad(String),
}

/// A CSV file that is being read.
pub struct Lines {
    reader: csv::Reader<Bounded>,
    path: PathBuf,
    /// Where its columns are.
    pub header: Header,
    /// How long the file is.
    pub length: u64,
    record: ByteRecord,
    budget: Rc<Cell<u64>>,
    ends: Ends,
    /// The file once more, up to where the reader is, for what the reader does not tell of a row.
    raw: BufReader<File>,
    raw_row: Vec<u8>,
}

/// How the lines of a file end.
#[derive(Clone, Copy)]
struct Ends {
    /// With two characters, of which the reader takes the second one for the beginning of the next line.
    are_two: bool,
    /// The last one with none.
    last_is_open: bool,
}

/// A file of which no more than a budget can be read before it is renewed.
struct Bounded {
    file: File,
    budget: Rc<Cell<u64>>,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.budget.get() == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let read = self.file.read(buffer)?;
        let read_bytes = u64::try_from(read).unwrap_or(u64::MAX);
        self.budget.set(self.budget.get().saturating_sub(read_bytes));
        Ok(read)
    }
}

impl Seek for Bounded {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Lines {
    /// Opens a file and reads its header.
    pub fn open(path: &Path, columns: &[Column]) -> Result<Self, FileError> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(FileError::NotAFile);
        }
        let budget = Rc::new(Cell::new(LONGEST_LINE));
        let bounded = Bounded { file, budget: Rc::clone(&budget) };
        let mut reader =
            csv::ReaderBuilder::new().buffer_capacity(BUFFER).flexible(true).from_reader(bounded);
        let names = match reader.byte_headers() {
            Ok(names) => StringRecord::from_byte_record(names.clone()),
            Err(error) if is_too_long(&error) => return Err(FileError::Encoding),
            Err(error) => return Err(error.into()),
        };
        let names = names.map_err(|_| FileError::Encoding)?;
        let header = Header::read(names.iter(), columns)?;
        let behind = reader.position().byte();
        let ends = Ends::read(File::open(path)?, behind, metadata.len())?;
        let mut raw = BufReader::with_capacity(BUFFER, File::open(path)?);
        raw.seek(SeekFrom::Start(behind))?;
        Ok(Self {
            reader,
            path: path.to_owned(),
            header,
            length: metadata.len(),
            record: ByteRecord::new(),
            budget,
            ends,
            raw,
            raw_row: Vec::new(),
        })
    }

    /// The next row; `None` at the end of the file.
    pub fn next(&mut self) -> Result<Option<(Place, Line)>, FileError> {
        self.budget.set(LONGEST_LINE);
        let from = self.reader.position().clone();
        match self.reader.read_byte_record(&mut self.record) {
            Ok(false) => Ok(None),
            Ok(true) => {
                self.read_raw(&from)?;
                if let Some(why) = quotes::fault(&self.raw_row) {
                    return self.skip_line(from, why.to_owned()).map(Some);
                }
                let position = self.record.position().cloned().unwrap_or(from);
                let record = std::mem::take(&mut self.record);
                let line = self.first_line(&record);
                let place = Place { line, position, is_one_line: false };
                Ok(Some((place, self.line(record))))
            }
            Err(error) if is_too_long(&error) => {
                let why = format!(
                    "the row is longer than {LONGEST_LINE} bytes; is a closing quotation mark missing?"
                );
                self.skip_line(from, why).map(Some)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes a row back that nobody needs any more, so that the next one takes its memory.
    pub fn give_back(&mut self, row: StringRecord) {
        self.record = row.into_byte_record();
    }

    /// The row that was just read, as it stands in the file.
    fn read_raw(&mut self, from: &Position) -> io::Result<()> {
        let length = self.reader.position().byte().saturating_sub(from.byte());
        self.raw_row.resize(usize::try_from(length).unwrap_or_default(), 0);
        self.raw.read_exact(&mut self.raw_row)
    }

    /// The number of the line on which the row begins that was just read. The position that the reader
    /// gives it lies before the end of the line before, and before empty lines.
    fn first_line(&self, record: &ByteRecord) -> u64 {
        let position = self.reader.position();
        let is_open = position.byte() >= self.length && self.ends.last_is_open;
        let behind = if self.ends.are_two || is_open { 0 } else { 1 };
        let inside: usize =
            record.iter().map(|field| memchr::memchr_iter(b'\n', field).count()).sum();
        position.line().saturating_sub(behind + u64::try_from(inside).unwrap_or_default())
    }

    fn line(&self, record: ByteRecord) -> Line {
        let width = self.header.width;
        let (found, surplus) = (record.len(), record.iter().skip(width));
        // A program that ends its lines with commas means nothing by them.
        if found < width || !surplus.clone().all(<[u8]>::is_empty) {
            return Line::Bad(format!("the row has {found} columns, the first line {width}"));
        }
        StringRecord::from_byte_record(record).map_or_else(
            |error| {
                let column = error.utf8_error().field() + 1;
                Line::Bad(format!("column {column} is not valid UTF-8; save the file as UTF-8"))
            },
            Line::Row,
        )
    }

    /// Takes the line that begins here for a bad one, and goes on behind it.
    fn skip_line(&mut self, from: Position, why: String) -> Result<(Place, Line), FileError> {
        let mut file = BufReader::new(File::open(&self.path)?);
        file.seek(SeekFrom::Start(from.byte()))?;
        let (mut next, mut lines, mut is_empty) = (from.byte(), 0, true);
        // The end of the line before may still lie ahead, and empty lines.
        while is_empty {
            let skipped;
            (skipped, is_empty) = skip_to_newline(&mut file)?;
            if skipped == 0 {
                break;
            }
            (next, lines) = (next + skipped, lines + 1);
        }
        let mut behind = Position::new();
        behind.set_byte(next).set_line(from.line() + lines).set_record(from.record() + 1);
        self.budget.set(LONGEST_LINE);
        self.reader.seek(behind)?;
        self.raw.seek(SeekFrom::Start(next))?;
        let line = from.line() + lines.saturating_sub(1);
        Ok((Place { line, position: from, is_one_line: true }, Line::Bad(why)))
    }
}

impl Ends {
    /// Looks at the end of the first line, which the reader has just read, and at that of the last one.
    fn read(mut file: File, first: u64, length: u64) -> io::Result<Self> {
        let mut byte_at = |at: u64| -> io::Result<Option<u8>> {
            let mut byte = [0];
            file.seek(SeekFrom::Start(at))?;
            Ok((file.read(&mut byte)? == 1).then_some(byte[0]))
        };
        let are_two =
            byte_at(first)? == Some(b'\n') && byte_at(first.saturating_sub(1))? == Some(b'\r');
        let last_is_open = byte_at(length.saturating_sub(1))? != Some(b'\n');
        Ok(Self { are_two, last_is_open })
    }
}

/// How many bytes the line has, its end included, and whether it is empty.
fn skip_to_newline(file: &mut impl BufRead) -> io::Result<(u64, bool)> {
    let (mut skipped, mut is_empty) = (0, true);
    loop {
        let buffer = file.fill_buf()?;
        let found = memchr::memchr(b'\n', buffer);
        let used = found.map_or(buffer.len(), |at| at + 1);
        let is_end = found.is_some() || buffer.is_empty();
        is_empty &= buffer.iter().take(used).all(|byte| matches!(byte, b'\r' | b'\n'));
        file.consume(used);
        skipped += u64::try_from(used).unwrap_or_default();
        if is_end {
            return Ok((skipped, is_empty));
        }
    }
}

fn is_too_long(error: &csv::Error) -> bool {
    matches!(error.kind(), csv::ErrorKind::Io(io) if io.kind() == io::ErrorKind::FileTooLarge)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::columns::PRODUCTS;
    use super::*;

    fn read(text: &[u8]) -> Vec<(u64, String)> {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(text).expect("written");
        let mut lines = Lines::open(file.path(), PRODUCTS).expect("a header");
        let mut read = Vec::new();
        while let Some((place, line)) = lines.next().expect("a line") {
            read.push((
                place.line,
                match line {
                    Line::Row(record) => record.iter().collect::<Vec<_>>().join("|"),
                    Line::Bad(why) => why,
                },
            ));
        }
        read
    }

    fn check(text: &str, expected: &[(u64, &str)]) {
        let read = read(text.as_bytes());
        let read: Vec<(u64, &str)> = read.iter().map(|(at, row)| (*at, row.as_str())).collect();
        assert_eq!(read, expected, "{text:?}");
    }

    #[test]
    fn lines_are_counted_as_an_editor_does() {
        check("sku,name,price\na,b,1\nc,d,2", &[(2, "a|b|1"), (3, "c|d|2")]);
        check("\u{FEFF}sku,name,price\r\na,b,1\r\nc,d,2\r\n", &[(2, "a|b|1"), (3, "c|d|2")]);
        check("sku,name,price\na,\"b\nb\",1\nc,d,2\n", &[(2, "a|b\nb|1"), (4, "c|d|2")]);
        check("sku,name,price\r\na,\"b\r\nb\",1\r\nc,d,2\r\n", &[(2, "a|b\r\nb|1"), (4, "c|d|2")]);
        check("sku,name,price\n\n\na,b,1\n", &[(4, "a|b|1")]);
        check("sku,name,price\r\n\r\n\r\na,b,1\r\n", &[(4, "a|b|1")]);
        check("sku,name,price\n", &[]);
    }

    #[test]
    fn a_row_of_another_width_is_a_bad_one() {
        let bad = "the row has 2 columns, the first line 3";
        check("sku,name,price\na,b\nc,d,2,\n", &[(2, bad), (3, "c|d|2|")]);
        check("sku,name,price\na,b,1,x\n", &[(2, "the row has 4 columns, the first line 3")]);
    }

    #[test]
    fn text_in_another_encoding_is_a_bad_row() {
        let read = read(b"sku,name,price\na,caf\xE9,1\nc,d,2\n");
        assert_eq!(read.len(), 2);
        assert!(read[0].1.contains("column 2 is not valid UTF-8"), "{read:?}");
        assert_eq!(read[1], (3, "c|d|2".to_owned()));
    }

    #[test]
    fn a_quotation_mark_that_is_never_closed_costs_one_row() {
        for end in ["\n", "\r\n"] {
            let rest: String = (0..40_000).map(|n| format!("s{n},name,1{end}")).collect();
            let read = read(format!("sku,name,price{end}a,b,1{end}x,\"y,2{end}{rest}").as_bytes());
            assert_eq!(read.len(), 40_002);
            assert_eq!((read[0].0, read[1].0, read[2].0), (2, 3, 4));
            assert!(read[1].1.contains("quotation mark"), "{}", read[1].1);
            assert_eq!(read[40_001], (40_003, "s39999|name|1".to_owned()));
        }
    }

    #[test]
    fn a_quotation_mark_that_is_missing_costs_one_row() {
        for end in ["\n", "\r\n"] {
            let text =
                ["sku,name,price", "a,\"b,1", "c,d,2", "", "e,\"f\"\"\",3", "\"", "g,\"h\",4"];
            let read = read(text.join(end).as_bytes());
            let lines: Vec<u64> = read.iter().map(|(line, _)| *line).collect();
            assert_eq!(lines, [2, 3, 5, 6, 7], "{read:?}");
            assert!(read[0].1.contains("quotation mark"), "{read:?}");
            assert!(read[3].1.contains("quotation mark"), "{read:?}");
            assert_eq!(read[1].1, "c|d|2");
            assert_eq!(read[2].1, "e|f\"|3");
            assert_eq!(read[4].1, "g|h|4");
        }
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = Lines::open(folder.path(), PRODUCTS).err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.contains("not a regular file")));
        assert!(Lines::open(&folder.path().join("none"), PRODUCTS).is_err());
    }
}
