//! A spec → the Containerfile that keeps its promise. Pure.
//!
//! A package is data: it stands in a JSON list (`RUN`'s exec form, in which engines
//! expand nothing) as an argument of a script that is always the same, and reaches its
//! package manager as `"$@"`, after `--`. No shell ever reads it.

use crate::domain::built::{CONTAINERFILE_VERSION, KEY_LABEL};
use crate::domain::json_text::write_json_string;
use crate::domain::name::shorten;
use crate::domain::spec::ImageSpec;

/// The longest text of a label: engines read lines of at most 64 KiB.
const LONGEST_LABEL: usize = 4096;

/// A package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manager {
    Apt,
    Conda,
    Pip,
}

impl Manager {
    pub const ALL: [Self; 3] = [Self::Apt, Self::Conda, Self::Pip];

    /// Returns the name that specs and secrets have it by.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Apt => "apt",
            Self::Conda => "conda",
            Self::Pip => "pip",
        }
    }

    /// Returns the manager of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// Returns the name of its program.
    fn program(self) -> &'static str {
        match self {
            Self::Apt => "apt-get",
            Self::Conda => "conda",
            Self::Pip => "pip",
        }
    }

    fn packages(self, spec: &ImageSpec) -> &[String] {
        match self {
            Self::Apt => &spec.apt,
            Self::Conda => &spec.conda,
            Self::Pip => &spec.pip,
        }
    }

    /// Returns what installs `"$@"` and leaves no cache behind, in one layer.
    fn script(self, has_secret: bool) -> &'static str {
        match (self, has_secret) {
            (Self::Apt, false) => {
                "set -e; export DEBIAN_FRONTEND=noninteractive; apt-get update; \
                 apt-get install -y --no-install-recommends -- \"$@\"; apt-get clean; \
                 rm -rf /var/lib/apt/lists/*"
            }
            (Self::Apt, true) => {
                "set -e; export DEBIAN_FRONTEND=noninteractive; \
                 apt-get -o Dir::Etc::netrc=/run/secrets/apt update; \
                 apt-get -o Dir::Etc::netrc=/run/secrets/apt install -y \
                 --no-install-recommends -- \"$@\"; apt-get clean; \
                 rm -rf /var/lib/apt/lists/*"
            }
            (Self::Conda, false) => "set -e; conda install -y -- \"$@\"; conda clean -afy",
            (Self::Conda, true) => {
                "set -e; export CONDARC=/run/secrets/conda; conda install -y -- \"$@\"; \
                 conda clean -afy"
            }
            // A system's own Python lets nobody install beside its packages unless told
            // that nobody else does: in an image of one's own nobody does.
            (Self::Pip, false) => {
                "set -e; export PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore; \
                 pip install --no-cache-dir -- \"$@\""
            }
            (Self::Pip, true) => {
                "set -e; export PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore; \
                 export PIP_CONFIG_FILE=/run/secrets/pip; \
                 pip install --no-cache-dir -- \"$@\""
            }
        }
    }
}

/// What an image is built upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// Registry and repository.
    pub repository: String,
    /// The reference that the spec means, written out.
    pub name: String,
    /// Unset where the registry was not asked.
    pub digest: Option<String>,
    /// As the image has it; unset where it has none, which is root.
    pub user: Option<String>,
}

/// All that goes into a Containerfile.
#[derive(Debug, Clone)]
pub struct Recipe<'a> {
    pub spec: &'a ImageSpec,
    pub base: &'a Base,
    /// The name of the catalog's entry.
    pub name: &'a str,
    pub title: &'a str,
    pub description: Option<&'a str>,
    /// RFC 3339, UTC.
    pub created: &'a str,
    /// Of the catalog's entry.
    pub revision: u64,
    /// The managers that are given a secret, mounted while they run.
    pub secrets: &'a [Manager],
}

/// Returns the Containerfile.
///
/// # Errors
/// The rule that a package or the base image's user breaks.
pub fn containerfile(recipe: &Recipe<'_>) -> Result<String, String> {
    let base = recipe.base;
    if let Some(fault) = recipe.spec.package_faults().next() {
        return Err(format!("{}: {}", fault.field, fault.message));
    }
    let mut text = format!(
        "# The image `{}`, as its imageSpec says it (Containerfile version \
         {CONTAINERFILE_VERSION}).\n",
        recipe.name
    );
    match &base.digest {
        Some(digest) => text.push_str(&format!("FROM {}@{digest}\n", base.repository)),
        None => text.push_str(&format!("FROM {}\n", base.name)),
    }
    text.push_str(&labels(recipe));
    text.push_str("USER 0\n");
    for manager in Manager::ALL {
        let packages = manager.packages(recipe.spec);
        if !packages.is_empty() {
            let has_secret = recipe.secrets.contains(&manager);
            text.push_str(&run(manager, packages, has_secret));
        }
    }
    let user = base.user.as_deref().unwrap_or_default();
    match user_of(user).as_deref() {
        Some("0") => {}
        Some(user) => text.push_str(&format!("USER {user}\n")),
        None => {
            return Err(format!(
                "the user of the base image, `{}`, is none that a Containerfile can say",
                shorten(user)
            ));
        }
    }
    Ok(text)
}

fn labels(recipe: &Recipe<'_>) -> String {
    let revision = recipe.revision.to_string();
    let digest = recipe.base.digest.as_deref();
    let key = digest.map(|digest| recipe.spec.build_key(digest));
    let labels = [
        ("org.opencontainers.image.title", Some(recipe.title)),
        ("org.opencontainers.image.description", recipe.description),
        ("org.opencontainers.image.created", Some(recipe.created)),
        ("org.opencontainers.image.revision", Some(revision.as_str())),
        (
            "org.opencontainers.image.base.name",
            Some(recipe.base.name.as_str()),
        ),
        ("org.opencontainers.image.base.digest", digest),
        (KEY_LABEL, key.as_deref()),
    ];
    let lines: Vec<String> = labels
        .into_iter()
        .filter_map(|(key, text)| Some(format!("{key}={}", quoted(text?))))
        .collect();
    format!("LABEL {}\n", lines.join(" \\\n      "))
}

/// Returns a word of `LABEL` in quotes. Variables are expanded there, and a line ends
/// the instruction.
fn quoted(text: &str) -> String {
    let mut word = String::from("\"");
    for character in text.chars() {
        if word.len() >= LONGEST_LABEL {
            word.push('…');
            break;
        }
        match character {
            '"' | '\\' | '$' => word.extend(['\\', character]),
            other if other.is_control() => word.push(' '),
            other => word.push(other),
        }
    }
    word.push('"');
    word
}

fn run(manager: Manager, packages: &[String], has_secret: bool) -> String {
    let mut line = Vec::from(*b"RUN ");
    if has_secret {
        let name = manager.name();
        line.extend_from_slice(format!("--mount=type=secret,id={name} ").as_bytes());
    }
    line.push(b'[');
    for word in [
        "/bin/sh",
        "-c",
        manager.script(has_secret),
        manager.program(),
    ] {
        write_json_string(word, &mut line);
        line.extend_from_slice(b", ");
    }
    line.pop();
    for package in packages {
        line.extend_from_slice(b" \\\n     ");
        let mut word = Vec::new();
        write_json_string(package, &mut word);
        line.extend(word);
        line.push(b',');
    }
    line.pop();
    line.extend_from_slice(b"]\n");
    // Only whole strings and ASCII are written. `<<` would begin a here-document where
    // an engine looks for one before it reads the list.
    let text = String::from_utf8(line).unwrap_or_default();
    text.replace("<<", "<\\u003c")
}

/// Returns what `USER` is told of an image's user, `user[:group]` by names or numbers.
/// Without one it is root, and without a group it has its own; nothing where it is
/// something else.
fn user_of(text: &str) -> Option<String> {
    let is_name = |name: &str| {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte);
        name.len() <= 64 && !name.starts_with('-') && name.bytes().all(good)
    };
    let (user, group) = text.split_once(':').unwrap_or((text, ""));
    if !is_name(user) || !is_name(group) || text == ":" {
        return None;
    }
    let user = if user.is_empty() { "0" } else { user };
    Some(match group {
        "" => user.to_owned(),
        group => format!("{user}:{group}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &[&str]) -> Vec<String> {
        list.iter().map(|&word| word.to_owned()).collect()
    }

    fn base() -> Base {
        Base {
            repository: "quay.io/jupyter/base-notebook".to_owned(),
            name: "quay.io/jupyter/base-notebook:latest".to_owned(),
            digest: Some(format!("sha256:{}", "a".repeat(64))),
            user: Some("1000".to_owned()),
        }
    }

    fn written(spec: &ImageSpec, base: &Base, secrets: &[Manager]) -> Result<String, String> {
        containerfile(&Recipe {
            spec,
            base,
            name: "science",
            title: "Science \"at\" $HOME",
            description: Some("two\nlines \\"),
            created: "2026-01-01T00:00:00Z",
            revision: 7,
            secrets,
        })
    }

    #[test]
    fn a_spec_becomes_a_containerfile() {
        let spec = ImageSpec {
            base_image: "quay.io/jupyter/base-notebook".to_owned(),
            apt: words(&["curl", "git=1:2.39.*"]),
            conda: words(&["conda-forge::numpy==1.17*"]),
            pip: words(&["pandas>=2", "jax[cuda]", "x==1 ; python_version<'3.9'"]),
            ..ImageSpec::default()
        };
        insta::assert_snapshot!(written(&spec, &base(), &[]).expect("it is good"), @r#"
        # The image `science`, as its imageSpec says it (Containerfile version 1).
        FROM quay.io/jupyter/base-notebook@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
        LABEL org.opencontainers.image.title="Science \"at\" \$HOME" \
              org.opencontainers.image.description="two lines \\" \
              org.opencontainers.image.created="2026-01-01T00:00:00Z" \
              org.opencontainers.image.revision="7" \
              org.opencontainers.image.base.name="quay.io/jupyter/base-notebook:latest" \
              org.opencontainers.image.base.digest="sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
              imgdex.build-key="sha256:6307a579824e814197c89921976b7cfad593c3bdc0638c2dd0a1d35c88766d45"
        USER 0
        RUN ["/bin/sh", "-c", "set -e; export DEBIAN_FRONTEND=noninteractive; apt-get update; apt-get install -y --no-install-recommends -- \"$@\"; apt-get clean; rm -rf /var/lib/apt/lists/*", "apt-get", \
             "curl", \
             "git=1:2.39.*"]
        RUN ["/bin/sh", "-c", "set -e; conda install -y -- \"$@\"; conda clean -afy", "conda", \
             "conda-forge::numpy==1.17*"]
        RUN ["/bin/sh", "-c", "set -e; export PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore; pip install --no-cache-dir -- \"$@\"", "pip", \
             "pandas>=2", \
             "jax[cuda]", \
             "x==1 ; python_version<'3.9'"]
        USER 1000
        "#);
        let spec = ImageSpec {
            apt: words(&["a"]),
            conda: words(&["b"]),
            pip: words(&["c"]),
            ..ImageSpec::default()
        };
        let unasked = Base {
            digest: None,
            user: None,
            ..base()
        };
        insta::assert_snapshot!(written(&spec, &unasked, &Manager::ALL).expect("it is good"), @r#"
        # The image `science`, as its imageSpec says it (Containerfile version 1).
        FROM quay.io/jupyter/base-notebook:latest
        LABEL org.opencontainers.image.title="Science \"at\" \$HOME" \
              org.opencontainers.image.description="two lines \\" \
              org.opencontainers.image.created="2026-01-01T00:00:00Z" \
              org.opencontainers.image.revision="7" \
              org.opencontainers.image.base.name="quay.io/jupyter/base-notebook:latest"
        USER 0
        RUN --mount=type=secret,id=apt ["/bin/sh", "-c", "set -e; export DEBIAN_FRONTEND=noninteractive; apt-get -o Dir::Etc::netrc=/run/secrets/apt update; apt-get -o Dir::Etc::netrc=/run/secrets/apt install -y --no-install-recommends -- \"$@\"; apt-get clean; rm -rf /var/lib/apt/lists/*", "apt-get", \
             "a"]
        RUN --mount=type=secret,id=conda ["/bin/sh", "-c", "set -e; export CONDARC=/run/secrets/conda; conda install -y -- \"$@\"; conda clean -afy", "conda", \
             "b"]
        RUN --mount=type=secret,id=pip ["/bin/sh", "-c", "set -e; export PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore; export PIP_CONFIG_FILE=/run/secrets/pip; pip install --no-cache-dir -- \"$@\"", "pip", \
             "c"]
        "#);
    }

    /// Returns the arguments of each `RUN`, as an engine reads them.
    fn runs(text: &str) -> Vec<Vec<String>> {
        let joined = text.replace("\\\n", "");
        joined
            .lines()
            .filter_map(|line| line.strip_prefix("RUN "))
            .map(|list| serde_json::from_str(list).expect("a list of strings"))
            .collect()
    }

    #[test]
    fn whatever_a_package_is_called_it_is_one_argument() {
        let hostile = [
            "pandas>=2",
            "jax[cuda]",
            "conda-forge::numpy==1.17*",
            "$(touch /x)",
            "`id`",
            "${HOME}",
            "a; rm -rf /",
            "a' && b \" c",
            "back\\slash\\",
            "a<<EOF",
            "<<<<x",
            "-r x",
            "--index-url=https://evil.example",
            "#comment",
            "]\\",
            "\u{202e}é\u{1f600}",
            "\\u0041",
        ];
        let spec = |list: &[&str]| ImageSpec {
            apt: words(list),
            conda: words(list),
            pip: words(list),
            ..ImageSpec::default()
        };
        let plain = runs(&written(&spec(&["x"]), &base(), &[]).expect("it is good"));
        let text = written(&spec(&hostile), &base(), &[]).expect("it is good");
        for (run, plain) in runs(&text).iter().zip(&plain) {
            assert_eq!(run[..4], plain[..4]);
            assert_eq!(run[4..], words(&hostile));
        }
        assert!(!text.contains("<<"), "{text}");
        let instructions = ["# ", "FROM ", "LABEL ", "USER ", "RUN ", "     "];
        for line in text.lines() {
            let is_ours = instructions.iter().any(|begin| line.starts_with(begin));
            assert!(is_ours, "{line}");
        }
    }

    #[test]
    fn what_no_containerfile_can_say_is_refused() {
        let spec = |package: &str| ImageSpec {
            pip: words(&["a", package]),
            ..ImageSpec::default()
        };
        for package in [
            "",
            " ",
            "a\nUSER 0",
            "a\r",
            "\u{1b}",
            "\u{85}",
            &"x".repeat(4097),
        ] {
            let told = written(&spec(package), &base(), &[]).expect_err("it is bad");
            assert!(told.starts_with("imageSpec.packages.pip[1]: "), "{told}");
        }
        for (user, line) in [
            ("jovyan", Ok("USER jovyan\n")),
            ("1000:100", Ok("USER 1000:100\n")),
            ("1000:", Ok("USER 1000\n")),
            (":100", Ok("USER 0:100\n")),
            ("0", Ok("USER 0\nRUN")),
            ("", Ok("USER 0\nRUN")),
            ("a b", Err(())),
            ("a\nRUN x", Err(())),
            ("$USER", Err(())),
            ("-x", Err(())),
            (":-x", Err(())),
            (":", Err(())),
            ("a:b:c", Err(())),
        ] {
            let base = Base {
                user: Some(user.to_owned()),
                ..base()
            };
            let text = written(&spec("b"), &base, &[]).map_err(|_| ());
            let users = text.map(|text| text[text.rfind("USER ").expect("one")..].to_owned());
            match line {
                Ok(line) => assert!(users.is_ok_and(|users| users.starts_with(line)), "{user}"),
                Err(()) => assert_eq!(users, Err(()), "{user}"),
            }
        }
    }
}
