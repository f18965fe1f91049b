//! Collects arguments, environment and signals, and runs the program.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use imgdex::{Environment, Interrupt, run};

fn main() {
    let interrupt = Interrupt::default();
    interrupt.at_once.store(true, Ordering::SeqCst);
    interrupt.terminates.store(true, Ordering::SeqCst);
    watch(&interrupt);
    let arguments: Vec<_> = std::env::args_os().collect();
    let environment = Environment::new(std::env::vars_os());
    let folder = std::env::current_dir().ok();
    let code = run(&arguments, environment, folder.as_deref(), interrupt);
    std::process::exit(i32::from(code));
}

/// Makes signals end the process with the documented codes.
fn watch(interrupt: &Interrupt) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::flag;
    let mut watched = vec![
        (SIGINT, 130_u8, &interrupt.at_once),
        (SIGTERM, 143, &interrupt.terminates),
    ];
    if !ignores_hangups() {
        // The terminal was closed: the system asks to stop, and the list of exit codes has
        // no other one for that.
        watched.push((SIGHUP, 143, &interrupt.terminates));
    }
    for (signal, code, at_once) in watched {
        // Where a signal cannot be watched it ends the process as it always did.
        let _ = flag::register_conditional_shutdown(signal, code.into(), Arc::clone(at_once));
        let _ = flag::register_usize(signal, Arc::clone(&interrupt.seen), code.into());
    }
}

/// Returns whether whoever started the process wants it to outlive the terminal, as
/// `nohup` does; so it is taken to be where that is not known.
fn ignores_hangups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The lowest bit is signal 1, which is SIGHUP.
    ignored.is_none_or(|mask| mask & 1 != 0)
}
