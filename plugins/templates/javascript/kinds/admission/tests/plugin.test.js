import assert from 'node:assert/strict';
import { test } from 'node:test';

import { encode } from '../src/palisade.js';
import { admission } from '../src/plugin.js';

const limits = { cpu: '1', memory: '64Mi' };
const review = (object, kind = 'Pod') => admission.review(encode({ kind: { kind }, object }));
const pod = (...containers) => ({ spec: { containers } });

test('a privileged container is refused', () => {
  const { violations, warnings } = review(
    pod({ resources: { limits } }, { securityContext: { privileged: true }, resources: { limits } }),
  );
  assert.deepEqual(violations, [
    {
      rule: 'no-privileged',
      message: 'The container at /spec/containers/1 is privileged. Remove securityContext.privileged.',
    },
  ]);
  assert.deepEqual(warnings, []);
});

test('missing limits are a warning that names them', () => {
  const { violations, warnings } = review(pod({}, { resources: { limits: { cpu: '1' } } }));
  assert.deepEqual(violations, []);
  assert.deepEqual(warnings.map(({ message }) => message), [
    'The container at /spec/containers/0 has no limit of cpu and memory.',
    'The container at /spec/containers/1 has no limit of memory.',
  ]);
});

test('a deletion and what starts no pods pass', () => {
  const passed = { violations: [], warnings: [], patch: undefined };
  assert.deepEqual(review(null), passed);
  assert.deepEqual(review(pod({}), 'Service'), passed);
});

test('what is no request is an error', () => {
  for (const bytes of [new TextEncoder().encode('{'), encode(null), encode({ object: {} })]) {
    assert.throws(() => admission.review(bytes), /^PluginError: invalid-input: /);
  }
});
