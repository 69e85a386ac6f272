//! How the database takes the rows of each kind, and why it refuses some.

use crate::store::importing::{
    ImportError, Importer, NewCustomer, NewProduct, NewVehicle, NewVisit, Outcome, Refused, Scout,
    SoughtVehicles, SoughtVisits,
};
use crate::transfer::rows::ImportedRow;

/// A kind of row, and how the database takes it.
pub(super) trait Taken: ImportedRow {
    /// What they are called.
    const NAME: &'static str;
    /// The column that they are known by.
    const KEY: &'static str = "external_id";
    /// The rows, and what is looked up of them while others are taken.
    type Sought;

    /// Begins to look up.
    fn seek(rows: Vec<Self>, scout: &Scout) -> Self::Sought;

    /// Has the database take the rows.
    async fn take(
        sought: Self::Sought,
        importer: &mut Importer<'_>,
    ) -> Result<Outcome, ImportError>;
}

impl Taken for NewCustomer {
    const NAME: &'static str = "customers";
    type Sought = Vec<Self>;

    fn seek(rows: Vec<Self>, _: &Scout) -> Vec<Self> {
        rows
    }

    async fn take(rows: Vec<Self>, importer: &mut Importer<'_>) -> Result<Outcome, ImportError> {
        importer.customers(rows).await
    }
}

impl Taken for NewVehicle {
    const NAME: &'static str = "vehicles";
    type Sought = SoughtVehicles;

    fn seek(rows: Vec<Self>, scout: &Scout) -> SoughtVehicles {
        scout.vehicles(rows)
    }

    async fn take(
        vehicles: SoughtVehicles,
        importer: &mut Importer<'_>,
    ) -> Result<Outcome, ImportError> {
        importer.vehicles(vehicles).await
    }
}

impl Taken for NewProduct {
    const NAME: &'static str = "products";
    const KEY: &'static str = "sku";
    type Sought = Vec<Self>;

    fn seek(rows: Vec<Self>, _: &Scout) -> Vec<Self> {
        rows
    }

    async fn take(rows: Vec<Self>, importer: &mut Importer<'_>) -> Result<Outcome, ImportError> {
        importer.products(&rows).await
    }
}

impl Taken for NewVisit {
    const NAME: &'static str = "appointments";
    type Sought = Visits;

    fn seek(rows: Vec<Self>, scout: &Scout) -> Visits {
        let is_open: Vec<bool> = rows.iter().map(Self::is_open).collect();
        let places = |wanted: bool| -> Vec<usize> {
            let places = is_open.iter().enumerate();
            places.filter(|&(_, is_open)| *is_open == wanted).map(|(place, _)| place).collect()
        };
        let (open_places, closed_places) = (places(true), places(false));
        let (open, closed): (Vec<_>, Vec<_>) = rows.into_iter().partition(Self::is_open);
        Visits { open, open_places, closed: scout.visits(closed), closed_places }
    }

    /// What occupies a bay is taken one by one, the history in bulk.
    async fn take(visits: Visits, importer: &mut Importer<'_>) -> Result<Outcome, ImportError> {
        let Visits { open, open_places, closed, closed_places } = visits;
        let mut total = importer.closed_visits(closed).await?;
        let open = importer.open_visits(&open).await?;
        let moved = |refused: Vec<(usize, Refused)>, places: Vec<usize>| {
            let place = move |at: usize| places.get(at).copied().unwrap_or_default();
            refused.into_iter().map(move |(at, refused)| (place(at), refused))
        };
        let refused = std::mem::take(&mut total.refused);
        total.refused =
            moved(refused, closed_places).chain(moved(open.refused, open_places)).collect();
        total.added += open.added;
        total.known += open.known;
        Ok(total)
    }
}

/// Visits, and their places in the batch.
pub(super) struct Visits {
    open: Vec<NewVisit>,
    open_places: Vec<usize>,
    closed: SoughtVisits,
    closed_places: Vec<usize>,
}

/// Why a row was not taken, as a sentence.
pub(super) fn reason(refused: &Refused, key: &str) -> String {
    match refused {
        Refused::SamePerson { id, name, by } => format!(
            "the same person is on file: customer {id}, {name} (same {by}); the external_id leads there now, \
             and what else the row says was not taken over"
        ),
        Refused::PhoneTaken { id, name } => format!(
            "phone_number is that of customer {id}, {name}; where a household or a company shares it, import \
             with --allow-shared-phones"
        ),
        Refused::Repeated => format!("an earlier line has the same {key}"),
        Refused::Unknown(column) => format!("{column} leads to nobody and nothing on file"),
        Refused::VinTaken { vehicle, customer } => {
            format!("vin is that of vehicle {vehicle}, which belongs to customer {customer}")
        }
        Refused::SameVehicle(vehicle) => format!(
            "vin is that of vehicle {vehicle} of the same customer; the external_id leads there now, and what \
             else the row says was not taken over"
        ),
        Refused::Because(why) => why.clone(),
    }
}
