//! What is wrong with a VIN: characters that its manufacturer does not use at their position, the
//! check digit, and characters that no VIN has.

use super::codes::Codes;
use super::data::Vpic;
use super::items::Items;
use super::keys::places;
use super::text::VinText;
use super::wmi::{Wmi, is_small_maker};
use super::year::year_of_code;
use crate::domain::vin::check_digit;

/// The positions that keys tell about: all between the manufacturer and the serial number but the
/// check digit and the model year.
const POSITIONS: [usize; 9] = [4, 5, 6, 7, 8, 11, 12, 13, 14];
/// The position that is the first one of a key; a bar stands for position 9.
const FIRST: usize = 4;
/// Those of them that have to mean something.
const MEANING: [usize; 6] = [4, 5, 6, 7, 8, 11];
/// The characters of the sets, by bit.
const ALPHABET: &[u8; 37] = b"0123456789_ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// A position whose character its manufacturer does not use, and those that it uses.
#[derive(Clone, Copy, Debug)]
pub struct Misfit {
    pub position: usize,
    characters: u64,
}

impl Misfit {
    /// The characters that are used there, digits first.
    pub fn characters(self) -> impl Iterator<Item = u8> {
        (0..).zip(ALPHABET).filter(move |(bit, _)| self.characters & 1 << bit != 0).map(|(_, c)| *c)
    }
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    pub codes: Codes,
    /// The VIN that may be meant, with `!` for what is not known.
    pub suggested: Option<VinText>,
    /// What may stand at the positions in error.
    pub possible: Vec<Misfit>,
    /// Positions whose characters no value depends on.
    pub unused: Vec<usize>,
    /// Positions of characters that no VIN has, and these.
    pub invalid: Vec<(usize, u8)>,
}

fn bit(character: u8) -> u64 {
    let index = match character {
        b'0'..=b'9' => character - b'0',
        b'_' => 10,
        b'A'..=b'Z' => character - b'A' + 11,
        _ => return 0,
    };
    1 << index
}

/// The positions whose characters no key knows that the manufacturer has for the model year.
fn misfits(vpic: Vpic<'_>, wmi: Wmi<'_>, vin: &VinText, year: Option<i32>) -> Vec<Misfit> {
    let last = if is_small_maker(vin.as_bytes()) && vin.at(14).is_some() { 11 } else { 14 };
    let set = |schema: usize, column: usize| {
        let number = vpic.allowed.u16((schema * POSITIONS.len() + column) * 2);
        vpic.character_sets.u64(usize::from(number) * 8)
    };
    let mut open: Vec<(usize, u64, Misfit)> = (0..)
        .zip(POSITIONS)
        .filter(|(_, position)| *position <= last)
        .filter_map(|(column, position)| {
            Some((column, bit(vin.at(position)?), Misfit { position, characters: 0 }))
        })
        .collect();
    for link in wmi.links().filter(|link| link.covers(year)) {
        open.retain_mut(|(column, own, misfit)| {
            misfit.characters |= set(link.schema, *column);
            misfit.characters & *own == 0
        });
        if open.is_empty() {
            break;
        }
    }
    let known = open.into_iter().map(|(_, _, misfit)| misfit);
    known.filter(|misfit| misfit.characters != 0).collect()
}

/// The positions that the keys of the values tell about, as bits from position 4 on: by a literal, a
/// class or a digit of a formula.
fn told_positions(vpic: Vpic<'_>, vin: &VinText, items: &Items) -> u32 {
    let mut told = 0;
    let mut last = None;
    for item in items.iter().filter(|item| item.has_key()) {
        // Neighbours often come from one key.
        if last.replace(item.key) == Some(item.key) {
            continue;
        }
        for (at, place) in places(vpic.key(item.key)).enumerate() {
            if vin.at(at + FIRST).is_some_and(|c| place.tells(c)) {
                told |= 1_u32 << at.min(31);
            }
        }
    }
    told
}

impl Findings {
    /// Checks the positions that patterns tell about.
    pub fn check_positions(
        &mut self,
        vpic: Vpic<'_>,
        wmi: Wmi<'_>,
        vin: &VinText,
        year: Option<i32>,
        items: &Items,
    ) {
        if year.is_some() {
            self.possible = misfits(vpic, wmi, vin, year);
            self.suggest(vin);
        }
        let told = told_positions(vpic, vin, items);
        let is_unused = |position: &usize| {
            vin.at(*position).is_some() && told & 1_u32 << (position - FIRST) == 0
        };
        self.unused = MEANING.into_iter().filter(is_unused).collect();
        if !self.unused.is_empty() {
            self.codes.add(14);
        }
    }

    fn suggest(&mut self, vin: &VinText) {
        let marked = |vin: VinText, misfit: &Misfit| vin.with(misfit.position, b'!');
        match self.possible.as_slice() {
            [] => {}
            [one] => {
                let mut characters = one.characters();
                let (first, second) = (characters.next(), characters.next());
                if let (Some(only), None) = (first, second) {
                    self.codes.add(2);
                    self.suggested = Some(vin.with(one.position, only));
                    return;
                }
                // NHTSA takes every vehicle for a light one here.
                let fits = |c: &u8| has_right_check_digit(&vin.with(one.position, *c), true);
                let mut fitting = one.characters().filter(fits);
                if let (Some(character), None) = (fitting.next(), fitting.next()) {
                    self.codes.add(3);
                    self.suggested = Some(vin.with(one.position, character));
                    let characters = bit(character);
                    self.possible = vec![Misfit { position: one.position, characters }];
                    return;
                }
                self.codes.add(4);
                self.suggested = Some(marked(*vin, one));
            }
            several => {
                self.codes.add(5);
                self.suggested = Some(several.iter().fold(*vin, marked));
            }
        }
    }

    /// Checks the check digit, which some VINs are excused from.
    pub fn check_digit(&mut self, vin: &VinText, is_light: bool, is_excused: bool) {
        if !is_excused && !has_right_check_digit(vin, is_light) {
            self.codes.add(1);
        }
    }

    /// Looks for characters that no VIN has at their position.
    pub fn check_characters(&mut self, vin: &VinText, is_light: bool, skips_check_digit: bool) {
        let serial = serial_start(vin, is_light);
        for (position, &c) in (1..).zip(vin.as_bytes()) {
            let is_valid = match position {
                9 => skips_check_digit || matches!(c, b'0'..=b'9' | b'X' | b'*'),
                10 => year_of_code(c).is_some(),
                _ if position >= serial => c.is_ascii_digit() || c == b'*',
                _ => is_vin_character(c) || c == b'*',
            };
            if !is_valid {
                self.invalid.push((position, c));
                self.suggested = Some(self.suggested.unwrap_or(*vin).with(position, b'!'));
                self.codes.add(400);
            }
        }
    }
}

/// From which position on there are digits alone.
fn serial_start(vin: &VinText, is_light: bool) -> usize {
    match (is_small_maker(vin.as_bytes()), is_light) {
        (true, _) => 15,
        (false, true) => 13,
        (false, false) => 14,
    }
}

fn is_vin_character(c: u8) -> bool {
    matches!(c, b'0'..=b'9' | b'A'..=b'Z') && !matches!(c, b'I' | b'O' | b'Q')
}

/// Whether the characters are such that a check digit can be computed at all.
fn is_checkable(vin: &VinText, is_light: bool) -> bool {
    let serial = serial_start(vin, is_light);
    (1..).zip(vin.as_bytes()).all(|(position, &c)| match position {
        9 => true,
        10 => year_of_code(c).is_some(),
        _ if position >= serial => c.is_ascii_digit(),
        _ => is_vin_character(c),
    })
}

fn has_right_check_digit(vin: &VinText, is_light: bool) -> bool {
    let Some(whole) = vin.as_bytes().first_chunk() else { return false };
    let expected = if is_checkable(vin, is_light) { check_digit(whole) } else { '?' };
    vin.at(9).map(char::from) == Some(expected)
}

/// Whether NHTSA excuses this VIN from the check digit.
pub fn is_excused(vpic: Vpic<'_>, vin: &VinText) -> bool {
    vin.is_whole() && vpic.exceptions.find(super::text::WHOLE, vin.as_bytes()).is_some()
}

impl Misfit {
    /// As NHTSA writes it: `(5:ACM)`.
    pub fn tell(self) -> String {
        let characters: String = self.characters().map(char::from).collect();
        format!("({}:{characters})", self.position)
    }
}
