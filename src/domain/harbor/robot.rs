//! Robots: accounts for machines.

use serde::Deserialize;

use super::lenient;
use crate::domain::name::nearest;

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

impl std::fmt::Display for Access {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}", self.resource, self.action)
    }
}

/// What a robot is to be allowed, as a user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission(pub Vec<Access>);

/// The names that stand for what is needed to do something from one end to the other:
/// who pushes asks for both rights, and who scans waits for the report.
const SHORT: [(&str, &[(&str, &str)]); 13] = [
    ("pull", &[("repository", "pull")]),
    ("push", &[("repository", "pull"), ("repository", "push")]),
    (
        "list",
        &[
            ("repository", "list"),
            ("artifact", "list"),
            ("tag", "list"),
        ],
    ),
    (
        "read",
        &[
            ("repository", "read"),
            ("artifact", "read"),
            ("artifact-addition", "read"),
        ],
    ),
    (
        "scan",
        &[
            ("scan", "create"),
            ("scan", "read"),
            ("artifact", "read"),
            ("artifact-addition", "read"),
        ],
    ),
    ("stop-scan", &[("scan", "stop")]),
    ("tag", &[("tag", "create"), ("artifact", "read")]),
    ("untag", &[("tag", "delete"), ("artifact", "read")]),
    ("delete", &[("artifact", "delete"), ("artifact", "read")]),
    (
        "label",
        &[
            ("artifact-label", "create"),
            ("label", "list"),
            ("project", "read"),
            ("artifact", "read"),
        ],
    ),
    (
        "unlabel",
        &[
            ("artifact-label", "delete"),
            ("label", "list"),
            ("project", "read"),
            ("artifact", "read"),
        ],
    ),
    (
        "update",
        &[("repository", "update"), ("repository", "read")],
    ),
    // All that `imgdex harbor publish` asks for, with a scan and labels.
    (
        "publish",
        &[
            ("project", "read"),
            ("repository", "pull"),
            ("repository", "push"),
            ("repository", "read"),
            ("repository", "list"),
            ("repository", "update"),
            ("artifact", "read"),
            ("artifact", "list"),
            ("artifact-addition", "read"),
            ("artifact-label", "create"),
            ("label", "read"),
            ("label", "list"),
            ("label", "create"),
            ("scan", "create"),
            ("scan", "read"),
            ("tag", "create"),
            ("tag", "list"),
        ],
    ),
];

impl std::str::FromStr for Permission {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let access = |resource: &str, action: &str| Access {
            resource: resource.to_owned(),
            action: action.to_owned(),
        };
        if let Some((_, rights)) = SHORT.iter().find(|(name, _)| *name == text) {
            let rights = rights
                .iter()
                .map(|(resource, action)| access(resource, action));
            return Ok(Self(rights.collect()));
        }
        let is_word = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        };
        match text.split_once(':') {
            Some((resource, action)) if is_word(resource) && is_word(action) => {
                Ok(Self(vec![access(resource, action)]))
            }
            _ => {
                let names: Vec<&str> = SHORT.iter().map(|(name, _)| *name).collect();
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

/// Returns the rights that permissions give together, each once.
#[must_use]
pub fn rights_of(permissions: Vec<Permission>) -> Vec<Access> {
    let mut rights: Vec<Access> = Vec::new();
    for right in permissions.into_iter().flat_map(|Permission(all)| all) {
        if !rights.contains(&right) {
            rights.push(right);
        }
    }
    rights
}

/// For how long a robot may log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    Days(u16),
    Never,
}

impl Lifetime {
    /// Returns it as Harbor has it: days, or -1.
    #[must_use]
    pub fn duration(self) -> i64 {
        match self {
            Self::Days(days) => i64::from(days),
            Self::Never => -1,
        }
    }
}

impl std::str::FromStr for Lifetime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self::Never);
        }
        let rule = "it is no time such as `30d`, `2w` or `1y`, and not `never`";
        let end = text.len() - text.chars().next_back().map_or(0, char::len_utf8);
        let factor = match &text[end..] {
            "d" => 1,
            "w" => 7,
            "y" => 365,
            _ => return Err(rule.to_owned()),
        };
        let is_number =
            !text[..end].is_empty() && text[..end].bytes().all(|one| one.is_ascii_digit());
        if !is_number {
            return Err(rule.to_owned());
        }
        let days = text[..end]
            .parse::<u16>()
            .ok()
            .and_then(|count| count.checked_mul(factor));
        match days {
            Some(days @ 1..=36_500) => Ok(Self::Days(days)),
            _ => Err("it is from 1 day to 100 years long".to_owned()),
        }
    }
}

impl Robot {
    /// Returns whether a word means it: its name as it logs in, its id, or its name
    /// without prefix and project. What stands before the `+` is the server's to choose,
    /// and a robot's own name holds none.
    fn is_meant(&self, word: &str) -> bool {
        let short = self.name.rsplit_once('+').map(|(_, short)| short);
        self.name == word || self.id.to_string() == word || short == Some(word)
    }
}

/// Returns the robots that a word means; one whose whole name it is before all others.
#[must_use]
pub fn meant<'a>(robots: &'a [Robot], word: &str) -> Vec<&'a Robot> {
    let whole: Vec<&Robot> = robots.iter().filter(|robot| robot.name == word).collect();
    if !whole.is_empty() {
        return whole;
    }
    robots.iter().filter(|robot| robot.is_meant(word)).collect()
}

/// Returns the robot that a word, which means none, is probably a part of.
#[must_use]
pub fn near<'a>(robots: &'a [Robot], word: &str) -> Option<&'a Robot> {
    // A shell may have taken `$PROJECT` for a variable.
    let end = word.find('+').map_or(word, |plus| &word[plus..]);
    let ends_so = robots.iter().find(|robot| robot.name.ends_with(end));
    ends_so.or_else(|| {
        let name = nearest(word, robots.iter().map(|robot| robot.name.as_str()))?;
        robots.iter().find(|robot| robot.name == name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn robots(names: &[&str]) -> Vec<Robot> {
        let ids = 1_i64..;
        let robot = |(id, name): (i64, &&str)| Robot {
            id,
            name: (*name).to_owned(),
            ..Robot::default()
        };
        ids.zip(names).map(robot).collect()
    }

    #[test]
    fn a_word_means_a_whole_name_an_id_or_the_name_within_a_project() {
        let robots = robots(&[
            "robot$apps+ci",
            "robot-lab+ci",
            "robot$apps+2",
            "robot$my-ci",
        ]);
        let check = |word: &str, expected: &[i64]| {
            let found: Vec<i64> = meant(&robots, word).iter().map(|robot| robot.id).collect();
            assert_eq!(found, expected, "{word}");
        };
        check("robot$apps+ci", &[1]);
        check("robot-lab+ci", &[2]);
        check("ci", &[1, 2]);
        check("2", &[2, 3]);
        check("1", &[1]);
        check("robot$my-ci", &[4]);
        check("my-ci", &[]);
        check("apps+ci", &[]);
        check("", &[]);
        let near = near(&robots, "my-ci").map(|robot| robot.name.as_str());
        assert_eq!(near, Some("robot$my-ci"));
    }

    #[test]
    fn times_are_days_weeks_and_years() {
        let check = |text: &str, expected: Option<i64>| {
            let found = text.parse::<Lifetime>().ok().map(Lifetime::duration);
            assert_eq!(found, expected, "{text}");
        };
        check("30d", Some(30));
        check("2w", Some(14));
        check("1y", Some(365));
        check("100y", Some(36_500));
        check("never", Some(-1));
        for bad in [
            "",
            "d",
            "0d",
            "30",
            "-1d",
            "+1d",
            "101y",
            "99999999999d",
            "1h",
            "1 d",
            "1é",
            "é",
        ] {
            check(bad, None);
        }
    }

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
        let rights = |texts: &[&str]| {
            let all = texts.iter().map(|text| text.parse().expect("a permission"));
            let rights = rights_of(all.collect());
            let words = rights.iter().map(ToString::to_string);
            words.collect::<Vec<String>>().join(" ")
        };
        assert_eq!(rights(&["pull"]), "repository:pull");
        assert_eq!(
            rights(&["push", "pull", "repository:push"]),
            "repository:pull repository:push"
        );
        assert_eq!(
            rights(&["scan"]),
            "scan:create scan:read artifact:read artifact-addition:read"
        );
        assert_eq!(
            rights(&["publish"]),
            "project:read repository:pull repository:push repository:read repository:list \
             repository:update artifact:read artifact:list artifact-addition:read \
             artifact-label:create label:read label:list label:create scan:create scan:read \
             tag:create tag:list"
        );
        assert_eq!(rights(&["artifact-label:delete"]), "artifact-label:delete");
        assert!("pull:".parse::<Permission>().is_err());
        assert!("everything".parse::<Permission>().is_err());
    }
}
