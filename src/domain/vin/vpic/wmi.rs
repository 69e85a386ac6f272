//! World manufacturer identifiers: who built what kind of vehicle, and by which schemas.

use super::data::{Bytes, Vpic, index};

/// How many bytes the record of a manufacturer has.
const RECORD: usize = 28;
/// How many bytes a link to a schema has.
const LINK: usize = 6;

/// A manufacturer's entry.
#[derive(Clone, Copy, Debug)]
pub struct Wmi<'a> {
    vpic: Vpic<'a>,
    record: Bytes<'a>,
}

/// A schema that a manufacturer uses for some model years.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    pub schema: usize,
    pub first_year: u16,
    last_year: u16,
}

impl Link {
    /// Whether it holds for this model year; without one, every link does.
    pub fn covers(&self, year: Option<i32>) -> bool {
        let span = i32::from(self.first_year)..=i32::from(self.last_year);
        year.is_none_or(|year| span.contains(&year))
    }
}

/// Whether a VIN's manufacturer is told by positions 12 to 14, too: one that builds fewer than 1,000
/// vehicles a year has a 9 at position 3 (49 CFR 565.15 (a)).
pub fn is_small_maker(vin: &[u8]) -> bool {
    vin.get(2) == Some(&b'9')
}

impl<'a> Wmi<'a> {
    /// The entry for this VIN, if it was public at that instant, in seconds since 1970.
    pub fn find(vpic: Vpic<'a>, vin: &[u8], now_seconds: i64) -> Option<Self> {
        let mut code = *b"      ";
        code.first_chunk_mut().map(|c: &mut [u8; 3]| vin.first_chunk().map(|v| *c = *v))??;
        if let (true, Some(rest), Some(place)) =
            (is_small_maker(vin), vin.get(11..14), code.get_mut(3..6))
        {
            place.copy_from_slice(rest);
        }
        let record = vpic.wmis.find(RECORD, &code)?;
        (i64::from(record.u32(24)) <= now_seconds).then_some(Self { vpic, record })
    }

    /// NHTSA's number of the vehicle type.
    pub fn vehicle_type_number(self) -> u8 {
        self.record.u8(6)
    }

    /// Whether it builds cars, multipurpose vehicles or light trucks, whose VINs are stricter.
    pub fn is_light(self) -> bool {
        self.record.u8(7) != 0
    }

    /// The manufacturer's value.
    pub fn manufacturer(self) -> u32 {
        self.vpic.value(super::MANUFACTURER, self.record.u16(8))
    }

    /// The vehicle type's value.
    pub fn vehicle_type(self) -> u32 {
        self.vpic.value(super::VEHICLE_TYPE, self.record.u16(10))
    }

    /// The schemas, with the years in which each is used.
    pub fn links(self) -> impl Iterator<Item = Link> {
        let (first, count) = (index(self.record.u32(12)), usize::from(self.record.u16(16)));
        let links = self.vpic.links.slice(first * LINK..(first + count) * LINK);
        links.chunks_exact(LINK).map(|link| {
            let link = Bytes(link);
            Link {
                schema: usize::from(link.u16(0)),
                first_year: link.u16(2),
                last_year: link.u16(4),
            }
        })
    }

    /// Whether any schema is used in this model year.
    pub fn covers(self, year: i32) -> bool {
        self.links().any(|link| link.covers(Some(year)))
    }

    /// Its makes, as numbers within the element.
    pub fn makes(self) -> impl Iterator<Item = u16> {
        let (count, first) = (usize::from(self.record.u16(18)), index(self.record.u32(20)));
        let makes = self.vpic.wmi_makes.slice(first * 2..(first + count) * 2);
        makes.chunks_exact(2).map(|make| Bytes(make).u16(0))
    }
}
