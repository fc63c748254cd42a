"""Writes the forms of the answers that the plugin reads, out of the service models that botocore brings (Apache-2.0).

    python3 generate.py

needs PyPI `botocore`. It reads `src/operations.rs` for the operations and writes one file for each service beside itself:

    protocol, version, target, json   how the service is asked
    endpoint, signing                 host prefix, and name in the scope of a signature
    operations                        NAME: {http: [method, path], out: shape, payload: member}
    shapes                            NAME: a structure {m: {name on the wire: [name, type, mark]}}, a list {l: type, w: element}
                                      or a map {v: type, e: entry, kn: key, vn: value}

Types: s text, i integer, f number, b boolean, t time, d bytes, j any JSON, or the name of a shape. Marks: `flat` for a list whose
elements stand in the structure itself, `attr` for an attribute.
"""

import json
import pathlib
import re

import botocore
import botocore.loaders

HERE = pathlib.Path(__file__).parent
PRIMITIVES = {
    "string": "s", "character": "s", "integer": "i", "long": "i", "float": "f", "double": "f",
    "boolean": "b", "timestamp": "t", "blob": "d",
}
PROTOCOLS = ["ec2", "query", "json", "rest-json", "rest-xml"]


def reference(model, name):
    shape = model["shapes"][name]
    if shape.get("document"):
        return "j"
    return PRIMITIVES.get(shape["type"], name)


def structure(model, protocol, shape):
    members = {}
    for name, member in shape["members"].items():
        if member.get("location") in ("header", "headers", "statusCode"):
            continue
        target = model["shapes"][member["shape"]]
        wire, mark = member.get("locationName", name), None
        if member.get("xmlAttribute"):
            wire, mark = wire.split(":")[-1], "attr"
        elif target["type"] in ("list", "map") and (target.get("flattened") or member.get("flattened")):
            mark = "flat"
            if target["type"] == "list" and protocol in ("query", "rest-xml"):
                wire = target["member"].get("locationName", wire)
        entry = [name, reference(model, member["shape"])]
        members[wire] = entry + [mark] if mark else entry
    return {"m": members}


def listing(model, protocol, shape):
    wire = shape["member"].get("locationName", "item" if protocol == "ec2" else "member")
    return {"l": reference(model, shape["member"]["shape"]), "w": wire}


def mapping(model, shape):
    return {
        "v": reference(model, shape["value"]["shape"]),
        "e": "entry",
        "kn": shape["key"].get("locationName", "key"),
        "vn": shape["value"].get("locationName", "value"),
    }


def reduced(model, protocol, names):
    shapes, queue = {}, list(names)
    while queue:
        name = queue.pop()
        shape = model["shapes"][name]
        if name in shapes or shape["type"] in PRIMITIVES:
            continue
        if shape["type"] == "structure":
            shapes[name] = structure(model, protocol, shape)
            queue += [member["shape"] for member in shape["members"].values()]
        elif shape["type"] == "list":
            shapes[name] = listing(model, protocol, shape)
            queue.append(shape["member"]["shape"])
        else:
            shapes[name] = mapping(model, shape)
            queue.append(shape["value"]["shape"])
    return shapes


def service(loader, name, wanted):
    model = loader.load_service_model(name, "service-2")
    metadata = model["metadata"]
    known = [metadata["protocol"], *metadata.get("protocols", [])]
    protocol = next(one for one in PROTOCOLS if one in known)
    operations = {}
    for operation in wanted:
        described = model["operations"][operation]
        output = described["output"]
        entry = {"http": [described["http"]["method"], described["http"]["requestUri"]], "out": output["shape"]}
        payload = model["shapes"][output["shape"]].get("payload")
        if payload:
            entry["payload"] = payload
        if operation == "GetBucketLocation":
            # Its root element is the member itself, which the model does not tell.
            entry["payload"] = "LocationConstraint"
        operations[operation] = entry
    return {
        "protocol": protocol,
        "version": metadata["apiVersion"],
        "target": metadata.get("targetPrefix", ""),
        "json": metadata.get("jsonVersion", ""),
        "endpoint": metadata["endpointPrefix"],
        "signing": metadata.get("signingName", metadata["endpointPrefix"]),
        "operations": operations,
        "shapes": reduced(model, protocol, [entry["out"] for entry in operations.values()]),
    }


def lines(value):
    """JSON with one operation or shape on a line, so that a difference can be read."""
    out = ["{"]
    for key, part in value.items():
        if isinstance(part, dict):
            inner = [
                f"  {json.dumps(name)}: {json.dumps(part[name], separators=(',', ':'))}" for name in sorted(part)
            ]
            out.append(f" {json.dumps(key)}: {{\n" + ",\n".join(inner) + "\n },")
        else:
            out.append(f" {json.dumps(key)}: {json.dumps(part)},")
    out[-1] = out[-1].rstrip(",")
    return "\n".join([*out, "}", ""])


def main():
    table = (HERE.parent / "src" / "operations.rs").read_text()
    wanted = {}
    for name, operation in re.findall(r'operation\("([a-z0-9]+)", "(\w+)"', table):
        wanted.setdefault(name, []).append(operation)
    loader = botocore.loaders.create_loader()
    for name, operations in wanted.items():
        (HERE / f"{name}.json").write_text(lines(service(loader, name, operations)))
    print(f"{len(wanted)} services of botocore {botocore.__version__}")


if __name__ == "__main__":
    main()
