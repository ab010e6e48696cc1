//! The daemon's one loop of thought: lines in, commands in line, the core's replies out.
//!
//! An `Engine` is owned by one thread. A connection hands it a batch of lines; it turns them into commands, lets the
//! core decide each in its turn, and writes the replies straight into the outboxes of the connections that asked.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use credpool_core::{
    Command, Core, CredentialKey, Deadline, Disable, LeaseNo, Limits as CoreLimits, Model, Now, Owner, Reply, WaiterNo,
};
use credpool_proto::envelope::Envelope;
use credpool_proto::error::WireError;
use credpool_proto::request::{self, Id, Op};
use credpool_proto::words::ErrorCode;

use crate::access::{Access, Peer};
use crate::catalogue::Catalogue;
use crate::config::Config;
use crate::connection::Outbox;
use crate::journal::{Journal, State};
use crate::sequencer::Sequencer;
use crate::token::{Token, Tokens};

pub(crate) use defines::defines;

use events::Events;
use scope::Scope;
use ticket::{Answer, Asked, Ticket};

pub(crate) use convert::strategy as strategy_name;

mod acquire;
mod convert;
mod defines;
mod definitions;
pub(crate) mod durability;
mod events;
mod explain;
mod hello;
mod history;
mod holders;
mod leases;
mod operator;
mod refresh;
mod report;
mod scope;
mod seen;
mod status;
mod ticket;
mod told;
mod waiting;

/// A connection's number in this run.
pub type ConnectionNo = u64;

/// What identifies this run of the daemon.
#[derive(Clone, Debug)]
pub struct Run {
    /// Drawn at start; it is in every epoch, so that no epoch of another run is taken for one of this.
    pub number: u64,
    /// The same in hexadecimal digits.
    pub name: String,
    /// When it began.
    pub started: Now,
}

/// Everything that the loop owns.
pub struct Engine {
    core: Core,
    sequencer: Sequencer<Ticket>,
    journal: Journal,
    catalogue: Catalogue,
    tokens: Tokens,
    connections: BTreeMap<ConnectionNo, Connection>,
    connections_of: BTreeMap<u32, usize>,
    next_connection: ConnectionNo,
    run: Run,
    config: Rc<Config>,
    access: Access,
    clock: fn() -> Now,
    /// How far the boot clock that the core is shown is ahead of the machine's: see [`State`].
    ahead_ms: u64,
    now: Now,
    /// The batch of changes that the answer which is being written waits for.
    awaited: Option<u64>,
    /// Those with answers that wait.
    awaiting: BTreeSet<ConnectionNo>,
    draining: bool,
    events: Events,
    /// Those who wait for a lease.
    waiting: BTreeMap<WaiterNo, Ticket>,
    /// Those who asked for a reload that is not done yet.
    reloading: Vec<Ticket>,
    reload: Rc<tokio::sync::Notify>,
    due: Rc<tokio::sync::Notify>,
}

struct Connection {
    outbox: Rc<RefCell<Outbox>>,
    peer: Peer,
    /// What the client calls itself, scrubbed: people put keys into the strangest places.
    client: Option<Box<str>>,
    /// Which of those who wait for a lease are its own.
    waiting: BTreeSet<WaiterNo>,
}

impl Engine {
    /// An engine without definitions, which goes on from `state`. `clock` is read once per batch.
    ///
    /// # Errors
    /// The operating system has no randomness to give.
    pub fn new(config: Rc<Config>, access: Access, state: State, clock: fn() -> Now) -> Result<Self, getrandom::Error> {
        let mut seeds = [0; 16];
        getrandom::fill(&mut seeds)?;
        let (seed, number) = seeds.split_at(8);
        let read = |bytes: &[u8]| bytes.iter().fold(0, |number: u64, byte| (number << 8) | u64::from(*byte));
        // 48 bits are enough to tell runs apart, and short enough to be looked at.
        let number = read(number) >> 16;
        let ahead_ms = state.ahead_ms();
        let now = ahead(clock(), ahead_ms);
        let limits = CoreLimits {
            leases: config.limits.leases,
            leases_per_connection: config.limits.leases_per_connection,
            waiters: config.limits.waiters,
            waiters_per_connection: config.limits.waiters_per_connection,
            waiters_per_user: config.limits.waiters_per_uid,
            queues_per_pool: config.limits.queues_per_pool,
            history_per_model: config.limits.history,
            history_per_pool: config.limits.history_per_pool,
            ..CoreLimits::default()
        };
        let (core, journal) = state.start(read(seed), limits, now);
        Ok(Self {
            core,
            sequencer: Sequencer::local(),
            journal,
            catalogue: Catalogue::default(),
            tokens: Tokens::new(),
            connections: BTreeMap::new(),
            connections_of: BTreeMap::new(),
            next_connection: 1,
            run: Run { number, name: format!("{number:012x}"), started: now },
            config,
            access,
            clock,
            ahead_ms,
            now,
            awaited: None,
            awaiting: BTreeSet::new(),
            draining: false,
            events: Events::default(),
            waiting: BTreeMap::new(),
            reloading: Vec::new(),
            reload: Rc::new(tokio::sync::Notify::new()),
            due: Rc::new(tokio::sync::Notify::new()),
        })
    }

    /// Signalled when somebody asks for the definitions to be read again.
    #[must_use]
    pub fn reload_asked(&self) -> Rc<tokio::sync::Notify> {
        Rc::clone(&self.reload)
    }

    /// Signalled when the next deadline has become another.
    #[must_use]
    pub fn deadline_changed(&self) -> Rc<tokio::sync::Notify> {
        Rc::clone(&self.due)
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> &Rc<Config> {
        &self.config
    }

    /// How many connections there are, and how many of them are `uid`'s.
    #[must_use]
    pub fn connections(&self, uid: u32) -> (usize, usize) {
        (self.connections.len(), self.connections_of.get(&uid).copied().unwrap_or(0))
    }

    /// Whether `peer` may connect.
    #[must_use]
    pub fn admits(&self, peer: Peer) -> bool {
        self.access.admits(peer)
    }

    /// Takes a connection on; replies to it will be in the outbox.
    pub fn connect(&mut self, peer: Peer) -> (ConnectionNo, Rc<RefCell<Outbox>>) {
        let number = self.next_connection;
        self.next_connection += 1;
        let outbox = Rc::new(RefCell::new(Outbox::default()));
        let connection = Connection { outbox: Rc::clone(&outbox), peer, client: None, waiting: BTreeSet::new() };
        self.connections.insert(number, connection);
        *self.connections_of.entry(peer.uid).or_default() += 1;
        (number, outbox)
    }

    /// Ends a connection, the leases that are bound to it, and the waiting of its requests. While the daemon stops and
    /// keeps its state, the leases go on without it.
    pub fn disconnect(&mut self, connection: ConnectionNo) {
        let Some(Connection { peer, waiting, .. }) = self.connections.remove(&connection) else { return };
        for no in waiting {
            self.waiting.remove(&no);
        }
        if let Some(count) = self.connections_of.get_mut(&peer.uid) {
            *count -= 1;
            if *count == 0 {
                self.connections_of.remove(&peer.uid);
            }
        }
        self.reloading.retain(|ticket| ticket.connection != connection);
        self.events.forget(connection);
        self.read_clock();
        // Those that the next run will know again can be claimed there.
        if self.draining && self.journal.pen().is_some() {
            return;
        }
        self.command(Command::Disconnect(owner(&self.run, connection, peer)), Ticket::nobody());
        self.settle();
    }

    /// Stops serving: whoever waits is told so, what is owed is sent, then each connection ends.
    pub fn drain(&mut self) {
        self.draining = true;
        self.refuse_waiters();
        for connection in self.connections.values() {
            connection.outbox.borrow_mut().close();
        }
    }

    /// Reads the clocks for the batch of lines that follows.
    pub fn read_clock(&mut self) {
        self.now = self.reading();
    }

    fn reading(&self) -> Now {
        ahead((self.clock)(), self.ahead_ms)
    }

    /// Lets time pass: what has become due happens.
    pub fn tick(&mut self) {
        self.read_clock();
        self.command(Command::Tick, Ticket::nobody());
        self.settle();
    }

    /// Milliseconds until the next deadline, by the clocks as they stand.
    #[must_use]
    pub fn until_next_deadline(&self) -> Option<u64> {
        let now = self.reading();
        let Deadline { boot, wall } = self.core.next_deadline();
        let boot = boot.map(|at| at.since(now.boot));
        let wall = wall.map(|at| at.since(now.wall));
        boot.into_iter().chain(wall).min()
    }

    /// Answers a line that is longer than the limit.
    pub fn too_long(&mut self, connection: ConnectionNo) {
        let error = WireError::line_too_long(self.config.limits.request_line_bytes);
        self.refuse(connection, None, &[], &error);
    }

    /// Answers one line.
    pub fn line(&mut self, connection: ConnectionNo, line: &[u8]) {
        match request::decode(line) {
            Ok(request) => self.request(connection, request),
            Err(rejected) => self.refuse(connection, rejected.id.as_ref(), &[], &rejected.error),
        }
        self.settle();
    }

    fn request(&mut self, connection: ConnectionNo, request: request::Request<'_>) {
        if self.draining {
            return self.refuse(connection, request.id.as_ref(), &request.unknown, &draining());
        }
        let Some(peer) = self.connections.get(&connection).map(|connection| connection.peer) else { return };
        let asked = Asked { connection, peer, id: request.id, unknown: request.unknown };
        let answered = match request.op {
            Op::Hello { client, protocols } => self.hello(&asked, client.as_deref(), &protocols),
            Op::Ping => self.ping(&asked),
            Op::Acquire { pool, options } => self.acquire(&asked, &pool, &options),
            Op::ReportError(report) => self.report(&asked, &report),
            Op::Release(release) => self.release(&asked, &release),
            Op::Renew { lease, ttl_ms, detach } => self.renew(&asked, &lease, ttl_ms, detach),
            Op::Claim { lease } => self.claim(&asked, &lease),
            Op::Status(page) => self.status(&asked, &page),
            Op::Explain { pool, options } => self.explain(&asked, &pool, &options),
            Op::History { pool, profile, credential, model, limit } => {
                self.history(&asked, &pool, profile.as_deref(), credential.as_deref(), model.as_deref(), limit)
            }
            Op::Clear { pool, profile, credential, model } => {
                self.clear(&asked, &pool, profile.as_deref(), credential.as_deref(), model.as_deref())
            }
            Op::Disable { pool, profile, credential, for_ms, note } => {
                let disable =
                    |credential| Disable { credential, for_ms, note: convert::arc(note.as_deref().unwrap_or("")) };
                self.switch(&asked, &pool, profile.as_deref(), &credential, |key| Command::Disable(disable(key)))
            }
            Op::Enable { pool, profile, credential } => {
                self.switch(&asked, &pool, profile.as_deref(), &credential, Command::Enable)
            }
            Op::Reload => self.ask_reload(&asked),
            Op::Subscribe { pool, profile } => self.subscribe(&asked, pool.as_deref(), profile.as_deref()),
            Op::Refresh { pool, profile, credential, stale } => {
                self.refresh(&asked, &pool, profile.as_deref(), &credential, &stale)
            }
            Op::RefreshDone { ticket, outcome, message } => {
                self.refresh_done(&asked, &ticket, outcome, message.as_deref())
            }
        };
        if let Err(error) = answered {
            self.refuse(connection, asked.id.as_ref(), &asked.unknown, &error);
        }
    }

    // ---- commands and replies ----------------------------------------------------------------------------------

    fn command(&mut self, command: Command, ticket: Ticket) {
        self.sequencer.submit(command, ticket);
    }

    /// Lets the core decide whatever has its place in the order, and answers.
    fn settle(&mut self) {
        let before = self.core.next_deadline();
        while let Some((command, ticket)) = self.sequencer.next() {
            let reply = self.core.apply(self.now, command);
            self.record();
            self.tell_changes(ticket.connection);
            self.answer_waiters(self.core.settled().to_vec());
            match reply {
                Reply::Queued(no) => self.keep_waiting(no, ticket),
                reply => self.say(&ticket, reply),
            }
        }
        if self.core.next_deadline() != before {
            self.due.notify_one();
        }
    }

    /// Takes note of what the last command changed, for the disk and for those who are told of it.
    fn record(&mut self) {
        self.journal.record(&self.core);
        self.events.note(&self.core);
    }

    /// Answers, once the disk has what the answer says if that has to be.
    fn say(&mut self, ticket: &Ticket, reply: Reply) {
        self.awaited = self.awaited_by(&reply);
        if self.awaited.is_some() {
            self.awaiting.insert(ticket.connection);
        }
        self.answer(ticket, reply);
        self.awaited = None;
    }

    fn answer(&mut self, ticket: &Ticket, reply: Reply) {
        match reply {
            Reply::Acquired(result) => self.acquired(ticket, result),
            Reply::Reported(result) => self.reported(ticket, result),
            Reply::Released(result) => self.released(ticket, result),
            Reply::Renewed(result) => self.renewed(ticket, result),
            Reply::Claimed(result) => self.claimed(ticket, result),
            Reply::Cleared(result) => self.cleared(ticket, result),
            Reply::Switched(result) => self.switched(ticket, result),
            Reply::Renewing(result) => self.renewing(ticket, result),
            Reply::RenewalEnded(result) => self.renewal_ended(ticket, result),
            Reply::Queued(_) | Reply::Defined(_) | Reply::Imported(_) | Reply::Disconnected(_) | Reply::Ticked => {}
        }
    }

    /// Writes a reply. A client that has gone by now is told nothing.
    fn reply<T: serde::Serialize>(&self, ticket: &Ticket, body: &T) {
        let envelope = Envelope {
            id: ticket.id.as_ref(),
            unknown: &ticket.unknown,
            warnings: &ticket.warnings,
            durable: self.journal.is_durable(),
            ..Envelope::default()
        };
        self.write(ticket.connection, |out| envelope.ok(out, body));
    }

    fn reply_error(&self, ticket: &Ticket, error: &WireError<'_>) {
        self.refuse(ticket.connection, ticket.id.as_ref(), &ticket.unknown, error);
    }

    fn refuse(&self, connection: ConnectionNo, id: Option<&Id<'_>>, unknown: &[Cow<'_, str>], error: &WireError<'_>) {
        let envelope = Envelope { id, unknown, durable: self.journal.is_durable(), ..Envelope::default() };
        self.write(connection, |out| envelope.error(out, error));
    }

    fn write(&self, connection: ConnectionNo, render: impl FnOnce(&mut Vec<u8>)) {
        if let Some(connection) = self.connections.get(&connection) {
            let mut outbox = connection.outbox.borrow_mut();
            let before = outbox.bytes().len();
            render(outbox.bytes());
            if let Some(batch) = self.awaited {
                let written = outbox.bytes().len() - before;
                outbox.hold(written, batch);
            }
            outbox.wake();
        }
    }

    // ---- what several operations need --------------------------------------------------------------------------

    fn draw_token(&mut self) -> Result<Token, WireError<'static>> {
        self.tokens.draw().map_err(|error| {
            tracing::error!(%error, "no randomness for a lease id");
            WireError::internal()
        })
    }

    fn must_be_admin(&self, asked: &Asked<'_>, what: &str) -> Result<(), WireError<'static>> {
        if self.access.is_admin(asked.peer) {
            Ok(())
        } else {
            let message = format!("{what} is for the admins that the daemon's config names under access.admins");
            Err(WireError::new(ErrorCode::Forbidden, message))
        }
    }

    /// A duration of a request, if it keeps to the limit.
    fn ttl(&self, ttl_ms: Option<u64>) -> Result<Option<u64>, WireError<'static>> {
        let most = self.config.limits.ttl_ms;
        match ttl_ms {
            Some(0) => Err(WireError::bad_request("ttl_ms must be at least 1")),
            Some(ms) if ms > most => Err(WireError::limit("ttl_ms", most, "ttl_ms is too long")),
            ttl_ms => Ok(ttl_ms),
        }
    }

    /// The public number of a lease, for the log.
    fn log_lease(&self, no: LeaseNo, what: &str, key: CredentialKey) {
        if let Some(id) = self.catalogue.id(key) {
            tracing::debug!(lease = no.0, credential = %id, "{what}");
        }
    }
}

/// The engine as one connection sees it.
pub struct Lines {
    /// The engine, shared with the other connections of the loop.
    pub engine: Rc<RefCell<Engine>>,
    /// The connection.
    pub connection: ConnectionNo,
}

impl crate::connection::Service for Lines {
    fn begin(&self) {
        self.engine.borrow_mut().read_clock();
    }

    fn line(&self, line: &[u8]) {
        self.engine.borrow_mut().line(self.connection, line);
    }

    fn too_long(&self) {
        self.engine.borrow_mut().too_long(self.connection);
    }
}

/// The time as the core is shown it.
fn ahead(now: Now, ms: u64) -> Now {
    Now { boot: now.boot.after(ms), ..now }
}

/// A connection of this run, as leases are bound to it.
fn owner(run: &Run, connection: ConnectionNo, peer: Peer) -> Owner {
    Owner { run: run.number, connection, user: peer.uid }
}

fn draining() -> WireError<'static> {
    WireError::new(ErrorCode::Draining, "the daemon is shutting down; connect again")
}

/// `Arc<str>` of a model that a request names.
fn model_of(model: Option<&str>) -> Option<Model> {
    model.map(Arc::from)
}
