module.exports = {
  testMatch: process.env.ONLY ?? /checkout|cart/,
  workers: 1,
  projects: [{ name: 'phone' }, { name: 'desktop <&>', testMatch: process.env.ONLY ?? /cart/ }],
};
