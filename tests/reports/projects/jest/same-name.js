test.each([1, 2])('first passes, then fails', (amount) => expect(amount).toBe(1));
test.each([1, 2])('first fails, then passes', (amount) => expect(amount).toBe(2));
test.each([1, 2])('passes', () => {});
describe('refund', () => {
  describe('partly', () => {
    test('total', () => {});
  });
  test('partly total', () => {});
});
