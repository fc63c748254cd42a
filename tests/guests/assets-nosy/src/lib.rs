//! Asks for every asset that it is shown and for some that it is not, whatever their kind, and tells what it was answered.

use contract::host::assets;
use contract::{Assessment, AssetResource, CheckResult, Error};

contract::posture!(check);

fn check(resources: Vec<AssetResource>) -> Result<Assessment, Error> {
    let mut results = Vec::new();
    for (item, resource) in (0..).zip(&resources) {
        let asset = &resource.asset;
        let attempts = [
            contract::outcome(&format!("describe {asset}"), &assets::describe(asset)),
            contract::outcome(&format!("related {asset}"), &assets::related(asset, "runs", u32::MAX)),
            contract::outcome(&format!("no edge {asset}"), &assets::related(asset, "", 1)),
        ];
        results.extend(attempts.iter().map(|attempt| CheckResult { item, ..contract::failed(attempt) }));
    }
    let long = "a".repeat(1 << 20);
    let attempts = [
        contract::outcome("no id", &assets::describe("")),
        contract::outcome("long id", &assets::describe(&long)),
        contract::outcome("long edge", &assets::related("a", &long, 1)),
        contract::outcome("pattern", &assets::describe("%")),
    ];
    results.extend(attempts.iter().map(|attempt| contract::failed(attempt)));
    Ok(Assessment { results, problems: Vec::new() })
}
