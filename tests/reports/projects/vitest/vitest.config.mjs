export default { test: { include: [process.env.ONLY ?? '**/*.test.js'] } };
