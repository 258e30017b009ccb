describe('checkout', () => {
  it('total', () => {});
  it('price', () => {});
});
