//! A server before moto that does what moto leaves out: it checks every signature, whether it stands in a header or in
//! the URL, and lets nobody without one do more than read what is public. It also does what stores do now and then.
//!
//! Moto as it starts takes anything that looks like a signature; told to ask for signatures, it fails at those in URLs and
//! at readers without any. Which objects are public it knows.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use super::signed::Request;

/// What goes wrong with the reading of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The first so many times it is asked for, the store is too busy.
    Busy(usize),
    /// The first so many times, the connection breaks in the middle of it.
    Broken(usize),
    /// The first so many times, nothing more comes after the middle of it.
    Stalled(usize),
    /// Whoever asks for it waits until so many others were asked for.
    Slow(usize),
    /// It is somewhere else.
    Moved(String),
}

/// Where a request that changes something is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The store does not get it.
    Before,
    /// The store has done it, and whoever asked does not learn of it.
    After,
}

/// The gate.
pub struct Gate {
    pub port: u16,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    /// Paths of objects with the bucket before them.
    faults: BTreeMap<String, Fault>,
    /// Methods and paths of the requests that came.
    requests: Vec<(String, String)>,
    /// By bucket, which request that changes something is stopped, how many of them are left before it, and whether it
    /// has come.
    stops: BTreeMap<String, (Moment, usize, bool)>,
    /// Buckets that say nothing any more once a request was stopped.
    silent: BTreeSet<String>,
    /// Buckets whose clock is an hour ahead.
    later: BTreeSet<String>,
}

impl Gate {
    /// One before a port.
    pub fn new(behind: u16) -> Gate {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::<(Mutex<State>, Condvar)>::default();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    // Whoever goes away in the middle has what they wanted.
                    let _ = serve(client.unwrap(), behind, &shared);
                });
            }
        });
        Gate { port, state }
    }

    /// Has something go wrong with an object.
    pub fn fault(&self, bucket: &str, key: &str, fault: Fault) {
        let path = format!("/{bucket}/{key}");
        self.state.0.lock().unwrap().faults.insert(path, fault);
    }

    /// The methods and keys of the requests about objects of a bucket that have come so far.
    pub fn requests(&self, bucket: &str) -> Vec<(String, String)> {
        let state = self.state.0.lock().unwrap();
        let of = state.requests.iter().filter_map(|(method, path)| {
            let key = path.strip_prefix(&format!("/{bucket}/"))?;
            Some((method.clone(), key.to_owned()))
        });
        of.collect()
    }

    /// Stops a request that changes something in a bucket, once so many others have come. It stays without an answer.
    pub fn stop(&self, bucket: &str, moment: Moment, after: usize) {
        let stop = (moment, after, false);
        self.state
            .0
            .lock()
            .unwrap()
            .stops
            .insert(bucket.into(), stop);
    }

    /// The same, and nothing that comes after it gets an answer either.
    pub fn fall_silent(&self, bucket: &str, after: usize) {
        self.stop(bucket, Moment::Before, after);
        self.state.0.lock().unwrap().silent.insert(bucket.into());
    }

    /// Waits until a request was stopped, or whoever should have asked is done; whether it was.
    pub fn wait_for_stop(&self, bucket: &str, asks: &mut Child) -> bool {
        let (state, changed) = &*self.state;
        let mut state = state.lock().unwrap();
        loop {
            if state.stops[bucket].2 {
                return true;
            }
            if asks.try_wait().unwrap().is_some() {
                return false;
            }
            let pause = Duration::from_millis(20);
            state = changed.wait_timeout(state, pause).unwrap().0;
        }
    }

    /// Lets an hour pass for a bucket, and stops nothing there any more.
    pub fn let_an_hour_pass(&self, bucket: &str) {
        let mut state = self.state.0.lock().unwrap();
        state.stops.remove(bucket);
        state.silent.remove(bucket);
        state.later.insert(bucket.into());
    }
}

fn serve(mut client: TcpStream, behind: u16, shared: &(Mutex<State>, Condvar)) -> io::Result<()> {
    let request = match Request::read(&mut client)? {
        Some(request) => request,
        None => return Ok(()),
    };
    if let Err((status, code)) = request.check() {
        let body = format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>");
        return write!(
            client,
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n\r\n{}",
            body.len(),
            if request.method == "HEAD" { "" } else { &body }
        );
    }
    let fault = fault_of(&request, shared);
    match &fault {
        Some(Fault::Busy(_)) => {
            return client.write_all(
                b"HTTP/1.1 503 Slow Down\r\nConnection: close\r\nContent-Length: 36\r\n\r\n\
                <Error><Code>SlowDown</Code></Error>",
            );
        }
        Some(Fault::Moved(url)) => {
            let head = "HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0";
            return write!(client, "{head}\r\nLocation: {url}\r\n\r\n");
        }
        _ => {}
    }
    let bucket = request.path.split('/').nth(1).unwrap_or_default();
    let stop = stop_of(&request, bucket, shared);
    let mut answer = Vec::new();
    if stop != Some(Moment::Before) {
        answer = request.forward(behind)?;
    }
    if stop.is_some() {
        let (state, changed) = shared;
        if let Some(stop) = state.lock().unwrap().stops.get_mut(bucket) {
            stop.2 = true;
        }
        changed.notify_all();
        // Until they give up.
        return client.read(&mut [0]).map(drop);
    }
    if shared.0.lock().unwrap().later.contains(bucket) {
        an_hour_later(&mut answer);
    }
    if !matches!(fault, Some(Fault::Broken(_) | Fault::Stalled(_))) {
        return client.write_all(&answer);
    }
    let head = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap() + 4;
    client.write_all(&answer[..head + (answer.len() - head) / 2])?;
    match fault {
        // Until they give up.
        Some(Fault::Stalled(_)) => client.read(&mut [0]).map(drop),
        _ => Ok(()),
    }
}

/// Whether this is the request that is stopped.
fn stop_of(request: &Request, bucket: &str, shared: &(Mutex<State>, Condvar)) -> Option<Moment> {
    let mut state = shared.0.lock().unwrap();
    let is_over = state.stops.get(bucket).is_some_and(|stop| stop.2);
    if is_over && state.silent.contains(bucket) {
        return Some(Moment::Before);
    }
    if ["GET", "HEAD"].contains(&request.method.as_str()) {
        return None;
    }
    let (moment, left, stopped) = state.stops.get_mut(bucket)?;
    if *left == 0 {
        return Some(*moment).filter(|_| !*stopped);
    }
    *left -= 1;
    None
}

/// Puts forward the clock of an answer.
fn an_hour_later(answer: &mut Vec<u8>) {
    const FORMAT: &str = "%a, %d %b %Y %H:%M:%S GMT";
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let date = head
        .lines()
        .find(|line| line.starts_with("Date: "))
        .unwrap();
    let time = jiff::civil::DateTime::strptime(FORMAT, &date["Date: ".len()..]).unwrap();
    let time = time + jiff::Span::new().hours(1);
    let head = head.replace(date, &format!("Date: {}", time.strftime(FORMAT)));
    answer.splice(..end, head.into_bytes());
}

/// What to do to this request. Those that are to go as they should wait here if they have to.
fn fault_of(request: &Request, shared: &(Mutex<State>, Condvar)) -> Option<Fault> {
    let (state, changed) = shared;
    let mut state = state.lock().unwrap();
    let Request { method, path, .. } = request;
    if !request.is_of_an_object() {
        // Lists have the key that is none.
        let list = format!("{}/", path.trim_end_matches('/'));
        let fault = state.faults.get(&list).filter(|_| method == "GET");
        return fault.cloned();
    }
    state.requests.push((method.clone(), path.clone()));
    changed.notify_all();
    if method != "GET" {
        return None;
    }
    match state.faults.get_mut(path)? {
        Fault::Busy(left) | Fault::Broken(left) | Fault::Stalled(left) if *left == 0 => None,
        fault @ (Fault::Busy(_) | Fault::Broken(_) | Fault::Stalled(_)) => {
            let now = fault.clone();
            if let Fault::Busy(left) | Fault::Broken(left) | Fault::Stalled(left) = fault {
                *left -= 1;
            }
            Some(now)
        }
        Fault::Moved(url) => Some(Fault::Moved(url.clone())),
        Fault::Slow(others) => {
            let others = *others;
            let bucket = path.split('/').nth(1).map(|name| format!("/{name}/"));
            let bucket = bucket.unwrap();
            let waits = |state: &mut State| {
                let read = state.requests.iter().filter(|(method, read)| {
                    method == "GET" && read.starts_with(&bucket) && read != path
                });
                read.map(|(_, read)| read).collect::<BTreeSet<_>>().len() < others
            };
            drop(changed.wait_while(state, waits).unwrap());
            None
        }
    }
}
