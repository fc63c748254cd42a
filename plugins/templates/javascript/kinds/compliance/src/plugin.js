// A framework of two controls. Each stands where the observations of its rules stand.

/** @typedef {import('./palisade.js').CheckStatus} CheckStatus */
/** @typedef {import('./palisade.js').Severity} Severity */
/** @typedef {{ rule: string, asset: string, status: CheckStatus, severity: Severity }} Observation */

const CONTROLS = [
  { control: 'example-1:A-1', rules: ['no-latest-tag'] },
  { control: 'example-1:A-2', rules: ['no-privileged', 'limits-set'] },
];

export const compliance = {
  /**
   * The status of every control, given all that was observed of a scope.
   * @param {Observation[]} observations
   */
  assess(observations) {
    return CONTROLS.map(({ control, rules }) => {
      const telling = observations
        .map((observation, item) => ({ ...observation, item }))
        .filter(({ rule, status }) => rules.includes(rule) && (status === 'pass' || status === 'fail'));
      const passed = telling.filter(({ status }) => status === 'pass').length;
      return {
        control,
        status: statusOf(passed, telling.length),
        items: telling.map(({ item }) => item),
        rationale:
          telling.length === 0
            ? `Nothing was observed by ${rules.join(', ')}.`
            : `${passed} of ${telling.length} observations of ${rules.join(', ')} pass.`,
      };
    });
  },
};

/**
 * @param {number} passed
 * @param {number} seen
 */
function statusOf(passed, seen) {
  if (seen === 0) return 'not-assessed';
  if (passed === seen) return 'met';
  return passed === 0 ? 'not-met' : 'partly';
}
