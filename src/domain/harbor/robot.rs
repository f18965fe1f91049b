//! Robots: accounts for machines.

use serde::Deserialize;

use super::lenient;

/// What a robot is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RobotLevel {
    Project,
    System,
}

impl RobotLevel {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::System => "system",
        }
    }
}

/// A robot; its secret is never told again.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Robot {
    pub id: i64,
    /// As it logs in; its prefix is a setting of the server.
    pub name: String,
    #[serde(deserialize_with = "lenient")]
    pub description: String,
    #[serde(deserialize_with = "lenient")]
    pub level: String,
    /// Days; -1 is for ever.
    pub duration: Option<i64>,
    #[serde(deserialize_with = "lenient")]
    pub disable: bool,
    /// Seconds since 1970; -1 is never.
    pub expires_at: Option<i64>,
    #[serde(deserialize_with = "lenient")]
    pub permissions: Vec<RobotPermission>,
    #[serde(deserialize_with = "lenient")]
    pub creation_time: String,
}

/// What a robot may do in a project, or on the server.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RobotPermission {
    #[serde(deserialize_with = "lenient")]
    pub kind: String,
    #[serde(deserialize_with = "lenient")]
    pub namespace: String,
    #[serde(deserialize_with = "lenient")]
    pub access: Vec<Access>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Access {
    #[serde(deserialize_with = "lenient")]
    pub resource: String,
    #[serde(deserialize_with = "lenient")]
    pub action: String,
}

/// What a robot is to be allowed, as a user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission(pub Access);

/// The names that stand for a resource and an action.
const SHORT: [(&str, &str, &str); 12] = [
    ("pull", "repository", "pull"),
    ("push", "repository", "push"),
    ("list", "repository", "list"),
    ("delete", "artifact", "delete"),
    ("read", "artifact", "read"),
    ("scan", "scan", "create"),
    ("stop-scan", "scan", "stop"),
    ("tag", "tag", "create"),
    ("untag", "tag", "delete"),
    ("label", "artifact-label", "create"),
    ("unlabel", "artifact-label", "delete"),
    ("update", "repository", "update"),
];

impl std::str::FromStr for Permission {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((_, resource, action)) = SHORT.iter().find(|(name, ..)| *name == text) {
            return Ok(Self(Access {
                resource: (*resource).to_owned(),
                action: (*action).to_owned(),
            }));
        }
        let is_word = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        };
        match text.split_once(':') {
            Some((resource, action)) if is_word(resource) && is_word(action) => Ok(Self(Access {
                resource: resource.to_owned(),
                action: action.to_owned(),
            })),
            _ => {
                let names: Vec<&str> = SHORT.iter().map(|(name, ..)| *name).collect();
                Err(format!(
                    "it is none of {}, and no RESOURCE:ACTION such as `repository:pull`",
                    names.join(", ")
                ))
            }
        }
    }
}

/// Checks the name of a robot, without prefix and project (Harbor:
/// `^[a-z0-9]+(?:[._-][a-z0-9]+)*$`).
///
/// # Errors
/// The rule that it breaks.
pub fn robot_name(name: &str) -> Result<(), String> {
    let is_part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if name.len() <= 255 && name.split(['.', '_', '-']).all(is_part) {
        return Ok(());
    }
    let rule = "a robot's name is of lower-case letters and digits, with single `.`, `_` and \
                `-` between them, and at most 255 characters long";
    Err(match name.contains('$') || name.contains('+') {
        true => format!("{rule}; the server itself adds the prefix and the project"),
        false => rule.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_harbors_rule() {
        for good in ["ci", "ci-2", "a.b_c", "0"] {
            assert_eq!(robot_name(good), Ok(()), "{good}");
        }
        for bad in ["", "CI", "-a", "a-", "a--b", "robot$ci", "a b"] {
            assert!(robot_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn permissions_have_short_names() {
        let access = |text: &str| {
            let Permission(access) = text.parse().expect("a permission");
            format!("{} {}", access.resource, access.action)
        };
        assert_eq!(access("pull"), "repository pull");
        assert_eq!(access("artifact-label:delete"), "artifact-label delete");
        assert!("pull:".parse::<Permission>().is_err());
        assert!("everything".parse::<Permission>().is_err());
    }
}
