//! One call: which profile an event belongs to, and what is read and written.

use palisade_sdk::{Event, HostError, Item, Story, metrics};
use serde::Deserialize;
use serde_json::json;

use crate::body::Body;
use crate::case::{Case, left_out};
use crate::class::Class;
use crate::kept::{ContainerNote, Hour, Kept, WorkloadNote};
use crate::portable;
use crate::seen::Look;
use crate::settings::{KeyBy, Settings};
use crate::shelf::Shelf;
use crate::text::{cut, hash, plain};

/// Most profiles, containers and workloads at a time.
const PROFILES_MAX: u64 = 3_000;
const CONTAINERS_MAX: u64 = 50_000;
const WORKLOADS_MAX: u64 = 10_000;
/// Nanoseconds of a second; seconds of an hour, and of what counts as the start of a container.
const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3_600;
const START: u64 = 60;
/// Before the hash of a profile in the name of its timer.
const TIMER: &str = "hour/";
/// Most detections of one call.
const DETECTIONS_MAX: usize = 20_000;

/// Work of one call.
pub(crate) struct Run<'s> {
    settings: &'s Settings,
    profiles: Shelf<Kept>,
    containers: Shelf<ContainerNote>,
    workloads: Shelf<WorkloadNote>,
    detections: usize,
    left_out: u64,
    without_profile: u64,
}

/// What a profile is asked for with.
#[derive(Deserialize)]
struct Asked {
    kind: String,
    key: String,
}

impl<'s> Run<'s> {
    pub(crate) fn new(settings: &'s Settings) -> Self {
        Self {
            settings,
            profiles: Shelf::new("p", PROFILES_MAX),
            containers: Shelf::new("c", CONTAINERS_MAX),
            workloads: Shelf::new("w", WORKLOADS_MAX),
            detections: 0,
            left_out: 0,
            without_profile: 0,
        }
    }

    /// Looks at one event.
    pub(crate) fn event(&mut self, event: Item<'_, Event>, story: &mut Story) -> Result<(), HostError> {
        if event.source == "palisade" {
            return self.asked(event, story);
        }
        let body = match Body::read(&event.body) {
            Ok(body) => body,
            Err(why) => {
                story.problem(event, why);
                return Ok(());
            }
        };
        if !matches!(&*body.kind, "process.exec" | "file.access" | "network.connect" | "alert") {
            return Ok(());
        }
        let time = event.time / SECOND;
        let container = match body.container_id() {
            "" => String::new(),
            container => Shelf::<ContainerNote>::id(container),
        };
        let known = !container.is_empty() && self.containers.load(&container)?;
        let note = if known { self.containers.get(&container).cloned() } else { None };
        let Some(key) = self.key(&body, note.as_ref()) else {
            self.without_profile += 1;
            return Ok(());
        };
        let id = Shelf::<Kept>::id(&key);
        let note = self.container(&container, note, &key, time)?;
        if !self.profiles.load(&id)? {
            let predecessor = self.predecessor(&body, &id, time)?;
            self.profiles.add(&id, Kept::new(&key, predecessor), time / HOUR)?;
        }
        self.profiles.touch(&id, time / HOUR)?;
        let note = note.as_ref().map(|(note, new)| (note, *new));
        let tainting = self.case(&id, &body, note, event, story)?;
        if tainting && let Some(note) = self.containers.change(&container) {
            (note.alert, note.rule) = (time.max(1), cut(&body.rule.id, 200).to_owned());
        }
        Ok(())
    }

    /// Gives whether the event is an alert after which its container teaches nothing.
    fn case(
        &mut self,
        id: &str,
        body: &Body<'_>,
        note: Option<(&ContainerNote, bool)>,
        event: Item<'_, Event>,
        story: &mut Story,
    ) -> Result<bool, HostError> {
        let predecessor = self.profiles.get(id).map(|kept| kept.predecessor.clone()).unwrap_or_default();
        if !predecessor.is_empty() && predecessor != id {
            self.profiles.load(&predecessor)?;
        }
        let Some((mut kept, hour, changed)) = self.profiles.take(id) else { return Ok(false) };
        let time = event.time / SECOND;
        let container = body.container_id();
        let replica = [container, &body.pod.uid, &body.pod.name].into_iter().find(|name| !name.is_empty());
        let replica = hash(&[replica.unwrap_or_default().as_bytes()]) as u32;
        let start = note.is_some_and(|(note, _)| time < note.first.saturating_add(START));
        let new = note.is_some_and(|(_, new)| new);
        if new {
            kept.started(replica, time);
        }
        let given = self.settings.given(&kept.key);
        let mut case = Case {
            settings: self.settings,
            elsewhere: self.profiles.get(&predecessor),
            given,
            look: Look { time, replica, start },
            note: note.map(|(note, _)| note),
            event,
            body,
            changed: changed || new,
            told: Vec::new(),
            problems: Vec::new(),
            kept: &mut kept,
        };
        let tainting = case.run();
        let (changed, told, problems) = (case.changed, case.told, case.problems);
        self.profiles.put_back(id, kept, hour, changed);
        for detection in told {
            if self.detections < DETECTIONS_MAX {
                self.detections += 1;
                story.detect(detection);
            } else {
                self.left_out += 1;
            }
        }
        problems.into_iter().for_each(|problem| story.problem(event, problem));
        Ok(tainting)
    }

    /// The key of the profile that an event belongs to.
    fn key(&self, body: &Body<'_>, note: Option<&ContainerNote>) -> Option<String> {
        let workload = body.workload();
        let key = if !body.container.digest.is_empty() {
            let image = format!("image:{}", &*body.container.digest);
            match self.settings.key {
                KeyBy::ImageAndWorkload if !workload.is_empty() => format!("{image}@{workload}"),
                _ => image,
            }
        } else if let Some(note) = note {
            note.profile.clone()
        } else if !workload.is_empty() || !body.container.image.is_empty() {
            format!("workload:{workload}@{}", &*body.container.image)
        } else {
            return None;
        };
        Some(cut(&key, 400).to_owned())
    }

    /// Notes a container's event. Gives what is known of it, and whether it is new.
    fn container(
        &mut self,
        container: &str,
        note: Option<ContainerNote>,
        key: &str,
        time: u64,
    ) -> Result<Option<(ContainerNote, bool)>, HostError> {
        if container.is_empty() {
            return Ok(None);
        }
        let Some(mut note) = note else {
            let note = ContainerNote { profile: key.to_owned(), first: time, ..ContainerNote::default() };
            self.containers.add(container, note.clone(), time / HOUR)?;
            return Ok(Some((note, true)));
        };
        self.containers.touch(container, time / HOUR)?;
        if note.profile != key {
            // A sensor that knows the image's digest tells of a container that another one could not place.
            note.profile = key.to_owned();
            if let Some(kept) = self.containers.change(container) {
                kept.profile = key.to_owned();
            }
        }
        Ok(Some((note, false)))
    }

    /// The profile that the workload had before this new one.
    fn predecessor(&mut self, body: &Body<'_>, id: &str, time: u64) -> Result<String, HostError> {
        let workload = body.workload();
        if workload.is_empty() {
            return Ok(String::new());
        }
        let name = Shelf::<WorkloadNote>::id(&workload);
        let new = WorkloadNote { profile: id.to_owned() };
        if !self.workloads.load(&name)? {
            self.workloads.add(&name, new, time / HOUR)?;
            return Ok(String::new());
        }
        self.workloads.touch(&name, time / HOUR)?;
        let before = self.workloads.change(&name).map(|note| std::mem::replace(note, new));
        Ok(before.map(|note| note.profile).filter(|before| before != id).unwrap_or_default())
    }

    /// Answers the question for a profile.
    fn asked(&mut self, event: Item<'_, Event>, story: &mut Story) -> Result<(), HostError> {
        let Ok(asked) = event.json::<Asked>() else { return Ok(()) };
        if asked.kind != portable::KIND {
            return Ok(());
        }
        let id = Shelf::<Kept>::id(&asked.key);
        if !self.profiles.load(&id)? {
            story.problem(event, format!("there is no profile {:?}", plain(&asked.key, 200)));
            return Ok(());
        }
        let Some(kept) = self.profiles.get(&id) else { return Ok(()) };
        for class in Class::ALL {
            let title = format!("Profile {}: {}", plain(&kept.key, 300), class.word());
            let detection =
                palisade_sdk::Detection::new("profile", palisade_sdk::Severity::Negligible, title, "");
            let evidence = json!({ "profile": portable::write(&kept.key, &kept.summary, class) });
            story.detect(detection.proof([event]).evidence(&evidence));
        }
        Ok(())
    }

    /// Tells of what was left out in hours that are over.
    pub(crate) fn due(&mut self, timer: &str, time: u64, story: &mut Story) -> Result<(), HostError> {
        let Some(id) = timer.strip_prefix(TIMER) else { return Ok(()) };
        if self.profiles.load(id)? {
            self.close(id, time, story);
        }
        Ok(())
    }

    fn close(&mut self, id: &str, time: u64, story: &mut Story) {
        let over = |kept: &Kept| kept.hour.left_out > 0 && (kept.hour.hour + 1) * HOUR <= time / SECOND;
        if !self.profiles.get(id).is_some_and(over) {
            return;
        }
        if let Some(kept) = self.profiles.change(id) {
            let detection = left_out(kept);
            kept.hour = Hour { hour: kept.hour.hour + 1, ..Hour::default() };
            detection.into_iter().for_each(|detection| story.detect(detection));
        }
    }

    /// Writes what changed, and sets the timers of what is still to be told.
    pub(crate) fn finish(
        mut self,
        watermark: u64,
        last: Option<Item<'_, Event>>,
        story: &mut Story,
    ) -> Result<(), HostError> {
        for id in self.profiles.ids() {
            self.close(&id, watermark, story);
            if let Some(kept) = self.profiles.get(&id).filter(|kept| kept.hour.left_out > 0) {
                story.timer(format!("{TIMER}{id}"), ((kept.hour.hour + 1) * HOUR).saturating_mul(SECOND));
            }
        }
        self.profiles.finish()?;
        self.containers.finish()?;
        self.workloads.finish()?;
        for (name, number) in [
            ("profiles-forgotten", self.profiles.forgotten),
            ("events-without-profile", self.without_profile),
        ] {
            if number > 0 {
                metrics::add(name, number);
            }
        }
        if let Some(event) = last {
            if self.profiles.forgotten > 0 {
                story.problem(
                    event,
                    format!(
                        "{} profiles were forgotten: at most {PROFILES_MAX}, and the granted state, are kept",
                        self.profiles.forgotten
                    ),
                );
            }
            if self.left_out > 0 {
                story.problem(
                    event,
                    format!(
                        "{} detections were left out: a call tells at most {DETECTIONS_MAX}",
                        self.left_out
                    ),
                );
            }
        }
        Ok(())
    }
}
