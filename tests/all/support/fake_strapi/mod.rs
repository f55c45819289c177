//! A modelled Strapi: its transfer runner, for pulls and pushes, as recorded sessions of real ones show it.
//!
//! It holds a site in memory and does with it what Strapi 5.54 or 4.26 would: one transaction a push, files that are
//! gone at once, a backup of them that goes with the end of their stage, a process that dies where Strapi's does. What
//! else can go wrong is asked for as a [`Fault`]. It keeps all that comes, see [`Record`].
//!
//! What it says of real servers is only as good as the recordings; `remote_proofs` asks real ones.

pub mod content;
pub mod faults;
pub mod frames;
mod incoming;
pub mod names;
pub mod pull;
pub mod push;
pub mod record;
pub mod site;
#[cfg(test)]
mod tests;
mod upgrade;
mod work;

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

pub use content::Content;
pub use faults::{Fault, Harm, Hold, Point};
pub use record::Record;
pub use site::Site;

/// A token that may do everything.
pub const FULL: &str = "f111f111f111f111f111f111f111f111";
/// A token for pushes only.
pub const PUSH: &str = "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5";
/// A token for pulls only.
pub const PULL: &str = "b01db01db01db01db01db01db01db01d";
/// A token whose time is over.
pub const EXPIRED: &str = "e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0";

/// The server. It lives as long as the process; nothing of it is left on a disk.
pub struct FakeStrapi {
    /// Its port on loopback.
    pub port: u16,
    shared: Arc<Shared>,
}

/// What all connections share.
pub struct Shared {
    site: Mutex<Site>,
    changed: Condvar,
    faults: Mutex<Vec<Fault>>,
    record: Record,
    sockets: AtomicUsize,
}

impl FakeStrapi {
    /// Serves a site as it should be served.
    pub fn start(site: Site) -> FakeStrapi {
        FakeStrapi::with_faults(site, [])
    }

    /// Serves a site, and does these things on the way.
    pub fn with_faults(site: Site, faults: impl IntoIterator<Item = Fault>) -> FakeStrapi {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            site: Mutex::new(site),
            changed: Condvar::new(),
            faults: Mutex::new(faults.into_iter().collect()),
            record: Record::default(),
            sockets: AtomicUsize::new(0),
        });
        let of_all = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                if of_all.site().dead {
                    of_all.site().was_missed = true;
                    of_all.changed.notify_all();
                    continue;
                }
                let number = of_all.sockets.fetch_add(1, Ordering::Relaxed);
                let shared = Arc::clone(&of_all);
                thread::spawn(move || upgrade::serve(stream, number, &shared));
            }
        });
        FakeStrapi { port, shared }
    }

    /// The address of its admin panel.
    pub fn url(&self) -> String {
        let path = self.site().path.clone();
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The site as it is now.
    pub fn site(&self) -> MutexGuard<'_, Site> {
        self.shared.site()
    }

    /// What came.
    pub fn record(&self) -> &Record {
        &self.shared.record
    }

    /// Asks for something more to go wrong.
    pub fn add(&self, fault: Fault) {
        self.shared.faults.lock().unwrap().push(fault);
    }

    /// Waits until nobody is connected, so that what a cut does to the site is done.
    pub fn wait_until_left(&self) {
        let site = self.site();
        let _site = self
            .shared
            .changed
            .wait_while(site, |site| site.connected > 0)
            .unwrap();
    }

    /// Waits until its process has ended, and somebody asked for it in vain.
    pub fn wait_until_dead(&self) {
        let site = self.site();
        let _site = self
            .shared
            .changed
            .wait_while(site, |site| !site.dead || !site.was_missed)
            .unwrap();
    }

    /// Starts it again after its process has ended: an open transaction is forgotten, the files are as they are.
    pub fn restart(&self) {
        let mut site = self.site();
        site.dead = false;
        site.transaction_of = None;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn site(&self) -> MutexGuard<'_, Site> {
        self.site.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process ends.
    fn die(&self) {
        self.site().dead = true;
        self.changed.notify_all();
    }

    /// What is to go wrong here, if anything is; it counts as done.
    fn harm_at(&self, point: &Point) -> Option<Harm> {
        let mut faults = self.faults.lock().unwrap();
        faults.iter_mut().find_map(|fault| fault.strike(point))
    }
}
