import { expect, it } from 'vitest';
import { led, restored } from '../../src/shims/environment.ts';

it('an environment that was led can be restored, however deep', () => {
  const users = { PATH: '/bin', npm_config_registry: 'https://mine.example/' };
  const changes = { npm_config_registry: 'http://127.0.0.1:1/', npm_config_globalconfig: '/run/config' };
  const once = led(users, changes);
  expect(once).toMatchObject(changes);
  expect(restored(once)).toEqual(users);
  expect(restored(led(restored(once), changes))).toEqual(users);
});

it('an environment that was not led is as it was', () => {
  expect(restored({ PATH: '/bin' })).toEqual({ PATH: '/bin' });
});
