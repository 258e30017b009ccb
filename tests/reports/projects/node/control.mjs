import { test } from 'node:test';

const text = '\x1b[31mred\x1b[0m \x00\x08\x0c\x7f ]]> \ufffe done';
test('control characters', () => { console.log(text); throw new Error(text); });
test(`in the name: ${text}`, () => {});
