//! The seven exports of 0.1.0: input lowered, function called, answer checked.

use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

use super::bindings::exports::palisade::plugin::{
    admission, collector, compliance, correlator, image_analyzer, notifier, posture,
};
use super::bindings::palisade::types::common::Error;
use super::{analyzer, judged, shape};
use crate::contract::{Callable, misdirected};
use crate::error::{LoadError, shown};
use crate::fault::{Fault, FaultKind};
use crate::kinds::{Answer, Bounds, Input};
use crate::state::{State, make_images, not_started};
use crate::{Capability, Kind};

/// An export, by where its function is.
enum Bound {
    ImageAnalyzer(image_analyzer::GuestIndices),
    Posture(posture::GuestIndices),
    Correlator(correlator::GuestIndices),
    Compliance(compliance::GuestIndices),
    Admission(admission::GuestIndices),
    Collector(collector::GuestIndices),
    Notifier(notifier::GuestIndices),
}

/// Checks the shape of an exported kind and makes it callable.
pub(super) fn bind(kind: Kind, pre: &InstancePre<State>) -> Result<Box<dyn Callable>, LoadError> {
    shape::check(kind, pre)?;
    let bound = match kind {
        Kind::ImageAnalyzer => image_analyzer::GuestIndices::new(pre).map(Bound::ImageAnalyzer),
        Kind::Posture => posture::GuestIndices::new(pre).map(Bound::Posture),
        Kind::Correlator => correlator::GuestIndices::new(pre).map(Bound::Correlator),
        Kind::Compliance => compliance::GuestIndices::new(pre).map(Bound::Compliance),
        Kind::Admission => admission::GuestIndices::new(pre).map(Bound::Admission),
        Kind::Collector => collector::GuestIndices::new(pre).map(Bound::Collector),
        Kind::Notifier => notifier::GuestIndices::new(pre).map(Bound::Notifier),
    };
    let mismatch = |e: wasmtime::Error| LoadError::Mismatch {
        interface: kind.interface(),
        reason: shown(&format!("{e:#}")),
    };
    Ok(Box::new(bound.map_err(mismatch)?))
}

impl Callable for Bound {
    fn call(
        &self,
        pre: &InstancePre<State>,
        instance: &mut Option<Instance>,
        store: &mut Store<State>,
        input: Input,
        bounds: &Bounds<'_>,
    ) -> wasmtime::Result<Result<Answer, Fault>> {
        // Lent handles are made first, so that their numbers do not depend on what a start function does.
        let input = match input {
            Input::ImageAnalyzer { files } => Lowered::Files(
                files
                    .into_iter()
                    .map(|file| analyzer::lower(store, file))
                    .collect::<wasmtime::Result<Vec<_>>>()?,
            ),
            other => Lowered::Other(other),
        };
        let ready = match *instance {
            Some(ready) => ready,
            None => {
                let made = make_images(pre.component()).and_then(|()| pre.instantiate(&mut *store));
                made.map_err(|e| not_started(e, store.data()))?
            }
        };
        *instance = Some(ready);
        self.enter(&ready, store, input, bounds)
    }
}

enum Lowered {
    Files(Vec<image_analyzer::InputFile>),
    Other(Input),
}

impl Bound {
    fn enter(
        &self,
        instance: &Instance,
        store: &mut Store<State>,
        input: Lowered,
        bounds: &Bounds<'_>,
    ) -> wasmtime::Result<Result<Answer, Fault>> {
        Ok(match (self, input) {
            (Self::ImageAnalyzer(guest), Lowered::Files(files)) => {
                let answer = guest.load(&mut *store, instance)?.call_analyze(&mut *store, &files)?;
                settle(store, answer, |it| {
                    analyzer::check(it, bounds).map(Box::new).map(Answer::ImageAnalyzer)
                })
            }
            (Self::Posture(guest), Lowered::Other(Input::Posture { resources })) => {
                let resources: Vec<_> = resources.into_iter().map(judged::resource).collect();
                let answer = guest.load(&mut *store, instance)?.call_check(&mut *store, &resources)?;
                settle(store, answer, |it| judged::assessment(it, bounds).map(Answer::Posture))
            }
            (Self::Correlator(guest), Lowered::Other(Input::Correlator { events, due, watermark })) => {
                let events: Vec<_> = events.into_iter().map(judged::event).collect();
                let due: Vec<_> = due.into_iter().map(judged::due).collect();
                let guest = guest.load(&mut *store, instance)?;
                let answer = guest.call_correlate(&mut *store, &events, &due, watermark)?;
                settle(store, answer, |it| judged::correlation(it, bounds).map(Answer::Correlator))
            }
            (Self::Compliance(guest), Lowered::Other(Input::Compliance { observations })) => {
                let observations: Vec<_> = observations.into_iter().map(judged::observation).collect();
                let answer = guest.load(&mut *store, instance)?.call_assess(&mut *store, &observations)?;
                settle(store, answer, |it| judged::controls(it, bounds).map(Answer::Compliance))
            }
            (Self::Admission(guest), Lowered::Other(Input::Admission { request })) => {
                let answer = guest.load(&mut *store, instance)?.call_review(&mut *store, &request)?;
                settle(store, answer, |it| judged::decision(it, bounds).map(Answer::Admission))
            }
            (Self::Collector(guest), Lowered::Other(Input::Collector { cursor })) => {
                let guest = guest.load(&mut *store, instance)?;
                let answer = guest.call_collect(&mut *store, cursor.as_deref())?;
                settle(store, answer, |it| judged::page(it, cursor.as_deref(), bounds).map(Answer::Collector))
            }
            (Self::Notifier(guest), Lowered::Other(Input::Notifier { notice })) => {
                let notice = notifier::Notice { id: notice.id, body: notice.body };
                let answer = guest.load(&mut *store, instance)?.call_notify(&mut *store, &notice)?;
                settle(store, answer, |it| judged::receipt(it).map(Answer::Notifier))
            }
            _ => Err(misdirected()),
        })
    }
}

/// The checked answer, or what the guest itself says.
fn settle<T>(
    store: &Store<State>,
    answer: Result<T, Error>,
    check: impl FnOnce(T) -> Result<Answer, Fault>,
) -> Result<Answer, Fault> {
    match answer {
        Ok(answer) => check(answer),
        Err(error) => Err(declined(error, store.data().meter.denials.keys().next().copied())),
    }
}

/// What the guest itself says: that it cannot, or that it may not.
fn declined(error: Error, denied: Option<Capability>) -> Fault {
    let fault = |text: String| Fault::new(FaultKind::Declined, text);
    match (error, denied) {
        (Error::Host(text), Some(capability)) => Fault::new(
            FaultKind::Denied,
            format!("the capability `{capability}` is not granted: {}", shown(&text)),
        ),
        (Error::Host(text), None) => fault(format!("host: {}", shown(&text))),
        (Error::InvalidInput(text), _) => fault(format!("invalid input: {}", shown(&text))),
        (Error::InvalidConfig(text), _) => fault(format!("invalid configuration: {}", shown(&text))),
        (Error::RetryAfter(millis), _) => Fault {
            retry_after: Some(std::time::Duration::from_millis(millis)),
            ..fault(format!("asks to be called again after {millis} ms"))
        },
        (Error::Other(text), _) => fault(shown(&text)),
    }
}
