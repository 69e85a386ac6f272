//! `servicebay vin`.

use std::process::{Output, Stdio};

use serde_json::Value;
use tokio::io::AsyncWriteExt;

use crate::data::REPLY_LIMIT;
use crate::shop::{Database, Shop};

const MERCURY: &str = "1LNFM75X31N902123";

async fn run(arguments: &[&str], input: &[u8]) -> Output {
    let shop = Shop::open(Database::Sqlite).await;
    run_in(&shop, arguments, input).await
}

async fn run_in(shop: &Shop, arguments: &[&str], input: &[u8]) -> Output {
    let mut command = shop.command();
    command.arg("vin").args(arguments).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that does not read all of it is fine.
    let _ = stdin.write_all(input).await;
    drop(stdin);
    let output = tokio::time::timeout(REPLY_LIMIT, child.wait_with_output()).await;
    output.expect("the command ends").unwrap()
}

fn lines(output: &Output) -> Vec<String> {
    String::from_utf8(output.stdout.clone()).unwrap().lines().map(str::to_owned).collect()
}

fn json_lines(output: &Output) -> Vec<Value> {
    lines(output).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn vins_are_printed_as_a_table() {
    let output = run(&[MERCURY, "1lnfm75x-21N902 123"], b"").await;
    assert_eq!(output.status.code(), Some(0));
    let lines = lines(&output);
    assert!(lines[0].starts_with("VIN "), "{lines:?}");
    assert!(lines[1].starts_with("1LNFM75X31N902123  2001  Mercury "), "{lines:?}");
    assert!(lines[2].starts_with("1LNFM75X21N902123  2001  Mercury "), "{lines:?}");
    assert!(lines[3].contains("position 9 is 2 and should be 3"), "{lines:?}");
}

#[tokio::test]
async fn every_element_is_printed_under_nhtsas_keys() {
    let input = format!("{MERCURY}\n1FTMW1T85MFA00123,2021\n");
    let output = run(&["--format", "nhtsa"], input.as_bytes()).await;
    assert_eq!(output.status.code(), Some(0));
    let rows = json_lines(&output);
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["VIN"], MERCURY);
    assert_eq!(rows[0]["Make"], "MERCURY");
    assert_eq!(rows[0]["ModelYear"], "2001");
    assert_eq!(rows[0]["ErrorCode"], "0");
    assert_eq!(rows[0]["BatteryType"], "");
    assert!(rows[1]["Note"].as_array().unwrap().len() > 1, "{}", rows[1]["Note"]);
    assert!(rows[0].as_object().unwrap().len() > 130);
}

#[tokio::test]
async fn odd_lines_are_answered_each_and_empty_ones_skipped() {
    let mut input = Vec::new();
    input.extend(b"1LNFM75X31N902123\r\n\r\n  \n\xff\xfe1LNFM75X31N9\n");
    input.extend("x".repeat(100_000).into_bytes());
    input.extend(b"\n1LNFM75X*1N\n\0\n1LNFM75X31N902123");
    let output = run(&["--format", "nhtsa"], &input).await;
    assert_eq!(output.status.code(), Some(1));
    let rows = json_lines(&output);
    assert_eq!(rows.len(), 6);
    for number in [0, 5] {
        assert_eq!(rows[number]["Model"], "Grand Marquis");
    }
    for number in [1, 2, 4] {
        assert!(rows[number]["error"].is_string(), "{}", rows[number]);
    }
    assert_eq!(rows[3]["ErrorCode"], "6");
    let table = run(&[], &input).await;
    assert_eq!(table.status.code(), Some(1));
    assert!(table.stderr.is_empty(), "{}", String::from_utf8_lossy(&table.stderr));
}

#[tokio::test]
async fn a_vin_that_nobody_knows_is_a_failure_of_the_table() {
    let output = run(&["00000000000000000"], b"").await;
    assert_eq!(output.status.code(), Some(1));
    assert!(lines(&output)[2].contains("not registered"), "{:?}", lines(&output));
}

#[tokio::test]
async fn whoever_reads_enough_may_leave() {
    let shop = Shop::open(Database::Sqlite).await;
    let mut command = shop.command();
    command.args(["vin", "--format", "nhtsa"]).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all(format!("{MERCURY}\n").repeat(500).as_bytes()).await;
    drop(stdin);
    let output = tokio::time::timeout(REPLY_LIMIT, child.wait_with_output()).await;
    let output = output.expect("the command ends").unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn a_file_that_is_no_vehicle_data_stops_the_start_in_one_line() {
    let shop = Shop::open(Database::Sqlite).await;
    let path = shop.folder().join("vpic.bin");
    for bytes in [&b"PK\x03\x04"[..], b"", b"SBVPIC\x09\0"] {
        std::fs::write(&path, bytes).unwrap();
        let shop = Shop::open(Database::Sqlite).await.with_env("VIN_DATA_FILE", &path);
        let output = run_in(&shop, &[MERCURY], b"").await;
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains("VIN_DATA_FILE"), "{said}");
    }
}

#[tokio::test]
async fn the_version_names_the_vehicle_data() {
    let shop = Shop::open(Database::Sqlite).await;
    let output = shop.command().arg("--version").output().await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("vehicle data: NHTSA vPIC") && said.contains("release 20"), "{said}");
}
