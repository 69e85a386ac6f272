//! The vPIC tables in the flat form that `scripts/vpic` writes: sections of little-endian numbers,
//! used where they lie. Nothing is parsed but the table of the sections.
//!
//! Every access is checked. Whatever is out of range reads as nothing, so that even a file that lies
//! about itself decodes to little instead of breaking anything.

use std::ops::Range;

use sha2::{Digest, Sha256};

/// What every such file begins with; the byte after it is the version of the form.
const MAGIC: &[u8] = b"SBVPIC";
/// The version of the form that this program reads.
const VERSION: u8 = 1;
/// Where the part begins that the hash covers.
const HASHED_FROM: usize = 40;
/// How many elements there can be. The last number stands for texts that belong to none.
pub const ELEMENTS: usize = 256;

/// Why bytes are no vPIC data.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DataError {
    /// They are something else.
    #[error("is not a vPIC data file made by scripts/vpic")]
    Foreign,
    /// They are of another version of the form.
    #[error("has version {0} of the data's form, and this program reads version {VERSION}")]
    Version(u8),
    /// They are not what was written.
    #[error("is damaged: its contents do not have the hash that it names")]
    Damaged,
}

/// Declares the sections, in the order of the file.
macro_rules! sections {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The vPIC data. A copy of this is cheap: it borrows all of it.
        #[derive(Clone, Copy, Debug)]
        pub struct Vpic<'a> {
            source: &'a str,
            release: &'a str,
            newest: &'a str,
            hash: &'a [u8],
            $($(#[$doc])* pub(super) $name: Bytes<'a>,)*
        }

        impl<'a> Vpic<'a> {
            /// Finds the sections, without looking at what is in them.
            fn find(data: &'a [u8]) -> Option<Self> {
                let mut head = Reader { data, at: HASHED_FROM };
                let (source, release, newest) = (head.note()?, head.note()?, head.note()?);
                let hash = data.get(MAGIC.len() + 2..HASHED_FROM)?;
                let mut count = head.number(2)?;
                $(let $name = head.section(&mut count)?;)*
                (count == 0).then_some(Self { source, release, newest, hash, $($name,)* })
            }
        }
    };
}

sections! {
    /// Of each element the number of its first text.
    bases,
    /// Where each text begins, and the texts themselves.
    text_ends,
    texts,
    /// Of each element name, code, weight and flags.
    elements,
    /// Where each key begins, and the keys themselves.
    key_ends,
    keys,
    /// Of each schema its first key and its first row.
    schema_keys,
    schema_rows,
    /// Of each key of a schema its number, and how many rows it has.
    key_numbers,
    key_rows,
    /// Of each row its element, and the value's number within the element.
    row_elements,
    row_values,
    /// Of each schema nine sets of characters, and the sets.
    allowed,
    character_sets,
    /// The rows that can dispute with another, when they changed, and which is older.
    ranked_rows,
    ranked_times,
    ranked_numbers,
    /// World manufacturer identifiers, in order.
    wmis,
    /// Which schema they use in which years, and their makes.
    links,
    wmi_makes,
    /// Body classes' own numbers.
    body_classes,
    /// Of each model its make.
    model_makes,
    /// What follows from an engine model.
    engines,
    engine_rows,
    /// What follows from other values.
    specs,
    model_specs,
    spec_starts,
    /// What holds for a vehicle type where nothing is known.
    defaults,
    /// Whole VINs whose check digit may be wrong.
    exceptions,
    /// Descriptors whose model year NHTSA fixed.
    descriptors,
    /// The error codes.
    errors,
}

/// One section, or a part of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    pub fn len(self) -> usize {
        self.0.len()
    }

    /// The bytes from `at`, as many as that, or nothing.
    pub fn slice(self, range: Range<usize>) -> &'a [u8] {
        self.0.get(range).unwrap_or_default()
    }

    pub fn u8(self, at: usize) -> u8 {
        self.0.get(at).copied().unwrap_or_default()
    }

    pub fn u16(self, at: usize) -> u16 {
        self.0.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |b| u16::from_le_bytes(*b))
    }

    pub fn u24(self, at: usize) -> u32 {
        match self.0.get(at..).and_then(|rest| rest.first_chunk()) {
            Some([a, b, c]) => u32::from_le_bytes([*a, *b, *c, 0]),
            None => 0,
        }
    }

    pub fn u32(self, at: usize) -> u32 {
        self.0.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |b| u32::from_le_bytes(*b))
    }

    pub fn u64(self, at: usize) -> u64 {
        self.0.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |b| u64::from_le_bytes(*b))
    }

    /// A number of the section as a place in another.
    pub fn place(self, at: usize) -> usize {
        usize::try_from(self.u32(at)).unwrap_or(usize::MAX)
    }

    /// The record of `size` bytes whose first bytes are `key`, in a section sorted by them.
    pub fn find(self, size: usize, key: &[u8]) -> Option<Bytes<'a>> {
        let record = |index: usize| self.slice(index * size..(index + 1) * size);
        let index = partition(self.len() / size, |i| record(i).get(..key.len()) < Some(key));
        let found = record(index);
        found.starts_with(key).then_some(Bytes(found))
    }
}

/// The first of `count` indices for which `is_before` no longer holds; it holds for all before.
pub(super) fn partition(count: usize, is_before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if is_before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

/// Reads the head of the file.
struct Reader<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let taken = self.data.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn number(&mut self, length: usize) -> Option<usize> {
        let bytes = self.take(length)?;
        Some(bytes.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
    }

    fn note(&mut self) -> Option<&'a str> {
        let length = self.number(2)?;
        str::from_utf8(self.take(length)?).ok()
    }

    fn section(&mut self, count: &mut usize) -> Option<Bytes<'a>> {
        *count = count.checked_sub(1)?;
        let (offset, length) = (self.number(4)?, self.number(4)?);
        self.data.get(offset..offset.checked_add(length)?).map(Bytes)
    }
}

/// Whether a file begins as vPIC data of this version does, and is as long as it says. `head` is its
/// beginning, some thousand bytes of it.
///
/// # Errors
/// If it does not. Only [`Vpic::checked`] finds other damage.
pub fn check_head(head: &[u8], length: u64) -> Result<(), DataError> {
    version(head)?;
    let mut reader = Reader { data: head, at: HASHED_FROM };
    let mut end = || {
        for _ in 0..3 {
            reader.note()?;
        }
        let sections = reader.number(2)?;
        let last = reader.at + sections.checked_sub(1)? * 8;
        let mut reader = Reader { data: head, at: last };
        Some(reader.number(4)? + reader.number(4)?)
    };
    let is_whole = end().and_then(|end| u64::try_from(end).ok()) == Some(length);
    if is_whole { Ok(()) } else { Err(DataError::Damaged) }
}

fn version(data: &[u8]) -> Result<(), DataError> {
    match data.strip_prefix(MAGIC).and_then(|rest| rest.first()) {
        None => Err(DataError::Foreign),
        Some(&VERSION) => Ok(()),
        Some(&other) => Err(DataError::Version(other)),
    }
}

impl<'a> Vpic<'a> {
    /// The data in bytes that come from this program itself.
    ///
    /// # Errors
    /// If they are no vPIC data of this version.
    pub fn embedded(data: &'a [u8]) -> Result<Self, DataError> {
        version(data)?;
        Self::find(data).ok_or(DataError::Damaged)
    }

    /// The data in bytes of any origin, held against their hash.
    ///
    /// # Errors
    /// If they are no vPIC data of this version, or damaged.
    pub fn checked(data: &'a [u8]) -> Result<Self, DataError> {
        let found = Self::embedded(data)?;
        let hash = Sha256::digest(data.get(HASHED_FROM..).unwrap_or_default());
        if *hash == *found.hash { Ok(found) } else { Err(DataError::Damaged) }
    }

    /// Where the data comes from.
    pub fn source(&self) -> &'a str {
        self.source
    }

    /// NHTSA's name of the month, such as `2026_10`.
    pub fn release(&self) -> &'a str {
        self.release
    }

    /// The day of NHTSA's latest edit in it, such as `2026-10-13`.
    pub fn newest(&self) -> &'a str {
        self.newest
    }

    /// The first digits of the SHA-256 of the contents, in hexadecimal.
    pub fn short_hash(&self) -> String {
        self.hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The text of this number among all.
    pub(super) fn text(&self, number: u32) -> &'a str {
        let at = index(number) * 4;
        let bytes = self.texts.slice(self.text_ends.place(at)..self.text_ends.place(at + 4));
        str::from_utf8(bytes).unwrap_or_default()
    }

    /// The pattern key of this number.
    pub(super) fn key(&self, number: u32) -> &'a [u8] {
        let at = index(number) * 4;
        self.keys.slice(self.key_ends.place(at)..self.key_ends.place(at + 4))
    }

    /// The number, among all texts, of an element's value.
    pub(super) fn value(&self, element: u8, number: u16) -> u32 {
        self.bases.u32(usize::from(element) * 4).saturating_add(u32::from(number))
    }

    /// The number, within its element, of a value that is a text of that element.
    pub(super) fn within(&self, element: u8, text: u32) -> usize {
        index(text.saturating_sub(self.bases.u32(usize::from(element) * 4)))
    }

    pub(super) fn element(&self, element: u8) -> Element<'a> {
        let at = usize::from(element) * 12;
        let record = Bytes(self.elements.slice(at..at + 12));
        Element { vpic: *self, record }
    }
}

/// A number of the data as an index.
pub(super) fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX / 16)
}

/// What is known of an element.
#[derive(Clone, Copy, Debug)]
pub struct Element<'a> {
    vpic: Vpic<'a>,
    record: Bytes<'a>,
}

impl<'a> Element<'a> {
    fn flag(self, bit: u8) -> bool {
        self.record.u8(10) & bit != 0
    }

    /// Whether NHTSA gives it out, with or without a value.
    pub fn is_public(self) -> bool {
        self.flag(1) && !self.flag(2) && self.flag(4)
    }

    /// Whether its values are names of numbers.
    pub(super) fn is_lookup(self) -> bool {
        self.flag(8)
    }

    /// Whether it keeps all of its values.
    pub(super) fn is_multiple(self) -> bool {
        self.flag(16)
    }

    /// Its name, as `Engine Number of Cylinders`.
    pub fn name(self) -> &'a str {
        self.vpic.text(self.record.u32(0))
    }

    /// Its key in `DecodeVinValues`, as `EngineCylinders`.
    pub fn code(self) -> &'a str {
        self.vpic.text(self.record.u32(4))
    }

    /// What its presence counts in the choice between two model years.
    pub(super) fn weight(self) -> i32 {
        i32::from(self.record.u16(8).cast_signed())
    }
}
