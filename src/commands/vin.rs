//! `servicebay vin`: decodes VINs from NHTSA's data alone, without asking anybody.

use std::io::{self, BufRead, BufReader, BufWriter, Read, StdinLock, Write};
use std::process::ExitCode;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::cache::VehicleData;
use crate::config::Config;
use crate::domain::time::Timestamp;
use crate::domain::vin::decoded::element::{BODY_CLASS, MAKE, MODEL, MODEL_YEAR, TRIM};
use crate::domain::vin::make::make_name;
use crate::domain::vin::vpic::{Decoded, VinText, Vpic};
use crate::domain::vin::{Vin, without_separators};

/// The longest line that is read as a whole; what is longer is no VIN.
const LINE_MAX_BYTES: u64 = 1024;

/// The command's arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// VINs, whole or in part (`*` for a character that is not known), each with a comma and the
    /// model year where that is known; left out: one a line on standard input.
    vins: Vec<String>,
    /// How the vehicles are printed; left out: as a table.
    #[arg(long, value_enum)]
    format: Option<Format>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
enum Format {
    /// One JSON object a line, with NHTSA's elements under the keys of `DecodeVinValues`.
    Nhtsa,
}

/// Decodes them all; exits with 1 where one could not be.
pub fn run(config: &Config, arguments: &Arguments) -> io::Result<ExitCode> {
    let data = VehicleData::new(config.vin.data_file.clone());
    let mut printer = Printer {
        vpic: data.get(),
        now: Timestamp::from(chrono::Utc::now()),
        format: arguments.format,
        out: BufWriter::new(io::stdout().lock()),
        has_failed: false,
    };
    if arguments.format.is_none() {
        writeln!(printer.out, "{}", row("VIN", "YEAR", "MAKE", "MODEL", "TRIM", "BODY"))?;
    }
    if arguments.vins.is_empty() {
        printer.print_lines(BufReader::new(io::stdin().lock()))?;
    } else {
        arguments.vins.iter().try_for_each(|text| printer.print(text))?;
    }
    printer.out.flush()?;
    Ok(ExitCode::from(u8::from(printer.has_failed)))
}

struct Printer<W: Write> {
    vpic: Vpic<'static>,
    now: Timestamp,
    format: Option<Format>,
    out: W,
    /// Whether one could not be decoded.
    has_failed: bool,
}

impl<W: Write> Printer<W> {
    fn print_lines(&mut self, mut lines: BufReader<StdinLock<'_>>) -> io::Result<()> {
        let mut line = Vec::new();
        while read_line(&mut lines, &mut line)? {
            let text = String::from_utf8_lossy(&line);
            if !text.trim().is_empty() {
                self.print(&text)?;
            }
            // Whoever feeds line by line gets each answer at once.
            if lines.buffer().is_empty() {
                self.out.flush()?;
            }
        }
        Ok(())
    }

    fn print(&mut self, text: &str) -> io::Result<()> {
        let (vin, said) = text.split_once(',').map_or((text, ""), |(vin, year)| (vin, year.trim()));
        let year = said.parse().ok();
        let vin = without_separators(vin);
        let wrong_year = || {
            let is_wrong = year.is_none() && !said.is_empty();
            is_wrong.then(|| format!("A model year has four digits, and {:?} is none.", cut(said)))
        };
        let problem = problem(&vin).or_else(wrong_year);
        self.has_failed |= problem.is_some();
        if let (Some(problem), Some(Format::Nhtsa)) = (&problem, self.format) {
            return self.print_json(&serde_json::json!({"VIN": cut(&vin), "error": problem}));
        }
        let decoded = self.vpic.decode(&VinText::new(&vin), year, self.now);
        match self.format {
            Some(Format::Nhtsa) => self.print_json(&Values(&decoded)),
            None => self.print_row(&vin, &decoded, problem),
        }
    }

    fn print_json(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, value)?;
        writeln!(self.out)
    }

    fn print_row(
        &mut self,
        vin: &str,
        decoded: &Decoded<'_>,
        problem: Option<String>,
    ) -> io::Result<()> {
        let shown: String = vin.chars().take(40).flat_map(char::escape_default).collect();
        let mut remarks: Vec<String> = problem.into_iter().collect();
        if remarks.is_empty() {
            remarks = self.remarks(vin, decoded);
        }
        let [make, year, model, trim, body] = [MAKE, MODEL_YEAR, MODEL, TRIM, BODY_CLASS]
            .map(|e| decoded.value(e).unwrap_or_default());
        self.has_failed |= make.is_empty();
        writeln!(self.out, "{}", row(&shown, year, &make_name(make), model, trim, body))?;
        remarks.iter().try_for_each(|remark| writeln!(self.out, "    {remark}"))
    }
}

impl<W: Write> Printer<W> {
    /// What is wrong with the VIN, in sentences.
    fn remarks(&self, vin: &str, decoded: &Decoded<'_>) -> Vec<String> {
        let mut remarks = Vec::new();
        if let Ok(vin) = vin.parse::<Vin>() {
            remarks.extend(vin.check_digit_warning().filter(|_| decoded.has_error(1)));
        }
        let is_told = |code: &u16| decoded.has_error(*code);
        if [2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 400].iter().any(is_told) {
            remarks.push(format!("NHTSA: {}", decoded.error_text()));
        }
        remarks
    }
}

/// One line of the table.
fn row(vin: &str, year: &str, make: &str, model: &str, trim: &str, body: &str) -> String {
    let row = format!("{vin:<17}  {year:<4}  {make:<15} {model:<20} {trim:<20} {body}");
    row.trim_end().to_owned()
}

/// No more of a text than is worth showing.
fn cut(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Why NHTSA's decoder would not look at this at all.
fn problem(vin: &str) -> Option<String> {
    let length = vin.chars().count();
    if !(1..=17).contains(&length) {
        return Some(format!("A VIN has 17 characters, and this has {length}."));
    }
    let is_sign = |c: &char| !c.is_ascii_graphic();
    vin.chars().find(is_sign).map(|c| format!("No VIN has the character {:?}.", c))
}

/// Reads one line, without its end; false at the end of the input. What is longer than a line may be
/// is cut, which leaves it too long for a VIN.
fn read_line(lines: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    if lines.take(LINE_MAX_BYTES).read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    if !line.ends_with(b"\n") {
        skip_line(lines)?;
    }
    Ok(true)
}

fn skip_line(lines: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = lines.fill_buf()?;
        let (length, is_end) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(end) => (end + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        lines.consume(length);
        if is_end {
            return Ok(());
        }
    }
}

/// Every element, as `DecodeVinValues` gives them; a list where one has several values.
struct Values<'d>(&'d Decoded<'d>);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("VIN", self.0.vin())?;
        for (code, values) in self.0.elements() {
            match values.as_slice() {
                [] => object.serialize_entry(code, "")?,
                [one] => object.serialize_entry(code, one)?,
                several => object.serialize_entry(code, several)?,
            }
        }
        object.end()
    }
}
