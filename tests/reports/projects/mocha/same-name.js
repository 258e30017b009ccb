const assert = require('node:assert/strict');

describe('checkout', () => {
  for (const amount of [1, 2]) it('first passes, then fails', () => assert.equal(amount, 1));
  for (const amount of [1, 2]) it('first fails, then passes', () => assert.equal(amount, 2));
  for (const amount of [1, 2]) it('passes', () => {});
});
