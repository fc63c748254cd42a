import assert from 'node:assert/strict';
import { test } from 'node:test';

import { decode, encode } from '../src/palisade.js';
import { posture } from '../src/plugin.js';

const resource = (kind, body) => ({ asset: 'a', kind, body: encode(body) });
const pod = (...images) => resource('v1/Pod', { spec: { containers: images.map((image) => ({ image })) } });
const status = (image) => posture.check([pod(image)]).results[0].status;

test('an image passes with a digest or a tag other than latest', () => {
  for (const image of ['nginx:1.27', 'registry.example:5000/team/app:1', `nginx@sha256:${'0a'.repeat(32)}`]) {
    assert.equal(status(image), 'pass', image);
  }
});

test('an image fails without a tag, also behind a port, and with the tag latest', () => {
  for (const image of ['nginx', 'nginx:latest', 'registry.example:5000/team/app', 'nginx:']) {
    assert.equal(status(image), 'fail', image);
  }
});

test('a failure says where and shows every image that fails', () => {
  const [result] = posture.check([pod('nginx:1', 'redis', 'app:latest')]).results;
  assert.equal(result.location, '/spec/containers/1/image');
  assert.deepEqual(decode(result.evidence), {
    images: [
      { location: '/spec/containers/1/image', image: 'redis' },
      { location: '/spec/containers/2/image', image: 'app:latest' },
    ],
  });
});

test('init containers of templates are looked at', () => {
  const template = { spec: { initContainers: [{ image: 'busybox' }], containers: [{ image: 'nginx:1' }] } };
  const cronJob = resource('batch/v1/CronJob', { spec: { jobTemplate: { spec: { template } } } });
  const [result] = posture.check([cronJob]).results;
  assert.equal(result.location, '/spec/jobTemplate/spec/template/spec/initContainers/0/image');
});

test('a container without an image is a check that could not be done', () => {
  assert.equal(status(undefined), 'error');
});

test('what starts no pods is left out, and what is no object is a problem', () => {
  const broken = { asset: 'a', kind: 'v1/Pod', body: new TextEncoder().encode('{') };
  const answer = posture.check([resource('v1/Service', {}), broken, resource('v1/Pod', 3)]);
  assert.deepEqual(answer.results, []);
  assert.deepEqual(answer.problems.map((problem) => problem.item), [1, 2]);
});
