//! Every setting of the program, typed: where it comes from, and how it is shown.
//!
//! A setting is `[section] key` in one TOML file, or `SECTION_KEY` in the environment, which wins.
//! `settings.rs` lists them all; a new setting is one entry there.

mod calendar;
mod contradictions;
mod database;
mod describe;
mod error;
mod folders;
mod google_key;
mod lists;
mod remote;
mod secret;
mod server;
mod settings;
mod sources;
#[cfg(test)]
mod tests;
mod unknown;
mod values;
mod vehicle_data;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use chrono_tz::Tz;

use crate::domain::hours::OpeningHours;
use crate::domain::money::Currency;
use crate::domain::shop::{BookingRules, Shop};

pub use calendar::{CalDavSettings, CalendarSettings, GoogleSettings};
pub use database::{DatabaseUrl, SqlitePath};
pub use error::ConfigError;
pub use folders::Folders;
pub use google_key::GoogleKey;
pub use remote::RemoteApi;
pub use secret::Secret;
pub use server::{Confirm, LogFormat, Profile, ServerSettings, Toolset};
use sources::{File, Origin, Sources};

/// Where NHTSA's public vehicle service answers.
pub const NHTSA_BASE_URL: &str = "https://vpic.nhtsa.dot.gov/api";

/// Every setting of the program.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The database, which may hold a password: print it through `Display` alone.
    pub database: DatabaseUrl,
    /// The shop and its rules.
    pub shop: Shop,
    /// How NHTSA is asked about a VIN.
    pub nhtsa: Nhtsa,
    /// What VINs are decoded from where NHTSA is not asked or does not answer.
    pub vin: VinSettings,
    /// The shop's CRM.
    pub crm: RemoteApi,
    /// The shop's billing service.
    pub billing: RemoteApi,
    /// The shop's inventory service.
    pub inventory: RemoteApi,
    /// The shop's calendar.
    pub calendar: CalendarSettings,
    /// Which tools are offered, and how.
    pub server: ServerSettings,
    /// Where each setting that is not a default came from, by its key.
    origins: BTreeMap<String, Origin>,
}

/// How NHTSA is asked about a VIN.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Nhtsa {
    /// Where it answers, without a slash at the end; `None`: it is never asked.
    pub base_url: Option<String>,
    /// How long a caller waits for it before the embedded data answers, in milliseconds.
    pub patience_ms: u64,
}

/// What VINs are decoded from.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct VinSettings {
    /// A file of vehicle data that `scripts/vpic` made; `None`: the data inside the program.
    pub data_file: Option<PathBuf>,
}

impl Config {
    /// Reads the settings of this process: defaults, the file, the environment.
    ///
    /// `file` is the one that the command line names. Without it, the file that
    /// `SERVICEBAY_CONFIG` names is read, else `servicebay.toml` in the user's configuration
    /// folder where there is one.
    ///
    /// # Errors
    /// A named file that cannot be read, and any value that is not allowed: one line that names
    /// it. No error holds a password.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let env = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
        Self::load_with(file, &env)
    }

    /// Reads the settings of a process whose environment is `env`.
    ///
    /// # Errors
    /// As for [`Config::load`].
    pub fn load_with(
        file: Option<&Path>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let folders = Folders::of_user();
        let file = sources::read_file(file, env, folders.as_ref())?;
        let file = file.as_ref().map(|(name, text)| (name.as_str(), text.as_str()));
        Self::load_from(file, env, folders.as_ref())
    }

    /// Reads the settings from a file, given as its name and text, and from `env`.
    ///
    /// # Errors
    /// As for [`Config::load`].
    pub fn load_from(
        file: Option<(&str, &str)>,
        env: &dyn Fn(&str) -> Option<String>,
        folders: Option<&Folders>,
    ) -> Result<Self, ConfigError> {
        let file = file.map(|(name, text)| File::parse(name, text)).transpose()?;
        let settings = settings::all();
        file.iter().try_for_each(|file| unknown::refuse(file, &settings))?;
        let sources = Sources { file, env };
        let mut config = Self::in_memory();
        for (setting, input) in sources.find_all(&settings, folders)? {
            (setting.read)(&mut config, &input).map_err(|wrong| input.refuse(wrong))?;
            config.origins.insert(setting.key.clone(), input.origin);
        }
        contradictions::refuse(&config)?;
        calendar::complete(&mut config)?;
        config.fill_in(folders)?;
        Ok(config)
    }

    /// The environment variables of all settings, and the one that names the file.
    pub fn variables() -> Vec<String> {
        let settings = settings::all();
        let own = settings.iter().map(settings::Setting::variable);
        own.chain(["SERVICEBAY_CONFIG".to_owned()]).collect()
    }

    /// The settings of a shop that configured nothing, in UTC, on a database in memory: for a
    /// throwaway shop.
    pub fn in_memory() -> Self {
        Self {
            database: DatabaseUrl::Sqlite(SqlitePath::Memory),
            shop: Shop {
                zone: Tz::UTC,
                region: "US".to_owned(),
                currency: Currency::USD,
                hours: OpeningHours::default(),
                bays: lists::numbered_bays(1),
                technicians: Vec::new(),
                services: HashMap::new(),
                booking: BookingRules {
                    slot_interval_minutes: 30,
                    buffer_minutes: 0,
                    minimum_notice_minutes: 0,
                    horizon_days: 365,
                    booking_method: "ai_voice".to_owned(),
                    booked_by: "AI Voice Agent".to_owned(),
                },
            },
            nhtsa: Nhtsa { base_url: Some(NHTSA_BASE_URL.to_owned()), patience_ms: 1500 },
            vin: VinSettings::default(),
            crm: RemoteApi::default(),
            billing: RemoteApi::default(),
            inventory: RemoteApi::default(),
            calendar: CalendarSettings::default(),
            server: ServerSettings {
                toolsets: Toolset::ALL.to_vec(),
                read_only: false,
                profile: Profile::Full,
                confirm: Confirm::Auto,
                log_format: LogFormat::Text,
            },
            origins: BTreeMap::new(),
        }
    }

    /// Looks up the two defaults that depend on the machine, where nobody set them.
    fn fill_in(&mut self, folders: Option<&Folders>) -> Result<(), ConfigError> {
        if self.origin("database.url").is_none() {
            let folders = folders.ok_or(ConfigError::NoHome)?;
            let path = SqlitePath::File(folders.data.join("servicebay.db"));
            self.database = DatabaseUrl::Sqlite(path);
        }
        if self.origin("shop.timezone").is_none() {
            self.shop.zone = values::zone_of_machine();
        }
        Ok(())
    }

    /// The setting with this key as the user wrote it, or its key where nobody did.
    fn name_of(&self, key: &str) -> String {
        self.origins.get(key).map_or_else(|| key.to_owned(), |origin| origin.name_of(key))
    }

    /// Where the setting with this key came from, or the one that stands in for it.
    fn origin(&self, key: &str) -> Option<&Origin> {
        let stand_in = || self.origins.get(sources::rival(key)?);
        self.origins.get(key).or_else(stand_in)
    }
}
