//! Events of about 1.5 kB in the shapes that the sources send them in; every one differs in names, numbers and ids.

use std::fmt::Write as _;

use ingest::runtime::Format;

const DIGEST: &str = "sha256:ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12";

/// A batch as its source would send it.
pub(crate) fn batch(format: Format, first: usize, count: usize) -> String {
    let one: fn(usize) -> String = match format {
        Format::Falco => |n| falco(n, false),
        Format::Falcosidekick => |n| falco(n, true),
        Format::KubernetesAudit => audit,
        Format::Tetragon => tetragon,
        Format::KubeArmor => kubearmor,
        Format::CloudTrail => cloudtrail,
        Format::EventBridge => eventbridge,
        Format::GuardDuty => guardduty,
        Format::GcpAudit => gcp,
        Format::AzureActivity => azure,
        Format::Otlp => log_record,
        Format::Ocsf => ocsf,
        Format::Okta => okta,
        Format::GitHub => github,
    };
    let (begin, between, end) = match format {
        Format::KubernetesAudit => {
            (r#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":["#, ",", "]}")
        }
        Format::CloudTrail => (r#"{"Records":["#, ",", "]}"),
        Format::AzureActivity => (r#"{"records":["#, ",", "]}"),
        Format::Okta | Format::GcpAudit => ("[", ",", "]"),
        Format::Otlp => (RESOURCE, ",", "]}]}]}"),
        _ => ("", "\n", "\n"),
    };
    let mut out = String::from(begin);
    for number in first..first + count {
        if number > first {
            out.push_str(between);
        }
        out.push_str(&one(number));
    }
    out.push_str(end);
    out
}

const RESOURCE: &str = concat!(
    r#"{"resourceLogs":[{"resource":{"attributes":["#,
    r#"{"key":"service.name","value":{"stringValue":"checkout"}},"#,
    r#"{"key":"k8s.namespace.name","value":{"stringValue":"shop"}},"#,
    r#"{"key":"k8s.pod.name","value":{"stringValue":"web-7d9c5b6f4-x2x9k"}},"#,
    r#"{"key":"k8s.pod.uid","value":{"stringValue":"7f6c1a52-3d57-4f0e-8f43-0f6b8f2f1a77"}},"#,
    r#"{"key":"k8s.deployment.name","value":{"stringValue":"web"}},"#,
    r#"{"key":"container.id","value":{"stringValue":"3ad7b26ded6db7b0b4b1a5a0ff0cbc8a1c2a9a0c7f9e8d7c6b5a493827161504"}}]},"#,
    r#""scopeLogs":[{"scope":{"name":"shop.checkout","version":"1.2.0"},"logRecords":["#
);

fn time(n: usize) -> String {
    format!("2026-06-10T08:{:02}:{:02}.{:09}Z", n / 60 % 60, n % 60, n % 1_000_000_000)
}

fn uuid(n: usize) -> String {
    format!("{n:08x}-0b6b-4a8c-9e53-2f9b7f6f2a10")
}

fn pod(n: usize) -> String {
    format!("web-7d9c5b6f4-{:05x}", n % 300)
}

/// Words of a command line or a message, up to a length.
fn words(n: usize, length: usize) -> String {
    let mut out = String::new();
    let mut word = n;
    while out.len() < length {
        let _ = write!(out, "--option-{}=value/{word:x} ", word % 17);
        word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    }
    out.truncate(length);
    out
}

fn falco(n: usize, sidekick: bool) -> String {
    let (time, pod, arguments) = (time(n), pod(n), words(n, 120));
    let id = if sidekick { format!(r#","uuid":"{}""#, uuid(n)) } else { String::new() };
    format!(
        concat!(
            r#"{{"hostname":"node-{host}","output":"{time}: Warning A shell was spawned in a container with an attached terminal "#,
            r#"(evt_type=execve user=root user_uid=0 user_loginuid=-1 process=bash proc_exepath=/usr/bin/bash parent=runc "#,
            r#"command=bash {arguments} terminal=34816 exe_flags=EXE_WRITABLE container_id=3ad7b26ded6d container_image="#,
            r#"registry.example.org/web container_image_tag=1.2 container_name=web k8s_ns=shop k8s_pod_name={pod})","#,
            r#""output_fields":{{"container.id":"3ad7b26ded6d","container.image.repository":"registry.example.org/web","#,
            r#""container.image.tag":"1.2","container.name":"web","evt.arg[fd]":"-1","evt.time":{ns},"evt.type":"execve","#,
            r#""k8s.ns.name":"shop","k8s.pod.name":"{pod}","k8s.pod.uid":"7f6c1a52-3d57-4f0e-8f43-0f6b8f2f1a77","#,
            r#""proc.cmdline":"bash {arguments}","proc.cwd":"/root/","proc.exepath":"/usr/bin/bash","proc.name":"bash","proc.pid":{pid},"#,
            r#""proc.pname":"runc","proc.ppid":4100,"proc.tty":34816,"user.loginuid":-1,"user.name":"root","user.uid":0,"#,
            r#""group.gid":4294967295}},"priority":"Warning","rule":"Terminal shell in container","source":"syscall","#,
            r#""tags":["T1059","container","maturity_stable","mitre_execution","shell"],"time":"{time}"{id}}}"#
        ),
        host = n % 40,
        ns = 1_781_079_324_058_348_969u64 + n as u64,
        pid = 1_000 + n,
        id = id,
        arguments = arguments,
        pod = pod,
        time = time,
    )
}

fn audit(n: usize) -> String {
    let (time, pod) = (time(n), pod(n));
    format!(
        concat!(
            r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"{id}","stage":"ResponseComplete","#,
            r#""requestURI":"/api/v1/namespaces/shop/configmaps/settings-{n}?fieldManager=controller&fieldValidation=Strict","verb":"patch","#,
            r#""user":{{"username":"system:serviceaccount:shop:web","uid":"5a0e7c2d-9c0f-4f43-8b5e-2f6c1d7e8a90","#,
            r#""groups":["system:serviceaccounts","system:serviceaccounts:shop","system:authenticated"],"extra":{{"#,
            r#""authentication.kubernetes.io/credential-id":["JTI=6a1f2b80-2ec3-4dd5-9f51-5b9a4329112a"],"#,
            r#""authentication.kubernetes.io/node-name":["node-1"],"authentication.kubernetes.io/node-uid":["{id}"],"#,
            r#""authentication.kubernetes.io/pod-name":["{pod}"],"authentication.kubernetes.io/pod-uid":["{id}"]}}}},"#,
            r#""sourceIPs":["10.0.3.17"],"userAgent":"controller/v1.37.1 (linux/amd64) kubernetes/f78e722","#,
            r#""objectRef":{{"resource":"configmaps","namespace":"shop","name":"settings-{n}","apiVersion":"v1"}},"#,
            r#""responseStatus":{{"metadata":{{}},"code":200}},"requestObject":{{"metadata":{{"labels":{{"app":"web","team":"shop","#,
            r#""generation":"{n}"}}}},"data":{{"a.conf":"{data}"}}}},"requestReceivedTimestamp":"2026-06-10T08:15:20.000100Z","#,
            r#""stageTimestamp":"{time}","annotations":{{"authorization.k8s.io/decision":"allow","#,
            r#""authorization.k8s.io/reason":"RBAC: allowed by RoleBinding \"web/shop\" of Role \"web\" to ServiceAccount \"web/shop\""}}}}"#
        ),
        id = uuid(n),
        data = words(n, 90),
        n = n,
        pod = pod,
        time = time,
    )
}

fn tetragon(n: usize) -> String {
    let pod_object = format!(
        concat!(
            r#"{{"namespace":"shop","name":"{pod}","uid":"7f6c1a52-3d57-4f0e-8f43-0f6b8f2f1a77","container":{{"#,
            r#""id":"containerd://3ad7b26ded6db7b0b4b1a5a0ff0cbc8a1c2a9a0c7f9e8d7c6b5a493827161504","name":"web","image":{{"#,
            r#""id":"registry.example.org/web@{digest}","name":"registry.example.org/web:1.2"}},"start_time":"2026-06-10T07:00:00Z","#,
            r#""pid":12}},"pod_labels":{{"app":"web"}},"workload":"web","workload_kind":"Deployment"}}"#
        ),
        pod = pod(n),
        digest = DIGEST,
    );
    format!(
        concat!(
            r#"{{"process_exec":{{"process":{{"exec_id":"bm9kZS0xOjEyMzQ1Njc4{n:08x}OjQyNDI=","pid":{pid},"uid":0,"cwd":"/","#,
            r#""binary":"/bin/bash","arguments":"{arguments}","flags":"execve rootcwd clone","start_time":"{time}","#,
            r#""auid":4294967295,"pod":{pod},"docker":"3ad7b26ded6db7b0b4b1a5a0ff0cbc8","parent_exec_id":"bm9kZS0xOjEyMzQ1Njc4MDAwMDA6NDEwMA==","tid":{pid}}},"#,
            r#""parent":{{"exec_id":"bm9kZS0xOjEyMzQ1Njc4MDAwMDA6NDEwMA==","pid":4100,"uid":0,"cwd":"/app","binary":"/usr/local/bin/node","#,
            r#""arguments":"server.js --port 8080","flags":"execve clone","start_time":"2026-06-10T07:00:00.1Z","auid":4294967295,"#,
            r#""pod":{pod},"docker":"3ad7b26ded6db7b0b4b1a5a0ff0cbc8","parent_exec_id":"bm9kZS0xOjEyMzQ1Njc4MDAwMDA6MQ==","tid":4100}}}},"#,
            r#""node_name":"node-1","time":"{time}"}}"#
        ),
        pid = 1_000 + n,
        pod = pod_object,
        arguments = words(n, 60),
        time = time(n),
        n = n,
    )
}

fn kubearmor(n: usize) -> String {
    format!(
        concat!(
            r#"{{"ClusterName":"default","HostName":"node-{host}","NamespaceName":"shop","PodName":"{pod}","Owner":{{"Ref":"Deployment","#,
            r#""Name":"web","Namespace":"shop"}},"Labels":"app=web,pod-template-hash=7d9c5b6f4","#,
            r#""ContainerID":"3ad7b26ded6db7b0b4b1a5a0ff0cbc8a1c2a9a0c7f9e8d7c6b5a493827161504","ContainerName":"web","#,
            r#""ContainerImage":"registry.example.org/web:1.2@{digest}","HostPPID":4242,"HostPID":{pid},"PPID":12,"PID":31,"UID":0,"#,
            r#""ParentProcessName":"/bin/bash","ProcessName":"/bin/cat","PolicyName":"harden-web-file-integrity-monitoring","Severity":"8","#,
            r#""Tags":"NIST,NIST_800-53_AU-2,MITRE,MITRE_T1565_data_manipulation","ATags":["NIST","NIST_800-53_AU-2","MITRE","#,
            r#""MITRE_T1565_data_manipulation"],"Message":"Detected and prevented compromise to file integrity: {words}","#,
            r#""Type":"MatchedPolicy","Source":"/bin/cat /etc/shadow {words}","Operation":"File","Resource":"/etc/shadow","#,
            r#""Data":"syscall=SYS_OPENAT fd=-100 flags=O_RDONLY|O_CLOEXEC","EventData":{{"Fd":"-100","Flags":"O_RDONLY","Syscall":"SYS_OPENAT"}},"#,
            r#""Enforcer":"BPFLSM","Action":"Block","Result":"Permission denied","Cwd":"/","TTY":"pts0","#,
            r#""ExecEvent":{{"ExecID":"{pid}","ExecutableName":"cat"}},"Timestamp":1781079326,"UpdatedTime":"{time}"}}"#
        ),
        host = n % 40,
        pod = pod(n),
        digest = DIGEST,
        pid = 1_000 + n,
        words = words(n, 110),
        time = time(n),
    )
}

fn cloudtrail(n: usize) -> String {
    format!(
        concat!(
            r#"{{"eventVersion":"1.11","userIdentity":{{"type":"AssumedRole","principalId":"AROAEXAMPLE:web","arn":"arn:aws:sts::111122223333:"#,
            r#"assumed-role/web/session-{n}","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE","sessionContext":{{"sessionIssuer":{{"#,
            r#""type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::111122223333:role/web","accountId":"111122223333","#,
            r#""userName":"web"}},"attributes":{{"creationDate":"2026-06-10T08:00:00Z","mfaAuthenticated":"false"}}}}}},"eventTime":"2026-06-10T08:16:{second:02}Z","#,
            r#""eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-central-1","sourceIPAddress":"198.51.100.9","#,
            r#""userAgent":"[aws-cli/2.17.0 md/awscrt#0.20.11 ua/2.0 os/linux#6.8 md/arch#x86_64 lang/python#3.11.8]","requestParameters":{{"#,
            r#""bucketName":"backups","Host":"backups.s3.eu-central-1.amazonaws.com","key":"db/{words}.sql"}},"responseElements":null,"#,
            r#""additionalEventData":{{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"#,
            r#""AuthenticationMethod":"AuthHeader","x-amz-id-2":"{words}","bytesTransferredOut":{n}}},"requestID":"R{n}","eventID":"{id}","#,
            r#""readOnly":true,"resources":[{{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::backups/db.sql"}},{{"accountId":"111122223333","#,
            r#""type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::backups"}}],"eventType":"AwsApiCall","managementEvent":false,"#,
            r#""recipientAccountId":"111122223333","eventCategory":"Data","tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256"}}}}"#
        ),
        second = n % 60,
        words = words(n, 70),
        id = uuid(n),
        n = n,
    )
}

fn eventbridge(n: usize) -> String {
    format!(
        concat!(
            r#"{{"version":"0","id":"{id}","detail-type":"AWS API Call via CloudTrail","source":"aws.s3","account":"111122223333","#,
            r#""time":"2026-06-10T08:16:00Z","region":"eu-central-1","resources":[],"detail":{detail}}}"#
        ),
        id = uuid(n),
        detail = cloudtrail(n),
    )
}

fn guardduty(n: usize) -> String {
    format!(
        concat!(
            r#"{{"schemaVersion":"2.0","accountId":"111122223333","region":"eu-central-1","partition":"aws","id":"{n:032x}","#,
            r#""arn":"arn:aws:guardduty:eu-central-1:111122223333:detector/d/finding/{n:032x}","type":"Execution:Kubernetes/ExecInKubeSystemPod","#,
            r#""resource":{{"resourceType":"EKSCluster","eksClusterDetails":{{"name":"prod","arn":"arn:aws:eks:eu-central-1:111122223333:cluster/prod","#,
            r#""vpcId":"vpc-1","status":"ACTIVE","tags":[]}},"kubernetesDetails":{{"kubernetesUserDetails":{{"username":"mallory","uid":"aws-iam","#,
            r#""groups":["developers","system:authenticated"]}},"kubernetesWorkloadDetails":{{"name":"{pod}","type":"pods","uid":"{id}","#,
            r#""namespace":"kube-system","hostNetwork":false,"containers":[{{"name":"web","image":"registry.example.org/web:1.2"}}]}}}}}},"#,
            r#""service":{{"serviceName":"guardduty","detectorId":"d","action":{{"actionType":"KUBERNETES_API_CALL","kubernetesApiCallAction":{{"#,
            r#""requestUri":"/api/v1/namespaces/kube-system/pods/{pod}/exec","verb":"create","sourceIps":["198.51.100.9"],"userAgent":"kubectl","#,
            r#""remoteIpDetails":{{"ipAddressV4":"198.51.100.9","country":{{"countryName":"Nowhere"}},"geoLocation":{{"lat":1.5,"lon":-2.5}}}},"#,
            r#""statusCode":101}}}},"resourceRole":"TARGET","additionalInfo":{{"value":"{{}}","type":"default"}},"evidence":null,"count":3,"#,
            r#""eventFirstSeen":"2026-06-10T08:16:00Z","eventLastSeen":"2026-06-10T08:18:00Z","archived":false}},"severity":5,"#,
            r#""createdAt":"2026-06-10T08:20:00.000Z","updatedAt":"2026-06-10T08:30:00.000Z","#,
            r#""title":"A command was executed inside a pod in the kube-system namespace","description":"{words}"}}"#
        ),
        n = n,
        pod = pod(n),
        id = uuid(n),
        words = words(n, 60),
    )
}

fn gcp(n: usize) -> String {
    format!(
        concat!(
            r#"{{"protoPayload":{{"@type":"type.googleapis.com/google.cloud.audit.AuditLog","status":{{}},"authenticationInfo":{{"#,
            r#""principalEmail":"web@proj.iam.gserviceaccount.com","serviceAccountDelegationInfo":[{{"firstPartyPrincipal":{{"#,
            r#""principalEmail":"service-1@container-engine-robot.iam.gserviceaccount.com"}}}}],"principalSubject":"serviceAccount:web@proj.iam.gserviceaccount.com"}},"#,
            r#""requestMetadata":{{"callerIp":"198.51.100.9","callerSuppliedUserAgent":"google-cloud-sdk gcloud/470.0.0 {words}","#,
            r#""requestAttributes":{{"time":"{time}","auth":{{}}}},"destinationAttributes":{{}}}},"serviceName":"iam.googleapis.com","#,
            r#""methodName":"google.iam.admin.v1.CreateServiceAccountKey","authorizationInfo":[{{"resource":"projects/-/serviceAccounts/{n}","#,
            r#""permission":"iam.serviceAccountKeys.create","granted":true,"resourceAttributes":{{"name":"projects/-/serviceAccounts/{n}"}}}}],"#,
            r#""resourceName":"projects/proj/serviceAccounts/{n}","request":{{"@type":"type.googleapis.com/google.iam.admin.v1.CreateServiceAccountKeyRequest","#,
            r#""name":"projects/proj/serviceAccounts/{n}","private_key_type":2}},"response":{{"name":"{words}","valid_after_time":{{"seconds":1781079326}}}}}},"#,
            r#""insertId":"ins{n:x}","resource":{{"type":"service_account","labels":{{"project_id":"proj","unique_id":"{n}","email_id":"x@proj.iam.gserviceaccount.com"}}}},"#,
            r#""timestamp":"{time}","severity":"NOTICE","logName":"projects/proj/logs/cloudaudit.googleapis.com%2Factivity","receiveTimestamp":"{time}"}}"#
        ),
        n = n,
        words = words(n, 50),
        time = time(n),
    )
}

fn azure(n: usize) -> String {
    format!(
        concat!(
            r#"{{"time":"{time}","resourceId":"/SUBSCRIPTIONS/11111111-2222-3333-4444-555555555555/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.COMPUTE/"#,
            r#"VIRTUALMACHINES/VM{n}","operationName":"MICROSOFT.COMPUTE/VIRTUALMACHINES/RUNCOMMAND/ACTION","category":"Administrative","#,
            r#""resultType":"Success","resultSignature":"Succeeded.","durationMs":"{n}","callerIpAddress":"198.51.100.9","correlationId":"{id}","#,
            r#""identity":{{"authorization":{{"scope":"/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg","#,
            r#""action":"Microsoft.Compute/virtualMachines/runCommand/action","evidence":{{"role":"Contributor","roleAssignmentScope":"/","#,
            r#""principalType":"User"}}}},"claims":{{"aud":"https://management.core.windows.net/","iss":"https://sts.windows.net/1/","iat":"1781079000","#,
            r#""name":"Mallory","http://schemas.microsoft.com/identity/claims/objectidentifier":"{id}","#,
            r#""http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn":"mallory@example.org","ipaddr":"198.51.100.9","ver":"1.0"}}}},"#,
            r#""level":"Information","location":"global","properties":{{"statusCode":"OK","serviceRequestId":"{id}","eventCategory":"Administrative","#,
            r#""entity":"{words}","message":"Microsoft.Compute/virtualMachines/runCommand/action","hierarchy":"1/2/3"}}}}"#
        ),
        time = time(n),
        id = uuid(n),
        words = words(n, 150),
        n = n,
    )
}

fn log_record(n: usize) -> String {
    format!(
        concat!(
            r#"{{"timeUnixNano":"{ns}","observedTimeUnixNano":"{ns}","severityNumber":9,"severityText":"INFO","#,
            r#""body":{{"stringValue":"order accepted: {words}"}},"attributes":[{{"key":"client.address","value":{{"stringValue":"198.51.100.9"}}}},"#,
            r#"{{"key":"http.request.method","value":{{"stringValue":"POST"}}}},{{"key":"http.response.status_code","value":{{"intValue":"200"}}}},"#,
            r#"{{"key":"url.path","value":{{"stringValue":"/orders/{n}"}}}},{{"key":"user_agent.original","value":{{"stringValue":"Mozilla/5.0 (X11)"}}}},"#,
            r#"{{"key":"code.function.name","value":{{"stringValue":"checkout.accept"}}}},{{"key":"thread.name","value":{{"stringValue":"worker-7"}}}}],"#,
            r#""flags":1,"traceId":"{n:032x}","spanId":"{n:016x}"}}"#
        ),
        ns = 1_781_079_327_000_000_000u64 + n as u64,
        n = n,
        words = words(n, 260),
    )
}

fn ocsf(n: usize) -> String {
    format!(
        concat!(
            r#"{{"activity_id":1,"activity_name":"Create","category_uid":2,"category_name":"Findings","class_uid":2004,"class_name":"Detection Finding","#,
            r#""type_uid":200401,"severity_id":4,"severity":"High","status_id":1,"time":{ms},"message":"Reverse shell: {words}","is_alert":true,"#,
            r#""confidence_id":3,"metadata":{{"uid":"{id}","version":"1.8.0","product":{{"name":"Sensor","vendor_name":"Example","version":"4.2"}},"#,
            r#""profiles":["cloud","container"]}},"finding_info":{{"uid":"{id}","title":"Reverse shell","types":["Runtime"],"analytic":{{"uid":"r-77","#,
            r#""name":"Reverse shell","type_id":1}},"attacks":[{{"version":"17.1","tactic":{{"uid":"TA0002","name":"Execution"}},"technique":{{"#,
            r#""uid":"T1059","name":"Command and Scripting Interpreter"}},"sub_technique":{{"uid":"T1059.004","name":"Unix Shell"}}}}]}},"#,
            r#""resources":[{{"uid":"arn:aws:ec2:eu-central-1:111122223333:instance/i-{n:x}","type":"AWS::EC2::Instance"}}],"evidences":[{{"process":{{"#,
            r#""pid":{pid},"name":"bash","cmd_line":"bash -i {words}","file":{{"path":"/bin/bash","name":"bash","type_id":1}},"user":{{"name":"root","uid":"0"}},"#,
            r#""parent_process":{{"pid":1,"name":"node","file":{{"path":"/usr/bin/node","name":"node","type_id":1}}}}}},"dst_endpoint":{{"ip":"198.51.100.9","#,
            r#""port":4444,"hostname":"c2.example.org"}}}}],"cloud":{{"provider":"AWS","region":"eu-central-1","account":{{"uid":"111122223333"}}}},"#,
            r#""observables":[{{"name":"evidences.dst_endpoint.ip","type_id":2,"value":"198.51.100.9"}}]}}"#
        ),
        ms = 1_781_079_326_000u64 + n as u64,
        words = words(n, 40),
        id = uuid(n),
        n = n,
        pid = 1_000 + n,
    )
}

fn okta(n: usize) -> String {
    format!(
        concat!(
            r#"{{"actor":{{"id":"00u{n:x}","type":"User","alternateId":"mallory{n}@example.org","displayName":"Mallory","detailEntry":null}},"#,
            r#""client":{{"userAgent":{{"rawUserAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0","#,
            r#""os":"Linux","browser":"CHROME"}},"zone":"null","device":"Computer","id":null,"ipAddress":"198.51.100.9","geographicalContext":{{"#,
            r#""city":"Nowhere","state":null,"country":"Nowhere","postalCode":null,"geolocation":{{"lat":1.5,"lon":-2.5}}}}}},"device":null,"#,
            r#""authenticationContext":{{"authenticationProvider":null,"credentialProvider":null,"credentialType":null,"issuer":null,"interface":null,"#,
            r#""authenticationStep":0,"rootSessionId":"{id}","externalSessionId":"{id}"}},"displayMessage":"User login to Okta","#,
            r#""eventType":"user.session.start","outcome":{{"result":"FAILURE","reason":"INVALID_CREDENTIALS"}},"published":"2026-06-10T08:10:00.123Z","#,
            r#""securityContext":{{"asNumber":64496,"asOrg":"example","isp":"example","domain":".","isProxy":false}},"severity":"WARN","debugContext":{{"#,
            r#""debugData":{{"requestId":"{id}","dtHash":"{words}","requestUri":"/api/v1/authn","url":"/api/v1/authn?"}}}},"legacyEventType":"core.user_auth.login_failed","#,
            r#""transaction":{{"type":"WEB","id":"{id}","detail":{{}}}},"uuid":"{id}","version":"0","request":{{"ipChain":[{{"ip":"198.51.100.9","#,
            r#""geographicalContext":{{"city":"Nowhere"}},"version":"V4","source":null}}]}},"target":[{{"id":"0oa1","type":"AppInstance","#,
            r#""alternateId":"Okta Dashboard","displayName":"Okta Dashboard","detailEntry":null}}]}}"#
        ),
        n = n,
        id = uuid(n),
        words = words(n, 64),
    )
}

fn github(n: usize) -> String {
    format!(
        concat!(
            r#"{{"@timestamp":{ms},"_document_id":"doc{n:x}","action":"protected_branch.policy_override","actor":"mallory","actor_id":{n},"actor_ip":"198.51.100.9","#,
            r#""actor_is_bot":false,"actor_location":{{"country_code":"XX"}},"after":"{n:040x}","before":"{n:040x}","branch":"refs/heads/main","#,
            r#""business":"acme","business_id":7,"created_at":{ms},"external_identity_nameid":"mallory@example.org","operation_type":"modify","org":"acme","#,
            r#""org_id":9,"overridden_codes":["review_policy_not_satisfied"],"public_repo":false,"reasons":[{{"code":"review_policy_not_satisfied","#,
            r#""message":"{words}"}}],"repo":"acme/shop","repo_id":12,"request_id":"{id}","request_access_security_header":null,"#,
            r#""token_id":1,"token_scopes":"admin:org, repo, workflow","programmatic_access_type":"Personal access token (classic)","hashed_token":"{words}","#,
            r#""user_agent":"git/2.45.2","user":"mallory","user_id":{n},"transport_protocol":1,"transport_protocol_name":"http","visibility":"private","#,
            r#""note":"{words}{words}"}}"#
        ),
        ms = 1_781_079_000_123u64 + n as u64,
        n = n,
        words = words(n, 120),
        id = uuid(n),
    )
}
