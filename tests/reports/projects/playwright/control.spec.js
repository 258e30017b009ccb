const { expect, test } = require('@playwright/test');

const text = '\x1b[31mred\x1b[0m \x00\x08\x0c\x7f ]]> \ufffe done';
test('control characters', () => { console.log(text); throw new Error(text); });
test('in what is compared', () => expect(text).toBe('plain'));
test(`in the name: ${text}`, () => {});
