import { test } from 'node:test';

test('end of cdata', () => { throw new Error(']]> <![CDATA['); });
