describe('empty suite', () => {});
