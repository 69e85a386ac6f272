//! Shell completions and manual pages.

use std::process::Output;

use rstest::rstest;

use crate::shop::{Database, Shop};

const COMMANDS: [&str; 14] = [
    "serve",
    "call",
    "tools",
    "vin",
    "demo",
    "import",
    "export",
    "backup",
    "migrate",
    "doctor",
    "config",
    "install",
    "completions",
    "man",
];

async fn run(shop: &Shop, arguments: &[&str]) -> Output {
    let output = shop.command().args(arguments).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[rstest]
#[tokio::test]
async fn every_shell_gets_every_command(
    #[values("bash", "zsh", "fish", "powershell", "elvish")] shell: &str,
) {
    let shop = Shop::open(Database::Sqlite).await;
    let script = String::from_utf8(run(&shop, &["completions", shell]).await.stdout).unwrap();
    for command in COMMANDS {
        assert!(script.contains(command), "{shell} does not know {command}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn bash_completes_commands_and_clients() {
    let shop = Shop::open(Database::Sqlite).await;
    let script = shop.folder().join("completions.bash");
    std::fs::write(&script, run(&shop, &["completions", "bash"]).await.stdout).unwrap();
    let complete = |words: &str, last: usize| {
        let program = format!(
            "source {script:?}; COMP_WORDS=({words}); COMP_CWORD={last}; \
             _servicebay servicebay \"${{COMP_WORDS[{last}]}}\"; echo \"${{COMPREPLY[@]}}\""
        );
        let output = std::process::Command::new("bash").args(["-c", &program]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(complete("servicebay inst", 1), "install");
    assert_eq!(complete("servicebay install claude-", 2), "claude-desktop claude-code");
}

#[tokio::test]
async fn the_manual_page_names_every_command() {
    // A wrong setting is no reason to go without a manual.
    let shop = Shop::open(Database::Sqlite).await.with_env("SHOP_TIMEZONE", "Mars/Olympus");
    let page = String::from_utf8(run(&shop, &["man"]).await.stdout).unwrap();
    assert!(page.contains(".TH servicebay 1"), "{page}");
    for command in COMMANDS {
        assert!(page.contains(&format!("servicebay\\-{command}(1)")), "{command}: {page}");
    }
}

#[tokio::test]
async fn every_command_has_a_page() {
    let shop = Shop::open(Database::Sqlite).await;
    let folder = shop.folder().join("man1");
    std::fs::create_dir(&folder).unwrap();
    run(&shop, &["man", folder.to_str().unwrap()]).await;
    for command in COMMANDS {
        let page = std::fs::read_to_string(folder.join(format!("servicebay-{command}.1")));
        assert!(page.unwrap().contains(".SH"), "{command}");
    }
    assert!(std::fs::read_to_string(folder.join("servicebay.1")).unwrap().contains(".SH"));
}

#[tokio::test]
async fn a_folder_for_the_pages_that_is_not_there_is_named() {
    let shop = Shop::open(Database::Sqlite).await;
    let output = shop.command().args(["man", "no/such/folder"]).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("no/such/folder"), "{said}");
}
