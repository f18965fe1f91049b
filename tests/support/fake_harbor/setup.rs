//! What a test arranges: projects, accounts, rules, scans and faults.

use super::FakeHarbor;
use super::accounts::{Account, Role};
use super::faults::{Failure, Fault};
use super::scans::Outcome;
use super::state::State;

impl FakeHarbor {
    /// Adds a project that only its members see.
    pub fn project(&self, name: &str) -> &Self {
        self.state().add_project(name, false, -1);
        self
    }

    /// Adds a project that everybody sees.
    pub fn public_project(&self, name: &str) -> &Self {
        self.state().add_project(name, true, -1);
        self
    }

    /// Adds a project that holds so many bytes at most.
    pub fn project_with_quota(&self, name: &str, storage_limit: i64) -> &Self {
        self.state().add_project(name, false, storage_limit);
        self
    }

    /// Returns the id of a project.
    pub fn project_id(&self, name: &str) -> i64 {
        let state = self.state();
        state.project(name).expect("the test added this project").id
    }

    /// Adds an account with its password.
    pub fn user(&self, name: &str, password: &str) -> &Self {
        self.account(name, password, false, false)
    }

    /// Adds an account that may do everything.
    pub fn sysadmin(&self, name: &str, password: &str) -> &Self {
        self.account(name, password, true, false)
    }

    /// Adds an account of OIDC with its CLI secret.
    pub fn oidc_user(&self, name: &str, secret: &str) -> &Self {
        self.account(name, secret, false, true)
    }

    fn account(&self, name: &str, password: &str, sysadmin: bool, oidc: bool) -> &Self {
        let mut state = self.state();
        let id = state.id();
        state.accounts.push(Account {
            id,
            name: name.to_owned(),
            password: password.to_owned(),
            sysadmin,
            oidc,
            roles: Default::default(),
        });
        self
    }

    /// Makes an account a member of a project.
    pub fn role(&self, account: &str, project: &str, role: Role) -> &Self {
        self.state().give_role(account, project, role);
        self
    }

    /// Sets what the names of robots begin with.
    pub fn robot_prefix(&self, prefix: &str) -> &Self {
        prefix.clone_into(&mut self.state().robot_prefix);
        self
    }

    /// Makes tags of a project immutable; `*` in the pattern is anything.
    pub fn immutable(&self, project: &str, pattern: &str) -> &Self {
        let rule = (project.to_owned(), pattern.to_owned());
        self.state().immutable.push(rule);
        self
    }

    /// Keeps images with that severity or a worse one from being pulled.
    pub fn prevent_vulnerable(&self, project: &str, severity: &str) -> &Self {
        let mut state = self.state();
        let mut projects = state.projects.iter_mut();
        let found = projects.find(|one| one.name == project);
        found.expect("the test added this project").prevent = Some(severity.to_owned());
        drop(state);
        self
    }

    /// Sets how a scan of that digest ends; without this it finds nothing.
    pub fn scan_of(&self, digest: &str, outcome: Outcome) -> &Self {
        self.state().outcomes.insert(digest.to_owned(), outcome);
        self
    }

    /// Sets how often a scan is asked for before it ends: Pending, then Running.
    pub fn scans_take(&self, polls: u32) -> &Self {
        self.state().polls = polls;
        self
    }

    /// Sets how often the scan of that digest is asked for before it ends.
    pub fn scan_of_takes(&self, digest: &str, polls: u32) -> &Self {
        self.state().paces.insert(digest.to_owned(), polls);
        self
    }

    /// Returns the digests of the images of an index, in its order.
    pub fn parts(&self, repository: &str, index: &str) -> Vec<String> {
        let mut state = self.state();
        let index = state.artifact(repository, index);
        let index = index.expect("the test put it there");
        let parts = index.references.iter();
        parts.map(|(digest, _)| digest.clone()).collect()
    }

    /// Takes the scanner away.
    pub fn without_scanner(&self) -> &Self {
        self.state().without_scanner = true;
        self
    }

    /// Lets a part of Harbor, `core` or `registry`, be down.
    pub fn unhealthy(&self, component: &str) -> &Self {
        self.state().unhealthy = Some(component.to_owned());
        self
    }

    /// Lets a front end answer 400 to every path with `%252F`.
    pub fn refuse_double_encoding(&self) -> &Self {
        self.state().refuses_double_encoding = true;
        self
    }

    /// Tells whether a project is there only to who may look into it, as newer versions do.
    pub fn newer_head(&self) -> &Self {
        self.state().newer_head = true;
        self
    }

    /// Lists an artifact without content, quickly; returns its digest.
    pub fn listed(&self, repository: &str, tag: &str) -> String {
        self.state().add_listed(repository, tag)
    }

    /// Changes the state once, just before that page of a list is answered whose
    /// path has the fragment in it; a fragment such as `DELETE /tags/` is for a request
    /// of that method.
    pub fn on_page(
        &self,
        fragment: &str,
        page: usize,
        change: impl FnOnce(&mut State) + Send + 'static,
    ) -> &Self {
        let change = (fragment.to_owned(), page, Box::new(change) as _);
        self.state().changes.push(change);
        self
    }

    /// Answers so many requests of that method and part of a path with a status.
    pub fn fail(&self, method: &str, fragment: &str, status: u16, times: u32) -> &Self {
        self.fail_with(method, fragment, times, Failure::status(status))
    }

    /// Lets so many requests fail.
    pub fn fail_with(&self, method: &str, fragment: &str, times: u32, failure: Failure) -> &Self {
        self.fault(method, fragment, (0, times), failure)
    }

    /// Breaks every such request after `pass` of them, until [`FakeHarbor::mend`].
    pub fn fail_always(&self, method: &str, fragment: &str, pass: u32, failure: Failure) -> &Self {
        self.state().faults.push(Fault {
            method: method.to_owned(),
            fragment: fragment.to_owned(),
            pass,
            times: u32::MAX,
            failure,
        });
        self
    }

    /// Breaks nothing any more.
    pub fn mend(&self) -> &Self {
        self.state().faults.clear();
        self
    }

    /// Lets only the nth matching request from now on fail, from 1.
    pub fn fail_at(&self, method: &str, fragment: &str, nth: u32, failure: Failure) -> &Self {
        self.fault(method, fragment, (nth.saturating_sub(1), 1), failure)
    }

    /// Ends the connection of so many requests without doing anything.
    pub fn reset(&self, method: &str, fragment: &str, times: u32) -> &Self {
        self.fail_with(method, fragment, times, Failure::Reset)
    }

    /// Does what so many requests ask for, and ends their connection.
    pub fn lose_answer(&self, method: &str, fragment: &str, times: u32) -> &Self {
        self.fail_with(method, fragment, times, Failure::LostAnswer)
    }

    /// Answers 429 to so many requests, with `Retry-After`.
    pub fn too_many(&self, method: &str, fragment: &str, seconds: u32, times: u32) -> &Self {
        let body = r#"{"errors":[{"code":"TOO_MANY_REQUEST","message":"too many requests"}]}"#;
        let headers = vec![("Retry-After", seconds.to_string())];
        let failure = Failure::Answer(429, headers, body.to_owned());
        self.fail_with(method, fragment, times, failure)
    }

    fn fault(
        &self,
        method: &str,
        fragment: &str,
        (pass, times): (u32, u32),
        failure: Failure,
    ) -> &Self {
        self.state().faults.push(Fault {
            method: method.to_owned(),
            fragment: fragment.to_owned(),
            pass,
            times,
            failure,
        });
        self
    }
}
