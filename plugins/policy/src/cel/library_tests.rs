//! The libraries of Kubernetes' environments, with the values that its documentation and its own tests give
//! (<https://kubernetes.io/docs/reference/using-api/cel/>, `k8s.io/apiserver/pkg/cel/library`).

use serde_json::json;

use super::tests::holds;

fn all_hold(expressions: &[&str]) {
    let object = json!({ "name": "web", "labels": { "a": "1", "b": "2" }, "list": [3, 1, 2] });
    for text in expressions {
        assert_eq!(holds(text, &object), Ok(true), "{text}");
    }
}

#[test]
fn times_and_spans() {
    all_hold(&[
        "timestamp('2023-06-14T02:00:00Z') < timestamp('2023-06-14T03:00:00Z')",
        "timestamp('2023-06-14T02:00:00Z') + duration('1h') == timestamp('2023-06-14T03:00:00Z')",
        "duration('1h') + timestamp('2023-06-14T02:00:00Z') == timestamp('2023-06-14T03:00:00Z')",
        "timestamp('2023-06-14T02:00:00Z') - duration('90m') == timestamp('2023-06-14T00:30:00Z')",
        "timestamp('2023-06-14T02:00:00Z') - timestamp('2023-06-13T02:00:00Z') == duration('24h')",
        "duration('1h') + duration('30m') == duration('90m') && duration('1h') - duration('90m') < duration('0s')",
        "timestamp('2023-12-25T00:00:00Z').getDayOfWeek() == 1 && timestamp('2023-12-25T00:00:00Z').getMonth() == 11",
        "timestamp('2023-12-25T10:20:30.045Z').getHours() == 10 && timestamp('2023-12-25T10:20:30.045Z').getMilliseconds() == 45",
        "timestamp('2023-12-25T10:20:30Z').getMinutes() == 20 && timestamp('2023-12-25T10:20:30Z').getSeconds() == 30",
        "timestamp('2023-12-25T00:00:00Z').getFullYear() == 2023 && timestamp('2023-12-25T00:00:00Z').getDate() == 25",
        "timestamp('2023-12-25T00:00:00Z').getDayOfMonth() == 24 && timestamp('2024-12-31T00:00:00Z').getDayOfYear() == 365",
        "timestamp('2023-12-25T23:30:00Z').getDate('+01:00') == 26 && timestamp('2023-12-25T00:30:00Z').getHours('-08:00') == 16",
        "duration('3700s').getHours() == 1 && duration('3700s').getMinutes() == 61 && duration('1.5s').getMilliseconds() == 1500",
        "string(timestamp('2009-02-13T23:31:30Z')) == '2009-02-13T23:31:30Z' && string(duration('1h')) == '3600s'",
        "int(timestamp('2009-02-13T23:31:30Z')) == 1234567890 && timestamp(1234567890) == timestamp('2009-02-13T23:31:30Z')",
        "[duration('1h'), duration('5s')].min() == duration('5s') && [duration('1s'), duration('2s')].sum() == duration('3s')",
        "'%s'.format([duration('1m')]) == '60s'",
    ]);
}

#[test]
fn addresses_and_blocks() {
    all_hold(&[
        "isIP('127.0.0.1') && isIP('::1') && !isIP('127.0.0.256') && !isIP(':::1') && !isIP('::ffff:1.2.3.4')",
        "ip.isCanonical('127.0.0.1') && ip.isCanonical('2001:db8::abcd') && !ip.isCanonical('2001:DB8::ABCD')",
        "!ip.isCanonical('2001:db8::0:0:0:abcd')",
        "ip('127.0.0.1').family() == 4 && ip('::1').family() == 6",
        "ip('0.0.0.0').isUnspecified() && !ip('127.0.0.1').isUnspecified() && ip('::').isUnspecified() && !ip('::1').isUnspecified()",
        "ip('127.0.0.1').isLoopback() && !ip('192.168.0.1').isLoopback() && ip('::1').isLoopback() && !ip('2001:db8::abcd').isLoopback()",
        "ip('224.0.0.1').isLinkLocalMulticast() && !ip('224.0.1.1').isLinkLocalMulticast()",
        "ip('ff02::1').isLinkLocalMulticast() && !ip('fd00::1').isLinkLocalMulticast()",
        "ip('169.254.169.254').isLinkLocalUnicast() && !ip('192.168.0.1').isLinkLocalUnicast() && ip('fe80::1').isLinkLocalUnicast()",
        "ip('192.168.0.1').isGlobalUnicast() && !ip('255.255.255.255').isGlobalUnicast() && ip('2001:db8::abcd').isGlobalUnicast()",
        "!ip('ff00::1').isGlobalUnicast() && ip('127.0.0.1') == ip('127.0.0.1') && string(ip('::1')) == '::1'",
        "isCIDR('192.168.0.0/24') && isCIDR('::1/128') && !isCIDR('192.168.0.0/33') && !isCIDR('::1/129') && !isCIDR('10.0.0.0/08')",
        "cidr('192.168.0.0/24').containsIP(ip('192.168.0.1')) && !cidr('192.168.0.0/24').containsIP(ip('192.168.1.1'))",
        "cidr('192.168.0.0/24').containsIP('192.168.0.1') && !cidr('192.168.0.0/24').containsIP('192.168.1.1')",
        "cidr('192.168.0.0/16').containsCIDR(cidr('192.168.10.0/24')) && !cidr('192.168.1.0/24').containsCIDR(cidr('192.168.2.0/24'))",
        "cidr('192.168.0.0/16').containsCIDR('192.168.10.0/24') && !cidr('192.168.1.0/24').containsCIDR('192.168.0.0/16')",
        "cidr('192.168.0.1/24').ip() == ip('192.168.0.1') && cidr('192.168.0.0/24').prefixLength() == 24",
        "cidr('192.168.0.1/24').masked() == cidr('192.168.0.0/24') && cidr('2001:db8::1/0').masked() == cidr('::/0')",
        "cidr('0.0.0.0/0').containsIP('8.8.8.8') && !cidr('0.0.0.0/0').containsIP('::1') && string(cidr('::1/128')) == '::1/128'",
    ]);
}

#[test]
fn urls() {
    all_hold(&[
        "isURL('https://user:pass@example.com:80/path?query=val#fragment') && isURL('/absolute-path')",
        "!isURL('https://a:b:c/') && !isURL('../relative-path') && !isURL('')",
        "url('https://example.com:80/').getHost() == 'example.com:80' && url('https://example.com/').getHost() == 'example.com'",
        "url('https://[::1]:80/').getHost() == '[::1]:80' && url('https://[::1]:80/').getHostname() == '::1'",
        "url('/path').getHost() == '' && url('/path').getScheme() == '' && url('https://example.com/').getScheme() == 'https'",
        "url('https://example.com:80/').getHostname() == 'example.com' && url('https://127.0.0.1:80/').getHostname() == '127.0.0.1'",
        "url('https://example.com:80/').getPort() == '80' && url('https://example.com/').getPort() == ''",
        "url('https://example.com/path').getEscapedPath() == '/path'",
        "url('https://example.com/path with spaces/').getEscapedPath() == '/path%20with%20spaces/'",
        "url('https://example.com').getEscapedPath() == ''",
        "url('https://example.com/path?k1=a&k2=b&k2=c').getQuery() == {'k1': ['a'], 'k2': ['b', 'c']}",
        "url('https://example.com/path?key with spaces=value with spaces').getQuery() == {'key with spaces': ['value with spaces']}",
        "url('https://example.com/path?').getQuery() == {} && url('https://example.com/path').getQuery() == {}",
        "url('https://example.com/') == url('https://example.com/')",
    ]);
}

#[test]
fn versions() {
    all_hold(&[
        "isSemver('1.0.0') && isSemver('0.1.0-alpha.1') && !isSemver('hello') && !isSemver('v1.0') && !isSemver('200K') && !isSemver('01.0.0')",
        "isSemver('v1.0', true) && semver('v1.0.0', true) == semver('1.0.0') && semver('1.0', true) == semver('1.0.0')",
        "semver('01.01.01', true) == semver('1.1.1') && semver('v01.01', true) == semver('1.1.0') && !isSemver('1-a', true)",
        "semver('1.2.3').major() == 1 && semver('1.2.3').minor() == 2 && semver('1.2.3').patch() == 3",
        "semver('1.2.3').isGreaterThan(semver('1.2.2')) && semver('1.2.3').isLessThan(semver('2.0.0'))",
        "semver('1.2.3').compareTo(semver('1.2.3')) == 0 && semver('1.2.3').compareTo(semver('2.0.0')) == -1",
        "semver('1.2.3').compareTo(semver('0.1.2')) == 1 && semver('1.0.0-rc.1').isLessThan(semver('1.0.0'))",
        "semver('1.0.0-alpha.2').isLessThan(semver('1.0.0-alpha.10')) && semver('1.0.0+a') == semver('1.0.0+b')",
    ]);
}

#[test]
fn named_formats() {
    all_hold(&[
        "!format.dns1123Label().validate('my-label-name').hasValue() && format.dns1123Label().validate('My').hasValue()",
        "!format.dns1123Subdomain().validate('apiextensions.k8s.io').hasValue() && format.dns1123Subdomain().validate('a..b').hasValue()",
        "!format.dns1035Label().validate('my-label-name').hasValue() && format.dns1035Label().validate('1a').hasValue()",
        "!format.qualifiedName().validate('apiextensions.k8s.io/v1beta1').hasValue() && format.qualifiedName().validate('a/b/c').hasValue()",
        "!format.dns1123LabelPrefix().validate('my-label-prefix-').hasValue() && format.dns1123Label().validate('my-label-prefix-').hasValue()",
        "!format.dns1123SubdomainPrefix().validate('mysubdomain.prefix.-').hasValue()",
        "!format.dns1035LabelPrefix().validate('my-label-prefix-').hasValue()",
        "!format.labelValue().validate('').hasValue() && format.labelValue().validate('-a').hasValue()",
        "!format.uri().validate('http://example.com').hasValue() && format.uri().validate('no').hasValue()",
        "!format.uuid().validate('123e4567-e89b-12d3-a456-426614174000').hasValue() && format.uuid().validate('1').hasValue()",
        "!format.byte().validate('aGVsbG8=').hasValue() && format.byte().validate('aGVsbG8').hasValue()",
        "!format.date().validate('2021-01-01').hasValue() && format.date().validate('2021-02-30').hasValue()",
        "!format.datetime().validate('2021-01-01T00:00:00Z').hasValue() && format.datetime().validate('2021-01-01').hasValue()",
        "format.named('dns1123Label').value().validate(object.name) == optional.none() && !format.named('none').hasValue()",
        "format.dns1123Label().validate('A').value().join(' ') != ''",
    ]);
}

#[test]
fn images() {
    let digest = "sha256:6aefddb645ee6963afd681b1845c661d0ea4c3b20ab9db86d9e753b203d385f2";
    for text in [
        "isImage('registry.k8s.io/kube-apiserver-arm64:latest') && isImage('nginx') && !isImage('registry.k8s.io//kube-apiserver-arm64')",
        "isImage('registry.k8s.io/kube-apiserver-arm64:latest@DIGEST') && !isImage('a@sha256:1')",
        "image('registry.k8s.io/kube-apiserver-arm64:latest@DIGEST').containsDigest() && !image('nginx').containsDigest()",
        "image('kube-apiserver-arm64:testtag').registry() == 'index.docker.io' && image('registry.k8s.io/a:latest').registry() == 'registry.k8s.io'",
        "image('registry.k8s.io/kube-apiserver-arm64').repository() == 'kube-apiserver-arm64' && image('nginx').repository() == 'library/nginx'",
        "image('registry.k8s.io/a').tag() == 'latest' && image('localhost:5000/a:testtag').tag() == 'testtag' && image('a@DIGEST').tag() == ''",
        "image('registry.k8s.io/a:latest@DIGEST').digest() == 'DIGEST' && image('registry.k8s.io/a:testtag').identifier() == 'testtag'",
        "image('registry.k8s.io/a:latest@DIGEST').identifier() == 'DIGEST'",
    ] {
        let text = text.replace("DIGEST", digest);
        assert_eq!(holds(&text, &json!({})), Ok(true), "{text}");
    }
}

#[test]
fn macros_with_two_variables_and_those_of_optional_values() {
    all_hold(&[
        "[1, 2, 3].all(i, v, i < v) && ![1, 2, 3].all(i, v, v < 3) && {'a': 1}.all(k, v, k == 'a' && v == 1)",
        "['a', 'b'].exists(i, v, i == 1 && v == 'b') && !['a'].exists(i, v, i == 1) && [1, 2].existsOne(i, v, v == 2)",
        "[1, 2, 3].transformList(i, v, i * v) == [0, 2, 6] && [1, 2, 3].transformList(i, v, i > 0, v) == [2, 3]",
        "{'a': 1, 'b': 2}.transformMap(k, v, v + 1) == {'a': 2, 'b': 3} && {'a': 1, 'b': 2}.transformMap(k, v, v > 1, v) == {'b': 2}",
        "object.labels.transformMapEntry(k, v, {v: k}) == {'1': 'a', '2': 'b'} && object.labels.transformList(k, v, k + v) == ['a1', 'b2']",
        "[0, 1].exists(i, v, 1 / v == 1) && ![1, 0].all(i, v, 1 / v == 2)",
        "object.?labels.?a.optMap(v, v + '!') == optional.of('1!') && !object.?none.optMap(v, v).hasValue()",
        "object.?labels.optFlatMap(l, l.?b) == optional.of('2') && optional.of(3).optMap(x, x * 2).value() == 6",
        "[1, 2].first() == optional.of(1) && [1, 2].last().value() == 2 && ![].first().hasValue()",
        "optional.unwrap([optional.of(1), optional.none()]) == [1] && [optional.of(2)].unwrapOpt() == [2]",
        "[?object.?none, ?object.?name] == ['web'] && {?'a': object.?none} == {} && {?'a': object.?name} == {'a': 'web'}",
    ]);
}

#[test]
fn lists_of_the_extension() {
    all_hold(&[
        "[1, 2, 3, 4].slice(1, 3) == [2, 3] && [1, [2, [3]]].flatten() == [1, 2, [3]] && [1, [2, [3]]].flatten(2) == [1, 2, 3]",
        "object.list.sort() == [1, 2, 3] && object.list.reverse() == [2, 1, 3] && [1, 1, 2].distinct() == [1, 2] && lists.range(3) == [0, 1, 2]",
        "[{'n': 2}, {'n': 1}].sortBy(e, e.n) == [{'n': 1}, {'n': 2}] && strings.quote('a\"b') == '\"a\\\\\"b\"'",
    ]);
}

#[test]
fn what_is_not_of_its_kind_is_said() {
    for (text, why) in [
        ("ip('1.2.3') == ip('::1')", "not an IP address"),
        ("cidr('1.2.3.4') == cidr('::1/1')", "not a block of addresses"),
        ("timestamp('yesterday') == timestamp(0)", "not a time of RFC 3339"),
        ("timestamp('9999-12-31T23:59:59Z') + duration('1h') == timestamp(0)", "out of range"),
        ("timestamp(0).getHours('Europe/Berlin') == 0", "is not known here"),
        ("duration('1 day') == duration('1h')", "not a duration"),
        ("url('no') == url('/')", "not an absolute URL"),
        ("semver('Three') == semver('1.0.0')", "not a version"),
        ("image('A B') == image('a')", "not a reference of an image"),
        ("timestamp(0) < duration('1s')", "no overload"),
        ("[1, 'a'].sort() == []", "no overload of a comparison"),
        ("lists.range(2000000).size() == 0", "more steps"),
        ("[1].transformMap(i, v, 1 / 0) == {}", "divided by zero"),
    ] {
        let error = holds(text, &json!({})).expect_err(text);
        assert!(error.contains(why), "{text}: {error}");
    }
}
