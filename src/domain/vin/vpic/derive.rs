//! What follows from other values: the make, displacements in other units, specifications and
//! defaults.

use super::data::{Bytes, Vpic, index};
use super::decimal::Decimal;
use super::items::{Item, Items, Source, Value};
use super::patterns::rank;
use super::wmi::Wmi;
use super::{MAKE, MODEL};

/// The element whose values specifications add to, whether or not it has one.
const BATTERY_INFO: u8 = 1;
/// The model has no make.
const NO_MAKE: u16 = u16::MAX;
/// How many bytes a default has.
const DEFAULT: usize = 6;
/// How many bytes the parts of a rule have.
const RULE_KEY: usize = 3;
const RULE_VALUE: usize = 6;

/// A value that is not disputed.
pub fn certain(element: u8, value: Value, source: Source) -> Item {
    Item { element, value, source, priority: 100, key: 0, row: 0 }
}

/// The model's make, or the only one that the manufacturer has.
pub fn make(vpic: Vpic<'_>, wmi: Wmi<'_>, items: &Items) -> Option<u32> {
    let number = match items.get(MODEL).map(|item| &item.value) {
        Some(Value::Filed(model)) => vpic.model_makes.u16(vpic.within(MODEL, *model) * 2),
        Some(Value::Made(_)) => NO_MAKE,
        None => {
            let mut makes = wmi.makes();
            makes.next().filter(|_| makes.next().is_none()).unwrap_or(NO_MAKE)
        }
    };
    (number != NO_MAKE).then(|| vpic.value(MAKE, number))
}

/// Elements of the displacement: in cubic centimeters, in cubic inches, in liters.
const CC: u8 = 11;
const CI: u8 = 12;
const L: u8 = 13;

/// From what each displacement is computed, in the order of the conversions' numbers.
const CONVERSIONS: [(u8, [u8; 2]); 3] = [(CC, [CI, L]), (CI, [CC, L]), (L, [CC, CI])];

/// Computes the displacements that are not told.
pub fn convert_displacements(vpic: Vpic<'_>, items: &mut Items) {
    let missing: Vec<(u8, [u8; 2])> =
        CONVERSIONS.into_iter().filter(|(target, _)| items.get(*target).is_none()).collect();
    let computed: Vec<(u8, String)> = missing
        .into_iter()
        .filter_map(|(target, sources)| {
            let source = best_source(vpic, items, sources)?;
            // What a formula computes has no value of its own to convert, which counts as nothing.
            let number = match source.source {
                Source::Formula => return Some((target, "0".to_owned())),
                _ => Decimal::parse(source.value.text(vpic))?,
            };
            Some((target, convert(number, source.element, target)?.to_string()))
        })
        .collect();
    for (target, text) in computed {
        items.set(certain(target, Value::Made(text), Source::Conversion));
    }
}

/// The source of the higher priority, then the one that was changed last, then the first.
fn best_source<'i>(vpic: Vpic<'_>, items: &'i Items, sources: [u8; 2]) -> Option<&'i Item> {
    let [first, second] = sources.map(|source| items.get(source));
    let (Some(first), Some(second)) = (first, second) else { return first.or(second) };
    let changed = |item: &Item| match item.source {
        Source::Engine => item.row,
        _ => rank(vpic, item.row).0,
    };
    let is_second = match second.priority.cmp(&first.priority) {
        std::cmp::Ordering::Equal => changed(second) < changed(first),
        order => order.is_gt(),
    };
    Some(if is_second { second } else { first })
}

fn convert(number: Decimal, from: u8, to: u8) -> Option<Decimal> {
    let constant = Decimal::parse;
    match (from, to) {
        (CC, CI) => number.over(constant("16.387064")?, 8),
        (CI, CC) => number.times(constant("16.387064")?),
        (CC, L) => number.over(constant("1000")?, 4),
        (L, CC) => number.times(constant("1000")?),
        (CI, L) => number.times(constant("0.016387064")?),
        (L, CI) => number.over(constant("0.016387064")?, 9),
        _ => None,
    }
}

/// Adds what the specifications of the model say.
pub fn add_specifications(vpic: Vpic<'_>, wmi: Wmi<'_>, year: Option<i32>, items: &mut Items) {
    let Some(Value::Filed(model)) = items.get(MODEL).map(|item| &item.value) else { return };
    let at = vpic.within(MODEL, *model) * 4;
    let mut found = Vec::new();
    let starts =
        vpic.spec_starts.slice(vpic.model_specs.place(at) * 4..vpic.model_specs.place(at + 4) * 4);
    for start in starts.chunks_exact(4) {
        let schema = vpic.specs.slice(Bytes(start).place(0)..vpic.specs.len());
        let specification = Specification { vpic, rest: Bytes(schema), items };
        specification.read(wmi, year, &mut found);
    }
    for (item, _) in found {
        let is_added = item.element == BATTERY_INFO || vpic.element(item.element).is_multiple();
        if is_added { items.add(item) } else { items.set(item) }
    }
}

/// Reads the rules of one specification.
struct Specification<'a, 'i> {
    vpic: Vpic<'a>,
    rest: Bytes<'a>,
    items: &'i Items,
}

impl<'a> Specification<'a, '_> {
    fn take(&mut self, length: usize) -> Bytes<'a> {
        let (taken, rest) = self.rest.0.split_at_checked(length).unwrap_or_default();
        self.rest = Bytes(rest);
        Bytes(taken)
    }

    /// Adds to `found` what the rules that apply say, with when it was changed.
    fn read(mut self, wmi: Wmi<'_>, year: Option<i32>, found: &mut Vec<(Item, u32)>) {
        let head = self.take(4);
        let years = self.take(usize::from(head.u8(3)) * 2);
        let applies = head.u8(2) == wmi.vehicle_type_number()
            && (years.0.is_empty() || years.0.chunks_exact(2).any(|y| is_year(Bytes(y), year)))
            && wmi.makes().any(|make| make == head.u16(0));
        if !applies {
            return;
        }
        for _ in 0..self.take(2).u16(0) {
            let head = self.take(2);
            let keys = self.take(usize::from(head.u8(0)) * RULE_KEY);
            let values = self.take(usize::from(head.u8(1)) * RULE_VALUE);
            if keys.0.chunks_exact(RULE_KEY).all(|key| self.holds(Bytes(key))) {
                for value in values.0.chunks_exact(RULE_VALUE) {
                    self.note(Bytes(value), found);
                }
            }
        }
    }

    /// Whether the pass has this value.
    fn holds(&self, key: Bytes<'_>) -> bool {
        let element = key.u8(0);
        let wanted = self.vpic.value(element, key.u16(1));
        let is_lookup = || self.vpic.element(element).is_lookup();
        self.items.values(element).any(|item| match &item.value {
            Value::Filed(number) if *number == wanted => true,
            Value::Filed(_) if is_lookup() => false,
            _ => item.own_text(self.vpic).eq_ignore_ascii_case(self.vpic.text(wanted)),
        })
    }

    /// Notes a value of an element that has none yet; of several the one that was changed last.
    fn note(&self, value: Bytes<'_>, found: &mut Vec<(Item, u32)>) {
        let (element, changed) = (value.u8(0), value.u24(3));
        let is_added = element == BATTERY_INFO || self.vpic.element(element).is_multiple();
        if !is_added && self.items.has(element) {
            return;
        }
        let number = self.vpic.value(element, value.u16(1));
        let item = certain(element, Value::Filed(number), Source::Specification);
        match found.iter_mut().find(|(other, _)| other.element == element) {
            None => found.push((item, changed)),
            Some(other) if changed < other.1 => *other = (item, changed),
            Some(_) => {}
        }
    }
}

fn is_year(number: Bytes<'_>, year: Option<i32>) -> bool {
    year == Some(i32::from(number.u16(0)))
}

/// Fills in what holds for the vehicle type where nothing is known.
pub fn fill_defaults(vpic: Vpic<'_>, wmi: Wmi<'_>, items: &mut Items) {
    let kind = wmi.vehicle_type_number();
    let record = |i: usize| Bytes(vpic.defaults.slice(i * DEFAULT..(i + 1) * DEFAULT));
    let count = vpic.defaults.len() / DEFAULT;
    let first = super::data::partition(count, |i| record(i).u8(0) < kind);
    for default in (first..count).map(record).take_while(|default| default.u8(0) == kind) {
        let element = default.u8(1);
        if !items.has(element) {
            items.set(certain(element, Value::Filed(default.u32(2)), Source::Default));
        }
    }
}

/// NHTSA's number of the body class.
pub fn body_class_number(vpic: Vpic<'_>, items: &Items) -> Option<u16> {
    match items.get(super::BODY_CLASS)?.value {
        Value::Filed(number) => Some(
            vpic.body_classes
                .u16(index(number.saturating_sub(vpic.value(super::BODY_CLASS, 0))) * 2),
        ),
        Value::Made(_) => None,
    }
}
