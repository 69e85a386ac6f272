//! What the shop's records come to.

mod rows;

use chrono::{Days, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::arguments::refuse;
use super::times::read_whole_range;
use super::{Answer, Call, Effect, Tool};
use crate::config::Toolset;
use crate::domain::local_time::{day_bounds, local_date, rfc3339};
use crate::domain::time::{Interval, Timestamp};
use crate::domain::time_range::within_database;
use crate::error::{Refusal, ToolError};
use crate::store::Session;
use rows::{Row, Told};

/// How many days a report goes back where the caller does not say.
const DEFAULT_DAYS: u64 = 90;

/// What is reported.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Report {
    PopularServices,
    PeakTimes,
    AverageDuration,
    NoShows,
    Revenue,
}

/// The arguments of `get_analytics`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct GetAnalytics {
    /// no_shows and popular_services by service, peak_times by weekday and hour, average_duration
    /// planned and worked, revenue by month.
    report: Report,
    /// First day or time; default 90 days ago.
    #[schemars(length(min = 1, max = 60))]
    from: Option<String>,
    /// Last day (whole) or time; default today.
    #[schemars(length(min = 1, max = 60))]
    to: Option<String>,
}

/// A report.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Reported {
    /// What is reported.
    report: Report,
    /// From which day, YYYY-MM-DD, or from when, RFC 3339 in the shop's zone.
    from: String,
    /// To which day, all of it, or to when.
    to: String,
    /// The rows, the greatest first; revenue by month.
    #[schemars(with = "Vec<Map<String, Value>>")]
    rows: Vec<Row>,
}

impl Tool for GetAnalytics {
    const NAME: &'static str = "get_analytics";
    const TITLE: &'static str = "Get a report";
    const DESCRIPTION: &'static str =
        "Report on visits by their start, or on payments; the message says the gist.";
    const TOOLSET: Toolset = Toolset::Insights;
    const EFFECT: Effect = Effect::Reads;
    type Data = Reported;

    async fn run(self, call: &Call<'_>) -> Result<Answer<Reported>, ToolError> {
        let span = self.span(call)?;
        let store = call.engine.store().await?;
        let searched = within_database(span);
        let told = self.report.ask(&mut store.read().await?, searched, call).await?;
        let Told { message, rows } = told;
        let (from, to) = (first(span.start, call), last(span.end, call));
        Ok(Answer::new(message, Reported { report: self.report, from, to, rows }))
    }
}

impl Report {
    async fn ask(
        self,
        session: &mut Session,
        span: Interval,
        call: &Call<'_>,
    ) -> Result<Told, ToolError> {
        let zone = call.engine.shop().zone;
        Ok(match self {
            Self::PopularServices => rows::popular(session.count_appointments(span).await?),
            Self::NoShows => rows::no_shows(session.count_appointments(span).await?),
            Self::PeakTimes => rows::peaks(&session.count_starts(span).await?, zone),
            Self::AverageDuration => rows::durations(session.durations(span).await?),
            Self::Revenue => {
                // Nothing was received later than now, so that the months are as many as it has been.
                let end = span.end.min(call.now.plus_seconds(1));
                let months = rows::months(Interval { end, ..span }, zone);
                let mut told = rows::revenue(session.revenue(&months).await?)?;
                if call.engine.billing.is_on() {
                    told.message.push_str(" What the billing system recorded is not counted.");
                }
                told
            }
        })
    }
}

impl GetAnalytics {
    /// The time that is reported on, as it was given; what is left out of it is the last 90 days.
    fn span(&self, call: &Call<'_>) -> Result<Interval, Refusal> {
        let zone = call.engine.shop().zone;
        let today = local_date(call.now, zone);
        let (from, to) = (self.from.as_deref(), self.to.as_deref());
        let to_today = today.to_string();
        let given = read_whole_range(from, Some(to.unwrap_or(&to_today)), call);
        if from.is_some() {
            return given.map_err(|refusal| match to {
                None if is_reversed(&refusal) => refuse("from", "is after today; give to, too"),
                _ => refusal,
            });
        }
        let Interval { end, .. } = given?;
        let last = local_date(end.plus_seconds(-1), zone);
        let first = last.checked_sub_days(Days::new(DEFAULT_DAYS - 1)).unwrap_or(NaiveDate::MIN);
        Ok(Interval { start: day_bounds(first, zone).start.max(Timestamp(0)), end })
    }
}

fn is_reversed(refusal: &Refusal) -> bool {
    refusal.error() == "from is after to"
}

/// The beginning of a time: its day, where it begins with one.
fn first(at: Timestamp, call: &Call<'_>) -> String {
    let zone = call.engine.shop().zone;
    let day = local_date(at, zone);
    if day_bounds(day, zone).start == at { day.to_string() } else { rfc3339(at, zone) }
}

/// The end of a time: its last day, where it ends with one, or its last second.
fn last(end: Timestamp, call: &Call<'_>) -> String {
    let zone = call.engine.shop().zone;
    let at = end.plus_seconds(-1);
    let day = local_date(at, zone);
    if day_bounds(day, zone).end == end { day.to_string() } else { rfc3339(at, zone) }
}
