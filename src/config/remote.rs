//! The shop's own services behind a REST API: a CRM, billing, an inventory.

use super::settings::Setting;
use super::values::{self, quote, whole_number};
use super::{Config, Secret, secret};

/// How a service of the shop's own is reached.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RemoteApi {
    /// Where it answers, without a slash at the end; `None`: there is none.
    pub api_endpoint: Option<String>,
    /// What it knows us by.
    pub api_key: Option<Secret>,
    /// The longest that one call of it may take, in seconds, retries included.
    pub timeout_seconds: u64,
    /// How often a request is sent again that failed for the moment.
    pub max_retries: usize,
}

impl Default for RemoteApi {
    fn default() -> Self {
        Self { api_endpoint: None, api_key: None, timeout_seconds: 10, max_retries: 3 }
    }
}

type Place = fn(&mut Config) -> &mut RemoteApi;
type Look = fn(&Config) -> &RemoteApi;

/// The settings of all three.
pub(super) fn settings() -> Vec<Setting> {
    let all: [(&str, Place, Look); 3] = [
        ("crm", |c| &mut c.crm, |c| &c.crm),
        ("billing", |c| &mut c.billing, |c| &c.billing),
        ("inventory", |c| &mut c.inventory, |c| &c.inventory),
    ];
    all.into_iter().flat_map(|(section, place, look)| of_one(section, place, look)).collect()
}

fn of_one(section: &str, place: Place, look: Look) -> [Setting; 5] {
    let endpoint = Setting::new(
        format!("{section}.api_endpoint"),
        move |c, input| {
            let url = values::base_url(&input.text()?).map_err(|why| input.wrong(why))?;
            place(c).api_endpoint = url;
            Ok(())
        },
        move |c| Some(quote(look(c).api_endpoint.as_deref().unwrap_or_default())),
    );
    let key = Setting::new(
        format!("{section}.api_key"),
        move |c, input| secret::key(input).map(|key| place(c).api_key = Some(key)),
        move |c| look(c).api_key.as_ref().map(|_| quote("***")),
    );
    let key_file = Setting::new(
        format!("{section}.api_key_file"),
        move |c, input| secret::key_in_file(input).map(|key| place(c).api_key = Some(key)),
        |_| None,
    );
    let timeout = Setting::scalar(
        format!("{section}.timeout"),
        move |c, text| whole_number(text, 1..=60).map(|n| place(c).timeout_seconds = n),
        move |c| look(c).timeout_seconds.to_string(),
    );
    let retries = Setting::scalar(
        format!("{section}.max_retries"),
        move |c, text| whole_number(text, 0..=10).map(|n| place(c).max_retries = n),
        move |c| look(c).max_retries.to_string(),
    );
    [
        Setting { may_be_empty: true, ..endpoint },
        Setting { is_secret: true, ..key },
        key_file,
        timeout,
        retries,
    ]
}
