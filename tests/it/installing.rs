//! `servicebay install`: what becomes of a client's file.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::data::REPLY_LIMIT;

/// A user's home of a test's own.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::Builder::new().prefix("servicebay-home.").tempdir().unwrap())
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.0.path().join(relative)
    }

    /// Writes a file, with the folders that it needs.
    fn write(&self, relative: &str, text: &str) -> PathBuf {
        let path = self.path(relative);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    async fn install(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_servicebay"));
        command.env_clear().env("HOME", self.0.path()).current_dir(self.0.path());
        command.arg("install").args(arguments);
        tokio::time::timeout(REPLY_LIMIT, command.output())
            .await
            .expect("the command ends")
            .unwrap()
    }

    /// Installs, which has to succeed; what it says.
    async fn installed(&self, arguments: &[&str]) -> String {
        let output = self.install(arguments).await;
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        said(&output)
    }

    /// Installs, which has to be refused; what it says.
    async fn refused(&self, arguments: &[&str]) -> String {
        let output = self.install(arguments).await;
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        said(&output)
    }

    /// All files below the home.
    fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![self.0.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() && !path.is_symlink() {
                    true => folders.push(path),
                    false => {
                        let path = path.strip_prefix(self.0.path()).unwrap();
                        files.push(path.display().to_string());
                    }
                }
            }
        }
        files.sort();
        files
    }
}

fn said(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

fn json_of(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_servicebay");

#[cfg(target_os = "linux")]
#[rstest::rstest]
#[case("claude-desktop", ".config/Claude/claude_desktop_config.json", "mcpServers", json!({}))]
#[case("claude-code", ".claude.json", "mcpServers", json!({ "type": "stdio" }))]
#[case("cursor", ".cursor/mcp.json", "mcpServers", json!({ "type": "stdio" }))]
#[case("vscode", ".config/Code/User/mcp.json", "servers", json!({ "type": "stdio" }))]
#[case("windsurf", ".codeium/windsurf/mcp_config.json", "mcpServers", json!({}))]
#[case("zed", ".config/zed/settings.json", "context_servers", json!({ "source": "custom" }))]
#[case("gemini-cli", ".gemini/settings.json", "mcpServers", json!({}))]
#[tokio::test]
async fn each_client_is_told_in_its_own_file_and_shape(
    #[case] client: &str,
    #[case] file: &str,
    #[case] section: &str,
    #[case] mut server: Value,
) {
    let home = Home::new();
    home.installed(&[client, "--env", "SHOP_BAYS=3"]).await;
    assert_eq!(home.files(), [file]);
    server["command"] = json!(PROGRAM);
    server["args"] = json!(["serve"]);
    server["env"] = json!({ "SHOP_BAYS": "3" });
    assert_eq!(json_of(&home.path(file)), json!({ section: { "servicebay": server } }));
}

#[tokio::test]
async fn the_rest_of_the_file_stays_and_a_backup_is_beside_it() {
    let home = Home::new();
    let before =
        "{\n\t// mine\n\t\"mcpServers\": {\"other\": {\"command\": \"x\"}},\n\t\"a\": 1\n}\n";
    let file = home.write(".cursor/mcp.json", before);
    home.installed(&["cursor"]).await;
    let after = std::fs::read_to_string(&file).unwrap();
    assert!(after.starts_with("{\n\t// mine\n\t\"mcpServers\": {"), "{after}");
    assert!(after.contains("{\"command\": \"x\"}"), "{after}");
    assert!(after.ends_with("},\n\t\"a\": 1\n}\n"), "{after}");
    assert!(after.contains(PROGRAM), "{after}");
    assert_eq!(home.files(), [".cursor/mcp.json", ".cursor/mcp.json.bak"]);
    assert_eq!(std::fs::read_to_string(home.path(".cursor/mcp.json.bak")).unwrap(), before);
}

#[tokio::test]
async fn a_second_installation_changes_nothing() {
    let home = Home::new();
    home.installed(&["claude-code", "--env", "SHOP_BAYS=3"]).await;
    let file = home.path(".claude.json");
    let (text, time) =
        (std::fs::read(&file).unwrap(), file.metadata().unwrap().modified().unwrap());
    for arguments in [&["claude-code", "--env", "SHOP_BAYS=3"][..], &["claude-code"]] {
        let said = home.installed(arguments).await;
        assert!(said.contains("already"), "{said}");
        assert_eq!(std::fs::read(&file).unwrap(), text);
        assert_eq!(file.metadata().unwrap().modified().unwrap(), time);
        assert_eq!(home.files(), [".claude.json"]);
    }
}

#[tokio::test]
async fn a_later_installation_keeps_what_was_set_and_added() {
    let home = Home::new();
    let server = json!({
        "command": "/gone/servicebay", "args": [], "disabled": true,
        "env": { "SHOP_BAYS": "3", "SHOP_REGION": "US" },
    });
    let file = home
        .write(".cursor/mcp.json", &json!({ "mcpServers": { "servicebay": server } }).to_string());
    home.installed(&["cursor", "--env", "SHOP_BAYS=4"]).await;
    let server = &json_of(&file)["mcpServers"]["servicebay"];
    assert_eq!(server["command"], PROGRAM);
    assert_eq!(server["disabled"], true);
    assert_eq!(server["env"], json!({ "SHOP_BAYS": "4", "SHOP_REGION": "US" }));
}

#[tokio::test]
async fn a_malformed_file_is_refused_and_left_alone() {
    let home = Home::new();
    for wrong in ["{ \"mcpServers\": ", "[]", "{ \"mcpServers\": 3 }", "{} trailing"] {
        let file = home.write(".cursor/mcp.json", wrong);
        let said = home.refused(&["cursor"]).await;
        assert!(said.contains("Cursor") && said.contains("mcp.json"), "{said}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), wrong);
        assert_eq!(home.files(), [".cursor/mcp.json"]);
    }
    std::fs::write(home.path(".cursor/mcp.json"), [0xff, 0xfe, 0x7b]).unwrap();
    assert!(home.refused(&["cursor"]).await.contains("UTF-8"));
    assert_eq!(home.files(), [".cursor/mcp.json"]);
}

#[tokio::test]
async fn printing_writes_no_file() {
    let home = Home::new();
    let output = home.install(&["vscode", "--print", "--name", "shop"]).await;
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let server = json!({ "type": "stdio", "command": PROGRAM, "args": ["serve"] });
    assert_eq!(printed, json!({ "servers": { "shop": server } }));
    assert_eq!(home.files(), Vec::<String>::new());
}

#[tokio::test]
async fn what_was_set_before_is_printed_too() {
    let home = Home::new();
    home.installed(&["cursor", "--env", "SHOP_BAYS=3"]).await;
    let before = std::fs::read_to_string(home.path(".cursor/mcp.json")).unwrap();
    let output = home.install(&["cursor", "--print", "--env", "SHOP_REGION=CA"]).await;
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let env = json!({ "SHOP_BAYS": "3", "SHOP_REGION": "CA" });
    assert_eq!(printed["mcpServers"]["servicebay"]["env"], env);
    assert_eq!(std::fs::read_to_string(home.path(".cursor/mcp.json")).unwrap(), before);
    home.installed(&["cursor", "--env", "SHOP_REGION=CA"]).await;
    assert_eq!(json_of(&home.path(".cursor/mcp.json")), printed);
}

#[tokio::test]
async fn a_setting_that_does_not_exist_is_refused_with_the_one_that_was_meant() {
    let home = Home::new();
    let said = home.refused(&["cursor", "--env", "SHOP_TIMEZON=America/New_York"]).await;
    assert!(said.contains("SHOP_TIMEZON is no setting; did you mean SHOP_TIMEZONE?"), "{said}");
    let said = home.refused(&["codex", "--env", "COLOR=red"]).await;
    assert!(said.contains("COLOR is no setting"), "{said}");
    assert_eq!(home.files(), Vec::<String>::new());
}

#[tokio::test]
async fn a_path_holds_wherever_the_client_starts_the_server() {
    let home = Home::new();
    home.installed(&["cursor", "--env", "DATABASE_URL=sqlite:shop.db"]).await;
    let env = &json_of(&home.path(".cursor/mcp.json"))["mcpServers"]["servicebay"]["env"];
    let path = home.0.path().canonicalize().unwrap().join("shop.db");
    assert_eq!(env["DATABASE_URL"], format!("sqlite:{}", path.display()));
}

#[tokio::test]
async fn codex_gets_its_toml_printed() {
    let home = Home::new();
    let output = home.install(&["codex", "--env", "SHOP_TIMEZONE=America/New_York"]).await;
    let printed: toml::Table = String::from_utf8(output.stdout).unwrap().parse().unwrap();
    let server = &printed["mcp_servers"]["servicebay"];
    assert_eq!(server["command"].as_str(), Some(PROGRAM));
    assert_eq!(server["args"][0].as_str(), Some("serve"));
    assert_eq!(server["env"]["SHOP_TIMEZONE"].as_str(), Some("America/New_York"));
    assert_eq!(home.files(), Vec::<String>::new());
    assert!(home.refused(&["codex", "--uninstall"]).await.contains("by hand"));
}

#[tokio::test]
async fn a_client_that_may_not_be_there_is_noted() {
    let home = Home::new();
    assert!(home.installed(&["cursor"]).await.contains("is it installed?"));
    home.write(".codeium/windsurf/other.json", "{}");
    assert!(!home.installed(&["windsurf"]).await.contains("is it installed?"));
}

#[tokio::test]
async fn uninstalling_leaves_the_file_as_it_was() {
    let home = Home::new();
    let before = "{\n  \"mcpServers\": {\n    \"other\": { \"command\": \"x\" } // mine\n  }\n}\n";
    let file = home.write(".cursor/mcp.json", before);
    home.installed(&["cursor"]).await;
    home.installed(&["cursor", "--uninstall"]).await;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    let said = home.installed(&["cursor", "--uninstall"]).await;
    assert!(said.contains("has no servicebay"), "{said}");
    let said = Home::new().installed(&["zed", "--uninstall"]).await;
    assert!(said.contains("has no servicebay"), "{said}");
}

#[tokio::test]
async fn another_server_of_that_name_is_left_alone() {
    let home = Home::new();
    let before = r#"{"mcpServers": {"github": {"command": "docker", "args": ["run", "github"]}}}"#;
    let file = home.write(".cursor/mcp.json", before);
    for arguments in
        [&["cursor", "--name", "github"][..], &["cursor", "--name", "github", "--uninstall"]]
    {
        assert!(home.refused(arguments).await.contains("another server called github"));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    }
}

#[tokio::test]
async fn settings_that_the_server_would_refuse_are_refused() {
    let home = Home::new();
    let said = home.refused(&["cursor", "--env", "SHOP_TIMEZONE=Mars/Olympus"]).await;
    assert!(said.contains("SHOP_TIMEZONE") && said.contains("Mars/Olympus"), "{said}");
    let said = home.refused(&["cursor", "--env", "SHOP_BAYS"]).await;
    assert!(said.contains("KEY=VALUE"), "{said}");
    home.refused(&["cursor", "--name", "a b"]).await;
    home.refused(&["notepad"]).await;
    assert_eq!(home.files(), Vec::<String>::new());
}

#[tokio::test]
async fn a_secret_is_warned_of_and_not_repeated() {
    let home = Home::new();
    let url = "DATABASE_URL=postgres://ann:hunter2@localhost/shop";
    let said = home.installed(&["cursor", "--env", url]).await;
    assert!(said.contains("DATABASE_URL is a secret"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn the_file_of_settings_goes_along() {
    let home = Home::new();
    home.write("shop.toml", "[shop]\nbays = 2\n");
    home.installed(&["cursor", "--config", "shop.toml"]).await;
    let arguments = &json_of(&home.path(".cursor/mcp.json"))["mcpServers"]["servicebay"]["args"];
    let path = home.path("shop.toml").canonicalize().unwrap();
    assert_eq!(arguments, &json!(["serve", "--config", path]));
    home.refused(&["cursor", "--config", "none.toml"]).await;
}

#[tokio::test]
async fn the_file_of_settings_stays() {
    let home = Home::new();
    home.write("shop.toml", "[shop]\nbays = 2\n");
    home.write("other.toml", "[shop]\nbays = 3\n");
    let path = |name: &str| home.0.path().canonicalize().unwrap().join(name);
    home.installed(&["cursor", "--config", "shop.toml"]).await;
    let arguments = || {
        let file = json_of(&home.path(".cursor/mcp.json"));
        file["mcpServers"]["servicebay"]["args"].clone()
    };
    assert!(home.installed(&["cursor"]).await.contains("already"));
    home.installed(&["cursor", "--env", "SHOP_REGION=CA"]).await;
    assert_eq!(arguments(), json!(["serve", "--config", path("shop.toml")]));
    let output = home.install(&["cursor", "--print"]).await;
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed["mcpServers"]["servicebay"]["args"], arguments());
    home.installed(&["cursor", "--config", "other.toml"]).await;
    assert_eq!(arguments(), json!(["serve", "--config", path("other.toml")]));
    // What the client starts would not.
    std::fs::remove_file(path("other.toml")).unwrap();
    assert!(home.refused(&["cursor"]).await.contains("other.toml"));
}

#[tokio::test]
async fn a_file_of_settings_that_was_written_by_hand_stays() {
    for (written, kept) in [
        (json!(["--config=shop.toml", "serve"]), "shop.toml"),
        (json!(["serve", "--config", "${userHome}/shop.toml"]), "${userHome}/shop.toml"),
    ] {
        let home = Home::new();
        let server = json!({ "command": "servicebay", "args": written });
        let before = json!({ "mcpServers": { "servicebay": server } });
        let file = home.write(".cursor/mcp.json", &before.to_string());
        home.installed(&["cursor", "--env", "SHOP_BAYS=4"]).await;
        let server = &json_of(&file)["mcpServers"]["servicebay"];
        assert_eq!(server["args"], json!(["serve", "--config", kept]));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn links_and_access_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let home = Home::new();
    let file = home.write("dotfiles/cursor.json", "{}\n");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
    std::fs::create_dir(home.path(".cursor")).unwrap();
    symlink("../dotfiles/cursor.json", home.path(".cursor/mcp.json")).unwrap();
    home.installed(&["cursor"]).await;
    assert!(home.path(".cursor/mcp.json").is_symlink());
    assert_eq!(json_of(&file)["mcpServers"]["servicebay"]["command"], PROGRAM);
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    let backup = home.path("dotfiles/cursor.json.bak");
    assert_eq!(backup.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    std::fs::remove_file(&file).unwrap();
    assert!(home.refused(&["cursor"]).await.contains("is a link"));
    home.installed(&["zed"]).await;
    let mode = home.path(".config/zed/settings.json").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "a new file may get secrets");
}

#[tokio::test]
async fn each_change_keeps_a_backup_of_its_own() {
    let home = Home::new();
    home.write(".cursor/mcp.json", "{}");
    home.installed(&["cursor"]).await;
    home.installed(&["cursor", "--env", "SHOP_BAYS=2"]).await;
    let files = [".cursor/mcp.json", ".cursor/mcp.json.bak", ".cursor/mcp.json.bak1"];
    assert_eq!(home.files(), files);
    assert_eq!(std::fs::read_to_string(home.path(".cursor/mcp.json.bak")).unwrap(), "{}");
}

#[tokio::test]
async fn an_installed_entry_starts_a_server() {
    let home = Home::new();
    home.installed(&[
        "cursor",
        "--env",
        "SHOP_TIMEZONE=America/Chicago",
        "--env",
        "NHTSA_BASE_URL=",
    ])
    .await;
    let entry = &json_of(&home.path(".cursor/mcp.json"))["mcpServers"]["servicebay"];
    let mut command = Command::new(entry["command"].as_str().unwrap());
    command.env_clear().env("HOME", home.0.path());
    command.args(entry["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()));
    for (name, value) in entry["env"].as_object().unwrap() {
        command.env(name, value.as_str().unwrap());
    }
    let log = home.path("stderr");
    command.stderr(std::fs::File::create(&log).unwrap());
    let mut server = crate::server::Server::spawn(command, log);
    server.initialize().await;
    let slots = server.call("get_available_slots", json!({ "date": "tomorrow" })).await;
    assert_eq!(slots.success()["timezone"], "America/Chicago");
}
