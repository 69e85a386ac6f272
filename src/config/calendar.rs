//! The shop's calendar: Google's, or any that speaks CalDAV.

use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::google_key::GoogleKey;
use super::settings::Setting;
use super::values::{self, quote, whole_number};
use super::{Config, Secret, folders, secret};

/// Where Google's calendars answer.
pub const GOOGLE_CALENDAR_BASE_URL: &str = "https://www.googleapis.com/calendar/v3";

/// The shop's calendar.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CalendarSettings {
    /// A calendar of Google's.
    pub google: GoogleSettings,
    /// A calendar that speaks CalDAV.
    pub caldav: CalDavSettings,
    /// How old what is known of blocked times may be, in seconds.
    pub busy_ttl_seconds: i64,
}

/// A calendar of Google's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GoogleSettings {
    /// Which calendar; `None`: there is none.
    pub calendar_id: Option<String>,
    /// The file of credentials.
    pub credentials: Option<PathBuf>,
    /// What that file holds; read where there is a calendar.
    pub key: Option<GoogleKey>,
    /// Where Google answers.
    pub base_url: String,
    /// Further calendars in which times are blocked, of which no more is told than when.
    pub busy_calendars: Vec<String>,
}

/// A calendar that speaks CalDAV.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CalDavSettings {
    /// Where the calendar is, without a slash at the end; `None`: there is none.
    pub url: Option<String>,
    /// The user's name there.
    pub username: Option<String>,
    /// The user's password there.
    pub password: Option<Secret>,
}

impl Default for CalendarSettings {
    fn default() -> Self {
        Self {
            google: GoogleSettings {
                calendar_id: None,
                credentials: None,
                key: None,
                base_url: GOOGLE_CALENDAR_BASE_URL.to_owned(),
                busy_calendars: Vec::new(),
            },
            caldav: CalDavSettings::default(),
            busy_ttl_seconds: 30,
        }
    }
}

impl CalendarSettings {
    /// Whether a calendar is connected.
    pub fn is_connected(&self) -> bool {
        self.google.calendar_id.is_some() || self.caldav.url.is_some()
    }
}

/// The settings of both.
pub(super) fn settings() -> Vec<Setting> {
    [google(), caldav(), calendar()].into_iter().flatten().collect()
}

fn google() -> Vec<Setting> {
    vec![
        Setting::new(
            "google.calendar_id",
            |c, input| {
                let id = values::name(&input.text()?).map_err(|why| input.wrong(why))?;
                c.calendar.google.calendar_id = Some(id);
                Ok(())
            },
            |c| c.calendar.google.calendar_id.as_deref().map(quote),
        ),
        Setting::new(
            "google.application_credentials",
            |c, input| {
                let path = folders::absolute(Path::new(&input.text()?), input.folders);
                c.calendar.google.credentials = Some(path.map_err(|why| input.wrong(why))?);
                Ok(())
            },
            |c| Some(quote(&c.calendar.google.credentials.as_ref()?.to_string_lossy())),
        ),
        Setting::scalar(
            "google.calendar_base_url",
            |c, text| {
                let url = values::base_url(text)?.ok_or("is empty")?;
                c.calendar.google.base_url = url;
                Ok(())
            },
            |c| quote(&c.calendar.google.base_url),
        ),
        Setting::new(
            "google.busy_calendars",
            |c, input| {
                let ids = input.texts()?.into_iter().map(|id| values::name(&id));
                let ids = ids.collect::<Result<_, _>>().map_err(|why| input.wrong(why))?;
                c.calendar.google.busy_calendars = ids;
                Ok(())
            },
            |c| {
                let ids: Vec<String> =
                    c.calendar.google.busy_calendars.iter().map(|id| quote(id)).collect();
                (!ids.is_empty()).then(|| format!("[{}]", ids.join(", ")))
            },
        ),
    ]
}

fn caldav() -> Vec<Setting> {
    let password = Setting::new(
        "caldav.password",
        |c, input| {
            c.calendar.caldav.password = Some(secret::password(input)?);
            Ok(())
        },
        |c| c.calendar.caldav.password.as_ref().map(|_| quote("***")),
    );
    vec![
        Setting::new(
            "caldav.url",
            |c, input| {
                let url = values::base_url(&input.text()?).map_err(|why| input.wrong(why))?;
                c.calendar.caldav.url = url;
                Ok(())
            },
            |c| c.calendar.caldav.url.as_deref().map(quote),
        ),
        Setting::new(
            "caldav.username",
            |c, input| {
                let name = values::name(&input.text()?).map_err(|why| input.wrong(why))?;
                c.calendar.caldav.username = Some(name);
                Ok(())
            },
            |c| c.calendar.caldav.username.as_deref().map(quote),
        ),
        Setting { is_secret: true, ..password },
        Setting::new(
            "caldav.password_file",
            |c, input| {
                c.calendar.caldav.password = Some(secret::password_in_file(input)?);
                Ok(())
            },
            |_| None,
        ),
    ]
}

fn calendar() -> Vec<Setting> {
    vec![Setting::scalar(
        "calendar.busy_ttl",
        |c, text| whole_number(text, 1..=3600).map(|n| c.calendar.busy_ttl_seconds = n),
        |c| c.calendar.busy_ttl_seconds.to_string(),
    )]
}

/// Refuses what is of no use together, and reads the file of credentials where it is needed. Other
/// programs know that file by the same variable, so alone it means nothing.
pub(super) fn complete(config: &mut Config) -> Result<(), ConfigError> {
    let refuse = |config: &Config, key: &str, problem: String| {
        Err(ConfigError::Refused { setting: config.name_of(key), problem })
    };
    let (google, caldav) = (&config.calendar.google, &config.calendar.caldav);
    if google.calendar_id.is_some() && caldav.url.is_some() {
        let names = ["google.calendar_id", "caldav.url"].map(|key| config.name_of(key));
        let [one, other] = names;
        return Err(ConfigError::Both(one, other));
    }
    if caldav.username.is_some() != caldav.password.is_some() {
        let (set, missing) = if caldav.username.is_some() {
            ("caldav.username", "CALDAV_PASSWORD")
        } else {
            let is_in_file = config.origins.contains_key("caldav.password_file");
            (if is_in_file { "caldav.password_file" } else { "caldav.password" }, "CALDAV_USERNAME")
        };
        return refuse(config, set, format!("is of no use without {missing}; set that too"));
    }
    if google.calendar_id.is_none() {
        return Ok(());
    }
    let Some(path) = &google.credentials else {
        let problem =
            "needs GOOGLE_APPLICATION_CREDENTIALS; set it to the file of a service account";
        return refuse(config, "google.calendar_id", problem.to_owned());
    };
    let key = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot be read: {error}"))
        .and_then(|text| GoogleKey::parse(&text));
    match key {
        Ok(key) => {
            config.calendar.google.key = Some(key);
            Ok(())
        }
        Err(problem) => refuse(config, "google.application_credentials", problem),
    }
}
