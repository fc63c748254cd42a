import assert from 'node:assert/strict';
import { test } from 'node:test';

import { compliance } from '../src/plugin.js';

const seen = (rule, status) => ({ rule, asset: 'a', status, severity: 'medium' });
const stands = (...observations) => compliance.assess(observations).map(({ status }) => status);

test('a control stands where its observations stand', () => {
  assert.deepEqual(stands(seen('no-latest-tag', 'pass'), seen('no-privileged', 'fail')), ['met', 'not-met']);
  assert.deepEqual(stands(seen('no-privileged', 'pass'), seen('limits-set', 'fail')), ['not-assessed', 'partly']);
});

test('what could not be judged proves nothing', () => {
  assert.deepEqual(stands(seen('no-latest-tag', 'error'), seen('limits-set', 'not-applicable')), [
    'not-assessed',
    'not-assessed',
  ]);
});

test('a control names the observations that prove it', () => {
  const observations = [seen('other', 'fail'), seen('limits-set', 'pass'), seen('no-privileged', 'pass')];
  assert.deepEqual(compliance.assess(observations)[1], {
    control: 'example-1:A-2',
    status: 'met',
    items: [1, 2],
    rationale: '2 of 2 observations of no-privileged, limits-set pass.',
  });
});
