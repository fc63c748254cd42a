//! How a pod gets out to its node: what its specification gives it of the node.

use std::collections::BTreeSet;

use crate::attack::Technique;
use crate::workload::Pod;

/// Sockets of container runtimes: who talks to one starts any container.
const SOCKETS: [&str; 6] = [
    "/run/containerd/containerd.sock",
    "/var/run/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/var/run/crio/crio.sock",
    "/var/run/docker.sock",
    "/run/docker.sock",
];

/// Places from which the node takes programs, settings or keys that let somebody in.
const WRITTEN: [&str; 19] = [
    "/bin",
    "/boot",
    "/etc/cni",
    "/etc/cron.d",
    "/etc/cron.daily",
    "/etc/kubernetes",
    "/etc/ld.so.preload",
    "/etc/passwd",
    "/etc/systemd",
    "/lib",
    "/opt/cni/bin",
    "/root",
    "/sbin",
    "/usr/bin",
    "/usr/lib",
    "/usr/local/bin",
    "/usr/sbin",
    "/var/lib/kubelet",
    "/var/spool/cron",
];

/// Places where the node keeps credentials.
const READ: [&str; 7] = [
    "/etc/kubernetes",
    "/etc/shadow",
    "/etc/ssh",
    "/root",
    "/var/lib/etcd",
    "/var/lib/kubelet",
    "/var/lib/rancher",
];

/// Every way out. Those through the log folder need a right of the service account besides.
pub(crate) fn escapes(pod: &Pod) -> BTreeSet<Technique> {
    let mut found = BTreeSet::new();
    let mut add = |technique, holds: bool| {
        if holds {
            found.insert(technique);
        }
    };
    for container in pod.containers() {
        let security = &container.security_context;
        let privileged = security.privileged;
        let has = |wanted: &str| {
            privileged
                || security.capabilities.add.iter().any(|given| {
                    let given = given.to_ascii_uppercase();
                    let given = given.strip_prefix("CAP_").unwrap_or(&given);
                    given == "ALL" || given == wanted
                })
        };
        add(Technique::PrivMount, privileged);
        add(Technique::ModuleLoad, has("SYS_MODULE"));
        add(Technique::Nsenter, privileged && pod.host_pid);
        add(Technique::SysPtrace, pod.host_pid && has("SYS_PTRACE"));
        for mount in &container.volume_mounts {
            let volume = pod.volumes.iter().find(|volume| volume.name == mount.name);
            let Some(host) = volume.and_then(|volume| volume.host_path.as_ref()) else { continue };
            let path = parts(&format!("{}/{}", host.path, mount.sub_path.as_deref().unwrap_or_default()));
            let any = |places: &[&str], joined: fn(&[String], &[String]) -> bool| {
                places.iter().any(|place| joined(&path, &parts(place)))
            };
            let writable = !mount.read_only;
            // Whoever may write to a socket is decided by the socket and not by the mount.
            add(Technique::ContainerSocket, any(&SOCKETS, covers));
            add(Technique::HostWrite, writable && (any(&WRITTEN, touches) || any(&["/dev"], covers)));
            add(Technique::HostRead, any(&READ, touches));
            add(Technique::UmhCorePattern, writable && any(&["/proc/sys/kernel/core_pattern"], covers));
            add(Technique::VarLogSymlink, writable && any(&["/var/log/pods"], covers));
        }
    }
    found
}

/// Parts of a path, as the node resolves it but for links.
fn parts(path: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part.to_owned());
        }
    }
    parts
}

/// Whether a mount of the path has the place in it.
fn covers(path: &[String], place: &[String]) -> bool {
    place.starts_with(path)
}

/// Whether a mount of the path has the place in it, or is in the place.
fn touches(path: &[String], place: &[String]) -> bool {
    place.starts_with(path) || path.starts_with(place)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize as _;
    use serde_json::{Value, json};

    use super::escapes;
    use crate::attack::Technique;
    use crate::workload::Pod;

    fn of(value: Value) -> Vec<Technique> {
        escapes(&Pod::deserialize(&value).unwrap()).into_iter().collect()
    }

    fn mounted(path: &str, read_only: bool) -> Vec<Technique> {
        of(json!({
            "containers": [{ "volumeMounts": [{ "name": "v", "readOnly": read_only, "mountPath": "/x" }] }],
            "volumes": [{ "name": "v", "hostPath": { "path": path } }, { "name": "unused", "hostPath": { "path": "/" } }],
        }))
    }

    #[test]
    fn settings_of_containers_open_ways_out() {
        let with = |pod: Value, security: Value| {
            let mut pod = pod;
            pod["initContainers"] = json!([{ "securityContext": security }]);
            of(pod)
        };
        assert!(of(json!({ "hostPID": true, "containers": [{}] })).is_empty());
        assert_eq!(
            with(json!({}), json!({ "privileged": true })),
            [Technique::ModuleLoad, Technique::PrivMount]
        );
        assert_eq!(
            with(json!({ "hostPID": true }), json!({ "privileged": true })),
            [Technique::ModuleLoad, Technique::Nsenter, Technique::PrivMount, Technique::SysPtrace]
        );
        let adds = |capability: &str| json!({ "capabilities": { "add": [capability] } });
        assert_eq!(with(json!({}), adds("CAP_SYS_MODULE")), [Technique::ModuleLoad]);
        assert_eq!(with(json!({ "hostPID": true }), adds("SYS_PTRACE")), [Technique::SysPtrace]);
        assert!(
            with(json!({}), adds("SYS_PTRACE")).is_empty() && with(json!({}), adds("NET_ADMIN")).is_empty()
        );
    }

    #[test]
    fn folders_of_the_node_open_ways_out() {
        for (path, read_only, ways) in [
            ("/var/run/docker.sock", true, &[Technique::ContainerSocket][..]),
            ("/run", true, &[Technique::ContainerSocket]),
            ("/etc/kubernetes/pki", true, &[Technique::HostRead]),
            ("/etc/kubernetes/../ssl", false, &[]),
            ("/etc/kubernetes/", false, &[Technique::HostRead, Technique::HostWrite]),
            ("/usr/local/bin/tool", false, &[Technique::HostWrite]),
            ("/proc", false, &[Technique::UmhCorePattern]),
            ("/proc", true, &[]),
            ("/var/log", false, &[Technique::VarLogSymlink]),
            ("/var/log", true, &[]),
            ("/etc/localtime", false, &[]),
            ("/etcetera", false, &[]),
            ("/data", false, &[]),
        ] {
            assert_eq!(mounted(path, read_only), ways, "{path}");
        }
        assert!(mounted("/", false).len() == 5 && mounted("/", true).len() == 2);
    }
}
