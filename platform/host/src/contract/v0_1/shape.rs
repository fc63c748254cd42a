//! Compares what a component exports with the text of 0.1.0, kind by kind, before anything runs.

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{ComponentNamedList, InstancePre, Lift, Lower};

use super::bindings::exports::palisade::plugin::{collector, correlator, image_analyzer, notifier, posture};
use super::bindings::palisade::types::common::Error;
use super::bindings::palisade::types::{controls, decisions, events, resources};
use crate::Kind;
use crate::error::{LoadError, shown};
use crate::state::State;

/// Checks the one function of a kind.
pub(super) fn check(kind: Kind, pre: &InstancePre<State>) -> Result<(), LoadError> {
    type Or<T> = (Result<T, Error>,);
    match kind {
        Kind::ImageAnalyzer => {
            function::<(&[image_analyzer::InputFile],), Or<image_analyzer::Analysis>>(kind, "analyze", pre)
        }
        Kind::Posture => {
            function::<(&[resources::AssetResource],), Or<posture::Assessment>>(kind, "check", pre)
        }
        Kind::Correlator => {
            function::<(&[events::Event], &[events::Timer], u64), Or<correlator::Correlation>>(
                kind,
                "correlate",
                pre,
            )
        }
        Kind::Compliance => {
            function::<(&[controls::Observation],), Or<Vec<controls::ControlResult>>>(kind, "assess", pre)
        }
        Kind::Admission => function::<(&[u8],), Or<decisions::Decision>>(kind, "review", pre),
        Kind::Collector => function::<(Option<&str>,), Or<collector::Page>>(kind, "collect", pre),
        Kind::Notifier => function::<(&notifier::Notice,), Or<notifier::Receipt>>(kind, "notify", pre),
    }
}

fn function<Params, Return>(kind: Kind, name: &str, pre: &InstancePre<State>) -> Result<(), LoadError>
where
    Params: ComponentNamedList + Lower,
    Return: ComponentNamedList + Lift,
{
    let mismatch =
        |reason: String| LoadError::Mismatch { interface: kind.interface(), reason: shown(&reason) };
    let component = pre.component();
    let instance = component
        .get_export_index(None, kind.interface().as_str())
        .ok_or(LoadError::KindNotExported { kind })?;
    match component.get_export(Some(&instance), name) {
        Some((ComponentItem::ComponentFunc(function), _)) => function
            .typecheck::<Params, Return>(&pre.instance_type())
            .map_err(|e| mismatch(format!("{name}: {}", e.root_cause()))),
        _ => Err(mismatch(format!("it has no function {name}"))),
    }
}
