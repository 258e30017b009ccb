const assert = require('node:assert/strict');

const text = '\x1b[31mred\x1b[0m \x00\x08\x0c\x7f ]]> \ufffe done';
describe('control', () => {
  it('control characters', () => { console.log(text); throw new Error(text); });
  it('in what is compared', () => assert.equal(text, 'plain'));
  it(`in the name: ${text}`, () => {});
});
