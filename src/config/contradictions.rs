//! Settings that are right by themselves and wrong together: refused, naming both.

use chrono::NaiveDate;

use super::Config;
use super::error::ConfigError;

/// Refuses settings of which one makes nonsense of the other.
pub(super) fn refuse(config: &Config) -> Result<(), ConfigError> {
    refuse_notice_beyond_horizon(config)?;
    refuse_shared_dates(config)
}

/// A notice that reaches to the horizon leaves no time that could ever be booked.
fn refuse_notice_beyond_horizon(config: &Config) -> Result<(), ConfigError> {
    let booking = &config.shop.booking;
    let (notice, days) = (booking.minimum_notice_minutes, booking.horizon_days);
    let horizon = days.saturating_mul(1440);
    if notice < horizon {
        return Ok(());
    }
    let key = "booking.minimum_notice_minutes";
    let horizon_key = config.name_of("booking.horizon_days");
    let problem = format!(
        "leaves nothing to book before the horizon, {horizon_key} = {days}; write less than \
         {horizon}"
    );
    Err(ConfigError::Refused { setting: format!("{} = {notice}", config.name_of(key)), problem })
}

/// A date is closed, has special hours or is like its weekday: nobody could say which of two holds.
fn refuse_shared_dates(config: &Config) -> Result<(), ConfigError> {
    let (special, closures) = (config.name_of("special_hours"), config.name_of("closures"));
    let hours = &config.shop.hours;
    for (number, one) in (1..).zip(&hours.special) {
        let days = (one.first, one.last);
        let earlier = (1..number).zip(hours.special.iter().map(|other| (other.first, other.last)));
        let closed = (1..).zip(hours.closures.iter().map(|other| (other.first, other.last)));
        let others = earlier.map(|other| (&special, other));
        for (list, (other_number, other)) in others.chain(closed.map(|other| (&closures, other))) {
            if let Some(date) = shared_date(days, other) {
                let setting = format!("{special} entry {number}");
                let problem = format!(
                    "has {date}, and so has {list} entry {other_number}; keep the date in one of \
                     them"
                );
                return Err(ConfigError::Refused { setting, problem });
            }
        }
    }
    Ok(())
}

/// The first date that two spans of dates, both ends included, have in common.
fn shared_date(one: (NaiveDate, NaiveDate), other: (NaiveDate, NaiveDate)) -> Option<NaiveDate> {
    let first = one.0.max(other.0);
    (first <= one.1.min(other.1)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file: &str, env: &[(&str, &str)], expected: Result<(), &str>) {
        let env = |name: &str| match env.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => Some((*value).to_owned()),
            None => (name == "DATABASE_URL").then(|| "sqlite::memory:".to_owned()),
        };
        let loaded = Config::load_from(Some(("servicebay.toml", file)), &env, None);
        let refused = loaded.map(drop).map_err(|error| error.to_string());
        assert_eq!(refused.as_ref().map_err(String::as_str).copied(), expected);
    }

    #[test]
    fn a_date_is_planned_once() {
        let closed = "[[closures]]\ndate = 2027-12-31\n\
                      [[closures]]\nfrom = 2027-12-25\nto = 2027-12-26\n";
        let eve = "[[special_hours]]\ndate = 2027-12-24\nhours = \"09:00-12:00\"\n";
        let week = "[[special_hours]]\nfrom = 2027-12-20\nto = 2027-12-25\n\
                    hours = \"09:00-12:00\"\n";
        check(&format!("{closed}{eve}"), &[], Ok(()));
        check(
            &format!("{closed}{week}"),
            &[],
            Err("servicebay.toml: special_hours entry 1 has 2027-12-25, and so has \
                 servicebay.toml: closures entry 2; keep the date in one of them"),
        );
        check(
            &format!("{eve}{week}"),
            &[],
            Err("servicebay.toml: special_hours entry 2 has 2027-12-24, and so has \
                 servicebay.toml: special_hours entry 1; keep the date in one of them"),
        );
        check(
            eve,
            &[("CLOSURES", "[{ date = 2027-12-24 }]")],
            Err("servicebay.toml: special_hours entry 1 has 2027-12-24, and so has CLOSURES \
                 entry 1; keep the date in one of them"),
        );
    }

    #[test]
    fn the_notice_ends_before_the_horizon() {
        let days =
            |minutes| [("BOOKING_MINIMUM_NOTICE_MINUTES", minutes), ("BOOKING_HORIZON_DAYS", "2")];
        check("", &days("2879"), Ok(()));
        check(
            "",
            &days("2880"),
            Err("BOOKING_MINIMUM_NOTICE_MINUTES = 2880 leaves nothing to book before the \
                 horizon, BOOKING_HORIZON_DAYS = 2; write less than 2880"),
        );
        check(
            "[booking]\nminimum_notice_minutes = 525600",
            &[],
            Err("servicebay.toml: booking.minimum_notice_minutes = 525600 leaves nothing to book \
                 before the horizon, booking.horizon_days = 365; write less than 525600"),
        );
    }
}
