//! What a pod and its containers may do: the fields of the Pod Security Standards that are not about the node or about
//! capabilities, and what else a pod should not ask for.
//! Source: kubernetes.io, "Pod Security Standards".

use palisade_sdk::Severity::{Critical, High, Low, Medium};
use serde_json::{Value, json};

use crate::finding::{Finding, Found, Object, Table, Verdict, quoted, shown};
use crate::pod::{Handler, Profile, SeLinux, Security};
use crate::workload::{Kind, Place, Role, Workload};

type Pods<'a> = Object<'a, Workload>;

pub(crate) const CHECKS: &Table<Workload> = &[
    ("privileged-container", Critical, privileged),
    ("allow-privilege-escalation", Medium, privilege_escalation),
    ("run-as-non-root", Medium, non_root),
    ("run-as-root-user", High, root_user),
    ("run-as-root-group", Low, root_group),
    ("read-only-root-filesystem", Low, read_only_root),
    ("seccomp-unconfined", High, seccomp_unconfined),
    ("seccomp-profile", Low, seccomp_profile),
    ("apparmor-unconfined", Medium, apparmor_unconfined),
    ("selinux-options", Medium, selinux),
    ("proc-mount", High, proc_mount),
    ("unsafe-sysctls", Medium, sysctls),
    ("windows-host-process", Critical, host_process),
    ("volume-types", Low, volume_types),
    ("git-repo-volume", High, git_repo),
    ("probe-host", Medium, probe_host),
    ("share-process-namespace", Medium, share_processes),
    ("debug-container-left", Medium, debug_container),
];

/// Settings of a container that should have one value, with the value they should have.
fn setting(place: &Place<'_>, key: &str, message: String, (found, wanted): (Value, Value)) -> Finding {
    let at = place.security_at();
    let there = place.container.security_context.is_some();
    let whole = if there && !found.is_null() { format!("{at}/{key}") } else { place_of(place) };
    Finding::at(whole, message).compared(found, wanted.clone()).set_in(&at, there, key, wanted)
}

/// The security context where it is there, else the container.
fn place_of(place: &Place<'_>) -> String {
    if place.container.security_context.is_some() { place.security_at() } else { place.at.clone() }
}

fn security<'a>(place: &Place<'a>) -> Option<&'a Security> {
    place.container.security_context.as_ref()
}

fn privileged(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    for place in pods.body.containers() {
        if security(&place).and_then(|own| own.privileged) == Some(true) {
            let message = format!(
                "{} is privileged: it has every capability and every device of the node.",
                place.name()
            );
            found.add(setting(&place, "privileged", message, (json!(true), json!(false))));
        }
    }
    Ok(true)
}

fn privilege_escalation(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    if pods.body.windows() {
        return Ok(false);
    }
    for place in pods.body.containers() {
        let own = security(&place);
        let value = own.and_then(|own| own.allow_privilege_escalation);
        let forced = own.is_some_and(|own| {
            let added = own.capabilities.as_ref().map(|all| all.add.iter().any(|name| is_sys_admin(name)));
            own.privileged == Some(true) || added == Some(true)
        });
        if value == Some(false) {
            continue;
        }
        let name = place.name();
        let message = match value {
            Some(_) => format!("{name} sets allowPrivilegeEscalation to true."),
            None => format!("{name} leaves allowPrivilegeEscalation unset, which means true."),
        };
        let values = (json!(value), json!(false));
        // The API refuses false beside what implies escalation: that has to go first, and has a rule of its own.
        found.add(if forced {
            let at = if value.is_some() {
                format!("{}/allowPrivilegeEscalation", place.security_at())
            } else {
                place_of(&place)
            };
            Finding::at(at, message).compared(values.0, values.1)
        } else {
            setting(&place, "allowPrivilegeEscalation", message, values)
        });
    }
    Ok(true)
}

fn is_sys_admin(name: &str) -> bool {
    crate::capabilities::plain(name) == "SYS_ADMIN"
}

fn non_root(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    let pod = pods.body.pod.security_context.as_ref();
    let of_pod = pod.and_then(|pod| pod.run_as_non_root);
    let mut bare = Vec::new();
    for place in pods.body.containers() {
        match security(&place).and_then(|own| own.run_as_non_root) {
            Some(true) => {}
            None if of_pod == Some(true) => {}
            None => bare.push(place.name()),
            Some(false) => {
                let message = format!("{} sets runAsNonRoot to false.", place.name());
                found.add(setting(&place, "runAsNonRoot", message, (json!(false), json!(true))));
            }
        }
    }
    if !bare.is_empty() {
        let message = format!("Root is not refused (runAsNonRoot is not set) for {}.", listed(&bare));
        let user = pod.and_then(|pod| pod.run_as_user);
        let finding = Finding::at(pod_place(pods.body), message).compared(json!(of_pod), json!(true)).set_in(
            &pods.body.security_at(),
            pod.is_some(),
            "runAsNonRoot",
            json!(true),
        );
        // A user that is not root is the same in effect, until somebody removes it.
        found.add(if user.is_some_and(|user| user > 0) { finding.severity(Low) } else { finding });
    }
    Ok(true)
}

/// The security context of the pod where it is there, else the pod's spec.
fn pod_place(workload: &Workload) -> String {
    if workload.pod.security_context.is_some() { workload.security_at() } else { workload.at.clone() }
}

/// The first names of a list, in a sentence.
fn listed(names: &[String]) -> String {
    let first: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
    let more = names.len().saturating_sub(3);
    let first = first.join(", ");
    if more > 0 { format!("{first} and {more} more") } else { first }
}

fn root_user(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    let workload = pods.body;
    if workload.pod.security_context.as_ref().and_then(|pod| pod.run_as_user) == Some(0) {
        let at = format!("{}/runAsUser", workload.security_at());
        let message = "The pod sets runAsUser to 0: containers run as root unless they say otherwise.";
        found.add(
            Finding::at(&at, message).compared(json!(0), json!("a user above 0")).set(&at, json!(10_001)),
        );
    }
    for place in workload.containers() {
        if security(&place).and_then(|own| own.run_as_user) == Some(0) {
            let at = format!("{}/runAsUser", place.security_at());
            let message = format!("{} sets runAsUser to 0 and runs as root.", place.name());
            found.add(
                Finding::at(&at, message).compared(json!(0), json!("a user above 0")).set(&at, json!(10_001)),
            );
        }
    }
    Ok(true)
}

fn root_group(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    let workload = pods.body;
    if workload.pod.security_context.as_ref().and_then(|pod| pod.run_as_group) == Some(0) {
        let at = format!("{}/runAsGroup", workload.security_at());
        let message = "The pod sets runAsGroup to 0, the group of root.";
        found.add(
            Finding::at(&at, message).compared(json!(0), json!("a group above 0")).set(&at, json!(10_001)),
        );
    }
    for place in workload.containers() {
        if security(&place).and_then(|own| own.run_as_group) == Some(0) {
            let at = format!("{}/runAsGroup", place.security_at());
            let message = format!("{} sets runAsGroup to 0, the group of root.", place.name());
            found.add(
                Finding::at(&at, message)
                    .compared(json!(0), json!("a group above 0"))
                    .set(&at, json!(10_001)),
            );
        }
    }
    Ok(true)
}

fn read_only_root(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    if pods.body.windows() {
        return Ok(false);
    }
    for place in pods.body.containers().filter(|place| place.role != Role::Ephemeral) {
        let value = security(&place).and_then(|own| own.read_only_root_filesystem);
        if value != Some(true) {
            let message = format!("{} can write to its root file system.", place.name());
            found.add(setting(&place, "readOnlyRootFilesystem", message, (json!(value), json!(true))));
        }
    }
    Ok(true)
}

fn seccomp_unconfined(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    if pods.body.windows() {
        return Ok(false);
    }
    let unconfined = |profile: Option<&Profile>| profile.is_some_and(|profile| profile.kind == "Unconfined");
    let wanted = json!({ "type": "RuntimeDefault" });
    let pod = pods.body.pod.security_context.as_ref();
    if unconfined(pod.and_then(|pod| pod.seccomp_profile.as_ref())) {
        let at = format!("{}/seccompProfile", pods.body.security_at());
        let message = "The pod switches seccomp off: its containers may use every system call.";
        let finding =
            Finding::at(format!("{at}/type"), message).compared(json!("Unconfined"), wanted.clone());
        found.add(finding.set(at, wanted.clone()));
    }
    for place in pods.body.containers() {
        if unconfined(security(&place).and_then(|own| own.seccomp_profile.as_ref())) {
            let at = format!("{}/seccompProfile", place.security_at());
            let message = format!("{} switches seccomp off: it may use every system call.", place.name());
            let finding =
                Finding::at(format!("{at}/type"), message).compared(json!("Unconfined"), wanted.clone());
            found.add(finding.set(at, wanted.clone()));
        }
    }
    Ok(true)
}

fn seccomp_profile(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    if pods.body.windows() {
        return Ok(false);
    }
    let pod = pods.body.pod.security_context.as_ref();
    let of_pod = pod.and_then(|pod| pod.seccomp_profile.as_ref());
    let of_containers = pods.body.containers().filter_map(|place| security(&place)?.seccomp_profile.as_ref());
    let off = of_pod.into_iter().chain(of_containers).any(|profile| profile.kind == "Unconfined");
    if of_pod.is_some() {
        return found.unless(off);
    }
    let without = |place: &Place<'_>| security(place).and_then(|own| own.seccomp_profile.as_ref()).is_none();
    let bare: Vec<String> = pods.body.containers().filter(without).map(|place| place.name()).collect();
    if !bare.is_empty() {
        let wanted = json!({ "type": "RuntimeDefault" });
        let message = format!("No seccomp profile is set for {}.", listed(&bare));
        found.add(Finding::at(pod_place(pods.body), message).compared(Value::Null, wanted.clone()).set_in(
            &pods.body.security_at(),
            pod.is_some(),
            "seccompProfile",
            wanted,
        ));
    }
    found.unless(off)
}

/// Prefix of the annotation that set AppArmor profiles before Kubernetes had a field for them.
const APPARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

fn apparmor_unconfined(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    let workload = pods.body;
    if workload.windows() {
        return Ok(false);
    }
    let unconfined = |profile: Option<&Profile>| profile.is_some_and(|profile| profile.kind == "Unconfined");
    let wanted = json!({ "type": "RuntimeDefault" });
    let pod = workload.pod.security_context.as_ref();
    if unconfined(pod.and_then(|pod| pod.app_armor_profile.as_ref())) {
        let at = format!("{}/appArmorProfile", workload.security_at());
        let finding = Finding::at(format!("{at}/type"), "The pod switches AppArmor off.");
        found.add(finding.compared(json!("Unconfined"), wanted.clone()).set(at, wanted.clone()));
    }
    for place in workload.containers() {
        if unconfined(security(&place).and_then(|own| own.app_armor_profile.as_ref())) {
            let at = format!("{}/appArmorProfile", place.security_at());
            let finding =
                Finding::at(format!("{at}/type"), format!("{} switches AppArmor off.", place.name()));
            found.add(finding.compared(json!("Unconfined"), wanted.clone()).set(at, wanted.clone()));
        }
    }
    for (key, value) in workload.annotations.iter() {
        if let Some(container) = key.strip_prefix(APPARMOR).filter(|_| value == "unconfined") {
            let at = workload.meta_at("annotations", key);
            let message = format!("An annotation switches AppArmor off for container {}.", shown(container));
            found.add(Finding::at(&at, message).compared(quoted(value), json!("runtime/default")).remove(at));
        }
    }
    Ok(true)
}

const SELINUX_TYPES: [&str; 5] =
    ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];

fn selinux(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    if pods.body.windows() {
        return Ok(false);
    }
    let bad = |options: &SeLinux| {
        let kind = options.kind.as_deref().unwrap_or_default();
        let free = [&options.user, &options.role].into_iter().flatten().any(|value| !value.is_empty());
        (free || !SELINUX_TYPES.contains(&kind)).then(|| shown(kind))
    };
    let pod = pods.body.pod.security_context.as_ref().and_then(|pod| pod.se_linux_options.as_ref());
    let of_pod = pod.map(|options| (pods.body.security_at(), "The pod".to_owned(), options));
    let of_containers = pods.body.containers().filter_map(|place| {
        let options = security(&place)?.se_linux_options.as_ref()?;
        Some((place.security_at(), place.name(), options))
    });
    for (at, name, options) in of_pod.into_iter().chain(of_containers) {
        if let Some(kind) = bad(options) {
            let at = format!("{at}/seLinuxOptions");
            let message = format!(
                "{name} sets an SELinux user, role or type outside of the container types: {kind:?}."
            );
            let wanted = json!({ "type": "container_t" });
            found.add(Finding::at(&at, message).compared(json!(kind), json!(SELINUX_TYPES)).set(at, wanted));
        }
    }
    Ok(true)
}

fn proc_mount(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    if pods.body.windows() {
        return Ok(false);
    }
    for place in pods.body.containers() {
        let value = security(&place).and_then(|own| own.proc_mount.as_deref()).unwrap_or("Default");
        if !matches!(value, "Default" | "") {
            let message = format!("{} sees /proc without the runtime's masks.", place.name());
            found.add(setting(&place, "procMount", message, (quoted(value), json!("Default"))));
        }
    }
    Ok(true)
}

/// Sysctls that the baseline standard allows.
const SYSCTLS: [&str; 12] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
];

fn sysctls(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    let Some(pod) = &pods.body.pod.security_context else { return Ok(true) };
    for (index, sysctl) in pod.sysctls.iter().enumerate() {
        let name = sysctl.name.as_deref().unwrap_or_default();
        if !SYSCTLS.contains(&name) {
            let at = format!("{}/sysctls/{index}", pods.body.security_at());
            let message =
                format!("The pod sets the sysctl {}, which is not one of the safe ones.", shown(name));
            found.add(Finding::at(&at, message).compared(quoted(name), json!(SYSCTLS)).remove(at));
        }
    }
    Ok(true)
}

fn host_process(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    let pod = pods.body.pod.security_context.as_ref().and_then(|pod| pod.windows_options.as_ref());
    let of_pod = pod.map(|options| (pods.body.security_at(), "The pod".to_owned(), options));
    let of_containers = pods.body.containers().filter_map(|place| {
        let options = security(&place)?.windows_options.as_ref()?;
        Some((place.security_at(), place.name(), options))
    });
    for (at, name, options) in of_pod.into_iter().chain(of_containers) {
        if options.host_process == Some(true) {
            let at = format!("{at}/windowsOptions/hostProcess");
            let message = format!("{name} runs as a HostProcess container, on the node itself.");
            found.add(Finding::at(&at, message).compared(json!(true), json!(false)).set(at, json!(false)));
        }
    }
    Ok(true)
}

/// Sources of volumes that the restricted standard allows, and those that have a rule of their own.
const VOLUMES: [&str; 6] =
    ["configMap", "csi", "downwardAPI", "ephemeral", "persistentVolumeClaim", "secret"];

fn volume_types(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    for (index, volume) in pods.body.pod.volumes.iter().enumerate() {
        let other = volume.other.keys().map(String::as_str).find(|key| !VOLUMES.contains(key));
        let kind = if volume.image.is_some() { Some("image") } else { other };
        if let Some(kind) = kind {
            let at = format!("{}/volumes/{index}/{}", pods.body.at, palisade_sdk::pointer_part(kind));
            let message = format!("Volume {} is of type {}.", shown(&volume.name), shown(kind));
            found.add(Finding::at(at, message).compared(quoted(kind), json!(VOLUMES)));
        }
    }
    Ok(true)
}

fn git_repo(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    for (index, volume) in pods.body.pod.volumes.iter().enumerate() {
        if volume.git_repo.is_some() {
            let at = format!("{}/volumes/{index}", pods.body.at);
            let message =
                format!("Volume {} is a gitRepo volume: the node runs git for it.", shown(&volume.name));
            found.add(
                Finding::at(format!("{at}/gitRepo"), message)
                    .compared(json!("gitRepo"), json!("an emptyDir that an init container fills"))
                    .set(format!("{at}/emptyDir"), json!({}))
                    .remove(format!("{at}/gitRepo")),
            );
        }
    }
    Ok(true)
}

fn probe_host(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    for place in pods.body.containers() {
        let own = place.container;
        let lifecycle = own.lifecycle.as_ref();
        let handlers = [
            ("livenessProbe", own.liveness_probe.as_ref()),
            ("readinessProbe", own.readiness_probe.as_ref()),
            ("startupProbe", own.startup_probe.as_ref()),
            ("lifecycle/postStart", lifecycle.and_then(|all| all.post_start.as_ref())),
            ("lifecycle/preStop", lifecycle.and_then(|all| all.pre_stop.as_ref())),
        ];
        for (path, handler) in handlers {
            for (target, host) in handler.into_iter().flat_map(hosts) {
                let at = format!("{}/{path}/{target}/host", place.at);
                let message =
                    format!("{} lets the kubelet connect to {} ({path}).", place.name(), shown(host));
                found.add(Finding::at(&at, message).compared(quoted(host), Value::Null).remove(at));
            }
        }
    }
    Ok(true)
}

fn hosts(handler: &Handler) -> impl Iterator<Item = (&'static str, &str)> {
    [("httpGet", &handler.http_get), ("tcpSocket", &handler.tcp_socket)].into_iter().filter_map(
        |(name, target)| {
            let host = target.as_ref()?.host.as_deref()?;
            (!host.is_empty()).then_some((name, host))
        },
    )
}

fn share_processes(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    if pods.body.pod.share_process_namespace == Some(true) {
        let at = format!("{}/shareProcessNamespace", pods.body.at);
        let message = "The containers of the pod see and can signal each other's processes.";
        found.add(Finding::at(&at, message).compared(json!(true), json!(false)).set(at, json!(false)));
    }
    Ok(true)
}

fn debug_container(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    if pods.body.kind != Kind::Pod {
        return Ok(false);
    }
    for place in pods.body.containers().filter(|place| place.role == Role::Ephemeral) {
        let message =
            format!("{} was added to the running pod and stays until the pod is replaced.", place.name());
        found.add(Finding::at(place.at, message).compared(json!(place.container.name), Value::Null));
    }
    Ok(true)
}
