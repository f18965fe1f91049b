//! The rules of the packages that a spec names. A package is data, and reaches its
//! package manager as one argument.

use super::image_rules::FieldFault;
use super::name::shorten;
use super::spec::ImageSpec;

/// The most bytes of a package: engines read lines of at most 64 KiB.
const LONGEST: usize = 4096;

impl ImageSpec {
    /// Returns the rules that its packages break, in their order.
    pub fn package_faults(&self) -> impl Iterator<Item = FieldFault> {
        let lists = [&self.apt, &self.conda, &self.pip];
        let lists = Self::MANAGERS.into_iter().zip(lists);
        lists.flat_map(|(manager, packages)| {
            let faults = packages.iter().enumerate();
            faults.filter_map(move |(index, package)| {
                let field = format!("imageSpec.packages.{manager}[{index}]");
                Some(FieldFault::new(field, rule_broken_by(manager, package)?))
            })
        })
    }
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
    package.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#']).next();
        authority.is_some_and(|authority| authority.contains('@'))
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
}
