import assert from 'node:assert/strict';
import { test } from 'node:test';

for (const amount of [1, 2]) test('first passes, then fails', () => assert.equal(amount, 1));
for (const amount of [1, 2]) test('first fails, then passes', () => assert.equal(amount, 2));
for (const amount of [1, 2]) test('passes', () => {});
