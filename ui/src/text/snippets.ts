// Ready-made configuration for what sends events here.

export interface Snippet {
  title: string;
  /** Where it goes. */
  file: string;
  text: string;
  /** What to know before using it. */
  note?: string;
}

/** Stands where the token was, once it is not known any more. */
export const TOKEN_PLACE = "SOURCE-TOKEN";

/** Shown names become part of configuration files, so only these are used. */
const NAME = /^[a-z0-9-]{1,40}$/;
const TOKEN = /^[A-Za-z0-9_-]{1,200}$/;

/** Where a source sends its events. */
export const doorAddress = (origin: string, name: string): string =>
  `${origin.replace(/\/$/, "")}/api/v1/ingest/${NAME.test(name) ? name : encodeURIComponent(name)}`;

/** What to configure where, for a source of this format; the first is the usual way. */
export function snippetsOf(format: string, name: string, origin: string, given: string): Snippet[] {
  const token = TOKEN.test(given) ? given : TOKEN_PLACE;
  const url = doorAddress(origin, name);
  const at = new URL(url);
  switch (format) {
    case "falco":
      return [
        {
          title: "Falco",
          file: "falco.yaml",
          text: lines(
            "json_output: true",
            "json_include_output_property: true",
            "http_output:",
            "  enabled: true",
            `  url: "${at.protocol}//palisade:${token}@${at.host}${at.pathname}"`,
            "# Lost events are told in these, so that a blind sensor is seen.",
            "metrics:",
            "  enabled: true",
            "  interval: 1m",
            "  output_rule: true",
          ),
          note: "Falco sends each alert once and keeps none. Put Falcosidekick between where alerts must survive a restart of this server.",
        },
      ];
    case "falcosidekick":
      return [
        {
          title: "Falcosidekick",
          file: "config.yaml, or config of its Helm chart",
          text: lines(
            "webhook:",
            `  address: "${url}"`,
            "  customHeaders:",
            `    Authorization: "Bearer ${token}"`,
          ),
        },
      ];
    case "kubernetes-audit":
      return [
        {
          title: "Kubeconfig of the audit webhook",
          file: "/etc/kubernetes/palisade-audit.kubeconfig",
          text: lines(
            "apiVersion: v1",
            "kind: Config",
            "clusters:",
            "  - name: palisade",
            "    cluster:",
            `      server: "${url}"`,
            "users:",
            "  - name: palisade",
            "    user:",
            `      token: "${token}"`,
            "contexts:",
            "  - name: palisade",
            "    context:",
            "      cluster: palisade",
            "      user: palisade",
            "current-context: palisade",
          ),
        },
        {
          title: "Flags of the API server",
          file: "kube-apiserver",
          text: lines(
            "--audit-policy-file=/etc/kubernetes/audit-policy.yaml",
            "--audit-webhook-config-file=/etc/kubernetes/palisade-audit.kubeconfig",
            "--audit-webhook-mode=batch",
          ),
          note: "In batch mode the API server never waits for this server. Record exec, attach and port-forward, secrets, and RBAC at least at level Metadata.",
        },
      ];
    case "tetragon":
      return [
        {
          title: "Fluent Bit on each node",
          file: "fluent-bit.yaml",
          text: lines(
            "parsers:",
            "  - name: tetragon",
            "    format: json",
            "pipeline:",
            "  inputs:",
            "    - name: tail",
            "      path: /var/run/cilium/tetragon/tetragon.log",
            "      parser: tetragon",
            "      db: /var/lib/fluent-bit/tetragon.db",
            "      tag: tetragon",
            "  outputs:",
            ...fluentOutput("tetragon", at, token),
          ),
          note: "The parser names no time key, because Fluent Bit would take `time` out of the event.",
        },
      ];
    case "kubearmor":
      return [
        {
          title: "Fluent Bit beside the relay",
          file: "fluent-bit.yaml",
          text: lines(
            "parsers:",
            "  - name: kubearmor",
            "    format: json",
            "pipeline:",
            "  inputs:",
            "    - name: tail",
            "      path: /var/log/containers/kubearmor-relay-*.log",
            "      multiline.parser: docker, cri",
            "      tag: kubearmor",
            "  filters:",
            "    - name: parser",
            "      match: kubearmor",
            "      key_name: log",
            "      parser: kubearmor",
            "  outputs:",
            ...fluentOutput("kubearmor", at, token),
          ),
          note: "The relay has to write its alerts to standard output (ENABLE_STDOUT_ALERTS=true).",
        },
      ];
    case "eventbridge":
      return [
        {
          title: "API destination of EventBridge",
          file: "AWS command line",
          text: lines(
            "aws events create-connection --name palisade --authorization-type API_KEY \\",
            `  --auth-parameters '{"ApiKeyAuthParameters":{"ApiKeyName":"X-Palisade-Token","ApiKeyValue":"${token}"}}'`,
            "aws events create-api-destination --name palisade --connection-arn CONNECTION-ARN \\",
            `  --invocation-endpoint '${url}' --http-method POST`,
            "aws events put-rule --name palisade --event-pattern \\",
            `  '{"detail-type":["GuardDuty Finding","AWS API Call via CloudTrail"]}'`,
            "aws events put-targets --rule palisade \\",
            `  --targets 'Id=palisade,Arn=DESTINATION-ARN,RoleArn=ROLE-ARN'`,
          ),
          note: "AWS delivers API calls by CloudTrail with best effort only, and calls HTTPS addresses that the internet reaches. The role needs events:InvokeApiDestination on the destination.",
        },
      ];
    case "otlp":
      return [
        {
          title: "OpenTelemetry Collector",
          file: "config.yaml",
          text: lines(
            "exporters:",
            "  otlphttp/palisade:",
            `    logs_endpoint: "${url}/v1/logs"`,
            "    compression: gzip",
            "    headers:",
            `      Authorization: "Bearer ${token}"`,
            "service:",
            "  pipelines:",
            "    logs/palisade:",
            "      receivers: [otlp]",
            "      exporters: [otlphttp/palisade]",
          ),
        },
      ];
    default:
      return [curl(url, token)];
  }
}

/** A file of events by hand: the way for every format, and the quickest test. */
export function curl(url: string, token: string): Snippet {
  return {
    title: "A file of events, by hand",
    file: "shell",
    text: lines(
      "curl --fail-with-body \\",
      `  --header 'Authorization: Bearer ${token}' \\`,
      "  --header 'Content-Type: application/json' \\",
      "  --data-binary @events.json \\",
      `  '${url}'`,
    ),
  };
}

const lines = (...all: string[]): string => all.join("\n");

function fluentOutput(match: string, at: URL, token: string): string[] {
  return [
    "    - name: http",
    `      match: ${match}`,
    `      host: ${at.hostname}`,
    `      port: ${at.port || (at.protocol === "https:" ? 443 : 80)}`,
    `      uri: ${at.pathname}`,
    "      format: json_lines",
    "      json_date_key: false",
    "      compress: gzip",
    `      header: Authorization Bearer ${token}`,
    ...(at.protocol === "https:" ? ["      tls: on"] : []),
    "      retry_limit: no_limits",
  ];
}
