require('./no-such-module.js');
