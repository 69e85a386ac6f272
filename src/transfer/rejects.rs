//! What was not taken, beside the file that it came from: line and reason before the row as it was, so
//! that it can be mended and imported again.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Position};

use super::columns::REJECT_COLUMNS;
use super::lines::{LONGEST_LINE, Place};

/// The rejected rows of one file.
pub struct Rejects {
    source: PathBuf,
    /// Where they go.
    pub path: PathBuf,
    open: Option<Open>,
    /// How many there are.
    pub count: u64,
}

struct Open {
    out: csv::Writer<BufWriter<File>>,
    source: csv::Reader<File>,
    /// Which columns of the source were added by an earlier rejection.
    added: Vec<bool>,
}

impl Rejects {
    /// None so far; those of an earlier import of this file count no more.
    pub fn new(source: &Path) -> Self {
        let mut path = source.as_os_str().to_owned();
        path.push(".rejected.csv");
        Self { source: source.to_owned(), path: path.into(), open: None, count: 0 }
    }

    /// Writes a row and why it was rejected.
    pub fn add(&mut self, place: &Place, reason: &str) -> io::Result<()> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => Open::begin(&self.source, &self.path)?,
        };
        open.add(place, reason)?;
        self.open = Some(open);
        self.count += 1;
        Ok(())
    }

    /// Writes what is still held back. A file of an earlier import goes where this one rejected nothing.
    pub fn finish(&mut self) -> io::Result<()> {
        match self.open.take() {
            Some(mut open) => open.out.flush(),
            None => match std::fs::remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }
}

impl Open {
    fn begin(source: &Path, path: &Path) -> io::Result<Self> {
        let mut source = csv::ReaderBuilder::new().flexible(true).from_reader(File::open(source)?);
        let header = source.byte_headers()?.clone();
        let is_added = |name: &[u8]| {
            let name = String::from_utf8_lossy(name).trim().to_lowercase();
            REJECT_COLUMNS.contains(&name.as_str())
        };
        let added: Vec<bool> = header.iter().map(is_added).collect();
        let mut out = csv::WriterBuilder::new()
            .flexible(true)
            .from_writer(BufWriter::new(private_file(path)?));
        let mut first: ByteRecord = REJECT_COLUMNS.iter().copied().collect();
        first.extend(kept(&header, &added));
        out.write_byte_record(&first)?;
        Ok(Self { out, source, added })
    }

    fn add(&mut self, place: &Place, reason: &str) -> io::Result<()> {
        let mut row = ByteRecord::new();
        row.push_field(place.line.to_string().as_bytes());
        row.push_field(reason.as_bytes());
        let record = if place.is_one_line {
            self.read_line(&place.position)?
        } else {
            self.read(&place.position)?
        };
        row.extend(kept(&record, &self.added));
        self.out.write_byte_record(&row)?;
        Ok(())
    }

    /// The row as it stands in the source.
    fn read(&mut self, at: &Position) -> io::Result<ByteRecord> {
        self.source.seek(at.clone())?;
        let mut record = ByteRecord::new();
        self.source.read_byte_record(&mut record)?;
        Ok(record)
    }

    /// The line as it stands in the source, whatever its quotation marks say.
    fn read_line(&mut self, at: &Position) -> io::Result<ByteRecord> {
        let source = self.source.get_mut();
        source.seek(SeekFrom::Start(at.byte()))?;
        let (mut source, mut line) = (BufReader::new(source.take(LONGEST_LINE)), Vec::new());
        // The end of the line before may still lie ahead, and empty lines.
        while source.read_until(b'\n', &mut line)? > 0 && line.trim_ascii().is_empty() {
            line.clear();
        }
        let mut record = ByteRecord::new();
        csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(line.trim_ascii_end())
            .read_byte_record(&mut record)?;
        Ok(record)
    }
}

/// The columns that no rejection added.
fn kept<'a>(row: &'a ByteRecord, added: &'a [bool]) -> impl Iterator<Item = &'a [u8]> {
    let is_added = added.iter().copied().chain(std::iter::repeat(false));
    row.iter().zip(is_added).filter(|&(_, is_added)| !is_added).map(|(field, _)| field)
}

/// A file that its owner alone may read: it holds personal data.
pub fn private_file(path: &Path) -> io::Result<File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}
