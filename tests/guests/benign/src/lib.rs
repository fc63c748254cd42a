//! The reference: reads a file both ways, logs, counts, and answers with one record of every kind.

use contract::{
    Analysis, Body, Confidence, Error, Finding, InputFile, OperatingSystem, Ownership, Package, PackageType,
    Problem, Severity, host,
};

contract::analyzer!(analyze);

fn analyze(files: Vec<InputFile>) -> Result<Analysis, Error> {
    host::log::write(host::log::Level::Info, &host::config::get());
    let mut analysis = contract::nothing();
    for (item, file) in (0u32..).zip(files) {
        let bytes = match &file.body {
            Body::Whole(bytes) => bytes.clone(),
            Body::Handle(content) => {
                let part = content.slice(0, content.size()).map_err(contract::refused)?;
                part.read(0, u32::try_from(part.size()).unwrap_or(u32::MAX)).map_err(contract::refused)?
            }
        };
        host::metrics::add("bytes", bytes.len() as u64);
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(16)]).into_owned();
        analysis.systems.push(OperatingSystem {
            item,
            id: text.clone(),
            version: Some("1".to_owned()),
            codename: None,
            like: vec!["other".to_owned()],
            pretty_name: None,
        });
        analysis.packages.push(Package {
            item,
            kind: PackageType::Deb,
            name: file.path.clone(),
            version: text,
            arch: Some("amd64".to_owned()),
            source_name: None,
            source_version: None,
            licenses: vec!["MIT".to_owned()],
            inner: None,
            method: "benign".to_owned(),
            confidence: Confidence::High,
        });
        analysis.ownerships.push(Ownership {
            item,
            kind: PackageType::Deb,
            name: file.path.clone(),
            paths: file.interests.clone(),
        });
        analysis.findings.push(Finding {
            item,
            rule: "rule".to_owned(),
            title: "a title".to_owned(),
            description: "a description".to_owned(),
            severity: Severity::Low,
            location: "here".to_owned(),
        });
        analysis.problems.push(Problem { item, message: "a problem".to_owned() });
    }
    Ok(analysis)
}
