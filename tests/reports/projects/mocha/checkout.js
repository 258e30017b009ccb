const assert = require('node:assert/strict');

let attempts = 0;

describe('checkout', () => {
  it('total', () => {
    console.log('a line on stdout');
    console.error('a line on stderr');
  });
  it('price', () => assert.equal(3 * 4, 13, 'the price is wrong'));
  it('unexpected error', () => { throw new TypeError('customer'); });
  it.skip('skipped', () => {});
  it('skipped inside', function () { this.skip(); });
  it('pending');
  it('passes the second time', function () { this.retries(2); assert.equal(++attempts, 2); });
  it('never passes', function () { this.retries(1); assert.equal(1, 2); });
  for (const amount of [1, -1]) it(`amount ${amount}`, () => assert.ok(amount > 0));
  it('Grüße 世界 🛒', () => assert.equal('größe', '価格 🛒'));
  it('<b>&"\'</b> a > b', () => { throw new Error(']]> <b>&"\'</b>'); });
});
describe('refund', () => {
  describe('partly', () => {
    it('total', () => {});
    it('price', () => assert.fail('refund price'));
  });
});
describe('voucher', () => {
  describe('partly', () => {
    it('total', () => {});
    it('price', () => {});
  });
});
describe('setup error', () => {
  beforeEach(() => { throw new Error('no database'); });
  it('total', () => {});
  it('is left out', () => {});
});
describe('teardown error', () => {
  afterEach(() => { throw new Error('still locked'); });
  it('total', () => {});
  it('is left out', () => {});
});
describe('setup error of the suite', () => {
  before(() => { throw new Error('no database for the suite'); });
  it('is left out', () => {});
});
describe('teardown error of the suite', () => {
  after(() => { throw new Error('still locked'); });
  it('total', () => {});
});
describe('empty suite', () => {});
