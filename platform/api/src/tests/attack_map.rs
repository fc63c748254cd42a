//! Techniques of ATT&CK, and the layer of them.

use super::Rig;

#[tokio::test]
async fn techniques_with_rules_tests_and_detections() {
    let rig = Rig::new().await;
    let map = rig.get("/api/v1/attack-map?platform=containers&days=7").await.json();
    assert_eq!((&map["attack"], &map["days"]), (&attack::VERSION.into(), &7.into()));
    assert_eq!(map["platforms"][0]["techniques"], 48);
    assert_eq!((&map["platforms"][0]["tested"], &map["platforms"][0]["covered"]), (&1.into(), &2.into()));
    let techniques = map["techniques"].as_array().unwrap();
    assert_eq!(techniques.len(), 48);
    let of = |id: &str| techniques.iter().find(|one| one["id"] == id).unwrap();
    assert_eq!(of("T1552.007")["proofs"][0], "proved");
    assert_eq!((&of("T1552.007")["tested"], &of("T1552.007")["detections"]), (&true.into(), &0.into()));
    assert_eq!(of("T1552")["through"][0], "T1552.007");

    let all = rig.get("/api/v1/attack-map").await.json();
    assert!(all["techniques"].as_array().unwrap().len() > 100);
    for wrong in ["?days=0", "?days=401", "?platform=windows", "?what=1"] {
        assert_eq!(rig.get(&format!("/api/v1/attack-map{wrong}")).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn the_layer_has_what_rules_name() {
    let rig = Rig::new().await;
    let layer = rig.get("/api/v1/attack-map/navigator?platform=iaas").await.json();
    assert_eq!(layer["versions"]["layer"], "4.5");
    let ids: Vec<&str> = layer["techniques"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["techniqueID"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["T1552", "T1580"]);
}
