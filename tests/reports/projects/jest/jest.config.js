module.exports = { testEnvironment: 'node', testMatch: [process.env.ONLY ?? '**/*.test.js'] };
