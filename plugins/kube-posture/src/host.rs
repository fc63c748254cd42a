//! What a pod takes of its node: namespaces, ports, directories.

use palisade_sdk::Severity::{self, Critical, High, Low, Medium};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::finding::{Finding, Found, Object, Table, Verdict, quoted, shown};
use crate::object::Specified;
use crate::workload::Workload;

type Pods<'a> = Object<'a, Workload>;

pub(crate) const CHECKS: &Table<Workload> = &[
    ("host-network", High, |pods, found| {
        flag(pods, found, "hostNetwork", pods.body.pod.host_network, "uses the network of its node")
    }),
    ("host-pid", High, |pods, found| {
        flag(pods, found, "hostPID", pods.body.pod.host_pid, "sees and can signal every process of its node")
    }),
    ("host-ipc", Medium, |pods, found| {
        flag(
            pods,
            found,
            "hostIPC",
            pods.body.pod.host_ipc,
            "shares memory and queues with processes of its node",
        )
    }),
    ("host-ports", Medium, ports),
    ("host-path-root", Critical, |pods, found| paths(pods, found, Class::Root, Critical)),
    ("host-path-runtime-socket", Critical, |pods, found| paths(pods, found, Class::Socket, Critical)),
    ("host-path-kubelet", Critical, |pods, found| paths(pods, found, Class::Kubelet, Critical)),
    ("host-path-control-plane", Critical, |pods, found| paths(pods, found, Class::ControlPlane, Critical)),
    ("host-path-proc", High, |pods, found| paths(pods, found, Class::Proc, High)),
    ("host-path-etc", High, |pods, found| paths(pods, found, Class::Etc, High)),
    ("host-path-devices", High, |pods, found| paths(pods, found, Class::Devices, High)),
    ("host-path-container-storage", High, |pods, found| paths(pods, found, Class::Storage, High)),
    ("host-path-logs", Medium, |pods, found| paths(pods, found, Class::Logs, Medium)),
    ("host-path-other", Medium, |pods, found| paths(pods, found, Class::Other, Medium)),
];

fn flag(pods: &Pods<'_>, found: &mut Found<'_>, key: &str, value: Option<bool>, does: &str) -> Verdict {
    if value == Some(true) {
        let at = format!("{}/{key}", pods.body.at);
        let message = format!("The pod {does} ({key}).");
        found.add(Finding::at(&at, message).compared(json!(true), json!(false)).remove(at));
    }
    Ok(true)
}

fn ports(pods: &Pods<'_>, found: &mut Found<'_>) -> Verdict {
    // With the node's network every port is one of the node; the API server fills the field in.
    if pods.body.pod.host_network == Some(true) {
        return Ok(false);
    }
    for place in pods.body.containers() {
        for (index, port) in place.container.ports.iter().enumerate() {
            if let Some(number) = port.host_port.filter(|number| *number != 0) {
                let at = format!("{}/ports/{index}/hostPort", place.at);
                let message = format!("{} opens port {number} on its node.", place.name());
                found.add(Finding::at(&at, message).compared(json!(number), Value::Null).remove(at));
            }
        }
    }
    Ok(true)
}

/// What a directory of the node gives away. Each path has one class, the worst that it is or holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Root,
    Socket,
    Kubelet,
    ControlPlane,
    Proc,
    Etc,
    Devices,
    Storage,
    Logs,
    Other,
}

const SOCKETS: [&str; 6] =
    ["docker.sock", "containerd.sock", "crio.sock", "dockershim.sock", "cri-dockerd.sock", "podman.sock"];

/// Directories with their class; the first that fits decides.
const DIRECTORIES: [(&str, Class); 24] = [
    ("/var/run", Class::Socket),
    ("/run", Class::Socket),
    ("/var/lib/kubelet", Class::Kubelet),
    ("/etc/kubernetes", Class::ControlPlane),
    ("/var/lib/etcd", Class::ControlPlane),
    ("/var/lib/rancher", Class::ControlPlane),
    ("/var/lib/k0s", Class::ControlPlane),
    ("/proc", Class::Proc),
    ("/sys", Class::Proc),
    ("/etc", Class::Etc),
    ("/root", Class::Etc),
    ("/home", Class::Etc),
    ("/boot", Class::Etc),
    ("/usr", Class::Etc),
    ("/bin", Class::Etc),
    ("/sbin", Class::Etc),
    ("/var/spool/cron", Class::Etc),
    ("/dev", Class::Devices),
    ("/var/lib/docker", Class::Storage),
    ("/var/lib/containerd", Class::Storage),
    ("/var/lib/containers", Class::Storage),
    ("/var/log", Class::Logs),
    ("/var", Class::Kubelet),
    ("/var/lib", Class::Kubelet),
];

/// The directories whose parents are as dangerous as they are, and only those: `/run/example` is not a runtime's socket.
const WHOLE: [&str; 6] = ["/var/run", "/run", "/var", "/var/lib", "/home", "/usr"];

/// Directories of container runtimes that hold little but their sockets.
const RUNTIMES: [&str; 6] =
    ["/run/containerd", "/run/docker", "/run/crio", "/run/k3s", "/run/k3s/containerd", "/run/podman"];

/// The class of a path of the node.
pub(crate) fn class(path: &str) -> Class {
    let path = normal(path);
    if path == "/" {
        return Class::Root;
    }
    let run = path.strip_prefix("/var").filter(|rest| rest.starts_with("/run")).unwrap_or(&path);
    let file = path.rsplit('/').next().unwrap_or_default();
    if SOCKETS.contains(&file) || RUNTIMES.contains(&run) {
        return Class::Socket;
    }
    for (directory, class) in DIRECTORIES {
        let inside =
            path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if inside && (path == directory || !WHOLE.contains(&directory)) {
            return class;
        }
    }
    Class::Other
}

/// The path without `.`, `..` and doubled slashes.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn paths(pods: &Pods<'_>, found: &mut Found<'_>, wanted: Class, usual: Severity) -> Verdict {
    for (index, volume) in pods.body.pod.volumes.iter().enumerate() {
        let Some(host) = volume.host_path.as_ref().filter(|host| class(&host.path) == wanted) else {
            continue;
        };
        let at = format!("{}/volumes/{index}", pods.body.at);
        let mut mounts = pods
            .body
            .containers()
            .flat_map(|place| place.container.volume_mounts.iter().filter(|mount| mount.name == volume.name));
        let read_only = mounts.all(|mount| mount.read_only == Some(true));
        let how = if read_only { "read only" } else { "for writing" };
        let message =
            format!("Volume {} is {} of the node, mounted {how}.", shown(&volume.name), shown(&host.path));
        let finding = Finding::at(format!("{at}/hostPath"), message)
            .compared(quoted(&host.path), json!("a volume that is not the node's"))
            .set(format!("{at}/emptyDir"), json!({}))
            .remove(format!("{at}/hostPath"));
        // A socket takes commands however it is mounted, and keys only have to be read.
        let lesser = read_only && matches!(wanted, Class::Etc | Class::Logs | Class::Other | Class::Proc);
        found.add(if lesser { finding.severity(if usual == High { Medium } else { Low }) } else { finding });
    }
    Ok(true)
}

/// A persistent volume.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PersistentVolume {
    host_path: Option<crate::pod::HostPath>,
}

pub(crate) const PERSISTENT_VOLUME_CHECKS: &Table<Specified<PersistentVolume>> =
    &[("persistent-volume-host-path", High, |object, found| {
        if let Some(host) = &object.body.spec.host_path {
            let message = format!("The volume is {} of whichever node its pod runs on.", shown(&host.path));
            let wanted = json!("storage of a CSI driver, or a local volume bound to its node");
            found.add(Finding::at("/spec/hostPath", message).compared(quoted(&host.path), wanted));
        }
        Ok(true)
    })];

#[cfg(test)]
mod tests {
    use super::{Class, class};

    #[test]
    fn every_path_has_the_worst_class_that_fits() {
        let cases = [
            ("/", Class::Root),
            ("//./", Class::Root),
            ("/etc/..", Class::Root),
            ("/var/run/docker.sock", Class::Socket),
            ("/run/containerd", Class::Socket),
            ("/var/run/containerd/", Class::Socket),
            ("/var/run", Class::Socket),
            ("/run/example", Class::Other),
            ("/var", Class::Kubelet),
            ("/var/lib/kubelet/pods", Class::Kubelet),
            ("/etc/kubernetes/pki", Class::ControlPlane),
            ("/etc", Class::Etc),
            ("/etcetera", Class::Other),
            ("/proc/1/root", Class::Proc),
            ("/dev/kvm", Class::Devices),
            ("/var/lib/docker/overlay2", Class::Storage),
            ("/var/lib/example", Class::Other),
            ("/var/log/pods", Class::Logs),
            ("/data", Class::Other),
            ("", Class::Root),
        ];
        for (path, wanted) in cases {
            assert_eq!(class(path), wanted, "{path}");
        }
    }
}
