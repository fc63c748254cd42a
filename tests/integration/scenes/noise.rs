//! What sensors say all day: the published shape of a cluster of 14 nodes, in which one rule of Falco's default set makes 89 % of the
//! alerts and a second one 9.5 %, with the ordinary life of the cluster around it.

use jiff::Timestamp;
use serde_json::json;

use super::said::{self, Call, Sent, after};
use super::story::{Alert, Exec};
use super::world::{Pod, World};

/// Rules of Falco's default set that people learn to live with: of a thousand alerts so many, and what a workload does that brings them.
const RULES: [(u32, &str, &str, &str, &str); 7] = [
    (890, "Contact K8S API Server From Container", "Notice", "T1565", "operator --in-cluster"),
    (
        985,
        "Redirect STDOUT/STDIN to Network Connection in Container",
        "Notice",
        "T1059",
        "sh -c nc -z db 5432",
    ),
    (989, "Read sensitive file untrusted", "Warning", "T1555", "crond -f"),
    (992, "Clear Log Activities", "Warning", "T1070", "logrotate /etc/logrotate.conf"),
    (995, "Terminal shell in container", "Notice", "T1059", "sh"),
    (998, "Launch Package Management Process in Container", "Error", "T1505", "apt-get update"),
    (1_000, "System user interactive", "Informational", "T1059", "sh -l"),
];

/// So many alerts, evenly spread over `seconds` from `start` on; some of them of workloads that are attacked in that time.
pub(super) fn alerts(count: u32, world: &World, start: Timestamp, seconds: u64) -> Vec<Sent> {
    let benign: Vec<&Pod> = pods(world, true);
    let attacked: Vec<&Pod> = pods(world, false);
    let step = seconds * 1_000 / u64::from(count);
    let one = |number: u32| {
        // Every number of a thousand once, mixed up: 619 and 1,000 have no common divisor.
        let of_thousand = (number * 619) % 1_000;
        let (_, rule, priority, technique, process) =
            RULES.into_iter().find(|rule| of_thousand < rule.0).unwrap();
        let index = usize::try_from(number).unwrap();
        // Attacks happen where the noise is. People's shells and packages are not in all workloads.
        let is_common = of_thousand < 985;
        let pod = match number % 97 {
            0 if is_common => attacked[index / 97 % attacked.len()],
            _ => benign[(index * 7 + index / benign.len()) % benign.len()],
        };
        let said = Alert {
            alert: rule.to_owned(),
            priority: priority.to_owned(),
            tags: vec!["container".to_owned(), technique.to_owned()],
            process: process.to_owned(),
            file: None,
            connection: None,
        };
        let at = after(start, u64::from(number) * step);
        said::alert(&said, Some(pod), &pod.node, at, &format!("noise/{number}"))
    };
    (0..count).map(one).collect()
}

fn pods(world: &World, of_teams: bool) -> Vec<&Pod> {
    let chosen = world.pods.iter().filter(|((namespace, _), _)| world.teams.contains(namespace) == of_teams);
    chosen.flat_map(|(_, pods)| pods).collect()
}

/// What no sensor judges: programs that workloads start, and requests that people and controllers make.
pub(super) fn life(world: &World, start: Timestamp, seconds: u64) -> Vec<Sent> {
    let mut all = Vec::new();
    for second in 0..seconds {
        let own = format!("life/{second}");
        let pods = pods(world, true);
        let pod = pods[usize::try_from(second).unwrap() % pods.len()];
        let at = after(start, second * 1_000 + 11);
        let program = Exec {
            exec: "/usr/local/bin/app".to_owned(),
            arguments: format!("--worker {}", second % 4),
            parent: "/usr/local/bin/supervisor".to_owned(),
        };
        all.push(said::exec(&program, pod, at, &own));
        all.push(request(second, pod, at));
    }
    all
}

fn request(second: u64, pod: &Pod, at: Timestamp) -> Sent {
    let controller =
        json!({ "username": "system:serviceaccount:kube-system:deployment-controller", "groups": [] });
    let pipeline = json!({ "username": "system:serviceaccount:ci:deployer", "groups": [] });
    let person = json!({ "username": "ann@example.org", "groups": ["developers"] });
    let (verb, resource, user, agent, code) = match second % 4 {
        0 => ("update", "apps/deployments", controller, "kube-controller-manager/v1.33.1", 200),
        1 => ("patch", "apps/deployments", pipeline, "argocd/v3", 200),
        2 => ("get", "pods", person, "kubectl/v1.33.1", 200),
        _ => ("list", "configmaps", person, "kubectl/v1.33.1", 200),
    };
    let name = if resource == "pods" { pod.name.clone() } else { pod.owner.1.clone() };
    let call = Call {
        verb,
        resource,
        namespace: Some(pod.namespace.clone()),
        name: (verb != "list").then_some(name),
        user,
        from: "10.0.0.20",
        agent,
        code,
        query: None,
        object: None,
    };
    said::call(&call, at, &format!("request/{second}"))
}

/// Twelve refusals of one account in a second: Sigma's correlation tells of them once everything before them has been put in order.
pub(super) fn mark(at: Timestamp) -> Vec<Sent> {
    let refusal = |number: u64| {
        let call = Call {
            verb: "list",
            resource: "configmaps",
            namespace: Some(format!("elsewhere-{number}")),
            name: None,
            user: json!({ "username": "system:serviceaccount:mark:mark", "groups": ["system:serviceaccounts"] }),
            from: "10.0.0.21",
            agent: "Go-http-client/2.0",
            code: 403,
            query: None,
            object: None,
        };
        said::call(&call, after(at, number), &format!("mark/{number}"))
    };
    (0..12).map(refusal).collect()
}

/// Something of each sensor that happens now.
pub(super) fn present(world: &World, now: Timestamp) -> Vec<Sent> {
    let pod = world.pod(&world.teams[0], "app");
    let (_, rule, priority, technique, process) = RULES[0];
    let said = Alert {
        alert: rule.to_owned(),
        priority: priority.to_owned(),
        tags: vec![technique.to_owned()],
        process: process.to_owned(),
        file: None,
        connection: None,
    };
    let program = Exec {
        exec: "/usr/local/bin/app".to_owned(),
        arguments: "--worker 0".to_owned(),
        parent: "/usr/local/bin/supervisor".to_owned(),
    };
    vec![
        said::alert(&said, Some(pod), &pod.node, now, "present"),
        said::exec(&program, pod, now, "present"),
        // A number of its own, so that it is not taken for one that came before.
        request(4_000_000_002, pod, now),
    ]
}
