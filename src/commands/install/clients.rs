//! The clients that can be told of this server: where each keeps its list of servers, and in what shape.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::entry::Entry;

/// A program that starts MCP servers.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum Client {
    /// Claude Desktop.
    ClaudeDesktop,
    /// Claude Code, for all projects of the user.
    ClaudeCode,
    /// Cursor.
    Cursor,
    /// Visual Studio Code.
    #[value(name = "vscode")]
    VsCode,
    /// Visual Studio Code Insiders.
    #[value(name = "vscode-insiders")]
    VsCodeInsiders,
    /// Windsurf.
    Windsurf,
    /// Zed.
    Zed,
    /// Gemini CLI.
    GeminiCli,
    /// Codex; what it needs is printed, since its file is TOML.
    Codex,
}

/// The systems that put configuration in different places.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Platform {
    /// Linux and all that follow the XDG rules.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

/// The user's folders, and what the environment says of them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Places {
    /// The home folder.
    pub home: PathBuf,
    /// `XDG_CONFIG_HOME`.
    pub xdg_config: Option<PathBuf>,
    /// `APPDATA`.
    pub app_data: Option<PathBuf>,
    /// `CLAUDE_CONFIG_DIR`.
    pub claude_config: Option<PathBuf>,
    /// `CODEX_HOME`.
    pub codex_home: Option<PathBuf>,
}

impl Platform {
    /// The one that this program was built for.
    pub fn of_this_build() -> Self {
        if cfg!(windows) {
            Self::Windows
        } else if cfg!(target_os = "macos") {
            Self::MacOs
        } else {
            Self::Linux
        }
    }
}

impl Places {
    /// Those of the user who runs this process.
    pub fn of_user(home: PathBuf) -> Self {
        // A relative path would mean another folder to the client than to us; the XDG rules ignore it.
        let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
        Self {
            home,
            xdg_config: folder("XDG_CONFIG_HOME"),
            app_data: folder("APPDATA"),
            claude_config: folder("CLAUDE_CONFIG_DIR"),
            codex_home: folder("CODEX_HOME"),
        }
    }

    /// Where programs put their configuration.
    fn configuration(&self, platform: Platform) -> PathBuf {
        match platform {
            Platform::Linux => self.xdg(),
            Platform::MacOs => self.home.join("Library").join("Application Support"),
            Platform::Windows => {
                let usual = || self.home.join("AppData").join("Roaming");
                self.app_data.clone().unwrap_or_else(usual)
            }
        }
    }

    fn xdg(&self) -> PathBuf {
        self.xdg_config.clone().unwrap_or_else(|| self.home.join(".config"))
    }
}

impl Client {
    /// The name that its users know.
    pub fn title(self) -> &'static str {
        match self {
            Self::ClaudeDesktop => "Claude Desktop",
            Self::ClaudeCode => "Claude Code",
            Self::Cursor => "Cursor",
            Self::VsCode => "Visual Studio Code",
            Self::VsCodeInsiders => "Visual Studio Code Insiders",
            Self::Windsurf => "Windsurf",
            Self::Zed => "Zed",
            Self::GeminiCli => "Gemini CLI",
            Self::Codex => "Codex",
        }
    }

    /// The file in which it keeps the user's servers.
    pub fn file(self, platform: Platform, places: &Places) -> PathBuf {
        let home = &places.home;
        let configuration = places.configuration(platform);
        match self {
            Self::ClaudeDesktop => configuration.join("Claude").join("claude_desktop_config.json"),
            Self::ClaudeCode => places.claude_config.as_ref().unwrap_or(home).join(".claude.json"),
            Self::Cursor => home.join(".cursor").join("mcp.json"),
            Self::VsCode => configuration.join("Code").join("User").join("mcp.json"),
            Self::VsCodeInsiders => {
                configuration.join("Code - Insiders").join("User").join("mcp.json")
            }
            Self::Windsurf => home.join(".codeium").join("windsurf").join("mcp_config.json"),
            Self::Zed => match platform {
                Platform::Linux => places.xdg().join("zed").join("settings.json"),
                // Not among the programs' other configuration there.
                Platform::MacOs => home.join(".config").join("zed").join("settings.json"),
                Platform::Windows => configuration.join("Zed").join("settings.json"),
            },
            Self::GeminiCli => home.join(".gemini").join("settings.json"),
            Self::Codex => {
                let usual = || home.join(".codex");
                places.codex_home.clone().unwrap_or_else(usual).join("config.toml")
            }
        }
    }

    /// The key of the file under which the servers are listed.
    pub fn section(self) -> &'static str {
        match self {
            Self::VsCode | Self::VsCodeInsiders => "servers",
            Self::Zed => "context_servers",
            Self::Codex => "mcp_servers",
            _ => "mcpServers",
        }
    }

    /// The server as this client writes it, but for its environment.
    pub fn shape(self, entry: &Entry) -> Value {
        let (command, arguments) = (&entry.command, entry.arguments());
        match self {
            Self::ClaudeCode | Self::Cursor | Self::VsCode | Self::VsCodeInsiders => {
                json!({ "type": "stdio", "command": command, "args": arguments })
            }
            // Later versions can do without the source, earlier ones cannot.
            Self::Zed => json!({ "source": "custom", "command": command, "args": arguments }),
            _ => json!({ "command": command, "args": arguments }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(client: Client, platform: Platform, expected: &[&str]) {
        let places = Places { home: "home".into(), ..Places::default() };
        let expected: PathBuf = ["home"].iter().chain(expected).collect();
        assert_eq!(client.file(platform, &places), expected);
    }

    #[test]
    fn claude_desktop_has_a_place_on_each_platform() {
        let file = "claude_desktop_config.json";
        check(Client::ClaudeDesktop, Platform::Linux, &[".config", "Claude", file]);
        let support = ["Library", "Application Support", "Claude", file];
        check(Client::ClaudeDesktop, Platform::MacOs, &support);
        check(Client::ClaudeDesktop, Platform::Windows, &["AppData", "Roaming", "Claude", file]);
    }

    #[test]
    fn vscode_keeps_its_servers_beside_its_settings() {
        check(Client::VsCode, Platform::Linux, &[".config", "Code", "User", "mcp.json"]);
        let support = ["Library", "Application Support", "Code", "User", "mcp.json"];
        check(Client::VsCode, Platform::MacOs, &support);
        let roaming = ["AppData", "Roaming", "Code", "User", "mcp.json"];
        check(Client::VsCode, Platform::Windows, &roaming);
        let insiders = [".config", "Code - Insiders", "User", "mcp.json"];
        check(Client::VsCodeInsiders, Platform::Linux, &insiders);
    }

    #[test]
    fn zed_keeps_to_the_xdg_rules_on_macos_too() {
        check(Client::Zed, Platform::Linux, &[".config", "zed", "settings.json"]);
        check(Client::Zed, Platform::MacOs, &[".config", "zed", "settings.json"]);
        check(Client::Zed, Platform::Windows, &["AppData", "Roaming", "Zed", "settings.json"]);
    }

    #[test]
    fn the_others_use_the_home_folder_everywhere() {
        for platform in [Platform::Linux, Platform::MacOs, Platform::Windows] {
            check(Client::ClaudeCode, platform, &[".claude.json"]);
            check(Client::Cursor, platform, &[".cursor", "mcp.json"]);
            check(Client::Windsurf, platform, &[".codeium", "windsurf", "mcp_config.json"]);
            check(Client::GeminiCli, platform, &[".gemini", "settings.json"]);
            check(Client::Codex, platform, &[".codex", "config.toml"]);
        }
    }

    #[test]
    fn the_environment_moves_the_folders() {
        let places = Places {
            home: "home".into(),
            xdg_config: Some("xdg".into()),
            app_data: Some("roaming".into()),
            claude_config: Some("claude".into()),
            codex_home: Some("codex".into()),
        };
        let folder = |client: Client, platform| {
            let file = client.file(platform, &places);
            file.iter().next().map(|part| part.to_string_lossy().into_owned())
        };
        assert_eq!(folder(Client::VsCode, Platform::Linux).as_deref(), Some("xdg"));
        assert_eq!(folder(Client::Zed, Platform::Linux).as_deref(), Some("xdg"));
        assert_eq!(folder(Client::Zed, Platform::MacOs).as_deref(), Some("home"));
        assert_eq!(folder(Client::ClaudeDesktop, Platform::Windows).as_deref(), Some("roaming"));
        assert_eq!(folder(Client::ClaudeCode, Platform::Linux).as_deref(), Some("claude"));
        assert_eq!(folder(Client::Codex, Platform::Windows).as_deref(), Some("codex"));
        assert_eq!(folder(Client::Cursor, Platform::Linux).as_deref(), Some("home"));
    }
}
