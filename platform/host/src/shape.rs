//! Compares what a component exports with the published text, kind by kind, before anything runs.

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{ComponentNamedList, InstancePre, Lift, Lower};

use crate::Kind;
use crate::bindings::exports::palisade::plugin::{collector, image_analyzer};
use crate::bindings::palisade::types::common::Error;
use crate::bindings::palisade::types::posture_types as posture;
use crate::error::{LoadError, shown};
use crate::state::State;

/// Checks the one function of a kind.
pub(crate) fn check(kind: Kind, pre: &InstancePre<State>) -> Result<(), LoadError> {
    match kind {
        Kind::ImageAnalyzer => function::<
            (&[image_analyzer::InputFile],),
            (Result<image_analyzer::Analysis, Error>,),
        >(kind, "analyze", pre),
        Kind::Posture => {
            function::<(&[posture::AssetResource],), (Result<Vec<posture::CheckResult>, Error>,)>(
                kind, "check", pre,
            )
        }
        Kind::Correlator => function::<(&[posture::Event], u64), (Result<Vec<posture::Detection>, Error>,)>(
            kind,
            "correlate",
            pre,
        ),
        Kind::Compliance => function::<
            (&[posture::CheckResult],),
            (Result<Vec<posture::ControlResult>, Error>,),
        >(kind, "assess", pre),
        Kind::Admission => function::<(&[u8],), (Result<posture::Verdict, Error>,)>(kind, "review", pre),
        Kind::Collector => {
            function::<(Option<&str>,), (Result<collector::Page, Error>,)>(kind, "collect", pre)
        }
        Kind::Notifier => function::<(&[u8],), (Result<String, Error>,)>(kind, "notify", pre),
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
