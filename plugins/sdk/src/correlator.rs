//! The kind `correlator`: events in, detections out.
//!
//! A correlator sees a batch at once, in order of time, and remembers from call to call what it keeps in [`crate::state`].

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::item::{Item, items};
use crate::text::{cut, evidence};
use crate::{
    Config, Correlation, Detection, Error, Event, IncidentLink, Problem, Severity, Timer, Unreadable, host,
};

/// Joins events into detections, and detections into incidents.
///
/// ```
/// use palisade_sdk::testing::Fakes;
/// use palisade_sdk::{Batch, Config, Correlator, Detection, Error, Event, Severity, Story, state};
///
/// struct Third;
///
/// #[palisade_sdk::correlator]
/// impl Correlator for Third {
///     fn new(_config: &Config) -> Result<Self, Error> {
///         Ok(Self)
///     }
///
///     fn correlate(&self, batch: &Batch<'_>, story: &mut Story) -> Result<(), Error> {
///         let mut seen: u64 = state::get_json("seen")?.unwrap_or(0);
///         for event in batch.events() {
///             seen += 1;
///             if seen == 3 {
///                 story.detect(Detection::new("third", Severity::Low, "A third event", &event.asset).proof([event]));
///             }
///         }
///         state::set_json("seen", &seen)
///     }
/// }
///
/// let fakes = Fakes::new().state(64).entry("seen", "1").install();
/// let events = [1, 2].map(|time| Event::new(format!("e{time}"), time, "test", "host:a", &()));
/// let correlation = palisade_sdk::correlate::<Third>("{}", &events, &[], 2)?;
/// assert_eq!(correlation.detections[0].items, [1]);
/// assert_eq!(fakes.state()["seen"], b"3");
/// # Ok::<(), Error>(())
/// ```
pub trait Correlator: Sized {
    /// Made once a call, from the operator's configuration.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] names the key and what is wrong with it; the call then fails as a whole.
    fn new(config: &Config) -> Result<Self, Error>;

    /// Looks at one batch.
    ///
    /// # Errors
    /// The call fails as a whole: the same batch comes again, and nothing of it was remembered.
    fn correlate(&self, batch: &Batch<'_>, story: &mut Story) -> Result<(), Error>;
}

/// Events in order of time, and the timers that are due.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    events: &'a [Event],
    due: &'a [Timer],
    watermark: u64,
}

impl<'a> Batch<'a> {
    /// The events, each knowing its place, so that a detection can name it as its proof.
    pub fn events(&self) -> impl Iterator<Item = Item<'a, Event>> + use<'a> {
        items(self.events)
    }

    /// Timers set earlier that the watermark has passed.
    #[must_use]
    pub fn due(&self) -> &'a [Timer] {
        self.due
    }

    /// No event from before this time (nanoseconds since 1970 in UTC) will follow.
    #[must_use]
    pub fn watermark(&self) -> u64 {
        self.watermark
    }
}

/// Takes what became of a batch.
#[derive(Debug)]
pub struct Story(Correlation);

impl Story {
    /// A judged event.
    pub fn detect(&mut self, detection: Detection) {
        self.0.detections.push(detection);
    }

    /// Two incident keys are of one story: `merged` becomes another name of `kept`.
    pub fn link(&mut self, kept: impl Into<String>, merged: impl Into<String>) {
        self.0.links.push(IncidentLink { kept: kept.into(), merged: merged.into() });
    }

    /// Wishes to be called again when the watermark passes a time (nanoseconds since 1970 in UTC). Setting one of the same name
    /// again moves it.
    pub fn timer(&mut self, key: impl Into<String>, time: u64) {
        self.0.timers.push(Timer { key: key.into(), time });
    }

    /// An event that could not be understood, or only in part, and what is wrong with it. Skipping one in silence hides a gap;
    /// an event that is merely not for this plugin is none.
    pub fn problem(&mut self, event: Item<'_, Event>, message: impl Into<Unreadable>) {
        let Unreadable(message) = message.into();
        self.0.problems.push(Problem { item: event.place(), message: cut(message) });
    }
}

impl Detection {
    /// A detection by a rule that the manifest declares, of an asset at risk.
    #[must_use]
    pub fn new(
        rule: impl Into<String>,
        severity: Severity,
        title: impl Into<String>,
        asset: impl Into<String>,
    ) -> Self {
        Self {
            items: Vec::new(),
            rule: rule.into(),
            title: cut(title),
            severity,
            asset: asset.into(),
            incident_key: String::new(),
            evidence: Vec::new(),
        }
    }

    /// Events of this batch that prove it.
    #[must_use]
    pub fn proof<'a>(mut self, events: impl IntoIterator<Item = Item<'a, Event>>) -> Self {
        self.items.extend(events.into_iter().map(|event| event.place()));
        self
    }

    /// Detections with the same key belong to one incident.
    #[must_use]
    pub fn incident(mut self, key: impl Into<String>) -> Self {
        self.incident_key = key.into();
        self
    }

    /// What was compared with what.
    #[must_use]
    pub fn evidence<T: Serialize>(mut self, value: &T) -> Self {
        self.evidence = evidence(value);
        self
    }
}

impl Event {
    /// An event with a JSON body, for tests. One that JSON cannot express has an empty body.
    #[must_use]
    pub fn new<T: Serialize + ?Sized>(
        id: impl Into<String>,
        time: u64,
        source: impl Into<String>,
        asset: impl Into<String>,
        body: &T,
    ) -> Self {
        let body = serde_json::to_vec(body).unwrap_or_default();
        Self { id: id.into(), time, source: source.into(), asset: asset.into(), body }
    }

    /// The body as a type of the plugin's own, or as `serde_json::Value`.
    ///
    /// # Errors
    /// The body is not JSON, or not of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Unreadable> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Unreadable(format!("the event's body is not as expected: {error}")))
    }
}

/// Looks at one batch: what the component's export does, callable from native tests.
///
/// # Errors
/// The plugin's own. What it wrote to its state is then forgotten.
pub fn correlate<C: Correlator>(
    config: &str,
    events: &[Event],
    due: &[Timer],
    watermark: u64,
) -> Result<Correlation, Error> {
    host::settled(|| {
        let empty = Correlation {
            detections: Vec::new(),
            links: Vec::new(),
            timers: Vec::new(),
            problems: Vec::new(),
        };
        let mut story = Story(empty);
        C::new(&Config::new(config))?.correlate(&Batch { events, due, watermark }, &mut story)?;
        Ok(story.0)
    })
}

#[cfg(test)]
mod tests {
    use super::{Batch, Correlator, Story, correlate};
    use crate::testing::Fakes;
    use crate::{Config, Detection, Error, Event, Severity, Timer, state};

    struct Pairs;

    impl Correlator for Pairs {
        fn new(_config: &Config) -> Result<Self, Error> {
            Ok(Self)
        }

        fn correlate(&self, batch: &Batch<'_>, story: &mut Story) -> Result<(), Error> {
            state::set("last", &batch.watermark().to_le_bytes())?;
            let told = batch.events().filter(|event| event.source == "a");
            let detection = Detection::new("rule", Severity::Low, "t", "host:a").proof(told).incident("one");
            story.detect(detection.evidence(&batch.due().len()));
            story.link("one", "two");
            story.timer("later", batch.watermark() + 1);
            match batch.events().find(|event| event.json::<u8>().is_err()) {
                Some(event) => Err(Error::Other(event.id.clone())),
                None => Ok(()),
            }
        }
    }

    #[test]
    fn a_detection_names_the_places_of_its_events() {
        let fakes = Fakes::new().state(100).install();
        let events = ["a", "b", "a"].map(|source| Event::new("i", 1, source, "", &1));
        let due = [Timer { key: "k".to_owned(), time: 0 }];
        let correlation = correlate::<Pairs>("{}", &events, &due, 7).unwrap();
        assert_eq!(correlation.detections[0].items, [0, 2]);
        assert_eq!(correlation.detections[0].evidence, b"1");
        assert_eq!(correlation.links[0].merged, "two");
        assert_eq!(correlation.timers, [Timer { key: "later".to_owned(), time: 8 }]);
        assert_eq!(fakes.state()["last"], 7u64.to_le_bytes());
    }

    #[test]
    fn an_odd_event_is_told_of_by_its_place() {
        struct Odd;
        impl Correlator for Odd {
            fn new(_config: &Config) -> Result<Self, Error> {
                Ok(Self)
            }

            fn correlate(&self, batch: &Batch<'_>, story: &mut Story) -> Result<(), Error> {
                for event in batch.events() {
                    match event.json::<u8>() {
                        Ok(_) => story.problem(event, "a number"),
                        Err(unreadable) => story.problem(event, unreadable),
                    }
                }
                Ok(())
            }
        }
        let broken = Event { body: b"{".to_vec(), ..Event::new("i", 1, "a", "", &1) };
        let problems =
            correlate::<Odd>("{}", &[Event::new("j", 1, "a", "", &1), broken], &[], 7).unwrap().problems;
        assert_eq!((problems[0].item, problems[0].message.as_str()), (0, "a number"));
        assert_eq!(problems[1].item, 1);
        assert!(problems[1].message.contains("not as expected"), "{}", problems[1].message);
    }

    #[test]
    fn a_batch_that_fails_is_forgotten() {
        let fakes = Fakes::new().state(100).install();
        let event = Event::new("odd", 1, "a", "", "text");
        assert_eq!(correlate::<Pairs>("{}", &[event], &[], 7), Err(Error::Other("odd".to_owned())));
        assert!(fakes.state().is_empty());
    }
}
