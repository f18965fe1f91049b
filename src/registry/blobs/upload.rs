//! A blob sent to a registry: mounted where it has it in another repository, else
//! sent in one request, and gone on with where that breaks off (distribution spec,
//! "Pushing blobs").

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::stream::unfold;
use reqwest::header::RANGE;
use reqwest::{Body, Method, Url};
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::flow::Flow;
use super::supply::Supply;
use super::{Failure, How};
use crate::domain::reference::{Digest, Reference, Repository};
use crate::registry::auth::denied;
use crate::registry::error::{Error, Reason, Result};
use crate::registry::exchange::{Ask, found, refused_always};
use crate::registry::requests::Client;
use crate::registry::transport::{
    self, Answer, Request, Sending, Watch, asked, is_passing, pause, same_origin,
};

/// How often an upload is gone on with without having come further.
const MOST_TRIES: u32 = 5;

/// Bytes that count as having come further.
const FURTHER: u64 = 1024 * 1024;

/// Bytes of a piece where a registry, or what stands before it, takes no whole blob.
const CHUNK: u64 = 16 * 1024 * 1024;

/// A blob, and where it goes.
pub struct Upload<'a> {
    pub client: &'a Arc<Client>,
    /// The registry and the repository.
    pub to: &'a Reference,
    pub digest: &'a Digest,
    pub size: u64,
    pub supply: &'a Supply,
    /// A repository of the same registry that has it.
    pub mount: Option<&'a Repository>,
    /// How many bytes have been handed over.
    pub moved: &'a Arc<AtomicU64>,
}

/// A place that takes a blob.
struct Session {
    url: Url,
    /// The fewest bytes of a piece that is not the last (`OCI-Chunk-Min-Length`).
    least: u64,
}

enum Begun {
    Mounted,
    Session(Session),
}

/// What became of the bytes that were sent.
enum Sent {
    Whole,
    /// The next ones go to another place.
    Piece(Session),
    /// It takes no body as large as this.
    TooLarge,
    /// Not all came, or nobody knows how many.
    Broken(String, Option<std::time::Duration>),
    /// The place is not known any more, or the bytes in it are not the right ones.
    Lost(Error),
}

impl Upload<'_> {
    /// Brings the blob there.
    ///
    /// # Errors
    /// Where it cannot be had, is not what its digest says, or is not taken.
    pub async fn run(&self) -> std::result::Result<How, Failure> {
        let mut session = match self.begin().await? {
            Begun::Mounted => return Ok(How::Mounted),
            // Nothing was asked before the mount, which it did not do.
            Begun::Session(_) if self.mount.is_some() && self.is_there().await? => {
                return Ok(How::Present);
            }
            Begun::Session(session) => session,
        };
        let blob = (self.digest, self.size);
        let flow = Flow::new(self.client, self.supply, blob, &self.attempt());
        let flow = Arc::new(Mutex::new(flow));
        let (mut tries, mut furthest, mut chunk) = (0, 0, u64::MAX);
        loop {
            let sent = self.send(&session, &flow, chunk).await?;
            if let Some(failure) = flow.lock().await.failure.take() {
                return Err(failure);
            }
            let (cause, wait) = match sent {
                Sent::Whole => return Ok(How::Sent),
                Sent::Piece(next) => {
                    session = next;
                    continue;
                }
                Sent::TooLarge if chunk == u64::MAX => {
                    session = self.begin_anew(&flow).await?;
                    chunk = CHUNK.max(session.least);
                    continue;
                }
                Sent::TooLarge => (format!("it does not take even {chunk} bytes"), None),
                Sent::Broken(cause, wait) => (cause, wait),
                Sent::Lost(error) => {
                    if self.is_there().await? {
                        // The answer that said so was lost.
                        return Ok(How::Sent);
                    }
                    tries += 1;
                    if tries >= MOST_TRIES {
                        return Err(error.into());
                    }
                    session = self.begin_anew(&flow).await?;
                    continue;
                }
            };
            tries += 1;
            if tries >= MOST_TRIES {
                return Err(self.given_up(&cause, tries).into());
            }
            let timing = self.client.transport.settings.timing;
            let wait = wait.unwrap_or_else(|| pause(timing.pause, tries));
            sleep(wait.min(timing.total)).await;
            session = match self.whereabouts(&session).await {
                Some((known, at)) => {
                    // Only what the registry says that it has is further.
                    if at >= furthest + FURTHER {
                        (tries, furthest) = (0, at);
                    }
                    flow.lock().await.go_back(at);
                    known
                }
                None if self.is_there().await? => return Ok(How::Sent),
                None => self.begin_anew(&flow).await?,
            };
        }
    }

    fn attempt(&self) -> String {
        let place = format!("{}/{}", self.to.registry(), self.to.repository());
        format!("cannot send the blob `{}` to `{place}`", self.digest)
    }

    fn given_up(&self, cause: &str, tries: u32) -> Error {
        let host = self.to.registry();
        Error::new(Reason::Unavailable, self.attempt())
            .because(format!("`{host}`: {cause}, {tries} times"))
            .hint("try again later: what is there already is not sent again")
    }

    async fn is_there(&self) -> Result<bool> {
        self.client.has_blob(self.to, self.digest).await
    }

    async fn begin(&self) -> Result<Begun> {
        if let Some(from) = self.mount {
            match self.post(Some(from)).await {
                Ok(begun) => return Ok(begun),
                // Who may not mount it may still send it.
                Err(error) if error.reason == Reason::Unavailable => return Err(error),
                Err(_) => {}
            }
        }
        self.post(None).await
    }

    async fn begin_anew(&self, flow: &Mutex<Flow>) -> Result<Session> {
        flow.lock().await.go_back(0);
        match self.post(None).await? {
            Begun::Session(session) => Ok(session),
            Begun::Mounted => Err(Error::violation(
                self.attempt(),
                "it says that the blob is there, and that it is not",
            )),
        }
    }

    async fn post(&self, mount: Option<&Repository>) -> Result<Begun> {
        let attempt = self.attempt();
        let path = match mount {
            Some(from) => format!("blobs/uploads/?mount={}&from={from}", self.digest),
            None => "blobs/uploads/".to_owned(),
        };
        let ask = Ask {
            actions: "pull,push",
            from: mount,
            ..Ask::of(self.to, &Method::POST, &path, &attempt)
        };
        let answer = found(self.client.ask(ask).await?, ask)?;
        if answer.status == 201 {
            return Ok(Begun::Mounted);
        }
        let request = Request::new(Method::POST, answer.url.clone(), &attempt);
        Ok(Begun::Session(self.session(&request, &answer)?))
    }

    fn session(&self, request: &Request, answer: &Answer) -> Result<Session> {
        let least = answer.header("oci-chunk-min-length");
        Ok(Session {
            url: self.client.transport.place_of(request, answer)?,
            least: least.and_then(|text| text.parse().ok()).unwrap_or(0),
        })
    }

    /// Sends what is left, or a piece of it.
    async fn send(&self, session: &Session, flow: &Arc<Mutex<Flow>>, chunk: u64) -> Result<Sent> {
        let attempt = self.attempt();
        let at = flow.lock().await.at();
        let length = (self.size - at).min(chunk);
        let is_last = at + length == self.size;
        let mut url = session.url.clone();
        if is_last {
            url.query_pairs_mut()
                .append_pair("digest", self.digest.as_str());
        }
        let method = if is_last { Method::PUT } else { Method::PATCH };
        let base = self.client.transport.base(self.to.registry()).await?;
        let is_elsewhere = !same_origin(&url, &base);
        let mut request = Request {
            home: Some(base.clone()),
            ..Request::new(method.clone(), url, &attempt)
        };
        let ask = Ask {
            actions: "pull,push",
            ..Ask::of(self.to, &method, "", &attempt)
        };
        let target = ask.target(&base);
        let (client, transport) = (self.client, &self.client.transport);
        let mut shown = None;
        if !is_elsewhere {
            shown = client.auth.ahead(transport, &target, &attempt).await?;
        }
        let mut answer = None;
        // As it is, and once more where the token ran out.
        for _ in 0..2 {
            // Who still sends the body of a request that was answered must not go on.
            let turn = flow.lock().await.turn_to(at);
            request.authorization = shown.as_ref().map(|shown| shown.header.clone());
            let watch = Arc::new(Watch::default());
            let sending = Sending {
                body: self.body((flow, turn), length, &watch),
                length,
                whole: if is_last { self.size } else { length },
                range: (length > 0 && (at > 0 || !is_last))
                    .then(|| format!("{at}-{}", (at + length).saturating_sub(1))),
                watch,
                is_elsewhere,
            };
            let came = match transport.upload(&request, sending).await {
                Ok(came) => came,
                Err(transport::Failure::Final(error)) => return Err(error),
                Err(transport::Failure::Passing(cause) | transport::Failure::Unasked(cause)) => {
                    return Ok(Sent::Broken(cause, None));
                }
            };
            client.notice(self.to.registry(), &came);
            if came.status != 401 || is_elsewhere {
                answer = Some(came);
                break;
            }
            let next = client.show_again(&target, shown.as_ref(), &came, &attempt);
            shown = Some(next.await?);
        }
        let answer = answer.ok_or_else(|| refused_always(self.to.registry(), &attempt))?;
        let status = answer.status;
        if status.is_success() {
            return Ok(match is_last {
                true => Sent::Whole,
                false => Sent::Piece(self.session(&request, &answer)?),
            });
        }
        Ok(match status.as_u16() {
            413 => Sent::TooLarge,
            416 => Sent::Broken("it has other bytes than were expected".to_owned(), None),
            403 => {
                let told = denied(&target, &answer, shown.as_ref(), &attempt);
                return Err(told);
            }
            _ if is_passing(status) => {
                let wait = asked(&answer.headers, jiff::Timestamp::now());
                Sent::Broken(format!("it answered {status}"), wait)
            }
            // It lost the place, or what came in two parts is not one.
            404 | 400 | 409 | 410 if at > 0 || status == 404 => match found(answer, ask) {
                Err(error) => Sent::Lost(error),
                Ok(_) => Sent::Whole,
            },
            _ => return found(answer, ask).map(|_| Sent::Whole),
        })
    }

    fn body(
        &self,
        (flow, turn): (&Arc<Mutex<Flow>>, u64),
        length: u64,
        watch: &Arc<Watch>,
    ) -> Body {
        let state = (
            Arc::clone(flow),
            length,
            Arc::clone(watch),
            Arc::clone(self.moved),
        );
        watch.handed(length == 0);
        if length == 0 {
            return Body::from("");
        }
        Body::wrap_stream(unfold(
            state,
            move |(flow, left, watch, moved)| async move {
                if left == 0 {
                    return None;
                }
                watch.wanted();
                let mut held = flow.lock().await;
                let piece = held.next(turn, left).await;
                moved.store(held.at(), Ordering::Relaxed);
                drop(held);
                // The connection is given up, and what was sent is never made a blob.
                let Some(piece) = piece else {
                    let state = (flow, 0, watch, moved);
                    return Some((Err(io::Error::other("the blob came to no end")), state));
                };
                let left = left.saturating_sub(piece.len() as u64);
                watch.handed(left == 0);
                Some((Ok(piece), (flow, left, watch, moved)))
            },
        ))
    }

    /// Returns the place anew, and how many bytes it has; nothing where that is not
    /// known.
    async fn whereabouts(&self, session: &Session) -> Option<(Session, u64)> {
        let attempt = self.attempt();
        let base = self.client.transport.base(self.to.registry()).await.ok()?;
        if !same_origin(&session.url, &base) {
            return None;
        }
        let ask = Ask {
            actions: "pull,push",
            ..Ask::of(self.to, &Method::GET, session.url.as_str(), &attempt)
        };
        let answer = self.client.ask(ask).await.ok()?;
        let range = answer.headers.get(RANGE)?.to_str().ok()?;
        let last: u64 = range
            .trim_start_matches("bytes=")
            .strip_prefix("0-")?
            .parse()
            .ok()?;
        // `0-0` is said of no byte, and of one.
        if !answer.status.is_success() || last == 0 || last >= self.size {
            return None;
        }
        let request = Request::new(Method::GET, session.url.clone(), &attempt);
        let known = self.session(&request, &answer).unwrap_or(Session {
            url: session.url.clone(),
            least: session.least,
        });
        Some((known, last + 1))
    }
}
