//! What happens while registries are asked: the catalog is free, and an interrupt
//! leaves nothing behind.

use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, Sender};

use rustix::process::{Pid, Signal, kill_process};

use super::{there, with_urls};
use crate::fault_server::FaultServer;
use crate::field;
use crate::support::{Home, PROGRAM, Ran};

/// A registry that answers when the test says so.
struct Patient {
    server: FaultServer,
    came: Receiver<()>,
    answer: Sender<()>,
}

impl Patient {
    fn start() -> Self {
        let (coming, came) = mpsc::channel();
        let (answer, may_answer) = mpsc::channel::<()>();
        let (coming, may_answer) = (Mutex::new(coming), Mutex::new(may_answer));
        let server = FaultServer::start(move |_| {
            let _ = coming.lock().expect("nobody panicked").send(());
            // The test is over where nobody says anything any more.
            let _ = may_answer.lock().expect("nobody panicked").recv();
            there("a")
        });
        Self {
            server,
            came,
            answer,
        }
    }

    /// Verifies until the registry is asked.
    fn verifying(&self, home: &Home) -> Child {
        let child = home
            .command(PROGRAM)
            .args(["images", "verify", "--shallow"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        self.came.recv().expect("it asks");
        child
    }
}

fn ended(child: Child) -> Ran {
    Ran::of(&child.wait_with_output().expect("it ends"))
}

#[test]
fn an_interrupt_leaves_nothing_behind() {
    let patient = Patient::start();
    let home = with_urls(&[("app", format!("{}/app:1", patient.server.host()))]);
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let child = patient.verifying(&home);
        kill_process(Pid::from_child(&child), signal).expect("it runs");
        ended(child).fails(code);
        assert_eq!(field(&home, "app", "isReady"), serde_json::Value::Null);
        assert_eq!(field(&home, "app", "verifiedAt"), serde_json::Value::Null);
    }
}

#[test]
fn the_catalog_is_free_while_registries_are_asked() {
    let patient = Patient::start();
    let host = patient.server.host();
    let home = with_urls(&[
        ("same", format!("{host}/app:1")),
        ("changed", format!("{host}/app:1")),
        ("deleted", format!("{host}/app:1")),
    ]);
    let child = patient.verifying(&home);
    let change = format!("{{\"url\": \"{host}/app:2\"}}");
    home.pipe(change, "images update changed --lock-timeout 0")
        .ok();
    home.run("images delete deleted --lock-timeout 0").ok();
    patient.answer.send(()).expect("it waits");
    let ran = ended(child).ok();
    assert!(ran.stderr.contains("1 ready, 1 skipped"), "{ran:#?}");
    assert_eq!(field(&home, "same", "isReady"), true);
    assert_eq!(field(&home, "changed", "isReady"), serde_json::Value::Null);
    assert_eq!(field(&home, "changed", "digest"), serde_json::Value::Null);
}
