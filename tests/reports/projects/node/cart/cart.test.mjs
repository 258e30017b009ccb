import { test } from 'node:test';

test('total', () => {});
test('price', () => {});
