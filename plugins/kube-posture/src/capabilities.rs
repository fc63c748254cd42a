//! Capabilities that containers add. Those that alone lead out of a container, or to other tenants of the node, have a rule
//! each; capabilities(7) says what they allow.

use palisade_sdk::Severity::{Critical, High, Low, Medium};
use serde_json::json;

use crate::finding::{Finding, Found, Object, Table, Verdict, quoted, shown};
use crate::workload::{Place, Workload};

type Pods<'a> = Object<'a, Workload>;

pub(crate) const CHECKS: &Table<Workload> = &[
    ("capability-all", Critical, |pods, found| added(pods, found, |name| name == "ALL")),
    ("capability-sys-admin", Critical, |pods, found| added(pods, found, |name| name == "SYS_ADMIN")),
    ("capability-sys-module", Critical, |pods, found| added(pods, found, |name| name == "SYS_MODULE")),
    ("capability-sys-ptrace", High, |pods, found| added(pods, found, |name| name == "SYS_PTRACE")),
    ("capability-sys-rawio", High, |pods, found| added(pods, found, |name| name == "SYS_RAWIO")),
    ("capability-dac-read-search", High, |pods, found| added(pods, found, |name| name == "DAC_READ_SEARCH")),
    ("capability-bpf", High, |pods, found| added(pods, found, |name| name == "BPF")),
    ("capability-perfmon", Medium, |pods, found| added(pods, found, |name| name == "PERFMON")),
    ("capability-net-admin", High, |pods, found| added(pods, found, |name| name == "NET_ADMIN")),
    ("capability-net-raw", Medium, |pods, found| added(pods, found, |name| name == "NET_RAW")),
    ("capability-sys-boot", Medium, |pods, found| added(pods, found, |name| name == "SYS_BOOT")),
    ("capability-sys-time", Medium, |pods, found| added(pods, found, |name| name == "SYS_TIME")),
    ("capability-syslog", Medium, |pods, found| added(pods, found, |name| name == "SYSLOG")),
    ("capability-mac-admin", High, |pods, found| {
        added(pods, found, |name| matches!(name, "MAC_ADMIN" | "MAC_OVERRIDE"))
    }),
    ("capability-audit-control", Medium, |pods, found| added(pods, found, |name| name == "AUDIT_CONTROL")),
    ("capability-checkpoint-restore", Medium, |pods, found| {
        added(pods, found, |name| name == "CHECKPOINT_RESTORE")
    }),
    ("capability-other", Medium, |pods, found| {
        added(pods, found, |name| !OWN.contains(&name) && !BASELINE.contains(&name))
    }),
    ("capability-beyond-restricted", Low, |pods, found| {
        added(pods, found, |name| BASELINE.contains(&name) && name != "NET_BIND_SERVICE")
    }),
    ("capabilities-dropped", Low, dropped),
];

/// Capabilities that have a rule of their own.
const OWN: [&str; 17] = [
    "ALL",
    "SYS_ADMIN",
    "SYS_MODULE",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "DAC_READ_SEARCH",
    "BPF",
    "PERFMON",
    "NET_ADMIN",
    "NET_RAW",
    "SYS_BOOT",
    "SYS_TIME",
    "SYSLOG",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "AUDIT_CONTROL",
    "CHECKPOINT_RESTORE",
];

/// Capabilities that the baseline standard lets containers add.
const BASELINE: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// The name without the prefix that runtimes bear too.
pub(crate) fn plain(name: &str) -> &str {
    name.strip_prefix("CAP_").unwrap_or(name)
}

fn lists<'a>(place: &Place<'a>) -> Option<&'a crate::pod::Capabilities> {
    place.container.security_context.as_ref()?.capabilities.as_ref()
}

fn added(pods: &Pods<'_>, found: &mut Found<'_>, bad: fn(&str) -> bool) -> Verdict {
    if pods.body.windows() {
        return Ok(false);
    }
    for place in pods.body.containers() {
        let add = lists(&place).map(|lists| &*lists.add).unwrap_or_default();
        for (index, name) in add.iter().enumerate() {
            if bad(plain(&name.to_ascii_uppercase())) {
                let at = format!("{}/capabilities/add/{index}", place.security_at());
                let message = format!("{} adds the capability {}.", place.name(), shown(name));
                found.add(Finding::at(&at, message).compared(quoted(name), json!("not added")).remove(at));
            }
        }
    }
    // Who adds all of them adds this one; the rule about that says so.
    let all = |place: Place<'_>| {
        lists(&place).is_some_and(|lists| lists.add.iter().any(|name| name.eq_ignore_ascii_case("ALL")))
    };
    found.unless(pods.body.containers().any(all))
}

fn dropped(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    if pods.body.windows() {
        return Ok(false);
    }
    for place in pods.body.containers() {
        let own = lists(&place);
        let drop = own.map(|lists| &*lists.drop).unwrap_or_default();
        if drop.iter().any(|name| name.eq_ignore_ascii_case("ALL")) {
            continue;
        }
        let security = place.container.security_context.is_some();
        let at = place.security_at();
        let message = format!("{} keeps the runtime's default capabilities.", place.name());
        let where_ = match (own.is_some(), security) {
            (true, _) => format!("{at}/capabilities"),
            (false, true) => at.clone(),
            (false, false) => place.at.clone(),
        };
        let finding = Finding::at(where_, message).compared(
            json!(drop.iter().take(50).map(|name| shown(name)).collect::<Vec<_>>()),
            json!(["ALL"]),
        );
        found.add(if own.is_some() {
            finding.set(format!("{at}/capabilities/drop"), json!(["ALL"]))
        } else {
            finding.set_in(&at, security, "capabilities", json!({ "drop": ["ALL"] }))
        });
    }
    Ok(true)
}
