//! Import, export and backup, as their users see them.

mod backup;
mod history;
mod in_parts;
mod interrupted;
mod people;
mod rejections;
mod repeats;
mod round_trip;
mod under_way;

use std::path::PathBuf;
use std::process::{Output, Stdio};

use tokio::process::Child;

use crate::data;
use crate::shop::Shop;

pub const CUSTOMERS: &str =
    "external_id,first_name,last_name,email,phone_number,created_at,notes\n";
pub const VEHICLES: &str =
    "external_id,customer_external_id,vin,year,make,model,license_plate,is_primary_vehicle\n";
pub const APPOINTMENTS: &str = "external_id,customer_external_id,vehicle_external_id,scheduled_at,\
                                duration_minutes,service_type,status\n";
pub const PRODUCTS: &str = "sku,name,price,stock_quantity,category\n";

/// Ann with her Accord.
pub const ANN: &str = "C1,Ann,Lee,ann@example.com,(202) 555-0101,2020-02-03,\n";
pub const ACCORD: &str = "V1,C1,1HGCM82633A004352,2003,Honda,Accord,ABC-123,true\n";

/// What became of an import.
pub struct Ran {
    pub code: Option<i32>,
    pub stderr: String,
}

/// Writes a file of the shop's folder.
pub fn write(shop: &Shop, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = shop.folder().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// Reads a file of the shop's folder; empty where there is none.
pub fn read(shop: &Shop, name: &str) -> String {
    std::fs::read_to_string(shop.folder().join(name)).unwrap_or_default()
}

/// Imports files of these kinds, with more arguments.
pub async fn import(shop: &Shop, files: &[(&str, String)], more: &[&str]) -> Ran {
    let output = spawn_import(shop, files, more).wait_with_output();
    ran(tokio::time::timeout(data::REPLY_LIMIT * 4, output).await.expect("it ends").unwrap())
}

/// Begins an import of files of these kinds.
pub fn spawn_import(shop: &Shop, files: &[(&str, String)], more: &[&str]) -> Child {
    let mut command = shop.command();
    command.arg("import").args(more).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (kind, text) in files {
        let path = write(shop, &format!("{kind}.csv"), text);
        command.arg(format!("--{kind}")).arg(path);
    }
    command.spawn().unwrap()
}

pub fn ran(output: Output) -> Ran {
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    let stderr = String::from_utf8(output.stderr).unwrap();
    Ran { code: output.status.code(), stderr }
}

/// Runs a command of the program to its end.
pub async fn run(shop: &Shop, arguments: &[&str]) -> Output {
    let output = shop.command().args(arguments).output();
    tokio::time::timeout(data::REPLY_LIMIT * 2, output).await.expect("it ends").unwrap()
}

/// So many customers, each with a vehicle and a visit of the past.
pub fn many(count: usize) -> [(&'static str, String); 3] {
    let lines = |header: &str, line: &dyn Fn(usize) -> String| {
        let lines: String = (1..=count).map(line).collect();
        format!("{header}{lines}")
    };
    [
        ("customers", lines(CUSTOMERS, &|n| format!("C{n},Ann,Lee{n},,+1202{n:07},2020-02-03,\n"))),
        ("vehicles", lines(VEHICLES, &|n| format!("V{n},C{n},,2003,Honda,Accord,P{n},\n"))),
        (
            "appointments",
            lines(APPOINTMENTS, &|n| {
                format!("A{n},C{n},V{n},2021-03-05T09:00,60,oil_change,completed\n")
            }),
        ),
    ]
}

impl Ran {
    /// Checks that all rows are on file.
    #[track_caller]
    pub fn complete(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stderr
    }

    /// Checks that some rows were rejected.
    #[track_caller]
    pub fn rejected(self) -> String {
        assert_eq!(self.code, Some(1), "{}", self.stderr);
        self.stderr
    }
}
