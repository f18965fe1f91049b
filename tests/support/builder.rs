//! A home in which images are really built: a storage of its own for buildah, and base
//! images of a static busybox whose package managers write down what they are asked.

#![allow(dead_code)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Call, Home};

/// What a package manager of a base image does: it writes down its arguments. With its
/// chroots, buildah loses now and then what a program prints in its last moment.
pub const RECORDS: &str = "#!/bin/sh\n\
    name=${0##*/}\n\
    echo \"$name was asked\"\n\
    { printf '%s' \"$(id -u)\"; for word; do printf ' <%s>' \"$word\"; done; echo; } \
    >> /asked-$name\n\
    env >> /environment-$name\n\
    sleep 0.1\n";

/// Returns where a program is installed.
pub fn installed(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
        .expect("it is installed (`tests/run.sh` does it)")
}

/// Gives a home a storage of its own.
pub fn add_storage(home: &Home) {
    let place = home.path().display().to_string();
    home.write(
        "storage.conf",
        format!(
            "[storage]\ndriver = \"vfs\"\ngraphroot = \"{place}/graph\"\nrunroot = \"{place}/run\"\n"
        ),
    );
    // Where the machine has none, nothing is pulled into a storage.
    home.write(
        ".config/containers/policy.json",
        r#"{"default": [{"type": "insecureAcceptAnything"}]}"#,
    );
    fs::create_dir_all(home.path().join("temporary")).expect("made");
}

/// Returns a run that sees the storage, and does not tell how long it takes.
pub fn call<'a>(home: &'a Home, arguments: &str) -> Call<'a> {
    let place = home.path().display().to_string();
    home.call(&format!("{arguments} --no-progress"))
        .env("CONTAINERS_STORAGE_CONF", format!("{place}/storage.conf"))
        .env("BUILDAH_ISOLATION", "chroot")
        .env("TMPDIR", format!("{place}/temporary"))
}

/// Runs buildah in the storage of a home, and returns what it printed.
#[track_caller]
pub fn buildah(home: &Home, arguments: &[&str]) -> String {
    let ran: std::process::Output = Command::new(installed("buildah"))
        .args(arguments)
        .env("HOME", home.path())
        .env("CONTAINERS_STORAGE_CONF", home.path().join("storage.conf"))
        .current_dir(home.path())
        .output()
        .expect("buildah runs");
    assert!(ran.status.success(), "{arguments:?}: {ran:?}");
    String::from_utf8_lossy(&ran.stdout).trim().to_owned()
}

/// Makes a base image with these package managers, which a user `1000:100` runs, and
/// pushes it.
pub fn push_base(home: &Home, reference: &str, programs: &[(&str, &str)]) {
    let root = home.path().join("root");
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(root.join("bin")).expect("made");
    fs::create_dir_all(root.join("tmp")).expect("made");
    fs::copy(installed("busybox"), root.join("bin/busybox")).expect("copied");
    for applet in ["sh", "cat", "env", "id", "rm", "sleep", "ls"] {
        symlink("busybox", root.join("bin").join(applet)).expect("linked");
    }
    for (name, script) in programs {
        let path = root.join("bin").join(name);
        fs::write(&path, script).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    push_root(home, &root, reference);
}

/// Pushes an image of the files of a folder, which a user `1000:100` runs.
fn push_root(home: &Home, root: &Path, reference: &str) {
    let container = buildah(home, &["from", "scratch"]);
    let root = root.display().to_string();
    buildah(home, &["copy", "--quiet", &container, &root, "/"]);
    buildah(home, &["config", "--user", "1000:100", &container]);
    buildah(home, &["commit", "--quiet", &container, "localhost/base"]);
    buildah(home, &["rm", &container]);
    let target = format!("docker://{reference}");
    let push = [
        "push",
        "--quiet",
        "--tls-verify=false",
        "localhost/base",
        &target,
    ];
    buildah(home, &push);
    buildah(home, &["rmi", "--all", "--force"]);
}

/// Where a Debian that [`push_debian`] made has the certificates that this machine trusts.
pub const CERTIFICATES: &str = "etc/machine.crt";

/// Makes a base image of Debian, as small as it installs packages by itself, with the
/// [`CERTIFICATES`] of this machine, a `conda` that writes down what it is asked, and these
/// files; pushes it.
pub fn push_debian(home: &Home, reference: &str, files: &[(&str, &[u8])]) {
    let root = home.path().join("debian");
    let release = fs::read_to_string("/etc/os-release").expect("a release");
    let codename = release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .expect("Debian has a codename");
    let ran = Command::new(installed("debootstrap"))
        .args(["--variant=minbase", codename])
        .arg(&root)
        .output()
        .expect("debootstrap runs");
    assert!(ran.status.success(), "{ran:?}");
    for folder in ["doc", "man", "locale", "zoneinfo"] {
        let _ = fs::remove_dir_all(root.join("usr/share").join(folder));
    }
    for folder in ["var/cache/apt/archives", "var/lib/apt/lists"] {
        fs::remove_dir_all(root.join(folder)).expect("removed");
        fs::create_dir_all(root.join(folder).join("partial")).expect("made");
    }
    // Elsewhere than Debian's own, which it writes anew once it has any.
    let certificates = fs::read("/etc/ssl/certs/ca-certificates.crt").unwrap_or_default();
    fs::write(root.join(CERTIFICATES), certificates).expect("written");
    let conda: (&str, &[u8]) = ("usr/bin/conda", RECORDS.as_bytes());
    for (path, bytes) in files.iter().chain([&conda]) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, bytes).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    push_root(home, &root, reference);
    fs::remove_dir_all(&root).expect("removed");
}

/// Returns what a file of an image of a registry holds; nothing where it has none.
pub fn file_in(home: &Home, reference: &str, path: &str) -> Option<String> {
    mounted(home, reference, |root| {
        fs::read_to_string(root.join(path)).ok()
    })
}

/// Looks at the files of an image of a registry.
pub fn mounted<T>(home: &Home, reference: &str, look: impl FnOnce(&Path) -> T) -> T {
    let image = format!("docker://{reference}");
    let container = buildah(home, &["from", "--quiet", "--tls-verify=false", &image]);
    let folder = buildah(home, &["mount", &container]);
    let found = look(Path::new(&folder));
    buildah(home, &["umount", &container]);
    buildah(home, &["rm", &container]);
    found
}

/// Returns what is left of builds in the storage and in the folder for temporary files.
/// Only the base images stay, for the next build.
pub fn left_over(home: &Home) -> Vec<String> {
    let mut found = Vec::new();
    let containers = buildah(home, &["containers", "--all", "--quiet"]);
    found.extend(containers.lines().map(str::to_owned));
    let images = buildah(home, &["images", "--all", "--format", "{{.Name}} {{.ID}}"]);
    let ours = images.lines().filter(|line| !line.contains("/team/base "));
    found.extend(ours.map(str::to_owned));
    let temporary = fs::read_dir(home.path().join("temporary")).expect("a folder");
    let names = temporary.map(|entry| entry.expect("an entry").file_name());
    found.extend(names.map(|name| name.to_string_lossy().into_owned()));
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let place = home.path().display().to_string();
    found.extend(
        mounts
            .lines()
            .filter(|line| line.contains(&place))
            .map(str::to_owned),
    );
    found
}
