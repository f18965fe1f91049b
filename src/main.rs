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
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag;
    for (signal, code, at_once) in [
        (SIGINT, 130_u8, &interrupt.at_once),
        (SIGTERM, 143, &interrupt.terminates),
    ] {
        // Where a signal cannot be watched it ends the process as it always did.
        let _ = flag::register_conditional_shutdown(signal, code.into(), Arc::clone(at_once));
        let _ = flag::register_usize(signal, Arc::clone(&interrupt.seen), code.into());
    }
}
