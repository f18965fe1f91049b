//! The rules of the packages that a spec names. A package is data, and reaches its
//! package manager as one argument.

use super::image_rules::FieldFault;
use super::name::shorten;
use super::spec::ImageSpec;

/// The most bytes of a package: engines read lines of at most 64 KiB.
const LONGEST: usize = 4096;

/// The most bytes of all packages of one manager: Linux gives a program 2 MiB for its
/// arguments and its environment.
const MOST: usize = 1 << 20;

/// What an argument takes there beside its text: a NUL, and a pointer.
const EACH: usize = 9;

impl ImageSpec {
    /// Returns the rules that its packages break, in their order.
    pub fn package_faults(&self) -> impl Iterator<Item = FieldFault> {
        let lists = [&self.apt, &self.conda, &self.pip];
        let lists = Self::MANAGERS.into_iter().zip(lists);
        lists.flat_map(|(manager, packages)| {
            let field = format!("imageSpec.packages.{manager}");
            let each = field.clone();
            let faults = packages.iter().enumerate();
            let faults = faults.filter_map(move |(index, package)| {
                let rule = rule_broken_by(manager, package)?;
                Some(FieldFault::new(format!("{each}[{index}]"), rule))
            });
            let too_much = too_much(manager, packages);
            let too_much = too_much.map(|rule| FieldFault::new(field, rule));
            too_much.into_iter().chain(faults)
        })
    }
}

fn too_much(manager: &str, packages: &[String]) -> Option<String> {
    let bytes: usize = packages.iter().map(|package| package.len() + EACH).sum();
    (bytes > MOST).then(|| {
        format!(
            "the packages of {manager} should be 1 MiB together at most ({EACH} bytes for each \
             beside its text), but are {bytes} bytes"
        )
    })
}

/// Returns the rule that a package breaks.
fn rule_broken_by(manager: &str, package: &str) -> Option<String> {
    if has_login(package) {
        // It is not shown: it may be a password or a token.
        return Some(format!(
            "a package should have no user name, password or token in its URL: give them to \
             {manager} with `imgdex images build --secret id={manager},src=FILE`"
        ));
    }
    let name = package.trim();
    if name.is_empty() || package.chars().any(char::is_control) {
        return Some(format!(
            "a package is a name with or without a version, not `{}`",
            shorten(package)
        ));
    }
    if package.len() > LONGEST {
        return Some(format!(
            "a package should be {LONGEST} bytes long at most, but is {}",
            package.len()
        ));
    }
    if manager == "apt" && name.ends_with('-') {
        return Some(format!(
            "a package of apt should not end in `-`, which removes one instead, but is `{}`",
            shorten(package)
        ));
    }
    None
}

/// Returns whether there is a URL with a user before its host.
fn has_login(package: &str) -> bool {
    let parts: Vec<&str> = package.split("://").collect();
    parts.windows(2).any(|pair| {
        let &[before, rest] = pair else {
            return false;
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let Some((login, _)) = authority.rsplit_once('@') else {
            return false;
        };
        // With ssh it is only who asks: `git+ssh://git@host/…`.
        let before = before.to_ascii_lowercase();
        let is_ssh = before.ends_with("+ssh") || before.ends_with(" ssh") || before == "ssh";
        !is_ssh || login.contains(':')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(manager: &str, packages: &[&str]) -> Vec<String> {
        let mut spec = ImageSpec::default();
        let list = match manager {
            "apt" => &mut spec.apt,
            "conda" => &mut spec.conda,
            _ => &mut spec.pip,
        };
        list.extend(packages.iter().map(|&package| package.to_owned()));
        let told = |fault: FieldFault| format!("{}: {}", fault.field, fault.message);
        spec.package_faults().map(told).collect()
    }

    #[test]
    fn a_package_is_data_that_a_manager_can_install() {
        for (manager, package) in [
            ("apt", "git=1:2.39.*"),
            ("apt", "g++"),
            ("conda", "conda-forge::numpy==1.17*"),
            ("conda", "e2fsprogs-"),
            ("pip", "x==1 ; python_version<'3.9'"),
            ("pip", "foo @ https://host.example/a@1/foo.whl"),
            ("pip", "git+ssh://git@host.example/a/b.git@v1"),
            (
                "pip",
                "git+https://github.com/pallets/click@8.1.0#egg=click",
            ),
            ("pip", "-r x"),
            ("pip", &"x".repeat(4096)),
        ] {
            assert_eq!(faults(manager, &[package]), [""; 0], "{package}");
        }
        let long = "x".repeat(4097);
        let bad = ["", " ", "a\nUSER 0", "a\r", "\u{1b}", "\u{85}", &long];
        for package in bad {
            let told = faults("pip", &["a", package]).concat();
            assert!(told.starts_with("imageSpec.packages.pip[1]: "), "{told}");
        }
        for package in ["e2fsprogs-", "e2fsprogs:amd64- "] {
            assert_eq!(
                faults("apt", &[package]),
                [format!(
                    "imageSpec.packages.apt[0]: a package of apt should not end in `-`, which \
                     removes one instead, but is `{package}`"
                )]
            );
        }
    }

    #[test]
    fn a_login_is_refused_and_not_told() {
        for package in [
            "foo @ https://user:hunter2@host/x.whl",
            "git+https://hunter2@host/x.git@v1",
            "git+ssh://git:hunter2@host/x.git",
            "a @ https+sshh://hunter2@host/x",
            "https://host/x https://hunter2@host?a",
            "a @ https://user:hunter2@host",
            "a @ https://user:hunter2\n@host/x",
            "HTTPS://hunter2%20@[::1]:80#x",
        ] {
            for manager in ImageSpec::MANAGERS {
                let told = faults(manager, &[package]).concat();
                assert!(!told.contains("hunter2"), "{told}");
                let hint = format!("--secret id={manager},src=FILE`");
                assert!(told.ends_with(&hint), "{told}");
            }
        }
    }

    #[test]
    fn all_packages_of_a_manager_fit_into_its_arguments() {
        let package = "x".repeat(1024 - EACH);
        assert_eq!(faults("pip", &vec![package.as_str(); 1024]), [""; 0]);
        assert_eq!(
            faults("pip", &vec![package.as_str(); 1025]),
            [
                "imageSpec.packages.pip: the packages of pip should be 1 MiB together at most (9 \
             bytes for each beside its text), but are 1049600 bytes"
            ]
        );
    }
}
