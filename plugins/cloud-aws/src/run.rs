//! One call of the plugin: as much of the plan as the limits of a call allow.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use palisade_sdk::{Error, Page, Resource, clock};
use serde_json::{Map, Value};

use crate::client::{Client, ask};
use crate::cursor::{Cursor, Items, Listing, Task, Work, fingerprint};
use crate::endpoint::Partition;
use crate::failure::Failure;
use crate::item::{Spot, items, text};
use crate::settings::{Settings, is_account, is_region};
use crate::steps::STEPS;

/// Pages of one listing after which it is taken for endless, and tokens that are remembered of it.
const TOKENS_MAX: usize = 1_000;
/// Largest body that the platform takes, in bytes.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of bodies after which a call ends, so that what crosses to the platform stays far below its limit.
const BODIES_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Resources after which a call ends.
const RESOURCES_MAX: usize = 4_000;
/// Longest asset id, in bytes.
const ASSET_BYTES_MAX: usize = 2 * 1024;

/// What one call gathers.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) client: Client<'a>,
    /// How often the next request has failed in a row.
    tries: Cell<u32>,
    /// Whether the failure that is on its way up has been counted.
    counted: Cell<bool>,
    /// Subject to message and how often.
    missing: RefCell<BTreeMap<String, (String, u32)>>,
    resources: RefCell<Vec<Resource>>,
    bytes: Cell<usize>,
}

/// Fetches the page at a cursor.
pub(crate) fn collect(settings: &Settings, cursor: Option<&str>) -> Result<Page, Error> {
    let mut cursor = cursor.map_or_else(|| Ok(Cursor::first(settings)), Cursor::read)?;
    let now = clock::now() / 1_000_000;
    if let Some(left) = cursor.left(now) {
        return Err(Error::RetryAfter(left));
    }
    cursor.wait(None);
    let run = Run::new(settings, &cursor);
    let outcome = run.go(settings, &mut cursor);
    cursor.tries = run.tries.get();
    let next = match outcome {
        Ok(()) => None,
        Err(Failure::Spent) => Some(cursor.text()?),
        Err(Failure::Session(message)) => {
            return Err(Error::Host(format!("AWS does not take the credentials any more: {message}")));
        }
        Err(failure) if failure.tries().is_some() => {
            let salt = fingerprint(&format!("{} {now}", cursor.account));
            let pause = u64::try_from(failure.pause(cursor.tries, salt).as_millis()).unwrap_or(u64::MAX);
            cursor.wait(Some(now.saturating_add(pause.max(1))));
            Some(cursor.text()?)
        }
        Err(failure) => return Err(Error::Host(failure.message())),
    };
    let mut page = Page::new(run.resources.into_inner()).next(next);
    for (subject, (message, count)) in run.missing.into_inner() {
        let more = if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
        page = page.missing(subject, format!("{message}{more}"));
    }
    Ok(page)
}

impl<'a> Run<'a> {
    fn new(settings: &'a Settings, cursor: &Cursor) -> Self {
        Self {
            client: Client::new(settings, cursor.partition, &cursor.account),
            tries: Cell::new(cursor.tries),
            counted: Cell::new(false),
            missing: RefCell::default(),
            resources: RefCell::default(),
            bytes: Cell::new(0),
        }
    }

    fn go(&self, settings: &Settings, cursor: &mut Cursor) -> Result<(), Failure> {
        if cursor.regions.is_empty() {
            self.prepare(settings, cursor)?;
            // With the account and partition that are known now.
            return Err(Failure::Spent);
        }
        while let Some(mut task) = cursor.take(settings) {
            let mut after = Vec::new();
            let outcome = self.work(&mut task, &mut after);
            if outcome.is_err() {
                cursor.tasks.push(task);
            }
            // What came up in between goes first, so that little waits at a time.
            cursor.tasks.append(&mut after);
            outcome?;
            if self.bytes.get() >= BODIES_BYTES_MAX || self.resources.borrow().len() >= RESOURCES_MAX {
                return Err(Failure::Spent);
            }
        }
        Ok(())
    }

    /// Learns whose account it is, and its regions.
    fn prepare(&self, settings: &Settings, cursor: &mut Cursor) -> Result<(), Failure> {
        let home = settings.regions.as_ref().and_then(|regions| regions.first().cloned());
        let home = home.unwrap_or_else(|| cursor.partition.home().to_owned());
        let identity = match self.client.call(&ask("sts", "GetCallerIdentity", &home)) {
            Ok(identity) => identity,
            Err(failure) if self.gives_up(&failure) => {
                let why = failure.message();
                return Err(Failure::Session(format!("sts GetCallerIdentity: {why}")));
            }
            Err(failure) => return Err(failure),
        };
        self.progress();
        let account = text(&identity, "Account");
        if !is_account(account) {
            return Err(Failure::Lasting("sts GetCallerIdentity: the answer names no account".to_owned()));
        }
        if let Some(meant) = settings.account.as_deref().filter(|meant| *meant != account) {
            return Err(Failure::Lasting(format!(
                "the credentials are of account {account}, and `account` of the configuration is {meant}"
            )));
        }
        let partition = Partition::of_arn(text(&identity, "Arn")).unwrap_or(cursor.partition);
        let regions = match &settings.regions {
            Some(regions) => regions.clone(),
            None => self.regions(partition)?,
        };
        account.clone_into(&mut cursor.account);
        cursor.partition = partition;
        cursor.regions = regions;
        let asset = text(&identity, "Arn").to_owned();
        let mut body = Map::new();
        for key in ["UserId", "Account", "Arn"] {
            body.insert(key.to_owned(), Value::String(text(&identity, key).to_owned()));
        }
        self.hand_over("aws:sts:caller-identity", asset, "global", account, body);
        Ok(())
    }

    fn regions(&self, partition: Partition) -> Result<Vec<String>, Failure> {
        let home = partition.home();
        match self.client.call(&ask("ec2", "DescribeRegions", home)) {
            Ok(answer) => {
                self.progress();
                let mut regions: Vec<String> = items(&answer, "Regions")
                    .iter()
                    .filter(|region| text(region, "OptInStatus") != "not-opted-in")
                    .map(|region| text(region, "RegionName").to_owned())
                    .filter(|name| is_region(name))
                    .collect();
                regions.sort_unstable();
                regions.truncate(100);
                if regions.is_empty() {
                    return Err(Failure::Lasting(
                        "ec2 DescribeRegions: the answer names no region".to_owned(),
                    ));
                }
                Ok(regions)
            }
            Err(failure) if self.gives_up(&failure) => {
                self.missing(
                    "aws regions".to_owned(),
                    format!("every region but {home}: {}; name them in `regions`", failure.message()),
                );
                Ok(vec![home.to_owned()])
            }
            Err(failure) => Err(failure),
        }
    }

    /// Does a task, or what is possible of it.
    fn work(&self, task: &mut Task, after: &mut Vec<Task>) -> Result<(), Failure> {
        let place = task.step;
        let Some(step) = STEPS.get(place) else { return Ok(()) };
        let Task { region, context: before, work, .. } = task;
        let spot = Spot::new(self, step, region, before);
        let task = |context: &Value, work: Work| Task {
            step: place,
            region: region.clone(),
            context: context.clone(),
            work,
        };
        match work {
            Work::Page(listing) => {
                self.counted.set(false);
                let listed = match (step.list)(&spot, listing.token.as_deref()) {
                    Ok(listed) => listed,
                    // A sub-call of the listing has decided already.
                    Err(failure) if self.counted.get() => return Err(failure),
                    Err(failure) if self.gives_up(&failure) => {
                        let asked = spot.asked();
                        self.missing(format!("{} {region} {asked}", step.kind), failure.message());
                        return Ok(());
                    }
                    Err(failure) => return Err(failure),
                };
                self.progress();
                let context = listed.context.unwrap_or_else(|| before.clone());
                if listing.done.is_none()
                    && let Some(next) = self.following(&spot, listing, listed.next)
                {
                    after.push(task(&context, Work::Page(next)));
                }
                let done = listing.done.unwrap_or_default();
                let items = listed.items.into_iter().skip(done).collect();
                let work = Items { token: listing.token.clone(), done, items, body: Map::new() };
                after.push(task(&context, Work::Items(work)));
                Ok(())
            }
            Work::Items(work) => {
                while let Some(item) = work.items.front() {
                    let found = (step.each)(&spot, item, &mut work.body)?;
                    after.append(&mut spot.children());
                    let body = std::mem::take(&mut work.body);
                    if let Some(found) = found {
                        self.hand_over(found.kind, found.asset, region, &self.client.account, body);
                    }
                    work.items.pop_front();
                    work.done += 1;
                    self.progress();
                }
                Ok(())
            }
        }
    }

    /// The page after this one, unless the listing runs in circles.
    fn following(&self, spot: &Spot<'_>, listing: &Listing, next: Option<String>) -> Option<Listing> {
        let next = next?;
        let print = fingerprint(&next);
        let mut seen = listing.seen.clone();
        seen.extend(listing.token.as_deref().map(fingerprint));
        let circle = seen.contains(&print);
        if circle || seen.len() >= TOKENS_MAX {
            let why =
                if circle { "AWS gave a token for the second time" } else { "the listing does not end" };
            let subject = format!("{} {} {}", spot.step.kind, spot.region, spot.asked());
            self.missing(subject, format!("pages after {}: {why}", seen.len()));
            return None;
        }
        Some(Listing { token: Some(next), seen, done: None })
    }

    /// Notes that something is done, so that the next failure is a first one.
    pub(crate) fn progress(&self) {
        self.tries.set(0);
    }

    /// Whether this failure is the last word. If not, it has to end the call, to be tried again in the next.
    pub(crate) fn gives_up(&self, failure: &Failure) -> bool {
        match failure {
            Failure::Said { .. } | Failure::Lasting(_) => true,
            Failure::Session(_) | Failure::Spent => false,
            Failure::Throttled { .. } | Failure::Passing(_) => {
                let tries = self.tries.get() + 1;
                let last = failure.tries().is_none_or(|most| tries >= most);
                self.tries.set(if last { 0 } else { tries });
                self.counted.set(!last);
                last
            }
        }
    }

    /// Names what is missing. The same subject is named once in a call.
    pub(crate) fn missing(&self, subject: String, message: String) {
        let mut missing = self.missing.borrow_mut();
        missing.entry(subject).or_insert((message, 0)).1 += 1;
    }

    fn hand_over(
        &self,
        kind: &str,
        asset: String,
        region: &str,
        account: &str,
        mut body: Map<String, Value>,
    ) {
        body.insert("Account".to_owned(), Value::String(account.to_owned()));
        // Buckets are listed for the whole account, and know their own.
        body.entry("Region").or_insert_with(|| Value::String(region.to_owned()));
        let bytes = serde_json::to_vec(&body).map_or(usize::MAX, |bytes| bytes.len());
        if bytes > BODY_BYTES_MAX || asset.len() > ASSET_BYTES_MAX || asset.is_empty() {
            let shown = asset.get(..asset.floor_char_boundary(200)).unwrap_or_default();
            let why = if asset.is_empty() { "it has no name" } else { "it is too large" };
            self.missing(format!("{kind} {region}"), format!("{shown:?} cannot be handed over: {why}"));
            return;
        }
        self.bytes.set(self.bytes.get().saturating_add(bytes));
        self.resources.borrow_mut().push(Resource::new(asset, kind, &body));
    }
}
