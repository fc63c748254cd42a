//! Techniques of ATT&CK (Enterprise, version 17: platforms Containers and IaaS) by the stage of an attack that they stand for.
//!
//! Many techniques are of several tactics. Here each has one, so that a single detection is one stage and not four: the tactic under
//! which attacks on clusters use it. A technique that is not in the table is no stage.

const TABLE: [(&str, &[&str]); 12] = [
    ("initial-access", &["T1078", "T1133", "T1190", "T1195", "T1199", "T1566"]),
    ("execution", &["T1053", "T1059", "T1203", "T1204", "T1609", "T1610", "T1648", "T1651"]),
    ("persistence", &["T1098", "T1136", "T1505", "T1525", "T1543", "T1546", "T1547", "T1554", "T1556"]),
    ("privilege-escalation", &["T1055", "T1068", "T1484", "T1548", "T1611"]),
    (
        "defense-evasion",
        &[
            "T1027", "T1036", "T1070", "T1140", "T1202", "T1222", "T1535", "T1562", "T1564", "T1574",
            "T1578", "T1612", "T1620",
        ],
    ),
    (
        "credential-access",
        &["T1003", "T1040", "T1110", "T1212", "T1528", "T1539", "T1552", "T1555", "T1606", "T1621"],
    ),
    (
        "discovery",
        &[
            "T1007", "T1016", "T1018", "T1033", "T1046", "T1049", "T1057", "T1069", "T1082", "T1083",
            "T1087", "T1135", "T1201", "T1518", "T1526", "T1538", "T1580", "T1613", "T1614", "T1619",
            "T1654",
        ],
    ),
    ("lateral-movement", &["T1021", "T1210", "T1550", "T1563", "T1570"]),
    ("collection", &["T1005", "T1039", "T1074", "T1114", "T1119", "T1213", "T1530", "T1560"]),
    (
        "command-and-control",
        &["T1071", "T1090", "T1095", "T1102", "T1105", "T1132", "T1219", "T1568", "T1571", "T1572", "T1573"],
    ),
    ("exfiltration", &["T1020", "T1030", "T1041", "T1048", "T1537", "T1567"]),
    (
        "impact",
        &[
            "T1485", "T1486", "T1489", "T1490", "T1491", "T1496", "T1498", "T1499", "T1529", "T1531",
            "T1561", "T1565",
        ],
    ),
];

/// Stages in the order of the matrix.
pub(crate) fn order(tactic: &str) -> usize {
    TABLE.iter().position(|(known, _)| *known == tactic).unwrap_or(TABLE.len())
}

/// The stage of a technique; of a sub-technique that of the whole.
pub(crate) fn tactic(technique: &str) -> Option<&'static str> {
    let whole = technique.split_once('.').map_or(technique, |(whole, _)| whole);
    TABLE.iter().find(|(_, known)| known.contains(&whole)).map(|(tactic, _)| *tactic)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{TABLE, tactic};

    #[test]
    fn a_technique_is_one_stage() {
        let all: Vec<&str> = TABLE.iter().flat_map(|(_, techniques)| techniques.iter().copied()).collect();
        assert_eq!(all.len(), all.iter().collect::<BTreeSet<_>>().len());
        assert!(all.iter().all(|id| id.len() == 5 && id.starts_with('T')));
        assert_eq!(tactic("T1552.007"), Some("credential-access"));
        assert_eq!(tactic("T1611"), Some("privilege-escalation"));
        assert_eq!((tactic("T9999"), tactic(""), tactic("T16111")), (None, None, None));
    }
}
