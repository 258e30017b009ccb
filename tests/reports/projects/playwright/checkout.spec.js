const { expect, test } = require('@playwright/test');

test('total', () => {
  console.log('a line on stdout');
  console.error('a line on stderr');
});
test('price', () => expect(3 * 4, 'the price is wrong').toBe(13));
test('unexpected error', () => { throw new TypeError('customer'); });
test.skip('skipped', () => {});
test('skipped inside', () => test.skip(true, 'not before 2027 <soon> & "later"'));
test.fixme('to be mended', () => {});
test('expected failure', () => { test.fail(true, 'rounding, issue 7'); expect(Math.round(-2.5)).toBe(-3); });
test('unexpected pass', () => { test.fail(); });
test('passes the second time', ({}, info) => {
  console.log(`attempt ${info.retry + 1}`);
  expect(info.retry).toBe(1);
});
test('fails, then another error', ({}, info) => { throw new Error(`attempt ${info.retry + 1}`); });
test('soft failures', () => { expect.soft(1).toBe(2); expect.soft(3).toBe(4); });
test('timeout', async () => { test.setTimeout(200); await new Promise(() => {}); });
for (const amount of [1, -1]) test(`amount ${amount}`, () => expect(amount).toBeGreaterThan(0));
test('tagged', { tag: ['@slow', '@shop'], annotation: { type: 'issue', description: 'SHOP-1 <&>' } }, () => {});
test('attached', async ({}, info) => { await info.attach('note', { body: 'text', contentType: 'text/plain' }); });

test.describe('refund', () => {
  test.describe('partly', () => {
    test('total', () => {});
    test('price', () => { throw new Error('refund price'); });
  });
});
test.describe('voucher', () => {
  test.describe('partly', () => {
    test('total', () => {});
    test('price', () => {});
  });
});
test.describe('setup error', () => {
  test.beforeEach(() => { throw new Error('no database'); });
  test('total', () => {});
});
test.describe('teardown error', () => {
  test.afterEach(() => { throw new Error('still locked'); });
  test('total', () => {});
  test('price', () => expect(1).toBe(2));
});
test.describe('setup error of the suite', () => {
  test.beforeAll(() => { throw new Error('no database for the suite'); });
  test('total', () => {});
  test('price', () => {});
});
test.describe('teardown error of the suite', () => {
  test.afterAll(() => { throw new Error('still locked'); });
  test('total', () => {});
});
test.describe.serial('serial', () => {
  test('first fails', () => expect(1).toBe(2));
  test('second did not run', () => {});
});
test('Grüße 世界 🛒', () => expect('größe').toBe('価格 🛒'));
test('<b>&"\'</b> a > b', () => { console.log(']]> <![CDATA['); throw new Error(']]> <b>&"\'</b>'); });
