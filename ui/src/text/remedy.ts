// What a person can type to take the fix. Names and versions come from scanned images and may be an attack on whoever
// copies them, so a command is made only from words that mean nothing to a shell; otherwise there is none.

import type { PackageRef } from "../api/types";

const WORD = /^[A-Za-z0-9@._+:~/][A-Za-z0-9@._+:~/-]*$/;
const QUOTED = /[~@:]/;

const word = (text: string): string => (QUOTED.test(text) ? `'${text}'` : text);

export interface Remedy {
  /** One sentence for people. */
  sentence: string;
  /** A command for whoever builds the image, if one can be written safely. */
  command: string | null;
  /** Name and version hold nothing that a shell would read, so the version may be offered for copying. */
  safe: boolean;
}

/** The way from the installed version to `version`. */
export function remedy(pkg: PackageRef, version: string): Remedy {
  const sentence =
    pkg.type === "golang" && pkg.name === "stdlib"
      ? `Rebuild with Go ${version} or later`
      : `Upgrade ${pkg.name} to ${version} or later`;
  const safe = WORD.test(pkg.name) && WORD.test(version) && pkg.name.length <= 200 && version.length <= 200;
  return { sentence, safe, command: safe ? command(pkg.type, pkg.name, version) : null };
}

function command(type: string, name: string, version: string): string | null {
  switch (type) {
    case "deb":
      return `apt-get update && apt-get install --only-upgrade ${word(`${name}=${version}`)}`;
    case "apk":
      return `apk add --upgrade '${name}>=${version}'`;
    case "rpm":
      return `dnf upgrade ${word(`${name}-${version}`)}`;
    case "pypi":
      return `python -m pip install --upgrade '${name}>=${version}'`;
    case "npm":
      return `npm install ${word(`${name}@${version}`)}`;
    case "golang":
      if (name === "stdlib") return null;
      return `go get ${word(`${name}@${version.startsWith("v") ? version : `v${version}`}`)}`;
    case "cargo":
      return `cargo update --package ${name} --precise ${version}`;
    case "gem":
      return `bundle update ${name} --conservative`;
    case "nuget":
      return `dotnet add package ${name} --version ${version}`;
    case "composer":
      return `composer require ${word(`${name}:^${version}`)}`;
    case "maven":
      return `${name}:${version}`;
    default:
      return null;
  }
}
