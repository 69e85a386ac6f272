//! How one value is read from text: what it means, or what is wrong and what is allowed.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use chrono_tz::Tz;
use url::Url;

use crate::domain::clock_span::ClockSpan;
use crate::domain::hours::DayHours;
use crate::domain::money::Currency;
use crate::domain::text;

/// The regions that libphonenumber knows: ISO 3166 codes, and a few reserved ones. Its own list
/// comes only with all its metadata, which need not be loaded before the first phone number.
pub(super) const REGIONS: &str = "\
    AC AD AE AF AG AI AL AM AO AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR \
    BS BT BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC \
    EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GT GU GW GY HK \
    HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB \
    LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY \
    MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PR PS PT PW PY QA RE RO RS \
    RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TA TC TD TG TH TJ TK TL \
    TM TN TO TR TT TV TW TZ UA UG US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

/// The IANA time zone of this name.
pub(super) fn zone(text: &str) -> Result<Tz, String> {
    let problem = |_| "is not a time zone; use an IANA name such as America/New_York".to_owned();
    text.parse().map_err(problem)
}

/// The machine's time zone, or UTC where it names none.
pub(super) fn zone_of_machine() -> Tz {
    let name = iana_time_zone::get_timezone().ok();
    name.and_then(|name| name.parse().ok()).unwrap_or(Tz::UTC)
}

/// An ISO 3166 country code by which phone numbers can be read, upper-cased.
pub(super) fn region(text: &str) -> Result<String, String> {
    match text.to_ascii_uppercase() {
        code if code == "UK" => Err("is not a country code; write GB".to_owned()),
        code if REGIONS.split_ascii_whitespace().any(|known| known == code) => Ok(code),
        _ => Err("is not a country code; use two letters such as US".to_owned()),
    }
}

/// The ISO 4217 currency with this code.
pub(super) fn currency(text: &str) -> Result<Currency, String> {
    let problem = || "is not a currency; use an ISO 4217 code such as USD".to_owned();
    Currency::from_code(&text.to_ascii_uppercase()).ok_or_else(problem)
}

/// A whole number in `range`.
pub(super) fn whole_number<N>(text: &str, range: RangeInclusive<N>) -> Result<N, String>
where
    N: FromStr + PartialOrd + Display,
{
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("is not a whole number from {} to {}", range.start(), range.end()))
}

/// `true` or `false`.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    text.to_ascii_lowercase().parse().map_err(|_| "is neither true nor false".to_owned())
}

/// The one of `all` that is written like this.
pub(super) fn one_of<T: Copy + Display>(text: &str, all: &[T]) -> Result<T, String> {
    let found = all.iter().find(|known| known.to_string().eq_ignore_ascii_case(text));
    found.copied().ok_or_else(|| format!("is not one of {}", join(all)))
}

/// The values by comma, as a message lists them.
pub(super) fn join<T: ToString>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

/// A name or another short text.
pub(super) fn name(text: &str) -> Result<String, String> {
    text::name(text).map_err(|error| error.to_string())
}

/// The hours of one day of the week.
pub(super) fn day_hours(text: &str) -> Result<DayHours, String> {
    text.parse().map_err(|error: <DayHours as FromStr>::Err| error.to_string())
}

/// The lunch break, or `none`.
pub(super) fn lunch(text: &str) -> Result<Option<ClockSpan>, String> {
    if text == "none" {
        return Ok(None);
    }
    let span: Result<ClockSpan, _> = text.parse();
    span.map(Some).map_err(|error| format!("{error}; or none for no break"))
}

/// The address of an HTTP service, without a slash at the end; `None` where the text is empty.
pub(super) fn base_url(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let problem = "is not an http or https address; leave it empty to never ask";
    let url = Url::parse(text).map_err(|_| problem.to_owned())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(problem.to_owned());
    }
    let is_plain = url.username().is_empty() && url.password().is_none();
    if is_plain && url.query().is_none() && url.fragment().is_none() {
        Ok(Some(text.trim_end_matches('/').to_owned()))
    } else {
        Err("has more than a host and a path; write it without user, ? and #".to_owned())
    }
}

/// Refuses a text that somebody else was to turn into a value: `${NAME}`, which several MCP
/// clients hand over as it is, and what the system could not hand over as UTF-8.
pub(super) fn check_text(text: &str) -> Result<&str, String> {
    let has_placeholder = text.split_once("${").is_some_and(|(_, rest)| rest.contains('}'));
    if has_placeholder {
        let why = "is a placeholder that nobody filled in; write the value itself in its place";
        return Err(why.to_owned());
    }
    if text.contains('\u{fffd}') { Err("is not UTF-8 text".to_owned()) } else { Ok(text) }
}

/// The text as a TOML string on one line.
pub(super) fn quote(text: &str) -> String {
    // JSON's escapes are TOML's, but for DEL, which TOML does not allow bare.
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

/// The text as an error quotes it: shortened, and without what may be a password in a url.
pub(super) fn quote_safely(text: &str) -> String {
    let safe = match text.split_once("://") {
        Some((scheme, rest)) if rest.contains(['@', '?']) => format!("{scheme}://***"),
        _ => text.to_owned(),
    };
    match safe.char_indices().nth(100) {
        Some((end, _)) => quote(&format!("{}…", safe.get(..end).unwrap_or_default())),
        None => quote(&safe),
    }
}
