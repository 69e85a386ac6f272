//! What one pass finds: at most one value of an element, but for those that keep all.

use super::data::{ELEMENTS, Vpic};

/// A value of an element.
#[derive(Clone, Debug)]
pub enum Value {
    /// One of the data's texts.
    Filed(u32),
    /// One that was cut from the VIN or computed.
    Made(String),
}

/// Where a value comes from, in the order in which one replaces another where both are known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// A pattern that matches.
    Pattern,
    /// A pattern that tells a number by the VIN's own digits.
    Formula,
    /// What the engine model implies.
    Engine,
    /// The manufacturer, the model or the model year.
    Vehicle,
    /// Another value, by a conversion of units.
    Conversion,
    /// Rules about other values.
    Specification,
    /// What holds for the vehicle type.
    Default,
}

/// A value, and what its rank among others of the element depends on.
#[derive(Clone, Debug)]
pub struct Item {
    pub element: u8,
    pub value: Value,
    pub source: Source,
    /// The higher one is preferred.
    pub priority: u16,
    /// The number of the pattern's key; meaningless where there is no pattern.
    pub key: u32,
    /// The pattern's row, or when an engine's value was last changed.
    pub row: u32,
}

impl Item {
    /// What its row says: of a formula not the digits of the VIN but what stands in their place.
    pub fn own_text<'t>(&'t self, vpic: Vpic<'t>) -> &'t str {
        match self.source {
            Source::Formula => {
                let value = vpic.row_values.u16(super::data::index(self.row) * 2);
                vpic.text(vpic.value(self.element, value))
            }
            _ => self.value.text(vpic),
        }
    }

    /// Whether its key says what the VIN's characters mean.
    pub fn has_key(&self) -> bool {
        matches!(self.source, Source::Pattern | Source::Formula | Source::Engine)
    }
}

/// The values of one pass.
#[derive(Clone, Debug)]
pub struct Items {
    single: Vec<Item>,
    /// Of each element one more than its index in `single`.
    slots: [u8; ELEMENTS],
    multiple: Vec<Item>,
}

impl Items {
    pub fn new() -> Self {
        Self { single: Vec::with_capacity(64), slots: [0; ELEMENTS], multiple: Vec::new() }
    }

    pub fn get(&self, element: u8) -> Option<&Item> {
        let slot = self.slots.get(usize::from(element)).copied().unwrap_or_default();
        self.single.get(usize::from(slot).checked_sub(1)?)
    }

    /// Whether the element has a value.
    pub fn has(&self, element: u8) -> bool {
        self.get(element).is_some() || self.multiple.iter().any(|item| item.element == element)
    }

    /// Sets the only value of an element.
    pub fn set(&mut self, item: Item) {
        let Some(slot) = self.slots.get_mut(usize::from(item.element)) else { return };
        match usize::from(*slot).checked_sub(1).and_then(|at| self.single.get_mut(at)) {
            Some(place) => *place = item,
            None => {
                self.single.push(item);
                // There are fewer elements than a byte can count.
                *slot = u8::try_from(self.single.len()).unwrap_or_default();
            }
        }
    }

    /// Adds a value beside those that the element has.
    pub fn add(&mut self, item: Item) {
        self.multiple.push(item);
    }

    pub fn iter(&self) -> impl Iterator<Item = &Item> {
        self.single.iter().chain(&self.multiple)
    }

    /// All values of an element.
    pub fn values(&self, element: u8) -> impl Iterator<Item = &Item> {
        let others = self.multiple.iter().filter(move |item| item.element == element);
        self.get(element).into_iter().chain(others)
    }
}

impl Value {
    /// The value as a text.
    pub fn text<'t>(&'t self, vpic: Vpic<'t>) -> &'t str {
        match self {
            Self::Filed(number) => vpic.text(*number),
            Self::Made(text) => text,
        }
    }
}
