//! `imgdex doctor`.

mod server;
mod told;

use std::borrow::Cow;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::Status;
use crate::app::App;
use crate::catalog::NEWEST_VERSION;
use crate::credentials::Owner;
use crate::error::Result;
use crate::output::records::{Record, write_list};
use server::OfServer;

/// Look at what imgdex works with: catalog, versions, folders, permissions, credentials
///
/// With `--server` it looks at a Harbor instead: whether it is one and works, which
/// credential is used, what kind of account that is, what it may do, and until when.
///
/// Exit 13 where something is wrong; with `--server` 5 where the login is refused, and 6
/// where nothing answers.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex doctor
  imgdex doctor -o json
  imgdex doctor --server
  imgdex doctor --server https://harbor.example.com --project apps")]
pub struct Doctor {
    #[command(flatten)]
    server: OfServer,
}

#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    /// `ok`, `absent`, `warning` or `problem`.
    status: &'static str,
    detail: String,
}

impl Record for Finding {
    const COLUMNS: &'static [&'static str] = &["check", "status", "detail"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Borrowed(self.check),
            Cow::Borrowed(self.status),
            Cow::Borrowed(&self.detail),
        ]
    }

    fn label(&self) -> &str {
        self.check
    }
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, check: &'static str, status: &'static str, detail: impl Into<String>) {
        self.0.push(Finding {
            check,
            status,
            detail: detail.into(),
        });
    }
}

impl Doctor {
    /// Returns whether it looks at a server, which the config file may name.
    pub fn is_of_server(&self) -> bool {
        self.server.is_meant()
    }

    pub fn run(self, app: &mut App) -> Result<Status> {
        if self.is_of_server() {
            return self.server.run(app);
        }
        let mut findings = Findings::default();
        findings.add(
            "program",
            "ok",
            format!(
                "imgdex {}, catalog version {NEWEST_VERSION}, SQLite {}",
                env!("CARGO_PKG_VERSION"),
                crate::catalog::sqlite_version()
            ),
        );
        check_config(app, &mut findings);
        check_catalog(app, &mut findings);
        check_store(app, &mut findings);
        check_secrets(app, &mut findings);
        check_credentials(app, &mut findings);
        check_tools(app, &mut findings);
        let width = app.console.width;
        write_list(app.console.out(), app.format, width, &findings.0)?;
        let bad = findings.0.iter().any(|finding| finding.status == "problem");
        Ok(if bad {
            Status::CheckFailed
        } else {
            Status::Done
        })
    }
}

fn check_config(app: &App, findings: &mut Findings) {
    match crate::config::Settings::load(&app.flags, &app.environment) {
        Ok(settings) => match settings.config_path {
            Some(path) if path.exists() => findings.add("config", "ok", path.display().to_string()),
            Some(path) => findings.add("config", "absent", path.display().to_string()),
            None => findings.add("config", "absent", "there is no home folder"),
        },
        Err(error) => {
            let mut detail = error.message;
            for line in error.lines {
                detail.push_str("; ");
                detail.push_str(&line);
            }
            findings.add("config", "problem", detail);
        }
    }
}

fn check_catalog(app: &App, findings: &mut Findings) {
    let opened = app.read().and_then(|catalog| Ok(catalog.info()?));
    match opened {
        Ok(info) if info.exists => {
            findings.add(
                "catalog",
                "ok",
                format!(
                    "{}: images {}, groups {}, secrets {}, journal {}",
                    info.path, info.images, info.groups, info.secrets, info.journal
                ),
            );
            check_mode(Path::new(&info.path), "catalog permissions", findings);
        }
        Ok(_) => {
            let path = app.settings.get("catalog").unwrap_or("(no home folder)");
            findings.add(
                "catalog",
                "absent",
                format!("{path}: made at the first write"),
            );
        }
        Err(error) => findings.add("catalog", "problem", error.message),
    }
}

/// Looks at who may read a file that is meant for one user, and at its folder.
fn check_mode(path: &Path, check: &'static str, findings: &mut Findings) {
    let (Ok(file), Some(Ok(folder))) = (fs::metadata(path), path.parent().map(fs::metadata)) else {
        return;
    };
    let modes = format!(
        "file {:04o}, folder {:04o}",
        file.mode() & 0o7777,
        folder.mode() & 0o7777
    );
    if file.mode() & 0o007 != 0 {
        findings.add(
            check,
            "warning",
            format!("{modes}: others may use it; `chmod o= {}`", path.display()),
        );
    } else {
        findings.add(check, "ok", modes);
    }
}

fn check_store(app: &App, findings: &mut Findings) {
    match app.store() {
        None => findings.add("store", "absent", "turned off"),
        Some(path) if path.is_dir() => findings.add("store", "ok", path.display().to_string()),
        Some(path) => {
            let detail = format!("{}: made at the first file", path.display());
            findings.add("store", "absent", detail);
        }
    }
}

fn check_secrets(app: &App, findings: &mut Findings) {
    match app.settings.get("secrets.helper") {
        Some(helper) => {
            let program = format!("docker-credential-{helper}");
            match find_program(app, &program) {
                Some(path) => findings.add("secrets", "ok", path.display().to_string()),
                None => findings.add(
                    "secrets",
                    "problem",
                    format!("`{program}` is not installed"),
                ),
            }
        }
        None => match app.secrets_file() {
            Ok(path) if path.exists() => {
                // Any look into the file tells whether it can be read.
                let nobody = Owner {
                    catalog: "",
                    secret: "",
                };
                let looked = app.keepers().map(|keepers| keepers.current.get(nobody));
                match looked {
                    Ok(Ok(_)) => findings.add(
                        "secrets",
                        "ok",
                        format!("{} (not encrypted)", path.display()),
                    ),
                    Ok(Err(error)) => findings.add("secrets", "problem", error.to_string()),
                    Err(error) => findings.add("secrets", "problem", error.message),
                }
                check_mode(&path, "secrets permissions", findings);
            }
            Ok(path) => findings.add("secrets", "absent", path.display().to_string()),
            Err(error) => findings.add("secrets", "problem", error.message),
        },
    }
}

/// Looks for every place that registry credentials are taken from, the first
/// to be asked first.
fn check_credentials(app: &App, findings: &mut Findings) {
    let environment = &app.environment;
    for name in [
        "IMGDEX_REGISTRY_USERNAME",
        "IMGDEX_REGISTRY_TOKEN",
        "DOCKER_AUTH_CONFIG",
    ] {
        if environment.get(name).is_some() {
            findings.add("credentials", "ok", format!("{name} is set"));
        }
    }
    let below = |variable: &str, rest: &str| Some(Path::new(environment.get(variable)?).join(rest));
    let files: [Option<PathBuf>; 4] = [
        environment.get("REGISTRY_AUTH_FILE").map(PathBuf::from),
        below("XDG_RUNTIME_DIR", "containers/auth.json"),
        below("XDG_CONFIG_HOME", "containers/auth.json")
            .or_else(|| below("HOME", ".config/containers/auth.json")),
        below("DOCKER_CONFIG", "config.json").or_else(|| below("HOME", ".docker/config.json")),
    ];
    for path in files.into_iter().flatten() {
        let status = if path.is_file() { "ok" } else { "absent" };
        findings.add("credentials", status, path.display().to_string());
    }
}

fn check_tools(app: &App, findings: &mut Findings) {
    for tool in ["buildah", "podman", "docker", "skopeo"] {
        match find_program(app, tool) {
            Some(path) => findings.add("tool", "ok", path.display().to_string()),
            None => findings.add("tool", "absent", tool),
        }
    }
}

fn find_program(app: &App, name: &str) -> Option<PathBuf> {
    let path = app.environment.get("PATH")?;
    std::env::split_paths(path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}
