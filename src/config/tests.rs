//! What is read, what is refused and in which words, and what is never printed.

mod calendar;
mod lists;
mod refusals;
mod remote;

use std::path::{Path, PathBuf};

use rstest::rstest;

use super::*;
use crate::domain::appointment::ServiceType;
use crate::domain::hours::DayHours;

/// A password that no output may hold.
const SECRET: &str = "hunter2";

fn folders() -> Folders {
    Folders {
        home: "/home/ann".into(),
        config: "/home/ann/.config/servicebay".into(),
        data: "/home/ann/.local/share/servicebay".into(),
    }
}

fn load(file: &str, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let env = |name: &str| {
        let found = env.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Config::load_from(Some(("servicebay.toml", file)), &env, Some(&folders()))
}

#[track_caller]
fn loaded(file: &str, env: &[(&str, &str)]) -> Config {
    load(file, env).expect("a configuration")
}

/// Loading stops with this line.
#[track_caller]
fn check(file: &str, env: &[(&str, &str)], expected: &str) {
    let error = load(file, env).expect_err("a refusal");
    assert_eq!(error.to_string(), expected);
}

/// Loading stops with one line that tells no secret.
#[track_caller]
fn check_secret(file: &str, env: &[(&str, &str)]) {
    let error = load(file, env).expect_err("a refusal");
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains(SECRET), "{text}");
        assert!(!text.contains('\n'), "{text}");
    }
}

/// What `describe` prints reads back as the same settings.
#[track_caller]
fn check_round_trip(file: &str, env: &[(&str, &str)]) {
    let config = loaded(file, env);
    let mut again = loaded(&config.describe(), &[]);
    again.origins.clone_from(&config.origins);
    assert_eq!(again, config, "{}", config.describe());
}

fn names(resources: &[crate::domain::shop::Resource]) -> Vec<&str> {
    resources.iter().map(|resource| resource.name.as_str()).collect()
}

#[test]
fn without_settings_the_defaults_hold() {
    let config = loaded("", &[("SHOP_TIMEZONE", "UTC")]);
    let path = PathBuf::from("/home/ann/.local/share/servicebay/servicebay.db");
    let database = DatabaseUrl::Sqlite(SqlitePath::File(path));
    let origins = config.origins.clone();
    assert_eq!(config, Config { database, origins, ..Config::in_memory() });
    assert_eq!(names(&config.shop.bays), ["Bay 1"]);
    assert_eq!(config.nhtsa.base_url.as_deref(), Some(NHTSA_BASE_URL));
    assert_eq!(config.server.toolsets, Toolset::ALL);
}

#[test]
fn the_environment_wins_over_the_file() {
    let file = "[shop]\nregion = \"de\"\ncurrency = \"EUR\"\n[booking]\nhorizon_days = 30";
    let config = loaded(file, &[("SHOP_REGION", "fr"), ("SHOP_CURRENCY", " ")]);
    assert_eq!(config.shop.region, "FR");
    assert_eq!(config.shop.currency, Currency::EUR);
    assert_eq!(config.shop.booking.horizon_days, 30);
}

#[test]
fn every_key_is_a_variable_too() {
    let config = loaded(
        "",
        &[
            ("SHOP_TIMEZONE", "America/New_York"),
            ("NHTSA_BASE_URL", ""),
            ("NHTSA_PATIENCE_MS", "0"),
            ("HOURS_SUNDAY", "10:00-14:00"),
            ("HOURS_LUNCH", "none"),
            ("BOOKING_SLOT_INTERVAL_MINUTES", "15"),
            ("BOOKING_BUFFER_MINUTES", "10"),
            ("SERVICES_OIL_CHANGE_DURATION_MINUTES", "30"),
            ("SERVICES_OIL_CHANGE_BUFFER_MINUTES", "0"),
            ("SERVICEBAY_TOOLSETS", "vin, crm"),
            ("SERVICEBAY_READ_ONLY", "TRUE"),
            ("SERVICEBAY_PROFILE", "voice"),
            ("SERVICEBAY_CONFIRM", "never"),
            ("SERVICEBAY_LOG_FORMAT", "json"),
            ("CLOSURES", r#"[{ date = "2027-12-25", reason = "Christmas Day" }]"#),
            ("SPECIAL_HOURS", r#"[{ date = "2027-12-24", hours = "09:00-12:00" }]"#),
            ("TECHNICIANS", r#"[{ name = "Kim", services = ["repair"] }]"#),
        ],
    );
    assert_eq!(config.shop.zone, Tz::America__New_York);
    assert_eq!(config.nhtsa, Nhtsa { base_url: None, patience_ms: 0 });
    let sunday = "10:00-14:00".parse().expect("a span");
    assert_eq!(config.shop.hours.weekly[6], DayHours(Some(sunday)));
    assert_eq!(config.shop.hours.lunch, None);
    assert_eq!(config.shop.duration_of(ServiceType::OilChange), Some(30));
    assert_eq!(config.shop.buffer_of(Some(ServiceType::OilChange)), 0);
    assert_eq!(config.shop.buffer_of(Some(ServiceType::Repair)), 10);
    assert_eq!(config.shop.hours.special[0].hours.to_string(), "09:00-12:00");
    assert_eq!(config.server.log_format, LogFormat::Json);
    assert_eq!(config.server.toolsets, [Toolset::Crm, Toolset::Vin]);
    assert!(config.server.read_only);
    assert_eq!((config.server.profile, config.server.confirm), (Profile::Voice, Confirm::Never));
    assert_eq!(config.shop.hours.closures[0].reason, "Christmas Day");
    assert_eq!(config.shop.technicians[0].services, Some(vec![ServiceType::Repair]));
}

#[rstest]
#[case("sqlite:/srv/shop.db", "sqlite:/srv/shop.db")]
#[case("sqlite:///srv/shop.db", "sqlite:/srv/shop.db")]
#[case("sqlite:~/shop.db", "sqlite:/home/ann/shop.db")]
#[case("sqlite://~/shop.db", "sqlite:/home/ann/shop.db")]
#[case("sqlite::memory:", "sqlite::memory:")]
#[case("sqlite://:memory:", "sqlite::memory:")]
#[case("postgres://ann@db.example/shop", "postgres://ann@db.example/shop")]
#[case("postgresql:///shop?host=/run/postgresql", "postgresql:///shop?host=/run/postgresql")]
#[case(
    "postgres://ann:hunter2@db:5433/shop?sslmode=require",
    "postgres://ann:***@db:5433/shop?sslmode=require"
)]
#[case("postgres://db/shop?user=ann&password=hunter2", "postgres://db/shop?user=ann&password=***")]
fn a_database_is_shown_without_its_password(#[case] url: &str, #[case] expected: &str) {
    let config = loaded("", &[("DATABASE_URL", url)]);
    assert_eq!(config.database.to_string(), expected);
    assert_eq!(format!("{:?}", config.database), expected);
    for text in [format!("{config:?}"), format!("{config:#?}"), config.describe()] {
        assert!(!text.contains(SECRET), "{text}");
    }
    if let DatabaseUrl::Postgres(whole) = config.database {
        assert_eq!(whole, url);
    }
}

#[test]
fn a_relative_database_path_starts_in_the_working_directory() {
    let here = std::env::current_dir().expect("a working directory").join("shop.db");
    let config = loaded("", &[("DATABASE_URL", "sqlite:shop.db")]);
    assert_eq!(config.database, DatabaseUrl::Sqlite(SqlitePath::File(here)));
}

#[test]
fn a_url_may_come_from_a_file_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("url");
    std::fs::write(&path, "postgres://ann:hunter2@db/shop\n").expect("a file");
    let path = path.to_str().expect("text");
    let config = loaded("", &[("DATABASE_URL_FILE", path)]);
    assert_eq!(config.database, DatabaseUrl::Postgres("postgres://ann:hunter2@db/shop".to_owned()));
    let shown = "url = \"postgres://ann:***@db/shop\" # from DATABASE_URL_FILE\n";
    assert!(config.describe().contains(shown), "{}", config.describe());
    let both = [("DATABASE_URL", "sqlite::memory:"), ("DATABASE_URL_FILE", path)];
    check("", &both, "DATABASE_URL and DATABASE_URL_FILE are both set; keep one of them");
    std::fs::write(path, "hunter2").expect("a file");
    check_secret("", &[("DATABASE_URL_FILE", path)]);
    let missing = [("DATABASE_URL_FILE", "/nowhere/url")];
    check(
        "",
        &missing,
        "DATABASE_URL_FILE = \"/nowhere/url\" cannot be read: \
        No such file or directory (os error 2)",
    );
}

#[test]
fn without_a_home_the_database_must_be_named() {
    let error = Config::load_from(None, &|_| None, None).expect_err("a refusal");
    assert!(error.to_string().contains("set DATABASE_URL"), "{error}");
    let memory = |name: &str| (name == "DATABASE_URL").then(|| "sqlite::memory:".to_owned());
    assert!(Config::load_from(None, &memory, None).is_ok());
}

#[test]
fn what_is_described_reads_back_as_the_same() {
    check_round_trip("", &[]);
    check_round_trip("", &[("SHOP_BAYS", "4"), ("NHTSA_BASE_URL", "")]);
    check_round_trip("", &[("SHOP_BAYS", "North \"one\", 7")]);
    check_round_trip("", &[("DATABASE_URL", "sqlite:/srv/a \"b\"\\c.db"), ("HOURS_LUNCH", "none")]);
    check_round_trip("", &[("DATABASE_URL", "sqlite:/srv/\u{7f}.db")]);
    check_round_trip(
        "[shop]\ntimezone = \"Europe/Berlin\"\nregion = \"DE\"\ncurrency = \"EUR\"\n\
         [hours]\nmonday = \"closed\"\nlunch = \"12:30-13:00\"\n\
         [booking]\nslot_interval_minutes = 15\nbuffer_minutes = 10\nbooked_by = \"Ann # 1\"\n\
         [services.repair]\nduration_minutes = 120\nbuffer_minutes = 30\n\
         [services.recall]\nbuffer_minutes = 0\n\
         [[special_hours]]\ndate = \"2027-12-24\"\nhours = \"09:00-12:00\"\n\
         lunch = \"none\"\nreason = \"Christmas \\\"Eve\\\"\"\n\
         [[special_hours]]\nfrom = \"2027-07-01\"\nto = \"2027-07-31\"\n\
         hours = \"8:00-20:00\"\nlunch = \"14:00-15:00\"\n\
         [[closures]]\ndate = \"2027-12-25\"\nreason = \"Christmas \\\"Day\\\"\"\n\
         [[closures]]\nfrom = \"2028-01-01\"\nto = \"2028-01-02\"\n\
         [[bays]]\nname = \"North\"\nservices = [\"oil_change\", \"repair\"]\n\
         [[bays]]\nname = \"South\"\n[[technicians]]\nname = \"Kim\"\n",
        &[("SERVICEBAY_TOOLSETS", "crm,vin"), ("SERVICEBAY_READ_ONLY", "true")],
    );
}

#[test]
fn a_description_names_the_sources() {
    let config = loaded("[shop]\nregion = \"de\"", &[("SHOP_CURRENCY", "eur")]);
    let text = config.describe();
    for line in [
        "closures = [] # default",
        "special_hours = [] # default",
        "buffer_minutes = 0 # default",
        "region = \"DE\" # from servicebay.toml",
        "currency = \"EUR\" # from SHOP_CURRENCY",
        "bays = 1 # default",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn a_named_file_must_exist_and_the_default_one_need_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let folders = Folders { config: folder.path().to_owned(), ..folders() };
    let read = |chosen: Option<&str>, variable: Option<&str>| {
        let env = |name: &str| {
            (name == "SERVICEBAY_CONFIG").then_some(variable).flatten().map(str::to_owned)
        };
        sources::read_file(chosen.map(Path::new), &env, Some(&folders))
            .map(|file| file.map(|(_, text)| text))
            .map_err(|error| error.to_string())
    };
    assert_eq!(read(None, None), Ok(None));
    assert_eq!(read(None, Some(" ")), Ok(None));
    let missing = Err("/nowhere/a.toml cannot be read".to_owned());
    assert_eq!(read(Some("/nowhere/a.toml"), None), missing);
    let missing = Err("SERVICEBAY_CONFIG = \"/nowhere/a.toml\" cannot be read".to_owned());
    assert_eq!(read(None, Some("/nowhere/a.toml")), missing);
    let refused = read(None, Some("${HOME}/a.toml")).expect_err("a refusal");
    assert!(refused.contains("placeholder"), "{refused}");
    std::fs::write(folder.path().join("servicebay.toml"), "# mine").expect("a file");
    assert_eq!(read(None, None), Ok(Some("# mine".to_owned())));
}

#[test]
fn the_regions_are_those_of_phone_numbers() {
    let regions = rlibphonenumber::PHONE_NUMBER_UTIL.get_supported_regions();
    let mut regions: Vec<String> = regions.map(|region| region.to_string()).collect();
    regions.sort();
    assert_eq!(values::REGIONS.split_ascii_whitespace().collect::<Vec<_>>(), regions);
}
