//! Real packages, installed by the real apt and the real pip upon a Debian.

use std::fs;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::Place;
use crate::builder::{CERTIFICATES, buildah, left_over, mounted, push_debian};

/// Returns whether Python's package index is there for this machine.
fn reaches_pypi() -> bool {
    let addresses = "pypi.org:443".to_socket_addrs();
    addresses.is_ok_and(|mut all| {
        all.any(|address| TcpStream::connect_timeout(&address, Duration::from_secs(5)).is_ok())
    })
}

/// Returns a wheel of version 1.2 with one module, as pip installs it: a zip file in
/// which nothing is compressed.
fn wheel(name: &str, module: &str, requires: &str) -> Vec<u8> {
    let info = format!("{name}-1.2.dist-info");
    let files = [
        (format!("{name}.py"), module.to_owned()),
        (
            format!("{info}/METADATA"),
            format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n{requires}"),
        ),
        (
            format!("{info}/WHEEL"),
            "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
                .to_owned(),
        ),
        (
            format!("{info}/RECORD"),
            format!("{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n"),
        ),
    ];
    let (mut body, mut directory) = (Vec::new(), Vec::new());
    for (path, text) in &files {
        let offset = u32::try_from(body.len()).expect("it is short");
        let mut sum = flate2::Crc::new();
        sum.update(text.as_bytes());
        let size = u32::try_from(text.len()).expect("it is short");
        let length = u16::try_from(path.len()).expect("it is short");
        // Version, flags, no compression, the first second of 1980.
        let mut entry: Vec<u8> = [10_u16, 0, 0, 0, 0x21].map(u16::to_le_bytes).concat();
        entry.extend([sum.sum(), size, size].map(u32::to_le_bytes).concat());
        entry.extend([length, 0].map(u16::to_le_bytes).concat());
        body.extend(
            [
                b"PK\x03\x04",
                entry.as_slice(),
                path.as_bytes(),
                text.as_bytes(),
            ]
            .concat(),
        );
        directory.extend([b"PK\x01\x02\x0a\x00", entry.as_slice()].concat());
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(path.as_bytes());
    }
    let count = u16::try_from(files.len()).expect("they are few");
    let sizes = [directory.len(), body.len()].map(|size| u32::try_from(size).expect("short"));
    body.extend(directory);
    body.extend(b"PK\x05\x06\0\0\0\0");
    body.extend([count, count].map(u16::to_le_bytes).concat());
    body.extend(sizes.map(u32::to_le_bytes).concat());
    body.extend([0, 0]);
    body
}

/// Returns the packages that a Debian's dpkg knows to be installed.
fn installed_by_dpkg(root: &Path) -> Vec<String> {
    let status = fs::read_to_string(root.join("var/lib/dpkg/status")).expect("dpkg's status");
    let names = status
        .lines()
        .filter_map(|line| line.strip_prefix("Package: "));
    names.map(str::to_owned).collect()
}

#[test]
fn real_packages_are_installed_and_no_cache_is_left() {
    let place = Place::empty();
    let has_index = reaches_pypi();
    let index = if has_index { "" } else { "no-index = true\n" };
    let pip_conf = format!("[global]\ncert = /{CERTIFICATES}\nfind-links = /wheels\n{index}");
    let hello = wheel(
        "imgdex_hello",
        "said = 'hello'\n",
        "Provides-Extra: loud\nRequires-Dist: imgdex-loud>=1 ; extra == 'loud'\n",
    );
    let loud = wheel("imgdex_loud", "said = 'HELLO'\n", "");
    let files: [(&str, &[u8]); 3] = [
        ("etc/pip.conf", pip_conf.as_bytes()),
        ("wheels/imgdex_hello-1.2-py3-none-any.whl", &hello),
        ("wheels/imgdex_loud-1.2-py3-none-any.whl", &loud),
    ];
    push_debian(&place.home, &place.base(), &files);
    let mut wanted = vec!["imgdex-hello[loud]>=1,<2"];
    if has_index {
        wanted.push("six>=1.16,<2");
    }
    place.create(json!({
        "apt": ["tree=2.*", "python3-pip"], "conda": ["conda-forge::numpy==1.17*"], "pip": wanted,
    }));
    place.run("images build science").ok();
    assert_eq!(left_over(&place.home), Vec::<String>::new());

    let url = format!("{}/custom/science:1", place.host());
    mounted(&place.home, &url, |root| {
        let packages = installed_by_dpkg(root);
        let has = |name: &str| packages.iter().any(|known| known == name);
        assert!(has("tree") && has("python3-pip"), "{packages:?}");
        // What `python3-pip` only recommends.
        assert!(!has("build-essential"), "{packages:?}");
        let lists = root.join("var/lib/apt/lists");
        assert_eq!(fs::read_dir(&lists).map_or(0, Iterator::count), 0);
        let debs: Vec<String> = fs::read_dir(root.join("var/cache/apt/archives"))
            .expect("a folder")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .filter(|name| name.ends_with(".deb"))
            .collect();
        assert_eq!(debs, [""; 0]);
        assert!(!root.join("root/.cache/pip").exists());
        let asked = fs::read_to_string(root.join("asked-conda")).expect("it was asked");
        assert_eq!(
            asked,
            "0 <install> <-y> <--> <conda-forge::numpy==1.17*>\n0 <clean> <-afy>\n"
        );
    });
    let image = format!("docker://{url}");
    let container = buildah(
        &place.home,
        &["from", "--quiet", "--tls-verify=false", &image],
    );
    let program = match has_index {
        true => "import imgdex_hello, imgdex_loud, six; print(imgdex_loud.said, six.PY3)",
        false => "import imgdex_hello, imgdex_loud; print(imgdex_loud.said, True)",
    };
    let run = ["run", "--isolation", "chroot", &container, "--", "sh", "-c"];
    let script = format!("id -u; tree --version | cut -d. -f1; python3 -c '{program}'");
    let said = buildah(&place.home, &[&run[..], &[&script]].concat());
    buildah(&place.home, &["rm", &container]);
    assert_eq!(said, "1000\ntree v2\nHELLO True");
}
