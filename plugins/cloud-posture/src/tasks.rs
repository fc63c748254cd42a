//! Tasks and services of ECS.

use palisade_sdk::Severity::{High, Low, Medium};
use serde_json::{Value, json};

use crate::body::{Body, Node, Stop};
use crate::finding::{Finding, Found, Table, Verdict, quoted, shown};
use crate::names::secret_name;

pub(crate) const CHECKS: &Table = &[
    ("ecs-privileged-container", High, privileged),
    ("ecs-host-network", Medium, host_network),
    ("ecs-host-process-namespace", Medium, host_namespaces),
    ("ecs-added-capabilities", High, capabilities),
    ("ecs-host-volume", High, volumes),
    ("ecs-secret-in-environment", Medium, secrets),
    ("ecs-root-user", Low, root),
    ("ecs-read-only-root", Low, read_only),
    ("ecs-container-logging", Low, logging),
    ("ecs-image-tag", Low, images),
];

pub(crate) const SERVICE_CHECKS: &Table = &[("ecs-service-public-address", Medium, public_address)];

fn containers<'a>(body: &Body<'a>) -> Result<Vec<Node<'a>>, Stop> {
    body.need("containerDefinitions")?.items()
}

fn name(container: &Node<'_>) -> Result<String, Stop> {
    Ok(format!("The container {}", shown(container.text_of("name")?.unwrap_or_default())))
}

/// Whether the task runs on Windows, where users and read-only roots are something else.
fn windows(body: &Body<'_>) -> Result<bool, Stop> {
    let Some(platform) = body.get("runtimePlatform")? else { return Ok(false) };
    Ok(platform.text_of("operatingSystemFamily")?.is_some_and(|system| system.starts_with("WINDOWS")))
}

fn privileged(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    for container in containers(body)? {
        if container.flag_of("privileged")? {
            let message = format!("{} is privileged.", name(&container)?);
            found
                .add(Finding::at(container.place("privileged"), message).compared(json!(true), json!(false)));
        }
    }
    Ok(true)
}

/// A mode of the task must not be that of the machine.
fn not_host(body: &Body<'_>, found: &mut Found<'_>, key: &str, what: &str, wanted: &str) -> Result<(), Stop> {
    if body.text_of(key)? == Some("host") {
        let message = format!("The task uses {what} of the machine.");
        found.add(Finding::at(body.place(key), message).compared(json!("host"), json!(wanted)));
    }
    Ok(())
}

fn host_network(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    containers(body)?;
    not_host(body, found, "networkMode", "the network", "awsvpc")?;
    Ok(true)
}

fn host_namespaces(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    containers(body)?;
    not_host(body, found, "pidMode", "the process namespace", "task")?;
    not_host(body, found, "ipcMode", "the IPC namespace", "task")?;
    Ok(true)
}

/// Capabilities of Linux with which a container can break out, or listen to and change the traffic of others.
const CAPABILITIES: [&str; 10] = [
    "ALL",
    "SYS_ADMIN",
    "SYS_PTRACE",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_BOOT",
    "NET_ADMIN",
    "DAC_READ_SEARCH",
    "BPF",
    "MAC_ADMIN",
];

fn capabilities(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    for container in containers(body)? {
        let Some(added) = container.inside(&["linuxParameters", "capabilities", "add"])? else { continue };
        for capability in added.items()? {
            let word = capability.text()?.trim_start_matches("CAP_");
            if CAPABILITIES.contains(&word) {
                let message = format!("{} adds the capability {word}.", name(&container)?);
                found.add(Finding::at(&capability.at, message).compared(json!(word), Value::Null));
            }
        }
    }
    Ok(true)
}

/// Directories and files of the machine that a container must not have, with all below them.
const HOST_PATHS: [&str; 12] = [
    "/etc",
    "/proc",
    "/sys",
    "/dev",
    "/root",
    "/home",
    "/boot",
    "/var/run",
    "/run",
    "/var/lib/docker",
    "/var/lib/containerd",
    "/var/lib/ecs",
];

fn sensitive(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    path.is_empty()
        || path == "/var"
        || path == "/var/lib"
        || HOST_PATHS
            .iter()
            .any(|host| path.strip_prefix(host).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

fn volumes(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    containers(body)?;
    for volume in body.items_of("volumes")? {
        let Some(path) = volume.inside(&["host", "sourcePath"])? else { continue };
        let text = path.text()?;
        if text.starts_with('/') && sensitive(text) {
            let message = format!("The task mounts {} of the machine.", shown(text));
            found.add(Finding::at(&path.at, message).compared(quoted(text), json!("task storage, or EFS")));
        }
    }
    Ok(true)
}

fn secrets(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    for container in containers(body)? {
        for variable in container.items_of("environment")? {
            let Some(word) = variable.text_of("name")? else { continue };
            if secret_name(word) {
                let message = format!(
                    "{} has the plain environment variable {}, which is named like a secret.",
                    name(&container)?,
                    shown(word)
                );
                found.add(
                    Finding::at(variable.place("name"), message)
                        .compared(quoted(word), json!("an item of secrets")),
                );
            }
        }
    }
    Ok(true)
}

fn root(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let containers = containers(body)?;
    if windows(body)? {
        return Ok(false);
    }
    for container in containers {
        let user = container.text_of("user")?;
        if user.is_none_or(|user| matches!(user.split(':').next(), Some("" | "0" | "root"))) {
            let message = match user {
                Some(_) => format!("{} runs as root.", name(&container)?),
                None => format!(
                    "{} names no user and runs as that of its image, which mostly is root.",
                    name(&container)?
                ),
            };
            found.add(
                Finding::at(container.place("user"), message)
                    .compared(user.map_or(Value::Null, quoted), json!("a user that is not root")),
            );
        }
    }
    Ok(true)
}

fn read_only(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    let containers = containers(body)?;
    if windows(body)? {
        return Ok(false);
    }
    for container in containers {
        if !container.flag_of("readonlyRootFilesystem")? {
            let message = format!("{} may write to its root file system.", name(&container)?);
            found.add(
                Finding::at(container.place("readonlyRootFilesystem"), message)
                    .compared(json!(false), json!(true)),
            );
        }
    }
    Ok(true)
}

fn logging(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    for container in containers(body)? {
        if container.get("logConfiguration")?.is_none() {
            let message = format!("{} logs nowhere.", name(&container)?);
            found.add(
                Finding::at(&container.at, message).compared(Value::Null, json!({ "logDriver": "awslogs" })),
            );
        }
    }
    Ok(true)
}

/// Whether an image has a digest, or a tag that is meant to stay.
fn fixed(image: &str) -> bool {
    let last = image.rsplit('/').next().unwrap_or_default();
    image.contains('@') || last.split_once(':').is_some_and(|(_, tag)| tag != "latest")
}

fn images(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    for container in containers(body)? {
        let Some(image) = container.get("image")? else { continue };
        if !fixed(image.text()?) {
            let message =
                format!("{} runs {}, whatever that is today.", name(&container)?, shown(image.text()?));
            found.add(
                Finding::at(&image.at, message)
                    .compared(quoted(image.text()?), json!("a version or a digest")),
            );
        }
    }
    Ok(true)
}

fn public_address(body: &Body<'_>, found: &mut Found<'_>) -> Verdict {
    // Only tasks with a network of their own have one to configure.
    let Some(network) = body.get("networkConfiguration")? else { return Ok(false) };
    let Some(assign) = network.inside(&["awsvpcConfiguration", "assignPublicIp"])? else { return Ok(false) };
    if assign.text()? == "ENABLED" {
        let message = "Tasks of the service get public addresses.";
        found.add(Finding::at(&assign.at, message).compared(json!("ENABLED"), json!("DISABLED")));
    }
    Ok(true)
}
