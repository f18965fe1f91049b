//! What is broken on purpose.

/// How a request fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It is answered so: status, headers, body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// The connection ends without an answer; nothing was done.
    Reset,
    /// It is done, and then the connection ends without an answer.
    LostAnswer,
    /// It is done, and answered only after so many milliseconds.
    Late(u64),
    /// There is no answer as long as somebody waits for it.
    Silence,
}

impl Failure {
    /// Returns an answer with a body as Harbor has it.
    pub fn status(status: u16) -> Self {
        let body = format!(
            r#"{{"errors":[{{"code":"BROKEN","message":"broken on purpose ({status})"}}]}}"#
        );
        Self::Answer(status, Vec::new(), body)
    }
}

/// A failure with the requests that meet it.
#[derive(Debug, Clone)]
pub struct Fault {
    pub method: String,
    /// A part of the path with its query.
    pub fragment: String,
    /// How many such requests pass before.
    pub pass: u32,
    /// How many fail then.
    pub times: u32,
    pub failure: Failure,
}

/// Returns how a request fails, if it does.
pub fn failure_of(faults: &mut [Fault], method: &str, target: &str) -> Option<Failure> {
    let mut met = None;
    for fault in faults {
        if fault.method != method || !target.contains(&fault.fragment) {
            continue;
        }
        if fault.pass > 0 {
            fault.pass -= 1;
        } else if fault.times > 0 && met.is_none() {
            fault.times -= 1;
            met = Some(fault.failure.clone());
        }
    }
    met
}
