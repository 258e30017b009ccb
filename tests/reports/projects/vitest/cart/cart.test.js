import { describe, test } from 'vitest';

test('total', () => {});
test('price', () => {});
describe('refund', () => {
  describe('partly', () => {
    test('total', () => {});
  });
});
