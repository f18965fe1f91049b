//! What Harbor keeps, as its API tells it (Harbor 2.16, `swagger.yaml`): projects,
//! repositories, artifacts, robots. What an answer leaves out is unset or empty.

mod place;
mod robot;
mod rule;
mod scan;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

pub use place::{HarborPlace, project_name};
pub use robot::{
    Access, Lifetime, Permission, Robot, RobotPermission, meant, near, rights_of, robot_name,
};
pub use rule::ImmutableRule;
pub use scan::{ScanStatus, ScanSummary, Severity, Vulnerabilities, Vulnerability};

/// Reads a value, `null` being the default one.
pub(super) fn lenient<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// A project: what repositories are in, and rights are given for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Project {
    pub project_id: i64,
    pub name: String,
    #[serde(deserialize_with = "lenient")]
    pub owner_name: String,
    #[serde(deserialize_with = "lenient")]
    pub repo_count: i64,
    /// 0 where whoever asks has none.
    #[serde(deserialize_with = "lenient")]
    pub current_user_role_id: i64,
    #[serde(deserialize_with = "lenient")]
    pub current_user_role_ids: Vec<i64>,
    #[serde(deserialize_with = "lenient")]
    pub metadata: BTreeMap<String, serde_json::Value>,
    #[serde(deserialize_with = "lenient")]
    pub creation_time: String,
    /// Where it is only a cache of another registry, that registry's id.
    pub registry_id: Option<i64>,
}

impl Project {
    /// Returns a setting, such as `public`; all of them are text.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.metadata.get(name)?.as_str()
    }

    /// Returns whether anybody may pull from it.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.setting("public") == Some("true")
    }

    /// Returns the role of whoever asks, the one that may do most.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        let ids = self.current_user_role_ids.iter().copied();
        let roles = ids.chain([self.current_user_role_id]);
        roles.filter_map(Role::of_id).max()
    }
}

/// What a member of a project may do there; the one that may do most is the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    LimitedGuest,
    Guest,
    Developer,
    Maintainer,
    ProjectAdmin,
}

impl Role {
    /// Returns the role that Harbor has under a number.
    #[must_use]
    pub fn of_id(id: i64) -> Option<Self> {
        Some(match id {
            1 => Self::ProjectAdmin,
            2 => Self::Developer,
            3 => Self::Guest,
            4 => Self::Maintainer,
            5 => Self::LimitedGuest,
            _ => return None,
        })
    }

    /// Returns its name, as Harbor's own pages write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LimitedGuest => "Limited Guest",
            Self::Guest => "Guest",
            Self::Developer => "Developer",
            Self::Maintainer => "Maintainer",
            Self::ProjectAdmin => "Project Admin",
        }
    }
}

/// How full a project is, and what is in it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ProjectSummary {
    #[serde(deserialize_with = "lenient")]
    pub repo_count: i64,
    #[serde(deserialize_with = "lenient")]
    pub project_admin_count: i64,
    #[serde(deserialize_with = "lenient")]
    pub maintainer_count: i64,
    #[serde(deserialize_with = "lenient")]
    pub developer_count: i64,
    #[serde(deserialize_with = "lenient")]
    pub guest_count: i64,
    #[serde(deserialize_with = "lenient")]
    pub limited_guest_count: i64,
    pub quota: Option<Quota>,
}

/// What may be stored, and what is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Quota {
    #[serde(deserialize_with = "lenient")]
    pub hard: Resources,
    #[serde(deserialize_with = "lenient")]
    pub used: Resources,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// Bytes; -1 is no limit.
    pub storage: Option<i64>,
}

/// A repository of a project.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct HarborRepository {
    pub id: i64,
    /// `PROJECT/REPOSITORY`.
    pub name: String,
    #[serde(deserialize_with = "lenient")]
    pub description: String,
    #[serde(deserialize_with = "lenient")]
    pub artifact_count: i64,
    #[serde(deserialize_with = "lenient")]
    pub pull_count: i64,
    #[serde(deserialize_with = "lenient")]
    pub creation_time: String,
    #[serde(deserialize_with = "lenient")]
    pub update_time: String,
}

/// What a digest names in a repository; it has any number of tags.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Artifact {
    pub id: i64,
    pub digest: String,
    /// Such as `IMAGE` or `CHART`.
    #[serde(rename = "type", deserialize_with = "lenient")]
    pub kind: String,
    #[serde(deserialize_with = "lenient")]
    pub media_type: String,
    #[serde(deserialize_with = "lenient")]
    pub manifest_media_type: String,
    #[serde(deserialize_with = "lenient")]
    pub artifact_type: String,
    /// `PROJECT/REPOSITORY`, in answers about a whole project.
    #[serde(deserialize_with = "lenient")]
    pub repository_name: String,
    /// Bytes.
    #[serde(deserialize_with = "lenient")]
    pub size: u64,
    #[serde(deserialize_with = "lenient")]
    pub push_time: String,
    /// A time in the year 1 where it was never pulled.
    #[serde(deserialize_with = "lenient")]
    pub pull_time: String,
    #[serde(deserialize_with = "lenient")]
    pub extra_attrs: serde_json::Map<String, serde_json::Value>,
    /// Of an index: what it lists.
    #[serde(deserialize_with = "lenient")]
    pub references: Vec<Listed>,
    #[serde(deserialize_with = "lenient")]
    pub tags: Vec<HarborTag>,
    #[serde(deserialize_with = "lenient")]
    pub labels: Vec<Label>,
    /// By media type of the report.
    #[serde(deserialize_with = "lenient")]
    pub scan_overview: BTreeMap<String, ScanSummary>,
}

impl Artifact {
    /// Returns its platforms, as `os/architecture[/variant]`.
    #[must_use]
    pub fn platforms(&self) -> Vec<String> {
        let mut platforms: Vec<String> = self
            .references
            .iter()
            .filter_map(|listed| listed.platform.as_ref()?.name())
            .collect();
        if self.references.is_empty() {
            let text = |key: &str| Some(self.extra_attrs.get(key)?.as_str()?.to_owned());
            let own = ListedPlatform {
                os: text("os").unwrap_or_default(),
                architecture: text("architecture").unwrap_or_default(),
                variant: text("variant").unwrap_or_default(),
            };
            platforms.extend(own.name());
        }
        platforms.dedup();
        platforms
    }

    /// Returns whether one of its platforms is the one that is wanted; without a variant,
    /// any of them will do.
    #[must_use]
    pub fn is_for(&self, wanted: &str) -> bool {
        self.platforms().iter().any(|platform| {
            let rest = platform.strip_prefix(wanted);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// Returns when it was pulled last; nothing where it never was.
    #[must_use]
    pub fn pulled(&self) -> Option<&str> {
        known_time(&self.pull_time)
    }

    /// Returns the images of an index, each digest once with its platform; what build
    /// tools add and is for no platform is none.
    #[must_use]
    pub fn parts(&self) -> Vec<(&str, String)> {
        let mut parts: Vec<(&str, String)> = Vec::new();
        for listed in &self.references {
            let name = listed.platform.as_ref().and_then(ListedPlatform::name);
            let Some(name) = name.filter(|_| !listed.child_digest.is_empty()) else {
                continue;
            };
            if !parts
                .iter()
                .any(|(digest, _)| *digest == listed.child_digest)
            {
                parts.push((&listed.child_digest, name));
            }
        }
        parts
    }

    /// Returns the summary of its last scan for vulnerabilities.
    #[must_use]
    pub fn scan(&self) -> Option<&ScanSummary> {
        self.scan_overview.values().next()
    }
}

/// Returns a time; Go's zero is none.
#[must_use]
pub fn known_time(time: &str) -> Option<&str> {
    (!time.is_empty() && !time.starts_with("0001-01-01")).then_some(time)
}

/// A manifest that an index lists.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Listed {
    #[serde(deserialize_with = "lenient")]
    pub child_digest: String,
    pub platform: Option<ListedPlatform>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ListedPlatform {
    #[serde(deserialize_with = "lenient")]
    pub os: String,
    #[serde(deserialize_with = "lenient")]
    pub architecture: String,
    #[serde(deserialize_with = "lenient")]
    pub variant: String,
}

impl ListedPlatform {
    /// Returns it as `os/architecture[/variant]`; nothing where it is not known, as of
    /// the attestations that build tools add.
    fn name(&self) -> Option<String> {
        if [&self.os, &self.architecture]
            .iter()
            .any(|part| part.is_empty() || *part == "unknown")
        {
            return None;
        }
        let variant = match self.variant.as_str() {
            "" => String::new(),
            variant => format!("/{variant}"),
        };
        Some(format!("{}/{}{variant}", self.os, self.architecture))
    }
}

/// A tag of an artifact.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct HarborTag {
    pub id: i64,
    pub name: String,
    #[serde(deserialize_with = "lenient")]
    pub push_time: String,
    #[serde(deserialize_with = "lenient")]
    pub pull_time: String,
    #[serde(deserialize_with = "lenient")]
    pub immutable: bool,
}

/// A label of Harbor's own: no label of an image's config.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Label {
    pub id: i64,
    pub name: String,
    #[serde(deserialize_with = "lenient")]
    pub description: String,
    #[serde(deserialize_with = "lenient")]
    pub color: String,
    /// `g` for the whole server, `p` for a project.
    #[serde(deserialize_with = "lenient")]
    pub scope: String,
    #[serde(deserialize_with = "lenient")]
    pub project_id: i64,
}

/// What a server is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct SystemInfo {
    pub harbor_version: Option<String>,
    pub auth_mode: Option<String>,
    pub registry_url: Option<String>,
    pub external_url: Option<String>,
    pub project_creation_restriction: Option<String>,
    pub self_registration: Option<bool>,
    pub read_only: Option<bool>,
    pub oidc_provider_name: Option<String>,
    pub current_time: Option<String>,
}

/// How a server is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Health {
    #[serde(deserialize_with = "lenient")]
    pub status: String,
    #[serde(deserialize_with = "lenient")]
    pub components: Vec<Component>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Component {
    pub name: String,
    #[serde(deserialize_with = "lenient")]
    pub status: String,
    pub error: Option<String>,
}

/// Who asks, as a local account.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct User {
    pub username: String,
    #[serde(deserialize_with = "lenient")]
    pub sysadmin_flag: bool,
    #[serde(deserialize_with = "lenient")]
    pub admin_role_in_auth: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_null_or_left_out_is_unset() {
        let text = r#"{"digest":"sha256:a","tags":null,"labels":null,"scan_overview":null,
            "pull_time":"0001-01-01T00:00:00.000Z","extra_attrs":{"os":"linux","architecture":"arm64"}}"#;
        let artifact: Artifact = serde_json::from_str(text).expect("an artifact");
        assert_eq!(artifact.platforms(), ["linux/arm64"]);
        assert_eq!(artifact.pulled(), None);
        assert!(artifact.tags.is_empty() && artifact.scan().is_none());
    }

    #[test]
    fn the_role_that_may_do_most_is_meant() {
        let text = r#"{"name":"a","current_user_role_id":3,"current_user_role_ids":[3,4]}"#;
        let project: Project = serde_json::from_str(text).expect("a project");
        assert_eq!(project.role(), Some(Role::Maintainer));
        assert_eq!(Project::default().role(), None);
    }

    #[test]
    fn attestations_are_no_platforms() {
        let text = r#"{"references":[
            {"child_digest":"a","platform":{"os":"linux","architecture":"arm64","variant":"v8"}},
            {"child_digest":"b","platform":{"os":"unknown","architecture":"unknown"}}]}"#;
        let artifact: Artifact = serde_json::from_str(text).expect("an artifact");
        assert_eq!(artifact.platforms(), ["linux/arm64/v8"]);
        assert_eq!(artifact.parts(), [("a", "linux/arm64/v8".to_owned())]);
        for (wanted, is_it) in [
            ("linux/arm64", true),
            ("linux/arm64/v8", true),
            ("linux/arm", false),
            ("linux/amd64", false),
        ] {
            assert_eq!(artifact.is_for(wanted), is_it, "{wanted}");
        }
    }
}
