//! Artifacts and keys for tests.

use crate::artifact::{About, Artifact};
use crate::key::{Algorithm, PrivateKey};

pub(crate) const ID: &str = "org.example.plugin";

pub(crate) fn about() -> About {
    About {
        id: ID.to_owned(),
        version: "1.2.0".to_owned(),
        license: "MIT".to_owned(),
        description: "Does nothing.".to_owned(),
        imports: vec!["palisade:host/log@0.1.0".to_owned()],
        exports: vec!["palisade:plugin/posture@0.1.0".to_owned()],
    }
}

pub(crate) fn artifact(component: &[u8]) -> Artifact {
    Artifact::build(component.to_vec(), &about()).unwrap()
}

pub(crate) fn key() -> PrivateKey {
    PrivateKey::generate(Algorithm::EcdsaP256).unwrap()
}
