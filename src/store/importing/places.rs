//! The bays and technicians that visits name.

use std::collections::HashMap;
use std::sync::Arc;

use super::rows::{NewVisit, Text};
use super::{ImportError, Importer};
use crate::domain::assignment::Assignment;
use crate::domain::id::ResourceId;
use crate::store::Session;

/// The bay of visits of which nobody wrote down where they were. Where several of them occupied one at
/// the same time, there is another one with a number.
pub const NOT_RECORDED: &str = "(not recorded)";

/// The bays and technicians that visits name, by name. They need not be configured any more.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// The number of the bay of visits whose bay nobody wrote down.
    pub not_recorded: i64,
    bays: HashMap<Text, i64>,
    technicians: HashMap<Text, i64>,
}

impl Places {
    pub fn bay(&self, row: &NewVisit) -> i64 {
        self.named_bay(row).unwrap_or(self.not_recorded)
    }

    fn named_bay(&self, row: &NewVisit) -> Option<i64> {
        let name = row.more.as_ref().and_then(|more| more.bay.as_deref())?;
        self.bays.get(name).copied()
    }

    pub fn technician(&self, row: &NewVisit) -> Option<i64> {
        let name = row.more.as_ref().and_then(|more| more.technician.as_deref())?;
        self.technicians.get(name).copied()
    }

    /// Where an export says that the visit is.
    pub fn assignment(&self, row: &NewVisit) -> Option<Assignment> {
        let technician = self.technician(row).map(ResourceId);
        self.named_bay(row).map(|bay| Assignment { bay: ResourceId(bay), technician })
    }

    fn has_all(&self, row: &NewVisit) -> bool {
        let Some(more) = &row.more else { return true };
        more.bay.as_ref().is_none_or(|name| self.bays.contains_key(name))
            && more.technician.as_ref().is_none_or(|name| self.technicians.contains_key(name))
    }
}

impl Importer<'_> {
    /// Numbers the bays and technicians that the rows name.
    pub(super) async fn name_places(&mut self, rows: &[NewVisit]) -> Result<(), ImportError> {
        if self.places.not_recorded != 0 && rows.iter().all(|row| self.places.has_all(row)) {
            return Ok(());
        }
        let mut session = self.store.write().await?;
        session.insert_resource("bay", NOT_RECORDED).await?;
        let mut known = Places::load(&mut session).await?;
        for more in rows.iter().filter_map(|row| row.more.as_deref()) {
            if let Some(bay) = more.bay.as_ref().filter(|name| !known.bays.contains_key(*name)) {
                session.insert_resource("bay", bay).await?;
                known.bays.insert(bay.clone(), 0);
            }
            let technician = more.technician.as_ref();
            if let Some(name) = technician.filter(|name| !known.technicians.contains_key(*name)) {
                session.insert_resource("technician", name).await?;
                known.technicians.insert(name.clone(), 0);
            }
        }
        self.places = Arc::new(Places::load(&mut session).await?);
        session.commit().await?;
        Ok(())
    }
}

impl Places {
    async fn load(session: &mut Session) -> sqlx::Result<Self> {
        let mut places = Self::default();
        for (id, kind, name) in session.all_resources().await? {
            match kind.as_str() {
                "bay" if name == NOT_RECORDED => places.not_recorded = id.0,
                "bay" => drop(places.bays.insert(name.into(), id.0)),
                _ => drop(places.technicians.insert(name.into(), id.0)),
            }
        }
        Ok(places)
    }
}
