test('total', () => {
  console.log('a line on stdout');
  console.error('a line on stderr');
});
test('price', () => expect(3 * 4).toBe(13));
test('unexpected error', () => { throw new TypeError('customer'); });
test.skip('skipped', () => {});
test.todo('todo');
test.failing('expected failure', () => expect(Math.round(-2.5)).toBe(-3));
test.failing('unexpected pass', () => {});
test.each([1, -1])('amount %i', (amount) => expect(amount).toBeGreaterThan(0));

describe('refund', () => {
  describe('partly', () => {
    it('total', () => {});
    it('price', () => { throw new Error('refund price'); });
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
});
describe('teardown error', () => {
  afterEach(() => { throw new Error('still locked'); });
  it('total', () => {});
  it('price', () => expect(1).toBe(2));
});
describe('setup error of the suite', () => {
  beforeAll(() => { throw new Error('no database for the suite'); });
  it('total', () => {});
});
describe('teardown error of the suite', () => {
  afterAll(() => { throw new Error('still locked'); });
  it('total', () => {});
});
test('Grüße 世界 🛒', () => expect('größe').toBe('価格 🛒'));
test('<b>&"\'</b> a > b', () => { console.log(']]> <![CDATA['); throw new Error(']]> <b>&"\'</b>'); });
