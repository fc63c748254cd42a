"""Checks the chart: schema, reference, lint, rendering, snapshots, the schemas of Kubernetes, values that must be refused, and
what Palisade itself finds in it.

usage: check.py --helm PROGRAM [--palisade PROGRAM] [--write]

With --write the schema, the reference and the snapshots are made anew in place of being compared.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import kubernetes_validate
import yaml

HERE = Path(__file__).parent
CHART = HERE / "palisade"
VERSIONS = ["1.29", "1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37"]

# Values whose members are Kubernetes' or the user's, not ours.
FREE = {
    "config", "podSecurityContext", "securityContext", "resources", "advisories.resources", "admission.resources",
    "admission.namespaceSelector", "admission.certManager.issuerRef",
}
ENUMS = {
    "image.pullPolicy": ["Always", "IfNotPresent", "Never"],
    "service.type": ["ClusterIP", "LoadBalancer", "NodePort"],
    "admission.failurePolicy": ["Fail", "Ignore"],
    "postgres.sslMode": ["disable", "require", "verify-ca", "verify-full"],
    "nats.replicas": [1, 3, 5],
}
PATTERNS = {
    "image.digest": "^$|^sha256:[0-9a-f]{64}$",
    "nats.url": "^$|^(nats|tls)://[^@]+$",
    "postgres.host": "^[^@/]*$",
}
# What Palisade finds above low in value sets that ask for just that: the rights of responses, and of reading Secrets.
ASKED_FOR = {
    "admission-cert-manager": {"webhook-fail-open"},
    "cluster": {"rbac-secrets-read"},
    "respond": {
        "rbac-secrets-read", "rbac-write-bindings", "rbac-create-workloads", "rbac-network-policies-write", "rbac-nodes-write",
    },
}

wrong = []


def note(what):
    wrong.append(what)


def schema_of(path, value):
    """The schema of one value, by its default."""
    if path in ENUMS:
        return {"enum": ENUMS[path]}
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int):
        return {"type": "integer", "minimum": 1}
    if isinstance(value, str):
        return {"type": "string", **({"pattern": PATTERNS[path]} if path in PATTERNS else {})}
    if isinstance(value, list):
        return {"type": "array"}
    if not value or path in FREE:
        return {"type": "object"}
    members = {key: schema_of(f"{path}.{key}" if path else key, each) for key, each in value.items()}
    return {"type": "object", "properties": members, "additionalProperties": False}


def schema(values):
    root = schema_of("", values)
    # What charts above this one, and tools, put beside our own.
    root["properties"]["enabled"] = {"type": "boolean"}
    root["properties"]["global"] = {"type": "object"}
    root["patternProperties"] = {"^x-": {}}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Values of the Palisade chart", **root}


def documented(text):
    """Each value with its default and the comment above it."""
    rows, path, said = [], [], None
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("# -- "):
            said = stripped[5:]
            continue
        found = re.match(r"^( *)([A-Za-z][\w-]*):(?: (.*))?$", line)
        if not found:
            continue
        depth = len(found[1]) // 2
        path = [*path[:depth], found[2]]
        if said is not None:
            rows.append((".".join(path), (found[3] or "").strip(), said))
        elif found[3]:
            inside = any(".".join(path).startswith(f"{known}.") for known, _, _ in rows)
            if not inside:
                note(f"values.yaml: {'.'.join(path)} has no comment that begins with `# -- `")
        said = None
    return rows


def reference(values_text):
    head = (
        "# Palisade on Kubernetes\n\n"
        "```\nhelm install palisade helm/palisade --namespace palisade --create-namespace\n```\n\n"
        "Without values: one pod, SQLite and the embedded bus in a volume of its own, no rights in the cluster, and a NetworkPolicy\n"
        "that lets in pods of its namespace alone. `ci/` holds values for other ways to run it.\n\n"
        "An uninstall leaves the volumes behind (`kubectl delete pvc --selector app.kubernetes.io/instance=palisade`) and nothing else.\n\n"
        "| Value | Default | What it is |\n| --- | --- | --- |\n"
    )
    escape = lambda text: text.replace("|", "\\|")
    rows = documented(values_text)
    return head + "".join(f"| `{path}` | {f'`{escape(default)}`' if default else ''} | {escape(said)} |\n" for path, default, said in rows)


def same(path, wanted, write):
    if write:
        path.write_text(wanted)
    elif not path.exists() or path.read_text() != wanted:
        note(f"{path.relative_to(HERE.parent)} is out of date; run `cargo xtask helm --write` and look at the difference")


def helm(program, *arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True)


def rendered(program, values):
    done = helm(program, "template", "palisade", str(CHART), "--namespace", "palisade", "--values", str(values))
    if done.returncode != 0:
        note(f"{values.name}: {done.stderr.strip()}")
        return None
    return done.stdout


def valid(name, text):
    """Strictly, by every version of Kubernetes that is known; kinds of others have no schema there."""
    for number, document in enumerate(yaml.safe_load_all(text)):
        if not document:
            continue
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except kubernetes_validate.SchemaNotFoundError:
                if "k8s.io" not in document["apiVersion"] and "." not in document["apiVersion"]:
                    note(f"{name}: document {number}, {document['kind']}, is unknown to Kubernetes {version}")
            except kubernetes_validate.ValidationError as error:
                note(f"{name}: {document['kind']} for Kubernetes {version}: {error}")
                break


def configured(program, name, text):
    """The service reads the configuration that was rendered."""
    for document in yaml.safe_load_all(text):
        if document and "palisade.toml" in document.get("data", {}):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "palisade.toml"
                path.write_text(document["data"]["palisade.toml"])
                command = [program, "--config", str(path), "--data-dir", folder, "explain", "scan-abandoned"]
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode != 0:
                    note(f"{name}: the service refuses its configuration: {done.stderr.strip()}")


def scanned(program, name, text):
    """What Palisade finds above low, but what the values ask for; pinned and from a registry nothing but what is open to all."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "objects").mkdir()
        (Path(folder) / "objects/objects.yaml").write_text(text)
        command = [program, "--data-dir", folder, "scan", "dir", f"{folder}/objects", "--format", "json"]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        note(f"{name}: it could not be scanned: {done.stderr.strip()}")
        return
    found = json.loads(done.stdout)["findings"]
    for one in found:
        rule = one["rule"].split("/")[-1]
        bad = one["severity"] in ("critical", "high", "medium") and rule not in ASKED_FOR.get(name, ())
        if bad or (name == "air-gap" and one["severity"] != "negligible"):
            note(f"{name}: {one['severity']} {one['rule']}: {one['title']}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--helm", required=True)
    parser.add_argument("--palisade")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    text = (CHART / "values.yaml").read_text()
    same(CHART / "values.schema.json", json.dumps(schema(yaml.safe_load(text)), indent=2) + "\n", options.write)
    same(CHART / "README.md", reference(text), options.write)
    sets = sorted(CHART.glob("ci/*-values.yaml"))
    for values in sets:
        name = values.name.removesuffix("-values.yaml")
        lint = helm(options.helm, "lint", "--strict", str(CHART), "--values", str(values))
        if lint.returncode != 0:
            note(f"{name}: {lint.stdout}{lint.stderr}")
        first = rendered(options.helm, values)
        if first is None:
            continue
        if first != rendered(options.helm, values):
            note(f"{name}: rendered twice it is not the same")
        same(HERE / "snapshots" / f"{name}.yaml", first, options.write)
        valid(name, first)
        if options.palisade:
            configured(options.palisade, name, first)
            scanned(options.palisade, name, first)
    bad = sorted((HERE / "bad").glob("*.yaml"))
    for values in bad:
        why = values.read_text().splitlines()[0].removeprefix("# ")
        done = helm(options.helm, "template", "palisade", str(CHART), "--values", str(values))
        if done.returncode == 0 or why not in done.stderr:
            note(f"bad/{values.name} was to be refused with {why!r}: {done.stderr.strip() or 'it was not'}")
    for one in wrong:
        print(one, file=sys.stderr)
    scanner = "scanned" if options.palisade else "NOT SCANNED: no palisade was given"
    print(f"chart: {len(sets)} sets of values, {len(bad)} refused ones, {scanner}, {len(wrong)} wrong")
    sys.exit(1 if wrong else 0)


main()
