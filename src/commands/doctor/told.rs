//! What is found of a Harbor and of whoever asks it, in plain sentences.

use jiff::Timestamp;

use super::Findings;
use super::server::{Membership, Permission, Report, Rights};
use crate::app::App;
use crate::domain::harbor::{Health, Project, Robot, Role};
use crate::domain::name::shorten;
use crate::domain::reference::Registry;
use crate::error::{Error, Kind};
use crate::ops::harbor::examine::InProject;
use crate::registry::{Account, AccountKind, Nature};

/// Seconds that clocks may differ by.
const SKEW: i64 = 60;

/// Projects that the table names.
const MOST_NAMED: usize = 5;

pub(super) fn no_harbor(registry: &Registry, nature: &Nature) -> Error {
    match nature {
        Nature::Registry => Error::new(
            Kind::Violation,
            format!("`{registry}` is a registry, but no Harbor: it has none of Harbor's API"),
        )
        .hint(format!(
            "`imgdex registry`, `copy`, `push` and `pull` serve there, `imgdex harbor` does not; \
             `imgdex registry repositories {registry}` lists what it has"
        )),
        _ => Error::new(
            Kind::Violation,
            format!("what answers at `{registry}` is neither a Harbor nor a registry"),
        )
        .hint("look at `--server`: it is the address that Harbor's own pages have"),
    }
}

pub(super) fn tell_health(health: &Health, report: &mut Report, checks: &mut Findings) {
    let bad = health.components.iter();
    let bad = bad.filter(|part| part.status != "healthy");
    let bad: Vec<String> = bad
        .map(|part| format!("`{}`", shorten(&part.name)))
        .collect();
    report.health = Some(shorten(&health.status));
    match health.status.as_str() {
        "healthy" => checks.add("health", "ok", "all of its parts work"),
        status => checks.add(
            "health",
            "problem",
            format!("it is {}: {}", shorten(status), bad.join(", ")),
        ),
    }
}

pub(super) fn tell_clock(time: Option<i64>, report: &mut Report, checks: &mut Findings) {
    let Some(time) = time else {
        return;
    };
    let skew = time.saturating_sub(Timestamp::now().as_second());
    report.clock_skew = Some(skew);
    if skew.abs() <= SKEW {
        checks.add("clock", "ok", "it tells the time that this machine has");
        return;
    }
    let way = if skew > 0 { "ahead of" } else { "behind" };
    let detail = format!(
        "it is {} s {way} this machine: tokens and robots may seem to have expired",
        skew.abs()
    );
    checks.add("clock", "warning", detail);
}

pub(super) fn tell_credential(
    app: &App,
    registry: &Registry,
    report: &Report,
    checks: &mut Findings,
) {
    match &report.credential {
        Some(origin) => checks.add("credential", "ok", format!("from {origin}")),
        None => checks.add(
            "credential",
            "absent",
            format!("there is none for `{registry}`: `imgdex login {registry}`"),
        ),
    }
    let environment = &app.environment;
    let has_value = |name: &str| environment.get(name).is_some();
    let is_set = has_value("IMGDEX_REGISTRY_USERNAME") || has_value("IMGDEX_REGISTRY_TOKEN");
    let is_used = report
        .credential
        .as_deref()
        .is_some_and(|origin| origin.contains("IMGDEX_"));
    if is_set && !is_used {
        let host = environment.get("IMGDEX_REGISTRY_HOST").unwrap_or("not set");
        checks.add(
            "credential",
            "warning",
            format!(
                "those of the environment are not for it: IMGDEX_REGISTRY_HOST is {}",
                shorten(host)
            ),
        );
    }
}

pub(super) fn tell_account(
    registry: &Registry,
    account: &Account,
    robot: Option<&Robot>,
    report: &mut Report,
    checks: &mut Findings,
) {
    report.username.clone_from(&account.name);
    let name = account.name.as_deref().map(shorten).unwrap_or_default();
    report.login = Some(match account.kind {
        AccountKind::Anybody => "none",
        _ => "accepted",
    });
    let (word, status, detail) = match account.kind {
        AccountKind::Anybody => (
            "anonymous",
            "absent",
            format!(
                "nobody is logged in, so only what is public is seen: `imgdex login {registry}`"
            ),
        ),
        AccountKind::Local {
            is_administrator: true,
        } => (
            "administrator",
            "ok",
            format!("`{name}` is an administrator of Harbor, and may do everything"),
        ),
        AccountKind::Local { .. } => (
            "local user",
            "ok",
            format!("`{name}` is a user of Harbor's own"),
        ),
        AccountKind::CliSecret => (
            "OIDC CLI secret",
            "ok",
            format!(
                "`{name}` logs in through OIDC, with the CLI secret of the profile: it pushes, \
                 pulls, copies and lists, but scans, labels and robots need a robot account or a \
                 local user"
            ),
        ),
        AccountKind::Robot => ("robot", "ok", format!("`{name}` is a robot account")),
        AccountKind::Token => (
            "token",
            "ok",
            "a bearer token, of which Harbor does not tell whose it is".to_owned(),
        ),
    };
    report.account = Some(word);
    checks.add("account", status, detail);
    tell_expiry(&account.kind, robot, report, checks);
    for permission in robot.iter().flat_map(|robot| &robot.permissions) {
        let project = match permission.kind.as_str() {
            "project" => shorten(&permission.namespace),
            _ => "/".to_owned(),
        };
        let access = permission.access.iter();
        let access: Vec<String> = access
            .map(|access| shorten(&format!("{}:{}", access.resource, access.action)))
            .collect();
        let place = match project.as_str() {
            "/" => "on the whole server".to_owned(),
            "*" => "in every project".to_owned(),
            name => format!("in `{name}`"),
        };
        checks.add(
            "permissions",
            "ok",
            format!("{place}: {}", access.join(", ")),
        );
        report.permissions.push(Permission { project, access });
    }
    if account.kind == AccountKind::Robot && robot.is_none() {
        let detail = "unknown: this robot may not look at robots, itself included; `--project \
                      PROJECT` tells what it may do in one";
        checks.add("permissions", "absent", detail);
    }
}

fn tell_expiry(
    kind: &AccountKind,
    robot: Option<&Robot>,
    report: &mut Report,
    checks: &mut Findings,
) {
    let unknown = match (kind, robot) {
        (AccountKind::Anybody, _) => return,
        (AccountKind::Robot, Some(robot)) => return tell_robot_expiry(robot, report, checks),
        (AccountKind::Robot, None) => {
            "unknown: an administrator sees it with `imgdex harbor robots list`"
        }
        (AccountKind::CliSecret, _) => {
            "unknown: Harbor does not tell it; where the secret is refused, log in to Harbor's \
             pages again, or make a new one in the profile"
        }
        (AccountKind::Local { .. }, _) => "unknown: Harbor does not tell it of passwords",
        (AccountKind::Token, _) => "unknown: Harbor does not tell it of tokens",
    };
    checks.add("expiry", "ok", unknown);
}

fn tell_robot_expiry(robot: &Robot, report: &mut Report, checks: &mut Findings) {
    if robot.disable {
        checks.add("expiry", "problem", "the robot is disabled");
    }
    let (status, detail) = match robot.expires_at {
        None | Some(0) => ("ok", "unknown: Harbor does not tell it".to_owned()),
        Some(..=-1) => {
            report.expires = Some("never".to_owned());
            ("ok", "the robot never expires".to_owned())
        }
        Some(seconds) => {
            let time = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
            let time = time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            report.expires = Some(time.clone());
            let left = seconds.saturating_sub(Timestamp::now().as_second());
            let days = left / 86_400;
            match left {
                ..=0 => ("problem", format!("the robot expired at {time}")),
                1..604_800 => (
                    "warning",
                    format!("the robot expires at {time}, within {} d", days + 1),
                ),
                _ => ("ok", format!("the robot expires at {time}, in {days} d")),
            }
        }
    };
    checks.add("expiry", status, detail);
}

pub(super) fn tell_projects(
    kind: &AccountKind,
    projects: &[Project],
    report: &mut Report,
    checks: &mut Findings,
) {
    report.projects = projects
        .iter()
        .map(|project| Membership {
            name: project.name.clone(),
            public: project.is_public(),
            role: project.role().map(Role::name),
        })
        .collect();
    let is_member = |project: &&Project| project.role().is_some();
    let mut named: Vec<String> = projects
        .iter()
        .filter(is_member)
        .map(|project| {
            let role = project.role().map_or("", Role::name);
            format!("`{}` ({role})", shorten(&project.name))
        })
        .collect();
    let count = named.len();
    named.truncate(MOST_NAMED);
    if count > MOST_NAMED {
        named.push(format!("and {} more", count - MOST_NAMED));
    }
    let seen = match projects.len() {
        1 => "1 project is seen".to_owned(),
        all => format!("{all} projects are seen"),
    };
    let detail = match (named.is_empty(), kind) {
        (false, _) => format!("{seen}; a role in {}", named.join(", ")),
        (true, AccountKind::Local { .. } | AccountKind::CliSecret) => {
            format!("{seen}; a role in none by name")
        }
        (true, _) => seen,
    };
    checks.add("projects", "ok", detail);
}

pub(super) fn tell_project(project: &InProject, report: &mut Report, checks: &mut Findings) {
    let role = project.role.map(Role::name);
    let word = |name: &str, may: Option<bool>| match may {
        Some(true) => format!("may {name}"),
        Some(false) => format!("may not {name}"),
        None => format!("{name}: unknown"),
    };
    let rights = [
        word("pull", project.pull),
        word("push", project.push),
        word("scan", project.scan),
    ];
    let role_words = role.map(|role| format!(" as {role}")).unwrap_or_default();
    let detail = format!("`{}`{role_words}: {}", project.name, rights.join(", "));
    checks.add("project", "ok", detail);
    report.project = Some(Rights {
        name: project.name.clone(),
        role,
        pull: project.pull,
        push: project.push,
        scan: project.scan,
    });
}
