//! A Dockerfile as the platform hands it over.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct File {
    pub(crate) globals: Vec<Instruction>,
    pub(crate) stages: Vec<Stage>,
    pub(crate) dockerignore: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Stage {
    pub(crate) from: String,
    pub(crate) base: Option<usize>,
    pub(crate) instructions: Vec<Instruction>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Instruction {
    pub(crate) op: String,
    pub(crate) form: String,
    pub(crate) args: Vec<String>,
    pub(crate) flags: BTreeMap<String, String>,
    pub(crate) text: String,
    pub(crate) heredocs: Vec<String>,
}

impl File {
    /// Every instruction with its place.
    pub(crate) fn instructions(&self) -> impl Iterator<Item = (String, &Instruction)> {
        let globals = self.globals.iter().enumerate().map(|(n, one)| (format!("/globals/{n}"), one));
        let of_stages = self.stages.iter().enumerate().flat_map(|(stage, of)| {
            let place = move |(n, one)| (format!("/stages/{stage}/instructions/{n}"), one);
            of.instructions.iter().enumerate().map(place)
        });
        globals.chain(of_stages)
    }

    /// Those of one kind.
    pub(crate) fn all(&self, op: &str) -> impl Iterator<Item = (String, &Instruction)> {
        self.instructions().filter(move |(_, one)| one.op == op)
    }

    /// Numbers of the stages that the resulting image is made of, the last first.
    pub(crate) fn chain(&self) -> Vec<usize> {
        let (mut chain, mut next) = (Vec::new(), self.stages.len().checked_sub(1));
        while let Some(number) = next.filter(|number| chain.last().is_none_or(|last| number < last)) {
            chain.push(number);
            next = self.stages.get(number).and_then(|stage| stage.base);
        }
        chain
    }

    /// The last instruction of a kind in the resulting image.
    pub(crate) fn last(&self, op: &str) -> Option<(String, &Instruction)> {
        self.chain().into_iter().find_map(|number| {
            let stage = self.stages.get(number)?;
            let place = stage.instructions.iter().rposition(|one| one.op == op)?;
            Some((format!("/stages/{number}/instructions/{place}"), stage.instructions.get(place)?))
        })
    }

    /// Stages that begin with an image and not with another stage.
    pub(crate) fn images(&self) -> impl Iterator<Item = (String, &str)> {
        let stages = self.stages.iter().enumerate().filter(|(_, stage)| stage.base.is_none());
        stages.map(|(number, stage)| (format!("/stages/{number}/from"), stage.from.as_str()))
    }
}
