//! A command that needs no network starts nothing for one.

use crate::image;
use crate::strace::trace;
use crate::support::Home;

const CALLS: &str = "%network,openat,?open,?clone,?clone3,?fork,?vfork,execve";

#[test]
fn listing_images_opens_no_socket_no_certificate_and_no_thread() {
    let home = Home::new();
    home.pipe(image("base"), "images create").ok();
    for command in [
        "images list",
        "images get base",
        "images list -o json --search base",
    ] {
        let (ran, lines) = trace(&home, CALLS, command);
        let ran = ran.ok();
        assert!(ran.stdout.contains("base"), "{ran:#?}");
        let mut opened = 0;
        for line in &lines {
            // `PID call(arguments) = result`
            let (_, call) = line.split_once(' ').expect("a process's id");
            let call = call.trim_start();
            if call.starts_with("execve(") || call.starts_with("+++") {
                continue;
            }
            assert!(
                call.starts_with("openat(") || call.starts_with("open("),
                "`{command}`: {line}"
            );
            for word in [
                "ssl",
                "cert",
                "ca-",
                ".pem",
                ".crt",
                "resolv.conf",
                "nsswitch",
            ] {
                assert!(!call.contains(word), "`{command}`: {line}");
            }
            opened += 1;
        }
        assert!(opened > 0, "nothing was traced: {lines:#?}");
        let started = lines.iter().filter(|line| line.contains("execve(")).count();
        assert_eq!(started, 1, "{lines:#?}");
    }
}
