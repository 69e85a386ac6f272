//! What stops the start, and in which words.

use rstest::rstest;

use super::{check, check_secret, load};

#[rstest]
#[case("postgres://ann:hunter2/x@db/shop")]
#[case("postgres://ann:1?hunter2@db/shop")]
#[case("postgres://ann:1#hunter2@db/shop")]
#[case("postgres://ann:1/hunter2@db/shop")]
#[case("postgres://ann:hunter2@db:notaport/shop")]
#[case("postgres:ann:hunter2@db")]
#[case("mysql://ann:hunter2@db/shop")]
#[case("hunter2")]
#[case("${hunter2}")]
#[case("postgres://ann:hunter2@${HOST}/shop")]
fn no_refusal_tells_a_secret(#[case] url: &str) {
    check_secret("", &[("DATABASE_URL", url)]);
    check_secret(&format!("[database]\nurl = \"{url}\""), &[]);
    check_secret(&format!("[database]\nurl = [\"{url}\"]"), &[]);
    check_secret(&format!("[database]\nurl = \"{url}"), &[]);
    check_secret(&format!("database = \"{url}\""), &[]);
    if url.contains("://") {
        check_secret("", &[("SHOP_TIMEZONE", url)]);
        check_secret("", &[("DATABASE_URL_FILE", url)]);
    }
}

#[test]
fn a_password_stays_out_of_the_file() {
    let file = "[database]\nurl = \"postgres://ann:hunter2@db/shop\"";
    let line = "servicebay.toml: database.url holds a password, which does not belong in this \
                file; set DATABASE_URL in the environment instead, or name a file that holds the \
                url as url_file";
    check(file, &[], line);
}

#[rstest]
#[case(
    "SHOP_TIMEZONE",
    "Mars/Olympus",
    "is not a time zone; use an IANA name such as America/New_York"
)]
#[case(
    "SHOP_TIMEZONE",
    "${TZ}",
    "is a placeholder that nobody filled in; write the value itself in its place"
)]
#[case("SHOP_REGION", "USA", "is not a country code; use two letters such as US")]
#[case("SHOP_REGION", "UK", "is not a country code; write GB")]
#[case("SHOP_REGION", "XX", "is not a country code; use two letters such as US")]
#[case("SHOP_CURRENCY", "EURO", "is not a currency; use an ISO 4217 code such as USD")]
#[case(
    "SHOP_BAYS",
    "0",
    "is not a whole number from 1 to 1000; or write the names of the bays by comma"
)]
#[case("SHOP_BAYS", "A, a", "names \"a\" twice")]
#[case("SHOP_BAYS", "A,", "has a name that must not be empty")]
#[case("NHTSA_BASE_URL", "ftp://x", "is not an http or https address; leave it empty to never ask")]
#[case("NHTSA_BASE_URL", "vpic", "is not an http or https address; leave it empty to never ask")]
#[case("NHTSA_PATIENCE_MS", "5001", "is not a whole number from 0 to 5000")]
#[case("NHTSA_PATIENCE_MS", "-1", "is not a whole number from 0 to 5000")]
#[case(
    "HOURS_MONDAY",
    "9-5",
    "is neither closed nor a span such as 09:00-17:00, from 00:00 to 24:00, earlier time first"
)]
#[case(
    "HOURS_LUNCH",
    "noon",
    "is not a span of hours; write it as 09:00-17:00, from 00:00 to 24:00, earlier time first; \
     or none for no break"
)]
#[case("BOOKING_SLOT_INTERVAL_MINUTES", "4", "is not a whole number from 5 to 480")]
#[case("BOOKING_MINIMUM_NOTICE_MINUTES", "525601", "is not a whole number from 0 to 525600")]
#[case("BOOKING_HORIZON_DAYS", "1.5", "is not a whole number from 1 to 3650")]
#[case("BOOKING_BOOKED_BY", "a\nb", "must not contain the control character U+000A")]
#[case("BOOKING_BUFFER_MINUTES", "481", "is not a whole number from 0 to 480")]
#[case("SERVICES_REPAIR_BUFFER_MINUTES", "-1", "is not a whole number from 0 to 480")]
#[case("SERVICES_REPAIR_DURATION_MINUTES", "481", "is not a whole number from 5 to 480")]
#[case(
    "SERVICEBAY_TOOLSETS",
    "crm,wash",
    "names a toolset that is not one of crm, appointments, vin, billing, inventory, insights"
)]
#[case("SERVICEBAY_READ_ONLY", "yes", "is neither true nor false")]
#[case("SERVICEBAY_PROFILE", "short", "is not one of full, voice")]
#[case("SERVICEBAY_CONFIRM", "ask", "is not one of auto, always, never")]
#[case("SERVICEBAY_LOG_FORMAT", "xml", "is not one of text, json")]
fn a_wrong_value_is_named_with_what_is_allowed(
    #[case] variable: &str,
    #[case] value: &str,
    #[case] problem: &str,
) {
    let value_shown = value.replace('\n', "\\n");
    check("", &[(variable, value)], &format!("{variable} = \"{value_shown}\" {problem}"));
}

#[rstest]
#[case(
    "[hours]\nmonday = 9",
    "hours.monday = 9 is neither closed nor a span such as \
    09:00-17:00, from 00:00 to 24:00, earlier time first"
)]
#[case(
    "[shop]\ntimezon = 1",
    "shop.timezon is not a setting; [shop] knows timezone, region, currency, bays"
)]
#[case(
    "[shopp]\na = 1",
    "shopp is not a setting; the file knows closures, special_hours, bays, technicians, \
    database, shop, hours, booking, services, nhtsa, vin, crm, billing, inventory, google, \
    caldav, calendar, servicebay"
)]
#[case("shop = 1", "shop is a section; write [shop] above its keys")]
#[case("[shop]\nregion = [\"US\"]", "shop.region = [\"US\"] is a list; write one value")]
#[case(
    "[services.wash]\nduration_minutes = 30",
    "services.wash is not a setting; [services] \
    knows oil_change, tire_rotation, brake_service, brake_inspection, inspection, \
    engine_diagnostics, general_maintenance, repair, diagnostic, recall, other"
)]
#[case(
    "[[closures]]\ndate = \"2027-02-30\"",
    "closures entry 1: date = \"2027-02-30\" is not a date; write it like 2027-12-25"
)]
#[case(
    "[[closures]]\nfrom = \"2027-12-26\"\nto = \"2027-12-25\"",
    "closures entry 1: to = \"2027-12-25\" is before from = \"2027-12-26\""
)]
#[case("[[closures]]\nreason = \"x\"", "closures entry 1 needs either date, or from and to")]
#[case(
    "[[closures]]\nday = \"x\"",
    "closures entry 1: day is not a setting; an entry knows date, from, to, reason"
)]
#[case(
    "[closures]\ndate = \"x\"",
    "closures is not a list of tables; write \
    [{ date = \"2027-12-25\", reason = \"Christmas Day\" }]"
)]
#[case(
    "[[special_hours]]\ndate = \"2027-12-24\"\nhours = \"closed\"",
    "special_hours entry 1: hours = \"closed\" is not a span of hours; write it as 09:00-17:00, \
    from 00:00 to 24:00, earlier time first; closed days are closures"
)]
#[case(
    "[[special_hours]]\ndate = \"2027-12-24\"\nhours = \"09:00-12:00\"\nlunch = \"no\"",
    "special_hours entry 1: lunch = \"no\" is not a span of hours; write it as 09:00-17:00, \
    from 00:00 to 24:00, earlier time first; or none for no break"
)]
#[case("[[special_hours]]\ndate = \"2027-12-24\"", "special_hours entry 1 needs hours")]
#[case(
    "[[special_hours]]\nhours = \"09:00-12:00\"",
    "special_hours entry 1 needs either date, or from and to"
)]
#[case(
    "[[special_hours]]\ndate = \"2027-12-24\"\nopen = \"09:00-12:00\"",
    "special_hours entry 1: open is not a setting; an entry knows date, from, to, hours, lunch, \
    reason"
)]
#[case("bays = []", "bays = [] names no bay; a shop has at least one")]
#[case("[[bays]]\nservices = [\"repair\"]", "bays entry 1 needs a name")]
#[case("[[bays]]\nname = \"A\"\n[[bays]]\nname = \"a\"", "bays names \"a\" twice")]
#[case(
    "[[technicians]]\nname = \"${KIM}\"",
    "technicians entry 1: name = \"${KIM}\" is a \
    placeholder that nobody filled in; write the value itself in its place"
)]
#[case(
    "[[technicians]]\nname = \"Kim\"\nservices = [\"wash\"]",
    "technicians entry 1: services = \
    [\"wash\"] names a service that is not one of oil_change, tire_rotation, brake_service, \
    brake_inspection, inspection, engine_diagnostics, general_maintenance, repair, diagnostic, \
    recall, other"
)]
#[case(
    "[servicebay]\ntoolsets = []",
    "servicebay.toolsets = [] names no toolset; there are crm, \
    appointments, vin, billing, inventory, insights"
)]
fn a_wrong_line_of_the_file_is_named(#[case] file: &str, #[case] line: &str) {
    check(file, &[], &format!("servicebay.toml: {line}"));
}

#[test]
fn text_that_is_not_toml_is_refused_by_its_line() {
    let error = load("[shop]\nregion = US\n", &[]).expect_err("a refusal").to_string();
    assert!(error.starts_with("servicebay.toml: line 2 is not valid TOML: "), "{error}");
    let example = "[{ name = \"North\", services = [\"oil_change\"] }, { name = \"South\" }]";
    let line = format!("BAYS = \"North\" is not a list of tables; write {example}");
    check("", &[("BAYS", "North")], &line);
    let example = "[{ date = \"2027-12-25\", reason = \"Christmas Day\" }]";
    let line = format!("CLOSURES = 2027-12-24 is not a list of tables; write {example}");
    check("", &[("CLOSURES", "2027-12-24")], &line);
}

#[test]
fn names_are_bounded() {
    let long = "x".repeat(201);
    let error = load("", &[("SHOP_BAYS", long.as_str())]).expect_err("a refusal").to_string();
    assert!(error.ends_with("must have at most 200 characters; this has 201"), "{error}");
    assert!(error.len() < 250, "{error}");
    check(
        "",
        &[("SHOP_BAYS", "1001")],
        "SHOP_BAYS = \"1001\" is not a whole number from 1 to \
        1000; or write the names of the bays by comma",
    );
}
