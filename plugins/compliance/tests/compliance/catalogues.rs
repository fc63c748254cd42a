//! The catalogues against the rules that exist, and what the build refuses.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::catalogue::{of_file, of_folder};
use crate::common::{CATALOGUES, PLUGINS, rules_of, rules_of_plugin};
use crate::order::by_number;

#[test]
fn catalogues_and_posture_name_the_same_rules() {
    let [kube, cloud] = PLUGINS.map(rules_of_plugin);
    assert!(kube.len() > 200 && cloud.len() > 180);
    assert_eq!(
        kube.intersection(&cloud).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "catalogues name rules bare"
    );
    let posture: BTreeSet<String> = kube.into_iter().chain(cloud).collect();
    let mapped = |rules: BTreeSet<&str>| -> BTreeSet<String> {
        rules.into_iter().filter(|rule| !rule.starts_with("class:")).map(str::to_owned).collect()
    };
    let all: BTreeSet<String> = CATALOGUES.iter().flat_map(|framework| mapped(rules_of(framework))).collect();
    assert_eq!(all.difference(&posture).collect::<Vec<_>>(), Vec::<&String>::new(), "mapped, but no rule");
    assert_eq!(posture.difference(&all).collect::<Vec<_>>(), Vec::<&String>::new(), "a rule, but not mapped");
}

#[test]
fn every_rule_is_mapped_in_nist_800_53() {
    let framework = CATALOGUES.iter().find(|framework| framework.id == "nist-800-53-r5").unwrap();
    let mapped = rules_of(framework);
    for rule in PLUGINS.into_iter().flat_map(rules_of_plugin) {
        assert!(mapped.contains(rule.as_str()), "{rule}");
    }
}

#[test]
fn every_class_of_findings_is_mapped_in_some_framework() {
    for class in ["class:license", "class:malware", "class:secret", "class:vulnerability"] {
        assert!(CATALOGUES.iter().any(|framework| rules_of(framework).contains(class)), "{class}");
    }
}

#[test]
fn ids_are_in_the_order_in_which_people_count() {
    let ordered = [
        "1", "1.1", "1.1.2", "1.1.10", "1.2", "9", "10", "A.5.1", "A.5.10", "AC-2", "AC-2(1)", "AC-2(10)",
        "AC-10",
    ];
    for (place, left) in ordered.iter().enumerate() {
        for (other, right) in ordered.iter().enumerate() {
            assert_eq!(by_number(left, right), place.cmp(&other), "{left} {right}");
        }
    }
    assert_eq!(by_number("01", "1"), Ordering::Less, "ids that differ are never equal");
    let beyond = "9".repeat(100);
    assert_eq!(by_number(&beyond, "10"), Ordering::Greater);
    for framework in CATALOGUES.iter() {
        assert!(framework.controls.windows(2).all(|pair| by_number(&pair[0].id, &pair[1].id).is_lt()));
    }
}

const HEAD: &str = r#"
id = "example-1.0"
name = "Example"
version = "1.0"
publisher = "Example"
source = "https://example.org"
licence = "Ours."
text = "own-words"
"#;

const CONTROL: &str = r#"
[[controls]]
id = "1"
title = "One"
section = "1 Numbers"
assessment = "partly"
weight = 5

[[controls.rules]]
rule = "host-pid"
why = "It is bad."
"#;

#[test]
fn a_catalogue_is_one_file_or_a_folder() {
    let file = of_file("example-1.0", &format!("{HEAD}{CONTROL}")).unwrap();
    let second = CONTROL.replace("id = \"1\"", "id = \"0\"");
    let folder = vec![
        ("b.toml".to_owned(), CONTROL.to_owned()),
        ("catalogue.toml".to_owned(), HEAD.to_owned()),
        ("a.toml".to_owned(), second),
    ];
    let folder = of_folder("example-1.0", folder).unwrap();
    assert_eq!((file.controls.len(), folder.controls.len()), (1, 2));
    assert_eq!(folder.controls[0].id, "0");
}

#[test]
fn a_catalogue_that_breaks_the_format_is_refused() {
    let long = format!("title = \"{}\"", "é".repeat(101));
    let twice = format!("{CONTROL}{CONTROL}");
    let rule_twice = format!("{CONTROL}[[controls.rules]]\nrule = \"host-pid\"\nwhy = \"Bad.\"");
    for (what, with, problem) in [
        ("id = \"example-1.0\"", "id = \"example-2.0\"", "not the name of the file"),
        ("name = \"Example\"", "", "missing field `name`"),
        ("text = \"own-words\"", "text = \"theirs\"", "unknown variant"),
        ("text = \"own-words\"", "text = \"own-words\"\nnote = \"\"", "unknown field `note`"),
        ("licence = \"Ours.\"", "licence = \"\"", "not one line of text"),
        (CONTROL, "", "there are no controls"),
        (CONTROL, "[controls]", "invalid type"),
        (CONTROL, twice.as_str(), "is there twice"),
        (CONTROL, rule_twice.as_str(), "twice"),
        ("title = \"One\"", long.as_str(), "a title of 101 characters"),
        ("title = \"One\"", "title = \"One\\nTwo\"", "not one line of text"),
        ("title = \"One\"", "title = \"\"", "not one line of text"),
        ("title = \"One\"", "", "missing field `title`"),
        ("section = \"1 Numbers\"", "section = \" \"", "not one line of text"),
        ("\"partly\"", "\"manual\"", "for people to judge and has rules"),
        ("\"partly\"", "\"mostly\"", "unknown variant"),
        ("weight = 5", "weight = 0", "weight 0"),
        ("weight = 5", "weight = 11", "weight 11"),
        ("weight = 5", "weigth = 5", "unknown field"),
        ("\"host-pid\"", "\"Host PID\"", "neither the id of a rule"),
        ("\"host-pid\"", "\"palisade.kube-posture/host-pid\"", "neither the id of a rule"),
        ("\"host-pid\"", "\"class:weather\"", "neither the id of a rule"),
        ("why = \"It is bad.\"", "why = \"\"", "not one line of text"),
        ("why = \"It is bad.\"", "", "missing field `why`"),
        ("weight = 5", "weight =", "example-1.0"),
    ] {
        let text = format!("{HEAD}{CONTROL}");
        assert!(text.contains(what), "{what}");
        let refused = of_file("example-1.0", &text.replace(what, with)).unwrap_err();
        assert!(refused.contains(problem), "{with}: {refused}");
    }
    let folder = |files: &[(&str, &str)]| {
        let files = files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
        of_folder("example-1.0", files).unwrap_err()
    };
    assert!(folder(&[("a.toml", CONTROL)]).contains("there is no catalogue.toml"));
    assert!(folder(&[("catalogue.toml", HEAD)]).contains("there are no controls"));
    let both = format!("{HEAD}{CONTROL}");
    assert!(folder(&[("catalogue.toml", &both)]).contains("unknown field `controls`"));
    assert!(folder(&[("catalogue.toml", HEAD), ("a.toml", &both)]).contains("does not belong"));
}
