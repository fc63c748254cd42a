//! Layers of the ATT&CK Navigator, format 4.5
//! (<https://github.com/mitre-attack/attack-navigator/blob/master/layers/spec/v4.5/layerformat.md>).

use serde_json::{Value, json};

use crate::{Cell, Coverage, Platform, VERSION};

/// The oldest Navigator that reads the format.
const NAVIGATOR: &str = "4.9.0";
const TESTED: &str = "#8ec843";
const THROUGH: &str = "#cfe8a9";
const UNTESTED: &str = "#ffe766";

impl Coverage {
    /// A layer of every technique that a rule names or of which a form is proved; all of the platform where it is given. The same
    /// coverage gives the same layer.
    #[must_use]
    pub fn layer(&self, name: &str, platform: Option<Platform>) -> Value {
        let shown = |cell: &&Cell| cell.is_covered() || !cell.rules.is_empty();
        let techniques: Vec<Value> = self.cells(platform).filter(shown).map(entry).collect();
        let platforms: Vec<&str> = match platform {
            Some(platform) => vec![platform.name()],
            None => Platform::ALL.iter().map(|platform| platform.name()).collect(),
        };
        let (attack, _) = VERSION.split_once('.').unwrap_or((VERSION, ""));
        json!({
            "name": name,
            "versions": { "attack": attack, "navigator": NAVIGATOR, "layer": "4.5" },
            "domain": "enterprise-attack",
            "description": "Techniques that rules name. The score is 100 where a replayed test proves it, 50 where it proves a sub-technique, else 0.",
            "filters": { "platforms": platforms },
            "sorting": 0,
            "layout": {
                "layout": "side", "showID": true, "showName": true, "showAggregateScores": false, "countUnscored": false,
                "aggregateFunction": "average", "expandedSubtechniques": "annotated"
            },
            "hideDisabled": false,
            "techniques": techniques,
            "gradient": { "colors": [UNTESTED, THROUGH, TESTED], "minValue": 0, "maxValue": 100 },
            "legendItems": [
                { "label": "a rule is there, no test proves it", "color": UNTESTED },
                { "label": "a sub-technique is proved", "color": THROUGH },
                { "label": "proved by a replayed test", "color": TESTED }
            ]
        })
    }
}

fn entry(cell: &Cell) -> Value {
    let score = match (cell.is_direct(), cell.is_covered()) {
        (true, _) => 100,
        (false, true) => 50,
        (false, false) => 0,
    };
    let list = |of: &mut dyn Iterator<Item = String>| of.collect::<Vec<_>>().join(", ");
    let mut metadata = vec![json!({ "name": "tests", "value": cell.tests.to_string() })];
    for (name, value) in [
        ("rules", list(&mut cell.rules.iter().cloned())),
        ("sources", list(&mut cell.sources.iter().cloned())),
        ("sub-techniques", list(&mut cell.through.iter().map(|id| (*id).to_owned()))),
    ] {
        if !value.is_empty() {
            metadata.push(json!({ "name": name, "value": value }));
        }
    }
    let mut entry = json!({
        "techniqueID": cell.technique.id,
        "score": score,
        "enabled": true,
        "comment": format!("{} of {} rules proved", cell.proofs.len(), cell.rules.len()),
        "metadata": metadata,
    });
    if !cell.through.is_empty()
        && let Some(members) = entry.as_object_mut()
    {
        members.insert("showSubtechniques".to_owned(), json!(true));
    }
    entry
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::{Coverage, Map, Platform, RuleProof};

    /// What the format says of types, members and words.
    fn check(layer: &Value) {
        assert_eq!(layer["versions"]["layer"], "4.5");
        assert_eq!(layer["domain"], "enterprise-attack");
        assert!(layer["name"].is_string() && layer["description"].is_string());
        let known = [
            "name",
            "versions",
            "domain",
            "description",
            "filters",
            "sorting",
            "layout",
            "hideDisabled",
            "techniques",
            "gradient",
            "legendItems",
        ];
        assert!(layer.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())));
        let gradient = &layer["gradient"];
        assert!(gradient["colors"].as_array().unwrap().len() >= 2);
        assert!(gradient["maxValue"].as_i64() > gradient["minValue"].as_i64());
        for technique in layer["techniques"].as_array().unwrap() {
            let id = technique["techniqueID"].as_str().unwrap();
            assert!(crate::technique(id).is_some(), "{id}");
            assert!(technique["score"].is_number() && technique["comment"].is_string());
            for pair in technique["metadata"].as_array().unwrap() {
                assert!(pair["name"].is_string() && pair["value"].is_string(), "{pair}");
            }
        }
    }

    #[test]
    fn a_layer_has_the_published_form() {
        let rule = |name: &str, id: &str, told| RuleProof {
            rule: name.to_owned(),
            file: "a.yml".to_owned(),
            source: "kubernetes-audit".to_owned(),
            techniques: [id.to_owned()].into(),
            told,
            silent: 1,
            failed: 0,
        };
        let map = Map::new([rule("a", "T1552.007", 1), rule("b", "T1611", 0), rule("c", "T1580", 1)]);
        let layer = Coverage::of(&map).layer("rules", Some(Platform::Containers));
        check(&layer);
        let scores: Vec<(&str, i64)> = layer["techniques"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["techniqueID"].as_str().unwrap(), one["score"].as_i64().unwrap()))
            .collect();
        assert_eq!(scores, [("T1552", 50), ("T1552.007", 100), ("T1611", 0)]);
        check(&Coverage::of(&map).layer("rules", None));
        check(&Coverage::of(&Map::new([])).layer("", None));
    }
}
