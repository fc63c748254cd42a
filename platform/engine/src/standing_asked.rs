//! What judgements asked the graph: who has to be judged again when something of it changes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use host::services::{Caller, RelatedAsset};
use host::{Refusal, Services};
use model::graph::Edge;

use crate::graph::Graph;

/// A plugin by its place among the plugins, and the path of the object that it judged.
pub(crate) type Asker = (usize, Arc<str>);

/// What can be asked about an asset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Question {
    /// Whether there is such an asset.
    Is,
    /// What is known of it.
    Described,
    /// What it is joined to, of one kind or of all.
    Joined { edge: Edge, backwards: bool, kind: Option<String> },
}

/// Questions of one call, each about an asset.
pub(crate) type Questions = BTreeSet<(String, Question)>;

/// The graph with somebody who takes down what is asked of it.
pub(crate) struct Listening {
    graph: Arc<Graph>,
    heard: Mutex<Questions>,
}

impl Listening {
    pub(crate) fn to(graph: &Arc<Graph>) -> Self {
        Self { graph: Arc::clone(graph), heard: Mutex::default() }
    }

    /// What was asked until now.
    pub(crate) fn heard(&self) -> Questions {
        std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, asset: &str, question: Question) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).insert((asset.to_owned(), question));
    }
}

impl Services for Listening {
    fn asset_kind(&self, caller: &Caller, asset: &str) -> Result<String, Refusal> {
        self.note(asset, Question::Is);
        self.graph.asset_kind(caller, asset)
    }

    fn describe(&self, caller: &Caller, asset: &str) -> Result<Vec<u8>, Refusal> {
        self.note(asset, Question::Described);
        self.graph.describe(caller, asset)
    }

    fn related(
        &self,
        caller: &Caller,
        asset: &str,
        edge: &str,
        limit: usize,
    ) -> Result<Vec<RelatedAsset>, Refusal> {
        let (word, kind) = edge.split_once(':').map_or((edge, None), |(word, kind)| (word, Some(kind)));
        // The answer to a word that is no edge never changes.
        if let Some((edge, backwards)) = Edge::from_word(word) {
            self.note(asset, Question::Joined { edge, backwards, kind: kind.map(str::to_owned) });
        }
        self.graph.related(caller, asset, edge, limit)
    }
}

/// Objects that were judged in one call, so that each of them may have asked any of its questions.
#[derive(Debug)]
struct Group {
    members: Vec<Asker>,
    /// Ids of assets, with the numbers of questions.
    asked: Vec<(Arc<str>, u32)>,
}

/// Who asked what.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// Questions by their number, so that each is kept once.
    numbers: BTreeMap<Question, u32>,
    /// By the id of the asset: the number of the question, and the group that asked it.
    askers: HashMap<Arc<str>, BTreeSet<(u32, u64)>>,
    groups: HashMap<u64, Group>,
    /// The group of each.
    group_of: HashMap<Asker, u64>,
    /// Groups that there have been.
    made: u64,
}

impl Asked {
    /// Takes the questions of one call down, for all who were judged in it, in the place of those of the calls before.
    pub(crate) fn replace(&mut self, members: Vec<Asker>, questions: Questions) {
        for member in &members {
            self.forget(member);
        }
        if questions.is_empty() {
            return;
        }
        self.made = self.made.saturating_add(1);
        let group = self.made;
        let mut asked = Vec::with_capacity(questions.len());
        for (asset, question) in questions {
            let new = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
            let number = *self.numbers.entry(question).or_insert(new);
            let known = self.askers.get_key_value(asset.as_str()).map(|(asset, _)| Arc::clone(asset));
            let asset = known.unwrap_or_else(|| Arc::from(asset));
            self.askers.entry(Arc::clone(&asset)).or_default().insert((number, group));
            asked.push((asset, number));
        }
        self.group_of.extend(members.iter().map(|member| (member.clone(), group)));
        self.groups.insert(group, Group { members, asked });
    }

    /// Forgets what somebody asked. Those of the same call may have asked all of it.
    pub(crate) fn forget(&mut self, asker: &Asker) {
        let Some(number) = self.group_of.remove(asker) else { return };
        let Some(group) = self.groups.get_mut(&number) else { return };
        group.members.retain(|member| member != asker);
        if !group.members.is_empty() {
            return;
        }
        for (asset, question) in self.groups.remove(&number).map(|group| group.asked).unwrap_or_default() {
            if let Some(askers) = self.askers.get_mut(&asset) {
                askers.remove(&(question, number));
                if askers.is_empty() {
                    self.askers.remove(&asset);
                }
            }
        }
    }

    /// Who asked anything about an asset.
    pub(crate) fn about(&self, asset: &str) -> impl Iterator<Item = Asker> {
        let groups = self.askers.get(asset).into_iter().flatten();
        groups.flat_map(|(_, group)| self.members(*group))
    }

    /// Who asked what is known of an asset.
    pub(crate) fn described(&self, asset: &str) -> Vec<Asker> {
        self.who(asset, &Question::Described)
    }

    /// Who asked what an asset is joined to by this edge, so that another of this kind would be in the answer.
    pub(crate) fn joined(&self, asset: &str, edge: Edge, backwards: bool, kind: &str) -> Vec<Asker> {
        let question = |kind| Question::Joined { edge, backwards, kind };
        let mut all = self.who(asset, &question(None));
        all.extend(self.who(asset, &question(Some(kind.to_owned()))));
        all
    }

    fn who(&self, asset: &str, question: &Question) -> Vec<Asker> {
        let (Some(number), Some(askers)) = (self.numbers.get(question), self.askers.get(asset)) else {
            return Vec::new();
        };
        let of_question = askers.range((*number, 0)..).take_while(|(other, _)| other == number);
        of_question.flat_map(|(_, group)| self.members(*group)).collect()
    }

    fn members(&self, group: u64) -> impl Iterator<Item = Asker> {
        self.groups.get(&group).into_iter().flat_map(|group| group.members.iter().cloned())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use model::graph::Edge;

    use super::{Asked, Asker, Question, Questions};

    fn asker(path: &str) -> Asker {
        (0, Arc::from(path))
    }

    fn questions(about: &[&str]) -> Questions {
        about.iter().map(|asset| ((*asset).to_owned(), Question::Described)).collect()
    }

    fn described(asked: &Asked, asset: &str) -> Vec<String> {
        let all: BTreeSet<String> = asked.described(asset).iter().map(|(_, path)| path.to_string()).collect();
        all.into_iter().collect()
    }

    #[test]
    fn all_of_a_call_have_asked_its_questions_until_each_is_judged_again() {
        let mut asked = Asked::default();
        asked.replace(vec![asker("a"), asker("b"), asker("c")], questions(&["x", "y"]));
        assert_eq!(described(&asked, "x"), ["a", "b", "c"]);
        // Judged alone it is known what it asks; the others may have asked anything of before.
        asked.replace(vec![asker("a")], questions(&["y"]));
        assert_eq!((described(&asked, "x"), described(&asked, "y").len()), (vec!["b".into(), "c".into()], 3));
        asked.forget(&asker("b"));
        asked.replace(vec![asker("c")], Questions::new());
        assert_eq!((described(&asked, "x"), described(&asked, "y")), (vec![], vec!["a".to_owned()]));
        assert_eq!(
            (asked.askers.len(), asked.groups.len(), asked.group_of.len()),
            (1, 1, 1),
            "nothing is kept of who is gone"
        );
    }

    #[test]
    fn an_edge_concerns_who_asked_for_its_kind_or_for_all() {
        let mut asked = Asked::default();
        for (path, kind) in [("pods", Some("Pod")), ("all", None), ("nodes", Some("Node"))] {
            let question =
                Question::Joined { edge: Edge::Runs, backwards: false, kind: kind.map(str::to_owned) };
            asked.replace(vec![asker(path)], [("x".to_owned(), question)].into());
        }
        let mut who: Vec<String> =
            asked.joined("x", Edge::Runs, false, "Pod").iter().map(|(_, path)| path.to_string()).collect();
        who.sort();
        assert_eq!(who, ["all", "pods"]);
        assert!(asked.joined("x", Edge::Runs, true, "Pod").is_empty());
        assert_eq!(asked.about("x").count(), 3);
    }
}
