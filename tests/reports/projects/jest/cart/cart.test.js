test('total', () => {});
test('price', () => {});
describe('refund', () => {
  describe('partly', () => {
    test('total', () => {});
  });
});
