const { test } = require('@playwright/test');

test('total', () => {});
test('price', () => {});
