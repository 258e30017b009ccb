import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it, test } from 'node:test';

test('total', () => {
  console.log('a line on stdout');
  console.error('a line on stderr');
});
test('price', () => assert.equal(3 * 4, 13, 'the price is wrong'));
test('unexpected error', () => { throw new TypeError('customer'); });
test('skipped', { skip: 'not before 2027 <soon> & "later"' }, () => {});
test('todo that fails', { todo: 'rounding, issue 7' }, () => { assert.equal(Math.round(-2.5), -3); });
test('todo that passes', { todo: true }, () => {});
test('skipped inside', (t) => t.skip('no printer'));

describe('refund', () => {
  describe('partly', () => {
    it('total', () => {});
    it('price', () => assert.fail('refund price'));
  });
  it('total', () => {});
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
});
describe('setup error of the suite', () => {
  before(() => { throw new Error('no database for the suite'); });
  it('total', () => {});
});
describe('teardown error of the suite', () => {
  after(() => { throw new Error('still locked'); });
  it('total', () => {});
});
test('Grüße 世界 🛒', () => assert.equal('größe', '価格 🛒'));
test('<b>&"\'</b> a > b', () => {});
