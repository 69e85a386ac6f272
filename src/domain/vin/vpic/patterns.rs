//! Which patterns of a manufacturer's schemas match a VIN, and which of them is believed.

use super::ENGINE_MODEL;
use super::data::{Bytes, Vpic, index, partition};
use super::items::{Item, Items, Source, Value};
use super::keys::{VinKey, precedence};
use super::wmi::{Link, Wmi};

/// What a formula's value counts against others; a pattern counts its first year.
const FORMULA_PRIORITY: u16 = 100;
/// What a value counts that an engine model implies.
const ENGINE_PRIORITY: u16 = 50;
/// How many bytes the record of an engine model has, and each of its values.
const ENGINE: usize = 12;
const ENGINE_ROW: usize = 5;

/// Collects the values that patterns give.
pub struct Patterns<'a> {
    vpic: Vpic<'a>,
    key: VinKey,
    hashed: VinKey,
    items: Items,
    formulas: Vec<Item>,
    /// The engine model whose values are taken: not always the one that is told.
    engine: Option<Item>,
}

impl<'a> Patterns<'a> {
    /// What the schemas of the model year say of the VIN.
    pub fn collect(vpic: Vpic<'a>, wmi: Wmi<'a>, key: VinKey, year: Option<i32>) -> Items {
        let hashed = key.with_hashes();
        let (items, formulas) = (Items::new(), Vec::new());
        let mut patterns = Self { vpic, key, hashed, items, formulas, engine: None };
        for link in wmi.links().filter(|link| link.covers(year)) {
            patterns.read_schema(link);
        }
        patterns.take_formulas();
        patterns.take_engine();
        patterns.items
    }

    fn read_schema(&mut self, link: Link) {
        let vpic = self.vpic;
        let at = link.schema * 4;
        let keys = vpic.schema_keys.place(at)..vpic.schema_keys.place(at + 4);
        let numbers = vpic.key_numbers.slice(keys.start * 3..keys.end * 3).chunks_exact(3);
        let counts = vpic.key_rows.slice(keys.start * 2..keys.end * 2).chunks_exact(2);
        let mut row = vpic.schema_rows.place(at);
        for (number, count) in numbers.zip(counts) {
            let (number, count) = (Bytes(number).u24(0), usize::from(Bytes(count).u16(0)));
            let key = vpic.key(number);
            if self.key.matches(key) {
                self.read_rows(row..row + count, number, link.first_year);
            } else if key.contains(&b'#') && self.hashed.matches(key) {
                self.read_formulas(row..row + count, number);
            }
            row += count;
        }
    }

    fn read_rows(&mut self, rows: std::ops::Range<usize>, key: u32, priority: u16) {
        let elements = self.vpic.row_elements.slice(rows.clone());
        let values = self.vpic.row_values.slice(rows.start * 2..rows.end * 2).chunks_exact(2);
        for ((row, &element), value) in (rows.start..).zip(elements).zip(values) {
            let value = Value::Filed(self.vpic.value(element, Bytes(value).u16(0)));
            let row = u32::try_from(row).unwrap_or(u32::MAX);
            let item = Item { element, value, source: Source::Pattern, priority, key, row };
            if element == ENGINE_MODEL {
                self.note_engine(&item);
            }
            match self.items.get(element) {
                _ if self.vpic.element(element).is_multiple() => self.items.add(item),
                Some(other) if !self.is_preferred(&item, other) => {}
                _ => self.items.set(item),
            }
        }
    }

    fn read_formulas(&mut self, rows: std::ops::Range<usize>, key: u32) {
        let elements = self.vpic.row_elements.slice(rows.clone());
        let value = self.key.formula_value(self.vpic.key(key));
        for (row, &element) in (rows.start..).zip(elements) {
            let value = Value::Made(value.to_owned());
            let row = u32::try_from(row).unwrap_or(u32::MAX);
            let (source, priority) = (Source::Formula, FORMULA_PRIORITY);
            self.formulas.push(Item { element, value, source, priority, key, row });
        }
    }

    fn take_formulas(&mut self) {
        for item in std::mem::take(&mut self.formulas) {
            match self.items.get(item.element) {
                _ if self.vpic.element(item.element).is_multiple() => self.items.add(item),
                Some(other) if !self.is_preferred(&item, other) => {}
                _ => self.items.set(item),
            }
        }
    }

    /// Of several engine models, the last one that was added last counts.
    fn note_engine(&mut self, item: &Item) {
        let is_better = self.engine.as_ref().is_none_or(|other| {
            let by_priority = item.priority.cmp(&other.priority);
            by_priority
                .then_with(|| {
                    let (one, other) = (self.rank(item.row), self.rank(other.row));
                    other.0.cmp(&one.0).then(one.1.cmp(&other.1))
                })
                .is_gt()
        });
        if is_better {
            self.engine = Some(item.clone());
        }
    }

    fn take_engine(&mut self) {
        let Some(engine) = self.engine.take() else { return };
        let vpic = self.vpic;
        let name = engine.value.text(vpic).trim().to_lowercase();
        let record = |i: usize| Bytes(vpic.engines.slice(i * ENGINE..(i + 1) * ENGINE));
        let found = partition(vpic.engines.len() / ENGINE, |i| {
            vpic.text(record(i).u32(0)).as_bytes() < name.as_bytes()
        });
        let record = record(found);
        if vpic.text(record.u32(0)) != name || name.is_empty() {
            return;
        }
        let (first, count) = (index(record.u32(4)), index(record.u32(8)));
        let rows = vpic.engine_rows.slice(first * ENGINE_ROW..(first + count) * ENGINE_ROW);
        for row in rows.chunks_exact(ENGINE_ROW).map(Bytes) {
            self.take_engine_row(row, engine.key);
        }
    }

    fn take_engine_row(&mut self, row: Bytes<'_>, key: u32) {
        let (element, changed) = (row.u8(0), u32::from(row.u16(3)));
        let value = Value::Filed(self.vpic.value(element, row.u16(1)));
        let (source, priority) = (Source::Engine, ENGINE_PRIORITY);
        let item = Item { element, value, source, priority, key, row: changed };
        match self.items.get(element) {
            _ if self.vpic.element(element).is_multiple() => self.items.add(item),
            None => self.items.set(item),
            Some(other) if other.source == Source::Engine && changed < other.row => {
                self.items.set(item);
            }
            Some(_) => {}
        }
    }

    /// Whether the first is believed rather than the second: the one of the later first year, then
    /// the one that was changed last, then the one with the shorter key, then the older one.
    fn is_preferred(&self, one: &Item, other: &Item) -> bool {
        if one.priority != other.priority {
            return one.priority > other.priority;
        }
        let ((changed, number), (other_changed, other_number)) =
            (self.rank(one.row), self.rank(other.row));
        let by_key = || {
            let (length, text) = precedence(self.vpic.key(one.key));
            let (other_length, other_text) = precedence(self.vpic.key(other.key));
            length.cmp(&other_length).then_with(|| text.cmp(other_text))
        };
        let order = changed.cmp(&other_changed).then_with(by_key);
        order.then(number.cmp(&other_number)).is_lt()
    }

    /// When a row was changed, 0 being the latest, and its number among the rows.
    fn rank(&self, row: u32) -> (u32, u32) {
        rank(self.vpic, row)
    }
}

/// When a row that can dispute with another was changed, 0 being the latest, and its number.
pub fn rank(vpic: Vpic<'_>, row: u32) -> (u32, u32) {
    let rows = vpic.ranked_rows;
    let at = partition(rows.len() / 4, |i| rows.u32(i * 4) < row);
    if rows.u32(at * 4) != row {
        return (u32::MAX, u32::MAX);
    }
    (vpic.ranked_times.u24(at * 3), vpic.ranked_numbers.u24(at * 3))
}
