//! The list of all settings: the key, how its value is read, and how it is shown.

use std::path::Path;

use crate::domain::appointment::{
    MAX_BUFFER_MINUTES, MAX_DURATION_MINUTES, MIN_DURATION_MINUTES, ServiceType,
};
use crate::domain::shop::ServiceRules;

use super::error::Wrong;
use super::sources::{Input, Origin};
use super::values::{self, one_of, quote, whole_number};
use super::{
    Config, Confirm, DatabaseUrl, LogFormat, Profile, calendar, folders, lists, remote, secret,
    vehicle_data,
};

const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

type Read = dyn Fn(&mut Config, &Input) -> Result<(), Wrong>;
type Show = dyn Fn(&Config) -> Option<String>;

/// One setting.
pub(super) struct Setting {
    /// `section.key` in the file; in the environment upper-cased, with `_` for the dots.
    pub key: String,
    /// Takes a value over into the configuration.
    pub read: Box<Read>,
    /// The value in the configuration as TOML; `None`: there is nothing to show.
    pub show: Box<Show>,
    /// Whether its value is kept out of errors.
    pub is_secret: bool,
    /// Whether an empty variable means something, rather than that it is absent.
    pub may_be_empty: bool,
}

impl Setting {
    /// A setting that is read by `read` and shown by `show`.
    pub fn new(
        key: impl Into<String>,
        read: impl Fn(&mut Config, &Input) -> Result<(), Wrong> + 'static,
        show: impl Fn(&Config) -> Option<String> + 'static,
    ) -> Self {
        let (read, show) = (Box::new(read), Box::new(show));
        Self { key: key.into(), read, show, is_secret: false, may_be_empty: false }
    }

    /// A setting of one value, read from text.
    pub fn scalar(
        key: impl Into<String>,
        read: impl Fn(&mut Config, &str) -> Result<(), String> + 'static,
        show: impl Fn(&Config) -> String + 'static,
    ) -> Self {
        let read = move |config: &mut Config, input: &Input| {
            read(config, &input.text()?).map_err(|why| input.wrong(why))
        };
        Self::new(key, read, move |config| Some(show(config)))
    }

    /// The environment variable that holds it.
    pub fn variable(&self) -> String {
        self.key.replace('.', "_").to_ascii_uppercase()
    }

    /// Whether it is a list of tables; a variable holds it as TOML.
    pub fn is_list(&self) -> bool {
        !self.key.contains('.')
    }
}

/// Every setting, in the order in which they are shown: TOML wants the lists before the sections.
pub(super) fn all() -> Vec<Setting> {
    let groups = [
        lists(),
        database(),
        shop(),
        hours(),
        booking(),
        services(),
        nhtsa(),
        vin(),
        remote::settings(),
        calendar::settings(),
        servicebay(),
    ];
    groups.into_iter().flatten().collect()
}

fn lists() -> Vec<Setting> {
    vec![
        Setting::new(
            "closures",
            |c, input| lists::closures(input).map(|closures| c.shop.hours.closures = closures),
            |c| Some(lists::show_closures(&c.shop.hours.closures)),
        ),
        Setting::new(
            "special_hours",
            |c, input| lists::special_hours(input).map(|special| c.shop.hours.special = special),
            |c| Some(lists::show_special_hours(&c.shop.hours.special)),
        ),
        Setting::new(
            "bays",
            |c, input| lists::bays(input).map(|bays| c.shop.bays = bays),
            // Else `shop.bays` shows them.
            |c| c.origins.contains_key("bays").then(|| lists::show_resources(&c.shop.bays)),
        ),
        Setting::new(
            "technicians",
            |c, input| lists::resources(input).map(|people| c.shop.technicians = people),
            |c| Some(lists::show_resources(&c.shop.technicians)),
        ),
    ]
}

fn database() -> Vec<Setting> {
    let url = Setting::new("database.url", read_database, |c| Some(quote(&c.database.to_string())));
    let url_file = Setting::new("database.url_file", read_database_file, |_| None);
    vec![Setting { is_secret: true, ..url }, url_file]
}

fn read_database(config: &mut Config, input: &Input) -> Result<(), Wrong> {
    let url = DatabaseUrl::parse(&input.text()?, input.folders).map_err(Wrong::unshown)?;
    if url.has_secret() && matches!(input.origin, Origin::File(_)) {
        return Err(Wrong::unshown(
            "holds a password, which does not belong in this file; set DATABASE_URL in the \
             environment instead, or name a file that holds the url as url_file",
        ));
    }
    config.database = url;
    Ok(())
}

fn read_database_file(config: &mut Config, input: &Input) -> Result<(), Wrong> {
    let text = secret::text_of_file(input)?;
    let url = values::check_text(text.trim())
        .and_then(|text| DatabaseUrl::parse(text, input.folders))
        .map_err(|why| input.wrong(format!("names a file whose text {why}")))?;
    config.database = url;
    Ok(())
}

fn shop() -> Vec<Setting> {
    vec![
        Setting::scalar(
            "shop.timezone",
            |c, text| values::zone(text).map(|zone| c.shop.zone = zone),
            |c| quote(c.shop.zone.name()),
        ),
        Setting::scalar(
            "shop.region",
            |c, text| values::region(text).map(|region| c.shop.region = region),
            |c| quote(&c.shop.region),
        ),
        Setting::scalar(
            "shop.currency",
            |c, text| values::currency(text).map(|currency| c.shop.currency = currency),
            |c| quote(c.shop.currency.code()),
        ),
        Setting::new(
            "shop.bays",
            |c, input| lists::bays_by_name(input).map(|bays| c.shop.bays = bays),
            |c| (!c.origins.contains_key("bays")).then(|| lists::show_names(&c.shop.bays)),
        ),
    ]
}

fn hours() -> Vec<Setting> {
    let day = |(day, name): (usize, &str)| {
        let read = move |c: &mut Config, input: &Input| {
            let hours = values::day_hours(&input.text()?).map_err(|why| input.wrong(why))?;
            if let Some(place) = c.shop.hours.weekly.get_mut(day) {
                *place = hours;
            }
            Ok(())
        };
        let show =
            move |c: &Config| c.shop.hours.weekly.get(day).map(|hours| quote(&hours.to_string()));
        Setting::new(format!("hours.{name}"), read, show)
    };
    let lunch = Setting::scalar(
        "hours.lunch",
        |c, text| values::lunch(text).map(|lunch| c.shop.hours.lunch = lunch),
        |c| {
            c.shop
                .hours
                .lunch
                .as_ref()
                .map_or_else(|| quote("none"), |span| quote(&span.to_string()))
        },
    );
    WEEKDAYS.into_iter().enumerate().map(day).chain([lunch]).collect()
}

fn booking() -> Vec<Setting> {
    vec![
        Setting::scalar(
            "booking.slot_interval_minutes",
            |c, text| whole_number(text, 5..=480).map(|n| c.shop.booking.slot_interval_minutes = n),
            |c| c.shop.booking.slot_interval_minutes.to_string(),
        ),
        Setting::scalar(
            "booking.buffer_minutes",
            |c, text| buffer(text).map(|n| c.shop.booking.buffer_minutes = n),
            |c| c.shop.booking.buffer_minutes.to_string(),
        ),
        Setting::scalar(
            "booking.minimum_notice_minutes",
            |c, text| {
                whole_number(text, 0..=525_600).map(|n| c.shop.booking.minimum_notice_minutes = n)
            },
            |c| c.shop.booking.minimum_notice_minutes.to_string(),
        ),
        Setting::scalar(
            "booking.horizon_days",
            |c, text| whole_number(text, 1..=3650).map(|n| c.shop.booking.horizon_days = n),
            |c| c.shop.booking.horizon_days.to_string(),
        ),
        Setting::scalar(
            "booking.booking_method",
            |c, text| values::name(text).map(|method| c.shop.booking.booking_method = method),
            |c| quote(&c.shop.booking.booking_method),
        ),
        Setting::scalar(
            "booking.booked_by",
            |c, text| values::name(text).map(|name| c.shop.booking.booked_by = name),
            |c| quote(&c.shop.booking.booked_by),
        ),
    ]
}

fn services() -> Vec<Setting> {
    ServiceType::ALL.iter().flat_map(|&service| service_rules(service)).collect()
}

fn service_rules(service: ServiceType) -> [Setting; 2] {
    let duration = |text: &str| whole_number(text, MIN_DURATION_MINUTES..=MAX_DURATION_MINUTES);
    [
        service_rule(service, "duration_minutes", duration, |rules| &mut rules.duration_minutes),
        service_rule(service, "buffer_minutes", buffer, |rules| &mut rules.buffer_minutes),
    ]
}

/// A number of minutes that holds for one service; there is nothing to show where nobody set it.
fn service_rule(
    service: ServiceType,
    name: &str,
    parse: fn(&str) -> Result<i64, String>,
    place: fn(&mut ServiceRules) -> &mut Option<i64>,
) -> Setting {
    let read = move |c: &mut Config, input: &Input| {
        let minutes = parse(&input.text()?).map_err(|why| input.wrong(why))?;
        *place(c.shop.services.entry(service).or_default()) = Some(minutes);
        Ok(())
    };
    let show = move |c: &Config| {
        let mut rules = *c.shop.services.get(&service)?;
        place(&mut rules).map(|minutes| minutes.to_string())
    };
    Setting::new(format!("services.{service}.{name}"), read, show)
}

fn buffer(text: &str) -> Result<i64, String> {
    whole_number(text, 0..=MAX_BUFFER_MINUTES)
}

fn nhtsa() -> Vec<Setting> {
    let base_url = Setting::scalar(
        "nhtsa.base_url",
        |c, text| values::base_url(text).map(|url| c.nhtsa.base_url = url),
        |c| quote(c.nhtsa.base_url.as_deref().unwrap_or_default()),
    );
    let patience = Setting::scalar(
        "nhtsa.patience_ms",
        |c, text| whole_number(text, 0..=5000).map(|n| c.nhtsa.patience_ms = n),
        |c| c.nhtsa.patience_ms.to_string(),
    );
    vec![Setting { may_be_empty: true, ..base_url }, patience]
}

fn vin() -> Vec<Setting> {
    let data_file = Setting::new("vin.data_file", read_vehicle_data, |c| {
        c.vin.data_file.as_ref().map(|path| quote(&path.to_string_lossy()))
    });
    vec![data_file]
}

/// Takes a file of vehicle data, of which the beginning is looked at: the whole is read when the first
/// VIN is decoded.
fn read_vehicle_data(config: &mut Config, input: &Input) -> Result<(), Wrong> {
    let path = folders::absolute(Path::new(&input.text()?), input.folders);
    let path = path.map_err(|why| input.wrong(why))?;
    vehicle_data::check(&path).map_err(|why| input.wrong(why))?;
    config.vin.data_file = Some(path);
    Ok(())
}

fn servicebay() -> Vec<Setting> {
    vec![
        Setting::new(
            "servicebay.toolsets",
            |c, input| lists::toolsets(input).map(|toolsets| c.server.toolsets = toolsets),
            |c| Some(lists::show_texts(&c.server.toolsets)),
        ),
        Setting::scalar(
            "servicebay.read_only",
            |c, text| values::switch(text).map(|is_on| c.server.read_only = is_on),
            |c| c.server.read_only.to_string(),
        ),
        Setting::scalar(
            "servicebay.profile",
            |c, text| one_of(text, Profile::ALL).map(|profile| c.server.profile = profile),
            |c| quote(c.server.profile.as_str()),
        ),
        Setting::scalar(
            "servicebay.confirm",
            |c, text| one_of(text, Confirm::ALL).map(|confirm| c.server.confirm = confirm),
            |c| quote(c.server.confirm.as_str()),
        ),
        Setting::scalar(
            "servicebay.log_format",
            |c, text| one_of(text, LogFormat::ALL).map(|format| c.server.log_format = format),
            |c| quote(c.server.log_format.as_str()),
        ),
    ]
}
