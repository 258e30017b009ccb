import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';

describe('skipped suite', { skip: true }, () => {
  it('total', () => {});
});
describe('empty suite', () => {});
test('subtests', async (t) => {
  for (const amount of [1, -1]) await t.test(`amount ${amount}`, () => assert.ok(amount > 0));
});
